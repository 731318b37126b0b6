#include "routing/table/table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "routing/pack/rows.hpp"
#include "routing/understand/gazetteer.hpp"

namespace ishara::routing {
namespace {

constexpr std::string_view any = "*";

unsigned conditions(const Route& route) noexcept {
  return static_cast<unsigned>(!route.language.empty()) + static_cast<unsigned>(!!route.urgent);
}

// What decides between two rows that match the same question; the greater is taken.
std::tuple<int, unsigned, bool, unsigned> rank(const Route& route) noexcept {
  return {route.priority, route.region.depth(), route.category.has_value(), conditions(route)};
}

// Two rows of one rank tie if some question matches both.
bool tie(const Route& a, const Route& b) noexcept {
  return rank(a) == rank(b) && a.region == b.region && a.category == b.category &&
         (a.language.empty() || b.language.empty() || a.language == b.language) &&
         (!a.urgent || !b.urgent || a.urgent == b.urgent);
}

// A thing with the cell that named it, for mistakes that show only when all files are read.
template <class T>
struct Placed {
  T value;
  const PackFile* file;
  Row row;
};

class Reader {
 public:
  Reader(std::span<const PackFile> files, const Gazetteer& gazetteer,
         std::vector<Mistake>& mistakes)
      : files_{files}, gazetteer_{gazetteer}, mistakes_{mistakes} {}

  void read() {
    for (const auto& file : files_) {
      if (base_name(file.name) == "queues.csv") read_queues(file);
    }
    for (const auto& queue : queues) queue_names_.push_back(queue.value.name.view());
    for (const auto& file : files_) {
      if (base_name(file.name) == "routes.csv") read_routes(file);
      if (base_name(file.name) == "exclusions.csv") read_exclusions(file);
    }
    check_fallbacks();
    check_ties();
    check_root();
  }

  std::vector<Placed<Queue>> queues;
  std::vector<Placed<Route>> routes;
  std::vector<Placed<Exclusion>> exclusions;

 private:
  enum QueueColumn : std::size_t { name, queue_class, organisation, fallback };
  enum RouteColumn : std::size_t {
    id,
    region,
    category,
    language,
    urgent,
    priority,
    owner,
    police
  };
  enum ExclusionColumn : std::size_t { exclusion_id, exclusion_name, exclusion_queue };

  Slug read_slug(const PackFile& file, const Cell& cell) {
    const auto slug = Slug::parse(cell.text);
    if (!slug) {
      complain(
          mistakes_, file, cell,
          "'" + cell.text + "' is no name here: use at most 40 of a-z, 0-9 and hyphens inside");
    }
    return slug.value_or(Slug{});
  }

  void read_queues(const PackFile& file) {
    for (auto& row : read_rows(
             file, {{"name"}, {"class"}, {"organisation"}, {"fallback", Must::no}}, mistakes_)) {
      Queue queue;
      queue.name = read_slug(file, row[name]);
      queue.organisation = read_slug(file, row[organisation]);
      if (const auto known = queue_class_from_name(row[queue_class].text)) {
        queue.queue_class = *known;
        check_class(file, row[queue_class], queue);
      } else {
        complain(mistakes_, file, row[queue_class], "a queue's class is ngo, police or other",
                 closest(row[queue_class].text, queue_class_names));
      }
      if (!row[fallback].text.empty()) queue.fallback = read_slug(file, row[fallback]);
      if (find(queue.name) != nullptr) {
        complain(mistakes_, file, row[name],
                 "the queue '" + row[name].text + "' stands here twice");
        continue;
      }
      queues.push_back({queue, &file, std::move(row)});
    }
  }

  // Members of an organisation are founded and signed with its class, so it has one.
  void check_class(const PackFile& file, const Cell& cell, const Queue& queue) {
    const auto [first, fresh] = classes_.emplace(queue.organisation, queue.queue_class);
    if (fresh || first->second == queue.queue_class || queue.organisation.empty()) return;
    const std::string its{ishara::routing::name(first->second)};
    complain(mistakes_, file, cell,
             "all queues of an organisation have one class: another queue of '" +
                 std::string{queue.organisation.view()} + "' is of class " + its,
             its);
  }

  // The queue that a cell names; a mistake if there is none.
  const Placed<Queue>* read_queue(const PackFile& file, const Cell& cell) {
    const auto slug = Slug::parse(cell.text);
    const auto* queue = slug ? find(*slug) : nullptr;
    if (queue == nullptr) {
      complain(mistakes_, file, cell, "there is no queue '" + cell.text + "'",
               closest(cell.text, queue_names_));
    }
    return queue;
  }

