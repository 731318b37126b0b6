#include "gateway/http/client.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/http/connection.hpp"
#include "gateway/http/request_parser.hpp"

namespace ishara::http {
namespace {

using boost::system::error_code;
template <class T>
using Outcome = boost::system::result<T>;
using Endpoint = asio::generic::stream_protocol::endpoint;

constexpr std::size_t read_size = 8 * 1024;

// What the deadline needs to reach while the exchange goes on.
struct Exchange {
  Exchange(asio::any_io_executor executor, asio::ssl::context* tls)
      : deadline{executor}, resolver{executor}, connection{Connection::Socket{executor}, tls} {}
  asio::steady_timer deadline;
  asio::ip::tcp::resolver resolver;
  Connection connection;

  void cut() {
    resolver.cancel();
    connection.cut();
  }
};

// Beast's parser, filling our Response directly. One object an answer.
class ResponseParser final : public beast::http::basic_parser<false> {
 public:
  static constexpr std::size_t max_fields = 100;

  ResponseParser(std::size_t head_limit, std::size_t body_limit_bytes, bool without_body) {
    header_limit(static_cast<std::uint32_t>(head_limit));
    body_limit(body_limit_bytes);
    skip(without_body);
    eager(true);
  }
  Response& response() noexcept { return response_; }

 private:
  using error_code = boost::system::error_code;

  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int,
                       error_code&) override {}
  void on_response_impl(int status, beast::string_view, int, error_code&) override {
    response_.status = static_cast<unsigned>(status);
  }
  void on_field_impl(beast::http::field name, beast::string_view name_text,
                     beast::string_view value, error_code& error) override {
    if (head_done_) return;  // a trailer
    if (response_.fields.size() == max_fields) {
      error = beast::http::error::header_limit;
    } else if (name == beast::http::field::content_type) {
      response_.content_type.assign(value.data(), value.size());
    } else {
      response_.fields.emplace_back(name_text, value);
    }
  }
  void on_header_impl(error_code&) override { head_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override {
    auto& body = response_.body;
    if (body.size() + bytes.size() > body.capacity()) {
      // A provider's answer repeats what was sent: what is outgrown is wiped.
      std::string larger;
      larger.reserve(std::max(2 * body.capacity(), body.size() + bytes.size()));
      larger.append(body);
      crypto::wipe(body.data(), body.size());
      body.swap(larger);
    }
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes,
                                 error_code& error) override {
    return on_body_impl(bytes, error);
  }
  void on_finish_impl(error_code&) override {}

  Response response_;
  bool head_done_ = false;
};

std::string_view name_of(Method method) noexcept {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::delete_:
      return "DELETE";
    case Method::patch:
      return "PATCH";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      return {};
  }
  return {};
}

bool is_address(const std::string& host) {
  error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

// The Host field: brackets around IPv6, the port unless it is the scheme's own.
std::string authority(const Origin& origin) {
  if (!origin.socket.empty()) return "localhost";
  auto result = origin.host.find(':') == std::string::npos ? origin.host : '[' + origin.host + ']';
  if (origin.port != (origin.tls ? 443 : 80)) result += ':' + std::to_string(origin.port);
  return result;
}

// The fields that say how the message is sent are the client's affair.
bool is_ours(std::string_view name) noexcept {
  for (const std::string_view ours : {"host", "connection", "content-length", "transfer-encoding"})
    if (beast::iequals(beast::string_view{name.data(), name.size()},
                       beast::string_view{ours.data(), ours.size()}))
      return true;
  return false;
}

// Empty if the request cannot be written as one.
crypto::WipedBuffer serialized(const Origin& origin, const Request& request) {
  const auto target = crypto::view(request.target);
  const auto clean = [](std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
  };
  if (name_of(request.method).empty() || !target.starts_with('/') || !clean(target) ||
      target.find(' ') != std::string_view::npos || !clean(origin.host))
    return {};
  crypto::WipedBuffer out;
  const auto append = [&out](std::initializer_list<std::string_view> parts) {
    for (const auto part : parts) out.insert(out.end(), part.begin(), part.end());
  };
  append({name_of(request.method), " ", target, " HTTP/1.1\r\nHost: ", authority(origin),
          "\r\nConnection: close\r\n"});
  for (const auto& [name, value] : request.fields) {
    if (is_ours(name)) continue;
    if (!clean(name) || !clean(crypto::view(value))) return {};
    append({name, ": ", crypto::view(value), "\r\n"});
  }
  const bool may_have_body = request.method == Method::post || request.method == Method::put ||
                             request.method == Method::patch;
  if (may_have_body || !request.body.empty())
    append({"Content-Length: ", std::to_string(request.body.size()), "\r\n"});
  append({"\r\n", crypto::view(request.body)});
  return out;
}

asio::awaitable<error_code> connect(Exchange& exchange, const Origin& origin) {
  std::vector<Endpoint> endpoints;
  if (!origin.socket.empty()) {
    const auto path = origin.socket.string();
    if (path.size() >= sizeof(sockaddr_un::sun_path)) co_return errc::unreachable;
    endpoints.emplace_back(asio::local::stream_protocol::endpoint{path});
  } else {
    const auto [error, found] = co_await exchange.resolver.async_resolve(
        origin.host, std::to_string(origin.port), as_value);
    if (error) co_return errc::unreachable;
    for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
  }
  auto& socket = exchange.connection.socket();
  for (const auto& endpoint : endpoints) {
    error_code ignored;
    socket.close(ignored);
    if (exchange.connection.is_cut()) break;
    const auto [error] = co_await socket.async_connect(endpoint, as_value);
    if (!error) co_return error;
  }
  co_return errc::unreachable;
}

// Says hello and sees that the other side is who it should be.
asio::awaitable<error_code> shake_hands(Connection& connection, const Origin& origin) {
  auto& stream = *connection.tls();
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification{origin.host});
  if (!is_address(origin.host))
    SSL_set_tlsext_host_name(stream.native_handle(), origin.host.c_str());
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, as_value);
  co_return error ? make_error_code(errc::untrusted) : error;
}

