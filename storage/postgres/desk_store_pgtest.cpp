#include "storage/desk_store.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "storage/people_store.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/statements.hpp"
#include "storage/postgres/test_intake.hpp"

namespace ishara::storage {
namespace {

using blocking::DeskStore;
using postgres::parameter;

struct Office {
  TestDatabase database;
  DeskStore store{database.url("ishara_desk")};
  TestIntakes make{1};
  Id report = make.id();
  Id text = make.id();

  Office() {
    const auto bytes = [&](std::size_t size) { return parameter(make.bytes(size)); };
    database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
        " VALUES ('" +
        parameter(report) + "', '" + parameter(make.id()) + "', 1, 0, false, '" + bytes(184) +
        "', '" + bytes(584) + "', '" + bytes(192) + "')");
    database.query(
        "INSERT INTO text (message_id, report_id, queue_id, hour, record, message, wraps)"
        " VALUES ('" +
        parameter(text) + "', '" + parameter(report) + "', '" + parameter(make.id()) + "', 2, '" +
        bytes(184) + "', '" + bytes(584) + "', '" + bytes(192) + "')");
  }
  Note note() { return {make.id(), report, make.id(), 5, make.bytes(648), make.bytes(192)}; }
  OutboxReply reply(std::uint32_t hour = 5) { return {make.id(), report, hour, make.bytes(712)}; }
  Transfer transfer() {
    Transfer out;
    out.statement = {make.id(), report, make.bytes(136)};
    out.to_queue = make.id();
    out.report_wraps = make.bytes(384);
    out.texts = {{text, make.bytes(384)}};
    return out;
  }
  std::string count(const char* table) const {
    return database.value(std::string{"SELECT count(*) FROM "} + table);
  }
  std::uint64_t sealed_to(const Id& kid) const {
    return blocking::PeopleStore{database.url("ishara_desk")}.wraps_left(kid)->messages;
  }
};

}  // namespace

TEST_CASE("a reply and its note are stored together, once, and the relay's word is shown") {
  Office office;
  const auto reply = office.reply();
  const auto note = office.note();
  REQUIRE(office.store.put_reply(reply, note, test_scribe()).has_value());
  REQUIRE(office.store.put_reply(reply, note, test_scribe()).has_value());
  REQUIRE(office.store.put_reply(office.reply(6), std::nullopt, test_scribe()).has_value());
  const auto notes = office.store.notes(office.report);
  REQUIRE(notes->size() == 1);
  CHECK(notes->front().message_id == note.message_id);
  CHECK(notes->front().author == note.author);
  CHECK(notes->front().envelope == note.envelope);
  CHECK(notes->front().wraps == note.wraps);

  blocking::ReplyStore relay{office.database.url("ishara_relay")};
  REQUIRE(relay.settle(reply, {reply.reply_id, ReplyState::sent, 0}, reply.hour).has_value());
  auto replies = office.store.replies(office.report);
  REQUIRE(replies->size() == 2);
  CHECK(replies->at(0).state == ReplyState::sent);
  CHECK(!replies->at(1).state.has_value());
  // What has done its work goes, and its state stays to be seen.
  CHECK(office.store.forget_replies(4, 4).value() == 1);
  replies = office.store.replies(office.report);
  REQUIRE(replies->size() == 2);
  CHECK(replies->at(0).state == ReplyState::sent);
  CHECK(office.store.forget_replies(4, 7).value() == 1);
  CHECK(office.count("reply_outbox") == "0");
}

TEST_CASE("a transfer moves the report, every text and every note, and tells it") {
  Office office;
  const auto note = office.note();
  REQUIRE(office.store.put_note(note, test_scribe()).has_value());
  auto transfer = office.transfer();
  transfer.notes = {{note.message_id, office.make.bytes(384)}};
  REQUIRE(office.store.transfer(transfer, test_scribe()).has_value());
  const auto queue = office.database.query(
      "SELECT queue_id FROM report UNION SELECT queue_id"
      " FROM text");
  CHECK(queue.size() == 1);
  CHECK(office.store.notes(office.report)->front().wraps == transfer.notes[0].wraps);
  const auto report = office.store.show(office.report);
  CHECK(report->texts[0].wraps == transfer.report_wraps);
  CHECK(report->texts[1].wraps == transfer.texts[0].wraps);
  CHECK(office.store.statements(office.report)->size() == 1);
}

TEST_CASE("a transfer that misses a text or a note, or has one too many, changes nothing (P33)") {
  Office office;
  const auto note = office.note();
  REQUIRE(office.store.put_note(note, test_scribe()).has_value());
  const NewWraps of_note{note.message_id, office.make.bytes(192)};
  const NewWraps stray{office.make.id(), office.make.bytes(192)};
  const auto refused = [&](std::vector<NewWraps> texts, std::vector<NewWraps> notes,
                           std::uint32_t known) {
    auto transfer = office.transfer();
    if (!texts.empty() && texts[0].message_id == Id{}) texts[0].message_id = office.text;
    transfer.texts = std::move(texts);
    transfer.notes = std::move(notes);
    transfer.known_statements = known;
    return office.store.transfer(transfer, test_scribe()).error() == errc::conflict;
  };
  const NewWraps of_text{Id{}, office.make.bytes(192)};
  CHECK(refused({}, {of_note}, 0));
  CHECK(refused({of_text}, {}, 0));
  CHECK(refused({of_text, stray}, {of_note}, 0));
  CHECK(refused({of_text, of_text}, {of_note}, 0));
  CHECK(refused({of_text}, {of_note}, 1));
  CHECK(office.count("statement") == "0");
  CHECK(office.database.value("SELECT octet_length(wraps) FROM report") == "192");
  auto elsewhere = office.transfer();
  elsewhere.statement.report_id = office.make.id();
  CHECK(office.store.transfer(elsewhere, test_scribe()).error() == errc::not_found);
}

namespace {

// The statement that somebody stored about the office's report: only its type is looked at here.
void sign(Office& office, std::uint8_t type) {
  Statement statement{office.make.id(), office.report, office.make.bytes(136)};
  statement.bytes[1] = type;
  REQUIRE(office.store.put_statement(statement).has_value());
}

}  // namespace

