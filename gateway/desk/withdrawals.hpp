#pragma once
// Takes reports back for their reporters (privacy.md section 7.7). The relay signs a WITHDRAW; the
// desk carries it out: with the reporter's ref at once, by number alone (which can be forged) after
// 72 hours in which the report is hidden, and not as long as a lead holds it because a life is at
// risk. Of a report that is legally held the content stays, hidden, whatever is withdrawn. What
// counts is what was signed, never a column; a hold alone is one.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gateway/desk/cases.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::desk {

// How long a report that was withdrawn by number alone is hidden before it is deleted.
inline constexpr std::chrono::hours withdrawal_grace{72};

struct Withdrawals {
  std::uint32_t erased = 0;
  std::uint32_t hidden = 0;
  std::uint32_t revealed = 0;  // hidden, but no withdrawal of it stands
  std::uint32_t refused = 0;   // with a WITHDRAW that the relay did not sign, or of another report
  std::uint32_t failed = 0;    // to be tried again
};

// Goes through all withdrawn reports once and does what is due in this hour (unix time / 3600).
// Storage's error if they cannot be read; one that cannot be changed is counted and does not hold
// up the others. Blocks, on the thread of `cases`.
storage::result<Withdrawals> settle_withdrawals(Cases& cases, const identity::Directory& directory,
                                                std::uint32_t hour);

// A report that was withdrawn by number alone and is hidden now, or that is legally held.
struct Hidden {
  crypto::Id report_id{};
  crypto::Id owner{};
  std::uint32_t until = 0;  // hour in which it is deleted unless it is held; 0: it is not withdrawn
  bool held = false;        // a life is at risk
  bool legally_held = false;
};
struct HiddenPage {
  std::vector<Hidden> reports;
  std::optional<crypto::Id> next{};  // the first report that was not looked at
};
// Those that belong to one of `queues`, of about `limit` reports with ids from `first` on.
storage::result<HiddenPage> hidden_reports(Cases& cases, const identity::Directory& directory,
                                           std::span<const crypto::Id> queues,
                                           const crypto::Id& first, std::uint32_t limit);

// What was signed about a report, be it open, hidden or erased; nothing if no gateway of the
// rosters signed it. Looks at no text.
storage::result<std::optional<identity::Ownership>> signed_ownership(
    Cases& cases, const crypto::Id& report, const identity::Directory& directory);

}  // namespace ishara::desk
