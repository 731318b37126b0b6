#include "routing/table/route.hpp"

#include <algorithm>
#include <tuple>

namespace ishara::routing {
namespace {

bool matches(const Route& route, const Question& question) noexcept {
  return (!route.category || *route.category == question.category) &&
         (route.language.empty() || route.language == question.language) &&
         (!route.urgent || *route.urgent == question.urgent);
}

// The most specific row: at most one row of a region can decide, and the regions around a place
// differ in depth, so that no two candidates are equal. A table without mistakes always has one.
const Route* row_for(const Question& question, const Table& table) noexcept {
  const Route* best = nullptr;
  for (auto region = question.region;; region = region.parent()) {
    for (const auto index : table.rows_of(region)) {
      const auto& route = table.routes()[index];
      if (!matches(route, question)) continue;
      if (best == nullptr || route.priority > best->priority) best = &route;
      break;
    }
    if (region.empty()) break;
  }
  return best;
}

// The root row; the one of lowest priority if several take everything.
const Route* root_row(const Table& table) noexcept {
  const Route* root = nullptr;
  for (const auto index : table.rows_of(RegionCode{})) {
    const auto& route = table.routes()[index];
    if (takes_everything(route)) root = &route;
  }
  return root;
}

bool contains(const std::vector<QueueName>& names, const QueueName& name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void exclude(const QueueName& name, Answer& answer) {
  if (!contains(answer.excluded, name)) answer.excluded.push_back(name);
}

// The queues of a chain that nothing keeps out, in order; the others are told as steps. No chain is
// longer than there are queues, even if its fallbacks lead back.
std::vector<const Queue*> chain(const QueueName& first, const Table& table, Answer& answer) {
  std::vector<const Queue*> queues;
  const auto* queue = table.queue(first);
  for (std::size_t left = table.queues().size(); queue != nullptr && left > 0; --left) {
    if (contains(answer.excluded, queue->name)) {
      answer.because.push_back({Because::queue_excluded, queue->name});
    } else {
      queues.push_back(queue);
    }
    queue = queue->fallback ? table.queue(*queue->fallback) : nullptr;
  }
  return queues;
}

class Able {
 public:
  explicit Able(const CanWork& can_work) : can_work_{can_work} {}
  bool operator()(const Queue* queue) const { return !can_work_ || can_work_(*queue); }

 private:
  const CanWork& can_work_;
};

void choose_owner(const Route& row, const Table& table, const Able& able, Answer& answer) {
  auto queues = chain(row.owner, table, answer);
  if (queues.empty()) {
    answer.because.push_back({Because::no_queue_left, {}});
    if (const auto* root = root_row(table)) queues = chain(root->owner, table, answer);
    if (queues.empty()) return;
  }
  auto owner = std::find_if(queues.begin(), queues.end(), able);
  if (owner == queues.end()) {
    owner = std::prev(queues.end());
    answer.because.push_back({Because::last_resort, (*owner)->name});
  } else {
    for (auto skipped = queues.begin(); skipped != owner; ++skipped) {
      answer.because.push_back({Because::queue_cannot_work, (*skipped)->name});
    }
  }
  answer.owner = (*owner)->name;
  for (auto next = std::next(owner); next != queues.end(); ++next) {
    answer.fallbacks.push_back((*next)->name);
    if (!answer.fallback && able(*next)) answer.fallback = (*next)->name;
  }
}

void choose_police(const Question& question, const Route& row, const Table& table, const Able& able,
                   Answer& answer) {
  if (!row.police) return;
  if (question.official_involved) {
    answer.because.push_back({Because::official_involved, *row.police});
    return;
  }
  if (question.consent != ConsentClass::helpers_and_police) {
    answer.because.push_back({Because::no_police_consent, *row.police});
    return;
  }
  const auto queues = chain(*row.police, table, answer);
  const auto first = std::find_if(queues.begin(), queues.end(), able);
  if (first != queues.end()) {
    answer.police = (*first)->name;
  } else if (!queues.empty()) {
    answer.because.push_back({Because::police_cannot_work, *row.police});
  }
}

}  // namespace

Answer route(const Question& question, const Table& table, const CanWork& can_work) {
  Answer answer;
  for (const auto& exclusion : table.exclusions()) {
    const auto named =
        std::find(question.exclusions.begin(), question.exclusions.end(), exclusion.id.view());
    if (named != question.exclusions.end()) exclude(exclusion.queue, answer);
  }
  if (question.official_involved) {
    for (const auto& queue : table.queues()) {
      if (queue.queue_class == QueueClass::police) exclude(queue.name, answer);
    }
  }
  const auto* row = row_for(question, table);
  if (row == nullptr) return answer;
  answer.row = row->id;
  answer.because.push_back({Because::row_matched, {}});
  const Able able{can_work};
  choose_owner(*row, table, able, answer);
  choose_police(question, *row, table, able, answer);
  return answer;
}

std::string sentence(const Step& step, const Answer& answer) {
  const std::string queue{step.queue.view()};
  switch (step.because) {
    case Because::row_matched:
      return "row '" + std::string{answer.row.view()} + "' is the most specific that matches";
    case Because::queue_cannot_work:
      return "queue '" + queue + "' cannot work now: skipped to its fallback";
    case Because::queue_excluded:
      return "queue '" + queue + "' is kept out by an exclusion";
    case Because::no_queue_left:
      return "every queue of the row is kept out: the root row's queues are taken";
    case Because::last_resort:
      return "no queue can work now: queue '" + queue + "' is the last resort";
    case Because::no_police_consent:
      return "police queue '" + queue + "' is left out: the reporter did not allow the police";
    case Because::official_involved:
      return "police queue '" + queue + "' is left out: an official may be involved";
    case Because::police_cannot_work:
      return "police queue '" + queue + "' and its fallbacks cannot work now";
  }
  return {};
}

}  // namespace ishara::routing
