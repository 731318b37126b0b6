#include "gateway/desk/second_person.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/answers.hpp"
#include "gateway/identity/author.hpp"

namespace ishara::desk {
namespace {

// Of fixed parts and then the one of any length, so that no two decisions have the same bytes.
crypto::Digest digest_of(identity::AuditAction action, const Decision& decision) {
  const auto number = static_cast<std::uint16_t>(action);
  const std::array bytes{static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return crypto::hash32({crypto::bytes_of("ishara/v1/intent"), bytes, decision.place,
                         decision.subject, decision.object, decision.arguments});
}

}  // namespace

storage::Agreement agreement(
    const Call& call, const Decision& decision,
    const std::function<bool(const identity::Directory::Member&)>& counts) {
  storage::Agreement out;
  const auto action = static_cast<std::uint16_t>(call.action);
  out.intent = {digest_of(call.action, decision),
                action,
                decision.place,
                decision.subject,
                decision.object,
                call.member->id,
                static_cast<std::uint32_t>(call.now / 3600)};
  for (const auto& member : call.directory->members())
    if (member.id != call.member->id && counts(member)) out.partners.push_back(member.id);
  out.intend = identity::scribe_of(
      {identity::AuditAction::intend, call.now, call.member->id, action, "{}", call.origin});
  return out;
}

storage::Agreement agreement_of_queue(const Call& call, const Decision& decision) {
  const bool caller_leads = has_role(*call.member, "lead");
  return agreement(call, decision, [&](const identity::Directory::Member& member) {
    return identity::works_for(member, decision.place) &&
           (caller_leads || has_role(member, "lead"));
  });
}

Answer waits_for_second_person(const storage::Agreed& agreed) {
  auto out = good(json::object{{"needs", "second person"}, {"until", agreed.until}});
  out.response.status = 202;
  return out;
}

Answer agreed_answer(const storage::result<storage::Agreed>& agreed) {
  if (!agreed) return failure(agreed.error());
  return agreed->until == 0 ? no_content() : waits_for_second_person(*agreed);
}

// What waits at the caller's queues, and for those who lead or administer an organisation there.
Answer list_intents(const Call& call, Cases& cases) {
  std::vector<crypto::Id> places;
  for (const auto& queue : call.member->queues)
    if (identity::works_for(*call.member, queue)) places.push_back(queue);
  if (has_role(*call.member, "lead") || has_role(*call.member, "admin"))
    places.push_back(call.member->organisation);
  const auto oldest = static_cast<std::int64_t>(call.now / 3600) - storage::intent_life.count();
  const auto intents =
      cases.intents(places, static_cast<std::uint32_t>(std::max<std::int64_t>(oldest, 0)));
  if (!intents) return failure(intents.error());
  const auto name = [&](const crypto::Id& id) {
    const auto* queue = call.directory->queue(id);
    return queue == nullptr ? json::value{} : json::value(queue->name);
  };
  json::array all;
  for (const auto& intent : *intents)
    all.push_back(json::object{
        {"action", identity::name_of(static_cast<identity::AuditAction>(intent.action))},
        {"queue", name(intent.place)},
        {"subject", crypto::hex(intent.subject)},
        {"to", name(intent.object)},
        {"user", crypto::hex(intent.user)},
        {"until", intent.hour + static_cast<std::uint32_t>(storage::intent_life.count())}});
  return good(json::object{{"intents", std::move(all)}, {"next", nullptr}});
}

}  // namespace ishara::desk
