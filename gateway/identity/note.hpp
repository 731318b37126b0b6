#pragma once
// NOTE: what the people of a queue write to each other about a report, and their own copy of each
// reply (privacy.md section 6). A text under its own key like a MESSAGE, signed by its author; the
// key is wrapped with `wrap_key` and opened with `open_key_wrap` of envelope.hpp.
//
//   header of type 5 ‖ XChaCha20-Poly1305(padded JSON) ‖ signature 64       648 bytes or k·512 more
//
// The JSON is that of `NoteContent` in message_content.hpp. Pure functions, thread-safe. Every
// refusal is envelope_errc::refused without detail.

#include <boost/system/result.hpp>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::identity {

// Draws the key itself, so a key is used once. `hour` is unix time/3600.
SealedText seal_note(std::uint32_t hour, const crypto::Id& report_id, crypto::View json,
                     const crypto::SigningKey& author);

// What a NOTE says of itself; it holds only once it has been opened.
struct NoteHeader {
  std::uint32_t hour = 0;
  crypto::Id report_id{};
  crypto::Id message_id{};
};
boost::system::result<NoteHeader> claimed_note(crypto::View envelope);

// The plain JSON without padding. Checks the author's signature before it opens.
boost::system::result<crypto::WipedBytes> open_note(crypto::View envelope, std::uint32_t hour,
                                                    const crypto::Id& report_id,
                                                    const crypto::Id& message_id,
                                                    const crypto::Secret<32>& key,
                                                    const crypto::PublicKey& author);

}  // namespace ishara::identity
