// httpSMS (channels.md 3.13), an Android phone behind a service. It sends CloudEvents, with a token
// (RFC 7519) that is signed with the webhook's key but does not cover the body. The body of our
// answer is ignored; after two attempts within seconds an event is lost.

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_event(std::string_view type) noexcept {
  if (type == "message.phone.sent") return Status::sent;
  if (type == "message.phone.delivered") return Status::delivered;
  if (type == "message.send.failed" || type == "message.send.expired") return Status::failed;
  return std::nullopt;
}

// The audience of a token is a text or a list of them (RFC 7519 4.1.3).
bool is_for(const Json& claims, std::string_view url) {
  const auto audience = claims.at({"aud"});
  const auto is_ours = [url](const Json& one) {
    const auto text = one.text();
    return text && crypto::view(*text) == url;
  };
  return is_ours(audience) || std::ranges::any_of(audience.entries(), is_ours);
}

class HttpSms final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "httpsms"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds now) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto claims =
        bearer_claims(request.field("authorization"), crypto::view(settings.secret), now);
    if (!claims) return Refusal{errc::wrong_signature, "the token is missing, wrong or over"};
    if (!is_for(claims, crypto::view(called_url(settings, request))))
      return Refusal{errc::wrong_signature, "the token is for another URL"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto type = json->text({"type"});
    if (!type) return Refusal{errc::missing_field, "field 'type' is missing"};

    if (const auto status = status_of_event(crypto::view(*type))) {
      auto id = read_id(view_of(json->text({"data", "message_id"})));
      if (id.empty()) id = read_id(view_of(json->text({"data", "id"})));
      if (id.empty()) return Refusal{errc::missing_field, "field 'data.message_id' is missing"};
      events.emplace_back(Delivery{std::move(id), *status});
      return events;
    }
    if (crypto::view(*type) != "message.phone.received") return events;

    // Ciphertext under a key that only the phone has.
    const auto encrypted = json->text({"data", "encrypted"});
    if (encrypted && crypto::view(*encrypted) == "true")
      return Refusal{errc::bad_field, "the text is encrypted; turn encryption off in the app"};
    const auto contact = json->text({"data", "contact"});
    auto from = read_sender(view_of(contact), settings, "field 'data.contact' is missing",
                            "field 'data.contact' is not a number");
    if (!from) return from.error();
    const auto text = json->text({"data", "content"});
    if (!text) return Refusal{errc::missing_field, "field 'data.content' is missing"};
    const auto owner = json->text({"data", "owner"});
    const auto id = json->text({"data", "message_id"});
    const auto at = json->text({"data", "timestamp"});
    events.emplace_back(Message{std::move(*from), read_recipient(view_of(owner)),
                                read_text(crypto::view(*text), i18n::Charset::utf8, settings),
                                read_id(view_of(id)), read_iso8601(view_of(at).value_or("")),
                                std::nullopt});
    return events;
  }

  // It takes no validity: the phone sends as soon as it can.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("from", settings.from)
        .member("to", crypto::view(to))
        .member("content", message.text);
    if (!message.delivery_id.empty()) json.member("request_id", message.delivery_id);
    json.close('}');
    std::vector<http::Field> fields;
    fields.push_back({"x-api-key", crypto::wiped_copy(crypto::view(settings.token))});
    return {settings.origin.empty() ? "https://api.httpsms.com" : settings.origin,
            json_post("/v1/messages/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    return by_id(answer, {"data", "id"});
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_receive{"secret", "url"};
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    return {Proof::secret, to_receive, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In httpSMS add a webhook with this URL, the channel's secret as its signing key and the",
        "event message.phone.received. Leave end-to-end encryption off: nobody but the phone",
        "could read the reports. It tries twice and then loses a text: keep the gateway up."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('{')
        .member("specversion", "1.0")
        .member("type", "message.phone.received")
        .name("data")
        .open('{')
        .member("message_id", sms.id)
        .member("owner", sms.to)
        .member("contact", sms.from)
        .member("content", sms.text)
        .name("encrypted")
        .truth(false)
        .member("sim", "SIM1")
        .member("timestamp", utc_text(sms.at))
        .close('}')
        .close('}');
    const auto seconds = sms.at.time_since_epoch().count();
    JsonWriter claims;
    claims.open('{')
        .member("iss", "api.httpsms.com")
        .name("aud")
        .open('[')
        .text(crypto::view(settings.url))
        .close(']')
        .name("nbf")
        .number(seconds - 600)
        .name("exp")
        .number(seconds + 600)
        .close('}');
    std::vector<http::Field> fields;
    if (!settings.secret.empty())
      fields.push_back(
          bearer_token(crypto::view(std::move(claims).take()), crypto::view(settings.secret)));
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(),
                     std::move(fields));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_httpsms() { return std::make_unique<const HttpSms>(); }

}  // namespace ishara::aggregators
