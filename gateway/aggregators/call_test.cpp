// What an aggregator's provider would send is what the aggregator reads; asked of each unasked.

#include <doctest/doctest.h>

#include <algorithm>

#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/registry.hpp"

namespace ishara::aggregators {
namespace {

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1767323045}};

PhoneText sms(std::string text) {
  return {"+250788000001", "2020", std::move(text), "00112233445566778899aabbccddeeff", now};
}

ChannelSettings settings() {
  ChannelSettings out;
  out.country = "RW";
  out.url = crypto::wiped_copy("https://ishara.example/in/x/secret");
  out.token = crypto::wiped_copy("token");
  out.secret = crypto::wiped_copy("secret");
  out.account = "AC1";
  return out;
}

bool brings_texts(const Aggregator& aggregator) {
  return std::ranges::count(aggregator.kinds(), Kind::sms) == 1;
}

// These send neither id nor time: what is said again within minutes counts as said once.
constexpr std::string_view nameless[] = {"burstsms", "clicksend", "hormuud", "i2sms",
                                         "m3tech",   "novo",      "telesom"};

// Whether the same request again would be known: by an id that is another text's no more, or by the
// time that the phone got it.
bool can_be_recognised(const Aggregator& aggregator, const Message& message) {
  if (message.id.empty())
    return message.at.has_value() != (std::ranges::count(nameless, aggregator.name()) == 1);
  auto other = sms("another");
  other.id = "ffeeddccbbaa99887766554433221100";
  const auto again =
      aggregator.parse(aggregator.call(other, settings(), false), Kind::sms, settings());
  return std::get<Message>(again->front()).id != message.id;
}

}  // namespace

TEST_CASE("what a provider sends of a text is what its aggregator reads") {
  const Registry registry;
  for (const auto name : registry.names()) {
    if (!brings_texts(*registry.find(name))) continue;
    for (const bool by_get : {false, true}) {
      for (const std::string text :
           {"Amazi yarabuze", "@ \xC2\xA3 { \xE2\x82\xAC & + % \" ' \n =", "",
            "\xD8\xAA\xD8\xB3 \xF0\x9F\x98\x80", "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",
            "a\xE2\x80\x99"
            "b"}) {
        CAPTURE(name);
        CAPTURE(by_get);
        CAPTURE(text);
        const auto& aggregator = *registry.find(name);
        const auto request = aggregator.call(sms(text), settings(), by_get);
        REQUIRE(aggregator.authentic(request, settings(), now).has_value());
        const auto events = aggregator.parse(request, Kind::sms, settings());
        REQUIRE(events.has_value());
        REQUIRE(events->size() == 1);
        const auto& message = std::get<Message>(events->front());
        message.text.reveal([&](std::string_view read) { CHECK(read == text); });
        std::get<identity::Msisdn>(message.from).reveal([](std::string_view digits) {
          CHECK(digits == "250788000001");
        });
        CHECK(can_be_recognised(aggregator, message));
        if (message.at) CHECK(message.at == now);
      }
    }
  }
}

TEST_CASE("what proves itself is refused with any other secret, and when a channel has none") {
  const Registry registry;
  for (const auto name : registry.names()) {
    CAPTURE(name);
    const auto& aggregator = *registry.find(name);
    const auto profile = aggregator.profile();
    CHECK((profile.proof == Proof::none) == profile.to_receive.empty());
    if (profile.proof == Proof::none) continue;
    const auto request = aggregator.call(sms("they took my passport"), settings(), false);
    for (const std::string_view other : {"", "Secret", "secre", "secrets", "token ", "tokem"}) {
      CAPTURE(other);
      auto wrong = settings();
      wrong.token = crypto::wiped_copy(other);
      wrong.secret = crypto::wiped_copy(other);
      const auto checked = aggregator.authentic(request, wrong, now);
      REQUIRE(!checked);
      CHECK(status_of(checked.error().code) == 403);
    }
    auto unsaid = settings();
    unsaid.token.clear();
    unsaid.secret.clear();
    const auto unsigned_one = aggregator.call(sms("they took my passport"), unsaid, false);
    CHECK(!aggregator.authentic(unsigned_one, settings(), now));
    CHECK(!aggregator.authentic(unsigned_one, unsaid, now));
  }
}

TEST_CASE("a signature covers number and text") {
  const Registry registry;
  for (const auto name : registry.names()) {
    CAPTURE(name);
    const auto& aggregator = *registry.find(name);
    if (aggregator.profile().proof != Proof::signature) continue;
    for (const std::string_view part : {"250788000001", "passport"}) {
      auto request = aggregator.call(sms("they took my passport"), settings(), false);
      REQUIRE(aggregator.authentic(request, settings(), now).has_value());
      const auto at = crypto::view(request.body).find(part);
      REQUIRE(at != std::string_view::npos);
      request.body[at] ^= 1;
      CHECK(!aggregator.authentic(request, settings(), now));
    }
  }
}

TEST_CASE("the phone shows what the provider makes of the answer") {
  const Registry registry;
  const std::string line = "We got it: a < b & \"c\" > d";
  for (const auto name : registry.names()) {
    CAPTURE(name);
    const auto& aggregator = *registry.find(name);
    if (!brings_texts(aggregator)) continue;
    const auto answer = aggregator.acknowledge(line);
    CHECK(aggregator.is_success(answer));
    CHECK(aggregator.is_success(aggregator.acknowledge(std::nullopt)));
    const auto shown = aggregator.reply_in(answer);
    CHECK(shown.has_value() == aggregator.answers_in_response());
    if (shown) CHECK(*shown == line);
    CHECK(!aggregator.reply_in(aggregator.acknowledge(std::nullopt)).has_value());
    CHECK(!aggregator.is_success({404, "text/plain", line, {}, false}));
  }
}

TEST_CASE("Kannel takes only 200 and 202 for success") {
  const Registry registry;
  const auto& kannel = *registry.find("kannel");
  CHECK(kannel.is_success({202, "", "", {}, false}));
  CHECK(!kannel.is_success({204, "", "", {}, false}));
}

TEST_CASE("the path of a URL begins behind its host") {
  CHECK(path_of("http://h:1/in/x?y=1") == "/in/x?y=1");
  CHECK(path_of("http://h") == "/");
  CHECK(path_of("nonsense") == "/");
}

}  // namespace ishara::aggregators
