#include "storage/durable_sink.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "gateway/crypto/primitives.hpp"
#include "storage/postgres/test_intake.hpp"
#include "storage/small_disk.hpp"
#include "tests/support/folder.hpp"

namespace ishara::storage {
namespace {

namespace fs = std::filesystem;
constexpr Id queue{0x0a};
constexpr std::uint32_t long_ago = 400'000;  // an hour

Id hash(std::span<const std::uint8_t> bytes) { return crypto::hash16({bytes}); }

std::uint32_t this_hour() {
  return static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now())
          .time_since_epoch()
          .count());
}

// A database that comes and goes, and knows what it was given before.
class FakeDatabase final : public IntakeSink {
 public:
  bool away = false;
  bool busy = false;
  std::set<Id> refuses;                // by dedupe hash
  std::set<Id> stalls;                 // is busy when it sees one
  std::size_t goes_after = 1'000'000;  // rows; then it is away
  std::set<Id> reports;
  std::vector<Id> stored;  // dedupe hashes in order
  std::uint32_t last_day = 0;

  asio::awaitable<result<Appended>> append(Intake intake) override {
    co_await asio::post(asio::use_awaitable);
    co_return take(intake, &intake.report_id);
  }
  asio::awaitable<result<Appended>> append(LaterText text) override {
    co_await asio::post(asio::use_awaitable);
    co_return take(text, nullptr);
  }

 private:
  template <class Row>
  result<Appended> take(const Row& row, const Id* new_report) {
    if (stored.size() >= goes_after) away = true;
    if (away) return errc::unavailable;
    if (busy || stalls.contains(row.dedupe)) return errc::busy;
    if (refuses.contains(row.dedupe)) return errc::refused;
    const auto known = answers_.find(row.dedupe);
    if (known != answers_.end()) return Appended{true, known->second};
    if (new_report && !reports.insert(*new_report).second) return errc::refused;
    answers_.emplace(row.dedupe, row.answer_class);
    stored.push_back(row.dedupe);
    last_day = row.day;
    return Appended{false, row.answer_class};
  }

  std::map<Id, std::int16_t> answers_;
};

struct Bench {
  tests::Folder folder;
  std::optional<asio::io_context> context;
  FakeDatabase database;
  std::uint64_t quota = 256 << 20;
  std::uint64_t segment = 1 << 20;
  std::optional<DurableSink> sink;
  std::vector<std::optional<result<Appended>>> answers;

  Bench() { start(); }
  ~Bench() { kill(); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void start() {
    context.emplace();
    sink.emplace(
        context->get_executor(), database, [this] { return !database.away; },
        SpoolSettings{folder / "spool", hash, quota, segment});
  }
  // As the kernel does it: nothing under way is finished, and the disk stays as it is.
  void kill() {
    sink.reset();
    context.reset();
  }
  void restart() {
    kill();
    start();
  }

  template <class Row>
  void add(Row row) {
    asio::co_spawn(
        *context,
        [](Bench& bench, std::size_t place, Row sent) -> asio::awaitable<void> {
          const auto answer = co_await bench.sink->append(std::move(sent));
          bench.answers[place] = answer;
        }(*this, answers.size(), std::move(row)),
        [](const std::exception_ptr& bug) {
          if (bug) std::rethrow_exception(bug);
        });
    answers.emplace_back();
  }
  template <class Condition>
  void until(const Condition& condition) {
    context->restart();
    while (!condition()) REQUIRE(context->run_one() == 1);
  }
  void answer_all() {
    until(
        [this] { return std::ranges::all_of(answers, [](auto& one) { return one.has_value(); }); });
  }
  void drain() {
    until([this] { return sink->counters().waiting == 0; });
  }
  // New reports, one after the other, each answered before the next comes: their dedupe hashes.
  std::vector<Id> one_by_one(TestIntakes& intakes, int count) {
    std::vector<Id> sent;
    for (int i = 0; i < count; ++i) {
      auto intake = intakes.next(queue);
      sent.push_back(intake.dedupe);
      add(std::move(intake));
      answer_all();
    }
    return sent;
  }
};

}  // namespace

