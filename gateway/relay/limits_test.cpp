#include "gateway/relay/limits.hpp"

#include <doctest/doctest.h>

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;

constexpr Moment start{1000h};

}  // namespace

TEST_CASE("an hour count forgets what is an hour old") {
  HourCount count;
  count.add(start, 5);
  count.add(start + 30min);
  CHECK(count.total(start + 59min) == 6);
  CHECK(count.total(start + 60min) == 1);
  CHECK(count.total(start + 90min) == 0);
}

TEST_CASE("resolving is free up to a burst, then three hundred a second") {
  ResolveLimit limit;
  limit.accepted(start, 100'000);
  int allowed = 0;
  for (int i = 0; i < 20'000; ++i) allowed += limit.take(start) ? 1 : 0;
  CHECK(allowed == 3000);
  for (int second = 1; second <= 10; ++second)
    for (int i = 0; i < 1000; ++i) allowed += limit.take(start + second * 1s) ? 1 : 0;
  CHECK(allowed == 6000);
  CHECK_FALSE(limit.alarm());
}

TEST_CASE("it is a flood until two seconds after the last question too many") {
  ResolveLimit limit;
  for (int i = 0; i < 3000; ++i) REQUIRE(limit.take(start));
  CHECK_FALSE(limit.flooded(start));
  CHECK_FALSE(limit.take(start));
  CHECK(limit.flooded(start + 1999ms));
  CHECK_FALSE(limit.flooded(start + 2s));
}

TEST_CASE("who misses ten times as often as messages come in is clamped, and it rings once") {
  ResolveLimit limit;
  limit.accepted(start, 50);
  for (int i = 0; i < 501; ++i) {
    REQUIRE(limit.take(start));
    limit.missed(start);
  }
  CHECK(limit.take(start + 29s));
  CHECK_FALSE(limit.clamped());
  const auto later = start + 30s;
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) allowed += limit.take(later) ? 1 : 0;
  CHECK(allowed == 10);
  CHECK(limit.clamped());
  CHECK(limit.alarm());
  CHECK_FALSE(limit.alarm());
  for (int tenth = 1; tenth <= 100; ++tenth)
    for (int i = 0; i < 100; ++i) allowed += limit.take(later + tenth * 100ms) ? 1 : 0;
  CHECK(allowed >= 109);
  CHECK(allowed <= 110);
  CHECK_FALSE(limit.alarm());

  // An hour later nobody has missed.
  CHECK(limit.take(start + 2h));
  CHECK_FALSE(limit.clamped());
}

TEST_CASE("new reports that come in half a minute late are no search for numbers") {
  ResolveLimit limit;
  for (int second = 0; second < 600; ++second) {
    const auto now = start + second * 1s;
    for (int i = 0; i < 100; ++i) {
      REQUIRE(limit.take(now));
      limit.missed(now);
    }
    if (second >= 20) limit.accepted(now, 100);
  }
  CHECK_FALSE(limit.alarm());
}

TEST_CASE("a search at full speed gets three hundred a second for half a minute, then ten") {
  ResolveLimit limit;
  int allowed = 0;
  for (int tenth = 0; tenth < 600; ++tenth) {
    const auto now = start + tenth * 100ms;
    for (int i = 0; i < 400; ++i) {
      if (!limit.take(now)) continue;
      limit.missed(now);
      ++allowed;
    }
  }
  CHECK(limit.alarm());
  CHECK(allowed <= 3000 + 300 * 30 + 10 + 10 * 30 + 10);
  CHECK(allowed > 3000 + 300 * 29);
}

TEST_CASE("a few misses in a quiet hour are no alarm") {
  ResolveLimit limit;
  for (int i = 0; i < 100; ++i) {
    CHECK(limit.take(start));
    limit.missed(start);
  }
  CHECK(limit.take(start + 1min));
  CHECK_FALSE(limit.alarm());
}

TEST_CASE("sixty wrong refs an hour, then one look-up a minute, and it rings once an hour") {
  RefLimit limit;
  int looked_up = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (!limit.take(start)) continue;
    ++looked_up;
    limit.settle(start, true);
  }
  CHECK(looked_up == 60);
  CHECK(limit.alarm(start));
  for (int second = 0; second < 1800; ++second) {
    const auto now = start + second * 1s;
    if (!limit.take(now)) continue;
    ++looked_up;
    limit.settle(now, true);
  }
  CHECK(looked_up == 89);
  CHECK_FALSE(limit.alarm(start + 30min));
}

TEST_CASE("a flood of look-ups at the same time counts as failures until they are known") {
  RefLimit limit;
  int under_way = 0;
  for (int i = 0; i < 1000; ++i) under_way += limit.take(start) ? 1 : 0;
  CHECK(under_way == 60);
  for (int i = 0; i < under_way; ++i) limit.settle(start, false);
  CHECK(limit.take(start));
}

TEST_CASE("right refs are never limited") {
  RefLimit limit;
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(limit.take(start));
    limit.settle(start, false);
  }
  CHECK_FALSE(limit.alarm(start));
}

TEST_CASE("unused refs are handed out up to a burst, then three hundred a second") {
  FreshLimit limit;
  int allowed = 0;
  for (int i = 0; i < 20'000; ++i) allowed += limit.take(start) ? 1 : 0;
  CHECK(allowed == 3000);
  for (int second = 1; second <= 10; ++second)
    for (int i = 0; i < 1000; ++i) allowed += limit.take(start + second * 1s) ? 1 : 0;
  CHECK(allowed == 6000);
}

}  // namespace ishara::relay
