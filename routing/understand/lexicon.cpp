#include "routing/understand/lexicon.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "i18n/normalise.hpp"
#include "i18n/utf8.hpp"
#include "i18n/uzbek.hpp"
#include "routing/pack/rows.hpp"

namespace ishara::routing {
namespace {

constexpr std::size_t most_sides = 4;
constexpr std::size_t longest_word = 60;   // bytes of one word of a pattern
constexpr std::size_t joined_within = 10;  // tokens that a pattern with several sides may span
constexpr std::size_t infix_key = 3;       // bytes by which infixes are indexed
constexpr std::size_t most_languages = 32;
constexpr std::size_t short_word = 3;      // letters; in most languages it is some other word
constexpr std::size_t short_part = 5;      // the same, of a part of a word
constexpr std::size_t longest_spelt = 24;  // letters of a word that is looked for misspelt

constexpr std::array<std::pair<std::string_view, Role>, 10> role_names{{
    {"URG", Role::urgency},
    {"TAG", Role::tag},
    {"NOT", Role::negator},
    {"DAMP", Role::damper},
    {"IDIOM", Role::idiom},
    {"ADVERT", Role::advert},
    {"GREET", Role::courtesy},
    {"AT", Role::locative},
    {"TO", Role::movement},
    {"SET", Role::set},
}};

std::uint32_t first_bytes(std::string_view text) noexcept {
  return (std::uint32_t{static_cast<unsigned char>(text[0])} << 16) |
         (std::uint32_t{static_cast<unsigned char>(text[1])} << 8) |
         static_cast<unsigned char>(text[2]);
}

std::size_t letters(std::string_view utf8) noexcept {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    const auto part = text.substr(0, end);
    if (!part.empty()) parts.push_back(part);
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + separator.size());
  }
}

std::u32string code_points(std::string_view utf8) {
  std::u32string out;
  while (!utf8.empty()) {
    const auto next = i18n::first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    out += next.value;
  }
  return out;
}

constexpr bool is_arabic(char32_t letter) noexcept { return letter >= 0x600 && letter < 0x700; }

std::uint64_t set_of(std::u32string_view letters) noexcept {
  std::uint64_t set = 0;
  for (const auto letter : letters) set |= std::uint64_t{1} << (letter & 63);
  return set;
}

// Whether more than `most` bits are set; `most` is small, and x86-64 at its least has no
// instruction that counts bits.
bool has_more_than(std::size_t most, std::uint64_t bits) noexcept {
  for (; most > 0; --most) bits &= bits - 1;
  return bits != 0;
}

// How many letters of a word of this length may be wrong. Arabic writes few of its vowels, so that
// most words have neighbours; a stem has more of them than a word.
std::size_t most_wrong(std::u32string_view text, bool stem) noexcept {
  const std::size_t least = is_arabic(text.front()) || stem ? 6 : 5;
  if (text.size() < least) return 0;
  return text.size() >= 8 && !stem && !is_arabic(text.front()) ? 2 : 1;
}

// True if `token` becomes `text` (a stem: begins so) by at most `most` letters put in, left out,
// changed or swapped with their neighbours.
bool is_near(std::u32string_view token, std::u32string_view text, bool stem, std::size_t most) {
  using RowOfCosts = std::array<std::uint8_t, longest_spelt + 1>;
  std::array<RowOfCosts, 3> rows{};
  for (std::size_t j = 0; j <= token.size(); ++j) rows[0][j] = static_cast<std::uint8_t>(j);
  for (std::size_t i = 1; i <= text.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& before = rows[(i + 1) % 3];
    row[0] = static_cast<std::uint8_t>(i);
    auto least = row[0];
    for (std::size_t j = 1; j <= token.size(); ++j) {
      const bool same = text[i - 1] == token[j - 1];
      auto cost = std::min<unsigned>(above[j - 1] + (same ? 0U : 1U),
                                     std::min<unsigned>(above[j], row[j - 1]) + 1U);
      if (i > 1 && j > 1 && text[i - 1] == token[j - 2] && text[i - 2] == token[j - 1])
        cost = std::min<unsigned>(cost, before[j - 2] + 1U);
      row[j] = static_cast<std::uint8_t>(cost);
      least = std::min(least, row[j]);
    }
    if (least > most) return false;
  }
  const auto& last = rows[text.size() % 3];
  return stem ? *std::min_element(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(
                                                                   token.size() + 1)) <= most
              : last[token.size()] <= most;
}

// What stands before a word in Arabic without a space: and, in, for, like, the, and will.
constexpr std::array<std::string_view, 16> proclitics{
    "وال", "فال", "بال", "کال", "لل", "ال", "وه", "وب", "ول", "وم", "و", "ف", "ب", "ل", "ه", "ک"};

