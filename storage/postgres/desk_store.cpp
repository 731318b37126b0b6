#include "storage/desk_store.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "storage/postgres/session.hpp"
#include "storage/postgres/statements.hpp"

namespace ishara::storage::blocking {

using postgres::agree;
using postgres::append_audit;
using postgres::Deed;
using postgres::parameter;
using postgres::Transaction;
using postgres::Undo;

namespace {

// False if it was there.
bool insert(Transaction& transaction, const Note& note) {
  return !transaction
              .execute(
                  "INSERT INTO note (message_id, report_id, author, hour, note, wraps)"
                  " VALUES ($1::uuid, $2::uuid, $3::uuid, $4::integer, $5::bytea, $6::bytea)"
                  " ON CONFLICT DO NOTHING RETURNING 1",
                  {parameter(note.message_id), parameter(note.report_id), parameter(note.author),
                   parameter(note.hour), parameter(note.envelope), parameter(note.wraps)})
              .empty();
}

// Whether `given` names exactly the messages that the table has for the report.
bool names_all(Transaction& transaction, std::string_view query, const Id& report,
               const std::vector<NewWraps>& given) {
  std::vector<Id> stored;
  for (const auto& row : transaction.execute(query, {parameter(report)}))
    stored.push_back(row[0].id());
  std::vector<Id> named;
  for (const auto& one : given) named.push_back(one.message_id);
  std::ranges::sort(stored);
  std::ranges::sort(named);
  return stored == named;
}

// Nothing of the report changes hands until the transaction ends. Stops it if the report is gone or
// hidden, or if more was signed than the caller has seen.
void hold_report(Transaction& transaction, const Id& report, std::uint32_t known_statements) {
  if (transaction
          .execute("SELECT 1 FROM report WHERE report_id = $1::uuid AND hidden_until IS NULL"
                   " FOR UPDATE",
                   {parameter(report)})
          .empty())
    throw Undo{errc::not_found};
  const auto statements = transaction.execute(
      "SELECT count(*) FROM statement WHERE report_id = $1::uuid", {parameter(report)});
  if (statements[0][0].integer() != known_statements) throw Undo{errc::conflict};
}

// What keeps a report.
struct Holds {
  bool life = false;
  bool legal = false;
  bool hidden = false;
};

// Nobody else sets or removes one until the transaction ends. Nothing if the report is gone.
std::optional<Holds> lock_holds(Transaction& transaction, const Id& report) {
  const auto rows = transaction.execute(
      "SELECT held, legally_held, hidden_until IS NOT NULL FROM report"
      " WHERE report_id = $1::uuid FOR UPDATE",
      {parameter(report)});
  if (rows.empty()) return std::nullopt;
  return Holds{rows[0][0].boolean(), rows[0][1].boolean(), rows[0][2].boolean()};
}

// Everything but its first INTAKE. What people of its queue delete they tell the audit themselves.
void remove(Transaction& transaction, const Id& report, std::uint32_t hour, bool by_leads) {
  transaction.execute(
      "INSERT INTO withdrawn (report_id, hour, record, told, by_leads)"
      " SELECT report_id, $2::integer, record, $3::boolean, $3::boolean FROM report"
      " WHERE report_id = $1::uuid ON CONFLICT DO NOTHING",
      {parameter(report), parameter(hour), by_leads ? "true" : "false"});
  for (const char* rows : {"DELETE FROM text WHERE report_id = $1::uuid",
                           "DELETE FROM note WHERE report_id = $1::uuid",
                           "DELETE FROM former_wrap WHERE report_id = $1::uuid",
                           "DELETE FROM reply_outbox WHERE report_id = $1::uuid",
                           "DELETE FROM report WHERE report_id = $1::uuid"})
    transaction.execute(rows, {parameter(report)});
}

Withdrawn withdrawn_row(const postgres::Row& row) {
  return {row[0].id(),      row[1].bytes(),   static_cast<std::uint32_t>(row[2].integer()),
          row[3].boolean(), row[4].boolean(), row[5].boolean()};
}

// Only where they are as they were seen; else false. A report that changes hands waits anew, as
// after a transfer.
bool replace_wraps(Transaction& transaction, const HandedOn& handed_on,
                   const HandedOn::Message& message) {
  std::vector<std::string> values{parameter(handed_on.report_id),
                                  parameter(message.seen.message_id), parameter(message.seen.wraps),
                                  parameter(message.wraps)};
  if (message.seen.part == LeftBehind::Part::note)
    return !transaction
                .execute(
                    "UPDATE note SET wraps = $4::bytea WHERE report_id = $1::uuid"
                    " AND message_id = $2::uuid AND wraps = $3::bytea RETURNING 1",
                    values)
                .empty();
  values.push_back(parameter(handed_on.to_queue));
  return !transaction
              .execute(message.seen.part == LeftBehind::Part::later_text
                           ? "UPDATE text SET wraps = $4::bytea, queue_id = $5::uuid"
                             " WHERE report_id = $1::uuid AND message_id = $2::uuid"
                             " AND wraps = $3::bytea RETURNING 1"
                           : "UPDATE report SET wraps = $4::bytea, queue_id = $5::uuid, stage = 0,"
                             " lease_user = NULL, lease_until = NULL WHERE report_id = $1::uuid"
                             " AND substr(message, 25, 16) = uuid_send($2::uuid)"
                             " AND wraps = $3::bytea RETURNING 1",
                       values)
              .empty();
}

// Every wrap of the messages of which this is true, with its reader's kid: byte 40 of each 192. It
// goes by `report_id` and `wraps`, before the wraps are taken apart: nearly all are for other keys.
std::string wraps_of_messages(std::string_view where) {
  const auto messages = [&](std::string_view columns, std::string_view table) {
    return "SELECT " + std::string{columns} + ", wraps FROM " + std::string{table} + " WHERE " +
           std::string{where};
  };
  return " (SELECT m.part, m.report_id, m.id, place, substr(m.wraps, 1 + 192 * place, 192) AS wrap,"
         "         substr(m.wraps, 41 + 192 * place, 16) AS kid"
         "    FROM (" +
         messages("0 AS part, report_id, substr(message, 25, 16) AS id", "report") + " UNION ALL " +
         messages("1, report_id, uuid_send(message_id)", "text") + " UNION ALL " +
         messages("2, report_id, uuid_send(message_id)", "note") +
         ") AS m, generate_series(0, octet_length(m.wraps) / 192 - 1) AS place) AS wrap ";
}

// Puts $5 in the place $3 of the wraps of a message, where $4 was seen.
std::string renewal(LeftBehind::Part part) {
  const auto update = [](const std::string& table, const char* message) {
    return "UPDATE " + table + " SET wraps = overlay(" + table +
           ".wraps PLACING $5::bytea FROM $3::integer FOR 192) WHERE report_id = $1::uuid AND " +
           message + " AND substr(wraps, $3::integer, 192) = $4::bytea RETURNING 1";
  };
  if (part == LeftBehind::Part::first_text)
    return update("report", "substr(message, 25, 16) = uuid_send($2::uuid)");
  return update(part == LeftBehind::Part::note ? "note" : "text", "message_id = $2::uuid");
}

std::vector<std::string> renewal_values(const RenewedWrap& renewed) {
  const auto& seen = renewed.seen;
  return {parameter(seen.report_id), parameter(seen.message_id), parameter(1 + 192 * seen.place),
          parameter(seen.wrap), parameter(renewed.wrap)};
}

// False if it is not as it was seen. What it replaces is kept with the same statement; but nothing
// of a message that the queue is not to read any more. Byte 40 of a wrap is the kid of its reader.
bool renew_wrap(Transaction& transaction, const RenewedWrap& renewed, const Id& user) {
  auto values = renewal_values(renewed);
  values.push_back(parameter(renewed.queue_id));
  std::string former =
      "DELETE FROM former_wrap WHERE queue_id = $6::uuid AND report_id = $1::uuid"
      " AND message_id = $2::uuid AND EXISTS (SELECT FROM renewed)";
  if (!renewed.wrap.empty()) {
    former =
        "INSERT INTO former_wrap (queue_id, report_id, message_id, kid, part, user_id, wrap)"
        " SELECT $6::uuid, $1::uuid, $2::uuid, encode(substr($4::bytea, 41, 16), 'hex')::uuid,"
        " $7::smallint, $8::uuid, $4::bytea FROM renewed ON CONFLICT DO NOTHING";
    values.push_back(parameter(static_cast<std::int64_t>(renewed.seen.part)));
    values.push_back(parameter(user));
  }
  return !transaction
              .execute("WITH renewed AS (" + renewal(renewed.seen.part) + "), former AS (" +
                           former + ") SELECT 1 FROM renewed",
                       values)
              .empty();
}

// The reports' rows first and in one order, as everybody does who changes their messages. Returns
// the reports.
std::vector<Id> hold_reports(Transaction& transaction, std::vector<Id> reports) {
  std::ranges::sort(reports);
  // Not the one of ranges, whose view clang 14 cannot compile.
  reports.erase(std::unique(reports.begin(), reports.end()), reports.end());
  transaction.execute(
      "SELECT 1 FROM report WHERE report_id = ANY($1::uuid[]) ORDER BY report_id FOR UPDATE",
      {parameter(reports)});
  return reports;
}

}  // namespace

result<std::vector<Note>> DeskStore::notes(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Note> notes;
    for (const auto& row :
         transaction.execute("SELECT message_id, report_id, author, hour, note, wraps FROM note"
                             " WHERE report_id = $1::uuid ORDER BY hour, message_id",
                             {parameter(report)}))
      notes.push_back({row[0].id(), row[1].id(), row[2].id(),
                       static_cast<std::uint32_t>(row[3].integer()), row[4].bytes(),
                       row[5].bytes()});
    return notes;
  });
}

