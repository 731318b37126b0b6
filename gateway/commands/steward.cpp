#include "gateway/commands/steward.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <utility>

#include "gateway/commands/desk_answers.hpp"
#include "gateway/commands/queue_wraps.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;
using identity::Directory;
using identity::OrganisationRoster;

std::filesystem::path waiting_file(const std::filesystem::path& key_file, std::string_view queue) {
  auto out = key_file;
  return out += "." + std::string{queue} + ".next";
}

crypto::Id id_of(crypto::View bytes) {
  crypto::Id out;
  std::copy_n(bytes.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

std::optional<crypto::PublicKey> key_of(const Directory::Queue& queue, std::uint32_t generation) {
  if (queue.generation == generation) return queue.box_key;
  const auto earlier =
      std::ranges::find(queue.earlier, generation, &Directory::EarlierKey::generation);
  if (earlier == queue.earlier.end()) return std::nullopt;
  return earlier->box_key;
}

// --- The roster of her organisation

const Steward::Organisation& Steward::organisation() {
  if (organisation_) return *organisation_;
  const auto& known = directory().organisations();
  const auto own = std::ranges::find(known, directory().member(user_id())->organisation,
                                     &identity::RootRoster::Organisation::id);
  for (const auto& signed_roster : rosters()) {
    auto roster = identity::verify_organisation(signed_roster, own->signing_key);
    if (roster && roster->organisation == own->id) {
      organisation_ = Organisation{*own, std::move(*roster), signed_roster.bytes};
      return *organisation_;
    }
  }
  answers::refuse();  // her membership came from such a roster
}

OrganisationRoster Steward::next_roster() {
  return identity::next_of(organisation().roster, organisation().bytes);
}

const OrganisationRoster::Member& Steward::member(const crypto::Id& id) {
  const auto& members = organisation().roster.members;
  const auto found = std::ranges::find(members, id, &OrganisationRoster::Member::id);
  if (found == members.end())
    throw CommandError{"your organisation has no member with this id",
                       "see the ids with `ishara org show`"};
  return *found;
}

const OrganisationRoster::Queue& Steward::queue(std::string_view name) {
  const auto& queues = organisation().roster.queues;
  const auto found = std::ranges::find(queues, name, &OrganisationRoster::Queue::name);
  if (found == queues.end())
    throw CommandError{"your organisation has no queue of this name",
                       "see the names with `ishara org show`"};
  return *found;
}

void Steward::refuse_misfit(const identity::SignedRoster& next) {
  std::vector<identity::SignedRoster> organisations;
  const auto& all = rosters();
  for (auto roster = std::next(all.begin()); roster != all.end(); ++roster)
    organisations.push_back(roster->bytes == organisation().bytes ? next : *roster);
  const auto whole = Directory::verified(all.front(), organisations, settings().root_key);
  if (!whole)
    throw CommandError{"with this roster the deployment would not fit together any more: " +
                           whole.error().message(),
                       "nothing was changed; see what there is with `ishara org show`"};
}

Steward::Published Steward::show(const identity::SignedRoster& roster, std::uint64_t version) {
  const auto response = send(
      "/rosters", json::serialize(json::object{{"bytes", crypto::base64(roster.bytes)},
                                               {"signature", crypto::base64(roster.signature)}}));
  const auto answer = answers::object(response.body);
  if (response.status == 202) return {version, answers::number(answer, "until") * 3600};
  organisation_.reset();
  forget_directory();
  return {version, 0};
}

identity::SignedRoster Steward::sign(const OrganisationRoster& next, const identity::HeldKey& key) {
  const auto& entry = organisation().entry;
  if (key.kind != identity::KeyKind::organisation || key.id != entry.id ||
      identity::public_key_of(key.kind, key.seed) != entry.signing_key)
    throw CommandError{"this is not the key that signs the roster of your organisation",
                       "give its key file with --organisation-key"};
  auto roster = identity::sign_roster(next, crypto::signing_key(key.seed));
  refuse_misfit(roster);
  return roster;
}

Steward::Published Steward::publish(const OrganisationRoster& next, const identity::HeldKey& key) {
  return show(sign(next, key), next.version);
}

std::vector<Steward::Proposal> Steward::proposals() {
  std::vector<Proposal> out;
  const auto answer = answers::object(get("/rosters/proposed"));
  for (const auto& value : answers::array(answer, "rosters")) {
    const auto& entry = answers::object(value);
    Proposal proposal;
    proposal.signed_roster.bytes = answers::bytes(answers::member(entry, "bytes"));
    const auto signature = answers::bytes(answers::member(entry, "signature"));
    if (signature.size() != proposal.signed_roster.signature.size()) answers::refuse();
    std::ranges::copy(signature, proposal.signed_roster.signature.begin());
    proposal.proposer = answers::hex<16>(entry, "user");
    proposal.until = answers::number(entry, "until");
    const auto advice = "do not confirm it; tell your admin: the desk shows what nobody signed";
    auto roster =
        identity::verify_organisation(proposal.signed_roster, organisation().entry.signing_key);
    if (!roster)
      throw CommandError{"the proposed roster is not valid: " + roster.error().message(), advice};
    if (roster->organisation != organisation().entry.id ||
        roster->version != organisation().roster.version + 1 ||
        roster->previous != crypto::hash32({organisation().bytes}))
      throw CommandError{"the proposed roster is not made from the one in force", advice};
    refuse_misfit(proposal.signed_roster);
    proposal.roster = std::move(*roster);
    out.push_back(std::move(proposal));
  }
  return out;
}

Steward::Published Steward::confirm(const Proposal& proposal) {
  return show(proposal.signed_roster, proposal.roster.version);
}

// --- People

Steward::Invitation Steward::invite() {
  Invitation out;
  out.code = crypto::random_bytes<16>();
  const auto response = send(
      "/enrolments", json::serialize(json::object{
                         {"code_hash", crypto::hex(identity::enrolment_code_hash(out.code))}}));
  const auto answer = answers::object(response.body);
  out.user = answers::hex<16>(answer, "user");
  out.until = answers::number(answer, "until");
  return out;
}

std::vector<Steward::Invited> Steward::invited() {
  std::vector<Invited> out;
  const auto answer = answers::object(get("/enrolments"));
  for (const auto& value : answers::array(answer, "enrolments")) {
    const auto& entry = answers::object(value);
    Invited invited{answers::hex<16>(entry, "user"), answers::number(entry, "until"), {}};
    if (!answers::member(entry, "sign_pk").is_null())
      invited.keys = identity::EnrolmentKeys{answers::hex<32>(entry, "sign_pk"),
                                             answers::hex<32>(entry, "box_pk")};
    out.push_back(std::move(invited));
  }
  return out;
}

Steward::Transfers Steward::transfers(const crypto::Id& user, std::span<const crypto::Id> queues) {
  constexpr int most_pages = 10'000;  // of 200
  const auto* const her = directory().member(user);
  Transfers out;
  std::string cursor;
  for (int page = 0; page < most_pages; ++page) {
    const auto answer = answers::object(get("/transfers?limit=200" + cursor));
    for (const auto& value : answers::array(answer, "transfers")) {
      const auto bytes = answers::bytes(value);
      out.all.push_back(identity::statement_hash(bytes));
      const auto statement = identity::verify_statement(bytes, her->signing_key);
      if (statement && statement->type == identity::StatementType::transfer &&
          std::ranges::find(queues, statement->from_queue) != queues.end() &&
          identity::works_for(*her, statement->from_queue))
        out.given_away.push_back(out.all.back());
    }
    const auto& next = answers::member(answer, "next");
    if (next.is_null()) return out;
    cursor = "&cursor=" + std::string{answers::text(next)};
  }
  throw CommandError{"the desk's list of what was given away does not end",
                     "nothing was changed; tell an operator"};
}

// --- Keys of queues

std::optional<Steward::Waiting> Steward::read_waiting(std::string_view queue) {
  const auto file = waiting_file(settings().key_file, queue);
  const auto bytes = config::read_key_file(file, identity::queue_grant_size);
  if (!bytes && bytes.error() == config::key_file_errc::missing) return std::nullopt;
  const std::string advice = "remove it to make another key, unless the roster names this one";
  if (!bytes) throw CommandError{file.string() + ": " + bytes.error().message(), advice};
  // Header: the generation at 4, the queue at 8.
  const crypto::View view{*bytes};
  std::uint32_t generation = 0;
  for (const auto byte : view.subspan(4, 4)) generation = generation << 8 | byte;
  const auto id = id_of(view.subspan(8, 16));
  auto seed = identity::open_queue_grant(view, id, user_id(), generation, box_key());
  if (!seed) throw CommandError{file.string() + ": it is not sealed to your key", advice};
  Waiting out{{id, generation, identity::queue_box_key(*seed).public_key}, std::move(*seed)};
  return out;
}

std::optional<Steward::NextKey> Steward::waiting_key(std::string_view queue) {
  const auto waiting = read_waiting(queue);
  if (!waiting) return std::nullopt;
  return waiting->key;
}

Steward::NextKey Steward::next_key(std::string_view name) {
  NextKey next;
  const auto* const queue = directory().queue_named(name);
  if (queue == nullptr) {
    next.queue = crypto::random_bytes<16>();
  } else {
    next.queue = queue->id;
    next.generation = queue->generation + 1;
  }
  if (const auto waiting = read_waiting(name)) {
    if (queue == nullptr ||
        (waiting->key.queue == next.queue && waiting->key.generation == next.generation))
      return waiting->key;
    const auto named = waiting->key.queue == queue->id ? key_of(*queue, waiting->key.generation)
                                                       : std::optional<crypto::PublicKey>{};
    if (named == waiting->key.public_key)
      throw CommandError{"your last key for this queue is in force and has not been handed out",
                         "run `ishara user grant " + std::string{name} + "` first"};
    // Somebody else's key was taken for that generation: nothing is sealed to hers.
  }
  const auto seed = crypto::random_secret<32>();
  next.public_key = identity::queue_box_key(seed).public_key;
  const auto sealed = identity::seal_queue_grant(seed, next.queue, user_id(), next.generation,
                                                 box_key().public_key);
  const auto file = waiting_file(settings().key_file, name);
  if (const auto written = config::replace_key_file(file, sealed.value()); !written)
    throw CommandError{file.string() + ": " + written.error().message(),
                       "make its folder writable for you"};
  return next;
}

void Steward::settle_waiting_key(std::string_view name) {
  const auto waiting = read_waiting(name);
  const auto* const queue = directory().queue_named(name);
  if (!waiting || queue == nullptr || queue->id != waiting->key.queue ||
      key_of(*queue, waiting->key.generation) != waiting->key.public_key)
    return;
  // What the desk has taken is not what it gives back: hers is the only copy until it does.
  const auto granted = granted_seeds(*queue);
  if (std::ranges::find(granted, waiting->key.generation, &Seed::generation) == granted.end())
    throw CommandError{"the desk has taken your grant of the new key of " + queue->name +
                           " and does not give it back",
                       "your key file keeps the key beside it; run `ishara user grant " +
                           queue->name + "` again, and tell an operator if it stays so"};
  std::error_code ignored;  // it is of no use to anybody, and the next key takes its place
  std::filesystem::remove(waiting_file(settings().key_file, name), ignored);
}

namespace {

// Only what the organisation signed; a grant by itself proves nothing.
bool is_of(const Directory::Queue& queue, std::uint32_t generation,
           const crypto::Secret<32>& seed) {
  return key_of(queue, generation) == identity::queue_box_key(seed).public_key;
}

}  // namespace

std::vector<Steward::Seed> Steward::granted_seeds(const Directory::Queue& queue) {
  std::vector<Seed> out;
  const auto answer = answers::object(get("/grants"));
  for (const auto& value : answers::array(answer, "grants")) {
    const auto& entry = answers::object(value);
    if (answers::hex<16>(entry, "queue") != queue.id) continue;
    const auto generation = answers::small_number(entry, "generation");
    auto seed = identity::open_queue_grant(answers::bytes(answers::member(entry, "envelope")),
                                           queue.id, user_id(), generation, box_key());
    if (seed && is_of(queue, generation, *seed)) out.push_back({generation, std::move(*seed)});
  }
  return out;
}

std::vector<Steward::Seed> Steward::seeds(const Directory::Queue& queue) {
  auto out = granted_seeds(queue);
  auto waiting = read_waiting(queue.name);
  if (!waiting || waiting->key.queue != queue.id ||
      !is_of(queue, waiting->key.generation, waiting->seed))
    return out;
  if (std::ranges::find(out, waiting->key.generation, &Seed::generation) == out.end())
    out.push_back({waiting->key.generation, std::move(waiting->seed)});
  return out;
}

void Steward::put_grant(const Seed& seed, const crypto::Id& queue, const crypto::Id& user,
                        const crypto::PublicKey& key, bool in_advance) {
  const auto envelope = identity::seal_queue_grant(seed.seed, queue, user, seed.generation, key);
  if (!envelope)
    throw CommandError{"a key in the rosters is none, of " + crypto::hex(user), "tell your admin"};
  json::object body{{"queue", crypto::hex(queue)},
                    {"user", crypto::hex(user)},
                    {"generation", seed.generation},
                    {"envelope", crypto::base64(*envelope)}};
  if (in_advance)
    body["kid"] = crypto::hex(crypto::key_id(identity::queue_box_key(seed.seed).public_key));
  send("/grants", json::serialize(body));
}

void Steward::secure_waiting_key(std::string_view name) {
  const auto* const queue = directory().queue_named(name);
  auto waiting = read_waiting(name);
  if (queue == nullptr || !waiting || waiting->key.queue != queue->id ||
      waiting->key.generation != queue->generation + 1)
    return;
  put_grant({waiting->key.generation, std::move(waiting->seed)}, queue->id, queue->organisation,
            organisation().roster.recovery_key, true);
}

std::vector<const Directory::Queue*> Steward::own_queues() {
  std::vector<const Directory::Queue*> out;
  const auto& her = *directory().member(user_id());
  for (const auto& queue : directory().queues())
    if (queue.organisation == her.organisation && identity::works_for(her, queue.id))
      out.push_back(&queue);
  return out;
}

std::vector<crypto::Id> Steward::grant(const Directory::Queue& queue) {
  const auto held = seeds(queue);
  if (std::ranges::find(held, queue.generation, &Seed::generation) == held.end())
    throw CommandError{
        "you do not have the present key of the queue " + queue.name,
        "ask another lead of it to run `ishara user grant`, or recover it: `ishara org recover`"};
  std::vector<crypto::Id> people;
  for (const auto& seed : held) {
    put_grant(seed, queue.id, queue.organisation, organisation().roster.recovery_key);
    people.clear();
    for (const auto& member : directory().members()) {
      if (!identity::works_for(member, queue.id)) continue;
      put_grant(seed, queue.id, member.id, member.box_key);
      people.push_back(member.id);
    }
  }
  settle_waiting_key(queue.name);
  return people;
}

Steward::Compared Steward::compare_former_wraps(const Directory::Queue& queue) {
  constexpr int most_pages = 100'000;  // of 200
  constexpr std::size_t most_at_once = 200, most_mended_at_once = 50;
  std::map<crypto::Id, crypto::BoxKey> keys;
  for (const auto& seed : seeds(queue)) {
    auto key = identity::queue_box_key(seed.seed);
    const auto kid = crypto::key_id(key.public_key);
    keys.insert_or_assign(kid, std::move(key));
  }
  const auto key_of_hers = [&](const crypto::Id& kid) -> const crypto::BoxKey* {
    const auto found = keys.find(kid);
    return found == keys.end() ? nullptr : &found->second;
  };
  const auto path = "/queues/" + queue.name + "/former-wraps";

  Compared out;
  json::array settled;
  std::size_t mended_at_once = 0;
  const auto send_settled = [&] {
    if (!settled.empty()) send(path, json::serialize(json::object{{"wraps", std::move(settled)}}));
    settled = json::array{};
    mended_at_once = 0;
  };
  // All of one message, whose wraps replaced each other if the queue has had several keys.
  std::vector<crypto::Bytes> former;
  std::vector<crypto::Id> users;
  json::object current;
  const auto settle_message = [&] {
    if (former.empty()) return;
    json::object mended;
    const auto& place = answers::member(current, "place");
    if (!place.is_null()) {
      const auto now = answers::bytes(answers::member(current, "now"));
      const auto compared = compare_wraps(former, now, key_of_hers);
      using Outcome = Comparison::Outcome;
      // What came under a key that she does not know yet is left, and nothing is forgotten.
      const bool is_left = compared.outcome == Outcome::undecided;
      if (is_left && keys.size() <= queue.earlier.size())
        throw CommandError{"you do not have all keys of the queue " + queue.name +
                               " that it takes to compare what was sealed anew",
                           "ask another lead of it to run `ishara user grant " + queue.name + "`"};
      if (is_left) {
        former.clear();
        users.clear();
        return;
      }
      if (compared.outcome == Outcome::lost) ++out.unopened;
      if (compared.outcome == Outcome::mendable) {
        const auto names = identity::claimed_wrap(now);
        const auto anew = wrap_for(*compared.key, names->report_id, names->message_id, queue);
        mended = {{"part", answers::member(current, "part")},
                  {"place", place},
                  {"old", crypto::base64(now)},
                  {"new", crypto::base64(anew)}};
        ++out.mended[users[compared.last]];
        ++mended_at_once;
        // Its entry names whoever replaced the last one that opens.
        std::swap(former.front(), former[compared.last]);
      }
    }
    ++out.texts;
    for (const auto& wrap : former) {
      json::value mend;
      if (&wrap == &former.front() && !mended.empty()) mend = std::move(mended);
      settled.push_back(json::object{{"wrap", crypto::base64(wrap)}, {"mended", std::move(mend)}});
    }
    if (settled.size() + queue.earlier.size() > most_at_once ||
        mended_at_once == most_mended_at_once)
      send_settled();
    former.clear();
    users.clear();
  };

  std::string cursor;
  for (int page = 0; page < most_pages; ++page) {
    const auto answer = answers::object(get(path + "?limit=200" + cursor));
    for (const auto& value : answers::array(answer, "wraps")) {
      const auto& entry = answers::object(value);
      auto wrap = answers::bytes(answers::member(entry, "wrap"));
      const auto names = identity::claimed_wrap(wrap);
      if (!names) answers::refuse();
      const auto before = former.empty()
                              ? std::nullopt
                              : std::optional{identity::claimed_wrap(former.front()).value()};
      if (before &&
          (before->report_id != names->report_id || before->message_id != names->message_id))
        settle_message();
      former.push_back(std::move(wrap));
      users.push_back(answers::hex<16>(entry, "user"));
      current = entry;
    }
    const auto& next = answers::member(answer, "next");
    if (next.is_null()) break;
    cursor = "&cursor=" + std::string{answers::text(next)};
  }
  settle_message();
  send_settled();
  return out;
}

std::size_t Steward::forget_grants(const Directory::Queue& queue) {
  for (const auto& earlier : queue.earlier)
    send("/grants/" + crypto::hex(queue.id) + "/forget",
         json::serialize(json::object{{"generation", earlier.generation}}));
  return queue.earlier.size();
}

std::vector<std::string> Steward::recover(const identity::HeldKey& recovery_key) {
  const auto& roster = organisation().roster;
  if (recovery_key.kind != identity::KeyKind::recovery ||
      identity::public_key_of(recovery_key.kind, recovery_key.seed) != roster.recovery_key)
    throw CommandError{"this is not the recovery key that the roster of your organisation names",
                       "take the newest set of sheets; `ishara org show` tells the key's words"};
  const auto opener = crypto::box_key(recovery_key.seed);
  std::set<std::string> queues;
  const auto answer = answers::object(get("/grants/recovery"));
  for (const auto& value : answers::array(answer, "grants")) {
    const auto& entry = answers::object(value);
    const auto* const queue = directory().queue(answers::hex<16>(entry, "queue"));
    if (queue == nullptr || !identity::works_for(*directory().member(user_id()), queue->id))
      continue;
    const auto generation = answers::small_number(entry, "generation");
    auto seed = identity::open_queue_grant(answers::bytes(answers::member(entry, "envelope")),
                                           queue->id, roster.organisation, generation, opener);
    if (!seed || key_of(*queue, generation) != identity::queue_box_key(*seed).public_key) continue;
    put_grant({generation, std::move(*seed)}, queue->id, user_id(), box_key().public_key);
    if (generation == queue->generation) queues.insert(queue->name);
  }
  return {queues.begin(), queues.end()};
}

}  // namespace ishara::commands
