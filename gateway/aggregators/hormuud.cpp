// Hormuud, Somalia (channels.md 4.8). It brings texts as forms, without an id and with a clock that
// is wrong. It takes texts with a token that it hands out first, and reports no delivery.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

class Hormuud final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "hormuud"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = posted_form(request);
    if (!form) return form.error();
    auto from = read_full_sender(form->value("Sender"), settings, "field 'Sender' is missing",
                                 "field 'Sender' is not a number");
    if (!from) return from.error();
    const auto text = form->value("MessageText");
    if (!text) return Refusal{errc::missing_field, "field 'MessageText' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("ShortCode")),
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, std::nullopt, std::nullopt});
    return events;
  }

  std::optional<Posting> sign_in(const SendingSettings& settings) const override {
    const std::vector<FormField> form{{"Username", crypto::view(settings.account)},
                                      {"Password", crypto::view(settings.password)},
                                      {"grant_type", "password"}};
    return Posting{origin_of(settings), form_post("/token", form, {})};
  }

  std::optional<Token> signed_in(const http::Response& answer) const override {
    return oauth_token(answer);
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("mobile", crypto::view(to))
        .member("message", message.text)
        .member("senderid", settings.from);
    json.name("mType").number(-1).name("eType").number(-1).member("UDH", "").close('}');
    std::vector<http::Field> fields;
    fields.push_back({"authorization", joined({"Bearer ", message.token})});
    return {origin_of(settings),
            json_post("/api/SendSMS", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    return by_id(answer, {"Data", "MessageID"});
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "password", "from"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Hormuud numbers no texts: what a phone says twice within minutes counts once. The",
            "account is the user name of its API."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = utc_text(sms.at);
    const std::vector<FormField> form{{"Sender", std::string_view{sms.from}.substr(1)},
                                      {"MessageText", sms.text},
                                      {"ShortCode", sms.to},
                                      {"TimeSent", at}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }

 private:
  static std::string origin_of(const SendingSettings& settings) {
    return settings.origin.empty() ? "https://smsapi.hormuud.com" : settings.origin;
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_hormuud() { return std::make_unique<const Hormuud>(); }

}  // namespace ishara::aggregators
