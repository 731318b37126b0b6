#include "i18n/keywords.hpp"

#include <algorithm>

#include "i18n/normalise.hpp"

namespace ishara::i18n {

std::optional<Meaning> meaning_from_name(std::string_view name) noexcept {
  const auto* const place = std::find(meaning_names.begin(), meaning_names.end(), name);
  if (place == meaning_names.end()) return std::nullopt;
  return static_cast<Meaning>(place - meaning_names.begin());
}

std::string_view keyword_form(std::string_view folded_text, std::pmr::memory_resource& memory) {
  const auto found = words(folded_text, memory);
  if (found.empty()) return folded_text;
  // Words lie apart in the text, so their letters and the spaces between them fit its size.
  auto* const begin = static_cast<char*>(memory.allocate(folded_text.size(), 1));
  char* end = begin;
  for (const std::string_view word : found) {
    if (end != begin) *end++ = ' ';
    end = std::copy(word.begin(), word.end(), end);
  }
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace ishara::i18n
