#pragma once
// A sink that takes rows also while the database is away: they go to the spool, are durable there,
// and go to the database, in order, when it is back (privacy.md 7.9).
//
// A row that waits in the spool is known by its dedupe hash, also after a restart, so that a
// webhook which comes again is stored once and answered alike. The hash goes to the database with
// the row: a crash between its commit and the deletion of its segment stores nothing twice.
//
// Order: new rows go straight to the database once it is back, past what still waits. Only a text
// whose report waits goes behind it, so that the rows of one report keep their order as long as the
// spool takes them.
//
// Threads: everything on the one thread of `executor`; the disk has a thread of its own. Destroying
// it answers nobody: call `stop` before, or never run the context again.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "storage/spool.hpp"

namespace ishara::storage {

struct DurableCounters {
  std::uint64_t spooled = 0;  // rows taken by the spool
  std::uint64_t drained = 0;  // rows of it that the database has stored
  std::uint64_t refused = 0;  // rows of it that the database will never take, and segments that the
                              // disk has damaged; they are set aside
  std::uint64_t turned_away = 0;  // rows that neither could take
  std::uint64_t waiting = 0;      // rows in the spool now
  std::uint64_t bytes = 0;        // that they take
  // Why the spool did not take the last row that was for it, and when; nothing if it did, or if
  // something of it was drained since.
  std::optional<errc> problem;
  std::chrono::steady_clock::time_point problem_at;
};

class DurableSink final : public IntakeSink {
 public:
  // `database` and the context of `executor` outlive this; `connected` says whether a row has a
  // chance there. Throws std::runtime_error if the spool cannot be used.
  DurableSink(const asio::any_io_executor& executor, IntakeSink& database,
              std::function<bool()> connected, SpoolSettings spool);
  ~DurableSink() override;
  DurableSink(const DurableSink&) = delete;
  DurableSink& operator=(const DurableSink&) = delete;

  // As of the database's own sink, and `full`: it is away and the spool has no room.
  asio::awaitable<result<Appended>> append(Intake intake) override;
  asio::awaitable<result<Appended>> append(LaterText text) override;

  // Ends the draining and resumes when nothing is under way; what waits stays on the disk. Call it
  // before the database's sink is stopped, and append nothing afterwards.
  asio::awaitable<void> stop();
  DurableCounters counters() const noexcept;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace ishara::storage
