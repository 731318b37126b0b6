#pragma once
// What the commands have in common that call the desk with a person's key. One thread; calls block.

#include <functional>
#include <string>

#include "gateway/commands/caseworker.hpp"

namespace CLI {
class App;
}

namespace ishara::commands {

struct ClientOptions {
  std::string desk;
  std::string authorities;
  std::string root_key;
  std::string key_file;
  std::string passphrase_file;
};

// `options` outlives the parsed line.
void add_client_options(CLI::App& command, ClientOptions& options);

// Opens her key, verifies the rosters and runs `action`; complains about what it stops with.
// Returns the exit code.
int with_client(const CLI::App& root, const ClientOptions& options,
                const std::function<void(Caseworker&)>& action);

}  // namespace ishara::commands
