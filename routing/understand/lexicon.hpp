#pragma once
// The lexicons of all languages of the deployment, compiled once into an index, so that the cost of
// a text hardly depends on the number of patterns. Immutable once built; safe to read from many
// threads.
//
// A pattern is words in order with at most one other word between two of them; `a|b` are
// alternatives for one word, `x*` is a stem, `*x` or `*x*` stands anywhere in a word, `#` is a
// number from 4 to 17 (an age) and `#yr*` one written together with a word. Sides joined by ` + `
// stand within 10 words of each other in any order. `@men` stands for the alternatives of the entry
// en.set.men of code SET above it, so that a word that many patterns share is mended once.
//
// A token also counts as what it may have been meant for (conversation.md 4.3, 4.4): without the
// proclitics of Arabic, with letters for the digits that look like them, with single letters for
// double ones, and, where nothing else fits, as a pattern's word with one letter or two wrong.
// Uzbek patterns are written in Latin letters and match Cyrillic texts too.

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "routing/model/category.hpp"
#include "routing/model/tags.hpp"
#include "routing/pack/pack_file.hpp"
#include "routing/understand/name_trie.hpp"

namespace ishara::routing {

// What an entry does when it is found; the third column of lexicon.tsv.
enum class Role : std::uint8_t {
  category,  // a category code: adds its weight to that category (NON: to ordinary talk)
  urgency,   // URG: adds its weight to the urgency; is never negated
  tag,       // TAG: sets the tags of its flags and nothing else
  negator,   // NOT: takes the weight of what follows within three words
  damper,    // DAMP: the text is about a film, a match, a joke
  idiom,     // IDIOM: takes the weight of the words that it is made of
  advert,    // ADVERT: a word of promotion texts
  courtesy,  // GREET: a word of greetings
  locative,  // AT: the name after it is where something is
  movement,  // TO: the name after it is a destination
  set,       // SET: no entry; the words of its pattern, for the patterns below it
};

struct Entry {
  std::string id;
  std::uint8_t language{};  // index into Lexicon::languages()
  Role role{};
  Category category{Category::unclassified};  // for Role::category
  int weight{};
  Tags tags;
  bool injury{};    // a cue of injury, weapon or killing
  bool now{};       // a cue of something that happens now
  bool soon{};      // a cue of something within days
  bool directed{};  // a locative that also stands after verbs of movement ("i Kigali")
  bool after{};     // a locative or movement that stands behind the name, too ("Lahore mein")
};

// An entry found at certain tokens of a text, in ascending order.
struct Hit {
  static constexpr std::size_t most_words = 12;

  std::uint32_t entry{};
  std::uint8_t words{};
  bool joined{};           // its pattern has more than one side
  bool fuzzy{};            // some word of it was misspelt
  std::uint16_t inside{};  // bytes before the pattern's first word within its token
  std::array<std::uint16_t, most_words> positions{};

  std::uint16_t begin() const noexcept { return positions[0]; }
  std::uint16_t end() const noexcept {
    return static_cast<std::uint16_t>(positions[words - 1U] + 1);
  }
};

class Lexicon {
 public:
  // Only so many tokens of a text are looked at; the longest SMS has far fewer.
  static constexpr std::size_t most_tokens = 4096;

  const Entry& entry(std::uint32_t index) const noexcept { return entries_[index]; }
  std::size_t size() const noexcept { return entries_.size(); }
  std::span<const std::string> languages() const noexcept { return languages_; }

  // Languages as bits: bit n is languages()[n].
  using Languages = std::uint32_t;
  // The bits of those tags that have a lexicon.
  Languages languages_of(std::span<const std::string_view> tags) const noexcept;

  // Every place where a pattern is found, patterns within longer ones included, ordered by first
  // token, then entry. `tokens` are folded (i18n/normalise.hpp), at most `most_tokens`. Words of
  // up to 3 letters and parts of words of up to 5 are found only in the languages of `likely`,
  // unless it is 0; misspelt words only in those of `spelt`.
  std::pmr::vector<Hit> find(std::span<const std::string_view> tokens,
                             std::pmr::memory_resource& memory, Languages likely = 0,
                             Languages spelt = 0) const;

