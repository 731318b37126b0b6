#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <set>
#include <thread>

#include "storage/listener.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/test_intake.hpp"
#include "storage/store.hpp"

namespace ishara::storage {
namespace {

using namespace std::chrono_literals;

constexpr Id queue_a{0xa}, queue_b{0xb}, queue_c{0xc};

// A writer in its context, and the answers in the order of the requests.
struct Bench {
  explicit Bench(const TestDatabase& database, WriterSettings wanted = {}) {
    wanted.url = database.url("ishara_gateway");
    writer = std::make_unique<IntakeWriter>(context.get_executor(), std::move(wanted));
  }

  void spawn(asio::awaitable<void> work) {
    asio::co_spawn(context, std::move(work), [](std::exception_ptr bug) {
      if (bug) std::rethrow_exception(bug);
    });
  }
  template <class Row>
  asio::awaitable<void> send(Row row, std::size_t place) {
    if (!writer) co_return;  // destroyed before this had its turn
    answers[place] = co_await writer->append(std::move(row));
    if (++answered == answers.size() && stop_when_answered) context.stop();
  }
  template <class Row>
  void add(Row row) {
    answers.emplace_back(errc::conflict);
    spawn(send(std::move(row), answers.size() - 1));
  }
  // Until all that was added has its answer.
  void run() {
    if (answered == answers.size()) return;
    stop_when_answered = true;
    context.restart();
    context.run_for(60s);
    REQUIRE(answered == answers.size());
  }
  void stop() {
    context.restart();
    spawn(writer->flush_and_stop());
    context.run_for(60s);
  }

