// What every provider of dialogues is asked unasked: its own requests are read, and its phones show
// our screens.

#include "gateway/aggregators/dialogue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/registry.hpp"

namespace ishara::aggregators {
namespace {

using What = UssdStep::What;
constexpr std::chrono::sys_seconds now{std::chrono::seconds{1767323045}};
const Registry registry;

std::vector<const Aggregator*> providers() {
  std::vector<const Aggregator*> out;
  for (const auto name : registry.names()) {
    const auto* aggregator = registry.find(name);
    if (std::ranges::count(aggregator->kinds(), Kind::ussd) != 0) out.push_back(aggregator);
  }
  return out;
}

ChannelSettings settings() {
  ChannelSettings out;
  out.country = "RW";
  out.url = crypto::wiped_copy("https://ishara.example/in/x/secret/ussd");
  out.token = crypto::wiped_copy("token");
  out.secret = crypto::wiped_copy("secret");
  out.account = "AC1";
  return out;
}

PhoneStep phone(What what, std::vector<std::string> inputs) {
  return {what, "+250788000001", "*384*2020#", "00112233445566778899aabbccddeeff",
          std::move(inputs)};
}

std::string shown(const identity::Text& text) {
  return text.reveal([](std::string_view utf8) { return std::string{utf8}; });
}

UssdStep read(const Aggregator& aggregator, const PhoneStep& step) {
  const auto request = aggregator.dial(step, settings());
  REQUIRE(aggregator.authentic(request, settings(), now).has_value());
  auto events = aggregator.parse(request, Kind::ussd, settings());
  REQUIRE(events.has_value());
  REQUIRE(events->size() == 1);
  REQUIRE(std::holds_alternative<UssdStep>(events->front()));
  return std::get<UssdStep>(std::move(events->front()));
}

}  // namespace

TEST_CASE("what a provider sends of a dialogue is what its aggregator reads") {
  CHECK(providers().size() >= 8);
  for (const auto* aggregator : providers()) {
    CAPTURE(aggregator->name());
    const auto first = read(*aggregator, phone(What::begin, {}));
    CHECK(first.what == What::begin);
    CHECK(first.input.empty());
    REQUIRE(first.from.has_value());
    std::get<identity::Msisdn>(*first.from).reveal([](std::string_view digits) {
      CHECK(digits == "250788000001");
    });
    for (const std::string text : {"1", "they beat me * help", "@ & + % \" ' =", "0"}) {
      CAPTURE(text);
      const auto next = read(*aggregator, phone(What::input, {"1", text}));
      CHECK(next.what == What::input);
      CHECK(next.session == first.session);
      CHECK(shown(next.input) == (next.accumulated ? "1*" + text : text));
    }
  }
}

TEST_CASE("a dialogue that the phone has ended has its session, and asks for no screen") {
  for (const auto* aggregator : providers()) {
    CAPTURE(aggregator->name());
    const auto request = aggregator->dial(phone(What::close, {"1", "secret words"}), settings());
    const auto events = aggregator->parse(request, Kind::ussd, settings());
    if (!events || events->empty()) continue;  // a provider that tells nothing of it
    const auto& step = std::get<UssdStep>(events->front());
    CHECK(step.what == What::close);
    CHECK(step.session == read(*aggregator, phone(What::begin, {})).session);
    CHECK(step.input.empty());
  }
}

TEST_CASE("the phone shows the screen that the answer holds, and knows the last one") {
  for (const auto* aggregator : providers()) {
    CAPTURE(aggregator->name());
    const auto step = read(*aggregator, phone(What::input, {"1"}));
    for (const bool end : {false, true}) {
      const std::string text = "We got it: a < b & \"c\" > d\n0 Exit";
      const auto answer = aggregator->show({text, end}, crypto::view(step.echo));
      CHECK(aggregator->is_success(answer));
      const auto screen = aggregator->screen_in(answer);
      REQUIRE(screen.has_value());
      CHECK(screen->text == text);
      CHECK(screen->end == end);
    }
    CHECK(!aggregator->screen_in({200, "text/plain", "", {}, false}).has_value());
    CHECK(!aggregator->screen_in({200, "text/plain", "Saved.", {}, false}).has_value());
    const auto limit = aggregator->screen_limit();
    CHECK(limit.septets <= 160);
    CHECK(limit.units <= 70);
  }
}

TEST_CASE("what stands behind a code is told apart from the code") {
  struct Row {
    std::string_view code;
    std::string_view dialled;
    std::string_view behind;
  };
  const Row rows[] = {
      {"*384*2020#", "*384*2020*1*2#", "1*2"},
      {"384*2020", "*384*2020*1#", "1"},
      {"*384*2020#", "*384*2020#", ""},
      {"*384*2020#", "384*2020*7", "7"},
      {"*384*2020#", "*384*20201#", ""},
      {"*384*2020#", "*384*2020*#", ""},
      {"", "*384*2020*1#", ""},
      {"*#", "*384*2020*1#", ""},
      {"service-7", "*384*2020*1#", ""},
      {"*384#", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.dialled);
    CHECK(dialled_behind(row.code, row.dialled) == row.behind);
  }
}

}  // namespace ishara::aggregators
