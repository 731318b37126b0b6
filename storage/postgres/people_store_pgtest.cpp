#include "storage/people_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "storage/desk_store.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/test_intake.hpp"

namespace ishara::storage {
namespace {

using blocking::PeopleStore;
using postgres::parameter;

constexpr std::int64_t noon = 1'790'000'000;
constexpr std::int64_t day = 86'400;

struct House {
  TestDatabase database;
  PeopleStore store{database.url("ishara_desk")};
  TestIntakes make{1};
  Id organisation = make.id();
  std::vector<RosterVersion> seen{{organisation, 9}};  // nothing is newer

  Roster roster(std::uint32_t version) {
    return {organisation, version, make.bytes(300), make.bytes(64)};
  }
  // Alone, or together with `partner`.
  Agreement by(const Id& user, std::vector<Id> partners = {}, std::uint8_t what = 1) {
    Agreement out{{{}, 62, organisation, organisation, {}, user, noon / 3600},
                  std::move(partners),
                  test_scribe()};
    out.intent.digest[0] = what;
    return out;
  }
  result<Agreed> publish(const Roster& roster) {
    return store.publish_roster(roster, seen, by(make.id()), test_scribe());
  }
  Enrolment enrolment() {
    Enrolment out{make.id(), organisation, {}, noon + day, {}};
    std::ranges::copy(make.bytes(32), out.code_hash.begin());
    return out;
  }
  Enrolment with_keys(Enrolment enrolment) {
    Enrolment::Keys keys;
    std::ranges::copy(make.bytes(32), keys.signing.begin());
    std::ranges::copy(make.bytes(32), keys.box.begin());
    enrolment.keys = keys;
    enrolment.until = noon + 30 * day;
    return enrolment;
  }
  // A TRANSFER of which only type, queues and hash are real.
  Statement transfer(const Id& from, const Id& to) {
    Statement out{make.id(), make.id(), make.bytes(136)};
    out.bytes[1] = 8;
    std::ranges::copy(from, out.bytes.begin() + 24);
    std::ranges::copy(to, out.bytes.begin() + 40);
    REQUIRE(store.put_statement(out).has_value());
    return out;
  }
  // Wraps of which the last one is for this key.
  Bytes wraps(const Id& kid) {
    auto out = make.bytes(384);
    std::ranges::copy(kid, out.begin() + 192 + 40);
    return out;
  }
  QueueGrant grant(const Id& queue, const Id& user, std::uint32_t generation = 0) {
    QueueGrant out{queue, user, generation, make.bytes(168)};
    REQUIRE(store.put_grant(out, test_scribe()).has_value());
    return out;
  }
  std::string count(const std::string& rows) const {
    return database.value("SELECT count(*) FROM " + rows);
  }
};

}  // namespace

TEST_CASE("only the very next version of a roster is published, with its entry, by one of two") {
  House house;
  CHECK(house.publish(house.roster(2)).error() == errc::conflict);
  REQUIRE(house.publish(house.roster(1)).has_value());
  CHECK(house.publish(house.roster(1)).error() == errc::conflict);
  CHECK(house.publish(house.roster(3)).error() == errc::conflict);
  CHECK(house.count("audit") == "1");

  std::atomic<int> published{0}, late{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, roster = house.roster(2), by = house.by(house.make.id())] {
        PeopleStore store{house.database.url("ishara_desk")};
        const auto done = store.publish_roster(roster, house.seen, by, test_scribe());
        published += done.has_value();
        late += !done && done.error() == errc::conflict;
      });
  }
  CHECK(published == 1);
  CHECK(late == 3);
  CHECK(house.count("roster") == "2");
  CHECK(house.count("audit") == "2");
}

TEST_CASE("a roster that was judged beside another one's older version is not published") {
  House house;
  const auto other = house.make.id();
  REQUIRE(house.store.put_roster({other, 4, {1}, Bytes(64)}).has_value());
  house.seen = {{house.organisation, 0}, {other, 3}};
  CHECK(house.publish(house.roster(1)).error() == errc::conflict);
  house.seen[1].version = 4;
  CHECK(house.publish(house.roster(1)).has_value());
}

