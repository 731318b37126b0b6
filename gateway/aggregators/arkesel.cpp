// Arkesel, Ghana (channels.md 3.6). It brings dialogues, step by step and without a word of their
// end; its API sends texts. Nothing sure is known of texts or reports that it would bring us. Other
// spellings of `sessionID` than this are not known to it.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/dialogue.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

class Arkesel final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "arkesel"; }

  std::span<const Kind> kinds() const noexcept override { return dialogues_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    if (is_ping(request)) return std::vector<Event>{};
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto text = json->text({"userData"});
    if (!text) return Refusal{errc::missing_field, "field 'userData' is missing"};
    const auto first = json->text({"newSession"});
    if (!first) return Refusal{errc::missing_field, "field 'newSession' is missing"};
    const bool begins = crypto::view(*first) == "true";
    const auto session = json->text({"sessionID"});
    const auto number = json->text({"msisdn"});
    auto step = read_step(begins ? UssdStep::What::begin : UssdStep::What::input, view_of(session),
                          view_of(number), true, settings,
                          {"field 'sessionID' is missing", "field 'msisdn' is missing",
                           "field 'msisdn' is not a number"});
    if (!step) return step.error();
    if (begins)
      step->code = read_recipient(crypto::view(*text));
    else
      step->input = read_text(crypto::view(*text), i18n::Charset::utf8, settings);
    // What it wants to be told again, as it wrote it.
    const auto user = json->text({"userID"});
    JsonWriter echo;
    echo.open('{').member("sessionID", crypto::view(*session));
    echo.member("userID", view_of(user).value_or("")).member("msisdn", crypto::view(*number));
    step->echo = std::move(echo).take();
    return only_step(std::move(*step));
  }

  http::Response show(const Screen& screen, std::string_view echo) const override {
    JsonWriter json;
    json.member("message", screen.text).name("continueSession").truth(!screen.end).close('}');
    const auto rest = std::move(json).take();
    return json_answer(joined({echo, ",", crypto::view(rest)}));
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    if (step.what == UssdStep::What::close) return {};  // it tells nothing of it
    const bool begins = step.what == UssdStep::What::begin;
    JsonWriter json;
    json.open('{').member("sessionID", step.session).member("userID", settings.account);
    json.name("newSession").truth(begins);
    json.member("msisdn", std::string_view{step.from}.substr(1));
    json.member("userData", begins || step.inputs.empty() ? step.code : step.inputs.back());
    return json_post(path_of(crypto::view(settings.url)),
                     std::move(json.member("network", "MTN").close('}')).take(), {});
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const auto message = text_in(answer, {"message"});
    const auto goes_on = text_in(answer, {"continueSession"});
    if (!message || !goes_on) return std::nullopt;
    return ShownScreen{*message, *goes_on != "true"};
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{').member("sender", settings.from).member("message", message.text);
    json.name("recipients").open('[').text(crypto::view(to)).close(']').close('}');
    std::vector<http::Field> fields;
    fields.push_back({"api-key", settings.token});
    return {settings.origin.empty() ? "https://sms.arkesel.com" : settings.origin,
            json_post("/api/v2/sms/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200 && answer.status != 201) return out;
    const auto word = Json{answer.body}.text({"status"});
    if (view_of(word) == "success") out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    // What it answers beside `success` stands nowhere.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"The token is Arkesel's API key. It takes no validity."};
  }

  http::Request call(const PhoneText&, const ChannelSettings&, bool) const override { return {}; }
};

}  // namespace

std::unique_ptr<const Aggregator> make_arkesel() { return std::make_unique<const Arkesel>(); }

}  // namespace ishara::aggregators