  asio::io_context context;
  std::unique_ptr<IntakeWriter> writer;
  std::vector<result<Appended>> answers;
  std::size_t answered = 0;
  bool stop_when_answered = false;
};

std::string count(const TestDatabase& database, const std::string& table) {
  return database.value("SELECT count(*) FROM " + table);
}

}  // namespace

TEST_CASE("an intake is stored as it came: report, address and dedupe hash") {
  const TestDatabase database;
  TestIntakes intakes{1};
  Bench bench{database};
  auto intake = intakes.next(queue_a, -7);
  intake.urgent = true;
  intake.consent_class = 1;
  bench.add(intake);
  bench.run();
  REQUIRE(bench.answers[0].has_value());
  CHECK_FALSE(bench.answers[0]->duplicate);
  CHECK(bench.answers[0]->answer_class == -7);

  const auto row = database.query(
      "SELECT replace(report_id::text, '-', ''), replace(queue_id::text, '-', ''), hour, stage,"
      " class, urgent, record, message, wraps, hidden_until, lease_user FROM report")[0];
  CHECK(row == std::vector<std::string>{postgres::parameter(intake.report_id),
                                        postgres::parameter(intake.queue_id), "500000", "0", "1",
                                        "t", postgres::parameter(intake.record),
                                        postgres::parameter(intake.message),
                                        postgres::parameter(intake.wraps), "NULL", "NULL"});
  CHECK(database.query("SELECT record, retaddr FROM retaddr_inbox")[0] ==
        std::vector<std::string>{postgres::parameter(intake.record),
                                 postgres::parameter(intake.retaddr)});
  CHECK(database.query("SELECT replace(hash::text, '-', ''), day, answer_class FROM dedupe")[0] ==
        std::vector<std::string>{postgres::parameter(intake.dedupe), "20833", "-7"});
}

TEST_CASE("a later text is stored as it came: text, address and dedupe hash, and no report") {
  const TestDatabase database;
  TestIntakes intakes{20};
  Bench bench{database};
  const auto text = intakes.later(intakes.id(), queue_a, -7);
  bench.add(text);
  bench.run();
  REQUIRE(bench.answers[0].has_value());
  CHECK_FALSE(bench.answers[0]->duplicate);
  CHECK(bench.answers[0]->answer_class == -7);

  const auto row = database.query(
      "SELECT replace(message_id::text, '-', ''), replace(report_id::text, '-', ''),"
      " replace(queue_id::text, '-', ''), hour, record, message, wraps FROM text")[0];
  CHECK(row == std::vector<std::string>{
                   postgres::parameter(text.message_id), postgres::parameter(text.report_id),
                   postgres::parameter(text.queue_id), "500000", postgres::parameter(text.record),
                   postgres::parameter(text.message), postgres::parameter(text.wraps)});
  CHECK(database.query("SELECT record, retaddr FROM retaddr_inbox")[0] ==
        std::vector<std::string>{postgres::parameter(text.record),
                                 postgres::parameter(text.retaddr)});
  CHECK(database.query("SELECT replace(hash::text, '-', ''), day, answer_class FROM dedupe")[0] ==
        std::vector<std::string>{postgres::parameter(text.dedupe), "20833", "-7"});
  CHECK(count(database, "report") == "0");
  CHECK(bench.writer->counters().stored == 1);
}

TEST_CASE("an address goes under a random id of its own, in no order of the rows beside it") {
  const TestDatabase database;
  TestIntakes intakes{21};
  Bench bench{database};
  auto silent = intakes.later(intakes.id(), queue_a);
  silent.retaddr.clear();
  bench.add(silent);
  for (int i = 0; i < 100; ++i) {
    bench.add(intakes.next(queue_a));
    bench.add(intakes.later(intakes.id(), queue_a));
  }
  bench.run();
  CHECK(count(database, "retaddr_inbox") == "200");
  // Version 4: every other bit is random.
  CHECK(database.value("SELECT count(*) FROM retaddr_inbox WHERE substr(inbox_id::text, 15, 1) ="
                       " '4'") == "200");
  CHECK(database.value("SELECT count(*) FROM retaddr_inbox a WHERE inbox_id IN (SELECT report_id"
                       " FROM report UNION SELECT message_id FROM text UNION SELECT hash"
                       " FROM dedupe)") == "0");
}

TEST_CASE("rows of one batch lie in the order of random ids, in every table") {
  const TestDatabase database;
  TestIntakes intakes{22};
  Bench bench{database};
  for (int i = 0; i < 150; ++i) {
    bench.add(intakes.next(queue_a));
    bench.add(intakes.later(intakes.id(), queue_a));
  }
  bench.run();
  CHECK(bench.writer->counters().batches < 100);
  const std::pair<std::string, std::string> keys[] = {{"report", "report_id"},
                                                      {"text", "message_id"},
                                                      {"retaddr_inbox", "inbox_id"},
                                                      {"dedupe", "hash"}};
  for (const auto& [table, key] : keys) {
    CAPTURE(table);
    CHECK(database.value("SELECT count(*) FROM (SELECT " + key + " < lag(" + key +
                         ") OVER (PARTITION BY xmin::text ORDER BY ctid) AS turned FROM " + table +
                         ") AS neighbours WHERE turned") == "0");
  }
}

TEST_CASE("the same webhook again is one row, whether it was a report or a later text") {
  const TestDatabase database;
  TestIntakes intakes{23};
  Bench bench{database};
  const auto report = intakes.next(queue_a, 5);
  const auto text = intakes.later(report.report_id, queue_a, 6);
  bench.add(report);
  bench.add(text);
  bench.run();
  // A restart of the gateway forgets sittings, so a repeat may be taken for the other kind.
  auto report_as_text = intakes.later(intakes.id(), queue_b, 7);
  report_as_text.dedupe = report.dedupe;
  auto text_as_report = intakes.next(queue_b, 8);
  text_as_report.dedupe = text.dedupe;
  bench.add(report_as_text);
  bench.add(text_as_report);
  bench.run();
  for (const auto& answer : bench.answers) REQUIRE(answer.has_value());
  CHECK(bench.answers[2]->duplicate);
  CHECK(bench.answers[2]->answer_class == 5);
  CHECK(bench.answers[3]->duplicate);
  CHECK(bench.answers[3]->answer_class == 6);
  CHECK(count(database, "report") == "1");
  CHECK(count(database, "text") == "1");
  CHECK(count(database, "retaddr_inbox") == "2");
}

TEST_CASE("a report and a later text with one hash in one batch: the first to come is stored") {
  const TestDatabase database;
  TestIntakes intakes{24};
  Bench bench{database};
  for (int i = 0; i < 20; ++i) {
    auto report = intakes.next(queue_a, 1);
    auto text = intakes.later(intakes.id(), queue_a, 2);
    text.dedupe = report.dedupe;
    if (i % 2) {
      bench.add(report);
      bench.add(text);
    } else {
      bench.add(text);
      bench.add(report);
    }
  }
  bench.run();
  for (std::size_t i = 0; i < 40; ++i) {
    CAPTURE(i);
    REQUIRE(bench.answers[i].has_value());
    CHECK(bench.answers[i]->duplicate == (i % 2 == 1));
    CHECK(bench.answers[i]->answer_class == (i / 2 % 2 ? 1 : 2));
  }
  CHECK(count(database, "report") == "10");
  CHECK(count(database, "text") == "10");
  CHECK(count(database, "retaddr_inbox") == "20");
}

TEST_CASE("callers are resumed on their own thread; figures may be asked for on any") {
  const TestDatabase database;
  TestIntakes intakes{25};
  Bench bench{database};
  const auto mine = std::this_thread::get_id();
  int at_home = 0;
  auto client = [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 20; ++i) {
      auto text = intakes.later(intakes.id(), queue_a);
      const auto answer = co_await bench.writer->append(std::move(text));
      at_home += answer.has_value() && std::this_thread::get_id() == mine;
    }
  };
  for (int i = 0; i < 10; ++i) bench.spawn(client());
  auto stop = [&]() -> asio::awaitable<void> {
    while (at_home < 200) {
      auto text = intakes.later(intakes.id(), queue_a);
      co_await bench.writer->append(std::move(text));
    }
    co_await bench.writer->flush_and_stop();
  };
  bench.spawn(stop());
  std::atomic<bool> over = false;
  std::jthread onlooker{[&] {
    std::uint64_t last = 0;
    while (!over) {
      (void)bench.writer->connected();
      const auto stored = bench.writer->counters().stored;
      if (stored < last) over = true;
      last = stored;
    }
  }};
  bench.context.run_for(60s);
  CHECK_FALSE(over.exchange(true));
  CHECK(bench.context.stopped());
  CHECK(at_home == 200);
}

