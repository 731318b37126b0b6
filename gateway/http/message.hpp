#pragma once
// A plain HTTP request and response: all that the rest of the house sees of HTTP. No Beast here.
//
// A request may hold a number and a text in any of its parts, so its bytes live in wiping memory,
// it does not copy, and nothing prints it. A response goes back to the aggregator at once.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config/ip_address.hpp"
#include "gateway/crypto/wipe.hpp"

namespace ishara::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, patch, options, other };

struct Field {
  std::string name;  // lower-case
  crypto::WipedBuffer value;
};

struct Request {
  Request() = default;
  Request(Request&&) noexcept = default;
  Request& operator=(Request&&) noexcept = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  Method method = Method::other;
  crypto::WipedBuffer
      target;                 // origin form, exactly as sent: path and query, still percent-encoded
  std::vector<Field> fields;  // in order; a repeated name is repeated here
  crypto::WipedBuffer body;   // exactly as sent, chunking undone
  // The other end of the connection, if the server shows it to its handler and it has one.
  std::optional<config::IpAddress> peer;

  std::string_view path() const noexcept {
    const auto all = crypto::view(target);
    return all.substr(0, all.find('?'));
  }
  // Without the question mark; empty if there is none.
  std::string_view query() const noexcept {
    const auto all = crypto::view(target);
    const auto mark = all.find('?');
    return mark == std::string_view::npos ? std::string_view{} : all.substr(mark + 1);
  }
  // The first field of this lower-case name.
  std::optional<std::string_view> field(std::string_view name) const noexcept {
    for (const auto& entry : fields)
      if (entry.name == name) return crypto::view(entry.value);
    return std::nullopt;
  }
};

struct Response {
  unsigned status = 200;
  std::string content_type;  // empty: no Content-Type line
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // further header lines
  bool close = false;                                       // end the connection after this answer
};

}  // namespace ishara::http
