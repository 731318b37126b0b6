// The audit chain in a real Postgres: entries and the deeds that they are about are committed
// together, in one order, by whoever acts.

#include "storage/audit.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "storage/desk_store.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/test_intake.hpp"
#include "storage/reply_store.hpp"

namespace ishara::storage {
namespace {

using blocking::DeskStore;
using blocking::ReplyStore;
using postgres::parameter;
using namespace std::chrono_literals;

constexpr Id queue{0xa}, amina{1}, bosco{2};

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// An entry as the real ones are laid out, but linked by the beginning of the one before it.
AuditScribe scribe_at(std::int64_t time, std::uint8_t action = 1) {
  return [=](const AuditPlace& place) {
    Bytes entry(136);
    entry[3] = action;
    for (std::size_t i = 0; i < 8; ++i) {
      entry[8 + i] = static_cast<std::uint8_t>(place.seq >> (56 - 8 * i));
      entry[16 + i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(time) >> (56 - 8 * i));
    }
    std::copy(place.subject.begin(), place.subject.end(), entry.begin() + 40);
    std::copy(place.object.begin(), place.object.end(), entry.begin() + 56);
    if (!place.before.empty()) std::copy_n(place.before.begin(), 32, entry.begin() + 104);
    return AuditRow{place.seq, entry, "{}"};
  };
}
AuditScribe scribe(std::uint8_t action = 1) { return scribe_at(now(), action); }

Id subject_of(const AuditRow& row) {
  Id out;
  std::copy_n(row.entry.begin() + 40, 16, out.begin());
  return out;
}
Id object_of(const AuditRow& row) {
  Id out;
  std::copy_n(row.entry.begin() + 56, 16, out.begin());
  return out;
}

struct Office {
  TestDatabase database;
  DeskStore desk{database.url("ishara_desk")};
  ReplyStore relay{database.url("ishara_relay")};
  TestIntakes make{1};

  Id place() {
    const auto intake = make.next(queue);
    database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
        " VALUES ('" +
        parameter(intake.report_id) + "', '" + parameter(queue) + "', 1, 0, false, '" +
        parameter(intake.record) + "', '" + parameter(intake.message) + "', '" +
        parameter(intake.wraps) + "')");
    return intake.report_id;
  }
  std::vector<AuditRow> entries() { return desk.audit_with_origins(0, 10'000).value(); }
};

}  // namespace

TEST_CASE("a deed and its entry are committed together, and what fails leaves none") {
  Office office;
  const auto report = office.place();
  REQUIRE(office.desk.list(queue, {}, 10, scribe(2)).has_value());
  REQUIRE(office.desk.pull(std::span{&queue, 1}, amina, 1min, scribe(3))->has_value());
  REQUIRE(office.desk.renew(report, amina, 1min, scribe(4)).has_value());
  const Note note{office.make.id(),      report, amina, 5, office.make.bytes(648),
                  office.make.bytes(192)};
  const OutboxReply reply{office.make.id(), report, 5, office.make.bytes(712)};
  REQUIRE(office.desk.put_note(note, scribe(5)).has_value());
  REQUIRE(office.desk.put_reply(reply, {}, scribe(6)).has_value());
  REQUIRE(office.desk.release(report, amina, scribe(7)).has_value());
  REQUIRE(office.desk.pull(std::span{&queue, 1}, amina, 1min, scribe(8))->has_value());
  REQUIRE(office.desk.close(report, amina, scribe(9)).has_value());
  REQUIRE(office.desk.put_audit(report, amina, scribe(10)).has_value());

  const auto entries = office.entries();
  REQUIRE(entries.size() == 9);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CAPTURE(i);
    CHECK(entries[i].seq == i + 1);
    CHECK(entries[i].entry[3] == i + 2);
    CHECK(subject_of(entries[i]) == (i == 0 ? Id{} : report));
  }
  CHECK(object_of(entries[0]) == queue);
  CHECK(object_of(entries[1]) == queue);
  CHECK(object_of(entries[3]) == note.message_id);
  CHECK(object_of(entries[4]) == reply.reply_id);

