#pragma once
// A small HTTP/1.1 client, for the relay's calls to aggregators and for the command line: one
// connection a request, over TCP or a UNIX socket, with TLS if wanted. Follows no redirects, keeps
// no cookies, repeats nothing. Request bytes live in wiping memory.

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "gateway/http/error.hpp"
#include "gateway/http/message.hpp"

namespace ishara::http {

// Where a request goes.
struct Origin {
  std::string host;  // name or address, without brackets; what the certificate must be for
  std::uint16_t port = 443;
  bool tls = true;                    // TLS 1.2 or later, with verification, always
  std::filesystem::path authorities;  // PEM; only these are trusted; empty: the system's
  std::filesystem::path socket;       // if set, connect to this UNIX socket instead, without TLS
};

// Reads `https://host[:port]`, `http://host[:port]` or `unix:/path`; a path of one slash after the
// port is allowed, anything more is not. Error: errc::malformed.
boost::system::result<Origin> parse_origin(std::string_view text);

struct FetchLimits {
  std::chrono::milliseconds time{30'000};  // for everything, from the name to the last byte
  std::size_t head = 16 * 1024;            // bytes of the answer's head
  std::size_t body = 1024 * 1024;          // bytes of the answer's body
};

// Sends `request` and reads the whole answer. Writes Host, Connection and Content-Length itself and
// leaves such fields of the request out. The answer may have any status: only a failure to get one
// is an error (errc). No copy of the answer's body stays behind but the one that is returned.
// Looking up a name cannot be interrupted and may outlast the deadline. A request with
// Method::other, without a target in origin form, or with a line end in target or fields is
// errc::malformed.
boost::asio::awaitable<boost::system::result<Response>> fetch(Origin origin, Request request,
                                                              FetchLimits limits = {});

namespace blocking {
// The same for the command line, on a context of its own; blocks the calling thread.
boost::system::result<Response> fetch(Origin origin, Request request, FetchLimits limits = {});
}  // namespace blocking

}  // namespace ishara::http
