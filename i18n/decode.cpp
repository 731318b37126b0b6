#include "i18n/decode.hpp"

#include <unicode/unorm2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "i18n/sms.hpp"
#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

using Units = std::pmr::vector<char16_t>;

// windows-1252 from 0x80 to 0x9F; the rest equals Latin-1. Source: the WHATWG index, except that
// its five unused codes are errors here, not controls.
constexpr std::array<char16_t, 32> windows_1252_high = {
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

constexpr char32_t of_windows_1252(unsigned char byte) noexcept {
  return byte >= 0x80 && byte < 0xA0 ? windows_1252_high[byte - 0x80u] : byte;
}

// Categories Cc; LF alone has a meaning in a text.
constexpr bool is_dropped(char32_t character) noexcept {
  return (character < 0x20 && character != U'\n') || (character >= 0x7F && character < 0xA0);
}

void keep(char32_t character, Units& units) {
  if (!is_dropped(character)) append_utf16(character, units);
}

void from_utf8(std::string_view bytes, Units& units) {
  while (!bytes.empty()) {
    const CodePoint next = first_of_utf8(bytes);
    bytes.remove_prefix(next.size);
    keep(next.value, units);
  }
}

void from_windows_1252(std::string_view bytes, Units& units) {
  for (const char byte : bytes) keep(of_windows_1252(static_cast<unsigned char>(byte)), units);
}

void from_utf16be(std::string_view bytes, Units& units) {
  const auto unit_at = [bytes](std::size_t i) {
    return static_cast<char16_t>((static_cast<unsigned char>(bytes[i]) << 8) |
                                 static_cast<unsigned char>(bytes[i + 1]));
  };
  std::size_t i = 0;
  while (i + 1 < bytes.size()) {
    const char16_t pair[2] = {unit_at(i), i + 3 < bytes.size() ? unit_at(i + 2) : char16_t{0}};
    const CodePoint next = first_of_utf16({pair, 2});
    i += 2 * next.size;
    keep(next.value, units);
  }
  if (i < bytes.size()) keep(replacement_character, units);
}

void from_gsm(std::string_view bytes, GsmTables tables, Units& units) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto code = static_cast<unsigned char>(bytes[i]);
    const auto next = i + 1 < bytes.size() ? static_cast<unsigned char>(bytes[i + 1]) : 0xFFu;
    if (code >= gsm7_basic.size()) {
      keep(replacement_character, units);
    } else if (code == gsm7_escape && next < gsm7_basic.size()) {
      keep(gsm_escaped_character(static_cast<std::uint8_t>(next), tables), units);
      ++i;
    } else {
      keep(gsm_character(code, tables), units);
    }
  }
}

// The septets of a character in the default tables, the escape first if it needs one; nothing if it
// is in neither.
struct Septets {
  bool escaped;
  std::uint8_t code;
};
std::optional<Septets> default_septets_of(char32_t character) noexcept {
  for (std::uint8_t code = 0; code < gsm7_basic.size(); ++code) {
    if (gsm7_basic[code] == character && code != gsm7_escape) return Septets{false, code};
    if (gsm7_extension(code) == character) return Septets{true, code};
  }
  return std::nullopt;
}

std::optional<std::pmr::vector<char>> default_septets(std::string_view utf8, GsmTables tables,
                                                      std::pmr::memory_resource& memory) {
  std::pmr::vector<char> out{&memory};
  out.reserve(2 * utf8.size());  // an escape and a code, for signs that are one byte
  while (!utf8.empty()) {
    const CodePoint next = first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    auto septets = default_septets_of(next.value);
    if (!septets) return std::nullopt;
    if (next.value == U'?' && !utf8.empty()) {
      const auto behind = default_septets_of(first_of_utf8(utf8).value);
      const bool was_escape =
          behind && !behind->escaped && gsm7_extension(behind->code) == 0 &&
          gsm_escaped_character(behind->code, tables) != gsm_character(behind->code, tables);
      if (was_escape) septets = Septets{false, gsm7_escape};
    }
    if (septets->escaped) out.push_back(static_cast<char>(gsm7_escape));
    out.push_back(static_cast<char>(septets->code));
  }
  return out;
}

// The NFC form. ICU moves to memory of its own when its buffer is too small, and the text would
// stay behind there; so the buffer is the longest there can be: decomposition, which happens in
// place, makes at most 4 units of one (UAX 15, table of expansion factors).
std::u16string_view nfc(const Units& units, Units& scratch) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* const form = unorm2_getNFCInstance(&status);
  const auto size = static_cast<std::int32_t>(units.size());
  const std::int32_t done = unorm2_spanQuickCheckYes(form, units.data(), size, &status);
  if (U_SUCCESS(status) && done == size) return {units.data(), units.size()};
  scratch.resize(4 * units.size() + 16);
  const std::int32_t length = unorm2_normalize(form, units.data(), size, scratch.data(),
                                               static_cast<std::int32_t>(scratch.size()), &status);
  if (U_FAILURE(status)) throw std::logic_error{"i18n: NFC failed"};
  return {scratch.data(), static_cast<std::size_t>(length)};
}

std::pmr::vector<char> to_utf8_in_nfc(const Units& units, std::pmr::memory_resource& memory) {
  Units scratch{&memory};
  std::u16string_view rest = nfc(units, scratch);
  std::pmr::vector<char> text(3 * rest.size(), &memory);
  char* out = text.data();
  while (!rest.empty()) {
    const CodePoint next = first_of_utf16(rest);
    rest.remove_prefix(next.size);
    out = write_utf8(next.value, out);
  }
  text.resize(static_cast<std::size_t>(out - text.data()));
  return text;
}

bool is_plain_ascii(std::string_view bytes) noexcept {
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code >= 0x7F || is_dropped(code)) return false;
  }
  return true;
}

