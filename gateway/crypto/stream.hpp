#pragma once
// Parts of a stream under one key, each bound to all before it (crypto_secretstream, XChaCha20 and
// Poly1305): a part opens only unaltered and in its place, when all before it have been opened; and
// the last part says that it is the last, so that a cut stream is told from a whole one.
//
// Threads: one at a time for each object.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "gateway/crypto/primitives.hpp"

namespace ishara::crypto {

using StreamHead = std::array<std::uint8_t, 24>;

inline constexpr std::size_t stream_overhead = 17;  // of every part

class StreamSealer {
 public:
  // A key is good for any number of streams; each has a random head, which is no secret.
  explicit StreamSealer(const Secret<32>& key) noexcept;
  const StreamHead& head() const noexcept { return head_; }

  // `out` has the size of `plain` + stream_overhead. Nothing may follow the last part.
  void seal(std::span<std::uint8_t> out, View plain, View associated, bool last) noexcept;

 private:
  StreamHead head_{};
  Secret<52> state_;
};

class StreamOpener {
 public:
  StreamOpener(const StreamHead& head, const Secret<32>& key) noexcept;

  // `out` has the size of `cipher` - stream_overhead. Whether this is the last part; nothing if it
  // does not open.
  std::optional<bool> open(std::span<std::uint8_t> out, View cipher, View associated) noexcept;

 private:
  Secret<52> state_;
};

}  // namespace ishara::crypto
