#include "gateway/identity/roster.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "gateway/crypto/encoding.hpp"
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

// Those that a deployment already has must keep their signatures.
TEST_CASE("rosters without the fields of a longer life are the very bytes that they always were") {
  const auto key = crypto::signing_key(crypto::random_secret<32>());
  const auto filled = []<std::size_t N>(std::array<std::uint8_t, N> out, std::uint8_t with) {
    out.fill(with);
    return out;
  };
  const auto id = [&](std::uint8_t with) { return filled(crypto::Id{}, with); };
  const auto public_key = [&](std::uint8_t with) { return filled(crypto::PublicKey{}, with); };
  const auto text_of = [](const SignedRoster& roster) {
    return std::string{roster.bytes.begin(), roster.bytes.end()};
  };
  const auto hex = [](char digit, int bytes) {
    return std::string(static_cast<std::size_t>(bytes) * 2, digit);
  };

  RootRoster root;
  root.deployment = id(0x11);
  root.version = 3;
  root.organisations = {{id(0x22), "Helpers", OrganisationClass::ngo, public_key(0x33)}};
  root.services = {{public_key(0x44), "gateway"}};
  CHECK(text_of(sign_roster(root, key)) ==
        R"({"deployment":")" + hex('1', 16) + R"(","version":3,"prev":")" + hex('0', 32) +
            R"(","orgs":[{"id":")" + hex('2', 16) +
            R"(","name":"Helpers","class":"ngo","sign_pk":")" + hex('3', 32) +
            R"("}],"services":[{"kid":")" + crypto::hex(crypto::key_id(public_key(0x44))) +
            R"(","pk":")" + hex('4', 32) + R"(","use":"gateway"}]})");

  OrganisationRoster roster;
  roster.deployment = id(0x11);
  roster.organisation = id(0x22);
  roster.version = 2;
  roster.queues = {{id(0x55), "intake", 1, public_key(0x66), id(0x77)}};
  roster.members = {
      {id(0x88), public_key(0x99), public_key(0xaa), {"caseworker", "lead"}, {id(0x55)}}};
  roster.recovery_key = public_key(0xbb);
  CHECK(text_of(sign_roster(roster, key)) ==
        R"({"deployment":")" + hex('1', 16) + R"(","org":")" + hex('2', 16) +
            R"(","version":2,"prev":")" + hex('0', 32) + R"(","queues":[{"id":")" + hex('5', 16) +
            R"(","name":"intake","generation":1,"box_pk":")" + hex('6', 32) + R"(","fallback":")" +
            hex('7', 16) + R"("}],"members":[{"id":")" + hex('8', 16) + R"(","sign_pk":")" +
            hex('9', 32) + R"(","box_pk":")" + hex('a', 32) +
            R"(","roles":["caseworker","lead"],"queues":[")" + hex('5', 16) +
            R"("]}],"recovery":")" + hex('b', 32) + R"("})");
}

