#pragma once
// Reads what the desk answers. What its API does not say is refused with a CommandError, since then
// it is no desk, or one of another version. Pure functions, thread-safe.

#include <array>
#include <cstdint>
#include <string_view>

#include "gateway/commands/command_error.hpp"
#include "gateway/crypto/encoding.hpp"

namespace boost::json {
class array;
class object;
class value;
}  // namespace boost::json

namespace ishara::commands::answers {

namespace json = boost::json;

[[noreturn]] void refuse();
json::object object(std::string_view body);
const json::object& object(const json::value& value);
const json::value& member(const json::object& object, std::string_view name);
const json::array& array(const json::object& object, std::string_view name);
std::string_view text(const json::value& value);
crypto::Bytes bytes(const json::value& value);  // from base64
std::int64_t number(const json::object& object, std::string_view name);
std::uint32_t small_number(const json::object& object, std::string_view name);

template <std::size_t N>
std::array<std::uint8_t, N> hex(const json::object& object, std::string_view name) {
  const auto out = crypto::from_hex_exact<N>(text(member(object, name)));
  if (!out) refuse();
  return *out;
}

}  // namespace ishara::commands::answers
