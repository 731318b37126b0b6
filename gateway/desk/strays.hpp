#pragma once
// Texts and notes that are left with a queue which has lost their report (privacy.md 7.11): sealed
// for it while a transfer was under way, or while the reporter took back what the transfer needed.
// The desk cannot hand them on; it notices them, and the next client of that queue does it. Who
// holds a report is what was signed, never a column.
//
// And wraps for a key that a queue has replaced, which nobody could open any more once that key is
// forgotten. Who may read a message does not change by it, so each queue renews its own wraps: a
// client of a member who still has the former key puts a wrap for the present one exactly where the
// old one stands, unseen, at the next poll. That holds for the owner's wrap as for that of a
// fallback, of a police copy or of a former owner who keeps reading; for closed and hidden reports
// as for open ones; and for what a gateway, or another queue's client, seals for the former key
// while it does not know better. A message that is both, sealed for a former key of a queue that
// has lost its report, is handed on. One thing is dropped and not renewed: the police copy of a
// report whose reporter has taken the consent back.

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

// The queue that the first wrap of a text or note is for, by its present key or a former one;
// nullptr if the rosters know none.
const identity::Directory::Queue* first_reader(crypto::View wraps,
                                               const identity::Directory& directory);

// The former keys of these queues, by kid.
std::vector<crypto::Id> earlier_kids(std::span<const crypto::Id> queues,
                                     const identity::Directory& directory);

// What shows that the police may read this report, an INTAKE or CONSENT; empty if nothing does.
storage::result<storage::Bytes> police_proof(Cases& cases, const crypto::Id& report,
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
