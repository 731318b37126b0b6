#include "gateway/commands/desk_answers.hpp"

#include <boost/json.hpp>

namespace ishara::commands::answers {

void refuse() {
  throw CommandError{"the desk's answer is not what its API says",
                     "is --desk the address of a desk of this version?"};
}

json::object object(std::string_view body) {
  boost::system::error_code error;
  auto value = json::parse(body, error);
  if (error || !value.is_object()) refuse();
  return std::move(value.get_object());
}

const json::value& member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) refuse();
  return *value;
}

const json::object& object(const json::value& value) {
  if (!value.is_object()) refuse();
  return value.get_object();
}

const json::array& array(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_array()) refuse();
  return value.get_array();
}

std::string_view text(const json::value& value) {
  if (!value.is_string()) refuse();
  return value.get_string();
}

crypto::Bytes bytes(const json::value& value) {
  auto out = crypto::from_base64(text(value));
  if (!out) refuse();
  return std::move(*out);
}

std::int64_t number(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_int64()) refuse();
  return value.get_int64();
}

std::uint32_t small_number(const json::object& object, std::string_view name) {
  const auto out = number(object, name);
  if (out < 0 || out > INT32_MAX) refuse();
  return static_cast<std::uint32_t>(out);
}

}  // namespace ishara::commands::answers
