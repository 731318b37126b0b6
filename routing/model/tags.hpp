#pragma once
// Side tags of a report: any number of them, independent of its category. Plain values.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ishara::routing {

enum class Tag : std::uint8_t {
  child,
  self,
  third_party,
  group,
  confined,
  violence,
  threat,
  docs,
  debt,
  nopay,
  moved,
  online,
  official_involved,  // police, soldier or border guard as perpetrator: no police queue is used
  foreigner,
  selfharm,
};

inline constexpr std::size_t tag_count = 15;
inline constexpr std::array<std::string_view, tag_count> tag_names{
    "child", "self",  "third_party", "group",  "confined",          "violence",  "threat",  "docs",
    "debt",  "nopay", "moved",       "online", "official_involved", "foreigner", "selfharm"};

constexpr std::string_view name(Tag tag) noexcept {
  return tag_names[static_cast<std::size_t>(tag)];
}

// The tag of an exact name; nothing for any other text.
constexpr std::optional<Tag> tag_from_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < tag_count; ++i) {
    if (tag_names[i] == text) return static_cast<Tag>(i);
  }
  return std::nullopt;
}

class Tags {
 public:
  constexpr void set(Tag tag) noexcept { bits_ = static_cast<std::uint16_t>(bits_ | bit(tag)); }
  constexpr bool has(Tag tag) const noexcept { return (bits_ & bit(tag)) != 0; }
  constexpr void merge(Tags other) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ | other.bits_);
  }
  friend constexpr bool operator==(Tags, Tags) noexcept = default;

 private:
  static constexpr unsigned bit(Tag tag) noexcept { return 1U << static_cast<unsigned>(tag); }
  std::uint16_t bits_{};
};

}  // namespace ishara::routing
