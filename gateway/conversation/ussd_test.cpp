#include "gateway/conversation/ussd.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "i18n/sms.hpp"

namespace ishara::conversation {
namespace {

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1767323045}};
const crypto::Secret<32>& key() {
  static const crypto::Secret<32> one = crypto::random_secret<32>();
  return one;
}

std::string joined(const std::vector<std::string>& inputs, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : "*") + inputs[i];
  return out;
}

}  // namespace

TEST_CASE("the one answer is the report, and the dialogue ends with it") {
  struct Row {
    const char* input;
    const char* report;
    ScreenId screen;
  };
  const Row rows[] = {
      {"they keep my passport", "they keep my passport", ScreenId::saved},
      {" maji * kijiji # ", "maji * kijiji", ScreenId::saved},
      {"0788000001", "0788000001", ScreenId::saved},
      {"0", "", ScreenId::goodbye},
      {"0#", "", ScreenId::goodbye},
      {"00", "", ScreenId::write},
      {"7", "", ScreenId::write},
      {"", "", ScreenId::write},
      {"#", "", ScreenId::write},
      {"\xD9\x85", "\xD9\x85", ScreenId::saved},
  };
  for (const Row& row : rows) {
    CAPTURE(row.input);
    const auto begun = take({}, {"", true, false}, now, key()).next;
    CHECK(begun.screen == ScreenId::write);
    CHECK_FALSE(begun.ended);
    const auto move = take(begun, {row.input, false, false}, now, key());
    CHECK(move.report == row.report);
    CHECK(move.next.screen == row.screen);
    CHECK(move.next.ended == (row.screen != ScreenId::write));
    CHECK_FALSE(move.again);
  }
}

TEST_CASE("the third answer that says nothing ends the dialogue, and nothing is kept") {
  UssdSession session;
  for (const std::string all : {"", "1", "1*22", "1*22*3"}) {
    const auto move = take(session, {all, false, true}, now, key());
    CHECK(move.report.empty());
    CHECK(move.next.ended == (all == "1*22*3"));
    session = move.next;
  }
  CHECK(session.screen == ScreenId::goodbye);
}

TEST_CASE("the same answer within two seconds is a repeated request, later it is an answer") {
  const auto begun = take({}, {"", true, false}, now, key()).next;
  const auto first = take(begun, {"7", false, false}, now, key()).next;
  CHECK(take(first, {"7", false, false}, now + std::chrono::seconds{2}, key()).again);
  const auto later = take(first, {"7", false, false}, now + std::chrono::seconds{3}, key());
  CHECK_FALSE(later.again);
  CHECK(later.next.wrong == 2);
  CHECK(take(begun, {"", true, false}, now + std::chrono::seconds{9}, key()).again);
}

TEST_CASE("answers between which requests got lost are told apart, and stars stay in their text") {
  struct Row {
    std::vector<std::string> requests;  // everything typed, each time
    std::string report;
    ScreenId screen;
  };
  const Row rows[] = {
      {{"", "7*22"}, "", ScreenId::write},
      {{"", "7*22*9"}, "", ScreenId::goodbye},
      {{"7", "7*22*0"}, "", ScreenId::goodbye},
      {{"7", "7*", "7**22"}, "", ScreenId::goodbye},  // an empty answer counts, also if replayed
      {{"7**22"}, "", ScreenId::goodbye},
      {{"7**"}, "", ScreenId::goodbye},
      {{"7*"}, "", ScreenId::write},
      {{"", "2*girls are held"}, "2*girls are held", ScreenId::saved},
      {{"", "0*they beat me"}, "0*they beat me", ScreenId::saved},
      {{"", "0"}, "", ScreenId::goodbye},
      {{"7", "7*2*girls * held*"}, "2*girls * held*", ScreenId::saved},
      {{"7*2*girls * held*"}, "girls * held*", ScreenId::saved},
  };
  for (const Row& row : rows) {
    UssdSession session;
    std::string report;
    for (const auto& all : row.requests) {
      CAPTURE(all);
      const auto move = take(session, {all, all.empty(), true}, now, key());
      report = move.report;
      session = move.next;
    }
    CHECK(report == row.report);
    CHECK(session.screen == row.screen);
  }
}

TEST_CASE("requests that are repeated, forgotten or dialled at once give one and the same report") {
  const std::vector<std::vector<std::string>> dialogues = {
      {"they beat me"}, {"1", "they beat me * help"}, {"7", "22", "maji"}, {"maji * 1 * 0"}, {"0"},
      {"1", "2", "3"},
  };
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random{seed + 1};
    const auto& inputs = dialogues[seed % dialogues.size()];
    const auto at_once = joined(inputs, inputs.size());
    const auto direct = take({}, {at_once, false, true}, now, key());
    UssdSession session;
    std::vector<std::string> reports;
    ScreenId last = ScreenId::write;
    for (std::size_t count = random() % 2 * inputs.size(); count <= inputs.size(); ++count) {
      const auto all = joined(inputs, count);
      for (auto times = static_cast<std::uint32_t>(1 + random() % 3); times > 0; --times) {
        if (random() % 4 == 0) session = {};  // a restart
        const auto move = take(session, {all, false, true}, now, key());
        // A session's report is stored once: what comes of it again is the same.
        if (!move.report.empty()) reports.emplace_back(move.report);
        session = move.next;
        last = session.screen;
      }
    }
    CHECK(last == direct.next.screen);
    CHECK(reports.empty() == direct.report.empty());
    for (const auto& report : reports) CHECK(report == direct.report);
  }
}

TEST_CASE("every screen of every pack fits the shortest provider, with the ref where it has one") {
  const auto packs = i18n::Packs::load(ISHARA_PACKS);
  for (const auto& pack : packs.all()) {
    for (std::size_t id = 0; id < screen_count; ++id) {
      CAPTURE(pack.tag);
      CAPTURE(id);
      const auto screen = static_cast<ScreenId>(id);
      const auto text = render(packs, screen, "4827163305", {120, 70}, pack.tag);
      REQUIRE(text.has_value());
      CHECK((i18n::measure(*text).encoding == i18n::Encoding::gsm7 ||
             pack.encoding == i18n::Encoding::ucs2));
      CHECK((text->find("4827163305") != std::string::npos) == (screen == ScreenId::saved));
      CHECK(text->find(pack.catalogue.find(id_of(screen))->text.substr(0, 5)) == 0);
    }
  }
  CHECK(render(packs, ScreenId::saved, "48271633", {160, 70}, "en").error().failed());
  CHECK(render(packs, ScreenId::write, "", {20, 0}, "en").error().failed());
  // Where a provider shows GSM-7 alone, a language that fits answers.
  CHECK(render(packs, ScreenId::goodbye, "", {160, 0}, "ar").value() == "Goodbye.");
}

}  // namespace ishara::conversation
