#include "gateway/identity/envelope.hpp"

#include "gateway/identity/keys.hpp"
#include "gateway/identity/layout.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;
using crypto::View;
using layout::Header;
using layout::Type;

struct EnvelopeCategory final : boost::system::error_category {
  const char* name() const noexcept override { return "ishara.envelope"; }
  std::string message(int) const override { return "the envelope does not open as expected"; }
};

Header message_header(std::uint32_t hour, const Id& report_id) {
  return {.type = Type::message, .word = hour, .subject = report_id};
}

Header wrap_header(const Id& report_id, const Id& message_id, const QueueKeyId& queue) {
  return {.type = Type::key_wrap,
          .word = queue.generation,
          .subject = report_id,
          .object = message_id,
          .recipient = queue.kid};
}

Header grant_header(const Id& queue_id, const Id& user_id, std::uint32_t generation,
                    const crypto::PublicKey& user_key) {
  return {.type = Type::queue_grant,
          .word = generation,
          .subject = queue_id,
          .object = user_id,
          .recipient = crypto::key_id(user_key)};
}

std::array<std::uint8_t, user_key_size> blocking_seal_user_key_with(
    const crypto::Secret<32>& user_seed, const Id& user_id, std::string_view passphrase,
    KeyKind kind, const Id& salt, const crypto::Nonce& nonce) {
  std::array<std::uint8_t, user_key_size> out{};
  Writer write{out};
  write.u8(layout::version);
  write.u8(static_cast<std::uint8_t>(Type::user_key));
  write.u8(1);  // the one key derivation: Argon2id
  write.u8(static_cast<std::uint8_t>(kind));
  write.u32(crypto::passphrase_passes);
  write.u32(crypto::passphrase_memory_kib);
  write.u32(0);
  write.bytes(salt);
  write.bytes(nonce);
  const auto login = login_keys(crypto::blocking_passphrase_key(passphrase, salt));
  crypto::Bytes associated{out.begin(), out.begin() + 56};
  associated.insert(associated.end(), user_id.begin(), user_id.end());
  crypto::encrypt(std::span{out}.subspan(56), user_seed.reveal(), associated, nonce,
                  login.key_encryption);
  return out;
}

}  // namespace

const boost::system::error_category& envelope_category() noexcept {
  static const EnvelopeCategory category;
  return category;
}

crypto::Id message_id_of(const crypto::Secret<32>& key) {
  return crypto::hash16({layout::tag("ishara/v1/mid"), key.reveal()});
}

SealedText seal_text(std::uint32_t hour, const Id& report_id, View json) {
  return layout::seal_text_body(message_header(hour, report_id), json, crypto::random_secret<32>());
}

result<Id> claimed_message_id(View envelope) {
  const auto header = layout::claimed_header(envelope, Type::message);
  if (!header) return header.error();
  return header->object;
}

result<crypto::WipedBytes> open_text(View envelope, std::uint32_t hour, const Id& report_id,
                                     const Id& message_id, const crypto::Secret<32>& key) {
  auto expected = message_header(hour, report_id);
  expected.object = message_id;
  return layout::open_text_body(envelope, expected, key);
}

BoxEnvelope wrap_key(const crypto::Secret<32>& key, const Id& report_id, const Id& message_id,
                     const QueueKeyId& queue, const SenderHalf& sender) {
  return layout::seal_box_body(wrap_header(report_id, message_id, queue), key, sender,
                               crypto::random_bytes<24>());
}

result<crypto::Secret<32>> open_key_wrap(View wrap, const Id& report_id, const Id& message_id,
                                         const QueueKeyId& queue, const crypto::BoxKey& queue_key) {
  auto key = layout::open_box_body(wrap, wrap_header(report_id, message_id, queue), queue_key);
  // XChaCha20-Poly1305 commits to no key; the message id does.
  if (key && !crypto::equal(message_id, message_id_of(*key))) return envelope_errc::refused;
  return key;
}

result<ClaimedWrap> claimed_wrap(View wrap) {
  const auto header = layout::claimed_header(wrap, Type::key_wrap);
  if (!header || wrap.size() != box_envelope_size) return envelope_errc::refused;
  return ClaimedWrap{header->subject, header->object, {header->recipient, header->word}};
}

