#pragma once
// In which language to answer (conversation.md 1.4, steps 3 to 5): by script, by letters that only
// one language has, by function words; else the channel's language.
// Immutable once built, so threads may share it.

#include <array>
#include <cstddef>
#include <functional>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ishara::i18n {

// What a pack tells about texts in its language.
struct LanguageTraits {
  std::string tag;     // BCP 47: "rw", "ur-Latn"
  std::string script;  // ISO 15924: "Latn"
  // In any form; folded here. Those in another script than the language's own are for texts that
  // people write so: Arabic in Latin letters, Uzbek in Cyrillic ones.
  std::vector<std::string> function_words;
  std::u32string markers;  // lower-case letters that speak for this language ...
  std::u32string unless;   // ... unless the text has one of these
};

class LanguageGuess {
 public:
  // An unknown script code throws std::invalid_argument: a pack is wrong, at start-up.
  explicit LanguageGuess(const std::vector<LanguageTraits>& languages);

  // The tag of the language of `utf8`, or `channel_language` if the text does not decide: fewer
  // than three words (in scripts that write spaces), no known script, or no clear lead. The view
  // lives as long as this object and `channel_language`. All scratch is in `memory`, as in
  // normalise.hpp.
  std::string_view guess(std::string_view utf8, std::string_view channel_language,
                         std::pmr::memory_resource& memory) const;

  struct Languages {
    std::string_view guess;  // as above
    // The likelier first, then the other or the channel's; both empty if the text tells nothing.
    std::array<std::string_view, 2> likely;
  };
  // The guess, and the two languages that the text is most likely in.
  Languages languages(std::string_view utf8, std::string_view channel_language,
                      std::pmr::memory_resource& memory) const;
  // The same for whoever has the words of the text (`tokens(utf8)`) already.
  Languages languages(std::string_view utf8, std::span<const std::string_view> words,
                      std::string_view channel_language, std::pmr::memory_resource& memory) const;

 private:
  struct Ranking;
  Ranking rank(std::string_view utf8, std::span<const std::string_view> words,
               std::pmr::memory_resource& memory) const;

  struct Language {
    std::string tag;
    std::vector<int> scripts;  // ICU's UScriptCode: its own, then those of its function words
    std::u32string markers;
    std::u32string unless;
  };
  // Lets a word be looked up where it stands in a text.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const noexcept {
      return std::hash<std::string_view>{}(word);
    }
  };
  struct Word {
    std::size_t number;                  // from 0 on
    std::vector<std::size_t> languages;  // indices into languages_, each once
  };
  std::vector<Language> languages_;
  std::unordered_map<std::string, Word, Hash, std::equal_to<>> words_;  // by their folded forms
};

}  // namespace ishara::i18n
