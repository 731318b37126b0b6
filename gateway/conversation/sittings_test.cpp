#include "gateway/conversation/sittings.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>

namespace ishara::conversation {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds noon{1'800'000'000s};

crypto::Id tag(std::uint8_t number) { return {number}; }

TEST_CASE("a sitting ends 60 minutes after its first text, whatever comes between (row 44)") {
  Sittings<int> sittings{8};
  sittings.open(tag(1), noon) = 7;
  CHECK(sittings.open(tag(1), noon + 59min) == 7);
  REQUIRE(sittings.find(tag(1), noon + 3599s));
  CHECK_FALSE(sittings.find(tag(1), noon + 3600s));
  CHECK(sittings.size() == 0);
  CHECK(sittings.open(tag(1), noon + 3600s) == 0);
}

TEST_CASE("one phone's sitting is not another's") {
  Sittings<int> sittings{8};
  sittings.open(tag(1), noon) = 7;
  CHECK_FALSE(sittings.find(tag(2), noon));
  CHECK(sittings.open(tag(2), noon) == 0);
  CHECK(*sittings.find(tag(1), noon) == 7);
}

TEST_CASE("a full container ends the oldest sitting") {
  Sittings<int> sittings{3};
  for (std::uint8_t i = 1; i <= 5; ++i) sittings.open(tag(i), noon + std::chrono::minutes{i}) = i;
  CHECK(sittings.size() == 3);
  CHECK_FALSE(sittings.find(tag(2), noon + 5min));
  for (std::uint8_t i = 3; i <= 5; ++i) CHECK(*sittings.find(tag(i), noon + 5min) == i);
}

TEST_CASE("a sitting that is ended by hand is gone, and the others stay in their order") {
  Sittings<int> sittings{8};
  for (std::uint8_t i = 1; i <= 3; ++i) sittings.open(tag(i), noon + std::chrono::minutes{i}) = i;
  sittings.end(tag(1));
  sittings.end(tag(9));
  CHECK_FALSE(sittings.find(tag(1), noon + 3min));
  sittings.forget_old(noon + 62min);
  CHECK(sittings.size() == 1);
  CHECK(sittings.find(tag(3), noon + 62min));
}

TEST_CASE("what lay in a sitting is destroyed with it") {
  struct Counted {
    explicit Counted(int& count) : alive{&count} { ++*alive; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*alive; }
    int* alive;
  };
  static int alive = 0;
  struct Value {
    Counted counted{alive};
    Value() = default;
    Value(Value&&) : Value{} {}
  };
  {
    Sittings<Value> sittings{2};
    for (std::uint8_t i = 1; i <= 5; ++i) sittings.open(tag(i), noon);
    CHECK(alive == 2);
    sittings.forget_old(noon + 60min);
    CHECK(alive == 0);
    sittings.open(tag(1), noon + 60min);
  }
  CHECK(alive == 0);
}

}  // namespace
}  // namespace ishara::conversation
