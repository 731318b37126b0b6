#pragma once
// The configuration as commands read it. Start-up only, one thread.

#include <optional>

#include "gateway/commands/commands.hpp"
#include "gateway/config/config.hpp"
#include "i18n/pack.hpp"

namespace ishara::commands {

// Reads the file that `--config` or its defaults name, with the overrides of the environment.
// Nothing if it has mistakes; all of them then stand on stderr, one a line.
std::optional<config::Config> load_configuration(const CLI::App& root);

// Says on standard error if this deployment is under demo custody, wherever a person looks.
void warn_of_demo_custody(const config::Config& config);

// The language packs of this deployment. Those that no native speaker has read are left out, unless
// the configuration allows them: they then stand on standard error. Throws as i18n::Packs::load.
i18n::Packs load_languages(const config::Config& config);

}  // namespace ishara::commands
