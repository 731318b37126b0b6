#pragma once
// What it takes to turn a national telephone number into international form. The table is written
// by scripts/generate_e164; immutable, so any thread may read it.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ishara::identity {

struct NumberPlan {
  std::string_view country;       // ISO 3166-1 alpha-2
  std::string_view calling_code;  // 1 to 3 digits
  std::string_view trunk;        // what precedes a national number at home: "0", "8", often nothing
  std::uint32_t mobile_lengths;  // bit n is set if mobile numbers may have n digits
  std::uint32_t lengths;         // the same for mobile and fixed numbers

  bool mobile(std::size_t digits) const noexcept {
    return digits < 32 && mobile_lengths >> digits & 1;
  }
  bool any(std::size_t digits) const noexcept { return digits < 32 && lengths >> digits & 1; }
};

// The plan of a country (upper case), or nullptr.
const NumberPlan* number_plan(std::string_view country) noexcept;

}  // namespace ishara::identity
