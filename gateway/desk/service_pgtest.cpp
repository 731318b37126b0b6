// What the desk does by itself: with the rosters that its database offers, and with what is to go.

#include "gateway/desk/service.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

#include "gateway/http/loopback.hpp"
#include "gateway/log/captured.hpp"
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
  crypto::start();
  char pattern[] = "/tmp/ishara-desk.XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern);
  const storage::TestDatabase database;
  tests::RootRosters rosters{database};
  config::Config config;
  config.deployment.root_public_key = rosters.key();
  config.database.desk_url = database.url("ishara_desk");
  config.paths.state = folder;
  config.desk.listen.port = 0;

  rosters.put(1);
  CHECK(started(config));
  rosters.put(2);
  CHECK(started(config));
  rosters.go_back_to(1);
  CHECK_FALSE(started(config));
  rosters.put(2);
  CHECK(started(config));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a desk deletes a report that is closed for as long as the configuration says (P24)") {
  crypto::start();
  char pattern[] = "/tmp/ishara-desk.XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern);
  const storage::TestDatabase database;
  config::Config config;
  config.database.desk_url = database.url("ishara_desk");
  config.paths.state = folder;
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
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ishara::desk
