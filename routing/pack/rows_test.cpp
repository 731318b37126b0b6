#include "routing/pack/rows.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace ishara::routing {
namespace {

std::vector<Row> read(std::string_view name, std::string_view content,
                      std::vector<Mistake>& mistakes) {
  return read_rows({name, content}, {{"id"}, {"note", Must::no}}, mistakes);
}

TEST_CASE("CSV is read as spreadsheets write it") {
  struct Example {
    const char* name;
    std::string_view content;
    std::string_view id;
    std::string_view note;
  };
  const std::array examples{
      Example{"plain", "id,note\na,b\n", "a", "b"},
      Example{"no line feed at the end", "id,note\na,b", "a", "b"},
      Example{"CR LF and byte order mark", "\xEF\xBB\xBFid,note\r\na,b\r\n", "a", "b"},
      Example{"columns in another order", "note,id\nb,a\n", "a", "b"},
      Example{"separator in quotation marks", "id,note\na,\"b,c\"\n", "a", "b,c"},
      Example{"doubled quotation marks", "id,note\na,\"say \"\"b\"\"\"\n", "a", "say \"b\""},
      Example{"line feed in quotation marks", "id,note\na,\"b\nc\"\n", "a", "b\nc"},
      Example{"spaces around", "id,note\n  a , b \n", "a", "b"},
      Example{"column left out", "id\na\n", "a", ""},
      Example{"empty lines", "id,note\n,\n\na,\n", "a", ""},
  };
  for (const auto& example : examples) {
    CAPTURE(example.name);
    std::vector<Mistake> mistakes;
    const auto rows = read("p/x.csv", example.content, mistakes);
    CHECK(mistakes.empty());
    REQUIRE(rows.size() == 1);
    CHECK(rows[0][0].text == example.id);
    CHECK(rows[0][1].text == example.note);
  }
}

TEST_CASE("a quotation mark is a letter in TSV") {
  std::vector<Mistake> mistakes;
  const auto rows = read("p/x.tsv", "id\tnote\na\t\"b\n", mistakes);
  CHECK(mistakes.empty());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0][1].text == "\"b");
}

TEST_CASE("a broken table tells the place and, if it can, what was meant") {
  struct Example {
    const char* name;
    std::string_view content;
    unsigned line;
    unsigned column;
    std::string_view suggestion;
  };
  const std::array examples{
      Example{"empty", "", 0, 0, ""},
      Example{"column misspelt", "id,note,noet\n", 1, 9, "note"},
      Example{"column missing", "note\nb\n", 1, 1, ""},
      Example{"column twice", "id,id\n", 1, 4, ""},
      Example{"too few cells", "id,note\na\n", 2, 1, ""},
      Example{"too many cells", "id,note\na,b,c\n", 2, 1, ""},
      Example{"cell empty", "id,note\na,b\n,b\n", 3, 1, ""},
      Example{"never closed", "id,note\na,\"b\n", 2, 3, ""},
      Example{"text behind quotation", "id,note\na,\"b\"c\n", 2, 6, ""},
      Example{"quotation inside", "id,note\na,b\"c\n", 2, 4, ""},
      Example{"control character", "id,note\na,b\x01\n", 2, 4, ""},
      Example{"columns count characters", "id,note\nä,ö\"\n", 2, 4, ""},
      Example{"not UTF-8", "id,note\na,b\nc,\xFF\n", 3, 0, ""},
  };
  for (const auto& example : examples) {
    CAPTURE(example.name);
    std::vector<Mistake> mistakes;
    read("p/x.csv", example.content, mistakes);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].file == "p/x.csv");
    CHECK(mistakes[0].line == example.line);
    CHECK(mistakes[0].column == example.column);
    CHECK(mistakes[0].suggestion == example.suggestion);
  }
}

TEST_CASE("the mistakes of all lines are told at once") {
  std::vector<Mistake> mistakes;
  const auto rows = read("p/x.csv", "id,note\na\ngood,b\n,c\nd,\"e\"f\n", mistakes);
  CHECK(mistakes.size() == 3);
  CHECK(rows.size() == 1);
}

}  // namespace
}  // namespace ishara::routing