  void read_routes(const PackFile& file) {
    for (auto& row : read_rows(file,
                               {{"id"},
                                {"region"},
                                {"category"},
                                {"language", Must::no},
                                {"urgent", Must::no},
                                {"priority", Must::no},
                                {"owner"},
                                {"police", Must::no}},
                               mistakes_)) {
      const auto before = mistakes_.size();
      Route route;
      route.id = read_slug(file, row[id]);
      if (!route_ids_.insert(route.id).second) {
        complain(mistakes_, file, row[id], "the id '" + row[id].text + "' is already used");
      }
      read_region(file, row[region], route);
      if (row[category].text != any) {
        route.category = category_from_code(row[category].text);
        if (!route.category) {
          complain(mistakes_, file, row[category],
                   "'" + row[category].text + "' is no category; * stands for all",
                   closest(row[category].text, category_codes));
        }
      }
      route.language = row[language].text;
      read_urgent(file, row[urgent], route);
      read_priority(file, row[priority], route);
      if (const auto* queue = read_queue(file, row[owner])) {
        route.owner = queue->value.name;
        if (queue->value.queue_class == QueueClass::police) {
          complain(mistakes_, file, row[owner],
                   "a police queue never owns a report: name it in the column 'police'");
        }
      }
      if (!row[police].text.empty()) {
        if (const auto* queue = read_queue(file, row[police])) {
          route.police = queue->value.name;
          if (queue->value.queue_class != QueueClass::police) {
            complain(mistakes_, file, row[police], "this queue is not of class police");
          }
        }
      }
      if (mistakes_.size() == before) {
        routes.push_back({std::move(route), &file, std::move(row)});
      } else {
        refused_row_ = true;
      }
    }
  }

  void read_region(const PackFile& file, const Cell& cell, Route& route) {
    if (cell.text == any) return;
    const auto code = RegionCode::parse(cell.text);
    if (code && gazetteer_.knows(*code)) {
      route.region = *code;
      return;
    }
    const auto codes = gazetteer_.codes();
    complain(mistakes_, file, cell,
             "the region '" + cell.text + "' is not in regions.tsv; * stands for all",
             closest(cell.text, codes));
  }

  void read_urgent(const PackFile& file, const Cell& cell, Route& route) {
    if (cell.text == "yes") {
      route.urgent = true;
    } else if (cell.text == "no") {
      route.urgent = false;
    } else if (!cell.text.empty()) {
      static constexpr std::array<std::string_view, 2> answers{"yes", "no"};
      complain(mistakes_, file, cell, "urgent is yes, no or empty", closest(cell.text, answers));
    }
  }

  void read_priority(const PackFile& file, const Cell& cell, Route& route) {
    const auto& text = cell.text;
    if (text.empty()) return;
    const auto end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, route.priority);
    if (error != std::errc{} || stop != end || route.priority < 0 || route.priority > 100) {
      complain(mistakes_, file, cell, "a priority is a number from 0 to 100");
    }
  }

  void read_exclusions(const PackFile& file) {
    for (auto& row : read_rows(file, {{"id"}, {"name"}, {"queue"}}, mistakes_)) {
      Exclusion exclusion{read_slug(file, row[exclusion_id]), row[exclusion_name].text, {}};
      if (!exclusion_ids_.insert(exclusion.id).second) {
        complain(mistakes_, file, row[exclusion_id],
                 "the id '" + row[exclusion_id].text + "' is already used");
      }
      NameTrie trial;
      if (!trial.add(exclusion.name, 0)) {
        complain(mistakes_, file, row[exclusion_name], "a name has 1 to 8 words");
      }
      if (const auto* queue = read_queue(file, row[exclusion_queue])) {
        exclusion.queue = queue->value.name;
        exclusions.push_back({std::move(exclusion), &file, std::move(row)});
      }
    }
  }

  const Placed<Queue>* find(const QueueName& wanted) const {
    const auto found = std::find_if(queues.begin(), queues.end(), [&](const Placed<Queue>& queue) {
      return queue.value.name == wanted;
    });
    return found == queues.end() ? nullptr : &*found;
  }

