#pragma once
// The channels that the relay sends through, as the files of a folder say (config/channels.hpp),
// and read again when one of them has changed. A change with a mistake in it leaves those before.
//
// Thread rule: one thread. `current` looks at the disk once a second at most.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "gateway/aggregators/registry.hpp"
#include "gateway/config/channels.hpp"

namespace ishara::relay {

class ChannelFolder {
 public:
  // `registry` outlives this.
  ChannelFolder(std::filesystem::path folder, const aggregators::Registry& registry)
      : folder_{std::move(folder)}, registry_{registry} {}

  // nullptr as long as the files have never been without a mistake.
  std::shared_ptr<const config::SendingChannels> current();

 private:
  std::string fingerprint() const;

  std::filesystem::path folder_;
  const aggregators::Registry& registry_;
  std::optional<std::chrono::steady_clock::time_point> looked_;
  std::optional<std::string> seen_;
  std::shared_ptr<const config::SendingChannels> channels_;
};

}  // namespace ishara::relay
