#include "storage/people_store.hpp"

#include <algorithm>

#include "storage/postgres/session.hpp"
#include "storage/postgres/statements.hpp"

namespace ishara::storage::blocking {

using postgres::append_audit;
using postgres::Deed;
using postgres::parameter;
using postgres::Row;
using postgres::take_turn;
using postgres::Transaction;
using postgres::Turn;
using postgres::Undo;

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> exactly(const Bytes& bytes) {
  std::array<std::uint8_t, N> out{};
  std::copy_n(bytes.begin(), std::min(N, bytes.size()), out.begin());
  return out;
}

constexpr std::string_view enrolment_columns =
    "user_id, organisation, code_hash, until, sign_pk, box_pk";

Enrolment enrolment_row(const Row& row) {
  Enrolment out{row[0].id(), row[1].id(), exactly<32>(row[2].bytes()), row[3].integer(), {}};
  if (!row[4].null)
    out.keys = Enrolment::Keys{exactly<32>(row[4].bytes()), exactly<32>(row[5].bytes())};
  return out;
}

// Whoever calls it has the rosters' turn.
void stop_if_newer(Transaction& transaction, std::span<const RosterVersion> seen) {
  std::vector<Id> issuers;
  std::vector<std::int64_t> versions;
  for (const auto& one : seen) {
    issuers.push_back(one.issuer);
    versions.push_back(one.version);
  }
  if (!transaction
           .execute("SELECT 1 FROM roster LEFT JOIN"
                    " unnest($1::uuid[], $2::bigint[]) AS seen (issuer, number) USING (issuer)"
                    " WHERE version > coalesce(number, 0) LIMIT 1",
                    {parameter(std::span<const Id>{issuers}),
                     parameter(std::span<const std::int64_t>{versions})})
           .empty())
    throw Undo{errc::conflict};
}

void propose(Transaction& transaction, const ProposedRoster& proposal, std::int64_t now) {
  transaction.execute(
      "DELETE FROM proposed_roster WHERE until <= $3::bigint"
      " OR (organisation = $1::uuid AND proposer = $2::uuid)",
      {parameter(proposal.roster.issuer), parameter(proposal.proposer), parameter(now)});
  transaction.execute(
      "INSERT INTO proposed_roster (organisation, proposer, version, until, bytes, signature)"
      " VALUES ($1::uuid, $2::uuid, $3::integer, $4::bigint, $5::bytea, $6::bytea)",
      {parameter(proposal.roster.issuer), parameter(proposal.proposer),
       parameter(proposal.roster.version), parameter(proposal.until),
       parameter(proposal.roster.bytes), parameter(proposal.roster.signature)});
}

Enrolment find_invitation(Transaction& transaction, const Id& user,
                          const std::array<std::uint8_t, 32>& code_hash, std::int64_t now) {
  const auto rows =
      transaction.execute(std::string{"SELECT "}.append(enrolment_columns) +
                              " FROM enrolment WHERE user_id = $1::uuid AND code_hash = $2::bytea"
                              " AND until > $3::bigint FOR UPDATE",
                          {parameter(user), parameter(code_hash), parameter(now)});
  if (rows.empty()) throw Undo{errc::not_found};
  return enrolment_row(rows[0]);
}

// A rare question whose answer is worth more time than a statement has otherwise. Drafts first: one
// that is a report by now is found among the reports, which are looked at later and all in one
// snapshot. The other way round it could be in neither place.
WrapsLeft wraps_for(Transaction& transaction, const Id& kid) {
  transaction.execute("SET LOCAL statement_timeout = '180s'", {});
  const auto drafts = transaction.execute("SELECT draft_waits_for($1::uuid)", {parameter(kid)});
  const auto rows = transaction.execute(
      "SELECT count(*), coalesce(min(hour), 0) FROM"
      " (SELECT hour, wraps FROM report UNION ALL SELECT hour, wraps FROM text"
      "  UNION ALL SELECT hour, wraps FROM note) AS message"
      " WHERE position(uuid_send($1::uuid) IN wraps) > 0",
      {parameter(kid)});
  const auto row = rows[0];
  return {static_cast<std::uint64_t>(row[0].integer()),
          static_cast<std::uint32_t>(row[1].integer()), drafts[0][0].boolean()};
}

bool keeps_former(Transaction& transaction, const Id& queue, const Id& kid) {
  return transaction
      .execute(
          "SELECT EXISTS (SELECT FROM former_wrap WHERE queue_id = $1::uuid"
          " AND kid = $2::uuid)",
          {parameter(queue), parameter(kid)})
      .at(0)
      .at(0)
      .boolean();
}

// Of the versions of its issuer.
std::int64_t highest_version(Transaction& transaction, const Roster& roster) {
  return transaction
      .execute("SELECT coalesce(max(version), 0) FROM roster WHERE issuer = $1::uuid",
               {parameter(roster.issuer)})
      .at(0)
      .at(0)
      .integer();
}

// What was proposed for this place is overtaken.
void put_into_force(Transaction& transaction, const Roster& roster, const AuditScribe& scribe) {
  postgres::put_roster(transaction, roster);
  transaction.execute(
      "DELETE FROM proposed_roster WHERE organisation = $1::uuid AND version <= $2::integer",
      {parameter(roster.issuer), parameter(roster.version)});
  append_audit(transaction, {}, roster.issuer, scribe);
}

}  // namespace

