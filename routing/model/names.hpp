#pragma once
// The names that packs give to regions and queues. Small values that own their letters, so that a
// decision outlives the snapshot that it came from. Thread rule: values like any other.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace ishara::routing {

// At most `Capacity` bytes, stored in place; compared as text.
template <std::size_t Capacity>
class ShortName {
 public:
  static constexpr std::size_t capacity = Capacity;

  constexpr ShortName() noexcept = default;
  constexpr std::string_view view() const noexcept { return {letters_.data(), size_}; }
  constexpr bool empty() const noexcept { return size_ == 0; }

  friend constexpr bool operator==(const ShortName& a, const ShortName& b) noexcept {
    return a.view() == b.view();
  }
  friend constexpr std::strong_ordering operator<=>(const ShortName& a,
                                                    const ShortName& b) noexcept {
    return a.view() <=> b.view();
  }

 protected:
  constexpr explicit ShortName(std::string_view text) noexcept
      : size_{static_cast<std::uint8_t>(text.size())} {
    for (std::size_t i = 0; i < text.size(); ++i) letters_[i] = text[i];
  }

 private:
  static_assert(Capacity < 256);
  std::array<char, Capacity> letters_{};
  std::uint8_t size_{};
};

// A node of the region tree: a country (ISO 3166-1, "RW"), a subdivision (ISO 3166-2, "RW-02"), or
// below it the parent's code, a dot and a slug ("RW-02.bugesera.nyamata"). The empty code is the
// root, which is anywhere.
class RegionCode : public ShortName<63> {
 public:
  constexpr RegionCode() noexcept = default;

  // The region that `text` names by the grammar above; nothing for any other text, "" included.
  static std::optional<RegionCode> parse(std::string_view text) noexcept;

  // 0 for the root, 1 for a country, 2 for a subdivision, one more for each slug.
  unsigned depth() const noexcept;
  // One step up; the parent of a country, and of the root, is the root.
  RegionCode parent() const noexcept;
  // The ancestor of depth `depth`, or the region itself where it is no deeper.
  RegionCode ancestor(unsigned depth) const noexcept;
  RegionCode country() const noexcept { return ancestor(1); }
  // True if `other` is this region or lies in it.
  bool contains(const RegionCode& other) const noexcept;

 private:
  using ShortName::ShortName;
};

// The name of a queue or organisation: 1 to 40 of a-z, 0-9 and inner hyphens.
class Slug : public ShortName<40> {
 public:
  constexpr Slug() noexcept = default;
  static std::optional<Slug> parse(std::string_view text) noexcept;

 private:
  using ShortName::ShortName;
};

using QueueName = Slug;
using OrganisationName = Slug;

}  // namespace ishara::routing

template <>
struct std::hash<ishara::routing::RegionCode> {
  std::size_t operator()(const ishara::routing::RegionCode& region) const noexcept {
    return std::hash<std::string_view>{}(region.view());
  }
};

template <>
struct std::hash<ishara::routing::Slug> {
  std::size_t operator()(const ishara::routing::Slug& slug) const noexcept {
    return std::hash<std::string_view>{}(slug.view());
  }
};
