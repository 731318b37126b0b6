#include "i18n/sms.hpp"

#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

// Septets of each character up to U+03FF, where all but the euro sign live; 0 for the rest.
constexpr auto septet_table = [] {
  std::array<std::uint8_t, 0x400> table{};
  for (std::size_t code = 0; code < gsm7_basic.size(); ++code)
    if (code != gsm7_escape) table[gsm7_basic[code]] = 1;
  for (std::uint8_t code = 0; code < 0x80; ++code)
    if (const char16_t character = gsm7_extension(code); character != 0 && character < table.size())
      table[character] = 2;
  return table;
}();

constexpr std::size_t septets_of(char32_t character) noexcept {
  if (character < septet_table.size()) return septet_table[character];
  return character == U'\u20AC' ? 2 : 0;
}

// Counts units and fills parts one character after the other, so that no pair is torn apart.
class Parts {
 public:
  Parts(std::size_t single, std::size_t part) noexcept : single_{single}, part_{part} {}

  void add(std::size_t units) noexcept {
    units_ += units;
    if (filled_ + units > part_) {
      ++parts_;
      filled_ = 0;
    }
    filled_ += units;
  }
  std::size_t units() const noexcept { return units_; }
  std::size_t segments() const noexcept { return units_ <= single_ ? 1 : parts_; }

 private:
  std::size_t single_;
  std::size_t part_;
  std::size_t units_ = 0;
  std::size_t parts_ = 1;
  std::size_t filled_ = 0;
};

}  // namespace

Measure measure(std::string_view utf8) noexcept {
  Parts gsm7{gsm7_single, gsm7_part};
  Parts ucs2{ucs2_single, ucs2_part};
  std::optional<char32_t> forced_by;
  while (!utf8.empty()) {
    const CodePoint next = first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    const std::size_t septets = septets_of(next.value);
    if (septets == 0 && !forced_by) forced_by = next.value;
    gsm7.add(septets);
    ucs2.add(next.value < 0x10000 ? 1 : 2);
  }
  if (forced_by) return {Encoding::ucs2, ucs2.units(), ucs2.segments(), forced_by};
  return {Encoding::gsm7, gsm7.units(), gsm7.segments(), std::nullopt};
}

}  // namespace ishara::i18n
