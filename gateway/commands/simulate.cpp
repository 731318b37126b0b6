// `ishara simulate sms|ussd`: a phone in the terminal. Sends texts, or holds a dialogue, with a
// running gateway as the aggregator would, and shows the answers as the phone would.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/aggregators/registry.hpp"
#include "gateway/commands/channel_files.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/http/client.hpp"
#include "i18n/sms.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

struct Simulated {
  std::string provider;
  std::string url;
  std::string token;
  std::string secret;
  std::string signature;
  std::string account;
  bool post = false;
  std::string from = "+250788000001";
  std::string to = "2020";
  std::optional<std::string> text;
  bool as_json = false;
  std::filesystem::path description;
  aggregators::ChannelSettings described;
};

std::string length_of(const i18n::Measure& measured) {
  return std::to_string(measured.units) +
         (measured.encoding == i18n::Encoding::gsm7 ? " septets of GSM-7" : " units of UCS-2");
}

std::string size_of(std::string_view text) {
  const auto measured = i18n::measure(text);
  return std::to_string(measured.segments) +
         (measured.segments == 1 ? " segment, " : " segments, ") + length_of(measured);
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

aggregators::ChannelSettings settings_of(const Simulated& simulated) {
  auto out = simulated.described;
  out.url = crypto::wiped_copy(simulated.url);
  out.token = crypto::wiped_copy(simulated.token);
  out.secret = crypto::wiped_copy(simulated.secret);
  out.signature = simulated.signature;
  out.account = simulated.account;
  out.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return out;
}

// Sends one text; true if the gateway took it.
bool send(const Simulated& simulated, const aggregators::Aggregator& aggregator,
          const http::Origin& origin, std::string_view text) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const aggregators::PhoneText sms{simulated.from, simulated.to, std::string{text},
                                   crypto::hex(crypto::random_bytes<16>()), now};
  const auto answer =
      http::blocking::fetch(origin, aggregator.call(sms, settings_of(simulated), !simulated.post));
  if (!answer) {
    complain("no answer from the gateway: " + answer.error().message(),
             "see that `ishara serve` or `ishara gateway` runs, and that --url has its address");
    return false;
  }
  if (!aggregator.is_success(*answer)) {
    const auto status = std::to_string(answer->status);
    std::string advice = "the gateway says: " + (answer->body.empty() ? "nothing" : answer->body);
    if (answer->status == 404) advice = "the path of --url is not that of any channel";
    if (answer->status == 403)
      advice = "the proof is wrong: give the channel's --token or --secret";
    if (answer->status == 405) advice = "the channel takes POST only: add --post";
    complain("the text was refused with status " + status, advice);
    return false;
  }
  show(simulated, text, *answer, aggregator.reply_in(*answer));
  return true;
}

int simulate(Simulated& simulated) {
  if (!read_description(simulated.description, simulated.described)) return bad_usage;
  const aggregators::Registry registry;
  const auto aggregator = registry.of(simulated.provider, simulated.described);
  if (aggregator == nullptr) {
    complain("the provider '" + simulated.provider + "' is not offered",
             "`ishara channel providers` tells which are");
    return bad_usage;
  }
  if (!brings_texts(*aggregator)) return bad_usage;
  const auto origin = origin_of_webhook(simulated.url);
  if (!origin) return bad_usage;
  crypto::start();
  bool all = true;
  if (simulated.text) {
    all = send(simulated, *aggregator, *origin, *simulated.text);
  } else {
    for (std::string line; std::getline(std::cin, line);)
      all &= send(simulated, *aggregator, *origin, line);
  }
  return all ? good : failed;
}

struct Line {
  const aggregators::Aggregator& aggregator;
  http::Origin origin;
};

// One step; nothing, with the reason on stderr, if the gateway answers with no screen.
std::optional<aggregators::ShownScreen> show_step(const Simulated& simulated, const Line& line,
                                                  const aggregators::PhoneStep& step) {
  const auto answer =
      http::blocking::fetch(line.origin, line.aggregator.dial(step, settings_of(simulated)));
  if (!answer) {
    complain("no answer from the gateway: " + answer.error().message(),
             "see that `ishara serve` or `ishara gateway` runs, and that --url has its address");
    return std::nullopt;
  }
  auto screen = line.aggregator.screen_in(*answer);
  if (!line.aggregator.is_success(*answer) || !screen) {
    complain("the step was refused with status " + std::to_string(answer->status),
             answer->status == 404 ? "the path of --url is not that of any channel"
                                   : "the gateway says: " + answer->body);
    return std::nullopt;
  }
  if (simulated.as_json)
    std::cout << json::serialize(json::object{{"screen", screen->text}, {"end", screen->end}})
              << std::endl;
  else
    std::cout << screen->text << "\n  (" << length_of(i18n::measure(screen->text))
              << (screen->end ? "; the end)" : ")") << std::endl;
  return screen;
}

