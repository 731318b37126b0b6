// Wavy, once Movile (channels.md 4.10). Texts are JSON; what became of one of ours is said by
// numbers of two kinds, of what the operator took and of what the phone got.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_sent(std::string_view code) noexcept {
  if (code == "2") return Status::sent;
  for (const std::string_view failed :
       {"101", "102", "103", "201", "202", "203", "204", "205", "206", "207", "301"})
    if (code == failed) return Status::failed;
  return std::nullopt;
}

std::optional<Status> status_of_delivered(std::string_view code) noexcept {
  if (code == "4") return Status::delivered;
  if (code == "104") return Status::sent;
  return std::nullopt;
}

class Wavy final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "wavy"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    if (kind == Kind::dlr) {
      const auto id = json->text({"correlationId"});
      const auto delivered = json->text({"deliveredStatusCode"});
      const auto code = delivered ? delivered : json->text({"sentStatusCode"});
      return read_delivery(view_of(id), "field 'correlationId' is missing", view_of(code),
                           "field 'sentStatusCode' is missing",
                           delivered ? status_of_delivered : status_of_sent);
    }

    const auto sender = json->text({"source"});
    auto from = read_full_sender(view_of(sender), settings, "field 'source' is missing",
                                 "field 'source' is not a number");
    if (!from) return from.error();
    const auto text = json->text({"messageText"});
    if (!text) return Refusal{errc::missing_field, "field 'messageText' is missing"};
    const auto to = json->text({"shortCode"});
    const auto id = json->text({"id"});
    const auto at = json->text({"receivedAt"});
    events.emplace_back(Message{std::move(*from), read_recipient(view_of(to)),
                                read_text(crypto::view(*text), i18n::Charset::utf8, settings),
                                read_id(view_of(id)),
                                read_unix_milliseconds(view_of(at).value_or("")), std::nullopt});
    return events;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{').member("destination", crypto::view(to)).member("messageText", message.text);
    json.close('}');
    std::vector<http::Field> fields;
    fields.push_back({"username", crypto::wiped_copy(crypto::view(settings.account))});
    fields.push_back({"authenticationtoken", crypto::wiped_copy(crypto::view(settings.token))});
    return {settings.origin.empty() ? "https://api-messaging.movile.com" : settings.origin,
            json_post("/v1/send-sms", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override { return by_id(answer, {"id"}); }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_send{"account", "token"};
    return {Proof::none, {}, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "Have Wavy set this URL as the callback for texts, and the one for reports as both others,",
        "for sent and for delivered. The account is the user name, the token its authentication",
        "token."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('{')
        .member("id", sms.id)
        .member("source", std::string_view{sms.from}.substr(1))
        .member("shortCode", sms.to)
        .member("messageText", sms.text)
        .name("receivedAt")
        .number(sms.at.time_since_epoch() / std::chrono::milliseconds{1})
        .close('}');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_wavy() { return std::make_unique<const Wavy>(); }

}  // namespace ishara::aggregators
