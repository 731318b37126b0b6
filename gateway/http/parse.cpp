#include "gateway/http/parse.hpp"

#include <algorithm>
#include <boost/beast/http/error.hpp>

#include "gateway/http/request_parser.hpp"

namespace ishara::http {
namespace {

constexpr std::size_t head_limit = 64 * 1024;

// The bytes of the head, with the empty line that ends it; all of them if there is none.
std::string_view head_of(std::string_view raw) noexcept {
  for (auto end = raw.find('\n'); end != std::string_view::npos; end = raw.find('\n', end + 1)) {
    const auto next = raw.substr(end + 1);
    if (next.starts_with('\n')) return raw.substr(0, end + 2);
    if (next.starts_with("\r\n")) return raw.substr(0, end + 3);
  }
  return raw;
}

crypto::WipedBuffer with_whole_line_ends(std::string_view head) {
  crypto::WipedBuffer result;
  result.reserve(head.size() * 2);
  for (const char c : head) {
    if (c == '\n' && (result.empty() || result.back() != '\r')) result.push_back('\r');
    result.push_back(c);
  }
  return result;
}

}  // namespace

boost::system::result<Request> parse_request(std::string_view raw, std::size_t body_limit) {
  raw.remove_prefix(std::min(raw.find_first_not_of("\r\n"), raw.size()));
  const auto head = head_of(raw);
  auto rest = raw.substr(head.size());
  if (head.size() > head_limit) return errc::head_too_large;

  RequestParser parser{2 * head_limit};
  const auto whole = with_whole_line_ends(head);
  boost::system::error_code error;
  parser.feed(crypto::view(whole), error);
  if (error == beast::http::error::need_more) return errc::truncated;
  if (error) return reason(error);

  if (!parser.content_length() && !parser.chunked()) {
    if (rest.size() > body_limit) return errc::body_too_large;
    parser.request().body = crypto::wiped_copy(rest);
    return std::move(parser.request());
  }
  if (parser.content_length().value_or(0) > body_limit) return errc::body_too_large;
  parser.body_limit(body_limit);
  while (!parser.is_done()) {
    if (rest.empty()) return errc::truncated;
    rest.remove_prefix(parser.feed(rest, error));
    if (error == beast::http::error::need_more) return errc::truncated;
    if (error) return reason(error);
  }
  return std::move(parser.request());
}

}  // namespace ishara::http
