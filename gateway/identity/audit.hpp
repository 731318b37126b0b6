#pragma once
// The audit chain (privacy.md sections 6 and 12): who did what to which report, and that nobody has
// changed it since.
//
//   ENTRY       version 1 ‖ type 0x0A ‖ action 2 ‖ flags 4 ‖ seq 8 ‖ unix seconds 8 ‖ actor 16
//               ‖ subject 16 ‖ object 16 ‖ BLAKE2b-256(detail) 32 ‖ hash of the entry before 32
//   CHECKPOINT  version 1 ‖ type 0x0B ‖ zeros 6 ‖ seq 8 ‖ unix seconds 8 ‖ head 32 ‖ relay kid 16
//               ‖ signature 64
//
// The hash of an entry is BLAKE2b-256("ishara/v1/audit\0" ‖ entry); the first entry has seq 1 and
// zeros for the one before. A checkpoint says that the entry of its seq had the hash `head` when
// the relay saw it. What comes after the last checkpoint may still be cut off or written anew.
//
// The machine from which somebody at the desk acted has an address, which is kept for 90 days only,
// beside the entry. The chain commits to it and does not hold it: the detail has, in hex and as
// "from", BLAKE2b-256("ishara/v1/from\0" ‖ seq 8 ‖ salt 16 ‖ address 16). Without the salt, which
// goes with the address, nobody can try addresses.
//
// Pure functions, thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/config/ip_address.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/roster.hpp"
#include "storage/audit.hpp"

