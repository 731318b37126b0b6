#include "gateway/conversation/flow.hpp"

#include <doctest/doctest.h>

#include "tests/support/menu.hpp"

namespace ishara::conversation {
namespace {

constexpr std::string_view head = "screen\toption\tkind\tsaves\tnext\tback\tneeds\tpart\n";
constexpr std::string_view ends = "sent\t\tsent\t\t\t\t\t\nleft\t\tleft\t\t\t\t\t\n";

std::string first_mistake(std::string_view rows) {
  const auto content = std::string{head} + std::string{rows} + std::string{ends};
  const auto read = read_flow({"menu.tsv", content});
  CHECK(read.flow.has_value() == read.mistakes.empty());
  if (read.mistakes.empty()) return "none";
  const auto& first = read.mistakes[0];
  auto out = std::to_string(first.line) + ":" + std::to_string(first.column) + ": " + first.message;
  if (!first.suggestion.empty()) out += " -> " + first.suggestion;
  return out;
}

}  // namespace

TEST_CASE("the menu that is delivered is good, and every pack has every text and label of it") {
  const auto content = content_of(std::filesystem::path{ISHARA_PACKS} / "menu.tsv");
  const auto read = read_flow({"menu.tsv", content});
  for (const auto& mistake : read.mistakes)
    FAIL_CHECK(mistake.line, ":", mistake.column, ": ", mistake.message);
  REQUIRE(read.flow);
  const auto packs = i18n::Packs::load(ISHARA_PACKS);
  for (const auto& pack : packs.all())
    for (const auto& mistake : missing_texts(*read.flow, pack))
      FAIL_CHECK(mistake.file, ": ", mistake.message);
}

TEST_CASE(
    "every mistake of a menu is named with its place and, where it can be guessed, its mend") {
  struct Row {
    const char* rows;
    const char* mistake;
  };
  const Row rows[] = {
      {"start\t\toptions\t\tsent\tleft\t\t\nstart\tgo\t\t\t\t\t\t\n", "none"},
      {"# what it is\n\nstart\t\toptions\t\tsent\tleft\t\t\nstart\tgo\t\t\t\t\t\t\n", "none"},
      {"start\t\toptions\t\tsemt\tleft\t\t\nstart\tgo\t\t\t\t\t\t\n",
       "2:17: there is no screen 'semt' -> sent"},
      {"start\t\toption\t\tsent\tleft\t\t\nstart\tgo\t\t\t\t\t\t\n",
       "2:8: there is no kind 'option' -> options"},
      {"start\t\toptions\tdangr\tsent\tleft\t\t\nstart\tnow\t\t\t\t\t\t\n",
       "2:16: there is no answer 'dangr' -> danger"},
      {"start\t\toptions\tdanger\tsent\tleft\t\t\nstart\tnowt\t\t\t\t\t\t\n",
       "3:7: there is no answer 'nowt' -> now"},
      {"start\t\toptions\t\tsent\tleft\tsmss\t\nstart\tgo\t\t\t\t\t\t\n",
       "2:27: there is no need 'smss' -> sms"},
      {"start\t\toptions\t\tsent\tleft\t\t\n", "2:1: this list has no options"},
      {"start\t\toptions\t\t\tleft\t\t\nstart\tgo\t\t\t\t\t\t\n",
       "2:17: a screen that is no end has a next one"},
      {"start\t\toptions\t\tsent\t\t\t\nstart\tgo\t\t\t\t\t\t\n",
       "2:22: a list has a screen to go back to; that of `left` ends the dialogue"},
      {"start\t\ttext\t\tsent\t\t\t\n",
       "2:13: free words are stored as place or words, and nothing else is"},
      {"start\t\ttext\twords\tsent\t\tsms\t\n",
       "2:25: a question for free words is never left out"},
      {"start\t\toptions\t\tsent\tleft\t\t\nstart\tgo\t\t\t\t\t\t\nstart\tgo\t\t\t\t\t\t\n",
       "4:7: the option 'go' stands here twice"},
      {"start\t\toptions\t\tsent\tleft\t\t\nstart\tgo\t\t\t\t\t\t\nalone\t\ttext\twords\tsent\t\t\t"
       "\n",
       "4:1: nothing leads to this screen"},
      {"start\t\ttext\twords\ton\t\t\t\non\t\ttext\tplace\tstart\t\t\t\n",
       "2:1: there is no way from this screen to an end"},
      {"start\t\toptions\t\ta\tleft\t\t\nstart\tgo\t\t\t\t\t\t\n"
       "a\t\toptions\t\tb\tleft\tsms\t\na\tgo\t\t\t\t\t\t\nb\t\toptions\t\ta\tleft\tsms\t\n"
       "b\tgo\t\t\t\t\t\t\n",
       "4:1: screens that may be left out lead round in a ring here"},
      {"begin\t\toptions\t\tsent\tleft\t\t\nbegin\tgo\t\t\t\t\t\t\n",
       "2:1: one screen is called 'start': 00 leads to it"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.rows);
    CHECK(first_mistake(row.rows) == row.mistake);
  }
  CHECK_FALSE(read_flow({"menu.tsv", ""}).mistakes.empty());
}

TEST_CASE("a text that a catalogue lacks, and a label of one, is told") {
  const RealMenu menu;
  auto flow = menu.flow;
  flow.screens[0].name = "unknown";
  flow.screens[menu.screen("who")].options.pop_back();
  const auto told = missing_texts(flow, *menu.packs.find("rw"));
  REQUIRE(told.size() == 2);
  CHECK(told[0].file == "rw/messages.po");
  CHECK(told[0].message == "there is no text 'ussd.unknown'");
  CHECK(told[1].message == "the text 'ussd.who' has a title and 4 options, a line each");
}

}  // namespace ishara::conversation
