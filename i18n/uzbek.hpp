#pragma once
// Uzbek in its two scripts (conversation.md 4.3, items 9 and 10). Pure; thread-safe.

#include <string>
#include <string_view>

namespace ishara::i18n {

// The Cyrillic spelling of a word in Latin letters (the alphabet of 1995, any apostrophe, any
// case): "o'g'il" is "ўғил". What is no letter of it stays.
std::string uzbek_in_cyrillic(std::string_view latin);

// The same in the letters of a Russian keyboard, which has no ў қ ғ ҳ: "угил".
std::string uzbek_on_russian_keyboard(std::string_view cyrillic);

}  // namespace ishara::i18n
