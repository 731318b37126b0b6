#pragma once
// The log: events and integers, never text (privacy.md section 14). There is no way to hand a
// string to it; what() of an exception, a URL, a header or a body cannot be written by mistake.
//
//   log::write<log::Event::gateway_listening>(port);
//
// writes one line to stderr:
//
//   line  = time SP level SP event *( SP key "=" value ) LF
//   time  = YYYY-MM-DD "T" hh:mm:ss "Z"       UTC
//   level = "info" / "warning" / "error"
//   event, key = [a-z] *[a-z0-9_]             from the table in events.hpp
//   value = [ "-" ] 1*DIGIT / name            name: of an enumerator, [a-z0-9_]+
//
// Thread-safe: any thread may write; a line is written whole.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "gateway/log/events.hpp"

namespace ishara::log {

// Opts an enum into the log. Specialise it with a constant table in the order of the enumerators,
// which start at 0, so that no string of run time can come in:
//
//   template <> struct Names<Role> { static constexpr std::array<std::string_view, 2>
//   table{"gateway", "desk"}; };
template <class T>
struct Names;

namespace detail {
// Characters are integers to the language and text to a reader, one at a time.
template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

template <class T>
concept Named = std::is_enum_v<T> && requires {
  std::bool_constant<(Names<T>::table.size() > 0)>{};
  { Names<T>::table[0] } -> std::convertible_to<std::string_view>;
};

struct Value {
  std::string_view name;  // of an enumerator; empty for an integer
  bool negative = false;
  std::uint64_t magnitude = 0;
};

void write(Event event, std::span<const Value> values) noexcept;
}  // namespace detail

template <class T>
concept Loggable = (std::integral<T> && !detail::Character<T>) || detail::Named<T>;

namespace detail {
template <Loggable T>
constexpr Value value(T argument) {
  if constexpr (std::is_enum_v<T>) {
    const auto index = static_cast<std::size_t>(argument);
    if (index < Names<T>::table.size()) return {.name = Names<T>::table[index]};
    return {.name = "unknown"};
  } else if constexpr (std::is_signed_v<T>) {
    const auto wide = static_cast<std::int64_t>(argument);
    const auto bits = static_cast<std::uint64_t>(wide);
    return {.name = {}, .negative = wide < 0, .magnitude = wide < 0 ? 0 - bits : bits};
  } else {
    return {.name = {}, .negative = false, .magnitude = static_cast<std::uint64_t>(argument)};
  }
}
}  // namespace detail

// Writes one line. Never throws; a line that cannot be written is lost.
template <Event event, Loggable... Arguments>
requires(sizeof...(Arguments) ==
         argument_count(event)) void write(Arguments... arguments) noexcept {
  const std::array<detail::Value, sizeof...(Arguments)> values{detail::value(arguments)...};
  detail::write(event, values);
}

}  // namespace ishara::log