  // What `word` (folded) would be found as though it is misspelt in `language`: ids of the entries,
  // in ascending order; the words of common_words.tsv are not excepted.
  std::vector<std::string_view> misspelt(std::string_view word, std::string_view language) const;
  // The words of common_words.tsv, each with its language.
  std::vector<std::pair<std::string_view, std::string_view>> common_words() const;

  // Builds it from the files named <language>/lexicon.tsv and <language>/common_words.tsv (words
  // that are never taken for misspelt ones); other files are not looked at. Every mistake is added
  // to `mistakes`.
  static Lexicon build(std::span<const PackFile> files, std::vector<Mistake>& mistakes);

 private:
  friend class LexiconBuilder;

  using AtomId = std::uint32_t;
  static constexpr AtomId no_atom = ~AtomId{0};
  using AtomSet = std::uint64_t;                         // several atoms share a bit
  static constexpr AtomSet anything = AtomSet{1} << 63;  // no atom has this bit
  struct Atom {
    AtomId id{};
    std::uint16_t offset{};               // where in the token it was found
    bool fuzzy{};                         // the token was misspelt
    Languages languages = ~Languages{0};  // of which patterns it may be a word
  };
  // A word or stem of patterns, to be compared letter by letter.
  struct Letters {
    std::uint64_t set{};   // of its letters, 6 bits of each
    std::uint32_t text{};  // where it begins in spelt_
    AtomId id{};
    std::uint8_t size{};
    std::uint8_t most_wrong{};
    bool stem{};
  };
  struct Age {
    std::string suffix;
    bool stem{};
    AtomId id{};
  };
  struct Infix {
    std::string letters;
    AtomId id{};
  };
  // Of the letters of words and stems, a byte at each step. The nodes that follow one node lie
  // beside each other, in ascending order of their bytes.
  struct Node {
    std::uint32_t first_next{};
    std::uint16_t next{};
    AtomId word{no_atom};  // that ends here
    AtomId stem{no_atom};
  };
  // One side of a pattern: items_[first_item, first_item + items), each a sorted range of atoms.
  struct Side {
    std::uint32_t entry{};
    std::uint32_t first_item{};
    std::uint8_t items{};
    std::uint8_t number{};  // which side of its pattern
    std::uint8_t language{};
    bool may_be_misspelt{};
  };
  // A side that may begin with a certain atom, with what tells fastest that it does not stand here.
  struct Start {
    AtomSet second{};  // the atoms of its second word; `anything` if it has none
    std::uint32_t side{};
    std::uint8_t language{};
    bool may_be_misspelt{};
  };
  struct Item {
    std::uint32_t first_atom{};
    std::uint32_t atoms{};
  };
  struct Pattern {
    std::uint32_t first_side{};
    std::uint8_t sides{};
  };
  struct Found;  // one side, found in a text

  static constexpr AtomSet bit_of(AtomId id) noexcept { return AtomSet{1} << (id % 63U); }
  static std::size_t infix_start(std::string_view text) noexcept;

  void exact_atoms_of(std::string_view token, Languages all, Languages likely,
                      std::pmr::vector<Atom>& atoms) const;
  void fuzzy_atoms_of(std::u32string_view token, std::uint8_t language,
                      std::pmr::vector<Atom>& atoms) const;
  void atoms_of(std::string_view token, Languages likely, Languages spelt,
                std::pmr::vector<Atom>& atoms) const;

  std::vector<Entry> entries_;
  std::vector<Pattern> patterns_;  // one an entry
  std::vector<std::string> languages_;
  std::vector<Side> sides_;
  std::vector<Item> items_;
  std::vector<AtomId> item_atoms_;

  std::vector<Node> nodes_;  // of words and stems; the first is where all begin
  std::vector<char> bytes_;  // by which each node is reached
  std::vector<std::unordered_map<char32_t, std::vector<Letters>>> spelling_;  // by language, letter
  std::u32string spelt_;  // the letters of all of them
  std::unordered_map<std::string, Languages, ViewHash, std::equal_to<>> common_;
  std::unordered_map<std::uint32_t, std::vector<Infix>> infixes_;  // by their first three bytes
  std::bitset<1U << 14> infix_starts_;  // their first three bytes, several a bit
  std::vector<Age> ages_;
  std::vector<Start> starts_;  // of each atom those from starts_of_[atom] to starts_of_[atom + 1]
  std::vector<std::uint32_t> starts_of_;
  Languages arabic_{};
};

}  // namespace ishara::routing
