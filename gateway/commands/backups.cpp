#include "gateway/commands/backups.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "gateway/config/descriptor.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/backup_file.hpp"
#include "gateway/identity/ownership.hpp"
#include "storage/backup.hpp"
#include "storage/store.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using config::Descriptor;
using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
namespace blocking = storage::blocking;

constexpr std::string_view beginning = "ishara-";
constexpr std::string_view ending = ".backup";
constexpr std::string_view unfinished = ".unfinished";
constexpr std::size_t name_size = 7 + 10 + 1 + 16 + 7;  // ishara-2026-11-22-<16 digits>.backup
constexpr std::uint32_t page_size = 500;
constexpr std::uint32_t audit_page = 10'000;
constexpr std::size_t most_findings = 100;

// --- Files

std::string name_of(sys_days day) {
  return std::string{beginning} + text_of(day) + "-" + crypto::hex(crypto::random_bytes<8>()) +
         std::string{ending};
}

// Of a name as `name_of` makes it.
std::optional<sys_days> day_of(std::string_view name) {
  if (name.size() != name_size || !name.starts_with(beginning) || !name.ends_with(ending))
    return std::nullopt;
  int year = 0;
  unsigned month = 0, day = 0;
  if (std::sscanf(std::string{name.substr(beginning.size(), 11)}.c_str(), "%4d-%2u-%2u-", &year,
                  &month, &day) != 3)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{day}};
  return date.ok() ? std::optional{sys_days{date}} : std::nullopt;
}

[[noreturn]] void cannot_write(const fs::path& folder) {
  throw BackupError{"cannot write a backup into " + folder.string() + ": " +
                        std::generic_category().message(errno),
                    "give a folder that is yours, on a disk with room"};
}

