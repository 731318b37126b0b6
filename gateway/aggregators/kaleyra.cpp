// Kaleyra (channels.md 4.10). Texts and reports come by GET, a text without an id, so that the time
// at which it was made has to tell it from another. What is public of texts is of WhatsApp's; those
// of SMS are read and sent alike.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "sent" || word == "SUBMITTED" || word == "ENROUTE") return Status::sent;
  if (word == "delivered" || word == "read" || word == "DELIVRD") return Status::delivered;
  if (word == "0" || word == "EXPIRED" || word == "NOT-SENT") return Status::failed;
  return std::nullopt;
}

class Kaleyra final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "kaleyra"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("id"), "field 'id' is missing", form->value("status"),
                           "field 'status' is missing", status_of_word);

    auto from = read_full_sender(form->value("from"), settings, "field 'from' is missing",
                                 "field 'from' is not a number");
    if (!from) return from.error();
    // A picture may come without words.
    const auto text = form->value("body");
    if (!text && !form->value("media_url"))
      return Refusal{errc::missing_field, "field 'body' is missing"};
    events.emplace_back(Message{std::move(*from), crypto::WipedBuffer{},
                                read_text(text.value_or(""), declared_charset(request), settings),
                                crypto::WipedBuffer{},
                                read_unix(form->value("created_at").value_or("")), std::nullopt});
    return events;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    std::vector<FormField> form{{"channel", "SMS"},
                                {"from", settings.from},
                                {"to", crypto::view(to)},
                                {"type", "text"},
                                {"body", message.text}};
    if (!settings.delivery_url.empty())
      form.push_back({"callback_url", crypto::view(settings.delivery_url)});
    const auto account = http::percent_encode(crypto::view(settings.account));
    const auto target = joined({"/v1/", crypto::view(account), "/messages"});
    std::vector<http::Field> fields;
    fields.push_back({"api-key", crypto::wiped_copy(crypto::view(settings.token))});
    return {settings.origin.empty() ? "https://api.kaleyra.io" : settings.origin,
            form_post(crypto::view(target), form, std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override { return by_id(answer, {"id"}); }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "token", "from"};
    // What of all this holds for SMS too.
    return {Proof::none, {}, to_send, false, false, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Kaleyra's console give the number this URL for incoming messages. The account is the",
        "SID, the token the API key. It sends by GET, so the channel takes GET: keep the URLs out",
        "of the logs of whatever stands before the gateway, since they hold numbers and texts."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = std::to_string(sms.at.time_since_epoch().count());
    const std::vector<FormField> form{{"from", std::string_view{sms.from}.substr(1)},
                                      {"type", "text"},
                                      {"body", sms.text},
                                      {"created_at", at},
                                      {"name", ""}};
    return form_get(path_of(crypto::view(settings.url)), form);
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_kaleyra() { return std::make_unique<const Kaleyra>(); }

}  // namespace ishara::aggregators
