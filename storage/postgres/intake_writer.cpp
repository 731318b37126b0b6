// Group commit. One coroutine owns one connection: it takes what is queued, stores it in one
// statement (which is one transaction and one round trip), wakes those who wait, and looks again.
// While it waits for the server the queue fills, so the batches grow with the load by themselves.
//
// Each co_await is a statement of its own: inside a condition g++ 12 loses the way back in.

#include <libpq-fe.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <deque>
#include <exception>
#include <utility>

#include "storage/postgres/binary_array.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/postgres/one_shot.hpp"
#include "storage/postgres/translate.hpp"
#include "storage/store.hpp"

namespace ishara::storage {
namespace {

using Clock = std::chrono::steady_clock;
using postgres::BinaryArray;
using postgres::Type;

constexpr const char* statement_name = "intake";

// Answers only with what is not new: (hash, answer class of the stored row). The class is null when
// another gateway committed the same hash after this statement's snapshot: asked again, it shows.
// New reports are inserted by random id, so that neighbours in the table say nothing about order.
// The third column is there for its effect: one notification a queue.
constexpr const char* statement = R"sql(
WITH incoming AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int2[], $4::uuid[], $5::uuid[], $6::int4[],
                       $7::int2[], $8::bool[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[])
    AS i (hash, day, answer_class, report_id, queue_id, hour, class, urgent, record, message, wraps,
          retaddr)),
fresh AS (
  INSERT INTO dedupe (hash, day, answer_class) SELECT hash, day, answer_class FROM incoming
  ON CONFLICT DO NOTHING RETURNING hash),
reports AS (
  INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)
  SELECT report_id, queue_id, hour, class, urgent, record, message, wraps FROM incoming
   WHERE hash IN (SELECT hash FROM fresh) ORDER BY report_id),
addresses AS (
  INSERT INTO retaddr_inbox (inbox_id, record, retaddr)
  SELECT gen_random_uuid() AS inbox_id, record, retaddr FROM incoming
   WHERE retaddr IS NOT NULL AND hash IN (SELECT hash FROM fresh) ORDER BY inbox_id)
SELECT hash, (SELECT d.answer_class FROM dedupe d WHERE d.hash = i.hash), NULL
  FROM incoming i WHERE hash NOT IN (SELECT hash FROM fresh)
UNION ALL
SELECT NULL, NULL, pg_notify('queue', replace(queue_id::text, '-', ''))::text
  FROM (SELECT DISTINCT queue_id FROM incoming WHERE hash IN (SELECT hash FROM fresh)) AS q)sql";

// The planner cannot know how many rows come, and guesses few: its nested loops would compare every
// row with every row. The only look-ups into a table are by key. Commits wait for the disk,
// whatever the server's default says.
constexpr std::string_view planner =
    "-c plan_cache_mode=force_generic_plan -c enable_nestloop=off -c enable_seqscan=off"
    " -c synchronous_commit=on";

constexpr int attempts = 5;  // of one batch after deadlocks, of one row after invisible repeats

std::size_t size_of(const Intake& intake) {
  return intake.record.size() + intake.message.size() + intake.wraps.size() +
         intake.retaddr.size() + sizeof(Intake);
}

}  // namespace

class IntakeWriter::Work : public std::enable_shared_from_this<Work> {
 public:
  using Done = postgres::OneShot<result<Appended>>;
  using Flushed = postgres::OneShot<>;

  Work(const asio::any_io_executor& executor, WriterSettings settings)
      : settings_{std::move(settings)},
        url_{postgres::connection_string(
            settings_.url,
            {settings_.connect_timeout, settings_.statement_timeout, settings_.lock_timeout},
            planner)},
        executor_{executor},
        connection_{executor},
        waker_{executor} {}

  void start() {
    asio::co_spawn(executor_, run(shared_from_this()), [](std::exception_ptr bug) {
      if (bug) std::rethrow_exception(bug);
    });
  }

  // The writer is gone: no answers any more.
  void abandon() {
    stopping_ = true;
    queue_.clear();
    connection_.close();
    wake();
  }

  void append(Intake intake, Done done) {
    const auto size = size_of(intake);
    if (stopping_ || pausing_) {
      ++counters_.unavailable;
      return finish(std::move(done), errc::unavailable);
    }
    if (queue_.size() >= settings_.queue_rows || queued_bytes_ + size > settings_.queue_bytes) {
      ++counters_.busy;
      return finish(std::move(done), errc::busy);
    }
    queued_bytes_ += size;
    queue_.push_back({std::move(intake), std::move(done)});
    wake();
  }

  void flush(Flushed done) {
    stopping_ = true;
    flushed_.push_back(std::move(done));
    wake();
    if (ended_) end();
  }

  WriterCounters counters_;

  bool connected() const noexcept { return connection_.is_open() && prepared_; }

