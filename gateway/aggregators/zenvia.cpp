// Zenvia, the second version of its API (channels.md 4.10). A text comes in JSON as a list of
// contents, of which only some are words; reports have another type.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_code(std::string_view code) noexcept {
  if (code == "SENT") return Status::sent;
  if (code == "DELIVERED" || code == "READ") return Status::delivered;
  if (code == "REJECTED" || code == "NOT_DELIVERED") return Status::failed;
  return std::nullopt;
}

bool is(const std::optional<crypto::WipedBuffer>& text, std::string_view word) noexcept {
  return view_of(text).value_or("") == word;
}

// Its words, one below the other.
crypto::WipedBuffer words_of(const Json& contents) {
  crypto::WipedBuffer out;
  bool first = true;
  for (const auto& content : contents.entries()) {
    const auto text = content.text({"text"});
    if (!text || !is(content.text({"type"}), "text")) continue;
    if (!first) out.push_back('\n');
    first = false;
    out.insert(out.end(), text->begin(), text->end());
  }
  return out;
}

class Zenvia final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "zenvia"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto type = json->text({"type"});
    if (!type) return Refusal{errc::missing_field, "field 'type' is missing"};
    if (is(type, "MESSAGE_STATUS"))
      return read_delivery(view_of(json->text({"messageId"})), "field 'messageId' is missing",
                           view_of(json->text({"messageStatus", "code"})),
                           "field 'messageStatus.code' is missing", status_of_code);
    // It can tell of what we send, too.
    if (!is(type, "MESSAGE") || is(json->text({"message", "direction"}), "OUT")) return events;

    const auto sender = json->text({"message", "from"});
    auto from = read_full_sender(view_of(sender), settings, "field 'message.from' is missing",
                                 "field 'message.from' is not a number");
    if (!from) return from.error();
    const auto contents = json->at({"message", "contents"});
    if (!contents.is_list())
      return Refusal{errc::missing_field, "field 'message.contents' is missing"};
    const auto to = json->text({"message", "to"});
    const auto id = json->text({"message", "id"});
    const auto at = json->text({"timestamp"});
    events.emplace_back(
        Message{std::move(*from), read_recipient(view_of(to)),
                read_text(crypto::view(words_of(contents)), i18n::Charset::utf8, settings),
                read_id(view_of(id)), read_iso8601(view_of(at).value_or("")), std::nullopt});
    return events;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{').member("from", settings.from).member("to", crypto::view(to));
    json.name("contents").open('[').open('{');
    json.member("type", "text").member("text", message.text).close('}').close(']').close('}');
    std::vector<http::Field> fields;
    fields.push_back({"x-api-token", crypto::wiped_copy(crypto::view(settings.token))});
    return {settings.origin.empty() ? "https://api.zenvia.com" : settings.origin,
            json_post("/v2/channels/sms/messages", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override { return by_id(answer, {"id"}); }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Zenvia's console subscribe this URL to the event MESSAGE of the SMS channel, and the "
        "one",
        "for reports to MESSAGE_STATUS. The token is an API token, the sender the channel's own."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('{')
        .member("id", sms.id)
        .member("timestamp", utc_text(sms.at))
        .member("type", "MESSAGE")
        .member("channel", "sms");
    json.name("message").open('{');
    json.member("id", sms.id)
        .member("from", std::string_view{sms.from}.substr(1))
        .member("to", sms.to)
        .member("direction", "IN");
    json.name("contents").open('[').open('{');
    json.member("type", "text").member("text", sms.text).close('}').close(']');
    json.close('}').close('}');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_zenvia() { return std::make_unique<const Zenvia>(); }

}  // namespace ishara::aggregators
