#pragma once
// The sealing functions with what they draw at random given instead: for test vectors only
// (privacy.md section 19). Included by tests and by nothing else; scripts/check_includes sees to
// it.

#include "gateway/identity/note.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/return_address.hpp"

namespace ishara::identity::vectors {

SealedText seal_text(std::uint32_t hour, const crypto::Id& report_id, crypto::View json,
                     crypto::Secret<32> key);
BoxEnvelope wrap_key(const crypto::Secret<32>& key, const crypto::Id& report_id,
                     const crypto::Id& message_id, const QueueKeyId& queue,
                     const SenderHalf& sender, const crypto::Nonce& nonce);
BoxEnvelope seal_return_address(const ReturnAddress& address, const crypto::Id& report_id,
                                const crypto::Id& object, std::uint32_t epoch,
                                const crypto::Id& epoch_kid, const SenderHalf& sender,
                                const crypto::Nonce& nonce);
SealedText seal_note(std::uint32_t hour, const crypto::Id& report_id, crypto::View json,
                     const crypto::SigningKey& author, crypto::Secret<32> key);

boost::system::result<ReplyEnvelope> seal_reply(const Reply& reply, const crypto::Id& report_id,
                                                const crypto::Id& reply_id, std::uint32_t epoch,
                                                const crypto::PublicKey& epoch_key,
                                                const crypto::SigningKey& author,
                                                const crypto::BoxKey& ephemeral);
boost::system::result<crypto::Bytes> seal_queue_grant(const crypto::Secret<32>& queue_seed,
                                                      const crypto::Id& queue_id,
                                                      const crypto::Id& user_id,
                                                      std::uint32_t generation,
                                                      const crypto::PublicKey& user_box_key,
                                                      const crypto::BoxKey& ephemeral);
std::array<std::uint8_t, user_key_size> blocking_seal_user_key(const crypto::Secret<32>& user_seed,
                                                               const crypto::Id& user_id,
                                                               std::string_view passphrase,
                                                               const crypto::Id& salt,
                                                               const crypto::Nonce& nonce);

}  // namespace ishara::identity::vectors
