// What whoever steals the database, or breaks the gateway, can find out about numbers: properties
// 5, 9, 16 and 19 of privacy.md section 17.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/log/captured.hpp"
#include "gateway/relay/service.hpp"
#include "gateway/relay/test_caller.hpp"
#include "gateway/relay/test_deployment.hpp"
#include "tests/support/folder.hpp"

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;
using Sitting = TestDeployment::Sitting;

constexpr Sitting yes{.may_text = true};

// Every row of every table that tells of a reporter, as text.
std::string dump(const TestDeployment& deployment) {
  std::string all;
  for (const char* table : {"report", "retaddr_inbox", "thread", "retaddr", "statement", "epoch",
                            "reply_outbox", "reply_state"})
    for (const auto& row :
         deployment.database.query(std::string{"SELECT t::text FROM "} + table + " AS t"))
      all += row[0] + '\n';
  return all;
}

std::set<crypto::Id> tags_in(const TestDeployment& deployment) {
  std::set<crypto::Id> tags;
  for (const auto& row : deployment.database.query("SELECT tag::text FROM thread"))
    tags.insert(storage::postgres::Value{false, row[0]}.id());
  return tags;
}

// The relay as it runs, in a thread of its own, at a time that the test sets.
class RunningRelay {
 public:
  explicit RunningRelay(TestDeployment& deployment, bool thread_by_number = true) {
    deployment.store_rosters();
    config_.deployment.root_public_key = TestDeployment::root_key();
    config_.database.relay_url = deployment.database.url("ishara_relay");
    config_.paths.epochs = folder_.path();
    config_.paths.state = folder_.path();
    config_.relay.socket = folder_ / "relay.sock";
    config_.relay.thread_by_number = thread_by_number;
    const auto clock = [now = deployment.now] { return now; };
    service_.emplace(context_, config_, Keys{crypto::signing_key(test_seed(3)), test_seed(77)},
                     Service::MakeReplies{}, clock);
    service_->start();
    thread_ = std::thread{[this] { context_.run(); }};
    // Ready when it looks things up.
    const Caller caller{socket()};
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (bool ready = false; !ready;) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error{"not ready"};
      caller.ask(1, identity::ResolveReport{});
      const auto answer = caller.hear();
      ready = answer && answer->status == identity::RelayStatus::done;
    }
    const auto epochs = deployment.store.epochs(TestDeployment::week).value();
    deployment.announced =
        identity::verify_epoch(epochs.at(0).announcement, deployment.directory).value().key;
  }
  ~RunningRelay() {
    asio::post(context_, [this] {
      asio::co_spawn(context_, service_->stop(), [this](std::exception_ptr) { context_.stop(); });
    });
    thread_.join();
  }
  RunningRelay(const RunningRelay&) = delete;
  RunningRelay& operator=(const RunningRelay&) = delete;

  std::filesystem::path socket() const { return folder_ / "relay.sock"; }

 private:
  tests::Folder folder_;
  config::Config config_;
  asio::io_context context_{1};
  std::optional<Service> service_;
  std::thread thread_;
};

identity::RelayAnswer ask(const Caller& caller, const identity::RelayRequest& request) {
  caller.ask(1, request);
  auto answer = caller.hear();
  if (!answer) throw std::runtime_error{"the relay hung up"};
  return std::move(*answer);
}

// Sends `count` requests as fast as the socket takes them; how many answers had each status.
template <class Make>
std::array<int, 4> flood(const std::filesystem::path& socket, std::uint32_t count, Make make) {
  const Caller caller{socket};
  std::thread sender{[&] {
    for (std::uint32_t i = 0; i < count; ++i) caller.ask(i, make(i));
  }};
  std::array<int, 4> seen{};
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto answer = caller.hear();
    if (!answer) break;
    ++seen.at(static_cast<std::size_t>(answer->status));
  }
  sender.join();
  return seen;
}

constexpr auto done = static_cast<std::size_t>(identity::RelayStatus::done);
constexpr auto limited = static_cast<std::size_t>(identity::RelayStatus::limited);

}  // namespace

