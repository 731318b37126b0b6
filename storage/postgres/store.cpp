#include "storage/store.hpp"

#include <algorithm>
#include <map>

#include "storage/postgres/session.hpp"
#include "storage/postgres/statements.hpp"

namespace ishara::storage::blocking {

using postgres::append_audit;
using postgres::parameter;
using postgres::Row;
using postgres::Rows;
using postgres::take_turn;
using postgres::Transaction;
using postgres::Turn;
using postgres::Undo;

namespace {

// A lease that has run out is none: the report is back in its queue without anybody's doing.
constexpr std::string_view row_columns =
    "report_id, queue_id, hour, stage, urgent, class,"
    " CASE WHEN lease_until > now() THEN lease_user END,"
    " extract(epoch FROM lease_until)::bigint ";

// Full minutes: the exact moment of a pull would tell when a report came in.
constexpr std::string_view lease_end =
    "date_trunc('minute', now() + ($3 || ' seconds')::interval + interval '59.999 seconds')";

ReportRow report_row(const Row& row) {
  ReportRow report{row[0].id(),
                   row[1].id(),
                   static_cast<std::uint32_t>(row[2].integer()),
                   static_cast<Stage>(row[3].integer()),
                   row[4].boolean(),
                   static_cast<std::uint8_t>(row[5].integer()),
                   std::nullopt};
  if (!row[6].null) report.lease = Lease{row[6].id(), row[7].integer()};
  return report;
}

Roster roster_row(const Row& row) {
  return {row[0].id(), static_cast<std::uint32_t>(row[1].integer()), row[2].bytes(),
          row[3].bytes()};
}

AuditRow audit_row(const Row& row) {
  return {static_cast<std::uint64_t>(row[0].integer()), row[1].bytes(), row[2].text};
}

RoutingVersion routing_row(const Rows& rows) {
  if (rows.empty()) throw Undo{errc::not_found};
  return {static_cast<std::uint32_t>(rows[0][0].integer()), rows[0][1].bytes()};
}

void activate(Transaction& transaction, std::int64_t version, const RoutingChange& change) {
  transaction.execute(
      "INSERT INTO route_activation (step, version, who, why, day)"
      " SELECT coalesce(max(step), 0) + 1, $1::integer, $2, $3, $4::integer FROM route_activation",
      {parameter(version), change.who, change.why, parameter(change.day)});
  transaction.execute("SELECT pg_notify('routing', $1)", {parameter(version)});
}

}  // namespace

Store::Store(std::string url) : session_{std::make_unique<postgres::Session>(std::move(url))} {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

result<std::vector<QueueSummary>> Store::summaries(std::span<const Id> queues) {
  return session_->transact([&](Transaction& transaction) {
    const auto rows = transaction.execute(
        "SELECT queue_id, count(*) FILTER (WHERE free), count(*) FILTER (WHERE free AND urgent),"
        " count(*) FILTER (WHERE NOT free), coalesce(min(hour) FILTER (WHERE free), 0)"
        " FROM (SELECT queue_id, urgent, hour,"
        "              coalesce(lease_until <= now(), true) AS free FROM report"
        "        WHERE queue_id = ANY($1::uuid[]) AND stage < 2 AND hidden_until IS NULL) AS open"
        " GROUP BY queue_id",
        {parameter(queues)});
    std::map<Id, QueueSummary> known;
    for (const auto& row : rows) {
      const auto count = [&](std::size_t i) {
        return static_cast<std::uint32_t>(row[i].integer());
      };
      known[row[0].id()] = {row[0].id(), count(1), count(2), count(3), count(4)};
    }
    std::vector<QueueSummary> summaries;
    for (const auto& queue : queues) {
      auto& summary = summaries.emplace_back(known[queue]);
      summary.queue_id = queue;
    }
    return summaries;
  });
}

result<std::vector<ReportRow>> Store::list(const Id& queue, const std::optional<Cursor>& from,
                                           std::uint32_t limit, const AuditScribe& scribe) {
  return session_->transact([&](Transaction& transaction) {
    // Before everything: urgent, hour 0.
    const Cursor start = from.value_or(Cursor{true, 0, {}});
    std::vector<ReportRow> reports;
    for (const auto& row : transaction.execute(
             std::string{"SELECT "}.append(row_columns) +
                 "FROM report WHERE queue_id = $1::uuid AND stage < 2 AND hidden_until IS NULL"
                 " AND (NOT urgent, hour, report_id) > (NOT $2::boolean, $3::integer, $4::uuid)"
                 " ORDER BY urgent DESC, hour, report_id LIMIT $5::integer",
             {parameter(queue), start.urgent ? "t" : "f", parameter(start.hour),
              parameter(start.report_id), parameter(limit)}))
      reports.push_back(report_row(row));
    append_audit(transaction, {}, queue, scribe);
    return reports;
  });
}

result<std::optional<ReportRow>> Store::pull(std::span<const Id> queues, const Id& user,
                                             std::chrono::seconds duration,
                                             const AuditScribe& scribe) {
  return session_->transact([&](Transaction& transaction) -> std::optional<ReportRow> {
    const auto rows = transaction.execute(
        std::string{"UPDATE report SET stage = 1, lease_user = $2::uuid, lease_until = "}.append(
            lease_end) +
            " WHERE report_id = (SELECT report_id FROM report"
            "   WHERE queue_id = ANY($1::uuid[]) AND stage < 2 AND hidden_until IS NULL"
            "     AND coalesce(lease_until <= now(), true)"
            "   ORDER BY urgent DESC, hour, report_id LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING " +
            std::string{row_columns},
        {parameter(queues), parameter(user), parameter(duration.count())});
    if (rows.empty()) return std::nullopt;
    const auto report = report_row(rows[0]);
    append_audit(transaction, report.report_id, report.queue_id, scribe);
    return report;
  });
}

result<Report> Store::show(const Id& report) {
  return session_->transact([&](Transaction& transaction) {
    const auto rows =
        transaction.execute(std::string{"SELECT "}.append(row_columns) +
                                ", record, message, wraps FROM report"
                                " WHERE report_id = $1::uuid AND hidden_until IS NULL",
                            {parameter(report)});
    if (rows.empty()) throw Undo{errc::not_found};
    Report whole{report_row(rows[0]), {}};
    whole.texts.push_back({rows[0][8].bytes(), rows[0][9].bytes(), rows[0][10].bytes()});
    for (const auto& row :
         transaction.execute("SELECT record, message, wraps FROM text WHERE report_id = $1::uuid"
                             " ORDER BY hour, message_id",
                             {parameter(report)}))
      whole.texts.push_back({row[0].bytes(), row[1].bytes(), row[2].bytes()});
    return whole;
  });
}

result<Lease> Store::renew(const Id& report, const Id& user, std::chrono::seconds duration,
                           const AuditScribe& scribe) {
  return session_->transact([&](Transaction& transaction) {
    const auto rows = transaction.execute(
        std::string{"UPDATE report SET lease_until = "}.append(lease_end) +
            " WHERE report_id = $1::uuid AND lease_user = $2::uuid AND lease_until > now()"
            " RETURNING extract(epoch FROM lease_until)::bigint",
        {parameter(report), parameter(user), parameter(duration.count())});
    if (rows.empty()) throw Undo{errc::lease_lost};
    append_audit(transaction, report, {}, scribe);
    return Lease{user, rows[0][0].integer()};
  });
}

result<void> Store::release(const Id& report, const Id& user, const AuditScribe& scribe) {
  return session_->transact([&](Transaction& transaction) {
    const auto rows = transaction.execute(
        "UPDATE report SET lease_user = NULL, lease_until = NULL"
        " WHERE report_id = $1::uuid AND lease_user = $2::uuid AND lease_until > now()"
        " RETURNING queue_id",
        {parameter(report), parameter(user)});
    if (rows.empty()) throw Undo{errc::lease_lost};
    // It waits again: consoles that look at this queue should know.
    transaction.execute("SELECT pg_notify('queue', $1)", {parameter(rows[0][0].id())});
    append_audit(transaction, report, {}, scribe);
  });
}

result<void> Store::close(const Id& report, const Id& user, const AuditScribe& scribe) {
  return session_->transact([&](Transaction& transaction) {
    const auto rows = transaction.execute(
        "UPDATE report SET stage = 2, lease_user = NULL, lease_until = NULL"
        " WHERE report_id = $1::uuid AND lease_user = $2::uuid AND lease_until > now()"
        " RETURNING 1",
        {parameter(report), parameter(user)});
    if (rows.empty()) throw Undo{errc::lease_lost};
    append_audit(transaction, report, {}, scribe);
  });
}

result<void> Store::put_roster(const Roster& roster) {
  return session_->transact([&](Transaction& transaction) {
    take_turn(transaction, Turn::roster);
    if (!transaction
             .execute(
                 "SELECT 1 FROM roster WHERE issuer = $1::uuid AND version >= $2::integer LIMIT 1",
                 {parameter(roster.issuer), parameter(roster.version)})
             .empty())
      throw Undo{errc::stale_version};
    postgres::put_roster(transaction, roster);
  });
}

result<Roster> Store::roster(const Id& issuer) {
  return session_->transact([&](Transaction& transaction) {
    const auto rows = transaction.execute(
        "SELECT issuer, version, bytes, signature FROM roster WHERE issuer = $1::uuid"
        " ORDER BY version DESC LIMIT 1",
        {parameter(issuer)});
    if (rows.empty()) throw Undo{errc::not_found};
    return roster_row(rows[0]);
  });
}

result<std::vector<Roster>> Store::rosters() {
  return session_->transact([&](Transaction& transaction) {
    std::vector<Roster> rosters;
    for (const auto& row :
         transaction.execute("SELECT DISTINCT ON (issuer) issuer, version, bytes, signature"
                             " FROM roster ORDER BY issuer, version DESC",
                             {}))
      rosters.push_back(roster_row(row));
    return rosters;
  });
}

result<void> Store::put_queue_grant(const QueueGrant& grant) {
  return session_->transact(
      [&](Transaction& transaction) { (void)postgres::put_queue_grant(transaction, grant); });
}

result<std::vector<QueueGrant>> Store::queue_grants(const Id& user) {
  return session_->transact([&](Transaction& transaction) {
    std::vector<QueueGrant> grants;
    for (const auto& row :
         transaction.execute("SELECT queue_id, generation, envelope FROM qgrant"
                             " WHERE user_id = $1::uuid ORDER BY queue_id, generation",
                             {parameter(user)}))
      grants.push_back(
          {row[0].id(), user, static_cast<std::uint32_t>(row[1].integer()), row[2].bytes()});
    return grants;
  });
}

result<void> Store::put_statement(const Statement& statement) {
  return session_->transact(
      [&](Transaction& transaction) { postgres::put_statement(transaction, statement); });
}

result<std::vector<Statement>> Store::statements(const Id& report) {
  return session_->transact([&](Transaction& transaction) {
    std::vector<Statement> statements;
    for (const auto& row : transaction.execute(
             "SELECT hash, bytes FROM statement WHERE report_id = $1::uuid", {parameter(report)}))
      statements.push_back({row[0].id(), report, row[1].bytes()});
    return statements;
  });
}

result<void> Store::put_epoch(const EpochKey& key) {
  return session_->transact([&](Transaction& transaction) {
    transaction.execute(
        "INSERT INTO epoch (epoch, kid, announcement) VALUES ($1::integer, $2::uuid, $3::bytea)"
        " ON CONFLICT DO NOTHING",
        {parameter(key.epoch), parameter(key.kid), parameter(key.announcement)});
    transaction.execute("SELECT pg_notify('epoch', '')", {});
  });
}

result<std::vector<EpochKey>> Store::epochs(std::uint32_t from) {
  return session_->transact([&](Transaction& transaction) {
    std::vector<EpochKey> keys;
    for (const auto& row :
         transaction.execute("SELECT epoch, kid, announcement FROM epoch WHERE epoch >= $1::integer"
                             " ORDER BY epoch DESC, kid",
                             {parameter(from)}))
      keys.push_back({static_cast<std::uint32_t>(row[0].integer()), row[1].id(), row[2].bytes()});
    return keys;
  });
}

result<std::uint32_t> Store::put_routing(std::span<const std::uint8_t> content,
                                         const RoutingChange& change) {
  return session_->transact([&](Transaction& transaction) {
    take_turn(transaction, Turn::routing);
    const auto rows = transaction.execute(
        "INSERT INTO route_version (version, content, who, why, day)"
        " SELECT coalesce(max(version), 0) + 1, $1::bytea, $2, $3, $4::integer FROM route_version"
        " RETURNING version",
        {parameter(content), change.who, change.why, parameter(change.day)});
    return static_cast<std::uint32_t>(rows[0][0].integer());
  });
}

result<void> Store::activate_routing(std::uint32_t version, const RoutingChange& change) {
  return session_->transact([&](Transaction& transaction) {
    take_turn(transaction, Turn::routing);
    if (transaction
            .execute("SELECT 1 FROM route_version WHERE version = $1::integer",
                     {parameter(version)})
            .empty())
      throw Undo{errc::not_found};
    activate(transaction, version, change);
  });
}

result<std::uint32_t> Store::rollback_routing(const RoutingChange& change) {
  return session_->transact([&](Transaction& transaction) {
    take_turn(transaction, Turn::routing);
    const auto rows = transaction.execute(
        "SELECT version FROM route_activation"
        " WHERE version <> (SELECT version FROM route_activation ORDER BY step DESC LIMIT 1)"
        " ORDER BY step DESC LIMIT 1",
        {});
    if (rows.empty()) throw Undo{errc::not_found};
    activate(transaction, rows[0][0].integer(), change);
    return static_cast<std::uint32_t>(rows[0][0].integer());
  });
}

result<RoutingVersion> Store::active_routing() {
  return session_->transact([&](Transaction& transaction) {
    return routing_row(transaction.execute(
        "SELECT version, content FROM route_activation JOIN route_version USING (version)"
        " ORDER BY step DESC LIMIT 1",
        {}));
  });
}

result<RoutingVersion> Store::routing(std::uint32_t version) {
  return session_->transact([&](Transaction& transaction) {
    return routing_row(transaction.execute(
        "SELECT version, content FROM route_version WHERE version = $1::integer",
        {parameter(version)}));
  });
}

result<std::vector<RoutingEvent>> Store::routing_history(std::uint32_t limit) {
  return session_->transact([&](Transaction& transaction) {
    std::vector<RoutingEvent> events;
    for (const auto& row : transaction.execute("SELECT version, who, why, day FROM route_activation"
                                               " ORDER BY step DESC LIMIT $1::integer",
                                               {parameter(limit)}))
      events.push_back({static_cast<std::uint32_t>(row[0].integer()),
                        {row[1].text, row[2].text, static_cast<std::uint32_t>(row[3].integer())}});
    return events;
  });
}

result<std::uint32_t> Store::promote_drafts() {
  return session_->transact([&](Transaction& transaction) {
    return static_cast<std::uint32_t>(
        transaction.execute("SELECT promote()", {}).at(0).at(0).integer());
  });
}

result<std::uint32_t> Store::forget_dedupe() {
  return session_->transact([&](Transaction& transaction) {
    return static_cast<std::uint32_t>(
        transaction.execute("SELECT forget_dedupe()", {}).at(0).at(0).integer());
  });
}

result<void> Store::put_audit(const Id& subject, const Id& object, const AuditScribe& scribe) {
  return session_->transact(
      [&](Transaction& transaction) { append_audit(transaction, subject, object, scribe); });
}

result<std::vector<AuditRow>> Store::audit(std::uint64_t after, std::uint32_t limit) {
  return session_->transact([&](Transaction& transaction) {
    std::vector<AuditRow> entries;
    for (const auto& row :
         transaction.execute("SELECT seq, entry, detail FROM audit WHERE seq > $1::bigint"
                             " ORDER BY seq LIMIT $2::integer",
                             {parameter(static_cast<std::int64_t>(after)), parameter(limit)}))
      entries.push_back(audit_row(row));
    return entries;
  });
}

result<std::vector<AuditRow>> Store::audit_with_origins(std::uint64_t after, std::uint32_t limit) {
  return session_->transact([&](Transaction& transaction) {
    std::vector<AuditRow> entries;
    for (const auto& row :
         transaction.execute("SELECT seq, entry, detail, origin FROM audit"
                             " LEFT JOIN audit_origin USING (seq) WHERE seq > $1::bigint"
                             " ORDER BY seq LIMIT $2::integer",
                             {parameter(static_cast<std::int64_t>(after)), parameter(limit)})) {
      entries.push_back(audit_row(row));
      if (!row[3].null) entries.back().origin = row[3].bytes();
    }
    return entries;
  });
}

result<std::optional<AuditRow>> Store::last_audit(std::uint16_t action) {
  return session_->transact([&](Transaction& transaction) -> std::optional<AuditRow> {
    const auto rows = transaction.execute(
        "SELECT seq, entry, detail FROM audit"
        " WHERE get_byte(entry, 2) * 256 + get_byte(entry, 3) = $1::integer"
        " ORDER BY seq DESC LIMIT 1",
        {parameter(action)});
    if (rows.empty()) return std::nullopt;
    return audit_row(rows[0]);
  });
}

result<std::vector<StoredCheckpoint>> Store::checkpoints(std::uint64_t after, std::uint64_t last) {
  return session_->transact([&](Transaction& transaction) {
    std::vector<StoredCheckpoint> checkpoints;
    for (const auto& row :
         transaction.execute("SELECT seq, bytes FROM checkpoint WHERE seq > $1::bigint"
                             " AND seq <= $2::bigint ORDER BY seq",
                             {parameter(static_cast<std::int64_t>(after)),
                              parameter(static_cast<std::int64_t>(last))}))
      checkpoints.push_back({static_cast<std::uint64_t>(row[0].integer()), row[1].bytes()});
    return checkpoints;
  });
}

}  // namespace ishara::storage::blocking
