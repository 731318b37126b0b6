#include "gateway/conversation/ussd.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/support/menu.hpp"

namespace ishara::conversation {
namespace {

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1767323045}};
const crypto::Secret<32>& key() {
  static const crypto::Secret<32> one = crypto::random_secret<32>();
  return one;
}
const RealMenu& menu() {
  static const RealMenu one;
  return one;
}
const Around& around() {
  static const Around one = menu().around();
  return one;
}

std::string joined(const std::vector<std::string>& inputs, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : "*") + inputs[i];
  return out;
}
std::string joined(const std::vector<std::string>& inputs) { return joined(inputs, inputs.size()); }

UssdMove take_all(const UssdSession& session, std::string_view all) {
  return take(session, {all, all.empty(), true}, around(), nullptr, now, key());
}
UssdMove take_one(const UssdSession& session, std::string_view input, int later = 0) {
  return take(session, {input, false, false}, around(), nullptr, now + std::chrono::seconds{later},
              key());
}
std::string name_of(const UssdSession& session) { return menu().flow[session.menu.screen].name; }

}  // namespace

TEST_CASE("the same answer within two seconds is a repeated request, later it is an answer") {
  const auto begun = take({}, {"", true, false}, around(), nullptr, now, key()).next;
  CHECK(name_of(begun) == "language");
  const auto first = take_one(begun, "1").next;
  CHECK(name_of(first) == "start");
  CHECK(take_one(first, "1", 2).again);
  const auto later = take_one(first, "1", 3);
  CHECK_FALSE(later.again);
  CHECK(name_of(later.next) == "notice");
  CHECK_FALSE(take_one(first, "2", 0).again);
  CHECK(take(begun, {"", true, false}, around(), nullptr, now + std::chrono::seconds{9}, key())
            .again);
}

TEST_CASE("a session that has ended shows its end again, whatever comes") {
  const auto ended = take_all({}, "0").next;
  CHECK(ended.has_ended(menu().flow));
  CHECK(take_all(ended, "0*1").again);
  CHECK(take_one(ended, "1", 60).again);
}

TEST_CASE("answers between which requests got lost are told apart, and stars stay in their words") {
  struct Row {
    std::vector<std::string> requests;  // everything typed, each time
    const char* screen;
    const char* place;
    const char* words;
  };
  const Row rows[] = {
      {{"", "1*1*1"}, "what", "", ""},
      {{"", "1", "1*1*1*1*1"}, "where", "", ""},
      {{"1*1*1*1*1*1*1*by the lake*3"}, "words", "by the lake", ""},
      {{"1*1*1*1*1*1*1", "1*1*1*1*1*1*1*a * b*3"}, "danger", "a * b*3", ""},
      {{"1*1*1*1*1*1*1*a * b*3"}, "words", "a * b", ""},
      {{"1*1*1*1*1*1*1*0*3*they beat us * help*1*1"}, "review", "", "they beat us * help"},
      {{"1*1*1*1*1*1*1*0*3*they beat us**help*1*1"}, "review", "", "they beat us**help"},
      {{"1*1*1*1*1*1*1*0*3", "1*1*1*1*1*1*1*0*3*12*7*x"}, "readers", "", "12*7*x"},
      {{"x*y*z"}, "goodbye", "", ""},
      {{"1", "2"}, "language", "", ""},  // what was typed has changed: from the start
  };
  for (const Row& row : rows) {
    UssdSession session;
    for (const auto& all : row.requests) {
      CAPTURE(all);
      session = take_all(session, all).next;
    }
    const auto& answers = session.menu.answers;
    CHECK(name_of(session) == (std::string{row.requests.back()} == "2" ? "start" : row.screen));
    CHECK((answers.place ? crypto::view(*answers.place) : "") == row.place);
    CHECK((answers.words ? crypto::view(*answers.words) : "") == row.words);
  }
}

TEST_CASE("requests that are repeated, forgotten or dialled at once give one and the same report") {
  const auto report = whole_report("they beat us * help");
  const std::vector<std::vector<std::string>> dialogues = {
      report, whole_report("maji"), whole_report("0"), {"0"}, {"x", "22", ""}, {"1", "0"}};
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random{seed + 1};
    const auto& inputs = dialogues[seed % dialogues.size()];
    const auto direct = take_all({}, joined(inputs));
    UssdSession session;
    for (std::size_t count = random() % 2 * inputs.size(); count <= inputs.size(); ++count) {
      const auto all = joined(inputs, count);
      for (auto times = static_cast<std::uint32_t>(1 + random() % 3); times > 0; --times) {
        if (random() % 4 == 0) session = {};  // a restart
        session = take_all(session, all).next;
      }
    }
    CHECK(session.menu == direct.next.menu);
  }
}

}  // namespace ishara::conversation
