#pragma once
// What can be wrong with a language pack's files and with filling in a reply.

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace ishara::i18n {

enum class errc {
  cannot_read = 1,      // the file is absent, unreadable or larger than 1 MiB
  not_a_catalogue,      // not a little-endian GNU .mo file of revision 0
  broken_catalogue,     // a table or string points outside the file, or is not NUL-terminated
  unsorted_catalogue,   // keys are not in strictly ascending order
  not_utf8,             // a key or text is not UTF-8, or the header does not declare UTF-8
  no_context,           // an entry without a reply id, or with plural forms
  duplicate_reply,      // two entries with one reply id
  unknown_placeholder,  // the text has a placeholder for which there is no value, or a lone brace
  missing_placeholder,  // a value for which the text has no placeholder
};

const boost::system::error_category& category() noexcept;
inline boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), category()};
}

}  // namespace ishara::i18n

template <>
struct boost::system::is_error_code_enum<ishara::i18n::errc> : std::true_type {};
