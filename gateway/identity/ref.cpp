#include "gateway/identity/ref.hpp"

#include <algorithm>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

constexpr std::array<std::array<std::uint8_t, 10>, 10> quasigroup{{
    {0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
    {7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
    {4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
    {1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
    {6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
    {3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
    {5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
    {8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
    {9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
    {2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}};

}  // namespace

char damm_digit(std::string_view digits) noexcept {
  std::uint8_t state = 0;
  for (const char digit : digits) state = quasigroup[state][static_cast<std::size_t>(digit - '0')];
  return static_cast<char>('0' + state);
}

Ref Ref::from(const crypto::Id& uniform) noexcept {
  // 2^64 over 8·10^8 leaves a bias of 4·10^-11, far below what anybody could see.
  auto value = Reader{uniform}.u64() % 800'000'000U + 200'000'000U;
  Ref ref;
  for (int i = 8; i >= 0; --i) {
    ref.digits_[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  ref.digits_[9] = damm_digit({ref.digits_.data(), 9});
  return ref;
}

boost::system::result<Ref> Ref::parse(std::string_view digits) noexcept {
  Ref ref;
  if (digits.size() != ref.digits_.size() || digits[0] < '2' ||
      !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }) ||
      damm_digit(digits) != '0')
    return envelope_errc::refused;
  std::ranges::copy(digits, ref.digits_.begin());
  return ref;
}

boost::system::result<Ref> Ref::from_fixed(std::span<const std::uint8_t, 12> bytes) noexcept {
  if (bytes[0] != 0 || bytes[1] != 0) return envelope_errc::refused;
  return parse({reinterpret_cast<const char*>(bytes.data()) + 2, 10});
}

crypto::Secret<12> Ref::fixed() const noexcept {
  crypto::Secret<12> out;
  std::ranges::copy(digits_, out.fill().begin() + 2);
  return out;
}

}  // namespace ishara::identity