TEST_CASE("an intake without an address leaves none") {
  const TestDatabase database;
  TestIntakes intakes{2};
  Bench bench{database};
  auto intake = intakes.next(queue_a);
  intake.retaddr.clear();
  bench.add(intake);
  bench.run();
  CHECK(bench.answers[0].has_value());
  CHECK(count(database, "report") == "1");
  CHECK(count(database, "retaddr_inbox") == "0");
}

TEST_CASE("the same webhook again is one report and the first answer") {
  const TestDatabase database;
  TestIntakes intakes{3};
  Bench bench{database};
  const auto first = intakes.next(queue_a, 5);
  bench.add(first);
  bench.run();
  auto again = intakes.next(queue_b, 9);  // sealed anew: all but the hash differs
  again.dedupe = first.dedupe;
  bench.add(again);
  bench.run();
  CHECK_FALSE(bench.answers[0]->duplicate);
  REQUIRE(bench.answers[1].has_value());
  CHECK(bench.answers[1]->duplicate);
  CHECK(bench.answers[1]->answer_class == 5);
  CHECK(count(database, "report") == "1");
  CHECK(count(database, "retaddr_inbox") == "1");
}

TEST_CASE("ten of the same webhook at once are one report and one answer") {
  const TestDatabase database;
  TestIntakes intakes{4};
  Bench bench{database};
  const auto hash = intakes.id();
  for (std::int16_t i = 0; i < 10; ++i) {
    auto intake = intakes.next(queue_a, static_cast<std::int16_t>(20 + i));
    intake.dedupe = hash;
    bench.add(intake);
  }
  bench.run();
  int originals = 0;
  for (const auto& answer : bench.answers) {
    REQUIRE(answer.has_value());
    CHECK(answer->answer_class == 20);
    originals += !answer->duplicate;
  }
  CHECK(originals == 1);
  CHECK(count(database, "report") == "1");
  CHECK(bench.writer->counters().duplicates == 9);
}

