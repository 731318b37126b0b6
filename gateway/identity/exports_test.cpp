#include "gateway/identity/exports.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::identity {
namespace {

crypto::SigningKey key(std::uint8_t value) {
  return crypto::signing_key(crypto::Secret<32>{std::array<std::uint8_t, 32>{value}});
}
crypto::Id id(std::uint8_t value) { return {value}; }

constexpr std::uint32_t hour = 500'000;
constexpr std::string_view words = "They keep our papers.";

struct House {
  House() {
    RootRoster root_roster;
    root_roster.version = 3;
    root_roster.organisations = {
        {id(10), "helpers", OrganisationClass::ngo, organisation.public_key}};
    root_roster.services = {{gateway.public_key, "gateway"}, {relay.public_key, "relay"}};
    OrganisationRoster roster;
    roster.organisation = id(10);
    roster.version = 1;
    roster.queues.push_back({id(1), "helpers", 0, crypto::box_key().public_key, {}});
    roster.members.push_back(
        {id(21), lead.public_key, crypto::box_key().public_key, {"lead"}, {id(1)}});
    roster.members.push_back(
        {id(22), worker.public_key, crypto::box_key().public_key, {"caseworker"}, {id(1)}});
    rosters = {sign_roster(root_roster, root), sign_roster(roster, organisation)};

    MessageContent content;
    content.text = Text{words};
    content.category = "LAB";
    sealed = seal_text(hour, id(50), encode(content));
    record = intake({.first = true});

    storage::AuditPlace place;
    for (place.seq = 1; place.seq <= 4; ++place.seq) {
      const auto row = scribe_of(
          {AuditAction::open, 1'790'000'000 + place.seq, id(21), 0, R"({"kind":"refs guessed"})",
           place.seq > 2 ? config::ip_address_of("192.0.2.7") : std::nullopt})(place);
      place.before = row.entry;
      audit.entries.push_back(row);
      if (place.seq % 2 == 1) continue;
      const auto checkpoint = sign_checkpoint({place.seq, 7, audit_hash(row.entry)}, relay);
      audit.checkpoints.emplace_back(checkpoint.begin(), checkpoint.end());
    }
    audit.rosters = rosters;
  }
  IntakeBytes intake(IntakeRecord out) const {
    out.hour = hour;
    out.report_id = id(50);
    out.queue_id = id(1);
    out.message_digest = envelope_digest(sealed.envelope);
    return sign_intake(out, gateway);
  }
  std::string report(const crypto::SigningKey& author) const {
    const auto file = write({rosters, record, sealed.envelope, sealed.key}, author);
    return {file.begin(), file.end()};
  }
  boost::system::result<AuditVerdict> verdict(const std::string& file,
                                              const crypto::PublicKey& root_key,
                                              const std::optional<Checkpoint>& seen = {}) const {
    const auto content = read_audit_export(file);
    if (!content) return content.error();
    const auto directory = directory_of(content->rosters, root_key);
    if (!directory) return directory.error();
    return verify_audit(content->entries, content->checkpoints, *directory, seen, 1'790'000'100,
                        Origins::given);
  }
  boost::system::error_code fault() const { return fault(report(lead)); }
  boost::system::error_code fault(const std::string& file) const {
    const auto verified = verify_report_export(file, root.public_key);
    return verified ? boost::system::error_code{} : verified.error();
  }

  crypto::SigningKey root = key(1), organisation = key(2), gateway = key(3), relay = key(4),
                     lead = key(5), worker = key(6);
  std::vector<SignedRoster> rosters;
  SealedText sealed;
  IntakeBytes record{};
  AuditExport audit;
};

}  // namespace

TEST_CASE("an exported report shows the first words to who has nothing but the root key") {
  House house;
  const auto verified = verify_report_export(house.report(house.lead), house.root.public_key);
  REQUIRE(verified.has_value());
  CHECK(verified->content.text.reveal([](std::string_view text) { return text == words; }));
  CHECK(verified->record.report_id == id(50));
  CHECK(verified->record.hour == hour);
  CHECK(verified->queue == "helpers");
  CHECK(verified->signer == id(21));
  CHECK(verified->directory.root_version() == 3);
  CHECK(verified->directory.member(id(21))->organisation == id(10));
}