 private:
  struct Waiting {
    Intake intake;
    Done done;
  };
  // One row to store and all who wait for it: a webhook that came twice is one row.
  struct Row {
    Intake intake;
    std::vector<Done> waiting;
    int attempt = 0;
  };
  using Rows = std::vector<Row>;

  // The argument keeps this alive for as long as the coroutine lives.
  asio::awaitable<void> run(std::shared_ptr<Work>) {
    while (!(stopping_ && queue_.empty())) {
      bool useful = true;
      if (!connected()) {
        useful = co_await connect();
      } else if (queue_.empty()) {
        // From the question to the wait nothing else runs, so no request is missed.
        waker_.expires_at(Clock::time_point::max());
        prepared_ = co_await connection_.idle(waker_);
      } else {
        Rows batch = next_batch();
        useful = co_await store(std::move(batch));
      }
      if (!useful) {
        refuse_queued();
        if (!stopping_) co_await pause();
      }
    }
    connection_.close();
    refuse_queued();
    ended_ = true;
    end();
  }

  asio::awaitable<bool> connect() {
    prepared_ = false;
    const auto deadline = Clock::now() + settings_.connect_timeout;
    const bool opened = co_await connection_.open(url_, deadline);
    if (!opened) co_return false;
    const auto prepared = co_await connection_.prepare(statement_name, statement, deadline);
    if (!prepared) {
      connection_.close();
      co_return false;
    }
    prepared_ = true;
    ++counters_.connections;
    co_return true;
  }

  // Between attempts; each without a commit in between doubles the pause.
  asio::awaitable<void> pause() {
    pause_ = pause_.count() == 0 ? settings_.shortest_pause
                                 : std::min(2 * pause_, settings_.longest_pause);
    pausing_ = true;
    waker_.expires_after(pause_);
    co_await waker_.async_wait(asio::as_tuple(asio::use_awaitable));
    pausing_ = false;
  }

  // Sorted by the unique key, so that two gateways with the same repeats take locks in one order.
  Rows next_batch() {
    std::vector<Waiting> taken;
    std::size_t bytes = 0;
    while (!queue_.empty() && taken.size() < settings_.batch_rows) {
      const auto size = size_of(queue_.front().intake);
      if (!taken.empty() && bytes + size > settings_.batch_bytes) break;
      bytes += size;
      taken.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queued_bytes_ -= bytes;
    // Stable: of equal hashes the first to come is the one that is stored.
    std::stable_sort(taken.begin(), taken.end(), [](const Waiting& left, const Waiting& right) {
      return left.intake.dedupe < right.intake.dedupe;
    });
    Rows rows;
    for (auto& one : taken) {
      if (rows.empty() || rows.back().intake.dedupe != one.intake.dedupe)
        rows.push_back({std::move(one.intake), {}});
      rows.back().waiting.push_back(std::move(one.done));
    }
    return rows;
  }

  // Answers every row. False: the connection is gone or useless.
  asio::awaitable<bool> store(Rows rows) {
    std::vector<Rows> parts;
    parts.push_back(std::move(rows));
    while (!parts.empty()) {
      Rows part = std::move(parts.back());
      parts.pop_back();
      const auto answer = co_await connection_.run_prepared(
          statement_name, parameters(part),
          // The server gives up first; this is for one that does not answer at all.
          Clock::now() + settings_.statement_timeout + std::chrono::seconds{1});
      if (answer) {
        ++counters_.batches;
        pause_ = {};
        if (auto unseen = settle(std::move(part), answer->get()); !unseen.empty())
          parts.push_back(std::move(unseen));
        continue;
      }
      const auto code = static_cast<errc>(answer.error().value());
      const bool again = code == errc::conflict;
      if (again && ++part.front().attempt < attempts) {
        ++counters_.retries;
        parts.push_back(std::move(part));
        continue;
      }
      if (code == errc::refused || code == errc::duplicate) {
        if (part.size() > 1) {  // which one? halves tell
          const auto middle = part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2);
          parts.emplace_back(std::make_move_iterator(middle), std::make_move_iterator(part.end()));
          part.erase(middle, part.end());
          parts.push_back(std::move(part));
        } else {
          refuse(std::move(part), errc::refused);
        }
        continue;
      }
      refuse(std::move(part), errc::unavailable);
      if (again) continue;
      for (auto& rest : parts) refuse(std::move(rest), errc::unavailable);
      connection_.close();
      prepared_ = false;
      co_return false;
    }
    co_return true;
  }

