#include "routing/snapshot.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string_view>

namespace ishara::routing {
namespace {

constexpr std::string_view regions = "code\tname\nRW\tRwanda\nRW-02\tEast\nRW-02.a\tTown\n";

TEST_CASE("a region code is read by its grammar and knows its place in the tree") {
  for (const auto good : {"RW", "RW-02", "GB-ENG", "RW-02.a", "RW-02.bugesera.ny-2", "MC.a"}) {
    CAPTURE(good);
    CHECK(RegionCode::parse(good));
  }
  for (const auto bad : {"", "R", "rw", "RWA", "RW-", "RW-0234", "RW-aa", "RW.", "RW-02.",
                         "RW-02.A", "RW-02..a", "RW-02.-a", "RW-02.a-", "RW 02", "*", "RW-02/a"}) {
    CAPTURE(bad);
    CHECK_FALSE(RegionCode::parse(bad));
  }
  const auto town = *RegionCode::parse("RW-02.a.b");
  CHECK(town.depth() == 4);
  CHECK(town.parent().view() == "RW-02.a");
  CHECK(town.ancestor(2).view() == "RW-02");
  CHECK(town.country().view() == "RW");
  CHECK(town.country().parent().empty());
  CHECK(RegionCode{}.contains(town));
  CHECK(RegionCode::parse("RW-02.a")->contains(town));
  CHECK(town.contains(town));
  CHECK_FALSE(town.contains(*RegionCode::parse("RW-02.a.bc")));
  CHECK_FALSE(RegionCode::parse("RW-0")->contains(town));
}

TEST_CASE("a wrong region or alias is told with its place") {
  struct Example {
    const char* name;
    std::string_view regions;
    std::string_view aliases;
    std::string_view file;
    unsigned line;
    unsigned column;
    std::string_view suggestion;
  };
  constexpr std::string_view none = "code\talias\n";
  const std::array examples{
      Example{"no code", "code\tname\nRwanda\tRwanda\n", none, "x/regions.tsv", 2, 1, ""},
      Example{"twice", "code\tname\nRW\tRwanda\nRW\tRw\n", none, "x/regions.tsv", 3, 1, ""},
      Example{"no parent", "code\tname\nRW\tRwanda\nRW-02.a\tA\n", none, "x/regions.tsv", 3, 1,
              "RW-02.a"},
      Example{"no word", "code\tname\nRW\t!\n", none, "x/regions.tsv", 2, 4, ""},
      Example{"alias of nothing", regions, "code\talias\nRW-03\tNorth\n", "x/aliases.tsv", 2, 1,
              "RW-02"},
      Example{"alias twice", regions, "code\talias\nRW\tRWANDA\n", "x/aliases.tsv", 2, 4, ""},
      Example{"needs_cue", regions, "code\talias\tneeds_cue\nRW\tland\tye\n", "x/aliases.tsv", 2, 9,
              "yes"},
  };
  for (const auto& example : examples) {
    CAPTURE(example.name);
    const std::array files{PackFile{"x/regions.tsv", example.regions},
                           PackFile{"x/aliases.tsv", example.aliases}};
    const auto loaded = load(files);
    CHECK_FALSE(loaded.snapshot);
    REQUIRE(loaded.mistakes.size() == 1);
    CHECK(loaded.mistakes[0].file == example.file);
    CHECK(loaded.mistakes[0].line == example.line);
    CHECK(loaded.mistakes[0].column == example.column);
    CHECK(loaded.mistakes[0].suggestion == example.suggestion);
  }
}

TEST_CASE("the mistakes of all files are told at once, in the order of files and lines") {
  const std::array files{
      PackFile{"x/pack.tsv", "key\tvalue\ncountry\tXX\nversoin\t1\n"},
      PackFile{"x/regions.tsv", "code\tname\nRW\tRwanda\nrw\ta\n"},
      PackFile{"x/queues.csv", "name,class,organisation,fallback\na,ngo,o,b\n"},
      PackFile{"x/routes.csv", "id,region,category,language,urgent,priority,owner,police\n"},
      PackFile{"en/lexicon.tsv", "id\tlang\n"}};
  const auto loaded = load(files);
  CHECK_FALSE(loaded.snapshot);
  std::string_view before;
  std::size_t told_files = 0;
  for (const auto& mistake : loaded.mistakes) {
    if (mistake.file != before) ++told_files;
    before = mistake.file;
  }
  CHECK(told_files == 5);
  CHECK(loaded.mistakes.front().file == "x/pack.tsv");
}

TEST_CASE("a country pack needs its files and its keys") {
  const std::array files{PackFile{"x/pack.tsv", "key\tvalue\ncountry\tRW\n"},
                         PackFile{"x/regions.tsv", regions}};
  CHECK(load(files).mistakes.size() == 1);  // version
  const std::array routed{files[0], files[1],
                          PackFile{"x/queues.csv", "name,class,organisation,fallback\na,ngo,o,\n"}};
  CHECK(load(routed).mistakes.size() == 2);  // version, routes.csv
}

TEST_CASE("a pack may be places alone, and several may name the same region") {
  const std::array files{PackFile{"x/pack.tsv", "key\tvalue\ncountry\tRW\nversion\t1\n"},
                         PackFile{"x/regions.tsv", regions},
                         PackFile{"x/aliases.tsv", "code\talias\nRW\tU Rwanda\n"},
                         PackFile{"y/pack.tsv", "key\tvalue\ncountry\tRW\nversion\t1\n"},
                         PackFile{"y/regions.tsv", "code\tname\nRW\tRuanda\nRW-05\tSouth\n"},
                         PackFile{"y/aliases.tsv", "code\talias\nRW\tRwanda\nRW\tu rwanda\n"}};
  const auto loaded = load(files);
  for (const auto& mistake : loaded.mistakes) FAIL_CHECK(mistake.message);
  REQUIRE(loaded.snapshot);
  const auto& gazetteer = loaded.snapshot->gazetteer;
  CHECK(gazetteer.name(*RegionCode::parse("RW")) == "Rwanda");
  CHECK(gazetteer.codes().size() == 4);
  CHECK(loaded.snapshot->countries.size() == 1);
}

TEST_CASE("the pack.tsv of a language is another file, which i18n reads") {
  const std::array files{
      PackFile{"en/pack.tsv", "# English\ntag\ten\n"},
      PackFile{"en/lexicon.tsv", "id\tlang\tcode\tpattern\tweight\tflags\tconfidence\tsource\n"}};
  CHECK(load(files).snapshot);
}

TEST_CASE("the version changes with any byte of any file") {
  const std::array one{PackFile{"x/regions.tsv", regions}};
  const std::array same{PackFile{"x/regions.tsv", regions}};
  const std::array other{PackFile{"x/regions.tsv", "code\tname\nRW\tRwandA\n"}};
  CHECK(load(one).snapshot->version == load(same).snapshot->version);
  CHECK(load(one).snapshot->version != load(other).snapshot->version);
}

}  // namespace
}  // namespace ishara::routing
