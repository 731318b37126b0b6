#include "gateway/commands/configuration.hpp"

#include <cstdio>

namespace ishara::commands {

std::optional<config::Config> load_configuration(const CLI::App& root) {
  auto loaded = config::load(config_file(root), config::environment());
  for (const auto& mistake : loaded.mistakes)
    std::fprintf(stderr, "ishara: %s\n", config::to_string(mistake).c_str());
  return std::move(loaded.config);
}

void warn_of_demo_custody(const config::Config& config) {
  if (config.deployment.custody == config::Custody::demo)
    std::fprintf(stderr, "DEMO CUSTODY: one machine made every key. Never for real reports.\n");
}

}  // namespace ishara::commands
