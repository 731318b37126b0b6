// Clickatell's Platform (channels.md 4.4). A text comes in JSON; if it is not UTF-8, as the
// percent-encoded bytes of the charset that stands beside it. Its send API takes a GET, with number
// and text in the URL.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_code(std::string_view code) noexcept {
  for (const std::string_view queued : {"2", "8", "11"})
    if (code == queued) return Status::queued;
  if (code == "3") return Status::sent;
  if (code == "4") return Status::delivered;
  for (const std::string_view failed : {"1", "5", "6", "7", "9", "10", "12", "14"})
    if (code == failed) return Status::failed;
  return std::nullopt;
}

identity::Text text_of(std::string_view text, std::string_view declared,
                       const ChannelSettings& settings) {
  const auto charset = i18n::charset_from_name(declared).value_or(i18n::Charset::unspecified);
  if (charset != i18n::Charset::windows_1252 && charset != i18n::Charset::utf16be)
    return read_text(text, i18n::Charset::utf8, settings);
  return read_text(crypto::view(http::form_decode(text)), charset, settings);
}

class Clickatell final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "clickatell"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto id = json->text({"messageId"});
    if (kind == Kind::dlr)
      return read_delivery(view_of(id), "field 'messageId' is missing",
                           view_of(json->text({"statusCode"})), "field 'statusCode' is missing",
                           status_of_code);

    const auto sender = json->text({"fromNumber"});
    auto from = read_full_sender(view_of(sender), settings, "field 'fromNumber' is missing",
                                 "field 'fromNumber' is not a number");
    if (!from) return from.error();
    const auto text = json->text({"text"});
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    const auto to = json->text({"toNumber"});
    const auto at = json->text({"timestamp"});
    const auto charset = json->text({"charset"});
    events.emplace_back(Message{
        std::move(*from), read_recipient(view_of(to)),
        text_of(crypto::view(*text), view_of(charset).value_or(""), settings), read_id(view_of(id)),
        read_unix_milliseconds(view_of(at).value_or("")), std::nullopt});
    return events;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    std::vector<FormField> form{{"apiKey", crypto::view(settings.token)}};
    if (!settings.from.empty()) form.push_back({"from", settings.from});
    form.push_back({"to", crypto::view(to)});
    form.push_back({"content", message.text});
    return {settings.origin.empty() ? "https://platform.clickatell.com" : settings.origin,
            form_get("/messages/http/send", form)};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status / 100 != 2) return out;
    const auto message = Json{answer.body}.at({"messages", Json::only});
    const auto accepted = message.text({"accepted"});
    if (view_of(accepted) == "false") out.taken = Taken::never;
    if (view_of(accepted) == "true") {
      out.taken = Taken::accepted;
      out.id = read_id(view_of(message.text({"apiMessageId"})));
    }
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_send{"token"};
    // That its status 4 means the phone and not only the operator.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Clickatell's Platform make an HTTP integration and give it this URL for replies, and",
        "the one for reports for status notifications. The token is the integration's API key."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto bytes = utf16be(sms.text);
    JsonWriter json;
    json.open('{')
        .member("messageId", sms.id)
        .member("fromNumber", std::string_view{sms.from}.substr(1))
        .member("toNumber", sms.to)
        .name("timestamp")
        .number(sms.at.time_since_epoch() / std::chrono::milliseconds{1})
        .member("text", crypto::view(http::percent_encode(crypto::view(bytes))))
        .member("charset", "UTF-16BE")
        .close('}');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_clickatell() { return std::make_unique<const Clickatell>(); }

}  // namespace ishara::aggregators
