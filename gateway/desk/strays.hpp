#pragma once
// Texts and notes that are left with a queue which has lost their report (privacy.md 7.11): sealed
// for it while a transfer was under way, or while the reporter took back what the transfer needed.
// The desk cannot hand them on; it notices them, and the next client of that queue does it. Who
// holds a report is what was signed, never a column.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gateway/desk/cases.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::desk {

// What is left of one report, each message with the first wrap for a queue that was asked about.
struct StrayReport {
  crypto::Id report_id{};
  storage::Bytes record;  // the first INTAKE
  std::vector<storage::Statement> statements;
  identity::Ownership ownership;                     // without its proof
  const identity::Directory::Queue* owner{nullptr};  // of the directory that was given
  std::vector<storage::LeftBehind> messages;
};

struct Strays {
  std::vector<StrayReport> reports;
  std::optional<crypto::Id> next{};  // the first report that was not looked at
};

// What is left with `queues`, of about `limit` reports with ids in [first, last]. Blocks, on the
// thread of `cases`.
storage::result<Strays> find_strays(Cases& cases, const identity::Directory& directory,
                                    std::span<const crypto::Id> queues, const crypto::Id& first,
                                    const crypto::Id& last, std::uint32_t limit);

// The queue that the first wrap of a text or note is for; nullptr if the rosters know none.
const identity::Directory::Queue* first_reader(crypto::View wraps,
                                               const identity::Directory& directory);

inline constexpr crypto::Id last_id = [] {
  crypto::Id out{};
  out.fill(0xff);
  return out;
}();

// How many messages nobody of their former queue has handed on for an hour or more, over all
// queues, in this hour (unix time / 3600).
storage::result<std::uint32_t> overdue_strays(Cases& cases, const identity::Directory& directory,
                                              std::uint32_t hour);

}  // namespace ishara::desk