TEST_CASE("P5: with the database, all public keys and the gateway's files no number is found") {
  // The long run searches a million numbers.
  const std::uint32_t searched = std::getenv("ISHARA_LONG") != nullptr ? 1'000'000 : 20'000;
  constexpr std::uint32_t true_ones = 40;
  TestDeployment deployment;
  for (std::uint32_t i = 0; i < true_ones; ++i)
    deployment.report(test_number(i * (searched / true_ones)), test_ref(i + 1),
                      i % 2 == 0 ? yes : Sitting{});
  // Half of them are still in the inbox.
  const auto epochs = deployment.live();
  deployment.read_inbox();
  for (std::uint32_t i = 0; i < 5; ++i) deployment.report(test_number(i), test_ref(100 + i), yes);

  // What a thief might try as a key: each key that lies open, and all that a gateway holds.
  std::vector<crypto::Secret<32>> keys;
  const auto open_key = [&](const crypto::PublicKey& key) { keys.emplace_back(key); };
  keys.push_back(test_seed(0));
  keys.push_back(test_seed(2));  // the gateway's signing key; its dedupe key would do no more
  open_key(deployment.gateway.public_key);
  open_key(deployment.relay.public_key);
  open_key(TestDeployment::root_key());
  open_key(deployment.this_week().keys.box.public_key);
  const auto public_keys = keys.size();
  for (std::size_t i = 0; i < public_keys; ++i) keys.push_back(identity::epoch_keys(keys[i]).tag);

  const auto tags = tags_in(deployment);
  const auto text = dump(deployment);
  std::uint32_t found = 0, control = 0;
  for (std::uint32_t i = 0; i < searched; ++i) {
    const auto number = test_number(i);
    const auto field = number.fixed();
    for (const auto& key : keys)
      if (tags.contains(identity::number_tag(field.reveal(), key))) ++found;
    if (tags.contains(crypto::hash16({crypto::bytes_of("n"), field.reveal()}))) ++found;
    // Whoever is handed the relay's key of the week finds every one.
    if (tags.contains(identity::number_tag(field.reveal(), deployment.this_week().keys.tag)))
      ++control;
  }
  CHECK(found == 0);
  CHECK(control == true_ones);
  // Nor does a number stand there in plain: as digits, or as the hexadecimal of its digits.
  for (std::uint32_t i = 0; i < true_ones; ++i) {
    test_number(i * (searched / true_ones)).reveal([&](std::string_view digits) {
      CHECK(text.find(digits) == std::string::npos);
      CHECK(text.find(TestDeployment::text(crypto::bytes_of(digits)).substr(2)) ==
            std::string::npos);
    });
  }
}

TEST_CASE(
    "P16: a copy from before rotation and grace opens nothing; open cases keep their address") {
  TestDeployment deployment;
  const auto open = deployment.report(test_number(1), test_ref(1), yes);
  const auto closed = deployment.report(test_number(2), test_ref(2), yes);
  deployment.report(test_number(3), test_ref(3));
  deployment.read_inbox();
  deployment.database.query("UPDATE report SET stage = 2 WHERE report_id = '" +
                            TestDeployment::text(closed.id) + "'");
  deployment.report(test_number(4), test_ref(4), yes);  // still in the inbox of the copy
  for (const char* table : {"thread", "retaddr", "retaddr_inbox"})
    deployment.database.query(std::string{"CREATE TABLE old_"} + table + " AS TABLE " + table);
  deployment.read_inbox();

  const auto restore = [&] {
    for (const char* table : {"thread", "retaddr", "retaddr_inbox"}) {
      deployment.database.query(std::string{"TRUNCATE "} + table);
      deployment.database.query(std::string{"INSERT INTO "} + table + " TABLE old_" + table);
    }
  };
  const auto numbers_found = [&] {
    std::uint32_t found = 0;
    for (std::uint32_t i = 1; i <= 4; ++i) found += deployment.by(test_number(i)).found ? 1 : 0;
    for (const auto& row : deployment.store.addresses_after({}, 100).value()) {
      const auto address = deployment.address(row.report_id);
      found += address && address->number ? 1 : 0;
    }
    return found;
  };
  // The control: while the key lives, the copy opens.
  const auto then = deployment.now;
  CHECK(numbers_found() > 0);
  // Time goes on, the relay does its work every day.
  while (deployment.now < start_of(TestDeployment::week + 1) + epoch_grace) {
    deployment.now += 24h;
    deployment.turn_week();
  }
  CHECK(deployment.address(open.id)->number.has_value());
  CHECK(deployment.by(test_number(1)).found);
  CHECK(deployment.by(test_ref(3)).found);
  CHECK_FALSE(deployment.by(test_number(2)).found);

  restore();
  CHECK(numbers_found() == 0);
  // Not even by letting the relay read the old inbox again.
  deployment.read_inbox();
  CHECK(numbers_found() == 0);
  deployment.now = then;
  restore();
  CHECK(numbers_found() > 0);  // it was the key that was missing, nothing else
}

