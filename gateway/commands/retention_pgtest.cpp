// Property 24 of privacy.md section 17: the table of section 13, row by row, with a clock that the
// test moves. Relay and desk do here what their services do by the wall clock, on one database.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "gateway/desk/cases.hpp"
#include "gateway/desk/withdrawals.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/relay/test_deployment.hpp"
#include "storage/desk_store.hpp"
#include "storage/reply_store.hpp"

namespace ishara::commands {
namespace {

using namespace std::chrono_literals;
using identity::EndKind;
using relay::test_number;
using relay::test_ref;
using Sitting = relay::TestDeployment::Sitting;
using storage::postgres::parameter;

constexpr std::chrono::days closed_days{180};  // as the configuration has it by default

// What is left of one report and its reporter.
struct Left {
  bool number = false;    // can be read, by the relay
  bool tag = false;       // of the number
  bool ref = false;       // opens the report
  bool copy = false;      // the number can be read in a copy from before, with the keys of today
  const char* rows = "";  // how many reports, texts, notes and replies
  const char* remembers = "";  // how many statements, and first INTAKEs of withdrawn reports
  bool hidden = false;

  friend std::ostream& operator<<(std::ostream& out, const Left& left) {
    return out << "number " << left.number << " tag " << left.tag << " ref " << left.ref << " copy "
               << left.copy << " rows " << left.rows << " remembers " << left.remembers
               << " hidden " << left.hidden;
  }
};

// One report with a later text, a note and a reply; beside it one that nothing happens to.
struct House {
  explicit House(const Sitting& sitting) {
    other = deployment.report(test_number(2), test_ref(2), {.may_text = true});
    report = deployment.report(test_number(1), test_ref(1), sitting);
    deployment.read_inbox();
    add_text();
    storage::Note note{crypto::random_bytes<16>(), report.id,         crypto::Id{4}, hour(),
                       crypto::Bytes(648),         crypto::Bytes(192)};
    reply = {crypto::random_bytes<16>(), report.id, hour(), crypto::Bytes(712)};
    desk.put_reply(reply, note, scribe()).value();
    deployment.database.query(
        "INSERT INTO former_wrap SELECT queue_id, report_id, gen_random_uuid(), gen_random_uuid(),"
        " 0, gen_random_uuid(), substr(wraps, 1, 192) FROM report WHERE report_id = '" +
        parameter(report.id) + "'");
    copy = deployment.store.addresses_after({}, 10).value();
  }

  std::uint32_t hour() const { return deployment.hour(); }
  storage::AuditScribe scribe() const {
    return identity::scribe_of({.action = identity::AuditAction::expire, .time = hour() * 3600ULL});
  }

  // --- What may happen

  void add_text() {
    deployment.database.query(
        "INSERT INTO text (message_id, report_id, queue_id, hour, record, message, wraps)"
        " SELECT gen_random_uuid(), report_id, queue_id, " +
        std::to_string(hour()) + ", record, message, wraps FROM report WHERE report_id = '" +
        parameter(report.id) + "'");
  }
  // The database's own clock stands still, as far as this test goes: it is told the day.
  void close() {
    const auto ours = " WHERE report_id = '" + parameter(report.id) + "'";
    deployment.database.query("UPDATE report SET stage = 2" + ours);
    deployment.database.query("UPDATE report SET closed_day = " + std::to_string(hour() / 24) +
                              ours);
  }
  template <class Which>
  void end(const Which& which, EndKind how, bool strict = false) {
    const auto epochs = deployment.live();
    relay::Threads threads{deployment.store, epochs, deployment.directory, deployment.now};
    REQUIRE(threads.end(which, how, strict ? nullptr : &deployment.relay)->found);
  }
  void hold() { desk.hold(report.id, true, scribe()).value(); }
  // Both people at once.
  storage::Agreement agreed(std::uint8_t user) const {
    storage::Agreement out;
    out.intent.action = static_cast<std::uint16_t>(identity::AuditAction::intend);
    out.intent.user = crypto::Id{user};
    out.intent.subject = report.id;
    out.intent.hour = hour();
    out.partners = {crypto::Id{static_cast<std::uint8_t>(3 - user)}};
    out.intend = scribe();
    return out;
  }
  void hold_legally(bool held = true) {
    for (const std::uint8_t user : {std::uint8_t{1}, std::uint8_t{2}})
      desk.hold_legally(report.id, held, agreed(user), scribe()).value();
  }
  void remove() {
    for (const std::uint8_t user : {std::uint8_t{1}, std::uint8_t{2}})
      desk.delete_report(report.id, hour(), agreed(user), scribe()).value();
  }
  void settle_reply(storage::ReplyState state) {
    replies.settle(reply, {reply.reply_id, state}, hour()).value();
  }
  void fetch_reply() {
    settle_reply(storage::ReplyState::kept);
    replies.fetched(reply, hour()).value();
  }

