#include "storage/reply_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/test_intake.hpp"

namespace ishara::storage {
namespace {

using blocking::ReplyStore;
using postgres::parameter;

constexpr std::uint32_t now = 505;  // the relay's hour

struct Outbox {
  TestDatabase database;
  ReplyStore store{database.url("ishara_relay")};
  TestIntakes make{1};

  OutboxReply place(const Id& report, std::uint32_t hour = 500) {
    OutboxReply reply{make.id(), report, hour, make.bytes(712)};
    database.query("INSERT INTO reply_outbox VALUES ('" + parameter(reply.reply_id) + "', '" +
                   parameter(report) + "', " + std::to_string(hour) + ", '" +
                   parameter(reply.envelope) + "')");
    return reply;
  }
  std::string state(const OutboxReply& reply, const char* column = "state") const {
    return database.value(std::string{"SELECT "} + column + " FROM reply_state WHERE reply_id = '" +
                          parameter(reply.reply_id) + "'");
  }
  std::size_t to_send(bool again) { return store.to_send(again, Id{}, 10)->size(); }
};

}  // namespace

TEST_CASE("a reply is to be sent until somebody has looked, and again only while it waits") {
  Outbox outbox;
  const auto reply = outbox.place(outbox.make.id());
  const auto found = outbox.store.to_send(false, Id{}, 10);
  REQUIRE(found.has_value());
  REQUIRE(found->size() == 1);
  CHECK(found->front().reply_id == reply.reply_id);
  CHECK(found->front().report_id == reply.report_id);
  CHECK(found->front().hour == 500);
  CHECK(found->front().envelope == reply.envelope);
  CHECK(!found->front().state.has_value());
  CHECK(outbox.store.to_send(false, reply.reply_id, 10)->empty());

  REQUIRE(outbox.store.settle(reply, {reply.reply_id, ReplyState::waiting, 16}, now).has_value());
  CHECK(outbox.to_send(false) == 0);
  REQUIRE(outbox.to_send(true) == 1);
  CHECK(outbox.store.to_send(true, Id{}, 10)->front().reason == 16);
  REQUIRE(outbox.store.settle(reply, {reply.reply_id, ReplyState::kept, 12}, now).has_value());
  CHECK(outbox.to_send(true) == 0);
}

TEST_CASE("a reply is begun once, and after that only if it has surely not left") {
  Outbox outbox;
  const auto reply = outbox.place(outbox.make.id());
  CHECK(outbox.store.begin(reply, now).value());
  CHECK_FALSE(outbox.store.begin(reply, now).value());
  REQUIRE(outbox.store.settle(reply, {reply.reply_id, ReplyState::waiting, 20}, now).has_value());
  CHECK(outbox.store.begin(reply, now).value());
  REQUIRE(outbox.store.settle(reply, {reply.reply_id, ReplyState::sent, 0}, now).has_value());
  for (const auto back : {ReplyState::waiting, ReplyState::kept, ReplyState::refused}) {
    REQUIRE(outbox.store.settle(reply, {reply.reply_id, back, 0}, now).has_value());
    CHECK(outbox.state(reply) == "3");
    CHECK_FALSE(outbox.store.begin(reply, now).value());
  }
  for (const auto done : {ReplyState::kept, ReplyState::refused, ReplyState::unknown}) {
    const auto other = outbox.place(outbox.make.id());
    REQUIRE(outbox.store.settle(other, {other.reply_id, done, 1}, now).has_value());
    CHECK_FALSE(outbox.store.begin(other, now).value());
  }
}

TEST_CASE("what was being sent when the relay died is unknown, and stays so") {
  Outbox outbox;
  const auto lost = outbox.place(outbox.make.id());
  const auto done = outbox.place(outbox.make.id());
  REQUIRE(outbox.store.begin(lost, now).value());
  REQUIRE(outbox.store.begin(done, now).value());
  REQUIRE(outbox.store.settle(done, {done.reply_id, ReplyState::sent, 0}, now).has_value());
  CHECK(outbox.store.give_up_on_sending().value() == 1);
  CHECK(outbox.state(lost) == "4");
  CHECK(outbox.state(done) == "3");
  CHECK(outbox.to_send(true) == 0);
  REQUIRE(outbox.store.settle(lost, {lost.reply_id, ReplyState::waiting, 0}, now).has_value());
  CHECK(outbox.state(lost) == "4");
}

TEST_CASE("the replies of a report come oldest first, and the first fetching is remembered") {
  Outbox outbox;
  const auto report = outbox.make.id();
  const auto late = outbox.place(report, 502);
  const auto early = outbox.place(report, 501);
  outbox.place(outbox.make.id());
  auto replies = outbox.store.replies_of(report);
  REQUIRE(replies->size() == 2);
  CHECK(replies->at(0).reply_id == early.reply_id);
  REQUIRE(outbox.store.fetched(early, 510).has_value());
  REQUIRE(outbox.store.fetched(early, 520).has_value());
  replies = outbox.store.replies_of(report);
  CHECK(replies->at(0).state == ReplyState::fetched);
  CHECK(replies->at(0).fetched_hour == 510);
  CHECK_FALSE(outbox.store.begin(early, now).value());
  // What is on its way to the phone is not fetched at the same time.
  REQUIRE(outbox.store.begin(late, now).value());
  REQUIRE(outbox.store.fetched(late, 510).has_value());
  CHECK(outbox.state(late) == "2");
}

TEST_CASE("a delivery is matched by its hash, goes forward only, and the hash is forgotten") {
  Outbox outbox;
  const auto reply = outbox.place(outbox.make.id());
  const auto hash = outbox.make.id();
  REQUIRE(outbox.store.begin(reply, now).value());
  REQUIRE(outbox.store.settle(reply, {reply.reply_id, ReplyState::sent, 0, hash}, now).has_value());
  const std::vector<Id> hashes{outbox.make.id(), hash};
  const auto word = [&](std::int16_t state) {
    REQUIRE(outbox.store.delivered(hashes, state).has_value());
    return outbox.state(reply, "delivery_state");
  };
  CHECK(word(2) == "2");
  CHECK(word(1) == "2");
  CHECK(word(3) == "3");
  CHECK(word(4) == "3");
  CHECK(word(2) == "3");
  REQUIRE(outbox.store.forget_replies(505, 505).has_value());
  CHECK(outbox.state(reply, "delivery") != "NULL");
  REQUIRE(outbox.store.forget_replies(506, 400).has_value());
  CHECK(outbox.state(reply, "delivery") == "NULL");
  CHECK(outbox.state(reply) == "3");
  REQUIRE(outbox.store.forget_replies(506, 506).has_value());
  CHECK(outbox.database.value("SELECT count(*) FROM reply_state") == "0");
}

TEST_CASE("what is forgotten goes by the relay's clock, whatever hour the outbox claims") {
  Outbox outbox;
  for (const std::uint32_t claimed : {1U, 500U, 400'000'000U}) {
    CAPTURE(claimed);
    const auto begun = outbox.place(outbox.make.id(), claimed);
    const auto settled = outbox.place(outbox.make.id(), claimed);
    const auto pulled = outbox.place(outbox.make.id(), claimed);
    const auto waited = outbox.place(outbox.make.id(), claimed);
    REQUIRE(outbox.store.begin(begun, now).value());
    REQUIRE(outbox.store.settle(settled, {settled.reply_id, ReplyState::kept, 1}, now).has_value());
    REQUIRE(outbox.store.fetched(pulled, now).has_value());
    // What waited for long is remembered from the hour in which it left.
    REQUIRE(outbox.store.settle(waited, {waited.reply_id, ReplyState::waiting, 16}, 1).has_value());
    REQUIRE(outbox.store.begin(waited, now).value());
    REQUIRE(outbox.store.forget_replies(now, now).has_value());
    for (const auto& reply : {begun, settled, pulled, waited})
      CHECK(outbox.state(reply, "hour") == std::to_string(now));
    REQUIRE(outbox.store.forget_replies(now + 1, now + 1).has_value());
    CHECK(outbox.database.value("SELECT count(*) FROM reply_state") == "0");
  }
}

TEST_CASE("the desk sees what became of a reply, and neither its hash nor how to change it") {
  const Outbox outbox;
  const std::string of_report = "SELECT state, reason FROM replies_of('" + parameter(Id{}) + "')";
  CHECK(outbox.database.allowed("ishara_desk", of_report));
  CHECK_FALSE(outbox.database.allowed("ishara_gateway", of_report));
  CHECK_FALSE(outbox.database.allowed("ishara_desk", "SELECT state FROM reply_state"));
  CHECK_FALSE(outbox.database.allowed("ishara_desk", "UPDATE reply_state SET state = 3"));
  CHECK_FALSE(outbox.database.allowed("ishara_gateway", "SELECT state FROM reply_state"));
}

}  // namespace ishara::storage
