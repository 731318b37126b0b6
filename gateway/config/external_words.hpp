#pragma once
// How the words of a description are written; for the sources of external.hpp alone. Pure
// functions, for any thread.

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace ishara::config {

inline bool is_in(std::span<const std::string_view> keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

inline std::string_view trimmed(std::string_view text) noexcept {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

inline std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// RFC 9110 5.6.2.
inline bool is_header_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

// The gaps of each template.
inline constexpr std::string_view reply_gaps[] = {"text"};
inline constexpr std::string_view screen_gaps[] = {"text", "request:"};
inline constexpr std::string_view screen_header_gaps[] = {"request:"};
inline constexpr std::string_view sending_gaps[] = {
    "to",    "to_no_plus", "to_national", "text", "text_hex",     "from",          "account",
    "token", "password",   "basic",       "id",   "delivery_url", "valid_minutes", "valid_seconds"};

}  // namespace ishara::config
