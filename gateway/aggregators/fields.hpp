#pragma once
// What all aggregators need to read a request and to write one: forms, numbers, texts, ids, times,
// each repaired as channels.md 1.3 to 1.5 says. JSON stands in json.hpp, secrets and tokens in
// proof.hpp. Pure functions, for any thread.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/http/form.hpp"
#include "i18n/decode.hpp"

namespace ishara::aggregators {

crypto::WipedBuffer joined(std::initializer_list<std::string_view> parts);

// The path and query of a URL; "/" if it has none.
std::string_view path_of(std::string_view url) noexcept;

// True for a request without any parameter: a dashboard that tries out a new URL.
bool is_ping(const http::Request& request) noexcept;

// The form in the body; one in the query too, if `with_query`. A body without a content type counts
// as a form. Refuses a body that is too large, of another type, or with too many fields.
Result<http::Form> read_fields(const http::Request& request, bool with_query);

// For the many that send by POST alone: refuses another method; and the form in such a body.
Result<void> is_posted(const http::Request& request);
Result<http::Form> posted_form(const http::Request& request);

// The events of a batch. `read` gives the event of an entry, or none, or refuses it, as a
// Result<std::optional<Event>>. What it refuses is an event too and holds up none of the others,
// which would all come again; only a batch of nothing else is refused.
template <class Entry, class Read>
Result<std::vector<Event>> read_batch(const std::vector<Entry>& batch, Read read) {
  std::vector<Event> events;
  bool is_any_good = false;
  for (const auto& entry : batch) {
    Result<std::optional<Event>> event = read(entry);
    if (!event) {
      events.push_back(Unreadable{event.error()});
    } else if (*event) {
      events.push_back(std::move(**event));
      is_any_good = true;
    }
  }
  if (!events.empty() && !is_any_good) return std::get<Unreadable>(events.back()).why;
  return events;
}

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

// The text in `bytes`, by `declared`, else by the channel's charset. `tables` are those that the
// text's own header names: where it came as GSM, or was read as such by who did not know them.
identity::Text read_text(std::string_view bytes, i18n::Charset declared,
                         const ChannelSettings& settings, i18n::GsmTables tables = {});

// Where a text was sent to, with a lost plus put back.
crypto::WipedBuffer read_recipient(std::optional<std::string_view> recipient);

// A provider's id. The words null and None, which some send for none, are none (channels.md 6).
crypto::WipedBuffer read_id(std::optional<std::string_view> id);

// What became of a text, in a provider's words; no event for a word that says nothing to us.
Result<std::vector<Event>> read_delivery(std::optional<std::string_view> id, Literal no_id,
                                         std::optional<std::string_view> word, Literal no_word,
                                         std::optional<Status> (*status_of)(std::string_view));

// What the values of Kannel's delivery reports say, which others have taken over; nothing for
// others, and for 32, an intermediate notice.
std::optional<Status> status_of_kannel(std::string_view type) noexcept;

// Whether `word`, of any case, is this lower-case one.
bool same_word(std::string_view word, std::string_view lower_case) noexcept;

// The number that `digits` are, with nothing around them; nothing for anything else.
std::optional<std::uint32_t> read_whole(std::string_view digits, int base = 10) noexcept;

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
// "250788000001".
crypto::WipedBuffer without_plus(const identity::Msisdn& number);
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

// Where a provider that names no text is to report its delivery: `id` is ours, `status` what it
// fills in. Empty if no report is wanted.
crypto::WipedBuffer delivery_url(const Outgoing& message, const SendingSettings& settings,
                                 std::string_view status);

// What an HTTP status alone says, where the provider's own words say no more (channels.md 1.2). A
// text may have left with any answer that is not a plain refusal.
SendAnswer by_status(const http::Response& answer);

}  // namespace ishara::aggregators