TEST_CASE("reports that a withdrawal names, or that are hidden, are found page by page") {
  Office office;
  const auto found = [&](const Id& after = {}) {
    return office.store.withdrawn(after, 10).value();
  };
  sign(office, 8);
  sign(office, 9);
  CHECK(found().empty());
  sign(office, 12);
  sign(office, 12);
  REQUIRE(found().size() == 1);
  CHECK(found()[0].report_id == office.report);
  CHECK(found()[0].record.size() == 184);
  CHECK(found()[0].hidden_until == 0);
  CHECK(found(office.report).empty());

  office.database.query("DELETE FROM statement");
  REQUIRE(office.store.hide(office.report, 77).has_value());
  REQUIRE(found().size() == 1);
  CHECK(found()[0].hidden_until == 77);
  CHECK(office.store.withdrawn({}, 0)->empty());
  REQUIRE(office.store.hide(office.report, 0).has_value());
  CHECK(found().empty());
}

TEST_CASE("a queue's hidden reports come page by page, also those that it gave away") {
  Office office;
  const auto queue = office.store.show(office.report)->row.queue_id;
  const Id former = office.make.id();
  const auto found = [&](const Id& of, const Id& first = {}, std::uint32_t limit = 10) {
    return office.store.hidden(std::span{&of, 1}, first, limit).value();
  };
  CHECK(found(queue).empty());
  REQUIRE(office.store.hide(office.report, 77).has_value());
  REQUIRE(found(queue).size() == 1);
  CHECK(found(queue)[0].report_id == office.report);
  CHECK(found(queue)[0].record.size() == 184);
  CHECK(found(queue)[0].hidden_until == 77);
  CHECK(found(queue, office.report).size() == 1);
  CHECK(found(queue, {}, 0).empty());
  Id last{};
  last.fill(0xff);
  CHECK(found(queue, last).empty());

  CHECK(found(former).empty());
  Statement statement{office.make.id(), office.report, Bytes(136)};
  std::copy(former.begin(), former.end(), statement.bytes.begin() + 24);
  statement.bytes[1] = 9;
  REQUIRE(office.store.put_statement(statement).has_value());
  CHECK(found(former).empty());
  statement.hash = office.make.id();
  statement.bytes[1] = 8;
  REQUIRE(office.store.put_statement(statement).has_value());
  CHECK(found(former).size() == 1);
}

TEST_CASE("withdrawals are found by their index") {
  Office office;
  office.database.query(
      "INSERT INTO statement SELECT gen_random_uuid(), gen_random_uuid(),"
      " decode(repeat(CASE WHEN n % 1000 = 0 THEN '0c' ELSE '08' END, 136), 'hex')"
      " FROM generate_series(1, 20000) AS n");
  office.database.query("ANALYZE statement");
  std::string plan;
  for (const auto& row :
       office.database.query("EXPLAIN SELECT report_id FROM statement WHERE get_byte(bytes, 1) = 12"
                             " AND report_id > '00000000000000000000000000000000'"))
    plan += row[0];
  CHECK(plan.find("statement_withdraw") != std::string::npos);
}

TEST_CASE("a hidden report is in no list, no pull and no view, and nobody gives it away") {
  Office office;
  const auto queue = office.store.show(office.report)->row.queue_id;
  REQUIRE(office.store.hide(office.report, 77).has_value());
  CHECK(office.store.show(office.report).error() == errc::not_found);
  CHECK(office.store.list(queue, {}, 10, test_scribe())->empty());
  CHECK(office.store.summaries(std::span{&queue, 1})->at(0).waiting == 0);
  CHECK_FALSE(
      office.store
          .pull(std::span{&queue, 1}, office.make.id(), std::chrono::minutes{1}, test_scribe())
          .value()
          .has_value());
  CHECK(office.store.transfer(office.transfer(), test_scribe()).error() == errc::not_found);
  CHECK(office.store.first_record(office.report).has_value());
  REQUIRE(office.store.hide(office.report, 0).has_value());
  CHECK(office.store.list(queue, {}, 10, test_scribe())->size() == 1);
}

TEST_CASE("an erased report leaves nothing but its first record, in one step (P24)") {
  Office office;
  const auto record = office.store.show(office.report)->texts[0].record;
  sign(office, 12);
  REQUIRE(office.store.put_reply(office.reply(), office.note(), test_scribe()).has_value());
  const auto counts = [&] {
    std::string all;
    for (const char* table : {"report", "text", "note", "reply_outbox", "withdrawn"})
      all += office.count(table);
    return all;
  };
  CHECK(counts() == "11110");
  // Not even half of it happens if one table fails.
  office.database.query("REVOKE DELETE ON reply_outbox FROM ishara_desk");
  CHECK(office.store.erase(office.report, 9, false).has_error());
  CHECK(counts() == "11110");
  office.database.query("GRANT DELETE ON reply_outbox TO ishara_desk");
  REQUIRE(office.store.erase(office.report, 9, false).has_value());
  REQUIRE(office.store.erase(office.report, 10, false).has_value());
  CHECK(counts() == "00001");
  CHECK(office.store.first_record(office.report).value() == record);
  CHECK(office.store.withdrawn({}, 10)->empty());

  // A note that was on its way is found and goes too.
  REQUIRE(office.store.put_note(office.note(), test_scribe()).has_value());
  REQUIRE(office.store.withdrawn({}, 10)->size() == 1);
  CHECK(office.store.withdrawn({}, 10)->front().record == record);
  REQUIRE(office.store.erase(office.report, 11, false).has_value());
  CHECK(counts() == "00001");

  REQUIRE(office.store.forget_withdrawn(9).has_value());
  CHECK(office.store.first_record(office.report).has_value());
  REQUIRE(office.store.forget_withdrawn(10).has_value());
  CHECK(office.store.first_record(office.report).error() == errc::not_found);
}

TEST_CASE(
    "a held report is not erased, unless its ref asks for it, and the hold is noted once (P24)") {
  Office office;
  sign(office, 12);
  REQUIRE(office.store.hide(office.report, 77).has_value());
  CHECK_FALSE(office.store.withdrawn({}, 10)->front().held);
  const auto entries = office.count("audit");
  REQUIRE(office.store.hold(office.report, true, test_scribe()).has_value());
  REQUIRE(office.store.hold(office.report, true, test_scribe()).has_value());
  CHECK(office.count("audit") == std::to_string(std::stoi(entries) + 1));
  const auto found = office.store.withdrawn({}, 10)->front();
  CHECK(found.held);
  CHECK(found.hidden_until == 77);
  CHECK(office.store.show(office.report).error() == errc::not_found);
  REQUIRE(office.store.erase(office.report, 80, false).has_value());
  CHECK(office.count("report") == "1");
  CHECK(office.count("withdrawn") == "0");
  REQUIRE(office.store.erase(office.report, 80, true).has_value());
  CHECK(office.count("report") == "0");
  CHECK(office.store.hold(office.report, true, test_scribe()).error() == errc::not_found);
}

