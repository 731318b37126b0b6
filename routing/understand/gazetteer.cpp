#include "routing/understand/gazetteer.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "i18n/normalise.hpp"
#include "routing/pack/rows.hpp"

namespace ishara::routing {
namespace {

constexpr double with_cue = 0.90;
constexpr double without_cue = 0.80;
constexpr double foreign = 0.7;        // factor: another country than the channel's, and no cue
constexpr double only_passing = 0.7;   // factor: named only as where somebody was taken
constexpr double misspelt_name = 0.8;  // factor
constexpr double by_channel = 0.2;

constexpr std::size_t most_mentions = 16;  // a text with more different names is a list, no place

// Where `regions` lie, by the regions of this depth around them: those that share one are one
// candidate. None if a region would be shown by its own name, which is the word that was written.
std::pmr::vector<Candidate> grouped(std::span<const RegionCode* const> regions, unsigned depth,
                                    std::pmr::memory_resource& memory) {
  std::pmr::vector<Candidate> groups{&memory};
  for (const auto* region : regions) {
    if (region->depth() <= depth) return std::pmr::vector<Candidate>{&memory};
    const auto shown = region->ancestor(depth);
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const Candidate& candidate) {
      return candidate.shown == shown;
    });
    if (known == groups.end())
      groups.push_back({*region, shown});
    else
      known->region = shown;
  }
  return groups;
}

// What to ask about one name with several places: the fewest regions that tell them apart, and of
// more than can be asked about the first. Nothing if they cannot be told apart.
Candidates candidates_of(std::span<const RegionCode* const> regions, unsigned around,
                         std::pmr::memory_resource& memory) {
  std::pmr::vector<Candidate> parents{&memory};
  for (const auto* region : regions) {
    const auto shown = region->parent();
    const bool told = std::any_of(parents.begin(), parents.end(), [&](const Candidate& candidate) {
      return candidate.shown == shown;
    });
    if (shown.empty() || told) {
      parents.clear();
      break;
    }
    parents.push_back({*region, shown});
  }
  if (parents.empty() || parents.size() > most_candidates) {
    auto groups = grouped(regions, around + 1, memory);
    if (groups.size() > 1 && (parents.empty() || groups.size() <= most_candidates))
      parents = std::move(groups);
  }
  Candidates out;
  if (parents.size() < 2) return out;
  out.count = static_cast<std::uint8_t>(std::min(parents.size(), most_candidates));
  std::copy_n(parents.begin(), out.count, out.all.begin());
  return out;
}

}  // namespace

std::optional<std::uint32_t> Gazetteer::place_of(const RegionCode& region) const noexcept {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& place) { return place.region == region; });
  if (found == places_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - places_.begin());
}

bool Gazetteer::knows(const RegionCode& region) const noexcept {
  return region.empty() || regions_.contains(region);
}

std::string_view Gazetteer::name(const RegionCode& region) const noexcept {
  const auto found = regions_.find(region);
  return found == regions_.end() ? std::string_view{} : std::string_view{found->second};
}

std::span<const RegionCode> Gazetteer::within(const RegionCode& region) const noexcept {
  const auto found = within_.find(region);
  return found == within_.end() ? std::span<const RegionCode>{} : found->second;
}

std::vector<std::string_view> Gazetteer::codes() const {
  std::vector<std::string_view> codes;
  for (const auto& [region, name] : regions_) codes.push_back(region.view());
  std::sort(codes.begin(), codes.end());
  return codes;
}