// Roles whose words people must spell right to be understood so.
constexpr bool may_be_misspelt(Role role) noexcept {
  return role == Role::category || role == Role::urgency || role == Role::tag ||
         role == Role::courtesy || role == Role::advert;
}

// The folder in which a language's lexicon lies is its tag.
std::string_view folder_of(std::string_view name) noexcept {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : base_name(name.substr(0, slash));
}

}  // namespace

class LexiconBuilder {
 public:
  LexiconBuilder(Lexicon& lexicon, std::vector<Mistake>& mistakes)
      : lexicon_{lexicon}, mistakes_{mistakes} {}

  void add(const PackFile& file) {
    enum : std::size_t { id, lang, kind, pattern, weight, flags, confidence, source };
    const auto tag = folder_of(file.name);
    const auto language = lexicon_.languages_.size();
    if (tag.empty() || language >= most_languages) {
      mistakes_.push_back({std::string{file.name},
                           0,
                           0,
                           "a lexicon lies in the folder of its language, as in en/lexicon.tsv",
                           {}});
      return;
    }
    lexicon_.languages_.emplace_back(tag);
    for (const auto& row : read_rows(file,
                                     {{"id"},
                                      {"lang"},
                                      {"code"},
                                      {"pattern"},
                                      {"weight"},
                                      {"flags", Must::no},
                                      {"confidence"},
                                      {"source"}},
                                     mistakes_)) {
      const auto before = mistakes_.size();
      Entry entry;
      entry.id = row[id].text;
      entry.language = static_cast<std::uint8_t>(language);
      if (!entry.id.starts_with(std::string{tag} + ".") || entry.id.size() == tag.size() + 1) {
        complain(mistakes_, file, row[id],
                 "an id begins with the language and a dot: " + std::string{tag} + ".sex.001");
      } else if (!ids_.insert({entry.id, 0}).second) {
        complain(mistakes_, file, row[id], "the id '" + entry.id + "' is already used");
      }
      if (row[lang].text != tag) {
        complain(mistakes_, file, row[lang],
                 "the language must be the folder's, '" + std::string{tag} + "'", std::string{tag});
      }
      read_code(file, row[kind], entry);
      read_weight(file, row[weight], entry);
      read_flags(file, row[flags], entry);
      if (const auto& text = row[confidence].text;
          text != "high" && text != "medium" && text != "low") {
        static constexpr std::array<std::string_view, 3> levels{"high", "medium", "low"};
        complain(mistakes_, file, row[confidence], "confidence is high, medium or low",
                 closest(text, levels));
      }
      if (entry.role == Role::set) {
        read_set(file, row[pattern], entry);
      } else {
        read_pattern(file, row[pattern], row[kind].text, std::move(entry), before);
      }
    }
  }

  void add_common_words(const PackFile& file) {
    const auto& languages = lexicon_.languages_;
    const auto known = std::find(languages.begin(), languages.end(), folder_of(file.name));
    if (known == languages.end()) {
      mistakes_.push_back({std::string{file.name}, 0, 0, "there is no lexicon.tsv beside it", {}});
      return;
    }
    const auto bit = Lexicon::Languages{1} << (known - languages.begin());
    for (const auto& row : read_rows(file, {{"word"}}, mistakes_)) {
      std::pmr::monotonic_buffer_resource memory;
      const auto tokens = i18n::tokens(row[0].text, memory);
      if (tokens.size() == 1) {
        lexicon_.common_[std::string{tokens.front()}] |= bit;
      } else {
        complain(mistakes_, file, row[0], "'" + row[0].text + "' is not one word");
      }
    }
  }

  // Sorts what the search needs sorted and forgets what only the building needed.
  void finish() {
    for (const auto& item : lexicon_.items_) {
      const auto first = lexicon_.item_atoms_.begin() + item.first_atom;
      std::sort(first, first + item.atoms);
    }
    index_starts();
    index_letters();
    for (const auto& [start, same] : lexicon_.infixes_)
      lexicon_.infix_starts_.set(Lexicon::infix_start(same.front().letters));
    lexicon_.arabic_ = lexicon_.languages_of(std::array{std::string_view{"ar"}});
  }

 private:
  using AtomId = Lexicon::AtomId;

  std::span<const AtomId> atoms_of(const Lexicon::Item& item) const noexcept {
    return std::span{lexicon_.item_atoms_}.subspan(item.first_atom, item.atoms);
  }

