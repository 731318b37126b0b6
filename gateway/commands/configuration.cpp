#include "gateway/commands/configuration.hpp"

#include <cstdio>
#include <string>

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

i18n::Packs load_languages(const config::Config& config) {
  auto packs = i18n::Packs::load(config.paths.packs,
                                 {.tags = config.deployment.languages,
                                  .allow_unreviewed = config.deployment.allow_unreviewed});
  std::string tags;
  for (const auto& tag : packs.left_out()) tags += (tags.empty() ? "" : ", ") + tag;
  if (!tags.empty())
    std::fprintf(stderr,
                 "ishara: language packs that no native speaker has read are left out: %s\n"
                 "  REVIEW.md of each says what a review is; to try them out, set "
                 "allow_unreviewed = true in [deployment]\n",
                 tags.c_str());
  return packs;
}

}  // namespace ishara::commands
