// MTN's own gateway (channels.md 4.1), the second version of its SMS API. Texts and reports come to
// one URL, and a text has no id, so the time at which it came has to tell it from another. To send,
// it wants a token of its own first, which a request alone cannot fetch: it only receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
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

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request&, const ChannelSettings&,
                         std::chrono::sys_seconds) const override {
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::post)
      return Refusal{errc::wrong_method, "this aggregator sends by POST only"};
    const auto json = read_json(request);
    if (!json) return json.error();
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

  Profile profile() const noexcept override { return {Proof::none, {}, {}, true}; }

  std::vector<std::string> instructions(std::string_view webhook, bool) const override {
    return {"Subscribe the short code with MTN: POST to its API at",
            "/v2/messages/sms/outbound/SHORTCODE/subscription", "",
            "  {\"notifyUrl\": \"" + std::string{webhook} + "\", \"targetSystem\": \"ishara\"}"};
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
};

}  // namespace

std::unique_ptr<const Aggregator> make_mtn() { return std::make_unique<const Mtn>(); }

}  // namespace ishara::aggregators
