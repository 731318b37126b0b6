#pragma once
// How commands tell and write time: in UTC, whatever the zone of the machine. Any thread.

#include <chrono>
#include <cstdint>
#include <string>

namespace ishara::commands {

// `unix_time` in the form of strftime, by default "2026-01-31 15:00 UTC"; "?" if no calendar has
// it.
std::string moment_text(std::int64_t unix_time, const char* form = "%Y-%m-%d %H:%M UTC");

// By the clock of this machine.
std::chrono::sys_days today() noexcept;

}  // namespace ishara::commands