result<std::vector<ReplySummary>> DeskStore::replies(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    std::vector<ReplySummary> replies;
    for (const auto& row :
         transaction.execute("SELECT reply_id, hour, state, reason, delivery_state"
                             " FROM replies_of($1::uuid)",
                             {parameter(report)})) {
      auto& reply = replies.emplace_back(
          ReplySummary{row[0].id(), static_cast<std::uint32_t>(row[1].integer())});
      if (row[2].null) continue;
      reply.state = static_cast<ReplyState>(row[2].integer());
      reply.reason = static_cast<std::int16_t>(row[3].integer());
      if (!row[4].null) reply.delivery = static_cast<std::int16_t>(row[4].integer());
    }
    return replies;
  });
}

result<std::vector<SameSenderLink>> DeskStore::same_senders(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    std::vector<SameSenderLink> links;
    for (const auto& row : transaction.execute(
             "SELECT other_id, link FROM same_sender WHERE report_id = $1::uuid"
             " UNION SELECT report_id, link FROM same_sender WHERE other_id = $1::uuid"
             " ORDER BY other_id",
             {parameter(report)}))
      links.push_back({row[0].id(), row[1].bytes()});
    return links;
  });
}

result<void> DeskStore::put_note(const Note& note, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    if (insert(transaction, note))
      append_audit(transaction, note.report_id, note.message_id, scribe);
  });
}