namespace {

// What somebody of this number wants to happen to the office's report.
Agreement wanted_by(const Office& office, std::uint8_t user, std::vector<Id> partners,
                    std::uint32_t hour = 100) {
  Agreement out;
  out.intent.digest[0] = 7;
  out.intent.action = 58;
  out.intent.place = Id{1};
  out.intent.subject = office.report;
  out.intent.user = Id{user};
  out.intent.hour = hour;
  out.partners = std::move(partners);
  out.intend = test_scribe();
  return out;
}

}  // namespace

TEST_CASE("the second of two people carries out what the first wants, and no intent stays") {
  Office office;
  const auto hold = [&](std::uint8_t user, std::vector<Id> partners, std::uint32_t hour = 100) {
    const auto wanted = wanted_by(office, user, std::move(partners), hour);
    return office.store.hold_legally(office.report, true, wanted, test_scribe()).value().until;
  };
  const auto is_held = [&] {
    return office.database.value("SELECT legally_held FROM report") == "t";
  };
  CHECK(hold(1, {Id{2}, Id{3}}) == 124);
  CHECK(hold(1, {Id{2}, Id{3}}, 101) == 124);
  CHECK(office.count("audit") == "1");
  // Nor with somebody who does not count, nor with herself.
  CHECK(hold(4, {Id{2}, Id{4}}) == 124);
  CHECK_FALSE(is_held());
  const std::vector<Id> places{Id{1}};
  CHECK(office.store.intents(places, 99)->size() == 2);
  CHECK(office.store.intents(places, 100)->empty());
  CHECK(office.store.intents(std::vector{Id{2}}, 0)->empty());
  CHECK(office.store.intents(places, 99)->front().subject == office.report);

  SUBCASE("they agree") {
    // Not even half of it happens if the audit cannot be written.
    office.database.query("REVOKE INSERT ON audit FROM ishara_desk");
    const auto wanted = wanted_by(office, 2, {Id{1}});
    CHECK(office.store.hold_legally(office.report, true, wanted, test_scribe()).has_error());
    CHECK_FALSE(is_held());
    CHECK(office.count("intent") == "2");
    office.database.query("GRANT INSERT ON audit TO ishara_desk");
    CHECK(hold(2, {Id{1}}) == 0);
    CHECK(is_held());
    CHECK(office.count("intent") == "0");
    CHECK(office.count("audit") == "3");
    CHECK(hold(2, {Id{1}}) == 0);  // it is so already
    CHECK(office.count("audit") == "3");
  }
  SUBCASE("the day is over") {
    CHECK(hold(2, {Id{1}}, 124) == 148);
    CHECK_FALSE(is_held());
    CHECK(office.count("intent") == "1");
    REQUIRE(office.store.forget_intents(123).has_value());
    CHECK(office.count("intent") == "1");
    REQUIRE(office.store.forget_intents(124).has_value());
    CHECK(office.count("intent") == "0");
  }
  SUBCASE("the report is gone") {
    REQUIRE(office.store.erase(office.report, 100, false).has_value());
    const auto wanted = wanted_by(office, 2, {Id{1}});
    CHECK(office.store.hold_legally(office.report, true, wanted, test_scribe()).error() ==
          errc::not_found);
  }
}

TEST_CASE("of two people who want the same at once one is the second") {
  for (int round = 0; round < 10; ++round) {
    Office office;
    std::uint32_t until[2] = {1, 1};
    {
      std::vector<std::jthread> desks;
      for (const std::uint8_t user : {std::uint8_t{1}, std::uint8_t{2}})
        desks.emplace_back([&, user] {
          postgres::Session session{office.database.url("ishara_desk")};
          const auto wanted = wanted_by(office, user, {Id{static_cast<std::uint8_t>(3 - user)}});
          const auto agreed = session.transact([&](postgres::Transaction& transaction) {
            return postgres::agree(transaction, wanted);
          });
          until[user - 1] = agreed->until;
        });
    }
    CHECK((until[0] == 0) != (until[1] == 0));
    CHECK(office.count("intent") == "0");
  }
}

TEST_CASE("two people delete a report, of which its first INTAKE is left (P24)") {
  Office office;
  REQUIRE(office.store.put_reply(office.reply(), office.note(), test_scribe()).has_value());
  const auto record = office.store.first_record(office.report).value();
  const auto counts = [&] {
    std::string all;
    for (const char* table : {"report", "text", "note", "reply_outbox", "withdrawn", "audit"})
      all += office.count(table);
    return all;
  };
  const auto remove = [&](std::uint8_t user) {
    const auto wanted = wanted_by(office, user, {Id{static_cast<std::uint8_t>(3 - user)}});
    return office.store.delete_report(office.report, 9, wanted, test_scribe());
  };
  for (const std::string column : {"held = true", "legally_held = true"}) {
    office.database.query("UPDATE report SET " + column);
    CHECK(remove(1).error() == errc::conflict);
    office.database.query("UPDATE report SET held = false, legally_held = false");
  }
  office.database.query("UPDATE report SET hidden_until = 7");
  CHECK(remove(1).error() == errc::not_found);
  office.database.query("UPDATE report SET hidden_until = NULL");
  CHECK(office.count("intent") == "0");
  CHECK(remove(1)->until == 124);
  CHECK(counts() == "111102");
  CHECK_FALSE(office.store.is_deleted(office.report).value());
  CHECK(remove(2)->until == 0);
  CHECK(counts() == "000013");
  CHECK(office.store.is_deleted(office.report).value());
  CHECK(office.store.first_record(office.report).value() == record);
  // It is no erasure of which the audit does not know, and nothing is left of it.
  REQUIRE(office.store.audit_erasures(1000, test_scribe()).has_value());
  CHECK(counts() == "000013");
  CHECK(office.store.withdrawn({}, 10)->empty());
  // What was on its way is found.
  REQUIRE(office.store.put_note(office.note(), test_scribe()).has_value());
  REQUIRE(office.store.withdrawn({}, 10)->size() == 1);
  CHECK(office.store.withdrawn({}, 10)->front().by_leads);
  REQUIRE(office.store.erase(office.report, 10, true).has_value());
  CHECK(office.count("note") == "0");
  CHECK(remove(1).error() == errc::not_found);
}

