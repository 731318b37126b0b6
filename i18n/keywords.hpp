#pragma once
// The words that are commands when they are a whole text (conversation.md 1.3): keywords.tsv of a
// language pack, and the form in which a text is compared with them.
// Pure functions and values; thread-safe as far as `memory` is not shared.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

namespace ishara::i18n {

enum class Meaning : std::uint8_t {
  stop,
  start,
  erase,
  unsafe,
  safe,
  language,
  help,
  info,
  code,
  status,
  share,
  fresh,
  add,
  yes,
  no,
  greet,
  name,  // of a language: what may stand after LANG, or alone
};

// The names of the classes in keywords.tsv, in the order of `Meaning`.
inline constexpr std::array<std::string_view, 17> meaning_names = {
    "STOP",   "START", "DELETE", "UNSAFE", "SAFE", "LANG", "HELP",  "INFO", "CODE",
    "STATUS", "SHARE", "NEW",    "ADD",    "YES",  "NO",   "GREET", "NAME"};

constexpr std::string_view name(Meaning meaning) noexcept {
  return meaning_names[static_cast<std::size_t>(meaning)];
}
std::optional<Meaning> meaning_from_name(std::string_view name) noexcept;

inline constexpr std::size_t most_keyword_words = 4;

struct Keyword {
  std::string text;  // in the form of `keyword_form`
  Meaning meaning{};
  std::uint8_t pack = 0;  // place in Packs::all()
  std::size_t line = 0;   // of keywords.tsv; 0 for the tag and the name, which pack.tsv has
};

// What of a text is compared with keywords: the words of the folded text, one space between them;
// a text without a word is itself. "Bigeze  HE?" is "bigeze he", "?" is "?".
std::string_view keyword_form(std::string_view folded_text, std::pmr::memory_resource& memory);

}  // namespace ishara::i18n