  // Lists for each atom the sides that begin with it.
  void index_starts() {
    auto& of = lexicon_.starts_of_;
    of.assign(atoms_ + std::size_t{1}, 0);
    const auto each_start = [&](auto use) {
      for (std::uint32_t side = 0; side < lexicon_.sides_.size(); ++side) {
        for (const auto atom : atoms_of(lexicon_.items_[lexicon_.sides_[side].first_item]))
          use(side, atom);
      }
    };
    each_start([&](std::uint32_t, AtomId atom) { ++of[atom + 1]; });
    for (std::size_t atom = 1; atom < of.size(); ++atom) of[atom] += of[atom - 1];
    lexicon_.starts_.resize(of.back());
    auto next = of;
    each_start([&](std::uint32_t number, AtomId atom) {
      const auto& side = lexicon_.sides_[number];
      Lexicon::AtomSet second = side.items > 1 ? 0 : Lexicon::anything;
      if (side.items > 1) {
        for (const auto other : atoms_of(lexicon_.items_[side.first_item + 1]))
          second |= Lexicon::bit_of(other);
      }
      lexicon_.starts_[next[atom]++] = {second, number, side.language, side.may_be_misspelt};
    });
  }

  // Makes the nodes of words and stems, those of fewer letters first.
  void index_letters() {
    struct Ending {
      std::string_view letters;
      AtomId word;
      AtomId stem;
    };
    std::vector<Ending> all;
    for (const auto& [word, atom] : words_) all.push_back({word, atom, Lexicon::no_atom});
    for (const auto& [stem, atom] : stems_) all.push_back({stem, Lexicon::no_atom, atom});
    std::sort(all.begin(), all.end(),
              [](const Ending& a, const Ending& b) { return a.letters < b.letters; });
    auto& nodes = lexicon_.nodes_;
    struct Range {
      std::size_t begin;
      std::size_t end;
      std::size_t length;  // of what all of them begin with
    };
    std::vector<Range> ranges{{0, all.size(), 0}};  // of each node
    nodes.emplace_back();
    lexicon_.bytes_.push_back('\0');
    for (std::size_t node = 0; node < nodes.size(); ++node) {
      auto [begin, end, length] = ranges[node];
      for (; begin < end && all[begin].letters.size() == length; ++begin) {
        nodes[node].word = std::min(nodes[node].word, all[begin].word);
        nodes[node].stem = std::min(nodes[node].stem, all[begin].stem);
      }
      nodes[node].first_next = static_cast<std::uint32_t>(nodes.size());
      while (begin < end) {
        const auto first = begin;
        const char byte = all[first].letters[length];
        while (begin < end && all[begin].letters[length] == byte) ++begin;
        ranges.push_back({first, begin, length + 1});
        nodes.emplace_back();
        lexicon_.bytes_.push_back(byte);
        ++nodes[node].next;
      }
    }
  }

  void read_code(const PackFile& file, const Cell& cell, Entry& entry) {
    for (const auto& [text, role] : role_names) {
      if (cell.text == text) {
        entry.role = role;
        return;
      }
    }
    const auto category = category_from_code(cell.text);
    if (category && *category != Category::unclassified) {
      entry.role = Role::category;
      entry.category = *category;
      return;
    }
    std::vector<std::string_view> known;
    for (const auto& [text, role] : role_names) known.push_back(text);
    known.insert(known.end(), category_codes.begin(), category_codes.end() - 2);
    known.emplace_back("NON");
    complain(mistakes_, file, cell, "'" + cell.text + "' is no code of a lexicon",
             closest(cell.text, known));
  }

  void read_weight(const PackFile& file, const Cell& cell, Entry& entry) {
    if (cell.text.size() == 1 && cell.text[0] >= '0' && cell.text[0] <= '4') {
      entry.weight = cell.text[0] - '0';
    } else {
      complain(mistakes_, file, cell, "a weight is 0 to 4");
      return;
    }
    const bool weighs = entry.role == Role::category || entry.role == Role::urgency;
    if (weighs != (entry.weight > 0)) {
      complain(mistakes_, file, cell,
               weighs ? "a category or URG entry weighs 1 to 4" : "an entry of this code weighs 0",
               weighs ? "1" : "0");
    }
  }

  void read_flags(const PackFile& file, const Cell& cell, Entry& entry) {
    const auto before = mistakes_.size();
    for (const auto flag : split(cell.text, ",")) {
      if (const auto tag = tag_from_name(flag)) {
        entry.tags.set(*tag);
      } else if (flag == "injury") {
        entry.injury = true;
      } else if (flag == "now") {
        entry.now = true;
      } else if (flag == "soon") {
        entry.soon = true;
      } else if (flag == "directed") {
        entry.directed = true;
      } else if (flag == "after") {
        entry.after = true;
      } else {
        std::vector<std::string_view> known{tag_names.begin(), tag_names.end()};
        known.insert(known.end(), {"injury", "now", "soon", "directed", "after"});
        complain(mistakes_, file, cell,
                 "'" + std::string{flag} +
                     "' is no flag (separate flags by "
                     "commas alone)",
                 closest(flag, known));
      }
    }
    if (entry.role == Role::tag && entry.tags == Tags{} && mistakes_.size() == before) {
      complain(mistakes_, file, cell, "a TAG entry needs a tag among its flags");
    }
  }

