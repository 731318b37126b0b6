#include "gateway/desk/roster_rules.hpp"

#include <algorithm>
#include <array>

#include "gateway/crypto/encoding.hpp"

namespace ishara::desk {
namespace {

using identity::OrganisationRoster;
using Broken = std::optional<BrokenRule>;

BrokenRule bad_roster(const std::string& detail) {
  return {.detail = detail + " Mend it and sign it anew."};
}

Broken bad_key(const OrganisationRoster& next) {
  if (!is_usable(next.recovery_key)) return bad_roster("The recovery key is none.");
  for (const auto& queue : next.queues)
    if (!is_usable(queue.box_key))
      return bad_roster("The key of the queue " + queue.name + " is none.");
  for (const auto& member : next.members)
    if (!is_usable(member.box_key))
      return bad_roster("The key of the member " + crypto::hex(member.id) + " is none.");
  return std::nullopt;
}

Broken no_admin(const OrganisationRoster& next) {
  for (const auto& member : next.members)
    if (std::ranges::find(member.roles, "admin") != member.roles.end()) return std::nullopt;
  return bad_roster(
      "It leaves the organisation without an admin, and nobody could change it again.");
}

// Nothing that is sealed to a key of the queue may be left without that key's name, and nobody
// keeps the grant of a key that has none.
storage::result<Broken> lost_key(const OrganisationRoster::Queue& queue, std::uint32_t generation,
                                 const crypto::PublicKey& key,
                                 storage::blocking::PeopleStore& store) {
  if (queue.box_key == key ||
      std::ranges::find(queue.earlier, key, &OrganisationRoster::EarlierKey::box_key) !=
          queue.earlier.end())
    return Broken{};
  const auto wraps = store.wraps_left(crypto::key_id(key));
  if (!wraps) return wraps.error();
  if (wraps->any())
    return Broken{{409, "wraps-left",
                   "Texts are still sealed to generation " + std::to_string(generation) +
                       " of the queue " + queue.name +
                       ": let it stand among the earlier keys, and let the queue's people seal"
                       " them anew first."}};
  // Who forgets the grants has been told that nothing more can come for the key.
  const auto grants = store.grants_left(queue.id, generation);
  if (!grants) return grants.error();
  if (*grants)
    return Broken{{409, "grants-left",
                   "People still have generation " + std::to_string(generation) + " of the queue " +
                       queue.name +
                       ": let it stand among the earlier keys until a lead of the queue has"
                       " run `ishara org rotate " +
                       queue.name + " --finish`."}};
  return Broken{};
}

storage::result<Broken> lost_queue(const OrganisationRoster::Queue& before,
                                   const OrganisationRoster& next,
                                   storage::blocking::PeopleStore& store) {
  const auto after = std::ranges::find(next.queues, before.id, &OrganisationRoster::Queue::id);
  if (after == next.queues.end()) {
    const auto needed = store.queue_is_needed(before.id);
    if (!needed) return needed.error();
    if (!*needed) return Broken{};
    return Broken{{409, "queue-needed",
                   "The queue " + before.name +
                       " has, had or gave away reports; retire it instead of removing it."}};
  }
  if (after->box_key != before.box_key && after->generation <= before.generation)
    return Broken{
        bad_roster("The queue " + before.name + " has a new key without a new generation.")};
  auto lost = lost_key(*after, before.generation, before.box_key, store);
  for (const auto& earlier : before.earlier) {
    if (!lost || *lost) return lost;
    lost = lost_key(*after, earlier.generation, earlier.box_key, store);
  }
  return lost;
}

}  // namespace

bool is_usable(const crypto::PublicKey& box_key) {
  const std::array<std::uint8_t, 1> nothing{};
  return crypto::seal(nothing, box_key).has_value();
}

storage::result<std::optional<BrokenRule>> broken_rule(const OrganisationRoster& present,
                                                       const OrganisationRoster& next,
                                                       storage::blocking::PeopleStore& store) {
  if (auto bad = bad_key(next)) return bad;
  if (auto bad = no_admin(next)) return bad;
  for (const auto& queue : present.queues)
    if (auto lost = lost_queue(queue, next, store); !lost || *lost) return lost;
  return Broken{};
}

}  // namespace ishara::desk
