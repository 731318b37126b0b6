// Plivo (channels.md 4.6). It signs its requests in two ways. The third version of its signature
// covers the URL with its query and the form; the second, which its texts may carry alone, the URL
// without its query, and so proves no more than a secret would. Where both are there, the third
// counts.

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

std::optional<Status> status_of_word(std::string_view word) noexcept {
  if (word == "queued") return Status::queued;
  if (word == "sent") return Status::sent;
  if (word == "delivered") return Status::delivered;
  if (word == "undelivered" || word == "rejected" || word == "failed") return Status::failed;
  return std::nullopt;
}

// It puts its parameters into the body of a POST and into the query of a GET. A query beside a body
// is our own part of the URL.
Result<http::Form> parameters_of(const http::Request& request) {
  if (request.method == http::Method::post) return read_fields(request, false);
  auto form = http::Form::parse(request.query());
  if (!form) return Refusal{errc::malformed, "the query has too many fields"};
  return std::move(*form);
}

// Each name and value, sorted, with `middle` between the two and `separator` between pairs.
crypto::WipedBuffer sorted(const http::Form& form, std::string_view middle,
                           std::string_view separator) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const auto& pair : form.pairs()) pairs.emplace_back(pair.name, pair.value);
  std::ranges::sort(pairs);
  crypto::WipedBuffer out;
  for (const auto& [name, value] : pairs)
    for (const auto part : {out.empty() ? std::string_view{} : separator, name, middle, value})
      out.insert(out.end(), part.begin(), part.end());
  return out;
}

// What the third version of the signature covers, but for its nonce. Refuses what is no form.
Result<crypto::WipedBuffer> signed_words(std::string_view page, const http::Request& request) {
  const auto query = http::Form::parse(request.query());
  if (!query) return Refusal{errc::malformed, "the query has too many fields"};
  http::Form form;
  if (request.method == http::Method::post) {
    auto read = read_fields(request, false);
    if (!read) return read.error();
    form = std::move(*read);
  }
  const bool either = !query->empty() || !form.empty();
  const bool both = !query->empty() && !form.empty();
  return joined({page, either ? "?" : "", crypto::view(sorted(*query, "=", "&")), both ? "." : "",
                 crypto::view(sorted(form, "", ""))});
}

std::string signature_of(std::string_view token, std::string_view words, std::string_view between,
                         std::string_view nonce) {
  return crypto::base64(crypto::hmac_sha256(
      crypto::bytes_of(token),
      {crypto::bytes_of(words), crypto::bytes_of(between), crypto::bytes_of(nonce)}));
}

// True if one of the signatures in a list is the expected one.
bool is_among(std::string_view expected, std::string_view list) {
  bool good = false;
  while (true) {
    const auto one = list.substr(0, list.find(','));
    good |= crypto::equal(crypto::bytes_of(expected), crypto::bytes_of(one));
    if (one.size() == list.size()) return good;
    list.remove_prefix(one.size() + 1);
  }
}

class Plivo final : public Aggregator {
 public:
  std::string_view name() const noexcept override { return "plivo"; }

  std::span<const Kind> kinds() const noexcept override { return texts_and_reports; }

  Result<void> authentic(const http::Request& request, const ChannelSettings& settings,
                         std::chrono::sys_seconds) const override {
    if (!settings.verify) return boost::system::in_place_value;
    const auto token = crypto::view(settings.token);
    if (token.empty())
      return Refusal{errc::wrong_signature, "the channel has no auth token to check with"};
    const auto page = called_page(settings, request);
    const auto third = request.field("x-plivo-signature-v3");
    const auto second = request.field("x-plivo-signature-v2");
    std::string expected;
    if (third) {
      const auto words = signed_words(crypto::view(page), request);
      if (!words) return words.error();
      expected = signature_of(token, crypto::view(*words), ".",
                              request.field("x-plivo-signature-v3-nonce").value_or(""));
    } else if (second) {
      expected = signature_of(token, crypto::view(page), "",
                              request.field("x-plivo-signature-v2-nonce").value_or(""));
    } else {
      return Refusal{errc::wrong_signature, "field 'X-Plivo-Signature-V3' is missing"};
    }
    if (!is_among(expected, third ? *third : *second))
      return Refusal{errc::wrong_signature, "the signature is wrong"};
    return boost::system::in_place_value;
  }

