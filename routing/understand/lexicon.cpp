#include "routing/understand/lexicon.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "i18n/normalise.hpp"
#include "routing/pack/rows.hpp"

namespace ishara::routing {
namespace {

constexpr std::size_t most_sides = 4;
constexpr std::size_t longest_word = 60;   // bytes of one word of a pattern
constexpr std::size_t joined_within = 10;  // tokens that a pattern with several sides may span
constexpr std::size_t infix_key = 3;       // bytes by which infixes are indexed

constexpr std::array<std::pair<std::string_view, Role>, 9> role_names{{
    {"URG", Role::urgency},
    {"TAG", Role::tag},
    {"NOT", Role::negator},
    {"DAMP", Role::damper},
    {"IDIOM", Role::idiom},
    {"ADVERT", Role::advert},
    {"GREET", Role::courtesy},
    {"AT", Role::locative},
    {"TO", Role::movement},
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
    if (tag.empty() || language > 255) {
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
      read_pattern(file, row[pattern], row[kind].text, std::move(entry), before);
    }
  }

  // Sorts what the search needs sorted and forgets what only the building needed.
  void finish() {
    for (const auto& item : lexicon_.items_) {
      const auto first = lexicon_.item_atoms_.begin() + item.first_atom;
      std::sort(first, first + item.atoms);
    }
    lexicon_.sides_by_atom_.resize(atoms_);
    for (std::uint32_t side = 0; side < lexicon_.sides_.size(); ++side) {
      const auto& item = lexicon_.items_[lexicon_.sides_[side].first_item];
      for (std::uint32_t i = 0; i < item.atoms; ++i) {
        lexicon_.sides_by_atom_[lexicon_.item_atoms_[item.first_atom + i]].push_back(side);
      }
    }
  }

 private:
  using AtomId = Lexicon::AtomId;

  void read_code(const PackFile& file, const Cell& cell, Entry& entry) {
    for (const auto& [text, role] : role_names) {
      if (cell.text == text) {
        entry.role = role;
        return;
      }
    }
    const auto category = category_from_code(cell.text);
    if (category && *category != Category::unclassified && *category != Category::not_a_report) {
      entry.role = Role::category;
      entry.category = *category;
      return;
    }
    std::vector<std::string_view> known;
    for (const auto& [text, role] : role_names) known.push_back(text);
    known.insert(known.end(), category_codes.begin(), category_codes.end() - 2);
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
          if (const auto atom = read_word(file, cell, alternative, sides.size() > 1)) {
            atoms.push_back(*atom);
          }
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
      lexicon_.sides_.push_back({index, number++,
                                 static_cast<std::uint32_t>(lexicon_.items_.size()),
                                 static_cast<std::uint8_t>(side.size())});
      for (const auto& item : side) {
        lexicon_.items_.push_back({static_cast<std::uint32_t>(lexicon_.item_atoms_.size()),
                                   static_cast<std::uint32_t>(item.size())});
        lexicon_.item_atoms_.insert(lexicon_.item_atoms_.end(), item.begin(), item.end());
      }
    }
    lexicon_.entries_.push_back(std::move(entry));
  }

  std::optional<AtomId> read_word(const PackFile& file, const Cell& cell, std::string_view written,
                                  bool joined) {
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
    auto& atoms = stem ? lexicon_.stems_ : lexicon_.words_;
    const auto [found, is_new] = atoms.try_emplace(folded, atoms_);
    if (is_new) ++atoms_;
    if (stem) lexicon_.stem_lengths_ |= std::uint64_t{1} << folded.size();
    return found->second;
  }