  // The alternatives of a set, for the patterns below it.
  void read_set(const PackFile& file, const Cell& cell, const Entry& entry) {
    if (!entry.id.starts_with(lexicon_.languages_[entry.language] + ".set.")) {
      complain(mistakes_, file, cell, "the id of a set is like en.set.men");
      return;
    }
    auto& atoms = sets_[entry.id];
    for (const auto alternative : split(cell.text, "|"))
      read_alternative(file, cell, alternative, entry.language, true, atoms);
  }

  // Adds to `atoms` what an alternative of a pattern's word stands for.
  void read_alternative(const PackFile& file, const Cell& cell, std::string_view alternative,
                        std::uint8_t language, bool joined, std::vector<AtomId>& atoms) {
    const auto& tag = lexicon_.languages_[language];
    if (alternative.starts_with('@')) {
      const auto set = sets_.find(tag + ".set." + std::string{alternative.substr(1)});
      if (set != sets_.end()) {
        atoms.insert(atoms.end(), set->second.begin(), set->second.end());
      } else {
        complain(mistakes_, file, cell,
                 "there is no set '" + std::string{alternative} + "' above this row");
      }
      return;
    }
    const auto add = [&](std::string_view word) {
      if (const auto atom = read_word(file, cell, word, language, joined)) atoms.push_back(*atom);
    };
    add(alternative);
    if (tag == "uz") {
      if (const auto cyrillic = i18n::uzbek_in_cyrillic(alternative); cyrillic != alternative) {
        add(cyrillic);
        if (const auto typed = i18n::uzbek_on_russian_keyboard(cyrillic); typed != cyrillic)
          add(typed);
      }
    }
  }

  // Reads the pattern and, if nothing of the row was wrong, adds the entry.
  void read_pattern(const PackFile& file, const Cell& cell, const std::string& code, Entry entry,
                    std::size_t mistakes_before) {
    const auto sides = split(cell.text, " + ");
    std::vector<std::vector<std::vector<AtomId>>> parsed;
    std::size_t words = 0;
    if (sides.empty() || sides.size() > most_sides) {
      complain(mistakes_, file, cell, "a pattern has 1 to 4 sides, joined by ' + '");
    }
    for (const auto side : sides) {
      auto& items = parsed.emplace_back();
      for (const auto item : split(side, " ")) {
        auto& atoms = items.emplace_back();
        const auto alternatives = split(item, "|");
        for (const auto alternative : alternatives) {
          read_alternative(file, cell, alternative, entry.language, sides.size() > 1, atoms);
        }
        if (alternatives.empty()) complain(mistakes_, file, cell, "'|' stands between two words");
        ++words;
      }
      if (items.empty()) complain(mistakes_, file, cell, "' + ' stands between two words");
    }
    if (words > Hit::most_words) complain(mistakes_, file, cell, "a pattern has at most 12 words");
    const auto key = std::to_string(entry.language) + " " + code + " " + cell.text;
    if (const auto [same, is_new] = patterns_.try_emplace(key, entry.id); !is_new) {
      complain(mistakes_, file, cell, "the entry '" + same->second + "' has the same pattern");
    }
    if (mistakes_.size() != mistakes_before) return;

    const auto index = static_cast<std::uint32_t>(lexicon_.entries_.size());
    lexicon_.patterns_.push_back({static_cast<std::uint32_t>(lexicon_.sides_.size()),
                                  static_cast<std::uint8_t>(parsed.size())});
    std::uint8_t number = 0;
    for (const auto& side : parsed) {
      lexicon_.sides_.push_back({index, static_cast<std::uint32_t>(lexicon_.items_.size()),
                                 static_cast<std::uint8_t>(side.size()), number++, entry.language,
                                 may_be_misspelt(entry.role)});
      for (const auto& item : side) {
        lexicon_.items_.push_back({static_cast<std::uint32_t>(lexicon_.item_atoms_.size()),
                                   static_cast<std::uint32_t>(item.size())});
        lexicon_.item_atoms_.insert(lexicon_.item_atoms_.end(), item.begin(), item.end());
      }
    }
    lexicon_.entries_.push_back(std::move(entry));
  }

