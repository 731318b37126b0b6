#pragma once
// The verbs of storage: what the rest of the house may ask of the database. Sealed things are bytes
// here; no SQL and no type of a database library crosses this line.
//
// Two doors. `IntakeWriter` is the hot path of the gateway: coroutines that wait for a thread of
// its own, many rows in one transaction. `blocking::Store` is everything else: plain calls that
// wait, for pool threads (storage/store_pool.hpp) and commands.

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/audit.hpp"
#include "storage/errc.hpp"

namespace ishara::storage {

namespace asio = boost::asio;

using Id = std::array<std::uint8_t, 16>;
using Bytes = std::vector<std::uint8_t>;

// One new report as it is sealed, with its first text. Layouts: privacy.md section 6.
struct Intake {
  Id report_id{};
  Id queue_id{};
  std::uint32_t hour = 0;  // unix time / 3600
  bool urgent = false;
  std::uint8_t consent_class = 0;  // 0 helpers only, 1 helpers and police
  Bytes record;                    // INTAKE, 184 bytes
  Bytes message;                   // MESSAGE, 72 + k * 512 bytes
  Bytes wraps;                     // 1 to 8 KEYWRAPs of 192 bytes, the owner's first
  Bytes retaddr;                   // RETADDR, 192 bytes; empty: none
  Id dedupe{};                     // keyed hash of the provider's id, or of the content
  std::uint32_t day = 0;           // unix time / 86400; a dedupe hash is kept for 48 hours
  std::int16_t answer_class = 0;   // which answer the reporter gets, so that a repeat gets the same
};

// One more text of a report that exists, sealed. Nobody checks here that it does: the gateway
// cannot read reports, and a text may come before its report.
struct LaterText {
  Id message_id{};
  Id report_id{};
  Id queue_id{};                  // the report's owner, who is told
  std::uint32_t hour = 0;         // unix time / 3600
  Bytes record;                   // INTAKE, 184 bytes
  Bytes message;                  // MESSAGE, 72 + k * 512 bytes
  Bytes wraps;                    // 1 to 8 KEYWRAPs of 192 bytes, the owner's first
  Bytes retaddr;                  // RETADDR, 192 bytes; empty: none
  Id dedupe{};                    // one space of hashes with new reports
  std::uint32_t day = 0;          // unix time / 86400
  std::int16_t answer_class = 0;  // as for a new report
};

struct Appended {
  bool duplicate = false;         // a report or text with this dedupe hash was stored before
  std::int16_t answer_class = 0;  // of the first delivery
};

// Where sealed intakes go. Tests of the main path give a fake.
class IntakeSink {
 public:
  virtual ~IntakeSink() = default;
  // Both resume when the row is durable. Errors: `busy` (queue full, at once), `unavailable` (not
  // known to be stored; a repeat is recognised), `refused` (this row alone).
  virtual asio::awaitable<result<Appended>> append(Intake intake) = 0;
  virtual asio::awaitable<result<Appended>> append(LaterText text) = 0;
};

struct WriterSettings {
  std::string url;  // libpq URL or key=value string of the role ishara_gateway
  std::size_t batch_rows = 512;
  std::size_t batch_bytes = 1 << 20;
  std::size_t queue_rows = 8192;
  std::size_t queue_bytes = 16 << 20;
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds statement_timeout{5000};
  std::chrono::milliseconds lock_timeout{2000};
  std::chrono::milliseconds shortest_pause{50};   // before the first new attempt to connect
  std::chrono::milliseconds longest_pause{2000};  // the pause doubles up to this
};

struct WriterCounters {
  std::uint64_t stored = 0;       // new reports and later texts
  std::uint64_t duplicates = 0;   // answered from an earlier delivery
  std::uint64_t refused = 0;      // poisoned rows
  std::uint64_t busy = 0;         // turned away, queue full
  std::uint64_t unavailable = 0;  // turned away, no database
  std::uint64_t batches = 0;      // committed transactions
  std::uint64_t retries = 0;      // transactions repeated after a deadlock
  std::uint64_t connections = 0;  // connections made; 1 is the first
};

// The group-commit writer: what arrives while a transaction is in flight shares the next one.
//
// Threads: a thread of its own does the work. Coroutines on `executor`, whose context outlives the
// writer, append, flush and destroy; they are resumed there. `counters` and `connected` are for any
// thread. One connection, made in the background from the constructor on and made again after a
// loss, with growing pauses. While a connection is being made rows wait for it; during a pause they
// get `unavailable` at once. Destroying the writer drops what waits without an answer: call
// `flush_and_stop` first.
class IntakeWriter final : public IntakeSink {
 public:
  IntakeWriter(const asio::any_io_executor& executor, WriterSettings settings);
  ~IntakeWriter() override;
  IntakeWriter(const IntakeWriter&) = delete;
  IntakeWriter& operator=(const IntakeWriter&) = delete;

