// Dialogues through the main path: what a phone sees, and what a caseworker gets.

#include <doctest/doctest.h>

#include <string>

#include "gateway/crypto/encoding.hpp"
#include "tests/support/gateway.hpp"

namespace ishara::intake {
namespace {

struct Caller {
  Gateway& gateway;
  std::string session = "ATUid_1";
  std::string digits = "250788000001";

  std::string raw(std::string_view fields) const {
    const auto body = "sessionId=" + session + "&phoneNumber=%2B" + digits +
                      "&serviceCode=%2A384%2A2020%23&" + std::string{fields};
    return "POST /in/africastalking/" + std::string{secret} +
           "/ussd HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string type(std::string_view text) const {
    const auto response = gateway.send(raw("text=" + std::string{text}));
    CHECK(response.status == 200);
    return response.body;
  }
};

}  // namespace

TEST_CASE("a dialogue of one answer is a report that its queue opens, and shows the ref last") {
  Gateway gateway;
  const Caller caller{gateway};
  CHECK(caller.type("").starts_with("CON Write what happens"));
  CHECK(gateway.sink.rows.empty());
  const auto last = caller.type("they+keep+my+passport+%2A+help");
  CHECK(last.starts_with("END Saved. Number "));
  REQUIRE(gateway.relay.drawn.size() == 1);
  CHECK(last.find(gateway.relay.drawn[0]) != std::string::npos);
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto& row = gateway.sink.rows[0];
  CHECK(row.consent_class == 0);
  const auto content = gateway.open(row, "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->channel == "ussd");
  CHECK(content->via == "new");
  content->text.reveal(
      [](std::string_view text) { CHECK(text == "they keep my passport * help"); });
  const auto address = gateway.address(row.retaddr, row.report_id);
  REQUIRE(address.has_value());
  CHECK_FALSE(address->may_text);
}

TEST_CASE("a request that comes again shows the same screen, and the report is one") {
  Gateway gateway;
  const Caller caller{gateway};
  CHECK(caller.type("") == caller.type(""));
  const auto last = caller.type("they+keep+my+passport");
  CHECK(caller.type("they+keep+my+passport") == last);
  CHECK(gateway.sink.rows.size() + gateway.sink.texts.size() == 1);
  // At once, too.
  Caller other{gateway, "ATUid_2", "250788000002"};
  const auto raw = other.raw("text=they+beat+me");
  const auto both = gateway.together({raw, raw});
  CHECK(both[0].body == both[1].body);
  CHECK(gateway.sink.rows.size() == 2);
  // After its time, or a restart, only the ref is forgotten.
  gateway.now += Dialogue::length;
  gateway.intake.end_second();
  CHECK(caller.type("they+keep+my+passport") == "END Saved. Dial again to add more.");
  CHECK(gateway.sink.rows.size() == 2);
}

TEST_CASE("who hangs up or leaves before the text leaves nothing") {
  Gateway gateway;
  Caller caller{gateway};
  caller.type("");
  CHECK(caller.type("0") == "END Goodbye.");
  caller.session = "ATUid_2";
  caller.type("");
  CHECK(gateway.send(caller.raw("status=Incomplete&input=secret&hopsCount=1")).status == 200);
  CHECK(gateway.intake.counters().dialogues_closed == 1);
  CHECK(gateway.sink.rows.empty());
  CHECK(gateway.relay.asked.empty());
}

TEST_CASE("what cannot be stored is not called saved, and may come again") {
  Gateway gateway;
  const Caller caller{gateway};
  caller.type("");
  gateway.sink.fails = storage::errc::unavailable;
  CHECK(caller.type("they+beat+me") == "END Not saved. Please dial again later.");
  gateway.sink.fails.reset();
  CHECK(caller.type("they+beat+me").starts_with("END Saved. Number "));
  CHECK(gateway.sink.rows.size() == 1);
}

TEST_CASE("the screens are the same for a number that is known and one that is not (P18)") {
  Gateway gateway;
  identity::ThreadAnswer thread;
  thread.found = true;
  thread.report_id = crypto::random_bytes<16>();
  thread.origin = crypto::random_bytes<16>();
  thread.owner_queue = gateway.deployment.queue("demo-helpers").id;
  gateway.relay.numbers["250788000002"] = thread;
  const Caller fresh{gateway};
  const Caller known{gateway, "ATUid_2", "250788000002"};
  CHECK(fresh.type("") == known.type(""));
  auto one = fresh.type("they+beat+me");
  auto two = known.type("they+beat+me");
  REQUIRE(gateway.relay.drawn.size() == 2);
  one.erase(one.find(gateway.relay.drawn[0]), 10);
  two.erase(two.find(gateway.relay.drawn[1]), 10);
  CHECK(one == two);
  CHECK(gateway.sink.rows.size() == 1);
  REQUIRE(gateway.sink.texts.size() == 1);
  CHECK(gateway.sink.texts[0].report_id == thread.report_id);
}

TEST_CASE("a dialogue with a wrong secret, or of a provider without any, is not found") {
  Gateway gateway;
  auto raw = Caller{gateway}.raw("text=");
  raw.replace(raw.find(secret), 1, "x");
  CHECK(gateway.send(raw).status == 404);
  CHECK(gateway
            .send("POST /in/kannel/" + std::string{secret} +
                  "/ussd HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            .status == 404);
  CHECK(gateway
            .send("POST /in/africastalking/" + std::string{secret} +
                  "/ussd/more HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            .status == 404);
}

}  // namespace ishara::intake
