#include "gateway/desk/people.hpp"

#include <algorithm>

#include "gateway/identity/author.hpp"

namespace ishara::desk {

std::vector<storage::RosterVersion> stored_versions(const identity::Directory& directory) {
  std::vector<storage::RosterVersion> out;
  for (const auto& [issuer, version] : directory.versions())
    out.push_back({issuer, static_cast<std::uint32_t>(version)});
  return out;
}

storage::result<std::uint32_t> settle_people(storage::blocking::PeopleStore& store,
                                             const identity::Directory& directory,
                                             const storage::AuditScribe& scribe) {
  std::vector<storage::GrantHolder> holders;
  const auto hold = [&](const storage::Id& user, const identity::Directory::Queue& queue) {
    holders.push_back({user, queue.id, queue.generation});
    for (const auto& earlier : queue.earlier)
      holders.push_back({user, queue.id, earlier.generation});
  };
  for (const auto& queue : directory.queues()) hold(queue.organisation, queue);
  std::vector<storage::Id> members;
  for (const auto& member : directory.members()) {
    members.push_back(member.id);
    for (const auto& queue : member.queues)
      if (identity::works_for(member, queue)) hold(member.id, *directory.queue(queue));
  }
  return store.settle_people(stored_versions(directory), holders, members, scribe);
}

GrantGaps grant_gaps(const identity::Directory& directory,
                     std::span<const storage::QueueGrant> grants) {
  GrantGaps out;
  for (const auto& queue : directory.queues()) {
    if (queue.retired) continue;
    const auto opens = [&](const storage::QueueGrant& grant, bool recovery) {
      return grant.queue_id == queue.id && grant.generation == queue.generation &&
             (grant.user_id == queue.organisation) == recovery;
    };
    if (std::ranges::none_of(grants, [&](const auto& grant) { return opens(grant, false); }))
      out.unread.push_back(&queue);
    if (std::ranges::none_of(grants, [&](const auto& grant) { return opens(grant, true); }))
      out.unrecoverable.push_back(&queue);
  }
  for (const auto& member : directory.members())
    if (std::ranges::any_of(
            member.queues, [&](const auto& queue) { return identity::works_for(member, queue); }) &&
        std::ranges::find(grants, member.id, &storage::QueueGrant::user_id) == grants.end())
      out.keyless.push_back(&member);
  return out;
}

}  // namespace ishara::desk