TEST_CASE("two gateways with the same webhooks at once store each once and answer alike") {
  const TestDatabase database;
  TestIntakes intakes{5};
  constexpr int hashes = 300;
  std::vector<Intake> mine, theirs;
  for (int i = 0; i < hashes; ++i) {
    mine.push_back(intakes.next(queue_a, 1));
    theirs.push_back(intakes.next(queue_a, 2));
    theirs.back().dedupe = mine.back().dedupe;
  }
  std::reverse(theirs.begin(), theirs.end());
  WriterSettings small;
  small.batch_rows = 7;
  std::vector<result<Appended>> answers[2];
  {
    std::vector<std::jthread> threads;
    for (int side = 0; side < 2; ++side)
      threads.emplace_back([&, side] {
        Bench bench{database, small};
        for (auto& intake : side == 0 ? mine : theirs) bench.add(intake);
        bench.stop_when_answered = true;
        bench.context.run_for(60s);
        answers[side] = bench.answers;
      });
  }
  std::reverse(answers[1].begin(), answers[1].end());
  int originals = 0;
  for (std::size_t i = 0; i < hashes; ++i) {
    REQUIRE(answers[0][i].has_value());
    REQUIRE(answers[1][i].has_value());
    CHECK(answers[0][i]->duplicate != answers[1][i]->duplicate);
    CHECK(answers[0][i]->answer_class == answers[1][i]->answer_class);
    originals += !answers[0][i]->duplicate;
  }
  CAPTURE(originals);
  CHECK(count(database, "report") == std::to_string(hashes));
}

TEST_CASE("requests that arrive during a transaction share the next one") {
  const TestDatabase database;
  TestIntakes intakes{6};
  Bench bench{database};
  for (int i = 0; i < 400; ++i) bench.add(intakes.next(queue_a));
  bench.run();
  for (const auto& answer : bench.answers) CHECK(answer.has_value());
  CHECK(bench.writer->counters().stored == 400);
  CHECK(bench.writer->counters().batches < 100);
  CHECK(count(database, "report") == "400");
}

TEST_CASE("batches keep to their caps in rows and in bytes") {
  const TestDatabase database;
  TestIntakes intakes{7};
  WriterSettings few;
  few.batch_rows = 10;
  Bench by_rows{database, few};
  for (int i = 0; i < 100; ++i) by_rows.add(intakes.next(queue_a));
  by_rows.run();
  CHECK(by_rows.writer->counters().batches >= 10);
  WriterSettings light;
  light.batch_bytes = 1;  // less than any intake: one at a time
  Bench by_bytes{database, light};
  for (int i = 0; i < 20; ++i) by_bytes.add(intakes.next(queue_a));
  by_bytes.run();
  CHECK(by_bytes.writer->counters().batches == 20);
}

