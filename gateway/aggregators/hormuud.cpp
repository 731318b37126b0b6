// Hormuud, Somalia (channels.md 4.8). It brings texts as forms, without an id and with a clock that
// is wrong. Its send API wants a token fetched beforehand, which one request cannot do, so it only
// receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

class Hormuud final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "hormuud"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

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
    const auto form = read_fields(request, false);
    if (!form) return form.error();
    auto from = read_full_sender(form->value("Sender"), settings, "field 'Sender' is missing",
                                 "field 'Sender' is not a number");
    if (!from) return from.error();
    const auto text = form->value("MessageText");
    if (!text) return Refusal{errc::missing_field, "field 'MessageText' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("ShortCode")),
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, std::nullopt, std::nullopt});
    return events;
  }

  Profile profile() const noexcept override { return {}; }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Hormuud numbers no texts: what a phone says twice within minutes counts once."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = utc_text(sms.at);
    const std::vector<FormField> form{{"Sender", std::string_view{sms.from}.substr(1)},
                                      {"MessageText", sms.text},
                                      {"ShortCode", sms.to},
                                      {"TimeSent", at}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_hormuud() { return std::make_unique<const Hormuud>(); }

}  // namespace ishara::aggregators
