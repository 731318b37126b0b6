#include "gateway/aggregators/fields.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace ishara::aggregators {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The number that `text` is, all of it digits.
std::optional<int> digits(std::string_view text) noexcept {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-')
    return std::nullopt;
  return value;
}

}  // namespace

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

bool is_ping(const http::Request& request) noexcept {
  return request.query().empty() && request.body.empty();
}

Result<http::Form> read_fields(const http::Request& request, bool with_query) {
  if (request.body.size() > max_body)
    return Refusal{errc::too_large, "the body is larger than 64 KiB"};
  const bool declared = request.field("content-type").has_value();
  if (!request.body.empty() && declared && !http::is_form(request))
    return Refusal{errc::wrong_content_type, "the body is not a form"};
  auto form = http::Form::parse(with_query ? request.query() : std::string_view{},
                                crypto::view(request.body));
  if (!form) return Refusal{errc::malformed, "the form has too many fields"};
  return std::move(*form);
}

i18n::Charset declared_charset(const http::Request& request) {
  const auto charset = i18n::charset_from_name(http::media_type(request).charset);
  return charset.value_or(i18n::Charset::unspecified);
}

Result<identity::Sender> read_sender(std::optional<std::string_view> sender,
                                     const ChannelSettings& settings, Literal missing,
                                     Literal bad) {
  if (!sender) return Refusal{errc::missing_field, missing};
  auto read = identity::parse_sender(*sender, settings.country);
  if (read) return std::move(*read);
  if (read.error() == identity::sender_errc::empty) return Refusal{errc::missing_field, missing};
  return Refusal{errc::bad_field, bad};
}

identity::Text read_text(std::string_view bytes, i18n::Charset declared,
                         const ChannelSettings& settings) {
  auto& memory = crypto::wiping_resource();
  const auto charset = declared == i18n::Charset::unspecified ? settings.charset : declared;
  const auto text = i18n::decode(bytes, charset, memory);
  if (!settings.entities) return identity::Text{{text.data(), text.size()}};
  const auto plain = i18n::decode_entities({text.data(), text.size()}, memory);
  return identity::Text{{plain.data(), plain.size()}};
}

crypto::WipedBuffer read_recipient(std::optional<std::string_view> recipient) {
  if (!recipient) return {};
  const auto text = trimmed(*recipient);
  crypto::WipedBuffer out;
  const bool number =
      text.size() > 8 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (number && recipient->front() == ' ') out.push_back('+');
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

crypto::WipedBuffer read_id(std::optional<std::string_view> id) {
  if (!id) return {};
  const auto text = trimmed(*id);
  if (text == "null" || text == "None") return {};
  return crypto::wiped_copy(text);
}

std::optional<std::chrono::sys_seconds> read_utc(std::string_view text) noexcept {
  text = trimmed(text);
  if (text.ends_with('Z')) text.remove_suffix(1);
  if (text.size() != 19 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' '))
    return std::nullopt;
  if (text[13] != ':' || text[16] != ':') return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)),
             day = digits(text.substr(8, 2)), hour = digits(text.substr(11, 2)),
             minute = digits(text.substr(14, 2)), second = digits(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

std::optional<std::chrono::sys_seconds> read_unix(std::string_view text) noexcept {
  text = trimmed(text);
  std::uint32_t value = 0;  // to the year 2106
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::sys_seconds{std::chrono::seconds{value}};
}

}  // namespace ishara::aggregators