  Result<std::vector<Event>> parse(const http::Request& request, Kind kind,
                                   const ChannelSettings& settings) const override {
    std::vector<Event> events;
    if (is_ping(request)) return events;
    if (request.method != http::Method::post && request.method != http::Method::get)
      return Refusal{errc::wrong_method, "this aggregator sends by POST or GET only"};
    const auto form = parameters_of(request);
    if (!form) return form.error();
    if (kind == Kind::dlr)
      return read_delivery(form->value("MessageUUID"), "field 'MessageUUID' is missing",
                           form->value("Status"), "field 'Status' is missing", status_of_word);

    auto from = read_full_sender(form->value("From"), settings, "field 'From' is missing",
                                 "field 'From' is not a number");
    if (!from) return from.error();
    const auto text = form->value("Text");
    if (!text) return Refusal{errc::missing_field, "field 'Text' is missing"};
    events.emplace_back(Message{std::move(*from), read_recipient(form->value("To")),
                                read_text(*text, declared_charset(request), settings),
                                read_id(form->value("MessageUUID")), std::nullopt, std::nullopt});
    return events;
  }

  Posting send(const Outgoing& message, const SendingSettings& settings) const override {
    const auto to = without_plus(message.to);
    JsonWriter json;
    json.open('{')
        .member("src", settings.from)
        .member("dst", crypto::view(to))
        .member("text", message.text);
    if (!settings.delivery_url.empty())
      json.member("url", crypto::view(settings.delivery_url)).member("method", "POST");
    json.close('}');
    const auto account = crypto::view(settings.account);
    const auto target =
        joined({"/v1/Account/", crypto::view(http::percent_encode(account)), "/Message/"});
    std::vector<http::Field> fields;
    fields.push_back(basic_login(account, crypto::view(settings.token)));
    return {settings.origin.empty() ? "https://api.plivo.com" : settings.origin,
            json_post(crypto::view(target), std::move(json).take(), std::move(fields))};
  }

  SendAnswer sent(const http::Response& answer) const override {
    return by_id(answer, {"message_uuid", Json::only});
  }

  Profile profile() const noexcept override {
    static constexpr std::array<std::string_view, 2> to_receive{"token", "url"};
    static constexpr std::array<std::string_view, 3> to_send{"account", "token", "from"};
    return {Proof::secret, to_receive, to_send, true};
  }

  std::vector<std::string> instructions(std::string_view, bool) const override {
    return {
        "In Plivo's console make an XML application with this URL as its message URL, by POST, and",
        "give it to the number. The account is the Auth ID, the token the Auth Token."};
  }

  http::Request call(const PhoneText& sms, const ChannelSettings& settings,
                     bool by_get) const override {
    const std::vector<FormField> form{{"From", std::string_view{sms.from}.substr(1)},
                                      {"MessageUUID", sms.id},
                                      {"Text", sms.text},
                                      {"To", sms.to},
                                      {"Type", "sms"},
                                      {"Units", "1"}};
    const auto url = crypto::view(settings.url);
    auto request = by_get ? form_get(path_of(url), form) : form_post(path_of(url), form, {});
    if (settings.token.empty()) return request;
    const auto words = signed_words(url, request);
    const auto signature =
        signature_of(crypto::view(settings.token), crypto::view(*words), ".", "nonce");
    request.fields.push_back({"x-plivo-signature-v3", crypto::wiped_copy(signature)});
    request.fields.push_back({"x-plivo-signature-v3-nonce", crypto::wiped_copy("nonce")});
    return request;
  }
};

}  // namespace

std::unique_ptr<const Aggregator> make_plivo() { return std::make_unique<const Plivo>(); }

}  // namespace ishara::aggregators
