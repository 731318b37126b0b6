#include "gateway/conversation/helper_text.hpp"

#include <algorithm>

#include "gateway/conversation/rules.hpp"
#include "i18n/normalise.hpp"
#include "i18n/sms.hpp"

namespace ishara::conversation {
namespace {

// Two question marks with nothing but spaces between them, in any script that has its own.
bool has_question_chain(std::string_view text) {
  constexpr std::string_view marks[] = {"?", "\u061F", "\uFF1F"};
  bool after_mark = false;
  while (!text.empty()) {
    const auto mark =
        std::ranges::find_if(marks, [text](std::string_view one) { return text.starts_with(one); });
    if (mark != std::end(marks)) {
      if (after_mark) return true;
      after_mark = true;
      text.remove_prefix(mark->size());
      continue;
    }
    if (text.front() != ' ' && text.front() != '\n') after_mark = false;
    text.remove_prefix(1);
  }
  return false;
}

}  // namespace

boost::system::error_code lint_helper_text(const i18n::Packs& packs, std::string_view text,
                                           ReadAs how) {
  if (text.find_first_of("{}") != text.npos) return errc::unfilled_placeholder;
  if (i18n::has_emoji(text)) return errc::emoji;
  if (has_address(text)) return errc::looks_like_address;
  if (has_question_chain(text)) return errc::question_chain;
  for (const auto& pack : packs.all())
    if (has_forbidden_word(pack, text)) return errc::forbidden_word;
  if (how == ReadAs::one_message && i18n::measure(text).segments != 1) return errc::does_not_fit;
  return {};
}

}  // namespace ishara::conversation
