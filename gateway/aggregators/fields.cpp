#include "gateway/aggregators/fields.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstddef>
#include <string>
#include <utility>

#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"
#include "i18n/utf8.hpp"

namespace ishara::aggregators {
namespace {

std::string_view text_of(const crypto::Bytes& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

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

// The unit of UTF-16 that an escape at this place of a JSON document names.
std::optional<unsigned> escaped_unit(std::string_view json, std::size_t at) noexcept {
  unsigned unit = 0;
  if (json.size() < at + 6 || json[at] != '\\' || json[at + 1] != 'u') return std::nullopt;
  const auto* const first = json.data() + at + 2;
  const auto [end, error] = std::from_chars(first, first + 4, unit, 16);
  if (error != std::errc{} || end != first + 4) return std::nullopt;
  return unit;
}

// What no JSON parser takes, made U+FFFD: bytes that are no UTF-8, and half of an emoji that a
// phone has cut in two. All else stays as it is, since a signature may cover it.
crypto::WipedBuffer repaired(std::string_view json) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  crypto::WipedBuffer out;
  out.reserve(json.size());
  const auto append = [&out](std::string_view piece) {
    out.insert(out.end(), piece.begin(), piece.end());
  };
  while (!json.empty()) {
    std::size_t size = 1;
    if (const auto unit = escaped_unit(json, 0)) {
      size = 6;
      const auto next = escaped_unit(json, 6);
      const bool high = *unit >= 0xD800 && *unit < 0xDC00;
      const bool pair = high && next && *next >= 0xDC00 && *next < 0xE000;
      if (pair) size = 12;
      append(!pair && *unit >= 0xD800 && *unit < 0xE000 ? replacement : json.substr(0, size));
    } else if (json.front() == '\\') {
      size = std::min<std::size_t>(2, json.size());
      append(json.substr(0, size));
    } else {
      const auto next = i18n::first_of_utf8(json);
      size = next.size;
      append(next.valid ? json.substr(0, size) : replacement);
    }
    json.remove_prefix(size);
  }
  return out;
}

// An answer may name the number and the text that we sent. Boost.JSON 1.81 gives back a key with
// another alignment than it was asked for, so all have the widest.
class WipingJson final : public boost::json::memory_resource {
  void* do_allocate(std::size_t size, std::size_t) override {
    return crypto::wiping_resource().allocate(size, alignof(std::max_align_t));
  }
  void do_deallocate(void* data, std::size_t size, std::size_t) override {
    crypto::wiping_resource().deallocate(data, size, alignof(std::max_align_t));
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

http::Response Aggregator::acknowledge(std::optional<std::string_view>) const {
  return {200, "text/plain", "", {}, false};
}

std::optional<std::string> Aggregator::reply_in(const http::Response&) const {
  return std::nullopt;
}

Posting Aggregator::send(const Outgoing&, const SendingSettings&) const { return {}; }

SendAnswer Aggregator::sent(const http::Response& answer) const { return by_status(answer); }

bool Aggregator::is_success(const http::Response& answer) const {
  return answer.status >= 200 && answer.status < 300;
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

Result<identity::Sender> read_full_sender(std::optional<std::string_view> sender,
                                          const ChannelSettings& settings, Literal missing,
                                          Literal bad) {
  const auto digits = trimmed(sender.value_or(""));
  // Up to eight digits are a short code (channels.md 1.4).
  if (digits.size() <= 8 || digits.find_first_not_of("0123456789") != digits.npos)
    return read_sender(sender, settings, missing, bad);
  return read_sender(crypto::view(joined({"+", digits})), settings, missing, bad);
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
  const auto hours = digits(rest.substr(1, 2)), minutes = digits(rest.substr(with_colon ? 4 : 3));
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
  text = trimmed(text);
  std::uint32_t value = 0;  // to the year 2106
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::sys_seconds{std::chrono::seconds{value}};
}

std::string utc_text(std::chrono::sys_seconds at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

crypto::WipedBuffer with_plus(const identity::Msisdn& number) {
  crypto::WipedBuffer out{'+'};
  number.reveal(
      [&out](std::string_view digits) { out.insert(out.end(), digits.begin(), digits.end()); });
  return out;
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

http::Field basic_login(std::string_view user, std::string_view password) {
  const auto login = joined({user, ":", password});
  auto encoded = crypto::base64(crypto::bytes_of(crypto::view(login)));
  http::Field out{"authorization", joined({"Basic ", encoded})};
  crypto::wipe(encoded.data(), encoded.size());
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

Json::Json(std::string_view body) {
  static WipingJson memory;
  const auto whole = repaired(body);
  boost::json::stream_parser parser{&memory};
  parser.reset(&memory);  // what the constructor takes is for its own use
  boost::system::error_code error;
  parser.write(whole.data(), whole.size(), error);
  if (!error) parser.finish(error);
  if (!error) node_ = std::make_shared<const boost::json::value>(parser.release());
}

Json Json::at(std::initializer_list<std::string_view> path) const {
  const auto* node = node_.get();
  for (const auto step : path) {
    if (node == nullptr) break;
    if (const auto* list = node->if_array(); list && list->size() == 1 && step == only) {
      node = &list->front();
      continue;
    }
    const auto* members = node->if_object();
    node = members == nullptr ? nullptr : members->if_contains(step);
  }
  return node == nullptr ? Json{} : Json{{node_, node}};
}

std::optional<crypto::WipedBuffer> Json::text() const {
  if (node_ == nullptr) return std::nullopt;
  if (const auto* text = node_->if_string()) return crypto::wiped_copy(*text);
  if (const auto* number = node_->if_int64()) return crypto::wiped_copy(std::to_string(*number));
  if (const auto* number = node_->if_uint64()) return crypto::wiped_copy(std::to_string(*number));
  if (const auto* truth = node_->if_bool()) return crypto::wiped_copy(*truth ? "true" : "false");
  return std::nullopt;
}

bool Json::is_object() const noexcept { return node_ != nullptr && node_->is_object(); }

std::vector<Json> Json::entries() const {
  std::vector<Json> out;
  if (const auto* list = node_ ? node_->if_array() : nullptr)
    for (const auto& entry : *list) out.push_back(Json{{node_, &entry}});
  return out;
}

std::vector<std::pair<crypto::WipedBuffer, Json>> Json::members() const {
  std::vector<std::pair<crypto::WipedBuffer, Json>> out;
  if (const auto* object = node_ ? node_->if_object() : nullptr)
    for (const auto& member : *object)
      out.emplace_back(crypto::wiped_copy(member.key()), Json{{node_, &member.value()}});
  return out;
}

Result<Json> read_json(const http::Request& request) {
  if (request.body.size() > max_body)
    return Refusal{errc::too_large, "the body is larger than 64 KiB"};
  if (request.field("content-type") && !http::is_json(request))
    return Refusal{errc::wrong_content_type, "the body is not JSON"};
  auto json = Json{crypto::view(request.body)};
  if (!json.is_object()) return Refusal{errc::malformed, "the body is no JSON object"};
  return json;
}

void JsonWriter::separate() {
  if (out_.empty()) return;
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':') out_.push_back(',');
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_.push_back(bracket);
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_.push_back(bracket);
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  text(name);
  out_.push_back(':');
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view utf8) {
  constexpr std::string_view digits = "0123456789abcdef";
  separate();
  out_.push_back('"');
  for (const char c : utf8) {
    const auto octet = static_cast<std::uint8_t>(c);
    if (octet < 0x20) {
      for (const char part : {'\\', 'u', '0', '0', digits[octet >> 4], digits[octet & 15]})
        out_.push_back(part);
      continue;
    }
    if (c == '"' || c == '\\') out_.push_back('\\');
    out_.push_back(c);
  }
  out_.push_back('"');
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) { return raw(std::to_string(value)); }

JsonWriter& JsonWriter::truth(bool value) { return raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::raw(std::string_view words) {
  separate();
  out_.insert(out_.end(), words.begin(), words.end());
  return *this;
}

http::Request form_get(std::string_view path, std::span<const FormField> form) {
  http::Request request;
  request.method = http::Method::get;
  request.target = joined({path, "?", crypto::view(write_form(form))});
  return request;
}

http::Request json_post(std::string_view target, crypto::WipedBuffer body,
                        std::vector<http::Field> fields) {
  http::Request request;
  request.method = http::Method::post;
  request.target = crypto::wiped_copy(target);
  request.fields = std::move(fields);
  request.fields.push_back({"content-type", crypto::wiped_copy("application/json")});
  request.body = std::move(body);
  return request;
}

http::Response json_answer(crypto::WipedBuffer body) {
  return {200, "application/json", std::string{crypto::view(body)}, {}, false};
}

std::optional<std::string> text_in(const http::Response& answer,
                                   std::initializer_list<std::string_view> path) {
  const auto text = Json{answer.body}.text(path);
  if (!text) return std::nullopt;
  return std::string{crypto::view(*text)};
}

Result<void> has_secret(std::optional<std::string_view> sent, const ChannelSettings& settings) {
  const auto secret = crypto::view(settings.secret);
  if (secret.empty())
    return Refusal{errc::wrong_signature, "the channel has no secret to compare with"};
  if (!sent || !crypto::equal(crypto::bytes_of(*sent), crypto::bytes_of(secret)))
    return Refusal{errc::wrong_signature, "the secret is missing or wrong"};
  return boost::system::in_place_value;
}

crypto::WipedBuffer called_url(const ChannelSettings& settings, const http::Request& request) {
  const auto url = crypto::view(settings.url);
  const auto path = path_of(url);
  if (path != "/") return crypto::wiped_copy(url);
  return joined(
      {url.ends_with('/') ? url.substr(0, url.size() - 1) : url, crypto::view(request.target)});
}

Json bearer_claims(std::optional<std::string_view> authorization, std::string_view key,
                   std::chrono::sys_seconds now) {
  constexpr std::string_view scheme = "Bearer ";
  if (key.empty() || !authorization || !authorization->starts_with(scheme)) return {};
  const auto token = authorization->substr(scheme.size());
  const auto first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || last == first) return {};
  const auto head = crypto::from_base64url(token.substr(0, first));
  const auto claims = crypto::from_base64url(token.substr(first + 1, last - first - 1));
  const auto signature = crypto::from_base64url(token.substr(last + 1));
  if (!head || !claims || !signature) return {};
  const auto algorithm = Json{text_of(*head)}.text({"alg"});
  const auto expected =
      crypto::hmac_sha256(crypto::bytes_of(key), {crypto::bytes_of(token.substr(0, last))});
  if (!algorithm || crypto::view(*algorithm) != "HS256" || !crypto::equal(expected, *signature))
    return {};
  Json out{text_of(*claims)};
  const auto time = [&out](std::string_view name) {
    const auto text = out.text({name});
    return text ? read_unix(crypto::view(*text)) : std::nullopt;
  };
  constexpr std::chrono::minutes slack{1};
  const auto end = time("exp"), from = time("nbf"), made = time("iat");
  if (!end && !made) return {};
  if (end && *end + slack < now) return {};
  if (from && *from > now + slack) return {};
  if (made && *made > now + slack) return {};
  return out;
}

http::Field bearer_token(std::string_view claims, std::string_view key) {
  const auto body = crypto::base64url(crypto::bytes_of(R"({"alg":"HS256","typ":"JWT"})")) + "." +
                    crypto::base64url(crypto::bytes_of(claims));
  const auto signature =
      crypto::base64url(crypto::hmac_sha256(crypto::bytes_of(key), {crypto::bytes_of(body)}));
  return {"authorization", joined({"Bearer ", body, ".", signature})};
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
