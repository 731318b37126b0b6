#pragma once
// One code point at a time, in and out of UTF-8 and UTF-16. Allocates nothing; thread-safe.

#include <cstddef>
#include <string_view>

namespace ishara::i18n {

inline constexpr char32_t replacement_character = 0xFFFD;

struct CodePoint {
  char32_t value;
  std::size_t size;  // in bytes or in 16-bit units, at least 1
  bool valid;        // otherwise value is U+FFFD
};

// The first code point of `utf8`, which is not empty. An ill-formed sequence is taken as its
// maximal subpart (Unicode 15, section 3.9, table 3-7), so that one broken character becomes one
// U+FFFD and never swallows the valid character after it.
constexpr CodePoint first_of_utf8(std::string_view utf8) noexcept {
  const auto byte = [utf8](std::size_t i) { return static_cast<unsigned char>(utf8[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};

  std::size_t size = 0;
  char32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
    value = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    value = lead & 0x0Fu;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    value = lead & 0x07u;
  } else {
    return {replacement_character, 1, false};
  }

  // The second byte alone decides about overlong forms, surrogates and values beyond U+10FFFF.
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < size; ++i) {
    if (i >= utf8.size() || byte(i) < low || byte(i) > high)
      return {replacement_character, i, false};
    value = (value << 6) | (byte(i) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {value, size, true};
}

// Whether all of it is well-formed.
constexpr bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const CodePoint next = first_of_utf8(bytes);
    if (!next.valid) return false;
    bytes.remove_prefix(next.size);
  }
  return true;
}

// The first code point of `utf16`, which is not empty; a lone surrogate is U+FFFD.
constexpr CodePoint first_of_utf16(std::u16string_view utf16) noexcept {
  const char32_t unit = utf16[0];
  if (unit < 0xD800 || unit > 0xDFFF) return {unit, 1, true};
  if (unit > 0xDBFF || utf16.size() < 2 || utf16[1] < 0xDC00 || utf16[1] > 0xDFFF)
    return {replacement_character, 1, false};
  return {0x10000 + ((unit - 0xD800) << 10) + (utf16[1] - 0xDC00u), 2, true};
}

// Writes a scalar value as 1 to 4 bytes at `out`; returns the place behind them.
constexpr char* write_utf8(char32_t value, char* out) noexcept {
  if (value < 0x80) {
    *out++ = static_cast<char>(value);
    return out;
  }
  if (value < 0x800) {
    *out++ = static_cast<char>(0xC0 | (value >> 6));
  } else {
    if (value < 0x10000) {
      *out++ = static_cast<char>(0xE0 | (value >> 12));
    } else {
      *out++ = static_cast<char>(0xF0 | (value >> 18));
      *out++ = static_cast<char>(0x80 | ((value >> 12) & 0x3F));
    }
    *out++ = static_cast<char>(0x80 | ((value >> 6) & 0x3F));
  }
  *out++ = static_cast<char>(0x80 | (value & 0x3F));
  return out;
}

// Appends a scalar value to a container of char16_t.
template <class Container>
constexpr void append_utf16(char32_t value, Container& out) {
  if (value < 0x10000) {
    out.push_back(static_cast<char16_t>(value));
  } else {
    out.push_back(static_cast<char16_t>(0xD800 + ((value - 0x10000) >> 10)));
    out.push_back(static_cast<char16_t>(0xDC00 + ((value - 0x10000) & 0x3FF)));
  }
}

}  // namespace ishara::i18n
