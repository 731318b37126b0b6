#include "gateway/aggregators/rehearsal.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "gateway/aggregators/fields.hpp"
#include "i18n/decode.hpp"

namespace ishara::aggregators {
namespace {

namespace json = boost::json;

// Ids and recipients are shown as they are; JSON wants them to be UTF-8.
json::value shown(const crypto::WipedBuffer& bytes) {
  if (bytes.empty()) return nullptr;
  const auto text =
      i18n::decode(crypto::view(bytes), i18n::Charset::unspecified, crypto::wiping_resource());
  return json::string{text.data(), text.size()};
}

json::value shown(const identity::Sender& sender) {
  struct {
    std::string operator()(const identity::Msisdn& number) const {
      return "+" + number.reveal([](std::string_view digits) { return std::string{digits}; });
    }
    std::string operator()(const identity::ShortCode& code) const {
      return code.reveal([](std::string_view digits) { return std::string{digits}; });
    }
    std::string operator()(const identity::AlphanumericSender& name) const {
      return name.reveal([](std::string_view letters) { return std::string{letters}; });
    }
  } show;
  return json::string{std::visit(show, sender)};
}

json::value shown(std::optional<std::chrono::sys_seconds> at) {
  if (!at) return nullptr;
  return json::string{utc_text(*at)};
}

std::string line_of(const Message& message) {
  auto text = message.text.reveal([](std::string_view utf8) { return json::string{utf8}; });
  return json::serialize(json::object{{"event", "message"},
                                      {"from", shown(message.from)},
                                      {"to", shown(message.to)},
                                      {"text", std::move(text)},
                                      {"id", shown(message.id)},
                                      {"at", shown(message.at)}});
}

std::string line_of(const Delivery& delivery) {
  constexpr std::string_view words[] = {"queued", "sent", "delivered", "failed"};
  return json::serialize(
      json::object{{"event", "delivery"},
                   {"id", shown(delivery.id)},
                   {"status", words[static_cast<std::size_t>(delivery.status)]}});
}

std::string line_of(const UssdStep& step) {
  constexpr std::string_view words[] = {"new", "input", "close"};
  auto input = step.input.reveal([](std::string_view utf8) { return json::string{utf8}; });
  return json::serialize(json::object{{"event", "ussd"},
                                      {"from", step.from ? shown(*step.from) : nullptr},
                                      {"session", shown(step.session)},
                                      {"code", shown(step.code)},
                                      {"kind", words[static_cast<std::size_t>(step.what)]},
                                      {"input", std::move(input)}});
}

// Without a status: the request that it came in is answered with success.
std::string line_of(const Unreadable& entry) {
  return json::serialize(json::object{{"refused", entry.why.reason.view()}});
}

bool is_described(std::string_view key) {
  const auto keys = config::external_keys();
  return std::ranges::find(keys, key, &config::ExternalKey::key) != keys.end();
}

// A key of the provider `external`. Several fields stand between commas or spaces, what may hold a
// space itself between commas alone.
std::optional<std::string> describe(ChannelSettings& settings, std::string_view key,
                                    std::string_view value) {
  const auto keys = config::external_keys();
  const auto known = std::ranges::find(keys, key, &config::ExternalKey::key);
  std::vector<std::string> values;
  if (known->shape == config::ExternalKey::Shape::list) {
    const auto separators = key.ends_with("_field") && !value.starts_with("header ") ? ", " : ",";
    while (!value.empty()) {
      const auto one = value.substr(0, value.find_first_of(separators));
      if (!one.empty()) values.emplace_back(one);
      value.remove_prefix(std::min(value.size(), one.size() + 1));
    }
    if (values.empty()) return std::string{key} + " names nothing";
  } else {
    values.emplace_back(value);
  }
  if (known->shape == config::ExternalKey::Shape::truth && value != "true" && value != "false")
    return std::string{key} + " is true or false";
  auto description = settings.external ? std::make_shared<config::External>(*settings.external)
                                       : std::make_shared<config::External>();
  config::ExternalReader reader{*description};
  auto wrong = reader.put(key, values);
  if (!wrong)
    if (auto in_template = reader.read_templates(); !in_template.empty())
      wrong = std::move(in_template.front().what);
  if (wrong)
    return std::string{key} + " " + *wrong + "; for example " + std::string{known->example};
  settings.external = std::move(description);
  return std::nullopt;
}

http::Response answer_to(const Aggregator& aggregator, const std::vector<Event>& events) {
  const auto* step = events.empty() ? nullptr : std::get_if<UssdStep>(&events.front());
  if (step == nullptr || step->what == UssdStep::What::close)
    return aggregator.acknowledge(std::nullopt);
  return aggregator.show({"...", false}, crypto::view(step->echo));
}

}  // namespace

std::optional<Kind> kind_named(std::string_view name) noexcept {
  if (name == "sms") return Kind::sms;
  if (name == "dlr") return Kind::dlr;
  if (name == "ussd") return Kind::ussd;
  return std::nullopt;
}

std::optional<std::string> set(ChannelSettings& settings, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == assignment.npos) return "a setting is written key=value";
  const auto key = assignment.substr(0, equals);
  const auto value = assignment.substr(equals + 1);
  const bool on = value == "on";
  if (key == "verify" || key == "entities") {
    if (!on && value != "off") return std::string{key} + " is on or off";
    (key == "verify" ? settings.verify : settings.entities) = on;
  } else if (key == "country") {
    const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (value.size() != 2 || !std::ranges::all_of(value, upper))
      return "country is an ISO 3166-1 code in upper case, for example RW";
    settings.country = value;
  } else if (key == "charset") {
    const auto charset = i18n::charset_from_name(value);
    if (!charset) return "charset is one of UTF-8, windows-1252, UTF-16BE, GSM";
    settings.charset = *charset;
  } else if (key == "url") {
    settings.url = crypto::wiped_copy(value);
  } else if (key == "token") {
    settings.token = crypto::wiped_copy(value);
  } else if (key == "secret") {
    settings.secret = crypto::wiped_copy(value);
  } else if (key == "password") {
    settings.password = crypto::wiped_copy(value);
  } else if (key == "account") {
    settings.account = value;
  } else if (key == "signature") {
    constexpr std::string_view methods[] = {"md5hash", "md5", "sha1", "sha256", "sha512"};
    if (std::ranges::find(methods, value) == std::end(methods))
      return "signature is one of md5hash, md5, sha1, sha256, sha512";
    settings.signature = value;
  } else if (key == "now") {
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error != std::errc{} || end != value.data() + value.size())
      return "now is a number of seconds since 1970";
    settings.now = std::chrono::sys_seconds{std::chrono::seconds{seconds}};
  } else if (is_described(key)) {
    return describe(settings, key, value);
  } else {
    return "there is no setting '" + std::string{key} +
           "'; choose from country, charset, entities, url, token, secret, signature, account, "
           "password, now, verify, and for the provider external those of ops/external.md";
  }
  return std::nullopt;
}

std::vector<std::string> rehearse(const Aggregator& aggregator, const http::Request& request,
                                  Kind kind, const ChannelSettings& settings) {
  const auto refused = [](const Refusal& refusal) {
    return std::vector{refused_line(refusal.reason.view(), status_of(refusal.code))};
  };
  if (const auto authentic = aggregator.authentic(request, settings, settings.now); !authentic)
    return refused(authentic.error());
  const auto events = aggregator.parse(request, kind, settings);
  if (!events) return refused(events.error());

  std::vector<std::string> lines;
  for (const auto& event : *events)
    lines.push_back(std::visit([](const auto& one) { return line_of(one); }, event));
  const auto answer = answer_to(aggregator, *events);
  lines.push_back(json::serialize(json::object{
      {"answer",
       {{"status", answer.status}, {"type", answer.content_type}, {"body", answer.body}}}}));
  return lines;
}

std::string refused_line(std::string_view reason, unsigned status) {
  return json::serialize(json::object{{"refused", reason}, {"status", status}});
}

}  // namespace ishara::aggregators