  std::optional<AtomId> read_word(const PackFile& file, const Cell& cell, std::string_view written,
                                  std::uint8_t language, bool joined) {
    auto word = written;
    const bool age = word.starts_with('#');
    const bool infix = word.starts_with('*');
    if (age || infix) word.remove_prefix(1);
    const bool stem = word.ends_with('*');
    if (stem) word.remove_suffix(1);
    const auto wrong = [&](const std::string& message) -> std::optional<AtomId> {
      complain(mistakes_, file, cell, "'" + std::string{written} + "': " + message);
      return std::nullopt;
    };

    std::string folded;
    if (!(age && word.empty() && !stem)) {
      std::pmr::monotonic_buffer_resource memory;
      const auto tokens = i18n::tokens(word, memory);
      const bool has_sign = word.find_first_of("*#") != std::string_view::npos;
      if (tokens.size() != 1 || has_sign) return wrong("is not one word, a stem* or a *part*");
      folded = tokens.front();
    }
    if (folded.size() > longest_word) return wrong("is too long for a word");
    if (age) {
      const auto same = std::find_if(
          lexicon_.ages_.begin(), lexicon_.ages_.end(),
          [&](const Lexicon::Age& other) { return other.suffix == folded && other.stem == stem; });
      if (same != lexicon_.ages_.end()) return same->id;
      lexicon_.ages_.push_back({folded, stem, atoms_});
      return atoms_++;
    }
    if (infix) {
      const std::size_t least = joined ? 3 : 4;
      if (letters(folded) < least || folded.size() < infix_key) {
        return wrong("a part of a word needs " + std::to_string(least) +
                     " letters here, or it is found everywhere");
      }
      auto& same_start = lexicon_.infixes_[first_bytes(folded)];
      for (const auto& other : same_start) {
        if (other.letters == folded) return other.id;
      }
      same_start.push_back({folded, atoms_});
      return atoms_++;
    }
    if (stem && letters(folded) < 2) return wrong("a stem needs 2 letters");
    auto& atoms = stem ? stems_ : words_;
    const auto [found, is_new] = atoms.try_emplace(folded, atoms_);
    if (is_new) ++atoms_;
    add_spelling(folded, found->second, stem, language);
    return found->second;
  }

  // Lets the word be found misspelt.
  void add_spelling(const std::string& folded, AtomId id, bool stem, std::uint8_t language) {
    const auto text = code_points(folded);
    if (most_wrong(text, stem) == 0 || text.size() > longest_spelt) return;
    if (lexicon_.spelling_.size() <= language) lexicon_.spelling_.resize(language + std::size_t{1});
    auto& same_letter = lexicon_.spelling_[language][text.front()];
    if (std::any_of(same_letter.begin(), same_letter.end(),
                    [&](const Lexicon::Letters& other) { return other.id == id; }))
      return;
    same_letter.push_back({set_of(text), static_cast<std::uint32_t>(lexicon_.spelt_.size()), id,
                           static_cast<std::uint8_t>(text.size()),
                           static_cast<std::uint8_t>(most_wrong(text, stem)), stem});
    lexicon_.spelt_ += text;
  }

  Lexicon& lexicon_;
  std::vector<Mistake>& mistakes_;
  std::map<std::string, std::vector<AtomId>, std::less<>> sets_;  // by their ids
  std::map<std::string, int, std::less<>> ids_;
  std::unordered_map<std::string, AtomId> words_;
  std::unordered_map<std::string, AtomId> stems_;
  std::map<std::string, std::string> patterns_;  // language, code and pattern to the entry's id
  AtomId atoms_{0};
};

Lexicon Lexicon::build(std::span<const PackFile> files, std::vector<Mistake>& mistakes) {
  Lexicon lexicon;
  LexiconBuilder builder{lexicon, mistakes};
  for (const auto& file : files) {
    if (base_name(file.name) == "lexicon.tsv") builder.add(file);
  }
  for (const auto& file : files) {
    if (base_name(file.name) == "common_words.tsv") builder.add_common_words(file);
  }
  builder.finish();
  return lexicon;
}

Lexicon::Languages Lexicon::languages_of(std::span<const std::string_view> tags) const noexcept {
  Languages bits = 0;
  for (std::size_t i = 0; i < languages_.size(); ++i) {
    if (std::find(tags.begin(), tags.end(), languages_[i]) != tags.end()) bits |= Languages{1} << i;
  }
  return bits;
}

std::size_t Lexicon::infix_start(std::string_view text) noexcept {
  return (first_bytes(text) * 0x9E3779B1U) >> 18U;
}

// The atoms that the token is, letter by letter, for patterns of the languages `all`; short ones
// only for those of `likely`.
void Lexicon::exact_atoms_of(std::string_view token, Languages all, Languages likely,
                             std::pmr::vector<Atom>& atoms) const {
  const auto first = atoms.size();
  const auto languages = [&](std::string_view found, std::size_t too_short = short_word) {
    return letters(found) <= too_short ? all & likely : all;
  };
  std::size_t length = 0;
  for (const auto* node = nodes_.data();;) {
    if (node->stem != no_atom)
      atoms.push_back({node->stem, 0, false, languages(token.substr(0, length))});
    if (length == token.size()) {
      // The word itself comes before its stems.
      if (node->word != no_atom) {
        atoms.insert(atoms.begin() + static_cast<std::ptrdiff_t>(first),
                     Atom{node->word, 0, false, languages(token)});
      }
      break;
    }
    const auto next = std::string_view{bytes_.data() + node->first_next, node->next};
    const auto found = next.find(token[length++]);
    if (found == std::string_view::npos) break;
    node = &nodes_[node->first_next + found];
  }
  for (std::size_t at = 0; at + infix_key <= token.size(); ++at) {
    if (!infix_starts_.test(infix_start(token.substr(at)))) continue;
    const auto same_start = infixes_.find(first_bytes(token.substr(at)));
    if (same_start == infixes_.end()) continue;
    for (const auto& infix : same_start->second) {
      if (!token.substr(at).starts_with(infix.letters)) continue;
      const bool seen = std::any_of(atoms.begin() + static_cast<std::ptrdiff_t>(first), atoms.end(),
                                    [&](const Atom& atom) { return atom.id == infix.id; });
      if (!seen) {
        atoms.push_back({infix.id, static_cast<std::uint16_t>(std::min<std::size_t>(at, 65535)),
                         false, languages(infix.letters, short_part)});
      }
    }
  }
}

