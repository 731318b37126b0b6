#pragma once
// What can go wrong with HTTP in a working system. None of these carries a byte of the message.

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace ishara::http {

enum class errc {
  malformed = 1,        // not HTTP, or two statements about its length
  head_too_large,       // request or status line and fields are over their limit
  body_too_large,       // the body is over its limit
  truncated,            // the bytes end before the message does
  unsupported_coding,   // a transfer coding other than chunked
  unsupported_version,  // neither HTTP/1.0 nor HTTP/1.1
  too_many_fields,      // a form of more than Form::max_fields
  unreachable,          // no connection: name, address, port or socket
  untrusted,            // TLS failed: the certificate, its name, or the protocol
  lost,                 // the connection broke before the whole answer was there
  timed_out,            // the deadline passed
};
const boost::system::error_category& category() noexcept;
inline boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), category()};
}

}  // namespace ishara::http

template <>
struct boost::system::is_error_code_enum<ishara::http::errc> : std::true_type {};
