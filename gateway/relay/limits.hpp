#pragma once
// What the relay lets its callers do, so that a broken gateway cannot search for numbers or refs
// (privacy.md section 3). Pure: the time is an argument and never goes back by more than a little.
//
// Thread rule: one thread.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace ishara::relay {

// A moment of the steady clock.
using Moment = std::chrono::steady_clock::time_point;

// How many of something there were within the last hour, to the minute.
class HourCount {
 public:
  void add(Moment now, std::uint32_t count = 1);
  std::uint64_t total(Moment now);

 private:
  void forget(Moment now);

  struct Minute {
    std::int64_t minute = 0;
    std::uint32_t count = 0;
  };
  std::deque<Minute> minutes_;
  std::uint64_t total_ = 0;
};

// FRESH: 300 a second with bursts of 3,000. Each ref that is handed out stays reserved for a day or
// two, in memory.
class FreshLimit {
 public:
  // Whether one more may be handed out now.
  [[nodiscard]] bool take(Moment now);

 private:
  double tokens_ = 3000;
  std::optional<Moment> last_;
};

// RESOLVE: 300 a second with bursts of 3,000. A gateway that only passes on what phones send misses
// about as often as messages come in; one that searches misses far more. Then it is 10 a second.
class ResolveLimit {
 public:
  // Whether one more may be looked up now.
  [[nodiscard]] bool take(Moment now);
  // Counts half a minute later: the addresses of accepted messages come in behind.
  void missed(Moment now) { recent_misses_.push_back(now); }
  // Addresses of accepted messages that came in through the inbox.
  void accepted(Moment now, std::uint32_t count) { accepted_.add(now, count); }
  bool clamped() const noexcept { return clamped_; }
  // More was asked in the last two seconds than may be looked up. (A gateway that was told so asks
  // no more for one second.)
  [[nodiscard]] bool flooded(Moment now) const noexcept;
  // True once for each beginning of a clamp.
  [[nodiscard]] bool alarm() noexcept;

 private:
  void judge(Moment now);

  HourCount misses_;
  std::deque<Moment> recent_misses_;
  HourCount accepted_;
  double tokens_ = 3000;
  std::optional<Moment> last_;
  std::optional<Moment> refused_;
  bool clamped_ = false;
  bool alarm_ = false;
};

// REF, PULL and END by ref, together: 60 failures an hour, then one look-up a minute.
class RefLimit {
 public:
  // Whether one more may be looked up now; if so, `settle` is called when the outcome is known.
  [[nodiscard]] bool take(Moment now);
  void settle(Moment now, bool failed);
  // True once for each hour in which the limit was reached.
  [[nodiscard]] bool alarm(Moment now) noexcept;

 private:
  HourCount failures_;
  std::uint32_t under_way_ = 0;  // each may turn out to be a failure
  std::optional<Moment> last_;
  std::optional<Moment> alarmed_;
  bool reached_ = false;
};

}  // namespace ishara::relay