void Lexicon::fuzzy_atoms_of(std::u32string_view token, std::uint8_t language,
                             std::pmr::vector<Atom>& atoms) const {
  if (language >= spelling_.size()) return;
  const auto same_letter = spelling_[language].find(token.front());
  if (same_letter == spelling_[language].end()) return;
  const auto set = set_of(token);
  for (const auto& candidate : same_letter->second) {
    const std::size_t most = candidate.most_wrong;
    const std::size_t size = candidate.size;
    if (token.size() + most < size || (!candidate.stem && token.size() > size + most)) continue;
    if (has_more_than(most, candidate.set & ~set)) continue;
    if (!candidate.stem && has_more_than(most, set & ~candidate.set)) continue;
    const auto text = std::u32string_view{spelt_}.substr(candidate.text, size);
    if (is_near(token, text, candidate.stem, most))
      atoms.push_back({candidate.id, 0, true, Languages{1} << language});
  }
}

void Lexicon::atoms_of(std::string_view token, Languages likely, Languages spelt_in,
                       std::pmr::vector<Atom>& atoms) const {
  constexpr auto every = ~Languages{0};
  const auto first = atoms.size();
  const auto in_short_words = likely == 0 ? every : likely;
  exact_atoms_of(token, every, in_short_words, atoms);

  const auto digits = std::min(token.find_first_not_of("0123456789"), token.size());
  if (digits == 1 || digits == 2) {
    int number = 0;
    for (const char digit : token.substr(0, digits)) number = number * 10 + (digit - '0');
    const auto rest = token.substr(digits);
    for (const auto& age : ages_) {
      if (number < 4 || number > 17) break;
      if (age.stem ? rest.starts_with(age.suffix) : rest == age.suffix) {
        atoms.push_back({age.id});
      }
    }
  }
  constexpr std::size_t two_letters = 2 * 2;  // bytes, in Arabic script
  if (token.size() > two_letters && is_arabic(i18n::first_of_utf8(token).value)) {
    for (const auto proclitic : proclitics) {
      if (!token.starts_with(proclitic)) continue;
      const auto rest = token.substr(proclitic.size());
      if (letters(rest) >= short_word) exact_atoms_of(rest, arabic_, every, atoms);
    }
  }
  const bool is_word = token.size() <= longest_word && digits == 0;
  if (atoms.size() > first || !is_word) return;

  // Nothing is spelt so: what might it have been meant for?
  std::array<char, longest_word> changed{};
  const auto try_as = [&](std::size_t size) {
    if (std::string_view other{changed.data(), size}; other != token)
      exact_atoms_of(other, every, in_short_words, atoms);
  };
  std::size_t size = 0;
  for (const char byte : token) {
    if (size == 0 || changed[size - 1] != byte || (static_cast<unsigned char>(byte) & 0x80) != 0)
      changed[size++] = byte;
  }
  try_as(size);
  constexpr std::string_view figures = "301457";
  constexpr std::string_view meant = "eoiast";
  size = 0;
  for (const char byte : token) {
    const auto figure = figures.find(byte);
    changed[size++] = figure == std::string_view::npos ? byte : meant[figure];
  }
  try_as(size);
  if (atoms.size() > first || spelt_in == 0) return;

  std::array<char32_t, longest_spelt> spelt{};
  size = 0;
  for (auto rest = token; !rest.empty();) {
    if (size == spelt.size()) return;
    const auto next = i18n::first_of_utf8(rest);
    rest.remove_prefix(next.size);
    spelt[size++] = next.value;
  }
  const auto common = common_.find(token);
  const auto excepted = common == common_.end() ? Languages{0} : common->second;
  if (size < 4) return;
  for (std::uint8_t language = 0; language < languages_.size(); ++language) {
    if ((((spelt_in & ~excepted) >> language) & 1) != 0)
      fuzzy_atoms_of({spelt.data(), size}, language, atoms);
  }
}