result<void> DeskStore::put_reply(const OutboxReply& reply, const std::optional<Note>& note,
                                  const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    bool is_new = !transaction
                       .execute(
                           "INSERT INTO reply_outbox (reply_id, report_id, hour, reply)"
                           " VALUES ($1::uuid, $2::uuid, $3::integer, $4::bytea)"
                           " ON CONFLICT DO NOTHING RETURNING 1",
                           {parameter(reply.reply_id), parameter(reply.report_id),
                            parameter(reply.hour), parameter(reply.envelope)})
                       .empty();
    // A note that comes with a reply which was there is stored, and told, all the same.
    if (note && insert(transaction, *note)) is_new = true;
    if (is_new) append_audit(transaction, reply.report_id, reply.reply_id, scribe);
  });
}

result<Agreed> DeskStore::transfer(const Transfer& transfer, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    const auto& report = transfer.statement.report_id;
    hold_report(transaction, report, transfer.known_statements);
    if (transfer.agreement) {
      const auto agreed = agree(transaction, *transfer.agreement);
      if (agreed.until != 0) return agreed;
    }
    if (!names_all(transaction, "SELECT message_id FROM text WHERE report_id = $1::uuid", report,
                   transfer.texts) ||
        !names_all(transaction, "SELECT message_id FROM note WHERE report_id = $1::uuid", report,
                   transfer.notes))
      throw Undo{errc::conflict};
    transaction.execute(
        "UPDATE report SET queue_id = $2::uuid, wraps = $3::bytea, stage = 0, lease_user = NULL,"
        " lease_until = NULL WHERE report_id = $1::uuid",
        {parameter(report), parameter(transfer.to_queue), parameter(transfer.report_wraps)});
    for (const auto& text : transfer.texts)
      transaction.execute(
          "UPDATE text SET queue_id = $2::uuid, wraps = $3::bytea WHERE message_id = $1::uuid",
          {parameter(text.message_id), parameter(transfer.to_queue), parameter(text.wraps)});
    for (const auto& note : transfer.notes)
      transaction.execute("UPDATE note SET wraps = $2::bytea WHERE message_id = $1::uuid",
                          {parameter(note.message_id), parameter(note.wraps)});
    transaction.execute("DELETE FROM former_wrap WHERE report_id = $1::uuid", {parameter(report)});
    postgres::put_statement(transaction, transfer.statement);
    append_audit(transaction, report, transfer.to_queue, scribe);
    return Agreed{};
  });
}