TEST_CASE("a legally held report is not erased, whoever asks (P24)") {
  Office office;
  sign(office, 12);
  office.database.query("UPDATE report SET legally_held = true");
  CHECK(office.store.withdrawn({}, 10)->front().legally_held);
  for (const bool even_held : {false, true}) {
    REQUIRE(office.store.erase(office.report, 80, even_held).has_value());
    CHECK(office.count("report") + office.count("text") == "11");
    CHECK(office.count("withdrawn") == "0");
  }
  const auto queue = office.database.value("SELECT replace(queue_id::text, '-', '') FROM report");
  Id id{};
  for (std::size_t i = 0; i < 16; ++i)
    id[i] = static_cast<std::uint8_t>(std::stoi(queue.substr(2 * i, 2), nullptr, 16));
  REQUIRE(office.store.hidden(std::vector{id}, {}, 10)->size() == 1);
  CHECK(office.store.hidden(std::vector{id}, {}, 10)->front().legally_held);
  CHECK(office.store.hidden(std::vector{id}, {}, 10)->front().hidden_until == 0);
}

TEST_CASE("desks that erase the same report at once do not fail each other") {
  Office office;
  const auto note = office.note();
  REQUIRE(office.store.put_note(note, test_scribe()).has_value());
  bool good[4] = {};
  {
    std::vector<std::jthread> desks;
    for (bool& one : good)
      desks.emplace_back([&] {
        DeskStore store{office.database.url("ishara_desk")};
        one = store.erase(office.report, 9, false).has_value();
      });
  }
  for (const bool one : good) CHECK(one);
  CHECK(office.count("report") == "0");
  CHECK(office.count("withdrawn") == "1");
}

namespace {

constexpr std::uint32_t today = 20'000;

// Closed by somebody, on this day.
void close(const Office& office, std::uint32_t day) {
  office.database.query("UPDATE report SET stage = 2");
  office.database.query("UPDATE report SET closed_day = " + std::to_string(day));
}

}  // namespace

TEST_CASE("the database knows the day on which a report was closed, as long as it is (P24)") {
  Office office;
  const auto closed_day = [&] { return office.database.value("SELECT closed_day FROM report"); };
  const auto day = [&] {
    return office.database.value("SELECT floor(extract(epoch FROM now()) / 86400)::integer");
  };
  CHECK(closed_day() == "NULL");
  const auto before = day();
  office.database.query("UPDATE report SET stage = 2");
  const auto closed = closed_day();
  CHECK((closed == before || closed == day()));

  // It does not begin anew while the report stays closed, and does when it is opened again.
  close(office, today);
  office.database.query("UPDATE report SET stage = 2, urgent = true");
  CHECK(closed_day() == std::to_string(today));
  SUBCASE("by a later text") {
    office.database.query(
        "INSERT INTO text (message_id, report_id, queue_id, hour, record, message, wraps)"
        " SELECT gen_random_uuid(), report_id, queue_id, hour, record, message, wraps FROM text");
    CHECK(closed_day() == "NULL");
  }
  SUBCASE("by a new owner") {
    REQUIRE(office.store.transfer(office.transfer(), test_scribe()).has_value());
    CHECK(closed_day() == "NULL");
  }
}

TEST_CASE("a closed report goes after its time with everything about it (P24)") {
  Office office;
  REQUIRE(office.store.put_reply(office.reply(), office.note(), test_scribe()).has_value());
  const auto entries = std::stoi(office.count("audit"));
  const auto counts = [&] {
    std::string all;
    for (const char* table : {"report", "text", "note", "reply_outbox"}) all += office.count(table);
    return all;
  };
  const auto expire = [&](std::uint32_t day) {
    return office.store.expire(day, 10, test_scribe()).value();
  };
  CHECK(expire(today) == 0);  // it is open
  close(office, today);
  CHECK(expire(today - 1) == 0);
  for (const std::string hold : {"held", "legally_held"}) {
    CAPTURE(hold);
    office.database.query("UPDATE report SET " + hold + " = true");
    CHECK(expire(today) == 0);
    office.database.query("UPDATE report SET " + hold + " = false");
  }
  CHECK(counts() == "1111");
  // Not even half of it happens if one table fails.
  office.database.query("REVOKE DELETE ON reply_outbox FROM ishara_desk");
  CHECK(office.store.expire(today, 10, test_scribe()).has_error());
  CHECK(counts() == "1111");
  CHECK(std::stoi(office.count("audit")) == entries);
  office.database.query("GRANT DELETE ON reply_outbox TO ishara_desk");
  CHECK(expire(today) == 1);
  CHECK(counts() == "0000");
  CHECK(office.count("withdrawn") == "0");
  CHECK(expire(today) == 0);
  CHECK(std::stoi(office.count("audit")) == entries + 1);
}

TEST_CASE("desks expire many reports at once, a few at a time, each of them once (P24)") {
  Office office;
  office.database.query(
      "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
      " SELECT gen_random_uuid(), queue_id, hour, class, urgent, record, message, wraps"
      "   FROM report, generate_series(1, 199)");
  close(office, today);
  office.database.query("UPDATE report SET stage = 1 WHERE report_id = '" +
                        parameter(office.report) + "'");
  std::uint32_t expired[4] = {};
  bool bounded[4] = {};
  {
    std::vector<std::jthread> desks;
    for (std::size_t i = 0; i < 4; ++i)
      desks.emplace_back([&, i] {
        DeskStore store{office.database.url("ishara_desk")};
        bounded[i] = true;
        // What another desk has taken is passed over, so each one ends.
        for (std::uint32_t count = 1; count > 0; expired[i] += count) {
          count = store.expire(today, 7, test_scribe()).value();
          bounded[i] = bounded[i] && count <= 7;
        }
      });
  }
  CHECK(expired[0] + expired[1] + expired[2] + expired[3] == 199);
  for (const bool one : bounded) CHECK(one);
  CHECK(office.count("report") == "1");
  CHECK(office.count("audit") == "199");
}

