#include "routing/understand/evaluation.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ishara::routing {
namespace {

// Words that stand for a code each, so that every figure can be counted by hand.
constexpr std::string_view lexicon =
    "id\tlang\tcode\tpattern\tweight\tflags\tconfidence\tsource\n"
    "en.sex.1\ten\tSEX\tsex\t4\t\thigh\tt\n"
    "en.lab.1\ten\tLAB\tlab\t4\t\thigh\tt\n"
    "en.urg.1\ten\tURG\tnow\t3\t\thigh\tt\n"
    "en.greet.1\ten\tGREET\thello\t0\t\thigh\tt\n"
    "en.at.1\ten\tAT\tin\t0\t\thigh\tt\n";

std::shared_ptr<const Snapshot> small() {
  const std::array files{
      PackFile{"en/lexicon.tsv", lexicon},
      PackFile{"x/pack.tsv", "key\tvalue\ncountry\tRW\nversion\t1\n"},
      PackFile{"x/regions.tsv",
               "code\tname\tneeds_cue\nRW\tRwanda\t\nRW-01\tKigali\t\nRW-05\tSouth\t\n"
               "RW-05.huye\tHuye\t\n"},
      PackFile{"x/queues.csv", "name,class,organisation,fallback\nhelp,ngo,help,\n"},
      PackFile{"x/routes.csv",
               "id,region,category,language,urgent,priority,owner,police\nroot,*,*,,,,help,\n"}};
  std::vector<i18n::LanguageTraits> traits(1);
  traits[0] = {"en", "Latn", {"the", "and"}, {}, {}};
  auto loaded = load(files, traits);
  for (const auto& mistake : loaded.mistakes)
    FAIL_CHECK(mistake.file << ":" << mistake.line << ":" << mistake.column << ": "
                            << mistake.message);
  REQUIRE(loaded.snapshot);
  return loaded.snapshot;
}

std::vector<Mistake> mistakes_of(std::string_view content) {
  std::vector<Mistake> mistakes;
  (void)read_labelled({"set.tsv", content}, *small(), mistakes);
  return mistakes;
}

TEST_CASE("the figures are those that can be counted by hand") {
  // SEX: 6 texts, 4 found, 1 taken for LAB, 1 for UNS. LAB: 5 texts, all found.
  // NON: 2 texts, 1 found; a SEX text is not among them. UNS: 1 text.
  const std::string content =
      "language\ttext\tcategory\turgent\tregion\n"
      "en\tsex now\tSEX\tyes\t\n"
      "en\tsex\tSEX\tyes\t\n"
      "en\tsex and more\tSEX\tno\t\n"
      "en-Latn\tsex in Huye\tSEX\tno\tRW-05\n"
      "en\tlab\tSEX\tno\tRW-01\n"
      "en\tthe thing\tSEX\tno\t\n"
      "en\tlab now\tLAB\tno\t\n"
      "en\tlab in Kigali\tLAB\tno\tRW-01\n"
      "en\tlab\tLAB\tno\tKE-30\n"
      "en\tlab and the rest\tLAB\tno\t\n"
      "en\tlab\tLAB\tno\t\n"
      "en\thello\tNON\tno\t\n"
      "en\tbeans\tNON\tno\t\n"
      "en\thello hello hello\tUNS\tno\t\n";
  const auto snapshot = small();
  std::vector<Mistake> mistakes;
  const auto texts = read_labelled({"set.tsv", content}, *snapshot, mistakes);
  for (const auto& mistake : mistakes)
    FAIL_CHECK(mistake.line << ":" << mistake.column << ": " << mistake.message);
  REQUIRE(texts.size() == 14);
  const auto found = evaluate(texts, {}, *snapshot);

  // F1 of SEX = 2*4/(6+4), of LAB = 2*5/(5+6); NON and UNS have too few texts.
  REQUIRE(found.all.macro_f1);
  CHECK(found.all.macro_f1->value == doctest::Approx((0.8 + 10.0 / 11) / 2));
  CHECK(found.all.macro_f1->low < found.all.macro_f1->value);
  CHECK(found.all.macro_f1->high > found.all.macro_f1->value);
  CHECK(found.all.abstained.value == doctest::Approx(2.0 / 14));
  REQUIRE(found.all.urgent_recall);
  CHECK(found.all.urgent_recall->value == doctest::Approx(1.0 / 2));
  REQUIRE(found.all.urgent_precision);
  CHECK(found.all.urgent_precision->value == doctest::Approx(1.0 / 2));
  REQUIRE(found.all.non_precision);
  CHECK(found.all.non_precision->value == doctest::Approx(1.0 / 2));
  // KE-30 is of no pack; RW-01 of a text that names no place is missed.
  REQUIRE(found.all.region);
  CHECK(found.all.region->value == doctest::Approx(2.0 / 3));
  // Of the texts of three words or more the two with two function words tell their language.
  REQUIRE(found.all.language);
  CHECK(found.pairs(Category::sexual_exploitation, Category::forced_labour) == 1);
  CHECK(found.pairs(Category::sexual_exploitation, Category::unsure) == 1);
  CHECK(found.pairs(Category::not_a_report, Category::unsure) == 1);
  CHECK(found.pairs(Category::unsure, Category::not_a_report) == 1);
  REQUIRE(found.languages.size() == 1);
  CHECK(found.languages[0].figures.texts == 14);
  CHECK(found.texts[0].reasons == std::vector<std::string>{"en.sex.1", "en.urg.1"});

  SUBCASE("and the same in every run") {
    const auto again = evaluate(texts, {}, *snapshot);
    CHECK(again.all.macro_f1->low == found.all.macro_f1->low);
    CHECK(again.all.macro_f1->high == found.all.macro_f1->high);
  }
}

TEST_CASE("a set that has none of something tells no figure of it") {
  const auto snapshot = small();
  std::vector<Mistake> mistakes;
  const auto texts = read_labelled(
      {"set.tsv", "language\ttext\tcategory\turgent\nen\tbeans\tUNS\tno\n"}, *snapshot, mistakes);
  REQUIRE(texts.size() == 1);
  const auto found = evaluate(texts, {}, *snapshot);
  CHECK_FALSE(found.all.macro_f1);
  CHECK_FALSE(found.all.urgent_recall);
  CHECK_FALSE(found.all.urgent_precision);
  CHECK_FALSE(found.all.non_precision);
  CHECK_FALSE(found.all.region);
  CHECK_FALSE(found.all.language);
  CHECK(found.all.abstained.value == 1);
  CHECK(evaluate({}, {}, *snapshot).all.texts == 0);
}

TEST_CASE("every mistake of a file is told with its line and column") {
  struct Example {
    std::string_view row;
    unsigned column;
    std::string_view message;
    std::string_view suggestion;
  };
  const std::array examples{
      Example{"xx\tlab\tLAB\tno\t", 1, "there is no lexicon of the language 'xx'", ""},
      Example{"en\tlab\tLAP\tno\t", 8, "'LAP' is no code that a text can be given", "LAB"},
      Example{"en\tlab\tUNC\tno\t", 8, "'UNC' is no code that a text can be given", "UNC"},
      Example{"en\tlab\tLAB\tmaybe\t", 12, "urgent is yes or no", ""},
      Example{"en\tlab\tLAB\tno\tHuye", 15, "'Huye' is no code of a region, as RW or RW-02", ""},
      Example{"en\tlab\tLAB\tno\tRW-09", 15, "the packs do not know the region 'RW-09'", ""},
  };
  for (const auto& example : examples) {
    CAPTURE(example.row);
    const auto mistakes =
        mistakes_of("language\ttext\tcategory\turgent\tregion\n" +
                    std::string{"en\tlab\tLAB\tno\t\n"} + std::string{example.row} + "\n");
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].file == "set.tsv");
    CHECK(mistakes[0].line == 3);
    CHECK(mistakes[0].column == example.column);
    CHECK(mistakes[0].message == example.message);
    if (example.message != "'UNC' is no code that a text can be given")
      CHECK(mistakes[0].suggestion == example.suggestion);
  }
  const auto missing = mistakes_of("language\ttext\turgent\nen\tlab\tno\n");
  REQUIRE_FALSE(missing.empty());
  CHECK(missing[0].line == 1);
}

}  // namespace
}  // namespace ishara::routing
