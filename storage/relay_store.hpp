#pragma once
// The verbs of the relay: its threads, its addresses, and the inbox that fills them. What stands in
// these rows is keyed hashes, sealed addresses and MACs: whoever reads them without the epoch's key
// learns that somebody wrote, in which week, about which report.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/store.hpp"

namespace ishara::storage {

using Mac = std::array<std::uint8_t, 32>;

// A number or a ref and its report.
struct Thread {
  Id tag{};
  std::uint32_t epoch = 0;
  char kind = 'n';  // n number, c ref, u unverified ref
  Id report_id{};
  Id origin{};
  Mac mac{};
  std::uint32_t day = 0;  // of the last contact, unix time / 86400
};

// A thread with what tells who holds its report now.
struct ThreadView {
  Thread thread;
  Bytes record;  // the report's first INTAKE; empty: no such report (any more)
  Stage stage = Stage::waiting;
  std::vector<Bytes> statements;
};

struct ReportView {
  Bytes record;
  Stage stage = Stage::waiting;
  std::vector<Bytes> statements;
  std::vector<Thread> threads;  // of this report
};

struct Address {
  Id report_id{};
  std::uint32_t epoch = 0;
  Bytes address;  // 224 bytes, sealed by the relay for itself
  std::uint32_t day = 0;
  std::optional<std::uint32_t> closed_day{};
};

// Two reports of one number, told to their owner.
struct SameSender {
  Id report_id{};
  Id other_id{};
  Id tag{};                 // of a thread of one of them: with this one the row goes
  std::uint32_t epoch = 0;  // of the older of their threads, likewise
  Bytes link;               // SAME SENDER, 120 bytes
};

struct InboxRow {
  Id inbox_id{};
  Bytes record;
  Bytes retaddr;
};

// Everything that one piece of the relay's work changes, in one transaction, in the order of the
// members. No key of `threads` or `addresses` stands twice.
struct RelayChange {
  // What says of a report that it has another one's sender goes with the number of either.
  std::vector<Id> gone_tags{};             // their threads, in every epoch
  std::vector<Id> gone_numbers{};          // reports that lose their threads of kind n
  std::vector<Id> gone_addresses{};        // reports that lose their address
  std::vector<Id> gone_reports{};          // reports that lose their address and every thread
  std::vector<Thread> threads{};           // replaces that of the same tag, report and epoch
  std::vector<Address> addresses{};        // replaces the address of the same report
  std::vector<SameSender> same_senders{};  // each pair once, however often it comes
  std::vector<Statement> statements{};
  std::vector<Id> read{};  // inbox rows that are done
};

namespace blocking {

// Threads and errors as of `Store`, of which everything that the role ishara_relay may do works
// here too: rosters, statements, epochs.
class RelayStore : public Store {
 public:
  using Store::Store;

  // Rows after this id, by id.
  result<std::vector<InboxRow>> inbox(const Id& after, std::uint32_t limit);
  // The threads under any of these tags, with their reports. One query, hit or miss.
  result<std::vector<ThreadView>> look_up(std::span<const Id> tags);
  // `not_found` if there is no such report.
  result<ReportView> report(const Id& report);
  // The threads of these reports, in every epoch.
  result<std::vector<Thread>> threads_of(std::span<const Id> reports);
  result<std::vector<Address>> addresses(std::span<const Id> reports);
  // The first INTAKE of those of these reports that exist, in no order.
  struct First {
    Id report_id{};
    Bytes record;
    Stage stage = Stage::waiting;
  };
  result<std::vector<First>> first_records(std::span<const Id> reports);
  // Addresses after this report id, by id.
  result<std::vector<Address>> addresses_after(const Id& after, std::uint32_t limit);
  result<void> apply(const RelayChange& change);
  // The last audit entry, and that of this number.
  result<AuditHead> audit_head();
  result<AuditHead> audit_entry(std::uint64_t seq);
  // That of the highest entry; seq 0 if there is none.
  result<StoredCheckpoint> last_checkpoint();
  // False if there is one of this number: then nothing was stored.
  result<bool> put_checkpoint(const StoredCheckpoint& checkpoint);
  // Leaves an entry for each reply that was sent before this hour, or whose outcome was lost, if it
  // has none yet.
  result<void> audit_replies(std::uint32_t before, const AuditScribe& sent,
                             const AuditScribe& unknown);
  // Whether a report is gone because its queue's people have deleted it.
  result<bool> is_deleted(const Id& report);
  // Removes what was kept of such reports, as of `gone_reports`.
  result<void> forget_deleted();
  // Removes what was kept under epochs whose keys are gone; returns how many rows.
  result<std::uint64_t> forget_epochs_before(std::uint32_t epoch);
};

}  // namespace blocking
}  // namespace ishara::storage