// Byte 40 of a wrap is the kid of its reader; byte 24 of a MESSAGE is its message id. A consent
// that was taken back takes a report from a queue only if that queue was given it.
result<std::vector<LeftBehind>> DeskStore::left_behind(std::span<const QueueKey> queues,
                                                       const Id& first, const Id& last,
                                                       std::uint32_t limit) {
  std::vector<Id> ids, kids;
  for (const auto& queue : queues) {
    ids.push_back(queue.queue_id);
    kids.push_back(queue.kid);
  }
  return session().transact([&](Transaction& transaction) {
    std::vector<LeftBehind> found;
    for (
        const auto& row : transaction.execute(
            "WITH queue AS (SELECT uuid_send(q.id) AS id, uuid_send(q.kid) AS kid"
            "                 FROM unnest($1::uuid[], $2::uuid[]) AS q (id, kid)),"
            " lost AS (SELECT s.report_id, q.kid FROM queue AS q"
            "            JOIN statement AS s ON substr(s.bytes, 25, 16) = q.id"
            "           WHERE get_byte(s.bytes, 1) = 8"
            "             AND s.report_id BETWEEN $3::uuid AND $4::uuid"
            "          UNION"
            "          SELECT s.report_id, q.kid FROM queue AS q"
            "            JOIN statement AS s ON substr(s.bytes, 41, 16) = q.id"
            "           WHERE get_byte(s.bytes, 1) = 8"
            "             AND s.report_id BETWEEN $3::uuid AND $4::uuid"
            "             AND EXISTS (SELECT FROM statement AS c"
            "                          WHERE c.report_id = s.report_id AND get_byte(c.bytes, 1) = 9"
            "                            AND get_byte(c.bytes, 3) = 0)),"
            " message AS (SELECT 0 AS part, r.report_id, substr(r.message, 25, 16) AS id, r.hour,"
            "                    r.wraps"
            "               FROM lost JOIN report AS r USING (report_id)"
            "              WHERE substr(r.wraps, 41, 16) = lost.kid"
            "             UNION ALL"
            "             SELECT 1, t.report_id, uuid_send(t.message_id), t.hour, t.wraps"
            "               FROM lost JOIN text AS t USING (report_id)"
            "              WHERE substr(t.wraps, 41, 16) = lost.kid"
            "             UNION ALL"
            "             SELECT 2, n.report_id, uuid_send(n.message_id), n.hour, n.wraps"
            "               FROM lost JOIN note AS n USING (report_id)"
            "              WHERE substr(n.wraps, 41, 16) = lost.kid),"
            " left_behind AS (SELECT m.* FROM message AS m JOIN report AS r USING (report_id)"
            "                  WHERE r.hidden_until IS NULL)"
            " SELECT part, report_id, encode(id, 'hex')::uuid, hour, wraps FROM left_behind"
            "  WHERE report_id IN (SELECT DISTINCT report_id FROM left_behind"
            "                       ORDER BY report_id LIMIT $5::integer)"
            "  ORDER BY report_id, id",
            {parameter(ids), parameter(kids), parameter(first), parameter(last), parameter(limit)}))
      found.push_back({static_cast<LeftBehind::Part>(row[0].integer()), row[1].id(), row[2].id(),
                       static_cast<std::uint32_t>(row[3].integer()), row[4].bytes()});
    return found;
  });
}

result<void> DeskStore::hand_on(const HandedOn& handed_on, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    hold_report(transaction, handed_on.report_id, handed_on.known_statements);
    std::vector<Deed> replaced;
    for (const auto& message : handed_on.messages)
      if (replace_wraps(transaction, handed_on, message))
        replaced.push_back({scribe, handed_on.report_id, message.seen.message_id});
    // There is something to read: consoles that look at this queue should know.
    transaction.execute("SELECT pg_notify('queue', $1)", {parameter(handed_on.to_queue)});
    append_audit(transaction, replaced);
  });
}

