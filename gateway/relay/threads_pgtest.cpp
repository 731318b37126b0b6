#include "gateway/relay/threads.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/relay/test_deployment.hpp"

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;
using identity::EndKind;
using identity::RefKind;
using Sitting = TestDeployment::Sitting;

constexpr Sitting plain{};
constexpr Sitting yes{.may_text = true};
constexpr Sitting by_number{.by_number = true};
constexpr Sitting by_number_yes{.may_text = true, .by_number = true};

std::size_t count(const TestDeployment& deployment, const std::string& table) {
  return std::stoul(deployment.database.value("SELECT count(*) FROM " + table));
}

storage::Statement statement(const TestDeployment& deployment, identity::Statement content,
                             const TestReport& report, const crypto::SigningKey& signer) {
  content.hour = deployment.hour();
  content.report_id = report.id;
  content.previous = crypto::hash16({report.record});
  const auto bytes = identity::sign_statement(content, signer);
  return {identity::statement_hash(bytes), report.id, {bytes.begin(), bytes.end()}};
}

}  // namespace

TEST_CASE("of a report that its people have deleted no way leads to its reporter") {
  TestDeployment deployment;
  const auto report = deployment.report(test_number(1), test_ref(1), {.may_text = true});
  const auto other = deployment.report(test_number(2), test_ref(2), {.may_text = true});
  deployment.read_inbox();
  REQUIRE(deployment.by(test_ref(1)).found);
  const auto find = [&](const crypto::Id& id) {
    const auto epochs = deployment.live();
    return Threads{deployment.store, epochs, deployment.directory, deployment.now}.find(id);
  };
  // One that is on its way is not there yet, and may be joined.
  CHECK_FALSE(find(crypto::random_bytes<16>())->found);
  const auto id = storage::postgres::parameter(report.id);
  deployment.database.query(
      "INSERT INTO withdrawn (report_id, hour, record, told, by_leads)"
      " SELECT report_id, hour, record, true, true FROM report"
      " WHERE report_id = '" +
      id + "'");
  deployment.database.query("DELETE FROM report WHERE report_id = '" + id + "'");
  CHECK(find(report.id).error() == storage::errc::not_found);
  CHECK_FALSE(deployment.by(test_ref(1)).found);
  CHECK_FALSE(deployment.by(test_number(1)).found);
  CHECK(deployment.address(report.id).has_value());
  REQUIRE(deployment.store.forget_deleted().has_value());
  CHECK_FALSE(deployment.address(report.id).has_value());
  CHECK(deployment.store.threads_of(std::span{&report.id, 1})->empty());
  CHECK(deployment.by(test_ref(2)).found);
  CHECK(deployment.address(other.id).has_value());
}

TEST_CASE("a report is found under its number and its ref, and its inbox row is gone") {
  TestDeployment deployment;
  const auto report = deployment.report(test_number(1), test_ref(1));
  CHECK_FALSE(deployment.by(test_number(1)).found);
  CHECK_FALSE(deployment.read_inbox().any());
  CHECK(count(deployment, "retaddr_inbox") == 0);

  const auto number = deployment.by(test_number(1));
  REQUIRE(number.found);
  CHECK(number.report_id == report.id);
  CHECK(number.origin == crypto::hash16({report.record}));
  CHECK(number.owner_queue == TestDeployment::helpers);
  CHECK(number.kind == RefKind::unverified);
  CHECK(number.consent_class == 0);
  CHECK(number.police_queue == crypto::Id{});
  CHECK(number.proof == identity::Proof{});
  const auto ref = deployment.by(test_ref(1));
  CHECK(ref.report_id == report.id);
  CHECK(ref.kind == RefKind::verified);
  CHECK(deployment.by(report.id).report_id == report.id);
  CHECK_FALSE(deployment.by(test_number(2)).found);
  CHECK_FALSE(deployment.by(test_ref(2)).found);
  CHECK_FALSE(deployment.by(crypto::Id{9}).found);
}

