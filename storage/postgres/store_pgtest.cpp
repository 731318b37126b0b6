#include "storage/store.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/test_intake.hpp"
#include "storage/store_pool.hpp"

namespace ishara::storage {
namespace {

using blocking::Store;
using namespace std::chrono_literals;

constexpr Id queue_a{0xa}, queue_b{0xb}, amina{1}, bosco{2};

// A report with recognisable bytes, inserted as superuser.
Id place(const TestDatabase& database, TestIntakes& intakes, const Id& queue, std::uint32_t hour,
         bool urgent) {
  const auto intake = intakes.next(queue);
  database.query(
      "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message,"
      " wraps) VALUES ('" +
      postgres::parameter(intake.report_id) + "', '" + postgres::parameter(queue) + "', " +
      std::to_string(hour) + ", 1, " + (urgent ? "true" : "false") + ", '" +
      postgres::parameter(intake.record) + "', '" + postgres::parameter(intake.message) + "', '" +
      postgres::parameter(intake.wraps) + "')");
  return intake.report_id;
}

void let_leases_run_out(const TestDatabase& database) {
  database.query(
      "UPDATE report SET lease_until = now() - interval '1 second'"
      " WHERE lease_until IS NOT NULL");
}

}  // namespace

TEST_CASE("pull hands out the most urgent, then the longest waiting, and then nothing") {
  const TestDatabase database;
  TestIntakes intakes{1};
  const auto late = place(database, intakes, queue_a, 103, false);
  const auto early = place(database, intakes, queue_b, 101, false);
  const auto urgent_late = place(database, intakes, queue_b, 104, true);
  const auto urgent_early = place(database, intakes, queue_a, 102, true);
  place(database, intakes, Id{0xc}, 1, true);  // of a queue that is not hers

  Store store{database.url("ishara_desk")};
  const Id queues[] = {queue_a, queue_b};
  for (const auto& wanted : {urgent_early, urgent_late, early, late}) {
    const auto pulled = store.pull(queues, amina, 30min, test_scribe());
    REQUIRE(pulled.has_value());
    REQUIRE(pulled->has_value());
    CHECK((*pulled)->report_id == wanted);
    CHECK((*pulled)->stage == Stage::opened);
    REQUIRE((*pulled)->lease.has_value());
    CHECK((*pulled)->lease->user_id == amina);
    CHECK((*pulled)->lease->until % 60 == 0);
  }
  const auto nothing = store.pull(queues, amina, 30min, test_scribe());
  REQUIRE(nothing.has_value());
  CHECK_FALSE(nothing->has_value());
}

TEST_CASE("a list has the order of pull, page by page, without gap or repeat") {
  const TestDatabase database;
  TestIntakes intakes{2};
  std::set<Id> placed;
  for (std::uint32_t i = 0; i < 23; ++i)
    placed.insert(place(database, intakes, queue_a, 100 + i % 5, i % 3 == 0));
  const auto held = [&] {
    Store store{database.url("ishara_desk")};
    const Id queues[] = {queue_a};
    return store.pull(queues, amina, 30min, test_scribe())->value().report_id;
  }();
  const auto hidden = place(database, intakes, queue_a, 100, true);
  database.query("UPDATE report SET hidden_until = 200 WHERE report_id = '" +
                 postgres::parameter(hidden) + "'");

  Store store{database.url("ishara_desk")};
  std::vector<ReportRow> seen;
  std::optional<Cursor> from;
  for (;;) {
    const auto page = store.list(queue_a, from, 4, test_scribe());
    REQUIRE(page.has_value());
    if (page->empty()) break;
    CHECK(page->size() <= 4);
    seen.insert(seen.end(), page->begin(), page->end());
    from = after(seen.back());
  }
  REQUIRE(seen.size() == placed.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(placed.erase(seen[i].report_id) == 1);
    CHECK((seen[i].report_id == held) == seen[i].lease.has_value());
    if (i == 0) continue;
    const auto key = [](const ReportRow& row) {
      return std::tuple{!row.urgent, row.hour, row.report_id};
    };
    CHECK(key(seen[i - 1]) < key(seen[i]));
  }
}

TEST_CASE("summaries count what waits, what is urgent and what is held") {
  const TestDatabase database;
  TestIntakes intakes{3};
  place(database, intakes, queue_a, 105, false);
  place(database, intakes, queue_a, 104, false);
  place(database, intakes, queue_a, 103, true);
  place(database, intakes, queue_a, 102, true);
  Store store{database.url("ishara_desk")};
  const Id only[] = {queue_a};
  REQUIRE(store.pull(only, amina, 30min, test_scribe()).has_value());  // the urgent one of hour 102

  const Id queues[] = {queue_b, queue_a};
  const auto summaries = store.summaries(queues);
  REQUIRE(summaries.has_value());
  REQUIRE(summaries->size() == 2);
  CHECK((*summaries)[0].queue_id == queue_b);
  CHECK((*summaries)[0].waiting == 0);
  CHECK((*summaries)[1].queue_id == queue_a);
  CHECK((*summaries)[1].waiting == 3);
  CHECK((*summaries)[1].urgent_waiting == 1);
  CHECK((*summaries)[1].held == 1);
  CHECK((*summaries)[1].oldest_hour == 103);
}

TEST_CASE("a lease belongs to its holder until it runs out, then the report is back in its queue") {
  const TestDatabase database;
  TestIntakes intakes{4};
  const auto report = place(database, intakes, queue_a, 100, false);
  Store store{database.url("ishara_desk")};
  const Id queues[] = {queue_a};
  const auto pulled = store.pull(queues, amina, 1min, test_scribe());
  REQUIRE(pulled->has_value());

  CHECK(store.renew(report, bosco, 5min, test_scribe()).error() == errc::lease_lost);
  CHECK(store.release(report, bosco, test_scribe()).error() == errc::lease_lost);
  CHECK(store.close(report, bosco, test_scribe()).error() == errc::lease_lost);
  const auto renewed = store.renew(report, amina, 1h, test_scribe());
  REQUIRE(renewed.has_value());
  CHECK(renewed->until > (*pulled)->lease->until);

  let_leases_run_out(database);
  CHECK(store.renew(report, amina, 1h, test_scribe()).error() == errc::lease_lost);
  CHECK(store.close(report, amina, test_scribe()).error() == errc::lease_lost);
  const auto list = store.list(queue_a, {}, 10, test_scribe());
  REQUIRE(list->size() == 1);
  CHECK_FALSE((*list)[0].lease.has_value());
  const auto taken = store.pull(queues, bosco, 1min, test_scribe());
  REQUIRE(taken->has_value());
  CHECK((*taken)->report_id == report);
  CHECK(store.release(report, amina, test_scribe()).error() == errc::lease_lost);
}

TEST_CASE("a released report can be pulled again, a closed one is gone from its queue") {
  const TestDatabase database;
  TestIntakes intakes{5};
  const auto report = place(database, intakes, queue_a, 100, false);
  Store store{database.url("ishara_desk")};
  const Id queues[] = {queue_a};
  REQUIRE(store.pull(queues, amina, 1min, test_scribe())->has_value());
  REQUIRE(store.release(report, amina, test_scribe()).has_value());
  REQUIRE(store.pull(queues, bosco, 1min, test_scribe())->has_value());
  REQUIRE(store.close(report, bosco, test_scribe()).has_value());
  CHECK_FALSE(store.pull(queues, bosco, 1min, test_scribe())->has_value());
  CHECK(store.list(queue_a, {}, 10, test_scribe())->empty());
  const auto shown = store.show(report);
  REQUIRE(shown.has_value());
  CHECK(shown->row.stage == Stage::closed);
}

TEST_CASE("many caseworkers pulling at once never hold the same report, and none is left") {
  const TestDatabase database;
  TestIntakes intakes{6};
  constexpr int reports = 120, workers = 6;
  for (int i = 0; i < reports; ++i)
    place(database, intakes, i % 2 ? queue_a : queue_b, 100 + static_cast<unsigned>(i % 7),
          i % 5 == 0);
  std::mutex mutex;
  std::vector<Id> pulled;
  {
    std::vector<std::jthread> threads;
    for (std::uint8_t worker = 0; worker < workers; ++worker)
      threads.emplace_back([&, worker] {
        Store store{database.url("ishara_desk")};
        const Id queues[] = {queue_a, queue_b};
        for (;;) {
          const auto got = store.pull(queues, Id{worker}, 30min, test_scribe());
          const std::scoped_lock lock{mutex};
          if (!got || !got->has_value()) break;
          pulled.push_back((*got)->report_id);
        }
      });
  }
  CHECK(pulled.size() == reports);
  CHECK(std::set<Id>(pulled.begin(), pulled.end()).size() == reports);
}

TEST_CASE("show gives the sealed report with its later texts, byte for byte") {
  const TestDatabase database;
  TestIntakes intakes{7};
  const auto report = place(database, intakes, queue_a, 100, true);
  const auto later = intakes.next(queue_a);
  REQUIRE(database.allowed(
      "ishara_gateway",
      "INSERT INTO text (message_id, report_id, queue_id, hour, record, message, wraps) VALUES ('" +
          postgres::parameter(intakes.id()) + "', '" + postgres::parameter(report) + "', '" +
          postgres::parameter(queue_a) + "', 101, '" + postgres::parameter(later.record) + "', '" +
          postgres::parameter(later.message) + "', '" + postgres::parameter(later.wraps) + "')"));
  Store store{database.url("ishara_desk")};
  const auto shown = store.show(report);
  REQUIRE(shown.has_value());
  CHECK(shown->row.urgent);
  CHECK(shown->row.consent_class == 1);
  REQUIRE(shown->texts.size() == 2);
  CHECK(postgres::parameter(shown->texts[0].record) == database.value("SELECT record FROM report"));
  CHECK(shown->texts[1].record == later.record);
  CHECK(shown->texts[1].message == later.message);
  CHECK(shown->texts[1].wraps == later.wraps);
  CHECK(store.show(amina).error() == errc::not_found);
  database.query("UPDATE report SET hidden_until = 200");
  CHECK(store.show(report).error() == errc::not_found);
}

TEST_CASE("roster versions only rise, each issuer by itself") {
  const TestDatabase database;
  Store store{database.url("ishara_desk")};
  const Id root{}, organisation{0x0e};
  const Bytes signature(64, 7);
  CHECK(store.roster(root).error() == errc::not_found);
  REQUIRE(store.put_roster({root, 3, {1, 2}, signature}).has_value());
  CHECK(store.put_roster({root, 3, {9}, signature}).error() == errc::stale_version);
  CHECK(store.put_roster({root, 2, {9}, signature}).error() == errc::stale_version);
  REQUIRE(store.put_roster({organisation, 1, {5}, signature}).has_value());
  REQUIRE(store.put_roster({root, 4, {3, 4}, signature}).has_value());
  CHECK(store.put_roster({root, 5, {3}, Bytes(63)}).error() == errc::refused);

  Store gateway{database.url("ishara_gateway")};
  const auto newest = gateway.roster(root);
  REQUIRE(newest.has_value());
  CHECK(newest->version == 4);
  CHECK(newest->bytes == Bytes{3, 4});
  CHECK(newest->signature == signature);
  const auto all = gateway.rosters();
  REQUIRE(all.has_value());
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].issuer == root);
  CHECK((*all)[1].issuer == organisation);
  CHECK(gateway.put_roster({root, 9, {1}, signature}).error() == errc::schema);
}

