#pragma once
// Who holds a report: recomputed by relay, desk and clients from what was signed, never taken from
// a column that a database could change (privacy.md sections 6 and 7.8 to 7.12).
//
// Pure functions, thread-safe.

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::identity {

struct Ownership {
  struct Withdrawal {
    bool with_ref = false;   // content goes at once; else after the grace, unless a lead holds it
    std::uint32_t hour = 0;  // of the first such withdrawal
  };

  crypto::Id origin{};
  crypto::Id owner{};
  std::uint8_t consent_class = 0;  // 1: police may read
  // What shows class 1: the INTAKE or CONSENT to hand on as proof. Empty in class 0. A view into
  // the arguments.
  crypto::View proof;
  std::vector<crypto::Id> kept;         // former owners who keep their wraps; no police in class 0
  std::optional<Withdrawal> withdrawn;  // with the ref wins over by number alone
  crypto::Id last{};                    // what the next TRANSFER names as `previous`
  // Two valid TRANSFERs continue the same one. The earlier counts, and a person should look.
  bool forked = false;
};

// What the statements of a report, in any order and with anything among them, make of its first
// INTAKE. Refused (envelope_errc::refused) only if that is not the first INTAKE of this report,
// signed by a gateway of the rosters for a queue that they name and that is no police queue. A
// statement counts only if it is of this report and verifies:
//   TRANSFER  from the owner to a queue of the rosters, naming what came before; to the police
//             only if class 1 was ever signed. Signed by somebody who works for from_queue now, or
//             listed in `transfers` of its organisation and signed by anybody who is or was there:
//             people leave, and what they gave away stays where it is
//   CONSENT   signed by a gateway, naming the origin. The latest hour counts; within one hour a
//             withdrawal of the consent wins
//   WITHDRAW  signed by a relay, naming the origin
// A service that has ended counts up to its last hour. Retired queues count as all others: what
// they owned is theirs until somebody gives it away.
// In class 0 a report that was with the police belongs to the last queue before them, which may
// then give it away as if the police had never had it.
// Whoever pins the origin of reports (the relay) compares it with what comes back.
boost::system::result<Ownership> ownership(const crypto::Id& report_id, crypto::View first_intake,
                                           std::span<const crypto::View> statements,
                                           const Directory& directory);

// The INTAKE, if a gateway of the rosters signed it, before that one's end; else
// envelope_errc::refused.
boost::system::result<IntakeRecord> verify_intake(crypto::View record, const Directory& directory);

// Whether `proof`, an INTAKE or a CONSENT of this report (which may have the zeros of the relay's
// answer behind it), shows class 1 under the signature of a gateway of the rosters. Asked before
// each wrap for a police queue.
[[nodiscard]] bool shows_police_consent(crypto::View proof, const crypto::Id& report_id,
                                        const Directory& directory);

}  // namespace ishara::identity
