// `ishara user`: people come, get keys and roles, and leave. A new person makes her own key; an
// admin signs who works for the organisation; a lead hands out the keys of queues.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/enrolling.hpp"
#include "gateway/commands/key_files.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/passphrase.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/roster_signing.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using identity::OrganisationRoster;

struct Options {
  StewardOptions steward;
  std::string desk_for_sheet;
  std::string user;
  std::string code;
  fs::path new_passphrase_file;
  bool digits = false;
  std::vector<std::string> roles;
  std::vector<std::string> queues;
  std::vector<std::string> words;
  std::vector<std::string> new_keys;
  std::string queue;
  bool no_queues = false;
};

// --- Coming

void invite(Steward& steward, const DeskClient::Settings& settings, const Options& options) {
  const auto invitation = steward.invite();
  EnrolmentSheet sheet{
      options.desk_for_sheet.empty() ? address_text(settings.desk) : options.desk_for_sheet,
      settings.root_key, invitation.user, invitation.code, moment_text(invitation.until)};
  if (options.steward.json) {
    print_json({{"user", crypto::hex(sheet.user)},
                {"code", code_groups(sheet.code)},
                {"until", invitation.until},
                {"desk", sheet.desk},
                {"root_key", crypto::hex(sheet.root_key)}});
    return;
  }
  const auto page = printed(sheet);
  std::fwrite(page.data(), 1, page.size(), stdout);
}

identity::HeldKey key_of_new_person(const Options& options, const crypto::Id& user) {
  const fs::path file{options.steward.client.key_file};
  std::error_code error;
  if (!fs::exists(fs::symlink_status(file, error))) {
    identity::HeldKey key{identity::KeyKind::user, user, crypto::random_secret<32>()};
    const auto passphrase = hand_over_new_passphrase(options.digits, options.new_passphrase_file);
    const auto sealed = identity::blocking_seal_key(key, crypto::view(passphrase));
    if (const auto written = config::write_key_file(file, sealed); !written)
      throw CommandError{file.string() + ": " + written.error().message(),
                         "name a new file with --key, in a folder that is yours"};
    return key;
  }
  // She made it before, and the desk did not get it.
  const auto passphrase = given_passphrase(options.steward.client.passphrase_file,
                                           "Passphrase of " + file.string() + ": ");
  if (!passphrase || passphrase->empty())
    throw CommandError{file.string() + " is there already, and there is no passphrase for it",
                       "type its passphrase, or name a new file with --key"};
  auto key = open_sealed_key(file, crypto::view(*passphrase));
  if (key.kind != identity::KeyKind::user || key.id != user)
    throw CommandError{file.string() + " is there already, and is of somebody else",
                       "name a new file with --key"};
  return key;
}

void enrol(const CLI::App& root, const Options& options) {
  const auto settings = desk_settings(root, options.steward.client);
  const auto user = crypto::from_hex_exact<16>(options.user);
  if (!user) throw CommandError{"the user is not 32 hexadecimal digits", "copy it from your sheet"};
  auto typed = options.code;
  if (typed.empty()) {
    const auto answer = ask("The code on your sheet: ");
    if (!answer)
      throw CommandError{"there is no terminal to ask for the code on", "give it with --code"};
    typed = std::string{crypto::view(*answer)};
  }
  const auto code = read_code(typed);
  if (!code)
    throw CommandError{"the code is not eight groups of four of 0 to 9 and a to f",
                       "copy it from your sheet"};
  const auto key = key_of_new_person(options, *user);
  const auto words = identity::user_fingerprint(identity::user_signing_key(key.seed).public_key,
                                                identity::user_box_key(key.seed).public_key);
  const auto root_words = identity::key_fingerprint(identity::KeyKind::root, settings.root_key);
  show_keys(settings.desk, key, *code);
  if (options.steward.json) {
    print_json({{"user", crypto::hex(*user)}, {"words", words}, {"root_words", root_words}});
    return;
  }
  std::printf(
      "Your key is in %s, and the desk has its public half.\n\n"
      "The root key that you typed, in words. Compare them with your sheet:\n\n    %s\n\n"
      "Your own eight words. Read them to your admin, face to face:\n\n    %s\n\n"
      "When she has signed you in and a lead has given you the keys, go on with\n"
      "  ishara queue list --key %s --desk %s \\\n    --root-key %s\n",
      options.steward.client.key_file.c_str(), root_words.c_str(), words.c_str(),
      options.steward.client.key_file.c_str(), address_text(settings.desk).c_str(),
      crypto::hex(settings.root_key).c_str());
}

