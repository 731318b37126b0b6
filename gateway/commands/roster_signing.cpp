#include "gateway/commands/roster_signing.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/roster_file.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {

namespace json = boost::json;

void write_rosters(const std::filesystem::path& file,
                   std::span<const identity::SignedRoster> rosters) {
  const std::string text = identity::write_roster_file(rosters);
  errno = 0;
  auto* const out = std::fopen(file.c_str(), "wbx");
  if (out == nullptr && errno == EEXIST)
    throw CommandError{file.string() + ": the file exists already", "name a new file"};
  const bool written =
      out != nullptr && std::fwrite(text.data(), 1, text.size(), out) == text.size();
  const bool closed = out != nullptr && std::fclose(out) == 0;
  if (!written || !closed)
    throw CommandError{file.string() + " cannot be written", "name a file in a folder of yours"};
}

void tell_written(const std::filesystem::path& file, const char* whose, std::uint64_t version,
                  bool as_json) {
  if (as_json)
    std::printf(
        "%s\n",
        json::serialize(json::object{{"file", file.string()}, {"version", version}}).c_str());
  else
    std::printf(
        "Version %llu of %s is in %s. It holds no secret; on the server:\n"
        "  ishara org import %s\n",
        static_cast<unsigned long long>(version), whose, file.c_str(), file.c_str());
}

void add_steward_options(CLI::App& command, StewardOptions& options) {
  add_client_options(command, options.client);
  command.add_flag("--json", options.json, "One JSON object a line");
}

void add_signing_options(CLI::App& command, StewardOptions& options) {
  add_held_key_options(command, options.organisation_key, "organisation", false);
  command
      .add_option("--out", options.out,
                  "Write the signed roster into this new file, for `ishara org import`, instead of "
                  "showing it to the desk")
      ->type_name("FILE");
  command.add_flag("--yes", options.yes, "Sign without asking");
}

int with_steward(const CLI::App& root, const StewardOptions& options,
                 const std::function<void(Steward&)>& action) {
  return with_desk(root, options.client,
                   [&](DeskClient::Settings settings, std::string_view passphrase) {
                     Steward steward{std::move(settings), passphrase};
                     steward.directory();
                     action(steward);
                   });
}

void agree_to(const std::vector<std::string>& lines, bool yes, bool json) {
  if (!json)
    for (const auto& line : lines) std::printf("  %s\n", line.c_str());
  std::fflush(stdout);
  if (yes) return;
  if (json)
    throw CommandError{"with --json nobody is shown what is to change", "say --yes with it"};
  const auto answer = ask("Is this what you want (yes/no)? ");
  if (!answer)
    throw CommandError{"there is no terminal to ask on", "say --yes to go on without a question"};
  if (crypto::view(*answer) != "yes")
    throw CommandError{"nothing was changed", "answer yes to go on"};
}

std::vector<std::string> queues_to_rotate(const identity::OrganisationRoster& before,
                                          const identity::OrganisationRoster& next) {
  const auto leaves = [&](const identity::OrganisationRoster::Member& member,
                          const crypto::Id& queue) {
    const auto now =
        std::ranges::find(next.members, member.id, &identity::OrganisationRoster::Member::id);
    return identity::works_for(member, queue) &&
           (now == next.members.end() || !identity::works_for(*now, queue));
  };
  std::vector<std::string> out;
  for (const auto& queue : next.queues) {
    const auto was =
        std::ranges::find(before.queues, queue.id, &identity::OrganisationRoster::Queue::id);
    if (!queue.retired && was != before.queues.end() && was->box_key == queue.box_key &&
        std::ranges::any_of(before.members,
                            [&](const auto& member) { return leaves(member, queue.id); }))
      out.push_back(queue.name);
  }
  return out;
}

