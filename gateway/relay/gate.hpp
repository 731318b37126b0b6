#pragma once
// The outbound gate: the one place that decides whether a text may leave for a phone. Every message
// of any kind passes `judge`, which answers with one verdict: allowed, or the first reason why not.
// The sender keeps that reason, so that a caseworker sees it.
//
// A pure function over facts that the caller has at hand; without clock, state or I/O. Thread-safe.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/safe_range.hpp"
#include "i18n/pack.hpp"

namespace ishara::relay {

// Why a message may leave or not. Stored with the reply: never renumbered.
enum class Verdict : std::uint8_t {
  allowed = 0,
  // The reply itself is not good, and never will be.
  not_genuine = 1,     // its bytes, its report, its id, or a signature that does not fit
  not_the_owner = 2,   // signed by nobody who works for the queue that holds the report
  police_unasked = 3,  // signed for a police queue about a report for helpers only
  report_unknown = 4,  // no report of this id, or another origin than the relay has pinned
  withdrawn = 5,       // the reporter took the report back
  expired = 6,         // the hour until which it might be sent is over
  used = 7,            // this reply has been dealt with before
  key_gone = 8,        // sealed to an epoch whose key is destroyed
  breaks_a_rule = 9,   // a word, an address, a brace, an emoji, a chain of question marks
  // It may not be sent to the phone, but waits to be fetched.
  too_long = 10,        // more than one message
  fetch_only = 11,      // the caseworker wants it so
  no_number = 12,       // nobody said yes, or the route was ended
  unverified_yes = 13,  // yes by number alone, which the caseworker has not confirmed
  silent = 14,          // no word from this number for 90 days: it may be somebody else's
  robot = 15,           // no phone of a person
  // It may be sent later.
  no_window = 16,        // the reporter has opened none, or less than a minute of it is left
  answered = 17,         // one reply for each text, or for ten minutes of a safe time
  too_many = 18,         // over the limit of an hour or a day
  channel_stopped = 19,  // no channel, or its provider refuses our credentials
  provider_busy = 20,    // the provider has surely not taken it
  // For whoever asks with a ref.
  unverified_ref = 21,  // the reply was not released to refs that prove nothing
  // What the provider said.
  number_refused = 22,
  // The sender's own.
  not_known = 23,  // the provider's answer never came; it may have been sent
};

enum class Then : std::uint8_t { send, wait, fetch, never };
// What follows from a verdict for a reply: send it, try again later, keep it to be fetched, or
// never.
Then then(Verdict verdict) noexcept;

inline constexpr std::chrono::minutes reply_window{15};
inline constexpr std::chrono::seconds shortest_validity{60};
inline constexpr std::chrono::days silence_limit{90};
inline constexpr std::chrono::days safe_range_life{7};
inline constexpr std::uint32_t most_an_hour = 6;
inline constexpr std::uint32_t most_a_day = 20;

// What the relay knows of a phone at this moment.
struct Phone {
  bool robot = false;         // fewer than seven digits, or one of our own numbers
  bool channel_ready = true;  // a channel that can send, whose provider takes our credentials
  std::uint32_t sent_this_hour = 0;
  std::uint32_t sent_this_day = 0;
  std::chrono::sys_seconds last_text{};     // that opened the window; 1970: none since we started
  std::chrono::sys_seconds window_until{};  // of op 9
  std::optional<std::chrono::sys_seconds> last_reply{};
};

// What the reporter's address says. Nothing of it: no number is kept.
struct Consent {
  bool may_text = false;
  bool yes_unverified = false;
  std::optional<identity::SafeRange> safe{};
  std::chrono::sys_days last_contact{};
};

// A fixed template, filled in, to a phone that has just written (op 5).
struct Acknowledgement {
  std::string_view text;
  const i18n::Pack& pack;
  const Phone& phone;
  std::chrono::sys_seconds asked;  // when the gateway asked for it, at once after the text
};

// A row of the outbox, and what was signed about its report.
struct Submitted {
  crypto::View envelope;
  crypto::Id report_id{};
  crypto::Id reply_id{};
  crypto::View first_intake;                  // empty: no such report
  std::optional<crypto::Id> pinned_origin{};  // none: no thread leads to this report any more
  std::span<const crypto::View> statements;
  const crypto::BoxKey* epoch_key = nullptr;  // of the envelope's epoch; nullptr: destroyed
  bool used =
      false;  // for sending: it was tried before; for fetching: it was sent, or its day is over
};

// A reply to the reporter's phone.
struct ReplyBySms {
  const Submitted& reply;
  const Phone& phone;
  const Consent* consent = nullptr;                // nullptr: no number is kept
  std::optional<std::chrono::minutes> utc_offset;  // of the phone; none: no time range opens
};

// A reply to whoever asks with a ref of its report (op 3).
struct ReplyByPull {
  const Submitted& reply;
  bool ref_verified = false;
};

using Outbound = std::variant<Acknowledgement, ReplyBySms, ReplyByPull>;

struct Around {
  std::chrono::sys_seconds now;
  const identity::Directory& directory;
  const i18n::Packs& packs;
};

struct Judgement {
  Verdict verdict = Verdict::not_genuine;
  std::chrono::seconds validity{};         // when allowed by SMS: how long it may take to arrive
  std::optional<identity::Reply> reply{};  // opened and checked; whenever that was reached
};

Judgement judge(const Outbound& message, const Around& around);

}  // namespace ishara::relay