TEST_CASE("poisoned rows are refused alone, wherever they are in a batch") {
  const TestDatabase database;
  TestIntakes intakes{8};
  Bench bench{database};
  std::set<std::size_t> poisoned;
  const auto taken = intakes.next(queue_a);
  bench.add(taken);
  bench.run();
  for (std::size_t i = 1; i < 200; ++i) {
    auto intake = intakes.next(queue_a);
    if (i % 41 == 0) {
      poisoned.insert(i);
      if (i % 2)
        intake.record.pop_back();
      else
        intake.wraps.clear();
    }
    if (i == 100) {
      intake.report_id = taken.report_id;  // a report id that exists: not stored, not acknowledged
      poisoned.insert(i);
    }
    bench.add(std::move(intake));
  }
  bench.run();
  for (std::size_t i = 0; i < bench.answers.size(); ++i) {
    CAPTURE(i);
    if (poisoned.contains(i))
      CHECK(bench.answers[i].error() == errc::refused);
    else
      CHECK(bench.answers[i].has_value());
  }
  CHECK(count(database, "report") == std::to_string(200 - poisoned.size()));
  CHECK(count(database, "dedupe") == std::to_string(200 - poisoned.size()));
  CHECK(bench.writer->counters().refused == poisoned.size());
  CHECK(bench.writer->counters().connections == 1);
}

TEST_CASE("poisoned rows among reports and later texts are refused alone") {
  const TestDatabase database;
  TestIntakes intakes{26};
  Bench bench{database};
  const auto taken = intakes.later(intakes.id(), queue_a);
  bench.add(taken);
  bench.run();
  std::set<std::size_t> poisoned;
  for (std::size_t i = 1; i < 200; ++i) {
    auto report = intakes.next(queue_a);
    auto text = intakes.later(intakes.id(), queue_b);
    const std::size_t mistake = i % 17 == 0 ? i / 17 % 5 + 1 : 0;
    if (mistake != 0) poisoned.insert(i);
    if (mistake == 1) text.record.pop_back();
    if (mistake == 2) text.message.push_back(0);
    if (mistake == 3) text.wraps.clear();
    if (mistake == 4) text.retaddr.pop_back();
    if (mistake == 5) text.message_id = taken.message_id;  // exists: not stored, not acknowledged
    if (mistake != 0 || i % 2)
      bench.add(std::move(text));
    else
      bench.add(std::move(report));
  }
  bench.run();
  for (std::size_t i = 0; i < bench.answers.size(); ++i) {
    CAPTURE(i);
    if (poisoned.contains(i))
      CHECK(bench.answers[i].error() == errc::refused);
    else
      CHECK(bench.answers[i].has_value());
  }
  const auto stored = std::to_string(200 - poisoned.size());
  CHECK(database.value("SELECT (SELECT count(*) FROM report) + (SELECT count(*) FROM text)") ==
        stored);
  CHECK(count(database, "dedupe") == stored);
  CHECK(count(database, "retaddr_inbox") == stored);
  CHECK(bench.writer->counters().refused == poisoned.size());
}

TEST_CASE("a full queue answers busy at once") {
  const TestDatabase database;
  TestIntakes intakes{9};
  WriterSettings narrow;
  narrow.queue_rows = 10;
  narrow.batch_rows = 1;
  narrow.statement_timeout = narrow.lock_timeout = 60s;
  Bench rows{database, narrow};
  postgres::Session locker{database.url("postgres")};
  REQUIRE(locker
              .transact([&](postgres::Transaction& transaction) {
                transaction.script("LOCK TABLE dedupe IN ACCESS EXCLUSIVE MODE");
                for (int i = 0; i < 25; ++i) rows.add(intakes.next(queue_a));
                // Ten fit into the queue, and one may be on its way.
                while (rows.answered < 14) rows.context.run_one();
              })
              .has_value());
  rows.run();
  std::uint64_t busy = 0;
  for (const auto& answer : rows.answers)
    busy += answer.has_error() && answer.error() == errc::busy;
  CAPTURE(busy);
  CHECK((busy == 14 || busy == 15));
  CHECK(rows.writer->counters().busy == busy);
  CHECK(count(database, "report") == std::to_string(25 - busy));

  WriterSettings light;
  light.queue_bytes = 10;
  Bench bytes{database, light};
  bytes.add(intakes.next(queue_a));
  bytes.run();
  CHECK(bytes.answers[0].error() == errc::busy);
}