// Dials and answers each screen, until the last or until there is nothing more to say.
int hold_dialogue(Simulated simulated, const std::vector<std::string>& answers) {
  if (!read_description(simulated.description, simulated.described)) return bad_usage;
  const aggregators::Registry registry;
  const auto aggregator = registry.of(simulated.provider, simulated.described);
  if (aggregator == nullptr ||
      std::ranges::count(aggregator->kinds(), aggregators::Kind::ussd) == 0) {
    complain("the provider '" + simulated.provider + "' brings no dialogues",
             "`ishara channel providers` tells which do");
    return bad_usage;
  }
  auto origin = origin_of_webhook(simulated.url);
  if (!origin) return bad_usage;
  crypto::start();
  const Line line{*aggregator, std::move(*origin)};
  if (!simulated.url.ends_with("/ussd")) simulated.url += "/ussd";
  aggregators::PhoneStep step;
  step.from = simulated.from;
  step.code = simulated.to;
  step.session = crypto::hex(crypto::random_bytes<16>());
  for (std::size_t said = 0;; ++said) {
    const auto screen = show_step(simulated, line, step);
    if (!screen) return failed;
    if (screen->end) return good;
    std::string answer;
    if (said < answers.size())
      answer = answers[said];
    else if (!answers.empty() || !std::getline(std::cin, answer))
      break;
    if (!simulated.as_json) std::cout << "> " << answer << std::endl;
    step.what = aggregators::UssdStep::What::input;
    step.inputs.push_back(std::move(answer));
  }
  // Nothing more to say: the phone hangs up, of which not every provider tells.
  step.what = aggregators::UssdStep::What::close;
  auto close = line.aggregator.dial(step, settings_of(simulated));
  if (!close.target.empty() && !http::blocking::fetch(line.origin, std::move(close))) return failed;
  return good;
}

}  // namespace

void add_simulate(CLI::App& root, int& exit_code) {
  auto* const command = root.add_subcommand("simulate", "A phone in the terminal, for tests");
  command->require_subcommand(1);
  auto* const sms = command->add_subcommand(
      "sms", "Send texts to a running gateway as an aggregator would, show what comes back");
  auto simulated = std::make_shared<Simulated>();
  sms->add_option("--url", simulated->url, "The channel's URL, as `channel add` printed it")
      ->required();
  sms->add_option("--provider", simulated->provider, "The aggregator to play")->required();
  sms->add_option("--from", simulated->from, "The phone's number")->capture_default_str();
  sms->add_option("--to", simulated->to, "The short code")->capture_default_str();
  sms->add_option("--text", simulated->text, "One text (default: texts on stdin, one a line)");
  sms->add_option("--token", simulated->token, "The channel's, to sign with");
  sms->add_option("--secret", simulated->secret, "The channel's, to sign with or to send along");
  sms->add_option("--signature", simulated->signature, "How the channel's provider signs");
  sms->add_option("--account", simulated->account, "The channel's");
  sms->add_flag("--post", simulated->post, "By POST where the provider has both ways");
  sms->add_option("--description", simulated->description,
                  "Of the provider external: the channel's file");
  sms->add_flag("--json", simulated->as_json, "Print JSON, one object a text");
  sms->footer(
      "Example:\n  ishara simulate sms --provider kannel --text 'they keep my passport' \\\n"
      "      --url http://127.0.0.1:8080/in/kannel/<secret>");
  sms->callback([simulated, &exit_code] { exit_code = simulate(*simulated); });

  auto* const ussd = command->add_subcommand(
      "ussd", "Hold a dialogue with a running gateway as an aggregator would, show its screens");
  auto dialled = std::make_shared<Simulated>();
  dialled->to = "*384*2020#";
  auto answers = std::make_shared<std::vector<std::string>>();
  ussd->add_option("--url", dialled->url, "The channel's URL, as `channel add` printed it")
      ->required();
  ussd->add_option("--provider", dialled->provider, "The aggregator to play")->required();
  ussd->add_option("--from", dialled->from, "The phone's number")->capture_default_str();
  ussd->add_option("--code", dialled->to, "What is dialled")->capture_default_str();
  ussd->add_option("--answer", *answers,
                   "What is typed, one for each screen (default: answers on stdin, one a line)")
      ->type_size(1)
      ->allow_extra_args(false);
  ussd->add_option("--secret", dialled->secret, "The channel's, to send along");
  ussd->add_option("--account", dialled->account, "The channel's");
  ussd->add_option("--description", dialled->description,
                   "Of the provider external: the channel's file");
  ussd->add_flag("--json", dialled->as_json, "Print JSON, one object a screen");
  ussd->footer(
      "Example:\n  ishara simulate ussd --provider africastalking \\\n"
      "      --url http://127.0.0.1:8080/in/africastalking/<secret> \\\n"
      "      --answer 'they keep my passport'");
  ussd->callback([dialled, answers, &exit_code] { exit_code = hold_dialogue(*dialled, *answers); });
}

}  // namespace ishara::commands
