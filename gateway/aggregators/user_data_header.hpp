#pragma once
// The header that a phone puts before a text which is a part of a longer one, or in another
// alphabet (3GPP TS 23.040, 9.2.3.24). Pure functions, for any thread. An element that makes no
// sense counts as none: the text is then as whole as it will ever be.

#include <optional>
#include <string_view>

#include "gateway/aggregators/aggregator.hpp"
#include "i18n/gsm_tables.hpp"

namespace ishara::aggregators {

// `header` begins with its own length.
std::optional<Part> part_in(std::string_view header) noexcept;
i18n::GsmTables tables_in(std::string_view header) noexcept;

}  // namespace ishara::aggregators