// What one character reference stands for, and how long it is; size 0 if `text`, which begins with
// an ampersand, does not begin with a reference that we know.
CodePoint reference_at(std::string_view text) noexcept {
  struct Named {
    std::string_view name;
    char32_t value;
  };
  constexpr std::array<Named, 6> names = {{{"&amp;", U'&'},
                                           {"&lt;", U'<'},
                                           {"&gt;", U'>'},
                                           {"&quot;", U'"'},
                                           {"&apos;", U'\''},
                                           {"&nbsp;", U'\u00A0'}}};
  for (const Named& named : names)
    if (text.starts_with(named.name)) return {named.value, named.name.size(), true};

  constexpr CodePoint none = {0, 0, false};
  if (!text.starts_with("&#")) return none;
  std::size_t i = 2;
  const bool hex = i < text.size() && (text[i] == 'x' || text[i] == 'X');
  if (hex) ++i;
  const std::size_t first_digit = i;
  char32_t value = 0;
  for (; i < text.size() && text[i] != ';'; ++i) {
    const char digit = text[i];
    char32_t number = 0;
    if (digit >= '0' && digit <= '9') {
      number = static_cast<char32_t>(digit - '0');
    } else if (hex && digit >= 'a' && digit <= 'f') {
      number = static_cast<char32_t>(digit - 'a' + 10);
    } else if (hex && digit >= 'A' && digit <= 'F') {
      number = static_cast<char32_t>(digit - 'A' + 10);
    } else {
      return none;
    }
    value = value * (hex ? 16 : 10) + number;
    if (value > 0x10FFFF) value = 0x110000;  // stays too large, cannot overflow
  }
  if (i == first_digit || i == text.size()) return none;
  const std::size_t size = i + 1;
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    return {replacement_character, size, false};
  // As browsers do: &#146; comes from a writer who meant windows-1252.
  if (value >= 0x80 && value < 0xA0) value = of_windows_1252(static_cast<unsigned char>(value));
  return {value, size, true};
}

}  // namespace

std::optional<Charset> charset_from_name(std::string_view name) noexcept {
  std::array<char, 16> letters{};
  std::size_t size = 0;
  for (char character : name) {
    if (character >= 'A' && character <= 'Z')
      character = static_cast<char>(character + ('a' - 'A'));
    const bool counts =
        (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
    if (!counts) continue;
    if (size == letters.size()) return std::nullopt;
    letters[size++] = character;
  }
  const std::string_view plain{letters.data(), size};

  struct Named {
    std::string_view name;
    Charset charset;
  };
  constexpr std::array<Named, 19> names = {{{"", Charset::unspecified},
                                            {"utf8", Charset::utf8},
                                            {"windows1252", Charset::windows_1252},
                                            {"cp1252", Charset::windows_1252},
                                            {"latin1", Charset::windows_1252},
                                            {"iso88591", Charset::windows_1252},
                                            {"ascii", Charset::windows_1252},
                                            {"usascii", Charset::windows_1252},
                                            {"utf16be", Charset::utf16be},
                                            {"utf16", Charset::utf16be},
                                            {"ucs2", Charset::utf16be},
                                            {"ucs2be", Charset::utf16be},
                                            {"iso10646ucs2", Charset::utf16be},
                                            {"gsm", Charset::gsm},
                                            {"gsm7", Charset::gsm},
                                            {"gsm7bit", Charset::gsm},
                                            {"gsm0338", Charset::gsm},
                                            {"gsm338", Charset::gsm},
                                            {"gsmdefault", Charset::gsm}}};
  for (const Named& named : names)
    if (plain == named.name) return named.charset;
  return std::nullopt;
}

std::pmr::vector<char> decode(std::string_view bytes, Charset charset,
                              std::pmr::memory_resource& memory) {
  if (charset != Charset::utf16be && charset != Charset::gsm && is_plain_ascii(bytes))
    return {bytes.begin(), bytes.end(), &memory};

  Units units{&memory};
  units.reserve(bytes.size());  // no charset makes more than one unit of a byte
  switch (charset) {
    case Charset::unspecified:
      is_utf8(bytes) ? from_utf8(bytes, units) : from_windows_1252(bytes, units);
      break;
    case Charset::utf8:
      from_utf8(bytes, units);
      break;
    case Charset::windows_1252:
      from_windows_1252(bytes, units);
      break;
    case Charset::utf16be:
      from_utf16be(bytes, units);
      break;
    case Charset::gsm:
      from_gsm(bytes, {}, units);
      break;
  }
  return to_utf8_in_nfc(units, memory);
}

std::pmr::vector<char> decode_gsm(std::string_view septets, GsmTables tables,
                                  std::pmr::memory_resource& memory) {
  Units units{&memory};
  units.reserve(septets.size());
  from_gsm(septets, tables, units);
  return to_utf8_in_nfc(units, memory);
}

std::pmr::vector<char> decode_gsm_anew(std::string_view utf8, GsmTables tables,
                                       std::pmr::memory_resource& memory) {
  const auto septets = default_septets(utf8, tables, memory);
  if (!septets) return decode(utf8, Charset::utf8, memory);
  return decode_gsm({septets->data(), septets->size()}, tables, memory);
}

std::pmr::vector<char> decode_entities(std::string_view utf8, std::pmr::memory_resource& memory) {
  Units units{&memory};
  units.reserve(utf8.size());
  while (!utf8.empty()) {
    CodePoint next = first_of_utf8(utf8);
    if (next.value == U'&')
      if (const CodePoint reference = reference_at(utf8); reference.size > 0) next = reference;
    utf8.remove_prefix(next.size);
    keep(next.value, units);
  }
  return to_utf8_in_nfc(units, memory);
}

}  // namespace ishara::i18n
