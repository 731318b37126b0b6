// Vonage, once Nexmo (channels.md 3.3), by either of its APIs. SMS: GET, form or JSON as its
// dashboard says, each long text part by part, and signed if its support has switched that on.
// Messages: JSON, with a token that holds the digest of the body. Both are signed with the
// signature secret, so a channel has to have that. The send API of SMS answers 200 whatever it
// thinks, and says what in the body.

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
#include "i18n/sms.hpp"

namespace ishara::aggregators {
namespace {

constexpr std::chrono::hours longest_wait{48}, longest_skew{1};

struct Parameter {
  crypto::WipedBuffer name;
  crypto::WipedBuffer value;
};

// The parameters of a request in each of its three shapes.
class Parameters {
 public:
  static Result<Parameters> of(const http::Request& request) {
    Parameters out;
    if (request.method == http::Method::post && http::is_json(request)) {
      const auto json = posted_json(request);
      if (!json) return json.error();
      for (const auto& [name, value] : json->members())
        if (auto text = value.text())
          out.all_.push_back({crypto::wiped_copy(crypto::view(name)), std::move(*text)});
      return out;
    }
    const auto form = read_fields(request, true);
    if (!form) return form.error();
    for (const auto& [name, value] : form->pairs())
      out.all_.push_back({crypto::wiped_copy(name), crypto::wiped_copy(value)});
    return out;
  }

  std::optional<std::string_view> value(std::string_view name) const noexcept {
    for (const auto& each : all_)
      if (crypto::view(each.name) == name) return crypto::view(each.value);
    return std::nullopt;
  }

  // "&name=value" of all but `sig` by name, with what would read as a separator replaced.
  crypto::WipedBuffer signed_words() const {
    std::vector<const Parameter*> sorted;
    for (const auto& each : all_)
      if (crypto::view(each.name) != "sig") sorted.push_back(&each);
    std::ranges::stable_sort(sorted, {}, [](const auto* each) { return crypto::view(each->name); });
    crypto::WipedBuffer out;
    for (const auto* each : sorted) {
      out.push_back('&');
      out.insert(out.end(), each->name.begin(), each->name.end());
      out.push_back('=');
      for (const char c : each->value) out.push_back(c == '&' || c == '=' ? '_' : c);
    }
    return out;
  }

