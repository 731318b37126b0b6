// The calls about people, with a real database behind them: what they store has rules of its own.

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/desk.hpp"
#include "gateway/desk/people.hpp"
#include "gateway/desk/service.hpp"
#include "gateway/http/client.hpp"
#include "gateway/identity/enrolment.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/log/captured.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/statements.hpp"
#include "tests/support/folder.hpp"

namespace ishara::desk {
namespace {

namespace json = boost::json;
using identity::OrganisationRoster;
using Edit = std::function<void(OrganisationRoster&)>;

constexpr std::uint64_t noon = 1'790'000'000;
constexpr std::uint64_t day = 86'400;

crypto::Id id(std::uint8_t value) {
  crypto::Id out{};
  out[0] = value;
  return out;
}

struct Person {
  explicit Person(std::uint8_t number) : user(id(number)) {}
  crypto::Id user;
  crypto::Secret<32> seed = crypto::random_secret<32>();
  crypto::SigningKey signing = identity::user_signing_key(seed);
  crypto::BoxKey box = identity::user_box_key(seed);

  OrganisationRoster::Member member(std::vector<std::string> roles,
                                    std::vector<crypto::Id> queues) const {
    return {user, signing.public_key, box.public_key, std::move(roles), std::move(queues)};
  }
};

// Two organisations with a queue each, and a desk that has their rosters.
struct House {
  House() {
    root_roster.deployment = id(9);
    root_roster.version = 1;
    root_roster.organisations = {
        {id(10), "helpers", identity::OrganisationClass::ngo, helpers.public_key},
        {id(11), "others", identity::OrganisationClass::ngo, others.public_key}};
    store_roster({}, 1, identity::sign_roster(root_roster, root));
    present.deployment = id(9);
    present.organisation = id(10);
    present.version = 1;
    present.queues = {{id(1), "north", 0, queue.public_key, {}}};
    present.recovery_key = recovery.public_key;
    present.members = {admin.member({"admin"}, {}), second_admin.member({"admin"}, {}),
                       lead.member({"lead"}, {id(1)}), worker.member({"caseworker"}, {id(1)}),
                       auditor.member({"auditor"}, {id(1)})};
    present_bytes = identity::sign_roster(present, helpers).bytes;
    store_roster(id(10), 1, identity::sign_roster(present, helpers));
    OrganisationRoster other;
    other.deployment = id(9);
    other.organisation = id(11);
    other.version = 1;
    other.queues = {{id(2), "south", 0, crypto::box_key().public_key, {}}};
    other.recovery_key = crypto::box_key().public_key;
    other.members = {stranger.member({"admin", "lead"}, {id(2)})};
    store_roster(id(11), 1, identity::sign_roster(other, others));
    adopt();
  }

  void store_roster(const crypto::Id& issuer, std::uint32_t version,
                    const identity::SignedRoster& roster) {
    REQUIRE(
        store
            .put_roster(
                {issuer, version, roster.bytes, {roster.signature.begin(), roster.signature.end()}})
            .has_value());
    set_age(issuer, version, 30 * 24);
  }
  // So many hours ago it came into force.
  void set_age(const crypto::Id& issuer, std::uint32_t version, std::uint64_t hours) {
    database.query("UPDATE roster SET since = " + std::to_string(now / 3600 - hours) +
                   " WHERE issuer = '" + crypto::hex(issuer) +
                   "' AND version = " + std::to_string(version));
  }
  void adopt() {
    const auto read = read_directory(cases, root.public_key, nullptr);
    REQUIRE(read.has_value());
    desk.use(*read);
  }
  // Puts the next version of the helpers' roster into force.
  void put_next(const Edit& edit) {
    present = next(edit);
    const auto signed_roster = identity::sign_roster(present, helpers);
    present_bytes = signed_roster.bytes;
    store_roster(id(10), static_cast<std::uint32_t>(present.version), signed_roster);
  }
  void rotate() {
    put_next([&](OrganisationRoster& roster) {
      roster.queues[0].earlier = {{0, queue.public_key}};
      roster.queues[0].generation = 1;
      roster.queues[0].box_key = crypto::box_key().public_key;
    });
    adopt();
  }
  // The next version of the helpers' roster.
  OrganisationRoster next(const Edit& edit = {}) const {
    auto out = present;
    ++out.version;
    out.previous = crypto::hash32({present_bytes});
    if (edit) edit(out);
    return out;
  }
  static std::string body_of(const identity::SignedRoster& roster) {
    return json::serialize(json::object{{"bytes", crypto::base64(roster.bytes)},
                                        {"signature", crypto::base64(roster.signature)}});
  }
  std::string offer(const OrganisationRoster& roster) const {
    return body_of(identity::sign_roster(roster, helpers));
  }

  http::Response call(const Person* caller, http::Method method, std::string_view target,
                      std::string_view body = {}) {
    http::Request request;
    request.method = method;
    request.target = crypto::wiped_copy(target);
    request.body = crypto::wiped_copy(body);
    request.fields.push_back(
        {"idempotency-key", crypto::wiped_copy(crypto::hex(crypto::random_bytes<16>()))});
    if (caller != nullptr)
      request.fields.push_back(
          {"ishara-signature", crypto::wiped_copy(sign_request(request, caller->signing, now,
                                                               crypto::random_bytes<16>()))});
    boost::asio::io_context context;
    http::Response response;
    boost::asio::co_spawn(context, desk.answer(std::move(request)),
                          [&](std::exception_ptr failure, http::Response got) {
                            REQUIRE_FALSE(failure);
                            response = std::move(got);
                          });
    context.run();
    return response;
  }
  http::Response post(const Person& caller, std::string_view target, std::string_view body) {
    return call(&caller, http::Method::post, target, body);
  }
  json::value get(const Person& caller, std::string_view target) {
    const auto response = call(&caller, http::Method::get, target);
    REQUIRE(response.status == 200);
    return json::parse(response.body);
  }
  // What a call was refused with, or "" if it was not.
  static std::string refused(const http::Response& response) {
    if (response.status < 400) return "";
    return std::string{json::parse(response.body).at("title").as_string()};
  }
  static std::string detail(const http::Response& response) {
    return std::string{json::parse(response.body).at("detail").as_string()};
  }
  std::string count(const std::string& rows) const {
    return database.value("SELECT count(*) FROM " + rows);
  }
  // The actions of all entries, in order.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    const auto entries = store.audit(0, 1000);
    for (const auto& entry : *entries)
      out.emplace_back(name_of(identity::decode_audit_entry(entry.entry)->action));
    return out;
  }

