#include "gateway/identity/same_sender.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "gateway/identity/statement.hpp"
#include "tests/support/deployment.hpp"

namespace ishara::identity {
namespace {

constexpr std::uint32_t hour = 500'000;

// Two reports of the helpers, and the relay's word that they have one sender.
struct Pair {
  struct Report {
    crypto::Id id = crypto::random_bytes<16>();
    IntakeBytes first{};
    std::vector<StatementBytes> since{};

    std::vector<crypto::View> views() const { return {since.begin(), since.end()}; }
  };

  test::Deployment deployment;
  Report shown;
  Report other;
  SameSender content;
  SameSenderBytes link{};
  std::uint32_t hour_now = hour + 1;

  Pair() {
    for (auto* report : {&shown, &other}) report->first = intake(*report, deployment.helpers.id);
    content = {hour, {shown.id, other.id}, deployment.helpers.id};
    sign();
  }
  IntakeBytes intake(const Report& report, const crypto::Id& queue) const {
    IntakeRecord record;
    record.first = true;
    record.hour = hour;
    record.report_id = report.id;
    record.queue_id = queue;
    return sign_intake(record, deployment.gateway);
  }
  void sign() { link = sign_same_sender(content, deployment.relay); }
  void give(Report& report) {
    report.since.push_back(sign_statement({.type = StatementType::transfer,
                                           .hour = hour,
                                           .report_id = report.id,
                                           .from_queue = deployment.helpers.id,
                                           .to_queue = deployment.others.id,
                                           .previous = origin_of(report.first)},
                                          deployment.helpers.caseworker));
  }
  void withdraw(Report& report, bool with_ref) {
    report.since.push_back(sign_statement({.type = StatementType::withdraw,
                                           .with_ref = with_ref,
                                           .hour = hour,
                                           .report_id = report.id,
                                           .previous = origin_of(report.first)},
                                          deployment.relay));
  }
  boost::system::result<crypto::Id> read() const {
    const auto views = shown.views();
    const auto owned = ownership(shown.id, shown.first, views, deployment.directory).value();
    const auto others = other.views();
    return same_sender_as(shown.id, owned, link, {other.first, others}, deployment.directory,
                          hour_now);
  }
};

}  // namespace

TEST_CASE("two reports of one owner are told of each other, from either side") {
  Pair pair;
  CHECK(pair.read().value() == pair.other.id);
  std::swap(pair.shown, pair.other);
  CHECK(pair.read().value() == pair.other.id);
  const auto read = verify_same_sender(pair.link, pair.deployment.relay.public_key).value();
  CHECK(read.hour == hour);
  CHECK(read.queue == pair.deployment.helpers.id);
  CHECK(std::ranges::is_sorted(read.reports));
}

TEST_CASE("nothing is told across owners, nor of what was taken back, nor after eleven days") {
  struct Row {
    const char* name;
    std::function<void(Pair&)> change;
  };
  const Row rows[]{
      {"the other was given away", [](Pair& pair) { pair.give(pair.other); }},
      {"this one was given away", [](Pair& pair) { pair.give(pair.shown); }},
      {"both were given to the same queue",
       [](Pair& pair) {
         pair.give(pair.shown);
         pair.give(pair.other);
       }},
      {"the other never was with this queue",
       [](Pair& pair) { pair.other.first = pair.intake(pair.other, pair.deployment.others.id); }},
      {"neither was with the queue that it is for",
       [](Pair& pair) {
         pair.content.queue = pair.deployment.others.id;
         pair.sign();
       }},
      {"the other was taken back with its ref",
       [](Pair& pair) { pair.withdraw(pair.other, true); }},
      {"the other was taken back by number", [](Pair& pair) { pair.withdraw(pair.other, false); }},
      {"this one was taken back", [](Pair& pair) { pair.withdraw(pair.shown, false); }},
      {"too old", [](Pair& pair) { pair.hour_now = hour + same_sender_hours; }},
      {"signed by a gateway",
       [](Pair& pair) { pair.link = sign_same_sender(pair.content, pair.deployment.gateway); }},
      {"signed by a member",
       [](Pair& pair) {
         pair.link = sign_same_sender(pair.content, pair.deployment.helpers.caseworker);
       }},
      {"signed by a relay after its end",
       [](Pair& pair) {
         pair.deployment.root.services.at(1).until = hour - 1;
         pair.deployment.directory = pair.deployment.verified().value();
       }},
      {"of two other reports",
       [](Pair& pair) {
         pair.content.reports = {crypto::Id{1}, crypto::Id{2}};
         pair.sign();
       }},
      {"with the record of a third report",
       [](Pair& pair) {
         const Pair::Report third;
         pair.other.first = pair.intake(third, pair.deployment.helpers.id);
       }},
      {"with no record of a gateway", [](Pair& pair) { pair.other.first.fill(0); }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Pair pair;
    REQUIRE(pair.read().has_value());
    row.change(pair);
    CHECK_FALSE(pair.read().has_value());
  }
  Pair last_hour;
  last_hour.hour_now = hour + same_sender_hours - 1;
  CHECK(last_hour.read().has_value());
}

TEST_CASE("every changed bit and every other length is refused (P10)") {
  const Pair pair;
  const auto& key = pair.deployment.relay.public_key;
  REQUIRE(verify_same_sender(pair.link, key).has_value());
  for (std::size_t bit = 0; bit < 8 * same_sender_size; ++bit) {
    auto changed = pair.link;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    CHECK_FALSE(verify_same_sender(changed, key).has_value());
  }
  crypto::Bytes longer(pair.link.begin(), pair.link.end());
  longer.push_back(0);
  CHECK_FALSE(verify_same_sender(longer, key).has_value());
  for (std::size_t size = 0; size < same_sender_size; ++size)
    CHECK_FALSE(verify_same_sender(crypto::View{pair.link}.first(size), key).has_value());
}

TEST_CASE("what is signed under another domain, or out of its form, is no word of the relay") {
  Pair pair;
  const auto& relay = pair.deployment.relay;
  const auto read = [&](std::string_view domain, std::function<void(crypto::Bytes&)> change) {
    crypto::Bytes bytes(pair.link.begin(), pair.link.end() - 64);
    change(bytes);
    const auto signature = crypto::sign(domain, {bytes}, relay);
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    return verify_same_sender(bytes, relay.public_key).has_value();
  };
  CHECK(read("ishara/v1/same", [](auto&) {}));
  CHECK_FALSE(read("ishara/v1/stmt", [](auto&) {}));
  CHECK_FALSE(read("ishara/v1/same", [](auto& bytes) { bytes[0] = 2; }));
  CHECK_FALSE(read("ishara/v1/same", [](auto& bytes) { bytes[1] = 8; }));
  CHECK_FALSE(read("ishara/v1/same", [](auto& bytes) { bytes[3] = 1; }));
  CHECK_FALSE(read("ishara/v1/same", [](auto& bytes) {
    std::swap_ranges(bytes.begin() + 8, bytes.begin() + 24, bytes.begin() + 24);
  }));
  CHECK_FALSE(read("ishara/v1/same",
                   [](auto& bytes) { std::copy_n(bytes.begin() + 8, 16, bytes.begin() + 24); }));
}

}  // namespace ishara::identity
