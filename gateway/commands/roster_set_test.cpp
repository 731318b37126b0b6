#include "gateway/commands/roster_set.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "gateway/identity/roster_changes.hpp"

namespace ishara::commands {
namespace {

using identity::OrganisationRoster;
using identity::RootRoster;
using identity::SignedRoster;

constexpr std::uint64_t now = 500'000;  // the hour of these imports

crypto::SigningKey new_key() { return crypto::signing_key(crypto::random_secret<32>()); }

storage::Roster row(const crypto::Id& issuer, std::uint64_t version, const SignedRoster& roster) {
  return {issuer,
          static_cast<std::uint32_t>(version),
          roster.bytes,
          {roster.signature.begin(), roster.signature.end()}};
}

// A deployment of one organisation, with its first rosters in force.
struct Deployment {
  crypto::SigningKey root = new_key();
  crypto::SigningKey organisation = new_key();
  RootRoster root_roster;
  OrganisationRoster roster;
  SignedRoster first_root, first;
  std::vector<storage::Roster> stored;

  Deployment() {
    root_roster.deployment = roster.deployment = crypto::random_bytes<16>();
    root_roster.version = roster.version = 1;
    roster.organisation = crypto::random_bytes<16>();
    root_roster.organisations = {
        {roster.organisation, "Umoja", identity::OrganisationClass::ngo, organisation.public_key}};
    roster.recovery_key = crypto::box_key().public_key;
    roster.members = {{crypto::random_bytes<16>(),
                       new_key().public_key,
                       crypto::box_key().public_key,
                       {"admin"},
                       {}}};
    first_root = identity::sign_roster(root_roster, root);
    first = identity::sign_roster(roster, organisation);
    stored = {row({}, 1, first_root), row(roster.organisation, 1, first)};
  }
  SignedRoster next_root(const std::function<void(RootRoster&)>& edit) const {
    auto next = identity::next_of(root_roster, first_root.bytes);
    edit(next);
    return identity::sign_roster(next, root);
  }
  SignedRoster next(const crypto::SigningKey& key) const {
    auto out = identity::next_of(roster, first.bytes);
    out.recovery_key = crypto::box_key().public_key;
    return identity::sign_roster(out, key);
  }
  std::string refusal(const std::vector<SignedRoster>& offered) const {
    return refusal(offered, stored);
  }
  std::string refusal(const std::vector<SignedRoster>& offered,
                      const std::vector<storage::Roster>& on) const {
    try {
      (void)importable(offered, on, root.public_key, now);
    } catch (const CommandError& error) {
      CHECK(std::string{error.what_to_do()} != "");
      return error.what();
    }
    return "";
  }
};

}  // namespace

TEST_CASE("the first rosters of a deployment come in together, the root's first") {
  const Deployment house;
  const std::vector offered{house.first, house.first_root};
  const auto rows = importable(offered, {}, house.root.public_key, now);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].row.issuer == crypto::Id{});
  CHECK(rows[0].row.bytes == house.first_root.bytes);
  CHECK(rows[1].row.issuer == house.roster.organisation);
  CHECK(rows[1].row.version == 1);
  const std::vector alone{house.first_root};
  CHECK(importable(alone, {}, house.root.public_key, now).size() == 1);
}

TEST_CASE("what is in force already is no news, and the very next version is") {
  const Deployment house;
  const std::vector same{house.first_root, house.first};
  CHECK(importable(same, house.stored, house.root.public_key, now).empty());
  const std::vector next{house.next(house.organisation), house.first_root};
  const auto rows = importable(next, house.stored, house.root.public_key, now);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].row.version == 2);
}

