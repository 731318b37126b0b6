#include "gateway/desk/people.hpp"

#include <doctest/doctest.h>

#include <string>

#include "gateway/desk/limits.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::desk {
namespace {

crypto::Id id(std::uint8_t value) {
  crypto::Id out{};
  out[0] = value;
  return out;
}

TEST_CASE("what is missing of the grants is told by queue and by person") {
  const auto root = crypto::signing_key(crypto::random_secret<32>());
  const auto organisation = crypto::signing_key(crypto::random_secret<32>());
  const auto fresh = [] { return crypto::signing_key(crypto::random_secret<32>()).public_key; };
  const auto box = [] { return crypto::box_key().public_key; };
  identity::RootRoster root_roster;
  root_roster.version = 1;
  root_roster.organisations = {
      {id(10), "helpers", identity::OrganisationClass::ngo, organisation.public_key}};
  identity::OrganisationRoster roster;
  roster.organisation = id(10);
  roster.version = 1;
  roster.recovery_key = box();
  roster.queues = {{id(1), "whole", 2, box(), {}},
                   {id(2), "unread", 2, box(), {}, {{1, box()}}},
                   {id(3), "retired", 0, box(), {}}};
  roster.queues[2].retired = true;
  roster.members = {{id(21), fresh(), box(), {"caseworker"}, {id(1)}},
                    {id(22), fresh(), box(), {"lead"}, {id(1), id(2), id(3)}},
                    {id(23), fresh(), box(), {"admin"}, {id(1)}}};
  const std::vector organisations{identity::sign_roster(roster, organisation)};
  const auto directory = identity::Directory::verified(identity::sign_roster(root_roster, root),
                                                       organisations, root.public_key);
  REQUIRE(directory.has_value());

  const auto grant = [](std::uint8_t queue, std::uint8_t user, std::uint32_t generation,
                        const crypto::PublicKey& key) {
    return storage::QueueGrant{id(queue), id(user), generation,
                               *identity::seal_queue_grant(crypto::random_secret<32>(), id(queue),
                                                           id(user), generation, key)};
  };
  const auto& worker = roster.members[0].box_key;
  const auto& lead = roster.members[1].box_key;
  const std::vector whole{grant(1, 21, 2, worker), grant(1, 22, 2, lead), grant(2, 22, 2, lead),
                          grant(1, 10, 2, roster.recovery_key),
                          grant(2, 10, 2, roster.recovery_key)};
  const auto gaps = [&](std::size_t place, const storage::QueueGrant& instead) {
    auto grants = whole;
    grants.at(place) = instead;
    std::string out;
    const auto found = grant_gaps(*directory, grants);
    for (const auto* queue : found.unread) out += queue->name + " unread ";
    for (const auto* queue : found.unrecoverable) out += queue->name + " unrecoverable ";
    for (const auto& [member, queue] : found.keyless)
      out += std::to_string(member->id[0]) + " of " + queue->name;
    return out;
  };
  CHECK(gaps(0, whole[0]).empty());
  // An earlier generation opens nothing new, and what is sealed to another key opens nothing.
  CHECK(gaps(0, grant(1, 21, 1, worker)) == "21 of whole");
  CHECK(gaps(0, grant(1, 21, 2, lead)) == "21 of whole");
  CHECK(gaps(1, grant(1, 22, 1, lead)) == "22 of whole");
  CHECK(gaps(2, grant(2, 22, 1, lead)) == "unread unread ");
  CHECK(gaps(2, grant(2, 99, 2, lead)) == "unread unread ");
  CHECK(gaps(3, grant(1, 10, 2, box())) == "whole unrecoverable ");
  CHECK(gaps(4, grant(2, 10, 1, roster.recovery_key)) == "unread unrecoverable ");
}

TEST_CASE("60 wrong ones within an hour ring, once an hour, and all are counted") {
  constexpr std::uint64_t noon = 1'790'000'000;
  TrialAlarm alarm;
  for (std::uint64_t i = 0; i < 59; ++i) CHECK_FALSE(alarm.count_wrong(noon + i).has_value());
  CHECK(alarm.count_wrong(noon + 3'599) == 60u);
  for (std::uint64_t i = 0; i < 200; ++i)
    CHECK_FALSE(alarm.count_wrong(noon + 3'599 + i).has_value());
  CHECK_FALSE(alarm.count_wrong(noon + 2 * 3'599).has_value());
  CHECK(alarm.count_wrong(noon + 2 * 3'599 + 1) == 202u);
}

TEST_CASE("wrong ones that come slowly do not ring") {
  TrialAlarm alarm;
  for (std::uint64_t i = 0; i < 1'000; ++i)
    CHECK_FALSE(alarm.count_wrong(1'790'000'000 + 62 * i).has_value());
}

}  // namespace
}  // namespace ishara::desk
