// SMSSync (channels.md 3.11), an Android app. It posts a form with a shared secret in it, keeps a
// text until our JSON says that it was taken, and asks us for texts to send, which we do not offer
// it.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

class SmsSync final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "smssync"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    return has_secret(form->value("secret"), settings);
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    // The app asks for texts to send, by GET, and tells what became of them.
    if (form->value("task")) return events;
    if (const auto posted = is_posted(request); !posted) return posted.error();

    auto from = read_sender(form->value("from"), settings, "field 'from' is missing",
                            "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = form->value("message");
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    // Older apps send their own local time, which says nothing.
    events.emplace_back(Message{
        std::move(*from), read_recipient(form->value("sent_to")),
        read_text(*text, declared_charset(request), settings), read_id(form->value("message_id")),
        read_unix_milliseconds(form->value("sent_timestamp").value_or("")), std::nullopt});
    return events;
  }

  // Of version 2 on; without it the app sends the text again and then deletes it.
  http::Response acknowledge(std::optional<std::string_view>) const override {
    return {200, "application/json", R"({"payload":{"success":true,"error":null}})", {}, false};
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_receive{"secret"};
    return {Proof::secret, to_receive, {}, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "It takes version 2 of the app or a later one, with the method POST: an older one does not",
        "understand our answer, and deletes a text in the end.",
        "In the app add this URL as a Sync URL, with the channel's secret, and leave the names of",
        "the sync scheme as they are. Set the retries high: after the last the app deletes a text.",
        "Texts may stay readable on the phone: keep it locked, and empty its messages."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = std::to_string(sms.at.time_since_epoch().count()) + "000";
    const std::vector<FormField> form{{"secret", crypto::view(settings.secret)},
                                      {"from", sms.from},
                                      {"message_id", sms.id},
                                      {"message", sms.text},
                                      {"sent_timestamp", at},
                                      {"sent_to", sms.to},
                                      {"device_id", "simulated"}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }

  bool is_success(const http::Response& answer) const override {
    return (answer.status == 200 || answer.status == 201) &&
           text_in(answer, {"payload", "success"}) == "true";
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_smssync() { return std::make_unique<const SmsSync>(); }

}  // namespace ishara::aggregators
