// MessageBird, now Bird (channels.md 4.5), with its older API. Each request carries a token (RFC
// 7519) with the hashes of the URL, as it was called, and of the body. Texts come as forms of two
// shapes, reports by GET; it wants the word OK for an answer.

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

constexpr std::array<std::string_view, 3> algorithms{"HS256", "HS384", "HS512"};

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "scheduled") return Status::queued;
  if (word == "sent" || word == "buffered") return Status::sent;
  if (word == "delivered") return Status::delivered;
  if (word == "expired" || word == "delivery_failed") return Status::failed;
  return std::nullopt;
}

std::string hash_of(std::string_view bytes) {
  return crypto::hex(crypto::sha256(crypto::bytes_of(bytes)));
}

bool is_hash_of(const std::optional<crypto::WipedBuffer>& claim, std::string_view bytes) {
  const auto hash = hash_of(bytes);
  return claim && crypto::equal(crypto::bytes_of(crypto::view(*claim)), crypto::bytes_of(hash));
}

// The URL as it was called, with the query that it was called with.
crypto::WipedBuffer whole_url(const ChannelSettings& settings, const http::Request& request) {
  return joined({crypto::view(called_page(settings, request)),
                 crypto::view(request.target).substr(request.path().size())});
}

// "20260102030405", of the numbers that several share.
std::optional<std::chrono::sys_seconds> read_packed(std::string_view text) {
  if (text.size() != 14) return std::nullopt;
  const auto part = [text](std::size_t at, std::size_t size) { return text.substr(at, size); };
  return read_utc(crypto::view(joined({part(0, 4), "-", part(4, 2), "-", part(6, 2), "T",
                                       part(8, 2), ":", part(10, 2), ":", part(12, 2)})));
}

class MessageBird final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "messagebird"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds now) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto claims = token_claims(request.field("messagebird-signature-jwt").value_or(""),
                                     crypto::view(settings.secret), now, algorithms);
    const auto issuer = claims.text({"iss"});
    if (!issuer || crypto::view(*issuer) != "MessageBird")
      return Refusal{errc::wrong_signature, "the token is missing, wrong or over"};
    if (!is_hash_of(claims.text({"url_hash"}), crypto::view(whole_url(settings, request))))
      return Refusal{errc::wrong_signature, "the token is for another URL"};
    const auto hash = claims.text({"payload_hash"});
    if (hash ? !is_hash_of(hash, crypto::view(request.body)) : !request.body.empty())
      return Refusal{errc::wrong_signature, "the token is for another body"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::post && request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by POST or GET only"};
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("id"), "field 'id' is missing", form->value("status"),
                           "field 'status' is missing", status_of_word);

    auto from =
        read_full_sender(form->value("originator"), settings, "field 'originator' is missing",
                         "field 'originator' is not a number");
    if (!from) return from.error();
    // A number that several share has its own names.
    const bool shared = form->value("shortcode").has_value();
    const auto text = form->value(shared ? "message" : "body");
    if (!text && shared) return Refusal{errc::missing_field, "field 'message' is missing"};
    if (!text) return Refusal{errc::missing_field, "field 'body' is missing"};
    const auto at = shared ? read_packed(form->value("receive_datetime").value_or(""))
                           : read_iso8601(form->value("createdDatetime").value_or(""));
    events.emplace_back(Message{std::move(*from),
                                read_recipient(form->value(shared ? "shortcode" : "recipient")),
                                read_text(*text, declared_charset(request), settings),
                                read_id(form->value(shared ? "mid" : "id")), at, std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view>) const override {
    return {200, "text/plain", "OK", {}, false};
  }

  // It reports only what has a reference.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{').name("recipients").open('[').text(crypto::view(to)).close(']');
    json.member("originator", settings.from)
        .member("body", message.text)
        .member("datacoding", "auto");
    if (!settings.delivery_url.empty() && !message.delivery_id.empty())
      json.member("reference", message.delivery_id)
          .member("reportUrl", crypto::view(settings.delivery_url));
    json.close('}');
    std::vector<http::Field> fields;
    fields.push_back({"authorization", joined({"AccessKey ", crypto::view(settings.token)})});
    return {settings.origin.empty() ? "https://rest.messagebird.com" : settings.origin,
            json_post("/messages", std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override { return by_id(answer, {"id"}); }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_receive{"secret", "url"};
    static constexpr std::array<std::string_view, 2> to_send{"token", "from"};
    return {Proof::signature, to_receive, to_send, true, false, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In MessageBird's dashboard make a flow that forwards texts to this URL by POST, as a "
        "form.",
        "The channel's secret is the signing key of its developer settings, the token an access",
        "key. Reports come by GET, so the channel takes GET too."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    auto at = utc_text(sms.at);
    at.replace(at.size() - 1, 1, "+00:00");
    const std::vector<FormField> form{{"id", sms.id},
                                      {"originator", std::string_view{sms.from}.substr(1)},
                                      {"recipient", sms.to},
                                      {"body", sms.text},
                                      {"createdDatetime", at}};
    const auto path = path_of(crypto::view(settings.url));
    auto request = by_get ? form_get(path, form) : form_post(path, form, {});
    if (settings.secret.empty()) return request;
    const auto seconds = sms.at.time_since_epoch().count();
    JsonWriter claims;
    claims.open('{').member("iss", "MessageBird").member("jti", sms.id);
    claims.name("nbf").number(seconds).name("exp").number(seconds + 60);
    claims.member("url_hash", hash_of(crypto::view(whole_url(settings, request))));
    if (!request.body.empty()) claims.member("payload_hash", hash_of(crypto::view(request.body)));
    claims.close('}');
    const auto token =
        token_of(crypto::view(std::move(claims).take()), crypto::view(settings.secret));
    request.fields.push_back({"messagebird-signature-jwt", crypto::wiped_copy(token)});
    return request;
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_messagebird() {
  return std::make_unique<const MessageBird>();
}

}  // namespace ishara::aggregators
