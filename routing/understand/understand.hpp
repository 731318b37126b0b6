#pragma once
// From a text to a decision, by explainable rules: which exploitation it speaks of, how urgent it
// is, and where. Pure and deterministic; safe to call from many threads on one snapshot.
//
// Privacy: the text and everything derived from it lives in the caller's memory resource (a wiping
// arena). A decision carries codes and ids of lexicon entries only, never a piece of the text.

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "routing/model/category.hpp"
#include "routing/model/names.hpp"
#include "routing/model/tags.hpp"
#include "routing/understand/gazetteer.hpp"

namespace ishara::routing {

struct Snapshot;

// What the channel tells about its texts. Empty where it tells nothing.
struct Hints {
  std::string_view channel_language;  // BCP 47 tag of a language pack
  RegionCode channel_country;
};

enum class Outcome : std::uint8_t {
  automatic,  // the rules are sure enough to route by category
  triage,     // a person decides; the category is UNS or UNC
  noise,      // an advert or a mere greeting; the category is NON
};

constexpr std::string_view name(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::automatic:
      return "auto";
    case Outcome::triage:
      return "triage";
    case Outcome::noise:
      return "noise";
  }
  return {};
}

struct Decision {
  explicit Decision(std::pmr::memory_resource& memory) : reasons{&memory}, exclusions{&memory} {}

  std::string_view language;  // a pack's tag, or the channel's: lives with snapshot and hints
  Category category{Category::unclassified};
  double score{};                     // of the best code, 0 to 8
  std::optional<Category> runner_up;  // for UNS the code that came nearest
  Tags tags;
  Urgency urgency{Urgency::u0};
  RegionCode region;           // the finest region known; empty if not even the country is
  double region_confidence{};  // 0 to 1
  Candidates candidates;       // where a name may mean one of several places
  Outcome outcome{Outcome::triage};
  std::pmr::vector<std::string_view>
      reasons;  // ids of entries that counted; live with the snapshot
  std::pmr::vector<std::string_view> exclusions;  // ids of exclusions that the text names

  bool urgent() const noexcept { return is_urgent(urgency); }
};

// Understands one UTF-8 text (repaired by the caller: i18n/decode.hpp). Never fails; the worst
// answer is "unclassified, to triage". All allocations come from `memory`, and the decision keeps
// using it: it must not outlive `memory` or `snapshot`.
Decision understand(std::string_view text, const Hints& hints, const Snapshot& snapshot,
                    std::pmr::memory_resource& memory);

// The region to route by: the decision's own if its confidence is at least 0.7, else its country.
RegionCode routable_region(const Decision& decision) noexcept;

}  // namespace ishara::routing