std::vector<std::string_view> Lexicon::misspelt(std::string_view word,
                                                std::string_view language) const {
  const auto known = std::find(languages_.begin(), languages_.end(), language);
  const auto spelt = code_points(word);
  std::vector<std::string_view> ids;
  if (known == languages_.end() || spelt.empty() || spelt.size() > longest_spelt) return ids;
  const auto number = static_cast<std::uint8_t>(known - languages_.begin());
  std::pmr::monotonic_buffer_resource memory;
  std::pmr::vector<Atom> atoms{&memory};
  fuzzy_atoms_of(spelt, number, atoms);
  for (const auto& side : sides_) {
    const auto& entry = entries_[side.entry];
    if (entry.language != number || !may_be_misspelt(entry.role)) continue;
    for (std::uint32_t i = 0; i < side.items; ++i) {
      const auto& item = items_[side.first_item + i];
      const auto begin = item_atoms_.begin() + item.first_atom;
      if (std::any_of(atoms.begin(), atoms.end(), [&](const Atom& atom) {
            return std::binary_search(begin, begin + item.atoms, atom.id);
          }))
        ids.push_back(entry.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::vector<std::pair<std::string_view, std::string_view>> Lexicon::common_words() const {
  std::vector<std::pair<std::string_view, std::string_view>> words;
  for (const auto& [word, languages] : common_) {
    for (std::size_t i = 0; i < languages_.size(); ++i) {
      if (((languages >> i) & 1) != 0) words.emplace_back(word, languages_[i]);
    }
  }
  std::sort(words.begin(), words.end());
  return words;
}

// One side of a pattern at certain tokens.
struct Lexicon::Found {
  std::uint32_t entry{};
  std::uint8_t number{};
  std::uint8_t words{};
  std::uint16_t inside{};
  bool fuzzy{};
  std::array<std::uint16_t, Hit::most_words> positions{};

  std::uint16_t begin() const noexcept { return positions[0]; }
  std::uint16_t last() const noexcept { return positions[words - 1U]; }
};

std::pmr::vector<Hit> Lexicon::find(std::span<const std::string_view> tokens,
                                    std::pmr::memory_resource& memory, Languages likely,
                                    Languages spelt) const {
  tokens = tokens.first(std::min(tokens.size(), most_tokens));
  std::pmr::vector<Hit> hits{&memory};
  if (entries_.empty()) return hits;
  std::pmr::vector<Atom> atoms{&memory};
  atoms.reserve(4 * tokens.size());
  std::pmr::vector<std::uint32_t> starts{&memory};  // of each token's atoms
  starts.reserve(tokens.size() + 1);
  constexpr std::size_t next_words = 2;
  std::pmr::vector<AtomSet> sets(tokens.size() + next_words + 1, 0, &memory);  // of each token
  for (std::size_t token = 0; token < tokens.size(); ++token) {
    starts.push_back(static_cast<std::uint32_t>(atoms.size()));
    atoms_of(tokens[token], likely, spelt, atoms);
    for (auto i = starts[token]; i < atoms.size(); ++i) sets[token] |= bit_of(atoms[i].id);
  }
  starts.push_back(static_cast<std::uint32_t>(atoms.size()));

  // For a Side or a Start.
  const auto counts_for = [&](const Atom& atom, const auto& side) {
    return ((atom.languages >> side.language) & 1) != 0 && (!atom.fuzzy || side.may_be_misspelt);
  };
  // The atom by which the token is a word of the side; nullptr if it is none.
  const auto atom_as = [&](std::size_t token, const Side& side, const Item& item) -> const Atom* {
    const auto first = item_atoms_.begin() + item.first_atom;
    for (auto i = starts[token]; i < starts[token + 1]; ++i) {
      if (counts_for(atoms[i], side) && std::binary_search(first, first + item.atoms, atoms[i].id))
        return &atoms[i];
    }
    return nullptr;
  };
  // Tries words `word`... of `side` after the position of the word before; false leaves `found`
  // undefined from `word` on. The nearer of two possible tokens is preferred.
  const auto follow = [&](const auto& self, const Side& side, std::uint8_t word,
                          Found& found) -> bool {
    if (word == side.items) return true;
    const std::size_t before = found.positions[word - 1U];
    for (auto at = before + 1; at <= before + next_words && at < tokens.size(); ++at) {
      const auto* atom = atom_as(at, side, items_[side.first_item + word]);
      if (!atom) continue;
      found.positions[word] = static_cast<std::uint16_t>(at);
      const bool before_was_fuzzy = found.fuzzy;
      found.fuzzy = found.fuzzy || atom->fuzzy;
      if (self(self, side, static_cast<std::uint8_t>(word + 1), found)) return true;
      found.fuzzy = before_was_fuzzy;
    }
    return false;
  };

  std::pmr::vector<Found> parts{&memory};  // sides of patterns that have several
  parts.reserve(4 * tokens.size());
  for (std::size_t token = 0; token < tokens.size(); ++token) {
    const auto behind = sets[token + 1] | sets[token + 2] | anything;
    for (auto i = starts[token]; i < starts[token + 1]; ++i) {
      const auto id = atoms[i].id;
      for (const auto& start :
           std::span{starts_}.subspan(starts_of_[id], starts_of_[id + 1] - starts_of_[id])) {
        if ((start.second & behind) == 0 || !counts_for(atoms[i], start)) continue;
        const auto& side = sides_[start.side];
        Found found{side.entry, side.number, side.items, atoms[i].offset, atoms[i].fuzzy, {}};
        found.positions[0] = static_cast<std::uint16_t>(token);
        if (!follow(follow, side, 1, found)) continue;
        if (patterns_[side.entry].sides > 1) {
          parts.push_back(found);
        } else {
          hits.push_back(
              {side.entry, side.items, false, found.fuzzy, found.inside, found.positions});
        }
      }
    }
  }

  // Most patterns lack a side, which needs no search.
  std::pmr::vector<std::uint8_t> sides_found(entries_.size(), 0, &memory);
  static_assert(most_sides <= 8);
  for (const auto& part : parts)
    sides_found[part.entry] |= static_cast<std::uint8_t>(1U << part.number);
  std::erase_if(parts, [&](const Found& part) {
    return sides_found[part.entry] != (1U << patterns_[part.entry].sides) - 1;
  });
  std::sort(parts.begin(), parts.end(), [](const Found& a, const Found& b) {
    return std::tuple{a.entry, a.number, a.begin(), a.inside} <
           std::tuple{b.entry, b.number, b.begin(), b.inside};
  });
  for (std::size_t first = 0; first < parts.size();) {
    const auto entry = parts[first].entry;
    std::array<std::pair<std::size_t, std::size_t>, most_sides> range{};  // of each side in `parts`
    std::size_t last = first;
    for (std::size_t side = 0; side < most_sides; ++side) {
      range[side].first = last;
      while (last < parts.size() && parts[last].entry == entry && parts[last].number == side) {
        ++last;
      }
      range[side].second = last;
    }
    const auto sides = patterns_[entry].sides;
    std::array<const Found*, most_sides> chosen{};
    // Chooses the sides from `side` on so that all stand apart and within reach of each other.
    const auto join = [&](const auto& self, std::size_t side, std::size_t low,
                          std::size_t high) -> bool {
      if (side == sides) return true;
      const auto reach = high > joined_within ? high - joined_within : 0;
      auto at = std::lower_bound(
          parts.begin() + static_cast<std::ptrdiff_t>(range[side].first),
          parts.begin() + static_cast<std::ptrdiff_t>(range[side].second), reach,
          [](const Found& part, std::size_t position) { return part.begin() < position; });
      const auto end = parts.begin() + static_cast<std::ptrdiff_t>(range[side].second);
      for (; at != end && at->begin() < low + joined_within; ++at) {
        const auto new_low = std::min<std::size_t>(low, at->begin());
        const auto new_high = std::max<std::size_t>(high, at->last() + 1U);
        if (new_high - new_low > joined_within) continue;
        const bool apart =
            std::all_of(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(side),
                        [&](const Found* other) {
                          return other->last() < at->begin() || at->last() < other->begin();
                        });
        if (!apart) continue;
        chosen[side] = &*at;
        if (self(self, side + 1, new_low, new_high)) return true;
      }
      return false;
    };
    for (auto i = range[0].first; i < range[0].second; ++i) {
      chosen[0] = &parts[i];
      if (!join(join, 1, parts[i].begin(), parts[i].last() + 1U)) continue;
      Hit hit{entry, 0, true, false, 0, {}};
      const auto* earliest = chosen[0];
      for (std::size_t side = 0; side < sides; ++side) {
        if (chosen[side]->begin() < earliest->begin()) earliest = chosen[side];
        hit.fuzzy = hit.fuzzy || chosen[side]->fuzzy;
        for (std::uint8_t word = 0; word < chosen[side]->words; ++word) {
          // In order from the start: g++ 14 cannot follow std::sort over a part of the array.
          const auto end = hit.positions.begin() + hit.words++;
          const auto position = chosen[side]->positions[word];
          const auto at = std::upper_bound(hit.positions.begin(), end, position);
          std::move_backward(at, end, end + 1);
          *at = position;
        }
      }
      hit.inside = earliest->inside;
      hits.push_back(hit);
    }
    first = last;
  }

  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tuple{a.begin(), a.entry, a.words, a.fuzzy, a.inside} <
           std::tuple{b.begin(), b.entry, b.words, b.fuzzy, b.inside};
  });
  const auto same = [](const Hit& a, const Hit& b) {
    return a.entry == b.entry && a.words == b.words && a.positions == b.positions;
  };
  hits.erase(std::unique(hits.begin(), hits.end(), same), hits.end());
  return hits;
}

}  // namespace ishara::routing
