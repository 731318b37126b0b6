#include "gateway/identity/sender_keys.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace ishara::identity {
namespace {

using std::chrono::seconds;
const SenderKeys::Seconds start_of_test{seconds{1'800'000'000}};

TEST_CASE("below the flood threshold no two intakes share a sender key (P32)") {
  SenderKeys keys;
  const auto recipient = crypto::box_key().public_key;
  std::set<crypto::PublicKey> seen;
  for (int i = 0; i < 3000; ++i) {
    auto intake = keys.intake(start_of_test + seconds{i / 1000});
    REQUIRE(seen.insert(intake.to(recipient)->epk).second);
  }
}

TEST_CASE("the wraps of one intake share its sender key") {
  SenderKeys keys;
  auto intake = keys.intake(start_of_test);
  const auto first = intake.to(crypto::box_key().public_key)->epk;
  CHECK(intake.to(crypto::box_key().public_key)->epk == first);
}

TEST_CASE(
    "in a flood a recipient's envelopes share a key, of this second and recipient only (P32)") {
  SenderKeys keys;
  const auto left = crypto::box_key().public_key;
  const auto right = crypto::box_key().public_key;
  std::map<crypto::PublicKey, std::set<crypto::PublicKey>> recipients_of;
  std::map<crypto::PublicKey, std::set<long>> seconds_of;
  std::map<crypto::PublicKey, int> uses;
  for (int second = 0; second < 2; ++second) {
    for (int i = 0; i < 1600; ++i) {
      auto intake = keys.intake(start_of_test + seconds{second});
      const auto& recipient = i % 2 == 0 ? left : right;
      const auto epk = intake.to(recipient)->epk;
      recipients_of[epk].insert(recipient);
      seconds_of[epk].insert(second);
      ++uses[epk];
    }
  }
  int shared = 0;
  for (const auto& [epk, count] : uses) {
    CHECK(recipients_of[epk].size() == 1);
    CHECK(seconds_of[epk].size() == 1);
    if (count > 1) ++shared;
  }
  CHECK(shared == 4);  // one a recipient and second
}

TEST_CASE(
    "a key is shared from the 1,001st envelope of a second, and a recipient's 101st, on (P32)") {
  SenderKeys keys;
  const auto many = crypto::box_key().public_key;
  const auto few = crypto::box_key().public_key;
  const auto epk = [&](const crypto::PublicKey& recipient) {
    return keys.intake(start_of_test).to(recipient)->epk;
  };
  std::set<crypto::PublicKey> one_time;
  for (int i = 0; i < 1000; ++i) REQUIRE(one_time.insert(epk(many)).second);
  const auto shared = epk(many);
  CHECK(one_time.insert(shared).second);
  CHECK(epk(many) == shared);
  for (int i = 0; i < 100; ++i) REQUIRE(one_time.insert(epk(few)).second);
  const auto shared_by_few = epk(few);
  CHECK(one_time.insert(shared_by_few).second);
  CHECK(epk(few) == shared_by_few);
}

TEST_CASE("a low-order recipient is refused") {
  SenderKeys keys;
  auto intake = keys.intake(start_of_test);
  CHECK(!intake.to(crypto::PublicKey{}));
}

}  // namespace
}  // namespace ishara::identity