// A file under a name for the time being, which it loses unless it is finished.
class NewFile {
 public:
  NewFile(const fs::path& folder, const std::string& name)
      : folder_{folder},
        final_{folder / name},
        now_{final_.string() + std::string{unfinished}},
        file_{::open(now_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)} {
    if (file_.get() < 0) cannot_write(folder_);
  }
  ~NewFile() {
    if (!finished_) ::unlink(now_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const auto count = ::write(file_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) cannot_write(folder_);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  // What was written is durable, and still has no name of its own.
  void sync() {
    if (::fsync(file_.get()) != 0) cannot_write(folder_);
  }
  // Durable under its name; after `sync`.
  fs::path finish() {
    const Descriptor folder{::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (::rename(now_.c_str(), final_.c_str()) != 0) cannot_write(folder_);
    finished_ = true;
    if (folder.get() < 0 || ::fsync(folder.get()) != 0) cannot_write(folder_);
    return final_;
  }

 private:
  fs::path folder_, final_, now_;
  Descriptor file_;
  bool finished_ = false;
};

identity::BackupReader open_backup(const fs::path& file, const crypto::BoxKey& key) {
  const auto opened =
      std::make_shared<Descriptor>(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (opened->get() < 0)
    throw BackupError{file.string() + " cannot be read: " + std::generic_category().message(errno),
                      "name a file that `ishara backup make` has made"};
  auto reader = identity::BackupReader::open(
      [opened, file](std::span<std::uint8_t> out) {
        std::size_t done = 0;
        while (done < out.size()) {
          const auto count = ::read(opened->get(), out.data() + done, out.size() - done);
          if (count < 0 && errno == EINTR) continue;
          if (count < 0)
            throw BackupError{
                file.string() + " cannot be read: " + std::generic_category().message(errno),
                "look at the disk that it is on, or take another copy"};
          if (count == 0) break;
          done += static_cast<std::size_t>(count);
        }
        return done;
      },
      key);
  if (!reader)
    throw BackupError{file.string() + ": " + reader.error().message(),
                      "compare the file and the secret key with what `ishara backup make` wrote"};
  return std::move(*reader);
}

// The next part; the file is named and the part numbered if it does not hold.
identity::BackupPart next_of(identity::BackupReader& reader, const fs::path& file) {
  auto part = reader.next();
  if (!part)
    throw BackupError{
        file.string() + ", part " + std::to_string(reader.number()) + ": " + part.error().message(),
        "take another copy of this backup, or an older backup"};
  return std::move(*part);
}

// --- Errors of the database

[[noreturn]] void database_says(const boost::system::error_code& error, const char* what_to_do) {
  throw BackupError{error.message(), what_to_do};
}
template <class T>
T readable(storage::result<T> done) {
  if (!done) database_says(done.error(), "look whether the address is right and Postgres runs");
  return std::move(*done);
}
template <class T>
T restored(storage::result<T> done) {
  if (done) return std::move(*done);
  if (done.error() == storage::errc::not_empty)
    database_says(done.error(), "make a new one: CREATE DATABASE ishara OWNER ishara_owner");
  if (done.error() == storage::errc::schema)
    throw BackupError{"the backup is of a newer schema, or this role does not own the database",
                      "restore it with the release that made it or a later one, as ishara_owner"};
  if (done.error() == storage::errc::refused)
    throw BackupError{"the backup holds rows that no release has written",
                      "take another backup, and find out who could write this one"};
  database_says(done.error(), "look at the log of Postgres, then begin with an empty database");
}
void restored(const storage::result<void>& done) {
  if (!done) restored(storage::result<int>{done.error()});
}

// --- The audit

std::uint64_t seconds_of(sys_seconds moment) {
  return static_cast<std::uint64_t>(moment.time_since_epoch().count());
}

void tell_audit(const std::string& url, const crypto::Id& object, identity::AuditDeed deed) {
  blocking::Store store{url};
  if (const auto told = store.put_audit({}, object, identity::scribe_of(std::move(deed))); !told)
    throw BackupError{"the audit could not be told: " + told.error().message(),
                      "look whether Postgres runs, and run `ishara migrate` as its owner"};
}

}  // namespace

std::string text_of(sys_days day) {
  const std::chrono::year_month_day date{day};
  char out[48];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return out;
}

MadeBackup make_backup(const std::string& url, const crypto::PublicKey& recipient,
                       const fs::path& folder, sys_seconds now) {
  const auto today = std::chrono::floor<days>(now);
  auto sealer = identity::BackupSealer::to(recipient);
  if (!sealer)
    throw BackupError{"the public key of backups is none",
                      "make a pair with `ishara backup key` and set public_key in [backup]"};
  auto snapshot = readable(blocking::Snapshot::of(url));
  MadeBackup made{{}, {snapshot.schema(), today, {}}};

  const auto name = name_of(today);
  NewFile file{folder, name};
  file.write(sealer->head());
  const auto day = static_cast<std::uint32_t>(today.time_since_epoch().count());
  file.write(sealer->seal(identity::BackupStart{snapshot.schema(), day}));
  crypto::Bytes waiting;
  const auto flush = [&](std::size_t least) {
    std::size_t done = 0;
    while (waiting.size() - done >= least && done < waiting.size()) {
      const auto size = std::min(waiting.size() - done, identity::largest_backup_rows);
      file.write(sealer->seal(identity::BackupRows{crypto::View{waiting}.subspan(done, size)}));
      done += size;
    }
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
  };
  for (const auto& table : blocking::backed_tables()) {
    file.write(sealer->seal(identity::BackupTable{table.name, table.columns}));
    const auto rows = readable(snapshot.read(table, [&](std::span<const std::uint8_t> bytes) {
      waiting.insert(waiting.end(), bytes.begin(), bytes.end());
      flush(identity::largest_backup_rows);
      return true;
    }));
    flush(1);
    file.write(sealer->seal(identity::BackupTableEnd{rows}));
    made.content.rows.emplace_back(table.name, rows);
  }
  file.write(
      sealer->seal(identity::BackupEnd{static_cast<std::uint32_t>(made.content.rows.size())}));
  file.sync();
  tell_audit(url, crypto::hash16({sealer->head()}),
             {.action = identity::AuditAction::backup,
              .time = seconds_of(now),
              .detail = json::serialize(json::object{{"file", name}})});
  made.file = file.finish();
  return made;
}

std::vector<fs::path> remove_old_backups(const fs::path& folder, sys_days today) {
  std::vector<fs::path> old;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder, error}) {
    auto name = entry.path().filename().string();
    const bool half = name.ends_with(unfinished);
    if (half) name.resize(name.size() - unfinished.size());
    const auto day = day_of(name);
    if (day && entry.is_regular_file(error) && (half ? *day != today : today - *day >= backup_life))
      old.push_back(entry.path());
  }
  if (error)
    throw BackupError{folder.string() + " cannot be looked through: " + error.message(),
                      "give the folder of the backups"};
  std::ranges::sort(old);
  for (const auto& file : old)
    if (!fs::remove(file, error) && error)
      throw BackupError{file.string() + " cannot be removed: " + error.message(),
                        "remove it by hand: a backup is kept for 35 days at most"};
  return old;
}

void tell_removed(const std::string& url, std::span<const fs::path> removed, sys_seconds now) {
  if (removed.empty()) return;
  json::array files;
  for (const auto& file : removed) files.emplace_back(file.filename().string());
  tell_audit(url, {},
             {.action = identity::AuditAction::forget_backups,
              .time = seconds_of(now),
              .flags = static_cast<std::uint32_t>(removed.size()),
              .detail = json::serialize(json::object{{"files", std::move(files)}})});
}

BackupContent verify_backup(const fs::path& file, const crypto::BoxKey& key) {
  auto reader = open_backup(file, key);
  BackupContent content;
  for (;;) {
    const auto part = next_of(reader, file);
    if (const auto* start = std::get_if<identity::BackupStart>(&part)) {
      content.schema = start->schema;
      content.day = sys_days{days{start->day}};
    } else if (const auto* table = std::get_if<identity::BackupTable>(&part)) {
      content.rows.emplace_back(table->name, 0);
    } else if (const auto* end = std::get_if<identity::BackupTableEnd>(&part)) {
      content.rows.back().second = end->rows;
    } else if (std::holds_alternative<identity::BackupEnd>(part)) {
      return content;
    }
  }
}

BackupContent restore_backup(const fs::path& file, const crypto::BoxKey& key,
                             const std::string& url) {
  auto reader = open_backup(file, key);
  const auto start = std::get<identity::BackupStart>(next_of(reader, file));
  BackupContent content{start.schema, sys_days{days{start.day}}, {}};
  auto restoration = restored(blocking::Restoration::into(url, start.schema));
  for (;;) {
    const auto part = next_of(reader, file);
    if (const auto* table = std::get_if<identity::BackupTable>(&part)) {
      restored(restoration.begin({table->name, table->columns}));
      content.rows.emplace_back(table->name, 0);
    } else if (const auto* rows = std::get_if<identity::BackupRows>(&part)) {
      restored(restoration.put(rows->bytes));
    } else if (const auto* end = std::get_if<identity::BackupTableEnd>(&part)) {
      content.rows.back().second = restored(restoration.end());
      if (content.rows.back().second != end->rows)
        restored(storage::result<void>{storage::errc::refused});
    } else {
      restored(restoration.commit());
      return content;
    }
  }
}

// --- Looking through what was restored

namespace {

class Inspector {
 public:
  Inspector(const std::string& url, const crypto::PublicKey& root_key)
      : inspection_{url}, store_{url} {
    const auto rosters = readable(store_.rosters());
    auto directory = identity::Directory::verified_rows(identity::rows_of(rosters), root_key);
    if (directory)
      directory_ = std::move(*directory);
    else
      find("roster", directory.error().message());
  }

