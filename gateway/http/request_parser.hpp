#pragma once
// Beast's HTTP/1 parser, filling our Request directly, with the checks that Beast leaves to others.
// For the sources of this folder only. One object a request; does not move.

#include <boost/beast/http/basic_parser.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/http/error.hpp"
#include "gateway/http/message.hpp"

namespace ishara::http {

namespace beast = boost::beast;

enum class Expectation : std::uint8_t { none, to_continue, unknown };

class RequestParser final : public beast::http::basic_parser<true> {
 public:
  static constexpr std::size_t max_fields = 100;

  // The head may have `head_limit` bytes. The body is unlimited until body_limit() is called, which
  // may be done when the head is there.
  explicit RequestParser(std::size_t head_limit);

  // Parses on and returns how many bytes were used. The head is never parsed together with bytes of
  // the body. On return `error` is empty, or need_more (then call again with the unused bytes and
  // more), or what ends the matter: see reason().
  std::size_t feed(std::string_view bytes, boost::system::error_code& error);

  Request& request() noexcept { return request_; }
  bool known_method() const noexcept { return known_method_; }
  bool is_head() const noexcept { return is_head_; }  // also when the request has been moved away
  bool is_http_11() const noexcept { return version_ == 11; }
  std::size_t hosts() const noexcept { return hosts_; }
  Expectation expectation() const noexcept { return expectation_; }

 private:
  using error_code = boost::system::error_code;
  void on_request_impl(beast::http::verb method, beast::string_view method_text,
                       beast::string_view target, int version, error_code& error) override;
  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_field_impl(beast::http::field name, beast::string_view name_text,
                     beast::string_view value, error_code& error) override;
  void on_header_impl(error_code& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override;
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override;
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code&) override;
  void on_finish_impl(error_code&) override {}

  Request request_;
  std::size_t head_room_;
  std::size_t hosts_ = 0;
  int version_ = 0;
  bool known_method_ = false;
  bool is_head_ = false;
  bool has_length_ = false;
  bool has_coding_ = false;
  bool head_done_ = false;
  Expectation expectation_ = Expectation::none;
};

// What an error of feed() other than need_more means.
errc reason(const boost::system::error_code& error) noexcept;

}  // namespace ishara::http
