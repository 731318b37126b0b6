// Twilio (channels.md 3.2). It signs every request over the URL as it called it and the parameters
// of the body; the answer is TwiML, and a Message in it becomes the reply. Its send API takes the
// validity in seconds.

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

void append(crypto::WipedBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

// A URL in pieces that are never rewritten, since the signature covers every byte.
struct Url {
  std::string_view scheme;  // with "://"
  std::string_view host;    // without its port
  std::string_view port;    // with its colon; may be empty
  std::string_view path;    // may be empty
  std::string_view query;   // with its question mark; may be empty
};

std::optional<Url> split(std::string_view url) noexcept {
  url = url.substr(0, url.find('#'));
  const auto mark = url.find("://");
  if (mark == url.npos) return std::nullopt;
  Url out;
  out.scheme = url.substr(0, mark + 3);
  const auto rest = url.substr(mark + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?"));
  const auto target = rest.substr(authority.size());
  // A colon before the closing bracket belongs to an IPv6 address.
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  out.host = authority.substr(0, colon);
  out.port = colon == authority.npos ? std::string_view{} : authority.substr(colon);
  out.path = target.substr(0, target.find('?'));
  out.query = target.substr(out.path.size());
  return out;
}

// The URL as `new URL()` of JavaScript writes it: Twilio's own check tries this too, for servers
// that signed an escaped form.
crypto::WipedBuffer normalised(std::string_view path, std::string_view query) {
  crypto::WipedBuffer out;
  const auto escape = [&out](std::string_view text, std::string_view characters) {
    constexpr std::string_view hexadecimal = "0123456789ABCDEF";
    for (const char c : text) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet <= 0x20 || octet >= 0x7F || characters.find(c) != characters.npos) {
        out.push_back('%');
        out.push_back(hexadecimal[octet >> 4]);
        out.push_back(hexadecimal[octet & 15]);
      } else {
        out.push_back(c);
      }
    }
  };
  escape(path, "\"<>`{}");
  escape(query, "\"<>'");
  return out;
}

// The base64 of the signature over `url` and then `parameters`.
std::string signature_of(std::string_view token, std::string_view url,
                         std::string_view parameters) {
  return crypto::base64(crypto::hmac_sha1(crypto::bytes_of(token),
                                          {crypto::bytes_of(url), crypto::bytes_of(parameters)}));
}

// Each name and value of a form, sorted, a pair that repeats once, without separators.
crypto::WipedBuffer signed_parameters(const http::Form& form) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const auto& pair : form.pairs()) pairs.emplace_back(pair.name, pair.value);
  std::ranges::sort(pairs);
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  crypto::WipedBuffer out;
  for (const auto& [name, value] : pairs) {
    append(out, name);
    append(out, value);
  }
  return out;
}

// True if `signature` is right for `url` with `parameters`, with or without the scheme's own port,
// as sent or normalised. All are tried, so the time tells nothing.
bool signed_for(const Url& url, std::string_view parameters, std::string_view token,
                std::string_view signature) {
  const std::string_view own = url.scheme == "https://" ? ":443" : ":80";
  const auto port = url.port.empty() ? own : url.port;
  const auto plain = joined({url.path, url.query});
  const auto escaped = normalised(url.path, url.query);
  bool good = false;
  for (const auto with_port : {std::string_view{}, port}) {
    for (const auto* target : {&plain, &escaped}) {
      const auto whole = joined({url.scheme, url.host, with_port, crypto::view(*target)});
      const auto expected = signature_of(token, crypto::view(whole), parameters);
      good |= crypto::equal(crypto::bytes_of(expected), crypto::bytes_of(signature));
    }
  }
  return good;
}

// True if the query names the SHA-256 of the body, as it does for a JSON body.
bool body_hash_matches(std::string_view query, std::string_view body) {
  const auto form = http::Form::parse(query);
  const auto hash = form ? form->value("bodySHA256") : std::nullopt;
  if (!hash) return false;
  const auto expected = crypto::hex(crypto::sha256(crypto::bytes_of(body)));
  return crypto::equal(crypto::bytes_of(expected), crypto::bytes_of(*hash));
}

