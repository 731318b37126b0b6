#pragma once
// Starts the roles of a small deployment as child processes and watches them. Single-threaded: it
// owns the signals SIGCHLD, SIGTERM and SIGINT of its process while it runs.

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/log/log.hpp"

namespace ishara::commands {

enum class RoleName : std::uint8_t { gateway, relay, desk };

struct Role {
  RoleName name;
  std::vector<std::string> command;  // the program's path, then its arguments
};

struct Patience {
  // A role that ends sooner than this the first time cannot start at all.
  std::chrono::milliseconds settled_after{3'000};
  std::chrono::milliseconds first_pause{250};  // before a restart; doubles
  std::chrono::milliseconds longest_pause{30'000};
  std::chrono::milliseconds forgiven_after{60'000};  // of running: the pause is the first again
  // From the signal to the end of the last role. Longer than the roles' own limits, which finish
  // the requests in hand and flush the writer, so that it only ends what hangs.
  std::chrono::milliseconds stop_limit{40'000};
};

// Runs until SIGTERM or SIGINT, which go on to the roles. A role that ends by itself is started
// again. Returns `good` when all roles have stopped in time, `failed` when one could not start or
// had to be killed. The roles get SIGTERM when this process dies, however it dies.
int supervise(std::span<const Role> roles, const Patience& patience = {});

}  // namespace ishara::commands

template <>
struct ishara::log::Names<ishara::commands::RoleName> {
  static constexpr std::array<std::string_view, 3> table{"gateway", "relay", "desk"};
};