TEST_CASE("while the database is there, rows go straight to it") {
  Bench bench;
  TestIntakes intakes{31};
  const auto report = intakes.next(queue);
  bench.add(report);
  bench.add(intakes.later(report.report_id, queue));
  bench.answer_all();
  CHECK(bench.database.stored.size() == 2);
  CHECK(bench.sink->counters().spooled == 0);
  CHECK(fs::is_empty(bench.folder / "spool"));
}

TEST_CASE("while it is away rows are spooled, and stored in their order when it is back") {
  Bench bench;
  bench.segment = 4096;
  bench.restart();
  TestIntakes intakes{32};
  bench.database.away = true;
  const auto sent = bench.one_by_one(intakes, 25);
  for (const auto& answer : bench.answers) {
    REQUIRE(answer->has_value());
    CHECK_FALSE((*answer)->duplicate);
  }
  CHECK(bench.sink->counters().waiting == 25);
  CHECK(bench.sink->counters().bytes > 0);
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.stored == sent);
  CHECK(bench.sink->counters().drained == 25);
  CHECK(bench.sink->counters().bytes == 0);
  CHECK(fs::is_empty(bench.folder / "spool"));

  bench.add(intakes.next(queue));
  bench.answer_all();
  CHECK(bench.sink->counters().spooled == 25);
  CHECK(bench.database.stored.size() == 26);
}

TEST_CASE("many rows at once share a flush and each gets its answer") {
  Bench bench;
  TestIntakes intakes{33};
  bench.database.away = true;
  for (int i = 0; i < 2000; ++i) bench.add(intakes.next(queue));
  bench.answer_all();
  CHECK(std::ranges::all_of(bench.answers, [](auto& one) { return one->has_value(); }));
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.stored.size() == 2000);
}

TEST_CASE("the same webhook again while the database is away is stored once and answered alike") {
  Bench bench;
  TestIntakes intakes{34};
  bench.database.away = true;
  const auto intake = intakes.next(queue, 5);
  auto again = intakes.next(queue, 6);
  again.dedupe = intake.dedupe;
  auto later = intakes.later(intakes.id(), queue, 7);
  later.dedupe = intake.dedupe;
  SUBCASE("one after the other") {
    bench.add(intake);
    bench.answer_all();
  }
  SUBCASE("before the first is on the disk") { bench.add(intake); }
  SUBCASE("after the gateway was killed and started again") {
    bench.add(intake);
    bench.answer_all();
    bench.restart();
    CHECK(bench.sink->counters().waiting == 1);
  }
  bench.add(again);
  bench.add(later);
  bench.answer_all();
  CHECK_FALSE((*bench.answers[0])->duplicate);
  for (const std::size_t i : {1U, 2U}) {
    REQUIRE(bench.answers[i]->has_value());
    CHECK((*bench.answers[i])->duplicate);
    CHECK((*bench.answers[i])->answer_class == 5);
  }
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.stored == std::vector{intake.dedupe});
}

TEST_CASE("a kill between the commit and the deletion of the segment stores nothing twice") {
  Bench bench;
  TestIntakes intakes{35};
  bench.database.away = true;
  for (int i = 0; i < 10; ++i) bench.add(intakes.next(queue));
  bench.answer_all();
  bench.database.away = false;
  bench.until([&] { return bench.database.stored.size() == 10; });
  CHECK(bench.sink->counters().drained == 0);
  bench.restart();
  CHECK(bench.sink->counters().waiting == 10);
  bench.drain();
  CHECK(bench.database.stored.size() == 10);
}

