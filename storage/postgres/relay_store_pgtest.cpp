#include "storage/relay_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "storage/desk_store.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/test_intake.hpp"

namespace ishara::storage {
namespace {

using blocking::RelayStore;
using postgres::parameter;

constexpr std::uint32_t epoch = 2900;

struct Relay {
  TestDatabase database;
  RelayStore store{database.url("ishara_relay")};
  TestIntakes make{1};

  Thread thread(const Id& report, char kind = 'n') {
    Thread thread{make.id(), epoch, kind, report, make.id(), {}, 20'300};
    thread.mac.fill(7);
    return thread;
  }
  Address address(const Id& report) { return {report, epoch, make.bytes(224), 20'300}; }
  Statement statement(const Id& report) { return {make.id(), report, make.bytes(136)}; }
  Id place_report() {
    const auto intake = make.next(Id{1});
    database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
        " VALUES ('" +
        parameter(intake.report_id) + "', '" + parameter(intake.queue_id) + "', 1, 0, false, '" +
        parameter(intake.record) + "', '" + parameter(intake.message) + "', '" +
        parameter(intake.wraps) + "')");
    return intake.report_id;
  }
  Id place_inbox() {
    const auto id = make.id();
    database.query("INSERT INTO retaddr_inbox VALUES ('" + parameter(id) + "', '" +
                   parameter(make.bytes(184)) + "', '" + parameter(make.bytes(192)) + "')");
    return id;
  }
};

}  // namespace

TEST_CASE("a key is looked up by its index, however small the planner believes the table to be") {
  Relay relay;
  relay.database.query(
      "INSERT INTO thread (tag, epoch, kind, report_id, origin, mac, day)"
      " SELECT gen_random_uuid(), 2900, 'n', gen_random_uuid(), gen_random_uuid(),"
      " decode(repeat('07', 32), 'hex'), 20300 FROM generate_series(1, 100)");
  postgres::Session session{relay.database.url("ishara_relay")};
  const auto plan = session.transact([](postgres::Transaction& transaction) {
    std::string lines;
    for (const auto& row :
         transaction.execute("EXPLAIN SELECT 1 FROM thread WHERE tag = ANY($1::uuid[])",
                             {parameter(std::vector<Id>(4))}))
      lines += row.at(0).text + '\n';
    return lines;
  });
  REQUIRE(plan.has_value());
  CHECK(plan->find("thread_pkey") != std::string::npos);
  CHECK(plan->find("Seq Scan") == std::string::npos);
}

TEST_CASE("a thread is found under its tag, with its report and all statements about it") {
  Relay relay;
  const auto report = relay.place_report();
  auto thread = relay.thread(report);
  const auto first = relay.statement(report);
  const auto second = relay.statement(report);
  REQUIRE(relay.store.apply({.threads = {thread}, .statements = {first, second}}).has_value());
  REQUIRE(relay.store.apply({.statements = {first}}).has_value());  // once more: kept once

  const Id tags[] = {relay.make.id(), thread.tag};
  const auto views = relay.store.look_up(tags);
  REQUIRE(views.has_value());
  REQUIRE(views->size() == 1);
  const auto& view = views->front();
  CHECK(view.thread.tag == thread.tag);
  CHECK(view.thread.kind == 'n');
  CHECK(view.thread.report_id == report);
  CHECK(view.thread.origin == thread.origin);
  CHECK(view.thread.mac == thread.mac);
  CHECK(view.record.size() == 184);
  CHECK(view.statements.size() == 2);
  CHECK(relay.store.statements(report)->size() == 2);
  CHECK(relay.store.report(report)->threads.size() == 1);
  CHECK(relay.store.report(relay.make.id()).error() == errc::not_found);
  const Id unknown[] = {relay.make.id()};
  CHECK(relay.store.look_up(unknown)->empty());
}

TEST_CASE("a later thread of a tag and report replaces the earlier one, and so does an address") {
  Relay relay;
  auto thread = relay.thread(relay.make.id());
  auto address = relay.address(thread.report_id);
  REQUIRE(relay.store.apply({.threads = {thread}, .addresses = {address}}).has_value());
  thread.kind = 'c';
  address.address = relay.make.bytes(224);
  address.closed_day = 20'301;
  REQUIRE(relay.store.apply({.threads = {thread}, .addresses = {address}}).has_value());

  const Id tags[] = {thread.tag};
  const auto views = relay.store.look_up(tags);
  REQUIRE(views->size() == 1);
  CHECK(views->front().thread.report_id == thread.report_id);
  CHECK(views->front().thread.kind == 'c');
  CHECK(views->front().record.empty());
  const Id reports[] = {address.report_id};
  const auto addresses = relay.store.addresses(reports);
  REQUIRE(addresses->size() == 1);
  CHECK(addresses->front().address == address.address);
  CHECK(addresses->front().closed_day == 20'301U);
}

TEST_CASE("a tag may stand for several reports; a report that goes takes its threads along") {
  Relay relay;
  auto thread = relay.thread(relay.make.id());
  auto other = thread;
  other.report_id = relay.make.id();
  REQUIRE(relay.store
              .apply({.threads = {thread, other}, .addresses = {relay.address(thread.report_id)}})
              .has_value());
  const Id tags[] = {thread.tag};
  CHECK(relay.store.look_up(tags)->size() == 2);
  REQUIRE(relay.store.apply({.gone_addresses = {thread.report_id}}).has_value());
  CHECK(relay.store.addresses_after({}, 10)->empty());
  auto ref = relay.thread(thread.report_id, 'c');
  REQUIRE(relay.store.apply({.threads = {ref}}).has_value());
  REQUIRE(relay.store.apply({.gone_numbers = {ref.report_id}}).has_value());
  const Id reports[] = {ref.report_id};
  REQUIRE(relay.store.threads_of(reports)->size() == 1);
  CHECK(relay.store.threads_of(reports)->front().kind == 'c');
  REQUIRE(relay.store.apply({.threads = {thread}, .addresses = {relay.address(thread.report_id)}})
              .has_value());
  REQUIRE(relay.store.apply({.gone_reports = {thread.report_id}}).has_value());
  const auto views = relay.store.look_up(tags);
  REQUIRE(views->size() == 1);
  CHECK(views->front().thread.report_id == other.report_id);
  CHECK(relay.store.addresses_after({}, 10)->empty());
  REQUIRE(relay.store.apply({.gone_tags = {thread.tag}}).has_value());
  CHECK(relay.store.look_up(tags)->empty());
}

TEST_CASE("that two reports have one sender is stored once, and goes with what it rests on") {
  struct Row {
    const char* name;
    std::function<RelayChange(const SameSender&)> change;
  };
  const Row rows[]{
      {"tag", [](const auto& link) { return RelayChange{.gone_tags = {link.tag}}; }},
      {"number of one",
       [](const auto& link) { return RelayChange{.gone_numbers = {link.report_id}}; }},
      {"number of the other",
       [](const auto& link) { return RelayChange{.gone_numbers = {link.other_id}}; }},
      {"one report",
       [](const auto& link) { return RelayChange{.gone_reports = {link.report_id}}; }},
      {"the other report",
       [](const auto& link) { return RelayChange{.gone_reports = {link.other_id}}; }},
  };
  Relay relay;
  blocking::DeskStore desk{relay.database.url("ishara_desk")};
  const auto make = [&] {
    return SameSender{relay.make.id(), relay.make.id(), relay.make.id(), epoch,
                      relay.make.bytes(120)};
  };
  const auto other = make();
  REQUIRE(relay.store.apply({.same_senders = {other}}).has_value());
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto link = make();
    REQUIRE(relay.store.apply({.same_senders = {link, link}}).has_value());
    CHECK(desk.same_senders(link.report_id)->at(0).report_id == link.other_id);
    CHECK(desk.same_senders(link.other_id)->at(0).report_id == link.report_id);
    CHECK(desk.same_senders(link.other_id)->at(0).link == link.link);
    REQUIRE(relay.store.apply(row.change(link)).has_value());
    CHECK(desk.same_senders(link.report_id)->empty());
    CHECK(desk.same_senders(link.other_id)->empty());
  }
  CHECK(relay.store.forget_epochs_before(epoch).value() == 0);
  CHECK(desk.same_senders(other.other_id)->size() == 1);
  CHECK(relay.store.forget_epochs_before(epoch + 1).value() == 1);
  CHECK(desk.same_senders(other.other_id)->empty());
}

TEST_CASE("the inbox is read by id, page by page, and what was read is gone in the same step") {
  Relay relay;
  std::vector<Id> placed;
  for (int i = 0; i < 5; ++i) placed.push_back(relay.place_inbox());
  std::ranges::sort(placed);
  const auto first = relay.store.inbox({}, 3);
  REQUIRE(first->size() == 3);
  CHECK(first->at(2).inbox_id == placed[2]);
  const auto second = relay.store.inbox(placed[2], 3);
  REQUIRE(second->size() == 2);
  CHECK(second->at(0).inbox_id == placed[3]);
  REQUIRE(relay.store.apply({.read = placed}).has_value());
  CHECK(relay.store.inbox({}, 3)->empty());
}

TEST_CASE("a change happens as a whole or not at all") {
  Relay relay;
  const auto inbox = relay.place_inbox();
  auto address = relay.address(relay.make.id());
  address.address.pop_back();  // the CHECK refuses it
  CHECK(relay.store
            .apply({.threads = {relay.thread(address.report_id)},
                    .addresses = {address},
                    .read = {inbox}})
            .has_error());
  CHECK(relay.database.value("SELECT count(*) FROM thread") == "0");
  CHECK(relay.store.inbox({}, 3)->size() == 1);
}

TEST_CASE("what belongs to an epoch whose key is gone is forgotten") {
  Relay relay;
  auto old_thread = relay.thread(relay.make.id());
  auto old_address = relay.address(relay.make.id());
  old_thread.epoch = old_address.epoch = epoch - 1;
  REQUIRE(relay.store
              .apply({.threads = {old_thread, relay.thread(relay.make.id())},
                      .addresses = {old_address, relay.address(relay.make.id())}})
              .has_value());
  CHECK(relay.store.addresses_after({}, 10)->size() == 2);
  CHECK(relay.store.forget_epochs_before(epoch).value() == 2);
  CHECK(relay.database.value("SELECT count(*) FROM thread") == "1");
  CHECK(relay.store.addresses_after({}, 10)->size() == 1);
}

TEST_CASE("the gateway stores statements that it cannot read, and reads announced epochs") {
  Relay relay;
  blocking::Store gateway{relay.database.url("ishara_gateway")};
  const auto statement = relay.statement(relay.make.id());
  CHECK(gateway.put_statement(statement).has_value());
  CHECK(gateway.put_statement(statement).has_value());
  CHECK(gateway.statements(statement.report_id).error() == errc::schema);

  CHECK(relay.store.put_epoch({epoch, relay.make.id(), relay.make.bytes(120)}).has_value());
  CHECK(relay.store.put_epoch({epoch + 1, relay.make.id(), relay.make.bytes(120)}).has_value());
  const auto epochs = gateway.epochs(epoch);
  REQUIRE(epochs->size() == 2);
  CHECK(epochs->front().epoch == epoch + 1);
  CHECK(epochs->front().announcement.size() == 120);
  CHECK(gateway.epochs(epoch + 1)->size() == 1);
  CHECK(gateway.put_epoch({epoch, relay.make.id(), relay.make.bytes(120)}).error() == errc::schema);
}

}  // namespace ishara::storage