  Inspected result(const BackupContent& content) && {
    compare_counts(content);
    if (directory_) {
      for (const char* table : {"report", "text", "draft", "withdrawn", "retaddr_inbox"})
        look_through(table);
      look_at_audit();
    }
    return std::move(out_);
  }

 private:
  void find(std::string place, std::string what) {
    if (out_.findings.size() < most_findings)
      out_.findings.push_back({std::move(place), std::move(what)});
  }

  void compare_counts(const BackupContent& content) {
    for (const auto& table : blocking::backed_tables()) {
      const auto counted = std::ranges::find(content.rows, table.name,
                                             &std::pair<std::string, std::uint64_t>::first);
      const auto expected = counted == content.rows.end() ? 0 : counted->second;
      const auto there = readable(inspection_.count(table));
      if (there != expected)
        find(table.name,
             "has " + std::to_string(there) + " rows, the backup has " + std::to_string(expected));
    }
  }

  void look_through(const char* table) {
    crypto::Id after{};
    for (;;) {
      const auto page = readable(inspection_.page(table, after, page_size));
      for (const auto& row : page) look_at(table, row);
      if (page.size() < page_size) return;
      after = page.back().key;
    }
  }

  void look_at(const std::string& table, const blocking::SignedRow& row) {
    const auto place = table + " " + crypto::hex(row.key);
    const auto record = identity::verify_intake(row.record, *directory_);
    if (!record) return find(place, "no gateway of the rosters has signed it");
    ++out_.records;
    if (row.report_id && *row.report_id != record->report_id)
      find(place, "its record was signed for another report");
    if (row.message) {
      if (identity::envelope_digest(*row.message) == record->message_digest)
        ++out_.texts;
      else
        find(place, "its text is not the one that was signed");
    }
    if (row.return_address &&
        identity::envelope_digest(*row.return_address) != record->return_address_digest)
      find(place, "its address is not the one that was signed");
    if (table == "report") look_at_owner(place, row);
  }

