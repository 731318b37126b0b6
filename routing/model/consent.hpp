#pragma once
// Who may read a report. Plain values; the numbers are those of the sealed records.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ishara::routing {

// What the reporter allowed. Without an answer it is `helpers`.
enum class ConsentClass : std::uint8_t { helpers = 0, helpers_and_police = 1 };

enum class QueueClass : std::uint8_t { ngo, police, other };

inline constexpr std::array<std::string_view, 3> queue_class_names{"ngo", "police", "other"};

constexpr std::string_view name(QueueClass queue_class) noexcept {
  return queue_class_names[static_cast<std::size_t>(queue_class)];
}

constexpr std::optional<QueueClass> queue_class_from_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < queue_class_names.size(); ++i) {
    if (queue_class_names[i] == text) return static_cast<QueueClass>(i);
  }
  return std::nullopt;
}

}  // namespace ishara::routing
