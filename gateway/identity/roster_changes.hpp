#pragma once
// How a roster becomes the next one. `next_of` begins the next version; each edit changes one thing
// in it or, if that makes no sense, nothing at all. Several edits may make one version: who removes
// a member gives her queues new keys in the same breath. What comes out is signed on a machine that
// has the key, and shown to a person before, line by line (`changes`).
//
// An edit sees one roster. Whether the whole deployment still fits together, fallbacks in other
// organisations and keys that are used there too, is what Directory::verified says. It does not,
// for one thing, while an organisation's key is new in the root roster and its own roster is still
// signed with the old one: those two are published together.
//
// Pure functions, thread-safe.

#include <boost/system/result.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/identity/roster.hpp"

namespace ishara::identity {

enum class change_errc {
  unknown_member = 1,
  unknown_queue,
  unknown_organisation,
  unknown_service,
  unknown_generation,  // the queue has no earlier key of this generation
  unknown_role,        // not caseworker, lead, admin or auditor
  unknown_use,         // not gateway or relay
  id_taken,            // also by somebody who has left
  key_taken,           // also by somebody who has left, or by an earlier generation
  name_taken,          // two queues, or two organisations, of one name
  bad_name,            // of a queue: no slug; of an organisation: nothing, or more than a line
  retired,             // the queue is retired already, or is to get something new
  is_fallback,         // another queue falls back to the one that is to be retired
  ended,               // the service has ended already
  listed_twice,        // a role or queue of a member
  nothing_to_change,   // it is as it is to become
};
const boost::system::error_category& change_category() noexcept;
inline boost::system::error_code make_error_code(change_errc code) noexcept {
  return {static_cast<int>(code), change_category()};
}

// The same roster as the version after the one that is signed in `bytes`, which the caller has
// verified.
OrganisationRoster next_of(OrganisationRoster roster, crypto::View bytes);
RootRoster next_of(RootRoster roster, crypto::View bytes);

// --- Of an organisation

boost::system::result<void> add_member(OrganisationRoster& next, OrganisationRoster::Member member);
// Gives a member other roles and queues than she has. Reports that she gave away from a queue which
// she loses stay given only if `transfers` says so, as in `remove_member`.
boost::system::result<void> change_member(OrganisationRoster& next, const crypto::Id& member,
                                          std::vector<std::string> roles,
                                          std::vector<crypto::Id> queues,
                                          std::span<const crypto::Id> transfers = {});
// She is a former member from now on. `transfers` are the hashes of what she gave away that stays
// given; what earlier versions list stays listed. Whoever forgets one moves a report back. Her
// queues should get new keys (`rotate_queue`).
boost::system::result<void> remove_member(OrganisationRoster& next, const crypto::Id& member,
                                          std::span<const crypto::Id> transfers);

boost::system::result<void> add_queue(OrganisationRoster& next, OrganisationRoster::Queue queue);
// The next generation of a queue's key. The present one becomes an earlier one, so that clients go
// on opening, and seal anew, what was wrapped for it.
boost::system::result<void> rotate_queue(OrganisationRoster& next, const crypto::Id& queue,
                                         const crypto::PublicKey& box_key);
// Forgets an earlier key. Texts that are still wrapped for it, and for no other key that anybody
// has, are lost with it: the caller has asked whether there are any.
boost::system::result<void> drop_generation(OrganisationRoster& next, const crypto::Id& queue,
                                            std::uint32_t generation);
// It gets nothing new from now on. Its people may still give away what it has; the caller has asked
// whether there is anything. Another queue must have another fallback first.
boost::system::result<void> retire_queue(OrganisationRoster& next, const crypto::Id& queue);
boost::system::result<void> replace_recovery_key(OrganisationRoster& next,
                                                 const crypto::PublicKey& key);
// Keeps only those of the listed TRANSFERs that are among `needed`: the reports of the others are
// gone.
boost::system::result<void> prune_transfers(OrganisationRoster& next,
                                            std::span<const crypto::Id> needed);

// Whether all that `after` does is to take members away, or roles or queues from members, and no
// more: who goes is a former member with her key, and of what they gave away more may go on
// counting. Whose transfers those are that it lists, no roster says.
bool only_removes(const OrganisationRoster& before, const OrganisationRoster& after);

// --- Of the root

boost::system::result<void> add_organisation(RootRoster& next,
                                             RootRoster::Organisation organisation);
boost::system::result<void> replace_organisation_key(RootRoster& next,
                                                     const crypto::Id& organisation,
                                                     const crypto::PublicKey& key);
boost::system::result<void> add_service(RootRoster& next, const crypto::PublicKey& key,
                                        std::string_view use);
// Its signatures count up to this hour (unix time / 3600).
boost::system::result<void> end_service(RootRoster& next, const crypto::PublicKey& key,
                                        std::uint32_t hour);

// --- For people

// What differs, one thing a line, with the ids, and the eight words of every new key, that a person
// compares: whatever stands in one of the rosters and not in the other is said. Empty only if
// nothing but version and `previous` differs. The lines are ASCII; other characters of a name are
// shown as '?'.
std::vector<std::string> changes(const OrganisationRoster& before, const OrganisationRoster& after);
std::vector<std::string> changes(const RootRoster& before, const RootRoster& after);

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::change_errc> : std::true_type {};
