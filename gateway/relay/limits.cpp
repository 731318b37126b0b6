#include "gateway/relay/limits.hpp"

#include <algorithm>
#include <utility>

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;

constexpr double burst = 3000;
constexpr double per_second = 300;
constexpr double clamped_per_second = 10;
constexpr double clamped_burst = 10;
constexpr auto inbox_is_behind = 30s;
constexpr auto flood_memory = 2s;
constexpr std::uint64_t misses_for_each_message = 10;
// A quiet hour with a few wrong guesses of ours is no alarm.
constexpr std::uint64_t misses_of_a_quiet_hour = 100;

constexpr std::uint64_t failures_an_hour = 60;
constexpr auto pause_after_failures = 60s;

std::int64_t minute_of(Moment now) {
  return std::chrono::duration_cast<std::chrono::minutes>(now.time_since_epoch()).count();
}

}  // namespace

void HourCount::forget(Moment now) {
  while (!minutes_.empty() && minutes_.front().minute <= minute_of(now) - 60) {
    total_ -= minutes_.front().count;
    minutes_.pop_front();
  }
}

void HourCount::add(Moment now, std::uint32_t count) {
  forget(now);
  if (minutes_.empty() || minutes_.back().minute != minute_of(now))
    minutes_.push_back({minute_of(now), 0});
  minutes_.back().count += count;
  total_ += count;
}

std::uint64_t HourCount::total(Moment now) {
  forget(now);
  return total_;
}

bool FreshLimit::take(Moment now) {
  const std::chrono::duration<double> passed = last_ ? now - *last_ : Moment::duration{};
  last_ = now;
  tokens_ = std::min(burst, tokens_ + passed.count() * per_second);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void ResolveLimit::judge(Moment now) {
  while (!recent_misses_.empty() && now - recent_misses_.front() >= inbox_is_behind) {
    misses_.add(now);
    recent_misses_.pop_front();
  }
  const bool clamp = misses_.total(now) > std::max(misses_of_a_quiet_hour,
                                                   misses_for_each_message * accepted_.total(now));
  if (clamp && !clamped_) {
    alarm_ = true;
    tokens_ = std::min(tokens_, clamped_burst);
  }
  clamped_ = clamp;
}

bool ResolveLimit::take(Moment now) {
  judge(now);
  const std::chrono::duration<double> passed = last_ ? now - *last_ : Moment::duration{};
  last_ = now;
  tokens_ = std::min(clamped_ ? clamped_burst : burst,
                     tokens_ + passed.count() * (clamped_ ? clamped_per_second : per_second));
  if (tokens_ < 1) {
    refused_ = now;
    return false;
  }
  tokens_ -= 1;
  return true;
}

bool ResolveLimit::flooded(Moment now) const noexcept {
  return refused_ && now - *refused_ < flood_memory;
}

bool ResolveLimit::alarm() noexcept { return std::exchange(alarm_, false); }

bool RefLimit::take(Moment now) {
  if (failures_.total(now) + under_way_ >= failures_an_hour) {
    reached_ = true;
    if (under_way_ > 0 || (last_ && now - *last_ < pause_after_failures)) return false;
  }
  last_ = now;
  ++under_way_;
  return true;
}

void RefLimit::settle(Moment now, bool failed) {
  --under_way_;
  if (failed) failures_.add(now);
}

bool RefLimit::alarm(Moment now) noexcept {
  if (!std::exchange(reached_, false)) return false;
  if (alarmed_ && now - *alarmed_ < 1h) return false;
  alarmed_ = now;
  return true;
}

}  // namespace ishara::relay
