#pragma once
// The route table: queues and the rows that assign reports to them. Immutable once built; safe to
// read from many threads. Pure: whether a queue can work now is asked of the caller.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "routing/model/category.hpp"
#include "routing/model/consent.hpp"
#include "routing/model/names.hpp"
#include "routing/pack/pack_file.hpp"

namespace ishara::routing {

class Gazetteer;

struct Queue {
  QueueName name;
  QueueClass queue_class{};
  OrganisationName organisation;
  std::optional<QueueName> fallback;  // of the same class
};

// One row: a region subtree and a category (or any), narrowed by optional conditions.
struct Route {
  Slug id;
  RegionCode region;                 // the root for any region
  std::optional<Category> category;  // nothing for any category
  std::string language;              // empty for any language
  std::optional<bool> urgent;
  int priority{};   // higher wins before anything else
  QueueName owner;  // never of class police
  std::optional<QueueName> police;
};

// True if the row matches every question: any region, any category, no further condition.
bool takes_everything(const Route& route) noexcept;

// A text that holds `name` keeps `queue` out of its report.
struct Exclusion {
  Slug id;
  std::string name;
  QueueName queue;
};

class Table {
 public:
  Table() = default;

  // In the order of the pack files.
  std::span<const Queue> queues() const noexcept { return queues_; }
  std::span<const Route> routes() const noexcept { return routes_; }
  std::span<const Exclusion> exclusions() const noexcept { return exclusions_; }

  // The queue of that name, or nullptr.
  const Queue* queue(const QueueName& name) const noexcept;
  // The rows of exactly this region, the most specific first.
  std::span<const std::uint32_t> rows_of(const RegionCode& region) const noexcept;

  // Builds a table from queues.csv, routes.csv and exclusions.csv of any number of country packs
  // (other files are not looked at). Every mistake is added to `mistakes`: unknown names, regions
  // that `gazetteer` does not know, a class that may not stand there, an organisation of two
  // classes, fallback cycles, rows that tie, a missing root row, one whose queues the exclusions
  // can all keep out. The table is of use only if none was added.
  static Table build(std::span<const PackFile> files, const Gazetteer& gazetteer,
                     std::vector<Mistake>& mistakes);

 private:
  std::vector<Queue> queues_;
  std::vector<Route> routes_;
  std::vector<Exclusion> exclusions_;
  std::unordered_map<QueueName, std::size_t> queue_index_;
  std::unordered_map<RegionCode, std::vector<std::uint32_t>> region_index_;
};

}  // namespace ishara::routing
