#pragma once
// For the tests of this folder: a server and its clients on one thread and one io_context, over
// real loopback sockets. Nothing here waits by the clock; run() drives the context until the
// dialogue is over.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/http/server.hpp"

namespace ishara::http::loopback {

inline constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_value{};

class CountingObserver final : public Observer {
 public:
  void on(Event event) noexcept override { ++counts_[event]; }
  int count(Event event) const {
    const auto found = counts_.find(event);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  std::map<Event, int> counts_;
};

// Answers with what it saw: method, target and body.
inline asio::awaitable<Response> echo(Request request) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::to_string(static_cast<int>(request.method)) + ' ';
  response.body += crypto::view(request.target);
  response.body += ' ';
  response.body += crypto::view(request.body);
  co_return response;
}

// A client that says exactly the bytes it is told to.
class Peer {
 public:
  explicit Peer(asio::io_context& context) : socket_{context} {}

  asio::awaitable<void> connect(std::uint16_t port) {
    co_await socket_.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
  }
  // A server that has given up may have closed already: that is for the reader to see.
  asio::awaitable<void> send(std::string bytes) {
    co_await asio::async_write(socket_, asio::buffer(bytes), as_value);
  }
  // All that comes until `end` has come, or the end of the connection.
  asio::awaitable<std::string> read_until(std::string end) {
    while (received_.find(end) == std::string::npos) {
      const bool more = co_await read_some();
      if (!more) co_return std::exchange(received_, {});
    }
    const auto size = received_.find(end) + end.size();
    auto result = received_.substr(0, size);
    received_.erase(0, size);
    co_return result;
  }
  asio::awaitable<std::string> read_all() {
    for (;;) {
      const bool more = co_await read_some();
      if (!more) co_return std::exchange(received_, {});
    }
  }
  void end_sending() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }
  void close() { socket_.close(); }

 private:
  asio::awaitable<bool> read_some() {
    std::array<char, 4096> bytes;
    const auto [error, size] = co_await socket_.async_read_some(asio::buffer(bytes), as_value);
    received_.append(bytes.data(), size);
    co_return !error;
  }
  asio::ip::tcp::socket socket_;
  std::string received_;
};

struct House {
  explicit House(Handler handler = echo, Limits limits = {}, Admission admission = {},
                 std::optional<Tls> tls = {})
      : server{context.get_executor(),
               asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0},
               limits,
               std::move(handler),
               observer,
               std::move(admission),
               std::move(tls)} {
    server.start();
  }

  // Runs everything until `dialogue` has ended and gives its result.
  template <class T>
  T run(asio::awaitable<T> dialogue) {
    std::optional<T> result;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(dialogue), [&](std::exception_ptr thrown, T value) {
      failure = thrown;
      result = std::move(value);
    });
    while (!result) context.run_one();
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }

  // Sends `bytes` on a new connection and gives back all that comes until the server closes.
  std::string say(std::string bytes) {
    return run([](House& house, std::string all) -> asio::awaitable<std::string> {
      Peer peer{house.context};
      co_await peer.connect(house.server.port());
      co_await peer.send(std::move(all));
      co_return co_await peer.read_all();
    }(*this, std::move(bytes)));
  }
  // Runs until no connection is open.
  void settle() {
    while (server.connections() > 0) context.run_one();
  }

  asio::io_context context{1};
  CountingObserver observer;
  Server server;
};

inline std::string status_of(std::string_view answer) { return std::string{answer.substr(0, 12)}; }

}  // namespace ishara::http::loopback
