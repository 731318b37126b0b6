#include "gateway/identity/ownership.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>

#include "gateway/identity/audit.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/statement.hpp"
#include "tests/support/deployment.hpp"

namespace ishara::identity {
namespace {

using Queue = test::Deployment::Queue;
constexpr std::uint32_t hour = 500'000;

// A report of the helpers, to which a test adds statements.
struct Case {
  explicit Case(const test::Deployment& where, std::uint8_t consent_class = 0)
      : deployment{where}, first{intake(consent_class)}, last{origin_of(first)} {}

  IntakeBytes intake(std::uint8_t consent_class) const {
    IntakeRecord record;
    record.consent_class = consent_class;
    record.first = true;
    record.hour = hour;
    record.report_id = report_id;
    record.queue_id = deployment.helpers.id;
    return sign_intake(record, deployment.gateway);
  }
  Statement transfer(const Queue& from, const Queue& to) const {
    return {.type = StatementType::transfer,
            .hour = hour + 1,
            .report_id = report_id,
            .from_queue = from.id,
            .to_queue = to.id,
            .previous = last};
  }
  // Signed by the giving queue's caseworker; the next one follows it.
  void give(const Queue& from, const Queue& to, bool keeps = false) {
    auto statement = transfer(from, to);
    statement.keeps_wraps = keeps;
    last = statement_hash(add(statement, from.caseworker));
  }
  void consent(std::uint8_t consent_class, std::uint32_t at) {
    add({.type = StatementType::consent,
         .consent_class = consent_class,
         .hour = at,
         .report_id = report_id,
         .previous = origin_of(first)},
        deployment.gateway);
  }
  void withdraw(bool with_ref, std::uint32_t at) {
    add({.type = StatementType::withdraw,
         .with_ref = with_ref,
         .hour = at,
         .report_id = report_id,
         .previous = origin_of(first)},
        deployment.relay);
  }
  crypto::View add(const Statement& statement, const crypto::SigningKey& signer) {
    return statements.emplace_back(sign_statement(statement, signer));
  }
  std::vector<crypto::View> views() const { return {statements.begin(), statements.end()}; }
  Ownership now() const {
    return ownership(report_id, first, views(), deployment.directory).value();
  }