TEST_CASE("a ref is unused until somebody has it") {
  TestDeployment deployment;
  deployment.report(test_number(1), test_ref(1));
  deployment.read_inbox();
  const auto epochs = deployment.live();
  Threads threads{deployment.store, epochs, deployment.directory, deployment.now};
  CHECK(threads.is_unused(test_ref(2)).value());
  CHECK_FALSE(threads.is_unused(test_ref(1)).value());
  CHECK(threads.find(test_number(1), test_ref(2))->drawn_is_unused);
  CHECK_FALSE(threads.find(test_number(2), test_ref(1))->drawn_is_unused);
}

TEST_CASE("a number is kept only with a yes") {
  TestDeployment deployment;
  const auto silent = deployment.report(test_number(1), test_ref(1), plain);
  const auto open = deployment.report(test_number(2), test_ref(2), yes);
  deployment.read_inbox();
  REQUIRE(deployment.address(silent.id).has_value());
  CHECK_FALSE(deployment.address(silent.id)->number.has_value());
  REQUIRE(deployment.address(open.id)->number.has_value());
  CHECK(deployment.address(open.id)->number->reveal(
      [](auto digits) { return digits == "250788000002"; }));

  // A yes later in the same sitting counts; a sitting without the question takes nothing back.
  deployment.later(silent, test_number(1), test_ref(1), yes);
  deployment.later(open, test_number(2), test_ref(2), plain);
  deployment.read_inbox();
  CHECK(deployment.address(silent.id)->number.has_value());
  CHECK(deployment.address(open.id)->may_text);
}

TEST_CASE("what came by number alone is unverified and never replaces what is verified") {
  TestDeployment deployment;
  const auto silent = deployment.report(test_number(1), test_ref(1), plain);
  const auto open = deployment.report(test_number(2), test_ref(2), yes);
  deployment.later(silent, test_number(1), test_ref(11), by_number_yes);
  deployment.later(open, test_number(3), test_ref(12), by_number_yes);  // another phone
  CHECK_FALSE(deployment.read_inbox().any());

  CHECK(deployment.by(test_ref(1)).kind == RefKind::verified);
  CHECK(deployment.by(test_ref(11)).kind == RefKind::unverified);
  CHECK(deployment.by(test_ref(11)).report_id == silent.id);
  const auto address = deployment.address(silent.id);
  CHECK(address->may_text);
  CHECK(address->yes_unverified);
  CHECK_FALSE(address->ref_unverified);
  CHECK(address->ref == test_ref(1));
  const auto kept = deployment.address(open.id);
  CHECK_FALSE(kept->yes_unverified);
  CHECK(kept->number->reveal([](auto digits) { return digits == "250788000002"; }));

  const auto epochs = deployment.live();
  Threads threads{deployment.store, epochs, deployment.directory, deployment.now};
  CHECK(threads.confirm_yes(silent.id).has_value());
  CHECK(threads.confirm_yes(crypto::Id{9}).has_value());
  CHECK_FALSE(deployment.address(silent.id)->yes_unverified);
}

TEST_CASE("an address that no gateway has signed as it is, is refused and rings") {
  TestDeployment deployment;
  const auto stranger = crypto::signing_key(test_seed(99));
  const auto report = deployment.report(test_number(1), test_ref(1));
  deployment.read_inbox();
  const auto retaddr = crypto::Bytes(192);
  auto altered = report.record;
  altered[100] = static_cast<std::uint8_t>(altered[100] ^ 1);
  deployment.place_inbox(altered, retaddr);        // the signature fails
  deployment.place_inbox(report.record, retaddr);  // another address than the one that was signed
  std::swap(deployment.gateway, const_cast<crypto::SigningKey&>(stranger));
  deployment.report(test_number(2), test_ref(2));  // signed by somebody else
  CHECK(deployment.read_inbox().refused_records == 3);
  CHECK(count(deployment, "retaddr_inbox") == 0);
  CHECK_FALSE(deployment.by(test_number(2)).found);
}