// Some long texts arrive as base64. A text of 60 characters or more without any space, of exactly
// that alphabet and length, that decodes to mostly ASCII, is one of those.
std::optional<crypto::WipedBuffer> hidden_in_base64(std::string_view text) {
  if (text.size() < 60 || text.size() % 4 != 0) return std::nullopt;
  const auto bytes = crypto::from_base64_wiped(text);
  if (!bytes) return std::nullopt;
  const auto ascii = std::ranges::count_if(*bytes, [](auto octet) { return octet < 0x80; });
  if (static_cast<std::size_t>(ascii) * 2 < bytes->size()) return std::nullopt;
  return crypto::WipedBuffer{bytes->begin(), bytes->end()};
}

std::string escaped_for_xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string unescaped_xml(std::string_view text) {
  constexpr std::pair<std::string_view, char> names[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}};
  std::string out;
  while (!text.empty()) {
    const auto* found =
        std::ranges::find_if(names, [&](const auto& name) { return text.starts_with(name.first); });
    out.push_back(found == std::end(names) ? text.front() : found->second);
    text.remove_prefix(found == std::end(names) ? 1 : found->first.size());
  }
  return out;
}

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "queued" || word == "accepted" || word == "scheduled" || word == "sending")
    return Status::queued;
  if (word == "sent") return Status::sent;
  if (word == "delivered" || word == "read") return Status::delivered;
  if (word == "undelivered" || word == "failed" || word == "canceled") return Status::failed;
  return std::nullopt;
}

// Twilio keeps no text for longer.
constexpr std::chrono::seconds longest_validity = std::chrono::hours{4};

// Twilio puts its parameters into the body of a POST and into the query of a GET. A query beside a
// body is our own part of the URL, so no field is read from it.
Result<http::Form> parameters_of(const http::Request& request) {
  if (request.method == http::Method::post) return read_fields(request, false);
  auto form = http::Form::parse(request.query());
  if (!form) return Refusal{errc::malformed, "the query has too many fields"};
  return std::move(*form);
}

class Twilio final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "twilio"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  bool answers_in_response() const noexcept override { return true; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto token = crypto::view(settings.token);
    if (token.empty())
      return Refusal{errc::wrong_signature, "the channel has no auth token to check with"};
    const auto signature = request.field("x-twilio-signature");
    if (!signature) return Refusal{errc::wrong_signature, "field 'X-Twilio-Signature' is missing"};
    const auto configured = split(crypto::view(settings.url));
    if (!configured)
      return Refusal{errc::wrong_signature, "the channel has no public URL to check with"};
    if (request.body.size() > max_body)
      return Refusal{errc::too_large, "the body is larger than 64 KiB"};

    const bool posted = request.method == http::Method::post;
    const bool json = posted && http::is_json(request);
    http::Form form;
    if (posted && !json) {
      auto read = read_fields(request, false);
      if (!read) return read.error();
      form = std::move(*read);
    }
    const auto parameters = signed_parameters(form);

    // The URL comes from our configuration, never from Host. Its path and query come from the
    // request if the configuration has none; behind a proxy that rewrites the path it has one.
    const auto target = crypto::view(request.target);
    Url called = *configured;
    if (called.path.size() <= 1) called.path = request.path();
    called.query = target.substr(request.path().size());
    const auto good = [&](const Url& url) {
      return signed_for(url, crypto::view(parameters), token, *signature) &&
             (!json || body_hash_matches(url.query.substr(url.query.empty() ? 0 : 1),
                                         crypto::view(request.body)));
    };
    bool authentic = good(called);
    // A proxy may also drop the query. Only a body is then trusted, for the signature covers all of
    // it, while the fields of a GET stand in the query itself.
    if (posted && !configured->query.empty()) authentic |= good(*configured);
    if (!authentic) return Refusal{errc::wrong_signature, "the signature is wrong"};

    if (!settings.account.empty() && !json) {
      const auto fields = parameters_of(request);
      if (!fields) return fields.error();
      if (fields->value("AccountSid").value_or("") != settings.account)
        return Refusal{errc::wrong_signature, "field 'AccountSid' is not the channel's account"};
    }
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (request.method != http::Method::post && request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by POST or GET only"};
    if (is_ping(request)) return events;
    const auto form = parameters_of(request);
    if (!form) return form.error();
    auto id = read_id(form->value("MessageSid"));
    for (const auto* alias : {"SmsSid", "SmsMessageSid"})
      if (id.empty()) id = read_id(form->value(alias));

    if (kind == Kind::dlr)
      return read_delivery(crypto::view(id), "field 'MessageSid' is missing",
                           form->value("MessageStatus"), "field 'MessageStatus' is missing",
                           status_of_word);

    auto from = read_sender(form->value("From"), settings, "field 'From' is missing",
                            "field 'From' is not a number");
    if (!from) return from.error();
    const auto body = form->value("Body");
    if (!body) return Refusal{errc::missing_field, "field 'Body' is missing"};
    const auto hidden = hidden_in_base64(*body);
    events.emplace_back(Message{
        std::move(*from), read_recipient(form->value("To")),
        read_text(hidden ? crypto::view(*hidden) : *body,
                  hidden ? i18n::Charset::unspecified : declared_charset(request), settings),
        std::move(id), std::nullopt, std::nullopt});
    return events;
  }

