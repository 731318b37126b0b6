// `ishara desk`: the role that faces caseworkers. It hands out ciphertext, and can open nothing.

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/desk/service.hpp"

namespace ishara::commands {
namespace {

namespace asio = boost::asio;

int serve(const config::Config& config) {
  crypto::start();
  asio::io_context context{1};
  asio::signal_set signals{context, SIGINT, SIGTERM};
  try {
    desk::Service service{context, config};
    service.start();
    signals.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      asio::co_spawn(context, service.stop(), [&](std::exception_ptr failure) {
        context.stop();
        if (failure) std::rethrow_exception(failure);
      });
    });
    context.run();
  } catch (const boost::system::system_error& error) {
    return complain("the desk cannot listen: " + error.code().message(),
                    "see `listen` and the TLS keys in the section [desk]");
  }
  return good;
}

}  // namespace

void add_desk(CLI::App& root, int& exit_code) {
  auto* command = root.add_subcommand("desk", "Serve caseworkers: the API, ciphertext only");
  command->footer(
      "SIGTERM or SIGINT finishes what was accepted, then ends.\n"
      "Example:\n  ishara desk --config /etc/ishara/ishara.toml");
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
