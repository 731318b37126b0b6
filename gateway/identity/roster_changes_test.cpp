#include "gateway/identity/roster_changes.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::identity {
namespace {

using Change = std::function<boost::system::result<void>(OrganisationRoster&)>;

crypto::Id id(std::uint8_t with) {
  crypto::Id out;
  out.fill(with);
  return out;
}

crypto::PublicKey key(std::uint8_t with) {
  crypto::PublicKey out;
  out.fill(with);
  return out;
}

std::string kid(std::uint8_t with) { return crypto::hex(crypto::key_id(key(with))); }

// Two queues, of which the second falls back to the first; a caseworker of both and an admin.
OrganisationRoster roster() {
  OrganisationRoster out;
  out.deployment = id(1);
  out.organisation = id(2);
  out.version = 5;
  out.queues = {{id(3), "intake", 0, key(0x31), {}}, {id(4), "night", 7, key(0x41), id(3)}};
  out.members = {{id(5), key(0x51), key(0x52), {"caseworker"}, {id(3), id(4)}},
                 {id(6), key(0x61), key(0x62), {"admin"}, {}}};
  out.recovery_key = key(0x71);
  out.transfers = {id(0x81)};
  return out;
}

TEST_CASE("the next version counts one up and names the bytes of the one before") {
  const crypto::Bytes bytes{1, 2, 3};
  const auto next = next_of(roster(), bytes);
  CHECK(next.version == 6);
  CHECK(next.previous == crypto::hash32({bytes}));
  CHECK(changes(roster(), next).empty());
  RootRoster root;
  root.version = 1;
  CHECK(next_of(root, bytes).version == 2);
  CHECK(next_of(root, bytes).previous == crypto::hash32({bytes}));
}

TEST_CASE("each edit of an organisation does what it says, and tells it in plain lines") {
  struct Row {
    const char* what;
    Change change;
    std::vector<std::string> lines;
  };
  const auto member = "member " + crypto::hex(id(5));
  const auto newcomer = "member " + crypto::hex(id(9));
  const std::vector<Row> rows{
      {"a new member",
       [](auto& next) {
         return add_member(next, {id(9), key(0x91), key(0x92), {"lead", "caseworker"}, {id(4)}});
       },
       {newcomer + " is new, in words: " + user_fingerprint(key(0x91), key(0x92)),
        newcomer + " may: lead, caseworker; queues: night"}},
      {"other roles and queues",
       [](auto& next) {
         return change_member(next, id(5), {"lead"}, {id(3)}, std::vector{id(0x82)});
       },
       {member + " may: lead; before: caseworker",
        member + " queues: intake; before: intake, night",
        "transfer " + crypto::hex(id(0x82)) + " goes on counting"}},
      {"a member who leaves, with one report that stays given and one that is listed already",
       [](auto& next) {
         return remove_member(next, id(5), std::vector{id(0x81), id(0x82)});
       },
       {member + " is removed", member + " is a former member, signing key " + kid(0x51),
        "transfer " + crypto::hex(id(0x82)) + " goes on counting"}},
      {"a new queue",
       [](auto& next) {
         return add_queue(next, {id(9), "children", 0, key(0x91), id(3)});
       },
       {"queue children is new, id " + crypto::hex(id(9)) +
        ", falls back to intake, key of generation 0, in words: " +
        queue_fingerprint(id(9), 0, key(0x91))}},
      {"a new key of a queue",
       [](auto& next) { return rotate_queue(next, id(4), key(0x91)); },
       {"queue night has a new key: generation 8, in words: " +
            queue_fingerprint(id(4), 8, key(0x91)),
        "queue night still opens its generation 7, in words: " +
            queue_fingerprint(id(4), 7, key(0x41))}},
      {"an earlier key that is forgotten",
       [](auto& next) {
         (void)rotate_queue(next, id(4), key(0x91));
         return drop_generation(next, id(4), 7);
       },
       {"queue night has a new key: generation 8, in words: " +
        queue_fingerprint(id(4), 8, key(0x91))}},
      {"a queue that is retired",
       [](auto& next) { return retire_queue(next, id(4)); },
       {"queue night is retired"}},
      {"a queue that is retired after what fell back to it",
       [](auto& next) {
         (void)retire_queue(next, id(4));
         return retire_queue(next, id(3));
       },
       {"queue intake is retired", "queue night is retired"}},
      {"another recovery key",
       [](auto& next) { return replace_recovery_key(next, key(0x91)); },
       {"the recovery key is another, in words: " + key_fingerprint(KeyKind::recovery, key(0x91))}},
      {"a transfer whose report is gone",
       [](auto& next) { return prune_transfers(next, std::vector{id(0x82)}); },
       {"transfer " + crypto::hex(id(0x81)) + " is not listed any more"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto next = next_of(roster(), {});
    CHECK(row.change(next).has_value());
    CHECK(changes(roster(), next) == row.lines);
  }
}

TEST_CASE("an edit of an organisation that makes no sense is refused and changes nothing") {
  struct Row {
    const char* what;
    Change change;
    change_errc error;
  };
  const auto member = [](std::uint8_t name, std::uint8_t signing, std::uint8_t box,
                         std::vector<std::string> roles, std::vector<crypto::Id> queues) {
    return [=](OrganisationRoster& next) {
      return add_member(next, {id(name), key(signing), key(box), roles, queues});
    };
  };
  const auto queue = [](std::uint8_t name, const char* slug, std::uint8_t box) {
    return [=](OrganisationRoster& next) {
      return add_queue(next, {id(name), slug, 0, key(box), {}});
    };
  };
  const std::vector<Row> rows{
      {"a member with the id of another", member(5, 0x91, 0x92, {}, {}), change_errc::id_taken},
      {"a member with the id of one who has left", member(0xa, 0x91, 0x92, {}, {}),
       change_errc::id_taken},
      {"a member with the id of a queue", member(3, 0x91, 0x92, {}, {}), change_errc::id_taken},
      {"a member with the key of another", member(9, 0x51, 0x92, {}, {}), change_errc::key_taken},
      {"a member with the key of one who has left", member(9, 0xa1, 0x92, {}, {}),
       change_errc::key_taken},
      {"a member with an earlier key of a queue", member(9, 0x91, 0xb1, {}, {}),
       change_errc::key_taken},
      {"a member with the recovery key", member(9, 0x91, 0x71, {}, {}), change_errc::key_taken},
      {"a member with one key for both", member(9, 0x91, 0x91, {}, {}), change_errc::key_taken},
      {"a role that is none", member(9, 0x91, 0x92, {"boss"}, {}), change_errc::unknown_role},
      {"a role twice", member(9, 0x91, 0x92, {"lead", "lead"}, {}), change_errc::listed_twice},
      {"a queue twice", member(9, 0x91, 0x92, {}, {id(3), id(3)}), change_errc::listed_twice},
      {"a queue that is not there", member(9, 0x91, 0x92, {}, {id(9)}), change_errc::unknown_queue},
      {"a queue that is retired", member(9, 0x91, 0x92, {}, {id(0xb)}), change_errc::retired},
      {"a change of nobody", [](auto& next) { return change_member(next, id(9), {}, {}); },
       change_errc::unknown_member},
      {"a change of one who has left",
       [](auto& next) { return change_member(next, id(0xa), {}, {}); },
       change_errc::unknown_member},
      {"a change that is none",
       [](auto& next) { return change_member(next, id(6), {"admin"}, {}, std::vector{id(0x82)}); },
       change_errc::nothing_to_change},
      {"a retired queue for somebody who did not have it",
       [](auto& next) { return change_member(next, id(5), {"caseworker"}, {id(0xb)}); },
       change_errc::retired},
      {"the removal of nobody", [](auto& next) { return remove_member(next, id(9), {}); },
       change_errc::unknown_member},
      {"the removal of one who has left",
       [](auto& next) { return remove_member(next, id(0xa), {}); }, change_errc::unknown_member},
      {"a queue with the name of another", queue(9, "night", 0x91), change_errc::name_taken},
      {"a queue with the name of a retired one", queue(9, "old", 0x91), change_errc::name_taken},
      {"a queue with no name for routing tables", queue(9, "Night shift", 0x91),
       change_errc::bad_name},
      {"a queue with the id of the organisation", queue(2, "new", 0x91), change_errc::id_taken},
      {"a queue with the key of a member", queue(9, "new", 0x52), change_errc::key_taken},
      {"a queue that falls back to a retired one",
       [](auto& next) {
         return add_queue(next, {id(9), "new", 0, key(0x91), id(0xb)});
       },
       change_errc::retired},
      {"a key for a queue that is not there",
       [](auto& next) { return rotate_queue(next, id(9), key(0x91)); }, change_errc::unknown_queue},
      {"a key for a retired queue",
       [](auto& next) { return rotate_queue(next, id(0xb), key(0x91)); }, change_errc::retired},
      {"the key that the queue has",
       [](auto& next) { return rotate_queue(next, id(4), key(0x41)); }, change_errc::key_taken},
      {"the key that the queue had",
       [](auto& next) { return rotate_queue(next, id(3), key(0xb1)); }, change_errc::key_taken},
      {"the present generation, to be forgotten",
       [](auto& next) { return drop_generation(next, id(3), 1); }, change_errc::unknown_generation},
      {"an earlier generation of no queue",
       [](auto& next) { return drop_generation(next, id(9), 0); }, change_errc::unknown_queue},
      {"the fallback of another queue, to be retired",
       [](auto& next) { return retire_queue(next, id(3)); }, change_errc::is_fallback},
      {"a retired queue, again", [](auto& next) { return retire_queue(next, id(0xb)); },
       change_errc::retired},
      {"no queue, to be retired", [](auto& next) { return retire_queue(next, id(9)); },
       change_errc::unknown_queue},
      {"the recovery key that is", [](auto& next) { return replace_recovery_key(next, key(0x71)); },
       change_errc::nothing_to_change},
      {"a recovery key that is a queue's",
       [](auto& next) { return replace_recovery_key(next, key(0x41)); }, change_errc::key_taken},
      {"nothing to prune", [](auto& next) { return prune_transfers(next, std::vector{id(0x81)}); },
       change_errc::nothing_to_change},
  };
  auto before = roster();
  before.queues[0].generation = 1;
  before.queues[0].earlier = {{0, key(0xb1)}};
  before.queues.push_back({id(0xb), "old", 0, key(0xc1), {}, {}, true});
  before.former = {{id(0xa), key(0xa1)}};
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto next = before;
    const auto changed = row.change(next);
    REQUIRE_FALSE(changed.has_value());
    CHECK(changed.error() == row.error);
    CHECK(changes(before, next).empty());
  }
}

TEST_CASE("each edit of the root does what it says, tells it, and refuses what makes no sense") {
  RootRoster before;
  before.deployment = id(1);
  before.version = 1;
  before.organisations = {{id(2), "Helpers", OrganisationClass::ngo, key(0x21)}};
  before.services = {{key(0x31), "gateway"}, {key(0x32), "relay", 400'000}};
  struct Row {
    const char* what;
    std::function<boost::system::result<void>(RootRoster&)> change;
    boost::system::error_code error;
    std::vector<std::string> lines;
  };
  const auto organisation = [](std::uint8_t name, const char* called, std::uint8_t signing) {
    return [=](RootRoster& next) {
      return add_organisation(next, {id(name), called, OrganisationClass::police, key(signing)});
    };
  };
  const std::vector<Row> rows{
      {"an organisation",
       organisation(9, "Police \xc3\xa9", 0x91),
       {},
       {"organisation Police ?? is new, id " + crypto::hex(id(9)) +
        ", class police, key in words: " + key_fingerprint(KeyKind::organisation, key(0x91))}},
      {"an organisation with the id of another",
       organisation(2, "New", 0x91),
       change_errc::id_taken,
       {}},
      {"an organisation with the name of another",
       organisation(9, "Helpers", 0x91),
       change_errc::name_taken,
       {}},
      {"an organisation without a name", organisation(9, "", 0x91), change_errc::bad_name, {}},
      {"an organisation with a name of two lines",
       organisation(9, "a\nb", 0x91),
       change_errc::bad_name,
       {}},
      {"an organisation with the key of a service",
       organisation(9, "New", 0x31),
       change_errc::key_taken,
       {}},
      {"another key of an organisation",
       [](auto& next) { return replace_organisation_key(next, id(2), key(0x91)); },
       {},
       {"organisation Helpers has another key, in words: " +
        key_fingerprint(KeyKind::organisation, key(0x91))}},
      {"the key that it has",
       [](auto& next) { return replace_organisation_key(next, id(2), key(0x21)); },
       change_errc::nothing_to_change,
       {}},
      {"another key of no organisation",
       [](auto& next) { return replace_organisation_key(next, id(9), key(0x91)); },
       change_errc::unknown_organisation,
       {}},
      {"a service",
       [](auto& next) { return add_service(next, key(0x91), "relay"); },
       {},
       {"relay key " + kid(0x91) +
        " is new, in words: " + key_fingerprint(KeyKind::service, key(0x91))}},
      {"a service that there is not",
       [](auto& next) { return add_service(next, key(0x91), "desk"); },
       change_errc::unknown_use,
       {}},
      {"a service with the key of one that has ended",
       [](auto& next) { return add_service(next, key(0x32), "relay"); },
       change_errc::key_taken,
       {}},
      {"the end of a service",
       [](auto& next) { return end_service(next, key(0x31), 500'000); },
       {},
       {"gateway key " + kid(0x31) + " ends: its signatures count until 2027-01-15 09:00 UTC"}},
      {"the end of what has ended",
       [](auto& next) { return end_service(next, key(0x32), 500'000); },
       change_errc::ended,
       {}},
      {"the end of no service",
       [](auto& next) { return end_service(next, key(0x91), 500'000); },
       change_errc::unknown_service,
       {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto next = before;
    const auto changed = row.change(next);
    CHECK((changed ? boost::system::error_code{} : changed.error()) == row.error);
    CHECK(changes(before, next) == row.lines);
  }
}

// Whoever confirms the lines has seen all of it, also what no edit of ours does.
TEST_CASE("whatever differs between two rosters is told") {
  auto full = roster();
  full.queues[0].generation = 1;
  full.queues[0].earlier = {{0, key(0xb1)}};
  full.former = {{id(0xa), key(0xa1)}};
  const std::vector<std::function<void(OrganisationRoster&)>> edits{
      [](auto& r) { r.deployment = id(0xee); },
      [](auto& r) { r.organisation = id(0xee); },
      [](auto& r) { r.queues[1].id = id(0xee); },
      [](auto& r) { r.queues[1].name = "other"; },
      [](auto& r) { ++r.queues[1].generation; },
      [](auto& r) { r.queues[1].box_key = key(0xee); },
      [](auto& r) { r.queues[1].fallback.reset(); },
      [](auto& r) { r.queues[1].fallback = id(0xee); },
      [](auto& r) { r.queues[0].earlier[0].generation = 5; },
      [](auto& r) { r.queues[0].earlier[0].box_key = key(0xee); },
      [](auto& r) { r.queues[0].earlier.clear(); },
      [](auto& r) { r.queues[0].retired = true; },
      [](auto& r) { r.queues.pop_back(); },
      [](auto& r) { r.members[0].id = id(0xee); },
      [](auto& r) { r.members[0].signing_key = key(0xee); },
      [](auto& r) { r.members[0].box_key = key(0xee); },
      [](auto& r) { r.members[0].roles.clear(); },
      [](auto& r) { r.members[0].queues.pop_back(); },
      [](auto& r) { r.members.pop_back(); },
      [](auto& r) { r.former[0].signing_key = key(0xee); },
      [](auto& r) { r.former.clear(); },
      [](auto& r) { r.transfers.clear(); },
      [](auto& r) { r.recovery_key = key(0xee); },
  };
  for (std::size_t i = 0; i < edits.size(); ++i) {
    CAPTURE(i);
    auto edited = full;
    edits[i](edited);
    CHECK_FALSE(changes(full, edited).empty());
    CHECK_FALSE(changes(edited, full).empty());
  }

  RootRoster root;
  root.organisations = {{id(2), "Helpers", OrganisationClass::ngo, key(0x21)}};
  root.services = {{key(0x31), "gateway", 400'000}};
  const std::vector<std::function<void(RootRoster&)>> root_edits{
      [](auto& r) { r.deployment = id(0xee); },
      [](auto& r) { r.organisations[0].id = id(0xee); },
      [](auto& r) { r.organisations[0].name = "Others"; },
      [](auto& r) { r.organisations[0].organisation_class = OrganisationClass::police; },
      [](auto& r) { r.organisations[0].signing_key = key(0xee); },
      [](auto& r) { r.organisations.clear(); },
      [](auto& r) { r.services[0].public_key = key(0xee); },
      [](auto& r) { r.services[0].use = "relay"; },
      [](auto& r) { r.services[0].until.reset(); },
      [](auto& r) { r.services[0].until = 1; },
      [](auto& r) { r.services.clear(); },
  };
  for (std::size_t i = 0; i < root_edits.size(); ++i) {
    CAPTURE(i);
    auto edited = root;
    root_edits[i](edited);
    CHECK_FALSE(changes(root, edited).empty());
    CHECK_FALSE(changes(edited, root).empty());
  }
}

TEST_CASE("only what takes people, roles or queues away, and adds nothing, only removes") {
  auto full = roster();
  full.members.push_back({id(7), key(0x91), key(0x92), {"lead", "auditor"}, {id(3), id(4)}});
  full.queues[0].earlier = {{0, key(0x32)}};
  full.queues[0].generation = 1;
  full.former = {{id(8), key(0xa1)}};
  struct Row {
    const char* what;
    bool only_removes;
    std::function<void(OrganisationRoster&)> edit;
  };
  const std::vector<crypto::Id> gone{id(0x82)};
  const std::vector<Row> rows{
      {"a member", true, [&](auto& r) { (void)remove_member(r, id(5), gone); }},
      {"two members", true,
       [&](auto& r) {
         (void)remove_member(r, id(5), {});
         (void)remove_member(r, id(7), {});
       }},
      {"a role", true, [](auto& r) { r.members[2].roles = {"auditor"}; }},
      {"all roles", true, [](auto& r) { r.members[2].roles.clear(); }},
      {"a queue of hers, and what she gave away", true,
       [&](auto& r) { (void)change_member(r, id(5), {"caseworker"}, {id(4)}, gone); }},
      {"nothing", false, [](auto&) {}},
      {"a transfer and nothing else", false, [](auto& r) { r.transfers.push_back(id(0x82)); }},
      {"a member, with a transfer that was listed", false,
       [](auto& r) {
         (void)remove_member(r, id(5), {});
         r.transfers.clear();
       }},
      {"a member, of whom nothing is kept", false, [](auto& r) { r.members.pop_back(); }},
      {"a member, with another key", false,
       [](auto& r) {
         (void)remove_member(r, id(5), {});
         r.former.back().signing_key = key(0xee);
       }},
      {"a member, and somebody else is a former one", false,
       [](auto& r) {
         (void)remove_member(r, id(5), {});
         r.former.push_back({id(0xee), key(0xee)});
       }},
      {"a member, and a former one", false,
       [](auto& r) {
         (void)remove_member(r, id(5), {});
         r.former.erase(r.former.begin());
       }},
      {"a role for another", false, [](auto& r) { r.members[2].roles = {"admin"}; }},
      {"a queue for another", false, [](auto& r) { r.members[2].queues = {id(9)}; }},
      {"a role, and another one gets it", false,
       [](auto& r) {
         r.members[2].roles = {"auditor"};
         r.members[0].roles.push_back("lead");
       }},
      {"a member for another", false,
       [](auto& r) {
         (void)remove_member(r, id(5), {});
         r.members.push_back({id(0xee), key(0xee), key(0xef), {"caseworker"}, {id(3)}});
       }},
      {"a role, with another signing key", false,
       [](auto& r) {
         r.members[2].roles = {"auditor"};
         r.members[2].signing_key = key(0xee);
       }},
      {"a role, with another box key", false,
       [](auto& r) {
         r.members[2].roles = {"auditor"};
         r.members[2].box_key = key(0xee);
       }},
  };
  const std::vector<std::function<void(OrganisationRoster&)>> others{
      [](auto& r) { r.deployment = id(0xee); },
      [](auto& r) { r.organisation = id(0xee); },
      [](auto& r) { r.recovery_key = key(0xee); },
      [](auto& r) { r.queues.pop_back(); },
      [](auto& r) { r.queues[1].name = "other"; },
      [](auto& r) { r.queues[1].fallback.reset(); },
      [](auto& r) { r.queues[1].retired = true; },
      [](auto& r) { r.queues[0].earlier.clear(); },
      [](auto& r) { (void)rotate_queue(r, id(3), key(0xee)); },
      [](auto& r) {
        r.queues.push_back({id(0xee), "new", 0, key(0xee), {}});
      },
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto after = next_of(full, {});
    row.edit(after);
    CHECK(only_removes(full, after) == row.only_removes);
    if (!row.only_removes) continue;
    // And nothing else beside it.
    for (std::size_t i = 0; i < others.size(); ++i) {
      CAPTURE(i);
      auto more = after;
      others[i](more);
      CHECK_FALSE(only_removes(full, more));
    }
  }
}

}  // namespace
}  // namespace ishara::identity
