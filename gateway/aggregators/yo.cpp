// Yo! Uganda (channels.md 4.9). It brings texts by GET and sends them by GET over plain HTTP, which
// the relay does only to this machine, so an operator gives the address of a tunnel. Its answer is
// the query of a URL.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"

namespace ishara::aggregators {
namespace {

class Yo final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "yo"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by GET only"};
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    const auto sender = form->value("sender");
    auto from = read_full_sender(sender ? sender : form->value("from"), settings,
                                 "field 'sender' is missing", "field 'sender' is not a number");
    if (!from) return from.error();
    const auto text = form->value("message");
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    const auto date = form->value("date");
    const auto at = (date ? date : form->value("time")).value_or("");
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("dest")),
                                read_text(*text, declared_charset(request), settings),
                                crypto::WipedBuffer{}, read_iso8601(at), std::nullopt});
    return events;
  }

  // It takes no validity.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    const std::vector<FormField> form{{"origin", settings.from},
                                      {"sms_content", message.text},
                                      {"destinations", crypto::view(to)},
                                      {"ybsacctno", crypto::view(settings.account)},
                                      {"password", crypto::view(settings.password)}};
    return {settings.origin, form_get("/sendsms", form)};
  }

  // A refusal comes with a message, for example of a phone that wants none.
  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200) return out;
    const auto form = http::Form::parse(answer.body);
    if (!form) return out;
    if (form->value("ybs_autocreate_status") == "OK")
      out.taken = Taken::accepted;
    else if (form->value("ybs_autocreate_message").value_or("").find("BLACKLISTED") !=
             std::string_view::npos)
      out.taken = Taken::never;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 4> to_send{"account", "password", "origin",
                                                             "from"};
    // How it wants a number written stands nowhere.
    return {Proof::none, {}, to_send, false, false, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "Yo! calls by GET, so number and text stand in URLs: keep no access log in front of the",
        "gateway. Its API at smgw1.yo.co.ug, port 9100, takes plain HTTP, which anybody on the way",
        "can read, so the relay sends there only through a tunnel of yours: agree on one with Yo!,",
        "and give --send-origin the address of its end on this machine. It takes no validity."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = utc_text(sms.at);
    const std::vector<FormField> form{{"sender", std::string_view{sms.from}.substr(1)},
                                      {"message", sms.text},
                                      {"account", settings.account},
                                      {"dest", sms.to},
                                      {"date", at}};
    return form_get(path_of(crypto::view(settings.url)), form);
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_yo() { return std::make_unique<const Yo>(); }

}  // namespace ishara::aggregators
