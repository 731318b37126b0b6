#include "i18n/normalise.hpp"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

enum class Kind : std::uint8_t { other, letter, digit, mark };

constexpr auto ascii_kinds = [] {
  std::array<Kind, 0x80> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) kinds[c] = Kind::letter;
    if (c >= '0' && c <= '9') kinds[c] = Kind::digit;
  }
  return kinds;
}();

Kind kind_of(char32_t character) noexcept {
  if (character < 0x80) return ascii_kinds[character];
  const auto mask = U_MASK(u_charType(static_cast<UChar32>(character)));
  if ((mask & U_GC_L_MASK) != 0) return Kind::letter;
  if ((mask & U_GC_N_MASK) != 0) return Kind::digit;
  return (mask & U_GC_M_MASK) != 0 ? Kind::mark : Kind::other;
}

constexpr bool is_apostrophe(char32_t character) noexcept {
  switch (character) {
    case U'\'':
    case U'`':
    case U'\u2019':
    case U'\u2018':
    case U'\u02BB':
    case U'\u02BC':
      return true;
    default:
      return false;
  }
}

// The part of folding that is the same for ASCII and the rest: apostrophes and long runs.
// `out` has room for every character that is put.
class Writer {
 public:
  explicit Writer(char* out) noexcept : begin_{out}, out_{out} {}

  void put(char32_t character, Kind kind) noexcept {
    if (apostrophe_) {
      apostrophe_ = false;
      // A mark must not move to the letter before: it could stand out of order there.
      if (kind == Kind::other || kind == Kind::mark) write(U'\'', Kind::other);
    }
    if (kind == Kind::letter && character == last_ && character == last_but_one_) return;
    write(character, kind);
  }
  // The same of an apostrophe, too.
  void put_folded(char32_t character, Kind kind) noexcept {
    if (character == U'\'') {
      put_apostrophe();
    } else {
      put(character, kind);
    }
  }
  // Inside a word it vanishes: whether it is inside is known when the next character comes.
  void put_apostrophe() noexcept {
    if (apostrophe_) write(U'\'', Kind::other);
    apostrophe_ = last_kind_ != Kind::other;
    if (!apostrophe_) write(U'\'', Kind::other);
  }
  std::string_view finish() noexcept {
    if (apostrophe_) write(U'\'', Kind::other);
    apostrophe_ = false;
    return {begin_, static_cast<std::size_t>(out_ - begin_)};
  }

 private:
  void write(char32_t character, Kind kind) noexcept {
    out_ = write_utf8(character, out_);
    last_but_one_ = last_;
    last_ = character;
    last_kind_ = kind;
  }
  char* begin_;
  char* out_;
  char32_t last_ = 0;
  char32_t last_but_one_ = 0;
  Kind last_kind_ = Kind::other;
  bool apostrophe_ = false;
};

std::string_view folded_ascii(std::string_view text, std::pmr::memory_resource& memory) {
  Writer writer{static_cast<char*>(memory.allocate(text.size(), 1))};
  for (const char byte : text) {
    const auto character = static_cast<unsigned char>(byte);
    if (is_apostrophe(character)) {
      writer.put_apostrophe();
    } else {
      const bool upper = character >= 'A' && character <= 'Z';
      writer.put(upper ? character + 0x20u : character, ascii_kinds[character]);
    }
  }
  return writer.finish();
}

// Marks that only decorate a letter: Latin, Greek and Cyrillic diacritics, Hebrew points, Arabic
// and Syriac vowel signs. Other combining classes, and class 0, spell words of their own.
bool is_decoration(char32_t character) noexcept {
  const unsigned combining_class = u_getCombiningClass(static_cast<UChar32>(character));
  return combining_class == 1 || (combining_class >= 10 && combining_class <= 36) ||
         combining_class >= 200;
}

