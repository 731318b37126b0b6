#include "storage/postgres/pg_fixture.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "storage/migrate.hpp"
#include "storage/postgres/session.hpp"

namespace ishara::storage {
namespace {

constexpr const char* script = ISHARA_SOURCE_DIR "/scripts/postgres_cluster";

std::string output_of(const std::string& command) {
  // Closed on exec: the guard's pipe must have no other writer than this process.
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error{"cannot run " + command};
  std::string said;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) said += static_cast<char>(c);
  if (::pclose(pipe) != 0) throw std::runtime_error{"failed: " + command};
  while (said.ends_with('\n')) said.pop_back();
  return said;
}

void must(const result<void>& done, const char* what) {
  if (!done) throw std::runtime_error{std::string{what} + ": " + done.error().message()};
}

void as_superuser(const std::string& url, const std::string& sql) {
  // Not in a transaction block: CREATE DATABASE refuses one.
  output_of("psql -qXv ON_ERROR_STOP=1 '" + url + "' -c '" + sql + "'");
}

}  // namespace

TestCluster& TestCluster::get() {
  static TestCluster cluster;
  return cluster;
}

TestCluster::TestCluster() {
  char pattern[] = "/tmp/ishara-test.XXXXXX";
  if (::mkdtemp(pattern) == nullptr) throw std::runtime_error{"no room in /tmp"};
  folder_ = pattern;
  // The guard waits for the end of its input, which comes when this process ends in any way; in a
  // session of its own, so that no signal from the terminal reaches it. Never closed on purpose.
  if (::popen(
          ("exec setsid " + std::string{script} + " guard " + folder_ + " >/dev/null 2>&1").c_str(),
          "we") == nullptr)
    throw std::runtime_error{"cannot start the guard of the test cluster"};
  start();
  url_ = output_of(std::string{script} + " url " + folder_ + " postgres postgres");
  as_superuser(url_, "CREATE DATABASE ishara_template OWNER ishara_owner");
  const auto migrated = blocking::migrate(url("postgres", "ishara_template"));
  if (!migrated) throw std::runtime_error{"migrate: " + migrated.error().message()};
}

std::string TestCluster::url(std::string_view role, std::string_view database) const {
  std::string whole = url_;
  whole.replace(whole.find("///") + 3, std::string_view{"postgres"}.size(), database);
  whole.replace(whole.rfind("user=") + 5, std::string::npos, role);
  return whole;
}

void TestCluster::start() { output_of(std::string{script} + " start --fast " + folder_); }
void TestCluster::stop_now() { output_of(std::string{script} + " stop --now " + folder_); }

TestDatabase::TestDatabase() {
  static std::atomic<int> number = 0;
  auto& cluster = TestCluster::get();
  name_ = "test_" + std::to_string(++number);
  as_superuser(cluster.url("postgres", "postgres"),
               "CREATE DATABASE " + name_ + " TEMPLATE ishara_template OWNER ishara_owner");
}

TestDatabase::~TestDatabase() {
  try {
    as_superuser(TestCluster::get().url("postgres", "postgres"),
                 "DROP DATABASE " + name_ + " WITH (FORCE)");
  } catch (const std::runtime_error& failed) {
    std::fprintf(stderr, "%s\n", failed.what());  // the cluster goes anyway
  }
}

std::string TestDatabase::url(std::string_view role) const {
  return TestCluster::get().url(role, name_);
}

void TestDatabase::empty() const {
  query("DROP OWNED BY ishara_promote CASCADE");
  query(
      "DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP TABLE %I CASCADE;', tablename), ' ')"
      " FROM pg_tables WHERE schemaname = 'public'); END $$");
}

std::vector<std::vector<std::string>> TestDatabase::query(std::string_view sql) const {
  std::vector<std::vector<std::string>> rows;
  must(postgres::Session{url("postgres")}.transact([&](postgres::Transaction& transaction) {
    for (const auto& from : transaction.execute(sql, {})) {
      auto& row = rows.emplace_back();
      for (const auto& value : from) row.push_back(value.null ? "NULL" : value.text);
    }
  }),
       "query");
  return rows;
}

bool TestDatabase::allowed(std::string_view role, std::string_view sql) const {
  const auto done = postgres::Session{url(role)}.transact(
      [&](postgres::Transaction& transaction) { transaction.script(sql); });
  return done.has_value();
}

}  // namespace ishara::storage

// libpqxx 6.4 itself loses one PGresult when it finds its connection dead, as the test of a cut
// connection makes it do. Read by the leak checker of the asan preset, by nobody else.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx-6.4"; }
