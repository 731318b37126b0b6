// Click Mobile, Malawi (channels.md 4.10). It brings each text as XML. Its send API wants a digest
// of fields that are not known, so it only receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/xml.hpp"

namespace ishara::aggregators {
namespace {

class ClickMobile final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "clickmobile"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto xml = posted_xml(request);
    if (!xml) return xml.error();
    const auto mobile = xml->text("request/mobile");
    auto from = read_full_sender(view_of(mobile), settings, "element 'mobile' is missing",
                                 "element 'mobile' is not a number");
    if (!from) return from.error();
    const auto text = xml->text("request/text");
    if (!text) return Refusal{errc::missing_field, "element 'text' is missing"};
    const auto to = xml->text("request/shortCode");
    const auto id = xml->text("request/referenceID");
    events.emplace_back(
        Message{std::move(*from), read_recipient(view_of(to)),
                read_text(crypto::view(*text), i18n::Charset::unspecified, settings),
                read_id(view_of(id)), std::nullopt, std::nullopt});
    return events;
  }

  Profile profile() const noexcept override { return {}; }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Give Click Mobile this URL for incoming messages."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto text = xml_escaped(sms.text);
    return xml_post(path_of(crypto::view(settings.url)),
                    joined({"<request><shortCode>", sms.to, "</shortCode><mobile>",
                            std::string_view{sms.from}.substr(1), "</mobile><referenceID>", sms.id,
                            "</referenceID><text>", crypto::view(text), "</text></request>"}));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_clickmobile() {
  return std::make_unique<const ClickMobile>();
}

}  // namespace ishara::aggregators