std::pmr::vector<Mention> Gazetteer::mentions(std::span<const std::string_view> tokens,
                                              std::pmr::memory_resource& memory) const {
  std::pmr::vector<Mention> mentions{&memory};
  std::pmr::vector<BaseForm> forms{&memory};
  for (std::size_t at = 0; at < tokens.size();) {
    Mention longest;
    auto node = NameTrie::root;
    auto ending = Cue::none;
    for (auto i = at; i < tokens.size() && node != NameTrie::nowhere; ++i) {
      const auto before = node;
      node = names_.step(before, tokens[i]);
      if (node == NameTrie::nowhere || names_.values(node).empty()) {
        base_forms(tokens[i], forms);
        for (const auto& form : forms) {
          const auto bent = names_.step(before, form.name);
          if (bent == NameTrie::nowhere) continue;
          if (names_.values(bent).empty() && (node != NameTrie::nowhere || i > at)) continue;
          node = bent;
          ending = form.cue;
          if (!names_.values(bent).empty()) break;
        }
      }
      if (node == NameTrie::nowhere || names_.values(node).empty()) continue;
      longest = {names_.values(node), at, i + 1, ending};
    }
    if (longest.end == 0) {
      ++at;
      continue;
    }
    mentions.push_back(longest);
    at = longest.end;
  }
  return mentions;
}

bool Gazetteer::names_place_in(const RegionCode& region, const Mention& mention) const noexcept {
  return std::any_of(mention.places.begin(), mention.places.end(),
                     [&](auto index) { return region.contains(places_[index].region); });
}

std::optional<Mention> Gazetteer::misspelt(std::span<const std::string_view> tokens, std::size_t at,
                                           const RegionCode& channel_country,
                                           std::pmr::memory_resource& memory) const {
  std::optional<Mention> nearest;
  for (const auto word : single_words_.near(tokens[at], memory)) {
    const auto places = names_.exactly(word);
    const Mention mention{places, at, at + 1, Cue::none, true};
    if (!names_place_in(channel_country, mention)) continue;
    // Two spellings of one place are one place.
    if (nearest) {
      const bool same = std::any_of(places.begin(), places.end(), [&](auto index) {
        return places_[index].region == places_[nearest->places.front()].region;
      });
      if (!same) return std::nullopt;
      continue;
    }
    nearest = mention;
  }
  return nearest;
}

