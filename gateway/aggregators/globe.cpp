// Globe Labs of the Philippines (channels.md 4.10), in the manner of the GSMA's OneAPI: a list of
// texts, whose numbers are URIs and whose times are written as a browser shows them. The answer of
// its send API names no text, and it reports no delivery.

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The number in "tel:+63917...".
std::optional<std::string_view> number_of(const std::optional<crypto::WipedBuffer>& uri) noexcept {
  auto number = view_of(uri);
  if (number && number->starts_with("tel:")) number->remove_prefix(4);
  return number;
}

// "Fri Jan 2 2026 03:04:05 GMT+0000 (UTC)"; nothing for anything else.
std::optional<std::chrono::sys_seconds> read_shown(std::string_view text) {
  std::array<std::string_view, 6> words;
  for (auto& word : words) {
    word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  const auto& [weekday, month, day, year, clock, zone] = words;
  const auto at = std::ranges::find(months, month);
  if (at == months.end() || !zone.starts_with("GMT") || day.empty() || day.size() > 2)
    return std::nullopt;
  const auto place = std::to_string(at - months.begin() + 101).substr(1);  // "01" to "12"
  return read_iso8601(crypto::view(joined(
      {year, "-", place, "-", day.size() == 1 ? "0" : "", day, "T", clock, zone.substr(3)})));
}

class Globe final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "globe"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    if (is_ping(request)) return std::vector<Event>{};
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto list = json->at({"inboundSMSMessageList", "inboundSMSMessage"});
    if (!list.is_list())
      return Refusal{errc::missing_field,
                     "field 'inboundSMSMessageList.inboundSMSMessage' is missing"};
    return read_batch(list.entries(),
                      [&settings](const Json& one) { return message_of(one, settings); });
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("address", crypto::view(to))
        .member("message", message.text)
        .member("passphrase", crypto::view(settings.password))
        .member("app_id", crypto::view(settings.account))
        .member("app_secret", crypto::view(settings.token))
        .close('}');
    const auto from = http::percent_encode(settings.from);
    const auto target = joined({"/smsmessaging/v1/outbound/", crypto::view(from), "/requests"});
    return {settings.origin.empty() ? "https://devapi.globelabs.com.ph" : settings.origin,
            json_post(crypto::view(target), std::move(json).take(), {})};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status / 100 == 2 && Json{answer.body}.at({"outboundSMSMessageRequest"}).is_object())
      out.taken = Taken::accepted;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 4> to_send{"account", "token", "password",
                                                             "from"};
    // What its send API takes and answers.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Globe Labs give the app this URL as its notify URL for SMS. The account is the app's "
        "id,",
        "the token its secret, the password its passphrase, the sender its short code."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto day = std::chrono::floor<std::chrono::days>(sms.at);
    const std::chrono::year_month_day date{day};
    const auto iso = utc_text(sms.at);  // "2026-01-02T03:04:05Z"
    constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
    const auto shown = joined({weekdays[std::chrono::weekday{day}.c_encoding()], " ",
                               months[static_cast<unsigned>(date.month()) - 1], " ",
                               std::to_string(static_cast<unsigned>(date.day())), " ",
                               iso.substr(0, 4), " ", iso.substr(11, 8), " GMT+0000 (UTC)"});
    JsonWriter json;
    json.open('{').name("inboundSMSMessageList").open('{').name("inboundSMSMessage").open('[');
    json.open('{')
        .member("messageId", sms.id)
        .member("senderAddress", crypto::view(joined({"tel:", sms.from})))
        .member("destinationAddress", crypto::view(joined({"tel:", sms.to})))
        .member("message", sms.text)
        .member("dateTime", crypto::view(shown))
        .close('}');
    json.close(']').close('}').close('}');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }

 private:
  static Result<std::optional<Event>> message_of(const Json& one, const ChannelSettings& settings) {
    const auto sender = one.text({"senderAddress"});
    auto from = read_sender(number_of(sender), settings, "field 'senderAddress' is missing",
                            "field 'senderAddress' is not a number");
    if (!from) return from.error();
    const auto text = one.text({"message"});
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    const auto to = one.text({"destinationAddress"});
    const auto id = one.text({"messageId"});
    const auto at = one.text({"dateTime"});
    return std::optional<Event>{
        Message{std::move(*from), read_recipient(number_of(to)),
                read_text(crypto::view(*text), i18n::Charset::utf8, settings), read_id(view_of(id)),
                read_shown(view_of(at).value_or("")), std::nullopt}};
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_globe() { return std::make_unique<const Globe>(); }

}  // namespace ishara::aggregators