TEST_CASE("rosters that are altered, foreign, or older are refused with the reason") {
  const Deployment house, other;
  const auto second = house.next(house.organisation);
  const std::vector later{row({}, 1, house.first_root), row(house.roster.organisation, 2, second)};

  auto altered = second;
  altered.bytes[altered.bytes.size() / 2] ^= 1;
  auto with_other_id = house.next_root([](auto&) {});

  struct Row {
    const char* what;
    const std::vector<storage::Roster>& stored;
    std::vector<SignedRoster> offered;
    const char* refusal;
  };
  for (const auto& [what, stored, offered, refusal] : {
           Row{"altered", house.stored, {altered}, "signed neither with this root key"},
           Row{"foreign",
               house.stored,
               {other.first_root, other.first},
               "signed neither with this"},
           Row{"by another organisation's key",
               house.stored,
               {house.next(other.organisation)},
               "signed neither with this root key"},
           Row{"older", later, {house.first}, "the roster of Umoja of version 1 is older than the"},
           Row{"another of the same version",
               later,
               {house.next(house.organisation)},
               "the roster of Umoja of version 2 is another one than the one in force"},
           Row{"two root rosters",
               house.stored,
               {with_other_id, house.next_root([](auto& next) {
                  next.services = {{new_key().public_key, "relay"}};
                })},
               "several root rosters"},
       }) {
    CAPTURE(what);
    CHECK(house.refusal(offered, stored).find(refusal) != std::string::npos);
  }
}

TEST_CASE("a higher version comes in though it was made from one that is not here, which is told") {
  const Deployment house, other;
  const auto follows = [&](const OrganisationRoster& next, const std::vector<storage::Roster>& on) {
    const std::vector offered{identity::sign_roster(next, house.organisation)};
    const auto news = importable(offered, on, house.root.public_key, now);
    REQUIRE(news.size() == 1);
    CHECK(news[0].row.version == next.version);
    CHECK(news[0].whose == "the roster of Umoja");
    return news[0].follows;
  };
  auto next = identity::next_of(house.roster, house.first.bytes);
  CHECK(follows(next, house.stored));
  CHECK_FALSE(follows(identity::next_of(house.roster, other.first.bytes), house.stored));
  next.version = 7;
  CHECK_FALSE(follows(next, house.stored));
  const std::vector<storage::Roster> root_alone{house.stored[0]};
  CHECK_FALSE(follows(next, root_alone));
}

TEST_CASE("an older root roster is told as older, and one of another deployment as such") {
  Deployment house;
  const auto second = house.next_root([](auto& next) {
    next.services = {{new_key().public_key, "relay"}};
  });
  house.stored[0] = row({}, 2, second);
  CHECK(house.refusal({house.first_root}).find("version 1 is older than the one in force") !=
        std::string::npos);
  auto foreign = house.root_roster;
  foreign.deployment = crypto::random_bytes<16>();
  CHECK(house.refusal({identity::sign_roster(foreign, house.root)}) ==
        "the root roster is of another deployment");
}

TEST_CASE("no roster ends a service in the past unless it says nothing new") {
  Deployment house;
  const auto service = new_key().public_key;
  const auto with_end = [&](std::uint32_t until) {
    return house.next_root([&](auto& next) { next.services = {{service, "gateway", until}}; });
  };
  CHECK(house.refusal({with_end(now - 1)}).find("in the past") != std::string::npos);
  CHECK(house.refusal({with_end(now)}) == "");
  CHECK(importable(std::vector{with_end(now - 1)}, house.stored, house.root.public_key, 0).size() ==
        1);
  house.stored[0] = row({}, 2, with_end(now - 1));
  const std::vector nothing_new{house.next(house.organisation)};
  CHECK(importable(nothing_new, house.stored, house.root.public_key, now).size() == 1);
}

TEST_CASE("a new key of an organisation needs its roster, signed anew, in the same breath") {
  const Deployment house;
  const auto key = new_key();
  const auto root = house.next_root([&](auto& next) {
    CHECK(identity::replace_organisation_key(next, house.roster.organisation, key.public_key));
  });
  CHECK(house.refusal({root}).find("names another key for Umoja than its own roster") !=
        std::string::npos);
  const std::vector both{house.next(key), root};
  const auto rows = importable(both, house.stored, house.root.public_key, now);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].row.issuer == crypto::Id{});
  CHECK(rows[1].row.version == 2);
  // What has not changed is not told as new.
  CHECK(rows[1].changes.size() == 1);
}

}  // namespace ishara::commands
