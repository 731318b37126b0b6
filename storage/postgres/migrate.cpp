#include "storage/migrate.hpp"

#include "storage/postgres/migrations.hpp"
#include "storage/postgres/session.hpp"

namespace ishara::storage::blocking {

using postgres::parameter;
using postgres::Session;
using postgres::Transaction;
using postgres::Undo;

namespace {

// A migration may rewrite a table, and a second run waits for the first.
constexpr postgres::Limits patient{std::chrono::seconds{3}, std::chrono::minutes{30},
                                   std::chrono::minutes{30}};

// Two runs at once: the lock is the transaction's, and each transaction looks again at what is
// done.
void take_turn(Transaction& transaction) {
  transaction.execute("SELECT pg_advisory_xact_lock($1::bigint)", {parameter(0x1544a00)});
}

result<std::uint32_t> schema_of(const std::string& url) {
  Session session{url};
  return session.transact([](Transaction& transaction) {
    const auto rows =
        transaction.execute("SELECT coalesce(max(version), 0) FROM schema_version", {});
    return static_cast<std::uint32_t>(rows.at(0).at(0).integer());
  });
}

}  // namespace

result<Migrated> migrate(const std::string& url) {
  auto migrated = migrate_to(url, static_cast<std::uint32_t>(postgres::migrations().size()));
  if (!migrated) return migrated.error();
  // A newer release may have been here.
  const auto version = check_schema(url);
  if (!version) return version.error();
  return migrated;
}

result<Migrated> migrate_to(const std::string& url, std::uint32_t version) {
  if (version == 0 || version > postgres::migrations().size()) return errc::schema;
  Session session{url, patient};
  const auto prepared = session.transact([](Transaction& transaction) {
    take_turn(transaction);
    transaction.script(postgres::roles());
    transaction.script(
        "SET LOCAL ROLE ishara_owner;"
        "CREATE TABLE IF NOT EXISTS schema_version ("
        "  version integer PRIMARY KEY, name text NOT NULL, sha256 bytea NOT NULL)");
  });
  if (!prepared) return prepared.error();

  const auto files = postgres::migrations().first(version);
  Migrated migrated;
  for (const auto& file : files) {
    ++migrated.version;
    const auto applied = session.transact([&](Transaction& transaction) {
      take_turn(transaction);
      transaction.script("SET LOCAL ROLE ishara_owner");
      const auto number = parameter(migrated.version);
      const std::string sql{file.sql};
      const auto known = transaction.execute(
          "SELECT sha256 = sha256(convert_to($2, 'UTF8')) FROM schema_version"
          " WHERE version = $1::integer",
          {number, sql});
      if (!known.empty()) {
        if (!known[0][0].boolean()) throw Undo{errc::changed};
        return false;
      }
      transaction.script(file.sql);
      transaction.execute(
          "INSERT INTO schema_version (version, name, sha256)"
          " VALUES ($1::integer, $2, sha256(convert_to($3, 'UTF8')))",
          {number, std::string{file.name}, sql});
      return true;
    });
    if (!applied) return applied.error();
    if (*applied) migrated.applied.emplace_back(file.name);
  }
  return migrated;
}

result<std::uint32_t> check_schema(const std::string& url) {
  const auto version = schema_of(url);
  if (version && *version != postgres::migrations().size()) return errc::schema;
  return version;
}

}  // namespace ishara::storage::blocking