  // --- Time

  void chores() {
    deployment.read_inbox();
    deployment.store.forget_deleted().value();
    desk::StoredCases cases{desk};
    const auto settled = desk::settle_withdrawals(cases, deployment.directory, hour()).value();
    REQUIRE(settled.refused + settled.failed == 0);
    desk.forget_withdrawn(hour() - 180 * 24).value();
    desk.forget_replies(hour() - 24, hour() - 30 * 24).value();
    desk.expire(hour() / 24 - closed_days.count(), 10, scribe()).value();
    desk.forget_orphans(hour() - 30 * 24).value();
  }
  // The relay's look at all addresses comes with the hours: what is gone before it is gone at once.
  void wait(std::chrono::hours time) {
    const auto then = deployment.now + time;
    chores();
    for (auto step = 1h; deployment.now < then; step = 48h) {
      deployment.now = std::min(deployment.now + step, then);
      deployment.turn_week();
      chores();
    }
  }

  // --- What is left

  bool readable(const storage::Address& row) const {
    const auto epochs = deployment.live();
    const auto* epoch = epochs.find(row.epoch);
    if (epoch == nullptr) return false;
    const auto address =
        identity::open_stored_return_address(row.address, row.report_id, row.epoch, epoch->keys);
    return address && address->number;
  }
  std::string count(const std::string& table, const crypto::Id& of) const {
    return deployment.database.value("SELECT count(*) FROM " + table + " WHERE report_id = '" +
                                     parameter(of) + "'");
  }
  void check(const Left& left) {
    const auto address = deployment.address(report.id);
    CHECK((address && address->number) == left.number);
    const auto threads = deployment.store.threads_of(std::span{&report.id, 1}).value();
    CHECK(std::ranges::any_of(threads, [](const auto& row) { return row.kind == 'n'; }) ==
          left.tag);
    CHECK(deployment.by(test_ref(1)).found == left.ref);
    CHECK(std::ranges::any_of(copy, [this](const auto& row) {
            return row.report_id == report.id && readable(row);
          }) == left.copy);
    CHECK(count("report", report.id) + count("text", report.id) + count("note", report.id) +
              count("reply_outbox", report.id) ==
          left.rows);
    CHECK(count("former_wrap", report.id) == count("report", report.id));
    CHECK(count("statement", report.id) + count("withdrawn", report.id) == left.remembers);
    CHECK(count("(SELECT * FROM report WHERE hidden_until IS NOT NULL) AS hidden", report.id) ==
          (left.hidden ? "1" : "0"));
    CHECK(count("report", other.id) == "1");
  }

