#include "gateway/commands/configuration.hpp"

#include <cstdio>

namespace ishara::commands {

std::optional<config::Config> load_configuration(const CLI::App& root) {
  auto loaded = config::load(config_file(root), config::environment());
  for (const auto& mistake : loaded.mistakes)
    std::fprintf(stderr, "ishara: %s\n", config::to_string(mistake).c_str());
  return std::move(loaded.config);
}

}  // namespace ishara::commands