result<std::vector<ElsewhereCount>> DeskStore::elsewhere(std::span<const Id> reports,
                                                         std::span<const Id> others) {
  return session().transact([&](Transaction& transaction) {
    std::vector<ElsewhereCount> found;
    for (const auto& row : transaction.execute(
             "SELECT report_id, count(*), min(hour)"
             " FROM (SELECT report_id, hour, wraps FROM report WHERE report_id = ANY($1::uuid[])"
             "       UNION ALL"
             "       SELECT report_id, hour, wraps FROM text WHERE report_id = ANY($1::uuid[])) AS "
             "t"
             " WHERE substr(wraps, 41, 16) IN (SELECT uuid_send(k) FROM unnest($2::uuid[]) AS k)"
             " GROUP BY report_id",
             {parameter(reports), parameter(others)}))
      found.push_back({row[0].id(), static_cast<std::uint32_t>(row[1].integer()),
                       static_cast<std::uint32_t>(row[2].integer())});
    return found;
  });
}

result<std::vector<StoredWrap>> DeskStore::wraps_for(std::span<const Id> kids, const Id& first,
                                                     std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute("SET LOCAL statement_timeout = '60s'", {});
    std::vector<StoredWrap> found;
    for (const auto& row : transaction.execute(
             "WITH kids AS (SELECT uuid_send(k) AS kid FROM unnest($1::uuid[]) AS k),"
             " found AS (SELECT * FROM" +
                 wraps_of_messages("report_id >= $2::uuid AND EXISTS"
                                   " (SELECT FROM kids WHERE position(kids.kid IN wraps) > 0)") +
                 " WHERE kid IN (SELECT kid FROM kids))"
                 " SELECT part, report_id, encode(id, 'hex')::uuid, place, wrap FROM found"
                 "  WHERE report_id IN (SELECT DISTINCT report_id FROM found"
                 "                       ORDER BY report_id LIMIT $3::integer)"
                 "  ORDER BY report_id, id, place",
             {parameter(kids), parameter(first), parameter(limit)}))
      found.push_back({static_cast<LeftBehind::Part>(row[0].integer()), row[1].id(), row[2].id(),
                       static_cast<std::uint32_t>(row[3].integer()), row[4].bytes()});
    return found;
  });
}

result<void> DeskStore::renew_wraps(std::span<const RenewedWrap> wraps, const Id& user,
                                    const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Id> reports;
    for (const auto& renewed : wraps) reports.push_back(renewed.seen.report_id);
    std::vector<Deed> renewed_reports;
    for (const auto& report : hold_reports(transaction, std::move(reports))) {
      bool is_renewed = false;
      // The last place first, or what is removed would move those behind it.
      std::vector<const RenewedWrap*> of_report;
      for (const auto& renewed : wraps)
        if (renewed.seen.report_id == report) of_report.push_back(&renewed);
      std::ranges::stable_sort(of_report, std::greater{},
                               [](const auto* renewed) { return renewed->seen.place; });
      for (const auto* renewed : of_report)
        if (renew_wrap(transaction, *renewed, user)) is_renewed = true;
      if (is_renewed) renewed_reports.push_back({scribe, report});
    }
    append_audit(transaction, renewed_reports);
  });
}

result<std::vector<FormerWrap>> DeskStore::former_wraps(const Id& queue, const FormerPlace& after,
                                                        std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    std::vector<FormerWrap> found;
    for (const auto& row : transaction.execute(
             "SELECT f.report_id, f.message_id, f.kid, f.part, f.user_id, f.wrap,"
             " coalesce(r.wraps, t.wraps, n.wraps, '')"
             " FROM (SELECT * FROM former_wrap WHERE queue_id = $1::uuid"
             "          AND (report_id, message_id, kid) > ($2::uuid, $3::uuid, $4::uuid)"
             "        ORDER BY report_id, message_id, kid LIMIT $5::integer) AS f"
             " LEFT JOIN report AS r ON f.part = 0 AND r.report_id = f.report_id"
             "   AND substr(r.message, 25, 16) = uuid_send(f.message_id)"
             " LEFT JOIN text AS t ON f.part = 1 AND t.message_id = f.message_id"
             "   AND t.report_id = f.report_id"
             " LEFT JOIN note AS n ON f.part = 2 AND n.message_id = f.message_id"
             "   AND n.report_id = f.report_id"
             " ORDER BY f.report_id, f.message_id, f.kid",
             {parameter(queue), parameter(after.report_id), parameter(after.message_id),
              parameter(after.kid), parameter(limit)}))
      found.push_back({{row[0].id(), row[1].id(), row[2].id()},
                       static_cast<LeftBehind::Part>(row[3].integer()),
                       row[4].id(),
                       row[5].bytes(),
                       row[6].bytes()});
    return found;
  });
}

