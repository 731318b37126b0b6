#pragma once
// `ishara key panic` and `resume`. One thread.

namespace CLI {
class App;
}

namespace ishara::commands {

// Adds both to `key`; `root` has the option that names the configuration.
void add_panic(CLI::App& root, CLI::App& key, int& exit_code);

}  // namespace ishara::commands