result<QueueKeyId> wrap_recipient(View wrap) {
  const auto claimed = claimed_wrap(wrap);
  if (!claimed) return claimed.error();
  return claimed->recipient;
}

result<crypto::Bytes> seal_queue_grant(const crypto::Secret<32>& queue_seed, const Id& queue_id,
                                       const Id& user_id, std::uint32_t generation,
                                       const crypto::PublicKey& user_box_key) {
  return layout::seal_sealed_body(grant_header(queue_id, user_id, generation, user_box_key),
                                  queue_seed.reveal(), user_box_key);
}

bool claims_queue_grant(View grant, const Id& queue_id, const Id& user_id, std::uint32_t generation,
                        const crypto::PublicKey& user_box_key) {
  return grant.size() == queue_grant_size &&
         layout::begins_with(grant, grant_header(queue_id, user_id, generation, user_box_key));
}

result<crypto::Secret<32>> open_queue_grant(View grant, const Id& queue_id, const Id& user_id,
                                            std::uint32_t generation,
                                            const crypto::BoxKey& user_key) {
  if (grant.size() != queue_grant_size) return envelope_errc::refused;
  const auto seed = layout::open_sealed_body(
      grant, grant_header(queue_id, user_id, generation, user_key.public_key), user_key);
  if (!seed) return seed.error();
  return crypto::Secret<32>{std::span<const std::uint8_t, 32>{*seed}};
}

std::array<std::uint8_t, user_key_size> blocking_seal_user_key(const crypto::Secret<32>& user_seed,
                                                               const Id& user_id,
                                                               std::string_view passphrase,
                                                               KeyKind kind) {
  return blocking_seal_user_key_with(user_seed, user_id, passphrase, kind,
                                     crypto::random_bytes<16>(), crypto::random_bytes<24>());
}

result<KeyKind> claimed_key_kind(View user_key) {
  if (user_key.size() != user_key_size) return envelope_errc::refused;
  Reader read{user_key};
  // One set of parameters, fixed in the clients, so that nobody who serves this can weaken it.
  if (read.u8() != layout::version || read.u8() != static_cast<std::uint8_t>(Type::user_key) ||
      read.u8() != 1)
    return envelope_errc::refused;
  const auto kind = read.u8();
  if (kind > static_cast<std::uint8_t>(KeyKind::recovery) ||
      read.u32() != crypto::passphrase_passes || read.u32() != crypto::passphrase_memory_kib ||
      read.u32() != 0)
    return envelope_errc::refused;
  return static_cast<KeyKind>(kind);
}

result<crypto::Secret<32>> blocking_open_user_key(View user_key, const Id& user_id,
                                                  std::string_view passphrase, KeyKind kind) {
  const auto claimed = claimed_key_kind(user_key);
  if (!claimed || *claimed != kind) return envelope_errc::refused;
  Reader read{user_key.subspan(16)};
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

SealedText seal_text(std::uint32_t hour, const Id& report_id, View json, crypto::Secret<32> key) {
  return layout::seal_text_body(message_header(hour, report_id), json, std::move(key));
}

BoxEnvelope wrap_key(const crypto::Secret<32>& key, const Id& report_id, const Id& message_id,
                     const QueueKeyId& queue, const SenderHalf& sender,
                     const crypto::Nonce& nonce) {
  return layout::seal_box_body(wrap_header(report_id, message_id, queue), key, sender, nonce);
}

result<crypto::Bytes> seal_queue_grant(const crypto::Secret<32>& queue_seed, const Id& queue_id,
                                       const Id& user_id, std::uint32_t generation,
                                       const crypto::PublicKey& user_box_key,
                                       const crypto::BoxKey& ephemeral) {
  return layout::seal_sealed_body_from(ephemeral,
                                       grant_header(queue_id, user_id, generation, user_box_key),
                                       queue_seed.reveal(), user_box_key);
}

std::array<std::uint8_t, user_key_size> blocking_seal_user_key(const crypto::Secret<32>& user_seed,
                                                               const Id& user_id,
                                                               std::string_view passphrase,
                                                               const Id& salt,
                                                               const crypto::Nonce& nonce) {
  return blocking_seal_user_key_with(user_seed, user_id, passphrase, KeyKind::user, salt, nonce);
}

}  // namespace vectors
}  // namespace ishara::identity
