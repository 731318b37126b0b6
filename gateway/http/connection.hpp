#pragma once
// One connection: a socket of any kind, with TLS or without, and the time that it has left. For
// server.cpp and client.cpp only. Does not move: TLS refers to the socket.

#include <netinet/in.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <tuple>
#include <utility>

#include "gateway/config/ip_address.hpp"

namespace ishara::http {

namespace asio = boost::asio;

// Errors of the network come back as values.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_value{};

class Connection {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = asio::generic::stream_protocol::socket;
  using Transfer = asio::awaitable<std::tuple<boost::system::error_code, std::size_t>>;

  // Without `tls`, bytes go in clear. The context outlives the connection.
  Connection(Socket socket, asio::ssl::context* tls) : socket_{std::move(socket)} {
    if (tls) tls_.emplace(socket_, *tls);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Socket& socket() noexcept { return socket_; }
  asio::ssl::stream<Socket&>* tls() noexcept { return tls_ ? &*tls_ : nullptr; }

  Transfer read_some(asio::mutable_buffer into) {
    return tls_ ? tls_->async_read_some(into, as_value) : socket_.async_read_some(into, as_value);
  }
  Transfer write_some(asio::const_buffer from) {
    return tls_ ? tls_->async_write_some(from, as_value) : socket_.async_write_some(from, as_value);
  }

  // Nothing over a UNIX socket, and none if the connection is broken.
  std::optional<config::IpAddress> peer() const {
    boost::system::error_code broken;
    const auto endpoint = socket_.remote_endpoint(broken);
    if (broken) return std::nullopt;
    config::IpAddress out{};
    if (endpoint.protocol().family() == AF_INET6) {
      sockaddr_in6 address;
      std::memcpy(&address, endpoint.data(), sizeof address);
      std::memcpy(out.data(), &address.sin6_addr, out.size());
      return out;
    }
    if (endpoint.protocol().family() != AF_INET) return std::nullopt;
    sockaddr_in address;
    std::memcpy(&address, endpoint.data(), sizeof address);
    out[10] = out[11] = 0xff;
    std::memcpy(out.data() + 12, &address.sin_addr, 4);
    return out;
  }

  // The deadline counts for all that follows, until the next call.
  void allow(std::chrono::milliseconds time) noexcept {
    deadline_ = Clock::now() + time;
    late_ = false;
  }
  void allow_any_time() noexcept {
    deadline_ = Clock::time_point::max();
    late_ = false;
  }
  // Ends what the connection waits for if its time is over; it may still get an answer.
  void check(Clock::time_point now) noexcept {
    if (now < deadline_) return;
    deadline_ = Clock::time_point::max();
    late_ = true;
    stop_waiting();
  }
  bool late() const noexcept { return late_; }

  // Ends everything at once.
  void cut() noexcept {
    cut_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  bool is_cut() const noexcept { return cut_; }

  // Between two requests: no byte of the next one has been read.
  void set_idle(bool idle) noexcept { idle_ = idle; }
  // Idle, and the kernel has nothing for us either: no request has begun.
  bool is_quiet() const noexcept {
    boost::system::error_code ignored;
    return idle_ && socket_.available(ignored) == 0;
  }
  // Ends a read or write that has not completed; one that has keeps its result.
  void stop_waiting() noexcept {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

 private:
  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool late_ = false;
  bool cut_ = false;
  bool idle_ = true;
};

}  // namespace ishara::http
