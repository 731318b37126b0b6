// `ishara channel rotate`: a new secret in place of one that may be known, without a text refused
// on the way. Both are valid until somebody says that the provider uses the new one.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "gateway/aggregators/fields.hpp"
#include "gateway/commands/channel_files.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using config::toml_text;
using config::with_key;

struct Rotated {
  std::string name;
  std::string token;
  fs::path token_file;
  std::string secret;
  fs::path secret_file;
  bool finish = false;
  bool as_json = false;
};

std::string hashes(std::span<const config::SecretHash> secrets) {
  std::string out = "[";
  for (const auto& hash : secrets)
    out += (out.size() == 1 ? "" : ", ") + toml_text(crypto::hex(hash));
  return out + "]";
}

// A channel file that is being written anew.
class ChannelFile {
 public:
  explicit ChannelFile(fs::path file) : file_{std::move(file)} {}

  // False, with a complaint, if it cannot be read.
  bool read() {
    const auto bytes = config::read_secret_file(file_, 64 * 1024);
    if (!bytes) return refuse(bytes.error());
    text_.assign(bytes->begin(), bytes->end());
    before_ = text_;
    return true;
  }
  void set(std::string_view key, std::optional<std::string_view> value) {
    text_ = with_key(crypto::view(text_), key, value);
  }
  std::string_view text() const { return crypto::view(text_); }
  bool write() const { return write(text_); }
  // As it was read.
  void write_back() const { (void)write(before_); }

 private:
  bool write(const crypto::WipedBuffer& text) const {
    const auto written = config::replace_key_file(file_, crypto::bytes_of(crypto::view(text)));
    return written ? true : refuse(written.error());
  }
  bool refuse(const boost::system::error_code& error) const {
    complain(file_.string() + ": " + error.message(),
             "run this as a user who may read and write there, root for example");
    return false;
  }

  fs::path file_;
  crypto::WipedBuffer text_;
  crypto::WipedBuffer before_;
};

// What the relay sends with, once it has what is being replaced: its own copies, and the secret in
// the URL that it names for delivery reports, at the origin that it names already.
std::optional<ChannelFile> with_new_sending(const fs::path& file, const config::SendingChannel& old,
                                            const config::ChannelSettings& settings,
                                            const Rotated& rotated, const std::string& path) {
  ChannelFile out{file};
  if (!out.read()) return std::nullopt;
  const auto replace = [&](std::string_view key, const crypto::WipedBuffer& held,
                           const crypto::WipedBuffer& former, const std::string& with) {
    if (!with.empty() && !held.empty() && held == former) out.set(key, toml_text(with));
  };
  replace("token", old.settings.token, settings.token, rotated.token);
  replace("password", old.settings.password, settings.secret, rotated.secret);
  const auto url = crypto::view(old.settings.delivery_url);
  if (!path.empty() && !url.empty()) {
    const auto origin = url.substr(0, url.size() - aggregators::path_of(url).size());
    out.set("delivery_url", toml_text(std::string{origin} + path + "/dlr"));
  }
  return out;
}

int finish(ChannelFile& file, const config::Channel& channel) {
  if (channel.secrets.size() < 2 && !channel.former)
    return complain("channel '" + channel.name + "' has nothing but its present secrets",
                    "leave --finish out to make a new one");
  if (channel.secrets.size() == 2) file.set("secrets", hashes(std::span{channel.secrets}.last(1)));
  file.set("former_token", std::nullopt);
  file.set("former_secret", std::nullopt);
  if (!file.write()) return failed;
  std::cout << "Channel " << channel.name << " takes the new secret alone now." << std::endl;
  return good;
}

void print(const Rotated& rotated, const config::Channel& channel, const std::string& webhook) {
  if (rotated.as_json) {
    json::object out{{"name", channel.name}};
    if (!webhook.empty()) {
      out["url"] = webhook;
      out["delivery_url"] = webhook + "/dlr";
    }
    std::cout << json::serialize(out) << std::endl;
    return;
  }
  if (webhook.empty())
    std::cout << "Channel " << channel.name << " takes both the new secret and the former one.\n"
              << "Set the new one at the provider";
  else
    std::cout << "Channel " << channel.name
              << " has a second URL, a secret that is shown this once:\n\n  " << webhook
              << "\n\nand for delivery reports:\n\n  " << webhook
              << "/dlr\n\nThe former URL works beside it. Give the new one to the provider";
  std::cout << ", see that texts come in, then run\n`ishara channel rotate " << channel.name
            << " --finish`." << std::endl;
}