TEST_CASE("the relay answers its socket from what a gateway has written") {
  TestDeployment deployment;
  const RunningRelay relay{deployment};
  const Caller caller{relay.socket()};
  const auto first = std::get<identity::FreshAnswer>(ask(caller, identity::FreshRef{}).body);
  const auto second = std::get<identity::FreshAnswer>(ask(caller, identity::FreshRef{}).body);
  CHECK_FALSE(first.ref == second.ref);

  const auto missed = ask(caller, identity::ResolveNumber{test_number(1)});
  const auto& nobody = std::get<identity::ThreadAnswer>(missed.body);
  CHECK_FALSE(nobody.found);
  REQUIRE(nobody.unused_ref.has_value());

  const auto report = deployment.report(test_number(1), *nobody.unused_ref, yes);
  // END reads the inbox first, so its answer says that the relay has caught up.
  CHECK(ask(caller, identity::EndByNumber{identity::EndKind::stop, test_number(9)}).status ==
        identity::RelayStatus::done);
  const auto hit =
      std::get<identity::ThreadAnswer>(ask(caller, identity::ResolveNumber{test_number(1)}).body);
  CHECK(hit.found);
  CHECK(hit.report_id == report.id);
  CHECK(hit.unused_ref.has_value());
  CHECK(std::get<identity::ThreadAnswer>(ask(caller, identity::ResolveRef{*nobody.unused_ref}).body)
            .kind == identity::RefKind::verified);
  CHECK(std::get<identity::ThreadAnswer>(ask(caller, identity::ResolveReport{report.id}).body)
            .owner_queue == TestDeployment::helpers);
  const auto pulled = ask(caller, identity::PullReply{*nobody.unused_ref});
  CHECK(std::get<identity::PullAnswer>(pulled.body).found);
  CHECK(std::get<identity::PullAnswer>(pulled.body).text.empty());

  ask(caller, identity::EndByNumber{identity::EndKind::erase, test_number(1)});
  CHECK_FALSE(
      std::get<identity::ThreadAnswer>(ask(caller, identity::ResolveNumber{test_number(1)}).body)
          .found);
  CHECK(deployment.store.statements(report.id)->size() == 1);
}

TEST_CASE("STOP reaches an address that the relay has not read yet") {
  TestDeployment deployment;
  const RunningRelay relay{deployment};
  const Caller caller{relay.socket()};
  const auto report = deployment.report(test_number(1), test_ref(1), yes);
  ask(caller, identity::EndByNumber{identity::EndKind::stop, test_number(1)});
  CHECK(deployment.database.value("SELECT count(*) FROM retaddr_inbox") == "0");
  CHECK(deployment.database.value("SELECT count(*) FROM thread WHERE kind = 'n'") == "0");
  CHECK(ask(caller, identity::ResolveRef{test_ref(1)}).status == identity::RelayStatus::done);
}