  http::Response acknowledge(std::optional<std::string_view> reply) const override {
    if (!reply || reply->empty()) return {204, "", "", {}, false};
    return {200,
            "text/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message>" +
                escaped_for_xml(*reply) + "</Message></Response>",
            {},
            false};
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = with_plus(message.to);
    const auto validity =
        std::to_string(std::min(message.validity, longest_validity) / std::chrono::seconds{1});
    std::vector<FormField> form{
        {"To", crypto::view(to)},
        // A messaging service picks the sender itself.
        {settings.from.starts_with("MG") ? "MessagingServiceSid" : "From", settings.from},
        {"Body", message.text},
        {"ValidityPeriod", validity}};
    if (!settings.delivery_url.empty() && !message.delivery_id.empty())
      form.push_back({"StatusCallback", crypto::view(settings.delivery_url)});
    const auto account = crypto::view(settings.account);
    std::vector<http::Field> fields;
    fields.push_back(basic_login(account, crypto::view(settings.token)));
    const auto target = joined(
        {"/2010-04-01/Accounts/", crypto::view(http::percent_encode(account)), "/Messages.json"});
    return {settings.origin.empty() ? "https://api.twilio.com" : settings.origin,
            form_post(crypto::view(target), form, std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    const Json json{answer.body};
    if (answer.status == 200 || answer.status == 201) {
      const auto id = json.text({"sid"});
      const auto word = json.text({"status"});
      const auto status = word ? status_of_word(crypto::view(*word)) : std::nullopt;
      SendAnswer out;
      if (!id || !status) return out;
      out.taken = *status == Status::failed ? Taken::never : Taken::accepted;
      if (out.taken == Taken::accepted) out.id = read_id(crypto::view(*id));
      return out;
    }
    auto out = by_status(answer);
    const auto code =
        answer.status >= 400 && answer.status < 500 ? json.text({"code"}) : std::nullopt;
    if (!code) return out;
    const auto word = crypto::view(*code);
    if (word == "20003") out.taken = Taken::our_fault;
    if (word == "20429" || word == "30003" || word == "30008") out.taken = Taken::later;
    return out;
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_receive{"token", "url"};
    static constexpr std::array<std::string_view, 3> to_send{"account", "token", "from"};
    return {Proof::signature, to_receive, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {"Append #rp=all&rc=5 to each URL, so that Twilio tries again after a failure."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings, bool) const override {
    const auto id = "SM" + sms.id;
    const std::vector<FormField> form{{"AccountSid", settings.account},
                                      {"Body", sms.text},
                                      {"From", sms.from},
                                      {"MessageSid", id},
                                      {"NumMedia", "0"},
                                      {"SmsStatus", "received"},
                                      {"To", sms.to}};
    auto request = form_post(path_of(crypto::view(settings.url)), form, {});
    if (settings.token.empty()) return request;
    const auto parameters = signed_parameters(*http::Form::parse(crypto::view(request.body)));
    const auto signature = signature_of(crypto::view(settings.token), crypto::view(settings.url),
                                        crypto::view(parameters));
    request.fields.push_back({"x-twilio-signature", crypto::wiped_copy(signature)});
    return request;
  }

  std::optional<std::string> reply_in(const http::Response& answer) const override {
    const std::string_view body{answer.body};
    constexpr std::string_view opening = "<Message>";
    const auto start = body.find(opening);
    const auto end = body.find("</Message>");
    if (start == body.npos || end == body.npos || end < start) return std::nullopt;
    const auto from = start + opening.size();
    return unescaped_xml(body.substr(from, end - from));
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_twilio() { return std::make_unique<const Twilio>(); }

}  // namespace ishara::aggregators
