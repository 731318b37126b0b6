#include "gateway/intake/joining.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "storage/errc.hpp"

namespace ishara::intake {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

aggregators::Message part(std::uint8_t number, std::uint8_t total, std::string_view text) {
  return {.from = identity::parse_sender("+250788000001", "RW").value(),
          .to = {},
          .text = identity::Text{text},
          .id = crypto::wiped_copy(std::to_string(number)),
          .at = {},
          .part = aggregators::Part{7, total, number}};
}

// Some parts on their way, and what was stored of them, each text with the id that stands for it.
struct Desk {
  explicit Desk(std::chrono::milliseconds patience) : joining{patience} {}

  asio::io_context context;
  Joining joining;
  std::vector<std::string> stored;
  int storing = 0;
  std::optional<storage::errc> fails;
  std::vector<Joining::Outcome> outcomes;

  void spawn(std::uint8_t number, std::uint8_t total, std::string_view text, std::uint16_t of = 1,
             std::uint8_t again = 0) {
    const auto at = outcomes.size();
    outcomes.emplace_back(make_error_code(storage::errc::unavailable));
    const auto high = static_cast<std::uint8_t>(of >> 8), low = static_cast<std::uint8_t>(of & 255);
    asio::co_spawn(
        context,
        one(crypto::Id{high, low}, crypto::Id{high, low, number, again}, part(number, total, text)),
        [this, at](std::exception_ptr error, Joining::Outcome outcome) {
          if (error) std::rethrow_exception(error);
          outcomes[at] = std::move(outcome);
        });
  }
  void run() {
    context.run();
    context.restart();
  }
  std::size_t lines() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        outcomes, [](const auto& outcome) { return outcome && outcome.value().has_value(); }));
  }
  bool all_good() const {
    return std::ranges::all_of(outcomes, [](const auto& outcome) { return outcome.has_value(); });
  }

 private:
  asio::awaitable<Joining::Outcome> one(crypto::Id text, crypto::Id again,
                                        aggregators::Message message) {
    Joining::Store store = [this](aggregators::Message whole) { return keep(std::move(whole)); };
    co_return co_await joining.join(text, again, std::move(message), std::move(store));
  }
  asio::awaitable<Joining::Outcome> keep(aggregators::Message whole) {
    CHECK(whole.part.has_value() == (crypto::view(whole.id) != "1"));
    auto words = whole.text.reveal([](std::string_view text) { return std::string{text}; });
    ++storing;
    for (int i = 0; i < 8; ++i) co_await asio::post(asio::use_awaitable);
    --storing;
    if (fails) co_return make_error_code(*fails);
    stored.push_back(std::string{crypto::view(whole.id)} + ":" + words);
    co_return std::optional<std::string>{"line"};
  }
};

}  // namespace

