#pragma once
// The keys that people hold themselves, away from the servers. Pure functions, thread-safe.

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/crypto/primitives.hpp"

namespace ishara::identity {

// The numbers stand in sealed key files and on sheets of paper, and never change.
enum class KeyKind : std::uint8_t {
  user = 0,          // a person's seed, which gives two keys: keys.hpp
  root = 1,          // Ed25519, signs the root roster
  organisation = 2,  // Ed25519, signs an organisation's roster
  recovery = 3,      // X25519, opens an organisation's recovery grants
  service = 4,       // Ed25519, of a role on a server; in a plain file of its own, never on paper
};

// For people and for JSON.
std::string_view name_of(KeyKind kind) noexcept;
std::optional<KeyKind> key_kind_named(std::string_view name) noexcept;

// What is public of a seed; not for a user, who has two keys.
crypto::PublicKey public_key_of(KeyKind kind, const crypto::Secret<32>& seed);

}  // namespace ishara::identity