// One letter for the forms that Arabic, Persian, Urdu and Punjabi keyboards give; the forms with
// hamza or madda have lost them as marks before.
constexpr char32_t one_form(char32_t character) noexcept {
  switch (character) {
    case U'\u0671':  // alef wasla
      return U'\u0627';
    case U'\u0649':  // alef maksura
    case U'\u064A':  // Arabic yeh
      return U'\u06CC';
    case U'\u0629':  // teh marbuta
    case U'\u06C1':  // heh goal
    case U'\u06BE':  // heh doachashmee
    case U'\u06C3':  // teh marbuta goal
      return U'\u0647';
    case U'\u0643':  // Arabic kaf
      return U'\u06A9';
    default:
      return character;
  }
}

using Units = std::pmr::vector<char16_t>;

// ICU moves to memory of its own when its buffer is too small, and the text would stay behind
// there; so the buffer is the longest there can be: `factor` units of one (UAX 15, expansion
// factors in UTF-16).
Units normalised(const UNormalizer2* form, const Units& units, std::size_t factor,
                 UErrorCode& status) {
  Units buffer(factor * units.size() + 16, units.get_allocator());
  const std::int32_t length =
      unorm2_normalize(form, units.data(), static_cast<std::int32_t>(units.size()), buffer.data(),
                       static_cast<std::int32_t>(buffer.size()), &status);
  if (U_FAILURE(status)) throw std::logic_error{"i18n: normalisation failed"};
  buffer.resize(static_cast<std::size_t>(length));
  return buffer;
}

// The folded characters of `units`, as far as each one tells for itself, with one apostrophe for
// all kinds of it.
std::pmr::vector<char32_t> simplified(const Units& units) {
  UErrorCode status = U_ZERO_ERROR;
  // Compatibility forms, case and everything invisible in one step ...
  Units compatible = normalised(unorm2_getNFKCCasefoldInstance(&status), units, 18, status);
  // ... then without what would stand between two marks and keep them from their order ...
  std::erase_if(compatible, [](char16_t unit) {
    constexpr char16_t tatweel = u'\u0640';
    return unit == tatweel || u_charType(unit) == U_ENCLOSING_MARK;  // all are single units
  });
  // ... and taken apart, so that marks stand alone.
  const Units apart = normalised(unorm2_getNFDInstance(&status), compatible, 4, status);

  std::pmr::vector<char32_t> characters{units.get_allocator().resource()};
  characters.reserve(apart.size());
  std::u16string_view rest{apart.data(), apart.size()};
  while (!rest.empty()) {
    const CodePoint next = first_of_utf16(rest);
    rest.remove_prefix(next.size);
    if (is_decoration(next.value)) continue;
    char32_t character = is_apostrophe(next.value) ? U'\'' : one_form(next.value);
    if (const auto digit = u_charDigitValue(static_cast<UChar32>(character)); digit >= 0)
      character = U'0' + static_cast<char32_t>(digit);
    characters.push_back(character);
  }
  return characters;
}

// What a usual character folds to.
struct FoldedCharacter {
  std::array<char16_t, 3> characters{};
  std::uint8_t count{};
  bool usual{};
};

// What ICU says of the characters that most texts are made of, asked once: those of one or two
// bytes and general punctuation, as far as they fold alike whatever stands around them. That is so
// where a character leaves no mark that has an order among marks.
class UsualCharacters {
 public:
  static constexpr char32_t end_of_kinds = 0x800;

  static const UsualCharacters& get() {
    static const UsualCharacters all;
    return all;
  }

  const FoldedCharacter& folded(char32_t character) const noexcept {
    if (character < end_of_kinds) return low_[character];
    const auto place = character - first_punctuation;
    return place < punctuation_.size() ? punctuation_[place] : unusual;
  }

  Kind kind(char32_t character) const noexcept {
    return character < end_of_kinds ? kinds_[character] : kind_of(character);
  }

 private:
  static constexpr char32_t first_punctuation = 0x2000;
  static constexpr FoldedCharacter unusual{};

  UsualCharacters() {
    for (char32_t character = 0; character < end_of_kinds; ++character) {
      low_[character] = ask(character);
      kinds_[character] = kind_of(character);
    }
    for (char32_t i = 0; i < punctuation_.size(); ++i) punctuation_[i] = ask(first_punctuation + i);
  }