TEST_CASE("rosters that come in together come in whole or not at all, each with its entry") {
  House house;
  const auto root = [&](std::uint32_t version) {
    auto out = house.roster(version);
    out.issuer = {};
    return out;
  };
  const auto import = [&](std::vector<Roster> rosters) {
    std::vector<NewRoster> all;
    for (auto& roster : rosters) all.push_back({std::move(roster), test_scribe()});
    return house.store.import_rosters(all, house.seen);
  };
  house.seen.push_back({{}, 9});
  CHECK(import({root(1), house.roster(0)}).error() == errc::conflict);
  CHECK(house.count("roster") == "0");
  CHECK(house.count("audit") == "0");
  REQUIRE(import({root(1), house.roster(1)}).has_value());
  CHECK(house.count("roster") == "2");
  CHECK(house.count("audit") == "2");

  // A proposal for the same place is overtaken.
  const auto proposer = house.make.id();
  const auto proposed = house.store.publish_roster(
      house.roster(2), house.seen, house.by(proposer, {house.make.id()}), test_scribe());
  REQUIRE(proposed.has_value());
  CHECK(house.count("proposed_roster") == "1");
  REQUIRE(import({house.roster(2)}).has_value());
  CHECK(house.count("proposed_roster") == "0");

  // A restored database catches up with what was signed since; nothing goes back.
  CHECK(import({house.roster(2)}).error() == errc::conflict);
  house.seen = {{{}, 1}, {house.organisation, 2}};
  REQUIRE(import({house.roster(7)}).has_value());
  house.seen = {{{}, 1}, {house.organisation, 7}};
  CHECK(import({house.roster(6)}).error() == errc::conflict);

  // And nothing comes in past what was read.
  const std::vector<NewRoster> late{{house.roster(8), test_scribe()}};
  const std::array old{RosterVersion{{}, 1}, RosterVersion{house.organisation, 1}};
  CHECK(house.store.import_rosters(late, old).error() == errc::conflict);
}

TEST_CASE("a roster whose entry cannot be written is not published") {
  House house;
  const AuditScribe broken = [](const AuditPlace& place) {
    return AuditRow{place.seq, Bytes(7), "{}"};
  };
  CHECK_FALSE(
      house.store.publish_roster(house.roster(1), house.seen, house.by(house.make.id()), broken)
          .has_value());
  CHECK(house.count("roster") == "0");
}

TEST_CASE("a proposal waits for a day, one a person, and ends with the version it was made for") {
  House house;
  const auto first = house.make.id(), second = house.make.id();
  const auto call = [&](const Roster& roster, const Id& user, const Id& partner, std::uint8_t what,
                        std::int64_t hours = 0) {
    auto agreement = house.by(user, {partner}, what);
    agreement.intent.hour += static_cast<std::uint32_t>(hours);
    return house.store.publish_roster(roster, house.seen, agreement, test_scribe());
  };
  const auto roster = house.roster(1);
  CHECK(call(house.roster(1), first, second, 1)->until == noon / 3600 + 24);
  CHECK(call(roster, first, second, 2)->until == noon / 3600 + 24);
  CHECK(house.count("roster") == "0");
  auto proposed = house.store.proposed_rosters(house.organisation, noon + 10);
  REQUIRE(proposed->size() == 1);
  CHECK(proposed->at(0).roster.bytes == roster.bytes);
  CHECK(proposed->at(0).proposer == first);
  CHECK(house.store.proposed_rosters(house.make.id(), noon + 10)->empty());
  CHECK(house.store.proposed_rosters(house.organisation, noon + day)->empty());
  // Something else is another proposal; the same is agreement.
  CHECK(call(house.roster(1), second, first, 3)->until != 0);
  CHECK(house.store.proposed_rosters(house.organisation, noon + 10)->size() == 2);
  CHECK(call(roster, second, first, 2)->until == 0);
  CHECK(house.store.roster(house.organisation)->bytes == roster.bytes);
  CHECK(house.store.proposed_rosters(house.organisation, noon + 10)->empty());
  CHECK(house.count("proposed_roster") == "0");
  // What nobody agreed to goes when somebody else proposes.
  CHECK(call(house.roster(2), first, second, 4)->until != 0);
  CHECK(call(house.roster(2), second, first, 5, 48)->until != 0);
  CHECK(house.count("proposed_roster") == "1");
}