TEST_CASE("texts of a report whose webhook was stored before a restart do not lose their report") {
  Bench bench;
  TestIntakes intakes{43};
  const auto before = intakes.next(queue);
  bench.add(before);
  bench.answer_all();
  bench.database.away = true;
  auto again = intakes.next(queue);
  again.dedupe = before.dedupe;
  again.hour = long_ago;
  again.day = 1;
  bool stored = false;
  SUBCASE("without texts it collapses") {
    bench.add(again);
    bench.answer_all();
  }
  SUBCASE("with a text it is stored") {
    stored = true;
    bench.add(again);
    bench.add(intakes.later(again.report_id, queue));
    bench.answer_all();
  }
  SUBCASE("while its sitting lives it is stored: its texts may come after the draining") {
    stored = true;
    again.hour = this_hour() - 1;
    bench.add(again);
    bench.answer_all();
  }
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.reports.contains(before.report_id));
  CHECK(bench.database.reports.contains(again.report_id) == stored);
  CHECK(bench.sink->counters().refused == 0);
  if (stored) CHECK(bench.database.last_day > 20'000);
}

TEST_CASE("a kill in the middle of a draining stores no report with texts twice") {
  Bench bench;
  TestIntakes intakes{44};
  bench.database.away = true;
  const auto report = intakes.next(queue);
  bench.add(report);
  bench.add(intakes.later(report.report_id, queue));
  bench.answer_all();
  bench.database.away = false;
  bench.until([&] { return bench.database.stored.size() == 2; });
  bench.restart();
  bench.drain();
  CHECK(bench.database.stored.size() == 2);
  CHECK(bench.sink->counters().refused == 0);
}

TEST_CASE("a webhook that lies in the spool twice is forgotten once it is drained twice") {
  Bench bench;
  TestIntakes intakes{45};
  const auto report = intakes.next(queue);
  auto again = intakes.next(queue);
  again.dedupe = report.dedupe;
  const auto text = intakes.later(again.report_id, queue);
  bench.kill();
  {
    // As after a power cut that brought the segment of the first back.
    Spool spool{{bench.folder / "spool", hash, bench.quota, 1}, [](const SpooledRow&) {}};
    for (const SpooledRow& row : {SpooledRow{report}, SpooledRow{again}, SpooledRow{text}})
      REQUIRE(spool.append({&row, 1}).has_value());
  }
  bench.database.away = true;
  bench.start();
  bench.database.goes_after = 1;
  bench.database.away = false;
  bench.until([&] { return bench.database.away; });
  // The first is gone and the second waits; a repeat is still one of theirs.
  bench.add(report);
  bench.answer_all();
  CHECK((*bench.answers[0])->duplicate);
  bench.database.goes_after = 100;
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.reports == std::set{report.report_id, again.report_id});
  bench.add(intakes.later(again.report_id, queue));
  bench.answer_all();
  CHECK(bench.sink->counters().spooled == 0);
}

TEST_CASE("a text whose report waits goes behind it; others go straight to the database") {
  Bench bench;
  TestIntakes intakes{36};
  bench.database.away = true;
  const auto report = intakes.next(queue);
  bench.add(report);
  bench.answer_all();
  bench.database.away = false;
  bench.database.stalls.insert(report.dedupe);
  const auto other = intakes.next(queue);
  bench.add(other);
  const auto text = intakes.later(report.report_id, queue);
  bench.add(text);
  bench.answer_all();
  for (const auto& answer : bench.answers) REQUIRE(answer->has_value());
  CHECK(bench.sink->counters().spooled == 2);
  CHECK(bench.database.stored == std::vector{other.dedupe});
  bench.database.stalls.clear();
  bench.drain();
  CHECK(bench.database.stored == std::vector{other.dedupe, report.dedupe, text.dedupe});
}

TEST_CASE("rows that come while the spool is drained go to the database") {
  Bench bench;
  TestIntakes intakes{46};
  bench.database.away = true;
  for (int i = 0; i < 600; ++i) bench.add(intakes.next(queue));
  // They were turned away, and find the database there again as soon as they are on the disk.
  bench.until([&] { return bench.sink->counters().spooled > 0; });
  const auto spooled = bench.answers.size();
  bench.database.away = false;
  for (int i = 0; i < 100; ++i) {
    bench.add(intakes.next(queue));
    bench.until([&] { return bench.answers.back().has_value(); });
  }
  CHECK(bench.sink->counters().spooled <= spooled);
  bench.drain();
  CHECK(bench.sink->counters().drained == spooled);
  CHECK(bench.database.stored.size() == spooled + 100);
}