  identity::RootRoster root_roster;
  OrganisationRoster present;
  crypto::Bytes present_bytes;
  crypto::SigningKey root = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey helpers = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey others = crypto::signing_key(crypto::random_secret<32>());
  crypto::Secret<32> queue_seed = crypto::random_secret<32>();
  crypto::BoxKey queue = identity::queue_box_key(queue_seed);
  crypto::BoxKey recovery = crypto::box_key();
  Person admin{21}, second_admin{22}, lead{23}, worker{24}, auditor{25}, stranger{26};
  std::uint64_t now = noon;
  storage::TestDatabase database;
  storage::blocking::DeskStore store{database.url("ishara_desk")};
  StoredCases cases{store};
  Desk desk{[this](std::function<Answer(Cases&)> work) -> boost::asio::awaitable<Answer> {
              co_return work(cases);
            },
            [this] { return now; }};
};

std::string grant_body(const House& house, const crypto::Id& queue, const crypto::Id& user,
                       std::uint32_t generation, const crypto::PublicKey& key,
                       std::uint32_t claimed) {
  const auto envelope = identity::seal_queue_grant(house.queue_seed, queue, user, generation, key);
  return json::serialize(json::object{{"queue", crypto::hex(queue)},
                                      {"user", crypto::hex(user)},
                                      {"generation", claimed},
                                      {"envelope", crypto::base64(*envelope)}});
}

TEST_CASE("every call about people lets in its roles and nobody else") {
  const std::map<std::string_view, std::string_view> allowed{
      {"publishRoster", "admin lead"},      {"listProposedRosters", "admin lead"},
      {"listTransfers", "admin lead"},      {"invite", "admin"},
      {"listEnrolments", "admin lead"},     {"putGrant", "lead"},
      {"listRecoveryGrants", "admin lead"}, {"forgetGrants", "lead"}};
  std::size_t found = 0;
  for (const auto& endpoint : endpoints()) {
    const auto roles = allowed.find(endpoint.name);
    if (roles == allowed.end()) continue;
    ++found;
    CAPTURE(endpoint.name);
    House house;
    std::string target{endpoint.path};
    if (const auto open = target.find('{'); open != target.npos)
      target.replace(open, target.find('}') + 1 - open, crypto::hex(id(1)));
    CHECK(house.call(nullptr, endpoint.method, target).status == 401);
    const Person nobody{99};
    CHECK(house.call(&nobody, endpoint.method, target).status == 401);
    for (const auto& [person, role] :
         {std::pair{&house.admin, "admin"}, std::pair{&house.lead, "lead"},
          std::pair{&house.worker, "caseworker"}, std::pair{&house.auditor, "auditor"}}) {
      CAPTURE(role);
      const auto answer = house.call(person, endpoint.method, target);
      const bool may = roles->second.find(role) != roles->second.npos;
      CHECK(answer.status == (may ? (endpoint.request.empty() ? 200 : 400) : 403));
    }
  }
  CHECK(found == allowed.size());
}

// --- Rosters

TEST_CASE("a roster waits for a second person, who says the very same, and is told twice") {
  House house;
  const auto body = house.offer(house.next());
  CHECK(house.post(house.admin, "/api/v1/rosters", body).status == 202);
  CHECK(house.post(house.admin, "/api/v1/rosters", body).status == 202);  // still alone
  CHECK(house.count("roster") == "3");
  const auto proposed = house.get(house.lead, "/api/v1/rosters/proposed").at("rosters").as_array();
  REQUIRE(proposed.size() == 1);
  CHECK(proposed[0].at("user").as_string() == crypto::hex(house.admin.user));
  CHECK(proposed[0].at("bytes") == json::parse(body).at("bytes"));
  CHECK(house.get(house.stranger, "/api/v1/rosters/proposed").at("rosters").as_array().empty());

  // Something else is not agreement.
  const auto other = house.offer(house.next([](auto& roster) { roster.members.pop_back(); }));
  CHECK(house.post(house.lead, "/api/v1/rosters", other).status == 202);
  CHECK(house.count("roster") == "3");

  const auto done = house.post(house.lead, "/api/v1/rosters", body);
  CHECK(done.status == 201);
  CHECK(json::parse(done.body).at("version").as_int64() == 2);
  CHECK(house.count("roster") == "4");
  CHECK(house.get(house.lead, "/api/v1/rosters/proposed").at("rosters").as_array().empty());
  CHECK(house.told() == std::vector<std::string>{"intend", "intend", "roster"});
  house.adopt();
  CHECK(house.refused(house.post(house.lead, "/api/v1/rosters", body)) == "not-next");
}

TEST_CASE("two leads, a caseworker, or one who waited for too long publish nothing") {
  House house;
  Person second_lead{30};
  house.present = house.next(
      [&](auto& roster) { roster.members.push_back(second_lead.member({"lead"}, {id(1)})); });
  const auto signed_roster = identity::sign_roster(house.present, house.helpers);
  house.present_bytes = signed_roster.bytes;
  house.store_roster(id(10), 2, signed_roster);
  house.adopt();
  const auto body = house.offer(house.next());
  CHECK(house.post(house.lead, "/api/v1/rosters", body).status == 202);
  CHECK(house.post(second_lead, "/api/v1/rosters", body).status == 202);
  for (const auto* person : {&house.worker, &house.auditor})
    CHECK(house.refused(house.post(*person, "/api/v1/rosters", body)) == "role");
  house.now += day + 3600;
  CHECK(house.post(house.admin, "/api/v1/rosters", body).status == 202);
  CHECK(house.post(second_lead, "/api/v1/rosters", body).status == 201);
}

TEST_CASE("an admin publishes alone only where nobody else leads or administers") {
  House house;
  house.present = house.next([](auto& roster) {
    std::erase_if(roster.members,
                  [](const auto& member) { return member.id == id(22) || member.id == id(23); });
  });
  const auto signed_roster = identity::sign_roster(house.present, house.helpers);
  house.present_bytes = signed_roster.bytes;
  house.store_roster(id(10), 2, signed_roster);
  house.adopt();
  CHECK(house.post(house.admin, "/api/v1/rosters", house.offer(house.next())).status == 201);
}

TEST_CASE("an admin alone takes away, a lead does not, and nobody gives anything alone") {
  House house;
  const auto leaves = [&](const Person& person) {
    return [&](OrganisationRoster& roster) {
      REQUIRE(identity::remove_member(roster, person.user, {}).has_value());
    };
  };
  const auto removal = house.offer(house.next(leaves(house.worker)));
  const auto hers = house.offer(house.next(leaves(house.auditor)));
  CHECK(house.post(house.lead, "/api/v1/rosters", hers).status == 202);
  const auto exchange = house.offer(house.next([&](auto& roster) {
    leaves(house.worker)(roster);
    roster.members.push_back(Person{31}.member({"caseworker"}, {id(1)}));
  }));
  CHECK(house.post(house.admin, "/api/v1/rosters", exchange).status == 202);
  CHECK(house.count("roster") == "3");
  CHECK(house.post(house.admin, "/api/v1/rosters", removal).status == 201);
  CHECK(house.told() == std::vector<std::string>{"intend", "intend", "roster"});
}

TEST_CASE("an admin who has made herself alone gives nothing alone for a week") {
  House house;
  house.put_next([&](OrganisationRoster& roster) {
    for (const auto* person : {&house.second_admin, &house.lead})
      REQUIRE(identity::remove_member(roster, person->user, {}).has_value());
  });
  house.adopt();
  const auto gift = house.offer(house.next([&](auto& roster) {
    roster.members[0].roles = {"admin", "caseworker"};
  }));
  house.set_age(id(10), 2, 7 * 24);
  const auto early = house.post(house.admin, "/api/v1/rosters", gift);
  CHECK(house.refused(early) == "too-early");
  CHECK(house.detail(early).find("you alone decide from 2026-09-22 on") != std::string::npos);
  CHECK(house
            .post(house.admin, "/api/v1/rosters", house.offer(house.next([&](auto& roster) {
              REQUIRE(identity::remove_member(roster, house.worker.user, {}).has_value());
            })))
            .status == 201);
  house.database.query("DELETE FROM roster WHERE version = 3");
  house.set_age(id(10), 2, 7 * 24 + 1);
  CHECK(house.post(house.admin, "/api/v1/rosters", gift).status == 201);
}

TEST_CASE("a desk that does not know the present roster publishes none") {
  House house;
  house.put_next([&](OrganisationRoster& roster) {
    for (const auto* person : {&house.second_admin, &house.lead})
      REQUIRE(identity::remove_member(roster, person->user, {}).has_value());
  });
  house.adopt();
  house.put_next([&](OrganisationRoster& roster) {
    roster.members.push_back(Person{31}.member({"lead"}, {id(1)}));
  });
  const auto body = house.offer(house.next());
  const auto early = house.post(house.admin, "/api/v1/rosters", body);
  CHECK(early.status == 503);
  CHECK(house.refused(early) == "rosters-changing");
  house.adopt();
  CHECK(house.post(house.admin, "/api/v1/rosters", body).status == 202);
}

TEST_CASE("a roster that does not hold is refused with the reason, whoever else agrees") {
  House house;
  const auto refused = [&](const std::string& body, std::string_view kind, std::string_view words) {
    const auto response = house.post(house.admin, "/api/v1/rosters", body);
    CAPTURE(response.body);
    CHECK(house.refused(response) == kind);
    CHECK(response.body.find(words) != std::string::npos);
  };
  const auto changed = [&](const Edit& edit) { return house.offer(house.next(edit)); };

  refused("{}", "bad-body", "API document");
  refused("[]", "bad-body", "API document");
  refused(House::body_of({crypto::Bytes(160 * 1024 + 1, ' '), {}}), "too-large", "160 KiB");
  refused(House::body_of(identity::sign_roster(house.next(), house.others)), "bad-roster",
          "not signed by the key");
  auto unsigned_roster = identity::sign_roster(house.next(), house.helpers);
  unsigned_roster.bytes.back() ^= 1;
  refused(House::body_of(unsigned_roster), "bad-roster", "not signed by the key");
  identity::SignedRoster nonsense{{'{', '}'}, {}};
  nonsense.signature = crypto::sign("ishara/v1/roster", {nonsense.bytes}, house.helpers);
  refused(House::body_of(nonsense), "bad-roster", "cannot be read");
  refused(changed([](auto& roster) { roster.deployment = id(8); }), "bad-roster",
          "another deployment");
  refused(changed([](auto& roster) { roster.organisation = id(11); }), "bad-roster",
          "another organisation");
  refused(changed([](auto& roster) { roster.version = 1; }), "not-next", "Version 1 is in force");
  refused(changed([](auto& roster) { roster.version = 3; }), "not-next", "Version 1 is in force");
  refused(changed([](auto& roster) { roster.previous[0] ^= 1; }), "not-next", "not made from");

  refused(changed([](auto& roster) { roster.members[3].queues = {id(2)}; }), "bad-roster",
          "does not fit the other rosters");
  refused(
      changed([](auto& roster) { roster.members[3].signing_key = roster.members[2].signing_key; }),
      "bad-roster", "stands twice");
  refused(changed([](auto& roster) { roster.members[3].box_key = roster.queues[0].box_key; }),
          "bad-roster", "stands twice");
  refused(changed([&](auto& roster) { roster.members[3].id = house.stranger.user; }), "bad-roster",
          "stands twice");
  refused(changed([](auto& roster) { roster.queues[0].name = "south"; }), "bad-roster",
          "stands twice");
  refused(changed([](auto& roster) { roster.members[3].box_key = {}; }), "bad-roster",
          "key of the member");
  refused(changed([](auto& roster) {
            roster.queues[0].generation = 1;
            roster.queues[0].box_key = {1};
          }),
          "bad-roster", "key of the queue north is none");
  refused(changed([](auto& roster) { roster.recovery_key = {}; }), "bad-roster", "recovery key");
  refused(changed([](auto& roster) {
            std::erase_if(roster.members, [](const auto& member) {
              return std::ranges::count(member.roles, "admin") > 0;
            });
          }),
          "bad-roster", "without an admin");
  refused(changed([](auto& roster) { roster.queues[0].box_key = crypto::box_key().public_key; }),
          "bad-roster", "without a new generation");
  CHECK(house.count("roster") == "3");
  CHECK(house.count("intent") == "0");
}

TEST_CASE("a queue with reports, and a key to which texts are sealed, stay in the roster") {
  House house;
  const auto report = [&](const crypto::Id& queue, const crypto::Id& kid) {
    house.database.query("DELETE FROM report");
    house.database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
        " VALUES (gen_random_uuid(), '" +
        crypto::hex(queue) +
        "', 1, 0, false, decode(repeat('00', 184), 'hex'),"
        " decode(repeat('00', 584), 'hex'), decode(repeat('00', 40) || '" +
        crypto::hex(kid) + "' || repeat('00', 136), 'hex'))");
  };
  const auto answer = [&](const Edit& edit) {
    return house.refused(house.post(house.admin, "/api/v1/rosters", house.offer(house.next(edit))));
  };
  const Edit removal = [](auto& roster) {
    roster.queues.clear();
    for (auto& member : roster.members) member.queues.clear();
  };
  const auto fresh = crypto::box_key().public_key;
  const Edit forgetful = [&](auto& roster) {
    roster.queues[0].generation = 1;
    roster.queues[0].box_key = fresh;
  };
  const Edit rotation = [&](auto& roster) {
    roster.queues[0].earlier = {{0, roster.queues[0].box_key}};
    roster.queues[0].generation = 1;
    roster.queues[0].box_key = fresh;
  };
  report(id(1), id(77));
  CHECK(answer(removal) == "queue-needed");
  CHECK(answer(forgetful).empty());
  report(id(7), crypto::key_id(house.queue.public_key));
  CHECK(answer(removal).empty());
  CHECK(answer(forgetful) == "wraps-left");
  CHECK(answer(rotation).empty());
  const Edit retirement = [](auto& roster) { roster.queues[0].retired = true; };
  CHECK(answer(retirement).empty());
}

