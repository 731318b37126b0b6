#include "gateway/desk/limits.hpp"

#include <algorithm>
#include <utility>

namespace ishara::desk {
namespace {

constexpr std::uint64_t step_seconds = 300;
constexpr std::uint64_t steps_an_hour = 12;
constexpr std::uint64_t hour_seconds = 3'600;
constexpr std::uint64_t day_seconds = 86'400;

}  // namespace

bool FetchLimit::has_left(std::deque<Step>& steps, std::uint64_t now) {
  while (!steps.empty() && steps.front().number + 24 * steps_an_hour < now) steps.pop_front();
  std::uint32_t hour = 0;
  std::uint32_t day = 0;
  for (const auto& step : steps) {
    day += step.texts;
    if (step.number + steps_an_hour >= now) hour += step.texts;
  }
  return hour < an_hour && day < a_day;
}

bool FetchLimit::charge(const crypto::Id& user, std::uint64_t unix_time) {
  const auto now = unix_time / step_seconds;
  auto& steps = users_[user];
  if (!has_left(steps, now)) return false;
  if (steps.empty() || steps.back().number != now) steps.push_back({now, 0});
  ++steps.back().texts;
  return true;
}

bool FetchLimit::settle(const crypto::Id& user, std::uint64_t unix_time, std::uint32_t texts) {
  const auto now = unix_time / step_seconds;
  auto& steps = users_[user];
  const auto charged = std::ranges::find(steps, now, &Step::number);
  if (charged == steps.end()) return true;  // by the clock that was more than a day ago
  --charged->texts;
  if (texts == 0) return true;
  if (!has_left(steps, now)) return false;
  charged->texts += texts;
  return true;
}

std::optional<std::uint64_t> TrialAlarm::count_wrong(std::uint64_t unix_time) {
  ++since_;
  wrong_.push_back(unix_time);
  if (wrong_.size() > an_hour) wrong_.pop_front();
  if (wrong_.size() < an_hour || wrong_.front() + hour_seconds <= unix_time ||
      (rang_ && *rang_ + hour_seconds > unix_time))
    return std::nullopt;
  rang_ = unix_time;
  return std::exchange(since_, 0);
}

std::optional<Repeats::Known> Repeats::begin(const crypto::Id& user, const std::string& key,
                                             const crypto::Digest& request,
                                             std::uint64_t unix_time) {
  while (!by_age_.empty() &&
         (by_age_.size() >= capacity || by_age_.front().time + day_seconds < unix_time)) {
    known_.erase(by_age_.front().key);
    by_age_.pop_front();
  }
  const auto [entry, fresh] = known_.try_emplace({user, key}, Known{request, std::nullopt});
  if (!fresh) return entry->second;
  by_age_.push_back({unix_time, {user, key}});
  return std::nullopt;
}

void Repeats::finish(const crypto::Id& user, const std::string& key,
                     const http::Response& response) {
  if (const auto entry = known_.find({user, key}); entry != known_.end())
    entry->second.response = response;
}

void Repeats::forget(const crypto::Id& user, const std::string& key) { known_.erase({user, key}); }

}  // namespace ishara::desk
