#include "gateway/http/answer.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <iterator>
#include <stdexcept>

namespace ishara::http {
namespace {

void append(crypto::WipedBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

void append_number(crypto::WipedBuffer& out, std::size_t number) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.insert(out.end(), std::begin(digits), end);
}

void append_field(crypto::WipedBuffer& out, std::string_view name, std::string_view value) {
  constexpr std::string_view forbidden{"\r\n\0", 3};
  if (name.find_first_of(forbidden) != std::string_view::npos ||
      value.find_first_of(forbidden) != std::string_view::npos)
    throw std::invalid_argument{"line end in a field of an answer"};
  append(out, name);
  append(out, ": ");
  append(out, value);
  append(out, "\r\n");
}

}  // namespace

std::string_view reason_phrase(unsigned status) noexcept {
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return {text.data(), text.size()};
}

void append_answer(crypto::WipedBuffer& out, const Response& response, Framing framing) {
  // Neither status may carry a body or a length (RFC 9110 15.3.5, 15.4.5).
  const bool bodiless = response.status == 204 || response.status == 304;
  append(out, "HTTP/1.1 ");
  append_number(out, response.status);
  append(out, " ");
  append(out, reason_phrase(response.status));
  append(out, "\r\n");
  if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
  if (!bodiless) {
    append(out, "Content-Length: ");
    append_number(out, response.body.size());
    append(out, "\r\n");
  }
  bool has_cache_rule = false;
  for (const auto& [name, value] : response.fields) {
    append_field(out, name, value);
    has_cache_rule = has_cache_rule || boost::beast::iequals(name, "cache-control");
  }
  if (!has_cache_rule) append(out, "Cache-Control: no-store\r\n");
  if (!framing.keep_alive) {
    append(out, "Connection: close\r\n");
  } else if (!framing.http_11) {
    append(out, "Connection: keep-alive\r\n");
  }
  append(out, "\r\n");
  if (!framing.without_body && !bodiless) append(out, response.body);
}

}  // namespace ishara::http
