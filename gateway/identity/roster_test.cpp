#include "gateway/identity/roster.hpp"

#include <doctest/doctest.h>

#include "gateway/identity/keys.hpp"

namespace ishara::identity {
namespace {

// A deployment of two organisations with two helper queues and a police queue.
struct Deployment {
  crypto::SigningKey root = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey helpers = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey police = crypto::signing_key(crypto::random_secret<32>());
  RootRoster root_roster;
  OrganisationRoster helpers_roster;
  OrganisationRoster police_roster;

  Deployment() {
    const auto deployment = crypto::random_bytes<16>();
    root_roster.deployment = deployment;
    root_roster.version = 1;
    root_roster.organisations = {
        {crypto::random_bytes<16>(), "Helpers", OrganisationClass::ngo, helpers.public_key},
        {crypto::random_bytes<16>(), "Police", OrganisationClass::police, police.public_key}};
    root_roster.services = {
        {crypto::signing_key(crypto::random_secret<32>()).public_key, "gateway"}};
    helpers_roster = roster(0, {"intake", "children"});
    helpers_roster.queues[1].fallback = helpers_roster.queues[0].id;
    police_roster = roster(1, {"desk"});
  }

  OrganisationRoster roster(std::size_t index, std::vector<std::string> queues) const {
    OrganisationRoster out;
    out.deployment = root_roster.deployment;
    out.organisation = root_roster.organisations[index].id;
    out.version = 1;
    for (auto& name : queues)
      out.queues.push_back({crypto::random_bytes<16>(), name, 0, crypto::box_key().public_key, {}});
    const auto seed = crypto::random_secret<32>();
    out.members.push_back({crypto::random_bytes<16>(),
                           user_signing_key(seed).public_key,
                           user_box_key(seed).public_key,
                           {"caseworker"},
                           {out.queues[0].id}});
    out.recovery_key = crypto::box_key().public_key;
    return out;
  }

  boost::system::result<Directory> directory() const {
    const std::vector<SignedRoster> organisations{sign_roster(police_roster, police),
                                                  sign_roster(helpers_roster, helpers)};
    return Directory::verified(sign_roster(root_roster, root), organisations, root.public_key);
  }
};

TEST_CASE("a verified directory answers by id, name and signing key") {
  crypto::start();
  const Deployment deployment;
  const auto directory = deployment.directory();
  REQUIRE(directory.has_value());
  CHECK(directory->queues().size() == 3);
  const auto* children = directory->queue_named("children");
  REQUIRE(children);
  CHECK(children->fallback == directory->queue_named("intake")->id);
  CHECK_FALSE(children->has_members);
  CHECK(directory->queue_named("intake")->has_members);
  CHECK(directory->queue_named("desk")->organisation_class == OrganisationClass::police);
  const auto& member = deployment.helpers_roster.members[0];
  CHECK(directory->member_by_kid(crypto::key_id(member.signing_key))->id == member.id);
  CHECK(directory->services("gateway").size() == 1);
  CHECK(directory->services("relay").empty());
}

TEST_CASE("an altered roster, and one signed by a stranger, is refused (P22)") {
  crypto::start();
  const Deployment deployment;
  auto root = sign_roster(deployment.root_roster, deployment.root);
  CHECK(verify_root(root, deployment.root.public_key).has_value());
  for (std::size_t i = 0; i < root.bytes.size(); i += 7) {
    auto altered = root;
    altered.bytes[i] ^= 1;
    CHECK(verify_root(altered, deployment.root.public_key).error() == roster_errc::bad_signature);
  }
  const auto stranger = crypto::signing_key(crypto::random_secret<32>());
  CHECK(verify_root(root, stranger.public_key).error() == roster_errc::bad_signature);
}

TEST_CASE("signed nonsense is refused for what it is") {
  crypto::start();
  const auto key = crypto::signing_key(crypto::random_secret<32>());
  const auto verdict = [&](std::string_view text) {
    SignedRoster roster;
    roster.bytes.assign(text.begin(), text.end());
    roster.signature = crypto::sign("ishara/v1/roster", {roster.bytes}, key);
    return verify_root(roster, key.public_key).error();
  };
  CHECK(verdict("") == roster_errc::not_json);
  CHECK(verdict("[]") == roster_errc::not_json);
  CHECK(verdict("{}") == roster_errc::missing_field);
  CHECK(verdict(R"({"deployment":"00","version":-1,"prev":"","orgs":{},"services":[1]})") ==
        roster_errc::missing_field);
}

TEST_CASE("what does not fit together is refused with the reason") {
  crypto::start();
  SUBCASE("an organisation's roster of another deployment") {
    Deployment deployment;
    deployment.helpers_roster.deployment = crypto::random_bytes<16>();
    CHECK(deployment.directory().error() == roster_errc::wrong_deployment);
  }
  SUBCASE("two queues of one name") {
    Deployment deployment;
    deployment.police_roster.queues[0].name = "intake";
    CHECK(deployment.directory().error() == roster_errc::duplicate);
  }
  SUBCASE("a fallback that does not exist") {
    Deployment deployment;
    deployment.helpers_roster.queues[1].fallback = crypto::random_bytes<16>();
    CHECK(deployment.directory().error() == roster_errc::unknown_reference);
  }
  SUBCASE("a helpers' queue that falls back to the police") {
    Deployment deployment;
    deployment.helpers_roster.queues[1].fallback = deployment.police_roster.queues[0].id;
    CHECK(deployment.directory().error() == roster_errc::class_mismatch);
  }
  SUBCASE("a member of another organisation's queue") {
    Deployment deployment;
    deployment.police_roster.members[0].queues.push_back(deployment.helpers_roster.queues[0].id);
    CHECK(deployment.directory().error() == roster_errc::unknown_reference);
  }
  SUBCASE("a queue key that two queues share") {
    Deployment deployment;
    deployment.police_roster.queues[0].box_key = deployment.helpers_roster.queues[0].box_key;
    CHECK(deployment.directory().error() == roster_errc::duplicate);
  }
}

// A row that holds what it shows.
struct StoredRoster {
  crypto::Id issuer{};
  std::uint64_t version = 0;
  crypto::Bytes bytes;
  crypto::Bytes signature;

