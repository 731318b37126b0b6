#include "gateway/aggregators/aggregator.hpp"

#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {

unsigned status_of(errc code) noexcept {
  switch (code) {
    case errc::missing_field:
    case errc::bad_field:
    case errc::malformed:
      return 400;
    case errc::wrong_content_type:
      return 415;
    case errc::wrong_method:
      return 405;
    case errc::wrong_signature:
      return 403;
    case errc::too_large:
      return 413;
  }
  return 400;
}

Result<void> Aggregator::authentic(const http::Request&, const ChannelSettings&,
                                   std::chrono::sys_seconds) const {
  return boost::system::in_place_value;
}

http::Response Aggregator::acknowledge(std::optional<std::string_view>) const {
  return {200, "text/plain", "", {}, false};
}

std::optional<std::string> Aggregator::reply_in(const http::Response&) const {
  return std::nullopt;
}

Posting Aggregator::send(const Outgoing&, const SendingSettings&) const { return {}; }

SendAnswer Aggregator::sent(const http::Response& answer) const { return by_status(answer); }

std::optional<Posting> Aggregator::sign_in(const SendingSettings&) const { return std::nullopt; }

std::optional<Token> Aggregator::signed_in(const http::Response&) const { return std::nullopt; }

bool Aggregator::adds_to_path(Kind) const noexcept { return false; }

ScreenLimit Aggregator::screen_limit() const noexcept { return {}; }

http::Response Aggregator::show(const Screen&, std::string_view) const { return {}; }

http::Request Aggregator::dial(const PhoneStep&, const ChannelSettings&) const { return {}; }

std::optional<ShownScreen> Aggregator::screen_in(const http::Response&) const {
  return std::nullopt;
}

bool Aggregator::is_success(const http::Response& answer) const {
  return answer.status >= 200 && answer.status < 300;
}

}  // namespace ishara::aggregators