  void check_fallbacks() {
    for (const auto& [queue, file, row] : queues) {
      if (!queue.fallback) continue;
      const auto* next = read_queue(*file, row[fallback]);
      if (next == nullptr) continue;
      if (next->value.queue_class != queue.queue_class) {
        complain(mistakes_, *file, row[fallback],
                 "a fallback has the same class: this queue is of class " +
                     std::string{ishara::routing::name(queue.queue_class)} + ", its fallback of " +
                     std::string{ishara::routing::name(next->value.queue_class)});
      }
      for (std::size_t steps = 0; next != nullptr && steps <= queues.size(); ++steps) {
        if (next->value.name == queue.name) {
          complain(mistakes_, *file, row[fallback],
                   "the fallbacks of '" + row[name].text + "' lead back to it");
          break;
        }
        next = next->value.fallback ? find(*next->value.fallback) : nullptr;
      }
    }
  }

  void check_ties() {
    std::unordered_map<RegionCode, std::vector<const Placed<Route>*>> by_region;
    for (const auto& route : routes) {
      auto& rows = by_region[route.value.region];
      for (const auto* other : rows) {
        if (!tie(route.value, other->value)) continue;
        complain(mistakes_, *route.file, route.row[id],
                 "ties with the row '" + std::string{other->value.id.view()} +
                     "': give one of them another priority or one more condition");
      }
      rows.push_back(&route);
    }
  }

  // Every report has an owner: a row matches everything, and the exclusions leave a queue in its
  // chain whatever a text names. There may be more such rows, of different priority; any may be
  // taken in place of a chain that is kept out, so all are checked.
  void check_root() {
    const PackFile* first = nullptr;
    for (const auto& file : files_) {
      if (first == nullptr && base_name(file.name) == "routes.csv") first = &file;
    }
    if (first == nullptr) return;
    bool found = false;
    for (const auto& route : routes) {
      if (!takes_everything(route.value)) continue;
      found = true;
      if (!always_leaves_a_queue(route.value)) {
        complain(mistakes_, *route.file, route.row[owner],
                 "the exclusions can keep out every queue of the root row's chain: add a fallback "
                 "that no exclusion names");
      }
    }
    if (!found && !refused_row_) {
      mistakes_.push_back({std::string{first->name},
                           0,
                           0,
                           "there is no root row: one row must have region *, category * and no "
                           "further condition, so that every report has an owner",
                           {}});
    }
  }

  // True if some queue of the row's chain is named by no exclusion.
  bool always_leaves_a_queue(const Route& route) const {
    const auto* queue = find(route.owner);
    for (std::size_t steps = 0; queue != nullptr && steps <= queues.size(); ++steps) {
      const bool excluded = std::any_of(exclusions.begin(), exclusions.end(),
                                        [&](const Placed<Exclusion>& exclusion) {
                                          return exclusion.value.queue == queue->value.name;
                                        });
      if (!excluded) return true;
      queue = queue->value.fallback ? find(*queue->value.fallback) : nullptr;
    }
    return false;
  }

  std::span<const PackFile> files_;
  const Gazetteer& gazetteer_;
  std::vector<Mistake>& mistakes_;
  std::vector<std::string_view> queue_names_;
  std::map<OrganisationName, QueueClass> classes_;
  std::set<Slug> route_ids_;
  bool refused_row_{};  // it may be the root row that is looked for
  std::set<Slug> exclusion_ids_;
};

}  // namespace

bool takes_everything(const Route& route) noexcept {
  return route.region.empty() && !route.category && conditions(route) == 0;
}

const Queue* Table::queue(const QueueName& name) const noexcept {
  const auto found = queue_index_.find(name);
  return found == queue_index_.end() ? nullptr : &queues_[found->second];
}

std::span<const std::uint32_t> Table::rows_of(const RegionCode& region) const noexcept {
  const auto found = region_index_.find(region);
  if (found == region_index_.end()) return {};
  return found->second;
}

Table Table::build(std::span<const PackFile> files, const Gazetteer& gazetteer,
                   std::vector<Mistake>& mistakes) {
  Reader reader{files, gazetteer, mistakes};
  reader.read();
  Table table;
  for (auto& queue : reader.queues) {
    table.queue_index_.emplace(queue.value.name, table.queues_.size());
    table.queues_.push_back(queue.value);
  }
  for (auto& route : reader.routes) {
    table.region_index_[route.value.region].push_back(
        static_cast<std::uint32_t>(table.routes_.size()));
    table.routes_.push_back(std::move(route.value));
  }
  for (auto& exclusion : reader.exclusions) table.exclusions_.push_back(exclusion.value);
  for (auto& [region, rows] : table.region_index_) {
    std::sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
      return rank(table.routes_[a]) > rank(table.routes_[b]);
    });
  }
  return table;
}

}  // namespace ishara::routing
