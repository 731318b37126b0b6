#include "gateway/desk/people.hpp"

#include <doctest/doctest.h>

#include "gateway/desk/limits.hpp"

namespace ishara::desk {
namespace {

crypto::Id id(std::uint8_t value) {
  crypto::Id out{};
  out[0] = value;
  return out;
}

TEST_CASE("what is missing of the grants is told by queue and by person") {
  crypto::start();
  const auto root = crypto::signing_key(crypto::random_secret<32>());
  const auto organisation = crypto::signing_key(crypto::random_secret<32>());
  const auto fresh = [] { return crypto::signing_key(crypto::random_secret<32>()).public_key; };
  identity::RootRoster root_roster;
  root_roster.version = 1;
  root_roster.organisations = {
      {id(10), "helpers", identity::OrganisationClass::ngo, organisation.public_key}};
  identity::OrganisationRoster roster;
  roster.organisation = id(10);
  roster.version = 1;
  roster.recovery_key = crypto::box_key().public_key;
  roster.queues = {{id(1), "whole", 2, crypto::box_key().public_key, {}},
                   {id(2), "unread", 2, crypto::box_key().public_key, {}},
                   {id(3), "retired", 0, crypto::box_key().public_key, {}}};
  roster.queues[2].retired = true;
  const auto box = [] { return crypto::box_key().public_key; };
  roster.members = {{id(21), fresh(), box(), {"caseworker"}, {id(1)}},
                    {id(22), fresh(), box(), {"lead"}, {id(2)}},
                    {id(23), fresh(), box(), {"admin"}, {id(1)}}};
  const std::vector organisations{identity::sign_roster(roster, organisation)};
  const auto directory = identity::Directory::verified(identity::sign_roster(root_roster, root),
                                                       organisations, root.public_key);
  REQUIRE(directory.has_value());

  // An earlier generation opens nothing new.
  const std::vector<storage::QueueGrant> grants{{id(1), id(21), 2, {}},
                                                {id(1), id(10), 2, {}},
                                                {id(2), id(10), 1, {}},
                                                {id(2), id(99), 1, {}}};
  const auto gaps = grant_gaps(*directory, grants);
  REQUIRE(gaps.unread.size() == 1);
  CHECK(gaps.unread[0]->id == id(2));
  REQUIRE(gaps.unrecoverable.size() == 1);
  CHECK(gaps.unrecoverable[0]->id == id(2));
  REQUIRE(gaps.keyless.size() == 1);
  CHECK(gaps.keyless[0]->id == id(22));
}

TEST_CASE("60 wrong codes an hour are the end of it, and it rings once") {
  constexpr std::uint64_t noon = 1'790'000'000;
  GuessLimit limit;
  for (std::uint64_t i = 0; i < 60; ++i) {
    REQUIRE(limit.take(noon + i));
    CHECK_FALSE(limit.alarm(noon + i));
    limit.settle(noon + i, true);
  }
  CHECK(limit.alarm(noon + 60));
  CHECK_FALSE(limit.alarm(noon + 60));
  CHECK_FALSE(limit.take(noon + 60));
  CHECK_FALSE(limit.take(noon + 3'599));
  CHECK(limit.take(noon + 3'600));
  limit.settle(noon + 3'600, true);
  CHECK_FALSE(limit.take(noon + 3'600));
  CHECK_FALSE(limit.alarm(noon + 3'600));
}

TEST_CASE("codes that are right, or under way, leave no more room for wrong ones") {
  constexpr std::uint64_t noon = 1'790'000'000;
  GuessLimit limit;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(limit.take(noon));
    limit.settle(noon, false);
  }
  for (int i = 0; i < 60; ++i) REQUIRE(limit.take(noon));
  CHECK_FALSE(limit.take(noon));
  limit.settle(noon, false);
  CHECK(limit.take(noon));
}

}  // namespace
}  // namespace ishara::desk
