// Nalo Solutions, Ghana (channels.md 3.7). It brings dialogues, step by step and without a word of
// their end. Its API sends texts and answers 200 with a code of its own, in JSON or as
// `code|number|id`; nothing is known of texts or reports that it would bring us.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/dialogue.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

// Of a wrong login, a sender that is not ours or no credit dies every further text too.
Taken taken_by_code(std::string_view code) noexcept {
  if (code == "1701") return Taken::accepted;
  if (code == "1710") return Taken::later;
  for (const std::string_view ours : {"1703", "1707", "1709", "1025"})
    if (code == ours) return Taken::our_fault;
  for (const std::string_view never : {"1702", "1704", "1705", "1706", "1708"})
    if (code == never) return Taken::never;
  return Taken::unknown;
}

class Nalo final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "nalo"; }

  std::span<const Kind> kinds() const noexcept override { return dialogues_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    if (is_ping(request)) return std::vector<Event>{};
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto user = json->text({"USERID"});
    if (!user) return Refusal{errc::missing_field, "field 'USERID' is missing"};
    if (settings.verify && !settings.account.empty() && crypto::view(*user) != settings.account)
      return Refusal{errc::wrong_signature, "field 'USERID' is another account"};
    const auto text = json->text({"USERDATA"});
    if (!text) return Refusal{errc::missing_field, "field 'USERDATA' is missing"};
    const auto first = json->text({"MSGTYPE"});
    if (!first) return Refusal{errc::missing_field, "field 'MSGTYPE' is missing"};
    const bool begins = crypto::view(*first) == "true" || crypto::view(*first) == "1";
    const auto session = json->text({"SESSIONID"});
    const auto number = json->text({"MSISDN"});
    auto step = read_step(begins ? UssdStep::What::begin : UssdStep::What::input, view_of(session),
                          view_of(number), true, settings,
                          {"field 'SESSIONID' is missing", "field 'MSISDN' is missing",
                           "field 'MSISDN' is not a number"});
    if (!step) return step.error();
    if (begins)
      step->code = read_recipient(crypto::view(*text));
    else
      step->input = read_text(crypto::view(*text), i18n::Charset::utf8, settings);
    step->echo = *user;
    return only_step(std::move(*step));
  }

  ScreenLimit screen_limit() const noexcept override { return {120, 70}; }

  // MSGTYPE of an answer says whether more may be typed.
  http::Response show(const Screen& screen, std::string_view echo) const override {
    JsonWriter json;
    json.open('{').member("USERID", echo).member("MSG", screen.text);
    return json_answer(std::move(json.name("MSGTYPE").truth(!screen.end).close('}')).take());
  }

  http::Request dial(const PhoneStep& step, const ChannelSettings& settings) const override {
    if (step.what == UssdStep::What::close) return {};  // it tells nothing of it
    const bool begins = step.what == UssdStep::What::begin;
    JsonWriter json;
    json.open('{').member("USERID", settings.account);
    json.member("MSISDN", std::string_view{step.from}.substr(1));
    json.member("USERDATA", begins || step.inputs.empty() ? step.code : step.inputs.back());
    json.name("MSGTYPE").truth(begins).member("NETWORK", "MTN");
    return json_post(path_of(crypto::view(settings.url)),
                     std::move(json.member("SESSIONID", step.session).close('}')).take(), {});
  }

  std::optional<ShownScreen> screen_in(const http::Response& answer) const override {
    const auto message = text_in(answer, {"MSG"});
    const auto goes_on = text_in(answer, {"MSGTYPE"});
    if (!message || !goes_on) return std::nullopt;
    return ShownScreen{*message, *goes_on != "true"};
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("key", crypto::view(settings.token))
        .member("msisdn", crypto::view(to))
        .member("message", message.text)
        .member("sender_id", settings.from)
        .close('}');
    return {settings.origin.empty() ? "https://sms.nalosolutions.com" : settings.origin,
            json_post("/smsbackend/Resl_Nalo/send-message/", std::move(json).take(), {})};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200) return out;
    const auto code = Json{answer.body}.text({"status"});
    const std::string_view words{answer.body};
    out.taken = taken_by_code(view_of(code).value_or(words.substr(0, words.find('|'))));
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    // That 1025 means that there is no credit stands at a sister product's.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"The token is Nalo's API key. It takes no validity."};
  }

  http::Request call(const PhoneText&, const ChannelSettings&, bool) const override { return {}; }
};

}  // namespace

std::unique_ptr<const Aggregator> make_nalo() { return std::make_unique<const Nalo>(); }

}  // namespace ishara::aggregators
