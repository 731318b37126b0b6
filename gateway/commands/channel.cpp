// `ishara channel add|providers|list|show|test|rotate|parse`: the short codes and who carries them.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/aggregators/registry.hpp"
#include "gateway/aggregators/rehearsal.hpp"
#include "gateway/commands/channel_files.hpp"
#include "gateway/commands/channel_health.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/config/channels.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/http/error.hpp"
#include "gateway/http/parse.hpp"
#include "gateway/identity/e164_table.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

std::string offered(const aggregators::Registry& registry) {
  std::string out;
  for (const auto name : registry.names()) out += (out.empty() ? "" : ", ") + std::string{name};
  return out;
}

const aggregators::Aggregator* find_provider(const aggregators::Registry& registry,
                                             const std::string& name) {
  const auto* found = registry.find(name);
  if (found == nullptr)
    complain("the provider '" + name + "' is not offered", "choose from " + offered(registry));
  return found;
}

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

// --- channel add

struct Added {
  std::string name;
  std::string provider;
  std::string country;
  std::string language;
  int number = 0;  // 0: the lowest that is free
  std::string url;
  std::string account;
  std::string token;
  std::filesystem::path token_file;
  std::string secret;
  std::filesystem::path secret_file;
  std::string signature;
  std::string password;
  std::filesystem::path password_file;
  std::string from;
  std::string send_origin;
  int per_second = 10;
  std::string utc_offset;
  bool delivery_reports = false;
  std::string silent_after;
  std::string charset;
  bool entities = false;
  bool allow_get = false;
  std::filesystem::path description;
  std::filesystem::path sending_description;
  bool as_json = false;
};

// A token that only sends is the relay's: with it anybody could read the provider's list of what
// went to whom.
std::string receiving_file(const aggregators::Aggregator& aggregator, const Added& add,
                           std::string_view secret) {
  std::string out = "# Channel " + add.name +
                    ", written by `ishara channel add`.\nnumber = " + std::to_string(add.number) +
                    "\nprovider = " + config::toml_text(add.provider) +
                    "\ncountry = " + config::toml_text(add.country) +
                    "\nlanguage = " + config::toml_text(add.language) +
                    "\n# BLAKE2b-256 of the secret in the URL; a second one may stand beside it.\n"
                    "secrets = [" +
                    config::toml_text(crypto::hex(config::hash_of_secret(secret))) + "]\n";
  if (add.allow_get) out += "allow_get = true\n";
  if (!add.silent_after.empty())
    out += "silent_after = " + config::toml_text(add.silent_after) + "\n";
  if (!add.url.empty()) out += "url = " + config::toml_text(add.url) + "\n";
  if (!add.account.empty()) out += "account = " + config::toml_text(add.account) + "\n";
  if (!add.token.empty() && std::ranges::count(aggregator.profile().to_receive, "token") != 0)
    out += "token = " + config::toml_text(add.token) + "\n";
  if (!add.secret.empty()) out += "secret = " + config::toml_text(add.secret) + "\n";
  if (!add.signature.empty()) out += "signature = " + config::toml_text(add.signature) + "\n";
  if (!add.charset.empty()) out += "charset = " + config::toml_text(add.charset) + "\n";
  if (add.entities) out += "entities = true\n";
  return out;
}

std::string webhook_of(const Added& add, std::string_view secret) {
  return (add.url.empty() ? "https://HOST" : add.url) + "/in/" + add.provider + "/" +
         std::string{secret};
}

