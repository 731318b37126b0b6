#include "gateway/aggregators/fields.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <string>
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

// Compares a header field's name, of any case, with a lower-case one.
bool is_field(std::string_view name, std::string_view lower_case) noexcept {
  return std::ranges::equal(name, lower_case, [](char any, char lower) {
    return (any >= 'A' && any <= 'Z' ? any - 'A' + 'a' : any) == lower;
  });
}

// An answer may name the number and the text that we sent.
class WipingJson final : public boost::json::memory_resource {
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    return crypto::wiping_resource().allocate(size, alignment);
  }
  void do_deallocate(void* data, std::size_t size, std::size_t alignment) override {
    crypto::wiping_resource().deallocate(data, size, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

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

crypto::WipedBuffer with_plus(const identity::Msisdn& number) {
  crypto::WipedBuffer out{'+'};
  number.reveal(
      [&out](std::string_view digits) { out.insert(out.end(), digits.begin(), digits.end()); });
  return out;
}

crypto::WipedBuffer write_form(std::span<const FormField> fields) {
  crypto::WipedBuffer out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out.push_back('&');
    out.insert(out.end(), name.begin(), name.end());
    out.push_back('=');
    const auto encoded = http::percent_encode(value);
    out.insert(out.end(), encoded.begin(), encoded.end());
  }
  return out;
}

http::Request form_post(std::string_view target, std::span<const FormField> form,
                        std::vector<http::Field> fields) {
  http::Request request;
  request.method = http::Method::post;
  request.target = crypto::wiped_copy(target);
  request.fields = std::move(fields);
  request.fields.push_back(
      {"content-type", crypto::wiped_copy("application/x-www-form-urlencoded")});
  request.body = write_form(form);
  return request;
}

std::optional<crypto::WipedBuffer> JsonAnswer::at(
    std::initializer_list<std::string_view> path) const {
  static WipingJson memory;
  boost::json::parser parser{&memory};
  parser.reset(&memory);
  boost::system::error_code error;
  parser.write(body_.data(), body_.size(), error);
  if (error) return std::nullopt;
  const auto root = parser.release();
  const auto* node = &root;
  for (const auto step : path) {
    if (const auto* list = node->if_array(); list && list->size() == 1 && step == only) {
      node = &list->front();
      continue;
    }
    const auto* members = node->if_object();
    node = members == nullptr ? nullptr : members->if_contains(step);
    if (node == nullptr) return std::nullopt;
  }
  if (const auto* text = node->if_string()) return crypto::wiped_copy(*text);
  if (const auto* number = node->if_int64()) return crypto::wiped_copy(std::to_string(*number));
  return std::nullopt;
}

SendAnswer by_status(const http::Response& answer) {
  SendAnswer out;
  switch (answer.status) {
    case 401:
    case 403:
      out.taken = Taken::our_fault;
      break;
    case 408:  // it may have read all of it
      break;
    case 429:
      out.taken = Taken::later;
      for (const auto& [name, value] : answer.fields)
        if (is_field(name, "retry-after"))
          if (const auto seconds = digits(value)) out.after = std::chrono::seconds{*seconds};
      break;
    default:
      if (answer.status >= 400 && answer.status < 500) out.taken = Taken::never;
  }
  return out;
}

}  // namespace ishara::aggregators
