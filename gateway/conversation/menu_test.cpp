#include "gateway/conversation/menu.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <set>

#include "gateway/conversation/answer.hpp"
#include "gateway/conversation/rules.hpp"
#include "i18n/sms.hpp"
#include "tests/support/menu.hpp"

namespace ishara::conversation {
namespace {

const RealMenu& menu() {
  static const RealMenu one;
  return one;
}

MenuState after(const std::vector<std::string>& inputs, const Around& around) {
  auto state = begun(around);
  for (const auto& input : inputs) state = answered(state, input, around);
  return state;
}

std::string name_of(const MenuState& state) { return menu().flow[state.screen].name; }

std::string shown(const std::vector<std::string>& inputs, const Around& around) {
  const auto text = page(after(inputs, around), around);
  return text ? *text : text.error().message();
}

std::vector<std::string> first(std::vector<std::string> inputs, std::size_t count) {
  inputs.resize(count);
  return inputs;
}

// What a screen may not say: as a text of ours, but for who reads, which is said plainly.
boost::system::error_code broken_rule(const i18n::Pack& pack, const Flow::Screen& screen,
                                      const std::string& text) {
  auto broken = lint(pack, text);
  if (broken == errc::forbidden_word && screen.saves == Saves::readers) broken = {};
  return broken;
}

}  // namespace

TEST_CASE("the screens of the reference, in their order, with their pages") {
  const auto around = menu().around();
  const auto all = whole_report("they beat us");
  const std::vector<std::string> screens{
      "Language\n1 English\n2 Arabi\n3 Español\n4 Francais\n5 Russkiy\n6 Ikinyarwanda\n7 "
      "Kiswahili\n"
      "8 Urdu\n9 More\n0 Exit",
      "Choose\n1 Tell us something\n2 How it works\n3 Language\n0 Exit",
      "What you choose is saved, step by step. Helpers read it. They do not see your number. "
      "No names needed.\n1 Go on\n0 Exit",
      "What happens?\n1 Forced work, no pay\n2 Forced sex\n3 Child at work\n4 Forced marriage\n"
      "5 Made to beg\n6 House worker kept in\n7 Person missing\n9 More\n0 Back",
      "Who?\n1 Me\n2 A child\n3 An adult\n4 Several people\n5 Not saying\n0 Back",
  };
  for (std::size_t i = 0; i < screens.size(); ++i)
    CHECK(shown(first(all, i), around) == screens[i]);
  CHECK(shown(first(all, 5), around).starts_with("Where?\n1 Kigali\n2 "));
  CHECK(shown(first(all, 7), around) == "Place name or road? Write it, or 0 to skip");
  CHECK(shown(first(all, 8), around) ==
        "Is someone in danger now?\n1 Yes, now\n2 Soon\n3 Not now\n4 Not sure\n0 Back");
  CHECK(shown(first(all, 10), around) ==
        "Who may read it?\n1 Helpers only\n2 Helpers and police\n0 Back");
  CHECK(shown(first(all, 12), around) == "Send it now?\n1 Send\n2 Change\n3 Cancel\n0 Back");
  const auto last = after(all, around);
  CHECK(menu().flow[last.screen].kind == Kind::sent);
  MenuAnswers said;
  said.category = routing::Category::forced_labour;
  said.who = Who::self;
  said.region = routing::RegionCode::parse("RW-01.gasabo");
  said.place.emplace();
  said.danger = Danger::not_now;
  said.words = crypto::wiped_copy("they beat us");
  said.police = false;
  said.may_text = false;
  CHECK(last.answers == said);

  CHECK(shown({"1", "1", "1", "9"}, around) ==
        "What happens?\n1 False job or travel\n2 Papers taken\n3 Debt that never ends\n"
        "4 Photos or video\n5 Hurt on a journey\n6 Taken to fight\n7 Body organ\n9 More\n0 Back");
  CHECK(shown({"1", "1", "1", "9", "9"}, around) ==
        "What happens?\n1 Other violence\n2 Not sure\n0 Back");
  CHECK(shown({"1", "1", "1", "9", "9", "0"}, around) == shown({"1", "1", "1", "9"}, around));
  CHECK(after({"1", "1", "1", "9", "9", "2"}, around).answers.category ==
        routing::Category::unsure);
}

TEST_CASE("what there is none of is not asked, on the way and on the way back") {
  auto around = menu().around();
  around.sharing = around.sms = false;
  auto all = whole_report("x");
  CHECK(name_of(after(first(all, 10), around)) == "review");
  all.resize(10);
  all.emplace_back("0");
  CHECK(name_of(after(all, around)) == "words");
  around.country = {};
  CHECK(name_of(after({"1", "1", "1", "1", "1"}, around)) == "place");
  CHECK(name_of(after({"1", "1", "1", "1", "1", "0", "1"}, around)) == "words");

  auto with = menu().around();
  with.helpline = "3512";
  CHECK(shown({"1"}, with) ==
        "Choose\n1 Tell us something\n2 Numbers to call\n3 How it works\n4 Language\n0 Exit");
  CHECK(shown({"1", "2"}, with) == "If it is safe, call:\n3512\n0 Back");
  CHECK(name_of(after({"1", "2", "5"}, with)) == "start");
  CHECK(shown({"1", "1", "1", "1", "1", "1", "1", "0", "1"}, with) ==
        "If it is safe, call 3512\n1 Go on\n0 Exit");
  CHECK(name_of(after({"1", "1", "1", "1", "1", "1", "1", "0", "1", "1"}, with)) == "words");
}

TEST_CASE("places come from the country pack, in its order, and may be unknown or elsewhere") {
  const auto around = menu().around();
  const std::vector<std::string> to_where{"1", "1", "1", "1", "1"};
  const auto with = [&](std::vector<std::string> more) {
    auto all = to_where;
    all.insert(all.end(), more.begin(), more.end());
    return after(all, around);
  };
  const auto subdivisions = menu().gazetteer.within(menu().countries[0]);
  const auto count = static_cast<char>('0' + subdivisions.size());
  CHECK(with({"2"}).answers.region == subdivisions[1]);
  const std::string abroad{static_cast<char>(count + 1)}, unsure{static_cast<char>(count + 2)};
  CHECK(with({abroad}).answers.region == routing::RegionCode{});
  CHECK(name_of(with({abroad})) == "place");  // of no other country is anything known
  CHECK(name_of(with({unsure})) == "danger");
  CHECK(name_of(with({"1", "0"})) == "where");

  auto two = menu().around();
  const std::vector<routing::RegionCode> countries{*routing::RegionCode::parse("RW"),
                                                   *routing::RegionCode::parse("BI")};
  two.countries = countries;
  auto all = to_where;
  all.push_back(abroad);
  CHECK(name_of(after(all, two)) == "country");
  all.emplace_back("1");
  CHECK(after(all, two).answers.region == countries[1]);
}

TEST_CASE("the third answer in a row that says nothing ends the dialogue, 00 begins it anew") {
  const auto around = menu().around();
  CHECK(name_of(after({"x", ""}, around)) == "language");
  CHECK(name_of(after({"x", "", "77"}, around)) == "goodbye");
  CHECK(name_of(after({"x", "", "1", "x", "6"}, around)) == "start");
  CHECK(name_of(after({"1", "1", "1", "1", "00"}, around)) == "start");
  CHECK(name_of(after({"1", "0"}, around)) == "goodbye");
  CHECK(name_of(after({"1", "1", "1#", " 2 "}, around)) == "who");
  CHECK(name_of(after({"1", "1", "1", "9", "8"}, around)) == "what");
  // Some phones offer digits alone: those are words as well.
  const auto words = after({"1", "1", "1", "1", "1", "1", "1", "12", "3", "0788#"}, around);
  CHECK(crypto::view(*words.answers.place) == "12");
  CHECK(crypto::view(*words.answers.words) == "0788");
}

TEST_CASE("a part that is answered anew leads back to where that began, and nothing else changes") {
  const auto around = menu().around();
  auto all = first(whole_report("they beat us"), 12);
  all.emplace_back("2");
  CHECK(shown(all, around) ==
        "Change:\n1 What happens\n2 Who\n3 Where\n4 Danger\n5 Words\n6 Who reads\n0 Back");
  const auto with = [&](std::vector<std::string> more) {
    auto inputs = all;
    inputs.insert(inputs.end(), more.begin(), more.end());
    return after(inputs, around);
  };
  CHECK(name_of(with({"0"})) == "review");
  CHECK(name_of(with({"1", "2"})) == "review");
  CHECK(with({"1", "2"}).answers.category == routing::Category::sexual_exploitation);
  CHECK(name_of(with({"2", "0"})) == "review");
  CHECK(name_of(with({"3", "2"})) == "district");
  CHECK(name_of(with({"3", "2", "1"})) == "place");
  CHECK(name_of(with({"3", "2", "1", "by the lake"})) == "review");
  CHECK(crypto::view(*with({"3", "2", "1", "by the lake"}).answers.place) == "by the lake");
  CHECK(with({"6", "2"}).answers.police == true);
  CHECK(name_of(with({"6", "2"})) == "review");
  CHECK(crypto::view(*with({"5", "0"}).answers.words) == "they beat us");
  CHECK(name_of(with({"5", "0", "3"})) == "cancelled");
}

TEST_CASE(
    "whoever chooses the category of a dialogue that broke off goes on there, and nobody else") {
  const auto around = menu().around();
  const auto broken_off = after({"1", "1", "1", "1", "2", "1"}, around);
  REQUIRE(name_of(broken_off) == "district");
  auto state = after({"2", "1", "1"}, around);
  const auto language = state.language;
  CHECK(page(state, around) == page(after({"2", "1", "1"}, around), around));
  state = answered(state, "1", around, &broken_off);
  CHECK(name_of(state) == "district");
  CHECK(state.answers == broken_off.answers);
  CHECK(state.language == language);
  CHECK(name_of(answered(after({"1", "1", "1"}, around), "2", around, &broken_off)) == "who");
}

TEST_CASE("a line that closes while it is shown holds nobody up") {
  auto open = menu().around();
  open.helpline = "000111";
  const auto closed = menu().around();
  const auto shown = after({"1", "1", "1", "1", "1", "1", "1", "0", "1"}, open);
  REQUIRE(name_of(shown) == "call");
  CHECK(name_of(answered(shown, "1", closed)) == "words");
  const auto resumed = answered(after({"1", "1", "1"}, closed), "1", closed, &shown);
  CHECK(name_of(resumed) == "words");
  CHECK(page(resumed, closed).has_value());
}

// Every state that answers can lead to, as far as what is shown depends on it.
TEST_CASE("every page of every pack fits, breaks no rule, and has a way on") {
  for (const auto& pack : menu().packs.all()) {
    for (const auto size : {ScreenSize{160, 70}, ScreenSize{120, 70}, ScreenSize{160, 0}}) {
      if (size.units == 0 && pack.encoding == i18n::Encoding::ucs2) continue;
      auto around = menu().around(pack.tag, size);
      around.helpline = "123456789012";
      std::set<std::string> seen;
      std::deque<MenuState> open{begun(around)};
      std::size_t ends = 0;
      while (!open.empty()) {
        const auto state = open.front();
        open.pop_front();
        const auto& screen = menu().flow[state.screen];
        if (screen.is_end()) {
          ++ends;
          continue;
        }
        const auto text = page(state, around);
        CAPTURE(pack.tag);
        CAPTURE(screen.name);
        CAPTURE(state.page);
        REQUIRE_MESSAGE(text.has_value(), (text ? "" : text.error().message()));
        CAPTURE(*text);
        // The same places are reached in many ways.
        const auto key = screen.name + std::to_string(state.page) + (state.changes ? "c" : "") +
                         (screen.kind == Kind::districts && state.answers.region
                              ? std::string{state.answers.region->view()}
                              : "");
        if (!seen.insert(key).second) continue;
        const auto measured = i18n::measure(*text);
        CHECK(measured.units <=
              (measured.encoding == i18n::Encoding::gsm7 ? size.septets : size.units));
        if (screen.kind != Kind::languages) {
          CHECK(
              (measured.encoding == i18n::Encoding::gsm7 || pack.encoding == i18n::Encoding::ucs2));
          const auto broken = broken_rule(pack, screen, *text);
          CHECK_MESSAGE(!broken, broken.message());
          if (screen.saves != Saves::readers)
            CHECK_FALSE(has_forbidden_word(*menu().packs.find("en"), *text));
        }
        // In the language of the pack itself, not in another that fits.
        const auto* entry = pack.catalogue.find(screen.text_id());
        const auto title = lines_of(entry->text)[0];
        if (title.find('{') == title.npos && screen.kind != Kind::languages)
          CHECK((text->starts_with(title) || text->starts_with("1 ")));
        // At least three lines of a list that goes on.
        if (text->find("\n9 ") != text->npos) CHECK(text->find("\n3 ") != text->npos);
        for (const char* input : {"1", "2", "3", "4", "5", "6", "7", "8", "9", "0"}) {
          const auto next = answered(state, input, around);
          if (next.wrong == 0 && next.language == state.language) open.push_back(next);
          if (screen.kind == Kind::languages && input[0] == '1') open.push_back(next);
        }
      }
      CHECK(ends > 0);
      CHECK(seen.size() >= menu().flow.screens.size() - 4);  // the ends, and no other country
      for (std::size_t end = 0; end < end_count; ++end) {
        const auto last = last_page(End{static_cast<std::uint8_t>(end)}, "4827163305", {}, around);
        REQUIRE(last.has_value());
        CHECK((last->find("4827163305") != last->npos) == (end == 0));
        const auto broken = lint(pack, *last);
        CHECK_MESSAGE(!broken, broken.message());
        CHECK(last->starts_with(
            pack.catalogue.find(id_of(End{static_cast<std::uint8_t>(end)}))->text.substr(0, 5)));
      }
    }
  }
  CHECK(last_page(End::saved, "48271633", {}, menu().around()).error().failed());
  // Where a provider shows GSM-7 alone, a language that fits answers.
  const auto plain = menu().around("ar", {160, 0});
  CHECK(last_page(End::goodbye, "", {}, plain).value() == "Goodbye.");
  CHECK(page(begun(plain), plain).value().find("Arabi") == std::string::npos);
}

TEST_CASE("any answers whatever end or are shown a page, and are taken the same way twice") {
  const std::vector<std::string> inputs{"1", "2", "3", "4", "5", "6", "7",  "8", "9",
                                        "0", "x", "",  "#", "1", "1", "00", "*", "ы"};
  for (std::uint32_t seed = 1; seed <= 400; ++seed) {
    std::minstd_rand random{seed};
    const auto& packs = menu().packs.all();
    const auto around = menu().around(packs[random() % packs.size()].tag);
    auto state = begun(around);
    for (int step = 0; step < 60 && !menu().flow[state.screen].is_end(); ++step) {
      CHECK(page(state, around).has_value());
      const auto& input = inputs[random() % inputs.size()];
      const auto next = answered(state, input, around);
      CHECK(next == answered(state, input, around));
      state = next;
    }
  }
}

}  // namespace ishara::conversation