  relay::TestDeployment deployment;
  storage::blocking::DeskStore desk{deployment.database.url("ishara_desk")};
  storage::blocking::ReplyStore replies{deployment.database.url("ishara_relay")};
  relay::TestReport report, other;
  storage::OutboxReply reply;
  std::vector<storage::Address> copy;
};

constexpr Sitting yes{.may_text = true};
constexpr Sitting no{};

}  // namespace

TEST_CASE("P24: what is left of a report, row by row of the table in section 13") {
  struct Row {
    const char* name;
    Sitting sitting;
    void (*happens)(House&);
    std::chrono::hours later;
    Left left;
  };
  constexpr auto nothing = +[](House&) {};
  constexpr auto stop = +[](House& house) { house.end(test_number(1), EndKind::stop); };
  constexpr auto stop_by_ref = +[](House& house) { house.end(test_ref(1), EndKind::stop); };
  constexpr auto close = +[](House& house) { house.close(); };
  constexpr auto close_and_write = +[](House& house) {
    house.close();
    house.wait(24h * 6);
    house.add_text();
  };
  constexpr auto erase_by_ref = +[](House& house) { house.end(test_ref(1), EndKind::erase); };
  constexpr auto erase = +[](House& house) { house.end(test_number(1), EndKind::erase); };
  constexpr auto erase_strictly =
      +[](House& house) { house.end(test_number(1), EndKind::erase, true); };
  constexpr auto erase_and_hold = +[](House& house) {
    house.end(test_number(1), EndKind::erase);
    house.wait(1h);
    house.hold();
  };
  constexpr auto hold_and_erase_by_ref = +[](House& house) {
    house.end(test_number(1), EndKind::erase);
    house.wait(1h);
    house.hold();
    house.end(test_ref(1), EndKind::erase);
  };
  constexpr auto let_go = +[](House& house) {
    house.end(test_number(1), EndKind::erase);
    house.wait(1h);
    house.hold();
    house.wait(99h);
    house.desk.hold(house.report.id, false, house.scribe()).value();
  };
  constexpr auto hold_legally = +[](House& house) { house.hold_legally(); };
  constexpr auto hold_and_close = +[](House& house) {
    house.hold_legally();
    house.close();
  };
  constexpr auto hold_and_erase = +[](House& house) {
    house.hold_legally();
    house.end(test_number(1), EndKind::erase);
  };
  constexpr auto hold_legally_and_erase_by_ref = +[](House& house) {
    house.hold_legally();
    house.end(test_ref(1), EndKind::erase);
  };
  constexpr auto hold_legally_and_delete = +[](House& house) {
    house.hold_legally();
    const auto deleted =
        house.desk.delete_report(house.report.id, house.hour(), house.agreed(1), house.scribe());
    CHECK(deleted.error() == storage::errc::conflict);
  };
  constexpr auto erase_and_release = +[](House& house) {
    house.hold_legally();
    house.end(test_ref(1), EndKind::erase);
    house.wait(24h * 10);
    house.hold_legally(false);
  };
  constexpr auto remove = +[](House& house) { house.remove(); };
  constexpr auto remove_and_write = +[](House& house) {
    house.add_text();
    house.deployment.database.query("CREATE TABLE late AS SELECT * FROM text");
    house.remove();
    house.deployment.database.query("INSERT INTO text SELECT * FROM late WHERE report_id = '" +
                                    parameter(house.report.id) + "'");
  };
  constexpr auto yes_by_number = +[](House& house) {
    house.deployment.later(house.report, test_number(1), test_ref(9),
                           {.may_text = true, .by_number = true});
  };
  constexpr auto fetch = +[](House& house) { house.fetch_reply(); };
  constexpr auto sent = +[](House& house) { house.settle_reply(storage::ReplyState::sent); };

  // The week's key goes 190 hours after the start, three days after the end of the week.
  const Row rows[]{
      // name, sitting, what happens, how long after; number, tag, ref, copy, rows, remembers
      {"open", yes, nothing, 24h * 89, {true, true, true, false, "1110", "00"}},
      {"90 days without contact",
       yes,
       nothing,
       24h * 90,
       {false, false, true, false, "1110", "00"}},
      {"a year", yes, nothing, 24h * 365, {false, false, false, false, "1110", "00"}},

      {"END", yes, stop, 0h, {false, false, true, true, "1111", "00"}},
      {"END, key there", yes, stop, 189h, {false, false, true, true, "1111", "00"}},
      {"END, key gone", yes, stop, 190h, {false, false, true, false, "1111", "00"}},
      {"END by ref", yes, stop_by_ref, 0h, {false, false, true, true, "1111", "00"}},

      {"no opt-in", no, nothing, 0h, {false, true, true, false, "1111", "00"}},
      {"no opt-in, key there", no, nothing, 189h, {false, true, true, false, "1111", "00"}},
      {"no opt-in, key gone", no, nothing, 190h, {false, false, true, false, "1111", "00"}},
      {"unverified yes", no, yes_by_number, 117h, {true, true, true, false, "1111", "00"}},
      {"unverified yes, next week",
       no,
       yes_by_number,
       118h,
       {false, false, true, false, "1111", "00"}},

      {"closed", yes, close, 24h * 6, {true, true, true, true, "1111", "00"}},
      {"closed for 7 days", yes, close, 24h * 7, {false, false, false, true, "1111", "00"}},
      {"closed for 179 days", yes, close, 24h * 179, {false, false, false, false, "1110", "00"}},
      {"closed for 180 days", yes, close, 24h * 180, {false, false, false, false, "0000", "00"}},
      {"opened again", yes, close_and_write, 24h * 83, {true, true, true, false, "1210", "00"}},
      {"opened again, long ago",
       yes,
       close_and_write,
       24h * 200,
       {false, false, true, false, "1210", "00"}},

      {"DELETE with ref", yes, erase_by_ref, 0h, {false, false, false, true, "0000", "11"}},
      {"DELETE with ref, key gone",
       yes,
       erase_by_ref,
       190h,
       {false, false, false, false, "0000", "11"}},
      {"its owner is told so long",
       yes,
       erase_by_ref,
       24h * 180,
       {false, false, false, false, "0000", "11"}},
      {"and then nobody",
       yes,
       erase_by_ref,
       24h * 180 + 1h,
       {false, false, false, false, "0000", "00"}},

      {"DELETE by number", yes, erase, 0h, {false, false, true, true, "1111", "10", true}},
      {"DELETE by number, 71 hours",
       yes,
       erase,
       71h,
       {false, false, true, true, "1111", "10", true}},
      {"DELETE by number, 72 hours", yes, erase, 72h, {false, false, false, true, "0000", "11"}},
      {"held", yes, erase_and_hold, 72h, {false, false, true, true, "1111", "10", true}},
      {"held for long",
       yes,
       erase_and_hold,
       24h * 200,
       {false, false, true, false, "1110", "10", true}},
      {"held, then DELETE with ref",
       yes,
       hold_and_erase_by_ref,
       0h,
       {false, false, false, true, "0000", "21"}},
      {"DELETE by number in strict mode",
       yes,
       erase_strictly,
       72h,
       {false, false, true, true, "1111", "00"}},

      {"no longer held", yes, let_go, 0h, {false, false, false, true, "0000", "11"}},

      {"legal hold, number as ever",
       yes,
       hold_legally,
       24h * 89,
       {true, true, true, false, "1110", "00"}},
      {"legal hold, number gone as ever",
       yes,
       hold_legally,
       24h * 90,
       {false, false, true, false, "1110", "00"}},
      {"legal hold, closed for 180 days",
       yes,
       hold_and_close,
       24h * 180,
       {false, false, false, false, "1110", "00"}},
      {"legal hold, DELETE by number",
       yes,
       hold_and_erase,
       72h,
       {false, false, true, true, "1111", "10", true}},
      {"legal hold, DELETE with ref",
       yes,
       hold_legally_and_erase_by_ref,
       0h,
       {false, false, false, true, "1111", "10", true}},
      {"legal hold, DELETE with ref, a year",
       yes,
       hold_legally_and_erase_by_ref,
       24h * 365,
       {false, false, false, false, "1110", "10", true}},
      {"legal hold, deleted by leads",
       yes,
       hold_legally_and_delete,
       0h,
       {true, true, true, true, "1111", "00"}},
      {"legal hold ended after DELETE with ref",
       yes,
       erase_and_release,
       0h,
       {false, false, false, false, "0000", "11"}},

      {"deleted by leads", yes, remove, 0h, {false, false, false, true, "0000", "01"}},
      {"deleted by leads, key gone", yes, remove, 190h, {false, false, false, false, "0000", "01"}},
      {"deleted by leads, a text on its way",
       yes,
       remove_and_write,
       0h,
       {false, false, false, true, "0000", "01"}},
      {"deleted by leads, told so long",
       yes,
       remove,
       24h * 180,
       {false, false, false, false, "0000", "01"}},
      {"deleted by leads, and then nobody",
       yes,
       remove,
       24h * 180 + 1h,
       {false, false, false, false, "0000", "00"}},

      {"a reply for 30 days", yes, nothing, 24h * 30, {true, true, true, false, "1111", "00"}},
      {"and no longer", yes, nothing, 24h * 30 + 1h, {true, true, true, false, "1110", "00"}},
      {"fetched, for 24 hours", yes, fetch, 24h, {true, true, true, true, "1111", "00"}},
      {"fetched, and no longer", yes, fetch, 25h, {true, true, true, true, "1110", "00"}},
      {"sent", yes, sent, 0h, {true, true, true, true, "1110", "00"}},
  };
  for (const auto& row : rows) {
    const std::string name = row.name;
    CAPTURE(name);
    House house{row.sitting};
    row.happens(house);
    house.wait(row.later);
    CAPTURE(row.left);
    house.check(row.left);
  }
}

TEST_CASE("P24: the address of a caseworker's machine is kept for 90 days beside the audit") {
  storage::TestDatabase database;
  storage::blocking::DeskStore desk{database.url("ishara_desk")};
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::vector<std::pair<std::chrono::seconds, bool>> rows{
      {24h * 365, false}, {24h * 90 + 1s, false}, {24h * 90 - 60s, true}, {0s, true}};
  for (const auto& [age, kept] : rows)
    desk.put_audit(
            {}, {},
            identity::scribe_of({identity::AuditAction::open,
                                 static_cast<std::uint64_t>((now - age).time_since_epoch().count()),
                                 {},
                                 0,
                                 "{}",
                                 config::ip_address_of("192.0.2.7")}))
        .value();
  CHECK(desk.forget_origins().value() == 2);
  const auto entries = desk.audit_with_origins(0, 10).value();
  REQUIRE(entries.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows[i].first.count());
    CHECK(entries[i].origin.empty() != rows[i].second);
    // What is left holds, and says nothing about the address.
    CHECK(entries[i].entry.size() == identity::audit_entry_size);
  }
}

}  // namespace ishara::commands
