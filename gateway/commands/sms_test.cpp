#include "gateway/commands/sms.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

namespace ishara::commands {
namespace {

TEST_CASE("every line on stdin is measured into one JSON line") {
  struct Row {
    const char* texts;
    const char* answers;
  };
  const Row rows[] = {
      {"", ""},
      {"hello\n", "{\"encoding\":\"gsm7\",\"units\":5,\"segments\":1,\"forced_by\":null}\n"},
      {"€{", "{\"encoding\":\"gsm7\",\"units\":4,\"segments\":1,\"forced_by\":null}\n"},
      {"it’s 😀\n\n",
       "{\"encoding\":\"ucs2\",\"units\":7,\"segments\":1,\"forced_by\":\"’\"}\n"
       "{\"encoding\":\"gsm7\",\"units\":0,\"segments\":1,\"forced_by\":null}\n"},
      {"a\tb\n", "{\"encoding\":\"ucs2\",\"units\":3,\"segments\":1,\"forced_by\":\"\\t\"}\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.texts);
    std::istringstream texts{row.texts};
    std::ostringstream answers;
    measure_lines(texts, answers);
    CHECK(answers.str() == row.answers);
  }
}

}  // namespace
}  // namespace ishara::commands
