#include "gateway/http/request_parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <string>

namespace ishara::http {
namespace {

// The body is given room for its announced length up to here; a longer one grows as it comes, so
// that announcing much costs the sender something.
constexpr std::uint64_t trusted_length = 16 * 1024;

std::string_view view(beast::string_view text) noexcept { return {text.data(), text.size()}; }

Method method_of(beast::http::verb verb) noexcept {
  switch (verb) {
    case beast::http::verb::get:
      return Method::get;
    case beast::http::verb::head:
      return Method::head;
    case beast::http::verb::post:
      return Method::post;
    case beast::http::verb::put:
      return Method::put;
    case beast::http::verb::delete_:
      return Method::delete_;
    case beast::http::verb::patch:
      return Method::patch;
    case beast::http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

// The origin form of a target; the absolute form names scheme and host first (RFC 9112 3.2.2).
// Empty if it is neither.
std::string_view origin_form(std::string_view target) noexcept {
  if (target.starts_with('/') || target == "*") return target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!beast::iequals(beast::string_view{target.data(), std::min(target.size(), scheme.size())},
                        beast::string_view{scheme.data(), scheme.size()}))
      continue;
    const auto path = target.find('/', scheme.size());
    if (path != std::string_view::npos) return target.substr(path);
    return target.find('?') == std::string_view::npos ? "/" : std::string_view{};
  }
  return {};
}

// Whether the request line ends in the name of another version than ours, not in nonsense.
bool names_a_version(std::string_view bytes) noexcept {
  const auto line = bytes.substr(0, bytes.find('\r'));
  const auto name = line.substr(std::min(line.rfind(' ') + 1, line.size()));
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() == 8 && name.starts_with("HTTP/") && digit(name[5]) && name[6] == '.' &&
         digit(name[7]);
}

}  // namespace

RequestParser::RequestParser(std::size_t head_limit) : head_room_{head_limit} {
  // Beast counts the request line and the fields each for itself; feed() counts both together.
  header_limit(static_cast<std::uint32_t>(head_limit + 1));
  body_limit(boost::none);
}

std::size_t RequestParser::feed(std::string_view bytes, error_code& error) {
  if (head_done_) {
    eager(true);
    return put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  }
  const bool all_allowed = bytes.size() >= head_room_;
  const auto shown = bytes.substr(0, head_room_);
  std::size_t used = 0;
  // Empty lines before a request are left over from careless clients (RFC 9112 2.2).
  if (!got_some()) used = std::min(shown.find_first_not_of("\r\n"), shown.size());
  error = beast::http::error::need_more;
  if (used < shown.size()) used += put(boost::asio::buffer(shown.substr(used)), error);
  head_room_ -= used;
  if (error == beast::http::error::need_more && all_allowed)
    error = beast::http::error::header_limit;
  if (error == beast::http::error::bad_version && names_a_version(bytes))
    error = errc::unsupported_version;
  return used;
}

void RequestParser::on_request_impl(beast::http::verb method, beast::string_view,
                                    beast::string_view target, int version, error_code& error) {
  request_.method = method_of(method);
  known_method_ = method != beast::http::verb::unknown;
  is_head_ = method == beast::http::verb::head;
  version_ = version;
  const auto origin = origin_form(view(target));
  // CONNECT has a form of its own and is refused by its name.
  if (origin.empty() && method != beast::http::verb::connect)
    error = beast::http::error::bad_target;
  request_.target.assign(origin.begin(), origin.end());
}

void RequestParser::on_field_impl(beast::http::field name, beast::string_view name_text,
                                  beast::string_view value, error_code& error) {
  if (head_done_) return;  // a trailer: nobody here has a use for one
  if (request_.fields.size() == max_fields) {
    error = beast::http::error::header_limit;
    return;
  }
  switch (name) {
    case beast::http::field::host:
      ++hosts_;
      break;
    case beast::http::field::content_length:
      // Two lengths, also two equal ones, are how requests are smuggled past proxies.
      if (has_length_ || value.find(',') != beast::string_view::npos)
        error = beast::http::error::multiple_content_length;
      has_length_ = true;
      break;
    case beast::http::field::transfer_encoding:
      has_coding_ = true;
      if (!beast::iequals(value, "chunked")) error = errc::unsupported_coding;
      break;
    case beast::http::field::expect:
      expectation_ =
          beast::iequals(value, "100-continue") ? Expectation::to_continue : Expectation::unknown;
      break;
    default:
      break;
  }
  if (error) return;
  auto& field = request_.fields.emplace_back();
  field.name.assign(name_text.data(), name_text.size());
  for (char& c : field.name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  field.value.assign(value.begin(), value.end());
}

void RequestParser::on_header_impl(error_code& error) {
  head_done_ = true;
  // A sender of HTTP/1.0 does not know codings, so one of the two statements is wrong.
  if (has_coding_ && !is_http_11()) error = beast::http::error::bad_transfer_encoding;
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
  request_.body.reserve(
      static_cast<std::size_t>(std::min(length.value_or(trusted_length / 16), trusted_length)));
}

std::size_t RequestParser::on_body_impl(beast::string_view bytes, error_code&) {
  request_.body.insert(request_.body.end(), bytes.begin(), bytes.end());
  return bytes.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, beast::string_view bytes,
                                              error_code& error) {
  return on_body_impl(bytes, error);
}

errc reason(const boost::system::error_code& error) noexcept {
  if (error.category() == category()) return static_cast<errc>(error.value());
  if (error == beast::http::error::header_limit) return errc::head_too_large;
  if (error == beast::http::error::body_limit) return errc::body_too_large;
  if (error == beast::http::error::partial_message) return errc::truncated;
  return errc::malformed;
}

}  // namespace ishara::http
