#include "gateway/commands/backups.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "gateway/identity/audit.hpp"
#include "gateway/identity/backup_file.hpp"
#include "gateway/relay/test_deployment.hpp"
#include "storage/postgres/session.hpp"
#include "tests/support/folder.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using relay::TestDeployment;
using relay::TestReport;

constexpr std::chrono::sys_days today{std::chrono::days{20'000}};

class BackupFolder : public tests::Folder {
 public:
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator{path()})
      out.push_back(entry.path().filename().string());
    std::ranges::sort(out);
    return out;
  }

 private:
  fs::path path_;
};

crypto::BoxKey key() { return crypto::box_key(relay::test_seed(99)); }

// A deployment whose every report holds: the signed digest is that of the text that is there.
struct Source {
  TestDeployment deployment;
  std::vector<TestReport> reports;
  BackupFolder folder;

  Source() {
    deployment.store_rosters();
    for (int i = 0; i < 5; ++i) {
      identity::IntakeRecord record;
      record.first = true;
      record.hour = deployment.hour();
      record.report_id = crypto::random_bytes<16>();
      record.queue_id = TestDeployment::helpers;
      record.message_digest = identity::envelope_digest(crypto::Bytes(584));
      const auto bytes = identity::sign_intake(record, deployment.gateway);
      reports.push_back({record.report_id, {bytes.begin(), bytes.end()}});
      deployment.place_report(reports.back(), {});
    }
    deployment.place_address(reports[0].id, relay::test_number(1), relay::test_ref(1), {});
    storage::blocking::Store desk{deployment.database.url("ishara_desk")};
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    for (int i = 0; i < 3; ++i)
      desk.put_audit({}, {},
                     identity::scribe_of({.action = identity::AuditAction::list,
                                          .time = static_cast<std::uint64_t>(now.count()),
                                          .origin = config::ip_address_of("192.0.2.7")}))
          .value();
  }
  MadeBackup make() const {
    return make_backup(deployment.database.url("ishara_backup"), key().public_key, folder.path(),
                       today);
  }
  void sql(const std::string& statement) const { deployment.database.query(statement); }
  std::vector<storage::AuditRow> audit() const {
    return storage::blocking::Store{deployment.database.url("ishara_backup")}
        .audit_with_origins(0, 100)
        .value();
  }
};

// A new and empty database.
struct Target {
  storage::TestDatabase database;
  Target() { database.empty(); }
  std::string url() const { return database.url("ishara_owner"); }
};

Inspected drill(const fs::path& file) {
  const Target target;
  const auto content = restore_backup(file, key(), target.url());
  return inspect_restored(target.url(), TestDeployment::root_key(), content);
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const BackupError& error) {
    return error.what();
  }
  return {};
}

std::string bytes_in(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void put(const fs::path& file, const std::string& bytes) {
  std::ofstream{file, std::ios::binary} << bytes;
}

}  // namespace

