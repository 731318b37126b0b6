// Files of rosters, as operators and officers are handed them. What is read is written as the very
// same bytes, and a roster in it that nobody signed verifies for nobody.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/identity/roster_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  static const bool started = (crypto::start(), true);
  (void)started;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto rosters = identity::read_roster_file(text);
  if (!rosters) return 0;
  if (identity::write_roster_file(*rosters) != text) std::abort();
  for (const auto& roster : *rosters)
    if (identity::verify_root(roster, crypto::PublicKey{})) std::abort();
  return 0;
}