TEST_CASE("a second first INTAKE of a report is refused and rings") {
  TestDeployment deployment;
  auto report = deployment.report(test_number(1), test_ref(1));
  deployment.read_inbox();
  // A broken gateway signs the report again, for another queue.
  Sitting moved;
  moved.queue = TestDeployment::others;
  const auto second = deployment.place_address(report.id, test_number(5), test_ref(5), moved);
  CHECK(deployment.read_inbox().other_origin == 1);
  CHECK_FALSE(deployment.by(test_number(5)).found);
  CHECK(deployment.by(test_number(1)).owner_queue == TestDeployment::helpers);

  // With the help of whoever writes into the database: the report's row holds the second one.
  deployment.database.query("UPDATE report SET record = '" + TestDeployment::text(second) + "'");
  CHECK_FALSE(deployment.by(test_number(1)).found);
  CHECK_FALSE(deployment.by(test_ref(1)).found);
  CHECK_FALSE(deployment.by(report.id).found);
  deployment.place_address(report.id, test_number(6), test_ref(6), moved);
  CHECK(deployment.read_inbox().other_origin == 1);

  // Even with the report gone the relay remembers where it came from.
  deployment.database.query("DELETE FROM report");
  deployment.place_address(report.id, test_number(7), test_ref(7), moved);
  CHECK(deployment.read_inbox().other_origin == 1);
}

