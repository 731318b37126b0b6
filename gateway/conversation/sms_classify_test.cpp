// What a text is: conversation.md 1.3.

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/conversation/sms.hpp"

namespace ishara::conversation {
namespace {

// Two languages, so that what one of them adds is seen.
const i18n::Packs& packs() {
  static const i18n::Packs both = i18n::Packs::load(ISHARA_PACKS, {.tags = {"en", "rw"}});
  return both;
}

constexpr Language english = 0;
constexpr Language kinyarwanda = 1;

Input classified(std::string_view text, const Memory& sitting = {}, bool noise = false) {
  std::pmr::monotonic_buffer_resource memory;
  return classify(text, {.sitting = sitting, .channel_language = "en", .noise = noise}, packs(),
                  memory);
}

std::string ref_of(const Input& input) {
  if (!input.names_ref) return "none";
  return input.ref ? std::string{input.ref->digits()} : "wrong";
}

TEST_CASE("a keyword counts only if it is the whole text, or has its argument") {
  using enum Class;
  struct Row {
    std::string_view text;
    Class what;
  };
  const Row rows[] = {
      {"STOP", stop},
      {" stop! ", stop},
      {"ｓｔｏｐ", stop},
      {"St\u200Bop", stop},
      {"stop it", text},
      {"they will not stop", text},
      {"hagarika", stop},
      {"START", start},
      {"tangira", start},
      {"Delete.", erase},
      {"siba", erase},
      {"delete me", text},
      {"delete 12 photos", text},
      {"unsafe", unsafe},
      {"akaga", unsafe},
      {"safe", safe},
      {"MUTEKANO", safe},
      {"safe now", text},
      {"lang", language},
      {"ururimi", language},
      {"lang rw", language},
      {"LANG: English", language},
      {"lang 2", language},
      {"lang 3", text},
      {"lang swahili", text},
      {"rw", language},
      {"Ikinyarwanda", language},
      {"kinyarwanda", language},
      {"english please", text},
      {"help", help},
      {"SOS", help},
      {"help 😭", help},
      {"help me they lock the door", text},
      {"?", info},
      {"how", info},
      {"how are they paid", text},
      {"code", code},
      {"nomero", code},
      {"status", status},
      {"Bigeze  he?", status},
      {"bigeze", text},
      {"status of my papers", text},
      {"share", share},
      {"SHARE 1", share},
      {"sangiza 2.", share},
      {"share 3", text},
      {"share 1 photo", text},
      {"new", fresh},
      {"gishya", fresh},
      {"new girl came", text},
      {"more", add},
      {"add 4 more girls", text},
      {"more girls", text},
      {"", blank},
      {" \n", blank},
      {"x", blank},
      {"...", blank},
      {"😭😭", blank},
      {"hello", greet},
      {"Hello, good morning!", greet},
      {"amakuru", greet},
      {"amakuru yanyu", greet},
      {"thank you", greet},
      {"hello they beat her", text},
      {"7", digit},
      {"٢", digit},
      {"10", text},
      {"yes", yes},
      {"OK.", yes},
      {"y", yes},
      {"no", no},
      {"n", no},
      {"yes please", text},
      {"nyamata", text},
      {"4827163300", text},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(static_cast<int>(classified(row.text).what) == static_cast<int>(row.what));
  }
}

TEST_CASE("every keyword of every language is understood while all languages are active") {
  const auto all = i18n::Packs::load(ISHARA_PACKS);
  for (const auto& pack : all.all()) {
    // Where an answer is open: it decides whether yes and no of this language are.
    Memory sitting;
    sitting.state = State::ask_safety;
    sitting.spoken = static_cast<Language>(&pack - all.all().data());
    for (const auto& word : pack.keywords) {
      CAPTURE(pack.tag);
      CAPTURE(word.text);
      std::pmr::monotonic_buffer_resource memory;
      const auto input =
          classify(word.text, {.sitting = sitting, .channel_language = "en"}, all, memory);
      const auto expected = [&] {
        switch (word.meaning) {
          case i18n::Meaning::stop:
            return Class::stop;
          case i18n::Meaning::start:
            return Class::start;
          case i18n::Meaning::erase:
            return Class::erase;
          case i18n::Meaning::unsafe:
            return Class::unsafe;
          case i18n::Meaning::safe:
            return Class::safe;
          case i18n::Meaning::language:
          case i18n::Meaning::name:
            return Class::language;
          case i18n::Meaning::help:
            return Class::help;
          case i18n::Meaning::info:
            return Class::info;
          case i18n::Meaning::code:
            return Class::code;
          case i18n::Meaning::status:
            return Class::status;
          case i18n::Meaning::share:
            return Class::share;
          case i18n::Meaning::fresh:
            return Class::fresh;
          case i18n::Meaning::add:
            return Class::add;
          case i18n::Meaning::yes:
            return Class::yes;
          case i18n::Meaning::no:
            return Class::no;
          case i18n::Meaning::greet:
            return Class::greet;
        }
        return Class::text;
      }();
      CHECK(static_cast<int>(input.what) == static_cast<int>(expected));
    }
  }
}

TEST_CASE("a robot and a redelivery are told before anything else, an advert after all else") {
  std::pmr::monotonic_buffer_resource memory;
  const Memory sitting;
  const auto what = [&](std::string_view text, bool robot, bool duplicate, bool noise) {
    return classify(text,
                    {.sitting = sitting,
                     .channel_language = "en",
                     .robot = robot,
                     .duplicate = duplicate,
                     .noise = noise},
                    packs(), memory)
        .what;
  };
  CHECK(what("STOP", true, true, true) == Class::robot);
  CHECK(what("STOP", false, true, true) == Class::duplicate);
  CHECK(what("STOP", false, false, true) == Class::stop);
  CHECK(what("good morning", false, false, true) == Class::greet);
  CHECK(what("free airtime bonus", false, false, true) == Class::promo);
  CHECK(what("free airtime bonus", false, false, false) == Class::text);
}

TEST_CASE("one misspelt letter is forgiven where the keyword exposes nobody") {
  struct Row {
    std::string_view text;
    Class what;
  };
  const Row rows[] = {
      {"hagarka", Class::stop},       // one too few
      {"hagarikka", Class::stop},     // one too many
      {"hagarira", Class::stop},      // another
      {"hagariak", Class::stop},      // two swapped
      {"hagaria", Class::stop},       // one too few at the end
      {"haga rika", Class::stop},     // a space too many
      {"hagarriaa", Class::text},     // two edits
      {"ubufash", Class::help},       //
      {"ibisobanurro", Class::info},  //
      {"unsaffe", Class::unsafe},     //
      {"ururmi", Class::language},    //
      {"ururmi rw", Class::language},
      {"quit", Class::stop},   // exact for STOP, one edit from
                               // "quiet"
      {"stoop", Class::text},  // "stop" has four letters
      {"hepl", Class::text},
      {"deletee", Class::text},
      {"delet", Class::text},
      {"mutekan", Class::text},
      {"tangir", Class::text},
      {"sangizaa 2", Class::text},
      {"yeggo", Class::text},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(static_cast<int>(classified(row.text).what) == static_cast<int>(row.what));
  }
}

TEST_CASE("a number sign first or last asks for silence and is not read") {
  struct Row {
    std::string_view text;
    Class what;
    bool quiet;
  };
  const Row rows[] = {
      {"kakuma #", Class::text, true},
      {"# kakuma", Class::text, true},
      {"#STOP", Class::stop, true},
      {"stop＃ \n", Class::stop, true},
      {"#", Class::blank, true},
      {"# help #", Class::help, true},
      {"house #4 now", Class::text, false},
      {"1 #", Class::digit, true},
      {"#delete 4827163300", Class::erase, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Input input = classified(row.text);
    CHECK(static_cast<int>(input.what) == static_cast<int>(row.what));
    CHECK(input.quiet == row.quiet);
  }
}

TEST_CASE("a ref is ten digits with a good check digit; STATUS and DELETE forgive its shape") {
  const std::string good{identity::Ref::from({9, 8, 7}).digits()};
  std::string bad = good;
  bad[9] = bad[9] == '0' ? '1' : '0';
  struct Row {
    std::string text;
    Class what;
    std::string ref;
  };
  const Row rows[] = {
      {"status " + good, Class::status, good},
      {"STATUS: " + good + ".", Class::status, good},
      {"bigeze he " + good, Class::status, good},
      {"status " + good.substr(0, 4) + " " + good.substr(4), Class::status, good},
      {"status " + good.substr(0, 4) + "-" + good.substr(4), Class::status, good},
      {"status " + bad, Class::status, "wrong"},
      {"status 48271633", Class::status, "wrong"},
      {"status 4827163300482716", Class::text, "none"},
      {"status " + good + " now", Class::text, "none"},
      {"delete " + good, Class::erase, good},
      {"siba " + bad, Class::erase, "wrong"},
      {"delete", Class::erase, "none"},
      {"add " + good + " they moved her", Class::add, good},
      {"ADD " + good + ": they moved her", Class::add, good},
      {"ongeraho " + good, Class::add, good},
      {"add " + bad + " they moved her", Class::add, "wrong"},
      {"add 48271633 they moved her", Class::text, "none"},
      {"add " + good + "7 they moved her", Class::text, "none"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Input input = classified(row.text);
    CHECK(static_cast<int>(input.what) == static_cast<int>(row.what));
    CHECK(ref_of(input) == row.ref);
  }
}

TEST_CASE("SAFE takes a time range in full half hours") {
  struct Row {
    std::string_view argument;
    std::optional<TimeRange> range;
  };
  const Row rows[] = {
      {"18-20", TimeRange{36, 40}},
      {"18:30 - 20.00", TimeRange{37, 40}},
      {"18h30–20h", TimeRange{37, 40}},
      {"22-6", TimeRange{44, 12}},
      {"١٨-٢٠", TimeRange{36, 40}},
      {"20-24", TimeRange{40, 0}},
      {"18:10-19:05", TimeRange{37, 38}},
      {"18:20-18:59", {}},
      {"18-18", {}},
      {"18", {}},
      {"18-", {}},
      {"-20", {}},
      {"18-25", {}},
      {"18:60-20", {}},
      {"24:30-3", {}},
      {"18-20-22", {}},
      {"118-20", {}},
      {"18: -20", {}},
      {"tonight", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.argument);
    const Input input = classified("safe " + std::string{row.argument});
    CHECK((input.what == Class::safe) == row.range.has_value());
    CHECK(input.range.has_value() == row.range.has_value());
    if (row.range && input.range) CHECK(*input.range == *row.range);
  }
}

TEST_CASE("yes and no are understood in the language of the question and in English") {
  Memory sitting;
  CHECK(classified("yego", sitting).what == Class::text);
  sitting.spoken = kinyarwanda;
  CHECK(classified("yego", sitting).what == Class::yes);
  CHECK(classified("oya", sitting).what == Class::no);
  CHECK(classified("yes", sitting).what == Class::yes);
  // The conversation does not change its language for it.
  CHECK(classified("yes", sitting).language == kinyarwanda);
  CHECK(classified("1", sitting).language == kinyarwanda);
}

TEST_CASE("a number chooses a language only while languages are asked") {
  Memory sitting;
  sitting.state = State::open;
  CHECK(classified("2", sitting).what == Class::digit);
  sitting.state = State::ask_language;
  CHECK(classified("2", sitting).what == Class::language);
  CHECK(classified("2", sitting).chosen == kinyarwanda);
  CHECK(classified("9", sitting).what == Class::digit);
  CHECK(classified("0", sitting).what == Class::digit);
  CHECK(classified("en", sitting).chosen == english);
  CHECK(classified("lang", sitting).chosen == no_language);
}

TEST_CASE("the answer's language is that of the keyword, else of the text, else of the sitting") {
  Memory sitting;
  CHECK(classified("hagarika", sitting).language == kinyarwanda);
  CHECK(classified("stop", sitting).language == english);
  CHECK(classified("umukozi wo mu rugo ntibamuhemba kandi ari muri Nyamata", sitting).language ==
        kinyarwanda);
  CHECK(classified("nyamata", sitting).language == english);
  sitting.spoken = kinyarwanda;
  CHECK(classified("nyamata", sitting).language == kinyarwanda);
  std::pmr::monotonic_buffer_resource memory;
  const Memory stranger;
  CHECK(classify("nyamata", {.sitting = stranger, .channel_language = "xx"}, packs(), memory)
            .language == no_language);
}

TEST_CASE("every greeting that routing knows is a greeting here") {
  // Otherwise it would be taken for an advert, since routing calls both noise.
  for (const std::string_view text :
       {"hi",        "hello",         "hey",          "morning",       "evening",    "afternoon",
        "thanks",    "bye",           "good morning", "good day",      "good night", "how are you",
        "how are u", "thank you",     "thank u",      "are you there", "muraho",     "mwaramutse",
        "mwiriwe",   "bite",          "amakuru",      "murakoze",      "waramutse",  "wiriwe",
        "murabeho",  "amakuru yanyu", "amakuru yawe", "amakuru ki"}) {
    CAPTURE(text);
    CHECK(classified(text, {}, true).what == Class::greet);
  }
}

}  // namespace
}  // namespace ishara::conversation