// The words are not shown: the admin types those that she hears.
void list_invited(Steward& steward, const Options& options) {
  const auto invited = steward.invited();
  for (const auto& person : invited) {
    if (options.steward.json) {
      print_json({{"user", crypto::hex(person.user)},
                  {"until", person.until},
                  {"has_keys", person.keys.has_value()}});
      continue;
    }
    std::printf("%s  %s, until %s\n", crypto::hex(person.user).c_str(),
                person.keys ? "has made her key and waits" : "has not made her key yet",
                moment_text(person.until).c_str());
  }
  if (invited.empty() && !options.steward.json) std::printf("Nobody waits.\n");
}

std::string_view first(const std::vector<std::string>& words) {
  return words.empty() ? std::string_view{} : std::string_view{words.front()};
}

void admit(Steward& steward, const Options& options) {
  const auto user = id_of(options.user);
  const auto invited = steward.invited();
  const auto found = std::ranges::find(invited, user, &Steward::Invited::user);
  if (found == invited.end())
    throw CommandError{"nobody with this id is invited, or it was too long ago",
                       "see who waits with `ishara user waiting`, or invite her anew"};
  if (!found->keys)
    throw CommandError{"she has not made her key yet",
                       "ask her to run `ishara user enrol` as it stands on her sheet"};
  compare_words(std::string{first(options.words)},
                identity::user_fingerprint(found->keys->signing, found->keys->box),
                "Type the eight words that she reads to you from her screen: ",
                "these are not the words of the keys that the desk shows for her",
                "do not admit her. Read the words once more, face to face; if they still differ, "
                "the desk has other keys than hers: tell your lead and an operator");
  auto next = steward.next_roster();
  require(identity::add_member(next, {user, found->keys->signing, found->keys->box, options.roles,
                                      queue_ids(steward, options.queues)}));
  sign_and_publish(steward, next, options.steward,
                   options.queues.empty() ? ""
                                          : "A lead gives her the keys of her queues with\n"
                                            "  ishara user grant\n");
}

// --- Changing and leaving

// Queues for which she works before and not after.
std::vector<crypto::Id> lost_queues(const OrganisationRoster::Member& before,
                                    const OrganisationRoster::Member& after) {
  std::vector<crypto::Id> out;
  for (const auto& queue : before.queues)
    if (identity::works_for(before, queue) && !identity::works_for(after, queue))
      out.push_back(queue);
  return out;
}

// A new key for the queue, if one is at hand: from the line, or one of her own that waits.
std::optional<crypto::PublicKey> new_key(Steward& steward, const OrganisationRoster::Queue& queue,
                                         const Options& options) {
  for (std::size_t i = 0; i < options.new_keys.size(); ++i) {
    const auto& given = options.new_keys[i];
    const auto colon = given.find(':');
    if (given.substr(0, colon) != queue.name) continue;
    const auto key = public_key_of(colon == given.npos ? "" : given.substr(colon + 1));
    compare_words(i < options.words.size() ? options.words[i] : "",
                  identity::queue_fingerprint(queue.id, queue.generation + 1, key),
                  "Type the eight words of the new key of " + queue.name +
                      ", as its lead reads them to you: ",
                  "these are not the words of the new key that you gave for " + queue.name,
                  "ask the lead to run `ishara org rotate " + queue.name + "` once more");
    return key;
  }
  const auto waiting = steward.waiting_key(queue.name);
  if (waiting && waiting->queue == queue.id && waiting->generation == queue.generation + 1)
    return waiting->public_key;
  return std::nullopt;
}

