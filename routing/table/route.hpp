#pragma once
// Which queue owns a report, which may also read it, and why. Pure and total: every question has an
// answer, and the same question the same one. Safe to call from many threads on one table.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/table/table.hpp"

namespace ishara::routing {

struct Question {
  RegionCode region;  // the root if nothing is known
  Category category{Category::unclassified};
  std::string_view language;  // empty if unknown
  bool urgent{};
  ConsentClass consent{ConsentClass::helpers};
  bool official_involved{};                      // no police queue, whatever was consented
  std::span<const std::string_view> exclusions;  // ids, as `Decision::exclusions` has them
};

// True if the queue can take work now: not paused, and some member holds a live key.
using CanWork = std::function<bool(const Queue&)>;

enum class Because : std::uint8_t {
  row_matched,         // the row that decided; no queue
  queue_cannot_work,   // skipped to its fallback
  queue_excluded,      // the text names somebody of it
  no_queue_left,       // the whole chain was excluded: the root row's chain was taken
  last_resort,         // nobody in the chain can work: its end takes it all the same
  no_police_consent,   // the row names a police queue, the reporter did not allow it
  official_involved,   // the same, though he allowed it
  police_cannot_work,  // no queue of the police chain can work
};

struct Step {
  Because because{};
  QueueName queue;  // empty where the step concerns no queue
};

struct Answer {
  QueueName owner;
  std::optional<QueueName>
      fallback;  // the next queue of the owner's chain, same class: gets a wrap too
  std::optional<QueueName> police;  // in consent class 1 only
  Slug row;
  std::vector<Step> because;
  std::vector<QueueName> fallbacks;  // the rest of the owner's chain, in order
  std::vector<QueueName> excluded;   // queues kept out by an exclusion or by `official_involved`
};

// The owner is empty only if the table was built with mistakes: no row matches, or the exclusions
// leave nobody. `can_work` may be empty: then every queue can.
Answer route(const Question& question, const Table& table, const CanWork& can_work);

// One plain English sentence for a step, for people who ask why.
std::string sentence(const Step& step, const Answer& answer);

}  // namespace ishara::routing
