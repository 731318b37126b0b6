#include "gateway/identity/envelope.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "gateway/identity/keys.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;
using crypto::View;

constexpr std::uint8_t version = 1;
enum class Type : std::uint8_t {
  key_wrap = 1,
  message = 2,
  return_address = 3,
  queue_grant = 6,
  user_key = 7,
};

// A tag with its terminating zero, as privacy.md writes "…\0".
template <std::size_t N>
View tag(const char (&text)[N]) {
  return {reinterpret_cast<const std::uint8_t*>(text), N};
}

using Header = std::array<std::uint8_t, header_size>;

Header header(Type type, std::uint32_t word, const Id& subject, const Id& object,
              const Id& recipient) {
  Header out{};
  Writer write{out};
  write.u8(version);
  write.u8(static_cast<std::uint8_t>(type));
  write.u16(0);  // flags: no type of this file has any
  write.u32(word);
  write.bytes(subject);
  write.bytes(object);
  write.bytes(recipient);
  return out;
}

crypto::Digest context(View head, View epk) {
  return crypto::hash32({tag("ishara/v1/ctx"), head, epk});
}

// epk ‖ nonce ‖ box(ctx ‖ body). The nonce is random, never derived from the keys: with a reused
// sender key a derived nonce would repeat and two wraps would give away the xor of two keys.
BoxEnvelope box_envelope(const Header& head, View body, const SenderHalf& sender,
                         const crypto::Nonce& nonce) {
  crypto::Secret<64> plain;
  const auto ctx = context(head, sender.epk);
  std::ranges::copy(ctx, plain.fill().begin());
  std::ranges::copy(body, plain.fill().begin() + 32);
  BoxEnvelope out;
  Writer write{out};
  write.bytes(head);
  write.bytes(sender.epk);
  write.bytes(nonce);
  crypto::box(std::span{out}.subspan(header_size + 32 + 24), plain.reveal(), nonce, sender.shared);
  return out;
}

result<crypto::Secret<32>> open_box_envelope(View envelope, const Header& expected,
                                             const crypto::BoxKey& key) {
  if (envelope.size() != box_envelope_size ||
      !std::ranges::equal(envelope.first(header_size), expected))
    return envelope_errc::refused;
  crypto::PublicKey epk;
  std::ranges::copy(envelope.subspan(header_size, 32), epk.begin());
  crypto::Nonce nonce;
  std::ranges::copy(envelope.subspan(header_size + 32, 24), nonce.begin());
  const auto shared = crypto::shared_key(epk, key.secret_key);
  crypto::Secret<64> plain;
  if (!shared ||
      !crypto::open_box(plain.fill(), envelope.subspan(header_size + 56), nonce, *shared))
    return envelope_errc::refused;
  // X25519 ignores bit 255 of a public key; the context does not.
  if (!crypto::equal(plain.reveal().first<32>(), context(expected, epk)))
    return envelope_errc::refused;
  return crypto::Secret<32>{plain.reveal().last<32>()};
}

constexpr crypto::Nonce zero_nonce{};

struct EnvelopeCategory final : boost::system::error_category {
  const char* name() const noexcept override { return "ishara.envelope"; }
  std::string message(int) const override { return "the envelope does not open as expected"; }
};

SealedText seal_text_under(std::uint32_t hour, const Id& report_id, View json,
                           crypto::Secret<32> key) {
  SealedText out;
  out.message_id = message_id_of(key);
  const auto head = header(Type::message, hour, report_id, out.message_id, {});
  crypto::WipedBytes padded{json.begin(), json.end()};
  crypto::pad(padded, text_block);
  out.envelope.resize(header_size + padded.size() + crypto::mac_size);
  std::ranges::copy(head, out.envelope.begin());
  crypto::encrypt(std::span{out.envelope}.subspan(header_size), padded, head, zero_nonce, key);
  out.key = std::move(key);
  return out;
}

crypto::Secret<32> return_address_body(const ReturnAddress& address) {
  crypto::Secret<32> body;
  Writer write{body.fill()};
  write.bytes(address.number);
  write.bytes(address.ref);
  write.u8(address.channel);
  write.u8(address.preferences);
  write.bytes(address.safe_range);
  return body;
}

}  // namespace