// Gives new keys to queues that she knows the keys of; returns what remains to be done.
std::string rotate_lost(Steward& steward, OrganisationRoster& next,
                        const std::vector<crypto::Id>& queues, const Options& options) {
  std::string then;
  for (const auto& given : options.new_keys) {
    const auto& named = steward.queue(given.substr(0, given.find(':')));
    if (std::ranges::find(queues, named.id) == queues.end())
      throw CommandError{"she has no key of the queue " + named.name + " to take away",
                         "leave its new key away, or use `ishara org rotate`"};
  }
  for (const auto& id : queues) {
    const auto& queue = *std::ranges::find(next.queues, id, &OrganisationRoster::Queue::id);
    if (queue.retired) continue;
    if (const auto key = new_key(steward, queue, options)) {
      require(identity::rotate_queue(next, id, *key));
      then += "A lead of " + queue.name + " hands its new key out:\n  ishara user grant " +
              queue.name + "\n";
    }
  }
  return then;
}

// Reports that were deleted need no transfers any more, and a roster has no room for all of them.
void forget_transfers(OrganisationRoster& next, const Steward::Transfers& transfers) {
  (void)identity::prune_transfers(next, transfers.all);  // none may be too many
}

void revoke(Steward& steward, const Options& options) {
  const auto user = id_of(options.user);
  const auto queues = lost_queues(steward.member(user), {});
  const auto transfers = steward.transfers(user, queues);
  auto next = steward.next_roster();
  const auto then = rotate_lost(steward, next, queues, options);
  forget_transfers(next, transfers);
  require(identity::remove_member(next, user, transfers.given_away));
  sign_and_publish(steward, next, options.steward, then);
}

void change(Steward& steward, const Options& options) {
  const auto user = id_of(options.user);
  const auto member = steward.member(user);
  auto after = member;
  if (!options.roles.empty()) after.roles = options.roles;
  if (options.no_queues) after.queues.clear();
  if (!options.queues.empty()) after.queues = queue_ids(steward, options.queues);
  const auto lost = lost_queues(member, after);
  const auto transfers = steward.transfers(user, lost);
  auto next = steward.next_roster();
  auto then = rotate_lost(steward, next, lost, options);
  forget_transfers(next, transfers);
  require(identity::change_member(next, user, after.roles, after.queues, transfers.given_away));
  if (!lost_queues(after, member).empty())
    then += "A lead gives her the keys of her new queues with\n  ishara user grant\n";
  sign_and_publish(steward, next, options.steward, then);
}

// --- Keys of queues

void grant(Steward& steward, const Options& options) {
  if (!steward.has_role("lead"))
    throw CommandError{"only a lead hands out the keys of queues",
                       "see who is one with `ishara org show`"};
  std::size_t granted = 0;
  for (const auto* queue : steward.own_queues()) {
    if (!options.queue.empty() && queue->name != options.queue) continue;
    const auto people = steward.grant(*queue);
    ++granted;
    if (options.steward.json) {
      json::array ids;
      for (const auto& person : people) ids.push_back(json::string{crypto::hex(person)});
      print_json({{"queue", queue->name},
                  {"generation", queue->generation},
                  {"people", people.size()},
                  {"to", std::move(ids)}});
      continue;
    }
    std::printf("%s: its key of generation %u is sealed to the recovery key and to\n",
                queue->name.c_str(), queue->generation);
    for (const auto& person : people) {
      const auto& member = *steward.directory().member(person);
      std::printf("  %s  %s\n", crypto::hex(person).c_str(),
                  identity::user_fingerprint(member.signing_key, member.box_key).c_str());
    }
  }
  if (granted == 0)
    throw CommandError{options.queue.empty() ? "you work for no queue of your organisation"
                                             : "you do not work for a queue of this name",
                       "see the queues and their people with `ishara org show`"};
}

using Action = void (*)(Steward&, const Options&);

}  // namespace