namespace ishara::identity {

// What was done. Stored: never renumbered. In brackets: the object, and what the flags are.
enum class AuditAction : std::uint16_t {
  none = 0,       // nothing that leaves an entry
  start,          // a role began to work
  list,           // the reports of a queue [queue]
  pull,           // took a report [queue]
  open,           // was handed the sealed texts
  history,        // was handed statements, sealed notes and what became of replies
  renew,          // went on holding it
  release,        // gave it back
  close,          // closed it
  note,           // kept a note [note]
  reply,          // handed a reply to the relay [reply; bit 0: released to unverified refs, bit 1:
                  // confirmed the unverified yes]
  transfer,       // gave it away [the other queue]
  rewrap,         // sealed a stray text for the present owner [text]
  hold,           // kept a withdrawn report because a life is at risk [bit 0: and no longer]
  erase,          // removed it, because its reporter took it back
  export_report,  // disclosed the first text to a third party
  read_audit,     // was handed the chain
  reply_sent,     // a provider took the reply [reply]
  reply_unknown,  // whether a provider took it was lost [reply]
  epoch_created,  // a key of the relay began [flags: its epoch]
  epoch_destroyed,  // and was destroyed [flags: its epoch]
  sweep,            // retention of return addresses
  alarm,            // something rang; the detail says what
  expire,           // removed it, because it was closed long enough ago
  legal_hold = 58,  // kept its content, whatever becomes of it otherwise
  legal_release,    // and no longer
  delete_report,    // removed it, by its queue's own decision
  intend,           // wanted what needs a second person [its object; flags: that action]
  // The subject of the following is a person, or nobody.
  roster,         // published a roster [organisation; flags: its version]
  grant,          // gave somebody the key of a queue [queue; flags: its generation]
  forget_grants,  // took it away: from everybody [queue; flags: a generation], or from one [queue]
  invite,         // gave out a one-time code [person]
  enrol,          // showed her keys with it [herself]
  // Of nobody again.
  panic = 67,  // every key of a week was destroyed, the relay stopped [detail: at, unix time]
  backup,      // made a sealed copy of the database [BLAKE2b-128 of the file's head; detail: file]
  forget_backups,  // removed old ones [flags: how many; detail: files]
  compare_wraps,   // saw that what was sealed anew still opens [queue; flags: how many]
  // The subject is a person again.
  mend_wrap,  // put right a text that this person had sealed anew so that it opened no more
              // [report]
};
// In lower case, as in the enumeration; "unknown" for a number that is none.
std::string_view name_of(AuditAction action) noexcept;

// Entries are kept so long, and the addresses beside them.
inline constexpr std::chrono::days audit_life{3 * 365};
inline constexpr std::chrono::days origin_life{90};

inline constexpr std::size_t audit_entry_size = 136;
inline constexpr std::size_t checkpoint_size = 136;
using AuditEntryBytes = std::array<std::uint8_t, audit_entry_size>;
using CheckpointBytes = std::array<std::uint8_t, checkpoint_size>;

struct AuditEntry {
  AuditAction action = AuditAction::none;
  std::uint32_t flags = 0;
  std::uint64_t seq = 0;
  std::uint64_t time = 0;
  crypto::Id actor{};    // user; kid of a service's key; zeros: the desk or an operator
  crypto::Id subject{};  // report, or zeros
  crypto::Id object{};
  crypto::Digest detail{};
  crypto::Digest before{};

  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

AuditEntryBytes encode(const AuditEntry& entry);
// envelope_errc::refused for another size, version or type, or seq 0.
boost::system::result<AuditEntry> decode_audit_entry(crypto::View bytes);
crypto::Digest audit_hash(crypto::View entry);

// What somebody did, as far as the verb that does it does not know it better.
struct AuditDeed {
  AuditAction action = AuditAction::none;
  std::uint64_t time = 0;
  crypto::Id actor{};
  std::uint32_t flags = 0;
  std::string detail = "{}";                  // a JSON object, without anything about a reporter
  std::optional<config::IpAddress> origin{};  // of the machine from which somebody acted
};
// For the verbs of storage. An action `none` is a bug of the caller: the scribe throws.
storage::AuditScribe scribe_of(AuditDeed deed);

struct Checkpoint {
  std::uint64_t seq = 0;
  std::uint64_t time = 0;
  crypto::Digest head{};

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};
CheckpointBytes sign_checkpoint(const Checkpoint& checkpoint, const crypto::SigningKey& relay);
// envelope_errc::refused unless `relay` signed it.
boost::system::result<Checkpoint> verify_checkpoint(crypto::View bytes,
                                                    const crypto::PublicKey& relay);
// The same for any relay of the rosters, until that one's end.
boost::system::result<Checkpoint> verify_checkpoint(crypto::View bytes, const Directory& directory);

// --- Verifying

enum class AuditFault : std::uint8_t {
  none,
  not_an_entry,    // not of the form above
  missing,         // there is none of this number where it belongs
  altered,         // not what it was when its hash was taken
  rewritten,       // it or one of those up to the next checkpoint was written anew
  detail_altered,  // the detail is not the entry's
  origin_altered,  // the address is not the one that the detail commits to
  origin_missing,  // there is no address though it is to be kept still
  bad_checkpoint,  // the checkpoint at this entry is not signed by a relay of the rosters
  forked,          // signed checkpoints, or one that was seen before, say something else here
  unsigned_chain,  // there is no checkpoint, so nothing vouches for it
};
// For people: "is missing", "was altered" and so on; empty for `none`.
std::string_view describe(AuditFault fault) noexcept;

// Whose addresses have to be there, as long as they are kept. An auditor is given those of her own
// organisation, others who may read the chain none; a backup has all.
enum class Origins : bool { of_those_given, given };

// The organisation of whoever did what an entry says, now or formerly; nothing of anybody else.
std::optional<crypto::Id> organisation_of(const storage::AuditRow& row, const Directory& directory);

struct AuditVerdict {
  AuditFault fault = AuditFault::none;
  std::uint64_t seq = 0;    // the first entry that is not right
  std::uint64_t first = 0;  // entries that were given; 0: none
  std::uint64_t last = 0;
  std::uint64_t vouched = 0;           // up to here a checkpoint vouches for everything
  std::uint64_t waits_since = 0;       // the time that the oldest entry after these says; 0: none
  bool origins_withheld = false;       // addresses that are kept still were not given
  std::optional<Checkpoint> newest{};  // the last checkpoint, if all is right
  crypto::Bytes newest_bytes{};        // and as it was signed; empty if it is the one seen before

  bool good() const noexcept { return fault == AuditFault::none; }
};

// Whether this is the whole chain as it was written up to its last checkpoint, in order, and
// continues `seen`, a checkpoint that was verified before. Nobody vouches for the entries after
// `vouched`: whoever writes the database may have made them up. A chain may begin later than with
// entry 1 only if what is missing there is so old that it need not be kept, by the times that the
// relay has signed. An address may be missing only if its entry is so old at `now` (unix time) that
// it need not be kept, or with `of_those_given` if no address of anybody in that organisation is
// there.
AuditVerdict verify_audit(std::span<const storage::AuditRow> entries,
                          std::span<const crypto::Bytes> checkpoints, const Directory& directory,
                          const std::optional<Checkpoint>& seen, std::uint64_t now,
                          Origins origins);

// From where the deed of an entry was done, as far as this is known.
struct Origin {
  bool known = false;  // when the entry was written
  bool old = false;    // at `now`, so that its address may be gone
  std::optional<config::IpAddress> address{};
};
Origin origin_of(const storage::AuditRow& row, const AuditEntry& entry, std::uint64_t now);

}  // namespace ishara::identity
