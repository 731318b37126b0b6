// Beem Africa (channels.md 4.2). Texts and reports are JSON; what a number of theirs sends us
// stands in no public document, so texts are read by the names that its users saw. A step of a
// dialogue is answered in its own shape. Its samples differ in the name of our text there, so it
// has both.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/dialogue.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "PENDING") return Status::queued;
  if (word == "DELIVERED") return Status::delivered;
  if (word == "UNDELIVERED") return Status::failed;
  return std::nullopt;
}

class Beem final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "beem"; }

  std::span<const Kind> kinds() const noexcept override { return texts_reports_and_dialogues; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    if (kind == Kind::ussd) return step(*json, settings);
    if (kind == Kind::dlr)
      return read_delivery(view_of(json->text({"request_id"})), "field 'request_id' is missing",
                           view_of(json->text({"Status"})), "field 'Status' is missing",
                           status_of_word);

    const auto sender = json->text({"from"});
    auto from = read_full_sender(view_of(sender), settings, "field 'from' is missing",
                                 "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = json->text({"message", "text"});
    if (!text) return Refusal{errc::missing_field, "field 'message.text' is missing"};
    const auto to = json->text({"to"});
    const auto id = json->text({"transaction_id"});
    const auto at = json->text({"timeUTC"});
    events.emplace_back(Message{std::move(*from), read_recipient(view_of(to)),
                                read_text(crypto::view(*text), i18n::Charset::utf8, settings),
                                read_id(view_of(id)), read_iso8601(view_of(at).value_or("")),
                                std::nullopt});
    return events;
  }

  http::Response show(const Screen& screen, std::string_view echo) const override {
    JsonWriter json;
    json.member("response", screen.text).member("request", screen.text).close('}');
    json.member("command", screen.end ? "terminate" : "continue").close('}');
    const auto rest = std::move(json).take();
    return json_answer(joined({echo, ",", crypto::view(rest)}));
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("source_addr", settings.from)
        .member("schedule_time", "")
        .name("encoding")
        .number(0)
        .member("message", message.text);
    json.name("recipients").open('[').open('{').name("recipient_id").number(1);
    json.member("dest_addr", crypto::view(to)).close('}').close(']').close('}');
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.token), crypto::view(settings.password)));
    return {settings.origin.empty() ? "https://apisms.beem.africa" : settings.origin,
            json_post("/v1/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status / 100 != 2) return out;
    const Json json{answer.body};
    const auto successful = json.text({"successful"});
    if (view_of(successful) == "false") out.taken = Taken::never;
    if (view_of(successful) == "true") {
      out.taken = Taken::accepted;
      out.id = read_id(view_of(json.text({"request_id"})));
    }
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"token", "password", "from"};
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Beem's dashboard give the number this URL for incoming texts, the one for reports as",
        "the callback of the SMS application, and the one for USSD as that of the USSD menu. The",
        "token is the API key, the password its secret key."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('{')
        .member("from", std::string_view{sms.from}.substr(1))
        .member("to", sms.to)
        .member("channel", "sms")
        .member("timeUTC", utc_text(sms.at))
        .member("transaction_id", sms.id);
    json.name("message").open('{').member("text", sms.text).close('}').close('}');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    using What = UssdStep::What;
    const bool begins = step.what == What::begin;
    JsonWriter json;
    json.open('{').member("command", begins                     ? "initiate"
                                     : step.what == What::close ? "terminate"
                                                                : "continue");
    json.member("msisdn", std::string_view{step.from}.substr(1)).member("operator", "vodacom");
    json.member("session_id", step.session).name("payload").open('{').name("request_id");
    json.number(static_cast<std::int64_t>(step.inputs.size()));
    json.member("response", begins || step.inputs.empty() ? "0" : step.inputs.back());
    return json_post(path_of(crypto::view(settings.url)),
                     std::move(json.close('}').close('}')).take(), {});
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const auto text = text_in(answer, {"payload", "response"});
    const auto command = text_in(answer, {"command"});
    if (!text || text_in(answer, {"payload", "request"}) != text) return std::nullopt;
    if (command != "continue" && command != "terminate") return std::nullopt;
    return ShownScreen{*text, *command == "terminate"};
  }

 private:
  static Result<std::vector<Event>> step(const Json& json, const ChannelSettings& settings) {
    using What = UssdStep::What;
    const auto command = json.text({"command"});
    if (!command) return Refusal{errc::missing_field, "field 'command' is missing"};
    const auto is = [&command](std::string_view lower_case) {
      return same_word(crypto::view(*command), lower_case);
    };
    if (!is("initiate") && !is("continue") && !is("terminate"))
      return Refusal{errc::bad_field, "field 'command' is no step of a dialogue"};
    const auto what = is("initiate") ? What::begin : is("continue") ? What::input : What::close;
    const auto session = json.text({"session_id"});
    const auto number = json.text({"msisdn"});
    auto out = read_step(what, view_of(session), view_of(number), true, settings,
                         {"field 'session_id' is missing", "field 'msisdn' is missing",
                          "field 'msisdn' is not a number"});
    if (!out) return out.error();
    if (what == What::close) return only_step(std::move(*out));
    // It does not say what was dialled: with the first step its field holds nothing of the phone's.
    const auto text = json.text({"payload", "response"});
    if (!text && what == What::input)
      return Refusal{errc::missing_field, "field 'payload.response' is missing"};
    if (what == What::input)
      out->input = read_text(crypto::view(*text), i18n::Charset::utf8, settings);
    JsonWriter echo;
    echo.open('{').member("msisdn", crypto::view(*number));
    echo.member("session_id", crypto::view(*session)).name("payload").open('{');
    echo.member("request_id", view_of(json.text({"payload", "request_id"})).value_or(""));
    out->echo = std::move(echo).take();
    return only_step(std::move(*out));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_beem() { return std::make_unique<const Beem>(); }

}  // namespace ishara::aggregators
