// Play Mobile, Uzbekistan (channels.md 4.10). It brings texts as XML, several at a time, and its
// clock says no zone; its send API takes JSON.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"
#include "gateway/aggregators/xml.hpp"

namespace ishara::aggregators {
namespace {

class PlayMobile final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "playmobile"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  // One text that cannot be read must not hold up the others.
  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto xml = posted_xml(request);
    if (!xml) return xml.error();
    const auto batch = xml->at("sms-request");
    if (!batch) return Refusal{errc::missing_field, "element 'sms-request' is missing"};
    return read_batch(batch.all("message"),
                      [&](const Xml& each) { return message(each, settings); });
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{').name("messages").open('[').open('{').member("recipient", crypto::view(to));
    if (!message.delivery_id.empty()) json.member("message-id", message.delivery_id);
    json.name("sms").open('{').member("originator", settings.from);
    json.name("content").open('{').member("text", message.text).close('}').close('}');
    json.close('}').close(']').close('}');
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.account), crypto::view(settings.password)));
    return {settings.origin,
            json_post("/broker-api/send", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status == 200 && answer.body.starts_with("Request is received"))
      out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 4> to_send{"account", "password", "origin",
                                                             "from"};
    // What its send API says of a text that it takes stands nowhere.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Play Mobile tells the base URL of its send API: give it with --send-origin. It takes",
            "no validity."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    auto at = utc_text(sms.at);  // "2026-01-02 03:04:05"
    at[10] = ' ';
    at.pop_back();
    const auto text = xml_escaped(sms.text);
    return xml_post(path_of(crypto::view(settings.url)),
                    joined({R"(<sms-request version="1.0"><message id=")", sms.id, R"(" msisdn=")",
                            std::string_view{sms.from}.substr(1), R"(" submit-date=")", at,
                            R"("><content type="text/plain">)", crypto::view(text),
                            "</content></message></sms-request>"}));
  }

 private:
  static Result<std::optional<Event>> message(const Xml& each, const ChannelSettings& settings) {
    const auto msisdn = each.text("@msisdn");
    auto from = read_full_sender(view_of(msisdn), settings, "attribute 'msisdn' is missing",
                                 "attribute 'msisdn' is not a number");
    if (!from) return from.error();
    const auto text = each.text("content");
    if (!text) return Refusal{errc::missing_field, "element 'content' is missing"};
    return Event{Message{std::move(*from), crypto::WipedBuffer{},
                         read_text(crypto::view(*text), i18n::Charset::unspecified, settings),
                         read_id(view_of(each.text("@id"))), std::nullopt, std::nullopt}};
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_playmobile() { return std::make_unique<const PlayMobile>(); }

}  // namespace ishara::aggregators