  StoredRoster(const crypto::Id& of, std::uint64_t number, const SignedRoster& roster)
      : issuer{of},
        version{number},
        bytes{roster.bytes},
        signature{roster.signature.begin(), roster.signature.end()} {}
};

TEST_CASE("stored rows make a directory only if they are what is signed in them") {
  crypto::start();
  const Deployment deployment;
  const auto& organisations = deployment.root_roster.organisations;
  std::vector<StoredRoster> rows{
      {organisations[0].id, 1, sign_roster(deployment.helpers_roster, deployment.helpers)},
      {{}, 1, sign_roster(deployment.root_roster, deployment.root)},
      {organisations[1].id, 1, sign_roster(deployment.police_roster, deployment.police)}};
  const auto verdict = [&] {
    const auto read = Directory::verified_rows(rows_of(rows), deployment.root.public_key);
    return read ? boost::system::error_code{} : read.error();
  };
  REQUIRE_FALSE(verdict());
  SUBCASE("no root") {
    rows.erase(rows.begin() + 1);
    CHECK(verdict() == roster_errc::missing_root);
  }
  SUBCASE("two roots") {
    rows.push_back(rows[1]);
    CHECK(verdict() == roster_errc::duplicate);
  }
  SUBCASE("a signature cut short, of the root or of an organisation") {
    for (auto& row : rows) {
      const auto whole = row.signature;
      row.signature.pop_back();
      CHECK(verdict() == roster_errc::bad_signature);
      row.signature = whole;
    }
  }
  SUBCASE("a version that is not the signed one") {
    for (auto& row : rows) {
      row.version = 2;
      CHECK(verdict() == roster_errc::row_mismatch);
      row.version = 1;
    }
  }
  SUBCASE("two organisations' rows exchanged") {
    std::swap(rows[0].issuer, rows[2].issuer);
    CHECK(verdict() == roster_errc::row_mismatch);
  }
  SUBCASE("an organisation that the root does not list") {
    rows[0].issuer[0] ^= 1;
    CHECK(verdict() == roster_errc::row_mismatch);
  }
  SUBCASE("a row twice") {
    rows.push_back(rows[0]);
    CHECK(verdict() == roster_errc::duplicate);
  }
}

TEST_CASE("a directory is older if any of its rosters is, or if one is gone unsaid (P22)") {
  crypto::start();
  Deployment deployment;
  const auto seen = deployment.directory();
  REQUIRE(seen.has_value());
  const auto is_older = [&] {
    const auto now = deployment.directory();
    REQUIRE(now.has_value());
    return now->is_older_than(*seen);
  };
  CHECK_FALSE(is_older());
  SUBCASE("newer ones are not") {
    deployment.root_roster.version = 2;
    deployment.police_roster.version = 2;
    CHECK_FALSE(is_older());
    CHECK(seen->is_older_than(*deployment.directory()));
  }
  SUBCASE("the root alone") {
    deployment.root_roster.version = 0;
    CHECK(is_older());
  }
  SUBCASE("one organisation, under a newer root") {
    deployment.helpers_roster.version = 2;
    const auto newer = deployment.directory();
    deployment.helpers_roster.version = 1;
    deployment.root_roster.version = 2;
    CHECK(deployment.directory()->is_older_than(*newer));
  }
  SUBCASE("an organisation without its roster; one that only a newer root has removed is not") {
    deployment.root_roster.version = 2;
    const std::vector only_helpers{sign_roster(deployment.helpers_roster, deployment.helpers)};
    const auto verified = [&] {
      return Directory::verified(sign_roster(deployment.root_roster, deployment.root), only_helpers,
                                 deployment.root.public_key);
    };
    CHECK(verified()->is_older_than(*seen));
    deployment.root_roster.organisations.pop_back();
    CHECK_FALSE(verified()->is_older_than(*seen));
    deployment.root_roster.version = 1;
    CHECK(verified()->is_older_than(*seen));
  }
}

}  // namespace
}  // namespace ishara::identity
