// What the desk does by itself: with the rosters that its database offers, and with what is to go.

#include "gateway/desk/service.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

#include "gateway/desk/signature.hpp"
#include "gateway/http/loopback.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/log/captured.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/root_rosters.hpp"

namespace ishara::desk {
namespace {

namespace asio = boost::asio;

asio::awaitable<bool> is_ready(asio::io_context& context, std::uint16_t port) {
  http::loopback::Peer peer{context};
  co_await peer.connect(port);
  std::string request = "GET /readyz HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n";
  co_await peer.send(std::move(request));
  const auto answer = co_await peer.read_all();
  co_return answer.starts_with("HTTP/1.1 200 ");
}

// A desk from its start until it has used or refused the rosters: whether it is then ready.
bool started(const config::Config& config) {
  const log::CapturedLog log;
  asio::io_context context{1};
  Service service{context, config};
  service.start();
  bool ready = false;
  const auto dialogue = [&]() -> asio::awaitable<void> {
    for (bool decided = false; !ready && !decided;) {
      decided = log.has(log::Event::roster_refused);
      ready = co_await is_ready(context, service.port());
    }
    co_await service.stop();
  };
  asio::co_spawn(context, dialogue, [&](std::exception_ptr) { context.stop(); });
  context.run();
  return ready;
}

TEST_CASE("a desk that has seen a newer roster takes no older one after a restart") {
  const tests::Folder folder;
  const storage::TestDatabase database;
  tests::RootRosters rosters{database};
  config::Config config;
  config.deployment.root_public_key = rosters.key();
  config.database.desk_url = database.url("ishara_desk");
  config.paths.state = folder.path();
  config.desk.listen.port = 0;

  rosters.put(1);
  CHECK(started(config));
  rosters.put(2);
  CHECK(started(config));
  rosters.go_back_to(1);
  CHECK_FALSE(started(config));
  rosters.put(2);
  CHECK(started(config));
}

// A desk whose rosters have one organisation with one member, who may do anything.
struct Office {
  Office() {
    identity::RootRoster root_roster;
    roster.deployment = root_roster.deployment = crypto::random_bytes<16>();
    roster.organisation = crypto::random_bytes<16>();
    roster.version = root_roster.version = 1;
    root_roster.organisations = {{roster.organisation, "helpers", identity::OrganisationClass::ngo,
                                  organisation.public_key}};
    roster.members = {{crypto::random_bytes<16>(),
                       member.public_key,
                       crypto::box_key().public_key,
                       {"caseworker", "auditor"},
                       {}}};
    put({}, 1, identity::sign_roster(root_roster, root));
    put(roster.organisation, 1, identity::sign_roster(roster, organisation));
    config.deployment.root_public_key = root.public_key;
    config.database.desk_url = database.url("ishara_desk");
    config.paths.state = folder.path();
    config.desk.listen.port = 0;
  }

  void put(const crypto::Id& issuer, std::uint64_t version, const identity::SignedRoster& signed_) {
    REQUIRE(store
                .put_roster({issuer,
                             static_cast<std::uint32_t>(version),
                             signed_.bytes,
                             {signed_.signature.begin(), signed_.signature.end()}})
                .has_value());
  }
  // The status of the answer to a signed GET with one more line in its head, or none.
  asio::awaitable<std::string> get(asio::io_context& context, std::uint16_t port,
                                   std::string target, std::string line = {}) const {
    http::Request request;
    request.method = http::Method::get;
    request.target = crypto::wiped_copy(target);
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const auto signature =
        sign_request(request, member, static_cast<std::uint64_t>(now), crypto::random_bytes<16>());
    std::string sent = "GET " + target + " HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n";
    sent += line + "Ishara-Signature: " + signature + "\r\n\r\n";
    http::loopback::Peer peer{context};
    co_await peer.connect(port);
    co_await peer.send(std::move(sent));
    const auto answer = co_await peer.read_all();
    co_return answer.substr(9, 3);
  }

