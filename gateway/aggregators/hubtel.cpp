// Hubtel, Ghana (channels.md 3.5). It brings dialogues, step by step; its API sends texts. Nothing
// is known of texts or reports that it would bring us. Its names come in any case.

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

// The member of this lower-case name, in whatever case it was written.
std::optional<crypto::WipedBuffer> member(const Json& json, std::string_view lower_case) {
  for (const auto& [name, value] : json.members())
    if (same_word(crypto::view(name), lower_case)) return value.text();
  return std::nullopt;
}

// Beside a 400. A sender that is not ours or no credit keeps every further text back too.
Taken taken_by_code(std::string_view code) noexcept {
  return code == "2" || code == "12" ? Taken::our_fault : Taken::never;
}

class Hubtel final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "hubtel"; }

  std::span<const Kind> kinds() const noexcept override { return dialogues_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    using What = UssdStep::What;
    if (is_ping(request)) return std::vector<Event>{};
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto type = member(*json, "type");
    if (!type) return Refusal{errc::missing_field, "field 'Type' is missing"};
    const auto is = [&type](std::string_view lower_case) {
      return same_word(crypto::view(*type), lower_case);
    };
    const bool ends = is("release") || is("timeout");
    if (!ends && !is("initiation") && !is("response"))
      return Refusal{errc::bad_field, "field 'Type' is no step of a dialogue"};
    const auto what = ends ? What::close : is("initiation") ? What::begin : What::input;
    const auto session = member(*json, "sessionid");
    const auto number = member(*json, "mobile");
    auto step = read_step(what, view_of(session), view_of(number), true, settings,
                          {"field 'SessionId' is missing", "field 'Mobile' is missing",
                           "field 'Mobile' is not a number"});
    if (!step) return step.error();
    step->code = read_recipient(view_of(member(*json, "servicecode")));
    if (ends) return only_step(std::move(*step));
    const auto text = member(*json, "message");
    if (!text && what == What::input)
      return Refusal{errc::missing_field, "field 'Message' is missing"};
    const auto typed = view_of(text).value_or("");
    step->input =
        read_text(what == What::begin ? dialled_behind(crypto::view(step->code), typed) : typed,
                  i18n::Charset::utf8, settings);
    step->echo = *session;
    return only_step(std::move(*step));
  }

  // Label and types are for front ends that are no phones.
  http::Response show(const Screen& screen, std::string_view echo) const override {
    JsonWriter json;
    json.open('{').member("SessionId", echo);
    json.member("Type", screen.end ? "Release" : "Response").member("Message", screen.text);
    json.member("ClientState", "").member("Label", "");
    json.member("DataType", screen.end ? "display" : "input").member("FieldType", "text");
    return json_answer(std::move(json.close('}')).take());
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    using What = UssdStep::What;
    const bool begins = step.what == What::begin;
    JsonWriter json;
    json.open('{').member("SessionId", step.session).member("ServiceCode", step.code);
    json.member("Type", begins ? "Initiation" : step.what == What::close ? "Release" : "Response");
    json.member("Message", begins || step.inputs.empty() ? step.code : step.inputs.back());
    json.member("Operator", "mtn").member("Platform", "USSD");
    json.member("Mobile", std::string_view{step.from}.substr(1)).member("ClientState", "");
    json.name("Sequence").number(static_cast<std::int64_t>(step.inputs.size()) + 1);
    return json_post(path_of(crypto::view(settings.url)), std::move(json.close('}')).take(), {});
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const auto message = text_in(answer, {"Message"});
    const auto type = text_in(answer, {"Type"});
    if (!message || (type != "Response" && type != "Release")) return std::nullopt;
    return ShownScreen{*message, *type == "Release"};
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("From", settings.from)
        .member("To", crypto::view(to))
        .member("Content", message.text)
        .close('}');
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.account), crypto::view(settings.password)));
    return {settings.origin.empty() ? "https://sms.hubtel.com" : settings.origin,
            json_post("/v1/messages/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    const auto code = member(Json{answer.body}, "status");
    if (!code) return out;
    if (answer.status == 400) out.taken = taken_by_code(crypto::view(*code));
    if (answer.status == 403) out.taken = Taken::never;  // this phone has not agreed to texts
    if ((answer.status == 200 || answer.status == 201) && crypto::view(*code) == "0")
      out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "password", "from"};
    // How it wants a number written stands nowhere.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"The account is Hubtel's client id, the password its client secret. Hubtel sends only",
            "for addresses that it knows: name it those of the relay. It takes no validity."};
  }

  http::Request call(const PhoneText&, const ChannelSettings&, bool) const override { return {}; }
};

}  // namespace

std::unique_ptr<const Aggregator> make_hubtel() { return std::make_unique<const Hubtel>(); }

}  // namespace ishara::aggregators