result<void> DeskStore::settle_former_wraps(const Id& queue, std::span<const ComparedWrap> wraps,
                                            const AuditScribe& compared,
                                            const AuditScribe& mended) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Id> reports;
    for (const auto& wrap : wraps) reports.push_back(wrap.place.report_id);
    (void)hold_reports(transaction, std::move(reports));
    bool is_any = false;
    std::vector<Deed> deeds;
    for (const auto& wrap : wraps) {
      if (wrap.mended &&
          transaction.execute(renewal(wrap.mended->seen.part), renewal_values(*wrap.mended))
              .empty())
        continue;
      const auto gone = transaction.execute(
          "DELETE FROM former_wrap WHERE queue_id = $1::uuid AND report_id = $2::uuid"
          " AND message_id = $3::uuid AND kid = $4::uuid RETURNING user_id",
          {parameter(queue), parameter(wrap.place.report_id), parameter(wrap.place.message_id),
           parameter(wrap.place.kid)});
      if (gone.empty()) continue;
      is_any = true;
      if (wrap.mended) deeds.push_back({mended, gone[0][0].id(), wrap.place.report_id});
    }
    if (is_any) deeds.push_back({compared, {}, queue});
    append_audit(transaction, deeds);
  });
}

result<std::vector<Withdrawn>> DeskStore::withdrawn(const Id& after, std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Withdrawn> found;
    for (const auto& row : transaction.execute(
             "SELECT named.report_id, coalesce(r.record, w.record), coalesce(r.hidden_until, 0),"
             " coalesce(r.held, false), coalesce(r.legally_held, false),"
             " coalesce(w.by_leads, false)"
             " FROM (SELECT report_id FROM statement"
             "        WHERE get_byte(bytes, 1) = 12 AND report_id > $1::uuid"
             "       UNION SELECT report_id FROM report"
             "        WHERE hidden_until IS NOT NULL AND report_id > $1::uuid"
             "       UNION SELECT report_id FROM withdrawn"
             "        WHERE by_leads AND report_id > $1::uuid) AS named"
             " LEFT JOIN report AS r USING (report_id) LEFT JOIN withdrawn AS w USING (report_id)"
             // What somebody wrote while the report was being erased is still there. OFFSET keeps
             // Postgres from reading every text there is, once a minute, to hash their reports.
             " WHERE r.report_id IS NOT NULL OR (w.report_id IS NOT NULL"
             "   AND (EXISTS (SELECT FROM text AS t WHERE t.report_id = named.report_id OFFSET 0)"
             "     OR EXISTS (SELECT FROM note AS n WHERE n.report_id = named.report_id OFFSET 0)"
             "     OR EXISTS (SELECT FROM reply_outbox AS o"
             "                 WHERE o.report_id = named.report_id OFFSET 0)))"
             " ORDER BY named.report_id LIMIT $2::integer",
             {parameter(after), parameter(limit)}))
      found.push_back(withdrawn_row(row));
    return found;
  });
}

// Byte 24 of a TRANSFER is the queue that gives.
result<std::vector<Withdrawn>> DeskStore::hidden(std::span<const Id> queues, const Id& first,
                                                 std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Withdrawn> found;
    for (const auto& row : transaction.execute(
             "SELECT r.report_id, r.record, coalesce(r.hidden_until, 0), r.held, r.legally_held,"
             " false FROM report AS r"
             " WHERE (r.hidden_until IS NOT NULL OR r.legally_held) AND r.report_id >= $2::uuid"
             "   AND (r.queue_id = ANY($1::uuid[])"
             "     OR EXISTS (SELECT FROM statement AS s WHERE s.report_id = r.report_id"
             "                   AND get_byte(s.bytes, 1) = 8 AND substr(s.bytes, 25, 16) IN"
             "                       (SELECT uuid_send(q) FROM unnest($1::uuid[]) AS q)))"
             " ORDER BY r.report_id LIMIT $3::integer",
             {parameter(queues), parameter(first), parameter(limit)}))
      found.push_back(withdrawn_row(row));
    return found;
  });
}

