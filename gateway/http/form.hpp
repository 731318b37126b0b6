#pragma once
// Forms and media types of HTTP messages: pure functions over bytes, without Beast or Asio, for the
// aggregators. Everything decoded may hold a number or a text and lives in wiping memory.
// Thread rule: values like any other; not shared.

#include <boost/system/result.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/crypto/wipe.hpp"
#include "gateway/http/error.hpp"
#include "gateway/http/message.hpp"

namespace ishara::http {

// Undoes application/x-www-form-urlencoded (WHATWG URL 5.1): '+' is a space, %XX a byte. A '%' that
// two hexadecimal digits do not follow stays as it is. The result is bytes in whatever charset.
crypto::WipedBuffer form_decode(std::string_view encoded);

// Writes everything but letters, digits and "-._~" as %XX in upper case (RFC 3986 2.3). This is
// right in a path, in a query and in a form.
crypto::WipedBuffer percent_encode(std::string_view bytes);

// The decoded pairs of a query, a body or both, in the order of the bytes. Moves, does not copy.
class Form {
 public:
  static constexpr std::size_t max_fields = 256;

  struct Pair {  // both live as long as the form, also if that is moved
    std::string_view name;
    std::string_view value;
  };

  // The pairs of `first`, then those of `second`; either may be empty. A part without '=' is a name
  // with an empty value; an empty part is none. Error: errc::too_many_fields.
  static boost::system::result<Form> parse(std::string_view first, std::string_view second = {});

  Form() = default;
  Form(Form&&) noexcept = default;
  Form& operator=(Form&&) noexcept = default;
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;

  std::span<const Pair> pairs() const noexcept { return pairs_; }
  bool empty() const noexcept { return pairs_.empty(); }
  // The value of the first pair of this name; names are case-sensitive.
  std::optional<std::string_view> value(std::string_view name) const noexcept;

 private:
  crypto::WipedBuffer bytes_;  // all decoded names and values, one after the other
  std::vector<Pair> pairs_;    // views into bytes_
};

// The pairs of the query and, if the content type says that it is a form, of the body: several
// aggregators put half of their fields in the query of a POST. Error: errc::too_many_fields.
boost::system::result<Form> read_form(const Request& request);

// A Content-Type value (RFC 9110 8.3), in lower case; both parts are empty if absent or unreadable.
struct MediaType {
  std::string name;     // "text/xml"
  std::string charset;  // "utf-8"; quotes removed
};
MediaType parse_media_type(std::string_view content_type);
MediaType media_type(const Request& request);

bool is_form(const Request& request);       // application/x-www-form-urlencoded
bool is_multipart(const Request& request);  // multipart/form-data
bool is_json(const Request& request);       // application/json or any type that ends in +json

}  // namespace ishara::http
