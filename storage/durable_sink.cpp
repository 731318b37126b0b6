// Each co_await is a statement of its own, with named arguments: g++ 12 (bug 107288).

#include "storage/durable_sink.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstring>
#include <deque>
#include <exception>
#include <unordered_map>
#include <utility>

#include "storage/offload.hpp"
#include "storage/postgres/one_shot.hpp"

namespace ishara::storage {
namespace {

using Clock = std::chrono::steady_clock;
using Done = postgres::OneShot<result<Appended>>;

constexpr std::size_t most_in_a_group = 512;          // rows for one flush to the disk
constexpr std::chrono::milliseconds look_again{250};  // whether the database is back
constexpr int most_tries = 4;                         // of a segment, one after the other
// A sitting ends 60 minutes after its first text; the hour of a row is rounded down.
constexpr std::uint32_t hours_of_a_sitting = 2;

// Ids are random or keyed hashes: nobody can choose them.
struct IdHash {
  std::size_t operator()(const Id& id) const noexcept {
    std::size_t out;
    std::memcpy(&out, id.data(), sizeof out);
    return out;
  }
};

// The present one since 1970.
template <class Unit>
std::uint32_t now_in() {
  const auto now = std::chrono::floor<Unit>(std::chrono::system_clock::now());
  return static_cast<std::uint32_t>(now.time_since_epoch().count());
}

// The row of a dedupe hash that waits too long in the spool would be forgotten as soon as it is
// stored: its 48 hours begin when it comes to the database.
void renew_day(SpooledRow& row) {
  const auto today = now_in<std::chrono::days>();
  std::visit([&](auto& one) { one.day = std::max(one.day, today); }, row);
}

}  // namespace

class DurableSink::Work {
 public:
  Work(const asio::any_io_executor& executor, IntakeSink& database, std::function<bool()> connected,
       SpoolSettings settings)
      : executor_{executor},
        database_{database},
        connected_{std::move(connected)},
        hash_{settings.hash},
        spool_{std::move(settings), [this](const SpooledRow& row) { remember_found(row); }},
        bytes_{spool_.bytes()},
        damaged_{spool_.damaged()},
        waker_{executor},
        ended_{executor, Clock::time_point::max()} {
    spawn(drain());
  }
  ~Work() { disk_.join(); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  asio::awaitable<result<Appended>> append(SpooledRow row) {
    if (connected_()) away_ = false;
    const bool waits = waiting_.contains(dedupe_of(row)) || reports_.contains(report_of(row));
    SpooledRow copy = row;
    if (!away_ && !waits) {
      const auto stored = co_await to_database(std::move(copy));
      if (stored || stored.error() != errc::unavailable) co_return stored;
      away_ = true;
    }
    auto taken = co_await to_spool(std::move(row));
    // Out of its order is better than not at all.
    if (!taken && waits && connected_()) taken = co_await to_database(std::move(copy));
    if (!taken) ++counters_.turned_away;
    co_return taken;
  }

  asio::awaitable<void> stop() {
    stopping_ = true;
    waker_.cancel();
    while (draining_ || writing_) co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  DurableCounters counters() const noexcept {
    auto out = counters_;
    out.waiting = waiting_.size();
    out.bytes = bytes_;
    out.refused += damaged_;
    return out;
  }

 private:
  struct Waiting {
    std::int16_t answer_class = 0;
    bool durable = false;
    std::size_t rows = 1;      // a power cut may bring one back that was drained and came again
    std::vector<Done> others;  // the same webhook again, before it is durable
  };
  struct Pending {
    SpooledRow row;
    Done done;
  };
  // What crosses threads must be default-constructible (Boost 1.81).
  struct Written {
    result<void> done = errc::unavailable;
    std::uint64_t bytes = 0;
  };
  struct Next {
    result<std::optional<Spool::Segment>> segment = errc::unavailable;
    std::uint64_t bytes = 0;
    std::uint64_t damaged = 0;
  };

  void spawn(asio::awaitable<void> task) {
    asio::co_spawn(executor_, std::move(task), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    });
  }

  asio::awaitable<result<Appended>> to_database(SpooledRow row) {
    if (auto* intake = std::get_if<Intake>(&row)) return database_.append(std::move(*intake));
    return database_.append(std::move(std::get<LaterText>(row)));
  }

  asio::awaitable<result<Appended>> to_spool(SpooledRow row) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(result<Appended>)>(
        [this](auto handler, SpooledRow&& moved) {
          enqueue(std::move(moved), Done::of(std::move(handler)));
        },
        asio::use_awaitable, std::move(row));
  }

  void remember_found(const SpooledRow& row) {
    if (!remember(row, true)) {
      ++waiting_.at(dedupe_of(row)).rows;
      ++reports_[report_of(row)];
    }
  }