TEST_CASE("of rosters put at once each lower version loses against a higher one before it") {
  const TestDatabase database;
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        Store store{database.url("ishara_desk")};
        for (std::uint32_t i = 1; i <= 10; ++i)
          (void)store.put_roster({Id{}, i * 4 + thread, {1}, Bytes(64)});
      });
  }
  // Rows lie in the order in which they were put: nothing was ever deleted here.
  CHECK(database.value("SELECT count(*) FROM (SELECT version < lag(version) OVER (ORDER BY ctid)"
                       " AS fell FROM roster) AS steps WHERE fell") == "0");
}

TEST_CASE("queue grants are found by user, and a new one replaces the old of its generation") {
  const TestDatabase database;
  Store store{database.url("ishara_desk")};
  REQUIRE(store.put_queue_grant({queue_a, amina, 0, Bytes(168, 1)}).has_value());
  REQUIRE(store.put_queue_grant({queue_a, amina, 1, Bytes(168, 2)}).has_value());
  REQUIRE(store.put_queue_grant({queue_b, amina, 0, Bytes(168, 3)}).has_value());
  REQUIRE(store.put_queue_grant({queue_a, bosco, 0, Bytes(168, 4)}).has_value());
  REQUIRE(store.put_queue_grant({queue_a, amina, 1, Bytes(168, 5)}).has_value());
  const auto grants = store.queue_grants(amina);
  REQUIRE(grants.has_value());
  REQUIRE(grants->size() == 3);
  CHECK((*grants)[0].envelope == Bytes(168, 1));
  CHECK((*grants)[1].envelope == Bytes(168, 5));
  CHECK((*grants)[1].generation == 1);
  CHECK((*grants)[2].queue_id == queue_b);
  CHECK(store.put_queue_grant({queue_a, amina, 0, Bytes(167)}).error() == errc::refused);
  CHECK(store.queue_grants(amina)->size() == 3);  // a refused one takes nothing away
}