  // Not the caller's, nothing there, or there already: nothing happens, so nothing is noted.
  CHECK(office.desk.renew(report, bosco, 1min, scribe()).has_error());
  CHECK(office.desk.release(report, bosco, scribe()).has_error());
  CHECK(office.desk.close(report, bosco, scribe()).has_error());
  CHECK_FALSE(office.desk.pull(std::span{&queue, 1}, amina, 1min, scribe())->has_value());
  REQUIRE(office.desk.put_note(note, scribe()).has_value());
  REQUIRE(office.desk.put_reply(reply, {}, scribe()).has_value());
  CHECK(office.entries().size() == 9);

  // A reply that is there, but with a note that is not: no note without an entry.
  const Note with_reply{office.make.id(),      report, amina, 5, office.make.bytes(648),
                        office.make.bytes(192)};
  REQUIRE(office.desk.put_reply(reply, with_reply, scribe(6)).has_value());
  REQUIRE(office.entries().size() == 10);
  CHECK(office.entries().back().entry[3] == 6);
  CHECK(object_of(office.entries().back()) == reply.reply_id);
  REQUIRE(office.desk.put_reply(reply, with_reply, scribe(6)).has_value());
  CHECK(office.entries().size() == 10);

  // And where the entry cannot be written, nothing happens either.
  office.database.query("REVOKE INSERT ON audit FROM ishara_desk");
  const Note other{office.make.id(),      report, amina, 5, office.make.bytes(648),
                   office.make.bytes(192)};
  CHECK(office.desk.put_note(other, scribe()).has_error());
  CHECK(office.desk.notes(report)->size() == 2);
}

TEST_CASE("whoever acts at the same time, the entries stand in one unbroken chain") {
  Office office;
  {
    std::vector<std::jthread> people;
    for (int person = 0; person < 4; ++person)
      people.emplace_back([&office, person] {
        DeskStore desk{office.database.url("ishara_desk")};
        ReplyStore relay{office.database.url("ishara_relay")};
        for (int i = 0; i < 25; ++i) {
          if (person == 0)
            CHECK(relay.put_audit({}, {}, scribe()).has_value());
          else
            CHECK(desk.list(queue, {}, 10, scribe()).has_value());
        }
      });
  }
  const auto entries = office.entries();
  REQUIRE(entries.size() == 100);
  for (std::size_t i = 1; i < entries.size(); ++i)
    CHECK(std::equal(entries[i].entry.begin() + 104, entries[i].entry.end(),
                     entries[i - 1].entry.begin()));
  CHECK(office.relay.audit_head()->seq == 100);
  CHECK(office.relay.audit_head()->entry == entries.back().entry);
  CHECK(office.relay.audit_entry(42)->entry == entries[41].entry);
  CHECK(office.relay.audit_entry(101).error() == errc::not_found);
}

TEST_CASE("the last entry of an action is found among others") {
  Office office;
  CHECK_FALSE(office.desk.last_audit(68).value().has_value());
  for (const auto action : std::to_array<std::uint8_t>({68, 1, 68, 2}))
    REQUIRE(office.desk.put_audit({}, {}, scribe(action)).has_value());
  CHECK(office.desk.last_audit(68).value()->seq == 3);
  CHECK(office.desk.last_audit(2).value()->seq == 4);
  // Both bytes count.
  CHECK_FALSE(office.desk.last_audit(256 + 68).value().has_value());
  CHECK_FALSE(office.desk.last_audit(3).value().has_value());
}

TEST_CASE("no role can change or remove an entry or a checkpoint") {
  Office office;
  REQUIRE(office.desk.put_audit({}, {}, scribe()).has_value());
  REQUIRE(office.relay.put_checkpoint({1, office.make.bytes(136)}).has_value());
  CHECK(office.desk.checkpoints(0, 1)->size() == 1);
  CHECK(office.desk.checkpoints(1, 5)->empty());
  for (const char* role : {"ishara_gateway", "ishara_desk", "ishara_relay"})
    for (const char* sql : {"UPDATE audit SET detail = ''", "DELETE FROM audit", "TRUNCATE audit",
                            "UPDATE checkpoint SET seq = 7", "DELETE FROM checkpoint"}) {
      CAPTURE(role);
      CAPTURE(sql);
      CHECK_FALSE(office.database.allowed(role, sql));
    }
  CHECK_FALSE(office.database.allowed("ishara_gateway", "SELECT 1 FROM audit"));
  CHECK_FALSE(office.database.allowed(
      "ishara_desk", "INSERT INTO checkpoint VALUES (2, decode(repeat('00', 136), 'hex'))"));
}

TEST_CASE("what a reporter brings about is told in the next hour, in the order of random ids") {
  Office office;
  constexpr std::uint32_t hour = 500'000;
  std::set<Id> reports;
  for (int i = 0; i < 5; ++i) {
    const auto report = office.place();
    reports.insert(report);
    REQUIRE(office.desk.erase(report, hour, false).has_value());
  }
  std::map<Id, ReplyState> states;
  for (const auto state : {ReplyState::sent, ReplyState::unknown, ReplyState::sent,
                           ReplyState::kept, ReplyState::waiting, ReplyState::refused}) {
    const OutboxReply reply{office.make.id(), office.make.id(), hour, office.make.bytes(712)};
    REQUIRE(office.relay.settle(reply, {reply.reply_id, state, 0}, hour).has_value());
    if (state == ReplyState::sent || state == ReplyState::unknown) states[reply.reply_id] = state;
  }
  const auto tell = [&](std::uint32_t before) {
    REQUIRE(office.desk.audit_erasures(before, scribe(9)).has_value());
    REQUIRE(office.relay.audit_replies(before, scribe(3), scribe(4)).has_value());
    return office.entries();
  };
  CHECK(tell(hour).empty());
  const auto told = tell(hour + 1);
  REQUIRE(told.size() == 5 + 3);
  auto report = reports.begin();
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(told[i].entry[3] == 9);
    CHECK(subject_of(told[i]) == *report++);
  }
  auto reply = states.begin();
  for (std::size_t i = 5; i < 8; ++i, ++reply) {
    CHECK(object_of(told[i]) == reply->first);
    CHECK(told[i].entry[3] == static_cast<std::uint8_t>(reply->second));
  }
  CHECK(tell(hour + 9).size() == 8);  // once
}

