#include "gateway/crypto/primitives.hpp"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace ishara::crypto {

static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32);
static_assert(crypto_box_BEFORENMBYTES == 32 && crypto_box_NONCEBYTES == 24);
static_assert(crypto_box_MACBYTES == mac_size && crypto_box_SEALBYTES == seal_overhead);
static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == mac_size);
static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24);
static_assert(crypto_sign_SECRETKEYBYTES == 64 && crypto_sign_BYTES == 64);
static_assert(crypto_kdf_CONTEXTBYTES == 8 && crypto_kdf_KEYBYTES == 32);
static_assert(crypto_pwhash_SALTBYTES == 16);

void start() {
  if (sodium_init() < 0) throw std::runtime_error{"libsodium does not start"};
}

void random(std::span<std::uint8_t> out) noexcept { randombytes_buf(out.data(), out.size()); }

std::uint32_t random_below(std::uint32_t bound) noexcept { return randombytes_uniform(bound); }

bool equal(View left, View right) noexcept {
  return left.size() == right.size() && sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

namespace {

// The state is wiped: it holds what was hashed, which may be a number.
void generic_hash(std::span<std::uint8_t> out, View key, Parts parts) noexcept {
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.data(), key.size(), out.size());
  for (const auto part : parts) crypto_generichash_update(&state, part.data(), part.size());
  crypto_generichash_final(&state, out.data(), out.size());
  wipe(&state, sizeof state);
}

Bytes signed_bytes(std::string_view domain, Parts parts) {
  std::size_t size = domain.size() + 1;
  for (const auto part : parts) size += part.size();
  Bytes all;
  all.reserve(size);
  all.insert(all.end(), domain.begin(), domain.end());
  all.push_back(0);
  for (const auto part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

Id hash16(Parts parts) noexcept {
  Id out;
  generic_hash(out, {}, parts);
  return out;
}

Digest hash32(Parts parts) noexcept {
  Digest out;
  generic_hash(out, {}, parts);
  return out;
}

Nonce hash24(Parts parts) noexcept {
  Nonce out;
  generic_hash(out, {}, parts);
  return out;
}

Id keyed_hash16(const Secret<32>& key, Parts parts) noexcept {
  Id out;
  generic_hash(out, key.reveal(), parts);
  return out;
}

Digest keyed_hash32(const Secret<32>& key, Parts parts) noexcept {
  Digest out;
  generic_hash(out, key.reveal(), parts);
  return out;
}

Secret<32> derive(const Secret<32>& seed, std::uint64_t id, std::string_view context) noexcept {
  std::array<char, crypto_kdf_CONTEXTBYTES> padded{};
  context.copy(padded.data(), padded.size());
  Secret<32> out;
  crypto_kdf_derive_from_key(out.fill().data(), 32, id, padded.data(), seed.reveal().data());
  return out;
}

SigningKey signing_key(const Secret<32>& seed) noexcept {
  SigningKey key;
  crypto_sign_seed_keypair(key.public_key.data(), key.secret_key.fill().data(),
                           seed.reveal().data());
  return key;
}

Signature sign(std::string_view domain, Parts parts, const SigningKey& key) {
  const auto all = signed_bytes(domain, parts);
  Signature out;
  crypto_sign_detached(out.data(), nullptr, all.data(), all.size(), key.secret_key.reveal().data());
  return out;
}

bool verify(std::string_view domain, Parts parts, const Signature& signature,
            const PublicKey& key) {
  const auto all = signed_bytes(domain, parts);
  return crypto_sign_verify_detached(signature.data(), all.data(), all.size(), key.data()) == 0;
}

BoxKey box_key(const Secret<32>& seed) noexcept {
  BoxKey key;
  crypto_box_seed_keypair(key.public_key.data(), key.secret_key.fill().data(),
                          seed.reveal().data());
  return key;
}

BoxKey box_key() noexcept {
  BoxKey key;
  crypto_box_keypair(key.public_key.data(), key.secret_key.fill().data());
  return key;
}

BoxKey box_key_of(const Secret<32>& secret_key) noexcept {
  BoxKey key;
  crypto_scalarmult_base(key.public_key.data(), secret_key.reveal().data());
  key.secret_key = Secret<32>{secret_key.reveal()};
  return key;
}

std::optional<SharedKey> shared_key(const PublicKey& theirs, const Secret<32>& ours) noexcept {
  SharedKey key;
  if (crypto_box_beforenm(key.fill().data(), theirs.data(), ours.reveal().data()) != 0)
    return std::nullopt;
  return key;
}

void box(std::span<std::uint8_t> out, View plain, const Nonce& nonce,
         const SharedKey& key) noexcept {
  crypto_box_easy_afternm(out.data(), plain.data(), plain.size(), nonce.data(),
                          key.reveal().data());
}

bool open_box(std::span<std::uint8_t> out, View cipher, const Nonce& nonce,
              const SharedKey& key) noexcept {
  return cipher.size() == out.size() + mac_size &&
         crypto_box_open_easy_afternm(out.data(), cipher.data(), cipher.size(), nonce.data(),
                                      key.reveal().data()) == 0;
}

std::optional<Bytes> seal(View plain, const PublicKey& recipient) {
  Bytes out(plain.size() + seal_overhead);
  if (crypto_box_seal(out.data(), plain.data(), plain.size(), recipient.data()) != 0)
    return std::nullopt;
  return out;
}

std::optional<WipedBytes> open_seal(View cipher, const BoxKey& recipient) {
  if (cipher.size() < seal_overhead) return std::nullopt;
  WipedBytes out(cipher.size() - seal_overhead);
  if (crypto_box_seal_open(out.data(), cipher.data(), cipher.size(), recipient.public_key.data(),
                           recipient.secret_key.reveal().data()) != 0)
    return std::nullopt;
  return out;
}

void encrypt(std::span<std::uint8_t> out, View plain, View associated, const Nonce& nonce,
             const Secret<32>& key) noexcept {
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(),
                                             associated.data(), associated.size(), nullptr,
                                             nonce.data(), key.reveal().data());
}

bool decrypt(std::span<std::uint8_t> out, View cipher, View associated, const Nonce& nonce,
             const Secret<32>& key) noexcept {
  return cipher.size() == out.size() + mac_size &&
         crypto_aead_xchacha20poly1305_ietf_decrypt(
             out.data(), nullptr, nullptr, cipher.data(), cipher.size(), associated.data(),
             associated.size(), nonce.data(), key.reveal().data()) == 0;
}

Secret<32> blocking_passphrase_key(std::string_view passphrase, const Id& salt) {
  Secret<32> out;
  if (crypto_pwhash(out.fill().data(), 32, passphrase.data(), passphrase.size(), salt.data(),
                    passphrase_passes, std::size_t{passphrase_memory_kib} * 1024,
                    crypto_pwhash_ALG_ARGON2ID13) != 0)
    throw std::bad_alloc{};
  return out;
}

void pad(WipedBytes& bytes, std::size_t block) {
  const auto size = bytes.size();
  bytes.resize((size / block + 1) * block);
  std::size_t padded = 0;
  sodium_pad(&padded, bytes.data(), size, block, bytes.size());
}

std::optional<std::size_t> unpadded_size(View bytes, std::size_t block) noexcept {
  std::size_t size = 0;
  if (sodium_unpad(&size, bytes.data(), bytes.size(), block) != 0) return std::nullopt;
  return size;
}

}  // namespace ishara::crypto
