#include "gateway/http/server.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/system/system_error.hpp>
#include <cstddef>
#include <cstring>
#include <exception>
#include <list>
#include <string>
#include <tuple>
#include <utility>

#include "gateway/http/answer.hpp"
#include "gateway/http/connection.hpp"
#include "gateway/http/request_parser.hpp"

namespace ishara::http {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

constexpr std::size_t first_read = 1024;      // what a waiting connection holds ready
constexpr std::size_t later_read = 8 * 1024;  // what it gets when it has more to say
constexpr std::size_t chunk_line_room = 8 * 1024;
// After an answer that ends a connection the server reads on for a while, so that bytes still on
// their way do not turn into a reset that destroys the answer (RFC 9112 9.6).
constexpr milliseconds linger_time{1'000};
constexpr std::size_t linger_bytes = 2 * 1024 * 1024;
constexpr std::size_t stranger_bytes =
    16 * 1024;  // of a body that was not admitted (privacy.md 9.1)
constexpr milliseconds accept_pause{100};

constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

// A coroutine of the server that throws is a bug; the process ends rather than go on deaf.
void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

struct Refusal {
  unsigned status;
  Event event;
};

Refusal refusal_for(const error_code& error) noexcept {
  switch (reason(error)) {
    case errc::head_too_large:
      return {431, Event::head_too_large};
    case errc::body_too_large:
      return {413, Event::body_too_large};
    case errc::unsupported_coding:
      return {501, Event::malformed};
    case errc::unsupported_version:
      return {505, Event::malformed};
    default:
      return {400, Event::malformed};
  }
}

// What is not even shown to a handler, judged by the head alone.
std::optional<Refusal> refusal_for_head(RequestParser& parser) {
  const auto method = parser.request().method;
  if (!parser.known_method()) return Refusal{501, Event::method_refused};
  if (method == Method::patch || method == Method::options || method == Method::other)
    return Refusal{405, Event::method_refused};
  if (parser.hosts() > 1 || (parser.hosts() == 0 && parser.is_http_11()))
    return Refusal{400, Event::malformed};
  if (parser.is_http_11() && parser.expectation() == Expectation::unknown)
    return Refusal{417, Event::malformed};
  const bool has_length = parser.chunked() || parser.content_length();
  if (!has_length && (method == Method::post || method == Method::put))
    return Refusal{411, Event::length_missing};
  return std::nullopt;
}

Response plain_answer(unsigned status) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = reason_phrase(status);
  response.body += '\n';
  if (status == 405) response.fields.emplace_back("Allow", "GET, HEAD, POST, PUT, DELETE");
  return response;
}

std::unique_ptr<asio::ssl::context> make_context(const std::optional<Tls>& files) {
  if (!files) return nullptr;
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
  // Saves 34 KiB for every connection that waits.
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context->use_certificate_chain_file(files->certificate_chain.string());
  context->use_private_key_file(files->private_key.string(), asio::ssl::context::pem);
  return context;
}

}  // namespace

// What the server and its coroutines share; it lives as long as the last of them.
struct Server::Shared {
  class Session;

  asio::any_io_executor executor;
  Endpoint endpoint;
  Limits limits;
  Handler handler;
  Observer& observer;
  Admission admission;
  std::unique_ptr<asio::ssl::context> tls;
  Peers peers;
  Acceptor acceptor{executor};
  asio::steady_timer clock{executor};    // ticks from start to end
  asio::steady_timer drained{executor};  // cancelled when the last connection ends
  std::list<Connection> connections;
  bool stopping = false;  // no new connections, no further requests
  bool closed = false;    // nothing at all

  bool is_unix() const { return endpoint.protocol().family() == AF_UNIX; }
  std::filesystem::path socket_file() const;
  void remove_dead_socket_file() const;
  void refuse(Connection::Socket socket) const;
  void stop_accepting();
  void cut_all();

  static asio::awaitable<void> accept(std::shared_ptr<Shared> shared);
  static asio::awaitable<void> tick(std::shared_ptr<Shared> shared);
  static asio::awaitable<void> serve(std::shared_ptr<Shared> shared,
                                     std::list<Connection>::iterator connection);
};

// The dialogue on one connection.
class Server::Shared::Session {
 public:
  Session(Shared& server, Connection& connection) : server_{server}, connection_{connection} {}

  asio::awaitable<void> run();

 private:
  using Buffer = beast::basic_flat_buffer<crypto::WipingAllocator<char>>;
  enum class Next : bool { close, keep };