TEST_CASE("an invitation takes one pair of keys from whoever has the code, once, within its time") {
  House house;
  const auto invited = house.enrolment();
  REQUIRE(house.store.invite(invited, 2, noon, test_scribe()).has_value());
  const auto keyed = house.with_keys(invited);
  const auto refused = [&](Enrolment attempt, std::int64_t now) {
    return house.store.enrol(attempt, now, test_scribe()).error() == errc::not_found;
  };
  auto wrong_code = keyed;
  wrong_code.code_hash[0] ^= 1;
  CHECK(refused(wrong_code, noon));
  auto stranger = keyed;
  stranger.user_id = house.make.id();
  CHECK(refused(stranger, noon));
  CHECK(refused(keyed, noon + day));
  CHECK(house.count("audit") == "1");

  REQUIRE(house.store.enrol(keyed, noon + day - 1, test_scribe()).has_value());
  CHECK(house.count("audit") == "2");
  // The answer was lost, and the same comes again; others have no second chance.
  REQUIRE(house.store.enrol(keyed, noon + day, test_scribe()).has_value());
  CHECK(house.count("audit") == "2");
  CHECK(refused(house.with_keys(invited), noon));
  const auto waiting = house.store.enrolments(house.organisation, noon + 2 * day);
  REQUIRE(waiting->size() == 1);
  CHECK(waiting->at(0).keys == keyed.keys);
  CHECK(waiting->at(0).code_hash == invited.code_hash);
  CHECK(house.store.enrolments(house.make.id(), noon)->empty());
}

TEST_CASE("an organisation has so many invitations and no more, and old ones make room") {
  House house;
  REQUIRE(house.store.invite(house.enrolment(), 2, noon, test_scribe()).has_value());
  REQUIRE(house.store.invite(house.enrolment(), 2, noon, test_scribe()).has_value());
  CHECK(house.store.invite(house.enrolment(), 2, noon, test_scribe()).error() == errc::busy);
  CHECK(house.store.invite(house.enrolment(), 2, noon + day, test_scribe()).has_value());
  CHECK(house.count("enrolment") == "1");
}

TEST_CASE("a generation goes only when no text, note or draft is sealed to its key, in any place") {
  House house;
  const auto queue = house.make.id(), kid = house.make.id();
  const auto old = house.grant(queue, house.make.id(), 3);
  const auto kept = house.grant(queue, old.user_id, 4);
  const auto other = house.grant(house.make.id(), old.user_id, 3);
  const auto hex = [](const auto& value) { return "'" + parameter(value) + "'"; };
  const std::array rows{
      "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
      " VALUES (gen_random_uuid(), gen_random_uuid(), 1, 0, false, " +
          hex(house.make.bytes(184)) + ", " + hex(house.make.bytes(584)) + ", " +
          hex(house.wraps(kid)) + ")",
      "INSERT INTO text (message_id, report_id, queue_id, hour, record, message, wraps)"
      " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, " +
          hex(house.make.bytes(184)) + ", " + hex(house.make.bytes(584)) + ", " +
          hex(house.wraps(kid)) + ")",
      "INSERT INTO note (message_id, report_id, author, hour, note, wraps)"
      " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, " +
          hex(house.make.bytes(648)) + ", " + hex(house.wraps(kid)) + ")",
      "INSERT INTO draft (draft_id, due, record, message, wraps) VALUES (gen_random_uuid(), 1, " +
          hex(house.make.bytes(184)) + ", " + hex(house.make.bytes(584)) + ", " +
          hex(house.wraps(kid)) + ")"};
  for (const auto& row : rows) {
    CAPTURE(row);
    house.database.query(row);
    CHECK(house.store.wraps_left(kid)->any());
    CHECK(house.store.forget_generation(queue, 3, kid, test_scribe()).error() == errc::conflict);
    house.database.query("DELETE FROM report");
    house.database.query("DELETE FROM text");
    house.database.query("DELETE FROM note");
    house.database.query("DELETE FROM draft");
  }
  CHECK(house.store.queue_grants(old.user_id)->size() == 3);
  CHECK_FALSE(house.store.wraps_left(kid)->any());
  REQUIRE(house.store.forget_generation(queue, 3, kid, test_scribe()).has_value());
  const auto left = house.store.queue_grants(old.user_id);
  REQUIRE(left->size() == 2);
  CHECK(std::ranges::count(*left, kept.envelope, &QueueGrant::envelope) == 1);
  CHECK(std::ranges::count(*left, other.envelope, &QueueGrant::envelope) == 1);
}