TEST_CASE("P9: twenty thousand questions at full speed get a burst and three hundred a second") {
  TestDeployment deployment;
  const RunningRelay relay{deployment};
  const auto began = std::chrono::steady_clock::now();
  const auto seen = flood(relay.socket(), 20'000, [](std::uint32_t i) {
    return identity::RelayRequest{identity::ResolveNumber{test_number(i)}};
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  CHECK(seen[done] + seen[limited] == 20'000);
  CHECK(seen[done] >= 3000);
  CHECK(seen[done] <= 3000 + static_cast<int>(300 * took.count()) + 1);
}

TEST_CASE(
    "of twenty thousand fresh refs at full speed a burst and three hundred a second are given") {
  TestDeployment deployment;
  const RunningRelay relay{deployment};
  const auto began = std::chrono::steady_clock::now();
  const auto seen = flood(relay.socket(), 20'000, [](std::uint32_t) {
    return identity::RelayRequest{identity::FreshRef{}};
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  CHECK(seen[done] + seen[limited] == 20'000);
  CHECK(seen[done] >= 3000);
  CHECK(seen[done] <= 3000 + static_cast<int>(300 * took.count()) + 1);
}

TEST_CASE("P19: of a hundred thousand wrong refs sixty are looked up, and it rings") {
  const log::CapturedLog captured;
  TestDeployment deployment;
  const RunningRelay relay{deployment};
  const auto seen = flood(relay.socket(), 100'000, [](std::uint32_t i) {
    return i % 2 == 0 ? identity::RelayRequest{identity::ResolveRef{test_ref(i)}}
                      : identity::RelayRequest{identity::PullReply{test_ref(i)}};
  });
  CHECK(seen[done] + seen[limited] == 100'000);
  CHECK(seen[done] >= 60);
  CHECK(seen[done] <= 63);  // one more a minute
  CHECK(captured.has(log::Event::relay_alarm));
}

namespace {

// A relay whose inbox cannot be read until `open`, as if it were far behind.
struct Behind {
  explicit Behind(bool thread_by_number = true) : relay{deployment, thread_by_number} {}
  TestDeployment deployment;
  RunningRelay relay;
  Caller caller{relay.socket()};

  std::string count(const std::string& rows) const {
    return deployment.database.value("SELECT count(*) FROM " + rows);
  }
  // Asks the database until all of it is so.
  bool becomes(const std::vector<std::pair<std::string, std::string>>& counts) const {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline)
      if (std::ranges::all_of(counts,
                              [&](const auto& rows) { return count(rows.first) == rows.second; }))
        return true;
    return false;
  }
  void close() { deployment.database.query("REVOKE SELECT ON retaddr_inbox FROM ishara_relay"); }
  void open() { deployment.database.query("GRANT SELECT ON retaddr_inbox TO ishara_relay"); }
  bool is_done(const identity::RelayRequest& request) const {
    return ask(caller, request).status == identity::RelayStatus::done;
  }
};

}  // namespace

TEST_CASE("P24: END cuts at once what is known, and what was on its way as soon as it is read") {
  Behind behind;
  auto& deployment = behind.deployment;
  const auto first = deployment.report(test_number(1), test_ref(1), yes);
  REQUIRE(behind.becomes({{"retaddr_inbox", "0"}, {"thread WHERE kind = 'n'", "1"}}));
  behind.close();
  deployment.later(first, test_number(1), test_ref(1), yes);
  deployment.report(test_number(1), test_ref(2), yes);
  // More than a page of texts that have overtaken their report: they stay where they are.
  for (std::uint32_t i = 0; i < inbox_page + 10; ++i)
    deployment.place_address(crypto::Id{9}, test_number(100), test_ref(100), {.first = false});

  CHECK(behind.is_done(identity::EndByNumber{identity::EndKind::stop, test_number(1)}));
  CHECK(behind.count("thread WHERE kind = 'n'") == "0");
  CHECK(behind.count("retaddr_inbox") == std::to_string(inbox_page + 12));
  behind.open();
  CHECK(behind.becomes({{"retaddr_inbox", std::to_string(inbox_page + 10)},
                        {"thread WHERE kind = 'c'", "2"},
                        {"thread WHERE kind = 'n'", "0"}}));
  CHECK(behind.count("statement") == "0");
  // Also when the inbox is open, but longer than a page.
  deployment.report(test_number(1), test_ref(3), yes);
  CHECK(behind.is_done(identity::EndByNumber{identity::EndKind::stop, test_number(1)}));
  CHECK(behind.becomes({{"thread WHERE kind = 'c'", "3"}, {"thread WHERE kind = 'n'", "0"}}));
}

TEST_CASE("P24: DELETE by ref takes with it what was on its way, and the answer tells nothing") {
  Behind behind;
  auto& deployment = behind.deployment;
  const auto report = deployment.report(test_number(1), test_ref(1), yes);
  REQUIRE(behind.becomes({{"retaddr_inbox", "0"}, {"thread WHERE kind = 'n'", "1"}}));
  behind.close();
  deployment.later(report, test_number(1), test_ref(1), yes);
  deployment.report(test_number(2), test_ref(2), yes);  // which the relay does not know yet
  for (std::uint32_t ref = 1; ref <= 3; ++ref) {        // nor is there a third
    CAPTURE(ref);
    CHECK(behind.is_done(identity::EndByRef{identity::EndKind::erase, test_ref(ref)}));
    CHECK(behind.count("thread") == "0");
    CHECK(behind.count("retaddr") == "0");
    CHECK(behind.count("statement") == "1");
  }
  behind.open();
  CHECK(behind.becomes(
      {{"retaddr_inbox", "0"}, {"statement", "2"}, {"thread", "0"}, {"retaddr", "0"}}));
}

TEST_CASE("a relay in strict mode tells no two reports to be of one number, and another one does") {
  for (const bool thread_by_number : {true, false}) {
    CAPTURE(thread_by_number);
    Behind behind{thread_by_number};
    behind.deployment.report(test_number(1), test_ref(1));
    behind.deployment.report(test_number(1), test_ref(2));
    REQUIRE(behind.becomes({{"retaddr_inbox", "0"}}));
    CHECK(behind.count("same_sender") == (thread_by_number ? "1" : "0"));
  }
}

}  // namespace ishara::relay
