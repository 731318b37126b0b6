#pragma once
// The verbs of the desk about people: rosters and who agrees to them, invitations, and the queue
// keys that are sealed to members. What is stored is signed or sealed by the people's own clients;
// the caller has verified it.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/agreement.hpp"
#include "storage/store.hpp"

namespace ishara::storage {

// A roster that waits for a second person.
struct ProposedRoster {
  Roster roster;
  Id proposer{};
  std::int64_t until = 0;  // unix time
};

// A roster that comes into force, and the entry that it leaves.
struct NewRoster {
  Roster roster;
  AuditScribe scribe;
};

// Somebody who was invited, and her keys once she has made them.
struct Enrolment {
  struct Keys {
    std::array<std::uint8_t, 32> signing{};
    std::array<std::uint8_t, 32> box{};
    friend bool operator==(const Keys&, const Keys&) = default;
  };
  Id user_id{};
  Id organisation{};
  std::array<std::uint8_t, 32> code_hash{};
  std::int64_t until = 0;  // unix time
  std::optional<Keys> keys{};
};

struct RosterVersion {
  Id issuer{};
  std::uint32_t version = 0;
};

// A roster and when it came into force.
struct DatedRoster {
  Roster roster;
  std::uint32_t since = 0;  // unix time / 3600
};

// Who may have which key of a queue.
struct GrantHolder {
  Id user_id{};
  Id queue_id{};
  std::uint32_t generation = 0;
  friend auto operator<=>(const GrantHolder&, const GrantHolder&) = default;
};

// A queue's key, by its place among that queue's.
struct QueueGeneration {
  Id queue_id{};
  std::uint32_t generation = 0;
};

// What is sealed to one key.
struct WrapsLeft {
  std::uint64_t messages = 0;  // texts and notes
  std::uint32_t since = 0;     // the hour (unix time / 3600) of the oldest of them
  bool draft = false;          // an unfinished dialogue, which is over within 20 minutes
  bool any() const noexcept { return messages > 0 || draft; }
};

// A place in the list of transfers.
struct TransferCursor {
  Id from_queue{};
  Id hash{};
};

namespace blocking {

// Threads and errors as of `Store`. `now` is the unix time: what has ended by then is not there.
class PeopleStore : public Store {
 public:
  using Store::Store;

  // Stores the version after the highest one of this issuer, ends every proposal that it overtakes,
  // and tells every listener on channel "routing"; or, while it waits for a second person, keeps it
  // as the caller's proposal, in the place of an earlier one of hers. Without partners the caller
  // is alone and needs nobody. `conflict` for any other version, and if a roster of any issuer is
  // stored that is newer than in `seen`: somebody was faster.
  result<Agreed> publish_roster(const Roster& roster, std::span<const RosterVersion> seen,
                                const Agreement& agreement, const AuditScribe& scribe);
  // Stores all of these or none, as `publish_roster` stores one; they come from an operator, who
  // needs nobody beside him because their signers have decided. Each may be any later version than
  // the highest one of its issuer: a restored database catches up.
  result<void> import_rosters(std::span<const NewRoster> rosters,
                              std::span<const RosterVersion> seen);
  // The rosters of this issuer that were in force at this hour (unix time / 3600) or later, the
  // newest first.
  result<std::vector<DatedRoster>> rosters_since(const Id& issuer, std::uint32_t hour);
  // Those that would be the next version of this organisation, by proposer.
  result<std::vector<ProposedRoster>> proposed_rosters(const Id& organisation, std::int64_t now);
  // Whether a report is with this queue, or was given to it or by it: then its place in the rosters
  // is needed to tell whose such a report is. If not, this has looked at every report.
  result<bool> queue_is_needed(const Id& queue);

  // `busy` if `most` of this organisation are waiting.
  result<void> invite(const Enrolment& enrolment, std::uint32_t most, std::int64_t now,
                      const AuditScribe& scribe);
  // The invitation of this user; `not_found` for an unknown one and for a wrong or old code.
  result<Enrolment> invitation(const Id& user, const std::array<std::uint8_t, 32>& code_hash,
                               std::int64_t now);
  // Puts the keys of somebody who knows the code, and lets them wait until `until`. The same keys
  // again change nothing. `not_found` as above, and for other keys than those that are there.
  result<void> enrol(const Enrolment& enrolment, std::int64_t now, const AuditScribe& scribe);
  // Of this organisation, by user.
  result<std::vector<Enrolment>> enrolments(const Id& organisation, std::int64_t now);

  // Replaces the grant of the same queue, user and generation, unless that one says that it is
  // sealed to the same key: nobody here can tell which of the two opens, and whoever could put
  // bytes in its place could take the queue from everybody who opens it with that grant. Then
  // nothing changes, and there is no entry.
  result<void> put_grant(const QueueGrant& grant, const AuditScribe& scribe);
  // What is stored and sealed to the key of this id, among other keys or alone. What becomes a
  // report meanwhile is seen as the one or the other; what gateways have in their spools is not.
  // Reads every wrap: about 3 s for a million reports.
  result<WrapsLeft> wraps_left(const Id& kid);
  // Whether anybody has a grant of this generation, the recovery key among them.
  result<bool> grants_left(const Id& queue, std::uint32_t generation);
  // Whether something that was sealed to this key, and is sealed anew, has not been compared yet.
  result<bool> former_wraps_left(const Id& queue, const Id& kid);
  // Deletes every grant of this generation. `conflict` if a wrap for its key is left, or a former
  // one. What gateways have in their spools is not seen: the caller knows that none of it can be
  // sealed to this key.
  result<void> forget_generation(const Id& queue, std::uint32_t generation, const Id& kid,
                                 const AuditScribe& scribe);
  // Deletes every grant that is none of `holders` and of none of the generations `next`, with an
  // entry for each, and the invitations of `members`. `conflict`, and nothing is done, if a roster
  // is stored that is newer than these versions: it may name somebody more.
  result<std::uint32_t> settle_people(std::span<const RosterVersion> versions,
                                      std::span<const GrantHolder> holders,
                                      std::span<const QueueGeneration> next,
                                      std::span<const Id> members, const AuditScribe& scribe);
  // Of everybody, by queue, person and generation.
  result<std::vector<QueueGrant>> all_grants();

  // The TRANSFERs that name one of `queues` as giving, after this place, by queue and hash; the
  // caller verifies them. A page costs an index probe a queue and `limit` rows, however many there
  // are.
  result<std::vector<Statement>> transfers(std::span<const Id> queues, const TransferCursor& after,
                                           std::uint32_t limit);
};

}  // namespace blocking
}  // namespace ishara::storage