TEST_CASE("an earlier key stays in the roster while anybody has a grant of it") {
  House house;
  house.rotate();
  REQUIRE(house
              .post(house.lead, "/api/v1/grants",
                    grant_body(house, id(1), id(10), 0, house.recovery.public_key, 0))
              .status == 204);
  const auto body =
      house.offer(house.next([](OrganisationRoster& roster) { roster.queues[0].earlier.clear(); }));
  const auto early = house.post(house.admin, "/api/v1/rosters", body);
  CHECK(house.refused(early) == "grants-left");
  CHECK(house.detail(early).find("`ishara org rotate north --finish`") != std::string::npos);
  REQUIRE(house
              .post(house.lead, "/api/v1/grants/" + crypto::hex(id(1)) + "/forget",
                    R"({"generation":0})")
              .status == 204);
  CHECK(house.post(house.admin, "/api/v1/rosters", body).status == 202);
}

// --- Invitations

struct Invited {
  crypto::Id code = crypto::random_bytes<16>();
  Person person{0};
  std::string target;

  explicit Invited(House& house) {
    const auto answer = house.post(
        house.admin, "/api/v1/enrolments",
        json::serialize(
            json::object{{"code_hash", crypto::hex(identity::enrolment_code_hash(code))}}));
    REQUIRE(answer.status == 201);
    const auto given = json::parse(answer.body);
    person.user = *crypto::from_hex_exact<16>(given.at("user").as_string());
    CHECK(given.at("until").as_int64() == static_cast<std::int64_t>(house.now + day));
    target = "/api/v1/enrolments/" + crypto::hex(person.user);
  }
  std::string body(const crypto::Id& with_code, const crypto::PublicKey& box,
                   const crypto::Signature& proof) const {
    return json::serialize(json::object{{"code", crypto::hex(with_code)},
                                        {"sign_pk", crypto::hex(person.signing.public_key)},
                                        {"box_pk", crypto::hex(box)},
                                        {"proof", crypto::base64(proof)}});
  }
  std::string body() const { return body(code, person.box.public_key, proof()); }
  crypto::Signature proof() const {
    return identity::prove_enrolment(person.user, person.box.public_key, code, person.signing);
  }
  http::Response enrol(House& house, const std::string& body) const {
    return house.call(nullptr, http::Method::post, target, body);
  }
};

