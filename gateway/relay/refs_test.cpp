#include "gateway/relay/refs.hpp"

#include <doctest/doctest.h>

#include <unordered_set>

namespace ishara::relay {

TEST_CASE("a million refs drawn one by one beside twenty thousand live ones: none comes twice") {
  const Moment now{std::chrono::hours{1000}};
  const auto key = [](const identity::Ref& ref) {
    std::uint64_t number = 0;
    for (const char digit : ref.digits()) number = number * 10 + static_cast<unsigned>(digit - '0');
    return number;
  };
  std::unordered_set<std::uint64_t> live;
  while (live.size() < 20'000) live.insert(key(identity::Ref::from(crypto::random_bytes<16>())));

  ReservedRefs reserved;
  auto seen = live;
  std::uint32_t drawn_again = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    for (;;) {
      const auto ref = identity::Ref::from(crypto::random_bytes<16>());
      if (!live.contains(key(ref)) && reserved.reserve(ref, now)) {
        REQUIRE(seen.insert(key(ref)).second);
        break;
      }
      ++drawn_again;
    }
  }
  // Half a million squared over eight hundred millions: without the look some would have come
  // twice.
  CHECK(drawn_again > 100);
}

TEST_CASE("a ref is reserved for a day at least and two at most") {
  using namespace std::chrono_literals;
  const Moment start{1000h};
  const auto ref = identity::Ref::parse("4821773501").value();
  const auto other = identity::Ref::from(crypto::Id{7});
  ReservedRefs reserved;
  CHECK(reserved.reserve(other, start));
  CHECK(reserved.reserve(ref, start + 23h));
  CHECK_FALSE(reserved.reserve(ref, start + 23h));
  CHECK_FALSE(reserved.reserve(ref, start + 47h));
  CHECK(reserved.reserve(ref, start + 96h));
}

}  // namespace ishara::relay
