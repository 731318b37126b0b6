#include "gateway/commands/simulate.hpp"

#include <doctest/doctest.h>

#include "gateway/aggregators/registry.hpp"

namespace ishara::commands {
namespace {

PhoneText sms(std::string text) {
  return {"+250788000001", "2020", std::move(text), "00112233445566778899aabbccddeeff",
          std::chrono::sys_seconds{std::chrono::seconds{1767323045}}};
}

}  // namespace

TEST_CASE("what a simulated aggregator sends is what the real one's adapter reads") {
  const aggregators::Registry registry;
  for (const auto name : registry.names()) {
    for (const bool post : {false, true}) {
      for (const std::string text :
           {"Amazi yarabuze", "@ \xC2\xA3 { \xE2\x82\xAC & + % \" ' \n =", "",
            "\xD8\xAA\xD8\xB3 \xF0\x9F\x98\x80", "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",
            "a\xE2\x80\x99"
            "b"}) {
        CAPTURE(name);
        CAPTURE(post);
        CAPTURE(text);
        const auto& aggregator = *registry.find(name);
        const ProviderSetup setup{std::string{name}, "https://ishara.example/in/x/secret", "token",
                                  "AC1", post};
        aggregators::ChannelSettings settings;
        settings.url = crypto::wiped_copy("https://ishara.example");
        settings.token = crypto::wiped_copy("token");
        settings.account = "AC1";
        const auto request = aggregator_request(setup, sms(text));
        REQUIRE(aggregator.authentic(request, settings).has_value());
        const auto events = aggregator.parse(request, aggregators::Kind::sms, settings);
        REQUIRE(events.has_value());
        REQUIRE(events->size() == 1);
        const auto& message = std::get<aggregators::Message>(events->front());
        message.text.reveal([&](std::string_view read) { CHECK(read == text); });
        std::get<identity::Msisdn>(message.from).reveal([](std::string_view digits) {
          CHECK(digits == "250788000001");
        });
        CHECK(crypto::view(message.to) == "2020");
        CHECK(crypto::view(message.id).ends_with("00112233445566778899aabbccddeeff"));
        if (name != "twilio") CHECK(message.at == sms(text).at);
      }
    }
  }
}

TEST_CASE("the phone shows what the aggregator makes of the answer") {
  const aggregators::Registry registry;
  const std::string line = "We got it: a < b & \"c\" > d";
  for (const auto name : registry.names()) {
    CAPTURE(name);
    const auto& aggregator = *registry.find(name);
    const auto shown = phone_reply(name, aggregator.acknowledge(line));
    CHECK(shown.has_value() == aggregator.answers_in_response());
    if (shown) CHECK(*shown == line);
    CHECK(!phone_reply(name, aggregator.acknowledge(std::nullopt)).has_value());
    CHECK(!phone_reply(name, http::Response{404, "text/plain", line, {}, false}).has_value());
  }
}

TEST_CASE("Kannel takes only 200 and 202 for success") {
  CHECK(is_success("kannel", 200));
  CHECK(is_success("kannel", 202));
  CHECK(!is_success("kannel", 204));
  CHECK(is_success("twilio", 204));
  CHECK(!is_success("twilio", 403));
}

TEST_CASE("the path of a URL begins behind its host") {
  CHECK(path_of("http://h:1/in/x?y=1") == "/in/x?y=1");
  CHECK(path_of("http://h") == "/");
  CHECK(path_of("nonsense") == "/");
}

}  // namespace ishara::commands
