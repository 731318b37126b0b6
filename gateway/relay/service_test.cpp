// What the relay does while its database hangs.

#include "gateway/relay/service.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "gateway/relay/epochs.hpp"
#include "tests/support/folder.hpp"

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;

crypto::Secret<32> test_key(std::uint8_t fill) {
  crypto::Secret<32> key;
  key.fill()[0] = fill;
  return key;
}

}  // namespace

TEST_CASE("a database that takes connections and never answers keeps no key from being destroyed") {
  const tests::Folder folder;
  constexpr std::uint32_t week = 2900;
  REQUIRE(EpochFolder(folder.path(), test_key(1)).create(week).has_value());

  asio::io_context context{1};
  asio::io_context silent;
  std::optional<asio::ip::tcp::acceptor> database{
      std::in_place, silent, asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  config::Config config;
  config.database.relay_url =
      "postgresql://ishara_relay@127.0.0.1:" + std::to_string(database->local_endpoint().port()) +
      "/ishara?sslmode=disable";
  config.paths.epochs = folder.path();
  config.paths.state = folder.path();
  config.relay.socket = folder / "relay.sock";
  std::atomic<std::int64_t> now{(start_of(week) + 1h).time_since_epoch().count()};
  const auto clock = [&now] { return Seconds{std::chrono::seconds{now.load()}}; };
  {
    Service service{context, config, Keys{crypto::signing_key(test_key(2)), test_key(1)},
                    Service::MakeReplies{}, clock};
    const auto key = folder / "epoch-2900.key";
    CHECK(std::filesystem::exists(key));
    now = (start_of(week + 1) + epoch_grace).time_since_epoch().count();
    service.start();
    std::thread running{[&] { context.run(); }};
    // The first of the relay's connections; it has an end when the relay has given it up.
    auto waiting = database->accept();
    waiting.non_blocking(true);
    bool given_up = false;
    while (!given_up && std::filesystem::exists(key)) {
      std::array<char, 256> bytes;
      boost::system::error_code error;
      waiting.read_some(asio::buffer(bytes), error);
      given_up = error && error != asio::error::would_block;
    }
    CHECK_FALSE(given_up);
    asio::post(context, [&] {
      asio::co_spawn(context, service.stop(), [&](std::exception_ptr) { context.stop(); });
    });
    running.join();
    waiting.close();
    database.reset();
  }
}

}  // namespace ishara::relay
