#include "storage/relay_store.hpp"

#include <algorithm>
#include <stdexcept>

#include "storage/postgres/session.hpp"
#include "storage/postgres/statements.hpp"

namespace ishara::storage::blocking {

using postgres::parameter;
using postgres::Row;
using postgres::Transaction;
using postgres::Undo;

namespace {

constexpr std::size_t statement_size = 136;

// All statements of a report, one behind the other.
constexpr std::string_view statements_column =
    "(SELECT string_agg(bytes, ''::bytea) FROM statement AS s WHERE s.report_id = ";

std::vector<Bytes> statements_of(const postgres::Value& joined) {
  std::vector<Bytes> statements;
  if (joined.null) return statements;
  const auto bytes = joined.bytes();
  for (std::size_t at = 0; at + statement_size <= bytes.size(); at += statement_size)
    statements.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                            bytes.begin() + static_cast<std::ptrdiff_t>(at + statement_size));
  return statements;
}

constexpr std::string_view thread_columns =
    "t.tag, t.epoch, t.kind, t.report_id, t.origin, t.mac, t.day";

Thread thread_row(const Row& row) {
  Thread thread{row[0].id(),
                static_cast<std::uint32_t>(row[1].integer()),
                row[2].text.at(0),
                row[3].id(),
                row[4].id(),
                {},
                static_cast<std::uint32_t>(row[6].integer())};
  const auto mac = row[5].bytes();
  if (mac.size() != thread.mac.size()) throw std::logic_error{"a mac of a wrong size"};
  std::ranges::copy(mac, thread.mac.begin());
  return thread;
}

constexpr std::string_view address_columns = "report_id, epoch, address, day, closed_day";

Address address_row(const Row& row) {
  Address address{row[0].id(), static_cast<std::uint32_t>(row[1].integer()), row[2].bytes(),
                  static_cast<std::uint32_t>(row[3].integer())};
  if (!row[4].null) address.closed_day = static_cast<std::uint32_t>(row[4].integer());
  return address;
}

// One parameter for each column.
template <class Rows, class F>
auto column(const Rows& rows, F field) {
  std::vector<std::decay_t<decltype(field(rows[0]))>> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(field(row));
  return values;
}

void put_threads(Transaction& transaction, const std::vector<Thread>& threads) {
  if (threads.empty()) return;
  std::string kinds = "{";
  for (const auto& thread : threads) {
    if (kinds.size() > 1) kinds += ',';
    kinds += thread.kind;
  }
  kinds += '}';
  using Numbers = std::vector<std::int64_t>;
  const Numbers epochs = column(threads, [](const auto& row) -> std::int64_t { return row.epoch; });
  const Numbers days = column(threads, [](const auto& row) -> std::int64_t { return row.day; });
  const auto tags = column(threads, [](const auto& row) { return row.tag; });
  const auto reports = column(threads, [](const auto& row) { return row.report_id; });
  const auto origins = column(threads, [](const auto& row) { return row.origin; });
  const auto macs =
      column(threads, [](const auto& row) { return Bytes(row.mac.begin(), row.mac.end()); });
  transaction.execute(
      "INSERT INTO thread (tag, epoch, kind, report_id, origin, mac, day)"
      " SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::uuid[], $5::uuid[],"
      " $6::bytea[], $7::integer[])"
      " ON CONFLICT (tag, report_id, epoch) DO UPDATE SET kind = EXCLUDED.kind,"
      " origin = EXCLUDED.origin, mac = EXCLUDED.mac,"
      " day = EXCLUDED.day",
      {parameter(tags), parameter(epochs), kinds, parameter(reports), parameter(origins),
       parameter(macs), parameter(days)});
}

// They come after an outage, a few in a page.
void put_same_senders(Transaction& transaction, const std::vector<SameSender>& links) {
  for (const auto& link : links)
    transaction.execute(
        "INSERT INTO same_sender (report_id, other_id, tag, epoch, link)"
        " VALUES ($1::uuid, $2::uuid, $3::uuid, $4::integer, $5::bytea) ON CONFLICT DO NOTHING",
        {parameter(link.report_id), parameter(link.other_id), parameter(link.tag),
         parameter(link.epoch), parameter(link.link)});
}

void put_addresses(Transaction& transaction, const std::vector<Address>& addresses) {
  if (addresses.empty()) return;
  using Numbers = std::vector<std::int64_t>;
  const auto reports = column(addresses, [](const auto& row) { return row.report_id; });
  const auto sealed = column(addresses, [](const auto& row) { return row.address; });
  const Numbers epochs =
      column(addresses, [](const auto& row) -> std::int64_t { return row.epoch; });
  const Numbers days = column(addresses, [](const auto& row) -> std::int64_t { return row.day; });
  const Numbers closed =
      column(addresses, [](const auto& row) -> std::int64_t { return row.closed_day.value_or(0); });
  transaction.execute(
      "INSERT INTO retaddr (report_id, epoch, address, day, closed_day)"
      " SELECT report_id, epoch, address, day, nullif(closed_day, 0)"
      " FROM unnest($1::uuid[], $2::integer[], $3::bytea[], $4::integer[], $5::integer[])"
      " AS new (report_id, epoch, address, day, closed_day)"
      " ON CONFLICT (report_id) DO UPDATE SET epoch = EXCLUDED.epoch,"
      " address = EXCLUDED.address, day = EXCLUDED.day, closed_day = EXCLUDED.closed_day",
      {parameter(reports), parameter(epochs), parameter(sealed), parameter(days),
       parameter(closed)});
}

}  // namespace