void add_user(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* user =
      root.add_subcommand("user", "People: invite, enrol, waiting, admit, change, revoke, grant");
  user->require_subcommand(1);
  add_steward_options(*user, options->steward);
  const std::string known = "--desk https://desk.example.org --key admin.key";
  const std::string id = "6f1c0000000000000000000000000000";
  user->footer("Example:\n  ishara user invite " + known);

  const auto add = [&](const char* name, const char* help, const std::string& example,
                       Action action) {
    auto* const command = user->add_subcommand(name, help);
    command->footer("Example:\n  ishara user " + std::string{name} + " " + known + example);
    command->callback([&root, &exit_code, options, action] {
      exit_code = with_steward(root, options->steward,
                               [&](Steward& steward) { action(steward, *options); });
    });
    return command;
  };
  const auto with_user = [&](CLI::App* command) {
    command->add_option("user", options->user, "Her id")->type_name("ID")->required();
  };
  const auto with_work = [&](CLI::App* command) {
    command
        ->add_option("--roles", options->roles,
                     "What she may do: caseworker, lead, admin, auditor; with commas")
        ->delimiter(',');
    command->add_option("--queues", options->queues, "Names of her queues, with commas")
        ->delimiter(',');
  };
  const auto with_new_keys = [&](CLI::App* command) {
    command
        ->add_option("--new-key", options->new_keys,
                     "A new key for a queue that she leaves, as its lead made it with `ishara org "
                     "rotate`; may be repeated")
        ->type_name("QUEUE:HEX")
        ->expected(1)
        ->take_all();
    command
        ->add_option("--words", options->words,
                     "The eight words of each new key, in the same order (default: ask)")
        ->expected(1)
        ->take_all();
  };

  auto* const invites = user->add_subcommand(
      "invite", "Make a one-time code and print the sheet for a new person (admins)");
  invites->footer("Example:\n  ishara user invite " + known + " | lp");
  invites
      ->add_option("--desk-on-sheet", options->desk_for_sheet,
                   "Address of the desk as the new person reaches it (default: yours)")
      ->type_name("URL");
  invites->callback([&root, &exit_code, options] {
    exit_code = with_desk(root, options->steward.client,
                          [&](const DeskClient::Settings& settings, std::string_view passphrase) {
                            Steward steward{settings, passphrase};
                            steward.directory();
                            invite(steward, settings, *options);
                          });
  });

  auto* const enrols = user->add_subcommand(
      "enrol", "Make your key and show its public half to the desk (new people)");
  enrols->footer(
      "Example:\n  ishara user enrol --key my.key --desk https://desk.example.org \\\n"
      "    --root-key 64-DIGITS --user " +
      id + "\n\nAll of it stands on the sheet that your admin gave you. --key names a new file.");
  enrols->add_option("--user", options->user, "Your id")->type_name("ID")->required();
  enrols
      ->add_option("--code", options->code,
                   "The code on the sheet, for scripts (default: ask, since whoever else uses this "
                   "computer sees in its list of processes what stands on a line)")
      ->type_name("CODE");
  enrols
      ->add_option("--new-passphrase-file", options->new_passphrase_file,
                   "Write the new passphrase into this new file instead of showing it")
      ->type_name("FILE");
  enrols->add_flag("--digits", options->digits,
                   "A passphrase of 24 digits instead of six English words");
  enrols->callback([&root, &exit_code, options] {
    exit_code = with_complaints([&] { enrol(root, *options); });
  });

  add("waiting", "Who is invited, and who has made her key (admins, leads)", "", list_invited);

  auto* const admits =
      add("admit", "Sign a new person in, if her words are right (admins)",
          " \\\n    --organisation-key organisation.key --roles caseworker --queues helpers " + id,
          admit);
  with_user(admits);
  with_work(admits);
  admits->get_option("--roles")->required();
  admits
      ->add_option("--words", options->words,
                   "The eight words that she reads to you (default: ask)")
      ->expected(1);
  add_signing_options(*admits, options->steward);

  auto* const alters =
      add("change", "Give a member other roles or queues (admins)",
          " \\\n    --organisation-key organisation.key --roles caseworker,lead " + id, change);
  with_user(alters);
  with_work(alters);
  alters->add_flag("--no-queues", options->no_queues, "Take all queues away")->excludes("--queues");
  with_new_keys(alters);
  add_signing_options(*alters, options->steward);

  auto* const revokes =
      add("revoke", "Take a member out of the roster (admins)",
          " \\\n    --organisation-key organisation.key " + id +
              "\n\nWhat she gave away stays given, and her notes stay readable with a mark.",
          revoke);
  with_user(revokes);
  with_new_keys(revokes);
  add_signing_options(*revokes, options->steward);

  add("grant", "Seal the keys of your queues to their people and to the recovery key (leads)",
      " helpers", grant)
      ->add_option("queue", options->queue, "Name of the queue (default: all of yours)");
}

}  // namespace ishara::commands