const boost::system::error_category& envelope_category() noexcept {
  static const EnvelopeCategory category;
  return category;
}

crypto::Id message_id_of(const crypto::Secret<32>& key) {
  return crypto::hash16({tag("ishara/v1/mid"), key.reveal()});
}

SealedText seal_text(std::uint32_t hour, const Id& report_id, View json) {
  return seal_text_under(hour, report_id, json, crypto::random_secret<32>());
}

result<Id> claimed_message_id(View envelope) {
  if (envelope.size() < header_size || envelope[0] != version ||
      envelope[1] != static_cast<std::uint8_t>(Type::message))
    return envelope_errc::refused;
  Id id;
  std::ranges::copy(envelope.subspan(24, 16), id.begin());
  return id;
}

result<crypto::WipedBytes> open_text(View envelope, std::uint32_t hour, const Id& report_id,
                                     const Id& message_id, const crypto::Secret<32>& key) {
  const auto expected = header(Type::message, hour, report_id, message_id, {});
  constexpr auto overhead = header_size + crypto::mac_size;
  if (envelope.size() < overhead + text_block || (envelope.size() - overhead) % text_block != 0 ||
      !std::ranges::equal(envelope.first(header_size), expected) ||
      !crypto::equal(message_id, message_id_of(key)))
    return envelope_errc::refused;
  crypto::WipedBytes plain(envelope.size() - overhead);
  if (!crypto::decrypt(plain, envelope.subspan(header_size), expected, zero_nonce, key))
    return envelope_errc::refused;
  const auto size = crypto::unpadded_size(plain, text_block);
  if (!size) return envelope_errc::refused;
  plain.resize(*size);
  return plain;
}

BoxEnvelope wrap_key(const crypto::Secret<32>& key, const Id& report_id, const Id& message_id,
                     const QueueKeyId& queue, const SenderHalf& sender) {
  return box_envelope(header(Type::key_wrap, queue.generation, report_id, message_id, queue.kid),
                      key.reveal(), sender, crypto::random_bytes<24>());
}

result<crypto::Secret<32>> open_key_wrap(View wrap, const Id& report_id, const Id& message_id,
                                         const QueueKeyId& queue, const crypto::BoxKey& queue_key) {
  auto key = open_box_envelope(
      wrap, header(Type::key_wrap, queue.generation, report_id, message_id, queue.kid), queue_key);
  // XChaCha20-Poly1305 commits to no key; the message id does.
  if (key && !crypto::equal(message_id, message_id_of(*key))) return envelope_errc::refused;
  return key;
}

result<QueueKeyId> wrap_recipient(View wrap) {
  if (wrap.size() != box_envelope_size || wrap[0] != version ||
      wrap[1] != static_cast<std::uint8_t>(Type::key_wrap))
    return envelope_errc::refused;
  Reader read{wrap};
  read.skip(4);
  QueueKeyId out;
  out.generation = read.u32();
  read.skip(32);
  out.kid = read.array<16>();
  return out;
}

BoxEnvelope seal_return_address(const ReturnAddress& address, const Id& report_id, const Id& object,
                                std::uint32_t epoch, const Id& epoch_kid,
                                const SenderHalf& sender) {
  const auto body = return_address_body(address);
  return box_envelope(header(Type::return_address, epoch, report_id, object, epoch_kid),
                      body.reveal(), sender, crypto::random_bytes<24>());
}

result<crypto::Bytes> seal_queue_grant(const crypto::Secret<32>& queue_seed, const Id& queue_id,
                                       const Id& user_id, std::uint32_t generation,
                                       const crypto::PublicKey& user_box_key) {
  const auto head =
      header(Type::queue_grant, generation, queue_id, user_id, crypto::key_id(user_box_key));
  crypto::Secret<64> plain;
  std::ranges::copy(context(head, {}), plain.fill().begin());
  std::ranges::copy(queue_seed.reveal(), plain.fill().begin() + 32);
  const auto sealed = crypto::seal(plain.reveal(), user_box_key);
  if (!sealed) return envelope_errc::refused;
  crypto::Bytes out{head.begin(), head.end()};
  out.insert(out.end(), sealed->begin(), sealed->end());
  return out;
}

