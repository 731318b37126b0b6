#pragma once
// Big-endian integers in fixed layouts. The caller has sized the buffer: running over is a bug.

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <span>

namespace ishara::identity {

class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> out) noexcept : rest_{out} {}
  void u8(std::uint8_t value) { put(value, 1); }
  void u16(std::uint16_t value) { put(value, 2); }
  void u32(std::uint32_t value) { put(value, 4); }
  void u64(std::uint64_t value) { put(value, 8); }
  void bytes(std::span<const std::uint8_t> value) {
    assert(value.size() <= rest_.size());
    std::ranges::copy(value, rest_.begin());
    rest_ = rest_.subspan(value.size());
  }

 private:
  void put(std::uint64_t value, std::size_t size) {
    assert(size <= rest_.size());
    for (std::size_t i = 0; i < size; ++i)
      rest_[i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
    rest_ = rest_.subspan(size);
  }
  std::span<std::uint8_t> rest_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> in) noexcept : rest_{in} {}
  std::uint8_t u8() { return static_cast<std::uint8_t>(get(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(get(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(get(4)); }
  std::uint64_t u64() { return get(8); }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    assert(N <= rest_.size());
    std::array<std::uint8_t, N> out;
    std::copy_n(rest_.begin(), N, out.begin());
    rest_ = rest_.subspan(N);
    return out;
  }
  void skip(std::size_t size) { rest_ = rest_.subspan(size); }

 private:
  std::uint64_t get(std::size_t size) {
    assert(size <= rest_.size());
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | rest_[i];
    rest_ = rest_.subspan(size);
    return value;
  }
  std::span<const std::uint8_t> rest_;
};

}  // namespace ishara::identity