std::string sending_file(const aggregators::Aggregator& aggregator, const Added& add,
                         std::string_view secret) {
  std::string out = "# What the relay needs to send on channel " + add.name +
                    ", written by `ishara channel add`.\nnumber = " + std::to_string(add.number) +
                    "\nprovider = " + config::toml_text(add.provider) +
                    "\nper_second = " + std::to_string(add.per_second) + "\n";
  if (!add.account.empty()) out += "account = " + config::toml_text(add.account) + "\n";
  if (!add.token.empty()) out += "token = " + config::toml_text(add.token) + "\n";
  const bool needs_secret = add.delivery_reports && aggregator.profile().reports_need_secret;
  const auto& password = needs_secret ? add.secret : add.password;
  if (!password.empty()) out += "password = " + config::toml_text(password) + "\n";
  if (!add.from.empty()) out += "from = " + config::toml_text(add.from) + "\n";
  if (!add.send_origin.empty()) out += "origin = " + config::toml_text(add.send_origin) + "\n";
  if (!add.utc_offset.empty()) out += "utc_offset = " + config::toml_text(add.utc_offset) + "\n";
  if (add.delivery_reports)
    out += "delivery_url = " + config::toml_text(webhook_of(add, secret) + "/dlr") + "\n";
  return out;
}

// Of the keys that a provider needs, those that nobody gave, as options of `channel add`.
std::vector<std::string> missing(const Added& add, std::span<const std::string_view> needed) {
  struct {
    std::string_view key;
    std::string_view option;
    bool given;
  } const rows[] = {{"account", "--account", !add.account.empty()},
                    {"token", "--token-file", !add.token.empty()},
                    {"secret", "--secret-file", !add.secret.empty()},
                    {"password", "--password-file", !add.password.empty()},
                    {"url", "--url", !add.url.empty()},
                    {"from", "--from", !add.from.empty()},
                    {"origin", "--send-origin", !add.send_origin.empty()}};
  std::vector<std::string> out;
  for (const auto& row : rows)
    if (!row.given && std::ranges::count(needed, row.key) != 0) out.emplace_back(row.option);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::optional<int> free_number(const config::Channels& channels) {
  for (int number = 1; number <= 255; ++number)
    if (std::ranges::none_of(channels.all(), [&](const auto& one) { return one.number == number; }))
      return number;
  return std::nullopt;
}

bool write(const std::filesystem::path& folder, const std::string& name, const std::string& text) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error))
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  const auto file = folder / (name + ".toml");
  const auto written = config::write_key_file(file, crypto::bytes_of(text));
  if (written) return true;
  complain(file.string() + ": " + written.error().message(),
           written.error() == config::key_file_errc::exists
               ? "remove it first, or choose another name"
               : "run this as the user of the gateway, who must be able to write there");
  return false;
}

void print(const aggregators::Aggregator& aggregator, const Added& add, const std::string& secret,
           const std::vector<std::string>& missing) {
  const auto webhook = webhook_of(add, secret);
  const bool sends = !aggregator.profile().to_send.empty();
  const auto instructions = aggregator.instructions(webhook, add.allow_get);
  const auto kinds = aggregator.kinds();
  const bool has_dialogues = std::ranges::find(kinds, aggregators::Kind::ussd) != kinds.end();
  if (add.as_json) {
    json::object out{{"name", add.name},
                     {"number", add.number},
                     {"provider", add.provider},
                     {"url", webhook},
                     {"delivery_url", webhook + "/dlr"},
                     {"sends", sends && missing.empty()},
                     {"instructions", json::value_from(instructions)}};
    if (has_dialogues) out["ussd_url"] = webhook + "/ussd";
    std::cout << json::serialize(out) << std::endl;
    return;
  }
  std::cout << "Channel " << add.name << " has number " << add.number
            << ". Its URL is a secret that is shown this once; give it to the provider:\n\n  "
            << webhook
            << "\n\nand for delivery reports, if you want any and it asks for a URL:\n\n  "
            << webhook << "/dlr\n\n";
  if (has_dialogues) std::cout << "and for USSD:\n\n  " << webhook << "/ussd\n\n";
  for (const auto& line : instructions) std::cout << line << '\n';
  if (add.url.empty()) std::cout << "\nPut the public name of the gateway in place of HOST.\n";
  if (!sends)
    std::cout << "\nIt only receives: the provider has no API that replies can be sent through.";
  else if (!missing.empty())
    std::cout << "\nIt only receives: to send replies through it, remove it and add it again with "
              << joined(missing) << '.';
  else
    std::cout
        << "\nReplies go out through it."
        << (add.utc_offset.empty()
                ? " Without --utc-offset no reply waits for the hours that\nsomebody asked for "
                  "with SAFE 18-20."
                : "");
  std::cout << std::endl;
}

