#pragma once
// The audit chain as storage sees it: entries of 136 bytes, each of which holds the hash of the one
// before it, and checkpoints of 136 bytes, signed by the relay (gateway/identity/audit.hpp).
//
// A verb that has to leave an entry takes a scribe: it fills in what the entry is about, and
// appends what the scribe writes in the same transaction, behind one lock for the whole deployment.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ishara::storage {

struct AuditRow {
  std::uint64_t seq = 0;  // from 1, without gaps
  std::vector<std::uint8_t> entry;
  std::string detail;  // JSON
  // Salt and IP address of who acted, 16 bytes each; empty: not known, or no longer. The detail
  // commits to it, and it is kept beside the entry for 90 days.
  std::vector<std::uint8_t> origin{};
};

// Where the next entry stands, and what the verb knows of what was done.
struct AuditPlace {
  std::uint64_t seq = 1;
  std::vector<std::uint8_t> before;        // the entry before it; empty: there is none
  std::array<std::uint8_t, 16> subject{};  // the report
  std::array<std::uint8_t, 16> object{};   // queue, note or reply; zeros: none
};

// Writes the entry for this place. It may be called again, if a transaction has to be repeated.
using AuditScribe = std::function<AuditRow(const AuditPlace&)>;

struct StoredCheckpoint {
  std::uint64_t seq = 0;
  std::vector<std::uint8_t> bytes;
};

// The last entry; seq 0 and nothing if there is none.
struct AuditHead {
  std::uint64_t seq = 0;
  std::vector<std::uint8_t> entry;
};

}  // namespace ishara::storage