result<std::vector<InboxRow>> RelayStore::inbox(const Id& after, std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    std::vector<InboxRow> rows;
    for (const auto& row :
         transaction.execute("SELECT inbox_id, record, retaddr FROM retaddr_inbox"
                             " WHERE inbox_id > $1::uuid ORDER BY inbox_id LIMIT $2::integer",
                             {parameter(after), parameter(limit)}))
      rows.push_back({row[0].id(), row[1].bytes(), row[2].bytes()});
    return rows;
  });
}

result<std::vector<ThreadView>> RelayStore::look_up(std::span<const Id> tags) {
  return session().transact([&](Transaction& transaction) {
    std::vector<ThreadView> views;
    for (const auto& row :
         transaction.execute(std::string{"SELECT "}
                                 .append(thread_columns)
                                 .append(", r.record, r.stage, ")
                                 .append(statements_column)
                                 .append("t.report_id)"
                                         " FROM thread AS t LEFT JOIN report AS r USING (report_id)"
                                         " WHERE t.tag = ANY($1::uuid[]) ORDER BY t.epoch DESC"),
                             {parameter(tags)})) {
      auto& view = views.emplace_back(ThreadView{thread_row(row), {}, Stage::waiting, {}});
      if (row[7].null) continue;
      view.record = row[7].bytes();
      view.stage = static_cast<Stage>(row[8].integer());
      view.statements = statements_of(row[9]);
    }
    return views;
  });
}

result<ReportView> RelayStore::report(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    const auto rows = transaction.execute(std::string{"SELECT record, stage, "}
                                              .append(statements_column)
                                              .append("$1::uuid)"
                                                      " FROM report WHERE report_id = $1::uuid"),
                                          {parameter(report)});
    if (rows.empty()) throw Undo{errc::not_found};
    ReportView view{rows[0][0].bytes(),
                    static_cast<Stage>(rows[0][1].integer()),
                    statements_of(rows[0][2]),
                    {}};
    for (const auto& row : transaction.execute(std::string{"SELECT "}
                                                   .append(thread_columns)
                                                   .append(" FROM thread AS t"
                                                           " WHERE t.report_id = $1::uuid"),
                                               {parameter(report)}))
      view.threads.push_back(thread_row(row));
    return view;
  });
}

result<std::vector<Thread>> RelayStore::threads_of(std::span<const Id> reports) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Thread> threads;
    for (const auto& row :
         transaction.execute(std::string{"SELECT "}
                                 .append(thread_columns)
                                 .append(" FROM thread AS t WHERE t.report_id = ANY($1::uuid[])"),
                             {parameter(reports)}))
      threads.push_back(thread_row(row));
    return threads;
  });
}

result<std::vector<Address>> RelayStore::addresses(std::span<const Id> reports) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Address> addresses;
    for (const auto& row :
         transaction.execute(std::string{"SELECT "}
                                 .append(address_columns)
                                 .append(" FROM retaddr WHERE report_id = ANY($1::uuid[])"),
                             {parameter(reports)}))
      addresses.push_back(address_row(row));
    return addresses;
  });
}

result<std::vector<RelayStore::First>> RelayStore::first_records(std::span<const Id> reports) {
  return session().transact([&](Transaction& transaction) {
    std::vector<First> records;
    for (const auto& row : transaction.execute("SELECT report_id, record, stage FROM report"
                                               " WHERE report_id = ANY($1::uuid[])",
                                               {parameter(reports)}))
      records.push_back({row[0].id(), row[1].bytes(), static_cast<Stage>(row[2].integer())});
    return records;
  });
}

result<std::vector<Address>> RelayStore::addresses_after(const Id& after, std::uint32_t limit) {
  return session().transact([&](Transaction& transaction) {
    std::vector<Address> addresses;
    for (const auto& row :
         transaction.execute(std::string{"SELECT "}
                                 .append(address_columns)
                                 .append(" FROM retaddr WHERE report_id > $1::uuid"
                                         " ORDER BY report_id LIMIT $2::integer"),
                             {parameter(after), parameter(limit)}))
      addresses.push_back(address_row(row));
    return addresses;
  });
}