TEST_CASE("a thread that was moved, made up or relabelled leads nowhere and rings") {
  struct Row {
    const char* name;
    std::string sql;
  };
  const Row rows[]{
      {"repointed",
       "UPDATE thread SET report_id = (SELECT report_id FROM report"
       " WHERE report_id <> thread.report_id LIMIT 1) WHERE kind = 'c'"},
      {"unverified made verified", "UPDATE thread SET kind = 'c' WHERE kind = 'u'"},
      {"another origin", "UPDATE thread SET origin = gen_random_uuid()"},
      {"mac cleared", "UPDATE thread SET mac = sha256('')"},
      {"tag of another",
       "UPDATE thread SET tag = (SELECT t.tag FROM thread AS t WHERE t.kind = 'c'"
       " AND t.report_id <> thread.report_id LIMIT 1) WHERE kind = 'c'"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    TestDeployment deployment;
    const auto report = deployment.report(test_number(1), test_ref(1));
    deployment.report(test_number(2), test_ref(2));
    deployment.later(report, test_number(1), test_ref(3), by_number);
    deployment.read_inbox();
    std::vector<crypto::Id> before;
    for (std::uint32_t i = 1; i <= 3; ++i) before.push_back(deployment.by(test_ref(i)).report_id);
    deployment.database.query(row.sql);
    const auto epochs = deployment.live();
    Threads threads{deployment.store, epochs, deployment.directory, deployment.now};
    for (std::uint32_t i = 1; i <= 3; ++i) {
      const auto found = threads.find(test_ref(i)).value();
      const bool right =
          !found.found || (found.report_id == before[i - 1] &&
                           found.kind == (i == 3 ? RefKind::unverified : RefKind::verified));
      CHECK(right);
    }
    CHECK(threads.alarms().forged_rows > 0);
  }
}

TEST_CASE("columns that anybody could change tell nothing about who owns a report") {
  TestDeployment deployment;
  const auto report = deployment.report(test_number(1), test_ref(1));
  deployment.read_inbox();
  deployment.database.query("UPDATE report SET queue_id = '" +
                            TestDeployment::text(TestDeployment::police) + "', class = 1");
  CHECK(deployment.by(test_ref(1)).owner_queue == TestDeployment::helpers);
  CHECK(deployment.by(test_ref(1)).consent_class == 0);

  identity::Statement transfer;
  transfer.type = identity::StatementType::transfer;
  transfer.from_queue = TestDeployment::helpers;
  transfer.to_queue = TestDeployment::others;
  // A stranger's transfer is nothing, a member's is one.
  REQUIRE(deployment.store
              .put_statement(
                  statement(deployment, transfer, report, crypto::signing_key(test_seed(99))))
              .has_value());
  CHECK(deployment.by(report.id).owner_queue == TestDeployment::helpers);
  REQUIRE(
      deployment.store.put_statement(statement(deployment, transfer, report, deployment.caseworker))
          .has_value());
  CHECK(deployment.by(report.id).owner_queue == TestDeployment::others);
  CHECK(deployment.by(test_number(1)).owner_queue == TestDeployment::others);
}

TEST_CASE("class 1 comes with its proof, from the first text or from a later consent") {
  TestDeployment deployment;
  Sitting agreed;
  agreed.consent_class = 1;
  const auto report = deployment.report(test_number(1), test_ref(1), agreed);
  const auto later = deployment.report(test_number(2), test_ref(2));
  deployment.read_inbox();
  const auto first = deployment.by(test_ref(1));
  CHECK(first.consent_class == 1);
  CHECK(first.police_queue == TestDeployment::police);
  CHECK(std::ranges::equal(first.proof, report.record));

  identity::Statement consent;
  consent.type = identity::StatementType::consent;
  consent.consent_class = 1;
  const auto signed_consent = statement(deployment, consent, later, deployment.gateway);
  REQUIRE(deployment.store.put_statement(signed_consent).has_value());
  const auto second = deployment.by(test_ref(2));
  CHECK(second.consent_class == 1);
  CHECK(std::equal(signed_consent.bytes.begin(), signed_consent.bytes.end(), second.proof.begin()));
}

TEST_CASE("a number stands for its newest open report") {
  TestDeployment deployment;
  const auto old = deployment.report(test_number(1), test_ref(1));
  deployment.now += 2h;
  const auto young = deployment.report(test_number(1), test_ref(2));
  deployment.read_inbox();
  CHECK(deployment.by(test_number(1)).report_id == young.id);
  deployment.database.query("UPDATE report SET stage = 2 WHERE report_id = '" +
                            TestDeployment::text(young.id) + "'");
  CHECK(deployment.by(test_number(1)).report_id == old.id);
  CHECK(deployment.by(test_ref(2)).stage == 2);
  deployment.database.query("UPDATE report SET stage = 2");
  CHECK_FALSE(deployment.by(test_number(1)).found);
}

TEST_CASE("a ref that was drawn twice opens nothing for either holder") {
  TestDeployment deployment;
  deployment.report(test_number(1), test_ref(1));
  deployment.report(test_number(2), test_ref(1));
  deployment.read_inbox();
  CHECK_FALSE(deployment.by(test_ref(1)).found);
  CHECK(deployment.by(test_number(1)).found);
  CHECK(deployment.by(test_number(2)).found);
}

TEST_CASE("a report has one verified ref: another that claims to be one is unverified and rings") {
  TestDeployment deployment;
  const auto report = deployment.report(test_number(1), test_ref(1));
  deployment.read_inbox();
  deployment.later(report, test_number(9), test_ref(9), yes);
  CHECK(deployment.read_inbox().second_refs == 1);
  CHECK(deployment.by(test_ref(9)).kind == RefKind::unverified);
  CHECK(deployment.address(report.id)->yes_unverified);
  CHECK(deployment.address(report.id)->ref == test_ref(1));
}

TEST_CASE("a later text that overtakes its report waits for it") {
  TestDeployment deployment;
  TestReport report{crypto::random_bytes<16>(), {}};
  deployment.later(report, test_number(1), test_ref(1), plain);
  CHECK_FALSE(deployment.read_inbox().any());
  CHECK(count(deployment, "retaddr_inbox") == 1);
  report.record = deployment.place_address(report.id, test_number(1), test_ref(1), plain);
  deployment.place_report(report, plain);
  CHECK_FALSE(deployment.read_inbox().any());
  CHECK(count(deployment, "retaddr_inbox") == 0);
  CHECK(deployment.by(test_ref(1)).found);
}

TEST_CASE("STOP removes the number wherever it stands and leaves the ref") {
  for (const bool with_ref : {false, true}) {
    CAPTURE(with_ref);
    TestDeployment deployment;
    const auto old = deployment.report(test_number(1), test_ref(1), yes);
    const auto young = deployment.report(test_number(1), test_ref(2), yes);
    deployment.report(test_number(3), test_ref(3), yes);
    deployment.read_inbox();
    const auto epochs = deployment.live();
    Threads threads{deployment.store, epochs, deployment.directory, deployment.now};
    const auto ended = with_ref ? threads.end(test_ref(2), EndKind::stop, &deployment.relay)
                                : threads.end(test_number(1), EndKind::stop, &deployment.relay);
    REQUIRE(ended.has_value());
    CHECK(ended->found);
    CHECK(ended->reports.size() == (with_ref ? 1 : 2));
    CHECK_FALSE(deployment.address(young.id)->number.has_value());
    CHECK(deployment.by(test_ref(2)).kind == RefKind::verified);
    CHECK(deployment.address(old.id)->number.has_value() == with_ref);
    CHECK(deployment.by(test_number(1)).found == with_ref);
    CHECK(count(deployment, "statement") == 0);
    CHECK(deployment.by(test_number(3)).found);
    // Again, and for a stranger: nothing more happens.
    CHECK(threads.end(test_number(77), EndKind::stop, &deployment.relay)->reports.empty());
    CHECK_FALSE(threads.end(test_ref(77), EndKind::stop, &deployment.relay)->found);
  }
}

TEST_CASE(
    "DELETE is signed: with the verified ref for good, by number or unverified ref for a time") {
  struct Row {
    const char* name;
    bool ref;
    std::uint32_t which;
    bool content_goes;
    bool strict;
  };
  const Row rows[]{{"verified ref", true, 1, true, false},
                   {"unverified ref", true, 11, false, false},
                   {"number", false, 1, false, false},
                   {"number, strict", false, 1, false, true}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    TestDeployment deployment;
    const auto report = deployment.report(test_number(1), test_ref(1), yes);
    deployment.later(report, test_number(1), test_ref(11), by_number);
    deployment.read_inbox();
    const auto epochs = deployment.live();
    Threads threads{deployment.store, epochs, deployment.directory, deployment.now};
    const auto* signer = row.strict ? nullptr : &deployment.relay;
    const auto ended = row.ref ? threads.end(test_ref(row.which), EndKind::erase, signer)
                               : threads.end(test_number(row.which), EndKind::erase, signer);
    REQUIRE(ended.has_value());
    CHECK(ended->reports == std::vector{report.id});
    const auto statements = deployment.store.statements(report.id).value();
    if (row.strict) {
      CHECK(statements.empty());
    } else {
      REQUIRE(statements.size() == 1);
      const auto withdrawal =
          identity::verify_statement(statements[0].bytes, deployment.relay.public_key);
      REQUIRE(withdrawal.has_value());
      CHECK(withdrawal->type == identity::StatementType::withdraw);
      CHECK(withdrawal->with_ref == row.content_goes);
    }
    CHECK_FALSE(deployment.by(test_number(1)).found);
    CHECK(deployment.by(test_ref(1)).found != row.content_goes);
    const auto address = deployment.address(report.id);
    CHECK_FALSE((address && address->number));
  }
}

TEST_CASE("a week later a yes has moved to the new key, and the number of a no is gone") {
  TestDeployment deployment;
  const auto silent = deployment.report(test_number(1), test_ref(1), plain);
  const auto open = deployment.report(test_number(2), test_ref(2), yes);
  const auto unsure = deployment.report(test_number(3), test_ref(3), plain);
  deployment.later(unsure, test_number(3), test_ref(13), by_number_yes);
  deployment.read_inbox();
  deployment.now = start_of(TestDeployment::week + 1) + 1h;
  deployment.turn_week();
  // In the grace the old key still answers.
  CHECK(deployment.by(test_number(1)).found);
  CHECK(deployment.by(test_ref(13)).found);
  CHECK_FALSE(deployment.address(unsure.id)->number.has_value());

  deployment.now = start_of(TestDeployment::week + 1) + epoch_grace;
  deployment.turn_week();
  CHECK_FALSE(deployment.by(test_number(1)).found);
  CHECK(deployment.by(test_ref(1)).kind == RefKind::verified);
  CHECK(deployment.by(test_number(2)).report_id == open.id);
  CHECK(deployment.by(test_ref(2)).found);
  CHECK(deployment.address(open.id)->number.has_value());
  CHECK_FALSE(deployment.by(test_number(3)).found);
  CHECK(deployment.by(test_ref(3)).found);
  CHECK_FALSE(deployment.by(test_ref(13)).found);
  CHECK(deployment.database.value("SELECT count(DISTINCT epoch) FROM thread") == "1");
  CHECK(deployment.address(silent.id)->ref == test_ref(1));
}

TEST_CASE("a sitting between two weeks does not lose the report's ref") {
  TestDeployment deployment;
  const auto report = deployment.report(test_number(1), test_ref(1), yes);
  deployment.read_inbox();
  // The address is sealed anew for this week by a text, before the sweep has seen it.
  deployment.now = start_of(TestDeployment::week + 1) + 1h;
  deployment.later(report, test_number(1), test_ref(11), by_number);
  deployment.read_inbox();
  deployment.turn_week();
  deployment.now += epoch_grace;
  deployment.turn_week();
  CHECK(deployment.by(test_ref(1)).kind == RefKind::verified);
  CHECK(deployment.by(test_number(1)).found);
}

TEST_CASE("nothing is kept beyond its time") {
  struct Row {
    const char* name;
    std::chrono::hours later;
    const char* sql;     // what happened at the start
    const char* at_end;  // what happened an hour before the end
    bool number;
    bool ref;
  };
  const Row rows[]{
      {"89 days", 24h * 89, "", "", true, true},
      {"90 days without contact", 24h * 90, "", "", false, true},
      {"closed for 6 days", 24h * 6, "UPDATE report SET stage = 2", "", true, true},
      {"closed for 7 days", 24h * 7, "UPDATE report SET stage = 2", "", false, false},
      {"reopened", 24h * 8, "UPDATE report SET stage = 2", "UPDATE report SET stage = 1", true,
       true},
      {"the report is gone", 24h, "DELETE FROM report", "", false, false},
      {"a year", 24h * 365, "", "", false, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    TestDeployment deployment;
    const auto report = deployment.report(test_number(1), test_ref(1), yes);
    deployment.read_inbox();
    if (*row.sql != 0) deployment.database.query(row.sql);
    const auto end = deployment.now + row.later;
    for (; deployment.now < end; deployment.now += 24h) {
      if (*row.at_end != 0 && deployment.now + 72h > end) deployment.database.query(row.at_end);
      deployment.turn_week();
    }
    deployment.now = end;
    deployment.turn_week();
    const auto address = deployment.address(report.id);
    CHECK((address && address->number) == row.number);
    CHECK(address.has_value() == row.ref);
    CHECK((count(deployment, "thread WHERE kind = 'c'") > 0) == row.ref);
    CHECK((count(deployment, "thread WHERE kind = 'n'") > 0) == row.number);
  }
}

TEST_CASE("without the key of this week nothing is looked up and nothing is lost") {
  TestDeployment deployment;
  deployment.report(test_number(1), test_ref(1));
  const LiveEpochs none;
  Threads threads{deployment.store, none, deployment.directory, deployment.now};
  CHECK(threads.find(test_ref(1)).has_error());
  CHECK(threads.find(test_number(1), test_ref(2)).has_error());
  CHECK(threads.is_unused(test_ref(1)).has_error());
  CHECK(threads.read_inbox({}, nullptr).has_error());
  CHECK(threads.sweep({}).has_error());
  CHECK(threads.end(test_number(1), EndKind::stop, nullptr).has_error());
  CHECK(count(deployment, "retaddr_inbox") == 1);
}

}  // namespace ishara::relay
