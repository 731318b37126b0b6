// How many durable reports a second the group-commit writer reaches by itself, and how long each
// waits, with a fixed number of requests in flight. tests/bench/writer_bench runs it beside
// pgbench.
//
// usage: bench_writer migrate OWNER_URL
//        bench_writer load GATEWAY_URL IN_FLIGHT SECONDS      prints: rate p50_us p99_us batches
//        bench_writer drain GATEWAY_URL FOLDER ROWS     spools them as if the database were away
//        and
//                                        drains them; prints the two rates

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "gateway/crypto/primitives.hpp"
#include "storage/durable_sink.hpp"
#include "storage/migrate.hpp"
#include "storage/postgres/test_intake.hpp"
#include "storage/store.hpp"

namespace {

using namespace ishara::storage;
using Clock = std::chrono::steady_clock;

struct Load {
  asio::io_context context;
  TestIntakes intakes{std::random_device{}()};
  Intake pattern = intakes.next(Id{0x0a});
  std::vector<std::uint32_t> waits;  // microseconds
  std::uint64_t failures = 0;
  Clock::time_point end;

  asio::awaitable<void> client(IntakeWriter& writer) {
    do {
      Intake intake = pattern;
      intake.report_id = intakes.id();
      intake.dedupe = intakes.id();
      const auto begin = Clock::now();
      const auto answer = co_await writer.append(std::move(intake));
      failures += !answer;
      waits.push_back(static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count()));
    } while (Clock::now() < end);
  }
};

int load(const char* url, int in_flight, int seconds) {
  Load bench;
  WriterSettings settings;
  settings.url = url;
  IntakeWriter writer{bench.context.get_executor(), settings};
  const auto report = [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  };
  // The first alone: the connection is made and the statement planned.
  bench.end = Clock::now();
  asio::co_spawn(bench.context, bench.client(writer), report);
  while (bench.waits.empty()) bench.context.run_one();
  bench.waits.clear();
  bench.waits.reserve(1 << 20);

  const auto begin = Clock::now();
  const auto before = writer.counters().batches;
  bench.end = begin + std::chrono::seconds{seconds};
  for (int i = 0; i < in_flight; ++i) asio::co_spawn(bench.context, bench.client(writer), report);
  bench.context.run_until(bench.end);
  const std::chrono::duration<double> took = Clock::now() - begin;
  const auto batches = writer.counters().batches - before;
  auto waits = bench.waits;
  asio::co_spawn(bench.context, writer.flush_and_stop(), report);
  bench.context.run();
  if (bench.failures != 0 || waits.empty()) {
    std::fprintf(stderr, "%llu requests failed\n", static_cast<unsigned long long>(bench.failures));
    return 1;
  }
  std::sort(waits.begin(), waits.end());
  std::printf("%.0f %u %u %llu\n", static_cast<double>(waits.size()) / took.count(),
              waits[waits.size() / 2], waits[waits.size() * 99 / 100],
              static_cast<unsigned long long>(batches));
  return 0;
}

// A database that is away until it is told otherwise.
class Switched final : public IntakeSink {
 public:
  explicit Switched(IntakeSink& database) : database_{database} {}
  bool away = true;
  asio::awaitable<result<Appended>> append(Intake intake) override {
    if (away) co_return errc::unavailable;
    co_return co_await database_.append(std::move(intake));
  }
  asio::awaitable<result<Appended>> append(LaterText text) override {
    co_return co_await database_.append(std::move(text));
  }

 private:
  IntakeSink& database_;
};

int drain(const char* url, const char* folder, std::uint64_t rows) {
  ishara::crypto::start();
  asio::io_context context;
  WriterSettings settings;
  settings.url = url;
  IntakeWriter writer{context.get_executor(), settings};
  Switched database{writer};
  SpoolSettings spool;
  spool.folder = folder;
  spool.hash = [](std::span<const std::uint8_t> bytes) { return ishara::crypto::hash16({bytes}); };
  DurableSink sink{context.get_executor(), database,
                   [&] { return !database.away && writer.connected(); }, spool};
  const auto report = [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  };
  const auto until = [&](auto condition) {
    const auto begin = Clock::now();
    while (!condition()) context.run_one();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  TestIntakes intakes{std::random_device{}()};
  const Intake pattern = intakes.next(Id{0x0a});
  constexpr int in_flight = 256;
  std::uint64_t answered = 0;
  const auto client = [&]() -> asio::awaitable<void> {
    for (std::uint64_t i = 0; i < rows / in_flight; ++i) {
      Intake intake = pattern;
      intake.report_id = intakes.id();
      intake.dedupe = intakes.id();
      const auto answer = co_await sink.append(std::move(intake));
      answered += answer ? 1 : 0;
    }
  };
  for (int i = 0; i < in_flight; ++i) asio::co_spawn(context, client(), report);
  const auto all = rows / in_flight * in_flight;
  const auto spooling = until([&] { return answered == all; });
  until([&] { return writer.connected(); });
  database.away = false;
  const auto draining = until([&] { return sink.counters().waiting == 0; });
  std::printf("%.0f %.0f\n", static_cast<double>(all) / spooling,
              static_cast<double>(all) / draining);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string verb = count > 1 ? arguments[1] : "";
  if (verb == "migrate" && count == 3) {
    const auto migrated = blocking::migrate(arguments[2]);
    if (!migrated) std::fprintf(stderr, "%s\n", migrated.error().message().c_str());
    return migrated ? 0 : 1;
  }
  if (verb == "load" && count == 5)
    return load(arguments[2], std::atoi(arguments[3]), std::atoi(arguments[4]));
  if (verb == "drain" && count == 5)
    return drain(arguments[2], arguments[3], static_cast<std::uint64_t>(std::atoll(arguments[4])));
  std::fprintf(stderr,
               "usage: bench_writer migrate OWNER_URL\n"
               "       bench_writer drain GATEWAY_URL FOLDER ROWS\n"
               "       bench_writer load GATEWAY_URL IN_FLIGHT SECONDS\n");
  return 2;
}