result<void> PeopleStore::import_rosters(std::span<const NewRoster> rosters,
                                         std::span<const RosterVersion> seen) {
  return session().transact([&](Transaction& transaction) {
    take_turn(transaction, Turn::roster);
    stop_if_newer(transaction, seen);
    for (const auto& next : rosters) {
      if (next.roster.version <= highest_version(transaction, next.roster))
        throw Undo{errc::conflict};
      put_into_force(transaction, next.roster, next.scribe);
    }
  });
}

result<Agreed> PeopleStore::publish_roster(const Roster& roster,
                                           std::span<const RosterVersion> seen,
                                           const Agreement& agreement, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    take_turn(transaction, Turn::roster);
    stop_if_newer(transaction, seen);
    if (roster.version != highest_version(transaction, roster) + 1) throw Undo{errc::conflict};
    Agreed agreed;
    if (!agreement.partners.empty()) agreed = postgres::agree(transaction, agreement);
    if (agreed.until != 0) {
      propose(transaction, {roster, agreement.intent.user, std::int64_t{agreed.until} * 3600},
              std::int64_t{agreement.intent.hour} * 3600);
      return agreed;
    }
    put_into_force(transaction, roster, scribe);
    return agreed;
  });
}

result<std::vector<DatedRoster>> PeopleStore::rosters_since(const Id& issuer, std::uint32_t hour) {
  return session().transact([&](Transaction& transaction) {
    std::vector<DatedRoster> found;
    for (const auto& row : transaction.execute(
             "SELECT version, bytes, signature, since FROM roster WHERE issuer = $1::uuid"
             "  AND version >= coalesce((SELECT max(version) FROM roster"
             "                            WHERE issuer = $1::uuid AND since <= $2::integer), 0)"
             " ORDER BY version DESC",
             {parameter(issuer), parameter(hour)}))
      found.push_back(
          {{issuer, static_cast<std::uint32_t>(row[0].integer()), row[1].bytes(), row[2].bytes()},
           static_cast<std::uint32_t>(row[3].integer())});
    return found;
  });
}

result<std::vector<ProposedRoster>> PeopleStore::proposed_rosters(const Id& organisation,
                                                                  std::int64_t now) {
  return session().transact([&](Transaction& transaction) {
    std::vector<ProposedRoster> proposed;
    for (const auto& row : transaction.execute(
             "SELECT version, bytes, signature, proposer, until FROM proposed_roster"
             " WHERE organisation = $1::uuid AND until > $2::bigint AND version ="
             "   (SELECT coalesce(max(version), 0) + 1 FROM roster WHERE issuer = $1::uuid)"
             " ORDER BY proposer",
             {parameter(organisation), parameter(now)}))
      proposed.push_back({{organisation, static_cast<std::uint32_t>(row[0].integer()),
                           row[1].bytes(), row[2].bytes()},
                          row[3].id(),
                          row[4].integer()});
    return proposed;
  });
}