TEST_CASE("closed reports are found by their index") {
  Office office;
  office.database.query(
      "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
      " SELECT gen_random_uuid(), queue_id, hour, class, urgent, record, message, wraps"
      "   FROM report, generate_series(1, 5000)");
  close(office, today);
  office.database.query("UPDATE report SET closed_day = 19000 WHERE report_id = '" +
                        parameter(office.report) + "'");
  office.database.query("ANALYZE report");
  std::string plan;
  for (const auto& row : office.database.query(
           "EXPLAIN SELECT report_id FROM report WHERE stage = 2 AND closed_day <= 19500"
           " AND NOT held AND NOT legally_held ORDER BY closed_day LIMIT 100 FOR UPDATE SKIP "
           "LOCKED"))
    plan += row[0];
  CHECK(plan.find("report_closed") != std::string::npos);
}

TEST_CASE("what names a report that is gone goes in the end, and not what comes before one (P24)") {
  Office office;
  REQUIRE(office.store.put_note(office.note(), test_scribe()).has_value());  // of hour 5
  // Of hour 7; their hour stands in their own bytes.
  const auto sign_hour_7 = [&](const Id& report) {
    Statement statement{office.make.id(), report, Bytes(136)};
    statement.bytes[7] = 7;
    REQUIRE(office.store.put_statement(statement).has_value());
  };
  sign_hour_7(office.report);
  const auto forget = [&](std::uint32_t before) {
    const auto gone = office.store.forget_orphans(before);
    REQUIRE(gone.has_value());
    return office.count("text") + office.count("note") + office.count("statement");
  };
  CHECK(forget(100) == "111");
  office.database.query(
      "WITH gone AS (DELETE FROM report RETURNING *)"
      " INSERT INTO withdrawn SELECT report_id, hour, record FROM gone");
  CHECK(forget(7) == "001");
  CHECK(forget(100) == "001");  // it tells the last owner why the report is gone
  office.database.query("DELETE FROM withdrawn");
  CHECK(forget(7) == "001");
  CHECK(forget(8) == "000");
}

namespace {

// The office's report left one queue, and its text and first text have their first wrap still for
// that queue's kid.
struct Left : Office {
  QueueKey queue{make.id(), make.id()};
  Bytes wraps = wraps_for(queue.kid);
  static constexpr Id none{};
  Id all = [] {
    Id out{};
    out.fill(0xff);
    return out;
  }();

  Left() {
    for (const char* table : {"report", "text"})
      database.query(std::string{"UPDATE "} + table + " SET wraps = '" + parameter(wraps) + "'");
  }
  Bytes wraps_for(const Id& kid) {
    auto out = make.bytes(192);
    std::copy(kid.begin(), kid.end(), out.begin() + 40);
    return out;
  }
  void sign_step(std::uint8_t type, const Id& from, std::uint8_t new_class = 0,
                 std::optional<Id> of = {}, const Id& to = {}) {
    Statement statement{make.id(), of.value_or(report), Bytes(136)};
    statement.bytes[1] = type;
    statement.bytes[3] = new_class;
    std::copy(from.begin(), from.end(), statement.bytes.begin() + 24);
    std::copy(to.begin(), to.end(), statement.bytes.begin() + 40);
    REQUIRE(store.put_statement(statement).has_value());
  }
  std::vector<LeftBehind> found(std::vector<QueueKey> queues, std::uint32_t limit = 10) {
    return store.left_behind(queues, none, all, limit).value();
  }
  HandedOn handed_on(std::uint32_t statements = 1) {
    HandedOn out;
    out.report_id = report;
    out.known_statements = statements;
    out.to_queue = make.id();
    for (const auto& left : found({queue})) out.messages.push_back({left, make.bytes(192)});
    return out;
  }
};

}  // namespace

TEST_CASE("what a queue that gave a report away still has is found, and nothing else (P33)") {
  Left office;
  const auto note = office.note();
  REQUIRE(office.store.put_note(note, test_scribe()).has_value());
  const QueueKey other{office.make.id(), office.make.id()};
  CHECK(office.found({office.queue}).empty());
  office.sign_step(8, office.queue.queue_id);
  CHECK(office.found({}).empty());
  CHECK(office.found({other}).empty());
  CHECK(office.found({{other.queue_id, office.queue.kid}}).empty());
  CHECK(office.found({{office.queue.queue_id, other.kid}}).empty());

  const auto found = office.found({other, office.queue});
  REQUIRE(found.size() == 2);
  for (const auto& left : found) {
    const bool later = left.part == LeftBehind::Part::later_text;
    CHECK(left.report_id == office.report);
    CHECK((left.message_id == office.text) == later);
    CHECK(left.hour == (later ? 2 : 1));
    CHECK(left.wraps == office.wraps);
  }
  office.database.query("UPDATE note SET wraps = '" + parameter(office.wraps) + "'");
  CHECK(office.found({office.queue}).size() == 3);
  REQUIRE(office.store.hide(office.report, 77).has_value());
  CHECK(office.found({office.queue}).empty());
}

TEST_CASE("a consent that was taken back makes what a queue was given worth a look, and no more") {
  Left office;
  office.sign_step(9, {}, 0);
  CHECK(office.found({office.queue}).empty());
  office.sign_step(8, office.make.id(), 0, {}, office.queue.queue_id);
  CHECK(office.found({office.queue}).size() == 2);
  office.database.query("DELETE FROM statement WHERE get_byte(bytes, 1) = 9");
  office.sign_step(9, {}, 1);
  CHECK(office.found({office.queue}).empty());
}

TEST_CASE("what is left behind comes by whole reports") {
  Left office;
  office.sign_step(8, office.queue.queue_id);
  for (int i = 0; i < 4; ++i) {
    auto intake = office.make.next(office.make.id());
    office.database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
        " SELECT '" +
        parameter(intake.report_id) +
        "', queue_id, hour, class, urgent, record, message, wraps FROM report WHERE report_id = '" +
        parameter(office.report) + "'");
    office.sign_step(8, office.queue.queue_id, 0, intake.report_id);
  }
  std::vector<Id> reports;
  auto from = Left::none;
  while (true) {
    const auto page =
        office.store.left_behind(std::span{&office.queue, 1}, from, office.all, 2).value();
    for (const auto& left : page) {
      if (reports.empty() || reports.back() != left.report_id) reports.push_back(left.report_id);
    }
    from = page.back().report_id;
    if (page.front().report_id == page.back().report_id) break;
  }
  CHECK(reports.size() == 5);
  CHECK(std::ranges::is_sorted(reports));
  const auto one =
      office.store.left_behind(std::span{&office.queue, 1}, office.report, office.report, 10)
          .value();
  CHECK(one.size() == 2);
}

