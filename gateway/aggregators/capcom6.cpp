// SMS Gateway for Android (channels.md 3.12), an open app that posts JSON events, signed over body
// and time. Its own ids do not identify a text: one SMS may come as two events, and the id of the
// text has 32 bits only. So the key is a hash over what makes the text.

#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"

namespace ishara::aggregators {
namespace {

// The app signs anew at each attempt.
constexpr std::chrono::minutes longest_skew{5};

std::optional<Status> status_of_event(std::string_view event) noexcept {
  if (event == "sms:sent") return Status::sent;
  if (event == "sms:delivered") return Status::delivered;
  if (event == "sms:failed" || event == "sms:cancelled") return Status::failed;
  return std::nullopt;
}

std::string signature_of(std::string_view key, std::string_view body, std::string_view timestamp) {
  return crypto::hex(crypto::hmac_sha256(crypto::bytes_of(key),
                                         {crypto::bytes_of(body), crypto::bytes_of(timestamp)}));
}

class Capcom6 final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "capcom6"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds now) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto key = crypto::view(settings.secret);
    if (key.empty())
      return Refusal{errc::wrong_signature, "the channel has no signing key to check with"};
    const auto signature = request.field("x-signature");
    const auto timestamp = request.field("x-timestamp");
    if (!signature || !timestamp)
      return Refusal{errc::wrong_signature, "field 'X-Signature' or 'X-Timestamp' is missing"};
    const auto expected = signature_of(key, crypto::view(request.body), *timestamp);
    if (!crypto::equal(crypto::bytes_of(expected), crypto::bytes_of(*signature)))
      return Refusal{errc::wrong_signature, "the signature is wrong"};
    const auto at = read_unix(*timestamp);
    if (!at || *at > now + longest_skew || *at + longest_skew < now)
      return Refusal{errc::wrong_signature, "the signature is older or newer than five minutes"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto event = json->text({"event"});
    if (!event) return Refusal{errc::missing_field, "field 'event' is missing"};
    const auto id = json->text({"payload", "messageId"});

    if (const auto status = status_of_event(crypto::view(*event))) {
      auto sent = read_id(view_of(id));
      if (sent.empty()) return Refusal{errc::missing_field, "field 'payload.messageId' is missing"};
      events.emplace_back(Delivery{std::move(sent), *status});
      return events;
    }
    if (crypto::view(*event) != "sms:received") return events;

    auto sender = json->text({"payload", "sender"});
    if (!sender) sender = json->text({"payload", "phoneNumber"});
    auto from = read_sender(view_of(sender), settings, "field 'payload.sender' is missing",
                            "field 'payload.sender' is not a number");
    if (!from) return from.error();
    const auto text = json->text({"payload", "message"});
    if (!text) return Refusal{errc::missing_field, "field 'payload.message' is missing"};
    const auto device = json->text({"deviceId"});
    const auto at = json->text({"payload", "receivedAt"});
    const auto recipient = json->text({"payload", "recipient"});
    crypto::WipedBuffer whole;
    for (const auto& part : {view_of(device), view_of(id), view_of(sender), view_of(at)}) {
      const auto words = part.value_or("");
      whole.insert(whole.end(), words.begin(), words.end());
      whole.push_back('\n');
    }
    auto key =
        id ? crypto::wiped_copy(crypto::hex(crypto::sha256(crypto::bytes_of(crypto::view(whole)))))
           : crypto::WipedBuffer{};
    events.emplace_back(Message{std::move(*from), read_recipient(view_of(recipient)),
                                read_text(crypto::view(*text), i18n::Charset::utf8, settings),
                                std::move(key), read_iso8601(view_of(at).value_or("")),
                                std::nullopt});
    return events;
  }

  // The service has a path that an app on this machine's own network has not.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    JsonWriter json;
    json.open('{');
    if (!message.delivery_id.empty()) json.member("id", message.delivery_id);
    json.name("textMessage").open('{').member("text", message.text).close('}');
    json.name("phoneNumbers").open('[').text(crypto::view(to)).close(']');
    json.name("ttl").number(message.validity.count());
    json.name("withDeliveryReport").truth(!settings.delivery_url.empty()).close('}');
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.account), crypto::view(settings.password)));
    const bool service = settings.origin.empty();
    return {service ? "https://api.sms-gate.app" : settings.origin,
            json_post(service ? "/3rdparty/v1/messages" : "/messages", std::move(json).take(),
                      std::move(fields))};
  }

  // It knows texts by the ids that we give them, and says 409 of one that it has already.
  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status == 409) out.taken = Taken::accepted;
    if (answer.status != 200 && answer.status != 202) return out;
    const Json json{answer.body};
    const auto id = json.text({"id"});
    const auto state = json.text({"state"});
    if (!id || !state) return out;
    out.taken = crypto::view(*state) == "Failed" ? Taken::never : Taken::accepted;
    if (out.taken == Taken::accepted) out.id = read_id(crypto::view(*id));
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_receive{"secret"};
    static constexpr std::array<std::string_view, 2> to_send{"account", "password"};
    return {Proof::signature, to_receive, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view webhook, bool) const override {
    return {
        "Copy the signing key of the app (Settings, Webhooks) into the channel's secret. Then tell",
        "the app where to send: POST to its /webhooks",
        "",
        "  {\"id\": \"ishara\", \"event\": \"sms:received\", \"url\": \"" + std::string{webhook} +
            "\"}",
        "",
        "The app keeps numbers and texts in clear on its phone: lock it, and clear its log."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('{')
        .member("id", "event")
        .member("webhookId", "ishara")
        .member("event", "sms:received")
        .member("deviceId", "device")
        .name("payload")
        .open('{')
        .member("messageId", std::string_view{sms.id}.substr(0, 8))
        .member("sender", sms.from)
        .member("phoneNumber", sms.from)
        .member("recipient", sms.to)
        .name("simNumber")
        .number(1)
        .member("message", sms.text)
        .member("receivedAt", utc_text(sms.at))
        .close('}')
        .close('}');
    auto body = std::move(json).take();
    const auto at = std::to_string(sms.at.time_since_epoch().count());
    std::vector<http::Field> fields;
    if (!settings.secret.empty()) {
      fields.push_back({"x-timestamp", crypto::wiped_copy(at)});
      fields.push_back(
          {"x-signature", crypto::wiped_copy(signature_of(crypto::view(settings.secret),
                                                          crypto::view(body), at))});
    }
    return json_post(path_of(crypto::view(settings.url)), std::move(body), std::move(fields));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_capcom6() { return std::make_unique<const Capcom6>(); }

}  // namespace ishara::aggregators