TEST_CASE("the parts of a text become one in any order, and all have its outcome") {
  std::vector<std::uint8_t> order{1, 2, 3};
  const std::string_view words[] = {"my madam ", "locks me ", "in"};
  do {
    Desk desk{1h};
    for (const auto number : order) desk.spawn(number, 3, words[number - 1u]);
    desk.run();
    CHECK(desk.stored == std::vector<std::string>{"1:my madam locks me in"});
    CHECK(desk.all_good());
    CHECK(desk.lines() == 1);
    CHECK(desk.outcomes.front().value().has_value());
    CHECK(desk.joining.incomplete() == 0);
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("where a part is missing in time, the text says so, and so does the part") {
  struct Row {
    std::vector<std::uint8_t> in_time;
    const char* stored;
  };
  const Row rows[] = {{{1}, "1:a […]"},
                      {{2}, "2:[…] b […]"},
                      {{1, 2}, "1:ab […]"},
                      {{3, 1}, "1:a […] c […]"},
                      {{4, 3}, "3:[…] cd"}};
  const std::string_view words[] = {"a", "b", "c", "d"};
  for (const auto& row : rows) {
    Desk desk{0ms};
    for (const auto number : row.in_time) desk.spawn(number, 4, words[number - 1u]);
    desk.run();
    CHECK(desk.stored == std::vector<std::string>{row.stored});
    CHECK(desk.all_good());
    CHECK(desk.joining.incomplete() == 1);
    // A late one is a text of its own.
    const std::uint8_t late = std::ranges::find(row.in_time, 2) == row.in_time.end() ? 2 : 3;
    desk.spawn(late, 4, words[late - 1u]);
    desk.run();
    REQUIRE(desk.stored.size() == 2);
    CHECK(desk.stored[1] == (late == 2 ? "2:[…] b […]" : "3:[…] c […]"));
  }
}

TEST_CASE("a part that comes twice is there once, meanwhile and afterwards") {
  Desk desk{1h};
  desk.spawn(1, 2, "a");
  desk.spawn(1, 2, "a");
  desk.spawn(2, 2, "b");
  desk.run();
  CHECK(desk.all_good());
  desk.spawn(2, 2, "b");
  desk.spawn(1, 2, "a");
  desk.run();
  CHECK(desk.all_good());
  CHECK(desk.stored == std::vector<std::string>{"1:ab"});
}

TEST_CASE("what could not be stored comes again, every part of it") {
  Desk desk{1h};
  desk.fails = storage::errc::unavailable;
  desk.spawn(2, 2, "b");
  desk.spawn(1, 2, "a");
  desk.run();
  for (const auto& outcome : desk.outcomes) CHECK(outcome.error() == storage::errc::unavailable);
  desk.fails.reset();
  desk.spawn(1, 2, "a");
  desk.spawn(2, 2, "b");
  desk.run();
  CHECK(desk.stored == std::vector<std::string>{"1:ab"});
}

TEST_CASE("parts of two texts stay apart, and a reference may be used again") {
  Desk desk{1h};
  desk.spawn(1, 2, "a", 1);
  desk.spawn(1, 2, "x", 2);
  desk.spawn(2, 2, "y", 2);
  desk.spawn(2, 2, "b", 1);
  desk.run();
  CHECK(desk.stored == std::vector<std::string>{"1:xy", "1:ab"});
}

TEST_CASE("a character that was cut in two is one again") {
  Desk desk{1h};
  desk.spawn(1, 2, "cafe");
  desk.spawn(2, 2, "\xCC\x81!");
  desk.run();
  CHECK(desk.stored == std::vector<std::string>{"1:café!"});
}

TEST_CASE("a part that comes again while its text is being stored waits for that") {
  Desk desk{0ms};
  desk.spawn(1, 3, "a");
  desk.spawn(2, 3, "b");
  while (desk.storing == 0) desk.context.run_one();
  desk.spawn(2, 3, "b");
  desk.spawn(3, 3, "c");  // this one is late
  desk.run();
  CHECK(desk.all_good());
  CHECK(desk.stored == std::vector<std::string>{"1:ab […]", "3:[…] c"});
}

TEST_CASE("another text under the same reference is stored by itself") {
  Desk desk{1h};
  desk.spawn(1, 2, "a");
  desk.spawn(1, 2, "x", 1, 9);
  desk.spawn(2, 2, "b");
  desk.run();
  CHECK(desk.all_good());
  CHECK(std::ranges::count(desk.stored, "1:ab") == 1);
  CHECK(std::ranges::count(desk.stored, "1:x […]") == 1);
}

TEST_CASE("what is longer than any part is whole") {
  Desk desk{1h};
  desk.spawn(1, 2, std::string(1'025, 'a'));
  desk.run();
  CHECK(desk.stored == std::vector<std::string>{"1:" + std::string(1'025, 'a')});
}

TEST_CASE("in a flood of parts no more wait than there is room for, and none is lost") {
  Desk desk{1h};
  constexpr std::uint16_t most = Joining::most_held;
  for (std::uint16_t of = 0; of < most + 5; ++of) desk.spawn(1, 2, "a", of);
  desk.context.poll();
  CHECK(desk.stored == std::vector<std::string>(5, "1:a […]"));
  for (std::uint16_t of = 0; of < most; ++of) desk.spawn(2, 2, "b", of);
  desk.run();
  CHECK(desk.all_good());
  CHECK(std::ranges::count(desk.stored, "1:ab") == most);
}

}  // namespace ishara::intake