TEST_CASE("routing versions are stored, activated, rolled back and remembered with who and why") {
  const TestDatabase database;
  Store store{database.url("ishara_desk")};
  CHECK(store.active_routing().error() == errc::not_found);
  const Bytes first{1}, second{2, 2};
  CHECK(store.put_routing(first, {"amina", "first", 20000}).value() == 1);
  CHECK(store.put_routing(second, {"amina", "second", 20001}).value() == 2);
  CHECK(store.active_routing().error() == errc::not_found);
  CHECK(store.activate_routing(3, {"amina", "typo", 20001}).error() == errc::not_found);
  REQUIRE(store.activate_routing(1, {"amina", "go", 20001}).has_value());
  CHECK(store.rollback_routing({"amina", "nothing before", 20001}).error() == errc::not_found);
  REQUIRE(store.activate_routing(2, {"bosco", "better", 20002}).has_value());

  Store gateway{database.url("ishara_gateway")};
  CHECK(gateway.active_routing()->version == 2);
  CHECK(gateway.active_routing()->content == second);
  CHECK(store.rollback_routing({"bosco", "worse", 20003}).value() == 1);
  CHECK(gateway.active_routing()->content == first);
  CHECK(gateway.routing(2)->content == second);
  const auto history = store.routing_history(10);
  REQUIRE(history.has_value());
  REQUIRE(history->size() == 3);
  CHECK((*history)[0].version == 1);
  CHECK((*history)[0].change.who == "bosco");
  CHECK((*history)[0].change.why == "worse");
  CHECK((*history)[0].change.day == 20003);
  CHECK((*history)[2].change.why == "go");
}