TEST_CASE("who is rostered for a queue no more loses her grants, unless the rosters are old") {
  House house;
  const auto queue = house.make.id(), other = house.make.id(), here = house.make.id();
  house.grant(queue, here, 0);
  house.grant(queue, here, 1);
  house.grant(other, here);
  for (int i = 0; i < 70; ++i) house.grant(queue, house.make.id());
  const auto invited = house.with_keys(house.enrolment());
  REQUIRE(house.store.invite(invited, 9, noon, test_scribe()).has_value());
  REQUIRE(house.publish(house.roster(1)).has_value());
  REQUIRE(house.publish(house.roster(2)).has_value());
  house.database.query("DELETE FROM audit");

  const std::array holders{GrantHolder{here, queue, 0}, GrantHolder{here, queue, 1}};
  const std::vector<Id> members{invited.user_id};
  const std::array old_rosters{RosterVersion{house.organisation, 1}};
  CHECK(house.store.settle_people(old_rosters, holders, {}, members, test_scribe()).error() ==
        errc::conflict);
  CHECK(house.store.settle_people({}, holders, {}, members, test_scribe()).error() ==
        errc::conflict);
  CHECK(house.count("qgrant") == "73");
  CHECK(house.count("enrolment") == "1");

  const std::array rosters{RosterVersion{house.organisation, 2}};
  CHECK(house.store.settle_people(rosters, holders, {}, members, test_scribe()).value() == 71);
  CHECK(house.count("qgrant") == "2");
  CHECK(house.count("audit") == "71");
  CHECK(house.count("enrolment") == "0");
  CHECK(house.store.settle_people(rosters, holders, {}, members, test_scribe()).value() == 0);
  CHECK(house.count("audit") == "71");
  CHECK(house.store.all_grants()->size() == 2);
}

// What comes of forgetting a generation if `act` happens in the middle: somebody holds a table, at
// which whoever looks for wraps stops until that transaction is over.
result<void> forgotten_while(House& house, const Id& queue, std::uint32_t generation, const Id& kid,
                             auto act) {
  postgres::Session other{house.database.url("ishara_owner")};
  std::atomic<bool> over{false};
  result<void> forgotten;
  {
    std::jthread forgetting;
    const auto held = other.transact([&](postgres::Transaction& transaction) {
      transaction.execute("LOCK TABLE note IN ACCESS EXCLUSIVE MODE", {});
      forgetting = std::jthread{[&] {
        forgotten = house.store.forget_generation(queue, generation, kid, test_scribe());
        over = true;
      }};
      while (!over &&
             house.count("pg_locks WHERE NOT granted AND relation = 'note'::regclass") == "0")
        std::this_thread::yield();
      act(transaction);
    });
    REQUIRE(held.has_value());
  }
  return forgotten;
}

TEST_CASE("a dialogue that becomes a report while somebody forgets its key is seen") {
  House house;
  const auto queue = house.make.id(), kid = house.make.id();
  house.grant(queue, house.make.id(), 3);
  const auto hex = [](const auto& value) { return "'" + parameter(value) + "'"; };
  house.database.query(
      "INSERT INTO draft (draft_id, due, record, message, wraps) VALUES (gen_random_uuid(), 1, " +
      hex(house.make.bytes(184)) + ", " + hex(house.make.bytes(584)) + ", " +
      hex(house.wraps(kid)) + ")");
  const auto forgotten =
      forgotten_while(house, queue, 3, kid, [&](postgres::Transaction& transaction) {
        transaction.execute(
            "INSERT INTO report (report_id, queue_id, hour, class, urgent, record,"
            " message, wraps) SELECT draft_id, draft_id, 1, 0, false, record, message,"
            " wraps FROM draft",
            {});
        transaction.execute("DELETE FROM draft", {});
      });
  CHECK(forgotten.error() == errc::conflict);
  CHECK(house.count("qgrant") == "1");
}

TEST_CASE("a text that is sealed anew while somebody forgets its former key is seen") {
  House house;
  const auto queue = house.make.id(), kid = house.make.id();
  house.grant(queue, house.make.id(), 3);
  const auto hex = [](const auto& value) { return "'" + parameter(value) + "'"; };
  house.database.query(
      "INSERT INTO text (message_id, report_id, queue_id, hour, record, message, wraps)"
      " VALUES (gen_random_uuid(), gen_random_uuid(), " +
      hex(queue) + ", 1, " + hex(house.make.bytes(184)) + ", " + hex(house.make.bytes(584)) + ", " +
      hex(house.wraps(kid)) + ")");
  blocking::DeskStore desk{house.database.url("ishara_desk")};
  auto found = desk.wraps_for(std::span{&kid, 1}, {}, 10).value();
  REQUIRE(found.size() == 1);
  const std::array renewed{RenewedWrap{std::move(found[0]), queue, house.make.bytes(192)}};
  const auto forgotten = forgotten_while(house, queue, 3, kid, [&](postgres::Transaction&) {
    REQUIRE(desk.renew_wraps(renewed, house.make.id(), test_scribe()).has_value());
  });
  CHECK(forgotten.error() == errc::conflict);
  CHECK(house.count("former_wrap") == "1");
  CHECK(house.count("qgrant") == "1");
}

