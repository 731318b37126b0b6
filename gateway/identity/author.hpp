#pragma once
// Who may speak for a queue, and who signed a REPLY or a NOTE (privacy.md sections 6 and 10). The
// envelopes do not name their signer: her key is found among those of the queue's members.
//
// Pure functions, thread-safe.

#include <string_view>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::identity {

// The domain of both signatures, over all bytes before them.
inline constexpr std::string_view author_domain = "ishara/v1/sig";

// Whether the rosters let this person reply, note and transfer for the queue: a caseworker or lead
// who is a member of it. An auditor or admin who is listed there is not.
bool works_for(const Directory::Member& member, const crypto::Id& queue);
bool works_for(const OrganisationRoster::Member& member, const crypto::Id& queue);

// Whether `author` signed this whole REPLY or NOTE.
[[nodiscard]] bool signed_by(crypto::View envelope, const crypto::PublicKey& author);

// Who of the queue's people signed this REPLY or NOTE; nullptr for nobody of them. The result lives
// as long as the directory.
const Directory::Member* author_of(crypto::View envelope, const crypto::Id& queue,
                                   const Directory& directory);

}  // namespace ishara::identity
