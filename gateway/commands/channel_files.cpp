#include "gateway/commands/channel_files.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "gateway/aggregators/fields.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/config/key_file.hpp"

namespace ishara::commands {

std::optional<config::Channels> load_all_channels(const config::Config& config,
                                                  const aggregators::Registry& registry) {
  auto loaded = config::load_channels(config.paths.channels, registry.names());
  for (const auto& mistake : loaded.mistakes)
    std::fprintf(stderr, "ishara: %s\n", config::to_string(mistake).c_str());
  if (!loaded.mistakes.empty()) return std::nullopt;
  return std::move(loaded.channels);
}

const config::Channel* channel_named(const config::Channels& channels, const std::string& name) {
  const auto* channel = channels.named(name);
  if (channel == nullptr)
    complain("there is no channel '" + name + "'", "`ishara channel list` shows them all");
  return channel;
}

bool read_secret_of_option(const std::filesystem::path& file, std::string_view what,
                           std::string& out) {
  if (file.empty()) return true;
  const auto bytes = config::read_secret_file(file, 4096);
  if (!bytes) {
    complain(file.string() + ": " + bytes.error().message(),
             "name a file with the " + std::string{what} + " alone, mode 0600");
    return false;
  }
  out.assign(bytes->begin(), bytes->end());
  while (out.ends_with('\n') || out.ends_with('\r')) out.pop_back();
  return true;
}

std::optional<std::string> description_text(const std::filesystem::path& file) {
  if (file.empty()) return std::string{};
  std::ifstream stream{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  if (stream.good() || stream.eof()) return text;
  complain(file.string() + " cannot be read",
           "name a description; ops/external/ has examples, and ops/external.md tells how to write "
           "one");
  return std::nullopt;
}

template <class Settings>
bool read_description(const std::filesystem::path& file, Settings& out) {
  if (file.empty()) return true;
  const auto text = description_text(file);
  if (!text) return false;
  std::vector<config::Mistake> mistakes;
  const bool is_good = config::parse_description(*text, file, out, mistakes);
  for (const auto& mistake : mistakes)
    std::fprintf(stderr, "ishara: %s\n", config::to_string(mistake).c_str());
  return is_good;
}
template bool read_description(const std::filesystem::path&, config::ChannelSettings&);
template bool read_description(const std::filesystem::path&, config::SendingSettings&);

bool brings_texts(const aggregators::Aggregator& aggregator) {
  const auto kinds = aggregator.kinds();
  if (std::ranges::find(kinds, aggregators::Kind::sms) != kinds.end()) return true;
  complain("the provider '" + std::string{aggregator.name()} + "' brings no texts",
           "`ishara channel providers` tells which do");
  return false;
}

std::optional<http::Origin> origin_of_webhook(std::string_view url) {
  const auto path = aggregators::path_of(url);
  const auto origin =
      http::parse_origin(url.substr(0, url.size() - (path == "/" ? 0 : path.size())));
  if (origin) return *origin;
  complain("that is no URL of a channel", "for example http://127.0.0.1:8080/in/kannel/<secret>");
  return std::nullopt;
}

bool tell_mistakes(const std::vector<config::Mistake>& mistakes) {
  for (const auto& mistake : mistakes)
    std::fprintf(stderr, "ishara: %s; %s\n", mistake.what.c_str(), mistake.suggestion.c_str());
  return mistakes.empty();
}

}  // namespace ishara::commands
