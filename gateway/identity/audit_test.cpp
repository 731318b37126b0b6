#include "gateway/identity/audit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::identity {
namespace {

using storage::AuditRow;

crypto::SigningKey key(std::uint8_t value) {
  crypto::Secret<32> seed;
  seed.fill()[0] = value;
  return crypto::signing_key(seed);
}

// A chain of twenty entries of which the relay has seen every fifth.
struct House {
  House() {
    RootRoster roster;
    roster.version = 1;
    roster.services = {{gateway.public_key, "gateway"}, {relay.public_key, "relay"}};
    const auto verified = Directory::verified(sign_roster(roster, root), {}, root.public_key);
    directory = *verified;
    for (std::uint64_t seq = 1; seq <= 20; ++seq) {
      append();
      if (seq % 5 == 0) sign();
    }
  }
  void append() {
    AuditDeed deed;
    deed.action = AuditAction::open;
    deed.time = 1'790'000'000 + rows.size();
    deed.actor[0] = 7;
    deed.origin = origin;
    storage::AuditPlace place;
    place.seq = rows.size() + 1;
    if (!rows.empty()) place.before = rows.back().entry;
    place.subject[0] = static_cast<std::uint8_t>(rows.size());
    rows.push_back(scribe_of(deed)(place));
  }
  void sign() {
    const auto bytes =
        sign_checkpoint({rows.size(), 1'790'000'000, audit_hash(rows.back().entry)}, relay);
    checkpoints.emplace_back(bytes.begin(), bytes.end());
  }
  // As somebody does who writes the database: every later hash is computed anew.
  void recompute(std::size_t from) {
    for (std::size_t place = std::max<std::size_t>(from, 1); place < rows.size(); ++place) {
      auto entry = *decode_audit_entry(rows[place].entry);
      entry.seq = place + 1;
      entry.before = audit_hash(rows[place - 1].entry);
      const auto bytes = encode(entry);
      rows[place].entry.assign(bytes.begin(), bytes.end());
    }
  }
  AuditVerdict verify(const std::optional<Checkpoint>& seen = {}) const {
    return verify_audit(rows, checkpoints, directory, seen, now, origins);
  }

  crypto::SigningKey root = key(1), gateway = key(2), relay = key(3);
  Directory directory;
  std::vector<AuditRow> rows;
  std::vector<crypto::Bytes> checkpoints;
  std::optional<config::IpAddress> origin;  // of the entries to come
  std::uint64_t now = 1'790'000'100;
  Origins origins = Origins::given;
};

AuditRow& at(House& house, std::uint64_t seq) { return house.rows[seq - 1]; }

}  // namespace

TEST_CASE("nothing waits for a checkpoint of the last entry, however old it is") {
  CHECK(House{}.verify().waits_since == 0);
}

TEST_CASE("an audit entry is read as it was written, and nothing else is one") {
  AuditEntry entry;
  entry.action = AuditAction::transfer;
  entry.flags = 3;
  entry.seq = 1'000'000'000'000;
  entry.time = 1'790'000'000;
  entry.actor.fill(1);
  entry.subject.fill(2);
  entry.object.fill(3);
  entry.detail.fill(4);
  entry.before.fill(5);
  const auto bytes = encode(entry);
  CHECK(*decode_audit_entry(bytes) == entry);
  for (const auto& [place, value] : {std::pair{0, 2}, {1, 0x0b}}) {
    auto other = bytes;
    other[static_cast<std::size_t>(place)] = static_cast<std::uint8_t>(value);
    CHECK_FALSE(decode_audit_entry(other).has_value());
  }
  CHECK_FALSE(decode_audit_entry(crypto::View{bytes}.first(135)).has_value());
  entry.seq = 0;
  CHECK_FALSE(decode_audit_entry(encode(entry)).has_value());
}

TEST_CASE("a checkpoint counts only under the signature of the relay that it names") {
  House house;
  const Checkpoint checkpoint{7, 8, audit_hash(house.rows[6].entry)};
  const auto bytes = sign_checkpoint(checkpoint, house.relay);
  CHECK(*verify_checkpoint(bytes, house.directory) == checkpoint);
  CHECK_FALSE(verify_checkpoint(bytes, house.gateway.public_key).has_value());
  CHECK_FALSE(
      verify_checkpoint(sign_checkpoint(checkpoint, house.gateway), house.directory).has_value());
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    CAPTURE(place);
    auto other = bytes;
    other[place] ^= 1;
    CHECK_FALSE(verify_checkpoint(other, house.directory).has_value());
  }
}

TEST_CASE("a deed without an action cannot be written down") {
  CHECK_THROWS_AS(scribe_of({})({}), std::logic_error);
}

TEST_CASE("a whole chain verifies, and says up to where a relay vouches for it") {
  House house;
  house.append();
  const auto verdict = house.verify();
  CHECK(verdict.good());
  CHECK(verdict.first == 1);
  CHECK(verdict.last == 21);
  CHECK(verdict.vouched == 20);
  CHECK(verdict.waits_since == 1'790'000'020);
  REQUIRE(verdict.newest.has_value());
  CHECK(verdict.newest->seq == 20);
  CHECK(house.verify(verdict.newest).good());
}

TEST_CASE("whatever is done to a chain, the first entry that is wrong is named") {
  struct Row {
    const char* name;
    std::function<void(House&)> spoil;
    AuditFault fault;
    std::uint64_t seq;
  };
  const std::vector<Row> rows{
      {"deleted", [](House& h) { h.rows.erase(h.rows.begin() + 7); }, AuditFault::missing, 8},
      {"the first deleted", [](House& h) { h.rows.erase(h.rows.begin()); }, AuditFault::missing, 1},
      {"the first three deleted",
       [](House& h) { h.rows.erase(h.rows.begin(), h.rows.begin() + 3); }, AuditFault::missing, 1},
      {"all deleted", [](House& h) { h.rows.clear(); }, AuditFault::missing, 1},
      {"deleted, and the later ones numbered and computed anew",
       [](House& h) {
         h.rows.erase(h.rows.begin() + 5);
         h.recompute(5);
       },
       AuditFault::rewritten, 6},
      {"the action altered", [](House& h) { at(h, 8).entry[3] ^= 1; }, AuditFault::altered, 8},
      {"the first altered", [](House& h) { at(h, 1).entry[3] ^= 1; }, AuditFault::altered, 1},
      {"altered where a checkpoint is", [](House& h) { at(h, 10).entry[30] ^= 1; },
       AuditFault::altered, 10},
      {"the last altered: the same as if all since the last checkpoint were written anew",
       [](House& h) { at(h, 20).entry[30] ^= 1; }, AuditFault::rewritten, 16},
      {"two altered",
       [](House& h) {
         at(h, 8).entry[30] ^= 1;
         at(h, 13).entry[30] ^= 1;
       },
       AuditFault::altered, 8},
      {"the hash of the one before altered", [](House& h) { at(h, 8).entry[110] ^= 1; },
       AuditFault::altered, 8},
      {"the type altered", [](House& h) { at(h, 8).entry[1] ^= 1; }, AuditFault::not_an_entry, 8},
      {"the number altered", [](House& h) { at(h, 8).entry[15] ^= 1; }, AuditFault::missing, 8},
      {"cut by a byte", [](House& h) { at(h, 8).entry.pop_back(); }, AuditFault::not_an_entry, 8},
      {"the detail altered", [](House& h) { at(h, 8).detail = "{} "; }, AuditFault::detail_altered,
       8},
      {"two swapped", [](House& h) { std::swap(at(h, 8), at(h, 9)); }, AuditFault::missing, 8},
      {"two swapped, with the numbers of their places",
       [](House& h) {
         std::swap(at(h, 8).entry, at(h, 9).entry);
         std::swap(at(h, 8).entry[15], at(h, 9).entry[15]);
       },
       AuditFault::altered, 8},
      {"one given twice", [](House& h) { h.rows.insert(h.rows.begin() + 8, at(h, 8)); },
       AuditFault::missing, 9},
      {"the end cut off", [](House& h) { h.rows.resize(17); }, AuditFault::missing, 18},
      {"altered and computed anew to the end",
       [](House& h) {
         at(h, 11).entry[30] ^= 1;
         h.recompute(11);
       },
       AuditFault::rewritten, 11},
      {"altered and computed anew, behind the last checkpoint that is left",
       [](House& h) {
         h.checkpoints.pop_back();
         at(h, 11).entry[30] ^= 1;
         h.recompute(11);
       },
       AuditFault::rewritten, 11},
      {"a checkpoint of somebody else",
       [](House& h) {
         const auto forged = sign_checkpoint({15, 1, audit_hash(at(h, 15).entry)}, key(9));
         h.checkpoints[2].assign(forged.begin(), forged.end());
       },
       AuditFault::bad_checkpoint, 15},
      {"no checkpoint at all", [](House& h) { h.checkpoints.clear(); }, AuditFault::unsigned_chain,
       1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    House house;
    row.spoil(house);
    const auto verdict = house.verify();
    CHECK(verdict.fault == row.fault);
    CHECK(verdict.seq == row.seq);
    CHECK_FALSE(verdict.newest.has_value());
    CHECK(verdict.vouched < row.seq);
  }
}

TEST_CASE("an entry commits to the address of who acted, and does not hold it") {
  const auto address = *config::ip_address_of("192.0.2.7");
  AuditDeed deed{AuditAction::open, 1'790'000'000, {}, 0, R"({"file":"a"})", address};
  storage::AuditPlace place;
  place.seq = 0x0102030405060708;
  const auto row = scribe_of(deed)(place);
  REQUIRE(row.origin.size() == 32);
  CHECK(std::equal(address.begin(), address.end(), row.origin.begin() + 16));
  const crypto::Bytes number{1, 2, 3, 4, 5, 6, 7, 8};
  const std::string domain{"ishara/v1/from\0", 15};
  const auto hash = crypto::hash32({crypto::bytes_of(domain), number, row.origin});
  CHECK(row.detail == R"({"file":"a","from":")" + crypto::hex(hash) + R"("})");
  const auto entry = *decode_audit_entry(row.entry);
  CHECK(entry.detail == crypto::hash32({crypto::bytes_of(row.detail)}));
  CHECK(origin_of(row, entry, 0).address == address);
  // Two entries of one machine do not show that it was one.
  deed.detail = "{}";
  const auto second = scribe_of(deed)(place);
  CHECK(second.detail.starts_with(R"({"from":")"));
  CHECK(second.detail != scribe_of(deed)(place).detail);
  // Nobody's machine.
  deed.origin.reset();
  const auto none = scribe_of(deed)(place);
  CHECK(none.detail == "{}");
  CHECK(none.origin.empty());
  CHECK_FALSE(origin_of(none, entry, 0).known);
}

TEST_CASE("an address that is another, or missing within 90 days, is named") {
  constexpr auto life = static_cast<std::uint64_t>(std::chrono::seconds{origin_life}.count());
  constexpr std::uint64_t hours = 3'600;
  constexpr std::uint64_t written = 1'790'000'020;  // the first of those with an address
  struct Row {
    const char* name;
    std::function<void(House&)> spoil;
    AuditFault fault;
    std::uint64_t seq;
    bool withheld;
  };
  const auto remove_all = [](House& h) {
    for (auto& row : h.rows) row.origin.clear();
  };
  const std::vector<Row> rows{
      {"as written", [](House&) {}, AuditFault::none, 0, false},
      {"as written, long ago", [](House& h) { h.now += 9 * life; }, AuditFault::none, 0, false},
      {"another address", [](House& h) { at(h, 22).origin[31] ^= 1; }, AuditFault::origin_altered,
       22, false},
      {"another salt", [](House& h) { at(h, 22).origin[0] ^= 1; }, AuditFault::origin_altered, 22,
       false},
      {"the one of another entry", [](House& h) { at(h, 22).origin = at(h, 23).origin; },
       AuditFault::origin_altered, 22, false},
      {"half of one", [](House& h) { at(h, 22).origin.resize(16); }, AuditFault::origin_altered, 22,
       false},
      {"one where none was", [](House& h) { at(h, 4).origin = at(h, 22).origin; },
       AuditFault::origin_altered, 4, false},
      {"removed", [](House& h) { at(h, 22).origin.clear(); }, AuditFault::origin_missing, 22, true},
      {"removed, before its time",
       [](House& h) {
         h.now = written + life - 13 * hours;
         at(h, 21).origin.clear();
       },
       AuditFault::origin_missing, 21, true},
      {"removed when its time has come, by clocks that are not quite the same",
       [](House& h) {
         h.now = written + life - 12 * hours;
         at(h, 21).origin.clear();
       },
       AuditFault::none, 0, false},
      {"removed, and the entry is of a time that has not come",
       [](House& h) {
         h.now = 1'700'000'000;
         at(h, 21).origin.clear();
       },
       AuditFault::origin_missing, 21, true},
      {"all removed", remove_all, AuditFault::origin_missing, 21, true},
      {"all removed for who is not to see them",
       [&](House& h) {
         remove_all(h);
         h.origins = Origins::of_those_given;
       },
       AuditFault::none, 0, true},
      {"another one, though nobody was to see it",
       [](House& h) {
         at(h, 22).origin[31] ^= 1;
         h.origins = Origins::of_those_given;
       },
       AuditFault::origin_altered, 22, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    House house;
    house.origin = config::ip_address_of("192.0.2.7");
    for (int i = 0; i < 4; ++i) house.append();
    house.sign();
    row.spoil(house);
    const auto verdict = house.verify();
    CHECK(verdict.fault == row.fault);
    CHECK(verdict.seq == row.seq);
    CHECK(verdict.origins_withheld == row.withheld);
    CHECK(describe(verdict.fault).empty() == verdict.good());
  }
}

TEST_CASE("every bit of every entry counts that another one follows") {
  House house;
  house.rows.resize(8);
  house.checkpoints.clear();
  house.sign();
  for (std::uint64_t seq = 1; seq < 8; ++seq)
    for (std::size_t bit = 0; bit < 8 * audit_entry_size; ++bit) {
      CAPTURE(seq);
      CAPTURE(bit);
      const auto mask = static_cast<std::uint8_t>(1 << (bit % 8));
      at(house, seq).entry[bit / 8] ^= mask;
      const auto verdict = house.verify();
      at(house, seq).entry[bit / 8] ^= mask;
      CHECK_FALSE(verdict.good());
      // A first entry that says that it is another shows that those before it are gone.
      CHECK(verdict.seq == seq);
    }
}

TEST_CASE("who has seen a checkpoint is not shown another past") {
  House honest;
  const auto seen = *honest.verify().newest;
  House forked;
  forked.rows.resize(14);
  forked.checkpoints.resize(2);
  for (int i = 0; i < 8; ++i) forked.append();
  at(forked, 15).entry[30] ^= 1;  // something else happened
  forked.recompute(15);
  SUBCASE("not even if the relay has signed it") {
    forked.sign();
    CHECK(forked.verify().good());
    const auto verdict = forked.verify(seen);
    CHECK(verdict.fault == AuditFault::forked);
    CHECK(verdict.seq == 20);
  }
  SUBCASE("nor a chain that ends before") {
    honest.rows.resize(18);
    honest.checkpoints.pop_back();
    const auto verdict = honest.verify(seen);
    CHECK(verdict.fault == AuditFault::missing);
    CHECK(verdict.seq == 19);
  }
  SUBCASE("nor another checkpoint of the same entry") {
    forked.rows.resize(20);
    forked.sign();
    const auto verdict = forked.verify(seen);
    CHECK(verdict.fault == AuditFault::forked);
    CHECK(verdict.seq == 20);
  }
}

TEST_CASE("a chain may begin later only when what came before is three years old") {
  constexpr std::uint64_t three_years =
      static_cast<std::uint64_t>(std::chrono::seconds{audit_life}.count());
  constexpr std::uint64_t beginning = 1'790'000'000;
  struct Row {
    const char* name;
    std::uint64_t span;                 // from the first checkpoint to the last one, as signed
    std::optional<std::uint64_t> seen;  // after the first one was signed: one of entry 2
    void (*lie)(House&);
    std::uint64_t missing;  // 0: good
  };
  const auto no_lie = [](House&) {};
  static const auto set_time = [](House& house, std::uint64_t seq, std::uint64_t time) {
    auto entry = *decode_audit_entry(at(house, seq).entry);
    entry.time = time;
    const auto bytes = encode(entry);
    at(house, seq).entry.assign(bytes.begin(), bytes.end());
    house.recompute(seq);
  };
  const Row rows[] = {
      {"three years", three_years, {}, no_lie, 0},
      {"half of it", three_years / 2, {}, no_lie, 1},
      {"half of it, and the first entry says it is old",
       three_years / 2,
       {},
       [](House& h) { set_time(h, 4, 1'262'304'000); },
       1},
      {"half of it, and an entry says that it was written later",
       three_years / 2,
       {},
       [](House& h) { set_time(h, 19, 2'208'988'800); },
       1},
      {"half of it, and a checkpoint is left from before the beginning",
       three_years / 2,
       {},
       [](House& h) {
         const auto old = sign_checkpoint({2, 1'262'304'000, audit_hash(at(h, 2).entry)}, h.relay);
         h.checkpoints.emplace(h.checkpoints.begin(), old.begin(), old.end());
       },
       1},
      {"three years, and who looks has seen what is missing long ago", three_years, 0, no_lie, 0},
      {"three years, and who looks has seen it yesterday", three_years, three_years - 86'400,
       no_lie, 3},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    House house;
    house.checkpoints.clear();
    row.lie(house);
    for (const std::uint64_t seq : {5, 20}) {
      const auto bytes = sign_checkpoint(
          {seq, beginning + (seq == 20 ? row.span : 0), audit_hash(at(house, seq).entry)},
          house.relay);
      house.checkpoints.emplace_back(bytes.begin(), bytes.end());
    }
    std::optional<Checkpoint> seen;
    if (row.seen) seen = Checkpoint{2, beginning + *row.seen, audit_hash(at(house, 2).entry)};
    house.rows.erase(house.rows.begin(), house.rows.begin() + 3);
    const auto verdict = house.verify(seen);
    CHECK(verdict.fault == (row.missing == 0 ? AuditFault::none : AuditFault::missing));
    CHECK(verdict.seq == row.missing);
    CHECK(verdict.first == 4);
  }
}

TEST_CASE(
    "what is after the last checkpoint that is left may be anything, and is not vouched for") {
  House house;
  house.checkpoints.resize(1);
  at(house, 7).entry[30] ^= 1;
  house.recompute(7);
  const auto verdict = house.verify();
  CHECK(verdict.good());
  CHECK(verdict.vouched == 5);
  CHECK(verdict.last == 20);
  // A checkpoint that was seen vouches as one in the file does.
  House whole;
  const auto seen = *whole.verify().newest;
  whole.checkpoints.resize(1);
  CHECK(whole.verify(seen).vouched == 20);
  CHECK(*whole.verify(seen).newest == seen);
  CHECK(house.verify(seen).fault != AuditFault::none);
}

}  // namespace ishara::identity
