#pragma once
// The list of the aggregators that this build speaks, made once and handed down; immutable.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/aggregators/aggregator.hpp"

namespace ishara::aggregators {

class Registry {
 public:
  Registry();

  // The aggregator of this name, or nullptr. It lives as long as the registry.
  const Aggregator* find(std::string_view name) const noexcept;
  // The same, of a channel: bound to its description, where the channel has one. Nothing is
  // allocated for any other. It may not outlive the registry.
  std::shared_ptr<const Aggregator> of(std::string_view name,
                                       const ChannelSettings& settings) const;
  std::shared_ptr<const Aggregator> of(std::string_view name,
                                       const SendingSettings& settings) const;
  // In alphabetical order; for configuration and for messages.
  std::vector<std::string_view> names() const;
  // Those that one can send through, with what each needs; for `sending/<name>.toml`.
  std::vector<config::SendingProvider> sending_providers() const;

  // What each can do, as a table in Markdown; ops/aggregators.md holds it.
  std::string table() const;

 private:
  std::vector<std::unique_ptr<const Aggregator>> all_;
};

}  // namespace ishara::aggregators
