#pragma once
// Beast's HTTP/1 parser, filling our Response directly. For client.cpp only. One object an answer;
// does not move.

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>

#include "gateway/http/message.hpp"

namespace ishara::http {

namespace beast = boost::beast;

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
    response_.body.append(bytes.data(), bytes.size());
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

}  // namespace ishara::http
