#pragma once
// One-dimensional arrays in the binary format of Postgres, as parameters: a 20-byte head
// (dimensions, has nulls, element type, length, lower bound), then length and bytes of each
// element, all big-endian. Source: array_recv in the server. A third of the server's work on text
// arrays goes.

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace ishara::storage::postgres {

// Element types (pg_type.dat).
enum class Type : std::int32_t { boolean = 16, bytea = 17, int2 = 21, int4 = 23, uuid = 2950 };

class BinaryArray {
 public:
  explicit BinaryArray(Type type) {
    put(1);
    put(1);  // may hold nulls
    put(static_cast<std::int32_t>(type));
    put(0);  // length, by `take`
    put(1);
  }

  void add(std::span<const std::uint8_t> bytes) {
    put(static_cast<std::int32_t>(bytes.size()));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    ++length_;
  }
  void add_null() {
    put(-1);
    ++length_;
  }
  void add(std::int32_t number) {
    put(4);
    put(number);
    ++length_;
  }
  void add(std::int16_t number) {
    const auto bits = static_cast<std::uint16_t>(number);
    add(std::array{static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits)});
  }
  void add(bool value) { add(std::array{static_cast<std::uint8_t>(value)}); }

  std::vector<char> take() {
    auto whole = std::move(bytes_);
    for (std::size_t i = 0; i < 4; ++i) whole[12 + i] = static_cast<char>(length_ >> (24 - 8 * i));
    return whole;
  }

 private:
  void put(std::int32_t number) {
    const auto bits = static_cast<std::uint32_t>(number);
    for (int shift = 24; shift >= 0; shift -= 8) bytes_.push_back(static_cast<char>(bits >> shift));
  }

  std::vector<char> bytes_;
  std::uint32_t length_ = 0;
};

}  // namespace ishara::storage::postgres
