#include "i18n/language.hpp"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "i18n/normalise.hpp"
#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

// Fewer words say too little about a language (conversation.md 1.4).
constexpr std::size_t fewest_words = 3;
constexpr std::size_t fewest_hits = 2;
constexpr std::size_t margin = 1;

// Calls `use` with every code point of `utf8`.
template <class F>
void for_each_code_point(std::string_view utf8, F&& use) {
  while (!utf8.empty()) {
    const CodePoint next = first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    use(next.value);
  }
}

UScriptCode script_of(char32_t character) {
  if (character < 0x80) {  // most of most texts
    const char32_t lower = character | 0x20;
    return lower >= U'a' && lower <= U'z' ? USCRIPT_LATIN : USCRIPT_COMMON;
  }
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(character), &status);
}

// The script of most letters; USCRIPT_COMMON if there are none.
UScriptCode script_of_text(std::string_view utf8, std::pmr::memory_resource& memory) {
  // Nearly all texts have one script or two, and most letters are followed by one of their own.
  std::pmr::vector<std::pair<UScriptCode, std::size_t>> letters{&memory};
  std::size_t last = 0;
  for_each_code_point(utf8, [&](char32_t character) {
    const UScriptCode script = script_of(character);
    if (script <= USCRIPT_INHERITED) return;
    if (last == letters.size() || letters[last].first != script) {
      for (last = 0; last < letters.size() && letters[last].first != script;) ++last;
      if (last == letters.size()) letters.emplace_back(script, 0);
    }
    ++letters[last].second;
  });
  const auto most = std::max_element(letters.begin(), letters.end(), [](auto& a, auto& b) {
    return std::pair{a.second, -a.first} < std::pair{b.second, -b.first};
  });
  return most == letters.end() ? USCRIPT_COMMON : most->first;
}

// The characters beyond ASCII, in lower case, in the order of the text.
std::pmr::u32string letters_beyond_ascii(std::string_view utf8, std::pmr::memory_resource& memory) {
  std::pmr::u32string letters{&memory};
  for_each_code_point(utf8, [&](char32_t character) {
    if (character >= 0x80)
      letters += static_cast<char32_t>(u_tolower(static_cast<UChar32>(character)));
  });
  return letters;
}

}  // namespace

LanguageGuess::LanguageGuess(const std::vector<LanguageTraits>& languages) {
  for (const LanguageTraits& traits : languages) {
    UErrorCode status = U_ZERO_ERROR;
    UScriptCode script = USCRIPT_INVALID_CODE;
    uscript_getCode(traits.script.c_str(), &script, 1, &status);
    if (U_FAILURE(status) || script <= USCRIPT_INHERITED)
      throw std::invalid_argument{"unknown script '" + traits.script + "'; use ISO 15924, as Latn"};
    std::vector<int> scripts{script};
    for (const std::string& word : traits.function_words) {
      std::pmr::monotonic_buffer_resource memory;
      auto& known = words_.try_emplace(std::string{folded(word, memory)}, Word{words_.size(), {}})
                        .first->second.languages;
      if (known.empty() || known.back() != languages_.size()) known.push_back(languages_.size());
      const UScriptCode written = script_of_text(word, memory);
      if (std::find(scripts.begin(), scripts.end(), written) == scripts.end())
        scripts.push_back(written);
    }
    languages_.push_back({traits.tag, std::move(scripts), traits.markers, traits.unless});
  }
}

// What a text tells of its language.
struct LanguageGuess::Ranking {
  bool too_short{};        // too few words to tell
  bool sure{};             // its script or its letters tell; then only `first` is filled
  std::string_view first;  // by the words of the text; empty where it has none of any language
  std::string_view second;
  std::size_t first_hits{};
  std::size_t second_hits{};
};

LanguageGuess::Ranking LanguageGuess::rank(std::string_view utf8,
                                           std::span<const std::string_view> words,
                                           std::pmr::memory_resource& memory) const {
  Ranking ranking;
  const UScriptCode script = script_of_text(utf8, memory);
  ranking.too_short = words.size() < fewest_words && uscript_breaksBetweenLetters(script) == 0;

  // By script and marker letters, if they leave one language.
  const auto letters = letters_beyond_ascii(utf8, memory);
  const auto has_one_of = [&](const std::u32string& wanted) {
    return letters.find_first_of(wanted) != letters.npos;
  };
  const Language* by_script = nullptr;
  const Language* by_letters = nullptr;
  std::size_t of_script = 0;
  std::size_t of_letters = 0;
  for (const Language& language : languages_) {
    if (std::find(language.scripts.begin(), language.scripts.end(), script) ==
        language.scripts.end())
      continue;
    by_script = &language;
    ++of_script;
    if (!has_one_of(language.markers) || has_one_of(language.unless)) continue;
    by_letters = &language;
    ++of_letters;
  }
  if (of_script == 0) return ranking;
  if (of_script == 1 || of_letters == 1) {
    ranking.sure = true;
    ranking.first = of_script == 1 ? by_script->tag : by_letters->tag;
    return ranking;
  }

  // By function words; one that two languages share counts for both, and one that comes again
  // counts once.
  std::pmr::vector<std::size_t> hits(languages_.size(), &memory);
  std::pmr::vector<char> counted(words_.size(), 0, &memory);
  for (const std::string_view word : words) {
    const auto entry = words_.find(word);
    if (entry == words_.end() || std::exchange(counted[entry->second.number], 1) != 0) continue;
    for (const auto language : entry->second.languages) ++hits[language];
  }
  const auto take_best = [&](std::string_view& tag, std::size_t& count) {
    const auto best = std::max_element(hits.begin(), hits.end());
    if (*best == 0) return;
    tag = languages_[static_cast<std::size_t>(best - hits.begin())].tag;
    count = std::exchange(*best, 0);
  };
  take_best(ranking.first, ranking.first_hits);
  take_best(ranking.second, ranking.second_hits);
  return ranking;
}

LanguageGuess::Languages LanguageGuess::languages(std::string_view utf8,
                                                  std::string_view channel_language,
                                                  std::pmr::memory_resource& memory) const {
  return languages(utf8, tokens(utf8, memory), channel_language, memory);
}

LanguageGuess::Languages LanguageGuess::languages(std::string_view utf8,
                                                  std::span<const std::string_view> words,
                                                  std::string_view channel_language,
                                                  std::pmr::memory_resource& memory) const {
  const auto ranking = rank(utf8, words, memory);
  if (!ranking.sure && ranking.first_hits < fewest_hits) return {channel_language, {}};
  const bool leads =
      ranking.first_hits >= fewest_hits && ranking.first_hits >= ranking.second_hits + margin;
  const bool tells = !ranking.too_short && (ranking.sure || leads);
  return {tells ? ranking.first : channel_language,
          {ranking.first, ranking.second.empty() ? channel_language : ranking.second}};
}

std::string_view LanguageGuess::guess(std::string_view utf8, std::string_view channel_language,
                                      std::pmr::memory_resource& memory) const {
  return languages(utf8, channel_language, memory).guess;
}

}  // namespace ishara::i18n
