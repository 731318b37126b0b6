#pragma once
// A deployment for tests of the relay: rosters, keys of two weeks or more, a database, and a
// gateway that writes as a real one would.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/statement.hpp"
#include "gateway/relay/epochs.hpp"
#include "gateway/relay/threads.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/relay_store.hpp"

namespace ishara::relay {

inline crypto::Secret<32> test_seed(std::uint8_t fill) {
  crypto::Secret<32> seed;
  std::ranges::fill(seed.fill(), fill);
  return seed;
}

inline identity::Msisdn test_number(std::uint32_t which) {
  const auto digits = std::to_string(250'788'000'000ULL + which);  // fictitious
  return identity::Msisdn::of_digits(digits).value();
}

inline identity::Ref test_ref(std::uint32_t which) {
  crypto::Id uniform{};
  for (std::size_t i = 0; i < 4; ++i) uniform[7 - i] = static_cast<std::uint8_t>(which >> (8 * i));
  return identity::Ref::from(uniform);
}

struct TestReport {
  crypto::Id id{};
  crypto::Bytes record;
};

class TestDeployment {
 public:
  static constexpr crypto::Id helpers{0x11}, others{0x22}, police{0x33};
  static constexpr std::uint32_t week = 2900;

  crypto::SigningKey gateway = crypto::signing_key(test_seed(2));
  crypto::SigningKey relay = crypto::signing_key(test_seed(3));
  crypto::SigningKey caseworker = crypto::signing_key(test_seed(4));
  Seconds now = start_of(week) + std::chrono::hours{50};
  storage::TestDatabase database;
  storage::blocking::RelayStore store{database.url("ishara_relay")};
  std::vector<storage::Roster> rosters{};
  identity::Directory directory = make_directory();

  std::optional<crypto::PublicKey> announced{};  // what the gateway seals to; else the week's own

  bool strict = false;  // nothing is linked by number

  // As `ishara init` would have stored them.
  void store_rosters() {
    storage::blocking::Store desk{database.url("ishara_desk")};
    for (const auto& roster : rosters)
      if (!desk.put_roster(roster)) throw std::runtime_error{"roster"};
  }
  static crypto::PublicKey root_key() { return crypto::signing_key(test_seed(1)).public_key; }

  // The keys that a relay has at this moment; a week's seed is its number.
  LiveEpochs live() const {
    std::vector<Epoch> epochs;
    for (auto number = identity::epoch_at(now) - 3; number <= identity::epoch_at(now); ++number)
      if (now < start_of(number + 1) + epoch_grace) epochs.push_back(epoch(number));
    return LiveEpochs{std::move(epochs)};
  }
  static Epoch epoch(std::uint32_t number) {
    return {number, identity::epoch_keys(test_seed(static_cast<std::uint8_t>(number)))};
  }
  Epoch this_week() const { return epoch(identity::epoch_at(now)); }

  struct Sitting {
    bool may_text = false;
    bool by_number = false;  // joined by number alone: ref and yes are unverified
    bool first = true;
    std::uint8_t consent_class = 0;
    crypto::Id queue = helpers;
  };

  // A report with its first text, and its address in the inbox.
  TestReport report(const identity::Msisdn& number, const identity::Ref& ref,
                    const Sitting& sitting) {
    TestReport made{crypto::random_bytes<16>(), {}};
    made.record = place_address(made.id, number, ref, sitting);
    place_report(made, sitting);
    return made;
  }
  TestReport report(const identity::Msisdn& number, const identity::Ref& ref) {
    return report(number, ref, Sitting{});
  }
  // A later text of it, of which the relay sees only the address.
  void later(const TestReport& report, const identity::Msisdn& number, const identity::Ref& ref,
             Sitting sitting) {
    sitting.first = false;
    place_address(report.id, number, ref, sitting);
  }

  crypto::Bytes place_address(const crypto::Id& report_id, const identity::Msisdn& number,
                              const identity::Ref& ref, const Sitting& sitting) {
    const auto epoch = this_week();
    const auto sender = crypto::box_key();
    const auto key = announced.value_or(epoch.keys.box.public_key);
    const auto shared = crypto::shared_key(key, sender.secret_key).value();
    identity::ReturnAddress address{.number = number.reveal([](std::string_view digits) {
                                      return identity::Msisdn::of_digits(digits).value();
                                    }),
                                    .ref = ref,
                                    .channel = 1,
                                    .may_text = sitting.may_text,
                                    .ref_unverified = sitting.by_number,
                                    .yes_unverified = sitting.by_number && sitting.may_text};
    const auto retaddr =
        identity::seal_return_address(address, report_id, crypto::random_bytes<16>(), epoch.number,
                                      crypto::key_id(key), {sender.public_key, shared});
    const auto record = sign(report_id, retaddr, sitting);
    place_inbox(record, retaddr);
    return record;
  }
  crypto::Bytes sign(const crypto::Id& report_id, crypto::View retaddr,
                     const Sitting& sitting) const {
    identity::IntakeRecord record;
    record.consent_class = sitting.consent_class;
    record.first = sitting.first;
    record.joined_by_number = sitting.by_number;
    record.hour = hour();
    record.report_id = report_id;
    record.queue_id = sitting.queue;
    if (sitting.consent_class == 1) record.copy_queue = police;
    crypto::random(record.message_digest);
    record.return_address_digest = identity::envelope_digest(retaddr);
    const auto bytes = identity::sign_intake(record, gateway);
    return {bytes.begin(), bytes.end()};
  }
  void place_inbox(crypto::View record, crypto::View retaddr) {
    database.query("INSERT INTO retaddr_inbox VALUES (gen_random_uuid(), '" + text(record) +
                   "', '" + text(retaddr) + "')");
  }
  void place_report(const TestReport& report, const Sitting& sitting) {
    database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message,"
        " wraps) VALUES ('" +
        text(report.id) + "', '" + text(sitting.queue) + "', " + std::to_string(hour()) + ", " +
        std::to_string(sitting.consent_class) + ", false, '" + text(report.record) + "', '" +
        text(crypto::Bytes(584)) + "', '" + text(crypto::Bytes(192)) + "')");
  }

  // Reads the whole inbox. The alarms are those of all pages.
  Alarms read_inbox() {
    const auto epochs = live();
    Threads threads{store, epochs, directory, now};
    crypto::Id after{};
    for (;;) {
      const auto page = threads.read_inbox(after, strict ? nullptr : &relay);
      if (!page) throw std::runtime_error{"inbox: " + page.error().message()};
      if (page->rows < inbox_page) return threads.alarms();
      after = page->last;
    }
  }
  // Goes over all addresses; returns how many were removed.
  std::uint32_t sweep() {
    const auto epochs = live();
    Threads threads{store, epochs, directory, now};
    crypto::Id after{};
    std::uint32_t removed = 0;
    for (;;) {
      const auto page = threads.sweep(after);
      if (!page) throw std::runtime_error{"sweep: " + page.error().message()};
      removed += page->removed;
      if (page->rows < address_page) return removed;
      after = page->last;
    }
  }
  // What the weekly turn does: rolls everything into this week, and loses what belongs to a key
  // that is gone.
  void turn_week() {
    sweep();
    const auto epochs = live();
    store.forget_epochs_before(epochs.newest_first().back().number).value();
  }

  identity::ThreadAnswer by(const identity::Msisdn& number) {
    return Threads{store, live_ = live(), directory, now}.find(number, test_ref(0))->answer;
  }
  identity::ThreadAnswer by(const identity::Ref& ref) {
    return Threads{store, live_ = live(), directory, now}.find(ref).value();
  }
  identity::ThreadAnswer by(const crypto::Id& report) {
    return Threads{store, live_ = live(), directory, now}.find(report).value();
  }
  std::optional<identity::ReturnAddress> address(const crypto::Id& report) {
    auto known = Threads{store, live_ = live(), directory, now}.address(report).value();
    if (!known) return std::nullopt;
    return std::move(known->address);
  }

  template <class Bytes>
  static std::string text(const Bytes& bytes) {
    return storage::postgres::parameter(bytes);
  }
  std::uint32_t hour() const {
    return static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::hours{1});
  }

