#pragma once
// What goes back to the phone: replies from a language pack, and the checks that every outbound
// text passes before it leaves (conversation.md 1.9). Pure functions; thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/conversation/sms.hpp"
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
  quotes_the_report,     // L2: a word of the reporter's own text
  broken_number,         // L7: digits that right-to-left text would show in another order
  question_chain,        // L9: several question marks in a row, in a helper's text
  bad_telephone,         // a helpline is 1 to 12 ASCII digits
};
const boost::system::error_category& category() noexcept;
inline boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), category()};
}

// A ref has this many digits (design.md section 9, 3).
inline constexpr std::size_t ref_digits = 10;

// Whether `text`, filled in and as it will leave, may leave in the language of `pack`: rules L1,
// L3, L4, L5, L7 and L8. Success, or the first rule that it breaks.
boost::system::error_code lint(const i18n::Pack& pack, std::string_view text);

// The id of a reply in the catalogues: "ack.first".
std::string_view id_of(ReplyId reply) noexcept;

// What the caller puts into a reply. Only what the reply has a placeholder for is looked at.
struct Values {
  std::string_view ref = {};  // the sitting's own, or the typed one where Reply::typed_ref says so
  std::string_view tel = {};  // the helpline: where the reply needs one, Facts::helpline was true
  std::array<std::string_view, most_candidates> regions =
      {};                      // names, in the order of Reply::regions
  std::string_view text = {};  // hum_msg: what the caseworker wrote
};

// `reply` as it leaves, in its language or in `channel_language`: filled in and checked by `lint`,
// hum_msg by the rules of helper_text.hpp; and it shows no word of four letters or more of
// `inbound`, the text that it answers (L2; our own words aside). On an error nothing is sent:
// silence is safer than a line that breaks a rule, and the caller raises an operator alarm (S3).
boost::system::result<std::string> render(const i18n::Packs& packs, const Reply& reply,
                                          const Values& values, std::string_view channel_language,
                                          std::string_view inbound);

}  // namespace ishara::conversation

template <>
struct boost::system::is_error_code_enum<ishara::conversation::errc> : std::true_type {};
