// `ishara org`: an organisation's roster and the keys of its queues. What is signed is signed here,
// with keys that the desk never sees; org_offline.cpp has what needs no desk.

#include "gateway/commands/org.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/roster_signing.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/words.hpp"
#include "routing/model/names.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;
using identity::Directory;
using identity::OrganisationRoster;

struct Options {
  StewardOptions steward;
  HeldKeyOptions recovery_key;
  std::string file;
  std::string queue;
  std::string public_key;
  std::string id;
  std::string words;
  std::string fallback;
  std::vector<std::string> members;
  std::string proposer;
  bool finish = false;
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + printable(word);
  return out.empty() ? "-" : out;
}

// --- What there is

std::string name_of_queue(const Directory& directory, const crypto::Id& id) {
  const auto* const queue = directory.queue(id);
  return queue == nullptr ? crypto::hex(id) : queue->name;
}

std::vector<std::string> queue_names(const Directory& directory, const Directory::Member& member) {
  std::vector<std::string> out;
  for (const auto& queue : member.queues) out.push_back(name_of_queue(directory, queue));
  return out;
}

std::string queue_text(const Directory& directory, const Directory::Queue& queue) {
  std::string out =
      "generation " + std::to_string(queue.generation) + ", key " + crypto::hex(queue.kid);
  for (const auto& earlier : queue.earlier)
    out += ", still opens generation " + std::to_string(earlier.generation);
  if (queue.fallback) out += ", falls back to " + name_of_queue(directory, *queue.fallback);
  if (queue.retired) out += ", retired";
  return out;
}

void show_text(Steward& steward) {
  const auto& directory = steward.directory();
  std::printf("Deployment %s, root roster version %llu\n  root key in words: %s\n",
              crypto::hex(directory.deployment()).c_str(),
              static_cast<unsigned long long>(directory.root_version()),
              identity::key_fingerprint(identity::KeyKind::root, steward.root_key()).c_str());
  for (const char* use : {"gateway", "relay"})
    for (const auto& service : directory.services(use))
      std::printf(
          "  %-8s %s%s\n", use, crypto::hex(crypto::key_id(service.public_key)).c_str(),
          service.until
              ? (", until " + moment_text(std::int64_t{*service.until} * 3600 + 3600)).c_str()
              : "");
  const auto& organisations = directory.organisations();
  for (std::size_t i = 0; i < organisations.size(); ++i) {
    const auto& organisation = organisations[i];
    std::printf("\n%s (%s) %s, roster version %llu\n", printable(organisation.name).c_str(),
                std::string{identity::name_of(organisation.organisation_class)}.c_str(),
                crypto::hex(organisation.id).c_str(),
                static_cast<unsigned long long>(directory.organisation_versions()[i]));
    std::printf("  key in words:      %s\n",
                identity::key_fingerprint(identity::KeyKind::organisation, organisation.signing_key)
                    .c_str());
    if (organisation.id == steward.organisation().entry.id)
      std::printf("  recovery in words: %s\n",
                  identity::key_fingerprint(identity::KeyKind::recovery,
                                            steward.organisation().roster.recovery_key)
                      .c_str());
    for (const auto& queue : directory.queues())
      if (queue.organisation == organisation.id)
        std::printf("  queue  %-24s %s\n", queue.name.c_str(),
                    queue_text(directory, queue).c_str());
    for (const auto& member : directory.members()) {
      if (member.organisation != organisation.id) continue;
      std::printf("  member %s  %s; queues: %s\n         %s\n", crypto::hex(member.id).c_str(),
                  joined(member.roles).c_str(), joined(queue_names(directory, member)).c_str(),
                  identity::user_fingerprint(member.signing_key, member.box_key).c_str());
    }
    for (const auto& former : directory.former_members())
      if (former.organisation == organisation.id)
        std::printf("  left   %s\n", crypto::hex(former.id).c_str());
  }
}