Located Gazetteer::locate(std::span<const Mention> all, const RegionCode& channel_country,
                          std::pmr::memory_resource& memory) const {
  std::pmr::vector<Mention> mentions{&memory};
  for (const auto& mention : all) {
    const bool repeated =
        std::any_of(mentions.begin(), mentions.end(), [&](const Mention& earlier) {
          return earlier.places.data() == mention.places.data() && earlier.cue == mention.cue;
        });
    if (!repeated && mentions.size() < most_mentions) mentions.push_back(mention);
  }
  const bool only_destinations =
      std::all_of(mentions.begin(), mentions.end(),
                  [](const Mention& mention) { return mention.cue == Cue::destination; });
  struct Named {
    const RegionCode* region;
    std::size_t mention;
    bool cue;
    bool minor;
    bool misspelt;
  };
  std::pmr::vector<Named> candidates{&memory};
  for (std::size_t i = 0; i < mentions.size(); ++i) {
    const auto& mention = mentions[i];
    if (mention.cue == Cue::destination && !only_destinations) continue;
    for (const auto index : mention.places) {
      const auto& place = places_[index];
      if (place.needs_cue && mention.cue == Cue::none) continue;
      const bool home = channel_country.contains(place.region);
      if (only_destinations && !home) continue;
      candidates.push_back(
          {&place.region, i, mention.cue == Cue::location, place.minor, mention.misspelt});
    }
  }
  const auto agree = [](const RegionCode& a, const RegionCode& b) {
    return (a.contains(b) && a.depth() > 1) || (b.contains(a) && b.depth() > 1);
  };
  // Keeps of each mention with several candidates those for which `good` holds, if it does for any.
  const auto prefer = [&](auto good) {
    std::pmr::vector<Named> kept{&memory};
    for (const auto& candidate : candidates) {
      const bool any = std::any_of(candidates.begin(), candidates.end(), [&](const Named& c) {
        return c.mention == candidate.mention && good(c);
      });
      if (!any || good(candidate)) kept.push_back(candidate);
    }
    candidates = std::move(kept);
  };
  prefer([&](const Named& c) { return channel_country.contains(*c.region); });
  prefer([&](const Named& c) {
    return std::any_of(candidates.begin(), candidates.end(), [&](const Named& other) {
      return other.mention != c.mention && agree(*other.region, *c.region);
    });
  });
  // A lesser place of a well-known name is meant only beside what lies around it or in it.
  std::erase_if(candidates, [&](const Named& c) {
    return c.minor && std::none_of(candidates.begin(), candidates.end(), [&](const Named& other) {
             return other.mention != c.mention && agree(*other.region, *c.region);
           });
  });
  // Beside a place at home, a foreign one is where somebody comes from, was taken or will go.
  const auto home = [&](const Named& c) { return channel_country.contains(*c.region); };
  if (std::any_of(candidates.begin(), candidates.end(), home)) {
    std::erase_if(candidates, [&](const Named& c) { return !home(c); });
  }
  // "From Garissa, beaten in Nairobi": a name without a cue in another subdivision than those with
  // one is where somebody comes from.
  const auto has_cue = [](const Named& c) { return c.cue; };
  if (std::any_of(candidates.begin(), candidates.end(), has_cue)) {
    const auto near_a_cue = [&](const Named& c) {
      return std::any_of(candidates.begin(), candidates.end(), [&](const Named& other) {
        return other.cue &&
               (other.region->ancestor(2) == c.region->ancestor(2) ||
                other.region->contains(*c.region) || c.region->contains(*other.region));
      });
    };
    std::pmr::vector<Named> kept{&memory};
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(kept), near_a_cue);
    candidates = std::move(kept);
  }
  if (candidates.empty()) return {channel_country, channel_country.empty() ? 0.0 : by_channel};

  std::pmr::vector<const RegionCode*> finest{&memory};
  for (const auto& candidate : candidates) {
    const bool finer_known =
        std::any_of(candidates.begin(), candidates.end(), [&](const Named& other) {
          return *other.region != *candidate.region && candidate.region->contains(*other.region);
        });
    const bool listed = std::any_of(finest.begin(), finest.end(), [&](const RegionCode* region) {
      return *region == *candidate.region;
    });
    if (!finer_known && !listed) finest.push_back(candidate.region);
  }
  auto around = *finest.front();
  for (const auto* region : finest) {
    while (!around.contains(*region)) around = around.parent();
  }
  if (finest.size() > 1 && around.depth() < 2) {
    std::pmr::vector<RegionCode> subdivisions{&memory};
    for (const auto* region : finest) {
      const auto subdivision = region->ancestor(2);
      if (std::find(subdivisions.begin(), subdivisions.end(), subdivision) == subdivisions.end()) {
        subdivisions.push_back(subdivision);
      }
    }
    const bool one_name = std::all_of(
        candidates.begin(), candidates.end(),
        [&](const Named& candidate) { return candidate.mention == candidates.front().mention; });
    const auto meant = one_name ? candidates_of(finest, around.depth(), memory) : Candidates{};
    if (around.empty()) return {channel_country, channel_country.empty() ? 0.0 : by_channel, meant};
    return {around, without_cue / static_cast<double>(subdivisions.size()), meant};
  }
  const bool cue = std::any_of(candidates.begin(), candidates.end(),
                               [](const Named& candidate) { return candidate.cue; });
  auto confidence = cue ? with_cue : without_cue;
  if (!cue && !channel_country.contains(around)) confidence *= foreign;
  if (only_destinations) confidence *= only_passing;
  if (std::all_of(candidates.begin(), candidates.end(),
                  [](const Named& candidate) { return candidate.misspelt; })) {
    confidence *= misspelt_name;
  }
  return {around, confidence};
}

