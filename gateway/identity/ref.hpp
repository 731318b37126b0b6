#pragma once
// The reference that a reporter gets: ten decimal digits, the first 2 to 9, the last a Damm check
// digit over the nine before it, never spaced or hyphenated, so that it looks like a telephone
// number (design.md 9.3). The Damm digit catches every wrong digit and every swap of neighbours.
// Thread rule: a value.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <span>
#include <string_view>

#include "gateway/crypto/primitives.hpp"

namespace ishara::identity {

class Ref {
 public:
  // The ref that these 16 uniformly distributed bytes give: from a random draw or a keyed hash.
  static Ref from(const crypto::Id& uniform) noexcept;
  // Nothing for anything but ten digits with a good check digit.
  static boost::system::result<Ref> parse(std::string_view digits) noexcept;

  // From the fixed form: two zero bytes ‖ ten ASCII digits.
  static boost::system::result<Ref> from_fixed(std::span<const std::uint8_t, 12> bytes) noexcept;
  crypto::Secret<12> fixed() const noexcept;

  std::string_view digits() const noexcept { return {digits_.data(), digits_.size()}; }
  friend bool operator==(const Ref&, const Ref&) = default;

 private:
  std::array<char, 10> digits_{};
};

// The Damm check digit of decimal digits (H. M. Damm, 2004; the order-10 quasigroup).
char damm_digit(std::string_view digits) noexcept;

}  // namespace ishara::identity
