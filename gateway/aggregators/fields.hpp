#pragma once
// What all aggregators need to read a request: forms, numbers, texts, ids, times, each repaired as
// channels.md 1.3 to 1.5 says. Pure functions, for any thread.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/http/form.hpp"
#include "i18n/decode.hpp"

namespace boost::json {
class value;
}

namespace ishara::aggregators {

crypto::WipedBuffer joined(std::initializer_list<std::string_view> parts);

// The path and query of a URL; "/" if it has none.
std::string_view path_of(std::string_view url) noexcept;

// True for a request without any parameter: a dashboard that tries out a new URL.
bool is_ping(const http::Request& request) noexcept;

// The form in the body; one in the query too, if `with_query`. A body without a content type counts
// as a form. Refuses a body that is too large, of another type, or with too many fields.
Result<http::Form> read_fields(const http::Request& request, bool with_query);

// The charset that the Content-Type declares; unspecified if none or unknown.
i18n::Charset declared_charset(const http::Request& request);

// `sender` read with the channel's country. `missing` and `bad` are the refusals' words.
Result<identity::Sender> read_sender(std::optional<std::string_view> sender,
                                     const ChannelSettings& settings, Literal missing, Literal bad);

// The same of a provider that writes every number in full, without its plus. Read with a country,
// one of another country would be taken for a national one.
Result<identity::Sender> read_full_sender(std::optional<std::string_view> sender,
                                          const ChannelSettings& settings, Literal missing,
                                          Literal bad);

// The text in `bytes`, by `declared`, else by the channel's charset.
identity::Text read_text(std::string_view bytes, i18n::Charset declared,
                         const ChannelSettings& settings);

// Where a text was sent to, with a lost plus put back.
crypto::WipedBuffer read_recipient(std::optional<std::string_view> recipient);

// A provider's id. The words null and None, which some send for none, are none (channels.md 6).
crypto::WipedBuffer read_id(std::optional<std::string_view> id);

// What became of a text, in a provider's words; no event for a word that says nothing to us.
Result<std::vector<Event>> read_delivery(std::optional<std::string_view> id, Literal no_id,
                                         std::optional<std::string_view> word, Literal no_word,
                                         std::optional<Status> (*status_of)(std::string_view));

// "2026-01-02T03:04:05Z" or "2026-01-02 03:04:05", both UTC; nothing for anything else.
std::optional<std::chrono::sys_seconds> read_utc(std::string_view text) noexcept;
// The same with a fraction or an offset too: "2026-01-02T03:04:05.678+03:00", "...+0300".
std::optional<std::chrono::sys_seconds> read_iso8601(std::string_view text) noexcept;
// Milliseconds since 1970 in decimal; nothing for anything else.
std::optional<std::chrono::sys_seconds> read_unix_milliseconds(std::string_view text) noexcept;
// Seconds since 1970 in decimal; nothing for anything else.
std::optional<std::chrono::sys_seconds> read_unix(std::string_view text) noexcept;

// "2026-01-02T03:04:05Z"
std::string utc_text(std::chrono::sys_seconds at);

// "+250788000001".
crypto::WipedBuffer with_plus(const identity::Msisdn& number);
// UTF-16 in network order, as SMPP has it.
crypto::WipedBuffer utf16be(std::string_view utf8);

// A form to post: names and values, percent-encoded, in their order.
struct FormField {
  std::string_view name;
  std::string_view value;
};
crypto::WipedBuffer write_form(std::span<const FormField> fields);

// A POST of a form to `target`, with `fields` beside the content type.
http::Request form_post(std::string_view target, std::span<const FormField> form,
                        std::vector<http::Field> fields);
// A GET of `path` with a form in its query.
http::Request form_get(std::string_view path, std::span<const FormField> form);

// The Authorization of HTTP's Basic scheme (RFC 7617).
http::Field basic_login(std::string_view user, std::string_view password);

// Of a field that may be absent.
inline std::optional<std::string_view> view_of(
    const std::optional<crypto::WipedBuffer>& field) noexcept {
  return field ? std::optional{crypto::view(*field)} : std::nullopt;
}

// A place in a JSON document, whose memory is wiped; empty if there is none. A document is no
// larger than what it was read from allows, and nests at most 32 deep.
class Json {
 public:
  // In a path: the one entry of a list of exactly one.
  static constexpr std::string_view only = "*";

  Json() = default;
  // Of a whole body; empty if that is no JSON. What is no UTF-8 is repaired first
  // (channels.md 1.5).
  explicit Json(std::string_view body);

  explicit operator bool() const noexcept { return node_ != nullptr; }
  // Where a path of members leads to.
  Json at(std::initializer_list<std::string_view> path) const;
  // A text, or a whole number or truth value as JSON writes it, of this place or at a path.
  std::optional<crypto::WipedBuffer> text() const;
  std::optional<crypto::WipedBuffer> text(std::initializer_list<std::string_view> path) const {
    return at(path).text();
  }
  bool is_object() const noexcept;
  // Of a list, and of an object by name; nothing of anything else.
  std::vector<Json> entries() const;
  std::vector<std::pair<crypto::WipedBuffer, Json>> members() const;

 private:
  explicit Json(std::shared_ptr<const boost::json::value> node) : node_{std::move(node)} {}
  std::shared_ptr<const boost::json::value> node_;
};

// The JSON object in a body. Refuses one that is too large, of another type or no such thing.
Result<Json> read_json(const http::Request& request);

// Writes JSON into memory that is wiped; commas stand where they belong.
class JsonWriter {
 public:
  JsonWriter& open(char bracket);   // '{' or '['
  JsonWriter& close(char bracket);  // '}' or ']'
  JsonWriter& name(std::string_view name);
  JsonWriter& text(std::string_view utf8);
  JsonWriter& number(std::int64_t value);
  JsonWriter& truth(bool value);
  JsonWriter& member(std::string_view its, std::string_view utf8) { return name(its).text(utf8); }
  crypto::WipedBuffer take() && { return std::move(out_); }

 private:
  JsonWriter& raw(std::string_view words);
  void separate();
  crypto::WipedBuffer out_;
};

// An answer of JSON, and the text at a place of one.
http::Response json_answer(crypto::WipedBuffer body);
std::optional<std::string> text_in(const http::Response& answer,
                                   std::initializer_list<std::string_view> path);

// A POST of JSON to `target`, with `fields` beside the content type.
http::Request json_post(std::string_view target, crypto::WipedBuffer body,
                        std::vector<http::Field> fields);

// Whether a request carries the channel's secret; refused if the channel has none.
Result<void> has_secret(std::optional<std::string_view> sent, const ChannelSettings& settings);
// The whole URL that a provider calls: the channel's, with the request's own path and query if it
// has no path of its own.
crypto::WipedBuffer called_url(const ChannelSettings& settings, const http::Request& request);
// The claims of a JSON Web Token (RFC 7519) in `authorization`, a Bearer's: signed with `key` by
// HMAC-SHA256, not over by `now` and not from the future, by a minute at most. Empty if it is not.
Json bearer_claims(std::optional<std::string_view> authorization, std::string_view key,
                   std::chrono::sys_seconds now);
// The same, made.
http::Field bearer_token(std::string_view claims, std::string_view key);

// What an HTTP status alone says, where the provider's own words say no more (channels.md 1.2). A
// text may have left with any answer that is not a plain refusal.
SendAnswer by_status(const http::Response& answer);

}  // namespace ishara::aggregators