result<void> DeskStore::hide(const Id& report, std::uint32_t until) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute(
        "UPDATE report SET hidden_until = nullif($2::integer, 0) WHERE report_id = $1::uuid",
        {parameter(report), parameter(until)});
  });
}

result<void> DeskStore::hold(const Id& report, bool held, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    const auto holds = lock_holds(transaction, report);
    if (!holds) throw Undo{errc::not_found};
    if (holds->life == held) return;
    transaction.execute("UPDATE report SET held = $2::boolean WHERE report_id = $1::uuid",
                        {parameter(report), held ? "true" : "false"});
    append_audit(transaction, report, {}, scribe);
  });
}

result<Agreed> DeskStore::hold_legally(const Id& report, bool held, const Agreement& agreement,
                                       const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    const auto holds = lock_holds(transaction, report);
    if (!holds) throw Undo{errc::not_found};
    if (holds->legal == held) return Agreed{};
    const auto agreed = agree(transaction, agreement);
    if (agreed.until != 0) return agreed;
    transaction.execute("UPDATE report SET legally_held = $2::boolean WHERE report_id = $1::uuid",
                        {parameter(report), held ? "true" : "false"});
    append_audit(transaction, report, {}, scribe);
    return agreed;
  });
}

result<void> DeskStore::erase(const Id& report, std::uint32_t hour, bool even_held) {
  return session().transact([&](Transaction& transaction) {
    // The report's row first, as in a transfer: who comes second waits here, and finds nothing.
    const auto holds = lock_holds(transaction, report);
    if (holds && (holds->legal || (holds->life && !even_held))) return;
    remove(transaction, report, hour, false);
  });
}

result<Agreed> DeskStore::delete_report(const Id& report, std::uint32_t hour,
                                        const Agreement& agreement, const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    const auto holds = lock_holds(transaction, report);
    if (!holds || holds->hidden) throw Undo{errc::not_found};
    if (holds->legal || holds->life) throw Undo{errc::conflict};
    const auto agreed = agree(transaction, agreement);
    if (agreed.until != 0) return agreed;
    remove(transaction, report, hour, true);
    transaction.execute("SELECT pg_notify('owner', $1)", {parameter(report)});
    append_audit(transaction, report, {}, scribe);
    return agreed;
  });
}

result<bool> DeskStore::is_deleted(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    return !transaction
                .execute("SELECT 1 FROM withdrawn WHERE report_id = $1::uuid AND by_leads",
                         {parameter(report)})
                .empty();
  });
}

result<void> DeskStore::audit_erasures(std::uint32_t before, const AuditScribe& scribe) {
  for (;;) {
    const auto told = session().transact([&](Transaction& transaction) {
      std::vector<Deed> deeds;
      std::vector<Id> reports;
      for (const auto& row : transaction.execute(
               "SELECT report_id FROM withdrawn WHERE NOT told AND hour < $1::integer"
               " ORDER BY report_id LIMIT $2::integer FOR UPDATE",
               {parameter(before), parameter(postgres::most_deeds)})) {
        reports.push_back(row[0].id());
        deeds.push_back({scribe, row[0].id()});
      }
      transaction.execute("UPDATE withdrawn SET told = true WHERE report_id = ANY($1::uuid[])",
                          {parameter(reports)});
      append_audit(transaction, deeds);
      return deeds.size();
    });
    if (!told) return told.error();
    if (*told < postgres::most_deeds) return {};
  }
}

result<Bytes> DeskStore::first_record(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    const auto rows = transaction.execute(
        "SELECT record FROM report WHERE report_id = $1::uuid"
        " UNION ALL SELECT record FROM withdrawn WHERE report_id = $1::uuid",
        {parameter(report)});
    if (rows.empty()) throw Undo{errc::not_found};
    return rows[0][0].bytes();
  });
}

result<void> DeskStore::forget_withdrawn(std::uint32_t before) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute("DELETE FROM withdrawn WHERE hour < $1::integer", {parameter(before)});
  });
}

result<std::uint32_t> DeskStore::forget_replies(std::uint32_t fetched, std::uint32_t oldest) {
  return session().transact([&](Transaction& transaction) {
    const auto rows = transaction.execute("SELECT forget_replies($1::integer, $2::integer)",
                                          {parameter(fetched), parameter(oldest)});
    return static_cast<std::uint32_t>(rows[0][0].integer());
  });
}