TEST_CASE("who has the code shows her keys, once, and is rostered by an admin") {
  House house;
  Invited invited{house};
  auto waiting = house.get(house.lead, "/api/v1/enrolments").at("enrolments").as_array();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].at("sign_pk").is_null());
  CHECK(house.get(house.stranger, "/api/v1/enrolments").at("enrolments").as_array().empty());

  CHECK(invited.enrol(house, invited.body()).status == 204);
  CHECK(invited.enrol(house, invited.body()).status == 204);  // the answer was lost
  CHECK(house.told() == std::vector<std::string>{"invite", "enrol"});
  waiting = house.get(house.lead, "/api/v1/enrolments").at("enrolments").as_array();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].at("box_pk").as_string() == crypto::hex(invited.person.box.public_key));

  const auto next = house.offer(house.next([&](auto& roster) {
    roster.members.push_back(invited.person.member({"caseworker"}, {id(1)}));
  }));
  CHECK(house.post(house.admin, "/api/v1/rosters", next).status == 202);
  CHECK(house.post(house.second_admin, "/api/v1/rosters", next).status == 201);
  house.adopt();
  REQUIRE(settle_people(house.store, *house.desk.directory(), {}).has_value());
  CHECK(house.get(house.lead, "/api/v1/enrolments").at("enrolments").as_array().empty());
  CHECK(house.call(&invited.person, http::Method::get, "/api/v1/grants").status == 200);
}