TEST_CASE("promote turns a late draft into a report and its address, as they were sealed") {
  const TestDatabase database;
  TestIntakes intakes{8};
  auto late = intakes.next(queue_a);
  late.record[2] = 1;          // class 1
  late.record[3] = 1 | 2 | 4;  // urgent, first, partial
  const auto fresh = intakes.next(queue_b);
  const auto draft = [&](const Intake& intake, const std::string& due, bool address) {
    return database.allowed(
        "ishara_gateway",
        "INSERT INTO draft (draft_id, due, record, message, wraps, retaddr) VALUES ('" +
            postgres::parameter(intakes.id()) + "', " + due + ", '" +
            postgres::parameter(intake.record) + "', '" + postgres::parameter(intake.message) +
            "', '" + postgres::parameter(intake.wraps) + "', " +
            (address ? "'" + postgres::parameter(intake.retaddr) + "'" : "NULL") + ")");
  };
  REQUIRE(draft(late, "floor(extract(epoch FROM now()) / 300)", true));
  REQUIRE(draft(fresh, "floor(extract(epoch FROM now()) / 300) + 3", true));

  Store gateway{database.url("ishara_gateway")};
  CHECK(gateway.promote_drafts().value() == 1);
  CHECK(gateway.promote_drafts().value() == 0);
  CHECK(database.value("SELECT count(*) FROM draft") == "1");

  Store desk{database.url("ishara_desk")};
  CHECK(desk.promote_drafts().value() == 0);
  const auto shown = desk.show(late.report_id);
  REQUIRE(shown.has_value());
  CHECK(shown->row.queue_id == queue_a);
  CHECK(shown->row.hour == late.hour);
  CHECK(shown->row.consent_class == 1);
  CHECK(shown->row.urgent);
  CHECK(shown->texts[0].record == late.record);
  CHECK(shown->texts[0].message == late.message);
  CHECK(shown->texts[0].wraps == late.wraps);
  CHECK(database.value("SELECT retaddr FROM retaddr_inbox") == postgres::parameter(late.retaddr));
  CHECK(database.value("SELECT record FROM retaddr_inbox") == postgres::parameter(late.record));
}

