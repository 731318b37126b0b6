#pragma once
// What the commands on channels have in common: reading them all, and the secrets that people give.
// One thread; calls block on the disk. What is wrong is told on stderr.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/aggregators/registry.hpp"
#include "gateway/config/channels.hpp"
#include "gateway/http/client.hpp"

namespace CLI {
class App;
}

namespace ishara::commands {

// All channels of the configuration; nothing if any has a mistake.
std::optional<config::Channels> load_all_channels(const config::Config& config,
                                                  const aggregators::Registry& registry);

// The channel of this name; complains if there is none.
const config::Channel* channel_named(const config::Channels& channels, const std::string& name);

// The one secret in a file of its own, without the line end that editors leave. True also if `file`
// is empty: `out` then stays as it is.
bool read_secret_of_option(const std::filesystem::path& file, std::string_view what,
                           std::string& out);

// True if there are none.
bool tell_mistakes(const std::vector<config::Mistake>& mistakes);

// The text of a description of the provider `external`, which holds no secret; complains if it
// cannot be read. Empty for no file.
std::optional<std::string> description_text(const std::filesystem::path& file);
// Reads one into `out`; complains of each mistake in it, with its place.
template <class Settings>
bool read_description(const std::filesystem::path& file, Settings& out);

// Whether texts come in through `aggregator`; complains if they do not.
bool brings_texts(const aggregators::Aggregator& aggregator);

// Where the URL of a channel leads; nothing, with a complaint, if it is no URL.
std::optional<http::Origin> origin_of_webhook(std::string_view url);

void offer_channel_test(CLI::App& channel, const CLI::App& root, int& exit_code);
void offer_channel_rotate(CLI::App& channel, const CLI::App& root, int& exit_code);

}  // namespace ishara::commands