  asio::awaitable<result<Appended>> append(Intake intake) override;
  asio::awaitable<result<Appended>> append(LaterText text) override;
  // Takes nothing new (`unavailable`), writes what is queued, resumes when all have their answer
  // and the connection is closed. Bounded by the timeouts.
  asio::awaitable<void> flush_and_stop();
  WriterCounters counters() const noexcept;
  bool connected() const noexcept;  // for /readyz

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

enum class Stage : std::int16_t {
  waiting = 0,  // nobody has pulled it yet
  opened = 1,   // pulled at least once
  closed = 2,
};

struct QueueSummary {
  Id queue_id{};
  std::uint32_t waiting = 0;         // free to be pulled
  std::uint32_t urgent_waiting = 0;  // of these
  std::uint32_t held = 0;            // under a live lease
  std::uint32_t oldest_hour = 0;     // of the waiting ones; 0: none waits
};

struct Lease {
  Id user_id{};
  std::int64_t until = 0;  // unix time, full minutes
};

// The row of a report, without any sealed part.
struct ReportRow {
  Id report_id{};
  Id queue_id{};
  std::uint32_t hour = 0;
  Stage stage = Stage::waiting;
  bool urgent = false;
  std::uint8_t consent_class = 0;
  std::optional<Lease> lease;  // only a live one
};

// The place after a row in a list.
struct Cursor {
  bool urgent = false;
  std::uint32_t hour = 0;
  Id report_id{};
};
inline Cursor after(const ReportRow& row) { return {row.urgent, row.hour, row.report_id}; }

struct SealedText {
  Bytes record;
  Bytes message;
  Bytes wraps;
};

struct Report {
  ReportRow row;
  std::vector<SealedText> texts;  // the report's own first, later ones by hour
};

// A signed roster, exactly as it was signed. `issuer` zeros: the root roster, else an organisation.
struct Roster {
  Id issuer{};
  std::uint32_t version = 0;
  Bytes bytes;
  Bytes signature;
};

// A queue seed sealed to one member: QGRANT, 168 bytes.
struct QueueGrant {
  Id queue_id{};
  Id user_id{};
  std::uint32_t generation = 0;
  Bytes envelope;
};

// Who changed the routing, why, and on which day (unix time / 86400).
struct RoutingChange {
  std::string who;
  std::string why;
  std::uint32_t day = 0;
};

struct RoutingVersion {
  std::uint32_t version = 0;
  Bytes content;
};

struct RoutingEvent {
  std::uint32_t version = 0;
  RoutingChange change;
};

// What was signed about a report after its first text: STATEMENT, 136 bytes.
struct Statement {
  Id hash{};  // of the bytes
  Id report_id{};
  Bytes bytes;
};

// The announcement of a key for return addresses and replies: EPOCH, 120 bytes.
struct EpochKey {
  std::uint32_t epoch = 0;
  Id kid{};
  Bytes announcement;
};

namespace postgres {
class Session;
}
namespace blocking {

// Everything that is not the hot path. Each call is one transaction and waits for it.
//
// Threads: one at a time; a pool gives each thread its own. Connects at the first call and again
// after a loss. All calls return `unavailable` when the database is away or slow (connect 3 s,
// statement 5 s, lock 2 s) and `schema` when the role in the URL may not do this.
class Store {
 public:
  explicit Store(std::string url);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  // One summary for each of `queues`, in that order; an unknown queue has zeros.
  result<std::vector<QueueSummary>> summaries(std::span<const Id> queues);
  // Open reports of a queue in the order in which `pull` hands them out: urgent first, then the
  // longest waiting; held ones are in the list, closed and hidden ones are not.
  result<std::vector<ReportRow>> list(const Id& queue, const std::optional<Cursor>& from,
                                      std::uint32_t limit, const AuditScribe& scribe);
  // Gives `user` the most urgent, then longest waiting free report of `queues` for `duration`,
  // rounded up to full minutes; nothing if there is none. Two callers never get the same one.
  result<std::optional<ReportRow>> pull(std::span<const Id> queues, const Id& user,
                                        std::chrono::seconds duration, const AuditScribe& scribe);
  // The sealed report with all its texts, whoever holds it: the caller decides who may see it.
  // `not_found` also for a hidden one.
  result<Report> show(const Id& report);
  // The three need a live lease of `user`, else `lease_lost`. `renew` returns the new end.
  result<Lease> renew(const Id& report, const Id& user, std::chrono::seconds duration,
                      const AuditScribe& scribe);
  result<void> release(const Id& report, const Id& user, const AuditScribe& scribe);
  result<void> close(const Id& report, const Id& user, const AuditScribe& scribe);

