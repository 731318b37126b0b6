// Group commit. One coroutine on a thread of its own owns one connection: it takes what is queued,
// stores it in one statement (which is one transaction and one round trip), answers those who wait,
// and looks again. While it waits for the server the queue fills, so the batches grow with the load
// by themselves. The thread is there so that the server's answer never waits behind the callers'
// work: on their thread a database stood idle until hundreds of ready requests had been sealed.
//
// The two threads meet in the queue, under a mutex: callers wake the writer only when it may be
// asleep, and get their answers in one post a batch.
//
// Each co_await is a statement of its own: inside a condition g++ 12 loses the way back in.

#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
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

// $1 to $4: every row, by hash. $5 to $13: new reports, $14 to $21: later texts, $22 to $24:
// addresses.
//
// Answers only with what is not new: (hash, answer class of the stored row). The class is null when
// another gateway committed the same hash after this statement's snapshot: asked again, it shows.
// The third column is there for its effect: one notification a queue.
//
// Reports and texts come sorted by their random ids and are inserted as they come, addresses by a
// random id of their own, so that neighbours in a table say nothing about order. `IS TRUE` keeps
// the planner from turning the question into a join, which would mix the rows and copy them; sets
// in the target list come row by row, those in FROM would be stored first, column by column.
constexpr const char* statement = R"sql(
WITH fresh AS (
  INSERT INTO dedupe (hash, day, answer_class)
  SELECT unnest($1::uuid[]), unnest($2::int4[]), unnest($3::int2[])
  ON CONFLICT DO NOTHING RETURNING hash),
reports AS (
  INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)
  SELECT report_id, queue_id, hour, class, urgent, record, message, wraps
    FROM (SELECT unnest($5::uuid[]) AS hash, unnest($6::uuid[]) AS report_id,
                 unnest($7::uuid[]) AS queue_id, unnest($8::int4[]) AS hour,
                 unnest($9::int2[]) AS class, unnest($10::bool[]) AS urgent,
                 unnest($11::bytea[]) AS record, unnest($12::bytea[]) AS message,
                 unnest($13::bytea[]) AS wraps) AS r
   WHERE (hash IN (SELECT hash FROM fresh)) IS TRUE),
texts AS (
  INSERT INTO text (message_id, report_id, queue_id, hour, record, message, wraps)
  SELECT message_id, report_id, queue_id, hour, record, message, wraps
    FROM (SELECT unnest($14::uuid[]) AS hash, unnest($15::uuid[]) AS message_id,
                 unnest($16::uuid[]) AS report_id, unnest($17::uuid[]) AS queue_id,
                 unnest($18::int4[]) AS hour, unnest($19::bytea[]) AS record,
                 unnest($20::bytea[]) AS message, unnest($21::bytea[]) AS wraps) AS t
   WHERE (hash IN (SELECT hash FROM fresh)) IS TRUE),
addresses AS (
  INSERT INTO retaddr_inbox (inbox_id, record, retaddr)
  SELECT gen_random_uuid() AS inbox_id, record, retaddr
    FROM (SELECT unnest($22::uuid[]) AS hash, unnest($23::bytea[]) AS record,
                 unnest($24::bytea[]) AS retaddr) AS a
   WHERE (hash IN (SELECT hash FROM fresh)) IS TRUE ORDER BY inbox_id)
SELECT hash, (SELECT d.answer_class FROM dedupe d WHERE d.hash = i.hash), NULL
  FROM unnest($1) AS i (hash) WHERE (hash NOT IN (SELECT hash FROM fresh)) IS TRUE
UNION ALL
SELECT NULL, NULL, pg_notify('queue', replace(queue_id::text, '-', ''))::text
  FROM (SELECT DISTINCT queue_id FROM unnest($1, $4::uuid[]) AS i (hash, queue_id)
         WHERE (hash IN (SELECT hash FROM fresh)) IS TRUE) AS q)sql";

