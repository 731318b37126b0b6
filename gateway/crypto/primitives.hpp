#pragma once
// The primitives of privacy.md section 5, each a thin, checked call of libsodium 1.0.18. Nothing in
// the house calls libsodium but the sources of this folder. All functions are thread-safe once
// `start()` has returned. A failed decryption or check is one error without detail.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/crypto/secret.hpp"

namespace ishara::crypto {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;
using Parts = std::initializer_list<View>;  // one after the other, as if joined
using Id = std::array<std::uint8_t, 16>;
using Digest = std::array<std::uint8_t, 32>;
using PublicKey = std::array<std::uint8_t, 32>;  // X25519 or Ed25519
using Nonce = std::array<std::uint8_t, 24>;
using Signature = std::array<std::uint8_t, 64>;
using WipedBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;

// For hash maps by ids that nobody can choose: random ones, and keyed hashes.
struct IdHash {
  std::size_t operator()(const Id& id) const noexcept {
    std::size_t out;
    std::memcpy(&out, id.data(), sizeof out);
    return out;
  }
};

inline constexpr std::size_t mac_size = 16;       // of every box and AEAD here
inline constexpr std::size_t seal_overhead = 48;  // of an anonymous box

inline View bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Prepares libsodium; call once before anything else. Throws std::runtime_error if it cannot.
void start();

// --- Randomness and comparison
void random(std::span<std::uint8_t> out) noexcept;
template <std::size_t N>
std::array<std::uint8_t, N> random_bytes() noexcept {
  std::array<std::uint8_t, N> out;
  random(out);
  return out;
}
template <std::size_t N>
Secret<N> random_secret() noexcept {
  Secret<N> out;
  random(out.fill());
  return out;
}
// Uniform in [0, bound).
std::uint32_t random_below(std::uint32_t bound) noexcept;
// In constant time for equal sizes; false for different sizes.
bool equal(View left, View right) noexcept;

// --- BLAKE2b (RFC 7693)
Id hash16(Parts parts) noexcept;
Digest hash32(Parts parts) noexcept;
// Of the two public keys this is the nonce of an anonymous box; test vectors are written so.
Nonce hash24(Parts parts) noexcept;
Id keyed_hash16(const Secret<32>& key, Parts parts) noexcept;
Digest keyed_hash32(const Secret<32>& key, Parts parts) noexcept;
// The kid of a public key.
inline Id key_id(const PublicKey& key) noexcept { return hash16({key}); }

// --- Key derivation: crypto_kdf with a context of exactly 8 characters.
Secret<32> derive(const Secret<32>& seed, std::uint64_t id, std::string_view context) noexcept;

// --- Ed25519 signatures (RFC 8032) over `domain` ‖ 0 ‖ parts
struct SigningKey {
  PublicKey public_key{};
  Secret<64> secret_key;
};
SigningKey signing_key(const Secret<32>& seed) noexcept;
Signature sign(std::string_view domain, Parts parts, const SigningKey& key);
[[nodiscard]] bool verify(std::string_view domain, Parts parts, const Signature& signature,
                          const PublicKey& key);

// --- X25519 boxes
struct BoxKey {
  PublicKey public_key{};
  Secret<32> secret_key;
};
BoxKey box_key(const Secret<32>& seed) noexcept;
BoxKey box_key() noexcept;  // fresh
// The pair of a secret key that is already a scalar, not a seed (test vectors are written so).
BoxKey box_key_of(const Secret<32>& secret_key) noexcept;
using SharedKey = Secret<32>;
// Nothing for a low-order public key.
std::optional<SharedKey> shared_key(const PublicKey& theirs, const Secret<32>& ours) noexcept;
// `out` has the size of `plain` + mac_size.
void box(std::span<std::uint8_t> out, View plain, const Nonce& nonce,
         const SharedKey& key) noexcept;
[[nodiscard]] bool open_box(std::span<std::uint8_t> out, View cipher, const Nonce& nonce,
                            const SharedKey& key) noexcept;

// Anonymous boxes (crypto_box_seal). Nothing for a low-order key or, on opening, for any failure.
std::optional<Bytes> seal(View plain, const PublicKey& recipient);
std::optional<WipedBytes> open_seal(View cipher, const BoxKey& recipient);

// --- XChaCha20-Poly1305-IETF
// `out` has the size of `plain` + mac_size.
void encrypt(std::span<std::uint8_t> out, View plain, View associated, const Nonce& nonce,
             const Secret<32>& key) noexcept;
[[nodiscard]] bool decrypt(std::span<std::uint8_t> out, View cipher, View associated,
                           const Nonce& nonce, const Secret<32>& key) noexcept;

// --- Passphrases: Argon2id with the one set of parameters that clients use (3 passes, 64 MiB).
inline constexpr std::uint32_t passphrase_passes = 3;
inline constexpr std::uint32_t passphrase_memory_kib = 64 * 1024;
// Blocks for about 100 ms and holds 64 MiB; throws std::bad_alloc without them.
Secret<32> blocking_passphrase_key(std::string_view passphrase, const Id& salt);

// --- Padding (ISO/IEC 7816-4) to a multiple of `block`
void pad(WipedBytes& bytes, std::size_t block);
// The size without padding; nothing if the padding is not one.
std::optional<std::size_t> unpadded_size(View bytes, std::size_t block) noexcept;

}  // namespace ishara::crypto
