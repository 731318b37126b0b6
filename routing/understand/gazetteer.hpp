#pragma once
// The regions of the deployment and their names, and how a text names one. Immutable once built;
// safe to read from many threads.

#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "routing/model/names.hpp"
#include "routing/pack/pack_file.hpp"
#include "routing/understand/case_endings.hpp"
#include "routing/understand/name_trie.hpp"
#include "routing/understand/similar_names.hpp"

namespace ishara::routing {

// A name found in a text: tokens [begin, end).
struct Mention {
  std::span<const std::uint32_t> places;  // indices for Gazetteer::place
  std::size_t begin{};
  std::size_t end{};
  Cue cue{Cue::none};
  bool misspelt{};
};

// One of the places that a name may mean.
struct Candidate {
  RegionCode region;
  RegionCode shown;  // around it: by whose name somebody can tell it from the others
  friend bool operator==(const Candidate&, const Candidate&) = default;
};
inline constexpr std::size_t most_candidates = 3;

struct Candidates {
  std::array<Candidate, most_candidates> all{};
  std::uint8_t count{};  // 0, 2 or 3
  std::span<const Candidate> view() const noexcept { return {all.data(), count}; }
};

struct Located {
  RegionCode region;
  double confidence{};
  Candidates candidates{};  // where the text names one place that several regions may be
};

class Gazetteer {
 public:
  struct Place {
    RegionCode region;
    bool needs_cue{};  // also an ordinary word or a person's name: counts only with a cue
    bool minor{};      // a better-known place has this name: counts only beside a name around it
  };

  const Place& place(std::uint32_t index) const noexcept { return places_[index]; }
  std::size_t size() const noexcept { return places_.size(); }
  // The first place of this region; it looks at all of them.
  std::optional<std::uint32_t> place_of(const RegionCode& region) const noexcept;
  // True if the region tree knows this region; the root is always known.
  bool knows(const RegionCode& region) const noexcept;
  // The display name of a region of the tree; empty for any other.
  std::string_view name(const RegionCode& region) const noexcept;

  // The regions right below this one, in the order of their pack.
  std::span<const RegionCode> within(const RegionCode& region) const noexcept;

  // The codes of the tree, in ascending order; the views live with the gazetteer.
  std::vector<std::string_view> codes() const;

  // The longest names in the text, from left to right; the last word of a name may have an ending
  // of its case. The only cues are those of such endings.
  std::pmr::vector<Mention> mentions(std::span<const std::string_view> tokens,
                                     std::pmr::memory_resource& memory) const;

  // True if one of the places that the mention names lies in this region.
  bool names_place_in(const RegionCode& region, const Mention& mention) const noexcept;

  // What the token may mean that is no name as it stands, but differs in a letter or two from one
  // name of the channel's country (of any, if the channel has none). Nothing if no name is near, or
  // two are equally near.
  std::optional<Mention> misspelt(std::span<const std::string_view> tokens, std::size_t at,
                                  const RegionCode& channel_country,
                                  std::pmr::memory_resource& memory) const;

  // Where a text is, given its mentions with their cues and the channel's country: one region, or
  // the region around those that do not agree. The channel's country at 0.2 if nothing is named.
  // Candidates are given where one name has places in several subdivisions, in the order of the
  // pack.
  Located locate(std::span<const Mention> mentions, const RegionCode& channel_country,
                 std::pmr::memory_resource& memory) const;

  // Builds it from regions.tsv and aliases.tsv of any number of country packs (other files are not
  // looked at); every mistake is added to `mistakes`. A region or name of several packs is one.
  static Gazetteer build(std::span<const PackFile> files, std::vector<Mistake>& mistakes);

 private:
  void add_single_word(std::string_view name);

  std::vector<Place> places_;
  NameTrie names_;
  SimilarNames single_words_;  // names that count by themselves
  std::unordered_map<RegionCode, std::string> regions_;
  std::unordered_map<RegionCode, std::vector<RegionCode>> within_;
};

}  // namespace ishara::routing
