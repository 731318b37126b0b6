#pragma once
// An HTTP/1.1 server (RFC 9110, 9112) over TCP or a UNIX socket, with TLS if wanted: one coroutine
// a connection, everything on one executor and one thread.
//
// It protects itself: head, body, time, connections and requests per connection are limited, and a
// deadline counts for a whole head or body, not for a read. Bytes of requests live in wiping
// memory. It logs nothing: an Observer is told what happened, never with what.
//
// What the server answers alone, before any handler: 400 malformed (also no Host, two lengths, or
// both Content-Length and Transfer-Encoding), 405 and 501 for methods other than GET, HEAD, POST,
// PUT and DELETE, 408 too slow, 411 POST or PUT without a length, 413, 417, 431, 501 for a transfer
// coding other than chunked, 503 when full, 505. Each of them ends the connection.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "gateway/http/message.hpp"

namespace ishara::http {

namespace asio = boost::asio;

struct Limits {
  std::size_t head = 8 * 1024;             // bytes of request line and fields
  std::size_t body = 64 * 1024;            // bytes, chunking undone
  std::chrono::milliseconds idle{75'000};  // between an answer and the next request
  // From the first byte of a request (for the first: from accept) to the end of its head; also the
  // time for a TLS handshake.
  std::chrono::milliseconds head_time{10'000};
  std::chrono::milliseconds body_time{10'000};   // from the end of the head to the end of the body
  std::chrono::milliseconds write_time{10'000};  // for one answer
  std::size_t connections = 10'000;              // at once; more are answered 503
  std::size_t requests_per_connection = 10'000;
};

// Certificate chain and private key, PEM. TLS 1.2 or later.
struct Tls {
  std::filesystem::path certificate_chain;
  std::filesystem::path private_key;
};

enum class Event : std::uint8_t {
  accepted,          // a connection
  refused_full,      // a connection over the limit, answered 503
  accept_failed,     // by the system, for example without file descriptors
  handshake_failed,  // TLS
  timed_out,         // a head, body or answer took too long; idle connections do not count
  malformed,         // 400, 417, 501 (transfer coding) or 505
  head_too_large,    // 431
  body_too_large,    // 413
  length_missing,    // 411
  method_refused,    // 405 or 501
  not_admitted,      // the admission answered
  handler_failed,    // a handler or the admission threw; answered 500
  peer_lost,         // the connection broke within a request or an answer
  forced_close,      // stop() had to cut a connection at its deadline
};

// Told what happens, on the server's thread; must be quick.
class Observer {
 public:
  virtual void on(Event event) noexcept = 0;

 protected:
  ~Observer() = default;
};

// Answers one request. Requests of one connection come one after the other. An exception becomes a
// 500 without details. For HEAD the server leaves the body out and keeps its length. The server
// adds Content-Length, Connection and, unless the answer has one, `Cache-Control: no-store`.
using Handler = std::function<asio::awaitable<Response>(Request)>;

// Sees the head of a request (its body is empty) before a byte of the body is asked for. An answer
// ends the matter: the body is not read, and if there is one, the connection closes.
using Admission = std::function<std::optional<Response>(const Request& head)>;

// Whether requests name the other end of their connection. Who need not know it is not told.
enum class Peers : bool { hidden, shown };

// An asio::ip::tcp::endpoint or an asio::local::stream_protocol::endpoint converts to this.
using Endpoint = asio::generic::stream_protocol::endpoint;

class Server {
 public:
  // Nothing happens before start(). The executor's context runs on one thread; it and the observer
  // outlive the server and its connections. Throws boost::system::system_error if the certificate
  // or key cannot be used.
  Server(asio::any_io_executor executor, Endpoint endpoint, Limits limits, Handler handler,
         Observer& observer, Admission admission = {}, std::optional<Tls> tls = {},
         Peers peers = Peers::hidden);
  // Cuts what stop() has not ended.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and listens; port 0 takes a free one. A socket file that nobody listens on is replaced;
  // its mode follows the umask. Throws boost::system::system_error.
  void start();

  // Accepts no more, lets every request that has begun get its answer, closes idle connections, and
  // returns when all are closed, at the latest after `limit`, when the rest is cut. A handler that
  // is still running then goes on, its answer is lost. Call once, on the server's executor.
  asio::awaitable<void> stop(std::chrono::milliseconds limit);

  std::uint16_t port() const;                // after start(); 0 for a UNIX socket
  std::size_t connections() const noexcept;  // open now

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace ishara::http
