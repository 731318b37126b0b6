#pragma once
// What follows from the rosters for the queue keys that are sealed to people. Blocks; threads as of
// the store.

#include <cstdint>
#include <span>
#include <vector>

#include "gateway/identity/roster.hpp"
#include "storage/people_store.hpp"

namespace ishara::desk {

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

// What is missing of the grants, for `ishara doctor`. The pointers live as long as the directory.
struct GrantGaps {
  std::vector<const identity::Directory::Queue*> unread;         // nobody can open what is new
  std::vector<const identity::Directory::Queue*> unrecoverable;  // nor can the recovery key
  std::vector<const identity::Directory::Member*> keyless;  // work for a queue, and open nothing
};
GrantGaps grant_gaps(const identity::Directory& directory,
                     std::span<const storage::QueueGrant> grants);

}  // namespace ishara::desk
