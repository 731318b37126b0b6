#include "gateway/log/log.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <regex>
#include <string>
#include <thread>

#include "gateway/crypto/wipe.hpp"
#include "gateway/log/captured.hpp"

namespace ishara::log {
namespace {

enum class Fruit : std::uint8_t { apple, pear };
enum class Unnamed : std::uint8_t { one };

}  // namespace

template <>
struct Names<Fruit> {
  static constexpr std::array<std::string_view, 2> table{"apple", "pear"};
};

namespace {

// The compile-fail test of privacy.md section 14: what is text, or may become it, is refused.
template <class T>
concept CanBeLogged = requires(T value) {
  write<Event::gateway_listening>(value);
};

static_assert(CanBeLogged<int> && CanBeLogged<std::uint64_t> && CanBeLogged<std::uint8_t> &&
              CanBeLogged<bool> && CanBeLogged<Fruit>);
static_assert(!CanBeLogged<const char*> && !CanBeLogged<char*> && !CanBeLogged<std::string> &&
              !CanBeLogged<std::string_view> && !CanBeLogged<char> && !CanBeLogged<char8_t> &&
              !CanBeLogged<void*> && !CanBeLogged<Unnamed> && !CanBeLogged<double> &&
              !CanBeLogged<crypto::WipedBuffer>);

template <class... T>
concept FitsTwo = requires(T... values) {
  write<Event::role_started>(values...);
};
static_assert(FitsTwo<Fruit, int> && !FitsTwo<Fruit> && !FitsTwo<Fruit, int, int>);

const std::regex grammar{
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z (info|warning|error) [a-z][a-z0-9_]*"
    "( [a-z][a-z0-9_]*=(-?[0-9]+|[a-z0-9_]+))*\n"};

}  // namespace

TEST_CASE("a line has time, level, event, and a key for every argument") {
  const CapturedLog log;
  write<Event::role_started>(Fruit::pear, 42);
  const auto lines = log.lines();
  REQUIRE(lines.size() == 1);
  CHECK(std::regex_match(lines[0], grammar));
  CHECK(lines[0].substr(21) == "info role_started role=pear pid=42\n");
}

TEST_CASE("integers keep their whole range") {
  const CapturedLog log;
  write<Event::gateway_listening>(std::numeric_limits<std::int64_t>::min());
  write<Event::gateway_listening>(std::numeric_limits<std::uint64_t>::max());
  write<Event::gateway_listening>(static_cast<std::uint8_t>(200));
  write<Event::gateway_listening>(static_cast<Fruit>(9));
  const auto lines = log.lines();
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].ends_with("port=-9223372036854775808\n"));
  CHECK(lines[1].ends_with("port=18446744073709551615\n"));
  CHECK(lines[2].ends_with("port=200\n"));
  CHECK(lines[3].ends_with("port=unknown\n"));
}

TEST_CASE("every row of the table fits the grammar of a line") {
  for (const auto& entry : rows) {
    CAPTURE(entry.name);
    CHECK(std::regex_match(std::string{entry.name}, std::regex{"[a-z][a-z0-9_]*"}));
    CHECK(std::regex_match(std::string{entry.arguments},
                           std::regex{"([a-z][a-z0-9_]*( [a-z][a-z0-9_]*)*)?"}));
    for (const auto& other : rows) CHECK((&entry == &other || entry.name != other.name));
  }
}

TEST_CASE("lines of many threads do not mix") {
  const CapturedLog log;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) write<Event::role_ended>(Fruit::apple, i, 0);
    });
  for (auto& thread : threads) thread.join();
  const auto lines = log.lines();
  CHECK(lines.size() == 400);
  for (const auto& line : lines) CHECK(std::regex_match(line, grammar));
  CHECK(log.has(Event::role_ended));
  CHECK_FALSE(log.has(Event::role_started));
}

}  // namespace ishara::log
