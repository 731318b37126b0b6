// EnvayaSMS (channels.md 3.10), an Android app. It signs URL and parameters with a password, names
// no id, and takes texts to send as events in our answer, or asks for them, which we do not offer
// it; one without a receiver goes to the sender. Its `log` may hold texts and is never read.

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/json.hpp"
#include "gateway/aggregators/proof.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"

namespace ishara::aggregators {
namespace {

// The app's clock may be wrong by some hours; the signature itself has nothing against repeats.
constexpr std::chrono::hours longest_skew{24};

// base64(SHA-1(url + ",name=value" by name + "," + password))
std::string signature_of(std::string_view url, const http::Form& form, std::string_view password) {
  std::vector<http::Form::Pair> pairs{form.pairs().begin(), form.pairs().end()};
  std::ranges::stable_sort(pairs, {}, &http::Form::Pair::name);
  auto all = crypto::wiped_copy(url);
  const auto append = [&all](std::string_view part) {
    all.insert(all.end(), part.begin(), part.end());
  };
  for (const auto& [name, value] : pairs) {
    append(",");
    append(name);
    append("=");
    append(value);
  }
  append(",");
  append(password);
  return crypto::base64(crypto::sha1(crypto::bytes_of(crypto::view(all))));
}

class EnvayaSms final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "envayasms"; }

  std::span<const Kind> kinds() const noexcept override { return texts_only; }

  bool answers_in_response() const noexcept override { return true; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds now) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto password = crypto::view(settings.secret);
    if (password.empty())
      return Refusal{errc::wrong_signature, "the channel has no password to check with"};
    const auto signature = request.field("x-request-signature");
    if (!signature) return Refusal{errc::wrong_signature, "field 'X-Request-Signature' is missing"};
    const auto form = read_fields(request, false);
    if (!form) return form.error();
    const auto expected =
        signature_of(crypto::view(called_url(settings, request)), *form, password);
    if (!crypto::equal(crypto::bytes_of(expected), crypto::bytes_of(*signature)))
      return Refusal{errc::wrong_signature, "the signature is wrong"};
    const auto at = read_unix_milliseconds(form->value("now").value_or(""));
    if (!at || *at > now + longest_skew || *at + longest_skew < now)
      return Refusal{errc::wrong_signature, "the phone's clock is wrong by more than a day"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    const auto form = posted_form(request);
    if (!form) return form.error();
    const auto action = form->value("action");
    if (!action) return Refusal{errc::missing_field, "field 'action' is missing"};
    // Polls for texts to send, the state of the phone, calls.
    const auto type = form->value("message_type").value_or("sms");
    if (*action != "incoming" || (type != "sms" && type != "mms")) return events;

    auto from = read_sender(form->value("from"), settings, "field 'from' is missing",
                            "field 'from' is not a number");
    if (!from) return from.error();
    const auto text = form->value("message");
    if (!text) return Refusal{errc::missing_field, "field 'message' is missing"};
    events.emplace_back(
        Message{std::move(*from), read_recipient(form->value("phone_number")),
                read_text(*text, declared_charset(request), settings), crypto::WipedBuffer{},
                read_unix_milliseconds(form->value("timestamp").value_or("")), std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view> reply) const override {
    JsonWriter json;
    json.open('{').name("events").open('[');
    if (reply && !reply->empty())
      json.open('{')
          .member("event", "send")
          .name("messages")
          .open('[')
          .open('{')
          .member("message", *reply)
          .close('}')
          .close(']')
          .close('}');
    return json_answer(std::move(json.close(']').close('}')).take());
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_receive{"secret", "url"};
    return {Proof::signature, to_receive, {}, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In the app: Server URL is this URL, Password the channel's secret. Messages with pictures",
        "are not taken. Texts may stay readable on the phone: keep it locked, and empty its "
        "messages."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto at = std::to_string(sms.at.time_since_epoch().count()) + "000";
    const std::vector<FormField> form{
        {"action", "incoming"},   {"from", sms.from},      {"log", ""},
        {"message", sms.text},    {"message_type", "sms"}, {"now", at},
        {"phone_number", sms.to}, {"timestamp", at},       {"version", "30"}};
    const auto url = crypto::view(settings.url);
    auto request = form_post(path_of(url), form, {});
    if (settings.secret.empty()) return request;
    const auto signature = signature_of(url, *http::Form::parse(crypto::view(request.body)),
                                        crypto::view(settings.secret));
    request.fields.push_back({"x-request-signature", crypto::wiped_copy(signature)});
    return request;
  }

  bool is_success(const http::Response& answer) const override { return answer.status == 200; }

  std::optional<std::string> reply_in(const http::Response& answer) const override {
    return text_in(answer, {"events", Json::only, "messages", Json::only, "message"});
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_envayasms() { return std::make_unique<const EnvayaSms>(); }

}  // namespace ishara::aggregators
