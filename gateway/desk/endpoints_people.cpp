#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <functional>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/answers.hpp"
#include "gateway/desk/people.hpp"
#include "gateway/desk/problem.hpp"
#include "gateway/desk/roster_rules.hpp"
#include "gateway/desk/second_person.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/enrolment.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/roster_changes.hpp"

namespace ishara::desk {
namespace {

using identity::Directory;
using identity::OrganisationRoster;
using Refusal = std::optional<Answer>;

// About 450 people.
constexpr std::size_t largest_roster = 160 * 1024;
constexpr std::uint32_t most_invitations = 100;
constexpr std::chrono::seconds code_life = std::chrono::hours{24};
constexpr std::chrono::seconds keys_life = std::chrono::days{30};  // until an admin rosters them

Answer created(const json::value& body) {
  auto out = good(body);
  out.response.status = 201;
  return out;
}

std::int64_t in(std::chrono::seconds time, const Call& call) {
  return static_cast<std::int64_t>(call.now) + time.count();
}

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> hex_of(const json::object& object,
                                                  std::string_view name) {
  const auto* text = object.if_contains(name);
  if (text == nullptr || !text->is_string()) return std::nullopt;
  return crypto::from_hex_exact<N>(text->get_string());
}

std::optional<std::uint32_t> generation_of(const json::object& object) {
  const auto* number = object.if_contains("generation");
  if (number == nullptr || !number->is_int64() || number->get_int64() < 0 ||
      number->get_int64() > INT32_MAX)
    return std::nullopt;
  return static_cast<std::uint32_t>(number->get_int64());
}

bool contains(const std::vector<std::string>& roles, std::string_view role) {
  return std::ranges::find(roles, role) != roles.end();
}

std::uint32_t hour_of(const Call& call) { return static_cast<std::uint32_t>(call.now / 3600); }

// Whether what came into force in this hour is that long ago.
bool is_known_everywhere(std::uint32_t since, const Call& call) {
  return since + hours_away < hour_of(call);
}

// The first day on which it is.
std::string known_from(std::uint32_t since) {
  const std::chrono::days day{(since + hours_away) / 24 + 1};
  const std::chrono::year_month_day date{std::chrono::sys_days{day}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

// Since when every roster of the caller's organisation that was in force is as `is_so` says; at its
// longest the time that matters here. What another organisation key has signed, and all before it,
// is not.
storage::result<std::uint32_t> is_so_since(
    const Call& call, Cases& cases, const std::function<bool(const OrganisationRoster&)>& is_so) {
  const auto& organisations = call.directory->organisations();
  const auto own = std::ranges::find(organisations, call.member->organisation,
                                     &identity::RootRoster::Organisation::id);
  auto since = hour_of(call);
  const auto stored =
      cases.people().rosters_since(own->id, since - std::min(since, hours_away + 1));
  if (!stored) return stored.error();
  for (const auto& row : *stored) {  // the newest first
    identity::SignedRoster known{row.roster.bytes, {}};
    std::ranges::copy(row.roster.signature, known.signature.begin());
    const auto roster = identity::verify_organisation(known, own->signing_key);
    if (!roster || !is_so(*roster)) return since;
    since = row.since;
    if (roster->version == 1) return 0;  // there was nothing else
  }
  return since;
}

// --- Rosters

Answer not_next(std::string detail) { return {problem(409, "not-next", detail)}; }

Answer bad_roster(std::string detail) {
  return {problem(422, "bad-roster", detail + " Mend it and sign it anew.")};
}

struct Offer {
  storage::Roster roster;  // as it came
  OrganisationRoster next;
  OrganisationRoster present;
  std::vector<storage::RosterVersion> seen;
};

// Reads what is offered and what is there, and refuses everything that storage need not be asked
// for.
Refusal read_offer(const Call& call, Cases& cases, Offer& offer) {
  const auto body = body_of(call);
  auto bytes = body ? bytes_of(*body, "bytes") : std::nullopt;
  auto signature = body ? bytes_of(*body, "signature") : std::nullopt;
  if (!bytes || !signature || signature->size() != 64) return bad_body();
  if (bytes->size() > largest_roster)
    return Answer{problem(413, "too-large", "A roster has at most 160 KiB.")};
  const auto& organisations = call.directory->organisations();
  const auto own = std::ranges::find(organisations, call.member->organisation,
                                     &identity::RootRoster::Organisation::id);
  offer.roster = {own->id, 0, std::move(*bytes), std::move(*signature)};

  identity::SignedRoster offered{offer.roster.bytes, {}};
  std::ranges::copy(offer.roster.signature, offered.signature.begin());
  auto next = identity::verify_organisation(offered, own->signing_key);
  if (!next && next.error() == identity::roster_errc::bad_signature)
    return bad_roster(
        "It is not signed by the key that the root roster names for your organisation.");
  if (!next) return bad_roster("It cannot be read: " + next.error().message() + ".");
  if (next->deployment != call.directory->deployment())
    return bad_roster("It is made for another deployment.");
  if (next->organisation != own->id) return bad_roster("It is made for another organisation.");

  const auto stored = cases.rosters();
  if (!stored) return failure(stored.error());
  const auto row = std::ranges::find(*stored, own->id, &storage::Roster::issuer);
  if (row == stored->end()) return not_found();
  identity::SignedRoster known{row->bytes, {}};
  std::ranges::copy(row->signature, known.signature.begin());
  auto present = identity::verify_organisation(known, own->signing_key);
  // By the directory this desk knows whose agreement is needed.
  if (!present || present->version != call.directory->versions().at(own->id))
    return Answer{
        problem(503, "rosters-changing", "The rosters are changing; try again in a few seconds.")};
  if (next->version != present->version + 1 || next->version > INT32_MAX)
    return not_next("Version " + std::to_string(present->version) +
                    " is in force; make the next one from it.");
  if (next->previous != crypto::hash32({row->bytes}))
    return not_next("It was not made from version " + std::to_string(present->version) +
                    ", which is in force; read that and make it anew.");
  offer.roster.version = static_cast<std::uint32_t>(next->version);

  auto rows = identity::rows_of(*stored);
  const auto place = std::ranges::find(rows, own->id, &identity::RosterRow::issuer);
  *place = {own->id, next->version, offer.roster.bytes, offer.roster.signature};
  const auto whole = Directory::verified_rows(rows, call.directory->root_key());
  if (!whole)
    return bad_roster("It does not fit the other rosters: " + whole.error().message() + ".");
  for (const auto& one : *stored) offer.seen.push_back({one.issuer, one.version});
  offer.next = std::move(*next);
  offer.present = std::move(*present);
  return std::nullopt;
}

}  // namespace

Answer publish_roster(const Call& call, Cases& cases) {
  Offer offer;
  if (auto refusal = read_offer(call, cases, offer)) return std::move(*refusal);
  const auto broken = broken_rule(offer.present, offer.next, cases.people());
  if (!broken) return failure(broken.error());
  if (*broken) return {problem((*broken)->status, (*broken)->type, (*broken)->detail)};

  // Two who lead or administer this organisation, one of them an admin. An admin alone takes away,
  // because somebody who should not be there is not asked whether she goes. But whoever is alone by
  // that does not begin at once to decide alone: there is a week in which others see it.
  const auto& own = call.member->organisation;
  const bool administers = has_role(*call.member, "admin");
  auto agreed_by =
      agreement(call, {own, own, {}, offer.roster.bytes}, [&](const Directory::Member& member) {
        return member.organisation == own &&
               (has_role(member, "admin") || (administers && has_role(member, "lead")));
      });
  const bool removes = identity::only_removes(offer.present, offer.next);
  if (agreed_by.partners.empty() && !administers)
    return {problem(403, "role", "An admin has to agree, and your organisation has none.")};
  if (agreed_by.partners.empty() && !removes) {
    const auto alone = is_so_since(call, cases, [&](const OrganisationRoster& roster) {
      return std::ranges::none_of(roster.members, [&](const auto& member) {
        return member.id != call.member->id &&
               (contains(member.roles, "admin") || contains(member.roles, "lead"));
      });
    });
    if (!alone) return failure(alone.error());
    if (!is_known_everywhere(*alone, call))
      return {problem(409, "too-early",
                      "Until lately somebody else had to agree; you alone decide from " +
                          known_from(*alone) + " on, and until then you can only remove.")};
  }
  if (administers && removes) agreed_by.partners.clear();
  const auto agreed = cases.people().publish_roster(offer.roster, offer.seen, agreed_by,
                                                    call.scribe(offer.roster.version));
  if (!agreed && agreed.error() == storage::errc::conflict)
    return not_next("Another roster was published meanwhile; read the rosters and make it anew.");
  if (!agreed) return failure(agreed.error());
  if (agreed->until != 0) return waits_for_second_person(*agreed);
  return created(json::object{{"version", offer.roster.version}});
}

Answer list_proposed_rosters(const Call& call, Cases& cases) {
  const auto proposed = cases.people().proposed_rosters(call.member->organisation, in({}, call));
  if (!proposed) return failure(proposed.error());
  json::array all;
  for (const auto& one : *proposed)
    all.push_back(json::object{{"version", one.roster.version},
                               {"bytes", crypto::base64(one.roster.bytes)},
                               {"signature", crypto::base64(one.roster.signature)},
                               {"user", crypto::hex(one.proposer)},
                               {"until", one.until}});
  return good(json::object{{"rosters", std::move(all)}, {"next", nullptr}});
}

Answer list_transfers(const Call& call, Cases& cases) {
  storage::TransferCursor from;
  if (const auto given = parameter(call.query, "cursor")) {
    const auto bytes = crypto::from_base64url(*given);
    if (!bytes || bytes->size() != from.from_queue.size() + from.hash.size()) return bad_cursor();
    std::copy_n(bytes->begin(), from.from_queue.size(), from.from_queue.begin());
    std::copy(bytes->begin() + from.from_queue.size(), bytes->end(), from.hash.begin());
  }
  const auto limit = limit_of(call);
  if (!limit) return bad_limit();
  std::vector<crypto::Id> queues;
  for (const auto& queue : call.directory->queues())
    if (queue.organisation == call.member->organisation) queues.push_back(queue.id);
  const auto found = cases.people().transfers(queues, from, *limit);
  if (!found) return failure(found.error());
  json::array all;
  for (const auto& statement : *found) all.push_back(json::string{crypto::base64(statement.bytes)});
  json::value next;
  if (found->size() == *limit) {
    const auto& last = found->back();
    storage::Bytes cursor{last.bytes.begin() + 24, last.bytes.begin() + 40};
    cursor.insert(cursor.end(), last.hash.begin(), last.hash.end());
    next = crypto::base64url(cursor);
  }
  return good(json::object{{"transfers", std::move(all)}, {"next", std::move(next)}});
}

// --- Invitations

Answer invite(const Call& call, Cases& cases) {
  const auto body = body_of(call);
  const auto code_hash = body ? hex_of<32>(*body, "code_hash") : std::nullopt;
  if (!code_hash) return bad_body();
  const storage::Enrolment enrolment{
      crypto::random_bytes<16>(), call.member->organisation, *code_hash, in(code_life, call), {}};
  const auto done = cases.people().invite(enrolment, most_invitations, in({}, call), call.scribe());
  if (!done && done.error() == storage::errc::busy)
    return {problem(409, "too-many",
                    "100 people are invited and wait; roster those who have keys first.")};
  if (!done) return failure(done.error());
  return created(
      json::object{{"user", crypto::hex(enrolment.user_id)}, {"until", enrolment.until}});
}

namespace {

// A key that stands anywhere in the rosters is somebody's, or was.
bool is_rostered(const crypto::PublicKey& key, const Directory& directory) {
  return std::ranges::any_of(directory.members(),
                             [&](const auto& member) {
                               return member.signing_key == key || member.box_key == key;
                             }) ||
         std::ranges::any_of(
             directory.organisations(),
             [&](const auto& organisation) { return organisation.signing_key == key; }) ||
         std::ranges::any_of(directory.queues(), [&](const auto& queue) {
           return queue.box_key == key ||
                  std::ranges::find(queue.earlier, key, &Directory::EarlierKey::box_key) !=
                      queue.earlier.end();
         });
}

// One answer for whatever is wrong with it: who guesses learns nothing.
Answer wrong_code() {
  return {problem(403, "wrong-code",
                  "The code is wrong, was used, or is older than 24 hours; ask your admin for a new"
                  " one.")};
}

}  // namespace

// Nobody signs here: the caller has no key in the rosters yet.
Answer enrol(const Call& call, Cases& cases) {
  const auto body = body_of(call);
  const auto user = crypto::from_hex_exact<16>(call.argument);
  const auto code = body ? hex_of<16>(*body, "code") : std::nullopt;
  const auto signing = body ? hex_of<32>(*body, "sign_pk") : std::nullopt;
  const auto box = body ? hex_of<32>(*body, "box_pk") : std::nullopt;
  const auto proof = body ? bytes_of(*body, "proof") : std::nullopt;
  if (!code || !signing || !box || !proof || proof->size() != 64) return bad_body();
  if (!user) return wrong_code();
  const auto code_hash = identity::enrolment_code_hash(*code);
  const auto invitation = cases.people().invitation(*user, code_hash, in({}, call));
  if (!invitation)
    return invitation.error() == storage::errc::not_found ? wrong_code()
                                                          : failure(invitation.error());

  crypto::Signature signature;
  std::ranges::copy(*proof, signature.begin());
  if (!identity::proves_enrolment(signature, *user, {*signing, *box}, *code))
    return {
        problem(422, "bad-proof", "The proof is not made with these keys for this user and code.")};
  if (!is_usable(*box) || *box == *signing)
    return {problem(422, "bad-key", "One of the keys is none; make new ones.")};
  if (is_rostered(*signing, *call.directory) || is_rostered(*box, *call.directory))
    return {problem(422, "key-taken", "One of the keys is in use already; make new ones.")};

  const storage::Enrolment enrolment{*user, invitation->organisation, code_hash,
                                     in(keys_life, call), storage::Enrolment::Keys{*signing, *box}};
  const auto done = cases.people().enrol(
      enrolment, in({}, call),
      identity::scribe_of({call.action, call.now, *user, 0, "{}", call.origin}));
  if (!done && done.error() == storage::errc::not_found) return wrong_code();
  return done ? no_content() : failure(done.error());
}

Answer list_enrolments(const Call& call, Cases& cases) {
  const auto waiting = cases.people().enrolments(call.member->organisation, in({}, call));
  if (!waiting) return failure(waiting.error());
  json::array all;
  for (const auto& one : *waiting) {
    json::object out{{"user", crypto::hex(one.user_id)},
                     {"until", one.until},
                     {"sign_pk", nullptr},
                     {"box_pk", nullptr}};
    if (one.keys) {
      out["sign_pk"] = crypto::hex(one.keys->signing);
      out["box_pk"] = crypto::hex(one.keys->box);
    }
    all.push_back(std::move(out));
  }
  return good(json::object{{"enrolments", std::move(all)}, {"next", nullptr}});
}

// --- Grants

namespace {

Answer list_grants_of(std::span<const crypto::Id> holders, Cases& cases) {
  json::array all;
  for (const auto& holder : holders) {
    const auto grants = cases.queue_grants(holder);
    if (!grants) return failure(grants.error());
    for (const auto& grant : *grants)
      all.push_back(json::object{{"queue", crypto::hex(grant.queue_id)},
                                 {"generation", grant.generation},
                                 {"envelope", crypto::base64(grant.envelope)}});
  }
  return good(json::object{{"grants", std::move(all)}, {"next", nullptr}});
}

// The kid of a queue's key of this generation, if there is one.
std::optional<crypto::Id> kid_of(const Directory::Queue& queue, std::uint32_t generation) {
  if (queue.generation == generation) return queue.kid;
  const auto earlier =
      std::ranges::find(queue.earlier, generation, &Directory::EarlierKey::generation);
  return earlier == queue.earlier.end() ? std::nullopt : std::optional{earlier->kid};
}

Answer wrong_generation(const Directory::Queue& queue) {
  return {problem(422, "wrong-generation",
                  "The queue has no key of that generation; its key is of generation " +
                      std::to_string(queue.generation) + ".")};
}

// To whose key a grant of this queue for this person is sealed.
std::optional<crypto::PublicKey> holder_key(const Directory::Queue& queue, const crypto::Id& user,
                                            const Directory& directory) {
  if (user == queue.organisation) return directory.recovery_key(user);
  const auto* const member = directory.member(user);
  if (member == nullptr || !identity::works_for(*member, queue.id)) return std::nullopt;
  return member->box_key;
}

}  // namespace

Answer list_grants(const Call& call, Cases& cases) {
  return list_grants_of({&call.member->id, 1}, cases);
}

Answer list_recovery_grants(const Call& call, Cases& cases) {
  std::vector<crypto::Id> holders{call.member->organisation};
  for (const auto& queue : call.directory->queues())
    if (queue.organisation == call.member->organisation)
      for (const auto& [kid, generation] : keys_of(queue)) holders.push_back(kid);
  return list_grants_of(holders, cases);
}

namespace {

// How many leads make a key for the same generation before one of theirs is rostered.
constexpr std::ptrdiff_t most_in_advance = 16;

// Before a key is in force, so that it cannot be lost with the disk of the lead who made it: for
// the recovery key alone, and kept by the new key's id (people.hpp). One that is rostered later
// than another is not hidden by that one's grant.
Answer put_grant_in_advance(const Call& call, Cases& cases, const Directory::Queue& queue,
                            const crypto::Id& kid, storage::Bytes envelope) {
  // Not in the place of somebody's own.
  if (kid == queue.organisation || call.directory->member(kid) != nullptr) return bad_body();
  const auto generation = queue.generation + 1;
  const auto key = call.directory->recovery_key(queue.organisation);
  if (!key ||
      !identity::claims_queue_grant(envelope, queue.id, queue.organisation, generation, *key))
    return {problem(422, "bad-grant",
                    "The grant is not sealed to the recovery key for the next generation of this"
                    " queue.")};
  const auto grants = cases.people().all_grants();
  if (!grants) return failure(grants.error());
  if (std::ranges::count_if(*grants, [&](const auto& grant) {
        return grant.queue_id == queue.id && grant.generation == generation;
      }) >= most_in_advance)
    return {problem(409, "too-many", "So many keys wait for this queue already; roster one.")};
  const auto done = cases.people().put_grant({queue.id, kid, generation, std::move(envelope)},
                                             call.scribe(generation));
  return done ? no_content() : failure(done.error());
}

}  // namespace

Answer put_grant(const Call& call, Cases& cases) {
  const auto body = body_of(call);
  const auto queue_id = body ? hex_of<16>(*body, "queue") : std::nullopt;
  const auto user = body ? hex_of<16>(*body, "user") : std::nullopt;
  const auto generation = body ? generation_of(*body) : std::nullopt;
  auto envelope = body ? bytes_of(*body, "envelope") : std::nullopt;
  if (!queue_id || !user || !generation || !envelope) return bad_body();
  const auto* const queue = call.directory->queue(*queue_id);
  if (queue == nullptr || !is_hers(call, *queue_id)) return not_found();
  if (const auto next = hex_of<16>(*body, "kid");
      next && *user == queue->organisation && *generation == queue->generation + 1)
    return put_grant_in_advance(call, cases, *queue, *next, std::move(*envelope));
  if (!kid_of(*queue, *generation)) return wrong_generation(*queue);
  const auto key = holder_key(*queue, *user, *call.directory);
  if (!key)
    return {problem(422, "not-rostered",
                    "That person does not work for this queue by the roster; an admin adds her to"
                    " it first.")};
  if (!identity::claims_queue_grant(*envelope, *queue_id, *user, *generation, *key))
    return {problem(422, "bad-grant",
                    "The grant is not sealed to that person's rostered key for this queue and"
                    " generation.")};
  const auto done = cases.people().put_grant({*queue_id, *user, *generation, std::move(*envelope)},
                                             call.scribe(*generation));
  return done ? no_content() : failure(done.error());
}

Answer forget_grants(const Call& call, Cases& cases) {
  const auto body = body_of(call);
  const auto generation = body ? generation_of(*body) : std::nullopt;
  if (!generation) return bad_body();
  const auto queue_id = crypto::from_hex_exact<16>(call.argument);
  const auto* const queue = queue_id ? call.directory->queue(*queue_id) : nullptr;
  if (queue == nullptr || !is_hers(call, *queue_id)) return not_found();
  if (*generation == queue->generation)
    return {problem(409, "in-use",
                    "That is the generation in use; an admin rosters a new one"
                    " first.")};
  const auto kid = kid_of(*queue, *generation);
  if (!kid) return wrong_generation(*queue);
  const auto replaced = is_so_since(call, cases, [&](const OrganisationRoster& roster) {
    const auto then = std::ranges::find(roster.queues, *queue_id, &OrganisationRoster::Queue::id);
    return then != roster.queues.end() && then->generation > *generation;
  });
  if (!replaced) return failure(replaced.error());
  if (!is_known_everywhere(*replaced, call))
    return {problem(409, "too-early",
                    "A gateway that has been cut off may still bring texts that are sealed to that"
                    " generation; forget it from " +
                        known_from(*replaced) + " on.")};
  const auto former = cases.people().former_wraps_left(*queue_id, *kid);
  if (!former) return failure(former.error());
  if (*former)
    return {problem(409, "not-compared",
                    "Texts of that generation were sealed anew, and no lead has seen yet that they"
                    " still open: `ishara org rotate " +
                        queue->name + " --finish` compares them.")};
  const auto done =
      cases.people().forget_generation(*queue_id, *generation, *kid, call.scribe(*generation));
  if (!done && done.error() == storage::errc::conflict)
    return {problem(409, "wraps-left",
                    "Texts are still sealed to that generation; let the queue's people seal them"
                    " anew, and try again.")};
  return done ? no_content() : failure(done.error());
}

}  // namespace ishara::desk
