#pragma once
// Signed rosters as a file that people carry between machines: from the desk or the server to the
// offline machine where the next one is signed, and back. Nothing in it is secret, and nothing in
// it counts before its signature is verified.
//
//   ishara-rosters 1
//   roster BYTES SIGNATURE      base64 with padding; any number of these lines, in any order
//
// Words have one space between them, and each line ends with LF. Pure functions, thread-safe.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/identity/roster.hpp"

namespace ishara::identity {

std::string write_roster_file(std::span<const SignedRoster> rosters);
// Nothing for what `write_roster_file` could not have written.
std::optional<std::vector<SignedRoster>> read_roster_file(std::string_view file);

}  // namespace ishara::identity
