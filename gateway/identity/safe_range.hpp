#pragma once
// When texts are safe to receive. A value.

#include <cstdint>

namespace ishara::identity {

// Local hours of a day, in half hours from midnight, 0 to 48. A range that ends before it starts
// goes over midnight.
struct SafeRange {
  static constexpr std::uint8_t end_of_day = 48;
  std::uint8_t start = 0;
  std::uint8_t end = 0;

  bool within_a_day() const noexcept { return start <= end_of_day && end <= end_of_day; }
  friend bool operator==(const SafeRange&, const SafeRange&) = default;
};

}  // namespace ishara::identity