result<void> RelayStore::apply(const RelayChange& change) {
  return session().transact([&](Transaction& transaction) {
    const auto remove = [&](const char* sql, const std::vector<Id>& ids) {
      if (!ids.empty()) transaction.execute(sql, {parameter(ids)});
    };
    remove("DELETE FROM same_sender WHERE tag = ANY($1::uuid[])", change.gone_tags);
    for (const auto* reports : {&change.gone_numbers, &change.gone_reports})
      remove(
          "DELETE FROM same_sender"
          " WHERE report_id = ANY($1::uuid[]) OR other_id = ANY($1::uuid[])",
          *reports);
    remove("DELETE FROM thread WHERE tag = ANY($1::uuid[])", change.gone_tags);
    remove("DELETE FROM thread WHERE report_id = ANY($1::uuid[]) AND kind = 'n'",
           change.gone_numbers);
    remove("DELETE FROM retaddr WHERE report_id = ANY($1::uuid[])", change.gone_addresses);
    remove("DELETE FROM retaddr WHERE report_id = ANY($1::uuid[])", change.gone_reports);
    remove("DELETE FROM thread WHERE report_id = ANY($1::uuid[])", change.gone_reports);
    put_threads(transaction, change.threads);
    put_addresses(transaction, change.addresses);
    put_same_senders(transaction, change.same_senders);
    for (const auto& statement : change.statements) postgres::put_statement(transaction, statement);
    remove("DELETE FROM retaddr_inbox WHERE inbox_id = ANY($1::uuid[])", change.read);
  });
}

result<bool> RelayStore::is_deleted(const Id& report) {
  return session().transact([&](Transaction& transaction) {
    return !transaction
                .execute("SELECT 1 FROM withdrawn WHERE report_id = $1::uuid AND by_leads",
                         {parameter(report)})
                .empty();
  });
}

result<void> RelayStore::forget_deleted() {
  return session().transact([&](Transaction& transaction) {
    for (const char* rows : {"DELETE FROM retaddr AS a USING withdrawn AS w"
                             " WHERE w.by_leads AND a.report_id = w.report_id",
                             "DELETE FROM thread AS t USING withdrawn AS w"
                             " WHERE w.by_leads AND t.report_id = w.report_id",
                             "DELETE FROM same_sender AS s USING withdrawn AS w"
                             " WHERE w.by_leads AND w.report_id IN (s.report_id, s.other_id)"})
      transaction.execute(rows, {});
  });
}

result<std::uint64_t> RelayStore::forget_epochs_before(std::uint32_t epoch) {
  return session().transact([&](Transaction& transaction) {
    std::uint64_t gone = 0;
    for (const char* table : {"thread", "retaddr", "same_sender"})
      gone += static_cast<std::uint64_t>(
          transaction
              .execute(std::string{"WITH gone AS (DELETE FROM "} + table +
                           " WHERE epoch < $1::integer RETURNING 1) SELECT count(*) FROM gone",
                       {parameter(epoch)})
              .at(0)
              .at(0)
              .integer());
    return gone;
  });
}

result<AuditHead> RelayStore::audit_head() {
  return session().transact(
      [](Transaction& transaction) { return postgres::audit_head(transaction); });
}

result<AuditHead> RelayStore::audit_entry(std::uint64_t seq) {
  return session().transact([&](Transaction& transaction) {
    const auto rows = transaction.execute("SELECT entry FROM audit WHERE seq = $1::bigint",
                                          {parameter(static_cast<std::int64_t>(seq))});
    if (rows.empty()) throw Undo{errc::not_found};
    return AuditHead{seq, rows[0][0].bytes()};
  });
}

result<StoredCheckpoint> RelayStore::last_checkpoint() {
  return session().transact([](Transaction& transaction) -> StoredCheckpoint {
    const auto rows =
        transaction.execute("SELECT seq, bytes FROM checkpoint ORDER BY seq DESC LIMIT 1", {});
    if (rows.empty()) return {};
    return {static_cast<std::uint64_t>(rows[0][0].integer()), rows[0][1].bytes()};
  });
}

result<bool> RelayStore::put_checkpoint(const StoredCheckpoint& checkpoint) {
  return session().transact([&](Transaction& transaction) {
    return !transaction
                .execute(
                    "INSERT INTO checkpoint (seq, bytes) VALUES ($1::bigint, $2::bytea)"
                    " ON CONFLICT DO NOTHING RETURNING 1",
                    {parameter(static_cast<std::int64_t>(checkpoint.seq)),
                     parameter(checkpoint.bytes)})
                .empty();
  });
}

result<void> RelayStore::audit_replies(std::uint32_t before, const AuditScribe& sent,
                                       const AuditScribe& unknown) {
  for (;;) {
    const auto told = session().transact([&](Transaction& transaction) {
      std::vector<postgres::Deed> deeds;
      std::vector<Id> replies;
      for (const auto& row :
           transaction.execute("SELECT reply_id, report_id, untold = 3 FROM reply_state"
                               " WHERE untold IS NOT NULL AND hour < $1::integer ORDER BY reply_id"
                               " LIMIT $2::integer FOR UPDATE",
                               {parameter(before), parameter(postgres::most_deeds)})) {
        replies.push_back(row[0].id());
        deeds.push_back({row[2].boolean() ? sent : unknown, row[1].id(), row[0].id()});
      }
      transaction.execute("UPDATE reply_state SET untold = NULL WHERE reply_id = ANY($1::uuid[])",
                          {parameter(replies)});
      postgres::append_audit(transaction, deeds);
      return deeds.size();
    });
    if (!told) return told.error();
    if (*told < postgres::most_deeds) return {};
  }
}

}  // namespace ishara::storage::blocking