  asio::awaitable<Next> one_request(bool is_last);
  asio::awaitable<error_code> read_until(RequestParser& parser, bool (*enough)(RequestParser&));
  asio::awaitable<error_code> read_more(std::size_t amount);
  asio::awaitable<Next> fail(RequestParser& parser, error_code error);
  asio::awaitable<Next> refuse(RequestParser& parser, Refusal refusal);
  asio::awaitable<Next> answer(RequestParser& parser, const Response& response, bool keep_alive);
  asio::awaitable<bool> write(std::string_view bytes);
  void erase_answer() noexcept;
  asio::awaitable<void> linger(std::size_t room);

  const Limits& limits() const noexcept { return server_.limits; }
  void tell(Event event) const noexcept { server_.observer.on(event); }
  std::string_view unread() const noexcept {
    const auto bytes = buffer_.cdata();
    return {static_cast<const char*>(bytes.data()), bytes.size()};
  }
  void consume(std::size_t size) {
    crypto::wipe(buffer_.data().data(), size);
    buffer_.consume(size);
  }

  Shared& server_;
  Connection& connection_;
  Buffer buffer_{server_.limits.head + chunk_line_room};
  crypto::WipedBuffer out_;
};

asio::awaitable<void> Server::Shared::Session::run() {
  connection_.allow(limits().head_time);
  if (auto* stream = connection_.tls()) {
    const auto [error] = co_await stream->async_handshake(asio::ssl::stream_base::server, as_value);
    if (error) {
      if (!connection_.is_cut()) tell(Event::handshake_failed);
      co_return;
    }
  }
  for (std::size_t count = 1; !connection_.is_cut(); ++count) {
    if (co_await one_request(count >= limits().requests_per_connection) == Next::close) co_return;
    if (buffer_.size() > 0) continue;
    if (buffer_.capacity() > later_read) buffer_.shrink_to_fit();
    connection_.allow(limits().idle);
    connection_.set_idle(true);
  }
}

// The connection's deadline is that for the first byte of the request.
auto Server::Shared::Session::one_request(bool is_last) -> asio::awaitable<Next> {
  RequestParser parser{limits().head};
  if (buffer_.size() == 0) {
    if (server_.stopping && connection_.is_quiet()) co_return Next::close;
    // An end between two requests is nothing to report.
    if (co_await read_more(first_read)) co_return Next::close;
    connection_.set_idle(false);
  }
  connection_.allow(limits().head_time);
  const auto has_head = [](RequestParser& p) { return p.is_header_done(); };
  if (const auto error = co_await read_until(parser, has_head))
    co_return co_await fail(parser, error);

  if (const auto refusal = refusal_for_head(parser)) co_return co_await refuse(parser, *refusal);
  const bool has_body = !parser.is_done();
  const bool keep_alive = parser.keep_alive() && !is_last;
  std::optional<Response> response;
  if (server_.admission) {
    try {
      response = server_.admission(parser.request());
      if (response) tell(Event::not_admitted);
    } catch (...) {
      tell(Event::handler_failed);
      response = plain_answer(500);
    }
    if (response) {
      const auto next = co_await answer(parser, *response, keep_alive && !has_body);
      if (next == Next::close) co_await linger(stranger_bytes);
      co_return next;
    }
  }

  if (has_body) {
    if (parser.content_length().value_or(0) > limits().body)
      co_return co_await refuse(parser, {413, Event::body_too_large});
    parser.body_limit(limits().body);
    if (parser.is_http_11() && parser.expectation() == Expectation::to_continue &&
        buffer_.size() == 0) {
      connection_.allow(limits().write_time);
      if (!co_await write(go_on)) co_return Next::close;
    }
    connection_.allow(limits().body_time);
    const auto is_whole = [](RequestParser& p) { return p.is_done(); };
    if (const auto error = co_await read_until(parser, is_whole))
      co_return co_await fail(parser, error);
  }

  if (server_.peers == Peers::shown) parser.request().peer = connection_.peer();
  connection_.allow_any_time();
  try {
    response = co_await server_.handler(std::move(parser.request()));
  } catch (...) {
    // What was thrown may quote the request, so nobody looks at it.
    tell(Event::handler_failed);
    response = plain_answer(500);
  }
  const auto next = co_await answer(parser, *response, keep_alive);
  // A provider's dialogue wants its number back in the answer, and a string wipes nothing itself.
  crypto::wipe(response->body.data(), response->body.size());
  if (next == Next::close) co_await linger(linger_bytes);
  co_return next;
}

// Feeds the parser until there is enough.
asio::awaitable<error_code> Server::Shared::Session::read_until(RequestParser& parser,
                                                                bool (*enough)(RequestParser&)) {
  for (;;) {
    if (buffer_.size() > 0) {
      error_code error;
      consume(parser.feed(unread(), error));
      if (error && error != beast::http::error::need_more) co_return error;
      if (enough(parser)) co_return error_code{};
    }
    if (const auto error = co_await read_more(later_read)) co_return error;
  }
}

