#pragma once
// The national language tables of GSM-7 (3GPP TS 23.038, annex A), for reading only: old phones do
// not know them and would show other letters, so nothing is sent in them. Pure; thread-safe.

#include <cstdint>

namespace ishara::i18n {

// What the user data header of a text names, by the number of the language: 1 Turkish, 2 Spanish
// (single shift only), 3 Portuguese, 4 Bengali, 5 Gujarati, 6 Hindi, 7 Kannada, 8 Malayalam,
// 9 Oriya, 10 Punjabi, 11 Tamil, 12 Telugu, 13 Urdu. Zero, and a number that is not given out, mean
// the default tables.
struct GsmTables {
  std::uint8_t locking = 0;  // in place of the default alphabet
  std::uint8_t single = 0;   // in place of the extension table, for the one code behind an escape

  friend bool operator==(const GsmTables&, const GsmTables&) = default;
};

// The character of `code`, which is below 128. A space where the table is empty.
char16_t gsm_character(std::uint8_t code, GsmTables tables) noexcept;

// The character of an escape and `code`; where that table is empty, the one of `code` alone.
char16_t gsm_escaped_character(std::uint8_t code, GsmTables tables) noexcept;

}  // namespace ishara::i18n