TEST_CASE("one notification a batch and queue tells consoles of new reports and later texts") {
  const TestDatabase database;
  TestIntakes intakes{10};
  Bench bench{database};
  std::vector<std::string> heard;
  std::uint64_t batches = 0;
  auto work = [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 40; ++i) {
      if (i % 2)
        bench.add(intakes.next(queue_a));
      else
        bench.add(intakes.later(intakes.id(), queue_b));
    }
    while (bench.answered < 40) {
      auto more = intakes.next(queue_a);
      co_await bench.writer->append(std::move(more));
    }
    batches = bench.writer->counters().batches;
    auto last = intakes.next(queue_c);
    co_await bench.writer->append(std::move(last));
  };
  const Listener listener{bench.context.get_executor(),
                          database.url("ishara_desk"),
                          {"queue"},
                          [&] { bench.spawn(work()); },
                          [&](std::string_view, std::string_view payload) {
                            heard.emplace_back(payload);
                            if (payload == postgres::parameter(queue_c)) bench.context.stop();
                          }};
  bench.context.run_for(20s);
  CHECK(std::set<std::string>(heard.begin(), heard.end()) ==
        std::set<std::string>{postgres::parameter(queue_a), postgres::parameter(queue_b),
                              postgres::parameter(queue_c)});
  CHECK(batches < 40);
  CHECK(heard.size() <= 2 * batches + 1);
}

