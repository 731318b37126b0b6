// Start Mobile, Ukraine (channels.md 4.10). It brings each text as XML and wants XML for an answer.
// What its send API takes is not known, so it only receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/xml.hpp"

namespace ishara::aggregators {
namespace {

class StartMobile final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "start"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto xml = posted_xml(request);
    if (!xml) return xml.error();
    const auto sender = xml->text("message/from");
    auto from = read_sender(view_of(sender), settings, "element 'from' is missing",
                            "element 'from' is not a number");
    if (!from) return from.error();
    const auto text = xml->text("message/body");
    if (!text) return Refusal{errc::missing_field, "element 'body' is missing"};
    const auto to = xml->text("message/to");
    const auto id = xml->text("message/service/@request_id");
    const auto at = xml->text("message/service/@timestamp");
    events.emplace_back(
        Message{std::move(*from), read_recipient(view_of(to)),
                read_text(crypto::view(*text), i18n::Charset::unspecified, settings),
                read_id(view_of(id)), read_unix(view_of(at).value_or("")), std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view>) const override {
    return {200, "text/xml", R"(<answer type="async"><state>Accepted</state></answer>)", {}, false};
  }

  Profile profile() const noexcept override {
    // In what its clock counts stands nowhere; only seconds since 1970 are read.
    return {Proof::none, {}, {}, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Give Start Mobile this URL for incoming messages."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = std::to_string(sms.at.time_since_epoch().count());
    const auto text = xml_escaped(sms.text);
    return xml_post(path_of(crypto::view(settings.url)),
                    joined({R"(<message><service type="sms" timestamp=")", at, R"(" request_id=")",
                            sms.id, R"("/><from>)", sms.from, "</from><to>", sms.to,
                            R"(</to><body content-type="text/plain">)", crypto::view(text),
                            "</body></message>"}));
  }

  bool is_success(const http::Response& answer) const override {
    const auto state = Xml{answer.body}.text("answer/state");
    return answer.status == 200 && view_of(state) == "Accepted";
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_start() { return std::make_unique<const StartMobile>(); }

}  // namespace ishara::aggregators
