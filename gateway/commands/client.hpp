#pragma once
// What the commands have in common that call the desk with a person's key. One thread; calls block.

#include <functional>
#include <string>
#include <string_view>

#include "gateway/commands/caseworker.hpp"
#include "gateway/commands/desk_client.hpp"

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

// The desk's address and the root key: from the line, else from the configuration file. Throws
// CommandError.
DeskClient::Settings desk_settings(const CLI::App& root, ClientOptions options);

// As a person types it; without a path of authorities.
std::string address_text(const http::Origin& desk);

// Runs `action`, complains about what it stops with, and returns the exit code.
int with_complaints(const std::function<void()>& action);
// Runs `action` with these and her passphrase, with complaints.
int with_desk(const CLI::App& root, const ClientOptions& options,
              const std::function<void(DeskClient::Settings, std::string_view)>& action);

// Opens her key, verifies the rosters and runs `action`; complains about what it stops with.
// Returns the exit code.
int with_client(const CLI::App& root, const ClientOptions& options,
                const std::function<void(Caseworker&)>& action);

}  // namespace ishara::commands
