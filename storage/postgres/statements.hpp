#pragma once
// What several stores write in the same way. Threads: those of the transaction.

#include <span>
#include <vector>

#include "storage/agreement.hpp"
#include "storage/audit.hpp"
#include "storage/postgres/session.hpp"

namespace ishara::storage::postgres {

// The gateway may insert and not read: ON CONFLICT without a column needs no more.
inline void put_statement(Transaction& transaction, const Statement& statement) {
  transaction.execute(
      "INSERT INTO statement (hash, report_id, bytes) VALUES ($1::uuid, $2::uuid, $3::bytea)"
      " ON CONFLICT DO NOTHING",
      {parameter(statement.hash), parameter(statement.report_id), parameter(statement.bytes)});
  transaction.execute("SELECT pg_notify('owner', $1)", {parameter(statement.report_id)});
}

// `refused` for a version that is there.
inline void put_roster(Transaction& transaction, const Roster& roster) {
  transaction.execute(
      "INSERT INTO roster (issuer, version, bytes, signature)"
      " VALUES ($1::uuid, $2::integer, $3::bytea, $4::bytea)",
      {parameter(roster.issuer), parameter(roster.version), parameter(roster.bytes),
       parameter(roster.signature)});
  transaction.execute("SELECT pg_notify('routing', '')", {});
}

// False if one with the same header (56 bytes: queue, person, generation and the key that opens it)
// is there, which stays. Not an upsert: the desk may not update grants, only take them away and
// give new ones.
inline bool put_queue_grant(Transaction& transaction, const QueueGrant& grant) {
  const std::vector<std::string> values{parameter(grant.user_id), parameter(grant.queue_id),
                                        parameter(grant.generation), parameter(grant.envelope)};
  transaction.execute(
      "DELETE FROM qgrant WHERE user_id = $1::uuid AND queue_id = $2::uuid"
      " AND generation = $3::integer AND substr(envelope, 1, 56) <> substr($4::bytea, 1, 56)",
      values);
  return !transaction
              .execute(
                  "INSERT INTO qgrant (user_id, queue_id, generation, envelope)"
                  " VALUES ($1::uuid, $2::uuid, $3::integer, $4::bytea)"
                  " ON CONFLICT DO NOTHING RETURNING 1",
                  values)
              .empty();
}

// Numbers that rise without gaps, and rules about the highest one, need one writer at a time. The
// lock ends with the transaction.
enum class Turn { roster = 0x1544a01, routing = 0x1544a02, audit = 0x1544a03, intent = 0x1544a04 };
inline void take_turn(Transaction& transaction, Turn turn) {
  transaction.execute("SELECT pg_advisory_xact_lock($1::bigint)",
                      {parameter(static_cast<std::int64_t>(turn))});
}

inline AuditHead audit_head(Transaction& transaction) {
  const auto rows =
      transaction.execute("SELECT seq, entry FROM audit ORDER BY seq DESC LIMIT 1", {});
  if (rows.empty()) return {};
  return {static_cast<std::uint64_t>(rows[0][0].integer()), rows[0][1].bytes()};
}

// What a scribe is to write an entry about. The scribe outlives it.
struct Deed {
  const AuditScribe& scribe;
  Id subject{};
  Id object{};
};

// Call it last in a transaction: nobody who has the audit's turn may wait for anything else, and
// whoever acts meanwhile waits for this transaction. Therefore also few at a time.
inline constexpr std::size_t most_deeds = 50;
inline void append_audit(Transaction& transaction, std::span<const Deed> deeds) {
  if (deeds.empty()) return;
  take_turn(transaction, Turn::audit);
  auto head = audit_head(transaction);
  std::vector<std::int64_t> numbers;
  std::vector<Bytes> entries, details, origins;
  std::vector<std::int64_t> with_origin;
  for (const auto& deed : deeds) {
    auto row = deed.scribe({head.seq + 1, std::move(head.entry), deed.subject, deed.object});
    numbers.push_back(static_cast<std::int64_t>(row.seq));
    details.emplace_back(row.detail.begin(), row.detail.end());
    if (!row.origin.empty()) {
      with_origin.push_back(static_cast<std::int64_t>(row.seq));
      origins.push_back(std::move(row.origin));
    }
    head = {row.seq, row.entry};
    entries.push_back(std::move(row.entry));
  }
  transaction.execute(
      "INSERT INTO audit (seq, entry, detail)"
      " SELECT seq, entry, convert_from(detail, 'UTF8')"
      " FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS row (seq, entry, detail)",
      {parameter(std::span<const std::int64_t>{numbers}),
       parameter(std::span<const Bytes>{entries}), parameter(std::span<const Bytes>{details})});
  if (with_origin.empty()) return;
  transaction.execute(
      "INSERT INTO audit_origin (seq, origin) SELECT * FROM unnest($1::bigint[], $2::bytea[])",
      {parameter(std::span<const std::int64_t>{with_origin}),
       parameter(std::span<const Bytes>{origins})});
}
inline void append_audit(Transaction& transaction, const Id& subject, const Id& object,
                         const AuditScribe& scribe) {
  const Deed deed{scribe, subject, object};
  append_audit(transaction, std::span{&deed, 1});
}

// Whether the caller's deed is to be done now, because another person wants it too: then that is no
// intent any more. Else it is one from now on, and the transaction is to change nothing else. Call
// it when everything is locked that the deed changes, and before the audit's turn.
inline Agreed agree(Transaction& transaction, const Agreement& agreement) {
  const auto& intent = agreement.intent;
  const auto digest = parameter(std::span<const std::uint8_t>{intent.digest});
  take_turn(transaction, Turn::intent);
  transaction.execute("DELETE FROM intent WHERE hour <= $1::integer",
                      {parameter(static_cast<std::int64_t>(intent.hour) - intent_life.count())});
  if (!transaction
           .execute("SELECT 1 FROM intent WHERE digest = $1::bytea AND user_id <> $2::uuid"
                    " AND user_id = ANY($3::uuid[])",
                    {digest, parameter(intent.user), parameter(agreement.partners)})
           .empty()) {
    transaction.execute("DELETE FROM intent WHERE digest = $1::bytea", {digest});
    return {};
  }
  if (!transaction
           .execute(
               "INSERT INTO intent (digest, user_id, place, action, subject, object, hour)"
               " VALUES ($1::bytea, $2::uuid, $3::uuid, $4::smallint, $5::uuid, $6::uuid,"
               " $7::integer) ON CONFLICT DO NOTHING RETURNING 1",
               {digest, parameter(intent.user), parameter(intent.place), parameter(intent.action),
                parameter(intent.subject), parameter(intent.object), parameter(intent.hour)})
           .empty())
    append_audit(transaction, intent.subject, intent.object, agreement.intend);
  const auto since =
      transaction.execute("SELECT hour FROM intent WHERE digest = $1::bytea AND user_id = $2::uuid",
                          {digest, parameter(intent.user)});
  return {static_cast<std::uint32_t>(since.at(0).at(0).integer() + intent_life.count())};
}

}  // namespace ishara::storage::postgres