// The planner cannot know how many rows come, and guesses few: its nested loops would compare every
// row with every row. The only look-ups into a table are by key. Commits wait for the disk,
// whatever the server's default says.
constexpr std::string_view planner =
    "-c plan_cache_mode=force_generic_plan -c enable_nestloop=off -c enable_seqscan=off"
    " -c synchronous_commit=on";

constexpr int attempts = 5;  // of one batch after deadlocks, of one row after invisible repeats

// A new report, or a later text: then `intake` holds what both have.
struct Sealed {
  Intake intake;
  std::optional<Id> message_id;

  std::size_t size() const {
    return intake.record.size() + intake.message.size() + intake.wraps.size() +
           intake.retaddr.size() + sizeof(Sealed);
  }
  // Random, and the key of the table that it goes into.
  const Id& key() const { return message_id ? *message_id : intake.report_id; }
};

Sealed sealed(LaterText text) {
  return {.intake = {.report_id = text.report_id,
                     .queue_id = text.queue_id,
                     .hour = text.hour,
                     .record = std::move(text.record),
                     .message = std::move(text.message),
                     .wraps = std::move(text.wraps),
                     .retaddr = std::move(text.retaddr),
                     .dedupe = text.dedupe,
                     .day = text.day,
                     .answer_class = text.answer_class},
          .message_id = text.message_id};
}

}  // namespace

class IntakeWriter::Work {
 public:
  using Done = postgres::OneShot<result<Appended>>;
  using Flushed = postgres::OneShot<>;

