#include "gateway/http/error.hpp"

#include <string>

namespace ishara::http {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "http"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::malformed:
        return "not a well-formed HTTP message";
      case errc::head_too_large:
        return "the head of the HTTP message is too large";
      case errc::body_too_large:
        return "the body of the HTTP message is too large";
      case errc::truncated:
        return "the HTTP message is cut off";
      case errc::unsupported_coding:
        return "a transfer coding other than chunked";
      case errc::unsupported_version:
        return "neither HTTP/1.0 nor HTTP/1.1";
      case errc::too_many_fields:
        return "the form has too many fields";
      case errc::unreachable:
        return "no connection to the other side";
      case errc::untrusted:
        return "TLS failed: the certificate, its name or the protocol";
      case errc::lost:
        return "the connection broke before the whole answer was there";
      case errc::timed_out:
        return "no whole answer in time";
    }
    return "unknown HTTP error";
  }
};

}  // namespace

const boost::system::error_category& category() noexcept {
  static const Category instance;
  return instance;
}

}  // namespace ishara::http