result<std::uint32_t> DeskStore::expire(std::uint32_t closed_day, std::uint32_t limit,
                                        const AuditScribe& scribe) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Id> reports;
    for (const auto& row : transaction.execute(
             "SELECT report_id FROM report WHERE stage = 2 AND closed_day <= $1::integer"
             " AND NOT held AND NOT legally_held ORDER BY closed_day LIMIT $2::integer FOR UPDATE "
             "SKIP LOCKED",
             {parameter(closed_day), parameter(limit)}))
      reports.push_back(row[0].id());
    if (reports.empty()) return std::uint32_t{0};
    for (const char* rows : {"DELETE FROM text WHERE report_id = ANY($1::uuid[])",
                             "DELETE FROM note WHERE report_id = ANY($1::uuid[])",
                             "DELETE FROM former_wrap WHERE report_id = ANY($1::uuid[])",
                             "DELETE FROM reply_outbox WHERE report_id = ANY($1::uuid[])",
                             "DELETE FROM report WHERE report_id = ANY($1::uuid[])"})
      transaction.execute(rows, {parameter(reports)});
    for (const auto& report : reports) append_audit(transaction, report, {}, scribe);
    return static_cast<std::uint32_t>(reports.size());
  });
}

result<std::uint32_t> DeskStore::forget_orphans(std::uint32_t before) {
  return session().transact([&](Transaction& transaction) {
    std::int64_t gone = 0;
    // By report, which the index answers, and not by reading every text.
    std::vector<Id> reports;
    for (const char* table : {"text", "note"})
      for (const auto& row : transaction.execute(
               std::string{"WITH lost AS (SELECT DISTINCT m.report_id FROM "} + table +
                   " AS m WHERE m.hour < $1::integer AND NOT EXISTS"
                   " (SELECT FROM report AS r WHERE r.report_id = m.report_id))"
                   " DELETE FROM " +
                   table +
                   " AS m USING lost WHERE m.report_id = lost.report_id"
                   " AND m.hour < $1::integer RETURNING m.report_id",
               {parameter(before)})) {
        ++gone;
        reports.push_back(row[0].id());
      }
    // What was kept of those alone.
    transaction.execute(
        "DELETE FROM former_wrap AS f WHERE f.report_id = ANY($1::uuid[])"
        " AND NOT EXISTS (SELECT FROM report AS r WHERE r.report_id = f.report_id)"
        " AND NOT EXISTS (SELECT FROM text AS t WHERE t.message_id = f.message_id)"
        " AND NOT EXISTS (SELECT FROM note AS n WHERE n.message_id = f.message_id)",
        {parameter(reports)});
    gone += transaction.execute("SELECT forget_statements($1::integer)", {parameter(before)})
                .at(0)
                .at(0)
                .integer();
    return static_cast<std::uint32_t>(gone);
  });
}

result<std::vector<Intent>> DeskStore::intents(std::span<const Id> places, std::uint32_t after) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Intent> found;
    for (const auto& row : transaction.execute(
             "SELECT digest, action, place, subject, object, user_id, hour FROM intent"
             " WHERE place = ANY($1::uuid[]) AND hour > $2::integer ORDER BY subject, digest, "
             "user_id",
             {parameter(places), parameter(after)})) {
      Intent intent;
      std::ranges::copy(row[0].bytes(), intent.digest.begin());
      intent.action = static_cast<std::uint16_t>(row[1].integer());
      intent.place = row[2].id();
      intent.subject = row[3].id();
      intent.object = row[4].id();
      intent.user = row[5].id();
      intent.hour = static_cast<std::uint32_t>(row[6].integer());
      found.push_back(intent);
    }
    return found;
  });
}

result<void> DeskStore::forget_intents(std::uint32_t hour) {
  return session().transact([&](Transaction& transaction) {
    transaction.execute("DELETE FROM intent WHERE hour <= $1::integer", {parameter(hour)});
  });
}

result<std::uint32_t> DeskStore::forget_origins() {
  return session().transact([&](Transaction& transaction) {
    return static_cast<std::uint32_t>(
        transaction.execute("SELECT forget_origins()", {}).at(0).at(0).integer());
  });
}

result<std::uint32_t> DeskStore::forget_audit() {
  return session().transact([&](Transaction& transaction) {
    return static_cast<std::uint32_t>(
        transaction.execute("SELECT forget_audit()", {}).at(0).at(0).integer());
  });
}

}  // namespace ishara::storage::blocking
