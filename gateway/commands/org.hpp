#pragma once
// The parts of `ishara org`. Used by one thread, before any other starts.

namespace CLI {
class App;
}

namespace ishara::commands {

// Adds the subcommands that need no desk: root, sign and import, which make and carry files of
// rosters.
void add_offline_rosters(CLI::App& root, CLI::App& org, int& exit_code);

}  // namespace ishara::commands
