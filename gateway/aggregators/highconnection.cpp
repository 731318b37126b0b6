// HighConnection, France (channels.md 4.10). It escapes a text of ISO-8859-1 once before it makes a
// form of it, and its clock says no zone. What its send API takes is not known, so it only
// receives.

#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "i18n/utf8.hpp"

namespace ishara::aggregators {
namespace {

// What it makes of a text beyond ISO-8859-1 stands nowhere; then it stays UTF-8, which is told from
// the other when it is read.
crypto::WipedBuffer latin_1(std::string_view utf8) {
  crypto::WipedBuffer out;
  for (auto rest = utf8; !rest.empty();) {
    const auto next = i18n::first_of_utf8(rest);
    if (next.value > 0xFF) return crypto::wiped_copy(utf8);
    out.push_back(static_cast<char>(next.value));
    rest.remove_prefix(next.size);
  }
  return out;
}

class HighConnection final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "highconnection"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = posted_form(request);
    if (!form) return form.error();
    auto from = read_sender(form->value("FROM"), settings, "field 'FROM' is missing",
                            "field 'FROM' is not a number");
    if (!from) return from.error();
    const auto text = form->value("MESSAGE");
    if (!text) return Refusal{errc::missing_field, "field 'MESSAGE' is missing"};
    const auto plain = http::form_decode(*text);
    events.emplace_back(
        Message{std::move(*from), read_recipient(form->value("TO")),
                read_text(crypto::view(plain), i18n::Charset::unspecified, settings),
                read_id(form->value("ID")), std::nullopt, std::nullopt});
    return events;
  }

  Profile profile() const noexcept override { return {}; }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Give HighConnection this URL for incoming messages (MO), by POST."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = utc_text(sms.at).substr(0, 19);
    const auto text = http::percent_encode(crypto::view(latin_1(sms.text)));
    const std::vector<FormField> form{{"ID", sms.id},
                                      {"FROM", sms.from},
                                      {"TO", sms.to},
                                      {"MESSAGE", crypto::view(text)},
                                      {"RECEPTION_DATE", at}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_highconnection() {
  return std::make_unique<const HighConnection>();
}

}  // namespace ishara::aggregators