  static FoldedCharacter ask(char32_t character) {
    std::array<std::byte, 1024> bytes;
    std::pmr::monotonic_buffer_resource memory{bytes.data(), bytes.size()};
    Units units{&memory};
    append_utf16(character, units);
    FoldedCharacter folded{.characters = {}, .count = 0, .usual = true};
    std::array<char, 4> utf8{};
    const auto size = [&](char32_t c) { return write_utf8(c, utf8.data()) - utf8.data(); };
    auto room = size(character);  // what a text folds to takes no more than itself
    for (const auto to : simplified(units)) {
      room -= size(to);
      if (room < 0 || u_getCombiningClass(static_cast<UChar32>(to)) != 0) return unusual;
      folded.characters[folded.count++] = static_cast<char16_t>(to);
    }
    // A mark that becomes a letter changes places with other marks before.
    const bool mark = u_getCombiningClass(static_cast<UChar32>(character)) != 0;
    return mark && folded.count > 0 ? unusual : folded;
  }

  std::array<FoldedCharacter, end_of_kinds> low_{};
  std::array<FoldedCharacter, 0x70> punctuation_{};
  std::array<Kind, end_of_kinds> kinds_{};
};

// Nothing if some character needs its neighbours to be folded.
std::optional<std::string_view> folded_usual(std::string_view text,
                                             std::pmr::memory_resource& memory) {
  const auto& usual = UsualCharacters::get();
  Writer writer{static_cast<char*>(memory.allocate(text.size(), 1))};
  while (!text.empty()) {
    const CodePoint next = first_of_utf8(text);
    text.remove_prefix(next.size);
    const auto& folded = usual.folded(next.value);
    if (!folded.usual) return std::nullopt;
    for (std::size_t i = 0; i < folded.count; ++i)
      writer.put_folded(folded.characters[i], usual.kind(folded.characters[i]));
  }
  return writer.finish();
}

std::string_view folded_unicode(std::string_view text, std::pmr::memory_resource& memory) {
  Units units{&memory};
  units.reserve(text.size());
  while (!text.empty()) {
    const CodePoint next = first_of_utf8(text);
    text.remove_prefix(next.size);
    append_utf16(next.value, units);
  }
  const auto characters = simplified(units);
  Writer writer{static_cast<char*>(memory.allocate(4 * characters.size(), 1))};
  for (const auto character : characters) writer.put_folded(character, kind_of(character));
  return writer.finish();
}

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
}

}  // namespace

std::string_view folded(std::string_view utf8, std::pmr::memory_resource& memory) {
  if (is_ascii(utf8)) return folded_ascii(utf8, memory);
  if (const auto folded = folded_usual(utf8, memory)) return *folded;
  return folded_unicode(utf8, memory);
}

std::pmr::vector<std::string_view> words(std::string_view folded_text,
                                         std::pmr::memory_resource& memory) {
  std::pmr::vector<std::string_view> found{&memory};
  found.reserve(folded_text.size() / 4 + 1);
  const auto& usual = UsualCharacters::get();
  std::size_t start = 0;  // of the word that `i` is in, if it is in one
  bool inside = false;
  for (std::size_t i = 0; i < folded_text.size();) {
    const CodePoint next = first_of_utf8(folded_text.substr(i));
    const bool counts = usual.kind(next.value) != Kind::other;
    if (counts && !inside) start = i;
    if (!counts && inside) found.push_back(folded_text.substr(start, i - start));
    inside = counts;
    i += next.size;
  }
  if (inside) found.push_back(folded_text.substr(start));
  return found;
}

std::pmr::vector<std::string_view> tokens(std::string_view utf8,
                                          std::pmr::memory_resource& memory) {
  return words(folded(utf8, memory), memory);
}

bool has_emoji(std::string_view utf8) noexcept {
  while (!utf8.empty()) {
    const CodePoint next = first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    const auto code = static_cast<UChar32>(next.value);
    if (u_hasBinaryProperty(code, UCHAR_EXTENDED_PICTOGRAPHIC) ||
        u_hasBinaryProperty(code, UCHAR_EMOJI_PRESENTATION))
      return true;
  }
  return false;
}

}  // namespace ishara::i18n
