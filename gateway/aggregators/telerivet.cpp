// Telerivet (channels.md 3.14), which drives phones of its users' own. Each request carries a
// secret that one sets beside the URL; the answer may hold texts for the sender. Delivery reports
// prove themselves by the `status_secret` that goes out with a text, the same secret: the relay
// has it as the password of the channel.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "queued" || word == "failed_queued") return Status::queued;
  if (word == "sent") return Status::sent;
  if (word == "delivered" || word == "read") return Status::delivered;
  if (word == "failed" || word == "not_delivered" || word == "cancelled") return Status::failed;
  return std::nullopt;
}

class Telerivet final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "telerivet"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  bool answers_in_response() const noexcept override { return true; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto form = read_fields(request, false);
    if (!form) return form.error();
    return has_secret(form->value("secret"), settings);
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = posted_form(request);
    if (!form) return form.error();
    const auto event = form->value("event");
    if (!event) return Refusal{errc::missing_field, "field 'event' is missing"};

    if (*event == "send_status")
      return read_delivery(form->value("id"), "field 'id' is missing", form->value("status"),
                           "field 'status' is missing", status_of_word);
    // Calls and USSD sessions come as messages of other types.
    const auto type = form->value("message_type").value_or("sms");
    if (*event != "incoming_message" || type == "call" || type.starts_with("ussd")) return events;

    const auto e164 = form->value("from_number_e164").value_or("");
    auto from =
        read_sender(e164.empty() ? form->value("from_number") : e164, settings,
                    "field 'from_number' is missing", "field 'from_number' is not a number");
    if (!from) return from.error();
    const auto text = form->value("content");
    if (!text) return Refusal{errc::missing_field, "field 'content' is missing"};
    auto at = read_unix(form->value("time_sent").value_or(""));
    if (!at) at = read_unix(form->value("time_created").value_or(""));
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("to_number")),
                                read_text(*text, declared_charset(request), settings),
                                read_id(form->value("id")), at, std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view> reply) const override {
    if (!reply || reply->empty()) return {200, "text/plain", "", {}, false};
    JsonWriter json;
    json.open('{').name("messages").open('[').open('{').member("content", *reply).close('}');
    return json_answer(std::move(json.close(']').close('}')).take());
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    JsonWriter json;
    json.open('{').member("to_number", crypto::view(to)).member("content", message.text);
    if (!settings.from.empty()) json.member("route_id", settings.from);
    if (!settings.delivery_url.empty() && !settings.password.empty())
      json.member("status_url", crypto::view(settings.delivery_url))
          .member("status_secret", crypto::view(settings.password));
    json.close('}');
    const auto project = http::percent_encode(crypto::view(settings.account));
    const auto target = joined({"/v1/projects/", crypto::view(project), "/messages/send"});
    std::vector<http::Field> fields;
    fields.push_back(basic_login(crypto::view(settings.token), ""));
    return {settings.origin.empty() ? "https://api.telerivet.com" : settings.origin,
            json_post(crypto::view(target), std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    auto out = by_status(answer);
    if (answer.status != 200) return out;
    const Json json{answer.body};
    const auto id = json.text({"id"});
    const auto word = json.text({"status"});
    const auto status = word ? status_of_word(crypto::view(*word)) : std::nullopt;
    if (!id || !status) return out;
    out.taken = *status == Status::failed ? Taken::never : Taken::accepted;
    if (out.taken == Taken::accepted) out.id = read_id(crypto::view(*id));
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_receive{"secret"};
    static constexpr std::array<std::string_view, 2> to_send{"account", "token"};
    // That 402 means that there is no money is only likely.
    return {Proof::secret, to_receive, to_send, false, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Telerivet add a service of the type Webhook API for incoming messages, with this URL",
        "and the channel's secret."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = std::to_string(sms.at.time_since_epoch().count());
    const std::vector<FormField> form{{"event", "incoming_message"},
                                      {"id", sms.id},
                                      {"message_type", "sms"},
                                      {"content", sms.text},
                                      {"from_number", sms.from},
                                      {"from_number_e164", sms.from},
                                      {"to_number", sms.to},
                                      {"time_created", at},
                                      {"time_sent", at},
                                      {"contact[name]", ""},
                                      {"secret", crypto::view(settings.secret)}};
    return form_post(path_of(crypto::view(settings.url)), form, {});
  }

  bool is_success(const http::Response& answer) const override { return answer.status == 200; }

  std::optional<std::string> reply_in(const http::Response& answer) const override {
    return text_in(answer, {"messages", Json::only, "content"});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_telerivet() { return std::make_unique<const Telerivet>(); }

}  // namespace ishara::aggregators