asio::awaitable<error_code> Server::Shared::Session::read_more(std::size_t amount) {
  const auto room = std::min(amount, buffer_.max_size() - buffer_.size());
  if (room == 0) co_return beast::http::error::buffer_overflow;
  const auto [error, size] = co_await connection_.read_some(buffer_.prepare(room));
  buffer_.commit(size);
  if (connection_.late()) co_return errc::timed_out;
  if (!error) co_return error;
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
    co_return beast::http::error::partial_message;
  co_return errc::lost;
}

auto Server::Shared::Session::fail(RequestParser& parser, error_code error)
    -> asio::awaitable<Next> {
  if (connection_.is_cut()) co_return Next::close;
  if (error == errc::timed_out) co_return co_await refuse(parser, {408, Event::timed_out});
  if (error == errc::lost || error == beast::http::error::partial_message) {
    tell(Event::peer_lost);
    co_return Next::close;
  }
  co_return co_await refuse(parser, refusal_for(error));
}

auto Server::Shared::Session::refuse(RequestParser& parser, Refusal refusal)
    -> asio::awaitable<Next> {
  tell(refusal.event);
  co_await answer(parser, plain_answer(refusal.status), false);
  co_await linger(linger_bytes);
  co_return Next::close;
}

auto Server::Shared::Session::answer(RequestParser& parser, const Response& response,
                                     bool keep_alive) -> asio::awaitable<Next> {
  Framing framing{.without_body = parser.is_head(),
                  .keep_alive = keep_alive && !response.close && !server_.stopping,
                  .http_11 = parser.is_http_11()};
  try {
    append_answer(out_, response, framing);
  } catch (...) {
    tell(Event::handler_failed);
    framing.keep_alive = false;
    erase_answer();
    append_answer(out_, plain_answer(500), framing);
  }
  connection_.allow(limits().write_time);
  const bool written = co_await write(crypto::view(out_));
  erase_answer();
  co_return written&& framing.keep_alive ? Next::keep : Next::close;
}

// Cuts the connection and reports if the bytes do not get out.
asio::awaitable<bool> Server::Shared::Session::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto [error, size] =
        co_await connection_.write_some(asio::buffer(bytes.data(), bytes.size()));
    if (error || connection_.late()) {
      if (!connection_.is_cut()) tell(connection_.late() ? Event::timed_out : Event::peer_lost);
      connection_.cut();
      co_return false;
    }
    bytes.remove_prefix(size);
  }
  co_return true;
}

void Server::Shared::Session::erase_answer() noexcept {
  crypto::wipe(out_.data(), out_.size());
  out_.clear();
  if (out_.capacity() > later_read) out_.shrink_to_fit();
}

// Says goodbye and throws away what comes until the peer has seen it, within limits.
asio::awaitable<void> Server::Shared::Session::linger(std::size_t room) {
  if (connection_.is_cut()) co_return;
  connection_.allow(linger_time);
  if (auto* stream = connection_.tls()) co_await stream->async_shutdown(as_value);
  error_code error;
  connection_.socket().shutdown(Connection::Socket::shutdown_send, error);
  room -= std::min(room, buffer_.size());
  consume(buffer_.size());
  while (!error && room > 0 && !connection_.late()) {
    std::size_t size = 0;
    std::tie(error, size) = co_await connection_.socket().async_read_some(
        buffer_.prepare(std::min(room, later_read)), as_value);
    buffer_.commit(size);
    consume(size);
    room -= size;
  }
}

asio::awaitable<void> Server::Shared::serve(std::shared_ptr<Shared> shared,
                                            std::list<Connection>::iterator connection) {
  try {
    Session session{*shared, *connection};
    co_await session.run();
  } catch (...) {
    // Out of memory, or a bug: this connection's affair alone.
    shared->observer.on(Event::handler_failed);
  }
  shared->connections.erase(connection);
  if (shared->connections.empty()) shared->drained.cancel();
}

asio::awaitable<void> Server::Shared::accept(std::shared_ptr<Shared> shared) {
  while (!shared->stopping) {
    auto [error, socket] = co_await shared->acceptor.async_accept(as_value);
    if (shared->stopping) co_return;
    if (error) {
      // Mostly a lack of file descriptors, which an immediate next attempt would not mend.
      shared->observer.on(Event::accept_failed);
      asio::steady_timer pause{shared->executor, accept_pause};
      co_await pause.async_wait(as_value);
      continue;
    }
    if (shared->connections.size() >= shared->limits.connections) {
      shared->observer.on(Event::refused_full);
      shared->refuse(std::move(socket));
      continue;
    }
    shared->observer.on(Event::accepted);
    if (!shared->is_unix()) socket.set_option(asio::ip::tcp::no_delay{true}, error);
    const auto connection = shared->connections.emplace(shared->connections.end(),
                                                        std::move(socket), shared->tls.get());
    asio::co_spawn(shared->executor, serve(shared, connection), rethrow);
  }
}

