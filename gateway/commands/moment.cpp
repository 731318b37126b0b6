#include "gateway/commands/moment.hpp"

#include <ctime>

namespace ishara::commands {

std::string moment_text(std::int64_t unix_time, const char* form) {
  const std::time_t seconds = unix_time;
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "?";
  char out[48];
  return {out, std::strftime(out, sizeof out, form, &parts)};
}

std::chrono::sys_days today() noexcept {
  return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
}

}  // namespace ishara::commands
