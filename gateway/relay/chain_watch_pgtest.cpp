#include "gateway/relay/chain_watch.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/audit.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "tests/support/folder.hpp"

namespace ishara::relay {
namespace {

namespace fs = std::filesystem;
using identity::AuditAction;

constexpr Seconds now{std::chrono::seconds{1'790'000'000}};

struct Scene {
  void act(int times, std::uint32_t flags = 0) {
    for (int i = 0; i < times; ++i)
      REQUIRE(store.put_audit({}, {}, identity::scribe_of({AuditAction::open, 1, {}, flags, "{}"}))
                  .has_value());
  }
  // By somebody who may write everything.
  void replace(std::uint64_t seq, const storage::Bytes& entry) {
    database.query("UPDATE audit SET entry = '\\x" + crypto::hex(entry) +
                   "' WHERE seq = " + std::to_string(seq));
  }
  // Changes one entry and computes all later ones anew.
  void rewrite(std::uint64_t from) {
    auto entry = *identity::decode_audit_entry(store.audit_entry(from)->entry);
    entry.flags ^= 1;
    auto bytes = identity::encode(entry);
    replace(from, {bytes.begin(), bytes.end()});
    for (auto seq = from + 1; seq <= store.audit_head()->seq; ++seq) {
      auto next = *identity::decode_audit_entry(store.audit_entry(seq)->entry);
      next.before = identity::audit_hash(bytes);
      bytes = identity::encode(next);
      replace(seq, {bytes.begin(), bytes.end()});
    }
  }
  ChainWatch::Look look() {
    const auto found = watch.look(store, relay, now);
    REQUIRE(found.has_value());
    return *found;
  }
  std::string checkpoints() const { return database.value("SELECT count(*) FROM checkpoint"); }

  storage::TestDatabase database;
  storage::blocking::RelayStore store{database.url("ishara_relay")};
  tests::Folder folder;
  crypto::SigningKey relay = crypto::signing_key(crypto::Secret<32>{});
  ChainWatch watch{folder / "relay.audit"};
};

}  // namespace

TEST_CASE("the relay signs for the end of the chain when it has grown, and only then") {
  Scene scene;
  CHECK_FALSE(scene.look().has_signed);
  scene.act(3);
  const auto look = scene.look();
  CHECK(look.has_signed);
  CHECK(look.seq == 3);
  CHECK_FALSE(scene.look().has_signed);
  scene.act(1'005);  // more than a page
  CHECK(scene.look().has_signed);
  CHECK(scene.checkpoints() == "2");
  const auto checkpoint =
      identity::verify_checkpoint(scene.store.last_checkpoint()->bytes, scene.relay.public_key);
  REQUIRE(checkpoint.has_value());
  CHECK(checkpoint->seq == 1'008);
  CHECK(checkpoint->time == 1'790'000'000);
  CHECK(checkpoint->head == identity::audit_hash(scene.store.audit_head()->entry));
}

TEST_CASE("a chain that does not continue what the relay has seen is not signed (P23)") {
  struct Row {
    const char* name;
    void (*spoil)(Scene&);
    std::uint64_t seq;
  };
  const Row rows[] = {
      {"shortened", [](Scene& s) { s.database.query("DELETE FROM audit WHERE seq > 8"); }, 10},
      {"emptied", [](Scene& s) { s.database.query("DELETE FROM audit"); }, 10},
      {"shortened and grown again",
       [](Scene& s) {
         s.database.query("DELETE FROM audit WHERE seq > 8");
         s.act(4, 1);
       },
       10},
      {"its past written anew", [](Scene& s) { s.rewrite(5); }, 10},
      {"a new entry deleted",
       [](Scene& s) {
         s.act(3);
         s.database.query("DELETE FROM audit WHERE seq = 12");
       },
       12},
      {"a new entry altered",
       [](Scene& s) {
         s.act(3);
         auto entry = s.store.audit_entry(11)->entry;
         entry[30] ^= 1;
         s.replace(11, entry);
       },
       12},
      {"a new detail altered",
       [](Scene& s) {
         s.act(3);
         s.database.query("UPDATE audit SET detail = '[]' WHERE seq = 12");
       },
       12},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene;
    scene.act(10);
    REQUIRE(scene.look().has_signed);
    row.spoil(scene);
    for (int again = 0; again < 2; ++again) {
      const auto look = scene.look();
      CHECK(look.broken);
      CHECK(look.seq == row.seq);
      CHECK_FALSE(look.has_signed);
    }
    CHECK(scene.checkpoints() == "1");
  }
}

TEST_CASE("a relay whose file is gone goes by the last checkpoint that it has signed") {
  Scene scene;
  scene.act(5);
  REQUIRE(scene.look().has_signed);
  fs::remove(scene.folder / "relay.audit");
  CHECK_FALSE(scene.look().has_signed);
  scene.rewrite(2);
  CHECK(scene.look().broken);
}

TEST_CASE("a relay whose file is gone does not begin where somebody else wants it to") {
  struct Row {
    const char* name;
    void (*spoil)(Scene&);
    std::uint64_t seq;
  };
  const Row rows[] = {
      {"the last checkpoint is somebody else's",
       [](Scene& s) {
         s.database.query("UPDATE checkpoint SET bytes = set_byte(bytes, 100, 1)");
         s.rewrite(2);
       },
       10},
      {"a later one is",
       [](Scene& s) {
         s.database.query("INSERT INTO checkpoint VALUES (30, decode(repeat('00', 136), 'hex'))");
       },
       30},
      {"it stands under another number",
       [](Scene& s) { s.database.query("UPDATE checkpoint SET seq = 9"); }, 9},
      {"there is none, and the beginning is gone",
       [](Scene& s) {
         s.database.query("DELETE FROM checkpoint");
         s.database.query("DELETE FROM audit WHERE seq < 4");
       },
       1},
      {"there is none, and the first entry follows another one",
       [](Scene& s) {
         s.database.query("DELETE FROM checkpoint");
         auto entry = s.store.audit_entry(1)->entry;
         entry[120] ^= 1;
         s.replace(1, entry);
       },
       1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene;
    scene.act(10);
    REQUIRE(scene.look().has_signed);
    fs::remove(scene.folder / "relay.audit");
    row.spoil(scene);
    const auto look = scene.look();
    CHECK(look.broken);
    CHECK(look.seq == row.seq);
    CHECK_FALSE(look.has_signed);
  }
}

TEST_CASE("where the relay wants to sign, nobody else's checkpoint may stand") {
  Scene scene;
  scene.act(5);
  scene.database.query("INSERT INTO checkpoint VALUES (5, decode(repeat('00', 136), 'hex'))");
  REQUIRE(scene.store.last_checkpoint()->seq == 5);
  CHECK(scene.look().broken);
  scene.database.query("DELETE FROM checkpoint");
  REQUIRE(scene.look().has_signed);
  scene.act(2);
  scene.database.query("INSERT INTO checkpoint VALUES (7, decode(repeat('00', 136), 'hex'))");
  CHECK(scene.look().broken);
  CHECK(scene.look().seq == 7);
}

TEST_CASE("a last checkpoint that is gone is signed again") {
  Scene scene;
  scene.act(5);
  REQUIRE(scene.look().has_signed);
  scene.database.query("DELETE FROM checkpoint");
  CHECK(scene.look().has_signed);
  CHECK(scene.store.last_checkpoint()->seq == 5);
  CHECK_FALSE(scene.look().has_signed);
  // Also when it was stored, and the relay stopped before it remembered.
  scene.act(2);
  const auto file = scene.folder / "relay.audit";
  fs::copy_file(file, scene.folder / "before");
  REQUIRE(scene.look().has_signed);
  fs::rename(scene.folder / "before", file);
  const auto look = scene.look();
  CHECK_FALSE(look.broken);
  CHECK_FALSE(look.has_signed);
  CHECK(look.seq == 7);
}

TEST_CASE("a file that is not as the relay wrote it is not believed") {
  Scene scene;
  scene.act(5);
  REQUIRE(scene.look().has_signed);
  const auto file = scene.folder / "relay.audit";
  fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
  CHECK(scene.watch.look(scene.store, scene.relay, now).error() ==
        config::key_file_errc::wrong_mode);
  fs::resize_file(file, 39);
  fs::permissions(file, fs::perms::owner_read);
  CHECK(scene.watch.look(scene.store, scene.relay, now).error() ==
        config::key_file_errc::wrong_size);
}

}  // namespace ishara::relay