  static std::vector<std::vector<char>> parameters(const Rows& rows) {
    BinaryArray hash{Type::uuid}, day{Type::int4}, answer{Type::int2}, report{Type::uuid},
        queue{Type::uuid}, hour{Type::int4}, consent{Type::int2}, urgent{Type::boolean},
        record{Type::bytea}, message{Type::bytea}, wraps{Type::bytea}, retaddr{Type::bytea};
    for (const auto& row : rows) {
      const auto& intake = row.intake;
      hash.add(intake.dedupe);
      day.add(static_cast<std::int32_t>(intake.day));
      answer.add(intake.answer_class);
      report.add(intake.report_id);
      queue.add(intake.queue_id);
      hour.add(static_cast<std::int32_t>(intake.hour));
      consent.add(std::int16_t{intake.consent_class});
      urgent.add(intake.urgent);
      record.add(intake.record);
      message.add(intake.message);
      wraps.add(intake.wraps);
      if (intake.retaddr.empty())
        retaddr.add_null();
      else
        retaddr.add(intake.retaddr);
    }
    std::vector<std::vector<char>> all;
    for (auto* array : {&hash, &day, &answer, &report, &queue, &hour, &consent, &urgent, &record,
                        &message, &wraps, &retaddr})
      all.push_back(array->take());
    return all;
  }

  // Answers a committed batch; returns the repeats whose first delivery could not be seen yet.
  Rows settle(Rows rows, const PGresult* answer) {
    std::vector<char> decided(rows.size(), 0);
    Rows unseen;
    for (int i = 0; i < PQntuples(answer); ++i) {
      if (PQgetisnull(answer, i, 0)) continue;
      Id hash{};
      std::memcpy(hash.data(), PQgetvalue(answer, i, 0), hash.size());
      const auto found = std::lower_bound(
          rows.begin(), rows.end(), hash,
          [](const Row& row, const Id& wanted) { return row.intake.dedupe < wanted; });
      decided[static_cast<std::size_t>(found - rows.begin())] = 1;
      if (!PQgetisnull(answer, i, 1)) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(PQgetvalue(answer, i, 1));
        const auto answer_class = static_cast<std::int16_t>(bytes[0] << 8 | bytes[1]);
        counters_.duplicates += found->waiting.size();
        for (auto& done : found->waiting) finish(std::move(done), Appended{true, answer_class});
      } else if (++found->attempt < attempts) {
        unseen.push_back(std::move(*found));
      } else {
        for (auto& done : found->waiting) {
          ++counters_.unavailable;
          finish(std::move(done), errc::unavailable);
        }
      }
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (decided[i]) continue;
      ++counters_.stored;
      counters_.duplicates += rows[i].waiting.size() - 1;
      bool first = true;
      for (auto& done : rows[i].waiting)
        finish(std::move(done),
               Appended{!std::exchange(first, false), rows[i].intake.answer_class});
    }
    // The server answers in any order, the next look-up needs them sorted.
    std::sort(unseen.begin(), unseen.end(), [](const Row& left, const Row& right) {
      return left.intake.dedupe < right.intake.dedupe;
    });
    return unseen;
  }

  void refuse(Rows rows, errc code) {
    for (auto& row : rows) {
      for (auto& done : row.waiting) {
        ++(code == errc::refused ? counters_.refused : counters_.unavailable);
        finish(std::move(done), code);
      }
    }
  }

  void refuse_queued() {
    for (auto& one : std::exchange(queue_, {})) {
      ++counters_.unavailable;
      finish(std::move(one.done), errc::unavailable);
    }
    queued_bytes_ = 0;
  }

  // Never from inside `append` itself: the caller is not yet waiting.
  void finish(Done done, result<Appended> answer) {
    asio::post(executor_, [done = std::move(done), answer]() mutable { std::move(done)(answer); });
  }

  void end() {
    for (auto& done : std::exchange(flushed_, {})) {
      asio::post(executor_, [done = std::move(done)]() mutable { std::move(done)(); });
    }
  }

  // Also wakes a wait that has not begun, which a mere cancel would miss.
  void wake() {
    if (!pausing_ || stopping_) waker_.expires_at(Clock::time_point::min());
  }

  const WriterSettings settings_;
  const std::string url_;
  const asio::any_io_executor executor_;
  postgres::Connection connection_;
  asio::steady_timer waker_;
  std::deque<Waiting> queue_;
  std::size_t queued_bytes_ = 0;
  std::vector<Flushed> flushed_;
  std::chrono::milliseconds pause_{};
  bool prepared_ = false;
  bool pausing_ = false;
  bool stopping_ = false;
  bool ended_ = false;
};

IntakeWriter::IntakeWriter(asio::any_io_executor executor, WriterSettings settings)
    : work_{std::make_shared<Work>(executor, std::move(settings))} {
  work_->start();
}

IntakeWriter::~IntakeWriter() { work_->abandon(); }

asio::awaitable<result<Appended>> IntakeWriter::append(Intake intake) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(result<Appended>)>(
      [work = work_](auto handler, Intake moved) {
        work->append(std::move(moved), Work::Done::of(std::move(handler)));
      },
      asio::use_awaitable, std::move(intake));
}

asio::awaitable<void> IntakeWriter::flush_and_stop() {
  return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [work = work_](auto handler) { work->flush(Work::Flushed::of(std::move(handler))); },
      asio::use_awaitable);
}

WriterCounters IntakeWriter::counters() const noexcept { return work_->counters_; }
bool IntakeWriter::connected() const noexcept { return work_->connected(); }

}  // namespace ishara::storage