int add_channel_files(const CLI::App& root, Added& add) {
  const aggregators::Registry registry;
  const auto* const aggregator = find_provider(registry, add.provider);
  if (aggregator == nullptr) return bad_usage;
  if (identity::number_plan(add.country) == nullptr) {
    complain("there is no country '" + add.country + "'",
             "give its ISO 3166-1 code in upper case, for example RW");
    return bad_usage;
  }
  if (!read_secret_of_option(add.token_file, "token", add.token) ||
      !read_secret_of_option(add.secret_file, "secret", add.secret) ||
      !read_secret_of_option(add.password_file, "password", add.password))
    return failed;
  if (add.provider != "external" && !(add.description.empty() && add.sending_description.empty())) {
    complain("only the provider 'external' takes a description", "add --provider external");
    return bad_usage;
  }
  config::ChannelSettings described;
  config::SendingSettings described_sending;
  if (!read_description(add.description, described) ||
      !read_description(add.sending_description, described_sending))
    return bad_usage;
  const auto profile = aggregator->profile();
  add.allow_get |= profile.needs_get;
  if (const auto lacking = missing(add, profile.to_receive); !lacking.empty()) {
    complain(add.provider + " proves its requests, and the gateway has to check that",
             "give " + joined(lacking) +
                 "; a URL is the public origin of the gateway, like https://reports.example.org");
    return bad_usage;
  }
  if (add.delivery_reports && add.url.empty()) {
    complain("the provider has to know where to report deliveries",
             "give --url with the public origin of the gateway");
    return bad_usage;
  }
  for (const auto* value :
       {&add.url, &add.account, &add.token, &add.charset, &add.language, &add.secret, &add.password,
        &add.from, &add.send_origin, &add.utc_offset, &add.signature, &add.silent_after}) {
    if (is_one_line(*value)) continue;
    complain("a value has a line end or another control character in it", "leave it out");
    return bad_usage;
  }
  while (add.url.ends_with('/')) add.url.pop_back();

  const auto config = load_configuration(root);
  if (!config) return failed;
  try {
    if (load_languages(*config).find(add.language) == nullptr)
      return complain("no language pack '" + add.language + "' is in use",
                      "name it in `languages` of the section [deployment]; one that no native "
                      "speaker has read is used only with `allow_unreviewed`");
  } catch (const std::runtime_error& error) {
    return complain(error.what(), "see `packs` in the section [paths]");
  }
  const auto channels = load_all_channels(*config, registry);
  if (!channels) return failed;
  if (add.number == 0) {
    const auto number = free_number(*channels);
    if (!number) return complain("all 255 numbers are taken", "remove a channel first");
    add.number = *number;
  }

  crypto::start();
  const auto secret = crypto::base64url(crypto::random_bytes<32>());
  const auto receiving =
      receiving_file(*aggregator, add, secret) + *description_text(add.description);
  // The same reader that the gateway has says what is wrong, before anything is written.
  std::vector<config::Mistake> mistakes;
  const auto made =
      config::parse_channel(receiving, add.name + ".toml", registry.names(), mistakes);
  const auto lacking = missing(add, profile.to_send);
  const bool sends = !profile.to_send.empty() && lacking.empty();
  const auto sending =
      sending_file(*aggregator, add, secret) + *description_text(add.sending_description);
  if (sends)
    (void)config::parse_sending_channel(sending, add.name + ".toml", registry.sending_providers(),
                                        mistakes);
  if (!tell_mistakes(mistakes)) return bad_usage;
  for (const auto& other : channels->all())
    if (other.number == made->number)
      return complain("channel '" + other.name + "' has that number", "leave --number out");

  if (!write(config->paths.channels, add.name, receiving)) return failed;
  if (sends && !write(config->paths.sending, add.name, sending)) {
    std::error_code ignored;
    std::filesystem::remove(config->paths.channels / (add.name + ".toml"), ignored);
    return failed;
  }
  print(*aggregator, add, secret, lacking);
  return good;
}