// Bytes 24 and 40 of a TRANSFER are the queues that give and get.
result<bool> PeopleStore::queue_is_needed(const Id& queue) {
  return session().transact([&](Transaction& transaction) {
    return transaction
        .execute(
            "SELECT EXISTS (SELECT FROM report WHERE queue_id = $1::uuid)"
            " OR EXISTS (SELECT FROM statement WHERE get_byte(bytes, 1) = 8"
            "             AND substr(bytes, 25, 16) = uuid_send($1::uuid))"
            " OR EXISTS (SELECT FROM statement WHERE get_byte(bytes, 1) = 8"
            "             AND substr(bytes, 41, 16) = uuid_send($1::uuid))",
            {parameter(queue)})
        .at(0)
        .at(0)
        .boolean();
  });
}

result<void> PeopleStore::invite(const Enrolment& enrolment, std::uint32_t most, std::int64_t now,
                                 const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute("DELETE FROM enrolment WHERE until <= $1::bigint", {parameter(now)});
    const auto inserted = transaction.execute(
        "INSERT INTO enrolment (user_id, organisation, code_hash, until)"
        " SELECT $1::uuid, $2::uuid, $3::bytea, $4::bigint"
        "  WHERE (SELECT count(*) FROM enrolment WHERE organisation = $2::uuid) < $5::integer"
        " RETURNING 1",
        {parameter(enrolment.user_id), parameter(enrolment.organisation),
         parameter(enrolment.code_hash), parameter(enrolment.until), parameter(most)});
    if (inserted.empty()) throw Undo{errc::busy};
    append_audit(transaction, {}, enrolment.user_id, scribe);
  });
}

result<Enrolment> PeopleStore::invitation(const Id& user,
                                          const std::array<std::uint8_t, 32>& code_hash,
                                          std::int64_t now) {
  return session().transact(
      [&](Transaction& transaction) { return find_invitation(transaction, user, code_hash, now); });
}

result<void> PeopleStore::enrol(const Enrolment& enrolment, std::int64_t now,
                                const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    const auto known =
        find_invitation(transaction, enrolment.user_id, enrolment.code_hash, now).keys;
    if (known && known != enrolment.keys) throw Undo{errc::not_found};
    if (known) return;
    transaction.execute(
        "UPDATE enrolment SET sign_pk = $2::bytea, box_pk = $3::bytea, until = $4::bigint"
        " WHERE user_id = $1::uuid",
        {parameter(enrolment.user_id), parameter(enrolment.keys.value().signing),
         parameter(enrolment.keys.value().box), parameter(enrolment.until)});
    append_audit(transaction, {}, enrolment.user_id, scribe);
  });
}

result<std::vector<Enrolment>> PeopleStore::enrolments(const Id& organisation, std::int64_t now) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Enrolment> waiting;
    for (const auto& row : transaction.execute(std::string{"SELECT "}.append(enrolment_columns) +
                                                   " FROM enrolment WHERE organisation = $1::uuid"
                                                   " AND until > $2::bigint ORDER BY user_id",
                                               {parameter(organisation), parameter(now)}))
      waiting.push_back(enrolment_row(row));
    return waiting;
  });
}

result<void> PeopleStore::put_grant(const QueueGrant& grant, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    if (postgres::put_queue_grant(transaction, grant))
      append_audit(transaction, grant.user_id, grant.queue_id, scribe);
  });
}

result<WrapsLeft> PeopleStore::wraps_left(const Id& kid) {
  return session().transact([&](Transaction& transaction) { return wraps_for(transaction, kid); });
}

result<bool> PeopleStore::grants_left(const Id& queue, std::uint32_t generation) {
  return session().transact([&](Transaction& transaction) {
    return transaction
        .execute(
            "SELECT EXISTS (SELECT FROM qgrant WHERE queue_id = $1::uuid"
            " AND generation = $2::integer)",
            {parameter(queue), parameter(generation)})
        .at(0)
        .at(0)
        .boolean();
  });
}

result<bool> PeopleStore::former_wraps_left(const Id& queue, const Id& kid) {
  return session().transact(
      [&](Transaction& transaction) { return keeps_former(transaction, queue, kid); });
}

result<void> PeopleStore::forget_generation(const Id& queue, std::uint32_t generation,
                                            const Id& kid, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    // In this order: what is renewed in between is seen as the one or the other.
    if (wraps_for(transaction, kid).any() || keeps_former(transaction, queue, kid))
      throw Undo{errc::conflict};
    transaction.execute("DELETE FROM qgrant WHERE queue_id = $1::uuid AND generation = $2::integer",
                        {parameter(queue), parameter(generation)});
    append_audit(transaction, {}, queue, scribe);
  });
}