TEST_CASE("new wraps take the place of those that were seen, and of no others (P33)") {
  Left office;
  office.sign_step(8, office.queue.queue_id);
  const auto note = office.note();
  REQUIRE(office.store.put_note(note, test_scribe()).has_value());
  office.database.query("UPDATE note SET wraps = '" + parameter(office.wraps) + "'");
  const auto first = office.handed_on();
  auto second = office.handed_on();
  REQUIRE(first.messages.size() == 3);
  const auto stored = [&](const char* table) {
    return office.database.value(std::string{"SELECT wraps FROM "} + table);
  };

  SUBCASE("they are replaced once, whoever comes second") {
    office.database.query(
        "UPDATE report SET stage = 1, lease_user = gen_random_uuid(), lease_until = 'tomorrow'");
    REQUIRE(office.store.hand_on(first, test_scribe()).has_value());
    REQUIRE(office.store.hand_on(second, test_scribe()).has_value());
    for (const auto& message : first.messages) {
      const char* const table = message.seen.part == LeftBehind::Part::first_text   ? "report"
                                : message.seen.part == LeftBehind::Part::later_text ? "text"
                                                                                    : "note";
      CAPTURE(table);
      CHECK(stored(table) == parameter(message.wraps));
    }
    for (const char* table : {"report", "text"})
      CHECK(office.database.value(std::string{"SELECT queue_id FROM "} + table +
                                  " WHERE queue_id = '" + parameter(first.to_queue) + "'") != "");
    // It waits anew in the new queue.
    CHECK(office.database.value("SELECT stage FROM report WHERE lease_user IS NULL") == "0");
    CHECK(office.found({office.queue}).empty());
    CHECK(office.count("audit") == "4");  // of the note and of each message, once
  }
  SUBCASE("nothing changes if something was signed meanwhile") {
    office.sign_step(8, office.make.id());
    CHECK(office.store.hand_on(first, test_scribe()).error() == errc::conflict);
    CHECK(stored("text") == parameter(office.wraps));
  }
  SUBCASE("nor of a report that is hidden") {
    REQUIRE(office.store.hide(office.report, 77).has_value());
    CHECK(office.store.hand_on(first, test_scribe()).error() == errc::not_found);
    CHECK(stored("text") == parameter(office.wraps));
  }
  SUBCASE("nor of a message of another report") {
    second.report_id = office.make.id();
    office.database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
        " SELECT '" +
        parameter(second.report_id) +
        "', queue_id, hour, class, urgent, record, set_byte(message, 30, 7), wraps FROM report");
    second.known_statements = 0;
    REQUIRE(office.store.hand_on(second, test_scribe()).has_value());
    CHECK(stored("text") == parameter(office.wraps));
    CHECK(stored("note") == parameter(office.wraps));
    CHECK(stored("report") == parameter(office.wraps));
  }
}

TEST_CASE("wraps for a key are found at every place, page by page, and counted") {
  Left office;
  const auto of_other = office.make.bytes(192);
  auto behind = of_other;
  behind.insert(behind.end(), office.wraps.begin(), office.wraps.end());
  auto note = office.note();
  note.wraps = behind;
  REQUIRE(office.store.put_note(note, test_scribe()).has_value());
  const std::vector kids{office.make.id(), office.queue.kid};
  const auto found = [&](const Id& first, std::uint32_t limit) {
    return office.store.wraps_for(kids, first, limit).value();
  };

  // Of a closed report and of one that is hidden, too: it may be held, or come back.
  office.database.query("UPDATE report SET stage = 2");
  REQUIRE(office.store.hide(office.report, 77).has_value());
  const auto wraps = found(Left::none, 10);
  REQUIRE(wraps.size() == 3);
  CHECK(office.sealed_to(office.queue.kid) == 3);
  CHECK(office.sealed_to(office.make.id()) == 0);
  for (const auto& wrap : wraps) {
    CHECK(wrap.report_id == office.report);
    CHECK(wrap.wrap == office.wraps);
    const bool is_note = wrap.part == LeftBehind::Part::note;
    CHECK((wrap.message_id == note.message_id) == is_note);
    CHECK(wrap.place == (is_note ? 1 : 0));
    CHECK((wrap.message_id == office.text) == (wrap.part == LeftBehind::Part::later_text));
  }

  // A text that is here before its report counts as well.
  office.database.query("UPDATE text SET report_id = '" + parameter(office.make.id()) + "'");
  auto first_page = found(Left::none, 1);
  const auto next = found(first_page.back().report_id, 2);
  CHECK(next.size() == 3);
  CHECK(std::ranges::is_sorted(next, {}, &StoredWrap::report_id));
  CHECK(office.store.wraps_for({}, Left::none, 10)->empty());
}