  // False: a row with this hash waits.
  bool remember(const SpooledRow& row, bool durable) {
    const auto [place, is_new] = waiting_.try_emplace(dedupe_of(row));
    if (!is_new) return false;
    place->second.answer_class = answer_of(row);
    place->second.durable = durable;
    ++reports_[report_of(row)];
    return true;
  }

  void forget(const SpooledRow& row) {
    const auto known = waiting_.find(dedupe_of(row));
    if (--known->second.rows == 0) waiting_.erase(known);
    const auto report = reports_.find(report_of(row));
    if (--report->second == 0) reports_.erase(report);
  }

  // Never answers from inside: the caller is not yet waiting.
  void enqueue(SpooledRow row, Done done) {
    if (!remember(row, false)) {
      auto& known = waiting_.find(dedupe_of(row))->second;
      if (known.durable)
        answer(std::move(done), Appended{true, known.answer_class});
      else
        known.others.push_back(std::move(done));
      return;
    }
    pending_.push_back({std::move(row), std::move(done)});
    if (std::exchange(writing_, true)) return;
    spawn(write_groups());
  }

  // Group commit: what comes during a flush shares the next one.
  asio::awaitable<void> write_groups() {
    while (!pending_.empty()) {
      std::vector<SpooledRow> rows;
      std::vector<Done> waiting;
      while (!pending_.empty() && rows.size() < most_in_a_group) {
        rows.push_back(std::move(pending_.front().row));
        waiting.push_back(std::move(pending_.front().done));
        pending_.pop_front();
      }
      auto work = [this, &rows] {
        const auto done = spool_.append(rows);
        return Written{done, spool_.bytes()};
      };
      const auto written = co_await offload(disk_, std::move(work));
      bytes_ = written.bytes;
      for (std::size_t i = 0; i < rows.size(); ++i)
        settle(rows[i], std::move(waiting[i]), written.done);
    }
    writing_ = false;
    ended_.cancel();
    waker_.cancel();  // there is something to drain
  }

  void settle(const SpooledRow& row, Done done, const result<void>& written) {
    auto& known = waiting_.find(dedupe_of(row))->second;
    auto others = std::exchange(known.others, {});
    if (written) {
      known.durable = true;
      counters_.problem.reset();
      ++counters_.spooled;
      answer(std::move(done), Appended{false, known.answer_class});
      for (auto& other : others) answer(std::move(other), Appended{true, known.answer_class});
    } else {
      counters_.problem = static_cast<errc>(written.error().value());
      counters_.problem_at = Clock::now();
      forget(row);
      answer(std::move(done), written.error());
      for (auto& other : others) answer(std::move(other), written.error());
    }
  }

  void answer(Done done, result<Appended> value) {
    asio::post(executor_, [done = std::move(done), value]() mutable { std::move(done)(value); });
  }

  asio::awaitable<void> drain() {
    while (!stopping_) {
      if (bytes_ == 0)
        waker_.expires_at(Clock::time_point::max());
      else
        waker_.expires_after(look_again);
      co_await waker_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (stopping_ || !connected_()) continue;
      bool more = true;
      while (more && !stopping_) more = co_await drain_next();
    }
    draining_ = false;
    ended_.cancel();
  }

  // Stores the rows of the next segment and deletes it. False: there is none, or it has to wait.
  asio::awaitable<bool> drain_next() {
    auto read = [this, after = passed_] {
      Next next{spool_.next(after)};
      next.bytes = spool_.bytes();
      next.damaged = spool_.damaged();
      return next;
    };
    auto next = co_await offload(disk_, std::move(read));
    bytes_ = next.bytes;
    damaged_ = next.damaged;
    if (!next.segment) co_return false;
    if (!*next.segment) {
      passed_ = 0;
      if (bytes_ == 0 && !writing_) {  // also those of a segment that could not be read
        waiting_.clear();
        reports_.clear();
      }
      co_return false;
    }
    auto& segment = **next.segment;
    std::vector<result<Appended>> stored(segment.rows.size(), errc::unavailable);
    co_await store_all(segment.rows, stored);
    for (std::size_t i = 0; i < stored.size(); ++i)
      if (stored[i] && stored[i]->duplicate && may_have_texts(segment.rows[i]))
        stored[i] = co_await store_under_own_id(segment.rows[i]);

    Bytes refused = std::move(segment.unreadable);
    std::uint64_t refused_rows = refused.empty() ? 0 : 1;
    for (std::size_t i = 0; i < stored.size(); ++i) {
      if (stored[i]) continue;
      if (stored[i].error() != errc::refused) co_return pass_over(segment.number);
      write_spooled(refused, segment.rows[i], hash_);
      ++refused_rows;
    }
    auto remove = [this, number = segment.number, &refused] {
      const auto done = spool_.remove(number, refused);
      return Written{done, spool_.bytes()};
    };
    const auto removed = co_await offload(disk_, std::move(remove));
    bytes_ = removed.bytes;
    if (!removed.done) co_return pass_over(segment.number);
    tries_ = 0;
    for (const auto& row : segment.rows) forget(row);
    counters_.problem.reset();
    counters_.drained += segment.rows.size();
    counters_.refused += refused_rows;
    co_return true;
  }

