#pragma once
// Refs that were handed out and may not be in the table yet. A ref is drawn when it is needed, one
// at a time, and nobody gets the same one for a day (privacy.md section 8).
//
// Thread rule: one thread.

#include <cstdint>
#include <optional>
#include <unordered_set>

#include "gateway/identity/ref.hpp"
#include "gateway/relay/limits.hpp"

namespace ishara::relay {

class ReservedRefs {
 public:
  // False if it is reserved already.
  [[nodiscard]] bool reserve(const identity::Ref& ref, Moment now);

 private:
  // Of this day and of the day before: a ref stays for 24 to 48 hours.
  std::unordered_set<std::uint32_t> today_;
  std::unordered_set<std::uint32_t> before_;
  std::optional<Moment> day_began_;
};

}  // namespace ishara::relay
