#pragma once
// The sealed types of privacy.md section 6, byte for byte. All integers are big-endian. An envelope
// is a 56-byte header and one of three bodies:
//
//   header   version 1 ‖ type 1 ‖ flags 2 ‖ word 4 ‖ subject 16 ‖ object 16 ‖ recipient kid 16
//   text     XChaCha20-Poly1305(padded JSON; associated data = header; nonce = zeros; key = k_m)
//   box      epk 32 ‖ nonce 24 ‖ box(ctx 32 ‖ body 32), ctx = BLAKE2b("ishara/v1/ctx\0"‖header‖epk)
//   seal     sealed box(ctx 32 ‖ body), ctx = BLAKE2b("ishara/v1/ctx\0"‖header)
//
// Every opening function takes what the caller expects and checks all of it; any failure is the one
// error `envelope_errc::refused`. Pure functions, thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <string_view>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/key_kind.hpp"

namespace ishara::identity {

enum class envelope_errc { refused = 1 };
const boost::system::error_category& envelope_category() noexcept;
inline boost::system::error_code make_error_code(envelope_errc code) noexcept {
  return {static_cast<int>(code), envelope_category()};
}

inline constexpr std::size_t header_size = 56;
inline constexpr std::size_t box_envelope_size = 192;  // KEYWRAP and RETADDR
inline constexpr std::size_t text_block = 512;         // texts are padded to multiples of this
inline constexpr std::size_t queue_grant_size = 168;
inline constexpr std::size_t user_key_size = 104;
using BoxEnvelope = std::array<std::uint8_t, box_envelope_size>;

// The sender's half of the boxes of one intake, with the shared key for one recipient.
struct SenderHalf {
  const crypto::PublicKey& epk;
  const crypto::SharedKey& shared;
};

// --- MESSAGE: one text under its own key
struct SealedText {
  crypto::Id message_id{};  // commits to the key: hash16("ishara/v1/mid\0" ‖ k_m)
  crypto::Secret<32> key;   // k_m, to be wrapped for queues and then wiped
  crypto::Bytes envelope;
};
// Draws the key itself, so a key is used once and the zero nonce is safe. `hour` is unix time/3600.
SealedText seal_text(std::uint32_t hour, const crypto::Id& report_id, crypto::View json);
// The plain JSON without padding.
boost::system::result<crypto::WipedBytes> open_text(crypto::View envelope, std::uint32_t hour,
                                                    const crypto::Id& report_id,
                                                    const crypto::Id& message_id,
                                                    const crypto::Secret<32>& key);
crypto::Id message_id_of(const crypto::Secret<32>& key);
// The message id that a MESSAGE claims; it holds only once `open_text` has agreed.
boost::system::result<crypto::Id> claimed_message_id(crypto::View envelope);

// --- KEYWRAP: k_m for one queue
struct QueueKeyId {
  crypto::Id kid{};  // of the queue's public key
  std::uint32_t generation = 0;
};
BoxEnvelope wrap_key(const crypto::Secret<32>& key, const crypto::Id& report_id,
                     const crypto::Id& message_id, const QueueKeyId& queue,
                     const SenderHalf& sender);
boost::system::result<crypto::Secret<32>> open_key_wrap(crypto::View wrap,
                                                        const crypto::Id& report_id,
                                                        const crypto::Id& message_id,
                                                        const QueueKeyId& queue,
                                                        const crypto::BoxKey& queue_key);
// What a KEYWRAP names, with nothing of it checked; refused if it is none.
struct ClaimedWrap {
  crypto::Id report_id{};
  crypto::Id message_id{};
  QueueKeyId recipient;
};
boost::system::result<ClaimedWrap> claimed_wrap(crypto::View wrap);
// The recipient alone.
boost::system::result<QueueKeyId> wrap_recipient(crypto::View wrap);

// --- QGRANT: a queue's seed for one member
boost::system::result<crypto::Bytes> seal_queue_grant(const crypto::Secret<32>& queue_seed,
                                                      const crypto::Id& queue_id,
                                                      const crypto::Id& user_id,
                                                      std::uint32_t generation,
                                                      const crypto::PublicKey& user_box_key);
// Whether it says that it is this grant, sealed to this key. What is in it only that key can tell.
bool claims_queue_grant(crypto::View grant, const crypto::Id& queue_id, const crypto::Id& user_id,
                        std::uint32_t generation, const crypto::PublicKey& user_box_key);
// The caller still compares the derived public key with the organisation's roster.
boost::system::result<crypto::Secret<32>> open_queue_grant(crypto::View grant,
                                                           const crypto::Id& queue_id,
                                                           const crypto::Id& user_id,
                                                           std::uint32_t generation,
                                                           const crypto::BoxKey& user_key);

// --- USERKEY: a person's seed under her passphrase, or with another kind an offline key of hers: a
// file of one kind does not open as one of another. Both calls block for one Argon2id.
std::array<std::uint8_t, user_key_size> blocking_seal_user_key(const crypto::Secret<32>& user_seed,
                                                               const crypto::Id& user_id,
                                                               std::string_view passphrase,
                                                               KeyKind kind = KeyKind::user);
boost::system::result<crypto::Secret<32>> blocking_open_user_key(crypto::View user_key,
                                                                 const crypto::Id& user_id,
                                                                 std::string_view passphrase,
                                                                 KeyKind kind = KeyKind::user);
// The kind that a USERKEY claims, which holds only once it has opened; refused if it is none.
boost::system::result<KeyKind> claimed_key_kind(crypto::View user_key);

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::envelope_errc> : std::true_type {};