TEST_CASE("a later text looks its report up by its key, however many there are (P18)") {
  const TestDatabase database;
  TestIntakes intakes{32};
  Id last;
  last.fill(0xff);
  database.query(
      "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message, wraps)"
      " SELECT CASE WHEN n = 0 THEN '" +
      postgres::parameter(last) +
      "'::uuid ELSE gen_random_uuid() END, gen_random_uuid(), 1, 0, false,"
      " decode(repeat('00', 184), 'hex'), decode(repeat('00', 584), 'hex'),"
      " decode(repeat('00', 192), 'hex') FROM generate_series(0, 2000) AS n");
  database.query("ANALYZE report");
  database.query("SELECT pg_stat_reset()");
  Bench bench{database};
  bench.add(intakes.later(last, queue_a));
  bench.run();
  bench.stop();
  bench.writer.reset();
  // A session tells what it has read when it ends.
  const auto told = [&](const std::string& what, const std::string& table) {
    return std::stol(database.value("SELECT " + what +
                                    " FROM pg_stat_user_tables WHERE relname = '" + table + "'"));
  };
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (told("n_tup_ins", "text") == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  REQUIRE(told("n_tup_ins", "text") == 1);
  CHECK(told("coalesce(idx_tup_fetch, 0) + seq_tup_read", "report") < 10);
}

TEST_CASE("an urgent later text puts its report first, and any one opens a closed report again") {
  const TestDatabase database;
  TestIntakes intakes{14};
  Bench bench{database};
  std::vector<Id> reports;
  for (int i = 0; i < 3; ++i) {
    auto first = intakes.next(queue_a);
    reports.push_back(first.report_id);
    bench.add(std::move(first));
  }
  bench.run();
  const auto state = [&](const Id& report) {
    return database.value("SELECT urgent::text || ' ' || stage FROM report WHERE report_id = '" +
                          postgres::parameter(report) + "'");
  };
  for (const auto& report : reports) CHECK(state(report) == "false 0");
  database.query("UPDATE report SET stage = 2 WHERE report_id = '" +
                 postgres::parameter(reports[1]) + "'");

  auto urgent = intakes.later(reports[0], queue_a);
  urgent.record[3] = 1;
  bench.add(std::move(urgent));
  bench.add(intakes.later(reports[0], queue_a));
  bench.add(intakes.later(reports[1], queue_a));
  bench.add(intakes.later(reports[2], queue_a));
  bench.run();
  CHECK(state(reports[0]) == "true 0");
  CHECK(state(reports[1]) == "false 1");
  CHECK(state(reports[2]) == "false 0");
}

TEST_CASE("a stop writes what is queued, refuses what comes later and closes the connection") {
  const TestDatabase database;
  TestIntakes intakes{11};
  WriterSettings small;
  small.batch_rows = 5;
  Bench bench{database, small};
  for (int i = 0; i < 40; ++i) bench.add(intakes.next(queue_a));
  bool flushed = false;
  auto stop = [&]() -> asio::awaitable<void> {
    co_await bench.writer->flush_and_stop();
    flushed = true;
    CHECK(bench.answered == 40);
    const auto late = co_await bench.writer->append(intakes.next(queue_a));
    CHECK(late.error() == errc::unavailable);
    co_await bench.writer->flush_and_stop();  // a second time is harmless
  };
  bench.spawn(stop());
  bench.context.run_for(20s);
  CHECK(flushed);
  for (const auto& answer : bench.answers) CHECK(answer.has_value());
  CHECK(count(database, "report") == "40");
  CHECK_FALSE(bench.writer->connected());
  CHECK(bench.context.stopped());  // nothing of the writer keeps the context alive
}

TEST_CASE("a writer can be destroyed at any point, with requests waiting") {
  const TestDatabase database;
  TestIntakes intakes{12};
  for (int steps = 0; steps < 30; ++steps) {
    CAPTURE(steps);
    Bench bench{database};
    for (int i = 0; i < 3; ++i) bench.add(intakes.next(queue_a));
    for (int i = 0; i < steps && bench.context.run_one_for(20ms) != 0; ++i) {
    }
    bench.writer.reset();
    bench.context.run_for(10s);
    CHECK(bench.context.stopped());
  }
}

TEST_CASE("without a database every request gets its answer, at once during a pause") {
  TestIntakes intakes{13};
  asio::io_context context;
  WriterSettings settings;
  settings.url = "postgresql:///ishara?host=/nonexistent&user=ishara_gateway";
  settings.shortest_pause = 1h;
  settings.longest_pause = 1h;
  IntakeWriter writer{context.get_executor(), settings};
  int unavailable = 0;
  auto one = [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      const auto answer = co_await writer.append(intakes.next(queue_a));
      unavailable += answer.has_error() && answer.error() == errc::unavailable;
    }
    co_await writer.flush_and_stop();  // does not wait for the pause
  };
  asio::co_spawn(context, one(), [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  });
  context.run_for(20s);
  CHECK(context.stopped());
  CHECK(unavailable == 3);
}

TEST_CASE(
    "a backend killed in mid-batch: no acknowledged row is lost, all repeats end as one row") {
  const TestDatabase database;
  TestIntakes intakes{14};
  WriterSettings quick;
  quick.batch_rows = 8;
  quick.shortest_pause = 1ms;
  quick.longest_pause = 5ms;
  Bench bench{database, quick};

  // Each client repeats its webhook until it is taken, as an aggregator does.
  constexpr int clients = 40, kills = 5;
  std::set<Id> acknowledged;
  int finished = 0;
  std::uint64_t turned_away = 0;
  auto client = [&]() -> asio::awaitable<void> {
    asio::steady_timer pause{bench.context};
    while (bench.writer->counters().connections <= kills) {
      const auto intake = intakes.next(queue_a);
      for (;;) {
        const auto answer = co_await bench.writer->append(intake);
        if (answer) break;
        ++turned_away;
        CHECK(answer.error() == errc::unavailable);
        pause.expires_after(1ms);
        co_await pause.async_wait(asio::use_awaitable);
      }
      acknowledged.insert(intake.report_id);
    }
    if (++finished == clients) bench.context.stop();
  };
  for (int i = 0; i < clients; ++i) bench.spawn(client());

  std::atomic<bool> stop = false;
  std::jthread killer{[&] {
    while (!stop)
      database.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
          " WHERE usename = 'ishara_gateway' AND datname = current_database()"
          " AND state = 'active'");
  }};
  bench.context.run_for(60s);
  stop = true;
  killer.join();

  CHECK(finished == clients);
  CHECK(turned_away > 0);
  std::set<Id> stored;
  for (const auto& row : database.query("SELECT report_id FROM report"))
    stored.insert(postgres::Value{false, row[0]}.id());
  CHECK(stored == acknowledged);
}

