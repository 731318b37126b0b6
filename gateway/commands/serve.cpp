// `ishara serve`: the roles of a small deployment in one go. Under systemd each role is a unit of
// its own, with its own user, and this command is not used.

#include <CLI/CLI.hpp>
#include <filesystem>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/supervisor.hpp"

namespace ishara::commands {

void add_serve(CLI::App& root, int& exit_code) {
  auto* command =
      root.add_subcommand("serve", "Start gateway, relay and desk, and keep them running");
  command->footer(
      "A role that ends is started again; SIGTERM or SIGINT stops all, requests in hand first.\n"
      "Example:\n  ishara serve --config /etc/ishara/ishara.toml");
  command->callback([&root, &exit_code] {
    const auto config = load_configuration(root);
    if (!config) {
      exit_code = failed;
      return;
    }
    warn_of_demo_custody(*config);
    // Before hardening, after which the kernel may refuse to tell.
    const auto program = std::filesystem::read_symlink("/proc/self/exe").string();
    const auto file = std::filesystem::absolute(config->file).string();
    harden_process();
    const std::vector<Role> roles{
        {RoleName::gateway, {program, "gateway", "--config", file}},
        {RoleName::relay, {program, "relay", "--config", file}},
        {RoleName::desk, {program, "desk", "--config", file}},
    };
    exit_code = supervise(roles);
  });
}

}  // namespace ishara::commands
