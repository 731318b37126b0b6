#include "storage/backup.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "storage/migrate.hpp"
#include "storage/postgres/migrations.hpp"
#include "storage/postgres/pg_fixture.hpp"

namespace ishara::storage {
namespace {

using blocking::BackedTable;
using blocking::Inspection;
using blocking::Restoration;
using blocking::Snapshot;

using Pieces = std::vector<Bytes>;

// Twenty rows in every table, in an order that is not that of their keys; one report is closed and
// has a later text.
void fill(const TestDatabase& database) {
  for (const char* values :
       {"roster SELECT gen_random_uuid(), i, '\\x0a', sha512(i::text::bytea)",
        "qgrant SELECT gen_random_uuid(), gen_random_uuid(), i, repeat('a', 168)::bytea",
        "route_version SELECT i, '\\x', 'who', E'a\\nb\\tc\\\\', 5",
        "route_activation SELECT i, i, 'who', 'why', 5",
        "epoch SELECT i, gen_random_uuid(), repeat('b', 120)::bytea",
        "report SELECT gen_random_uuid(), gen_random_uuid(), 7, NULL, 0, 1, false,"
        " gen_random_uuid(), now(), repeat('c', 184)::bytea, repeat('d', 584)::bytea,"
        " repeat('e', 192)::bytea, true",
        "text SELECT gen_random_uuid(), (SELECT report_id FROM report LIMIT 1), gen_random_uuid(),"
        " 7, repeat('c', 184)::bytea, repeat('d', 584)::bytea, repeat('e', 192)::bytea",
        "note SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 7,"
        " repeat('f', 648)::bytea, repeat('e', 192)::bytea",
        "former_wrap SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),"
        " gen_random_uuid(), 1, gen_random_uuid(), repeat('e', 192)::bytea",
        "statement SELECT gen_random_uuid(), gen_random_uuid(), repeat('g', 136)::bytea",
        "withdrawn SELECT gen_random_uuid(), 7, repeat('c', 184)::bytea, true",
        "draft SELECT gen_random_uuid(), 12000 + i, repeat('c', 184)::bytea,"
        " repeat('d', 584)::bytea, repeat('e', 192)::bytea, NULL",
        "retaddr_inbox SELECT gen_random_uuid(), repeat('c', 184)::bytea, repeat('h', 192)::bytea",
        "thread SELECT gen_random_uuid(), 5, 'n', gen_random_uuid(), gen_random_uuid(),"
        " sha256(i::text::bytea), 9",
        "retaddr SELECT gen_random_uuid(), 5, repeat('i', 224)::bytea, 9, NULL",
        "reply_outbox SELECT gen_random_uuid(), gen_random_uuid(), 7, repeat('j', 712)::bytea",
        "reply_state SELECT gen_random_uuid(), gen_random_uuid(), 7, 2, 0, NULL,"
        " gen_random_uuid(), 1, 3",
        "audit SELECT i, repeat('k', 136)::bytea, '{}'",
        "audit_origin SELECT i, repeat('m', 32)::bytea",
        "checkpoint SELECT i, repeat('l', 136)::bytea",
        "dedupe SELECT gen_random_uuid(), 9, 1"})
    database.query(std::string{"INSERT INTO "} + values + " FROM generate_series(1, 20) AS i");
  database.query(
      "UPDATE report SET stage = 2 WHERE report_id = (SELECT report_id FROM text LIMIT 1)");
}

std::map<std::string, Pieces> read_all(const TestDatabase& database) {
  std::map<std::string, Pieces> out;
  auto snapshot = Snapshot::of(database.url("ishara_backup")).value();
  for (const auto& table : blocking::backed_tables())
    REQUIRE(snapshot
                .read(table,
                      [&](std::span<const std::uint8_t> bytes) {
                        out[table.name].emplace_back(bytes.begin(), bytes.end());
                        return true;
                      })
                .has_value());
  return out;
}

result<std::uint64_t> put_table(Restoration& restoration, const BackedTable& table,
                                const Pieces& pieces) {
  if (const auto begun = restoration.begin(table); !begun) return begun.error();
  for (const auto& piece : pieces)
    if (const auto put = restoration.put(piece); !put) return put.error();
  return restoration.end();
}

const BackedTable& table_named(std::string_view name) {
  return *std::ranges::find(blocking::backed_tables(), name, &BackedTable::name);
}

std::uint32_t newest() { return static_cast<std::uint32_t>(postgres::migrations().size()); }

}  // namespace

TEST_CASE("every table and column is in a backup, or left out for a reason") {
  const TestDatabase database;
  std::set<std::string> backed;
  for (const auto& table : blocking::backed_tables())
    for (const auto& column : table.columns) CHECK(backed.insert(table.name + "." + column).second);
  for (const auto& row : database.query(
           "SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class c ON"
           " c.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND"
           " attnum > 0 AND NOT attisdropped")) {
    const auto& column = row.at(0);
    CAPTURE(column);
    const bool left_out = column.starts_with("schema_version.") || column.starts_with("dedupe.") ||
                          column.starts_with("intent.") || column == "report.lease_user" ||
                          column == "report.lease_until" || column == "reply_state.delivery" ||
                          column.starts_with("proposed_roster.") || column == "roster.since" ||
                          column.starts_with("enrolment.") || column.starts_with("same_sender.");
    CHECK(left_out == (backed.erase(column) == 0));
  }
  CHECK(backed.empty());
}

TEST_CASE("what is restored is what was there, row by row, in the order of the keys") {
  const TestDatabase source, target;
  fill(source);
  target.empty();
  const auto rows = read_all(source);
  auto restoration = Restoration::into(target.url("ishara_owner"), newest()).value();
  for (const auto& table : blocking::backed_tables()) {
    CAPTURE(table.name);
    const auto stored = put_table(restoration, table, rows.at(table.name));
    CHECK(stored.value() == 20);
  }
  REQUIRE(restoration.commit().has_value());

  Inspection inspection{target.url("ishara_owner")};
  for (const auto& table : blocking::backed_tables()) {
    CAPTURE(table.name);
    CHECK(inspection.count(table).value() == 20);
    std::string columns;
    for (const auto& column : table.columns) {
      const bool rounded = table.name == "draft" && column == "due";
      columns += (columns.empty() ? "" : ", ") + (rounded ? "(due + 11) / 12 * 12" : column);
    }
    const auto all = "SELECT " + columns + " FROM " + table.name;
    CHECK(source.query(all + " ORDER BY 1, 2") == target.query(all + " ORDER BY 1, 2"));
    // As they lie on the disk, which is the order in which they came.
    if (table.columns[0].ends_with("_id") && table.name != "qgrant") {
      const auto lying = "SELECT " + table.columns[0] + " FROM " + table.name;
      CHECK(target.query(lying + " ORDER BY ctid") == target.query(lying + " ORDER BY 1"));
      CHECK_FALSE(source.query(lying + " ORDER BY ctid") == source.query(lying + " ORDER BY 1"));
    }
  }
  // No later text has opened the closed report again; from now on one would.
  CHECK(target.value("SELECT count(*) FROM report WHERE stage = 2") == "1");
  CHECK(target.value("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'") == "0");
  CHECK(target.value("SELECT count(*) FROM draft WHERE due % 12 <> 0") == "0");
  CHECK(target.value("SELECT count(*) FROM report WHERE lease_until IS NOT NULL") == "0");
  CHECK(target.value("SELECT count(*) FROM reply_state WHERE delivery IS NOT NULL") == "0");
  CHECK(target.value("SELECT count(*) FROM dedupe") == "0");
}

TEST_CASE("a snapshot sees nothing that comes while it is read") {
  const TestDatabase database;
  auto snapshot = Snapshot::of(database.url("ishara_backup")).value();
  const auto count = [&](std::string_view table) {
    return snapshot.read(table_named(table), [](auto) { return true; }).value();
  };
  CHECK(count("roster") == 0);
  fill(database);
  for (const auto& table : blocking::backed_tables()) CHECK(count(table.name) == 0);
}

TEST_CASE("a reader that has had enough ends a snapshot") {
  const TestDatabase database;
  fill(database);
  auto snapshot = Snapshot::of(database.url("ishara_backup")).value();
  int pieces = 0;
  CHECK(snapshot.read(table_named("report"), [&](auto) { return ++pieces < 3; }).error() ==
        errc::refused);
  CHECK(pieces == 3);
}

TEST_CASE("a backup goes only into an empty database and only with a schema that is known") {
  const TestDatabase database;
  CHECK(Restoration::into(database.url("ishara_owner"), newest()).error() == errc::not_empty);
  database.empty();
  CHECK(Restoration::into(database.url("ishara_owner"), newest() + 1).error() == errc::schema);
  CHECK(Restoration::into(database.url("ishara_owner"), 0).error() == errc::schema);
  CHECK(Restoration::into(database.url("ishara_desk"), newest()).error() == errc::schema);
  CHECK(Restoration::into(database.url("ishara_owner"), newest()).has_value());
}

TEST_CASE("a backup of an older schema is restored and brought to the present one") {
  const TestDatabase source, target;
  fill(source);
  target.empty();
  const auto rows = read_all(source);
  auto restoration = Restoration::into(target.url("ishara_owner"), 2).value();
  CHECK(put_table(restoration, table_named("roster"), rows.at("roster")).value() == 20);
  REQUIRE(restoration.commit().has_value());
  CHECK(blocking::check_schema(target.url("ishara_owner")).value() == newest());
  CHECK(target.query("TABLE roster ORDER BY 1, 2") == source.query("TABLE roster ORDER BY 1, 2"));
}

TEST_CASE("nothing is left of a restoration that was not finished or had rows that do not fit") {
  const TestDatabase source, target;
  fill(source);
  const auto rows = read_all(source);
  struct Row {
    const char* what;
    BackedTable table;
    Pieces pieces;
  };
  const auto& texts = table_named("text");
  auto torn = rows.at("text");
  torn.resize(10);
  torn.back().resize(100);
  auto altered = rows.at("text");
  altered.erase(altered.begin() + 3);
  altered[5].pop_back();
  for (const Row& row : {
           Row{"rows of which one is cut", texts, torn},
           Row{"rows that are none", texts, altered},
           Row{"rows of another table", table_named("report"), rows.at("text")},
           Row{"a table that is in no backup", {"schema_version", {"version"}}, {}},
           Row{"a table that is not", {"pilots", {"version"}}, {}},
           Row{"a column that is not", {"text", {"shape"}}, {}},
       }) {
    CAPTURE(row.what);
    target.empty();
    {
      auto restoration = Restoration::into(target.url("ishara_owner"), newest()).value();
      REQUIRE(put_table(restoration, table_named("report"), rows.at("report")).has_value());
      CHECK(put_table(restoration, row.table, row.pieces).has_error());
    }
    CHECK(target.value("SELECT count(*) FROM report") == "0");
  }
}

TEST_CASE("who makes backups reads what belongs into one, and changes nothing") {
  const TestDatabase database;
  CHECK(database.allowed("ishara_backup", "SELECT report_id, record FROM report"));
  for (const char* sql : {"SELECT 1 FROM dedupe", "SELECT 1 FROM same_sender",
                          "SELECT lease_user FROM report", "SELECT delivery FROM reply_state",
                          "DELETE FROM report", "UPDATE thread SET day = 1", "SELECT promote()"}) {
    CAPTURE(sql);
    CHECK_FALSE(database.allowed("ishara_backup", sql));
  }
}

TEST_CASE("a restored database is looked through page by page") {
  const TestDatabase database;
  fill(database);
  Inspection inspection{database.url("ishara_owner")};
  for (const char* table : {"report", "text", "draft", "withdrawn", "retaddr_inbox"}) {
    CAPTURE(table);
    std::set<Id> seen;
    Id after{};
    for (;;) {
      const auto page = inspection.page(table, after, 7).value();
      if (page.empty()) break;
      for (const auto& row : page) {
        CHECK(after < row.key);
        CHECK(row.record.size() == 184);
        CHECK(seen.insert(after = row.key).second);
      }
    }
    CHECK(seen.size() == 20);
  }
}

}  // namespace ishara::storage
