#include "i18n/catalogue.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace ishara::i18n {
namespace {

using namespace std::string_literals;
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string number(std::size_t value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

const std::pair<std::string, std::string> header = {"",
                                                    "Content-Type: text/plain; charset=UTF-8\n"};

// The bytes of a .mo file, laid out as msgfmt does.
std::string mo_file(const Entries& entries) {
  const std::size_t keys = 28;
  const std::size_t texts = keys + 8 * entries.size();
  std::size_t end = texts + 8 * entries.size();
  std::string bytes = number(0x950412DE) + number(0) + number(entries.size()) + number(keys) +
                      number(texts) + number(0) + number(end);
  std::string strings;
  const auto describe = [&](const std::string& text) {
    bytes += number(text.size()) + number(end);
    strings += text + '\0';
    end += text.size() + 1;
  };
  for (const auto& entry : entries) describe(entry.first);
  for (const auto& entry : entries) describe(entry.second);
  return bytes + strings;
}

boost::system::error_code error_of(const std::string& bytes) {
  const auto parsed = Catalogue::parse(bytes);
  return parsed ? boost::system::error_code{} : parsed.error();
}

const Entries two = {header,
                     {"ack.more\x04"
                      "Added. Ref {ref}.",
                      "Byongeweho. Nomero {ref}."},
                     {"ack.plain\x04Hello", "Muraho"}};

TEST_CASE("a catalogue gives each reply by its id") {
  const auto catalogue = Catalogue::parse(mo_file(two));
  REQUIRE(catalogue.has_value());
  CHECK(catalogue->replies().size() == 2);
  REQUIRE(catalogue->find("ack.plain"));
  CHECK(catalogue->find("ack.plain")->text == "Muraho");
  REQUIRE(catalogue->find("ack.more"));
  CHECK(catalogue->find("ack.more")->english == "Added. Ref {ref}.");
  for (const char* id : {"", "ack", "ack.plai", "ack.plain2", "z"})
    CHECK_FALSE(catalogue->find(id));
}

TEST_CASE("each way in which a .mo file can be wrong is named") {
  const std::string good = mo_file(two);
  CHECK_FALSE(error_of(good));
  std::string big_endian = good;
  std::swap(big_endian[0], big_endian[3]);
  std::swap(big_endian[1], big_endian[2]);
  std::string revision = good;
  revision[4] = 1;
  std::string many = good;
  many[11] = '\x7F';
  std::string far_table = good;
  far_table[15] = '\x7F';
  std::string far_string = good;
  far_string[28 + 8 + 7] = '\x7F';
  std::string long_string = good;
  long_string[28 + 8] = '\x7F';

  struct Row {
    const char* name;
    std::string bytes;
    errc expected;
  };
  const Row rows[] = {
      {"empty", "", errc::not_a_catalogue},
      {"big-endian", big_endian, errc::not_a_catalogue},
      {"revision", revision, errc::not_a_catalogue},
      {"too many entries", many, errc::broken_catalogue},
      {"a table outside", far_table, errc::broken_catalogue},
      {"a string outside", far_string, errc::broken_catalogue},
      {"a length that misses the NUL", long_string, errc::broken_catalogue},
      {"order", mo_file({two[0], two[2], two[1]}), errc::unsorted_catalogue},
      {"same key twice", mo_file({two[0], two[1], two[1]}), errc::unsorted_catalogue},
      {"same id twice", mo_file({two[0], {"a\x04x", "1"}, {"a\x04y", "2"}}), errc::duplicate_reply},
      {"no header", mo_file({two[1]}), errc::not_utf8},
      {"other charset", mo_file({{"", "charset=ISO-8859-1\n"}, two[1]}), errc::not_utf8},
      {"broken UTF-8", mo_file({two[0], {"a\x04x", "\xFF"}}), errc::not_utf8},
      {"no context", mo_file({two[0], {"Hello", "Muraho"}}), errc::no_context},
      {"empty context", mo_file({two[0], {"\x04Hello", "Muraho"}}), errc::no_context},
      {"plural", mo_file({two[0], {"a\x04one\0many"s, "x\0y"s}}), errc::no_context},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(error_of(row.bytes) == make_error_code(row.expected));
  }
}

TEST_CASE("a catalogue that is cut anywhere is refused") {
  const std::string good = mo_file(two);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(error_of(good.substr(0, size)));
  }
}

TEST_CASE("a file that cannot be read is an error, not a crash") {
  CHECK(Catalogue::load("/nonexistent").error() == errc::cannot_read);
  CHECK(Catalogue::load(std::filesystem::temp_directory_path()).error() == errc::cannot_read);
}

TEST_CASE("filling uses every value and leaves no placeholder") {
  CHECK(*fill("Ref {ref}, call {tel}. {ref}", {{"ref", "1"}, {"tel", "2"}}) == "Ref 1, call 2. 1");
  CHECK(*fill("plain", {}) == "plain");
  CHECK(*fill("{ref}", {{"ref", "{tel}"}}) == "{tel}");
  CHECK(fill("Ref {ref}", {}).error() == errc::unknown_placeholder);
  CHECK(fill("Ref", {{"ref", "1"}}).error() == errc::missing_placeholder);
  for (const char* text : {"{", "}", "a } b", "{ref", "{}", "{a b}", "{{ref}}", "{REF}"}) {
    CAPTURE(text);
    CHECK(fill(text, {{"ref", "1"}}).error() == errc::unknown_placeholder);
    CHECK(placeholders_of(text).error() == errc::unknown_placeholder);
  }
  CHECK(*placeholders_of("{p1} or {p2} or {p1}") ==
        std::vector<std::string_view>{"p1", "p2", "p1"});
}

}  // namespace
}  // namespace ishara::i18n
