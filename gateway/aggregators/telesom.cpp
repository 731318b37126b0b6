// Telesom, Somalia (channels.md 4.8). It brings number and text and nothing else. It takes texts
// with a digest of all that they say and of the day, over plain HTTP, which the relay does only to
// this machine, so an operator gives the address of a tunnel.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"

namespace ishara::aggregators {
namespace {

// "02/01/2026"
std::string day_text(std::chrono::sys_seconds at) {
  const auto text = utc_text(at);
  return text.substr(8, 2) + '/' + text.substr(5, 2) + '/' + text.substr(0, 4);
}

// As it is dialled in Somalia.
crypto::WipedBuffer national(const identity::Msisdn& number) {
  return number.reveal([](std::string_view digits) {
    constexpr std::string_view somalia{"252"};
    return digits.starts_with(somalia) ? joined({"0", digits.substr(somalia.size())})
                                       : joined({"00", digits});
  });
}

class Telesom final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "telesom"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

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

  // It takes no validity. The day is that of UTC.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = national(message.to);
    const auto signed_text =
        joined({crypto::view(settings.account), "|", crypto::view(settings.password), "|",
                crypto::view(to), "|", message.text, "|", settings.from, "|", day_text(message.now),
                "|", crypto::view(settings.token)});
    auto key = crypto::hex(crypto::md5(crypto::bytes_of(crypto::view(signed_text))));
    for (char& digit : key)
      if (digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
    const std::vector<FormField> form{
        {"to", crypto::view(to)}, {"from", settings.from}, {"msg", message.text}, {"key", key}};
    return {settings.origin, form_post("/sendsms", form, {})};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status / 100 == 2 && answer.body.find("Success") != std::string::npos)
      out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 5> to_send{"account", "password", "token",
                                                             "origin", "from"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool by_get) const override {
    std::vector<std::string> out{
        "Telesom numbers no texts: what a phone says twice within minutes counts once. Its API at",
        "telesom.com takes plain HTTP, which anybody on the way can read, so the relay sends there",
        "only through a tunnel of yours: agree on one with Telesom, and give --send-origin the",
        "address of its end on this machine. The account is its user, the token its private key."};
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