result<crypto::Secret<32>> open_queue_grant(View grant, const Id& queue_id, const Id& user_id,
                                            std::uint32_t generation,
                                            const crypto::BoxKey& user_key) {
  const auto expected =
      header(Type::queue_grant, generation, queue_id, user_id, crypto::key_id(user_key.public_key));
  if (grant.size() != queue_grant_size || !std::ranges::equal(grant.first(header_size), expected))
    return envelope_errc::refused;
  const auto plain = crypto::open_seal(grant.subspan(header_size), user_key);
  if (!plain || plain->size() != 64) return envelope_errc::refused;
  const auto both = std::span<const std::uint8_t, 64>{*plain};
  if (!crypto::equal(both.first<32>(), context(expected, {}))) return envelope_errc::refused;
  return crypto::Secret<32>{both.last<32>()};
}

std::array<std::uint8_t, user_key_size> blocking_seal_user_key(const crypto::Secret<32>& user_seed,
                                                               const Id& user_id,
                                                               std::string_view passphrase) {
  std::array<std::uint8_t, user_key_size> out{};
  Writer write{out};
  write.u8(version);
  write.u8(static_cast<std::uint8_t>(Type::user_key));
  write.u8(1);  // the one key derivation: Argon2id
  write.u8(0);
  write.u32(crypto::passphrase_passes);
  write.u32(crypto::passphrase_memory_kib);
  write.u32(0);
  const auto salt = crypto::random_bytes<16>();
  const auto nonce = crypto::random_bytes<24>();
  write.bytes(salt);
  write.bytes(nonce);
  const auto login = login_keys(crypto::blocking_passphrase_key(passphrase, salt));
  crypto::Bytes associated{out.begin(), out.begin() + 56};
  associated.insert(associated.end(), user_id.begin(), user_id.end());
  crypto::encrypt(std::span{out}.subspan(56), user_seed.reveal(), associated, nonce,
                  login.key_encryption);
  return out;
}

result<crypto::Secret<32>> blocking_open_user_key(View user_key, const Id& user_id,
                                                  std::string_view passphrase) {
  if (user_key.size() != user_key_size) return envelope_errc::refused;
  Reader read{user_key};
  // One set of parameters, fixed in the clients, so that nobody who serves this can weaken it.
  if (read.u8() != version || read.u8() != static_cast<std::uint8_t>(Type::user_key) ||
      read.u8() != 1 || read.u8() != 0 || read.u32() != crypto::passphrase_passes ||
      read.u32() != crypto::passphrase_memory_kib || read.u32() != 0)
    return envelope_errc::refused;
  const auto salt = read.array<16>();
  const auto nonce = read.array<24>();
  const auto login = login_keys(crypto::blocking_passphrase_key(passphrase, salt));
  crypto::Bytes associated{user_key.begin(), user_key.begin() + 56};
  associated.insert(associated.end(), user_id.begin(), user_id.end());
  crypto::Secret<32> seed;
  if (!crypto::decrypt(seed.fill(), user_key.subspan(56), associated, nonce, login.key_encryption))
    return envelope_errc::refused;
  return seed;
}

namespace vectors {

// The published values of privacy.md section 19 fix what is otherwise drawn at random.
SealedText seal_text(std::uint32_t hour, const Id& report_id, View json, crypto::Secret<32> key) {
  return seal_text_under(hour, report_id, json, std::move(key));
}
BoxEnvelope wrap_key(const crypto::Secret<32>& key, const Id& report_id, const Id& message_id,
                     const QueueKeyId& queue, const SenderHalf& sender,
                     const crypto::Nonce& nonce) {
  return box_envelope(header(Type::key_wrap, queue.generation, report_id, message_id, queue.kid),
                      key.reveal(), sender, nonce);
}
BoxEnvelope seal_return_address(const ReturnAddress& address, const Id& report_id, const Id& object,
                                std::uint32_t epoch, const Id& epoch_kid, const SenderHalf& sender,
                                const crypto::Nonce& nonce) {
  const auto body = return_address_body(address);
  return box_envelope(header(Type::return_address, epoch, report_id, object, epoch_kid),
                      body.reveal(), sender, nonce);
}

}  // namespace vectors
}  // namespace ishara::identity