TEST_CASE("Postgres stopped and started under load: nothing acknowledged is lost, no restart") {
  const TestDatabase database;
  TestIntakes intakes{15};
  WriterSettings quick;
  quick.shortest_pause = 1ms;
  quick.longest_pause = 10ms;
  Bench bench{database, quick};

  std::set<Id> acknowledged;
  std::atomic<int> phase = 0;  // 0 up, 1 was away and is back
  int running = 16, after_return = 0;
  bool away = false;
  auto client = [&]() -> asio::awaitable<void> {
    asio::steady_timer pause{bench.context};
    while (after_return < 200) {
      const auto intake = intakes.next(queue_a);
      for (;;) {
        const auto answer = co_await bench.writer->append(intake);
        if (answer) break;
        away = true;
        pause.expires_after(1ms);
        co_await pause.async_wait(asio::use_awaitable);
      }
      acknowledged.insert(intake.report_id);
      after_return += phase == 1;
    }
    if (--running == 0) bench.context.stop();
  };
  for (int i = 0; i < 16; ++i) bench.spawn(client());

  std::jthread operating{[&] {
    while (count(database, "report") == "0") {
    }
    TestCluster::get().stop_now();
    TestCluster::get().start();
    phase = 1;
  }};
  bench.context.run_for(60s);
  operating.join();

  CHECK(running == 0);
  CHECK(away);
  std::set<Id> stored;
  for (const auto& row : database.query("SELECT report_id FROM report"))
    stored.insert(postgres::Value{false, row[0]}.id());
  CHECK(stored == acknowledged);
}

TEST_CASE("a server that does not answer is given up after the statement's time") {
  const TestDatabase database;
  TestIntakes intakes{16};
  WriterSettings short_time;
  short_time.statement_timeout = 300ms;
  short_time.lock_timeout = 100ms;
  Bench bench{database, short_time};
  bench.add(intakes.next(queue_a));
  bench.run();
  postgres::Session locker{database.url("postgres")};
  REQUIRE(locker
              .transact([&](postgres::Transaction& transaction) {
                transaction.script("LOCK TABLE dedupe IN ACCESS EXCLUSIVE MODE");
                bench.add(intakes.next(queue_a));
                bench.run();
              })
              .has_value());
  CHECK(bench.answers[1].error() == errc::unavailable);
  bench.add(intakes.next(queue_a));
  bench.run();
  CHECK(bench.answers[2].has_value());
  CHECK(count(database, "report") == "2");
}

TEST_CASE("a database that is not migrated refuses politely, and works once it is") {
  const TestDatabase database;
  TestIntakes intakes{17};
  database.query("ALTER TABLE dedupe RENAME TO elsewhere");
  WriterSettings quick;
  quick.shortest_pause = 1ms;
  quick.longest_pause = 10ms;
  Bench bench{database, quick};
  bench.add(intakes.next(queue_a));
  bench.run();
  CHECK(bench.answers[0].error() == errc::unavailable);
  database.query("ALTER TABLE elsewhere RENAME TO dedupe");
  for (int i = 0; i < 1000 && !bench.answers.back(); ++i) {
    bench.add(intakes.next(queue_a));
    bench.run();
  }
  CHECK(bench.answers.back().has_value());
}

}  // namespace ishara::storage
