#include "i18n/decode.hpp"

#include <doctest/doctest.h>

#include <memory_resource>
#include <random>
#include <string>

#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

using namespace std::string_literals;

std::string decoded(std::string_view bytes, Charset charset) {
  std::pmr::monotonic_buffer_resource memory;
  const auto text = decode(bytes, charset, memory);
  return {text.begin(), text.end()};
}

TEST_CASE("bytes of every charset become repaired UTF-8") {
  struct Row {
    const char* name;
    Charset charset;
    std::string bytes;
    std::string text;
  };
  const Row rows[] = {
      {"plain", Charset::unspecified, "help me", "help me"},
      {"empty", Charset::unspecified, "", ""},
      {"valid UTF-8 stays", Charset::unspecified, "señor 😀 ع", "señor 😀 ع"},
      {"undeclared, not UTF-8", Charset::unspecified, "caf\xE9 \x93x\x94", "café “x”"},
      {"one bad byte makes all of it windows-1252", Charset::unspecified, "é\xE9", "Ã©é"},
      {"declared UTF-8 is replaced", Charset::utf8, "caf\xE9 x", "caf\xEF\xBF\xBD x"},
      {"a cut character is one replacement", Charset::utf8, "a\xF0\x9F\x98", "a\xEF\xBF\xBD"},
      {"overlong forms are no characters", Charset::utf8, "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"a surrogate in UTF-8", Charset::utf8, "\xED\xA0\x80",
       "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"beyond Unicode", Charset::utf8, "\xF4\x90\x80\x80",
       "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"NUL is removed", Charset::unspecified, "a\0b"s, "ab"},
      {"controls go, line feeds stay", Charset::unspecified, "a\r\nb\x07\x1B\x7F\xC2\x85"s, "a\nb"},
      {"NFC", Charset::unspecified, "cafe\xCC\x81", "café"},
      {"NFC across a control", Charset::unspecified, "cafe\x01\xCC\x81", "café"},
      {"1252 euro and quote", Charset::windows_1252, "\x80 \x92 \xFF", "€ ’ ÿ"},
      {"1252 unused", Charset::windows_1252, "\x81", "\xEF\xBF\xBD"},
      {"UTF-16", Charset::utf16be, "\x00h\x04\x48\xD8\x3D\xDE\x00"s, "hш😀"},
      {"UTF-16 lone surrogates", Charset::utf16be, "\xD8\x3D\x00h\xDE\x00"s,
       "\xEF\xBF\xBDh\xEF\xBF\xBD"},
      {"UTF-16 odd byte", Charset::utf16be, "\x00h\x00"s, "h\xEF\xBF\xBD"},
      {"UTF-16 NUL", Charset::utf16be, "\x00\x00\x00h"s, "h"},
      {"GSM", Charset::gsm, "\x00\x01\x02\x11\x1B\x28\x1B\x65\x7F\x0A"s, "@£$_{€à\n"},
      {"GSM unknown pair", Charset::gsm, "\x1B\x61", "a"},
      {"GSM escape at the end", Charset::gsm, "a\x1B", "a "},
      {"GSM high octet", Charset::gsm, "a\x80", "a\xEF\xBF\xBD"},
      {"GSM escape before a high octet", Charset::gsm, "\x1B\xE9", " \xEF\xBF\xBD"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(decoded(row.bytes, row.charset) == row.text);
  }
}

TEST_CASE("septets are read in the tables of their header, and the default ones beside them") {
  struct Row {
    const char* name;
    GsmTables tables;
    std::string septets;
    const char* text;
  };
  const Row rows[] = {
      {"Turkish, single shift", {0, 1}, "a\x1Bs \x1BI \x1B\x65", "aş İ €"},
      {"Turkish, both", {1, 1}, "\x07\x04\x1C\x60\x1Bg", "ı€Şçğ"},
      {"Spanish has no locking shift", {2, 2}, "\x04\x1B\x49\x1B\x09\x1B\x75", "èÍçú"},
      {"Portuguese", {3, 3}, "\x12\x15\x1B\x05\x1B\x7B", "ª∞êã"},
      {"Bengali", {4, 4}, "\x03\x1B\x19\x1B\x23", "অ০৯"},
      {"Gujarati", {5, 5}, "\x03\x1B\x1C", "અ૦"},
      {"Hindi", {6, 6}, "\x28\x03\x15\x1B\x1C", ")अक०"},
      {"Kannada", {7, 7}, "\x22\x23\x24\x25\x1B\x3C", "ಟಠಡಢ["},
      {"Malayalam", {8, 8}, "\x03\x2E\x2F", "അ.ന"},
      {"Oriya", {9, 9}, "\x03\x15", "ଅକ"},
      {"Punjabi", {10, 10}, "\x03\x15", "ਅਕ"},
      {"Tamil", {11, 11}, "\x03\x15", "அக"},
      {"Telugu", {12, 12}, "\x03\x15\x1B\x65", "అక€"},
      {"Urdu", {13, 13}, "\x00\x02\x5B\x1B\x3F\x1B\x33"s, "ابے۔؟"},
      {"a number that is not given out", {14, 200}, "\x04\x1B\x28", "è{"},
      {"locking alone keeps the default extensions", {1, 0}, "\x1B\x28\x1Bs", "{s"},
      {"an escape at the end", {1, 1}, "a\x1B", "a "},
      {"a high octet", {13, 13}, "\x80", "\xEF\xBF\xBD"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    std::pmr::monotonic_buffer_resource memory;
    const auto text = decode_gsm(row.septets, row.tables, memory);
    CHECK(std::string{text.begin(), text.end()} == row.text);
  }
}

// Facts of the standard's annex that a slip in a table would break.
TEST_CASE(
    "all tables have line ends, digits, the euro and, but for Urdu's brackets, ASCII's signs") {
  for (std::uint8_t language = 0; language <= 13; ++language) {
    CAPTURE(+language);
    const GsmTables tables{language, language};
    CHECK(gsm_character('\n', tables) == u'\n');
    CHECK(gsm_character('\r', tables) == u'\r');
    CHECK(gsm_character(' ', tables) == u' ');
    CHECK(gsm_escaped_character(0x0A, tables) == u'\f');
    CHECK(gsm_escaped_character(0x65, tables) == u'€');
    for (std::uint8_t code = '0'; code <= '9'; ++code) CHECK(gsm_character(code, tables) == code);
    for (std::uint8_t code = 'a'; code <= 'z'; ++code) CHECK(gsm_character(code, tables) == code);
    const std::pair<std::uint8_t, char16_t> signs[] = {{0x14, u'^'},  {0x28, u'{'}, {0x29, u'}'},
                                                       {0x2F, u'\\'}, {0x3C, u'['}, {0x3D, u'~'},
                                                       {0x3E, u']'},  {0x40, u'|'}};
    for (const auto& [code, sign] : signs) CHECK(gsm_escaped_character(code, tables) == sign);
  }
}

TEST_CASE("a text that was read in the default tables is read anew in its own") {
  struct Row {
    const char* name;
    GsmTables tables;
    const char* read;
    const char* text;
  };
  const Row rows[] = {
      {"locking", {1, 1}, "ìèÆ¿", "ı€Şç"},
      {"escapes that were no pair", {0, 1}, "ge?s? evet? ?Istanbul", "geş? evet? İstanbul"},
      {"an extension keeps its place", {13, 13}, "[Ä]", "[ے]"},
      {"what no default table has", {1, 1}, "ş ok", "ş ok"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    std::pmr::monotonic_buffer_resource memory;
    const auto text = decode_gsm_anew(row.read, row.tables, memory);
    CHECK(std::string{text.begin(), text.end()} == row.text);
  }
  // Whatever septets a phone sends, both ways lead to the same text, but where a question mark
  // stands before what could have been escaped.
  for (std::uint32_t seed = 1; seed <= 5'000; ++seed) {
    std::minstd_rand random{seed * 104'729};
    const GsmTables tables{static_cast<std::uint8_t>(random() % 14), 0};
    std::string septets(random() % 40, '\0');
    for (char& septet : septets) septet = static_cast<char>(random() % 128);
    std::erase(septets, '\x1B');
    std::erase(septets, '\r');
    CAPTURE(seed);
    std::pmr::monotonic_buffer_resource memory;
    const auto read = decode(septets, Charset::gsm, memory);
    CHECK(decode_gsm_anew({read.data(), read.size()}, tables, memory) ==
          decode_gsm(septets, tables, memory));
  }
}

TEST_CASE("charset names are known in every spelling") {
  for (const char* name : {"UTF-8", "utf8", "Utf_8"})
    CHECK(charset_from_name(name) == Charset::utf8);
  for (const char* name : {"windows-1252", "CP1252", "ISO-8859-1", "latin1", "US-ASCII"})
    CHECK(charset_from_name(name) == Charset::windows_1252);
  for (const char* name : {"UTF-16BE", "UCS-2", "ucs2"})
    CHECK(charset_from_name(name) == Charset::utf16be);
  for (const char* name : {"gsm", "GSM-7", "GSM 03.38"})
    CHECK(charset_from_name(name) == Charset::gsm);
  CHECK(charset_from_name("") == Charset::unspecified);
  for (const char* name : {"koi8-r", "utf-7", "iso-8859-15", "a name that is longer than any"})
    CHECK(charset_from_name(name) == std::nullopt);
}

TEST_CASE("character references are decoded once") {
  struct Row {
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {"a &amp; b &lt;3 &#39;x&#x27; &quot;&apos;", "a & b <3 'x' \"'"},
      {"&amp;amp;", "&amp;"},
      {"&#128512; &#x1F600;", "😀 😀"},
      {"&#146;", "’"},
      {"e&#769;", "é"},
      {"a&#0;b&#7;", "ab"},
      {"&#xD800; &#99999999999;", "\xEF\xBF\xBD \xEF\xBF\xBD"},
      {"&amp &unknown; & &#; &#x; &#12", "&amp &unknown; & &#; &#x; &#12"},
      {"&nbsp;", "\xC2\xA0"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    std::pmr::monotonic_buffer_resource memory;
    const auto text = decode_entities(row.text, memory);
    CHECK(std::string{text.begin(), text.end()} == row.expected);
  }
}

TEST_CASE("whatever the bytes, the text is clean and decoding it again changes nothing") {
  for (std::uint32_t seed = 1; seed <= 20'000; ++seed) {
    std::minstd_rand random{seed * 7919};
    std::string bytes(random() % 60, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 3 == 0 ? 'a' : random());
    const auto charset = static_cast<Charset>(random() % 5);
    CAPTURE(seed);
    const std::string text = decoded(bytes, charset);
    REQUIRE(decoded(text, Charset::utf8) == text);
    for (std::string_view rest = text; !rest.empty();) {
      const CodePoint next = first_of_utf8(rest);
      rest.remove_prefix(next.size);
      REQUIRE(next.valid);
      REQUIRE(
          (next.value == U'\n' || (next.value >= 0x20 && next.value < 0x7F) || next.value >= 0xA0));
    }
  }
}

}  // namespace
}  // namespace ishara::i18n
