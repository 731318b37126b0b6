#include "gateway/commands/terminal.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ishara::commands {

TEST_CASE("a text cannot make the terminal act") {
  struct Row {
    const char* name;
    std::string text;
    const char* shown;
  };
  const Row rows[] = {
      {"plain", "Umwana €, مساعدة, 🙂", "Umwana €, مساعدة, 🙂"},
      {"escape sequence", "a\x1b[2Jb", "a\\u{1b}[2Jb"},
      {"carriage return and bell", "a\r\a", "a\\u{d}\\u{7}"},
      {"one-byte CSI of C1",
       "\xc2\x9b"
       "2J",
       "\\u{9b}2J"},
      {"direction override",
       "a\xe2\x80\xae"
       "b",
       "a\\u{202e}b"},
      {"NUL", std::string("a\0b", 3), "a\\u{0}b"},
      {"broken UTF-8", "a\xff\xe2\x80", "a\\xff\\xe2\\x80"},
      {"overlong", "\xc0\x9b", "\\xc0\\x9b"},
      {"lines", "a\nb", "a\n  b"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    crypto::WipedBuffer out;
    append_printable(out, row.text, "  ");
    CHECK(std::string(out.begin(), out.end()) == row.shown);
  }
}

TEST_CASE("a JSON string has its quotes and controls escaped, and the rest as it is") {
  crypto::WipedBuffer out;
  append_json(out, "a\"\\\n\x01€");
  CHECK(std::string(out.begin(), out.end()) == "\"a\\\"\\\\\\u000a\\u0001€\"");
}

}  // namespace ishara::commands