asio::awaitable<Outcome<Response>> talk(Connection& connection, std::string_view request,
                                        bool is_head, FetchLimits limits) {
  while (!request.empty()) {
    const auto [error, size] =
        co_await connection.write_some(asio::buffer(request.data(), request.size()));
    // A server may answer and close before it has read everything: its answer is still worth
    // reading.
    if (error) break;
    request.remove_prefix(size);
  }
  std::optional<ResponseParser> parser;
  parser.emplace(limits.head, limits.body, is_head);
  crypto::WipedBuffer buffer;
  std::size_t filled = 0;
  for (;;) {
    // What waits here is one unfinished line at most, or the head.
    if (filled > limits.head) co_return errc::head_too_large;
    buffer.resize(std::max(buffer.size(), filled + read_size));
    auto [error, size] =
        co_await connection.read_some(asio::buffer(buffer.data() + filled, buffer.size() - filled));
    filled += size;
    if (error) {
      // An answer without a length ends with the connection; over TLS only with a proper goodbye.
      if (error != asio::error::eof || !parser->got_some()) co_return errc::lost;
      parser->put_eof(error);
      if (error) co_return errc::truncated;
      co_return std::move(parser->response());
    }
    for (std::size_t used = 0; filled > 0;) {
      used = parser->put(asio::buffer(buffer.data(), filled), error);
      std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(used),
                buffer.begin() + static_cast<std::ptrdiff_t>(filled), buffer.begin());
      filled -= used;
      if (error && error != beast::http::error::need_more) co_return reason(error);
      if (parser->is_done()) {
        if (parser->response().status / 100 != 1) co_return std::move(parser->response());
        parser.emplace(limits.head, limits.body, is_head);  // 1xx: the real answer follows
        continue;
      }
      if (error || used == 0) break;
    }
  }
}

asio::awaitable<Outcome<Response>> exchange_messages(Exchange& exchange, const Origin& origin,
                                                     const Request& request, FetchLimits limits) {
  const auto bytes = serialized(origin, request);
  if (bytes.empty()) co_return errc::malformed;
  error_code error = co_await connect(exchange, origin);
  if (!error && exchange.connection.tls())
    error = co_await shake_hands(exchange.connection, origin);
  if (error) co_return error;
  co_return co_await talk(exchange.connection, crypto::view(bytes), request.method == Method::head,
                          limits);
}

// The system's authorities, or only those of the origin.
Outcome<std::shared_ptr<asio::ssl::context>> make_context(const Origin& origin) {
  error_code error;
  const auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_CLEANSE_PLAINTEXT);
  if (origin.authorities.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(origin.authorities.string(), error);
  }
  if (error) return errc::untrusted;
  return context;
}

}  // namespace

Outcome<Origin> parse_origin(std::string_view text) {
  Origin origin;
  if (text.starts_with("unix:/")) {
    origin.tls = false;
    origin.port = 0;
    origin.socket = text.substr(5);
    return origin;
  }
  if (text.starts_with("http://")) {
    origin.tls = false;
    origin.port = 80;
    text.remove_prefix(7);
  } else if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else {
    return errc::malformed;
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return errc::malformed;
    origin.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    has_port = !port.empty();
    if (has_port && !port.starts_with(':')) return errc::malformed;
    if (has_port) port.remove_prefix(1);
    if (!is_address(origin.host)) return errc::malformed;
  } else {
    const auto colon = text.find(':');
    origin.host = text.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
    if (origin.host.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
            "-._") != std::string::npos)
      return errc::malformed;
  }
  if (origin.host.empty()) return errc::malformed;
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), origin.port);
    if (error != std::errc{} || end != port.data() + port.size() || origin.port == 0)
      return errc::malformed;
  }
  return origin;
}

asio::awaitable<Outcome<Response>> fetch(Origin origin, Request request, FetchLimits limits) {
  std::shared_ptr<asio::ssl::context> tls;
  if (origin.tls && origin.socket.empty()) {
    const auto made = make_context(origin);
    if (!made) co_return made.error();
    tls = *made;
  }
  // Shared with the timer's handler, which may still be on its way when this has ended.
  const auto exchange = std::make_shared<Exchange>(co_await asio::this_coro::executor, tls.get());
  exchange->deadline.expires_after(limits.time);
  exchange->deadline.async_wait([exchange, tls](error_code error) {
    if (!error) exchange->cut();
  });
  auto outcome = co_await exchange_messages(*exchange, origin, request, limits);
  exchange->deadline.cancel();
  if (exchange->connection.is_cut() && !outcome) co_return errc::timed_out;
  co_return outcome;
}

namespace blocking {

Outcome<Response> fetch(Origin origin, Request request, FetchLimits limits) {
  asio::io_context context{1};
  std::exception_ptr failure;
  Outcome<Response> outcome = errc::lost;
  asio::co_spawn(context, http::fetch(std::move(origin), std::move(request), limits),
                 [&](std::exception_ptr thrown, Outcome<Response> answer) {
                   failure = thrown;
                   outcome = std::move(answer);
                 });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return outcome;
}

}  // namespace blocking
}  // namespace ishara::http
