// Termii (channels.md 4.3). It signs the body of each request; texts and reports have the same
// names and a type that tells them apart. What became of a text is said in prose, and a report
// repeats the text, which is not read. Its times have no zone, so ours count.

#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"
#include "i18n/sms.hpp"

namespace ishara::aggregators {
namespace {

std::optional<Status> status_of_words(std::string_view words) noexcept {
  if (words.starts_with("DELIVERED")) return Status::delivered;
  if (words.starts_with("Message Sent")) return Status::sent;
  for (const std::string_view failed : {"DND Active", "Message Failed", "Rejected", "Expired"})
    if (words.starts_with(failed)) return Status::failed;
  return std::nullopt;
}

std::array<std::uint8_t, 64> signature_of(const ChannelSettings& settings, std::string_view body) {
  return crypto::hmac_sha512(crypto::bytes_of(crypto::view(settings.secret)),
                             {crypto::bytes_of(body)});
}

class Termii final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "termii"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds) const override {
    if (!settings.verify) return boost::system::in_place_value;
    if (settings.secret.empty())
      return Refusal{errc::wrong_signature, "the channel has no secret key to check with"};
    const auto sent = crypto::from_hex(request.field("x-termii-signature").value_or(""));
    if (!sent || !crypto::equal(signature_of(settings, crypto::view(request.body)), *sent))
      return Refusal{errc::wrong_signature, "field 'X-Termii-Signature' is missing or wrong"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto type = json->text({"type"});
    if (!type) return Refusal{errc::missing_field, "field 'type' is missing"};
    auto id = json->text({"message_id"});
    if (crypto::view(*type) == "outbound")
      return read_delivery(view_of(id), "field 'message_id' is missing",
                           view_of(json->text({"status"})), "field 'status' is missing",
                           status_of_words);
    if (crypto::view(*type) != "inbound") return events;

    const auto sender = json->text({"sender"});
    auto from = read_full_sender(view_of(sender), settings, "field 'sender' is missing",
                                 "field 'sender' is not a number");
    if (!from) return from.error();
    const auto text = json->text({"message"});
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    if (!id) id = json->text({"id"});
    const auto to = json->text({"receiver"});
    events.emplace_back(Message{std::move(*from), read_recipient(view_of(to)),
                                read_text(crypto::view(*text), i18n::Charset::utf8, settings),
                                read_id(view_of(id)), std::nullopt, std::nullopt});
    return events;
  }

  // By the route that reaches numbers on the do-not-disturb list too.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    const bool wide = i18n::measure(message.text).encoding == i18n::Encoding::ucs2;
    JsonWriter json;
    json.open('{')
        .member("api_key", crypto::view(settings.token))
        .member("to", crypto::view(to))
        .member("from", settings.from)
        .member("sms", message.text)
        .member("type", wide ? "unicode" : "plain")
        .member("channel", "dnd")
        .close('}');
    return {settings.origin.empty() ? "https://api.ng.termii.com" : settings.origin,
            json_post("/api/sms/send", std::move(json).take(), {})};
  }

  SendAnswer sent(const http::Response& answer) const override {
    return by_id(answer, {"message_id"});
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_receive{"secret"};
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    // How its signature is written, and that texts have the names of reports.
    return {Proof::signature, to_receive, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Termii's dashboard make this URL the webhook for events. The channel's secret is the",
        "account's secret key, the token its API key; the base URL for sending is your account's",
        "own: give it with --send-origin. Ask Termii to open the dnd route for the sender id."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    JsonWriter json;
    json.open('{')
        .member("type", "inbound")
        .member("id", sms.id)
        .member("message_id", sms.id)
        .member("receiver", sms.to)
        .member("sender", std::string_view{sms.from}.substr(1))
        .member("message", sms.text)
        .member("channel", "generic")
        .close('}');
    auto body = std::move(json).take();
    std::vector<http::Field> fields;
    if (!settings.secret.empty())
      fields.push_back({"x-termii-signature", crypto::wiped_copy(crypto::hex(
                                                  signature_of(settings, crypto::view(body))))});
    return json_post(path_of(crypto::view(settings.url)), std::move(body), std::move(fields));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_termii() { return std::make_unique<const Termii>(); }

}  // namespace ishara::aggregators
