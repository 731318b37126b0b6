// `ishara simulate sms`: a phone in the terminal. Sends a text to a running gateway as the
// aggregator would, and shows the answer as the phone would.

#include "gateway/commands/simulate.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/commands/commands.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"
#include "gateway/http/client.hpp"
#include "gateway/http/form.hpp"
#include "i18n/sms.hpp"
#include "i18n/utf8.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string encoded(std::string_view bytes) {
  const auto out = http::percent_encode(bytes);
  return {out.begin(), out.end()};
}

std::string form_of(const Pairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs)
    out += (out.empty() ? "" : "&") + encoded(name) + "=" + encoded(value);
  return out;
}

http::Request request_to(http::Method method, std::string_view target, std::string_view body = {}) {
  http::Request request;
  request.method = method;
  request.target = crypto::wiped_copy(target);
  request.body = crypto::wiped_copy(body);
  return request;
}

void add(http::Request& request, const char* name, std::string_view value) {
  request.fields.push_back({name, crypto::wiped_copy(value)});
}

http::Request form_post(std::string_view target, const Pairs& pairs) {
  auto request = request_to(http::Method::post, target, form_of(pairs));
  add(request, "content-type", "application/x-www-form-urlencoded");
  return request;
}

std::string utc(std::chrono::system_clock::time_point at, const char* format) {
  const auto seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

http::Request by_africastalking(const ProviderSetup& setup, const PhoneText& sms) {
  return form_post(path_of(setup.url), {{"id", sms.id},
                                        {"from", sms.from},
                                        {"to", sms.to},
                                        {"text", sms.text},
                                        {"date", utc(sms.at, "%Y-%m-%dT%H:%M:%SZ")},
                                        {"linkId", ""},
                                        {"networkCode", "99999"}});
}

http::Request by_twilio(const ProviderSetup& setup, const PhoneText& sms) {
  // In the order of the names, which is that of the signature.
  const Pairs pairs{{"AccountSid", setup.account},
                    {"Body", sms.text},
                    {"From", sms.from},
                    {"MessageSid", "SM" + sms.id},
                    {"NumMedia", "0"},
                    {"SmsStatus", "received"},
                    {"To", sms.to}};
  auto request = form_post(path_of(setup.url), pairs);
  if (!setup.token.empty()) {
    auto all = setup.url;
    for (const auto& [name, value] : pairs) all += name + value;
    add(request, "x-twilio-signature",
        crypto::base64(crypto::hmac_sha1(crypto::bytes_of(setup.token), {crypto::bytes_of(all)})));
  }
  return request;
}

// The text as Kannel hands it on without mo-recode: UTF-16BE where GSM-7 did not do on the air.
std::string big_endian(std::string_view utf8) {
  std::string out;
  while (!utf8.empty()) {
    const auto point = i18n::first_of_utf8(utf8);
    utf8.remove_prefix(point.size);
    std::u16string units;
    i18n::append_utf16(point.value, units);
    for (const char16_t unit : units) {
      out.push_back(static_cast<char>(unit >> 8));
      out.push_back(static_cast<char>(unit & 0xFF));
    }
  }
  return out;
}

http::Request by_kannel(const ProviderSetup& setup, const PhoneText& sms) {
  const bool wide = i18n::measure(sms.text).encoding == i18n::Encoding::ucs2;
  const std::string charset = wide ? "UTF-16BE" : "UTF-8";
  const std::string coding = wide ? "2" : "0";
  const auto text = wide ? big_endian(sms.text) : sms.text;
  const std::string target{path_of(setup.url)};
  if (!setup.post)
    return request_to(
        http::Method::get,
        target + "?" +
            form_of({{"id", sms.id},
                     {"from", sms.from},
                     {"to", sms.to},
                     {"ts", std::to_string(std::chrono::system_clock::to_time_t(sms.at))},
                     {"coding", coding},
                     {"charset", charset},
                     {"udh", ""},
                     {"smsc", "simulated"},
                     {"text", text}}));
  auto request = request_to(http::Method::post, target + "?id=" + encoded(sms.id), text);
  add(request, "content-type", "text/plain; charset=\"" + charset + "\"");
  add(request, "x-kannel-from", sms.from);
  add(request, "x-kannel-to", sms.to);
  add(request, "x-kannel-time", utc(sms.at, "%Y-%m-%d %H:%M:%S"));
  add(request, "x-kannel-coding", coding);
  return request;
}

std::string unescaped_xml(std::string_view text) {
  constexpr std::pair<std::string_view, char> names[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  std::string out;
  while (!text.empty()) {
    const auto* found =
        std::ranges::find_if(names, [&](const auto& name) { return text.starts_with(name.first); });
    out.push_back(found == std::end(names) ? text.front() : found->second);
    text.remove_prefix(found == std::end(names) ? 1 : found->first.size());
  }
  return out;
}

}  // namespace

std::string_view path_of(std::string_view url) noexcept {
  const auto scheme = url.find("://");
  const auto slash = scheme == url.npos ? url.npos : url.find('/', scheme + 3);
  return slash == url.npos ? "/" : url.substr(slash);
}

http::Request aggregator_request(const ProviderSetup& setup, const PhoneText& sms) {
  if (setup.provider == "kannel") return by_kannel(setup, sms);
  if (setup.provider == "twilio") return by_twilio(setup, sms);
  return by_africastalking(setup, sms);
}

std::optional<std::string> phone_reply(std::string_view provider, const http::Response& answer) {
  if (!is_success(provider, answer.status)) return std::nullopt;
  if (provider == "kannel" && !answer.body.empty()) return answer.body;
  if (provider != "twilio") return std::nullopt;
  const std::string_view body{answer.body};
  constexpr std::string_view opening = "<Message>";
  const auto start = body.find(opening);
  const auto end = body.find("</Message>");
  if (start == body.npos || end == body.npos || end < start) return std::nullopt;
  const auto from = start + opening.size();
  return unescaped_xml(body.substr(from, end - from));
}

bool is_success(std::string_view provider, unsigned status) noexcept {
  if (provider == "kannel") return status == 200 || status == 202;
  return status >= 200 && status < 300;
}

namespace {

struct Simulated {
  ProviderSetup setup;
  std::string from = "+250788000001";
  std::string to = "2020";
  std::optional<std::string> text;
  bool as_json = false;
};

std::string size_of(std::string_view text) {
  const auto measured = i18n::measure(text);
  const bool gsm7 = measured.encoding == i18n::Encoding::gsm7;
  return std::to_string(measured.segments) +
         (measured.segments == 1 ? " segment, " : " segments, ") + std::to_string(measured.units) +
         (gsm7 ? " septets of GSM-7" : " units of UCS-2");
}

void show(const Simulated& simulated, std::string_view text, const http::Response& answer,
          const std::optional<std::string>& reply) {
  if (simulated.as_json) {
    json::object out{{"status", answer.status}, {"reply", nullptr}};
    if (reply) {
      const auto measured = i18n::measure(*reply);
      out["reply"] = *reply;
      out["encoding"] = measured.encoding == i18n::Encoding::gsm7 ? "gsm7" : "ucs2";
      out["units"] = measured.units;
      out["segments"] = measured.segments;
    }
    std::cout << json::serialize(out) << std::endl;
    return;
  }
  std::cout << simulated.from << " -> " << simulated.to << ": " << text << "\n  (" << size_of(text)
            << ")\n";
  if (reply)
    std::cout << simulated.from << " <- " << simulated.to << ": " << *reply << "\n  ("
              << size_of(*reply) << ")" << std::endl;
  else
    std::cout << "  accepted (" << answer.status << "), no text for the phone" << std::endl;
}

// Sends one text; true if the gateway took it.
bool send(const Simulated& simulated, const http::Origin& origin, std::string_view text) {
  const PhoneText sms{simulated.from, simulated.to, std::string{text},
                      crypto::hex(crypto::random_bytes<16>()), std::chrono::system_clock::now()};
  const auto answer = http::blocking::fetch(origin, aggregator_request(simulated.setup, sms));
  if (!answer) {
    complain("no answer from the gateway: " + answer.error().message(),
             "see that `ishara serve` or `ishara gateway` runs, and that --url has its address");
    return false;
  }
  if (!is_success(simulated.setup.provider, answer->status)) {
    const auto status = std::to_string(answer->status);
    std::string advice = "the gateway says: " + (answer->body.empty() ? "nothing" : answer->body);
    if (answer->status == 404) advice = "the path of --url is not that of any channel";
    if (answer->status == 403) advice = "the signature is wrong: give the channel's --token";
    if (answer->status == 405) advice = "the channel takes POST only: add --post";
    complain("the text was refused with status " + status, advice);
    return false;
  }
  show(simulated, text, *answer, phone_reply(simulated.setup.provider, *answer));
  return true;
}

int simulate(const Simulated& simulated) {
  const std::string_view url{simulated.setup.url};
  const auto path = path_of(url);
  const auto origin =
      http::parse_origin(url.substr(0, url.size() - (path == "/" ? 0 : path.size())));
  if (!origin) {
    complain("--url is no URL of a channel",
             "for example http://127.0.0.1:8080/in/kannel/<secret>");
    return bad_usage;
  }
  crypto::start();
  bool all = true;
  if (simulated.text) {
    all = send(simulated, *origin, *simulated.text);
  } else {
    for (std::string line; std::getline(std::cin, line);) all &= send(simulated, *origin, line);
  }
  return all ? good : failed;
}

}  // namespace

void add_simulate(CLI::App& root, int& exit_code) {
  auto* const command = root.add_subcommand("simulate", "A phone in the terminal, for tests");
  command->require_subcommand(1);
  auto* const sms = command->add_subcommand(
      "sms", "Send texts to a running gateway as an aggregator would, show what comes back");
  auto simulated = std::make_shared<Simulated>();
  sms->add_option("--url", simulated->setup.url, "The channel's URL, as `channel add` printed it")
      ->required();
  sms->add_option("--provider", simulated->setup.provider, "The aggregator to play")
      ->required()
      ->check(CLI::IsMember({"africastalking", "kannel", "twilio"}));
  sms->add_option("--from", simulated->from, "The phone's number")->capture_default_str();
  sms->add_option("--to", simulated->to, "The short code")->capture_default_str();
  sms->add_option("--text", simulated->text, "One text (default: texts on stdin, one a line)");
  sms->add_option("--token", simulated->setup.token, "Twilio's auth token, to sign with");
  sms->add_option("--account", simulated->setup.account, "Twilio's AccountSid");
  sms->add_flag("--post", simulated->setup.post, "Kannel's post-url in place of get-url");
  sms->add_flag("--json", simulated->as_json, "Print JSON, one object a text");
  sms->footer(
      "Example:\n  ishara simulate sms --provider kannel --text 'they keep my passport' \\\n"
      "      --url http://127.0.0.1:8080/in/kannel/<secret>");
  sms->callback([simulated, &exit_code] { exit_code = simulate(*simulated); });
}

}  // namespace ishara::commands
