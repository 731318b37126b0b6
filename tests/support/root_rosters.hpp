#pragma once
// Root rosters of one deployment, version after version, and a database that has been set back to
// an older one. For tests.

#include <stdexcept>

#include "gateway/identity/roster.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/store.hpp"

namespace ishara::tests {

class RootRosters {
 public:
  explicit RootRosters(const storage::TestDatabase& database) : database_{database} {}

  crypto::PublicKey key() const { return key_.public_key; }
  void put(std::uint32_t version) {
    identity::RootRoster roster;
    roster.deployment = deployment_;
    roster.version = version;
    const auto made = identity::sign_roster(roster, key_);
    storage::blocking::Store store{database_.url("ishara_desk")};
    if (!store.put_roster(
            {{}, version, made.bytes, {made.signature.begin(), made.signature.end()}}))
      throw std::runtime_error{"the roster cannot be stored"};
  }
  void go_back_to(std::uint32_t version) const {
    database_.query("DELETE FROM roster WHERE version > " + std::to_string(version));
  }

 private:
  const storage::TestDatabase& database_;
  crypto::SigningKey key_ = crypto::signing_key(crypto::random_secret<32>());
  crypto::Id deployment_ = crypto::random_bytes<16>();
};

}  // namespace ishara::tests