TEST_CASE("a wrong, used or old code has one answer, and keys that cannot be have their own") {
  House house;
  Invited invited{house};
  const auto proof = invited.proof();
  auto wrong = invited.code;
  wrong[0] ^= 1;
  const auto wrong_code = invited.enrol(
      house,
      invited.body(wrong, invited.person.box.public_key,
                   identity::prove_enrolment(invited.person.user, invited.person.box.public_key,
                                             wrong, invited.person.signing)));
  CHECK(wrong_code.status == 403);
  CHECK(house.refused(wrong_code) == "wrong-code");
  const auto unknown = house.call(nullptr, http::Method::post,
                                  "/api/v1/enrolments/" + crypto::hex(id(99)), invited.body());
  const auto no_user =
      house.call(nullptr, http::Method::post, "/api/v1/enrolments/none", invited.body());
  house.now += day;
  const auto late = invited.enrol(house, invited.body());
  house.now -= day;

  CHECK(house.refused(invited.enrol(house, "{}")) == "bad-body");
  CHECK(house.refused(invited.enrol(house, invited.body(invited.code, crypto::box_key().public_key,
                                                        proof))) == "bad-proof");
  const auto with_box = [&](const crypto::PublicKey& box) {
    return house.refused(invited.enrol(
        house, invited.body(invited.code, box,
                            identity::prove_enrolment(invited.person.user, box, invited.code,
                                                      invited.person.signing))));
  };
  CHECK(with_box({}) == "bad-key");
  CHECK(with_box({1}) == "bad-key");
  CHECK(with_box(house.worker.box.public_key) == "key-taken");
  CHECK(with_box(house.queue.public_key) == "key-taken");
  Invited taken{house};
  taken.person.signing = identity::user_signing_key(house.worker.seed);
  CHECK(house.refused(taken.enrol(house, taken.body())) == "key-taken");

  CHECK(invited.enrol(house, invited.body()).status == 204);
  const Person other{0};
  const auto used = house.call(
      nullptr, http::Method::post, invited.target,
      json::serialize(json::object{{"code", crypto::hex(invited.code)},
                                   {"sign_pk", crypto::hex(other.signing.public_key)},
                                   {"box_pk", crypto::hex(other.box.public_key)},
                                   {"proof", crypto::base64(identity::prove_enrolment(
                                                 invited.person.user, other.box.public_key,
                                                 invited.code, other.signing))}}));
  for (const auto* answer : {&unknown, &no_user, &late, &used}) {
    CHECK(answer->status == wrong_code.status);
    CHECK(answer->body == wrong_code.body);
  }
}

TEST_CASE("60 wrong codes an hour ring, and the right one is taken all the same") {
  const log::CapturedLog log;
  House house;
  Invited invited{house};
  auto wrong = invited.code;
  wrong[3] ^= 1;
  const auto guess = invited.body(wrong, invited.person.box.public_key, invited.proof());
  for (int i = 0; i < 59; ++i) CHECK(invited.enrol(house, guess).status == 403);
  CHECK_FALSE(log.has(log::Event::enrolment_codes_guessed));
  CHECK(invited.enrol(house, guess).status == 403);
  CHECK(log.has(log::Event::enrolment_codes_guessed));
  CHECK(house.told() == std::vector<std::string>{"invite", "alarm"});
  CHECK(invited.enrol(house, invited.body()).status == 204);
}

TEST_CASE("only an admin invites, into her own organisation, and so many at most") {
  House house;
  const auto body = json::serialize(json::object{{"code_hash", std::string(64, 'a')}});
  CHECK(house.refused(house.post(house.lead, "/api/v1/enrolments", body)) == "role");
  CHECK(house.refused(house.post(house.admin, "/api/v1/enrolments", "{}")) == "bad-body");
  for (int i = 0; i < 100; ++i)
    REQUIRE(house.post(house.admin, "/api/v1/enrolments", body).status == 201);
  CHECK(house.refused(house.post(house.admin, "/api/v1/enrolments", body)) == "too-many");
  CHECK(house.post(house.stranger, "/api/v1/enrolments", body).status == 201);
}

// --- Grants

