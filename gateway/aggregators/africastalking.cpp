// Africa's Talking (channels.md 3.1). It signs nothing: the secret in the URL stands alone. The
// body of our answer is ignored, so replies go out through its send API, which takes no validity:
// a phone that is off gets the text when it is switched on, as long as the operator keeps it.
//
// A step of a dialogue repeats all that was typed before it. What it reports of an ended dialogue,
// to a URL of its own, ends ours; of that it repeats texts, which are not read.

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
  if (word == "Sent" || word == "Submitted" || word == "Buffered") return Status::sent;
  if (word == "Success") return Status::delivered;
  if (word == "Rejected" || word == "Failed" || word == "Expired") return Status::failed;
  return std::nullopt;
}

// The codes of a recipient that was not `Success`. Without credit or with a sender that is not ours
// every further text fails too.
Taken taken_by_code(std::string_view code) noexcept {
  if (code == "402" || code == "405") return Taken::our_fault;
  if (code == "401" || code == "403" || code == "404" || code == "406" || code == "407")
    return Taken::never;
  if (code == "500" || code == "501" || code == "502") return Taken::later;
  return Taken::unknown;
}

class AfricasTalking final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "africastalking"; }

  std::span<const Kind> kinds() const noexcept override { return texts_reports_and_dialogues; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (const auto posted = is_posted(request); !posted) return posted.error();
    const auto form = read_fields(request, true);
    if (!form) return form.error();

    if (kind == Kind::dlr)
      return read_delivery(form->value("id"), "field 'id' is missing", form->value("status"),
                           "field 'status' is missing", status_of_word);
    if (kind == Kind::ussd) return step(*form, declared_charset(request), settings);

    auto from = read_sender(form->value("from"), settings, "field 'from' is missing",
                            "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = form->value("text");
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("to")),
                                read_text(*text, declared_charset(request), settings),
                                read_id(form->value("id")),
                                read_utc(form->value("date").value_or("")), std::nullopt});
    return events;
  }

  // Telcos do not render more than GSM-7.
  ScreenLimit screen_limit() const noexcept override { return {160, 0}; }

  http::Response show(const Screen& screen, std::string_view) const override {
    std::string body{screen.end ? "END " : "CON "};
    return {200, "text/plain", body.append(screen.text), {}, false};
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    std::vector<FormField> form{{"username", crypto::view(settings.account)},
                                {"to", crypto::view(to)},
                                {"message", message.text},
                                {"bulkSMSMode", "1"}};
    // On a shared route a sender is refused.
    if (!settings.from.empty()) form.push_back({"from", settings.from});
    std::vector<http::Field> fields;
    fields.push_back({"apikey", settings.token});
    fields.push_back({"accept", crypto::wiped_copy("application/json")});
    return {settings.origin.empty() ? "https://api.africastalking.com" : settings.origin,
            form_post("/version1/messaging", form, std::move(fields))};
  }

  // The word of the one recipient decides; failures come inside a 201 too.
  SendAnswer sent(const http::Response& answer) const override {
    if (answer.status != 200 && answer.status != 201) return by_status(answer);
    const Json json{answer.body};
    const auto of_recipient = [&json](std::string_view member) {
      return json.text({"SMSMessageData", "Recipients", Json::only, member});
    };
    SendAnswer out;
    const auto word = of_recipient("status");
    const auto code = of_recipient("statusCode");
    if (word && crypto::view(*word) == "Success") {
      out.taken = Taken::accepted;
      if (const auto id = of_recipient("messageId")) out.id = read_id(crypto::view(*id));
    } else if (code) {
      out.taken = taken_by_code(crypto::view(*code));
    }
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"account", "token"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "Africa's Talking takes no validity: a phone that is switched off gets a reply when it is",
        "switched on, in whoever's hand it then is."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = utc_text(sms.at);
    const std::vector<FormField> form{{"id", sms.id},          {"from", sms.from}, {"to", sms.to},
                                      {"text", sms.text},      {"date", at},       {"linkId", ""},
                                      {"networkCode", "99999"}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    crypto::WipedBuffer text;
    for (const auto& input : step.inputs)
      text = joined({crypto::view(text), text.empty() ? "" : "*", input});
    std::vector<FormField> form{{"sessionId", step.session},
                                {"phoneNumber", step.from},
                                {"networkCode", "99999"},
                                {"serviceCode", step.code}};
    if (step.what == UssdStep::What::close) {
      form.push_back({"status", "Incomplete"});
      form.push_back({"input", crypto::view(text)});
    } else {
      form.push_back({"text", crypto::view(text)});
    }
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const bool end = answer.body.starts_with("END ");
    if (!end && !answer.body.starts_with("CON ")) return std::nullopt;
    return ShownScreen{answer.body.substr(4), end};
  }

 private:
  static Result<std::vector<Event>> step(const http::Form& form, i18n::Charset charset,
                                         const ChannelSettings& settings) {
    using What = UssdStep::What;
    const auto text = form.value("text");
    const bool ended = !text && form.value("status");
    if (!text && !ended) return Refusal{errc::missing_field, "field 'text' is missing"};
    auto out = read_step(ended           ? What::close
                         : text->empty() ? What::begin
                                         : What::input,
                         form.value("sessionId"), form.value("phoneNumber"), false, settings,
                         {"field 'sessionId' is missing", "field 'phoneNumber' is missing",
                          "field 'phoneNumber' is not a number"});
    if (!out) return out.error();
    out->code = read_recipient(form.value("serviceCode"));
    if (text) out->input = read_text(*text, charset, settings);
    out->accumulated = true;
    return only_step(std::move(*out));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_africastalking() {
  return std::make_unique<const AfricasTalking>();
}

}  // namespace ishara::aggregators
