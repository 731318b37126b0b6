// Bandwidth (channels.md 4.10). Texts and reports come as lists of JSON events, nearly always of
// one, of which a bad one must not hold up the others. They may come to the same URL.

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_event(std::string_view type) noexcept {
  if (type == "message-sending") return Status::sent;
  if (type == "message-delivered") return Status::delivered;
  if (type == "message-failed") return Status::failed;
  return std::nullopt;
}

class Bandwidth final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "bandwidth"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    if (is_ping(request)) return std::vector<Event>{};
    const auto json = posted_json_list(request);
    if (!json) return json.error();
    return read_batch(json->entries(),
                      [&settings](const Json& event) { return event_of(event, settings); });
  }

  // The account has a login of its own, and texts belong to an application in it.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    JsonWriter json;
    json.open('{').member("applicationId", crypto::view(settings.token));
    json.name("to").open('[').text(crypto::view(to)).close(']');
    json.member("from", settings.from).member("text", message.text).close('}');
    const auto login = crypto::view(settings.password);
    const auto colon = std::min(login.find(':'), login.size());
    std::vector<http::Field> fields;
    fields.push_back(
        basic_login(login.substr(0, colon), login.substr(std::min(colon + 1, login.size()))));
    const auto account = http::percent_encode(crypto::view(settings.account));
    const auto target = joined({"/api/v2/users/", crypto::view(account), "/messages"});
    return {settings.origin.empty() ? "https://messaging.bandwidth.com" : settings.origin,
            json_post(crypto::view(target), std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override { return by_id(answer, {"id"}); }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 4> to_send{"account", "token", "password",
                                                             "from"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Bandwidth's dashboard make a messaging application with this URL for inbound messages,",
        "and with the one for reports as its status URL. To send, the account is the account's id,",
        "the token the application's, and the password the API's login as user:password."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('[').open('{').member("type", "message-received").member("to", sms.to);
    json.name("message").open('{');
    json.member("id", sms.id)
        .member("time", utc_text(sms.at))
        .member("from", sms.from)
        .member("text", sms.text);
    json.close('}').close('}').close(']');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }

 private:
  static Result<std::optional<Event>> event_of(const Json& event, const ChannelSettings& settings) {
    const auto type = event.text({"type"});
    if (!type) return Refusal{errc::missing_field, "field 'type' is missing"};
    const auto id = event.text({"message", "id"});
    if (const auto status = status_of_event(crypto::view(*type))) {
      auto sent = read_id(view_of(id));
      if (sent.empty()) return Refusal{errc::missing_field, "field 'message.id' is missing"};
      return std::optional<Event>{Delivery{std::move(sent), *status}};
    }
    if (crypto::view(*type) != "message-received") return std::optional<Event>{};

    const auto sender = event.text({"message", "from"});
    auto from = read_sender(view_of(sender), settings, "field 'message.from' is missing",
                            "field 'message.from' is not a number");
    if (!from) return from.error();
    // A picture may come without words.
    const auto text = event.text({"message", "text"});
    if (!text && event.at({"message", "media"}).entries().empty())
      return Refusal{errc::missing_field, "field 'message.text' is missing"};
    const auto to = event.text({"to"});
    const auto at = event.text({"message", "time"});
    return std::optional<Event>{
        Message{std::move(*from), read_recipient(view_of(to)),
                read_text(view_of(text).value_or(""), i18n::Charset::utf8, settings),
                read_id(view_of(id)), read_iso8601(view_of(at).value_or("")), std::nullopt}};
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_bandwidth() { return std::make_unique<const Bandwidth>(); }

}  // namespace ishara::aggregators