TEST_CASE("however much there is to tell, all of it is told, in one unbroken chain") {
  Office office;
  for (int i = 0; i < 120; ++i) {
    REQUIRE(office.desk.erase(office.place(), 7, false).has_value());
    const OutboxReply reply{office.make.id(), office.make.id(), 7, office.make.bytes(712)};
    REQUIRE(office.relay.settle(reply, {reply.reply_id, ReplyState::sent, 0}, 7).has_value());
  }
  REQUIRE(office.desk.audit_erasures(8, scribe(9)).has_value());
  REQUIRE(office.relay.audit_replies(8, scribe(3), scribe(4)).has_value());
  const auto entries = office.entries();
  REQUIRE(entries.size() == 240);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    CHECK(entries[i].seq == i + 1);
    CHECK(std::equal(entries[i].entry.begin() + 104, entries[i].entry.end(),
                     entries[i - 1].entry.begin()));
  }
}

TEST_CASE("a checkpoint that could not be stored is not taken for one that was") {
  Office office;
  CHECK(office.relay.put_checkpoint({1, office.make.bytes(136)}).value());
  CHECK_FALSE(office.relay.put_checkpoint({1, office.make.bytes(136)}).value());
}

TEST_CASE("a reply whose sending was broken off is told as unknown, also if it is fetched then") {
  Office office;
  const OutboxReply reply{office.make.id(), office.make.id(), 7, office.make.bytes(712)};
  REQUIRE(office.relay.begin(reply, 7).value());
  REQUIRE(office.relay.give_up_on_sending().value() == 1);
  REQUIRE(office.relay.fetched(reply, 7).has_value());
  REQUIRE(office.relay.audit_replies(8, scribe(3), scribe(4)).has_value());
  REQUIRE(office.entries().size() == 1);
  CHECK(office.entries()[0].entry[3] == 4);
}

