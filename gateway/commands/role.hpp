#pragma once
// What `ishara gateway`, `relay` and `desk` have in common: one process, one thread, one service.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "gateway/config/config.hpp"

namespace CLI {
class App;
}

namespace ishara::commands {

// Runs `context` until SIGINT or SIGTERM, then `stop` to its end. What is thrown meanwhile is a
// bug: it passes through, the process ends, and whoever watches it starts it again.
void run_until_signal(boost::asio::io_context& context,
                      std::function<boost::asio::awaitable<void>()> stop);

// A 32-byte secret of this role's from its folder of keys; complains about what is wrong with it.
std::optional<crypto::Secret<32>> service_key(const std::filesystem::path& folder,
                                              const char* name);

// Adds the command of a role: reads the configuration, hardens the process and runs `serve`, which
// returns the exit code.
void add_role(CLI::App& root, int& exit_code, const std::string& name,
              const std::string& description, int (*serve)(const config::Config& config));

}  // namespace ishara::commands
