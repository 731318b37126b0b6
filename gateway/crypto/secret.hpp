#pragma once
// A key of N bytes: move-only, in fixed storage, wiped on move and destruction, unprintable.
// Every use is found with `grep 'reveal('`. Thread rule: a value; not shared.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>

#include "gateway/crypto/wipe.hpp"

namespace ishara::crypto {

template <std::size_t N>
class Secret {
 public:
  // All zeros until filled through `fill()`.
  Secret() noexcept = default;
  // Takes a copy; wiping the source is the caller's part.
  explicit Secret(std::span<const std::uint8_t, N> bytes) noexcept {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  Secret(Secret&& from) noexcept : bytes_{from.bytes_} { from.wipe(); }
  Secret& operator=(Secret&& from) noexcept {
    if (this != &from) {
      bytes_ = from.bytes_;
      from.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  // Lends the bytes; never on a temporary, whose bytes are gone at the end of the expression.
  std::span<const std::uint8_t, N> reveal() const& noexcept { return bytes_; }
  std::span<const std::uint8_t, N> reveal() const&& = delete;
  std::span<std::uint8_t, N> fill() & noexcept { return bytes_; }

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void wipe() noexcept { crypto::wipe(bytes_.data(), N); }
  std::array<std::uint8_t, N> bytes_{};
};

}  // namespace ishara::crypto