TEST_CASE("a name planted in a schema of the caller's does not run with the rights of promote") {
  const TestDatabase database;
  CHECK(database.value("SELECT string_agg(DISTINCT setting, '|') FROM (SELECT"
                       " (SELECT coalesce(max(s), 'none') FROM unnest(proconfig) AS s"
                       "   WHERE s LIKE 'search_path=%') AS setting FROM pg_proc"
                       "  WHERE prosecdef AND pronamespace = 'public'::regnamespace) AS f") ==
        "search_path=pg_catalog, pg_temp");
}

TEST_CASE("dedupe hashes older than 48 hours go, a small batch at a time") {
  const TestDatabase database;
  database.query(
      "INSERT INTO dedupe SELECT gen_random_uuid(),"
      " floor(extract(epoch FROM now()) / 86400)::integer - 3, 1"
      " FROM generate_series(1, 1500)");
  database.query(
      "INSERT INTO dedupe SELECT gen_random_uuid(),"
      " floor(extract(epoch FROM now()) / 86400)::integer - 2, 1"
      " FROM generate_series(1, 7)");
  Store store{database.url("ishara_gateway")};
  CHECK(store.forget_dedupe().value() == 1000);
  CHECK(store.forget_dedupe().value() == 500);
  CHECK(store.forget_dedupe().value() == 0);
  CHECK(database.value("SELECT count(*) FROM dedupe") == "7");
}

TEST_CASE("a store whose connection was cut serves the next call on a new one") {
  const TestDatabase database;
  Store store{database.url("ishara_desk")};
  REQUIRE(store.rosters().has_value());
  database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE usename = 'ishara_desk' AND datname = current_database()");
  CHECK(store.rosters().has_value());
}

TEST_CASE("an unreachable database is an answer, not an exception") {
  Store store{"postgresql:///ishara?host=/nonexistent&user=ishara_desk"};
  CHECK(store.rosters().error() == errc::unavailable);
  CHECK(store.rosters().error() == errc::unavailable);
}

TEST_CASE("a pool runs calls on its threads and resumes each coroutine on its own executor") {
  const TestDatabase database;
  StorePool pool{database.url("ishara_desk"), 3};
  asio::io_context context;
  const auto here = std::this_thread::get_id();
  int done = 0;
  auto one = [&]() -> asio::awaitable<void> {
    std::thread::id there;
    const auto rosters = co_await pool.call([&there](Store& store) {
      there = std::this_thread::get_id();
      return store.rosters();
    });
    CHECK(rosters.has_value());
    CHECK(there != here);
    CHECK(std::this_thread::get_id() == here);
    ++done;
  };
  for (int i = 0; i < 12; ++i)
    asio::co_spawn(context, one(), [](std::exception_ptr bug) {
      if (bug) std::rethrow_exception(bug);
    });
  context.run();
  CHECK(done == 12);
}

}  // namespace ishara::storage
