#include "storage/backup.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "storage/migrate.hpp"
#include "storage/postgres/migrations.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/translate.hpp"

namespace ishara::storage::blocking {

using postgres::parameter;
using postgres::Transaction;

namespace {

// The rows of a table may take hours to go over, and nobody waits for them.
constexpr postgres::Limits patient{std::chrono::seconds{3}, std::chrono::hours{24},
                                   std::chrono::minutes{1}};

struct Clear {
  void operator()(PGresult* answer) const noexcept { PQclear(answer); }
};
using Answer = std::unique_ptr<PGresult, Clear>;
struct Finish {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;

// What a table is sorted by. No other order of rows may show: the one on the disk tells which came
// first.
struct Backed {
  BackedTable table;
  std::string key;
};

// Texts go before their reports: where a text arrives, a report that is there is opened again.
const std::vector<Backed>& all() {
  static const std::vector<Backed> tables{
      {{"roster", {"issuer", "version", "bytes", "signature"}}, "issuer, version"},
      {{"qgrant", {"queue_id", "user_id", "generation", "envelope"}},
       "user_id, queue_id, generation"},
      {{"route_version", {"version", "content", "who", "why", "day"}}, "version"},
      {{"route_activation", {"step", "version", "who", "why", "day"}}, "step"},
      {{"epoch", {"epoch", "kid", "announcement"}}, "epoch, kid"},
      {{"text", {"message_id", "report_id", "queue_id", "hour", "record", "message", "wraps"}},
       "message_id"},
      {{"report",
        {"report_id", "queue_id", "hour", "hidden_until", "stage", "class", "urgent", "record",
         "message", "wraps", "held", "legally_held", "closed_day"}},
       "report_id"},
      {{"note", {"message_id", "report_id", "author", "hour", "note", "wraps"}}, "message_id"},
      {{"former_wrap", {"queue_id", "report_id", "message_id", "kid", "part", "user_id", "wrap"}},
       "queue_id, report_id, message_id, kid"},
      {{"statement", {"hash", "report_id", "bytes"}}, "hash"},
      {{"withdrawn", {"report_id", "hour", "record", "told", "by_leads"}}, "report_id"},
      {{"draft", {"draft_id", "due", "record", "message", "wraps", "retaddr"}}, "draft_id"},
      {{"retaddr_inbox", {"inbox_id", "record", "retaddr"}}, "inbox_id"},
      {{"thread", {"tag", "epoch", "kind", "report_id", "origin", "mac", "day"}},
       "tag, report_id, epoch"},
      {{"retaddr", {"report_id", "epoch", "address", "day", "closed_day"}}, "report_id"},
      {{"reply_outbox", {"reply_id", "report_id", "hour", "reply"}}, "reply_id"},
      {{"reply_state",
        {"reply_id", "report_id", "hour", "state", "reason", "pulled_hour", "delivery_state",
         "untold"}},
       "reply_id"},
      {{"audit", {"seq", "entry", "detail"}}, "seq"},
      {{"audit_origin", {"seq", "origin"}}, "seq"},
      {{"checkpoint", {"seq", "bytes"}}, "seq"},
  };
  return tables;
}

const Backed* find(std::string_view name) {
  const auto found =
      std::ranges::find_if(all(), [&](const auto& backed) { return backed.table.name == name; });
  return found == all().end() ? nullptr : &*found;
}

std::string listed(const std::vector<std::string>& columns) {
  std::string out;
  for (const auto& column : columns) (out += out.empty() ? "\"" : ", \"") += column + "\"";
  return out;
}

std::string selected(const Backed& backed) {
  auto columns = listed(backed.table.columns);
  // The only time that is finer than an hour: in twelfths of one.
  if (const auto due = columns.find("\"due\""); due != columns.npos)
    columns.replace(due, 5, "(due + 11) / 12 * 12");
  return "SELECT " + columns + " FROM " + backed.table.name + " ORDER BY " + backed.key;
}

Connection connect(const std::string& url) {
  Connection connection{PQconnectdb(postgres::connection_string(url, patient).c_str())};
  // Notices quote values; the default prints them.
  if (connection)
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

errc error_of(const PGresult* answer) {
  const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  return postgres::translate(state == nullptr ? "" : state);
}

result<Answer> run(PGconn* connection, const std::string& sql, ExecStatusType expected) {
  Answer answer{PQexec(connection, sql.c_str())};
  if (PQresultStatus(answer.get()) != expected) return error_of(answer.get());
  return answer;
}

std::uint64_t number_in(const char* text) {
  std::uint64_t number = 0;
  std::from_chars(text, text + std::string_view{text}.size(), number);
  return number;
}

// What a COPY came to, and how many rows it had.
result<std::uint64_t> end_of_copy(PGconn* connection) {
  Answer first;
  for (;;) {
    Answer next{PQgetResult(connection)};
    if (!next) break;
    if (!first) first = std::move(next);
  }
  if (PQresultStatus(first.get()) != PGRES_COMMAND_OK) return error_of(first.get());
  return number_in(PQcmdTuples(first.get()));
}

}  // namespace

std::span<const BackedTable> backed_tables() {
  static const auto tables = [] {
    std::vector<BackedTable> out;
    for (const auto& backed : all()) out.push_back(backed.table);
    return out;
  }();
  return tables;
}

// --- Snapshot

struct Snapshot::Link {
  Connection connection;
  std::uint32_t schema = 0;
};

Snapshot::Snapshot(std::unique_ptr<Link> link) : link_{std::move(link)} {}
Snapshot::~Snapshot() = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;

result<Snapshot> Snapshot::of(const std::string& url) {
  const auto schema = check_schema(url);
  if (!schema) return schema.error();
  auto link = std::make_unique<Link>(Link{connect(url), *schema});
  const auto begun =
      run(link->connection.get(), "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
          PGRES_COMMAND_OK);
  if (!begun) return begun.error();
  return Snapshot{std::move(link)};
}

std::uint32_t Snapshot::schema() const noexcept { return link_->schema; }

result<std::uint64_t> Snapshot::read(
    const BackedTable& table, const std::function<bool(std::span<const std::uint8_t>)>& take) {
  auto* const connection = link_->connection.get();
  const auto* const backed = find(table.name);
  if (backed == nullptr) return errc::refused;
  const auto begun =
      run(connection, "COPY (" + selected(*backed) + ") TO STDOUT (FORMAT binary)", PGRES_COPY_OUT);
  if (!begun) return begun.error();
  for (;;) {
    char* row = nullptr;
    const int size = PQgetCopyData(connection, &row, 0);
    const std::unique_ptr<char, decltype(&PQfreemem)> owned{row, &PQfreemem};
    if (size < 0) return end_of_copy(connection);
    if (!take({reinterpret_cast<const std::uint8_t*>(row), static_cast<std::size_t>(size)})) {
      link_->connection.reset();
      return errc::refused;
    }
  }
}

// --- Restoration

struct Restoration::Link {
  std::string url;
  Connection connection;
  std::string table;  // whose rows are coming
};

Restoration::Restoration(std::unique_ptr<Link> link) : link_{std::move(link)} {}
Restoration::~Restoration() = default;
Restoration::Restoration(Restoration&&) noexcept = default;
Restoration& Restoration::operator=(Restoration&&) noexcept = default;

result<Restoration> Restoration::into(const std::string& url, std::uint32_t schema) {
  if (schema == 0 || schema > postgres::migrations().size()) return errc::schema;
  auto link = std::make_unique<Link>(Link{url, connect(url), {}});
  const auto there = run(
      link->connection.get(),
      "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", PGRES_TUPLES_OK);
  if (!there) return there.error();
  if (number_in(PQgetvalue(there->get(), 0, 0)) != 0) return errc::not_empty;
  if (const auto migrated = migrate_to(url, schema); !migrated) return migrated.error();
  const auto begun = run(link->connection.get(), "BEGIN", PGRES_COMMAND_OK);
  if (!begun) return begun.error();
  return Restoration{std::move(link)};
}

result<void> Restoration::begin(const BackedTable& table) {
  auto* const connection = link_->connection.get();
  if (find(table.name) == nullptr) return errc::refused;
  link_->table = table.name;
  // The rows are what triggers have made of them already.
  const auto quiet =
      run(connection, "ALTER TABLE " + table.name + " DISABLE TRIGGER USER", PGRES_COMMAND_OK);
  if (!quiet) return quiet.error();
  const auto begun =
      run(connection,
          "COPY " + table.name + " (" + listed(table.columns) + ") FROM STDIN (FORMAT binary)",
          PGRES_COPY_IN);
  if (!begun) return begun.error();
  return {};
}

result<void> Restoration::put(std::span<const std::uint8_t> bytes) {
  if (PQputCopyData(link_->connection.get(), reinterpret_cast<const char*>(bytes.data()),
                    static_cast<int>(bytes.size())) != 1)
    return errc::unavailable;
  return {};
}

result<std::uint64_t> Restoration::end() {
  auto* const connection = link_->connection.get();
  if (PQputCopyEnd(connection, nullptr) != 1) return errc::unavailable;
  const auto rows = end_of_copy(connection);
  if (!rows) return rows.error();
  const auto loud =
      run(connection, "ALTER TABLE " + link_->table + " ENABLE TRIGGER USER", PGRES_COMMAND_OK);
  if (!loud) return loud.error();
  return rows;
}

result<void> Restoration::commit() {
  const auto committed = run(link_->connection.get(), "COMMIT", PGRES_COMMAND_OK);
  if (!committed) return committed.error();
  if (const auto migrated = migrate(link_->url); !migrated) return migrated.error();
  return {};
}

// --- Inspection

struct Inspection::Link {
  postgres::Session session;
};

Inspection::Inspection(std::string url)
    : link_{std::make_unique<Link>(Link{postgres::Session{std::move(url), patient}})} {}
Inspection::~Inspection() = default;
Inspection::Inspection(Inspection&&) noexcept = default;
Inspection& Inspection::operator=(Inspection&&) noexcept = default;

result<std::uint64_t> Inspection::count(const BackedTable& table) {
  const auto* const backed = find(table.name);
  if (backed == nullptr) return errc::refused;
  return link_->session.transact([&](Transaction& transaction) {
    const auto rows = transaction.execute("SELECT count(*) FROM " + backed->table.name, {});
    return static_cast<std::uint64_t>(rows.at(0).at(0).integer());
  });
}

result<std::vector<SignedRow>> Inspection::page(std::string_view table, const Id& after,
                                                std::uint32_t limit) {
  const auto* const backed = find(table);
  if (backed == nullptr) return errc::refused;
  const auto column = [&](const char* name) -> std::string {
    return std::ranges::find(backed->table.columns, name) == backed->table.columns.end() ? "NULL"
                                                                                         : name;
  };
  const auto sql = "SELECT " + backed->key + ", " + column("report_id") + ", record, " +
                   column("message") + ", " + column("retaddr") + " FROM " + backed->table.name +
                   " WHERE " + backed->key + " > $1::uuid ORDER BY " + backed->key +
                   " LIMIT $2::integer";
  return link_->session.transact([&](Transaction& transaction) {
    std::vector<SignedRow> rows;
    for (const auto& row : transaction.execute(sql, {parameter(after), parameter(limit)})) {
      SignedRow next{row[0].id(), {}, row[2].bytes(), {}, {}};
      if (!row[1].null) next.report_id = row[1].id();
      if (!row[3].null) next.message = row[3].bytes();
      if (!row[4].null) next.return_address = row[4].bytes();
      rows.push_back(std::move(next));
    }
    return rows;
  });
}

}  // namespace ishara::storage::blocking