Gazetteer Gazetteer::build(std::span<const PackFile> files, std::vector<Mistake>& mistakes) {
  Gazetteer gazetteer;
  const auto read_answer = [&](const PackFile& file, const Cell& cell, std::string_view column) {
    if (cell.text.empty() || cell.text == "no") return false;
    if (cell.text == "yes") return true;
    static constexpr std::array<std::string_view, 2> answers{"yes", "no"};
    complain(mistakes, file, cell, std::string{column} + " is yes, no or empty",
             closest(cell.text, answers));
    return false;
  };
  // Packs of several countries name each other's towns: what one says twice is a mistake, what two
  // of them say is the same.
  std::vector<std::string_view> pack_of_place;
  const auto add_name = [&](const PackFile& file, const Cell& cell, Place place) {
    for (const auto other : gazetteer.names_.exactly(cell.text)) {
      if (gazetteer.places_[other].region != place.region) continue;
      if (pack_of_place[other] == folder_name(file.name)) {
        complain(mistakes, file, cell, "'" + cell.text + "' already names this region");
      }
      return;
    }
    const auto index = static_cast<std::uint32_t>(gazetteer.places_.size());
    if (!gazetteer.names_.add(cell.text, index)) {
      complain(mistakes, file, cell, "a name has 1 to 8 words");
      return;
    }
    gazetteer.places_.push_back(place);
    if (!place.needs_cue && !place.minor) gazetteer.add_single_word(cell.text);
    pack_of_place.push_back(folder_name(file.name));
  };

  struct Unchecked {
    const PackFile* file;
    Cell cell;
    RegionCode parent;
  };
  std::vector<Unchecked> parents;
  std::unordered_map<RegionCode, std::string_view> pack_of_region;
  std::vector<std::pair<const PackFile*, Row>> aliases;
  for (const auto& file : files) {
    if (base_name(file.name) == "regions.tsv") {
      enum : std::size_t { region_code, title, needs_cue, minor };
      for (const auto& row :
           read_rows(file, {{"code"}, {"name"}, {"needs_cue", Must::no}, {"minor", Must::no}},
                     mistakes)) {
        const auto region = RegionCode::parse(row[region_code].text);
        if (!region) {
          complain(mistakes, file, row[region_code],
                   "a region is a country (RW), a subdivision (RW-02) or below it "
                   "a dot and a slug (RW-02.bugesera)");
          continue;
        }
        const auto [pack, is_new] = pack_of_region.try_emplace(*region, folder_name(file.name));
        if (!is_new && pack->second == folder_name(file.name)) {
          complain(mistakes, file, row[region_code],
                   "the region '" + row[region_code].text + "' stands here twice");
          continue;
        }
        if (is_new) {
          gazetteer.regions_.emplace(*region, row[title].text);
          gazetteer.within_[region->parent()].push_back(*region);
          parents.push_back({&file, row[region_code], region->parent()});
        }
        add_name(file, row[title],
                 {*region, read_answer(file, row[needs_cue], "needs_cue"),
                  read_answer(file, row[minor], "minor")});
      }
    } else if (base_name(file.name) == "aliases.tsv") {
      for (auto& row :
           read_rows(file, {{"code"}, {"alias"}, {"needs_cue", Must::no}, {"minor", Must::no}},
                     mistakes)) {
        aliases.emplace_back(&file, std::move(row));
      }
    }
  }
  const auto known = gazetteer.codes();
  for (const auto& [file, cell, parent] : parents) {
    if (gazetteer.knows(parent)) continue;
    complain(mistakes, *file, cell,
             "the region around it, '" + std::string{parent.view()} + "', is not in the tree",
             closest(parent.view(), known));
  }
  for (const auto& [file, row] : aliases) {
    enum : std::size_t { region_code, alias, needs_cue, minor };
    const auto region = RegionCode::parse(row[region_code].text);
    if (!region || !gazetteer.knows(*region)) {
      complain(mistakes, *file, row[region_code],
               "the region '" + row[region_code].text + "' is not in the tree",
               closest(row[region_code].text, known));
      continue;
    }
    add_name(*file, row[alias],
             {*region, read_answer(*file, row[needs_cue], "needs_cue"),
              read_answer(*file, row[minor], "minor")});
  }
  gazetteer.single_words_.sort();
  return gazetteer;
}

void Gazetteer::add_single_word(std::string_view name) {
  std::pmr::monotonic_buffer_resource memory;
  const auto tokens = i18n::tokens(name, memory);
  if (tokens.size() == 1) single_words_.add(tokens.front());
}

}  // namespace ishara::routing
