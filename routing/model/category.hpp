#pragma once
// What a report is about and how much it presses: the codes of the taxonomy. Plain values.
// A code is a label for triage, never a legal finding.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ishara::routing {

// The order is the tie order of the decision rules: of two codes with the same score the earlier
// one is taken.
enum class Category : std::uint8_t {
  organ_removal,
  child_soldier,
  online_abuse,
  sexual_exploitation,
  forced_marriage,
  domestic_servitude,
  forced_begging,
  child_labour,
  forced_labour,
  missing_person,
  smuggling_abuse,
  deceptive_recruitment,
  debt_bondage,
  documents_withheld,
  violence,
  unsure,        // UNS: signs of control or movement, purpose unclear
  unclassified,  // UNC: nothing recognised; internal, goes to triage
  not_a_report,  // NON: greeting, advert, wrong number
};

inline constexpr std::size_t category_count = 18;
inline constexpr std::array<std::string_view, category_count> category_codes{
    "ORG", "SOL", "ONL", "SEX", "MAR", "DOM", "BEG", "CHL", "LAB",
    "MIS", "SMG", "REC", "DBT", "DOC", "VIO", "UNS", "UNC", "NON"};

// The stable code of three capital letters.
constexpr std::string_view code(Category category) noexcept {
  return category_codes[static_cast<std::size_t>(category)];
}

// The category of an exact code; nothing for any other text.
constexpr std::optional<Category> category_from_code(std::string_view text) noexcept {
  for (std::size_t i = 0; i < category_count; ++i) {
    if (category_codes[i] == text) return static_cast<Category>(i);
  }
  return std::nullopt;
}

// True for the codes that name a purpose of exploitation, which outrank a mere means (DBT, DOC,
// REC) and plain violence.
constexpr bool is_purpose(Category category) noexcept {
  return category <= Category::forced_labour;
}

enum class Urgency : std::uint8_t { u0, u1, u2, u3 };

constexpr std::string_view name(Urgency urgency) noexcept {
  constexpr std::array<std::string_view, 4> names{"U0", "U1", "U2", "U3"};
  return names[static_cast<std::size_t>(urgency)];
}

// U2 and U3 go ahead of everything else and page somebody.
constexpr bool is_urgent(Urgency urgency) noexcept { return urgency >= Urgency::u2; }

}  // namespace ishara::routing