TEST_CASE("the rosters of a while are those that were in force at its beginning and after") {
  House house;
  for (std::uint32_t version = 1; version <= 4; ++version) {
    REQUIRE(house.publish(house.roster(version)).has_value());
    house.database.query("UPDATE roster SET since = " + std::to_string(100 * version) +
                         " WHERE version = " + std::to_string(version));
  }
  REQUIRE(house.store.put_roster({house.make.id(), 9, {1}, Bytes(64)}).has_value());
  const auto versions = [&](std::uint32_t hour) {
    std::vector<std::uint32_t> out;
    const auto found = house.store.rosters_since(house.organisation, hour);
    for (const auto& one : *found) out.push_back(one.roster.version);
    return out;
  };
  CHECK(versions(250) == std::vector<std::uint32_t>{4, 3, 2});
  CHECK(versions(300) == std::vector<std::uint32_t>{4, 3});
  CHECK(versions(99) == std::vector<std::uint32_t>{4, 3, 2, 1});
  CHECK(versions(9'000) == std::vector<std::uint32_t>{4});
  CHECK(house.store.rosters_since(house.organisation, 250)->at(2).since == 200);
  CHECK(house.database.value("SELECT since = floor(extract(epoch FROM now()) / 3600) FROM roster"
                             " WHERE version = 9") == "t");
}

TEST_CASE("a generation that is none of a person's goes, and her others stay") {
  House house;
  const auto queue = house.make.id(), here = house.make.id();
  for (const std::uint32_t generation : {0U, 1U, 2U}) house.grant(queue, here, generation);
  CHECK(house.store.grants_left(queue, 0).value());
  CHECK_FALSE(house.store.grants_left(queue, 3).value());
  CHECK_FALSE(house.store.grants_left(house.make.id(), 0).value());
  const std::array holders{GrantHolder{here, queue, 1}, GrantHolder{here, house.make.id(), 0}};
  // The key that comes next is anybody's, of this queue and no other.
  const std::array next{QueueGeneration{queue, 2}, QueueGeneration{house.make.id(), 0}};
  CHECK(house.store.settle_people({}, holders, next, {}, test_scribe()).value() == 1);
  CHECK(house.store.queue_grants(here)->size() == 2);
  CHECK(house.store.settle_people({}, holders, {}, {}, test_scribe()).value() == 1);
  CHECK(house.store.queue_grants(here)->at(0).generation == 1);
  CHECK_FALSE(house.store.grants_left(queue, 0).value());
}

TEST_CASE("what some queues have given away is read page by page, each once") {
  House house;
  const std::array queues{house.make.id(), house.make.id()};
  std::vector<Id> wanted;
  for (int i = 0; i < 7; ++i) wanted.push_back(house.transfer(queues[0], queues[1]).hash);
  for (int i = 0; i < 4; ++i) wanted.push_back(house.transfer(queues[1], queues[0]).hash);
  house.transfer(house.make.id(), queues[0]);
  auto withdrawal = house.transfer(queues[0], queues[1]);
  house.database.query("DELETE FROM statement WHERE hash = '" + parameter(withdrawal.hash) + "'");
  withdrawal.bytes[1] = 12;
  REQUIRE(house.store.put_statement(withdrawal).has_value());

  std::vector<Id> found;
  TransferCursor after;
  for (std::size_t pages = 0;; ++pages) {
    REQUIRE(pages < 10);
    const auto page = house.store.transfers(queues, after, 3);
    REQUIRE(page.has_value());
    CHECK(page->size() <= 3);
    for (const auto& statement : *page) {
      found.push_back(statement.hash);
      std::copy_n(statement.bytes.begin() + 24, 16, after.from_queue.begin());
      after.hash = statement.hash;
    }
    if (page->size() < 3) break;
  }
  std::ranges::sort(found);
  std::ranges::sort(wanted);
  CHECK(found == wanted);
}

TEST_CASE("a queue is needed while a report is with it, was given to it or by it") {
  House house;
  const auto holder = house.make.id(), giver = house.make.id(), getter = house.make.id();
  house.database.query(
      "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
      " VALUES (gen_random_uuid(), '" +
      parameter(holder) + "', 1, 0, false, '" + parameter(house.make.bytes(184)) + "', '" +
      parameter(house.make.bytes(584)) + "', '" + parameter(house.make.bytes(192)) + "')");
  house.transfer(giver, getter);
  for (const auto& queue : {holder, giver, getter})
    CHECK(house.store.queue_is_needed(queue).value());
  CHECK_FALSE(house.store.queue_is_needed(house.make.id()).value());
}

}  // namespace ishara::storage
