// Reports that came as new ones although their number was known: the gateway could not ask the
// relay (privacy.md 7.9).

#include "gateway/identity/same_sender.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "gateway/relay/test_deployment.hpp"
#include "storage/desk_store.hpp"

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;
using identity::EndKind;
using Sitting = TestDeployment::Sitting;

constexpr Sitting plain{};
constexpr Sitting yes{.may_text = true};

struct Links : TestDeployment {
  // As the desk would show it: ids of reports, if the relay's word about them holds.
  std::vector<crypto::Id> of(const TestReport& report) {
    std::vector<crypto::Id> out;
    storage::blocking::DeskStore desk{database.url("ishara_desk")};
    const auto owned = ownership(report.id);
    for (const auto& link : desk.same_senders(report.id).value()) {
      const auto record = desk.first_record(link.report_id).value();
      const auto statements = desk.statements(link.report_id).value();
      std::vector<crypto::View> views;
      for (const auto& statement : statements) views.emplace_back(statement.bytes);
      const auto other =
          identity::same_sender_as(report.id, owned, link.link, {record, views}, directory, hour());
      CHECK(other.has_value());
      if (!other) continue;
      CHECK(*other == link.report_id);
      out.push_back(*other);
    }
    return out;
  }
  identity::Ownership ownership(const crypto::Id& report) {
    const auto view = store.report(report).value();
    const std::vector<crypto::View> views(view.statements.begin(), view.statements.end());
    auto owned = identity::ownership(report, view.record, views, directory).value();
    owned.proof = {};
    return owned;
  }
  std::string rows() const { return database.value("SELECT count(*) FROM same_sender"); }
  template <class Which>
  void end(const Which& which, EndKind how) {
    const auto epochs = live();
    Threads threads{store, epochs, directory, now};
    REQUIRE(threads.end(which, how, &relay)->found);
  }
};

Sitting to(const crypto::Id& queue) {
  Sitting sitting;
  sitting.queue = queue;
  return sitting;
}

}  // namespace

TEST_CASE("two new reports of one number are told of each other to their owner") {
  for (const bool at_once : {false, true}) {
    CAPTURE(at_once);
    Links links;
    const auto first = links.report(test_number(1), test_ref(1));
    if (!at_once) links.read_inbox();
    links.now += 2h;
    const auto second = links.report(test_number(1), test_ref(2));
    const auto stranger = links.report(test_number(2), test_ref(3));
    CHECK_FALSE(links.read_inbox().any());
    CHECK(links.of(second) == std::vector{first.id});
    CHECK(links.of(first) == std::vector{second.id});
    CHECK(links.of(stranger).empty());
    CHECK(links.rows() == "1");
  }
}

TEST_CASE("a text that joins its report by number is told as that and as nothing else") {
  Links links;
  const auto report = links.report(test_number(1), test_ref(1));
  links.read_inbox();
  links.later(report, test_number(1), test_ref(2), {.by_number = true});
  links.later(report, test_number(1), test_ref(1), plain);
  links.read_inbox();
  CHECK(links.rows() == "0");
}

TEST_CASE("nothing is signed for reports of different owners (P18)") {
  Links links;
  links.report(test_number(1), test_ref(1), to(TestDeployment::others));
  links.read_inbox();
  links.report(test_number(1), test_ref(2));
  links.read_inbox();
  CHECK(links.rows() == "0");
}

TEST_CASE("the owner is who holds a report by what was signed, whatever a column says") {
  for (const bool is_signed : {false, true}) {
    CAPTURE(is_signed);
    Links links;
    const auto first = links.report(test_number(1), test_ref(1));
    links.read_inbox();
    if (is_signed) {
      const auto bytes = identity::sign_statement({.type = identity::StatementType::transfer,
                                                   .hour = links.hour(),
                                                   .report_id = first.id,
                                                   .from_queue = TestDeployment::helpers,
                                                   .to_queue = TestDeployment::others,
                                                   .previous = crypto::hash16({first.record})},
                                                  links.caseworker);
      REQUIRE(links.store
                  .put_statement(
                      {identity::statement_hash(bytes), first.id, {bytes.begin(), bytes.end()}})
                  .has_value());
    } else {
      links.database.query("UPDATE report SET queue_id = '" +
                           TestDeployment::text(TestDeployment::others) + "'");
    }
    const auto same = links.report(test_number(1), test_ref(2));
    const auto moved = links.report(test_number(1), test_ref(3), to(TestDeployment::others));
    links.read_inbox();
    CHECK(links.of(is_signed ? moved : same) == std::vector{first.id});
    CHECK(links.of(is_signed ? same : moved).empty());
  }
}

TEST_CASE("of several reports the newest of the same owner is told") {
  Links links;
  std::vector<TestReport> reports;
  for (const auto& queue : {TestDeployment::helpers, TestDeployment::helpers,
                            TestDeployment::others, TestDeployment::helpers}) {
    links.now += 1h;
    const auto which = static_cast<std::uint32_t>(reports.size());
    reports.push_back(links.report(test_number(1), test_ref(which), to(queue)));
  }
  links.read_inbox();
  CHECK(links.of(reports[3]) == std::vector{reports[1].id});
  CHECK(links.of(reports[2]).empty());
  CHECK(links.rows() == "2");
}

