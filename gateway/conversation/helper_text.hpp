#pragma once
// The rules for what a caseworker writes to a reporter (conversation.md 1.9, L9). Nobody knows in
// which language she wrote, so the forbidden words of every pack count, and no alphabet is refused.
// Pure functions; thread-safe.

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <string_view>

#include "gateway/conversation/answer.hpp"

namespace ishara::conversation {

// How a text is read: as one short message, or on as many USSD screens as it takes.
enum class ReadAs : std::uint8_t { one_message, screens };

// Success, or the first rule that `text` breaks: L1 (for one message), L3 of every pack, L4, L5,
// and no chain of question marks.
boost::system::error_code lint_helper_text(const i18n::Packs& packs, std::string_view text,
                                           ReadAs how);

}  // namespace ishara::conversation
