#pragma once
// Founding a deployment: the keys of its services, and under demo custody every other key and the
// first rosters too. Then one machine held every key, and every screen says so. Start-up only.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/sealed_key.hpp"
#include "routing/table/table.hpp"
#include "storage/store.hpp"

namespace ishara::commands {

// What is to be written and stored. Made in memory first, so that a founding either happens as a
// whole or leaves nothing behind.
struct Founding {
  struct SecretFile {
    std::filesystem::path path;  // relative to the deployment's folder
    crypto::WipedBytes bytes;
  };
  struct Member {
    std::string name;  // of her key file: users/<name>.key and users/<name>.passphrase
    std::string organisation;
    std::string role;  // caseworker, admin or auditor
    crypto::WipedBuffer passphrase;
  };
  // A key that people would hold offline.
  struct OfflineKey {
    std::filesystem::path path;
    identity::HeldKey key;
  };
  crypto::PublicKey root_key{};
  std::vector<SecretFile> files;
  std::vector<OfflineKey> offline_keys;
  std::vector<Member> members;
  std::vector<storage::Roster> rosters;
  std::vector<storage::QueueGrant> grants;
};

// What the officers of the root key put into the root roster.
struct ServiceKeys {
  crypto::PublicKey gateway{};
  crypto::PublicKey relay{};
};
// New keys of the services, whose files are added to `founding`.
ServiceKeys make_service_keys(Founding& founding);

// The file with which these keys, each with its use, are taken to the officers; no secret.
std::string services_request(
    std::string_view deployment,
    const std::vector<std::pair<std::string, crypto::PublicKey>>& services);

// Demo custody: one organisation for each that the tables name, its queues as they are there, one
// caseworker who is a member of all of them, an admin and an auditor. Blocks for three Argon2id an
// organisation.
Founding blocking_found(const routing::Table& table);
// Adds a sealed file of each offline key to the files, and beside it one with its passphrase.
// Blocks for one Argon2id a key.
void blocking_seal_offline_keys(Founding& founding);

}  // namespace ishara::commands
