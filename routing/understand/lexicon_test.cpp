#include "routing/understand/lexicon.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "i18n/normalise.hpp"

namespace ishara::routing {
namespace {

std::string table(std::string_view rows) {
  return "id\tlang\tcode\tpattern\tweight\tflags\tconfidence\tsource\n" + std::string{rows};
}

bool found(std::string_view pattern, std::string_view text) {
  const auto content = table("en.x.1\ten\tSEX\t" + std::string{pattern} + "\t3\t\thigh\ttest\n");
  const std::array files{PackFile{"en/lexicon.tsv", content}};
  std::vector<Mistake> mistakes;
  const auto lexicon = Lexicon::build(files, mistakes);
  REQUIRE(mistakes.empty());
  std::pmr::monotonic_buffer_resource memory;
  return !lexicon.find(i18n::tokens(text, memory), memory).empty();
}

TEST_CASE("a pattern is found where its grammar says and nowhere else") {
  struct Example {
    std::string_view pattern;
    std::string_view text;
    bool found;
  };
  const std::array examples{
      Example{"brothel", "a Brothel.", true},
      Example{"brothel", "brothels", false},
      Example{"sell*", "selling", true},
      Example{"sell*", "resell", false},
      Example{"*kubit*", "baramukubita", true},
      Example{"*kubit", "baramukubita", true},
      Example{"*kubit*", "kubata", false},
      Example{"n'abagabo", "n’abagabo", true},
      Example{"no pay|salary", "no salary", true},
      Example{"no pay|salary", "no more salary", true},
      Example{"no pay|salary", "no more of salary", false},
      Example{"no pay|salary", "salary no", false},
      Example{"a b c", "a b b x c", true},
      Example{"madam + lock*|beat*", "the madam beats her", true},
      Example{"madam + lock*|beat*", "locked up by the madam", true},
      Example{"madam + lock*|beat*", "madam 1 2 3 4 5 6 7 8 beats", true},
      Example{"madam + lock*|beat*", "madam 1 2 3 4 5 6 7 8 9 beats", false},
      Example{"work* + work*", "work", false},
      Example{"work* + work*", "work works", true},
      Example{"boys + carry + mine", "in the mine the boys carry stones", true},
      Example{"boys + carry + mine", "the boys carry stones", false},
      Example{"# year*", "14 years", true},
      Example{"# year*", "18 years", false},
      Example{"# year*", "3 years", false},
      Example{"# year*", "114 years", false},
      Example{"#yr*", "14yrs", true},
      Example{"#yr*", "14", false},
      Example{"aged #", "aged ١٤", true},
  };
  for (const auto& example : examples) {
    CAPTURE(example.pattern);
    CAPTURE(example.text);
    CHECK(found(example.pattern, example.text) == example.found);
  }
}

TEST_CASE("a wrong row of a lexicon is told with its place") {
  struct Example {
    const char* name;
    std::string_view row;
    unsigned column;
    std::string_view suggestion;
  };
  const std::array examples{
      Example{"id of another language", "rw.x.1\ten\tSEX\ta\t3\t\thigh\tt", 1, ""},
      Example{"language of another folder", "en.x.1\trw\tSEX\ta\t3\t\thigh\tt", 8, "en"},
      Example{"code misspelt", "en.x.1\ten\tSXE\ta\t3\t\thigh\tt", 11, "SEX"},
      Example{"code that no lexicon gives", "en.x.1\ten\tUNC\ta\t3\t\thigh\tt", 11, "UNS"},
      Example{"set without a name", "en.x.1\ten\tSET\ta\t0\t\thigh\tt", 15, ""},
      Example{"set that is not there", "en.x.1\ten\tSEX\t@men\t3\t\thigh\tt", 15, ""},
      Example{"weight", "en.x.1\ten\tSEX\ta\t5\t\thigh\tt", 17, ""},
      Example{"weightless category", "en.x.1\ten\tSEX\ta\t0\t\thigh\tt", 17, "1"},
      Example{"heavy tag", "en.x.1\ten\tTAG\ta\t1\tchild\thigh\tt", 17, "0"},
      Example{"flag misspelt", "en.x.1\ten\tTAG\ta\t0\tchidl\thigh\tt", 19, "child"},
      Example{"tag without tag", "en.x.1\ten\tTAG\ta\t0\tnow\thigh\tt", 19, ""},
      Example{"confidence", "en.x.1\ten\tSEX\ta\t3\t\thihg\tt", 20, "high"},
      Example{"short part", "en.x.1\ten\tSEX\t*abc\t3\t\thigh\tt", 15, ""},
      Example{"short stem", "en.x.1\ten\tSEX\ta*\t3\t\thigh\tt", 15, ""},
      Example{"two words in one", "en.x.1\ten\tSEX\ta-b\t3\t\thigh\tt", 15, ""},
      Example{"star inside", "en.x.1\ten\tSEX\tab*cd\t3\t\thigh\tt", 15, ""},
      Example{"no word", "en.x.1\ten\tSEX\t|\t3\t\thigh\tt", 15, ""},
      Example{"empty side", "en.x.1\ten\tSEX\tab +   + cd\t3\t\thigh\tt", 15, ""},
      Example{"five sides", "en.x.1\ten\tSEX\ta + b + c + d + e\t3\t\thigh\tt", 15, ""},
      Example{"long", "en.x.1\ten\tSEX\ta b c d e f g h i j k l m\t3\t\thigh\tt", 15, ""},
  };
  for (const auto& example : examples) {
    CAPTURE(example.name);
    const auto content = table(std::string{example.row} + "\n");
    const std::array files{PackFile{"packs/en/lexicon.tsv", content}};
    std::vector<Mistake> mistakes;
    Lexicon::build(files, mistakes);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].file == "packs/en/lexicon.tsv");
    CHECK(mistakes[0].line == 2);
    CHECK(mistakes[0].column == example.column);
    CHECK(mistakes[0].suggestion == example.suggestion);
  }
}