int rotate(const CLI::App& root, Rotated& rotated) {
  if (!read_secret_of_option(rotated.token_file, "token", rotated.token) ||
      !read_secret_of_option(rotated.secret_file, "secret", rotated.secret))
    return failed;
  for (const auto& [option_file, value] :
       {std::pair{&rotated.token_file, &rotated.token}, {&rotated.secret_file, &rotated.secret}}) {
    const bool is_one_line =
        std::ranges::none_of(*value, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (option_file->empty() || (!value->empty() && is_one_line)) continue;
    return complain(option_file->string() + " holds no secret, or more than one line",
                    "put the secret there alone");
  }
  const aggregators::Registry registry;
  const auto config = load_configuration(root);
  if (!config) return failed;
  const auto channels = load_all_channels(*config, registry);
  if (!channels) return failed;
  const auto* channel = channel_named(*channels, rotated.name);
  if (channel == nullptr) return failed;
  ChannelFile file{config->paths.channels / (channel->name + ".toml")};
  if (!file.read()) return failed;
  // Whoever may not see what the relay sends with would leave it behind.
  const auto sending =
      config::load_sending_channels(config->paths.sending, registry.sending_providers());
  for (const auto& mistake : sending.mistakes)
    std::fprintf(stderr, "ishara: %s\n", config::to_string(mistake).c_str());
  if (!sending.mistakes.empty())
    return complain("what the relay sends with cannot be read, and may hold the same secret",
                    "run this as root, whose new files belong to the owners of the old ones");
  if (rotated.finish) return finish(file, *channel);

  const auto& settings = channel->settings;
  const bool of_provider = !rotated.token.empty() || !rotated.secret.empty();
  if (of_provider ? channel->former.has_value() : channel->secrets.size() == 2)
    return complain("channel '" + channel->name + "' is between two secrets already",
                    "run `ishara channel rotate " + channel->name +
                        " --finish` once the provider uses the newer one");
  if ((!rotated.token.empty() && settings.token.empty()) ||
      (!rotated.secret.empty() && settings.secret.empty()))
    return complain("channel '" + channel->name + "' has none of those to replace",
                    "`ishara channel show " + channel->name + "` tells what it has");
  const auto url = crypto::view(settings.url);
  if (!of_provider && !url.empty() && aggregators::path_of(url) != "/")
    return complain("'url' of channel '" + channel->name + "' holds the secret in its path",
                    "leave only https://host[:port] of it in the file, then try again");

  crypto::start();
  std::string path, webhook;
  if (of_provider) {
    if (!rotated.token.empty()) {
      file.set("former_token", toml_text(crypto::view(settings.token)));
      file.set("token", toml_text(rotated.token));
    }
    if (!rotated.secret.empty()) {
      file.set("former_secret", toml_text(crypto::view(settings.secret)));
      file.set("secret", toml_text(rotated.secret));
    }
  } else {
    const auto secret = crypto::base64url(crypto::random_bytes<32>());
    const std::array secrets{channel->secrets.front(), config::hash_of_secret(secret)};
    file.set("secrets", hashes(secrets));
    auto origin = url.empty() ? std::string{"https://HOST"} : std::string{url};
    if (origin.ends_with('/')) origin.pop_back();
    path = "/in/" + channel->provider + "/" + secret;
    webhook = origin + path;
  }
  std::optional<ChannelFile> sends;
  const auto* old = sending.channels.find(channel->number);
  if (old) {
    sends = with_new_sending(config->paths.sending / (old->name + ".toml"), *old, settings, rotated,
                             path);
    if (!sends) return failed;
  }
  std::vector<config::Mistake> mistakes;
  (void)config::parse_channel(file.text(), channel->name + ".toml", registry.names(), mistakes);
  if (sends)
    (void)config::parse_sending_channel(sends->text(), old->name + ".toml",
                                        registry.sending_providers(), mistakes);
  if (!tell_mistakes(mistakes)) return bad_usage;

  // The gateway takes both secrets before the relay names the new one.
  if (!file.write()) return failed;
  if (sends && !sends->write()) {
    file.write_back();
    return failed;
  }
  print(rotated, *channel, webhook);
  return good;
}

}  // namespace

void offer_channel_rotate(CLI::App& channel, const CLI::App& root, int& exit_code) {
  auto* const command = channel.add_subcommand(
      "rotate", "A new secret for a channel; the former one is valid until --finish");
  auto rotated = std::make_shared<Rotated>();
  command->add_option("name", rotated->name, "As in `channel list`")->required();
  auto* const token = command->add_option("--token-file", rotated->token_file,
                                          "Replace the provider's token by the one in this file, "
                                          "mode 0600 (default: the secret of the URL)");
  auto* const secret =
      command->add_option("--secret-file", rotated->secret_file,
                          "Replace what the provider signs with or sends along by this file's");
  command->add_flag("--finish", rotated->finish, "Take the newer secret alone from now on")
      ->excludes(token)
      ->excludes(secret);
  command->add_flag("--json", rotated->as_json, "Print JSON");
  command->footer(
      "Run it as root, or as a user who may read what gateway and relay have of the channel. Both\n"
      "take the change within a second.\n"
      "Example:\n  ishara channel rotate 2020-mtn");
  command->callback([rotated, &root, &exit_code] {
    harden_process(false);
    exit_code = rotate(root, *rotated);
  });
}

}  // namespace ishara::commands