json::object show_json(Steward& steward) {
  const auto& directory = steward.directory();
  json::array organisations, queues, members, former, services;
  for (const char* use : {"gateway", "relay"})
    for (const auto& service : directory.services(use))
      services.push_back(
          json::object{{"use", use},
                       {"pk", crypto::hex(service.public_key)},
                       {"until", service.until ? json::value(*service.until) : json::value{}}});
  for (std::size_t i = 0; i < directory.organisations().size(); ++i) {
    const auto& organisation = directory.organisations()[i];
    organisations.push_back(
        json::object{{"id", crypto::hex(organisation.id)},
                     {"name", organisation.name},
                     {"class", identity::name_of(organisation.organisation_class)},
                     {"sign_pk", crypto::hex(organisation.signing_key)},
                     {"version", directory.organisation_versions()[i]}});
  }
  for (const auto& queue : directory.queues()) {
    json::array earlier;
    for (const auto& key : queue.earlier) earlier.push_back(key.generation);
    queues.push_back(json::object{
        {"id", crypto::hex(queue.id)},
        {"name", queue.name},
        {"organisation", crypto::hex(queue.organisation)},
        {"generation", queue.generation},
        {"kid", crypto::hex(queue.kid)},
        {"earlier", std::move(earlier)},
        {"fallback",
         queue.fallback ? json::value(name_of_queue(directory, *queue.fallback)) : json::value{}},
        {"retired", queue.retired}});
  }
  for (const auto& member : directory.members())
    members.push_back(
        json::object{{"id", crypto::hex(member.id)},
                     {"organisation", crypto::hex(member.organisation)},
                     {"roles", json::array(member.roles.begin(), member.roles.end())},
                     {"queues", json::value_from(queue_names(directory, member))},
                     {"words", identity::user_fingerprint(member.signing_key, member.box_key)}});
  for (const auto& one : directory.former_members())
    former.push_back(
        json::object{{"id", crypto::hex(one.id)}, {"organisation", crypto::hex(one.organisation)}});
  return {{"deployment", crypto::hex(directory.deployment())},
          {"root_version", directory.root_version()},
          {"organisations", std::move(organisations)},
          {"queues", std::move(queues)},
          {"members", std::move(members)},
          {"former", std::move(former)},
          {"services", std::move(services)}};
}

void show(Steward& steward, const Options& options) {
  if (!options.file.empty()) write_rosters(options.file, steward.rosters());
  if (options.steward.json)
    print_json(show_json(steward));
  else
    show_text(steward);
}

// --- Keys of queues

void refuse_unless_lead(Steward& steward, const char* what) {
  if (!steward.has_role("lead"))
    throw CommandError{"only a lead " + std::string{what},
                       "see who is one with `ishara org show`, or give --public-key as admin"};
}

// What a lead hands to the admin, and reads to her.
void tell_next_key(Steward& steward, const Steward::NextKey& key, const Options& options,
                   const std::string& command) {
  const auto words = identity::queue_fingerprint(key.queue, key.generation, key.public_key);
  if (options.steward.json) {
    print_json({{"queue", options.queue},
                {"id", crypto::hex(key.queue)},
                {"generation", key.generation},
                {"public_key", crypto::hex(key.public_key)},
                {"words", words}});
    return;
  }
  auto line = "ishara org " + command + " " + options.queue + " \\\n    --public-key " +
              crypto::hex(key.public_key);
  if (command == "add-queue")
    line +=
        " \\\n    --id " + crypto::hex(key.queue) + " --members " + crypto::hex(steward.user_id());
  std::printf(
      "A key for %s, generation %u, waits beside your key file. An admin puts it into the roster\n"
      "with\n\n  %s\n\nand asks you for its eight words:\n\n    %s\n\n"
      "Once that is in force, hand the key out:\n  ishara user grant %s\n",
      options.queue.c_str(), key.generation, line.c_str(), words.c_str(), options.queue.c_str());
}

void compare_key_words(const Options& options, const crypto::Id& queue, std::uint32_t generation,
                       const crypto::PublicKey& key) {
  compare_words(options.words, identity::queue_fingerprint(queue, generation, key),
                "Type the eight words of the new key, as its lead reads them to you: ",
                "these are not the words of this key for this queue and generation",
                "ask the lead for the public key and the words once more; she can run the same "
                "command again");
}