 private:
  std::vector<Parameter> all_;
};

// In lower case; `method` as in the channel's settings, md5hash if that is empty.
std::string signature_of(const crypto::WipedBuffer& words, std::string_view secret,
                         std::string_view method) {
  const auto text = crypto::bytes_of(crypto::view(words));
  const auto key = crypto::bytes_of(secret);
  if (method == "md5") return crypto::hex(crypto::hmac_md5(key, {text}));
  if (method == "sha1") return crypto::hex(crypto::hmac_sha1(key, {text}));
  if (method == "sha256") return crypto::hex(crypto::hmac_sha256(key, {text}));
  if (method == "sha512") return crypto::hex(crypto::hmac_sha512(key, {text}));
  const auto both = joined({crypto::view(words), secret});
  return crypto::hex(crypto::md5(crypto::bytes_of(crypto::view(both))));
}

std::string lower_case(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The reference is hexadecimal, and as long as the operator made it.
std::optional<Part> part_of(const Parameters& fields) noexcept {
  if (fields.value("concat").value_or("") != "true") return std::nullopt;
  const auto reference = read_whole(fields.value("concat-ref").value_or(""), 16);
  const auto total = read_whole(fields.value("concat-total").value_or(""));
  const auto place = read_whole(fields.value("concat-part").value_or(""));
  if (!reference || !total || !place || *total < 2 || *total > 255 || *place < 1 || *place > *total)
    return std::nullopt;
  return Part{static_cast<std::uint16_t>(*reference), static_cast<std::uint8_t>(*total),
              static_cast<std::uint8_t>(*place)};
}

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "accepted" || word == "buffered") return Status::sent;
  if (word == "delivered") return Status::delivered;
  if (word == "expired" || word == "failed" || word == "rejected") return Status::failed;
  return std::nullopt;
}

// In the words of Messages.
std::optional<Status> status_of_messages(std::string_view word) noexcept {
  if (word == "submitted") return Status::sent;
  if (word == "delivered" || word == "read") return Status::delivered;
  if (word == "rejected" || word == "undeliverable") return Status::failed;
  return std::nullopt;
}

// A request of JSON with a token is one of Messages; only its body is read, which the token covers.
bool is_of_messages(const http::Request& request) {
  return request.method == http::Method::post && http::is_json(request) &&
         request.field("authorization").value_or("").starts_with("Bearer ");
}

// The status of a part in an answer. Without money or with credentials that do not hold every
// further text fails too.
Taken taken_by_code(std::string_view code) noexcept {
  if (code == "0") return Taken::accepted;
  if (code == "1" || code == "5" || code == "10") return Taken::later;
  for (const std::string_view ours : {"4", "8", "9", "11", "14", "32"})
    if (code == ours) return Taken::our_fault;
  for (const std::string_view never : {"2", "3", "6", "7", "12", "15", "22", "23", "29", "33"})
    if (code == never) return Taken::never;
  return Taken::unknown;
}

class Vonage final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "vonage"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds now) const override {
    if (!settings.verify || is_ping(request)) return boost::system::in_place_value;
    const auto secret = crypto::view(settings.secret);
    if (secret.empty())
      return Refusal{errc::wrong_signature, "the channel has no signature secret to check with"};
    if (is_of_messages(request)) return is_covered(request, settings, now);
    const auto fields = Parameters::of(request);
    if (!fields) return fields.error();
    const auto sent = fields->value("sig");
    if (!sent) return Refusal{errc::wrong_signature, "field 'sig' is missing"};
    const auto expected = signature_of(fields->signed_words(), secret, settings.signature);
    const auto given = lower_case(*sent);
    if (!crypto::equal(crypto::bytes_of(expected), crypto::bytes_of(given)))
      return Refusal{errc::wrong_signature, "the signature is wrong"};
    // Whether it signs anew what it offers again stands nowhere; a text it offers for a day, a
    // report for three.
    const bool is_report = request.path().ends_with("/dlr");
    const auto at = read_unix(fields->value("timestamp").value_or(""));
    if (!is_report && at && (*at > now + longest_skew || *at + longest_wait < now))
      return Refusal{errc::wrong_signature,
                     "the signature is older than two days, or of the future"};
    if (!settings.account.empty() && fields->value("api-key").value_or("") != settings.account)
      return Refusal{errc::wrong_signature, "field 'api-key' is not the channel's account"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::post && request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by GET or POST only"};
    if (is_of_messages(request)) return read_messages(request, kind, settings);
    const auto fields = Parameters::of(request);
    if (!fields) return fields.error();
    if (kind == Kind::dlr)
      return read_delivery(fields->value("messageId"), "field 'messageId' is missing",
                           fields->value("status"), "field 'status' is missing", status_of_word);

    auto from = read_full_sender(fields->value("msisdn"), settings, "field 'msisdn' is missing",
                                 "field 'msisdn' is not a number");
    if (!from) return from.error();
    // A binary text has no words; somebody sent it all the same.
    const auto text = fields->value("text");
    if (!text && fields->value("type").value_or("") != "binary")
      return Refusal{errc::missing_field, "field 'text' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(fields->value("to")),
                                read_text(text.value_or(""), i18n::Charset::unspecified, settings),
                                read_id(fields->value("messageId")),
                                read_utc(fields->value("message-timestamp").value_or("")),
                                part_of(*fields)});
    return events;
  }

  // It takes a validity in milliseconds, and does not find out itself what alphabet a text needs.
  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    const auto validity = std::to_string(std::chrono::milliseconds{message.validity}.count());
    const bool wide = i18n::measure(message.text).encoding == i18n::Encoding::ucs2;
    std::vector<FormField> form{{"api_key", crypto::view(settings.account)},
                                {"api_secret", crypto::view(settings.password)},
                                {"from", settings.from},
                                {"to", crypto::view(to)},
                                {"text", message.text},
                                {"type", wide ? "unicode" : "text"},
                                {"ttl", validity}};
    if (!settings.delivery_url.empty()) {
      form.push_back({"status-report-req", "1"});
      form.push_back({"callback", crypto::view(settings.delivery_url)});
    }
    return {settings.origin.empty() ? "https://rest.nexmo.com" : settings.origin,
            form_post("/sms/json", form, {})};
  }

  SendAnswer sent(const http::Response& answer) const override {
    if (answer.status != 200) return by_status(answer);
    const Json json{answer.body};
    SendAnswer out;
    const auto code = json.text({"messages", Json::only, "status"});
    if (!code) return out;
    out.taken = taken_by_code(crypto::view(*code));
    if (out.taken == Taken::accepted)
      out.id = read_id(view_of(json.text({"messages", Json::only, "message-id"})));
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 1> to_receive{"secret"};
    static constexpr std::array<std::string_view, 3> to_send{"account", "password", "from"};
    // The names in the JSON of Messages are only likely.
    return {Proof::signature, to_receive, to_send, false};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "SMS API: ask Vonage's support to sign inbound webhooks; choose the same method there and",
        "with --signature. Set the webhook to POST: a GET has number and text in its URL.",
        "Messages API: its webhooks are signed with the account's signature secret as they are."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    auto at = utc_text(sms.at);  // "2026-01-02 03:04:05"
    at[10] = ' ';
    at.pop_back();
    const auto seconds = std::to_string(sms.at.time_since_epoch().count());
    std::vector<FormField> form{{"api-key", settings.account},
                                {"msisdn", std::string_view{sms.from}.substr(1)},
                                {"to", sms.to},
                                {"messageId", sms.id},
                                {"text", sms.text},
                                {"type", "text"},
                                {"keyword", "X"},
                                {"message-timestamp", at},
                                {"timestamp", seconds},
                                {"nonce", "1"}};
    const auto path = path_of(crypto::view(settings.url));
    std::string signature;
    if (!settings.secret.empty()) {
      const auto fields = Parameters::of(form_post(path, form, {}));
      signature =
          signature_of(fields->signed_words(), crypto::view(settings.secret), settings.signature);
      form.push_back({"sig", signature});
    }
    return by_get ? form_get(path, form) : form_post(path, form, {});
  }

 private:
  // A token of Messages: with the secret, for our account, of these two days and for this body.
  static Result<void> is_covered(const http::Request& request, const ChannelSettings& settings,
                                 std::chrono::sys_seconds now) {
    const auto claims =
        bearer_claims(request.field("authorization"), crypto::view(settings.secret), now);
    const auto made = claims.text({"iat"});
    const auto at = read_unix(view_of(made).value_or(""));
    if (!at || *at + longest_wait < now)
      return Refusal{errc::wrong_signature, "the token is missing, wrong or over"};
    const auto digest = crypto::hex(crypto::sha256(crypto::bytes_of(crypto::view(request.body))));
    const auto sent = lower_case(view_of(claims.text({"payload_hash"})).value_or(""));
    if (!crypto::equal(crypto::bytes_of(digest), crypto::bytes_of(sent)))
      return Refusal{errc::wrong_signature, "the token is for another body"};
    if (!settings.account.empty() &&
        view_of(claims.text({"api_key"})) != std::string_view{settings.account})
      return Refusal{errc::wrong_signature, "the token is for another account"};
    return boost::system::in_place_value;
  }

  static Result<std::vector<Event>> read_messages(const http::Request& request, Kind kind,
                                                  const ChannelSettings& settings) {
    const auto json = posted_json(request);
    if (!json) return json.error();
    const auto id = json->text({"message_uuid"});
    if (kind == Kind::dlr) {
      const auto status = json->text({"status"});
      return read_delivery(view_of(id), "field 'message_uuid' is missing", view_of(status),
                           "field 'status' is missing", status_of_messages);
    }
    const auto sender = json->text({"from"});
    auto from = read_full_sender(view_of(sender), settings, "field 'from' is missing",
                                 "field 'from' is not a number");
    if (!from) return from.error();
    // A picture has no words; somebody sent it all the same.
    const auto text = json->text({"text"});
    const auto type = json->text({"message_type"});
    if (!text && view_of(type).value_or("text") == "text")
      return Refusal{errc::missing_field, "field 'text' is missing"};
    const auto to = json->text({"to"});
    const auto at = json->text({"timestamp"});
    std::vector<Event> events;
    events.emplace_back(
        Message{std::move(*from), read_recipient(view_of(to)),
                read_text(view_of(text).value_or(""), i18n::Charset::utf8, settings),
                read_id(view_of(id)), read_iso8601(view_of(at).value_or("")), std::nullopt});
    return events;
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_vonage() { return std::make_unique<const Vonage>(); }

}  // namespace ishara::aggregators
