#pragma once
// What one person alone may not do (privacy.md section 10): the first of two leaves an intent, and
// the same call by another person within 24 hours carries it out. A verb that takes an Agreement
// does the one or the other, in one transaction with all that belongs to it.

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "storage/audit.hpp"
#include "storage/store.hpp"

namespace ishara::storage {

inline constexpr std::chrono::hours intent_life{24};

struct Intent {
  std::array<std::uint8_t, 32> digest{};  // of all that makes two calls the same one
  std::uint16_t action = 0;               // identity::AuditAction, not 0
  Id place{};                             // queue or organisation whose people decide
  Id subject{};                           // report or other thing
  Id object{};                            // for example the other queue; zeros: none
  Id user{};
  std::uint32_t hour = 0;  // unix time / 3600
};

struct Agreement {
  Intent intent;             // of the caller, now
  std::vector<Id> partners;  // whose intent counts together with hers; never her own
  AuditScribe intend;        // writes the entry of an intent
};

// What became of it.
struct Agreed {
  std::uint32_t until = 0;  // it waits for a second person, up to this hour; 0: it is done
};

}  // namespace ishara::storage