// The language of a lexicon with one pattern; whether it is found if the text is likely in it.
bool found_in(const std::string& language, std::string_view pattern, std::string_view text,
              const std::string& likely, std::string_view common = {}) {
  const auto content =
      table(language + ".x.1\t" + language + "\tSEX\t" + std::string{pattern} + "\t3\t\thigh\tt\n");
  const auto name = language + "/lexicon.tsv";
  const auto common_name = language + "/common_words.tsv";
  const auto words = "word\n" + std::string{common};
  const auto other = table("");
  const std::array files{PackFile{name, content}, PackFile{"xx/lexicon.tsv", other},
                         PackFile{common_name, words}};
  std::vector<Mistake> mistakes;
  const auto lexicon = Lexicon::build(files, mistakes);
  REQUIRE(mistakes.empty());
  std::pmr::monotonic_buffer_resource memory;
  const std::array<std::string_view, 1> tags{likely};
  const auto bits = lexicon.languages_of(tags);
  return !lexicon.find(i18n::tokens(text, memory), memory, bits, bits).empty();
}

TEST_CASE("a word is found as people write it, in the language that they write") {
  struct Example {
    const char* rule;
    const char* language;
    std::string_view pattern;
    std::string_view text;
    const char* likely;
    bool found;
  };
  const std::array examples{
      Example{"a letter changed", "en", "passport", "pasaport", "en", true},
      Example{"two of eight letters", "en", "passport", "pasprt", "en", true},
      Example{"three are too many", "en", "passport", "pasrt", "en", false},
      Example{"neighbours swapped", "en", "forced", "forecd", "en", true},
      Example{"one of seven letters", "en", "smuggle", "smugle", "en", true},
      Example{"not two", "en", "smuggle", "smule", "en", false},
      Example{"not of four", "en", "rape", "rap", "en", false},
      Example{"not the first letter", "en", "brothel", "prothel", "en", false},
      Example{"a stem", "en", "kidnap*", "kidnaped", "en", true},
      Example{"a stem misspelt", "en", "prostit*", "prostetution", "en", true},
      Example{"parts are spelt right", "en", "*brothel*", "abrothil", "en", false},
      Example{"not in another language", "en", "passport", "pasaport", "xx", false},
      Example{"nor in none", "en", "passport", "pasaport", "", false},
      Example{"Arabic has near words", "ar", "\u062F\u0639\u0627\u0631\u0629",
              "\u062F\u0639\u0627\u064A\u0629", "ar", false},
      Example{"a short word", "uz", "ur", "ur", "uz", true},
      Example{"of another language", "uz", "ur", "ur", "xx", false},
      Example{"where no language is known", "uz", "ur", "ur", "", true},
      Example{"a short part", "sw", "*panga", "kampanga", "xx", false},
      Example{"letters for figures", "en", "prostitute", "pr0stitut3", "en", true},
      Example{"letters many times", "en", "help", "helllllp", "", true},
      Example{"the Arabic article", "ar", "\u0643\u0641\u064A\u0644",
              "\u0648\u0627\u0644\u0643\u0641\u064A\u0644", "", true},
      Example{"of Arabic alone", "ur", "\u06A9\u0641\u06CC\u0644",
              "\u0627\u0644\u06A9\u0641\u06CC\u0644", "", false},
      Example{"Uzbek in Cyrillic", "uz", "yo'qol*", "\u0439\u045E\u049B\u043E\u043B\u0434\u0438",
              "", true},
      Example{"on a Russian keyboard", "uz", "yo'qol*",
              "\u0439\u0443\u043A\u043E\u043B\u0434\u0438", "", true},
  };
  for (const auto& example : examples) {
    CAPTURE(example.rule);
    CHECK(found_in(example.language, example.pattern, example.text, example.likely) ==
          example.found);
  }
}