  const test::Deployment& deployment;
  crypto::Id report_id = crypto::random_bytes<16>();
  IntakeBytes first;
  crypto::Id last;
  std::deque<StatementBytes> statements;  // the views stay good
};

const test::Deployment& deployment() {
  static const test::Deployment out;
  return out;
}

TEST_CASE("without statements a report is owned as its first intake says") {
  const auto& d = deployment();
  const Case report{d};
  const auto now = report.now();
  CHECK(now.owner == d.helpers.id);
  CHECK(now.origin == origin_of(report.first));
  CHECK(now.last == now.origin);
  CHECK(now.consent_class == 0);
  CHECK(now.proof.empty());
  CHECK(now.kept.empty());
  CHECK_FALSE(now.withdrawn.has_value());
  CHECK_FALSE(now.forked);
}

TEST_CASE("transfers form a chain, whatever the order in which they are read (P12)") {
  const auto& d = deployment();
  Case report{d};
  report.give(d.helpers, d.others, true);
  report.give(d.others, d.helpers);
  report.give(d.helpers, d.others, true);
  const auto views = report.views();
  std::array<std::size_t, 3> order{0, 1, 2};
  do {
    const std::vector<crypto::View> read{views[order[0]], views[order[1]], views[order[2]]};
    const auto now = ownership(report.report_id, report.first, read, d.directory).value();
    CHECK(now.owner == d.others.id);
    CHECK(now.kept == std::vector{d.helpers.id});
    CHECK(now.last == report.last);
    CHECK_FALSE(now.forked);
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("a queue that gets a report back, or gives it without keeping it, keeps nothing") {
  const auto& d = deployment();
  Case report{d};
  report.give(d.helpers, d.others, true);
  CHECK(report.now().kept == std::vector{d.helpers.id});
  report.give(d.others, d.helpers);
  CHECK(report.now().kept.empty());
  report.give(d.helpers, d.others);
  CHECK(report.now().kept.empty());
}

TEST_CASE("statements that do not verify or do not fit are as if they were not there (P12)") {
  const auto& d = deployment();
  struct Row {
    const char* what;
    std::function<void(Case&)> plant;
  };
  const auto stranger = crypto::signing_key(crypto::random_secret<32>());
  const std::vector<Row> rows{
      {"signed by a stranger", [&](Case& c) { c.add(c.transfer(d.helpers, d.others), stranger); }},
      {"signed by a member of the receiving queue",
       [&](Case& c) { c.add(c.transfer(d.helpers, d.others), d.others.caseworker); }},
      {"signed by an auditor of the queue",
       [&](Case& c) { c.add(c.transfer(d.helpers, d.others), d.helpers.auditor); }},
      {"signed by a gateway", [&](Case& c) { c.add(c.transfer(d.helpers, d.others), d.gateway); }},
      {"from a queue that does not own it",
       [&](Case& c) { c.add(c.transfer(d.others, d.helpers), d.others.caseworker); }},
      {"to a queue that no roster names",
       [&](Case& c) { c.add(c.transfer(d.helpers, Queue{}), d.helpers.caseworker); }},
      {"to the police in class 0",
       [&](Case& c) { c.add(c.transfer(d.helpers, d.police), d.helpers.caseworker); }},
      {"of another report",
       [&](Case& c) {
         auto statement = c.transfer(d.helpers, d.others);
         statement.report_id = crypto::random_bytes<16>();
         c.add(statement, d.helpers.caseworker);
       }},
      {"after something that never was",
       [&](Case& c) {
         auto statement = c.transfer(d.helpers, d.others);
         statement.previous = crypto::random_bytes<16>();
         c.add(statement, d.helpers.caseworker);
       }},
      {"a transfer of another report with the same queues, and the report swapped in its bytes",
       [&](Case& c) {
         Case other{d};
         other.give(d.helpers, d.others);
         auto bytes = other.statements.back();
         std::ranges::copy(c.report_id, bytes.begin() + 8);
         c.statements.push_back(bytes);
       }},
      {"repointed to another queue after it was signed",
       [&](Case& c) {
         StatementBytes bytes =
             sign_statement(c.transfer(d.helpers, d.police), d.helpers.caseworker);
         std::ranges::copy(d.others.id, bytes.begin() + 40);
         c.statements.push_back(bytes);
       }},
      {"a consent that a caseworker signed",
       [&](Case& c) {
         c.add({.type = StatementType::consent,
                .consent_class = 1,
                .hour = hour,
                .report_id = c.report_id,
                .previous = origin_of(c.first)},
               d.helpers.caseworker);
       }},
      {"a consent that the relay signed",
       [&](Case& c) {
         c.add({.type = StatementType::consent,
                .consent_class = 1,
                .hour = hour,
                .report_id = c.report_id,
                .previous = origin_of(c.first)},
               d.relay);
       }},
      {"a consent to another first intake",
       [&](Case& c) {
         c.add({.type = StatementType::consent,
                .consent_class = 1,
                .hour = hour,
                .report_id = c.report_id,
                .previous = crypto::random_bytes<16>()},
               d.gateway);
       }},
      {"a withdrawal that a gateway signed",
       [&](Case& c) {
         c.add({.type = StatementType::withdraw,
                .hour = hour,
                .report_id = c.report_id,
                .previous = origin_of(c.first)},
               d.gateway);
       }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Case report{d};
    row.plant(report);
    const auto now = report.now();
    CHECK(now.owner == d.helpers.id);
    CHECK(now.consent_class == 0);
    CHECK_FALSE(now.withdrawn.has_value());
    CHECK(now.last == now.origin);
  }
}

TEST_CASE("of two transfers that continue the same one the earlier counts, and it is flagged") {
  const auto& d = deployment();
  Case report{d, 1};
  auto late = report.transfer(d.helpers, d.police);
  late.hour = hour + 9;
  report.add(late, d.helpers.caseworker);
  report.give(d.helpers, d.others);
  const auto now = report.now();
  CHECK(now.owner == d.others.id);
  CHECK(now.forked);
  // The same row twice is no fork.
  Case twice{d};
  twice.give(d.helpers, d.others);
  twice.statements.push_back(twice.statements.back());
  CHECK_FALSE(twice.now().forked);
}

TEST_CASE("who has left moves no report, but what she gave away stays if it is listed") {
  test::Deployment d;
  Case report{d};
  const auto given = report.transfer(d.helpers, d.others);
  const auto hash = statement_hash(report.add(given, d.helpers.caseworker));
  REQUIRE(report.now().owner == d.others.id);

  // Her signing key is what others may still check; she works for no queue.
  auto& roster = d.organisations[0];
  const auto left = [&](std::vector<crypto::Id> transfers) {
    roster.former = {{roster.members[0].id, roster.members[0].signing_key}};
    roster.members.erase(roster.members.begin());
    roster.transfers = std::move(transfers);
    d.directory = d.verified().value();
  };
  SUBCASE("not listed, it falls back to where it was") {
    left({});
    CHECK(report.now().owner == d.helpers.id);
  }
  SUBCASE("listed, it counts") {
    left({hash});
    CHECK(report.now().owner == d.others.id);
    CHECK(report.now().last == hash);
    SUBCASE("and no other does, whatever hour she wrote into it") {
      Case another{d};
      auto backdated = another.transfer(d.helpers, d.others);
      backdated.hour = hour;
      another.add(backdated, d.helpers.caseworker);
      CHECK(another.now().owner == d.helpers.id);
    }
  }
  SUBCASE("listed by another organisation, it does not") {
    left({});
    d.organisations[1].transfers = {hash};
    d.directory = d.verified().value();
    CHECK(report.now().owner == d.helpers.id);
  }
  SUBCASE("listed, but nobody of the organisation ever signed it") {
    Case planted{d};
    const auto stranger = crypto::signing_key(crypto::random_secret<32>());
    const auto bytes = planted.add(planted.transfer(d.helpers, d.others), stranger);
    left({statement_hash(bytes)});
    CHECK(planted.now().owner == d.helpers.id);
  }
  SUBCASE("she stays, but works for the queue no more") {
    roster.members[0].roles = {"auditor"};
    d.directory = d.verified().value();
    CHECK(report.now().owner == d.helpers.id);
    roster.transfers = {hash};
    d.directory = d.verified().value();
    CHECK(report.now().owner == d.others.id);
  }
}

TEST_CASE("retired queues own and give away as they did, and those of the police stay police") {
  test::Deployment d;
  for (auto& organisation : d.organisations) organisation.queues[0].retired = true;
  d.directory = d.verified().value();
  Case report{d};
  report.give(d.helpers, d.others);
  CHECK(report.now().owner == d.others.id);
  report.give(d.others, d.police);
  CHECK(report.now().owner == d.others.id);
  report.consent(1, hour);
  CHECK(report.now().owner == d.police.id);
  report.consent(0, hour + 1);
  CHECK(report.now().owner == d.others.id);
}

TEST_CASE("what a service signs counts up to the hour in which it ended") {
  test::Deployment d;
  const auto end_all = [&](std::uint32_t until) {
    for (auto& service : d.root.services) service.until = until;
    d.directory = d.verified().value();
  };
  end_all(hour);
  Case report{d};
  report.consent(1, hour);
  report.withdraw(false, hour);
  CHECK(report.now().consent_class == 1);
  CHECK(report.now().withdrawn.has_value());
  SUBCASE("a consent and a withdrawal from after it are as if they were not there") {
    Case late{d};
    late.consent(1, hour + 1);
    late.withdraw(false, hour + 1);
    CHECK(late.now().consent_class == 0);
    CHECK_FALSE(late.now().withdrawn.has_value());
    CHECK_FALSE(shows_police_consent(late.views()[0], late.report_id, d.directory));
  }
  SUBCASE("nor is an intake one") {
    end_all(hour - 1);
    CHECK_FALSE(verify_intake(report.first, d.directory).has_value());
    CHECK_FALSE(ownership(report.report_id, report.first, report.views(), d.directory).has_value());
  }
  SUBCASE("an epoch must have begun by then, and a checkpoint must have been set") {
    constexpr std::uint64_t second = std::uint64_t{hour} * 3600;
    for (const auto at : {second + 3599, second + 3600}) {
      CAPTURE(at);
      const bool counts = at < second + 3600;
      EpochAnnouncement epoch;
      epoch.not_before = at;
      epoch.not_after = at + 604'800;
      epoch.key = crypto::box_key().public_key;
      CHECK(verify_epoch(sign_epoch(epoch, d.relay), d.directory).has_value() == counts);
      const Checkpoint checkpoint{.seq = 1, .time = at};
      CHECK(verify_checkpoint(sign_checkpoint(checkpoint, d.relay), d.directory).has_value() ==
            counts);
    }
  }
}

TEST_CASE("a second first intake of a report gets none of the statements of the first (P12)") {
  const auto& d = deployment();
  Case report{d};
  report.give(d.helpers, d.others);
  report.consent(1, hour);
  report.withdraw(true, hour);
  IntakeRecord record = verify_intake(report.first, d.directory).value();
  record.hour += 1;
  const auto second = sign_intake(record, d.gateway);
  const auto now = ownership(report.report_id, second, report.views(), d.directory).value();
  CHECK(now.origin != origin_of(report.first));  // what the relay has pinned
  CHECK(now.owner == d.helpers.id);
  CHECK(now.consent_class == 0);
  CHECK_FALSE(now.withdrawn.has_value());
}

TEST_CASE("what is not the signed first intake of this report is refused (P12)") {
  const auto& d = deployment();
  const Case report{d};
  const auto refused = [&](const crypto::Id& id, crypto::View first) {
    return ownership(id, first, {}, d.directory).error() == envelope_errc::refused;
  };
  CHECK(refused(crypto::random_bytes<16>(), report.first));
  auto class_changed = report.first;
  class_changed[2] = 1;
  CHECK(refused(report.report_id, class_changed));
  IntakeRecord record = verify_intake(report.first, d.directory).value();
  const auto with = [&](auto change, const crypto::SigningKey& key) {
    auto changed = record;
    change(changed);
    return sign_intake(changed, key);
  };
  CHECK(refused(report.report_id, with([](auto& r) { r.first = false; }, d.gateway)));
  CHECK(refused(report.report_id, with([](auto&) {}, d.relay)));
  CHECK(refused(report.report_id, with([&](auto& r) { r.queue_id = d.police.id; }, d.gateway)));
  CHECK(refused(report.report_id, with([&](auto& r) { r.queue_id = r.report_id; }, d.gateway)));
}

TEST_CASE("the latest consent counts, and within an hour its withdrawal") {
  const auto& d = deployment();
  struct Row {
    std::uint8_t first;
    std::vector<std::pair<std::uint8_t, std::uint32_t>> consents;  // class, hour
    std::uint8_t expected;
  };
  for (const Row& row :
       {Row{1, {}, 1}, Row{0, {{1, 0}}, 1}, Row{1, {{0, 0}}, 0}, Row{0, {{1, 5}, {0, 5}}, 0},
        Row{0, {{0, 4}, {1, 5}}, 1}, Row{0, {{1, 5}, {0, 6}, {1, 4}}, 0}}) {
    Case report{d, row.first};
    for (const auto& [consent_class, at] : row.consents) report.consent(consent_class, hour + at);
    auto views = report.views();
    for (int i = 0; i < 2; ++i) {
      const auto now = ownership(report.report_id, report.first, views, d.directory).value();
      CHECK(now.consent_class == row.expected);
      CHECK(now.proof.empty() == (row.expected == 0));
      if (row.expected == 1) CHECK(shows_police_consent(now.proof, report.report_id, d.directory));
      std::ranges::reverse(views);
    }
  }
}

TEST_CASE("a report goes to the police in class 1 only, and comes back when that is withdrawn") {
  const auto& d = deployment();
  Case report{d, 1};
  report.give(d.helpers, d.others, true);
  report.give(d.others, d.police);
  CHECK(report.now().owner == d.police.id);
  report.consent(0, hour + 5);
  auto now = report.now();
  CHECK(now.owner == d.others.id);
  CHECK(now.kept == std::vector{d.helpers.id});
  // The queue before the police gives it on; so it stays if the reporter agrees again.
  report.give(d.others, d.helpers);
  CHECK(report.now().owner == d.helpers.id);
  report.consent(1, hour + 6);
  CHECK(report.now().owner == d.helpers.id);
}

TEST_CASE("in class 1 the queue before the police cannot take a report back") {
  const auto& d = deployment();
  Case report{d, 1};
  report.give(d.helpers, d.police, true);
  report.add(report.transfer(d.helpers, d.others), d.helpers.caseworker);
  CHECK(report.now().owner == d.police.id);
  CHECK(report.now().kept == std::vector{d.helpers.id});
}

TEST_CASE("a withdrawal with the ref wins over one by number, the first of a kind over the next") {
  const auto& d = deployment();
  Case report{d};
  report.withdraw(false, hour + 3);
  report.withdraw(false, hour + 2);
  CHECK_FALSE(report.now().withdrawn->with_ref);
  CHECK(report.now().withdrawn->hour == hour + 2);
  report.withdraw(true, hour + 7);
  CHECK(report.now().withdrawn->with_ref);
  CHECK(report.now().withdrawn->hour == hour + 7);
}

TEST_CASE("no order of signed statements gives a class 0 report to the police (P15)") {
  const auto& d = deployment();
  const std::array<const Queue*, 3> queues{&d.helpers, &d.others, &d.police};
  std::mt19937 random{15};  // the same walk each time, so that a failure can be looked at
  for (int run = 0; run < 300; ++run) {
    CAPTURE(run);
    Case report{d};
    bool police = false;  // whether class 1 counts at the end
    for (int step = 0; step < 6; ++step) {
      const auto& from = *queues[random() % 3];
      const auto& to = *queues[random() % 3];
      if (&from != &to && random() % 4 != 0) report.give(from, to, random() % 2 == 0);
      if (run % 3 != 0 && random() % 4 == 0) {
        police = random() % 2 == 0;
        report.consent(police, hour + static_cast<std::uint32_t>(step));
      }
    }
    const auto now = report.now();
    CHECK(now.consent_class == police);
    if (police) continue;
    CHECK(now.owner != d.police.id);
    CHECK(std::ranges::find(now.kept, d.police.id) == now.kept.end());
    CHECK(now.proof.empty());
  }
}

TEST_CASE(
    "only a signed class 1 of this report is a proof, also with the relay's zeros behind it") {
  const auto& d = deployment();
  Case helpers_only{d};
  Case shared{d, 1};
  const auto shows = [&](crypto::View proof, const Case& of) {
    return shows_police_consent(proof, of.report_id, d.directory);
  };
  CHECK(shows(shared.first, shared));
  CHECK_FALSE(shows(shared.first, helpers_only));
  CHECK_FALSE(shows(helpers_only.first, helpers_only));
  helpers_only.consent(1, hour);
  helpers_only.consent(0, hour);
  crypto::Bytes padded{helpers_only.statements[0].begin(), helpers_only.statements[0].end()};
  CHECK(shows(padded, helpers_only));
  padded.resize(184);
  CHECK(shows(padded, helpers_only));
  padded.back() = 1;
  CHECK_FALSE(shows(padded, helpers_only));
  CHECK_FALSE(shows(helpers_only.statements[1], helpers_only));
  CHECK_FALSE(shows(std::array<std::uint8_t, 184>{}, helpers_only));
  CHECK_FALSE(shows({}, helpers_only));
}

TEST_CASE("an author is somebody who works for the queue") {
  const auto& d = deployment();
  const auto& members = d.directory.members();
  int workers = 0;
  for (const auto& member : members) {
    workers += works_for(member, d.helpers.id);
    CHECK_FALSE(works_for(member, crypto::random_bytes<16>()));
  }
  CHECK(workers == 1);
}

}  // namespace
}  // namespace ishara::identity
