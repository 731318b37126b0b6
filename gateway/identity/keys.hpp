#pragma once
// What each seed of privacy.md section 5 gives: queue, user, login and epoch keys, and the relay's
// tags and MACs. Pure functions, thread-safe.

#include <cstdint>
#include <span>
#include <string_view>

#include "gateway/crypto/primitives.hpp"

namespace ishara::identity {

// Queue seed Q: the box key of one generation.
crypto::BoxKey queue_box_key(const crypto::Secret<32>& queue_seed);

// User seed U.
crypto::BoxKey user_box_key(const crypto::Secret<32>& user_seed);
crypto::SigningKey user_signing_key(const crypto::Secret<32>& user_seed);

// What a passphrase gives after Argon2id: `auth` is shown to the desk, `key_encryption` never.
struct LoginKeys {
  crypto::Secret<32> auth;
  crypto::Secret<32> key_encryption;
};
LoginKeys login_keys(const crypto::Secret<32>& master);

// Epoch seed E, known to the relay alone. A gateway holds only the announced public key.
struct EpochKeys {
  crypto::BoxKey box;
  crypto::Secret<32> tag;  // K_tag
  crypto::Secret<32> mac;  // K_mac
};
EpochKeys epoch_keys(const crypto::Secret<32>& epoch_seed);

// The fixed forms of Msisdn and Ref, as in RETADDR.
crypto::Id number_tag(std::span<const std::uint8_t, 16> number, const crypto::Secret<32>& tag_key);
crypto::Id ref_tag(std::span<const std::uint8_t, 12> ref, const crypto::Secret<32>& tag_key);
// Of a provider's id of an outbound message.
crypto::Id delivery_tag(crypto::View id, const crypto::Secret<32>& tag_key);

enum class ThreadKind : char { number = 'n', ref = 'c', unverified_ref = 'u' };
crypto::Digest thread_mac(ThreadKind kind, const crypto::Id& tag, const crypto::Id& report_id,
                          const crypto::Id& origin, const crypto::Secret<32>& mac_key);

}  // namespace ishara::identity
