#include "i18n/sms.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

using namespace std::string_literals;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string utf8_of(char32_t character) {
  char bytes[4];
  return {bytes, write_utf8(character, bytes)};
}

// Counts once more in another way: characters as the standard's prose lists them, units laid out
// one by one with the index of their character, then cut.
Measure naive_measure(const std::u32string& text) {
  static const std::vector<std::size_t> septets = [] {
    std::vector<std::size_t> table(0x110000);
    for (const char32_t c :
         U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ "
         U"!\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUV"
         U"WXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"s)
      table[c] = 1;
    for (const char32_t c : U"\f^{}\\[~]|€"s) table[c] = 2;
    return table;
  }();
  Measure result;
  for (const char32_t c : text)
    if (septets[c] == 0 && !result.forced_by) result.forced_by = c;
  result.encoding = result.forced_by ? Encoding::ucs2 : Encoding::gsm7;
  std::vector<std::size_t> owner;  // of each unit: its character
  for (std::size_t i = 0; i < text.size(); ++i)
    owner.insert(owner.end(), result.forced_by ? (text[i] > 0xFFFF ? 2 : 1) : septets[text[i]], i);
  result.units = owner.size();
  const std::size_t single = result.forced_by ? 70 : 160;
  const std::size_t part = result.forced_by ? 67 : 153;
  if (owner.size() <= single) {
    result.segments = 1;
    return result;
  }
  result.segments = 0;
  for (std::size_t at = 0; at < owner.size(); ++result.segments) {
    std::size_t end = std::min(at + part, owner.size());
    if (end < owner.size() && owner[end] == owner[end - 1]) --end;
    at = end;
  }
  return result;
}

TEST_CASE("lengths around every limit give the segments of 3GPP TS 23.040") {
  struct Row {
    std::string text;
    Encoding encoding;
    std::size_t units;
    std::size_t segments;
  };
  const Row rows[] = {
      {"", Encoding::gsm7, 0, 1},
      {repeated("a", 160), Encoding::gsm7, 160, 1},
      {repeated("a", 161), Encoding::gsm7, 161, 2},
      {repeated("a", 306), Encoding::gsm7, 306, 2},
      {repeated("a", 307), Encoding::gsm7, 307, 3},
      {repeated("€", 80), Encoding::gsm7, 160, 1},
      {repeated("€", 81), Encoding::gsm7, 162, 2},
      // 153 is odd: each part carries 76 pairs.
      {repeated("{", 152), Encoding::gsm7, 304, 2},
      {repeated("{", 153), Encoding::gsm7, 306, 3},
      {repeated("a", 152) + "€" + repeated("a", 152), Encoding::gsm7, 306, 3},
      {repeated("ш", 70), Encoding::ucs2, 70, 1},
      {repeated("ш", 71), Encoding::ucs2, 71, 2},
      {repeated("ш", 134), Encoding::ucs2, 134, 2},
      {repeated("ш", 135), Encoding::ucs2, 135, 3},
      {repeated("😀", 35), Encoding::ucs2, 70, 1},
      {repeated("😀", 66), Encoding::ucs2, 132, 2},
      {repeated("😀", 67), Encoding::ucs2, 134, 3},
      {repeated("ш", 66) + "😀" + repeated("ш", 66), Encoding::ucs2, 134, 3},
      {"@ £ { €", Encoding::gsm7, 9, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Measure measured = measure(row.text);
    CHECK(measured.encoding == row.encoding);
    CHECK(measured.units == row.units);
    CHECK(measured.segments == row.segments);
    CHECK(measured.forced_by.has_value() == (row.encoding == Encoding::ucs2));
  }
}

TEST_CASE("each character that GSM-7 lacks forces UCS-2 and is named") {
  for (const char32_t character :
       std::u32string{U"’‘“”«»–—…•\u00A0\t`´°çáíóúâêîôûëïœãõşğıʻʼ😀\u200B\u200E\uFEFF"
                      U"жعはΑ"}) {
    CAPTURE(static_cast<std::uint32_t>(character));
    const Measure measured = measure("abc " + utf8_of(character) + " xyz 😀");
    CHECK(measured.encoding == Encoding::ucs2);
    CHECK(measured.forced_by == character);
  }
}

TEST_CASE("broken UTF-8 counts as replacement characters") {
  CHECK(measure("a\xFF") == Measure{Encoding::ucs2, 2, 1, replacement_character});
}

TEST_CASE("a hundred thousand random texts measure as the naive counter says") {
  const std::u32string special = U"{}[]~^|\\€\f\n\r@£ΔΞàçê’шع😀\U0001D160é";
  for (std::uint32_t seed = 1; seed <= 100'000; ++seed) {
    std::minstd_rand random{seed * 7919};
    const std::size_t length = random() % 16 == 0 ? random() % 500 : random() % 90;
    const std::size_t special_in = 1 + random() % 60;
    const bool gsm_only = random() % 2 == 0;
    std::u32string text;
    std::string utf8;
    for (std::size_t i = 0; i < length; ++i) {
      char32_t c = U'a' + static_cast<char32_t>(random() % 26);
      if (random() % special_in == 0) c = special[random() % (gsm_only ? 15 : special.size())];
      text += c;
      utf8 += utf8_of(c);
    }
    if (measure(utf8) != naive_measure(text)) {
      CAPTURE(seed);
      FAIL("the two counters disagree");
    }
  }
}

TEST_CASE("the tables hold every character once") {
  std::u16string seen;
  for (std::size_t code = 0; code < gsm7_basic.size(); ++code)
    if (code != gsm7_escape) seen += gsm7_basic[code];
  for (std::uint8_t code = 0; code < 0x80; ++code)
    if (gsm7_extension(code) != 0) seen += gsm7_extension(code);
  CHECK(seen.size() == 127 + 10);
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  CHECK(gsm7_basic[0x00] == u'@');
  CHECK(gsm7_basic[0x11] == u'_');
  CHECK(gsm7_basic[0x02] == u'$');
  CHECK(gsm7_basic[0x7F] == u'à');
}

}  // namespace
}  // namespace ishara::i18n