TEST_CASE(
    "a lead gives her queue's key to its people and to the recovery key, and to nobody else") {
  House house;
  const auto put = [&](const Person& caller, const crypto::Id& queue, const crypto::Id& user,
                       const crypto::PublicKey& key, std::uint32_t generation = 0,
                       std::uint32_t claimed = 0) {
    const auto answer = house.post(caller, "/api/v1/grants",
                                   grant_body(house, queue, user, generation, key, claimed));
    return answer.status == 204 ? "given" : house.refused(answer);
  };
  const auto& worker = house.worker;
  CHECK(put(house.lead, id(1), worker.user, worker.box.public_key) == "given");
  CHECK(put(house.lead, id(1), id(10), house.recovery.public_key) == "given");
  CHECK(house.told() == std::vector<std::string>{"grant", "grant"});
  CHECK(put(house.worker, id(1), worker.user, worker.box.public_key) == "role");
  CHECK(put(house.admin, id(1), worker.user, worker.box.public_key) == "role");
  CHECK(put(house.lead, id(2), house.stranger.user, house.stranger.box.public_key) == "not-found");
  CHECK(put(house.stranger, id(1), worker.user, worker.box.public_key) == "not-found");
  CHECK(put(house.lead, id(1), house.stranger.user, house.stranger.box.public_key) ==
        "not-rostered");
  CHECK(put(house.lead, id(1), house.admin.user, house.admin.box.public_key) == "not-rostered");
  CHECK(put(house.lead, id(1), house.auditor.user, house.auditor.box.public_key) == "not-rostered");
  CHECK(put(house.lead, id(1), id(11), house.recovery.public_key) == "not-rostered");
  CHECK(put(house.lead, id(1), worker.user, house.lead.box.public_key) == "bad-grant");
  CHECK(put(house.lead, id(1), id(10), house.lead.box.public_key) == "bad-grant");
  CHECK(put(house.lead, id(1), worker.user, worker.box.public_key, 1, 0) == "bad-grant");
  CHECK(put(house.lead, id(1), worker.user, worker.box.public_key, 1, 1) == "wrong-generation");
  CHECK(house.refused(house.post(house.lead, "/api/v1/grants", "{}")) == "bad-body");

  const auto own = house.get(worker, "/api/v1/grants").at("grants").as_array();
  REQUIRE(own.size() == 1);
  const auto envelope = crypto::from_base64(own[0].at("envelope").as_string());
  CHECK(identity::open_queue_grant(*envelope, id(1), worker.user, 0, worker.box).has_value());
  const auto recovery = house.get(house.admin, "/api/v1/grants/recovery").at("grants").as_array();
  REQUIRE(recovery.size() == 1);
  CHECK(house.get(house.stranger, "/api/v1/grants/recovery").at("grants").as_array().empty());
  CHECK(house.refused(house.call(&worker, http::Method::get, "/api/v1/grants/recovery")) == "role");
}

TEST_CASE("a grant to the same key stays as it is, and one to another key takes its place") {
  House house;
  const auto put = [&](const crypto::PublicKey& key) {
    return house.post(house.lead, "/api/v1/grants", grant_body(house, id(1), id(10), 0, key, 0))
        .status;
  };
  const auto opens = [&](const crypto::BoxKey& key) {
    const auto grants = house.store.queue_grants(id(10));
    return grants->size() == 1 &&
           identity::open_queue_grant(grants->at(0).envelope, id(1), id(10), 0, key).has_value();
  };
  CHECK(put(house.recovery.public_key) == 204);
  // The right header before nonsense: the desk cannot tell.
  auto nonsense = house.store.queue_grants(id(10))->at(0).envelope;
  std::fill(nonsense.begin() + identity::header_size, nonsense.end(), std::uint8_t{7});
  CHECK(house
            .post(house.lead, "/api/v1/grants",
                  json::serialize(json::object{{"queue", crypto::hex(id(1))},
                                               {"user", crypto::hex(id(10))},
                                               {"generation", 0},
                                               {"envelope", crypto::base64(nonsense)}}))
            .status == 204);
  CHECK(opens(house.recovery));
  CHECK(house.told() == std::vector<std::string>{"grant"});

  const auto other = crypto::box_key();
  house.present = house.next([&](auto& roster) { roster.recovery_key = other.public_key; });
  house.store_roster(id(10), 2, identity::sign_roster(house.present, house.helpers));
  house.adopt();
  CHECK(put(other.public_key) == 204);
  CHECK(opens(other));
  CHECK(house.told() == std::vector<std::string>{"grant", "grant"});
}

TEST_CASE("the recovery key has a grant of the next generation before it is in force") {
  House house;
  const auto seed = crypto::random_secret<32>();
  auto kid = id(10);
  const auto advance = [&](std::uint32_t generation, const crypto::Id& user) {
    auto body = json::parse(grant_body(house, id(1), user, generation, house.recovery.public_key,
                                       generation))
                    .as_object();
    body["kid"] = crypto::hex(kid);
    return house.post(house.lead, "/api/v1/grants", json::serialize(body));
  };
  CHECK(house.refused(advance(1, id(10))) == "bad-body");
  kid = crypto::key_id(identity::queue_box_key(seed).public_key);
  CHECK(house.refused(advance(2, id(10))) == "wrong-generation");
  CHECK(house.refused(advance(1, house.worker.user)) == "wrong-generation");
  CHECK(advance(1, id(10)).status == 204);
  CHECK(advance(1, id(10)).status == 204);
  CHECK(house.store.queue_grants(kid)->size() == 1);
  REQUIRE(settle_people(house.store, *house.desk.directory(),
                        identity::scribe_of({identity::AuditAction::forget_grants, house.now}))
              .has_value());
  CHECK(house.store.queue_grants(kid)->size() == 1);
}

