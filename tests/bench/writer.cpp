// How many durable reports a second the group-commit writer reaches by itself, and how long each
// waits, with a fixed number of requests in flight. tests/bench/writer_bench runs it beside
// pgbench.
//
// usage: bench_writer migrate OWNER_URL
//        bench_writer load GATEWAY_URL IN_FLIGHT SECONDS      prints: rate p50_us p99_us batches

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

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
  std::fprintf(stderr,
               "usage: bench_writer migrate OWNER_URL\n"
               "       bench_writer load GATEWAY_URL IN_FLIGHT SECONDS\n");
  return 2;
}
