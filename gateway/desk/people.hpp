#pragma once
// What follows from the rosters for the queue keys that are sealed to people. Blocks; threads as of
// the store.

#include <cstdint>
#include <span>
#include <vector>

#include "gateway/identity/roster.hpp"
#include "storage/people_store.hpp"

namespace ishara::desk {

// How long after a roster is in force a gateway may still go by the one before. One that is cut off
// from the database takes texts with the rosters it has kept, seals them to the queue keys of
// those, answers the senders, and spools. The desk cannot see a spool: whoever forgets a queue's
// key while something for it is on the way has lost it. A week is time to notice a gateway that
// nobody hears of and to bring it back, over a weekend and a holiday. One that is away for longer
// has no key for return addresses either, which are announced for a week each.
inline constexpr std::uint32_t hours_away = 7 * 24;

// The keys of a queue that the rosters name, by id, with their generations. A grant of one to the
// recovery key that was stored before the key was in force has this id as its holder; it counts
// once the rosters name the key.
std::vector<std::pair<storage::Id, std::uint32_t>> keys_of(const identity::Directory::Queue& queue);

// The versions of these rosters, as storage compares them.
std::vector<storage::RosterVersion> stored_versions(const identity::Directory& directory);

// Deletes every grant of somebody who does not work for that queue by these rosters, every grant of
// a generation that they do not name, the recovery key's too, and the invitations of who is
// rostered by now; returns how many grants. The desk calls it when it takes up rosters. A grant is
// of no use to anybody but its owner, whose key alone opens it, and the desk answers her no more.
// But she may have a copy of her key, and somebody a copy of the database: a grant that is gone is
// in no backup from today on, and a seed that she did not keep she cannot get again. The new
// generation of her queues' keys does the rest.
storage::result<std::uint32_t> settle_people(storage::blocking::PeopleStore& store,
                                             const identity::Directory& directory,
                                             const storage::AuditScribe& scribe);

// What is missing of the grants, for `ishara doctor`: by the present key of each queue that is not
// retired, and by the keys to which the grants say that they are sealed. The pointers live as long
// as the directory.
struct GrantGaps {
  // Works for the queue, and has no grant of its present key that is sealed to her own.
  struct Keyless {
    const identity::Directory::Member* member;
    const identity::Directory::Queue* queue;
  };
  std::vector<const identity::Directory::Queue*> unread;         // nobody can open what is new
  std::vector<const identity::Directory::Queue*> unrecoverable;  // nor can the present recovery key
  std::vector<Keyless> keyless;                                  // of queues that are not unread
};
GrantGaps grant_gaps(const identity::Directory& directory,
                     std::span<const storage::QueueGrant> grants);

}  // namespace ishara::desk
