#include "gateway/intake/health.hpp"

#include <doctest/doctest.h>

#include "gateway/log/captured.hpp"

namespace ishara::intake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Time = Health::Time;

constexpr Time start{seconds{1'800'000'000}};  // a full hour

config::Channels channels(std::vector<std::pair<std::uint8_t, std::string>> named,
                          std::optional<hours> silent_after = {}) {
  std::vector<config::Channel> all;
  for (auto& [number, name] : named) {
    config::Channel one;
    one.number = number;
    one.name = name;
    one.silent_after = silent_after;
    all.push_back(std::move(one));
  }
  return config::Channels{std::move(all)};
}

TEST_CASE("the figures of a channel are what was told of it") {
  Health health;
  health.know(channels({{1, "a"}, {2, "b"}}), start);
  health.text(1, start + minutes{59});
  health.add(1, Sum::forbidden);
  health.add(2, Sum::undelivered);
  const auto figures = health.figures(start + minutes{59});
  REQUIRE(figures.size() == 2);
  CHECK(figures.at("a").of(Sum::texts) == 1);
  CHECK(figures.at("a").of(Sum::forbidden) == 1);
  CHECK(figures.at("a").last_text == 1'800'000'000);  // no finer than its hour
  CHECK(figures.at("b").of(Sum::texts) == 0);
  CHECK(figures.at("b").of(Sum::undelivered) == 1);
  CHECK(figures.at("b").last_text == 0);
}

TEST_CASE("of the last hour are the requests of the last hour, in steps of ten minutes") {
  Health health;
  health.know(channels({{1, "a"}}), start);
  const auto at = [&health](Time now) {
    const auto figures = health.figures(now);
    return std::pair{figures.at("a").failed, figures.at("a").requests};
  };
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  CHECK(at(start) == Pair{0, 0});
  for (int i = 0; i < 120; ++i) health.answered(1, i < 3, {}, start + seconds{i});
  CHECK(at(start + minutes{2}) == Pair{3, 120});
  CHECK(at(start + minutes{59}) == Pair{3, 120});
  CHECK(at(start + minutes{60}) == Pair{0, 0});
  // The place of what is too old is taken by what is new.
  health.answered(1, true, {}, start + minutes{65});
  CHECK(at(start + minutes{65}) == Pair{1, 1});
  CHECK(at(start + hours{1000}) == Pair{0, 0});
}

TEST_CASE("an answer is late after three seconds") {
  Health health;
  health.know(channels({{1, "a"}}), start);
  health.answered(1, false, seconds{3}, start);
  CHECK(health.figures(start).at("a").of(Sum::late) == 0);
  health.answered(1, false, std::chrono::milliseconds{3001}, start);
  CHECK(health.figures(start).at("a").of(Sum::late) == 1);
}

TEST_CASE("a channel keeps its figures while it keeps number and name") {
  Health health;
  health.know(channels({{1, "a"}, {2, "b"}}), start);
  health.text(1, start);
  health.text(2, start);
  health.know(channels({{1, "a"}, {2, "other"}, {3, "c"}}), start);
  auto figures = health.figures(start);
  CHECK(figures.at("a").of(Sum::texts) == 1);
  CHECK(figures.at("other").of(Sum::texts) == 0);
  CHECK(figures.count("b") == 0);
  health.know(channels({{3, "c"}}), start);
  health.text(1, start);  // a request of a channel that is being removed
  CHECK(health.figures(start).size() == 1);
}

TEST_CASE("a silent channel is told of once, until it has had a text") {
  log::CapturedLog log;
  const auto told = [&log] { return log.lines().size(); };
  Health health;
  health.know(channels({{7, "a"}}, hours{26}), start);
  health.text(7, start + minutes{30});
  health.listen(start + hours{27} - seconds{1});
  CHECK(told() == 0);
  CHECK_FALSE(health.figures(start).at("a").is_silent);
  health.listen(start + hours{27});
  health.listen(start + hours{28});
  CHECK(told() == 1);
  CHECK(log.has(log::Event::channel_silent));
  CHECK(log.lines().front().find("channel=7 hours=26") != std::string::npos);
  CHECK(health.figures(start).at("a").is_silent);
  // Files that are read again change nothing of that.
  health.know(channels({{7, "a"}}, hours{26}), start + hours{28});
  CHECK(health.figures(start).at("a").is_silent);

  health.text(7, start + hours{29});
  CHECK_FALSE(health.figures(start).at("a").is_silent);
  health.listen(start + hours{55});
  CHECK(told() == 1);
  health.listen(start + hours{56});
  CHECK(told() == 2);

  // Nobody waits any more.
  health.know(channels({{7, "a"}}), start + hours{57});
  CHECK_FALSE(health.figures(start).at("a").is_silent);
  health.listen(start + hours{1000});
  CHECK(told() == 2);
}

TEST_CASE("without a text silence begins when the channel becomes known") {
  log::CapturedLog log;
  Health health;
  health.know(channels({{7, "a"}}, hours{2}), start);
  health.listen(start + hours{2});
  CHECK_FALSE(health.figures(start).at("a").is_silent);
  health.listen(start + hours{3});
  CHECK(health.figures(start).at("a").is_silent);
}

TEST_CASE("what the metrics say of channels is read as it was") {
  Health health;
  health.know(channels({{1, "2020-mtn"}, {2, "b_b"}}, hours{1}), start);
  for (std::uint8_t sum = 0; sum < sums; ++sum)
    for (std::uint8_t times = 0; times <= sum; ++times) health.add(1, static_cast<Sum>(sum));
  health.text(1, start);
  health.answered(1, true, seconds{4}, start);
  health.answered(1, false, {}, start);
  log::CapturedLog log;
  health.listen(start + hours{5});
  const auto figures = health.figures(start);
  const auto text = channel_metrics(figures);
  CHECK(text.find("# TYPE ishara_channel_texts_total counter\n"
                  "ishara_channel_texts_total{channel=\"2020-mtn\"} 2\n"
                  "ishara_channel_texts_total{channel=\"b_b\"} 0\n") != std::string::npos);
  const auto again = read_channel_metrics("# TYPE other counter\nother 7\n" + text);
  REQUIRE(again.size() == 2);
  for (const auto& [name, health_of] : figures) {
    CAPTURE(name);
    const auto& read = again.at(name);
    CHECK(read.total == health_of.total);
    CHECK(read.requests == health_of.requests);
    CHECK(read.failed == health_of.failed);
    CHECK(read.last_text == health_of.last_text);
    CHECK(read.is_silent == health_of.is_silent);
  }
  CHECK(again.at("2020-mtn").is_silent);
  CHECK(channel_metrics({}).empty());
}

TEST_CASE("metrics that are none of ours say nothing") {
  for (const auto* text :
       {"", "\n", "ishara_channel_texts_total 1\n",
        "ishara_channel_texts_total{channel=\"a\"} -1\n",
        "ishara_channel_texts_total{channel=\"a\"} 1x\n", "ishara_channel_texts_total{channel=\"a",
        "other{channel=\"a\"} 1\n", "ishara_channel_texts_total\"} {channel=\"a 1\n"}) {
    CAPTURE(text);
    CHECK(read_channel_metrics(text).empty());
  }
}

}  // namespace
}  // namespace ishara::intake