TEST_CASE("an address lies beside its entry for 90 days, and nobody can change or remove it") {
  Office office;
  const auto with_origin = [&](std::int64_t time) {
    return [=, origin = office.make.bytes(32)](const AuditPlace& place) {
      auto row = scribe_at(time)(place);
      row.origin = origin;
      return row;
    };
  };
  constexpr std::int64_t life = 90 * 86'400;
  REQUIRE(office.desk.put_audit({}, {}, with_origin(now() - life - 60)).has_value());
  REQUIRE(office.desk.put_audit({}, {}, scribe()).has_value());
  REQUIRE(office.desk.put_audit({}, {}, with_origin(now() - life + 3'600)).has_value());
  REQUIRE(office.desk.put_audit({}, {}, with_origin(now())).has_value());
  const auto known = [&] {
    std::string out;
    for (const auto& row : office.entries()) out += row.origin.size() == 32 ? '1' : '0';
    return out;
  };
  CHECK(known() == "1011");
  // The relay goes through the chain without them.
  REQUIRE(office.relay.audit(0, 10).value().size() == 4);
  for (const auto& row : office.relay.audit(0, 10).value()) CHECK(row.origin.empty());
  CHECK(office.relay.audit_with_origins(0, 10).has_error());
  for (const char* role : {"ishara_gateway", "ishara_desk", "ishara_relay", "ishara_backup"})
    for (const char* sql : {"UPDATE audit_origin SET origin = origin", "DELETE FROM audit_origin",
                            "TRUNCATE audit_origin"}) {
      CAPTURE(role);
      CAPTURE(sql);
      CHECK_FALSE(office.database.allowed(role, sql));
    }
  for (const char* role : {"ishara_gateway", "ishara_relay"}) {
    CHECK_FALSE(office.database.allowed(role, "SELECT 1 FROM audit_origin"));
    CHECK_FALSE(office.database.allowed(role, "SELECT forget_origins()"));
  }
  CHECK(office.desk.forget_origins().value() == 1);
  CHECK(known() == "0011");
  CHECK(office.desk.forget_origins().value() == 0);
  // It goes with its entry at the latest.
  office.database.query("DELETE FROM audit WHERE seq = 4");
  CHECK(office.database.value("SELECT count(*) FROM audit_origin") == "1");
}

TEST_CASE("entries go after three years, from the beginning, and nobody can make others go") {
  Office office;
  const auto old = now() - 3 * 365 * 86'400 - 60;
  for (int i = 0; i < 3; ++i) REQUIRE(office.desk.put_audit({}, {}, scribe_at(old)).has_value());
  REQUIRE(office.desk.put_audit({}, {}, scribe()).has_value());
  REQUIRE(office.desk.put_audit({}, {}, scribe_at(0)).has_value());  // a lie
  REQUIRE(office.desk.put_audit({}, {}, scribe()).has_value());
  for (const std::uint64_t seq : {2, 3, 4})
    REQUIRE(office.relay.put_checkpoint({seq, office.make.bytes(136)}).has_value());
  CHECK(office.desk.forget_audit().value() == 3);
  const auto left = office.entries();
  REQUIRE(left.size() == 3);
  CHECK(left[0].seq == 4);
  CHECK(office.desk.checkpoints(0, 9)->size() == 1);
  CHECK(office.desk.forget_audit().value() == 0);
}

}  // namespace ishara::storage