TEST_CASE("a text whose report waits goes to the database if the spool takes no more") {
  Bench bench;
  TestIntakes intakes{47};
  const auto report = intakes.next(queue);
  bench.quota = 2048;
  bench.restart();
  bench.database.away = true;
  bench.add(report);
  bench.answer_all();
  REQUIRE(bench.answers[0]->has_value());
  bench.database.away = false;
  bench.database.stalls.insert(report.dedupe);
  const auto text = intakes.later(report.report_id, queue);
  bench.add(text);
  bench.answer_all();
  REQUIRE(bench.answers[1]->has_value());
  CHECK(bench.database.stored == std::vector{text.dedupe});
  CHECK(bench.sink->counters().turned_away == 0);
}

TEST_CASE("a row that the database never finishes holds up its own segment alone") {
  Bench bench;
  bench.segment = 1;
  bench.restart();
  TestIntakes intakes{48};
  bench.database.away = true;
  const auto sent = bench.one_by_one(intakes, 4);
  bench.database.away = false;
  bench.database.stalls.insert(sent[1]);
  bench.until([&] { return bench.sink->counters().waiting == 1; });
  CHECK(bench.database.stored == std::vector{sent[0], sent[2], sent[3]});
  bench.database.stalls.clear();
  bench.drain();
  CHECK(bench.database.stored.size() == 4);
  CHECK(bench.sink->counters().refused == 0);
}

TEST_CASE("a segment that the disk cannot read is set aside, and the others are stored") {
  Bench bench;
  bench.segment = 1;
  bench.restart();
  TestIntakes intakes{49};
  bench.database.away = true;
  const auto sent = bench.one_by_one(intakes, 3);
  // A folder in its place is opened, and does not read.
  const auto lost = bench.folder / "spool/0000000000000001.spool";
  fs::remove(lost);
  fs::create_directory(lost);
  SUBCASE("") {}
  SUBCASE("after a restart as well") {
    bench.restart();
    CHECK(bench.sink->counters().waiting == 2);
  }
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.stored == std::vector{sent[1], sent[2]});
  CHECK(bench.sink->counters().refused == 1);
  CHECK(bench.sink->counters().bytes == 0);
  CHECK(fs::exists(bench.folder / "spool/0000000000000001.refused"));
}

TEST_CASE("a refused row goes aside with its segment if there is no room to write it down") {
  Bench bench;
  TestIntakes intakes{50};
  bench.database.away = true;
  const auto poisoned = intakes.next(queue);
  bench.database.refuses.insert(poisoned.dedupe);
  const auto good = intakes.next(queue);
  bench.add(poisoned);
  bench.add(good);
  bench.answer_all();
  bench.database.away = false;
  {
    const SmallDisk nothing_fits{0};
    bench.drain();
  }
  CHECK(bench.database.stored == std::vector{good.dedupe});
  CHECK(bench.sink->counters().refused == 1);
  const auto contents = spool_contents(bench.folder / "spool", hash);
  CHECK(contents->rows == 0);
  CHECK(contents->refused_files == 1);
}

TEST_CASE("a row that the database will never take is set aside, and its neighbours are stored") {
  Bench bench;
  TestIntakes intakes{37};
  bench.database.away = true;
  const auto poisoned = intakes.next(queue);
  bench.database.refuses.insert(poisoned.dedupe);
  bench.add(intakes.next(queue));
  bench.add(poisoned);
  bench.add(intakes.next(queue));
  bench.answer_all();
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.stored.size() == 2);
  CHECK(bench.sink->counters().refused == 1);
  CHECK(spool_contents(bench.folder / "spool", hash)->refused_files == 1);
}

TEST_CASE("a database that goes away again in the middle of the draining gets the rest later") {
  Bench bench;
  bench.segment = 4096;
  bench.restart();
  TestIntakes intakes{38};
  bench.database.away = true;
  const auto sent = bench.one_by_one(intakes, 30);
  bench.database.away = false;
  bench.database.goes_after = 10;
  bench.until([&] { return bench.database.away; });
  bench.add(intakes.next(queue));
  bench.answer_all();
  CHECK(bench.answers.back()->has_value());
  bench.database.goes_after = 1000;
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.stored.size() == 31);
  CHECK(std::ranges::equal(std::span{bench.database.stored}.first(10), std::span{sent}.first(10)));
}

