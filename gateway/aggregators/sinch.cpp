// Sinch's SMS API, once Mblox (channels.md 4.7). Texts and reports are JSON that names its own
// type. It offers again what we answer with 5xx only, so what is refused here is lost, as it has to
// be.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "Queued") return Status::queued;
  if (word == "Dispatched") return Status::sent;
  if (word == "Delivered") return Status::delivered;
  for (const std::string_view failed : {"Failed", "Expired", "Cancelled", "Rejected", "Aborted"})
    if (word == failed) return Status::failed;
  return std::nullopt;
}

class Sinch final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "sinch"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto type = json->text({"type"});
    if (!type) return Refusal{errc::missing_field, "field 'type' is missing"};
    if (crypto::view(*type) == "recipient_delivery_report_sms")
      return read_delivery(view_of(json->text({"batch_id"})), "field 'batch_id' is missing",
                           view_of(json->text({"status"})), "field 'status' is missing",
                           status_of_word);
    // The bytes of a binary text are no words; somebody sent it all the same.
    const bool binary = crypto::view(*type) == "mo_binary";
    if (crypto::view(*type) != "mo_text" && !binary) return events;

    const auto sender = json->text({"from"});
    auto from = read_full_sender(view_of(sender), settings, "field 'from' is missing",
                                 "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = json->text({"body"});
    if (!text && !binary) return Refusal{errc::missing_field, "field 'body' is missing"};
    const auto to = json->text({"to"});
    const auto id = json->text({"id"});
    const auto at = json->text({"received_at"});
    events.emplace_back(Message{
        std::move(*from), read_recipient(view_of(to)),
        read_text(binary ? std::string_view{} : crypto::view(*text), i18n::Charset::utf8, settings),
        read_id(view_of(id)), read_iso8601(view_of(at).value_or("")), std::nullopt});
    return events;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{').member("from", settings.from);
    json.name("to").open('[').text(crypto::view(to)).close(']').member("body", message.text);
    if (!settings.delivery_url.empty())
      json.member("delivery_report", "per_recipient")
          .member("callback_url", crypto::view(settings.delivery_url));
    json.close('}');
    const auto plan = http::percent_encode(crypto::view(settings.account));
    const auto target = joined({"/xms/v1/", crypto::view(plan), "/batches"});
    std::vector<http::Field> fields;
    fields.push_back({"authorization", joined({"Bearer ", crypto::view(settings.token)})});
    return {settings.origin.empty() ? "https://us.sms.api.sinch.com" : settings.origin,
            json_post(crypto::view(target), std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override { return by_id(answer, {"id"}); }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 3> to_send{"account", "token", "from"};
    // Where its send API is.
    return {Proof::none, {}, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Sinch's dashboard give the service plan this URL as its callback URL. To send, the",
        "account is the service plan's id and the token its API token; a plan of another region",
        "than the US needs --send-origin https://REGION.sms.api.sinch.com."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    auto at = utc_text(sms.at);
    at.replace(at.size() - 1, 1, ".000Z");
    JsonWriter json;
    json.open('{')
        .member("type", "mo_text")
        .member("id", sms.id)
        .member("from", std::string_view{sms.from}.substr(1))
        .member("to", sms.to)
        .member("body", sms.text)
        .member("received_at", at)
        .close('}');
    return json_post(path_of(crypto::view(settings.url)), std::move(json).take(), {});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_sinch() { return std::make_unique<const Sinch>(); }

}  // namespace ishara::aggregators
