// M3Tech, Pakistan (channels.md 4.10). It brings sender and text as a form. What its send API takes
// is not known, so it only receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

class M3Tech final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "m3tech"; }

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
    const auto text = form->value("text");
    if (!text) return Refusal{errc::missing_field, "field 'text' is missing"};
    events.emplace_back(Message{std::move(*from), crypto::WipedBuffer{},
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, std::nullopt, std::nullopt});
    return events;
  }

  Profile profile() const noexcept override { return {}; }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"M3Tech numbers no texts: what a phone says twice within minutes counts once."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const std::vector<FormField> form{{"from", sms.from}, {"text", sms.text}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_m3tech() { return std::make_unique<const M3Tech>(); }

}  // namespace ishara::aggregators