TEST_CASE("a common word is never taken for a misspelt one") {
  CHECK(found_in("en", "brothel", "brother", "en"));
  CHECK_FALSE(found_in("en", "brothel", "brother", "en", "brother\n"));
  CHECK(found_in("en", "brothel", "brothels", "en", "brother\n"));
}

TEST_CASE("a set stands for its words in every pattern below it") {
  const auto content = table(
      "en.set.men\ten\tSET\tman|men|guy*\t0\t\thigh\tt\n"
      "en.x.1\ten\tSEX\tsleep with @men|clients\t3\t\thigh\tt\n");
  const std::array files{PackFile{"en/lexicon.tsv", content}};
  std::vector<Mistake> mistakes;
  const auto lexicon = Lexicon::build(files, mistakes);
  REQUIRE(mistakes.empty());
  CHECK(lexicon.size() == 1);
  for (const auto* text : {"sleep with men", "sleep with guys", "sleep with clients"}) {
    std::pmr::monotonic_buffer_resource memory;
    CHECK(lexicon.find(i18n::tokens(text, memory), memory).size() == 1);
  }
}

TEST_CASE("an id or a pattern that stands twice is a mistake") {
  const auto content = table(
      "en.x.1\ten\tSEX\ta\t3\t\thigh\tt\n"
      "en.x.1\ten\tSEX\tb\t3\t\thigh\tt\n"
      "en.x.2\ten\tSEX\ta\t3\t\thigh\tt\n"
      "en.x.3\ten\tLAB\ta\t3\t\thigh\tt\n");
  const std::array files{PackFile{"en/lexicon.tsv", content}};
  std::vector<Mistake> mistakes;
  Lexicon::build(files, mistakes);
  REQUIRE(mistakes.size() == 2);
  CHECK(mistakes[0].line == 3);
  CHECK(mistakes[1].line == 4);
}

}  // namespace
}  // namespace ishara::routing
