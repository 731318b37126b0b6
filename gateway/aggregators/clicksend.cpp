// ClickSend (channels.md 4.10). It brings sender and text as a form; each text that we send gets a
// word of its own in the answer.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

class ClickSend final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "clicksend"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = posted_form(request);
    if (!form) return form.error();
    auto from = read_sender(form->value("from"), settings, "field 'from' is missing",
                            "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = form->value("body");
    if (!text) return Refusal{errc::missing_field, "field 'body' is missing"};
    events.emplace_back(Message{std::move(*from), crypto::WipedBuffer{},
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, std::nullopt, std::nullopt});
    return events;
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    JsonWriter json;
    json.open('{').name("messages").open('[').open('{').member("to", crypto::view(to));
    if (!settings.from.empty()) json.member("from", settings.from);
    json.member("body", message.text).member("source", "ishara").close('}').close(']').close('}');
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.account), crypto::view(settings.token)));
    return {settings.origin.empty() ? "https://rest.clicksend.com" : settings.origin,
            json_post("/v3/sms/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    const auto word = Json{answer.body}.text({"data", "messages", Json::only, "status"});
    if (answer.status == 200 && view_of(word) == "SUCCESS") out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"account", "token"};
    // Where the word of success stands in its answer is not sure.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "The account is ClickSend's user name, the token its API key. It takes no validity, and",
        "numbers no texts: what a phone says twice within minutes counts once."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const std::vector<FormField> form{{"from", sms.from}, {"body", sms.text}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_clicksend() { return std::make_unique<const ClickSend>(); }

}  // namespace ishara::aggregators
