// What holds for every dialogue of every provider, whatever its network does: dialogues at random,
// written and read as each provider does it. Requests come twice, late or not at all, phones hang
// up, dial again or dial everything at once, gateways forget, storing fails. ISHARA_LONG holds
// 100,000 of them.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/aggregators/registry.hpp"
#include "gateway/conversation/ussd.hpp"
#include "gateway/crypto/encoding.hpp"
#include "i18n/sms.hpp"

namespace ishara::intake {
namespace {

using aggregators::Aggregator;
using aggregators::PhoneStep;
using aggregators::UssdStep;
using conversation::ScreenId;
using What = UssdStep::What;

const aggregators::Registry registry;
const crypto::Secret<32>& key() {
  static const crypto::Secret<32> one = crypto::random_secret<32>();
  return one;
}

std::vector<const Aggregator*> providers() {
  std::vector<const Aggregator*> out;
  for (const auto name : registry.names()) {
    const auto* aggregator = registry.find(name);
    if (std::ranges::count(aggregator->kinds(), aggregators::Kind::ussd) != 0)
      out.push_back(aggregator);
  }
  return out;
}

aggregators::ChannelSettings channel_settings() {
  aggregators::ChannelSettings out;
  out.country = "RW";
  out.url = crypto::wiped_copy("https://ishara.example/in/x/secret/ussd");
  out.account = "AC1";
  return out;
}

// What a gateway gets of it; nothing of a provider that does not tell.
std::optional<UssdStep> read(const Aggregator& aggregator, const PhoneStep& phone,
                             const aggregators::ChannelSettings& settings) {
  const auto request = aggregator.dial(phone, settings);
  if (request.target.empty()) return std::nullopt;
  auto events = aggregator.parse(request, aggregators::Kind::ussd, settings);
  if (!events || events->size() != 1) throw std::logic_error{"a step that is none"};
  return std::get<UssdStep>(std::move(events->front()));
}

std::string text_of(const crypto::WipedBuffer& bytes) { return std::string{crypto::view(bytes)}; }

// What a gateway does with steps, without its sealing.
struct Service {
  struct Shown {
    ScreenId screen;
    bool end;
  };

  explicit Service(const aggregators::ChannelSettings& channel) : settings{channel} {}

  const aggregators::ChannelSettings& settings;
  std::map<std::string, conversation::UssdSession> live;
  std::map<std::string, std::string> callers;             // the session of each phone
  std::map<std::string, std::string> stored;              // by session, as the database does it
  std::map<std::string, std::vector<std::string>> again;  // what came of a session once more
  bool storing_fails = false;

