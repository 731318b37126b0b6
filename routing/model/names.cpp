#include "routing/model/names.hpp"

#include <algorithm>

namespace ishara::routing {
namespace {

constexpr bool is_lower_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
constexpr bool is_upper_or_digit(char c) noexcept { return is_upper(c) || (c >= '0' && c <= '9'); }

// Letters, digits and inner hyphens.
bool is_slug(std::string_view text) noexcept {
  return !text.empty() && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '-' || is_lower_or_digit(c); });
}

}  // namespace

std::optional<RegionCode> RegionCode::parse(std::string_view text) noexcept {
  if (text.size() < 2 || text.size() > capacity || !is_upper(text[0]) || !is_upper(text[1])) {
    return std::nullopt;
  }
  auto rest = text.substr(2);
  if (!rest.empty() && rest.front() == '-') {
    const auto part = rest.substr(1, rest.find('.') - 1);
    if (part.empty() || part.size() > 3 ||
        !std::all_of(part.begin(), part.end(), is_upper_or_digit)) {
      return std::nullopt;
    }
    rest.remove_prefix(1 + part.size());
  }
  while (!rest.empty()) {
    if (rest.front() != '.') return std::nullopt;
    const auto slug = rest.substr(1, rest.find('.', 1) - 1);
    if (!is_slug(slug)) return std::nullopt;
    rest.remove_prefix(1 + slug.size());
  }
  return RegionCode{text};
}

unsigned RegionCode::depth() const noexcept {
  if (empty()) return 0;
  const auto text = view();
  return 1 + static_cast<unsigned>(text.size() > 2 && text[2] == '-') +
         static_cast<unsigned>(std::count(text.begin(), text.end(), '.'));
}

RegionCode RegionCode::parent() const noexcept {
  const auto text = view();
  if (const auto dot = text.rfind('.'); dot != std::string_view::npos) {
    return RegionCode{text.substr(0, dot)};
  }
  return text.size() > 2 ? RegionCode{text.substr(0, 2)} : RegionCode{};
}

RegionCode RegionCode::ancestor(unsigned depth) const noexcept {
  auto region = *this;
  for (auto own = this->depth(); own > depth; --own) region = region.parent();
  return region;
}

bool RegionCode::contains(const RegionCode& other) const noexcept {
  const auto inner = other.view();
  const auto outer = view();
  if (!inner.starts_with(outer)) return false;
  return outer.empty() || inner.size() == outer.size() || inner[outer.size()] == '.' ||
         (inner[outer.size()] == '-' && outer.size() == 2);
}

std::optional<Slug> Slug::parse(std::string_view text) noexcept {
  if (text.size() > capacity || !is_slug(text)) return std::nullopt;
  return Slug{text};
}

}  // namespace ishara::routing