TEST_CASE("a grant in advance that comes while grants are settled stays") {
  House house;
  REQUIRE(house.store.put_queue_grant({id(1), id(77), 0, crypto::Bytes(168, 1)}).has_value());
  storage::postgres::Session other{house.database.url("ishara_desk")};
  std::atomic<bool> over{false};
  storage::result<std::uint32_t> settled = std::uint32_t{0};
  {
    std::jthread settling;
    // Whoever settles waits for the rosters' turn, with all in hand that she goes by.
    REQUIRE(other
                .transact([&](storage::postgres::Transaction& transaction) {
                  take_turn(transaction, storage::postgres::Turn::roster);
                  settling = std::jthread{[&] {
                    storage::blocking::DeskStore store{house.database.url("ishara_desk")};
                    settled = settle_people(
                        store, *house.desk.directory(),
                        identity::scribe_of({identity::AuditAction::forget_grants, house.now}));
                    over = true;
                  }};
                  while (!over &&
                         house.count("pg_locks WHERE NOT granted AND locktype = 'advisory'"
                                     " AND database = (SELECT oid FROM pg_database WHERE datname ="
                                     " current_database())") == "0")
                    std::this_thread::yield();
                  REQUIRE(house.store.put_queue_grant({id(1), id(78), 1, crypto::Bytes(168, 1)})
                              .has_value());
                })
                .has_value());
  }
  CHECK(settled.value() == 1);
  CHECK(house.count("qgrant WHERE generation = 1") == "1");
  CHECK(house.count("qgrant") == "1");
}

TEST_CASE("an earlier generation is granted while it is in the roster, and forgotten by a lead") {
  House house;
  const auto& worker = house.worker;
  const auto old_key = house.queue.public_key;
  house.rotate();
  for (std::uint32_t generation : {0U, 1U})
    CHECK(house
              .post(house.lead, "/api/v1/grants",
                    grant_body(house, id(1), worker.user, generation, worker.box.public_key,
                               generation))
              .status == 204);
  const std::string target = "/api/v1/grants/" + crypto::hex(id(1)) + "/forget";
  const auto forget = [&](const Person& caller, const std::string& body) {
    return house.refused(house.post(caller, target, body));
  };
  CHECK(forget(house.worker, R"({"generation":0})") == "role");
  CHECK(forget(house.stranger, R"({"generation":0})") == "not-found");
  CHECK(forget(house.lead, R"({"generation":1})") == "in-use");
  CHECK(forget(house.lead, R"({"generation":2})") == "wrong-generation");
  CHECK(forget(house.lead, R"({"generation":-1})") == "bad-body");
  house.database.query(
      "INSERT INTO note (message_id, report_id, author, hour, note, wraps)"
      " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1,"
      " decode(repeat('00', 648), 'hex'), decode(repeat('00', 40) || '" +
      crypto::hex(crypto::key_id(old_key)) + "' || repeat('00', 136), 'hex'))");
  CHECK(forget(house.lead, R"({"generation":0})") == "wraps-left");
  CHECK(house.count("qgrant") == "2");
  house.database.query("DELETE FROM note");
  house.database.query(
      "INSERT INTO former_wrap (queue_id, report_id, message_id, kid, part, user_id, wrap)"
      " VALUES ('" +
      crypto::hex(id(1)) + "', gen_random_uuid(), gen_random_uuid(), '" +
      crypto::hex(crypto::key_id(old_key)) +
      "', 1, gen_random_uuid(), decode(repeat('00', 192), 'hex'))");
  CHECK(forget(house.lead, R"({"generation":0})") == "not-compared");
  CHECK(house.count("qgrant") == "2");
  house.database.query("DELETE FROM former_wrap");
  CHECK(forget(house.lead, R"({"generation":0})").empty());
  CHECK(house.count("qgrant WHERE generation = 1") == "1");
  CHECK(house.count("qgrant") == "1");
}

TEST_CASE("a generation is forgotten when its key has been replaced for a week, and not before") {
  House house;
  house.rotate();
  const auto forget = [&] {
    return house.post(house.lead, "/api/v1/grants/" + crypto::hex(id(1)) + "/forget",
                      R"({"generation":0})");
  };
  house.set_age(id(10), 2, 0);
  const auto early = forget();
  CHECK(house.refused(early) == "too-early");
  CHECK(house.detail(early).find("forget it from 2026-09-29 on") != std::string::npos);
  house.set_age(id(10), 2, 7 * 24);
  CHECK(house.refused(forget()) == "too-early");
  house.set_age(id(10), 2, 7 * 24 + 1);
  CHECK(forget().status == 204);

  // What changed since then is nothing to it, unless nobody can tell any more who signed what.
  house.put_next([](OrganisationRoster& roster) { roster.members.pop_back(); });
  house.set_age(id(10), 3, 1);
  house.adopt();
  CHECK(forget().status == 204);
  house.database.query(
      "UPDATE roster SET signature = decode(repeat('00', 64), 'hex')"
      " WHERE version = 2");
  CHECK(house.refused(forget()) == "too-early");
}

TEST_CASE("grants of a generation that no roster names are taken from everybody") {
  House house;
  house.rotate();
  for (std::uint32_t generation : {0U, 1U})
    for (const auto& [user, key] : {std::pair{house.worker.user, house.worker.box.public_key},
                                    std::pair{id(10), house.recovery.public_key}})
      REQUIRE(house
                  .post(house.lead, "/api/v1/grants",
                        grant_body(house, id(1), user, generation, key, generation))
                  .status == 204);
  const auto settle = [&] {
    return settle_people(house.store, *house.desk.directory(),
                         identity::scribe_of({identity::AuditAction::forget_grants, house.now}));
  };
  CHECK(settle().value() == 0);
  house.put_next([](OrganisationRoster& roster) { roster.queues[0].earlier.clear(); });
  house.adopt();
  CHECK(settle().value() == 2);
  CHECK(house.count("qgrant WHERE generation = 1") == "2");
  CHECK(house.count("qgrant") == "2");
}

