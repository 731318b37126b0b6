#pragma once
// What goes back to the phone: replies from a language pack, and the checks that every outbound
// text passes before it leaves (conversation.md 1.9). Pure functions; thread-safe.

#include <boost/system/result.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "i18n/pack.hpp"

namespace ishara::conversation {

enum class errc {
  no_reply = 1,          // the pack has no text for this reply
  bad_ref,               // a ref is ten ASCII digits
  does_not_fit,          // L1: more than one segment
  forbidden_word,        // L3: a word that endangers whoever is seen with it
  unfilled_placeholder,  // L4: a brace that no value replaced
  looks_like_address,    // L5: a URL, a host name or an @
  emoji,                 // L5
  not_gsm7,              // L8: a character that forces UCS-2, in a pack that promises GSM-7
};
const boost::system::error_category& category() noexcept;
inline boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), category()};
}

// A ref has this many digits (design.md section 9, 3).
inline constexpr std::size_t ref_digits = 10;

// Whether `text`, filled in and as it will leave, may leave in the language of `pack`: rules L1,
// L3, L4, L5 and L8. Success, or the first rule that it breaks.
boost::system::error_code lint(const i18n::Pack& pack, std::string_view text);

// The acknowledgement of a stored report (`ack.plain`), checked by `lint`. `ref` has ten digits.
// On an error nothing is sent; the caller raises an operator alarm (S3).
boost::system::result<std::string> acknowledgement(const i18n::Pack& pack, std::string_view ref);

}  // namespace ishara::conversation

template <>
struct boost::system::is_error_code_enum<ishara::conversation::errc> : std::true_type {};