 private:
  identity::Directory make_directory() {
    const auto root = crypto::signing_key(test_seed(1));
    const auto organisation = crypto::signing_key(test_seed(5));
    const auto force = crypto::signing_key(test_seed(6));
    identity::RootRoster roster;
    roster.deployment = crypto::Id{1};
    roster.version = 1;
    roster.organisations = {
        {crypto::Id{2}, "helpers", identity::OrganisationClass::ngo, organisation.public_key},
        {crypto::Id{3}, "police", identity::OrganisationClass::police, force.public_key}};
    roster.services = {{gateway.public_key, "gateway"}, {relay.public_key, "relay"}};
    const auto box = [](std::uint8_t fill) { return crypto::box_key(test_seed(fill)).public_key; };
    identity::OrganisationRoster ngo;
    ngo.deployment = roster.deployment;
    ngo.organisation = crypto::Id{2};
    ngo.version = 1;
    ngo.queues = {{helpers, "helpers", 0, box(10), {}}, {others, "others", 0, box(11), {}}};
    ngo.members = {{crypto::Id{4}, caseworker.public_key, box(12), {"caseworker"}, {helpers}}};
    ngo.recovery_key = box(13);
    identity::OrganisationRoster desk;
    desk.deployment = roster.deployment;
    desk.organisation = crypto::Id{3};
    desk.version = 1;
    desk.queues = {{police, "police", 0, box(14), {}}};
    desk.recovery_key = box(15);
    const auto keep = [&](const crypto::Id& issuer, const identity::SignedRoster& signed_roster) {
      rosters.push_back({issuer,
                         1,
                         signed_roster.bytes,
                         {signed_roster.signature.begin(), signed_roster.signature.end()}});
    };
    keep({}, identity::sign_roster(roster, root));
    keep(ngo.organisation, identity::sign_roster(ngo, organisation));
    keep(desk.organisation, identity::sign_roster(desk, force));
    const std::vector<identity::SignedRoster> organisations{
        identity::sign_roster(ngo, organisation), identity::sign_roster(desk, force)};
    return identity::Directory::verified(identity::sign_roster(roster, root), organisations,
                                         root.public_key)
        .value();
  }

  LiveEpochs live_;
};

}  // namespace ishara::relay