TEST_CASE("a wrap is renewed at its place, once, and nothing else of a report changes") {
  Left office;
  const auto user = office.make.id();
  auto note = office.note();
  const Bytes before = office.make.bytes(192), behind = office.make.bytes(192);
  note.wraps = before;
  for (const auto& more : {office.wraps, behind})
    note.wraps.insert(note.wraps.end(), more.begin(), more.end());
  REQUIRE(office.store.put_note(note, test_scribe()).has_value());
  office.database.query(
      "UPDATE report SET stage = 1, lease_user = gen_random_uuid(), lease_until = 'tomorrow'");
  const auto row = [&] {
    return office.database.value(
        "SELECT concat(queue_id, stage, lease_user, lease_until, encode(message, 'hex'))"
        " FROM report");
  };
  const auto row_before = row();
  std::vector<RenewedWrap> renewed;
  for (auto& seen : office.store.wraps_for(std::span{&office.queue.kid, 1}, Left::none, 10).value())
    renewed.push_back({std::move(seen), office.queue.queue_id, office.make.bytes(192)});
  REQUIRE(renewed.size() == 3);

  SUBCASE("all of them, whoever comes second changes nothing and notes nothing") {
    REQUIRE(office.store.renew_wraps(renewed, user, test_scribe()).has_value());
    const auto other = office.make.bytes(192);
    auto again = renewed;
    for (auto& wrap : again) wrap.wrap = other;
    REQUIRE(office.store.renew_wraps(again, user, test_scribe()).has_value());
    CHECK(office.sealed_to(office.queue.kid) == 0);
    CHECK(row() == row_before);
    for (const auto& wrap : renewed) {
      const char* const table = wrap.seen.part == LeftBehind::Part::first_text   ? "report"
                                : wrap.seen.part == LeftBehind::Part::later_text ? "text"
                                                                                 : "note";
      CAPTURE(table);
      auto expected = wrap.wrap;
      if (wrap.seen.part == LeftBehind::Part::note) {
        expected.insert(expected.begin(), before.begin(), before.end());
        expected.insert(expected.end(), behind.begin(), behind.end());
      }
      CHECK(office.database.value(std::string{"SELECT wraps FROM "} + table) ==
            parameter(expected));
    }
    CHECK(office.count("audit") == "2");  // of the note, and of the report
  }
  SUBCASE("one that is not to be any more goes, and those beside it stay") {
    for (auto& wrap : renewed)
      if (wrap.seen.part == LeftBehind::Part::note) wrap.wrap.clear();
    REQUIRE(office.store.renew_wraps(renewed, user, test_scribe()).has_value());
    auto expected = before;
    expected.insert(expected.end(), behind.begin(), behind.end());
    CHECK(office.store.notes(office.report)->front().wraps == expected);
  }
  SUBCASE("the only one cannot go") {
    for (auto& wrap : renewed) wrap.wrap.clear();
    CHECK_FALSE(office.store.renew_wraps(renewed, user, test_scribe()).has_value());
    CHECK(office.sealed_to(office.queue.kid) == 3);
  }
  SUBCASE("not at another place, nor of another message or report") {
    for (auto& wrap : renewed) {
      if (wrap.seen.part == LeftBehind::Part::first_text) wrap.seen.message_id = office.make.id();
      if (wrap.seen.part == LeftBehind::Part::later_text) wrap.seen.report_id = office.make.id();
      if (wrap.seen.part == LeftBehind::Part::note) wrap.seen.place = 2;
    }
    REQUIRE(office.store.renew_wraps(renewed, user, test_scribe()).has_value());
    CHECK(office.sealed_to(office.queue.kid) == 3);
    CHECK(office.count("audit") == "1");
  }
}

namespace {

// The first text, a later text and a note, each sealed to the queue's former key and then anew.
struct Renewed : Left {
  Id user = make.id();
  std::vector<RenewedWrap> renewed;
  static constexpr FormerPlace begin{};

  explicit Renewed(bool renews = true) {
    auto kept = note();
    kept.wraps = make.bytes(192);
    kept.wraps.insert(kept.wraps.end(), wraps.begin(), wraps.end());
    REQUIRE(store.put_note(kept, test_scribe()).has_value());
    for (auto& seen : store.wraps_for(std::span{&queue.kid, 1}, none, 10).value())
      renewed.push_back({std::move(seen), queue.queue_id, make.bytes(192)});
    REQUIRE(renewed.size() == 3);
    if (renews) REQUIRE(store.renew_wraps(renewed, user, test_scribe()).has_value());
  }
  std::vector<FormerWrap> former(const FormerPlace& after = begin, std::uint32_t limit = 10) {
    return store.former_wraps(queue.queue_id, after, limit).value();
  }
  result<void> settle(const std::vector<ComparedWrap>& compared) {
    return store.settle_former_wraps(queue.queue_id, compared, test_scribe(), test_scribe());
  }
};

}  // namespace

TEST_CASE("what a renewal replaces is kept, whatever becomes of its report, and listed in pages") {
  Renewed office{false};
  CHECK(office.former().empty());
  // What is not as it was seen is neither replaced nor kept.
  auto late = office.renewed;
  for (auto& wrap : late) wrap.seen.wrap = office.make.bytes(192);
  REQUIRE(office.store.renew_wraps(late, office.make.id(), test_scribe()).has_value());
  CHECK(office.former().empty());

  REQUIRE(office.store.renew_wraps(office.renewed, office.user, test_scribe()).has_value());
  REQUIRE(office.store.renew_wraps(office.renewed, office.make.id(), test_scribe()).has_value());
  office.database.query("UPDATE report SET stage = 2, hidden_until = 9");
  const auto all = office.former();
  REQUIRE(all.size() == 3);
  for (const auto& wrap : all) {
    const auto was = std::ranges::find(office.renewed, wrap.place.message_id,
                                       [](const auto& one) { return one.seen.message_id; });
    REQUIRE(was != office.renewed.end());
    CHECK(wrap.place.report_id == office.report);
    CHECK(wrap.place.kid == office.queue.kid);
    CHECK(wrap.part == was->seen.part);
    CHECK(wrap.user_id == office.user);
    CHECK(wrap.wrap == was->seen.wrap);
    CHECK(Bytes{wrap.wraps.end() - 192, wrap.wraps.end()} == was->wrap);
  }
  CHECK(office.former(FormerPlace{}, 2).size() == 2);
  const auto last = office.former(office.former(FormerPlace{}, 2).back().place, 2);
  REQUIRE(last.size() == 1);
  CHECK(last[0].place.message_id == all[2].place.message_id);
  CHECK(office.store.former_wraps(office.make.id(), Renewed::begin, 10)->empty());
  CHECK(office.store.former_wraps_left(office.queue.queue_id, office.queue.kid).value());
  CHECK_FALSE(office.store.former_wraps_left(office.queue.queue_id, office.make.id()).value());
  CHECK_FALSE(office.store.former_wraps_left(office.make.id(), office.queue.kid).value());
  CHECK(office.store.forget_generation(office.queue.queue_id, 0, office.queue.kid, test_scribe())
            .error() == errc::conflict);
  office.database.query("DELETE FROM former_wrap");
  CHECK(office.store.forget_generation(office.queue.queue_id, 0, office.queue.kid, test_scribe())
            .has_value());
}

