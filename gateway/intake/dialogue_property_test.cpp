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
#include "tests/support/menu.hpp"

namespace ishara::intake {
namespace {

using aggregators::Aggregator;
using aggregators::PhoneStep;
using aggregators::UssdStep;
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

const conversation::RealMenu& menu() {
  static const conversation::RealMenu one;
  return one;
}

// What a gateway does with steps, without its sealing.
struct Service {
  struct Shown {
    std::uint8_t screen;
    std::uint8_t page;
    bool end;
    bool saved;
    bool not_saved;
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
    const auto limit = aggregator.screen_limit();
    const auto around = menu().around("en", {limit.septets, limit.units});
    const auto move = step.input.reveal([&](std::string_view input) {
      return conversation::take(
          live[session],
          {behind.empty() ? input : behind, step.what == What::begin, step.accumulated}, around,
          nullptr, now, key());
    });
    const auto& state = move.next.menu;
    const bool is_sent = menu().flow[state.screen].kind == conversation::Kind::sent;
    Shown shown{state.screen, state.page, move.next.has_ended(menu().flow), is_sent, false};
    if (is_sent && !move.again) {
      if (storing_fails) return Shown{state.screen, state.page, true, false, true};
      const auto words = text_of(state.answers.words.value());
      if (const auto [first, is_new] = stored.emplace(session, words); !is_new)
        again[session].emplace_back(words);
    }
    live[session] = move.next;
    return shown;
  }
};

// One phone's dialogue, as its person means it.
struct Plan {
  std::vector<std::string> answers;  // to the end, or until somebody hangs up
  std::optional<std::string> words;  // of a report that is sent with the last of them
};

// Words wherever their stars stand; none of them alone between two stars chooses from a list.
std::string random_text(std::minstd_rand& random) {
  static const std::vector<std::string> parts{"they beat me", "*",  " * ",     "**",     "help*",
                                              "ы 😀",          "#1", "&=+%\"'", "nyamata"};
  std::string out = "my text";
  for (auto count = random() % 5; count > 0; --count) out += parts[random() % parts.size()];
  while (out.ends_with(' ') || out.ends_with('#')) out.pop_back();
  return out;
}

Plan random_plan(std::minstd_rand& random) {
  static const std::vector<std::string> nothing{"77", "22", "x", ""};
  Plan plan;
  const auto wrong = random() % 4;
  for (auto count = wrong; count > 0; --count)
    plan.answers.push_back(nothing[random() % nothing.size()]);
  if (wrong == 3) return plan;  // the third ends it
  const auto end = random() % 4;
  if (end < 2) {
    plan.words = random_text(random);
    for (auto& answer : conversation::whole_report(*plan.words)) plan.answers.push_back(answer);
  } else if (end == 2) {
    plan.answers.emplace_back("0");
  }
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
  const bool accumulates = read(aggregator, phone, service.settings)->accumulated;
  bool said = false;       // the whole report has reached the gateway
  bool saved = false;      // and the phone was told so
  bool failed = false;     // storing did, at least once
  bool forgotten = false;  // the gateway's memory was, since the last screen
  bool lost = false;       // and nothing that came later could tell it what had been said
  std::optional<Service::Shown> last;

  const auto forget = [&] {
    service.live.erase(id);
    forgotten = true;
    lost |= !accumulates;
  };
  const auto ask = [&](std::string_view behind = {}) {
    said |= plan.words && (phone.inputs.size() == plan.answers.size() || !behind.empty());
    service.storing_fails = random() % 16 == 0;
    const auto shown = service.take(aggregator, phone, now, behind);
    failed |= shown && shown->not_saved;
    service.storing_fails = false;
    saved |= shown && shown->saved;
    findings.expect(shown.has_value(), "a step without a screen");
    forgotten = false;
    return shown;
  };
  // The aggregator got no answer: the same request within two seconds.
  const auto repeat = [&](std::string_view behind = {}) {
    for (auto times = random() % 3; times > 0 && last; --times) {
      const auto before = *last;
      now += std::chrono::seconds{random() % 2 && times == 1 ? 1 : 0};
      if (random() % 8 == 0) forget();
      const bool exact = !forgotten;
      last = ask(behind);
      if (exact && !before.not_saved && last && !last->not_saved)
        findings.expect(last->screen == before.screen && last->page == before.page,
                        "a repeated request with another screen");
    }
  };

  std::string typed_at_once;  // behind the code
  if (random() % 8 == 0 && plan.words && accumulates) {
    phone.inputs = plan.answers;
    phone.what = What::input;
    last = ask();
    repeat();
  } else if (random() % 8 == 0 && plan.words) {
    for (const auto& answer : plan.answers)
      typed_at_once += (&answer == plan.answers.data() ? "" : "*") + answer;
    last = ask(typed_at_once);
    repeat(typed_at_once);
  } else {
    last = ask();
    repeat();
    for (const auto& answer : plan.answers) {
      if (!last || last->end || random() % 60 == 0) break;  // or the network is gone
      now += std::chrono::seconds{3 + random() % 5};
      phone.what = What::input;
      phone.inputs.push_back(answer);
      if (random() % 40 == 0) forget();
      if (may_dial_again && random() % 40 == 0) {
        hold(service, aggregator, number, random, now, findings, false);
        lost |= !accumulates;
      }
      last = ask();
      repeat();
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
  if (!lost) {
    findings.expect(said || !is_stored, "a report of a dialogue that was left");
    findings.expect(!said || is_stored || failed, "no report of a dialogue that was finished");
  }
  if (is_stored && said && !lost) {
    findings.expect(report->second == *plan.words, "a report that says something else");
    for (const auto& words : service.again[id])
      findings.expect(words == *plan.words,
                      "a report that says something else when it comes again");
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

TEST_CASE("every provider shows the pages of the menu as they are, in every language") {
  const auto settings = channel_settings();
  for (const auto* aggregator : providers()) {
    const auto limit = aggregator->screen_limit();
    const PhoneStep dialled{What::begin, "+250788000001", "*384*2020#", "0123456789abcdef", {}};
    const auto echo = text_of(read(*aggregator, dialled, settings)->echo);
    for (const auto& pack : menu().packs.all()) {
      const auto around = menu().around(pack.tag, {limit.septets, limit.units});
      auto state = conversation::begun(around);
      for (const auto& answer : conversation::whole_report("help")) {
        CAPTURE(aggregator->name());
        CAPTURE(pack.tag);
        const auto text = conversation::page(state, around);
        REQUIRE(text.has_value());
        const auto size = i18n::measure(*text);
        CHECK(size.units <= (size.encoding == i18n::Encoding::gsm7 ? limit.septets : limit.units));
        const auto shown = aggregator->screen_in(aggregator->show({*text, true}, echo));
        REQUIRE(shown.has_value());
        CHECK(shown->text == *text);
        state = conversation::answered(state, answer, around);
      }
    }
  }
}

}  // namespace ishara::intake
