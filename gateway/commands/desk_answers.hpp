#pragma once
// Reads what the desk answers. What its API does not say is refused with a CommandError, since then
// it is no desk, or one of another version. Pure functions, thread-safe.

#include <array>
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/commands/command_error.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::commands::answers {

namespace json = boost::json;

[[noreturn]] inline void refuse() {
  throw CommandError{"the desk's answer is not what its API says",
                     "is --desk the address of a desk of this version?"};
}

inline json::object object(std::string_view body) {
  boost::system::error_code error;
  auto value = json::parse(body, error);
  if (error || !value.is_object()) refuse();
  return std::move(value.get_object());
}

inline const json::value& member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) refuse();
  return *value;
}

inline const json::object& object(const json::value& value) {
  if (!value.is_object()) refuse();
  return value.get_object();
}

inline const json::array& array(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_array()) refuse();
  return value.get_array();
}

inline std::string_view text(const json::value& value) {
  if (!value.is_string()) refuse();
  return value.get_string();
}

inline crypto::Bytes bytes(const json::value& value) {
  auto out = crypto::from_base64(text(value));
  if (!out) refuse();
  return std::move(*out);
}

template <std::size_t N>
std::array<std::uint8_t, N> hex(const json::object& object, std::string_view name) {
  const auto out = crypto::from_hex_exact<N>(text(member(object, name)));
  if (!out) refuse();
  return *out;
}

inline std::int64_t number(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_int64()) refuse();
  return value.get_int64();
}

inline std::uint32_t small_number(const json::object& object, std::string_view name) {
  const auto out = number(object, name);
  if (out < 0 || out > INT32_MAX) refuse();
  return static_cast<std::uint32_t>(out);
}

}  // namespace ishara::commands::answers
