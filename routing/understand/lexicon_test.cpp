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
      Example{"code that no lexicon gives", "en.x.1\ten\tNON\ta\t3\t\thigh\tt", 11, "NOT"},
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
