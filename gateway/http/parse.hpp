#pragma once
// One raw HTTP request from bytes: for the command line, for golden files and for fuzzers. The
// server uses the same parser underneath, with its own limits.

#include <boost/system/result.hpp>
#include <cstddef>
#include <string_view>

#include "gateway/http/message.hpp"

namespace ishara::http {

// Reads `raw` as one HTTP/1.0 or 1.1 request (RFC 9112). More forgiving than the server in two
// things, because people write such files by hand: lines of the head may end in a bare line feed,
// and without Content-Length or chunking the rest of the bytes is the body. With either of them,
// bytes after the body are ignored. The head may have 64 KiB, the body `body_limit` bytes.
// Errors: errc::malformed, head_too_large, body_too_large, truncated, unsupported_coding,
// unsupported_version.
boost::system::result<Request> parse_request(std::string_view raw, std::size_t body_limit);

}  // namespace ishara::http
