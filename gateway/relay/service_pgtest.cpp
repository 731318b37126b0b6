// What the relay does with the rosters that its database offers.

#include "gateway/relay/service.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <filesystem>
#include <future>

#include "gateway/log/captured.hpp"
#include "gateway/relay/test_caller.hpp"
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
      caller.ask(1, identity::FreshRef{});
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
  crypto::start();
  char pattern[] = "/tmp/ishara-relay.XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern);
  const storage::TestDatabase database;
  tests::RootRosters rosters{database};
  config::Config config;
  config.deployment.root_public_key = rosters.key();
  config.database.relay_url = database.url("ishara_relay");
  config.paths.epochs = config.paths.state = folder;
  config.relay.socket = folder / "relay.sock";

  rosters.put(1);
  CHECK(started(config) == RelayStatus::done);
  rosters.put(2);
  CHECK(started(config) == RelayStatus::done);
  rosters.go_back_to(1);
  CHECK(started(config) == RelayStatus::away);
  rosters.put(2);
  CHECK(started(config) == RelayStatus::done);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ishara::relay
