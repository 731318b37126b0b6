// `ishara gateway`: the role that faces the aggregators. It seals and stores, and can open nothing.

#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>

#include "gateway/aggregators/registry.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/intake/service.hpp"

namespace ishara::commands {
namespace {

namespace asio = boost::asio;

// A 32-byte secret of the gateway's; complains about what is wrong with its file.
std::optional<crypto::Secret<32>> secret(const config::Config& config, const char* name) {
  const auto bytes = config::read_key_file(config.paths.keys / name, 32);
  if (!bytes) {
    complain(std::string{"the key file "} + name + ": " + bytes.error().message(),
             "`ishara doctor` tells what each key file must be like");
    return std::nullopt;
  }
  return crypto::Secret<32>{std::span<const std::uint8_t, 32>{*bytes}};
}

int serve(const config::Config& config) {
  crypto::start();
  const auto signing = secret(config, "gateway.key");
  auto dedupe = secret(config, "dedupe.key");
  if (!signing || !dedupe) return failed;

  const aggregators::Registry registry;
  asio::io_context context{1};
  asio::signal_set signals{context, SIGINT, SIGTERM};
  std::optional<intake::Service> service;
  try {
    service.emplace(context, config, registry,
                    intake::Keys{crypto::signing_key(*signing), {std::move(*dedupe)}});
    service->start();
  } catch (const boost::system::system_error& error) {
    return complain("the gateway cannot listen: " + error.code().message(),
                    "see `listen` and `private_listen` in the section [gateway]");
  } catch (const std::runtime_error& error) {
    return complain(error.what(), "see `packs` in the section [paths]");
  }
  signals.async_wait([&](boost::system::error_code error, int) {
    if (error) return;
    asio::co_spawn(context, service->stop(), [&](std::exception_ptr failure) {
      context.stop();
      if (failure) std::rethrow_exception(failure);
    });
  });
  // What is thrown from here on is a bug: the process ends, and whoever watches starts it again.
  context.run();
  return good;
}

}  // namespace

void add_gateway(CLI::App& root, int& exit_code) {
  auto* command = root.add_subcommand("gateway", "Take webhooks, seal and store reports");
  command->footer(
      "SIGTERM or SIGINT finishes what was accepted, then ends.\n"
      "Example:\n  ishara gateway --config /etc/ishara/ishara.toml");
  command->callback([&root, &exit_code] {
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
