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

// The one secret in a file of its own, without the line end that editors leave. True also if `file`
// is empty: `out` then stays as it is.
bool read_secret_of_option(const std::filesystem::path& file, std::string_view what,
                           std::string& out);

// True if there are none.
bool tell_mistakes(const std::vector<config::Mistake>& mistakes);

// Whether texts come in through `aggregator`; complains if they do not.
bool brings_texts(const aggregators::Aggregator& aggregator);

// Where the URL of a channel leads; nothing, with a complaint, if it is no URL.
std::optional<http::Origin> origin_of_webhook(std::string_view url);

void offer_channel_test(CLI::App& channel, const CLI::App& root, int& exit_code);
void offer_channel_rotate(CLI::App& channel, const CLI::App& root, int& exit_code);

}  // namespace ishara::commands