TEST_CASE("what does not hold in an exported report is named") {
  {
    House house;
    CHECK(house.fault("") == export_errc::not_an_export);
    CHECK(house.fault(write(house.audit)) == export_errc::not_an_export);
    CHECK(verify_report_export(house.report(house.lead), house.relay.public_key).error() ==
          roster_errc::bad_signature);
    CHECK(house.fault(house.report(house.relay)) == export_errc::signer_unknown);
    CHECK(house.fault(house.report(house.worker)) == export_errc::signer_no_lead);
    // The words of a known signer under another signature.
    auto file = house.report(house.relay);
    const auto kid = crypto::base64(crypto::key_id(house.relay.public_key));
    file.replace(file.find(kid), kid.size(), crypto::base64(crypto::key_id(house.lead.public_key)));
    CHECK(house.fault(file) == export_errc::signature_refused);
  }
  {
    House house;
    house.record = house.intake({});
    CHECK(house.fault() == export_errc::not_the_first_text);
    house.record = house.intake({.first = true});
    house.record[40] ^= 1;
    CHECK(house.fault() == export_errc::record_refused);
  }
  {
    House house;  // another text under the same key
    house.sealed.envelope[100] ^= 1;
    CHECK(house.fault() == export_errc::other_text);
    house.record = house.intake({.first = true});  // even if a gateway signed it
    CHECK(house.fault() == export_errc::not_opened);
  }
  {
    House house;
    house.sealed.key = crypto::random_secret<32>();
    CHECK(house.fault() == export_errc::other_key);
  }
  {
    House house;
    const std::string_view empty = "{}";
    house.sealed = seal_text(hour, id(50), crypto::bytes_of(empty));
    house.record = house.intake({.first = true});
    CHECK(house.fault() == export_errc::not_opened);
  }
}

TEST_CASE("no byte of an export can be changed, removed or added unnoticed") {
  House house;
  const auto report = house.report(house.lead);
  const auto audit = write(house.audit);
  REQUIRE(house.fault(report) == boost::system::error_code{});
  const auto audit_holds = [&](const std::string& file) {
    const auto verdict = house.verdict(file, house.root.public_key);
    return verdict && verdict->good();
  };
  REQUIRE(audit_holds(audit));
  const auto spoil = [](const std::string& file, auto&& holds) {
    for (std::size_t place = 0; place < file.size(); ++place) {
      CAPTURE(place);
      for (const int bit : {0, 5}) {
        auto other = file;
        other[place] = static_cast<char>(other[place] ^ (1 << bit));
        CHECK_FALSE(holds(other));
      }
      if (place % 7 != 0) continue;
      CHECK_FALSE(holds(file.substr(0, place)));
      CHECK_FALSE(holds(std::string{file}.erase(place, 1)));
      CHECK_FALSE(holds(std::string{file}.insert(place, 1, file[place] == 'A' ? 'B' : 'A')));
    }
    CHECK_FALSE(holds(file + "\n"));
    CHECK_FALSE(holds(file + file));
  };
  spoil(report, [&](const std::string& file) { return !house.fault(file); });
  spoil(audit, audit_holds);
}

TEST_CASE("an exported chain is read as it was written, and the first bad entry is named") {
  House house;
  const auto read = read_audit_export(write(house.audit));
  REQUIRE(read.has_value());
  CHECK(read->entries.size() == 4);
  CHECK(read->entries[2].entry == house.audit.entries[2].entry);
  CHECK(read->entries[2].detail == house.audit.entries[2].detail);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(read->entries[i].origin == house.audit.entries[i].origin);
  CHECK(read->entries[2].origin.size() == 32);
  CHECK(read->checkpoints == house.audit.checkpoints);
  CHECK(read->rosters.size() == 2);
  const auto verdict = [&](const crypto::PublicKey& root, const std::optional<Checkpoint>& seen) {
    return house.verdict(write(house.audit), root, seen);
  };
  CHECK(verdict(house.root.public_key, {})->good());
  CHECK(verdict(house.relay.public_key, {}).error() == roster_errc::bad_signature);
  const Checkpoint seen{3, 7, crypto::Digest{}};
  CHECK(verdict(house.root.public_key, seen)->fault == AuditFault::forked);

  house.audit.entries.erase(house.audit.entries.begin() + 1);
  CHECK(verdict(house.root.public_key, {})->seq == 2);
  house.audit.rosters.clear();
  CHECK(verdict(house.root.public_key, {}).error() == roster_errc::missing_root);
}

}  // namespace ishara::identity