  void look_at_owner(const std::string& place, const blocking::SignedRow& row) {
    const auto statements = readable(store_.statements(row.key));
    std::vector<crypto::View> views;
    for (const auto& statement : statements) views.emplace_back(statement.bytes);
    const auto owner = identity::ownership(row.key, row.record, views, *directory_);
    if (!owner)
      find(place, "nothing that was signed says whose it is");
    else if (owner->forked)
      find(place, "it was given away twice at once");
    else
      ++out_.ownerships;
  }

  void look_at_audit() {
    std::vector<storage::AuditRow> entries;
    for (;;) {
      const auto after = entries.empty() ? 0 : entries.back().seq;
      auto page = readable(store_.audit_with_origins(after, audit_page));
      std::ranges::move(page, std::back_inserter(entries));
      if (page.size() < audit_page) break;
    }
    std::vector<crypto::Bytes> checkpoints;
    if (!entries.empty())
      for (auto& point : readable(store_.checkpoints(0, entries.back().seq)))
        checkpoints.push_back(std::move(point.bytes));
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto verdict = identity::verify_audit(entries, checkpoints, *directory_, std::nullopt,
                                                seconds_of(now), identity::Origins::given);
    out_.entries = entries.size();
    out_.chain_vouched = verdict.good() && verdict.vouched > 0;
    // The first hours of a deployment have no checkpoint yet.
    if (!verdict.good() && verdict.fault != identity::AuditFault::unsigned_chain)
      find("audit " + std::to_string(verdict.seq), std::string{identity::describe(verdict.fault)});
  }

  blocking::Inspection inspection_;
  blocking::Store store_;
  std::optional<identity::Directory> directory_;
  Inspected out_;
};

}  // namespace

Inspected inspect_restored(const std::string& url, const crypto::PublicKey& root_key,
                           const BackupContent& content) {
  return Inspector{url, root_key}.result(content);
}

}  // namespace ishara::commands