result<std::uint32_t> PeopleStore::settle_people(std::span<const RosterVersion> versions,
                                                 std::span<const GrantHolder> holders,
                                                 std::span<const QueueGeneration> next,
                                                 std::span<const Id> members,
                                                 const AuditScribe& scribe) {
  std::vector<Id> users, queues, next_queues;
  std::vector<std::int64_t> generations, next_generations;
  for (const auto& holder : holders) {
    users.push_back(holder.user_id);
    queues.push_back(holder.queue_id);
    generations.push_back(holder.generation);
  }
  for (const auto& key : next) {
    next_queues.push_back(key.queue_id);
    next_generations.push_back(key.generation);
  }
  // A batch at a time, as entries go.
  std::uint32_t gone = 0;
  for (;;) {
    const auto batch = session().transact([&](Transaction& transaction) {
      take_turn(transaction, Turn::roster);
      stop_if_newer(transaction, versions);
      transaction.execute("DELETE FROM enrolment WHERE user_id = ANY($1::uuid[])",
                          {parameter(members)});
      std::vector<Deed> deeds;
      for (const auto& row : transaction.execute(
               "DELETE FROM qgrant WHERE (user_id, queue_id, generation) IN"
               " (SELECT user_id, queue_id, generation FROM qgrant"
               "   WHERE NOT EXISTS (SELECT FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])"
               "                            AS h (u, q, g)"
               "                      WHERE h.u = user_id AND h.q = queue_id AND h.g = generation)"
               "     AND NOT EXISTS (SELECT FROM unnest($5::uuid[], $6::bigint[]) AS n (q, g)"
               "                      WHERE n.q = queue_id AND n.g = generation)"
               "   ORDER BY user_id, queue_id, generation LIMIT $4::integer)"
               " RETURNING user_id, queue_id",
               {parameter(std::span<const Id>{users}), parameter(std::span<const Id>{queues}),
                parameter(std::span<const std::int64_t>{generations}),
                parameter(postgres::most_deeds), parameter(std::span<const Id>{next_queues}),
                parameter(std::span<const std::int64_t>{next_generations})}))
        deeds.push_back({scribe, row[0].id(), row[1].id()});
      append_audit(transaction, deeds);
      return static_cast<std::uint32_t>(deeds.size());
    });
    if (!batch) return batch.error();
    gone += *batch;
    if (*batch < postgres::most_deeds) return gone;
  }
}

result<std::vector<QueueGrant>> PeopleStore::all_grants() {
  return session().transact([&](Transaction& transaction) {
    std::vector<QueueGrant> grants;
    for (const auto& row :
         transaction.execute("SELECT queue_id, user_id, generation, envelope FROM qgrant"
                             " ORDER BY queue_id, user_id, generation",
                             {}))
      grants.push_back(
          {row[0].id(), row[1].id(), static_cast<std::uint32_t>(row[2].integer()), row[3].bytes()});
    return grants;
  });
}

// One probe of statement_given a queue.
result<std::vector<Statement>> PeopleStore::transfers(std::span<const Id> queues,
                                                      const TransferCursor& after,
                                                      std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Statement> found;
    for (const auto& row : transaction.execute(
             "SELECT s.hash, s.report_id, s.bytes FROM unnest($1::uuid[]) AS q (id)"
             " CROSS JOIN LATERAL"
             "   (SELECT hash, report_id, bytes FROM statement"
             "     WHERE get_byte(bytes, 1) = 8 AND substr(bytes, 25, 16) = uuid_send(q.id)"
             "       AND hash > CASE q.id WHEN $2::uuid THEN $3::uuid ELSE $5::uuid END"
             "     ORDER BY hash LIMIT $4::integer) AS s"
             " WHERE q.id >= $2::uuid ORDER BY q.id, s.hash LIMIT $4::integer",
             {parameter(queues), parameter(after.from_queue), parameter(after.hash),
              parameter(limit), parameter(Id{})}))
      found.push_back({row[0].id(), row[1].id(), row[2].bytes()});
    return found;
  });
}

}  // namespace ishara::storage::blocking