  // Tells every listener on channel "routing", so that no gateway goes on sealing to members who
  // have left. `stale_version` unless the version is higher than every stored one of this issuer.
  result<void> put_roster(const Roster& roster);
  // The highest version; `not_found` if there is none.
  result<Roster> roster(const Id& issuer);
  // The highest version of each issuer, the root's first.
  result<std::vector<Roster>> rosters();

  // Replaces the grant of the same queue, user and generation, unless that has the same header:
  // then nothing changes.
  result<void> put_queue_grant(const QueueGrant& grant);
  result<std::vector<QueueGrant>> queue_grants(const Id& user);

  // Stores it once, however often it comes, and tells every listener on channel "owner" the report.
  result<void> put_statement(const Statement& statement);
  // Of one report, in no order.
  result<std::vector<Statement>> statements(const Id& report);

  // Stores it once, and tells every listener on channel "epoch".
  result<void> put_epoch(const EpochKey& key);
  // From this epoch on, the newest first.
  result<std::vector<EpochKey>> epochs(std::uint32_t from);

  // Stores routing tables without using them; returns their number, which rises by one.
  result<std::uint32_t> put_routing(std::span<const std::uint8_t> content,
                                    const RoutingChange& change);
  // Makes a stored version the active one and tells every listener on channel "routing".
  result<void> activate_routing(std::uint32_t version, const RoutingChange& change);
  // Activates the version that was active before the present one; returns its number.
  result<std::uint32_t> rollback_routing(const RoutingChange& change);
  result<RoutingVersion> active_routing();
  result<RoutingVersion> routing(std::uint32_t version);
  // Activations, the newest first.
  result<std::vector<RoutingEvent>> routing_history(std::uint32_t limit);

  // Verbs with a scribe leave one audit entry in their transaction if they do anything. This one
  // does nothing else: for what was read.
  result<void> put_audit(const Id& subject, const Id& object, const AuditScribe& scribe);
  // Entries after this number, by number; the second verb gives the addresses beside them too,
  // which the relay may not read.
  result<std::vector<AuditRow>> audit(std::uint64_t after, std::uint32_t limit);
  result<std::vector<AuditRow>> audit_with_origins(std::uint64_t after, std::uint32_t limit);
  // The last entry of this action (bytes 2 and 3); nothing if there is none. Without one it has
  // looked at all entries.
  result<std::optional<AuditRow>> last_audit(std::uint16_t action);
  // Of the entries after `after`, up to `last`.
  result<std::vector<StoredCheckpoint>> checkpoints(std::uint64_t after, std::uint64_t last);

  // Turns drafts past their time into reports; returns how many. Call every minute.
  result<std::uint32_t> promote_drafts();
  // Deletes at most 1,000 dedupe hashes older than 48 hours; returns how many. Call again until 0.
  result<std::uint32_t> forget_dedupe();

 protected:
  postgres::Session& session() noexcept { return *session_; }

 private:
  std::unique_ptr<postgres::Session> session_;
};

}  // namespace blocking
}  // namespace ishara::storage