void offer_add(CLI::App& channel, const CLI::App& root, int& exit_code) {
  auto* const command = channel.add_subcommand("add", "Make a channel and its secret URL");
  auto add = std::make_shared<Added>();
  command->add_option("name", add->name, "Lower-case letters, digits, - and _")->required();
  command->add_option("--provider", add->provider, "The aggregator's protocol")->required();
  command->add_option("--country", add->country, "ISO 3166-1 code, to read national numbers")
      ->required();
  command->add_option("--language", add->language, "Language pack that answers first")->required();
  command->add_option("--number", add->number, "1 to 255 (default: the lowest that is free)")
      ->check(CLI::Range(1, 255));
  command->add_option("--url", add->url, "Public origin of the gateway: https://host[:port]");
  command->add_option("--account", add->account, "The provider's id of your account");
  auto* const token = command->add_option("--token", add->token,
                                          "The provider's auth token (other users of this machine "
                                          "may see it; see --token-file)");
  command->add_option("--token-file", add->token_file, "File with the token, mode 0600")
      ->excludes(token);
  auto* const shared = command->add_option(
      "--secret", add->secret,
      "What the provider signs with, or sends along (other users of this machine may see it; see "
      "--secret-file)");
  command->add_option("--secret-file", add->secret_file, "File with that secret, mode 0600")
      ->excludes(shared);
  command->add_option("--signature", add->signature,
                      "How it signs: md5hash, md5, sha1, sha256 or sha512 (Vonage)");
  auto* const password = command->add_option(
      "--password", add->password,
      "The password to send with (other users of this machine may see it; see --password-file)");
  command->add_option("--password-file", add->password_file, "File with the password, mode 0600")
      ->excludes(password);
  command->add_option("--from", add->from, "Short code or registered sender of replies");
  command->add_option("--send-origin", add->send_origin,
                      "Where its send API is: https://host[:port], or http:// on this machine");
  command->add_option("--per-second", add->per_second, "Replies that the provider takes a second")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--utc-offset", add->utc_offset,
                      "Of the phones, for replies that wait for hours of the day: +02:00");
  command->add_flag("--delivery-reports", add->delivery_reports,
                    "Ask for them (off by default: the provider's ids lead to numbers)");
  command->add_option("--silent-after", add->silent_after,
                      "Ring when no text has come for so long: 26h (default: never)");
  command->add_option("--charset", add->charset, "Of texts that declare none (default: UTF-8)");
  command->add_flag("--entities", add->entities, "The provider escapes texts as HTML");
  command->add_flag("--allow-get", add->allow_get,
                    "Take GET too: puts numbers and texts into URLs, so no proxy may stand before");
  command->add_option("--description", add->description,
                      "Of the provider external: what it sends (ops/external.md)");
  command->add_option("--sending-description", add->sending_description,
                      "Of the provider external: how one sends through it");
  command->add_flag("--json", add->as_json, "Print JSON");
  command->footer(
      "Run it as the user of the gateway. A running gateway takes the channel within a second.\n"
      "Example:\n  ishara channel add 2020-mtn --provider kannel --country RW --language rw \\\n"
      "      --url https://reports.example.org --from 2020 --account ishara \\\n"
      "      --password-file sendsms-password --send-origin http://127.0.0.1:13013 \\\n"
      "      --utc-offset +02:00");
  command->callback([add, &root, &exit_code] {
    harden_process(false);
    exit_code = add_channel_files(root, *add);
  });
}

// --- channel list, channel show

// What may be shown of a channel: whether it has a secret, never the secret.
json::object shown(const config::Channel& channel) {
  const auto& settings = channel.settings;
  json::array set;
  if (!settings.token.empty()) set.emplace_back("token");
  if (!settings.secret.empty()) set.emplace_back("secret");
  if (!settings.password.empty()) set.emplace_back("password");
  if (channel.former)
    set.emplace_back("a former token or secret, valid until `channel rotate --finish`");
  constexpr std::string_view charsets[] = {"", "UTF-8", "windows-1252", "UTF-16BE", "GSM"};
  return {{"name", channel.name},
          {"number", channel.number},
          {"provider", channel.provider},
          {"country", settings.country},
          {"language", channel.language},
          {"allow_get", channel.allow_get},
          {"charset", charsets[static_cast<std::size_t>(settings.charset)]},
          {"entities", settings.entities},
          {"url", crypto::view(settings.url)},
          {"account", settings.account},
          {"path_secrets", channel.secrets.size()},
          {"silent_after", channel.silent_after
                               ? json::value(std::to_string(channel.silent_after->count()) + "h")
                               : json::value{}},
          {"has", std::move(set)}};
}