  Work(const asio::any_io_executor& callers, WriterSettings settings)
      : settings_{std::move(settings)},
        url_{postgres::connection_string(
            settings_.url,
            {settings_.connect_timeout, settings_.statement_timeout, settings_.lock_timeout},
            planner)},
        callers_{callers},
        callers_wait_{callers} {
    asio::co_spawn(context_, run(), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    });
    thread_ = std::thread{[this] { context_.run(); }};
  }

  // What has no answer yet is destroyed with the members, on the callers' thread: it holds their
  // coroutines.
  ~Work() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = abandoned_ = true;
    }
    asio::post(context_, [this] {
      connection_.close();
      rouse();
    });
    thread_.join();
  }

  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  asio::awaitable<result<Appended>> when_stored(Sealed row) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(result<Appended>)>(
        [this](auto handler, Sealed&& moved) {
          append(std::move(moved), Done::of(std::move(handler)));
        },
        asio::use_awaitable, std::move(row));
  }

  void append(Sealed row, Done done) {
    const auto size = row.size();
    bool asleep = false;
    {
      const std::lock_guard lock{mutex_};
      if (stopping_ || pausing_) {
        ++counters_.unavailable;
        return turn_away(std::move(done), errc::unavailable);
      }
      if (queue_.size() >= settings_.queue_rows || queued_bytes_ + size > settings_.queue_bytes) {
        ++counters_.busy;
        return turn_away(std::move(done), errc::busy);
      }
      queued_bytes_ += size;
      queue_.push_back({std::move(row), std::move(done)});
      asleep = std::exchange(asleep_, false);
    }
    if (asleep) asio::post(context_, [this] { rouse(); });
  }

  void flush(Flushed done) {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    flushed_.push_back(std::move(done));
    if (ended_)
      answer_flushed();
    else
      asio::post(context_, [this] { rouse(); });
  }

  WriterCounters counters() const noexcept {
    const std::lock_guard lock{mutex_};
    return counters_;
  }

  bool connected() const noexcept { return connected_; }

 private:
  struct Waiting {
    Sealed row;
    Done done;
  };
  // One row to store and all who wait for it: a webhook that came twice is one row.
  struct Row {
    Sealed sealed;
    std::vector<Done> waiting;
    int attempt = 0;

    const Id& hash() const { return sealed.intake.dedupe; }
  };
  using Rows = std::vector<Row>;
  struct Answer {
    Done done;
    result<Appended> value;
  };
  enum class Step { connect, sleep, store, end };

  // From here on all but `turn_away` and `answer_flushed` runs on the writer's thread.

  asio::awaitable<void> run() {
    for (auto step = next_step(); step != Step::end; step = next_step()) {
      bool useful = true;
      if (step == Step::connect) {
        useful = co_await connect();
      } else if (step == Step::sleep) {
        // Whoever wakes us posts it, so it comes after this wait has begun.
        waker_.expires_at(Clock::time_point::max());
        connected_ = co_await connection_.idle(waker_);
      } else {
        Rows batch = next_batch();
        useful = co_await store(std::move(batch));
      }
      deliver();
      if (!useful) co_await pause();
    }
    connection_.close();
    connected_ = false;
    const std::lock_guard lock{mutex_};
    ended_ = true;
    if (!abandoned_) answer_flushed();
    callers_wait_.reset();
  }

  Step next_step() {
    const std::lock_guard lock{mutex_};
    if (abandoned_ || (stopping_ && queue_.empty())) return Step::end;
    if (!connected_) return Step::connect;
    asleep_ = queue_.empty();
    return asleep_ ? Step::sleep : Step::store;
  }

  asio::awaitable<bool> connect() {
    const auto deadline = Clock::now() + settings_.connect_timeout;
    const bool opened = co_await connection_.open(url_, deadline);
    if (!opened) co_return false;
    const auto prepared = co_await connection_.prepare(statement_name, statement, deadline);
    if (!prepared) {
      connection_.close();
      co_return false;
    }
    count(&WriterCounters::connections);
    connected_ = true;
    co_return true;
  }

  // Between attempts; each without a commit in between doubles the pause. What waits is refused.
  asio::awaitable<void> pause() {
    bool stopping = false;
    {
      const std::lock_guard lock{mutex_};
      stopping = stopping_;
      pausing_ = !stopping;
      if (!abandoned_)
        for (auto& one : std::exchange(queue_, {})) answer(std::move(one.done), errc::unavailable);
      queued_bytes_ = 0;
    }
    deliver();
    if (stopping) co_return;
    pause_ = pause_.count() == 0 ? settings_.shortest_pause
                                 : std::min(2 * pause_, settings_.longest_pause);
    waker_.expires_after(pause_);
    co_await waker_.async_wait(asio::as_tuple(asio::use_awaitable));
    const std::lock_guard lock{mutex_};
    pausing_ = false;
  }

  // Sorted by the unique key, so that two gateways with the same repeats take locks in one order.
  Rows next_batch() {
    std::vector<Waiting> taken;
    {
      const std::lock_guard lock{mutex_};
      std::size_t bytes = 0;
      while (!queue_.empty() && taken.size() < settings_.batch_rows) {
        const auto size = queue_.front().row.size();
        if (!taken.empty() && bytes + size > settings_.batch_bytes) break;
        bytes += size;
        taken.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      queued_bytes_ -= bytes;
    }
    // Stable: of equal hashes the first to come is the one that is stored.
    std::stable_sort(taken.begin(), taken.end(), [](const Waiting& left, const Waiting& right) {
      return left.row.intake.dedupe < right.row.intake.dedupe;
    });
    Rows rows;
    for (auto& one : taken) {
      if (rows.empty() || rows.back().hash() != one.row.intake.dedupe)
        rows.push_back({std::move(one.row), {}});
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
      const auto stored = co_await connection_.run_prepared(
          statement_name, parameters(part),
          // The server gives up first; this is for one that does not answer at all.
          Clock::now() + settings_.statement_timeout + std::chrono::seconds{1});
      if (stored) {
        count(&WriterCounters::batches);
        pause_ = {};
        if (auto unseen = settle(std::move(part), stored->get()); !unseen.empty())
          parts.push_back(std::move(unseen));
        continue;
      }
      const auto code = static_cast<errc>(stored.error().value());
      const bool again = code == errc::conflict;
      if (again && ++part.front().attempt < attempts) {
        count(&WriterCounters::retries);
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
          answer(std::move(part), errc::refused);
        }
        continue;
      }
      answer(std::move(part), errc::unavailable);
      if (again) continue;
      for (auto& rest : parts) answer(std::move(rest), errc::unavailable);
      connection_.close();
      connected_ = false;
      co_return false;
    }
    co_return true;
  }

  // In the order of the statement's numbers.
  static std::vector<std::vector<char>> parameters(const Rows& rows) {
    std::vector<const Sealed*> by_key;
    for (const auto& row : rows) by_key.push_back(&row.sealed);
    std::sort(by_key.begin(), by_key.end(),
              [](const Sealed* left, const Sealed* right) { return left->key() < right->key(); });

    std::vector<std::vector<char>> all;
    {
      BinaryArray hash{Type::uuid}, day{Type::int4}, answer_class{Type::int2}, queue{Type::uuid};
      for (const auto& row : rows) {
        const auto& intake = row.sealed.intake;
        hash.add(intake.dedupe);
        day.add(static_cast<std::int32_t>(intake.day));
        answer_class.add(intake.answer_class);
        queue.add(intake.queue_id);
      }
      for (auto* array : {&hash, &day, &answer_class, &queue}) all.push_back(array->take());
    }
    {
      BinaryArray hash{Type::uuid}, report{Type::uuid}, queue{Type::uuid}, hour{Type::int4},
          consent{Type::int2}, urgent{Type::boolean}, record{Type::bytea}, message{Type::bytea},
          wraps{Type::bytea};
      for (const auto* row : by_key) {
        if (row->message_id) continue;
        const auto& intake = row->intake;
        hash.add(intake.dedupe);
        report.add(intake.report_id);
        queue.add(intake.queue_id);
        hour.add(static_cast<std::int32_t>(intake.hour));
        consent.add(std::int16_t{intake.consent_class});
        urgent.add(intake.urgent);
        record.add(intake.record);
        message.add(intake.message);
        wraps.add(intake.wraps);
      }
      for (auto* array :
           {&hash, &report, &queue, &hour, &consent, &urgent, &record, &message, &wraps})
        all.push_back(array->take());
    }
    {
      BinaryArray hash{Type::uuid}, id{Type::uuid}, report{Type::uuid}, queue{Type::uuid},
          hour{Type::int4}, record{Type::bytea}, message{Type::bytea}, wraps{Type::bytea};
      for (const auto* row : by_key) {
        if (!row->message_id) continue;
        const auto& intake = row->intake;
        hash.add(intake.dedupe);
        id.add(*row->message_id);
        report.add(intake.report_id);
        queue.add(intake.queue_id);
        hour.add(static_cast<std::int32_t>(intake.hour));
        record.add(intake.record);
        message.add(intake.message);
        wraps.add(intake.wraps);
      }
      for (auto* array : {&hash, &id, &report, &queue, &hour, &record, &message, &wraps})
        all.push_back(array->take());
    }
    {
      BinaryArray hash{Type::uuid}, record{Type::bytea}, retaddr{Type::bytea};
      for (const auto& row : rows) {
        if (row.sealed.intake.retaddr.empty()) continue;
        hash.add(row.hash());
        record.add(row.sealed.intake.record);
        retaddr.add(row.sealed.intake.retaddr);
      }
      for (auto* array : {&hash, &record, &retaddr}) all.push_back(array->take());
    }
    return all;
  }

  // Answers a committed batch; returns the repeats whose first delivery could not be seen yet.
  Rows settle(Rows rows, const PGresult* stored) {
    std::vector<char> decided(rows.size(), 0);
    Rows unseen;
    for (int i = 0; i < PQntuples(stored); ++i) {
      if (PQgetisnull(stored, i, 0)) continue;
      Id hash{};
      std::memcpy(hash.data(), PQgetvalue(stored, i, 0), hash.size());
      const auto found =
          std::lower_bound(rows.begin(), rows.end(), hash,
                           [](const Row& row, const Id& wanted) { return row.hash() < wanted; });
      decided[static_cast<std::size_t>(found - rows.begin())] = 1;
      if (!PQgetisnull(stored, i, 1)) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(PQgetvalue(stored, i, 1));
        const auto answer_class = static_cast<std::int16_t>(bytes[0] << 8 | bytes[1]);
        for (auto& done : found->waiting) answer(std::move(done), Appended{true, answer_class});
      } else if (++found->attempt < attempts) {
        unseen.push_back(std::move(*found));
      } else {
        for (auto& done : found->waiting) answer(std::move(done), errc::unavailable);
      }
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (decided[i]) continue;
      bool first = true;
      for (auto& done : rows[i].waiting)
        answer(std::move(done),
               Appended{!std::exchange(first, false), rows[i].sealed.intake.answer_class});
    }
    // The server answers in any order, the next look-up needs them sorted.
    std::sort(unseen.begin(), unseen.end(),
              [](const Row& left, const Row& right) { return left.hash() < right.hash(); });
    return unseen;
  }

  void answer(Rows rows, errc code) {
    for (auto& row : rows)
      for (auto& done : row.waiting) answer(std::move(done), code);
  }
  void answer(Done done, result<Appended> value) { answers_.push_back({std::move(done), value}); }

  // All answers so far in one post.
  void deliver() {
    if (answers_.empty()) return;
    const std::lock_guard lock{mutex_};
    for (const auto& one : answers_) {
      if (one.value)
        ++(one.value->duplicate ? counters_.duplicates : counters_.stored);
      else
        ++(one.value.error() == errc::refused ? counters_.refused : counters_.unavailable);
    }
    if (abandoned_) return;
    asio::post(callers_, [answers = std::exchange(answers_, {})]() mutable {
      for (auto& one : answers) std::move(one.done)(one.value);
    });
  }

  // Never from inside `append` itself: the caller is not yet waiting.
  void turn_away(Done done, errc code) {
    asio::post(callers_, [done = std::move(done), code]() mutable { std::move(done)(code); });
  }

  void answer_flushed() {
    for (auto& done : std::exchange(flushed_, {}))
      asio::post(callers_, [done = std::move(done)]() mutable { std::move(done)(); });
  }

  void count(std::uint64_t WriterCounters::*counter) {
    const std::lock_guard lock{mutex_};
    ++(counters_.*counter);
  }

  // Ends a sleep; a pause only for a stop.
  void rouse() {
    const std::lock_guard lock{mutex_};
    if (!pausing_ || stopping_) waker_.expires_at(Clock::time_point::min());
  }

  const WriterSettings settings_;
  const std::string url_;
  const asio::any_io_executor callers_;

  mutable std::mutex mutex_;  // of what both threads touch, down to the empty line
  std::deque<Waiting> queue_;
  std::size_t queued_bytes_ = 0;
  std::vector<Flushed> flushed_;
  WriterCounters counters_;
  bool asleep_ = false;
  bool pausing_ = false;
  bool stopping_ = false;
  bool abandoned_ = false;
  bool ended_ = false;

  asio::io_context context_{1};
  asio::executor_work_guard<asio::any_io_executor> callers_wait_;
  postgres::Connection connection_{context_.get_executor()};
  asio::steady_timer waker_{context_};
  std::vector<Answer> answers_;  // not yet delivered
  std::chrono::milliseconds pause_{};
  std::atomic<bool> connected_ = false;
  std::thread thread_;
};

IntakeWriter::IntakeWriter(const asio::any_io_executor& executor, WriterSettings settings)
    : work_{std::make_unique<Work>(executor, std::move(settings))} {}

IntakeWriter::~IntakeWriter() = default;

asio::awaitable<result<Appended>> IntakeWriter::append(Intake intake) {
  return work_->when_stored({std::move(intake), std::nullopt});
}

asio::awaitable<result<Appended>> IntakeWriter::append(LaterText text) {
  return work_->when_stored(sealed(std::move(text)));
}

asio::awaitable<void> IntakeWriter::flush_and_stop() {
  return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [work = work_.get()](auto handler) { work->flush(Work::Flushed::of(std::move(handler))); },
      asio::use_awaitable);
}

WriterCounters IntakeWriter::counters() const noexcept { return work_->counters(); }
bool IntakeWriter::connected() const noexcept { return work_->connected(); }

}  // namespace ishara::storage
