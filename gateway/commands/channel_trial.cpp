// `ishara channel test`: one text through the front door, as the provider would bring it, and what
// became of it at each stage.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "gateway/aggregators/fields.hpp"
#include "gateway/commands/channel_files.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/http/client.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

struct Trial {
  std::string name;
  std::string url;
  std::string from;
  std::string to = "2020";
  std::string text = "This is a test of the channel. Please ignore it.";
  bool as_json = false;
};

// What became of one request.
struct Heard {
  std::optional<http::Response> answer;
  std::string error;  // why there is none
  std::chrono::milliseconds after{};
};

class Stages {
 public:
  explicit Stages(bool as_json) : as_json_{as_json} {}

  bool tell(std::string_view stage, bool is_good, const std::string& what) {
    all_good_ &= is_good;
    if (as_json_)
      std::cout << json::serialize(
                       json::object{{"stage", stage}, {"good", is_good}, {"what", what}})
                << std::endl;
    else
      std::cout << (is_good ? "good   " : "BAD    ") << stage
                << std::string(stage.size() < 8 ? 8 - stage.size() : 1, ' ') << what << std::endl;
    return is_good;
  }
  bool all_good() const { return all_good_; }

 private:
  bool as_json_;
  bool all_good_ = true;
};

class Provider {
 public:
  Provider(const aggregators::Aggregator& aggregator, const config::Channel& channel,
           http::Origin origin, const Trial& trial)
      : aggregator_{aggregator},
        channel_{channel},
        origin_{std::move(origin)},
        sms_{trial.from, trial.to, trial.text, crypto::hex(crypto::random_bytes<16>()),
             std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())} {}

  // Brings the same text every time, to `url`; without the channel's secrets, if not `proved`.
  Heard bring(std::string_view url, bool proved) const {
    auto settings = channel_.settings;
    settings.url = crypto::wiped_copy(url);
    if (!proved) {
      settings.token = crypto::wiped_copy("none");
      settings.secret = crypto::wiped_copy("none");
    }
    const auto began = std::chrono::steady_clock::now();
    auto answer =
        http::blocking::fetch(origin_, aggregator_.call(sms_, settings, channel_.allow_get));
    Heard out;
    out.after = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    if (answer)
      out.answer = std::move(*answer);
    else
      out.error = answer.error().message();
    return out;
  }

 private:
  const aggregators::Aggregator& aggregator_;
  const config::Channel& channel_;
  http::Origin origin_;
  aggregators::PhoneText sms_;
};

std::string status_in(const Heard& heard) { return std::to_string(heard.answer->status); }
std::string time_of(const Heard& heard) { return std::to_string(heard.after.count()) + " ms"; }

// The same URL with another secret.
std::string with_other_secret(std::string url) {
  url.back() = url.back() == 'A' ? 'B' : 'A';
  return url;
}

void try_all(Stages& stages, const Provider& provider, const aggregators::Aggregator& aggregator,
             const Trial& trial) {
  const auto elsewhere = provider.bring(with_other_secret(trial.url), true);
  if (!stages.tell("reach", elsewhere.answer.has_value(),
                   elsewhere.answer ? "the gateway answers in " + time_of(elsewhere)
                                    : "no answer: " + elsewhere.error))
    return;
  stages.tell("secret", elsewhere.answer->status == 404,
              elsewhere.answer->status == 404
                  ? "a URL with another secret is nobody's"
                  : "a URL with another secret got " + status_in(elsewhere) +
                        ", not 404: something else than the gateway answers");

  if (aggregator.profile().proof != aggregators::Proof::none) {
    const auto unproved = provider.bring(trial.url, false);
    const bool refused =
        unproved.answer && (unproved.answer->status == 403 || unproved.answer->status == 401);
    stages.tell("proof", refused,
                refused ? "without the provider's proof a text is refused"
                        : "a text without the provider's proof was not refused");
  } else {
    stages.tell("proof", true, "the secret in the URL is the only proof of this provider");
  }

  const auto first = provider.bring(trial.url, true);
  const bool taken = first.answer && aggregator.is_success(*first.answer);
  if (!stages.tell("text", taken,
                   taken ? "taken and stored in " + time_of(first)
                   : !first.answer
                       ? "no answer: " + first.error
                       : "refused with " + status_in(first) +
                             (first.answer->body.empty() ? "" : ": ") + first.answer->body))
    return;
  // Aggregators give up after some seconds, and bring the text again.
  stages.tell("time", first.after < std::chrono::seconds{3},
              first.after < std::chrono::seconds{3}
                  ? "soon enough for every provider"
                  : "slower than the 3 s that some providers wait");
  const auto line = aggregator.reply_in(*first.answer);
  stages.tell("answer", true,
              line ? "the phone gets: " + *line
                   : "nothing for the phone in the provider's own answer: a line goes out through "
                     "its API, if the channel sends");
  const auto second = provider.bring(trial.url, true);
  const bool same = second.answer && aggregator.is_success(*second.answer) &&
                    aggregator.reply_in(*second.answer) == line;
  stages.tell("again", same,
              same ? "the same text once more is answered as the first"
                   : "the same text once more is not answered as the first");
}

int try_channel(const CLI::App& root, Trial& trial) {
  const aggregators::Registry registry;
  const auto config = load_configuration(root);
  if (!config) return failed;
  const auto channels = load_all_channels(*config, registry);
  if (!channels) return failed;
  const auto* channel = channel_named(*channels, trial.name);
  if (channel == nullptr) return failed;
  const auto aggregator = registry.of(channel->provider, channel->settings);
  if (!brings_texts(*aggregator)) return bad_usage;
  if (trial.url.empty()) std::getline(std::cin, trial.url);
  const auto origin = origin_of_webhook(trial.url);
  if (!origin) return bad_usage;
  const auto path = aggregators::path_of(trial.url);
  const auto before = "/in/" + channel->provider + "/";
  const bool is_its = path.starts_with(before) &&
                      channels->find(channel->provider, path.substr(before.size())) == channel;
  if (!is_its)
    return complain(
        "that is not the URL of channel '" + channel->name + "'",
        "if nobody has it any more, `ishara channel rotate " + channel->name + "` makes a new one");
  crypto::start();
  Stages stages{trial.as_json};
  try_all(stages, Provider{*aggregator, *channel, *origin, trial}, *aggregator, trial);
  return stages.all_good() ? good : failed;
}

}  // namespace

void offer_channel_test(CLI::App& channel, const CLI::App& root, int& exit_code) {
  auto* const command = channel.add_subcommand(
      "test", "Bring a text through the front door as the provider would, and tell each stage");
  auto trial = std::make_shared<Trial>();
  command->add_option("name", trial->name, "As in `channel list`")->required();
  command->add_option(
      "--url", trial->url,
      "The channel's URL, as `channel add` printed it (default: one line on stdin)");
  command
      ->add_option("--from", trial->from,
                   "Your own phone's number, with a plus: it may get an answer")
      ->required();
  command->add_option("--to", trial->to, "The short code")->capture_default_str();
  command->add_option("--text", trial->text, "What it says: somebody will read it in a queue")
      ->capture_default_str();
  command->add_flag("--json", trial->as_json, "Print JSON, one object a stage");
  command->footer(
      "Run it as the user of the gateway. The URL may be the public one, to try the way from "
      "there.\n"
      "Example:\n  ishara channel test 2020-mtn --from +250788000001 < url-of-the-channel");
  command->callback([trial, &root, &exit_code] {
    harden_process(false);
    exit_code = try_channel(root, *trial);
  });
}

}  // namespace ishara::commands
