#pragma once
// REPLY: what a caseworker answers (privacy.md section 6). Her own client seals it to the relay's
// epoch key and signs it, so that the desk which passes it on can neither read nor write one.
//
//   header of type 4 ‖ sealed box(ctx 32 ‖ not_after 4 ‖ mode 1 ‖ length 2 ‖ text, padded to 512)
//   ‖ signature 64                                                         712 bytes in all
//
// Flags: bit 0 releases the reply to unverified refs, bit 1 confirms an unverified yes. Pure
// functions, thread-safe. Every refusal is envelope_errc::refused without detail.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/text.hpp"

namespace ishara::identity {

inline constexpr std::size_t reply_size = 712;
inline constexpr std::size_t reply_text_limit = 480;  // bytes of UTF-8
using ReplyEnvelope = std::array<std::uint8_t, reply_size>;

enum class ReplyMode : std::uint8_t { pull = 0, sms = 1 };

struct Reply {
  bool release_to_unverified_refs = false;
  bool confirms_unverified_yes = false;
  std::uint32_t not_after = 0;  // unix time / 3600; not sent after this hour
  ReplyMode mode = ReplyMode::pull;
  Text text;  // 1 to 480 bytes of UTF-8
};

// Refused: a text that is empty, too long or no UTF-8, and a low-order epoch key.
boost::system::result<ReplyEnvelope> seal_reply(const Reply& reply, const crypto::Id& report_id,
                                                const crypto::Id& reply_id, std::uint32_t epoch,
                                                const crypto::PublicKey& epoch_key,
                                                const crypto::SigningKey& author);

// What a REPLY says of itself; it holds only once it has been opened.
struct ReplyHeader {
  std::uint32_t epoch = 0;
  crypto::Id report_id{};
  crypto::Id reply_id{};
  crypto::Id epoch_kid{};
  std::uint16_t flags = 0;  // bit 0: release to unverified refs, bit 1: confirm the unverified yes
};
boost::system::result<ReplyHeader> claimed_reply(crypto::View envelope);

// Checks the author's signature before it opens. That she may speak for the owner, that the hour
// has not passed and that the id is unused is the caller's to check (author.hpp, ownership.hpp).
boost::system::result<Reply> open_reply(crypto::View envelope, const crypto::Id& report_id,
                                        const crypto::Id& reply_id, std::uint32_t epoch,
                                        const crypto::BoxKey& epoch_key,
                                        const crypto::PublicKey& author);

}  // namespace ishara::identity