TEST_CASE("a full spool says so, and takes rows again after the draining") {
  Bench bench;
  bench.quota = 20 * 1024;
  bench.restart();
  TestIntakes intakes{39};
  bench.database.away = true;
  for (int i = 0; i < 40; ++i) {
    bench.add(intakes.next(queue));
    bench.answer_all();
  }
  CHECK(bench.answers[0]->has_value());
  CHECK(bench.answers[39]->error() == errc::full);
  CHECK(bench.sink->counters().problem == errc::full);
  const auto taken = bench.sink->counters().spooled;
  CHECK(taken + bench.sink->counters().turned_away == 40);
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.stored.size() == taken);
  CHECK_FALSE(bench.sink->counters().problem.has_value());
  bench.database.away = true;
  bench.add(intakes.next(queue));
  bench.answer_all();
  CHECK(bench.answers.back()->has_value());
}

TEST_CASE("a spool that does not work is told of until it works again") {
  Bench bench;
  TestIntakes intakes{51};
  bench.database.away = true;
  const auto begun = std::chrono::steady_clock::now();
  // Its next segment cannot be made.
  fs::create_directory(bench.folder / "spool/0000000000000001.spool");
  bench.add(intakes.next(queue));
  bench.answer_all();
  CHECK(bench.answers[0]->error() == errc::unavailable);
  CHECK(bench.sink->counters().problem == errc::unavailable);
  CHECK(bench.sink->counters().problem_at >= begun);
  CHECK(bench.sink->counters().turned_away == 1);
  fs::remove(bench.folder / "spool/0000000000000001.spool");
  bench.add(intakes.next(queue));
  bench.answer_all();
  CHECK(bench.answers[1]->has_value());
  CHECK_FALSE(bench.sink->counters().problem.has_value());
}

TEST_CASE("a busy database and a refused row are the caller's business, not the spool's") {
  Bench bench;
  TestIntakes intakes{40};
  bench.database.busy = true;
  bench.add(intakes.next(queue));
  bench.answer_all();
  CHECK(bench.answers[0]->error() == errc::busy);
  bench.database.busy = false;
  const auto poisoned = intakes.next(queue);
  bench.database.refuses.insert(poisoned.dedupe);
  bench.add(poisoned);
  bench.answer_all();
  CHECK(bench.answers[1]->error() == errc::refused);
  CHECK(bench.sink->counters().spooled == 0);
}

TEST_CASE("the 48 hours of a dedupe hash begin when it comes to the database") {
  Bench bench;
  TestIntakes intakes{41};
  bench.database.away = true;
  auto intake = intakes.next(queue);
  intake.day = 1;
  bench.add(intake);
  bench.answer_all();
  bench.database.away = false;
  bench.drain();
  CHECK(bench.database.last_day > 20'000);
}

TEST_CASE("a stop ends the draining and leaves on the disk what still waits") {
  Bench bench;
  bench.segment = 1;
  bench.restart();
  TestIntakes intakes{42};
  bench.database.away = true;
  for (int i = 0; i < 5; ++i) {
    bench.add(intakes.next(queue));
    bench.answer_all();
  }
  std::size_t stored = 0;
  SUBCASE("while the database is away") {}
  SUBCASE("in the middle of a segment, which is finished") {
    stored = 2;
    bench.database.away = false;
    bench.until([&] { return bench.database.stored.size() == stored; });
  }
  bool stopped = false;
  asio::co_spawn(*bench.context, bench.sink->stop(), [&](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
    stopped = true;
  });
  bench.context->restart();
  bench.context->run();
  CHECK(stopped);
  CHECK(bench.sink->counters().drained == stored);
  bench.database.away = true;
  bench.restart();
  CHECK(bench.sink->counters().waiting == 5 - stored);
}

}  // namespace ishara::storage