TEST_CASE("a report that is closed, taken back or gone is not told") {
  struct Row {
    const char* name;
    std::function<void(Links&)> change;
  };
  const Row rows[]{
      {"closed", [](Links& links) { links.database.query("UPDATE report SET stage = 2"); }},
      {"gone", [](Links& links) { links.database.query("DELETE FROM report"); }},
      {"ended by number", [](Links& links) { links.end(test_number(1), EndKind::stop); }},
      {"deleted by ref", [](Links& links) { links.end(test_ref(1), EndKind::erase); }},
      {"its thread is forged",
       [](Links& links) { links.database.query("UPDATE thread SET mac = sha256('')"); }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Links links;
    links.report(test_number(1), test_ref(1));
    links.read_inbox();
    row.change(links);
    links.report(test_number(1), test_ref(2));
    links.read_inbox();
    CHECK(links.rows() == "0");
  }
}

TEST_CASE("in strict mode no two reports are told to be of one number") {
  Links links;
  links.strict = true;
  links.report(test_number(1), test_ref(1));
  links.report(test_number(1), test_ref(2));
  links.read_inbox();
  CHECK(links.rows() == "0");
}

TEST_CASE("what was told goes with the number of either report, and with the epoch (P24)") {
  struct Row {
    const char* name;
    std::function<void(Links&)> change;
    bool stays = false;
  };
  const Row rows[]{
      {"nothing", [](Links&) {}, true},
      {"another phone's END", [](Links& links) { links.end(test_number(9), EndKind::stop); }, true},
      {"END", [](Links& links) { links.end(test_number(1), EndKind::stop); }},
      {"DELETE by number", [](Links& links) { links.end(test_number(1), EndKind::erase); }},
      {"END with the first ref", [](Links& links) { links.end(test_ref(1), EndKind::stop); }},
      {"END with the second ref", [](Links& links) { links.end(test_ref(2), EndKind::stop); }},
      {"DELETE with the first ref", [](Links& links) { links.end(test_ref(1), EndKind::erase); }},
      {"DELETE with the second ref", [](Links& links) { links.end(test_ref(2), EndKind::erase); }},
      {"closed for a week",
       [](Links& links) {
         links.database.query(
             "UPDATE report SET stage = 2 WHERE report_id IN"
             " (SELECT report_id FROM same_sender)");
         links.turn_week();
         links.now += 24h * 7;
         links.turn_week();
       }},
      {"the week's key in its grace",
       [](Links& links) {
         links.now = start_of(TestDeployment::week + 1) + epoch_grace - 1h;
         links.turn_week();
       },
       true},
      {"the week's key destroyed",
       [](Links& links) {
         links.now = start_of(TestDeployment::week + 1) + epoch_grace;
         links.turn_week();
       }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Links links;
    links.report(test_number(1), test_ref(1), yes);
    links.report(test_number(9), test_ref(9), yes);
    links.read_inbox();
    links.report(test_number(1), test_ref(2), yes);
    links.read_inbox();
    REQUIRE(links.rows() == "1");
    row.change(links);
    CHECK(links.rows() == (row.stays ? "1" : "0"));
  }
}

TEST_CASE("what its queue's people delete is told no longer, and holds up no other address (P24)") {
  for (const bool before_it_is_read : {false, true}) {
    CAPTURE(before_it_is_read);
    Links links;
    const auto first = links.report(test_number(1), test_ref(1));
    links.report(test_number(1), test_ref(2));
    if (!before_it_is_read) {
      links.read_inbox();
      REQUIRE(links.rows() == "1");
    }
    const auto ours = " WHERE report_id = '" + TestDeployment::text(first.id) + "'";
    links.database.query(
        "INSERT INTO withdrawn (report_id, hour, record, told, by_leads)"
        " SELECT report_id, hour, record, true, true FROM report" +
        ours);
    links.database.query("DELETE FROM report" + ours);
    links.read_inbox();
    REQUIRE(links.store.forget_deleted().has_value());
    CHECK(links.rows() == "0");
    CHECK(links.database.value("SELECT count(*) FROM retaddr_inbox") == "0");
  }
}

TEST_CASE("what was told of a report of the week before goes with that week's key") {
  Links links;
  const auto first = links.report(test_number(1), test_ref(1));
  links.read_inbox();
  links.now = start_of(TestDeployment::week + 1) + 1h;
  const auto second = links.report(test_number(1), test_ref(2));
  links.read_inbox();
  CHECK(links.of(second) == std::vector{first.id});
  links.now = start_of(TestDeployment::week + 1) + epoch_grace;
  links.turn_week();
  CHECK(links.rows() == "0");
}

}  // namespace ishara::relay
