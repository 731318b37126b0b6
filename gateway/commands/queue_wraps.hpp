#pragma once
// KEYWRAPs as the clients of a queue make and compare them. Pure functions, thread-safe.

#include <cstddef>
#include <functional>
#include <optional>
#include <span>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::commands {

// The content key of a message for the present key of a queue. Throws CommandError if the rosters
// give it none.
crypto::Bytes wrap_for(const crypto::Secret<32>& key, const crypto::Id& report,
                       const crypto::Id& message, const identity::Directory::Queue& reader);

// The key pair of this id, if the caller has it. It lives until the caller's next call.
using QueueKeys = std::function<const crypto::BoxKey*(const crypto::Id& kid)>;

// What became of a message's wrap for a queue whose key was replaced, once or several times. A
// member of the queue put each wrap in the place of the one before, and the desk cannot tell
// whether it opens.
struct Comparison {
  enum class Outcome {
    opens,      // what stands now does
    mendable,   // it does not, and a former one does
    lost,       // none of them does
    undecided,  // the caller lacks a key that it takes, or what she was given is none of this
  };
  Outcome outcome = Outcome::undecided;
  // If it is mendable: the last one that opens, and the message's key from it. Whoever put
  // something in the place of that one has sealed it wrongly.
  std::size_t last = 0;
  std::optional<crypto::Secret<32>> key{};
};
// `former` are the wraps that were replaced, at least one, in any order and all of one message;
// `now` is the one that stands.
Comparison compare_wraps(std::span<const crypto::Bytes> former, crypto::View now,
                         const QueueKeys& keys);

}  // namespace ishara::commands
