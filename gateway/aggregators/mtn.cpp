// MTN's own gateway (channels.md 4.1), the second version of its SMS API. Texts and reports come to
// one URL, and a text has no id, so the time at which it came has to tell it from another. It takes
// texts with a token that it hands out first.
//
// A step of a dialogue names cell, card and language of the phone too; they are never read. The
// answer has to name the phone once more.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/dialogue.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "DELIVRD" || word == "DeliveredToTerminal") return Status::delivered;
  if (word == "DeliveredToNetwork" || word == "DeliveryUncertain") return Status::sent;
  if (word == "EXPIRED" || word == "DeliveryImpossible") return Status::failed;
  return std::nullopt;
}

class Mtn final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "mtn"; }

  std::span<const Kind> kinds() const noexcept override { return texts_reports_and_dialogues; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    if (kind == Kind::ussd) return step(*json, settings);
    const auto text = json->text({"message"});
    const auto word = json->text({"deliveryStatus"});
    if (word && view_of(text).value_or("").empty()) {
      auto id = json->text({"transactionId"});
      if (!id) id = json->text({"TransactionID"});
      return read_delivery(view_of(id), "field 'transactionId' is missing", view_of(word), {},
                           status_of_word);
    }

    const auto sender = json->text({"senderAddress"});
    auto from = read_full_sender(view_of(sender), settings, "field 'senderAddress' is missing",
                                 "field 'senderAddress' is not a number");
    if (!from) return from.error();
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    const auto to = json->text({"receiverAddress"});
    const auto id = json->text({"id"});
    const auto at = json->text({"created"});
    events.emplace_back(Message{std::move(*from), read_recipient(view_of(to)),
                                read_text(crypto::view(*text), i18n::Charset::utf8, settings),
                                read_id(view_of(id)),
                                read_unix_milliseconds(view_of(at).value_or("")), std::nullopt});
    return events;
  }

  http::Response show(const Screen& screen, std::string_view echo) const override {
    JsonWriter json;
    json.member("inboundResponse", screen.text).name("userInputRequired").truth(!screen.end);
    json.name("messageType").number(screen.end ? 2 : 1).close('}').close('}');
    const auto rest = std::move(json).take();
    return json_answer(joined({echo, ",", crypto::view(rest)}));
  }

  std::optional<Posting> sign_in(const SendingSettings& settings) const override {
    const std::vector<FormField> form{{"client_id", crypto::view(settings.account)},
                                      {"client_secret", crypto::view(settings.password)}};
    return Posting{origin_of(settings),
                   form_post("/v1/oauth/access_token?grant_type=client_credentials", form, {})};
  }

  std::optional<Token> signed_in(const http::Response& answer) const override {
    return oauth_token(answer);
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    const std::string_view from{settings.from};
    JsonWriter json;
    json.open('{')
        .member("senderAddress", from.starts_with('+') ? from.substr(1) : from)
        .name("receiverAddress")
        .open('[')
        .text(crypto::view(to))
        .close(']')
        .member("message", message.text);
    if (!message.delivery_id.empty()) json.member("clientCorrelator", message.delivery_id);
    json.close('}');
    std::vector<http::Field> fields;
    fields.push_back({"authorization", joined({"Bearer ", message.token})});
    return {origin_of(settings),
            json_post("/v2/messages/sms/outbound", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    return by_id(answer, {"transactionId"});
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "password", "from"};
    Profile profile;
    profile.to_send = to_send;
    profile.dialogues_confirmed = false;  // how a step proves itself stands nowhere
    return profile;
  }

  std::vector<std::string> instructions(std::string_view webhook, bool) const override {
    return {"Subscribe the short code with MTN: POST to its API at",
            "/v2/messages/sms/outbound/SHORTCODE/subscription",
            "",
            "  {\"notifyUrl\": \"" + std::string{webhook} + "\", \"targetSystem\": \"ishara\"}",
            "",
            "and a USSD code at /v1/messages/ussd/subscription",
            "",
            "  {\"serviceCode\": \"CODE\", \"callbackUrl\": \"" + std::string{webhook} + "/ussd\",",
            "   \"targetSystem\": \"ishara\"}",
            "",
            "The account is the client id of its API, the password the client secret."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('{')
        .member("senderAddress", std::string_view{sms.from}.substr(1))
        .member("receiverAddress", sms.to)
        .member("message", sms.text)
        .name("created")
        .number(sms.at.time_since_epoch() / std::chrono::milliseconds{1})
        .close('}');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    using What = UssdStep::What;
    const bool begins = step.what == What::begin;
    JsonWriter json;
    json.open('{').member("sessionId", step.session);
    json.member("messageType", begins ? "0" : step.what == What::close ? "4" : "1");
    json.member("msisdn", std::string_view{step.from}.substr(1)).member("serviceCode", step.code);
    json.member("ussdString", begins || step.inputs.empty() ? step.code : step.inputs.back());
    json.member("cellId", "99999").member("language", "en").member("imsi", "999990000000001");
    return json_post(path_of(crypto::view(settings.url)), std::move(json.close('}')).take(), {});
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const auto text = text_in(answer, {"data", "inboundResponse"});
    const auto goes_on = text_in(answer, {"data", "userInputRequired"});
    const auto type = text_in(answer, {"data", "messageType"});
    if (!text || !goes_on || type != (*goes_on == "true" ? "1" : "2")) return std::nullopt;
    if (text_in(answer, {"statusCode"}) != "0000") return std::nullopt;
    return ShownScreen{*text, *goes_on != "true"};
  }

 private:
  static std::string origin_of(const SendingSettings& settings) {
    return settings.origin.empty() ? "https://api.mtn.com" : settings.origin;
  }

  static Result<std::vector<Event>> step(const Json& json, const ChannelSettings& settings) {
    using What = UssdStep::What;
    const auto type = json.text({"messageType"});
    if (!type) return Refusal{errc::missing_field, "field 'messageType' is missing"};
    const auto is = [&type](std::string_view value) { return crypto::view(*type) == value; };
    if (is("3")) return std::vector<Event>{};  // a notice of something that we began, which is none
    const bool ends = is("2") || is("4") || is("5");
    if (!ends && !is("0") && !is("1"))
      return Refusal{errc::bad_field, "field 'messageType' is no step of a dialogue"};
    const auto what = ends ? What::close : is("0") ? What::begin : What::input;
    const auto session = json.text({"sessionId"});
    const auto number = json.text({"msisdn"});
    auto out = read_step(what, view_of(session), view_of(number), true, settings,
                         {"field 'sessionId' is missing", "field 'msisdn' is missing",
                          "field 'msisdn' is not a number"});
    if (!out) return out.error();
    const auto code = json.text({"serviceCode"});
    out->code = read_recipient(view_of(code));
    if (ends) return only_step(std::move(*out));
    const auto text = json.text({"ussdString"});
    if (!text && what == What::input)
      return Refusal{errc::missing_field, "field 'ussdString' is missing"};
    const auto typed = view_of(text).value_or("");
    out->input =
        read_text(what == What::begin ? dialled_behind(crypto::view(out->code), typed) : typed,
                  i18n::Charset::utf8, settings);
    JsonWriter echo;
    echo.open('{').member("statusCode", "0000").member("statusMessage", "OK");
    echo.member("transactionId", crypto::view(*session)).name("data").open('{');
    echo.member("serviceCode", view_of(code).value_or("")).member("msisdn", crypto::view(*number));
    out->echo = std::move(echo).take();
    return only_step(std::move(*out));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_mtn() { return std::make_unique<const Mtn>(); }

}  // namespace ishara::aggregators