// Answers without waiting: a server that is full has no time for one more conversation.
void Server::Shared::refuse(Connection::Socket socket) const {
  if (tls) return;
  crypto::WipedBuffer bytes;
  auto response = plain_answer(503);
  response.fields.emplace_back("Retry-After", "1");
  append_answer(bytes, response, {.without_body = false, .keep_alive = false, .http_11 = true});
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(bytes), ignored);
  socket.shutdown(Connection::Socket::shutdown_send, ignored);
  // What has come already is taken, because closing over unread bytes is a reset.
  bytes.resize(later_read);
  socket.read_some(asio::buffer(bytes), ignored);
}

asio::awaitable<void> Server::Shared::tick(std::shared_ptr<Shared> shared) {
  const auto& limits = shared->limits;
  const auto shortest =
      std::min({limits.idle, limits.head_time, limits.body_time, limits.write_time, linger_time});
  const auto period = std::clamp(shortest / 4, milliseconds{1}, milliseconds{250});
  while (!shared->closed) {
    shared->clock.expires_after(period);
    co_await shared->clock.async_wait(as_value);
    const auto now = Connection::Clock::now();
    for (auto& connection : shared->connections) connection.check(now);
  }
}

std::filesystem::path Server::Shared::socket_file() const {
  if (!is_unix()) return {};
  const auto* address = reinterpret_cast<const sockaddr_un*>(endpoint.data());
  return std::string{address->sun_path,
                     strnlen(address->sun_path, endpoint.size() - offsetof(sockaddr_un, sun_path))};
}

// A killed server leaves its file behind, and bind() refuses to replace it.
void Server::Shared::remove_dead_socket_file() const {
  const auto file = socket_file();
  if (!std::filesystem::is_socket(file)) return;
  Connection::Socket probe{executor};
  error_code error;
  probe.connect(endpoint, error);
  if (error == asio::error::connection_refused) std::filesystem::remove(file);
}

void Server::Shared::stop_accepting() {
  stopping = true;
  if (!acceptor.is_open()) return;
  error_code ignored;
  acceptor.close(ignored);
  if (is_unix()) {
    std::error_code missing;
    std::filesystem::remove(socket_file(), missing);
  }
}

void Server::Shared::cut_all() {
  closed = true;
  clock.cancel();
  for (auto& connection : connections) {
    if (!connection.is_cut()) observer.on(Event::forced_close);
    connection.cut();
  }
}

Server::Server(asio::any_io_executor executor, Endpoint endpoint, Limits limits, Handler handler,
               Observer& observer, Admission admission, std::optional<Tls> tls, Peers peers)
    : shared_{new Shared{.executor = std::move(executor),
                         .endpoint = endpoint,
                         .limits = limits,
                         .handler = std::move(handler),
                         .observer = observer,
                         .admission = std::move(admission),
                         .tls = make_context(tls),
                         .peers = peers,
                         .connections = {}}} {}

Server::~Server() {
  shared_->stop_accepting();
  shared_->cut_all();
}

void Server::start() {
  auto& shared = *shared_;
  if (shared.is_unix()) shared.remove_dead_socket_file();
  shared.acceptor.open(shared.endpoint.protocol());
  if (!shared.is_unix()) shared.acceptor.set_option(asio::socket_base::reuse_address{true});
  shared.acceptor.bind(shared.endpoint);
  shared.acceptor.listen();
  shared.endpoint = shared.acceptor.local_endpoint();
  asio::co_spawn(shared.executor, Shared::accept(shared_), rethrow);
  asio::co_spawn(shared.executor, Shared::tick(shared_), rethrow);
}

asio::awaitable<void> Server::stop(std::chrono::milliseconds limit) {
  const auto shared = shared_;
  shared->stop_accepting();
  for (auto& connection : shared->connections)
    if (connection.is_quiet()) connection.stop_waiting();
  if (!shared->connections.empty()) {
    shared->drained.expires_after(limit);
    co_await shared->drained.async_wait(as_value);
  }
  shared->cut_all();
}

std::uint16_t Server::port() const {
  if (shared_->is_unix()) return 0;
  // Port and family stand at the same place in both kinds of address.
  const auto* address = reinterpret_cast<const sockaddr_in*>(shared_->endpoint.data());
  return ntohs(address->sin_port);
}

std::size_t Server::connections() const noexcept { return shared_->connections.size(); }

}  // namespace ishara::http