json::value shown(const intake::ChannelHealth* health) {
  if (health == nullptr) return nullptr;
  using intake::Sum;
  json::value last_text;
  if (health->last_text != 0)
    last_text = moment_text(static_cast<std::int64_t>(health->last_text), "%Y-%m-%dT%H:00:00Z");
  return json::object{{"last_text_hour", last_text},
                      {"requests_last_hour", health->requests},
                      {"failed_last_hour", health->failed},
                      {"silent", health->is_silent},
                      {"texts", health->of(Sum::texts)},
                      {"refused", health->of(Sum::refused)},
                      {"forbidden", health->of(Sum::forbidden)},
                      {"batch_entries_refused", health->of(Sum::unreadable)},
                      {"not_stored", health->of(Sum::not_stored)},
                      {"unavailable", health->of(Sum::unavailable)},
                      {"late_answers", health->of(Sum::late)},
                      {"deliveries_failed", health->of(Sum::undelivered)},
                      {"delivery_reports_lost", health->of(Sum::reports_lost)}};
}

int list_channels(const CLI::App& root, bool as_json) {
  const aggregators::Registry registry;
  const auto config = load_configuration(root);
  if (!config) return failed;
  const auto channels = load_all_channels(*config, registry);
  if (!channels) return failed;
  const auto heard = channels->all().empty() ? HeardHealth{} : ask_gateway(*config);
  for (const auto& channel : channels->all()) {
    const auto* health = heard.of(channel.name);
    if (as_json) {
      auto line = shown(channel);
      line["health"] = shown(health);
      std::cout << json::serialize(line) << '\n';
    } else {
      std::printf("%3u  %-24s %-16s %s  %-3s %s\n", channel.number, channel.name.c_str(),
                  channel.provider.c_str(), channel.settings.country.c_str(),
                  channel.language.c_str(), health == nullptr ? "?" : health_text(*health).c_str());
    }
  }
  std::cout.flush();
  if (!heard.unknown.empty())
    std::fprintf(stderr, "How the channels do is %s.\n", heard.unknown.c_str());
  if (channels->all().empty() && !as_json)
    std::fprintf(stderr, "There is no channel yet; `ishara channel add` makes one.\n");
  return good;
}

int show_channel(const CLI::App& root, const std::string& name, bool as_json) {
  const aggregators::Registry registry;
  const auto config = load_configuration(root);
  if (!config) return failed;
  const auto channels = load_all_channels(*config, registry);
  if (!channels) return failed;
  const auto* channel = channel_named(*channels, name);
  if (channel == nullptr) return failed;
  const auto fields = shown(*channel);
  if (as_json) {
    std::cout << json::serialize(fields) << std::endl;
    return good;
  }
  for (const auto& field : fields) {
    const std::string key{field.key()};
    const auto& value = field.value();
    const auto text = value.is_string() ? std::string{value.as_string()} : json::serialize(value);
    std::cout << key << std::string(14 - key.size(), ' ') << text << '\n';
  }
  std::cout.flush();
  return good;
}

void offer_list_and_show(CLI::App& channel, const CLI::App& root, int& exit_code) {
  auto as_json = std::make_shared<bool>(false);
  auto* const list = channel.add_subcommand(
      "list", "All channels, one a line, and how each does in the running gateway");
  list->add_flag("--json", *as_json, "Print JSON, one object a line");
  list->footer("Example:\n  ishara channel list");
  list->callback([as_json, &root, &exit_code] { exit_code = list_channels(root, *as_json); });

  auto name = std::make_shared<std::string>();
  auto* const show = channel.add_subcommand("show", "One channel, without its secrets");
  show->add_option("name", *name, "As in `channel list`")->required();
  show->add_flag("--json", *as_json, "Print JSON");
  show->footer("Example:\n  ishara channel show 2020-mtn");
  show->callback(
      [name, as_json, &root, &exit_code] { exit_code = show_channel(root, *name, *as_json); });
}

