#pragma once
// Single rules of the outbound lint, for those who apply them to other texts than replies of the
// catalogue. Pure functions; thread-safe.

#include <string_view>

#include "i18n/pack.hpp"

namespace ishara::conversation {

// L5: an @, a scheme, or a dot that joins what would become a link on many phones.
bool has_address(std::string_view text) noexcept;

// L3: a word, or a run of words, that the pack forbids in every outbound text.
bool has_forbidden_word(const i18n::Pack& pack, std::string_view text);

}  // namespace ishara::conversation