// Of a key that came into force a moment ago: the desk has stored the roster and takes it up within
// five seconds, and until then knows nothing of the key.
std::size_t grant_soon(Steward& steward, const std::string& queue) {
  constexpr int most_attempts = 20;
  for (int attempt = 1;; ++attempt) {
    try {
      return steward.grant(*steward.directory().queue_named(queue)).size();
    } catch (const DeskRefusal& refusal) {
      if ((refusal.status() != 404 && refusal.status() != 422) || attempt == most_attempts) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
  }
}

// Of her own key that is in force now.
void hand_out(Steward& steward, const Options& options) {
  const auto people = grant_soon(steward, options.queue);
  if (!options.steward.json)
    std::printf("The key is sealed to %zu %s and to the recovery key.\n", people,
                people == 1 ? "person" : "people");
}

void tell_compared(const Steward::Compared& compared, const Options& options) {
  if (options.steward.json) {
    json::array by;
    for (const auto& [user, texts] : compared.mended)
      by.push_back(json::object{{"user", crypto::hex(user)}, {"texts", texts}});
    print_json({{"queue", options.queue},
                {"compared", compared.texts},
                {"unopened", compared.unopened},
                {"mended", std::move(by)}});
    return;
  }
  if (compared.texts > 0)
    std::printf("Texts and notes that were sealed anew: %zu. Each was opened once more.\n",
                compared.texts);
  for (const auto& [user, texts] : compared.mended)
    std::printf(
        "Member %s had sealed %zu of them so that nobody could open them; that is put right.\n"
        "No client does it by mistake: tell your admin.\n",
        crypto::hex(user).c_str(), texts);
  if (compared.unopened > 0)
    std::printf("%zu of them opened neither before nor now.\n", compared.unopened);
}

void finish(Steward& steward, const Options& options) {
  const auto queue = *steward.directory().queue(steward.queue(options.queue).id);
  if (queue.earlier.empty())
    throw CommandError{"the queue " + queue.name + " has no earlier key",
                       "there is nothing to finish"};
  const bool leads = steward.has_role("lead") &&
                     identity::works_for(*steward.directory().member(steward.user_id()), queue.id);
  if (leads) {
    tell_compared(steward.compare_former_wraps(queue), options);
    const auto forgotten = steward.forget_grants(queue);
    if (!options.steward.json)
      std::printf("Nothing is sealed to the earlier %s any more; %s forgotten at the desk.\n",
                  forgotten == 1 ? "key" : "keys", forgotten == 1 ? "it is" : "they are");
  }
  if (options.steward.organisation_key.file.empty() && leads) {
    if (options.steward.json)
      print_json({{"queue", queue.name}, {"forgotten", queue.earlier.size()}});
    else
      std::printf("An admin takes %s out of the roster with\n  ishara org rotate %s --finish\n",
                  queue.earlier.size() == 1 ? "it" : "them", queue.name.c_str());
    return;
  }
  auto next = steward.next_roster();
  for (const auto& earlier : queue.earlier)
    require(identity::drop_generation(next, queue.id, earlier.generation));
  sign_and_publish(steward, next, options.steward, "");
}

void rotate(Steward& steward, const Options& options) {
  if (options.finish) return finish(steward, options);
  const auto queue = steward.queue(options.queue);
  auto next = steward.next_roster();
  const std::string then =
      "A lead hands it out with\n  ishara user grant " + queue.name +
      "\nWhat is sealed to the earlier key is sealed anew whenever somebody of the queue lists or "
      "pulls\nreports. When nothing is left:\n  ishara org rotate " +
      queue.name + " --finish\n";
  if (!options.public_key.empty()) {
    const auto key = public_key_of(options.public_key);
    compare_key_words(options, queue.id, queue.generation + 1, key);
    require(identity::rotate_queue(next, queue.id, key));
    sign_and_publish(steward, next, options.steward, then);
    return;
  }
  refuse_unless_lead(steward, "makes the key of a queue");
  if (!identity::works_for(*steward.directory().member(steward.user_id()), queue.id))
    throw CommandError{"you do not work for the queue " + queue.name, "ask a lead of it"};
  const auto key = steward.next_key(options.queue);
  steward.secure_waiting_key(options.queue);
  if (options.steward.organisation_key.file.empty())
    return tell_next_key(steward, key, options, "rotate");
  require(identity::rotate_queue(next, queue.id, key.public_key));
  if (sign_and_publish(steward, next, options.steward, then).in_force()) hand_out(steward, options);
}

// --- Other changes of the roster

void add_queue_to(Steward& steward, OrganisationRoster& next, const Options& options,
                  const crypto::Id& id, const crypto::PublicKey& key,
                  const std::vector<crypto::Id>& members) {
  OrganisationRoster::Queue queue{id, options.queue, 0, key, {}};
  if (!options.fallback.empty()) {
    const auto* const fallback = steward.directory().queue_named(options.fallback);
    if (fallback == nullptr)
      throw CommandError{"there is no queue with the name of the fallback",
                         "see the names with `ishara org show`"};
    queue.fallback = fallback->id;
  }
  require(identity::add_queue(next, std::move(queue)));
  for (const auto& member : members) {
    const auto known = steward.member(member);
    auto queues = known.queues;
    queues.push_back(id);
    require(identity::change_member(next, member, known.roles, std::move(queues)));
  }
}

void add_queue(Steward& steward, const Options& options) {
  if (steward.directory().queue_named(options.queue) != nullptr)
    throw CommandError{"there is a queue of this name already",
                       "choose another name; see those that are taken with `ishara org show`"};
  const std::string then = "A lead of it hands its key out:\n  ishara user grant " + options.queue +
                           "\nIt gets reports once the routing tables name it.\n";
  std::vector<crypto::Id> members;
  for (const auto& member : options.members) members.push_back(id_of(member));
  auto next = steward.next_roster();
  if (!options.public_key.empty()) {
    const auto id = id_of(options.id);
    const auto key = public_key_of(options.public_key);
    compare_key_words(options, id, 0, key);
    if (members.empty())
      throw CommandError{"the queue would have nobody",
                         "name at least the lead who made its key with --members"};
    add_queue_to(steward, next, options, id, key, members);
    sign_and_publish(steward, next, options.steward, then);
    return;
  }
  refuse_unless_lead(steward, "makes the key of a queue");
  // Before a key waits under a name that no queue can have.
  if (!routing::Slug::parse(options.queue))
    throw CommandError{"a queue's name is lower-case letters, digits and hyphens",
                       "choose another name"};
  const auto key = steward.next_key(options.queue);
  if (options.steward.organisation_key.file.empty())
    return tell_next_key(steward, key, options, "add-queue");
  if (std::ranges::find(members, steward.user_id()) == members.end())
    members.push_back(steward.user_id());
  add_queue_to(steward, next, options, key.queue, key.public_key, members);
  if (sign_and_publish(steward, next, options.steward, then).in_force()) hand_out(steward, options);
}

void retire(Steward& steward, const Options& options) {
  auto next = steward.next_roster();
  require(identity::retire_queue(next, steward.queue(options.queue).id));
  sign_and_publish(
      steward, next, options.steward,
      "It gets nothing new. Its people still open, answer and give away what it has.\n");
}

void replace_recovery(Steward& steward, const Options& options) {
  const auto key = public_key_of(options.public_key);
  compare_words(options.words, identity::key_fingerprint(identity::KeyKind::recovery, key),
                "Type the eight words of the new recovery key, as they stand on its sheets: ",
                "these are not the words of this recovery key",
                "compare the sheets: the words and the public key stand on each");
  auto next = steward.next_roster();
  require(identity::replace_recovery_key(next, key));
  sign_and_publish(steward, next, options.steward,
                   "Each lead seals the keys of her queues to it, or it opens nothing:\n"
                   "  ishara user grant\n");
}

// A key of her own that came into force with this has one copy until it is handed out.
void hand_out_waiting(Steward& steward, const OrganisationRoster& before, const Options& options) {
  if (!steward.has_role("lead")) return;
  for (const auto* queue : steward.own_queues()) {
    const auto was = std::ranges::find(before.queues, queue->id, &OrganisationRoster::Queue::id);
    if (was != before.queues.end() && was->box_key == queue->box_key) continue;
    const auto waiting = steward.waiting_key(queue->name);
    if (!waiting || waiting->public_key != queue->box_key) continue;
    const auto people = grant_soon(steward, queue->name);
    if (!options.steward.json)
      std::printf("The new key of %s is sealed to %zu %s and to the recovery key.\n",
                  queue->name.c_str(), people, people == 1 ? "person" : "people");
  }
}

void confirm(Steward& steward, const Options& options) {
  auto proposals = steward.proposals();
  if (!options.proposer.empty()) {
    const auto proposer = id_of(options.proposer);
    std::erase_if(proposals, [&](const auto& one) { return one.proposer != proposer; });
  }
  const auto mine =
      std::erase_if(proposals, [&](const auto& one) { return one.proposer == steward.user_id(); });
  if (proposals.empty())
    throw CommandError{mine > 0 ? "what waits is your own proposal, and somebody else confirms it"
                                : "nothing waits for a second person",
                       mine > 0 ? "ask another admin, or a lead"
                                : "the admin signs it first; it then waits for 24 hours"};
  if (proposals.size() > 1 && options.proposer.empty()) {
    std::string who;
    for (const auto& one : proposals) who += (who.empty() ? "" : ", ") + crypto::hex(one.proposer);
    throw CommandError{"several people have made proposals, of which one can come into force",
                       "name whose you mean with --by: " + who};
  }
  const auto& proposal = proposals.front();
  if (!options.steward.json)
    std::printf("Member %s proposes version %llu of the roster, until %s:\n",
                crypto::hex(proposal.proposer).c_str(),
                static_cast<unsigned long long>(proposal.roster.version),
                moment_text(proposal.until).c_str());
  const auto before = steward.organisation().roster;
  agree_to(identity::changes(before, proposal.roster), options.steward.yes, options.steward.json);
  const auto published = steward.confirm(proposal);
  tell_published(published, options.steward.json, queues_to_rotate(before, proposal.roster), "");
  if (published.in_force()) hand_out_waiting(steward, before, options);
}

void recover(Steward& steward, const Options& options) {
  refuse_unless_lead(steward, "gets the keys of queues back");
  const auto key = held_key(options.recovery_key, identity::KeyKind::recovery);
  const auto queues = steward.recover(key);
  if (queues.empty())
    throw CommandError{"the recovery key opens no key of a queue of yours",
                       "an admin puts you into the queues first; without a grant to the recovery "
                       "key nothing can be recovered"};
  if (options.steward.json) {
    print_json({{"queues", json::value_from(queues)}});
    return;
  }
  std::printf(
      "You have the keys of %s again. Give them to the others of your queues too:\n"
      "  ishara user grant\n",
      joined(queues).c_str());
}

using Action = void (*)(Steward&, const Options&);

}  // namespace

