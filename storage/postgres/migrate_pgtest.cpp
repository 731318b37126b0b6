#include "storage/migrate.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "storage/postgres/migrations.hpp"
#include "storage/postgres/pg_fixture.hpp"

namespace ishara::storage {

TEST_CASE("migrate builds an empty database and changes nothing the second time") {
  const TestDatabase database;
  database.empty();
  CHECK(blocking::check_schema(database.url("ishara_owner")).error() == errc::schema);
  const auto first = blocking::migrate(database.url("ishara_owner"));
  REQUIRE(first.has_value());
  CHECK(first->applied.size() == postgres::migrations().size());
  CHECK(first->version == postgres::migrations().size());
  const auto second = blocking::migrate(database.url("ishara_owner"));
  REQUIRE(second.has_value());
  CHECK(second->applied.empty());
  CHECK(second->version == first->version);
}

TEST_CASE("two migrate runs at once apply each file once") {
  const TestDatabase database;
  database.empty();
  std::size_t applied[2] = {};
  bool good[2] = {};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&, i] {
        const auto done = blocking::migrate(database.url("ishara_owner"));
        good[i] = done.has_value();
        if (done) applied[i] = done->applied.size();
      });
  }
  CHECK(good[0]);
  CHECK(good[1]);
  CHECK(applied[0] + applied[1] == postgres::migrations().size());
}

TEST_CASE("migrate refuses a database whose applied files differ from the program's") {
  const TestDatabase database;
  database.query("UPDATE schema_version SET sha256 = sha256('other') WHERE version = 2");
  const auto done = blocking::migrate(database.url("ishara_owner"));
  REQUIRE(done.has_error());
  CHECK(done.error() == errc::changed);
}

TEST_CASE("a schema that is older or newer than the program is told apart from one that fits") {
  const TestDatabase database;
  CHECK(blocking::check_schema(database.url("ishara_gateway")).has_value());
  database.query("INSERT INTO schema_version VALUES (1000, 'from the future', '')");
  CHECK(blocking::check_schema(database.url("ishara_gateway")).error() == errc::schema);
  CHECK(blocking::migrate(database.url("ishara_owner")).error() == errc::schema);
  database.query("DELETE FROM schema_version WHERE version > 1");
  CHECK(blocking::check_schema(database.url("ishara_relay")).error() == errc::schema);
}

TEST_CASE("a service role cannot migrate") {
  const TestDatabase database;
  CHECK(blocking::migrate(database.url("ishara_gateway")).error() == errc::schema);
}

TEST_CASE("the grants in the database are those of the checked-in matrix, exactly") {
  const TestDatabase database;
  database.empty();
  REQUIRE(blocking::migrate(database.url("ishara_owner")).has_value());

  std::set<std::string> wanted;
  std::ifstream matrix{ISHARA_SOURCE_DIR "/storage/grants.tsv"};
  for (std::string line; std::getline(matrix, line);)
    if (!line.empty() && line[0] != '#') wanted.insert(line);
  REQUIRE(wanted.size() > 40);

  // Every access list of the database; a grant to PUBLIC shows as role "-".
  std::set<std::string> real;
  for (const auto& row : database.query(R"sql(
    WITH lists (object, owner, list) AS (
      SELECT relname::text, relowner, coalesce(relacl, acldefault('r', relowner)) FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'S', 'p')
      UNION ALL
      SELECT format('%s(%s)', attrelid::regclass, attname), relowner, attacl
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
       WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL
      UNION ALL
      SELECT p.oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
        FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
      UNION ALL
      SELECT 'schema', nspowner, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
       WHERE nspname = 'public'
      UNION ALL
      SELECT 'database', datdba, coalesce(datacl, acldefault('d', datdba)) FROM pg_database
       WHERE datname = current_database())
    SELECT CASE grantee WHEN 0 THEN '-' ELSE grantee::regrole::text END, privilege_type, object
      FROM lists, aclexplode(list) WHERE grantee <> owner)sql"))
    real.insert(row[0] + '\t' + row[1] + '\t' + row[2]);

  for (const auto& grant : wanted) {
    CAPTURE(grant);
    CHECK_MESSAGE(real.contains(grant), "missing in the database");
  }
  for (const auto& grant : real) {
    CAPTURE(grant);
    CHECK_MESSAGE(wanted.contains(grant), "not in storage/grants.tsv");
  }

  // Nobody gets anything by being somebody else, save the owner who hands functions over.
  CHECK(database.value("SELECT count(*) FROM pg_auth_members WHERE member IN"
                       " (SELECT oid FROM pg_roles WHERE rolname LIKE 'ishara\\_%')") == "1");
  CHECK(database.value("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'ishara\\_%' AND (rolsuper"
                       " OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)") ==
        "0");
  CHECK(database.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'ishara_promote'") == "f");
}

TEST_CASE("the gateway cannot read what it wrote, and nobody but the relay reads addresses") {
  const TestDatabase database;
  CHECK_FALSE(database.allowed("ishara_gateway", "SELECT 1 FROM report"));
  CHECK_FALSE(database.allowed("ishara_gateway", "SELECT 1 FROM retaddr_inbox"));
  CHECK_FALSE(database.allowed("ishara_gateway", "SELECT record FROM draft"));
  CHECK_FALSE(database.allowed("ishara_gateway", "DELETE FROM dedupe"));
  CHECK_FALSE(database.allowed("ishara_relay", "SELECT message FROM report"));
  CHECK_FALSE(database.allowed("ishara_desk", "SELECT 1 FROM retaddr_inbox"));
  CHECK_FALSE(database.allowed("ishara_desk", "SELECT 1 FROM draft"));
  CHECK(database.allowed("ishara_relay", "SELECT record FROM report"));
  for (const char* table : {"thread", "retaddr", "reply_state"}) {
    CAPTURE(table);
    CHECK_FALSE(database.allowed("ishara_gateway", std::string{"SELECT 1 FROM "} + table));
    CHECK_FALSE(database.allowed("ishara_desk", std::string{"SELECT 1 FROM "} + table));
    CHECK(database.allowed("ishara_relay", std::string{"SELECT 1 FROM "} + table));
  }
  CHECK_FALSE(database.allowed("ishara_gateway", "SELECT 1 FROM statement"));
  CHECK_FALSE(database.allowed("ishara_relay", "SELECT 1 FROM text"));
}

TEST_CASE("sealed columns are stored as they are, uncompressed") {
  const TestDatabase database;
  // A compressed value hides from a scanner that looks for leaks (privacy.md section 18).
  CHECK(
      database.value("SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                     " WHERE c.relname IN ('report', 'text', 'note', 'retaddr_inbox', 'draft',"
                     " 'statement', 'retaddr', 'reply_outbox', 'withdrawn', 'audit', 'checkpoint',"
                     " 'intent', 'former_wrap', 'audit_origin')"
                     " AND a.atttypid = 'bytea'::regtype AND a.attstorage <> 'e'") == "0");
}

TEST_CASE("no row counts upwards and none holds the time of its arrival") {
  const TestDatabase database;
  CHECK(database.value("SELECT count(*) FROM pg_class WHERE relkind = 'S'") == "0");
  CHECK(database.value("SELECT string_agg(attrelid::regclass || '.' || attname, ',')"
                       " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                       " WHERE relnamespace = 'public'::regnamespace AND attnum > 0"
                       " AND atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype,"
                       " 'date'::regtype) AND relkind = 'r'") == "report.lease_until");
}

}  // namespace ishara::storage
