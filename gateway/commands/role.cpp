#include "gateway/commands/role.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <exception>
#include <utility>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/config/key_file.hpp"

namespace ishara::commands {

namespace asio = boost::asio;

void run_until_signal(asio::io_context& context, std::function<asio::awaitable<void>()> stop) {
  asio::signal_set signals{context, SIGINT, SIGTERM};
  signals.async_wait([&](boost::system::error_code error, int) {
    if (error) return;
    asio::co_spawn(context, stop(), [&](std::exception_ptr failure) {
      context.stop();
      if (failure) std::rethrow_exception(failure);
    });
  });
  context.run();
}

std::optional<crypto::Secret<32>> service_key(const std::filesystem::path& folder,
                                              const char* name) {
  const auto bytes = config::read_key_file(folder / name, 32);
  if (!bytes) {
    complain(std::string{"the key file "} + name + ": " + bytes.error().message(),
             "`ishara doctor` tells what each key file must be like");
    return std::nullopt;
  }
  return crypto::Secret<32>{std::span<const std::uint8_t, 32>{*bytes}};
}

void add_role(CLI::App& root, int& exit_code, const std::string& name,
              const std::string& description, int (*serve)(const config::Config& config)) {
  auto* command = root.add_subcommand(name, description);
  command->footer(
      "SIGTERM or SIGINT finishes what was accepted, then ends.\n"
      "Example:\n  ishara " +
      name + " --config /etc/ishara/ishara.toml");
  command->callback([&root, &exit_code, serve] {
    const auto config = load_configuration(root);
    if (!config) {
      exit_code = failed;
      return;
    }
    harden_process();
    exit_code = serve(*config);
  });
}

}  // namespace ishara::commands
