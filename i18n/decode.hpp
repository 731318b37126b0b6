#pragma once
// From an aggregator's bytes to repaired UTF-8 (channels.md 1.5).
//
// The bytes are what a reporter wrote. Nothing of them is kept in any memory but `memory`: hand in
// an arena that wipes what it held. Pure functions; thread-safe as far as `memory` is not shared.

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "i18n/gsm_tables.hpp"

namespace ishara::i18n {

enum class Charset : std::uint8_t {
  unspecified,   // UTF-8 if the bytes are valid UTF-8, else windows-1252
  utf8,          // invalid sequences become U+FFFD, one for each maximal subpart
  windows_1252,  // its five unused bytes become U+FFFD
  utf16be,       // UCS-2 and UTF-16 of SMPP; lone surrogates and an odd last byte become U+FFFD
  gsm,           // GSM default alphabet, one septet an octet; octets above 0x7F become U+FFFD
};

// The charset of a declared name, in any case and with any punctuation ("UTF-8", "utf8", "UCS-2",
// "ISO-8859-1" ...); empty means unspecified; none for a name that we do not know. Latin-1 and
// ASCII are read as windows-1252, as the WHATWG Encoding Standard does: they differ only in codes
// that are controls in Latin-1 and would be lost.
std::optional<Charset> charset_from_name(std::string_view name) noexcept;

// The text of `bytes` as valid UTF-8 in NFC, without controls (LF stays, so CR LF becomes LF).
// Never fails: what is wrong is replaced.
std::pmr::vector<char> decode(std::string_view bytes, Charset charset,
                              std::pmr::memory_resource& memory);

// The same of septets, one in an octet, in the tables that their header names.
std::pmr::vector<char> decode_gsm(std::string_view septets, GsmTables tables,
                                  std::pmr::memory_resource& memory);
// For a text that was read in the default tables by who did not know these, in UTF-8: read anew. A
// question mark before a code that the single shift table alone has is an escape that Kannel could
// not read. A text with a character that is in no default table is repaired as `decode` does.
std::pmr::vector<char> decode_gsm_anew(std::string_view utf8, GsmTables tables,
                                       std::pmr::memory_resource& memory);

// For channels that escape twice: decodes `&amp; &lt; &gt; &quot; &apos; &nbsp;` and numeric
// references once, leaves all else as it is, and repairs the result as `decode` does.
std::pmr::vector<char> decode_entities(std::string_view utf8, std::pmr::memory_resource& memory);

}  // namespace ishara::i18n
