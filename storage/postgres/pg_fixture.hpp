#pragma once
// A real Postgres for tests: one throw-away cluster a test run, one migrated template database, a
// copy of it for each test case. Everything is removed at the end, also when the run crashes.
//
// Threads: the cluster may be reached from any; the rest is one test's.

#include <string>
#include <string_view>
#include <vector>

namespace ishara::storage {

class TestCluster {
 public:
  // Started by the first call, stopped when the process ends, however it ends.
  static TestCluster& get();

  std::string url(std::string_view role, std::string_view database) const;
  void start();
  // As if the power had failed: every connection breaks, nothing is flushed.
  void stop_now();

 private:
  TestCluster();
  std::string folder_;
  std::string url_;  // of postgres, database postgres
};

// A migrated database of its own.
class TestDatabase {
 public:
  TestDatabase();
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  // Roles: ishara_gateway, ishara_relay, ishara_desk, ishara_backup, ishara_owner, postgres
  // (superuser).
  std::string url(std::string_view role) const;
  // Drops all that the template holds: a database as its owner gets it.
  void empty() const;
  // As superuser: rows of fields as text, null as "NULL".
  std::vector<std::vector<std::string>> query(std::string_view sql) const;
  // The first field of the first row.
  std::string value(std::string_view sql) const { return query(sql).at(0).at(0); }
  // As `role`: true if Postgres let it.
  bool allowed(std::string_view role, std::string_view sql) const;

 private:
  std::string name_;
};

}  // namespace ishara::storage