namespace {

std::string warning_of(const std::vector<std::string>& queues) {
  std::string out;
  for (const auto& queue : queues)
    out += "Who leaves knows the key of " + queue +
           ", and opens what it gets until a lead of it makes a new one:\n  ishara org rotate " +
           queue + "\n";
  return out;
}

void tell_version(const Steward::Published& published, const std::string& file,
                  const std::vector<std::string>& queues) {
  json::object out{{"version", published.version},
                   {"in_force", published.in_force()},
                   {"until", published.until > 0 ? json::value(published.until) : json::value{}},
                   {"needs_new_keys", json::value_from(queues)}};
  if (!file.empty()) out["file"] = file;
  print_json(out);
}

}  // namespace

void tell_published(const Steward::Published& published, bool json,
                    const std::vector<std::string>& to_rotate, const std::string& then) {
  if (json) return tell_version(published, "", to_rotate);
  const auto next = then + warning_of(to_rotate);
  if (published.in_force()) {
    std::printf("Version %llu of the roster is in force.\n%s",
                static_cast<unsigned long long>(published.version), next.c_str());
    return;
  }
  std::printf(
      "Version %llu of the roster waits for a second person. Until %s another admin or a\n"
      "lead of your organisation reads it and agrees with\n  ishara org confirm\n%s%s",
      static_cast<unsigned long long>(published.version), moment_text(published.until).c_str(),
      next.empty() ? "" : "Then:\n", next.c_str());
}

Steward::Published sign_and_publish(Steward& steward, const identity::OrganisationRoster& next,
                                    const StewardOptions& options, const std::string& then) {
  if (!steward.has_role("admin"))
    throw CommandError{"only an admin signs the roster of an organisation",
                       "see who is one with `ishara org show`"};
  if (options.organisation_key.file.empty())
    throw CommandError{"the roster is signed with the organisation's key",
                       "name its key file with --organisation-key"};
  const auto& before = steward.organisation().roster;
  const auto to_rotate = queues_to_rotate(before, next);
  agree_to(identity::changes(before, next), options.yes, options.json);
  const auto key = held_key(options.organisation_key, identity::KeyKind::organisation);
  if (!options.out.empty()) {
    const std::array rosters{steward.sign(next, key)};
    write_rosters(options.out, rosters);
    const Steward::Published written{next.version, Steward::Published::not_shown};
    if (options.json) {
      tell_version(written, options.out.string(), to_rotate);
      return written;
    }
    tell_written(options.out, "the roster", next.version, false);
    std::printf("Then:\n%s%s", then.c_str(), warning_of(to_rotate).c_str());
    return written;
  }
  const auto published = steward.publish(next, key);
  tell_published(published, options.json, to_rotate, then);
  return published;
}

void require(const boost::system::result<void>& edit) {
  if (!edit)
    throw CommandError{"this change cannot be made: " + edit.error().message(),
                       "nothing was changed; see what there is with `ishara org show`"};
}

crypto::Id id_of(const std::string& text) {
  const auto id = crypto::from_hex_exact<16>(text);
  if (!id)
    throw CommandError{"this is not an id of 32 hexadecimal digits",
                       "see the ids with `ishara org show` and `ishara user waiting`"};
  return *id;
}

crypto::PublicKey public_key_of(const std::string& text) {
  const auto key = crypto::from_hex_exact<32>(text);
  if (!key)
    throw CommandError{"this is not a public key of 64 hexadecimal digits",
                       "copy it as it was printed where it was made"};
  return *key;
}

std::vector<crypto::Id> queue_ids(Steward& steward, const std::vector<std::string>& names) {
  std::vector<crypto::Id> out;
  for (const auto& name : names) out.push_back(steward.queue(name).id);
  return out;
}

void compare_words(const std::string& typed, const std::string& words, const std::string& question,
                   const std::string& refusal, const std::string& advice) {
  auto given = crypto::wiped_copy(typed);
  if (typed.empty()) {
    auto answer = ask(question);
    if (!answer)
      throw CommandError{"there is no terminal to type the words on", "give them with --words"};
    given = std::move(*answer);
  }
  const auto read = identity::read_words(crypto::view(given));
  if (!read)
    throw CommandError{"these are not words of Ishara's list", "type the eight words as they are"};
  if (crypto::view(*read) != words) throw CommandError{refusal, advice};
}

}  // namespace ishara::commands