TEST_CASE("rosters take grants from who does not work for a queue any more, and from nobody else") {
  House house;
  for (const auto* person : {&house.lead, &house.worker})
    REQUIRE(house
                .post(house.lead, "/api/v1/grants",
                      grant_body(house, id(1), person->user, 0, person->box.public_key, 0))
                .status == 204);
  REQUIRE(house
              .post(house.lead, "/api/v1/grants",
                    grant_body(house, id(1), id(10), 0, house.recovery.public_key, 0))
              .status == 204);
  const auto settle = [&] {
    return settle_people(house.store, *house.desk.directory(),
                         identity::scribe_of({identity::AuditAction::forget_grants, house.now}));
  };
  CHECK(settle().value() == 0);
  // Who is listed at a queue and does not work there has no business with its key either.
  REQUIRE(house.store.put_queue_grant({id(1), house.auditor.user, 0, crypto::Bytes(168, 1)})
              .has_value());
  CHECK(settle().value() == 1);
  CHECK(house.count("qgrant") == "3");
  const auto next = house.next([&](auto& roster) {
    std::erase_if(roster.members,
                  [&](const auto& member) { return member.id == house.worker.user; });
  });
  house.store_roster(id(10), 2, identity::sign_roster(next, house.helpers));
  CHECK(settle().error() == storage::errc::conflict);  // these rosters are old by now
  house.adopt();
  CHECK(settle().value() == 1);
  CHECK(house.store.queue_grants(house.worker.user)->empty());
  CHECK(house.store.queue_grants(house.lead.user)->size() == 1);
  CHECK(house.store.queue_grants(id(10))->size() == 1);
  CHECK(house.told().back() == "forget_grants");
}

// --- Transfers

TEST_CASE("what an organisation gave away is listed for it alone, page by page") {
  House house;
  const auto transfer = [&](const crypto::Id& from) {
    storage::Statement out{crypto::random_bytes<16>(), crypto::random_bytes<16>(),
                           crypto::Bytes(136, 0)};
    out.bytes[1] = 8;
    std::ranges::copy(from, out.bytes.begin() + 24);
    REQUIRE(house.store.put_statement(out).has_value());
  };
  for (int i = 0; i < 5; ++i) transfer(id(1));
  transfer(id(2));
  std::size_t found = 0;
  std::string target = "/api/v1/transfers?limit=2";
  for (int pages = 1;; ++pages) {
    const auto page = house.get(house.lead, target);
    found += page.at("transfers").as_array().size();
    if (page.at("next").is_null()) {
      CHECK(pages == 3);
      break;
    }
    target = "/api/v1/transfers?limit=2&cursor=" + std::string{page.at("next").as_string()};
  }
  CHECK(found == 5);
  CHECK(house.get(house.stranger, "/api/v1/transfers").at("transfers").as_array().size() == 1);
  CHECK(house.refused(house.call(&house.lead, http::Method::get, "/api/v1/transfers?cursor=x")) ==
        "bad-cursor");
  CHECK(house.refused(house.call(&house.worker, http::Method::get, "/api/v1/transfers")) == "role");
}

// --- A desk as it runs

// What the desk at this port answers to a request of hers.
boost::asio::awaitable<unsigned> status_for(const Person& person, std::uint16_t port) {
  http::Request request;
  request.method = http::Method::get;
  request.target = crypto::wiped_copy("/api/v1/grants");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  request.fields.push_back(
      {"ishara-signature",
       crypto::wiped_copy(sign_request(request, person.signing,
                                       static_cast<std::uint64_t>(now.time_since_epoch().count()),
                                       crypto::random_bytes<16>()))});
  http::Origin origin;
  origin.host = "127.0.0.1";
  origin.port = port;
  origin.tls = false;
  const auto response = co_await http::fetch(std::move(origin), std::move(request));
  co_return response ? response->status : 0;
}

TEST_CASE("a removed member is refused, and her grants are gone, within 5 s of the roster (P26)") {
  House house;
  const tests::Folder folder;
  config::Config config;
  config.deployment.root_public_key = house.root.public_key;
  config.database.desk_url = house.database.url("ishara_desk");
  config.paths.state = folder.path();
  config.desk.listen.port = 0;
  for (const auto* person : {&house.lead, &house.worker})
    REQUIRE(house
                .post(house.lead, "/api/v1/grants",
                      grant_body(house, id(1), person->user, 0, person->box.public_key, 0))
                .status == 204);
  const auto body = house.offer(house.next([&](auto& roster) {
    std::erase_if(roster.members,
                  [&](const auto& member) { return member.id == house.worker.user; });
    roster.former = {{house.worker.user, house.worker.signing.public_key}};
  }));

  boost::asio::io_context context{1};
  Service service{context, config};
  service.start();
  bool was_known = false, was_refused = false;
  std::string grants;
  unsigned of_lead = 0;
  const auto dialogue = [&]() -> boost::asio::awaitable<void> {
    for (int i = 0; i < 1000 && !was_known; ++i) {
      const auto status = co_await status_for(house.worker, service.port());
      was_known = status == 200;
    }
    // Through another desk: this one hears of it from the database alone.
    CHECK(house.post(house.admin, "/api/v1/rosters", body).status == 201);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while ((!was_refused || grants != "1") && std::chrono::steady_clock::now() < deadline) {
      const auto status = co_await status_for(house.worker, service.port());
      was_refused = status == 401;
      grants = house.count("qgrant");
    }
    of_lead = co_await status_for(house.lead, service.port());
    co_await service.stop();
  };
  boost::asio::co_spawn(context, dialogue, [&](std::exception_ptr) { context.stop(); });
  context.run();
  CHECK(was_known);
  CHECK(was_refused);
  CHECK(grants == "1");
  CHECK(of_lead == 200);
  CHECK(house.store.queue_grants(house.lead.user)->size() == 1);
}

}  // namespace
}  // namespace ishara::desk
