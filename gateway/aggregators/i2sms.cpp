// i2sms (channels.md 4.10). It brings number and text and nothing else, and wants an empty answer.
// The names in the JSON of its send API may hold spaces of no width.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

// The text of the member of this name, whatever of no width stands in the name.
std::optional<crypto::WipedBuffer> member(const Json& json, std::string_view name) {
  for (const auto& [written, value] : json.members()) {
    crypto::WipedBuffer seen;
    for (auto rest = crypto::view(written); !rest.empty();) {
      // U+200B to U+200D, and the byte order mark.
      const auto mark = rest.substr(0, 3);
      const bool unseen = mark == "\xE2\x80\x8B" || mark == "\xE2\x80\x8C" ||
                          mark == "\xE2\x80\x8D" || mark == "\xEF\xBB\xBF";
      if (!unseen) seen.push_back(rest.front());
      rest.remove_prefix(unseen ? 3 : 1);
    }
    if (crypto::view(seen) == name) return value.text();
  }
  return std::nullopt;
}

class I2sms final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "i2sms"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = posted_form(request);
    if (!form) return form.error();
    auto from = read_full_sender(form->value("mobile"), settings, "field 'mobile' is missing",
                                 "field 'mobile' is not a number");
    if (!from) return from.error();
    const auto text = form->value("message");
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    events.emplace_back(Message{std::move(*from), crypto::WipedBuffer{},
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, std::nullopt, std::nullopt});
    return events;
  }

  // It takes no validity; the token names one of the account's channels.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    const std::vector<FormField> form{{"action", "send_single"},
                                      {"mobile", crypto::view(to)},
                                      {"channel", crypto::view(settings.token)},
                                      {"message", message.text}};
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.account), crypto::view(settings.password)));
    return {settings.origin.empty() ? "https://mx2.i2sms.net" : settings.origin,
            form_post("/mxapi.php", form, std::move(fields))};
  }

  // What its other codes mean stands nowhere.
  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status == 200 && view_of(member(Json{answer.body}, "error_code")) == "00")
      out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "password", "token"};
    // How it wants a number written stands nowhere.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "The token is what i2sms calls the channel. It takes no validity, and numbers no texts:",
        "what a phone says twice within minutes counts once."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const std::vector<FormField> form{{"mobile", std::string_view{sms.from}.substr(1)},
                                      {"message", sms.text}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_i2sms() { return std::make_unique<const I2sms>(); }

}  // namespace ishara::aggregators
