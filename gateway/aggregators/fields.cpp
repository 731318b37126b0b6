#include "gateway/aggregators/fields.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "i18n/utf8.hpp"

namespace ishara::aggregators {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

bool same_word(std::string_view word, std::string_view lower_case) noexcept {
  return std::ranges::equal(word, lower_case, [](char any, char lower) {
    return (any >= 'A' && any <= 'Z' ? any - 'A' + 'a' : any) == lower;
  });
}

std::optional<std::uint32_t> read_whole(std::string_view digits, int base) noexcept {
  std::uint32_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [read, error] = std::from_chars(digits.data(), end, value, base);
  return error == std::errc{} && read == end ? std::optional{value} : std::nullopt;
}

crypto::WipedBuffer joined(std::initializer_list<std::string_view> parts) {
  crypto::WipedBuffer out;
  for (const auto part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::string_view path_of(std::string_view url) noexcept {
  const auto scheme = url.find("://");
  const auto slash = scheme == url.npos ? url.npos : url.find('/', scheme + 3);
  return slash == url.npos ? "/" : url.substr(slash);
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

Result<void> is_posted(const http::Request& request) {
  if (request.method == http::Method::post) return boost::system::in_place_value;
  return Refusal{errc::wrong_method, "this aggregator sends by POST only"};
}

Result<http::Form> posted_form(const http::Request& request) {
  if (const auto posted = is_posted(request); !posted) return posted.error();
  return read_fields(request, false);
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

Result<identity::Sender> read_full_sender(std::optional<std::string_view> sender,
                                          const ChannelSettings& settings, Literal missing,
                                          Literal bad) {
  const auto digits = trimmed(sender.value_or(""));
  // Up to eight digits are a short code (channels.md 1.4), and no calling code begins with 0.
  if (digits.size() <= 8 || digits.front() == '0' ||
      digits.find_first_not_of("0123456789") != digits.npos)
    return read_sender(sender, settings, missing, bad);
  return read_sender(crypto::view(joined({"+", digits})), settings, missing, bad);
}

identity::Text read_text(std::string_view bytes, i18n::Charset declared,
                         const ChannelSettings& settings, i18n::GsmTables tables) {
  auto& memory = crypto::wiping_resource();
  const auto charset = declared == i18n::Charset::unspecified ? settings.charset : declared;
  auto text = i18n::decode(bytes, charset, memory);
  if (tables != i18n::GsmTables{} && charset != i18n::Charset::utf16be)
    text = charset == i18n::Charset::gsm
               ? i18n::decode_gsm(bytes, tables, memory)
               : i18n::decode_gsm_anew({text.data(), text.size()}, tables, memory);
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

Result<std::vector<Event>> read_delivery(std::optional<std::string_view> id, Literal no_id,
                                         std::optional<std::string_view> word, Literal no_word,
                                         std::optional<Status> (*status_of)(std::string_view)) {
  auto known = read_id(id);
  if (known.empty()) return Refusal{errc::missing_field, no_id};
  if (!word) return Refusal{errc::missing_field, no_word};
  std::vector<Event> events;
  if (const auto status = status_of(*word))
    events.emplace_back(Delivery{std::move(known), *status});
  return events;
}

std::optional<Status> status_of_kannel(std::string_view type) noexcept {
  if (type == "1") return Status::delivered;
  if (type == "2" || type == "16") return Status::failed;
  if (type == "4" || type == "8") return Status::sent;
  return std::nullopt;
}

std::optional<std::chrono::sys_seconds> read_utc(std::string_view text) noexcept {
  text = trimmed(text);
  if (text.ends_with('Z')) text.remove_suffix(1);
  if (text.size() != 19 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' '))
    return std::nullopt;
  if (text[13] != ':' || text[16] != ':') return std::nullopt;
  const auto year = read_whole(text.substr(0, 4)), month = read_whole(text.substr(5, 2)),
             day = read_whole(text.substr(8, 2)), hour = read_whole(text.substr(11, 2)),
             minute = read_whole(text.substr(14, 2)), second = read_whole(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

std::optional<std::chrono::sys_seconds> read_iso8601(std::string_view text) noexcept {
  text = trimmed(text);
  if (text.size() < 19) return std::nullopt;
  const auto local = read_utc(text.substr(0, 19));
  auto rest = text.substr(19);
  if (rest.starts_with('.')) {
    const auto end = rest.find_first_not_of("0123456789", 1);
    if (rest.size() == 1 || end == 1) return std::nullopt;
    rest.remove_prefix(std::min(end, rest.size()));
  }
  if (!local || rest.empty() || rest == "Z") return local;
  const bool with_colon = rest.size() == 6 && rest[3] == ':';
  if ((rest[0] != '+' && rest[0] != '-') || (!with_colon && rest.size() != 5)) return std::nullopt;
  const auto hours = read_whole(rest.substr(1, 2)),
             minutes = read_whole(rest.substr(with_colon ? 4 : 3));
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return rest[0] == '+' ? *local - offset : *local + offset;
}

std::optional<std::chrono::sys_seconds> read_unix_milliseconds(std::string_view text) noexcept {
  text = trimmed(text);
  if (text.size() < 4) return std::nullopt;
  const auto fraction = text.substr(text.size() - 3);
  if (fraction.find_first_not_of("0123456789") != fraction.npos) return std::nullopt;
  return read_unix(text.substr(0, text.size() - 3));
}

std::optional<std::chrono::sys_seconds> read_unix(std::string_view text) noexcept {
  const auto value = read_whole(trimmed(text));  // to the year 2106
  if (!value) return std::nullopt;
  return std::chrono::sys_seconds{std::chrono::seconds{*value}};
}

std::string utc_text(std::chrono::sys_seconds at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

crypto::WipedBuffer with_plus(const identity::Msisdn& number) {
  return number.reveal([](std::string_view digits) { return joined({"+", digits}); });
}

crypto::WipedBuffer without_plus(const identity::Msisdn& number) {
  return number.reveal([](std::string_view digits) { return crypto::wiped_copy(digits); });
}

crypto::WipedBuffer utf16be(std::string_view utf8) {
  crypto::WipedBuffer out;
  while (!utf8.empty()) {
    const auto next = i18n::first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    std::vector<char16_t, crypto::WipingAllocator<char16_t>> units;
    i18n::append_utf16(next.value, units);
    for (const auto unit : units) {
      out.push_back(static_cast<char>(unit >> 8));
      out.push_back(static_cast<char>(unit & 0xFF));
    }
  }
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

http::Request form_get(std::string_view path, std::span<const FormField> form) {
  http::Request request;
  request.method = http::Method::get;
  request.target = joined({path, "?", crypto::view(write_form(form))});
  return request;
}

crypto::WipedBuffer delivery_url(const Outgoing& message, const SendingSettings& settings,
                                 std::string_view status) {
  if (settings.delivery_url.empty() || message.delivery_id.empty()) return {};
  return joined({crypto::view(settings.delivery_url), "?id=", message.delivery_id, "&", status});
}

SendAnswer by_status(const http::Response& answer) {
  SendAnswer out;
  switch (answer.status) {
    case 401:
    case 402:  // of credit or a quota that is used up
    case 403:
      out.taken = Taken::our_fault;
      break;
    case 408:  // it may have read all of it
      break;
    case 429:
      out.taken = Taken::later;
      for (const auto& [name, value] : answer.fields)
        if (same_word(name, "retry-after"))
          if (const auto seconds = read_whole(value)) out.after = std::chrono::seconds{*seconds};
      break;
    default:
      if (answer.status >= 400 && answer.status < 500) out.taken = Taken::never;
  }
  return out;
}

}  // namespace ishara::aggregators
