// Burst SMS, by its own name TransmitSMS (channels.md 4.10). Texts and reports come by GET; a text
// has neither id nor time nor the number it was sent to.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "pending") return Status::sent;
  if (word == "delivered") return Status::delivered;
  if (word == "soft-bounce" || word == "hard-bounce") return Status::failed;
  return std::nullopt;
}

class BurstSms final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "burstsms"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("message_id"), "field 'message_id' is missing",
                           form->value("status"), "field 'status' is missing", status_of_word);

    auto from = read_full_sender(form->value("mobile"), settings, "field 'mobile' is missing",
                                 "field 'mobile' is not a number");
    if (!from) return from.error();
    const auto text = form->value("response");
    if (!text) return Refusal{errc::missing_field, "field 'response' is missing"};
    events.emplace_back(Message{std::move(*from), crypto::WipedBuffer{},
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, std::nullopt, std::nullopt});
    return events;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    const std::vector<FormField> form{
        {"to", crypto::view(to)}, {"from", settings.from}, {"message", message.text}};
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.token), crypto::view(settings.password)));
    return {settings.origin.empty() ? "https://api.transmitsms.com" : settings.origin,
            form_post("/send-sms.json", form, std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    return by_id(answer, {"message_id"});
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"token", "password", "from"};
    return {Proof::none, {}, to_send, true, false, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Burst SMS give the number this URL for replies, and the one for reports as the URL for",
        "delivery receipts. The token is the API key, the password its secret. It sends by GET, so",
        "the channel takes GET: keep the URLs out of the logs of whatever stands before the "
        "gateway,",
        "since they hold numbers and texts."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const std::vector<FormField> form{{"mobile", std::string_view{sms.from}.substr(1)},
                                      {"response", sms.text}};
    return form_get(path_of(crypto::view(settings.url)), form);
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_burstsms() { return std::make_unique<const BurstSms>(); }

}  // namespace ishara::aggregators