  tests::Folder folder;
  storage::TestDatabase database;
  storage::blocking::Store store{database.url("ishara_desk")};
  crypto::SigningKey root = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey organisation = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey member = crypto::signing_key(crypto::random_secret<32>());
  identity::OrganisationRoster roster;
  config::Config config;
};

TEST_CASE("a running desk refuses whoever is removed from the rosters (P26)") {
  Office office;
  asio::io_context context{1};
  Service service{context, office.config};
  service.start();
  std::string before, after;
  const auto dialogue = [&]() -> asio::awaitable<void> {
    while (before != "200")
      before = co_await office.get(context, service.port(), "/api/v1/rosters");
    auto& roster = office.roster;
    const auto id = roster.members[0].id;
    const auto first = identity::sign_roster(roster, office.organisation);
    roster = identity::next_of(std::move(roster), first.bytes);
    CHECK(identity::remove_member(roster, id, {}).has_value());
    office.put(roster.organisation, 2, identity::sign_roster(roster, office.organisation));
    after = "200";
    while (after == "200") after = co_await office.get(context, service.port(), "/api/v1/rosters");
    co_await service.stop();
  };
  asio::co_spawn(context, dialogue, [&](std::exception_ptr) { context.stop(); });
  context.run();
  CHECK(before == "200");
  CHECK(after == "401");
}

TEST_CASE("a desk behind a proxy knows from where somebody acted, for 90 days") {
  Office office;
  // Two entries that are there already: of 91 days ago, and of 89.
  for (const std::uint64_t days : {91, 89}) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const auto scribe =
        identity::scribe_of({identity::AuditAction::open,
                             static_cast<std::uint64_t>(now) - days * 86'400,
                             {},
                             0,
                             "{}",
                             config::ip_address_of("192.0.2." + std::to_string(days))});
    REQUIRE(office.store.put_audit({}, {}, scribe).has_value());
  }
  office.config.desk.proxies = {*config::ip_address_of("127.0.0.1")};
  asio::io_context context{1};
  Service service{context, office.config};
  service.start();
  const auto dialogue = [&]() -> asio::awaitable<void> {
    std::string status;
    while (status != "200")
      status = co_await office.get(context, service.port(), "/api/v1/audit",
                                   "X-Forwarded-For: 192.0.2.9, 2001:db8::7\r\n");
    status = co_await office.get(context, service.port(), "/api/v1/audit");
    CHECK(status == "200");
    while (office.database.value("SELECT count(*) FROM audit_origin") != "3")
      (void)co_await is_ready(context, service.port());
    co_await service.stop();
  };
  asio::co_spawn(context, dialogue, [&](std::exception_ptr) { context.stop(); });
  context.run();
  std::vector<std::string> known;
  for (const auto& row : office.store.audit_with_origins(0, 100).value()) {
    const auto origin =
        identity::origin_of(row, *identity::decode_audit_entry(row.entry), 0).address;
    if (origin) known.push_back(config::text_of(*origin));
  }
  CHECK(known == std::vector<std::string>{"192.0.2.89", "2001:db8::7", "127.0.0.1"});
}

TEST_CASE("a desk deletes a report that is closed for as long as the configuration says (P24)") {
  const tests::Folder folder;
  const storage::TestDatabase database;
  config::Config config;
  config.database.desk_url = database.url("ishara_desk");
  config.paths.state = folder.path();
  config.desk.listen.port = 0;
  config.desk.closed_days = 30;
  database.query(
      "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
      " SELECT gen_random_uuid(), gen_random_uuid(), 1, 0, false, decode(repeat('00', 184), 'hex'),"
      " decode(repeat('00', 584), 'hex'), decode(repeat('00', 192), 'hex')"
      "   FROM generate_series(1, 250)");
  database.query("UPDATE report SET stage = 2");
  database.query("UPDATE report SET closed_day = closed_day - 30");
  database.query(
      "UPDATE report SET closed_day = closed_day + 2"  // midnight may pass meanwhile
      " WHERE report_id IN (SELECT report_id FROM report LIMIT 10)");

  asio::io_context context{1};
  Service service{context, config};
  service.start();
  const auto dialogue = [&]() -> asio::awaitable<void> {
    while (database.value("SELECT count(*) FROM report") != "10")
      (void)co_await is_ready(context, service.port());
    co_await service.stop();
  };
  asio::co_spawn(context, dialogue, [&](std::exception_ptr) { context.stop(); });
  context.run();
  CHECK(database.value("SELECT count(*) FROM report") == "10");
}

}  // namespace
}  // namespace ishara::desk