  Lexicon& lexicon_;
  std::vector<Mistake>& mistakes_;
  std::map<std::string, int, std::less<>> ids_;
  std::map<std::string, std::string> patterns_;  // language, code and pattern to the entry's id
  AtomId atoms_{0};
};

Lexicon Lexicon::build(std::span<const PackFile> files, std::vector<Mistake>& mistakes) {
  Lexicon lexicon;
  LexiconBuilder builder{lexicon, mistakes};
  for (const auto& file : files) {
    if (base_name(file.name) == "lexicon.tsv") builder.add(file);
  }
  builder.finish();
  return lexicon;
}

void Lexicon::atoms_of(std::string_view token, std::pmr::vector<Atom>& atoms) const {
  const auto first = atoms.size();
  if (const auto word = words_.find(token); word != words_.end()) {
    atoms.push_back({word->second, 0});
  }
  for (std::size_t length = 1; length <= std::min(token.size(), longest_word); ++length) {
    if (((stem_lengths_ >> length) & 1) == 0) continue;
    const auto stem = stems_.find(token.substr(0, length));
    if (stem != stems_.end()) atoms.push_back({stem->second, 0});
  }
  for (std::size_t at = 0; at + infix_key <= token.size(); ++at) {
    const auto same_start = infixes_.find(first_bytes(token.substr(at)));
    if (same_start == infixes_.end()) continue;
    for (const auto& infix : same_start->second) {
      if (!token.substr(at).starts_with(infix.letters)) continue;
      const bool seen = std::any_of(atoms.begin() + static_cast<std::ptrdiff_t>(first), atoms.end(),
                                    [&](const Atom& atom) { return atom.id == infix.id; });
      if (!seen)
        atoms.push_back({infix.id, static_cast<std::uint16_t>(std::min<std::size_t>(at, 65535))});
    }
  }
  const auto digits = std::min(token.find_first_not_of("0123456789"), token.size());
  if (digits == 1 || digits == 2) {
    int number = 0;
    for (const char digit : token.substr(0, digits)) number = number * 10 + (digit - '0');
    const auto rest = token.substr(digits);
    for (const auto& age : ages_) {
      if (number < 4 || number > 17) break;
      if (age.stem ? rest.starts_with(age.suffix) : rest == age.suffix) {
        atoms.push_back({age.id, 0});
      }
    }
  }
}

// One side of a pattern at certain tokens.
struct Lexicon::Found {
  std::uint32_t entry{};
  std::uint8_t number{};
  std::uint8_t words{};
  std::uint16_t inside{};
  std::array<std::uint16_t, Hit::most_words> positions{};

  std::uint16_t begin() const noexcept { return positions[0]; }
  std::uint16_t last() const noexcept { return positions[words - 1U]; }
};

std::pmr::vector<Hit> Lexicon::find(std::span<const std::string_view> tokens,
                                    std::pmr::memory_resource& memory) const {
  tokens = tokens.first(std::min(tokens.size(), most_tokens));
  std::pmr::vector<Hit> hits{&memory};
  std::pmr::vector<Atom> atoms{&memory};
  std::pmr::vector<std::uint32_t> starts{&memory};  // of each token's atoms
  starts.reserve(tokens.size() + 1);
  for (const auto token : tokens) {
    starts.push_back(static_cast<std::uint32_t>(atoms.size()));
    atoms_of(token, atoms);
  }
  starts.push_back(static_cast<std::uint32_t>(atoms.size()));

  const auto token_is = [&](std::size_t token, const Item& item) {
    const auto first = item_atoms_.begin() + item.first_atom;
    for (auto i = starts[token]; i < starts[token + 1]; ++i) {
      if (std::binary_search(first, first + item.atoms, atoms[i].id)) return true;
    }
    return false;
  };
  // Tries words `word`... of `side` after the position of the word before; false leaves `found`
  // undefined from `word` on. The nearer of two possible tokens is preferred.
  const auto follow = [&](const auto& self, const Side& side, std::uint8_t word,
                          Found& found) -> bool {
    if (word == side.items) return true;
    const std::size_t before = found.positions[word - 1U];
    for (auto at = before + 1; at <= before + 2 && at < tokens.size(); ++at) {
      if (!token_is(at, items_[side.first_item + word])) continue;
      found.positions[word] = static_cast<std::uint16_t>(at);
      if (self(self, side, static_cast<std::uint8_t>(word + 1), found)) return true;
    }
    return false;
  };

  std::pmr::vector<Found> parts{&memory};  // sides of patterns that have several
  for (std::size_t token = 0; token < tokens.size(); ++token) {
    for (auto i = starts[token]; i < starts[token + 1]; ++i) {
      for (const auto number : sides_by_atom_[atoms[i].id]) {
        const auto& side = sides_[number];
        Found found{side.entry, side.number, side.items, atoms[i].offset, {}};
        found.positions[0] = static_cast<std::uint16_t>(token);
        if (!follow(follow, side, 1, found)) continue;
        if (patterns_[side.entry].sides > 1) {
          parts.push_back(found);
        } else {
          hits.push_back({side.entry, side.items, false, found.inside, found.positions});
        }
      }
    }
  }

  std::sort(parts.begin(), parts.end(), [](const Found& a, const Found& b) {
    return std::tuple{a.entry, a.number, a.begin()} < std::tuple{b.entry, b.number, b.begin()};
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
      Hit hit{entry, 0, true, 0, {}};
      const auto* earliest = chosen[0];
      for (std::size_t side = 0; side < sides; ++side) {
        if (chosen[side]->begin() < earliest->begin()) earliest = chosen[side];
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
    return std::tuple{a.begin(), a.entry, a.words} < std::tuple{b.begin(), b.entry, b.words};
  });
  const auto same = [](const Hit& a, const Hit& b) {
    return a.entry == b.entry && a.words == b.words && a.positions == b.positions;
  };
  hits.erase(std::unique(hits.begin(), hits.end(), same), hits.end());
  return hits;
}

}  // namespace ishara::routing
