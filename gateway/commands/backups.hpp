#pragma once
// Backups of a deployment's database: making them, reading them, filling an empty database from
// one, and looking whether what was restored holds. Rows go from the database into sealed parts and
// back in memory alone: nothing is ever on a disk outside of a database or unsealed.
//
// Everything here blocks; one thread. What goes wrong is a BackupError for the person who asked.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gateway/crypto/primitives.hpp"

namespace ishara::commands {

class BackupError : public std::runtime_error {
 public:
  BackupError(const std::string& what, std::string what_to_do)
      : std::runtime_error{what}, what_to_do_{std::move(what_to_do)} {}
  const std::string& what_to_do() const noexcept { return what_to_do_; }

 private:
  std::string what_to_do_;
};

// "2026-11-22"
std::string text_of(std::chrono::sys_days day);

// What a backup holds.
struct BackupContent {
  std::uint32_t schema = 0;
  std::chrono::sys_days day{};
  std::vector<std::pair<std::string, std::uint64_t>> rows;  // of each table, in the file's order
};

// No backup gets older than this, if one is made or the old ones are removed every day.
inline constexpr std::chrono::days backup_life{35};

struct MadeBackup {
  std::filesystem::path file;
  BackupContent content;
};
// One new file in `folder`, mode 0600, named after its day and something random. It has that name
// only when all of it is on the disk; until then it has one that no other function takes for a
// backup. Before it gets its name an entry of the audit tells of it, so that there is none that
// nobody knows of. `url` connects as ishara_backup.
MadeBackup make_backup(const std::string& url, const crypto::PublicKey& recipient,
                       const std::filesystem::path& folder, std::chrono::sys_seconds now);

// Removes backups of `folder` whose day is backup_life or more before `today`, and what was left
// behind, on another day, by somebody who was killed while making one. Returns what is gone. The
// day of a file is in its name; no other file is touched.
std::vector<std::filesystem::path> remove_old_backups(const std::filesystem::path& folder,
                                                      std::chrono::sys_days today);
// Leaves one entry in the audit that names the files which were removed; none if there were none.
void tell_removed(const std::string& url, std::span<const std::filesystem::path> removed,
                  std::chrono::sys_seconds now);

// Reads the whole file: that nothing of it is missing, altered or in another place.
BackupContent verify_backup(const std::filesystem::path& file, const crypto::BoxKey& key);

// Fills the database that `url` leads to, which must be empty, and brings it to this program's
// schema. `url` connects as ishara_owner. With an error no row of the backup is in it.
BackupContent restore_backup(const std::filesystem::path& file, const crypto::BoxKey& key,
                             const std::string& url);

struct Finding {
  std::string place;  // table and key
  std::string what;
};
struct Inspected {
  std::uint64_t records = 0;      // INTAKEs whose signature was verified
  std::uint64_t texts = 0;        // whose digest is the signed one
  std::uint64_t ownerships = 0;   // reports whose statements lead from their first text to an owner
  std::uint64_t entries = 0;      // of the audit chain
  bool chain_vouched = false;     // by a relay's checkpoint
  std::vector<Finding> findings;  // the first hundred
};
// Whether a restored database holds together under the root key: as many rows as the backup, the
// rosters, every INTAKE and what it binds, who owns each report, and the audit chain.
Inspected inspect_restored(const std::string& url, const crypto::PublicKey& root_key,
                           const BackupContent& content);

}  // namespace ishara::commands