TEST_CASE("what a roster remembers is read as it was signed") {
  const auto key = crypto::signing_key(crypto::random_secret<32>());
  Deployment deployment;
  deployment.root_roster.services[0].until = 4'000'000'000;
  const auto root = verify_root(sign_roster(deployment.root_roster, key), key.public_key);
  REQUIRE(root.has_value());
  CHECK(root->services[0].until == 4'000'000'000);

  auto& roster = deployment.helpers_roster;
  roster.queues[0].generation = 2;
  roster.queues[0].earlier = {{0, crypto::box_key().public_key}, {1, crypto::box_key().public_key}};
  roster.queues[1].retired = true;
  roster.former = {{crypto::random_bytes<16>(), crypto::box_key().public_key}};
  roster.transfers = {crypto::random_bytes<16>(), crypto::random_bytes<16>()};
  const auto signed_roster = sign_roster(roster, key);
  const auto read = verify_organisation(signed_roster, key.public_key);
  REQUIRE(read.has_value());
  REQUIRE(read->queues[0].earlier.size() == 2);
  CHECK(read->queues[0].earlier[1].generation == 1);
  CHECK(read->queues[0].earlier[1].box_key == roster.queues[0].earlier[1].box_key);
  CHECK_FALSE(read->queues[0].retired);
  CHECK(read->queues[1].retired);
  REQUIRE(read->former.size() == 1);
  CHECK(read->former[0].signing_key == roster.former[0].signing_key);
  CHECK(read->transfers == roster.transfers);
  CHECK(sign_roster(*read, key).bytes == signed_roster.bytes);
}

TEST_CASE("fields of a longer life that are none are refused") {
  const auto key = crypto::signing_key(crypto::random_secret<32>());
  const Deployment deployment;
  const auto whole = sign_roster(deployment.helpers_roster, key);
  const std::string text{whole.bytes.begin(), whole.bytes.end()};
  for (const std::string_view field :
       {R"("former":{})", R"("former":[{"id":"00"}])", R"("former":null)", R"("transfers":["00"])",
        R"("transfers":[1])"}) {
    CAPTURE(field);
    const auto with = "{" + std::string{field} + "," + text.substr(1);
    SignedRoster roster;
    roster.bytes.assign(with.begin(), with.end());
    roster.signature = crypto::sign("ishara/v1/roster", {roster.bytes}, key);
    CHECK(verify_organisation(roster, key.public_key).error() == roster_errc::missing_field);
  }
  for (const std::string_view field : {R"("retired":1)", R"("retired":null)", R"("earlier":[0])",
                                       R"("earlier":[{"generation":4294967296,"box_pk":""}])"}) {
    CAPTURE(field);
    auto with = text;
    with.insert(with.find(R"("generation")"), std::string{field} + ",");
    SignedRoster roster;
    roster.bytes.assign(with.begin(), with.end());
    roster.signature = crypto::sign("ishara/v1/roster", {roster.bytes}, key);
    CHECK(verify_organisation(roster, key.public_key).error() == roster_errc::missing_field);
  }
}

TEST_CASE("the directory knows earlier keys, retired queues and who has left") {
  Deployment deployment;
  auto& roster = deployment.helpers_roster;
  const auto old_key = crypto::box_key().public_key;
  roster.queues[0].generation = 4;
  roster.queues[0].earlier = {{3, old_key}};
  roster.former = {{crypto::random_bytes<16>(), crypto::box_key().public_key}};
  roster.transfers = {crypto::random_bytes<16>()};
  auto directory = deployment.directory();
  REQUIRE(directory.has_value());
  const auto* const intake = directory->queue_named("intake");

  const auto current = directory->queue_by_kid(intake->kid);
  REQUIRE(current.has_value());
  CHECK(current->queue == intake);
  CHECK(current->generation == 4);
  CHECK(current->is_current);
  const auto earlier = directory->queue_by_kid(crypto::key_id(old_key));
  REQUIRE(earlier.has_value());
  CHECK(earlier->queue == intake);
  CHECK(earlier->generation == 3);
  CHECK(earlier->box_key == old_key);
  CHECK_FALSE(earlier->is_current);
  CHECK_FALSE(directory->queue_by_kid(crypto::random_bytes<16>()).has_value());

  const auto* const former = directory->former_member(roster.former[0].id);
  REQUIRE(former);
  CHECK(former->organisation == roster.organisation);
  CHECK(former->signing_key == roster.former[0].signing_key);
  CHECK_FALSE(directory->member(former->id));
  CHECK_FALSE(directory->member_by_kid(crypto::key_id(former->signing_key)));
  CHECK(directory->lists_transfer(roster.organisation, roster.transfers[0]));
  CHECK_FALSE(
      directory->lists_transfer(deployment.police_roster.organisation, roster.transfers[0]));

  // "children" falls back to "intake", whose caseworker stays listed.
  CHECK(directory->queue_named("children")->fallback == intake->id);
  roster.queues[0].retired = true;
  directory = deployment.directory();
  REQUIRE(directory.has_value());
  CHECK(directory->queue_named("intake")->retired);
  CHECK_FALSE(directory->queue_named("intake")->has_members);
  CHECK_FALSE(directory->queue_named("children")->fallback.has_value());
}

TEST_CASE("what has gone is in nobody's way, but nobody else may have its keys and ids") {
  struct Row {
    const char* what;
    std::function<void(Deployment&)> change;
    roster_errc error;
  };
  const auto key = crypto::box_key().public_key;
  const auto id = crypto::random_bytes<16>();
  const std::vector<Row> rows{
      {"an earlier key that is another queue's",
       [&](Deployment& d) {
         d.helpers_roster.queues[0].generation = 1;
         d.helpers_roster.queues[0].earlier = {{0, d.police_roster.queues[0].box_key}};
       },
       roster_errc::duplicate},
      {"an earlier key that is the present one",
       [&](Deployment& d) {
         d.helpers_roster.queues[0].generation = 1;
         d.helpers_roster.queues[0].earlier = {{0, d.helpers_roster.queues[0].box_key}};
       },
       roster_errc::duplicate},
      {"a generation that stands twice",
       [&](Deployment& d) {
         d.helpers_roster.queues[0].generation = 1;
         d.helpers_roster.queues[0].earlier = {{0, key}, {0, crypto::box_key().public_key}};
       },
       roster_errc::duplicate},
      {"an earlier key of the present generation",
       [&](Deployment& d) {
         d.helpers_roster.queues[0].earlier = {{0, key}};
       },
       roster_errc::not_earlier},
      {"a former member with the id of a member",
       [&](Deployment& d) {
         d.police_roster.former = {{d.helpers_roster.members[0].id, key}};
       },
       roster_errc::duplicate},
      {"a former member with the key of a member",
       [&](Deployment& d) {
         d.police_roster.former = {{id, d.helpers_roster.members[0].signing_key}};
       },
       roster_errc::duplicate},
      {"a former member twice",
       [&](Deployment& d) {
         d.police_roster.former = {{id, key}, {id, key}};
       },
       roster_errc::duplicate},
      {"a transfer twice",
       [&](Deployment& d) {
         d.police_roster.transfers = {id, id};
       },
       roster_errc::duplicate},
      {"a service twice, of which one has ended",
       [&](Deployment& d) {
         d.root_roster.services.push_back(d.root_roster.services[0]);
         d.root_roster.services[0].until = 1;
       },
       roster_errc::duplicate},
      {"a retired queue with the name of another",
       [&](Deployment& d) {
         d.helpers_roster.queues[1].retired = true;
         d.helpers_roster.queues[1].name = "desk";
       },
       roster_errc::duplicate},
      {"a retired queue with a fallback that is not there",
       [&](Deployment& d) {
         d.helpers_roster.queues[1].retired = true;
         d.helpers_roster.queues[1].fallback = id;
       },
       roster_errc::unknown_reference},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Deployment deployment;
    row.change(deployment);
    const auto directory = deployment.directory();
    REQUIRE_FALSE(directory.has_value());
    CHECK(directory.error() == row.error);
  }
  Deployment deployment;
  deployment.helpers_roster.members.clear();
  for (auto& queue : deployment.helpers_roster.queues) queue.retired = true;
  CHECK(deployment.directory().has_value());
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
