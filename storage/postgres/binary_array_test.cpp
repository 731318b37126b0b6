#include "storage/postgres/binary_array.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ishara::storage::postgres {
namespace {

std::string hex(const std::vector<char>& bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr const char* digits = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

}  // namespace

// Expected values as the server itself sends them: COPY (SELECT ...) TO ... (FORMAT binary).
TEST_CASE("arrays have the binary format of the server") {
  BinaryArray numbers{Type::int4};
  numbers.add(std::int32_t{1});
  numbers.add_null();
  numbers.add(std::int32_t{-2});
  CHECK(hex(numbers.take()) ==
        "0000000100000001000000170000000300000001"
        "0000000400000001ffffffff00000004fffffffe");

  BinaryArray small{Type::int2};
  small.add(std::int16_t{-3});
  CHECK(hex(small.take()) ==
        "00000001000000010000001500000001"
        "00000001"
        "00000002fffd");

  BinaryArray truths{Type::boolean};
  truths.add(true);
  CHECK(hex(truths.take()) ==
        "00000001000000010000001000000001"
        "00000001"
        "0000000101");

  BinaryArray bytes{Type::bytea};
  bytes.add(std::vector<std::uint8_t>{0x00, 0xff});
  CHECK(hex(bytes.take()) ==
        "00000001000000010000001100000001"
        "00000001"
        "0000000200ff");
}

}  // namespace ishara::storage::postgres
