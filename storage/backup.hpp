#pragma once
// What a backup holds: the rows of a database as they are, table by table in the order of their
// keys, so that neither commit times nor the order of arrival go with them (privacy.md section 13).
//
// Left out: the hashes of dedupe, which are forgotten after 48 hours and not after 35 days, so that
// a text whose provider comes again after a restore may be stored twice; who holds a report at this
// minute; the hash that leads to a provider's records; invitations and proposed rosters, which a
// restore must not bring back. A draft's time is rounded up to the hour.
// Never in the database at all: keys, the relay's epochs, the spool.
//
// Each object has a connection of its own, blocks, and belongs to one thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.hpp"

namespace ishara::storage::blocking {

struct BackedTable {
  std::string name;
  std::vector<std::string> columns;
};
// In the order in which they can be restored.
std::span<const BackedTable> backed_tables();

// The database at one moment, however long reading it takes.
class Snapshot {
 public:
  // `url` connects as ishara_backup. Errors: `schema` if the tables are not those of this program.
  static result<Snapshot> of(const std::string& url);
  ~Snapshot();
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;

  std::uint32_t schema() const noexcept;
  // Gives all rows to `take`, in the binary format of COPY and in pieces of no particular size,
  // until it says false (then `refused`). Returns how many rows there were. One of
  // `backed_tables()`.
  result<std::uint64_t> read(const BackedTable& table,
                             const std::function<bool(std::span<const std::uint8_t>)>& take);

 private:
  struct Link;
  explicit Snapshot(std::unique_ptr<Link> link);
  std::unique_ptr<Link> link_;
};

// A database that is filled from a backup. Its rows are there when `commit` has returned, all or
// none.
class Restoration {
 public:
  // Brings an empty database to version `schema`. `url` connects as ishara_owner, or as a
  // superuser, who also makes the missing roles. Errors: `not_empty`; `schema` for a version that
  // this program does not know.
  static result<Restoration> into(const std::string& url, std::uint32_t schema);
  ~Restoration();
  Restoration(Restoration&&) noexcept;
  Restoration& operator=(Restoration&&) noexcept;

  // Rows of one table: `begin`, `put` as often as it takes, `end`, which returns how many they
  // were. `refused` for a table that is in no backup, and for rows that do not fit; nothing is left
  // then.
  result<void> begin(const BackedTable& table);
  result<void> put(std::span<const std::uint8_t> bytes);
  result<std::uint64_t> end();
  // And brings the database to the schema of this program.
  result<void> commit();

 private:
  struct Link;
  explicit Restoration(std::unique_ptr<Link> link);
  std::unique_ptr<Link> link_;
};

// --- Looking through a restored database, page by page

// A text, or a draft or an address, with the record that the gateway signed for it.
struct SignedRow {
  Id key{};
  std::optional<Id> report_id;  // as the row says it
  Bytes record;
  std::optional<Bytes> message;
  std::optional<Bytes> return_address;
};

class Inspection {
 public:
  // `url` as for Restoration.
  explicit Inspection(std::string url);
  ~Inspection();
  Inspection(Inspection&&) noexcept;
  Inspection& operator=(Inspection&&) noexcept;

  // One of `backed_tables()`.
  result<std::uint64_t> count(const BackedTable& table);
  // The next rows behind `after` in the order of their keys, at most `limit`; the first ones begin
  // behind zeros. `table` is report, text, draft, withdrawn or retaddr_inbox.
  result<std::vector<SignedRow>> page(std::string_view table, const Id& after, std::uint32_t limit);

 private:
  struct Link;
  std::unique_ptr<Link> link_;
};

}  // namespace ishara::storage::blocking
