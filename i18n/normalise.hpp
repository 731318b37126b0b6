#pragma once
// The folded form in which texts, lexicon patterns and place names are compared
// (conversation.md 4.3, items 1 to 6), and its words.
//
// `memory` must be an arena that frees everything at once (std::pmr::monotonic_buffer_resource over
// wiping memory for a reporter's text): results live in it and are not freed one by one. Nothing of
// the text is kept elsewhere. Pure functions; thread-safe as far as `memory` is not shared.

#include <memory_resource>
#include <string_view>
#include <vector>

namespace ishara::i18n {

// The folded form of `utf8`; invalid sequences count as U+FFFD. Folding twice changes nothing.
//   1  NFKC and case folding: "STRASSE" and "straße" are one
//   2  no diacritics (á -> a, ё -> е, harakat), tatweel, zero-width or bidi characters; marks that
//      spell words of their own stay: kana voicing, nukta, virama, Thai and Lao vowels and tones
//   3  one letter for the forms of alef, yeh, heh, kaf and waw
//   4  apostrophes (' ’ ‘ ʻ ʼ `) inside words vanish, all others become '
//   5  three or more equal letters in a row become two
//   6  digits of all scripts become ASCII digits
// White space and punctuation stay. ASCII takes a fast path without ICU.
std::string_view folded(std::string_view utf8, std::pmr::memory_resource& memory);

// The words of a folded text, in order: maximal runs of letters, digits and marks. The views point
// into `folded_text`.
std::pmr::vector<std::string_view> words(std::string_view folded_text,
                                         std::pmr::memory_resource& memory);

// The words of `folded(utf8)`.
std::pmr::vector<std::string_view> tokens(std::string_view utf8, std::pmr::memory_resource& memory);

// Whether any character is a pictograph or half of a flag. Allocates nothing.
bool has_emoji(std::string_view utf8) noexcept;

}  // namespace ishara::i18n
