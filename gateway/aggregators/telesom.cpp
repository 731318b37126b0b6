// Telesom, Somalia (channels.md 4.8). It brings number and text and nothing else. Its send API
// wants a digest of the day's date, which a request made without a clock cannot have, over plain
// HTTP; so it only receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

class Telesom final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "telesom"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<void> authentic(const http::Request&, const ChannelSettings&,
                         std::chrono::sys_seconds) const override {
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::post && request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by GET or POST only"};
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    auto from = read_full_sender(form->value("mobile"), settings, "field 'mobile' is missing",
                                 "field 'mobile' is not a number");
    if (!from) return from.error();
    const auto text = form->value("msg");
    if (!text) return Refusal{errc::missing_field, "field 'msg' is missing"};
    events.emplace_back(Message{std::move(*from), crypto::WipedBuffer{},
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, std::nullopt, std::nullopt});
    return events;
  }

  Profile profile() const noexcept override { return {}; }

  std::vector<std::string> instructions(std::string_view, bool by_get) const override {
    std::vector<std::string> out{
        "Telesom numbers no texts: what a phone says twice within minutes counts once."};
    if (!by_get) out.emplace_back("Ask it to call by POST: a GET has number and text in its URL.");
    return out;
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    const std::vector<FormField> form{{"mobile", std::string_view{sms.from}.substr(1)},
                                      {"msg", sms.text}};
    const auto path = path_of(crypto::view(settings.url));
    return by_get ? form_get(path, form) : form_post(path, form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_telesom() { return std::make_unique<const Telesom>(); }

}  // namespace ishara::aggregators
