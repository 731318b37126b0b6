#pragma once
// What the configuration says about a listener, in the words of the server.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <optional>

#include "gateway/config/config.hpp"
#include "gateway/http/server.hpp"

namespace ishara::http {

// Throws boost::system::system_error for a host that is no address; the configuration has checked.
inline Endpoint configured(const config::Endpoint& endpoint) {
  if (endpoint.is_socket()) return asio::local::stream_protocol::endpoint{endpoint.socket.string()};
  return asio::ip::tcp::endpoint{asio::ip::make_address(endpoint.host), endpoint.port};
}

inline Limits configured(const config::Limits& limits) {
  return {.head = limits.max_head,
          .body = limits.max_body,
          .idle = std::chrono::seconds{limits.idle_seconds},
          .head_time = std::chrono::seconds{limits.head_seconds},
          .body_time = std::chrono::seconds{limits.body_seconds},
          .write_time = std::chrono::seconds{limits.write_seconds},
          .connections = limits.connections,
          .requests_per_connection = limits.requests_per_connection};
}

inline std::optional<Tls> configured(const std::optional<config::Tls>& tls) {
  if (!tls) return std::nullopt;
  return Tls{tls->certificate, tls->key};
}

}  // namespace ishara::http