  // Nothing where the phone shows none. `behind` is what was dialled behind the code.
  std::optional<Shown> take(const Aggregator& aggregator, const PhoneStep& phone,
                            std::chrono::sys_seconds now, std::string_view behind = {}) {
    const auto read_one = read(aggregator, phone, settings);
    if (!read_one) return std::nullopt;
    const auto& step = *read_one;
    const auto session = text_of(step.session);
    if (step.what == What::close) {
      live.erase(session);
      return std::nullopt;
    }
    auto& current = callers[phone.from];
    if (current != session) live.erase(current);
    current = session;
    const auto move = step.input.reveal([&](std::string_view input) {
      return conversation::take(
          live[session],
          {behind.empty() ? input : behind, step.what == What::begin, step.accumulated}, now,
          key());
    });
    if (!move.report.empty()) {
      if (storing_fails) return Shown{ScreenId::not_saved, true};
      if (const auto [first, is_new] = stored.emplace(session, move.report); !is_new)
        again[session].emplace_back(move.report);
    }
    live[session] = move.next;
    return Shown{move.next.screen, move.next.ended};
  }
};

// One phone's dialogue, as its person means it.
struct Plan {
  std::vector<std::string> nothing;  // answers that say nothing, before ...
  std::optional<std::string> text;   // ... this, or a 0 if `leaves`, or hanging up
  bool leaves = false;
};

// A text whose beginning is no choice from a list, wherever its stars stand.
std::string random_text(std::minstd_rand& random) {
  static const std::vector<std::string> parts{
      "they beat me", "*",   " * ", "**",      "7",   "0",
      "help*",        "ы 😀", "#1",  "&=+%\"'", "*0*", "nyamata"};
  std::string out = "my text";
  for (auto count = random() % 5; count > 0; --count) out += parts[random() % parts.size()];
  while (out.ends_with(' ') || out.ends_with('#')) out.pop_back();
  return out;
}

Plan random_plan(std::minstd_rand& random) {
  static const std::vector<std::string> nothing{"7", "22", "00", "9", ""};
  Plan plan;
  for (auto count = random() % 4; count > 0; --count)
    plan.nothing.push_back(nothing[random() % nothing.size()]);
  const auto end = random() % 4;
  if (end < 2) plan.text = random_text(random);
  plan.leaves = end == 2;
  return plan;
}

// What went wrong, if anything did.
struct Findings {
  std::map<std::string, int> all;
  void expect(bool holds, const char* what) {
    if (!holds) ++all[what];
  }
};

// Holds one dialogue, some of them with another of the same phone in between.
void hold(Service& service, const Aggregator& aggregator, const std::string& number,
          std::minstd_rand& random, std::chrono::sys_seconds& now, Findings& findings,
          bool may_dial_again = true) {
  const auto plan = random_plan(random);
  const auto session = crypto::hex(crypto::random_bytes<16>());
  PhoneStep phone{What::begin, "+" + number, "*384*2020#", session, {}};
  const auto id = text_of(read(aggregator, phone, service.settings)->session);
  bool said = false;       // the text has reached the gateway
  bool saved = false;      // and the phone was told so
  bool failed = false;     // storing did, at least once
  bool forgotten = false;  // the gateway's memory was, since the last screen
  bool stale = false;      // an old request came once more
  std::optional<Service::Shown> last;

  const auto ask = [&](std::string_view behind = {}) {
    const bool has_text = plan.text && !phone.inputs.empty() && phone.inputs.back() == *plan.text;
    said |= has_text || !behind.empty();
    service.storing_fails = random() % 16 == 0;
    const auto shown = service.take(aggregator, phone, now, behind);
    failed |= shown && shown->screen == ScreenId::not_saved;
    service.storing_fails = false;
    saved |= shown && shown->screen == ScreenId::saved;
    findings.expect(shown.has_value(), "a step without a screen");
    if (shown) findings.expect(shown->end == (shown->screen != ScreenId::write), "an odd end");
    forgotten = false;
    return shown;
  };
  // The aggregator got no answer: the same request within two seconds.
  const auto repeat = [&](std::string_view behind = {}) {
    for (auto times = random() % 3; times > 0 && last; --times) {
      const auto before = *last;
      now += std::chrono::seconds{random() % 2 && times == 1 ? 1 : 0};
      if (random() % 8 == 0) {
        service.live.erase(id);
        forgotten = true;
      }
      const bool exact = !forgotten;
      last = ask(behind);
      if (exact && before.screen != ScreenId::not_saved && last &&
          last->screen != ScreenId::not_saved)
        findings.expect(last->screen == before.screen && last->end == before.end,
                        "a repeated request with another screen");
    }
  };

  std::string typed_at_once;  // behind the code
  const bool accumulates = aggregator.name() == "africastalking";
  const bool at_once = random() % 8 == 0 && plan.text && plan.nothing.size() < 3;
  if (at_once && accumulates) {
    phone.inputs = plan.nothing;
    phone.inputs.push_back(*plan.text);
    phone.what = What::input;
    last = ask();
    repeat();
  } else if (at_once) {
    for (const auto& answer : plan.nothing) typed_at_once += answer + "*";
    typed_at_once += *plan.text;
    last = ask(typed_at_once);
    repeat(typed_at_once);
  } else {
    last = ask();
    repeat();
    for (std::size_t place = 0; last && !last->end; ++place) {
      if (random() % 10 == 0) break;  // the network is gone
      now += std::chrono::seconds{3 + random() % 20};
      std::string answer;
      if (place < plan.nothing.size())
        answer = plan.nothing[place];
      else if (plan.text)
        answer = *plan.text;
      else if (plan.leaves)
        answer = "0";
      else
        break;  // hangs up
      phone.what = What::input;
      phone.inputs.push_back(answer);
      if (random() % 20 == 0) service.live.erase(id);
      if (may_dial_again && random() % 20 == 0)
        hold(service, aggregator, number, random, now, findings, false);
      last = ask();
      repeat();
      if (random() % 20 == 0 && !said) {
        // What was asked first comes once more.
        stale = true;
        (void)service.take(aggregator, {What::begin, phone.from, phone.code, session, {}}, now);
      }
    }
  }
  if (last && last->end && random() % 4 == 0) {
    now += std::chrono::seconds{5 + random() % 60};
    repeat(typed_at_once);
  }
  if (!said && random() % 2 == 0) {
    // Half a text was typed when the phone hung up; some providers repeat what was typed.
    phone.what = What::close;
    phone.inputs.push_back("half a text");
    (void)service.take(aggregator, phone, now);
    findings.expect(
        !service.live.contains(id) || aggregator.dial(phone, service.settings).target.empty(),
        "a session after its end");
  }

  const auto report = service.stored.find(id);
  const bool is_stored = report != service.stored.end();
  findings.expect(!saved || is_stored, "saved, and it is not stored");
  findings.expect(said || !is_stored, "a report of a dialogue that was left");
  findings.expect(!said || is_stored || failed, "no report of a dialogue that was finished");
  if (is_stored && said) {
    const auto of_person = [&](std::string_view text) {
      return stale ? text.ends_with(*plan.text) : text == *plan.text;
    };
    findings.expect(of_person(report->second), "a report that says something else");
    for (const auto& text : service.again[id])
      findings.expect(of_person(text), "a report that says something else when it comes again");
  }
  service.again.erase(id);
  service.stored.erase(id);
}

}  // namespace

TEST_CASE("a dialogue that was finished is one report, one that was left is none") {
  crypto::start();
  const auto settings = channel_settings();
  Service service{settings};
  const auto all = providers();
  std::minstd_rand random{20'261'122};
  std::chrono::sys_seconds now{std::chrono::seconds{1'800'000'000}};
  Findings findings;
  const std::uint32_t dialogues = std::getenv("ISHARA_LONG") != nullptr ? 100'000 : 10'000;
  for (std::uint32_t count = 0; count < dialogues; ++count) {
    // A few phones, so that a dialogue ends another of the same phone.
    const auto number = std::to_string(250'788'000'000 + random() % 50);
    hold(service, *all[count % all.size()], number, random, now, findings);
    if (service.live.size() > 1000) service.live.clear();
  }
  for (const auto& [what, times] : findings.all) {
    CAPTURE(what);
    CHECK(times == 0);
  }
  CHECK(findings.all.empty());
}

TEST_CASE("every screen of every provider is within what its phones show, in every language") {
  const auto packs = i18n::Packs::load(ISHARA_PACKS);
  const auto settings = channel_settings();
  for (const auto* aggregator : providers()) {
    const auto limit = aggregator->screen_limit();
    const PhoneStep dialled{What::begin, "+250788000001", "*384*2020#", "0123456789abcdef", {}};
    const auto echo = text_of(read(*aggregator, dialled, settings)->echo);
    for (const auto& pack : packs.all()) {
      for (std::size_t id = 0; id < conversation::screen_count; ++id) {
        CAPTURE(aggregator->name());
        CAPTURE(pack.tag);
        CAPTURE(id);
        const auto text =
            conversation::render(packs, ScreenId{static_cast<std::uint8_t>(id)}, "4827163305",
                                 {limit.septets, limit.units}, pack.tag);
        REQUIRE(text.has_value());
        const auto size = i18n::measure(*text);
        CHECK(size.units <= (size.encoding == i18n::Encoding::gsm7 ? limit.septets : limit.units));
        const auto shown = aggregator->screen_in(aggregator->show({*text, true}, echo));
        REQUIRE(shown.has_value());
        CHECK(shown->text == *text);
      }
    }
  }
}

}  // namespace ishara::intake
