#include "gateway/aggregators/user_data_header.hpp"

#include <cstddef>
#include <cstdint>

namespace ishara::aggregators {
namespace {

// The elements, by their numbers in the standard.
constexpr std::uint8_t parts_with_short_reference = 0x00;
constexpr std::uint8_t parts_with_long_reference = 0x08;
constexpr std::uint8_t single_shift = 0x24;
constexpr std::uint8_t locking_shift = 0x25;

std::uint8_t octet(std::string_view text, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(text[at]);
}

// The value of the first element of this number and size; empty if there is none.
std::string_view element(std::string_view header, std::uint8_t wanted, std::size_t size) noexcept {
  if (header.empty() || header.size() < 1u + octet(header, 0)) return {};
  auto rest = header.substr(1, octet(header, 0));
  while (rest.size() >= 2) {
    const auto number = octet(rest, 0);
    const std::size_t length = octet(rest, 1);
    rest.remove_prefix(2);
    if (length > rest.size()) return {};
    if (number == wanted && length == size) return rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return {};
}

}  // namespace

std::optional<Part> part_in(std::string_view header) noexcept {
  std::optional<Part> part;
  if (const auto is = element(header, parts_with_short_reference, 3); !is.empty())
    part = Part{octet(is, 0), octet(is, 1), octet(is, 2)};
  else if (const auto wide = element(header, parts_with_long_reference, 4); !wide.empty())
    part = Part{static_cast<std::uint16_t>(octet(wide, 0) << 8 | octet(wide, 1)), octet(wide, 2),
                octet(wide, 3)};
  const bool sane = part && part->total > 1 && part->number >= 1 && part->number <= part->total;
  return sane ? part : std::nullopt;
}

i18n::GsmTables tables_in(std::string_view header) noexcept {
  const auto language = [header](std::uint8_t number) -> std::uint8_t {
    const auto is = element(header, number, 1);
    return is.empty() ? std::uint8_t{0} : octet(is, 0);
  };
  return {language(locking_shift), language(single_shift)};
}

}  // namespace ishara::aggregators