void add_org(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* org = root.add_subcommand(
      "org",
      "Organisations: show, confirm, rotate, add-queue, retire, recovery, recover; root, sign, "
      "import");
  org->require_subcommand(1);
  const std::string known = " --desk https://desk.example.org --key admin.key";
  const std::string signing = known + " \\\n    --organisation-key organisation.key";
  org->footer("Example:\n  ishara org show" + known);

  const auto add = [&](const char* name, const char* help, const std::string& example,
                       Action action) {
    auto* const command = org->add_subcommand(name, help);
    command->footer("Example:\n  ishara org " + std::string{name} + example);
    add_steward_options(*command, options->steward);
    command->callback([&root, &exit_code, options, action] {
      exit_code = with_steward(root, options->steward,
                               [&](Steward& steward) { action(steward, *options); });
    });
    return command;
  };
  const auto with_queue = [&](CLI::App* command) {
    command->add_option("queue", options->queue, "Name of the queue")->required();
  };
  const auto with_key = [&](CLI::App* command, const char* what) {
    auto* const key = command->add_option("--public-key", options->public_key, what);
    key->type_name("HEX");
    command->add_option("--words", options->words, "Its eight words (default: ask)")->needs(key);
    return key;
  };

  add("show", "Who and what the signed rosters name", known, show)
      ->add_option("--file", options->file,
                   "Also write the rosters, as they were signed, into this new file")
      ->type_name("FILE");

  auto* const confirms =
      add("confirm", "Agree, as second person, to a roster that waits (admins, leads)",
          " --desk https://desk.example.org --key lead.key", confirm);
  confirms->add_option("--by", options->proposer, "Id of who proposes it, if several do")
      ->type_name("ID");
  confirms->add_flag("--yes", options->steward.yes, "Agree without a question");

  auto* const rotates = add("rotate", "Give a queue a new key (leads make it, admins sign it)",
                            signing + " helpers", rotate);
  with_queue(rotates);
  with_key(rotates, "The new key, as a lead has made it (admins)");
  rotates
      ->add_flag("--finish", options->finish,
                 "Forget the earlier keys, when nothing is sealed to them any more")
      ->excludes("--public-key");
  add_signing_options(*rotates, options->steward);

  auto* const adds = add("add-queue", "Add a queue (a lead makes its key, an admin signs it)",
                         signing + " children", add_queue);
  with_queue(adds);
  auto* const key = with_key(adds, "Its key, as a lead has made it (admins)");
  auto* const id = adds->add_option("--id", options->id, "Its id, as it came with the key");
  id->type_name("ID");
  id->needs(key);
  key->needs(id);
  adds->add_option("--members", options->members, "Ids of its people, with commas")->delimiter(',');
  adds->add_option("--fallback", options->fallback,
                   "Name of the queue that also reads what this one gets");
  add_signing_options(*adds, options->steward);

  auto* const retires =
      add("retire", "Let a queue get nothing new (admins)", signing + " night", retire);
  with_queue(retires);
  add_signing_options(*retires, options->steward);

  auto* const recoveries = add("recovery", "Name another recovery key (admins)",
                               signing + " \\\n    --public-key 64-DIGITS", replace_recovery);
  with_key(recoveries, "The new recovery key, from `ishara key make recovery`")->required();
  add_signing_options(*recoveries, options->steward);

  auto* const recovers =
      add("recover",
          "Get the keys of your queues back with the recovery key, when nobody has them (leads)",
          " --desk https://desk.example.org --key lead.key"
          "\n\nWithout --recovery-key two of the three sheets are typed.",
          recover);
  add_held_key_options(*recovers, options->recovery_key, "recovery", true);

  add_offline_rosters(root, *org, exit_code);
}

}  // namespace ishara::commands