void offer_providers(CLI::App& channel, int& exit_code) {
  auto* const command = channel.add_subcommand("providers", "The aggregators on offer, as a table");
  command->footer("Example:\n  ishara channel providers");
  command->callback([&exit_code] {
    std::cout << aggregators::Registry{}.table() << std::flush;
    exit_code = good;
  });
}

// --- channel parse

struct Parsed {
  std::string provider;
  std::string kind = "sms";
  std::filesystem::path description;
  std::vector<std::string> settings;
};

int parse_request(const Parsed& parsed) {
  const aggregators::Registry registry;
  const auto* aggregator = find_provider(registry, parsed.provider);
  if (aggregator == nullptr) return bad_usage;
  const auto kind = aggregators::kind_named(parsed.kind);
  if (!kind || std::ranges::find(aggregator->kinds(), *kind) == aggregator->kinds().end()) {
    complain("the provider '" + parsed.provider + "' has no requests of kind '" + parsed.kind + "'",
             "choose --kind sms, dlr or ussd; `ishara channel providers` tells who has which");
    return bad_usage;
  }
  aggregators::ChannelSettings settings;
  if (!read_description(parsed.description, settings)) return bad_usage;
  for (const auto& assignment : parsed.settings) {
    if (const auto wrong = aggregators::set(settings, assignment)) {
      complain(*wrong, "for example --set country=RW");
      return bad_usage;
    }
  }

  const crypto::WipedBuffer raw{std::istreambuf_iterator<char>{std::cin}, {}};
  const auto request = http::parse_request(crypto::view(raw), aggregators::max_body);
  if (!request) {
    const bool large = request.error() == http::errc::body_too_large;
    std::cout << aggregators::refused_line(
                     large ? "the body is larger than 64 KiB" : "this is not a whole HTTP request",
                     large ? 413 : 400)
              << std::endl;
    return good;
  }
  const auto described = registry.of(parsed.provider, settings);
  for (const auto& line : aggregators::rehearse(*described, *request, *kind, settings))
    std::cout << line << '\n';
  std::cout.flush();
  return good;
}

void offer_parse(CLI::App& channel, int& exit_code) {
  auto* const command = channel.add_subcommand(
      "parse", "One raw HTTP request on stdin: what the gateway would make of it, as JSON lines");
  auto parsed = std::make_shared<Parsed>();
  command->add_option("--provider", parsed->provider, "The aggregator's protocol")->required();
  command->add_option("--kind", parsed->kind, "sms, dlr for a delivery report, ussd for a dialogue")
      ->capture_default_str();
  command
      ->add_option("--set", parsed->settings,
                   "key=value: country, charset, entities, url, token, secret, signature, "
                   "account, password, now; verify=off skips signatures; for the provider external "
                   "any key of ops/external.md")
      ->type_size(1)
      ->allow_extra_args(false);
  command->add_option("--description", parsed->description,
                      "Of the provider external: a description, or a channel's whole file");
  command->footer(
      "Prints numbers and texts in clear: use it with test data.\n"
      "Example:\n  ishara channel parse --provider kannel --set country=RW < request.txt");
  command->callback([parsed, &exit_code] { exit_code = parse_request(*parsed); });
}

}  // namespace

void add_channel(CLI::App& root, int& exit_code) {
  auto* const channel =
      root.add_subcommand("channel", "Short codes, and the aggregators behind them");
  channel->require_subcommand(1);
  offer_add(*channel, root, exit_code);
  offer_providers(*channel, exit_code);
  offer_list_and_show(*channel, root, exit_code);
  offer_channel_test(*channel, root, exit_code);
  offer_channel_rotate(*channel, root, exit_code);
  offer_parse(*channel, exit_code);
}

}  // namespace ishara::commands
