#pragma once
// How many short messages a text takes: the GSM default alphabet with its extension table, UCS-2
// for everything else. Pure functions; thread-safe. Source: 3GPP TS 23.038, TS 23.040.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ishara::i18n {

enum class Encoding : std::uint8_t { gsm7, ucs2 };

// What one message holds alone, and what each part of a longer text holds beside the concatenation
// header with its 8-bit reference: septets of GSM-7, 16-bit units of UCS-2.
inline constexpr std::size_t gsm7_single = 160;
inline constexpr std::size_t gsm7_part = 153;
inline constexpr std::size_t ucs2_single = 70;
inline constexpr std::size_t ucs2_part = 67;

struct Measure {
  Encoding encoding = Encoding::gsm7;
  std::size_t units = 0;              // septets (extension characters take two), or UTF-16 units
  std::size_t segments = 1;           // an empty text is one empty message
  std::optional<char32_t> forced_by;  // the first character that GSM-7 lacks; none for gsm7

  friend bool operator==(const Measure&, const Measure&) = default;
};

// Measures `utf8` as it is, without transliteration. Escape pairs and surrogate pairs are never
// split between segments, so a part may hold one unit less. An invalid UTF-8 sequence counts as
// U+FFFD. Allocates nothing.
Measure measure(std::string_view utf8) noexcept;

// The default alphabet by septet. Code 0x1B is the escape; it stands here as a space, which is what
// a receiver shows that does not know the escape mechanism.
inline constexpr std::size_t gsm7_escape = 0x1B;
inline constexpr std::array<char16_t, 128> gsm7_basic = {
    u'@',      u'\u00A3', u'$',      u'\u00A5', u'\u00E8', u'\u00E9', u'\u00F9', u'\u00EC',
    u'\u00F2', u'\u00C7', u'\n',     u'\u00D8', u'\u00F8', u'\r',     u'\u00C5', u'\u00E5',
    u'\u0394', u'_',      u'\u03A6', u'\u0393', u'\u039B', u'\u03A9', u'\u03A0', u'\u03A8',
    u'\u03A3', u'\u0398', u'\u039E', u' ',      u'\u00C6', u'\u00E6', u'\u00DF', u'\u00C9',
    u' ',      u'!',      u'"',      u'#',      u'\u00A4', u'%',      u'&',      u'\'',
    u'(',      u')',      u'*',      u'+',      u',',      u'-',      u'.',      u'/',
    u'0',      u'1',      u'2',      u'3',      u'4',      u'5',      u'6',      u'7',
    u'8',      u'9',      u':',      u';',      u'<',      u'=',      u'>',      u'?',
    u'\u00A1', u'A',      u'B',      u'C',      u'D',      u'E',      u'F',      u'G',
    u'H',      u'I',      u'J',      u'K',      u'L',      u'M',      u'N',      u'O',
    u'P',      u'Q',      u'R',      u'S',      u'T',      u'U',      u'V',      u'W',
    u'X',      u'Y',      u'Z',      u'\u00C4', u'\u00D6', u'\u00D1', u'\u00DC', u'\u00A7',
    u'\u00BF', u'a',      u'b',      u'c',      u'd',      u'e',      u'f',      u'g',
    u'h',      u'i',      u'j',      u'k',      u'l',      u'm',      u'n',      u'o',
    u'p',      u'q',      u'r',      u's',      u't',      u'u',      u'v',      u'w',
    u'x',      u'y',      u'z',      u'\u00E4', u'\u00F6', u'\u00F1', u'\u00FC', u'\u00E0'};

// The character of escape plus `code` in the extension table; 0 where the table is empty.
constexpr char16_t gsm7_extension(std::uint8_t code) noexcept {
  switch (code) {
    case 0x0A:
      return u'\f';
    case 0x14:
      return u'^';
    case 0x28:
      return u'{';
    case 0x29:
      return u'}';
    case 0x2F:
      return u'\\';
    case 0x3C:
      return u'[';
    case 0x3D:
      return u'~';
    case 0x3E:
      return u']';
    case 0x40:
      return u'|';
    case 0x65:
      return u'\u20AC';
    default:
      return 0;
  }
}

}  // namespace ishara::i18n