TEST_CASE("a backup is one sealed file for its owner alone, and what it restores holds") {
  const Source source;
  const auto made = source.make();
  CHECK(source.folder.names().size() == 1);
  CHECK(made.file.filename().string().starts_with("ishara-2024-10-04-"));
  CHECK((fs::status(made.file).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  const auto file = bytes_in(made.file);
  for (const auto& report : source.reports)
    CHECK(file.find(std::string{report.id.begin(), report.id.end()}) == std::string::npos);

  const auto content = verify_backup(made.file, key());
  CHECK(content.day == today);
  CHECK(content.rows == made.content.rows);
  const auto seen = drill(made.file);
  for (const auto& finding : seen.findings) FAIL_CHECK(finding.place << ": " << finding.what);
  CHECK(seen.records == 6);
  CHECK(seen.texts == 5);
  CHECK(seen.ownerships == 5);
  CHECK(seen.entries == 3);
  CHECK_FALSE(seen.chain_vouched);
}

TEST_CASE("each backup is told to the audit once, and reading one is not") {
  const Source source;
  const auto made = source.make();
  const auto entries = source.audit();
  REQUIRE(entries.size() == 4);
  const auto entry = identity::decode_audit_entry(entries[3].entry).value();
  CHECK(entry.action == identity::AuditAction::backup);
  CHECK(entry.time == 20'000u * 86'400);
  CHECK(entry.actor == crypto::Id{});
  const auto head = bytes_in(made.file).substr(0, identity::backup_head_size);
  CHECK(entry.object == crypto::hash16({crypto::bytes_of(head)}));
  CHECK(entries[3].detail == "{\"file\":\"" + made.file.filename().string() + "\"}");

  verify_backup(made.file, key());
  drill(made.file);
  source.make();
  const auto later = source.audit();
  CHECK(later.size() == 5);
  // A whole chain, for which no relay has vouched here.
  CHECK(identity::verify_audit(later, {}, source.deployment.directory, {}, 0,
                               identity::Origins::given)
            .fault == identity::AuditFault::unsigned_chain);
}

TEST_CASE("there is no backup of which the audit could not be told") {
  const Source source;
  source.sql("REVOKE INSERT ON audit FROM ishara_backup");
  CHECK(error_of([&] { source.make(); }).find("audit could not be told") != std::string::npos);
  CHECK(source.folder.names().empty());
  source.sql("GRANT INSERT ON audit TO ishara_backup");
  source.make();
  CHECK(source.folder.names().size() == 1);
}

TEST_CASE("the audit is told which backups were removed") {
  const Source source;
  const auto url = source.deployment.database.url("ishara_backup");
  tell_removed(url, {}, today);
  CHECK(source.audit().size() == 3);
  const std::vector<fs::path> removed{"/a/ishara-2023-02-28-0123456789abcdef.backup",
                                      "/a/b.backup"};
  tell_removed(url, removed, today);
  const auto entries = source.audit();
  REQUIRE(entries.size() == 4);
  const auto entry = identity::decode_audit_entry(entries[3].entry).value();
  CHECK(entry.action == identity::AuditAction::forget_backups);
  CHECK(entry.flags == 2);
  CHECK(entries[3].detail ==
        R"({"files":["ishara-2023-02-28-0123456789abcdef.backup","b.backup"]})");
}

TEST_CASE("a drill finds what somebody changed in the database before the backup was made") {
  const std::string one = "(SELECT report_id FROM report ORDER BY 1 LIMIT 1)";
  const auto of_one = " WHERE report_id = " + one;
  const std::pair<std::string, const char*> changes[] = {
      {"UPDATE report SET message = set_byte(message, 9, 7)" + of_one,
       "its text is not the one that was signed"},
      {"UPDATE report SET record = set_byte(record, 2, get_byte(record, 2) # 1)" + of_one,
       "no gateway of the rosters has signed it"},
      {"UPDATE report SET report_id = gen_random_uuid()" + of_one,
       "its record was signed for another report"},
      {"UPDATE retaddr_inbox SET retaddr = set_byte(retaddr, 9, 7)",
       "its address is not the one that was signed"},
      {"UPDATE audit SET detail = '{\"other\": 1}' WHERE seq = 2", "detail"},
      {"DELETE FROM audit WHERE seq = 2", "is missing"},
      {"DELETE FROM audit_origin WHERE seq = 2", "has lost its address"},
      {"UPDATE audit_origin SET origin = set_byte(origin, 31, 8) WHERE seq = 2",
       "has another address"},
      {"DELETE FROM roster WHERE issuer = '00000000-0000-0000-0000-000000000000'", "root"},
  };
  for (const auto& [sql, expected] : changes) {
    CAPTURE(sql);
    const Source source;
    source.sql(sql);
    const auto seen = drill(source.make().file);
    REQUIRE_FALSE(seen.findings.empty());
    CHECK(std::ranges::any_of(seen.findings, [&](const auto& finding) {
      return finding.what.find(expected) != std::string::npos;
    }));
  }
}

TEST_CASE("a drill under another root key, or with other counts, does not hold") {
  const Source source;
  const auto made = source.make();
  const Target target;
  auto content = restore_backup(made.file, key(), target.url());
  CHECK_FALSE(inspect_restored(target.url(), crypto::PublicKey{1}, content).findings.empty());
  target.database.query("DELETE FROM retaddr_inbox");
  CHECK(inspect_restored(target.url(), TestDeployment::root_key(), content).findings.at(0).what ==
        "has 0 rows, the backup has 1");
}

TEST_CASE("a cut, altered or foreign backup restores nothing and says why") {
  const Source source;
  const auto made = source.make();
  const auto whole = bytes_in(made.file);
  const auto spoilt = source.folder / "spoilt";
  const auto middle = whole.size() / 2;
  auto altered = whole;
  altered[middle] = static_cast<char>(altered[middle] ^ 1);
  const std::pair<std::string, const char*> files[] = {
      {whole.substr(0, whole.size() - 1), "ends before its last part"},
      {whole.substr(0, middle), "ends before its last part"},
      {altered, "missing, altered, or in another place"},
      {whole.substr(0, middle) + whole.substr(middle + 1), "missing, altered, or in another place"},
      {whole + "x", "behind the end"},
      {"whatever", "is no backup"},
  };
  for (const auto& [bytes, expected] : files) {
    CAPTURE(expected);
    put(spoilt, bytes);
    const Target target;
    const auto what = error_of([&] { restore_backup(spoilt, key(), target.url()); });
    CHECK(what.find(expected) != std::string::npos);
    CHECK(error_of([&] { verify_backup(spoilt, key()); }) == what);
    if (target.database.value("SELECT to_regclass('report') IS NULL") == "f")
      CHECK(target.database.value("SELECT count(*) FROM report") == "0");
  }
  const Target target;
  const auto other = crypto::box_key(relay::test_seed(98));
  CHECK(error_of([&] {
          restore_backup(made.file, other, target.url());
        }).find("sealed to another key") != std::string::npos);
  CHECK(error_of([&] {
          restore_backup(made.file, key(), source.deployment.database.url("ishara_owner"));
        }).find("not empty") != std::string::npos);
  CHECK(error_of([&] { verify_backup("/nowhere", key()); }).find("cannot be read") !=
        std::string::npos);
}

TEST_CASE("who is killed while making a backup leaves nothing under the name of one") {
  const Source source;
  pid_t child = -1;
  storage::postgres::Session session{source.deployment.database.url("postgres")};
  const auto unfinished = [&] {
    const auto names = source.folder.names();
    return names.size() == 1 && names[0].ends_with(".unfinished") &&
           fs::file_size(source.folder / names[0]) > 128;
  };
  // The maker waits for the audit while we hold it, with many rows written.
  const auto held = session.transact([&](storage::postgres::Transaction& transaction) {
    transaction.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE", {});
    child = ::fork();
    if (child == 0) {
      try {
        source.make();
      } catch (...) {
      }
      ::_exit(0);
    }
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!unfinished() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
  });
  CHECK(held.has_value());
  CHECK(unfinished());
  CHECK(remove_old_backups(source.folder.path(), today).empty());
  CHECK(remove_old_backups(source.folder.path(), today + std::chrono::days{1}).size() == 1);
  CHECK(source.folder.names().empty());
}

TEST_CASE("backups of 35 days ago and older are removed, and no other file") {
  const BackupFolder folder;
  for (const char* name :
       {"ishara-2024-10-04-0123456789abcdef.backup", "ishara-2024-08-31-0123456789abcdef.backup",
        "ishara-2024-08-30-0123456789abcdef.backup", "ishara-2023-02-28-0123456789abcdef.backup",
        "ishara-2023-02-30-0123456789abcdef.backup", "ishara-2023-02-28.backup", "notes",
        "ishara-2024-10-04-1123456789abcdef.backup.unfinished",
        "ishara-2024-10-03-1123456789abcdef.backup.unfinished"})
    put(folder / name, "x");
  CHECK(remove_old_backups(folder.path(), today) ==
        std::vector<fs::path>{folder / "ishara-2023-02-28-0123456789abcdef.backup",
                              folder / "ishara-2024-08-30-0123456789abcdef.backup",
                              folder / "ishara-2024-10-03-1123456789abcdef.backup.unfinished"});
  CHECK(folder.names().size() == 6);
  CHECK_FALSE(error_of([&] { remove_old_backups(folder / "none", today); }).empty());
}

TEST_CASE(
    "P16: a backup from before rotation and grace, and every key that is left, give 0 numbers") {
  const BackupFolder folder;
  TestDeployment deployment;
  deployment.store_rosters();
  constexpr TestDeployment::Sitting yes{.may_text = true};
  for (std::uint32_t i = 1; i <= 3; ++i)
    deployment.report(relay::test_number(i), relay::test_ref(i), yes);
  deployment.read_inbox();
  deployment.report(relay::test_number(4), relay::test_ref(4), yes);  // still in the inbox
  const auto made =
      make_backup(deployment.database.url("ishara_backup"), key().public_key, folder.path(), today);
  const auto restore = [&] {
    deployment.database.empty();
    restore_backup(made.file, key(), deployment.database.url("ishara_owner"));
  };
  const auto numbers_found = [&] {
    std::uint32_t found = 0;
    for (std::uint32_t i = 1; i <= 4; ++i)
      found += deployment.by(relay::test_number(i)).found ? 1 : 0;
    for (const auto& row : deployment.store.addresses_after({}, 100).value()) {
      const auto address = deployment.address(row.report_id);
      found += address && address->number ? 1 : 0;
    }
    return found;
  };
  // The control: while the keys live, the backup opens.
  const auto then = deployment.now;
  restore();
  CHECK(numbers_found() == 6);
  while (deployment.now < relay::start_of(TestDeployment::week + 1) + relay::epoch_grace) {
    deployment.now += 24h;
    deployment.turn_week();
  }
  restore();
  CHECK(numbers_found() == 0);
  deployment.read_inbox();
  CHECK(numbers_found() == 0);
  deployment.now = then;
  restore();
  CHECK(numbers_found() == 6);
}

}  // namespace ishara::commands