  // A segment that fails again and again while the database is there does not hold up those behind
  // it; it is tried again when they are drained. True: go on with them.
  bool pass_over(std::uint64_t number) {
    tries_ = connected_() ? tries_ + 1 : 0;
    if (tries_ < most_tries) return false;
    tries_ = 0;
    passed_ = number;
    return true;
  }

  // Texts of it wait, or may still come: the gateway has told a sitting of its id.
  bool may_have_texts(const SpooledRow& row) const {
    const auto* intake = std::get_if<Intake>(&row);
    if (!intake) return false;
    const auto report = reports_.find(intake->report_id);
    const bool texts_wait = report != reports_.end() && report->second > 1;
    return texts_wait || intake->hour + hours_of_a_sitting >= now_in<std::chrono::hours>();
  }

  // Its webhook was stored before. Either this very report is there, or one from before a restart,
  // of which nobody could be asked when the webhook came again; then the texts of this one would
  // belong to nothing. So it is stored for their sake, and refused if it is there: a first text
  // that is there twice is better than a second one that nobody finds.
  asio::awaitable<result<Appended>> store_under_own_id(SpooledRow row) {
    std::get<Intake>(row).dedupe = report_of(row);
    renew_day(row);
    auto stored = co_await to_database(std::move(row));
    if (!stored && stored.error() == errc::refused) co_return Appended{true, 0};
    co_return stored;
  }

  asio::awaitable<void> store(SpooledRow row, result<Appended>& stored) {
    renew_day(row);
    stored = co_await to_database(std::move(row));
  }

  // All at once, so that the database's sink can make large batches of them.
  asio::awaitable<void> store_all(const std::vector<SpooledRow>& rows,
                                  std::vector<result<Appended>>& stored) {
    struct Rest {
      std::size_t count;
      postgres::OneShot<> done;
    };
    auto begin = [this, &rows, &stored](auto handler) {
      auto rest = std::make_shared<Rest>(
          Rest{rows.size() + 1, postgres::OneShot<>::of(std::move(handler))});
      const auto one_less = [rest](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
        if (--rest->count == 0) std::move(rest->done)();
      };
      for (std::size_t i = 0; i < rows.size(); ++i)
        asio::co_spawn(executor_, store(rows[i], stored[i]), one_less);
      asio::post(executor_, [one_less] { one_less(nullptr); });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(begin),
                                                                         asio::use_awaitable);
  }

  const asio::any_io_executor executor_;
  IntakeSink& database_;
  const std::function<bool()> connected_;
  const SpoolHash hash_;
  std::unordered_map<Id, Waiting, IdHash> waiting_;      // by dedupe hash
  std::unordered_map<Id, std::size_t, IdHash> reports_;  // how many rows of each wait
  Spool spool_;                                          // of the thread in `disk_` from here on
  std::uint64_t bytes_ = 0;
  std::uint64_t damaged_ = 0;    // segments
  std::uint64_t passed_ = 0;     // up to this one they have failed too often, for this time
  int tries_ = 0;                // of the segment after it
  std::deque<Pending> pending_;  // not yet on the way to the disk
  DurableCounters counters_;
  bool away_ = false;  // since it could not take a row, until it is connected again
  bool writing_ = false;
  bool draining_ = true;
  bool stopping_ = false;
  asio::steady_timer waker_;
  asio::steady_timer ended_;
  asio::thread_pool disk_{1};
};

DurableSink::DurableSink(const asio::any_io_executor& executor, IntakeSink& database,
                         std::function<bool()> connected, SpoolSettings spool)
    : work_{std::make_unique<Work>(executor, database, std::move(connected), std::move(spool))} {}

DurableSink::~DurableSink() = default;

asio::awaitable<result<Appended>> DurableSink::append(Intake intake) {
  return work_->append(SpooledRow{std::move(intake)});
}

asio::awaitable<result<Appended>> DurableSink::append(LaterText text) {
  return work_->append(SpooledRow{std::move(text)});
}

asio::awaitable<void> DurableSink::stop() { return work_->stop(); }

DurableCounters DurableSink::counters() const noexcept { return work_->counters(); }

}  // namespace ishara::storage
