// DMark, Uganda (channels.md 4.9). It brings texts as forms, without an id; its delivery reports
// have Kannel's values, in a URL that we give it with each text. Dialogues come step by step, by
// GET alone and without a word of their end.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/dialogue.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

class DMark final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "dmark"; }

  std::span<const Kind> kinds() const noexcept override { return texts_reports_and_dialogues; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("id"), "field 'id' is missing", form->value("status"),
                           "field 'status' is missing", status_of_kannel);
    if (kind == Kind::ussd) return step(request, *form, settings);
    if (const auto posted = is_posted(request); !posted) return posted.error();

    auto from = read_sender(form->value("msisdn"), settings, "field 'msisdn' is missing",
                            "field 'msisdn' is not a number");
    if (!from) return from.error();
    const auto text = form->value("text");
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("short_code")),
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{},
                                read_iso8601(form->value("tstamp").value_or("")), std::nullopt});
    return events;
  }

  http::Response show(const Screen& screen, std::string_view) const override {
    JsonWriter json;
    json.open('{').member("responseString", screen.text);
    return json_answer(
        std::move(json.member("action", screen.end ? "end" : "request").close('}')).take());
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    std::vector<FormField> form{
        {"sender", settings.from}, {"receiver", crypto::view(to)}, {"text", message.text}};
    const auto delivery = delivery_url(message, settings, "status=%s");
    if (!delivery.empty()) form.push_back({"dlr_url", crypto::view(delivery)});
    std::vector<http::Field> fields;
    fields.push_back({"authorization", joined({"Token ", crypto::view(settings.token)})});
    return {settings.origin.empty() ? "https://smsapi1.dmarkmobile.com" : settings.origin,
            form_post("/sms/", form, std::move(fields))};
  }

  // Reports name the text by our id, so that of the provider is not kept.
  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200 && answer.status != 201) return out;
    const auto id = Json{answer.body}.text({"sms_id"});
    if (!read_id(view_of(id)).empty()) out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    // How it wants a number written stands nowhere, nor by which method reports come.
    return {Proof::none, {}, to_send, false, false, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "DMark asks for each screen of a dialogue by GET, with number and answer in the URL: let",
        "no proxy before the gateway write URLs down. It takes no validity."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    auto at = utc_text(sms.at);  // with a fraction and an offset
    at.replace(at.size() - 1, 1, ".000000+00:00");
    const std::vector<FormField> form{
        {"msisdn", sms.from}, {"text", sms.text}, {"short_code", sms.to}, {"tstamp", at}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    if (step.what == UssdStep::What::close) return {};  // it tells nothing of it
    const bool begins = step.what == UssdStep::What::begin;
    const std::vector<FormField> form{
        {"transactionId", step.session},
        {"msisdn", std::string_view{step.from}.substr(1)},
        {"ussdServiceCode", step.code},
        {"transactionTime", "20260102T03:04:05"},
        {"ussdRequestString", begins || step.inputs.empty() ? step.code : step.inputs.back()},
        {"creationTime", "20260102T03:04:05"},
        {"response", begins ? "false" : "true"}};
    return form_get(path_of(crypto::view(settings.url)), form);
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const auto text = text_in(answer, {"responseString"});
    const auto action = text_in(answer, {"action"});
    if (!text || (action != "request" && action != "end")) return std::nullopt;
    return ShownScreen{*text, *action == "end"};
  }

 private:
  static Result<std::vector<Event>> step(const http::Request& request, const http::Form& form,
                                         const ChannelSettings& settings) {
    using What = UssdStep::What;
    if (request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator asks for screens by GET"};
    const auto goes_on = form.value("response");
    if (!goes_on) return Refusal{errc::missing_field, "field 'response' is missing"};
    const auto what = *goes_on == "false" ? What::begin : What::input;
    auto out = read_step(what, form.value("transactionId"), form.value("msisdn"), true, settings,
                         {"field 'transactionId' is missing", "field 'msisdn' is missing",
                          "field 'msisdn' is not a number"});
    if (!out) return out.error();
    out->code = read_recipient(form.value("ussdServiceCode"));
    const auto text = form.value("ussdRequestString");
    if (!text && what == What::input)
      return Refusal{errc::missing_field, "field 'ussdRequestString' is missing"};
    const auto typed = text.value_or("");
    out->input =
        read_text(what == What::begin ? dialled_behind(crypto::view(out->code), typed) : typed,
                  i18n::Charset::unspecified, settings);
    return only_step(std::move(*out));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_dmark() { return std::make_unique<const DMark>(); }

}  // namespace ishara::aggregators
