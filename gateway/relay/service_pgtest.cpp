// What the relay does with the rosters that its database offers, and what it tells the audit.

#include "gateway/relay/service.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <set>

#include "gateway/identity/audit.hpp"
#include "gateway/log/captured.hpp"
#include "gateway/relay/test_caller.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/root_rosters.hpp"

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;
using identity::RelayStatus;

// A relay from its start until it has used or refused the rosters: what it then answers.
RelayStatus started(const config::Config& config) {
  const log::CapturedLog log;
  asio::io_context context{1};
  Service service{context, config,
                  Keys{crypto::signing_key(crypto::Secret<32>{}), crypto::Secret<32>{}}};
  service.start();
  auto heard = std::async(std::launch::async, [&] {
    for (bool decided = false;;) {
      Caller caller{config.relay.socket};
      caller.ask(1, identity::ResolveReport{});  // has no limit that asking fast would reach
      const auto answer = caller.hear();
      if (!answer || answer->status == RelayStatus::done || decided)
        return answer ? answer->status : RelayStatus::limited;
      decided = log.has(log::Event::roster_refused);
    }
  });
  while (heard.wait_for(0s) != std::future_status::ready) context.run_one_for(10ms);
  asio::co_spawn(context, service.stop(), [&](std::exception_ptr) { context.stop(); });
  context.run();
  return heard.get();
}

TEST_CASE("a relay that has seen a newer roster takes no older one after a restart") {
  const tests::Folder folder;
  const storage::TestDatabase database;
  tests::RootRosters rosters{database};
  config::Config config;
  config.deployment.root_public_key = rosters.key();
  config.database.relay_url = database.url("ishara_relay");
  config.paths.epochs = config.paths.state = folder.path();
  config.relay.socket = folder / "relay.sock";

  rosters.put(1);
  CHECK(started(config) == RelayStatus::done);
  rosters.put(2);
  CHECK(started(config) == RelayStatus::done);
  rosters.go_back_to(1);
  CHECK(started(config) == RelayStatus::away);
  rosters.put(2);
  CHECK(started(config) == RelayStatus::done);
}

// A relay runs until what is waited for has come.
bool runs_until(const config::Config& config, const std::function<bool()>& come) {
  asio::io_context context{1};
  Service service{context, config,
                  Keys{crypto::signing_key(crypto::Secret<32>{std::array<std::uint8_t, 32>{1}}),
                       crypto::Secret<32>{}}};
  service.start();
  bool has_come = false;
  for (int turn = 0; turn < 3'000 && !has_come; ++turn) {
    context.run_one_for(10ms);
    if (turn % 10 == 0) has_come = come();
  }
  asio::co_spawn(context, service.stop(), [&](std::exception_ptr) { context.stop(); });
  context.run();
  return has_come;
}

TEST_CASE(
    "a relay tells the audit what it did, signs for it, and rings if it is taken back (P23)") {
  const tests::Folder folder;
  const storage::TestDatabase database;
  config::Config config;
  config.database.relay_url = database.url("ishara_relay");
  config.paths.epochs = config.paths.state = folder.path();
  config.relay.socket = folder / "relay.sock";
  // Sent in an hour that is over, and sent in an hour that is not.
  database.query(
      "INSERT INTO reply_state (reply_id, report_id, hour, state, untold)"
      " VALUES (gen_random_uuid(), gen_random_uuid(), 400000, 3, 3),"
      "        (gen_random_uuid(), gen_random_uuid(), 600000, 3, 3)");
  const log::CapturedLog log;
  const auto checkpoints = [&] { return database.value("SELECT count(*) FROM checkpoint"); };
  CHECK(runs_until(config, [&] { return checkpoints() == "1"; }));

  storage::blocking::RelayStore store{config.database.relay_url};
  const auto entries = store.audit(0, 100);
  REQUIRE(entries.has_value());
  std::multiset<std::string_view> actions;
  const auto relay = crypto::signing_key(crypto::Secret<32>{std::array<std::uint8_t, 32>{1}});
  for (const auto& row : *entries) {
    const auto entry = identity::decode_audit_entry(row.entry);
    REQUIRE(entry.has_value());
    CHECK(entry->actor == crypto::key_id(relay.public_key));
    actions.insert(identity::name_of(entry->action));
  }
  CHECK(actions.count("start") == 1);
  CHECK(actions.count("epoch_created") >= 1);
  CHECK(actions.count("reply_sent") == 1);
  const auto checkpoint =
      identity::verify_checkpoint(store.last_checkpoint()->bytes, relay.public_key);
  REQUIRE(checkpoint.has_value());
  CHECK(checkpoint->seq == entries->size());

  database.query("DELETE FROM audit WHERE seq > 1");
  CHECK(runs_until(config, [&] {
    return log.has(log::Event::audit_broken) &&
           database.value("SELECT count(*) FROM audit WHERE detail LIKE '%audit_broken%'") == "1";
  }));
  CHECK(checkpoints() == "1");
}

TEST_CASE("a relay rings once if the rosters do not name its key, for nobody believes it then") {
  const tests::Folder folder;
  const storage::TestDatabase database;
  tests::RootRosters rosters{database};
  rosters.put(1);
  config::Config config;
  config.deployment.root_public_key = rosters.key();
  config.database.relay_url = database.url("ishara_relay");
  config.paths.epochs = config.paths.state = folder.path();
  config.relay.socket = folder / "relay.sock";
  const log::CapturedLog log;
  CHECK(runs_until(config, [&] {
    return log.has(log::Event::service_key_refused) &&
           database.value("SELECT count(*) FROM audit WHERE detail LIKE '%own_key_refused%'") ==
               "1";
  }));
}

}  // namespace
}  // namespace ishara::relay
