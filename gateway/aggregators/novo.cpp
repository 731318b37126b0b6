// Novo (channels.md 4.10). It brings sender and text as a form, with a secret as the whole of the
// field Authorization. What its send API takes is not known, so it only receives.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

class Novo final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "novo"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds) const override {
    if (!settings.verify) return boost::system::in_place_value;
    return has_secret(request.field("authorization"), settings);
  }

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

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_receive{"secret"};
    return {Proof::secret, to_receive, {}, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Have Novo send the channel's secret as the field Authorization. It numbers no texts:",
            "what a phone says twice within minutes counts once."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const std::vector<FormField> form{{"from", sms.from}, {"text", sms.text}};
    std::vector<http::Field> fields;
    fields.push_back({"authorization", settings.secret});
    return form_post(path_of(crypto::view(settings.url)), form, std::move(fields));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_novo() { return std::make_unique<const Novo>(); }

}  // namespace ishara::aggregators