TEST_CASE("a wrap that its queue loses is not kept, nor what it had replaced (P15)") {
  Renewed office;
  auto lost = office.renewed;
  std::erase_if(lost, [](const auto& wrap) { return wrap.seen.part != LeftBehind::Part::note; });
  lost[0].seen.wrap = lost[0].wrap;
  lost[0].wrap.clear();
  REQUIRE(office.store.renew_wraps(lost, office.make.id(), test_scribe()).has_value());
  CHECK(office.store.notes(office.report)->front().wraps.size() == 192);
  CHECK(office.former().size() == 2);
}

TEST_CASE("what a lead has compared goes, and what she puts right names who had sealed it") {
  Renewed office;
  const auto former = office.former();
  const auto renewed = [&](const FormerWrap& wrap) {
    auto out = *std::ranges::find(office.renewed, wrap.place.message_id,
                                  [](const auto& one) { return one.seen.message_id; });
    out.seen.wrap = out.wrap;
    out.wrap = office.make.bytes(192);
    return out;
  };
  std::vector<ComparedWrap> compared;
  for (const auto& wrap : former) compared.push_back({wrap.place, renewed(wrap)});
  compared[0].mended.reset();
  compared[1].mended->seen.wrap = office.make.bytes(192);  // something has changed
  office.database.query("DELETE FROM audit");

  std::vector<std::pair<Id, Id>> told;
  const AuditScribe mended = [&](const AuditPlace& place) {
    told.emplace_back(place.subject, place.object);
    return test_scribe()(place);
  };
  REQUIRE(office.store.settle_former_wraps(office.queue.queue_id, compared, test_scribe(), mended)
              .has_value());
  CHECK(told == std::vector{std::pair{office.user, office.report}});
  CHECK(office.count("audit") == "2");
  const auto left = office.former();
  REQUIRE(left.size() == 1);
  CHECK(left[0].place.message_id == former[1].place.message_id);
  CHECK(left[0].wraps == former[1].wraps);
  const auto& mend = *compared[2].mended;
  CHECK(office.sealed_to(office.queue.kid) == 0);
  CHECK(office.database.value(
            "SELECT count(*) FROM (SELECT wraps FROM report UNION ALL SELECT wraps FROM text"
            " UNION ALL SELECT wraps FROM note) AS all_wraps WHERE position('" +
            parameter(mend.wrap) + "'::bytea IN wraps) > 0") == "1");

  // Of another queue nothing goes, and of nothing there is no entry.
  REQUIRE(office.settle({compared[0], compared[2]}).has_value());
  REQUIRE(office.store
              .settle_former_wraps(office.make.id(), std::vector{ComparedWrap{former[1].place, {}}},
                                   test_scribe(), test_scribe())
              .has_value());
  CHECK(office.former().size() == 1);
  CHECK(office.count("audit") == "2");
}

TEST_CASE("nothing is kept of what is deleted or given away (P24)") {
  Renewed office;
  const auto others = office.make.id();
  office.database.query(
      "INSERT INTO former_wrap SELECT queue_id, '" + parameter(others) +
      "', gen_random_uuid(), kid, part, user_id, wrap FROM former_wrap WHERE part = 0");
  const auto kept = [&] {
    return office.database.value("SELECT count(*) FROM former_wrap WHERE report_id = '" +
                                 parameter(office.report) + "'");
  };
  REQUIRE(kept() == "3");
  SUBCASE("erased") { REQUIRE(office.store.erase(office.report, 9, true).has_value()); }
  SUBCASE("expired") {
    close(office, today);
    CHECK(office.store.expire(today, 10, test_scribe()).value() == 1);
  }
  SUBCASE("transferred") {
    auto transfer = office.transfer();
    transfer.notes = {
        {office.store.notes(office.report)->front().message_id, office.make.bytes(192)}};
    REQUIRE(office.store.transfer(transfer, test_scribe()).has_value());
  }
  SUBCASE("without their report, each with its text") {
    office.database.query("DELETE FROM report");
    CHECK(office.store.forget_orphans(3).value() == 1);  // the text of hour 2
    CHECK(kept() == "1");
    CHECK(office.store.forget_orphans(6).value() == 1);  // the note of hour 5
  }
  CHECK(kept() == "0");
  CHECK(office.count("former_wrap") == "1");
}

TEST_CASE("the texts of a list that lie with another queue are counted") {
  Left office;
  const auto counted = [&](const Id& kid) {
    return office.store.elsewhere(std::span{&office.report, 1}, std::span{&kid, 1}).value();
  };
  CHECK(counted(office.make.id()).empty());
  const auto found = counted(office.queue.kid);
  REQUIRE(found.size() == 1);
  CHECK(found[0].report_id == office.report);
  CHECK(found[0].texts == 2);
  CHECK(found[0].hour == 1);
}

TEST_CASE("who gave a report away, and who was given one, is found by an index") {
  Office office;
  office.database.query(
      "INSERT INTO statement SELECT gen_random_uuid(), gen_random_uuid(),"
      " decode(repeat('08', 24) || md5((n % 500)::text) || md5((n % 400)::text)"
      " || repeat('08', 80), 'hex') FROM generate_series(1, 20000) AS n");
  office.database.query("ANALYZE statement");
  for (const auto& [first, index] :
       {std::pair{"25", "statement_given"}, std::pair{"41", "statement_received"}}) {
    CAPTURE(index);
    std::string plan;
    for (const auto& row : office.database.query(
             std::string{"EXPLAIN SELECT s.report_id"
                         " FROM unnest('{c4ca4238a0b923820dcc509a6f75849b}'::uuid[]) AS q"
                         " JOIN statement AS s ON substr(s.bytes, "} +
             first + ", 16) = uuid_send(q) WHERE get_byte(s.bytes, 1) = 8"))
      plan += row[0];
    CHECK(plan.find(index) != std::string::npos);
  }
}

TEST_CASE("erased reports that the audit does not know are found by an index") {
  Office office;
  office.database.query(
      "INSERT INTO withdrawn (report_id, hour, record, told)"
      " SELECT gen_random_uuid(), n, decode(repeat('08', 184), 'hex'), n % 1000 <> 0"
      " FROM generate_series(1, 20000) AS n");
  office.database.query("ANALYZE withdrawn");
  std::string plan;
  for (const auto& row : office.database.query(
           "EXPLAIN SELECT report_id FROM withdrawn WHERE NOT told AND hour < 20000"
           " ORDER BY report_id LIMIT 500 FOR UPDATE"))
    plan += row[0];
  CHECK(plan.find("withdrawn_untold") != std::string::npos);
}

}  // namespace ishara::storage
