#include "gateway/desk/people.hpp"

#include <algorithm>

#include "gateway/identity/author.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::desk {

std::vector<storage::RosterVersion> stored_versions(const identity::Directory& directory) {
  std::vector<storage::RosterVersion> out;
  for (const auto& [issuer, version] : directory.versions())
    out.push_back({issuer, static_cast<std::uint32_t>(version)});
  return out;
}

std::vector<std::pair<storage::Id, std::uint32_t>> keys_of(
    const identity::Directory::Queue& queue) {
  std::vector<std::pair<storage::Id, std::uint32_t>> out{{queue.kid, queue.generation}};
  for (const auto& earlier : queue.earlier) out.emplace_back(earlier.kid, earlier.generation);
  return out;
}

storage::result<std::uint32_t> settle_people(storage::blocking::PeopleStore& store,
                                             const identity::Directory& directory,
                                             const storage::AuditScribe& scribe) {
  std::vector<storage::GrantHolder> holders;
  const auto hold = [&](const storage::Id& user, const identity::Directory::Queue& queue) {
    for (const auto& [kid, generation] : keys_of(queue))
      holders.push_back({user, queue.id, generation});
  };
  // Whatever is put meanwhile for a key that is not rostered yet stays, whoever has it.
  std::vector<storage::QueueGeneration> next;
  for (const auto& queue : directory.queues()) {
    hold(queue.organisation, queue);
    for (const auto& [kid, generation] : keys_of(queue))
      holders.push_back({kid, queue.id, generation});
    next.push_back({queue.id, queue.generation + 1});
  }
  std::vector<storage::Id> members;
  for (const auto& member : directory.members()) {
    members.push_back(member.id);
    for (const auto& queue : member.queues)
      if (identity::works_for(member, queue)) hold(member.id, *directory.queue(queue));
  }
  return store.settle_people(stored_versions(directory), holders, next, members, scribe);
}

GrantGaps grant_gaps(const identity::Directory& directory,
                     std::span<const storage::QueueGrant> grants) {
  GrantGaps out;
  for (const auto& queue : directory.queues()) {
    if (queue.retired) continue;
    const auto has_key = [&](const crypto::Id& user, const crypto::PublicKey& key) {
      return std::ranges::any_of(grants, [&](const storage::QueueGrant& grant) {
        const bool in_advance = user == queue.organisation && grant.user_id == queue.kid;
        return (grant.user_id == user || in_advance) &&
               identity::claims_queue_grant(grant.envelope, queue.id, user, queue.generation, key);
      });
    };
    const auto recovery = directory.recovery_key(queue.organisation);
    if (!recovery || !has_key(queue.organisation, *recovery)) out.unrecoverable.push_back(&queue);
    std::vector<GrantGaps::Keyless> keyless;
    bool is_read = false;
    for (const auto& member : directory.members()) {
      if (!identity::works_for(member, queue.id)) continue;
      if (has_key(member.id, member.box_key))
        is_read = true;
      else
        keyless.push_back({&member, &queue});
    }
    if (is_read)
      out.keyless.insert(out.keyless.end(), keyless.begin(), keyless.end());
    else
      out.unread.push_back(&queue);
  }
  return out;
}

}  // namespace ishara::desk
