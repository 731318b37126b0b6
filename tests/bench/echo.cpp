// The bare server: our HTTP with a constant answer and nothing behind it. What the intake reaches
// is quoted against this, so that the machine and the load generator cancel out.
//
// usage: bench_echo PORT        (127.0.0.1; ends at SIGTERM)

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "gateway/http/server.hpp"

namespace {

namespace asio = boost::asio;
namespace http = ishara::http;

struct Silent final : http::Observer {
  void on(http::Event) noexcept override {}
};

asio::awaitable<http::Response> answer(http::Request) {
  co_return http::Response{200, "text/plain; charset=UTF-8", "Message received.", {}, false};
}

}  // namespace

int main(int count, char** arguments) {
  std::uint16_t port = 0;
  const std::string_view given{count == 2 ? arguments[1] : ""};
  if (std::from_chars(given.data(), given.data() + given.size(), port).ec != std::errc{}) {
    std::fputs("usage: bench_echo PORT\n", stderr);
    return 2;
  }
  asio::io_context context{1};
  Silent silent;
  http::Server server{context.get_executor(),
                      asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), port},
                      http::Limits{.requests_per_connection = 1'000'000'000}, answer, silent};
  server.start();
  asio::signal_set signals{context, SIGTERM, SIGINT};
  signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
  context.run();
  return 0;
}
