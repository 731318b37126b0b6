#include "gateway/conversation/answer.hpp"

#include <algorithm>
#include <cstddef>
#include <memory_resource>

#include "gateway/crypto/wipe.hpp"
#include "i18n/normalise.hpp"

namespace ishara::conversation {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ishara.conversation"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::no_reply:
        return "the language pack has no text for this reply";
      case errc::bad_ref:
        return "a reference has ten digits";
      case errc::does_not_fit:
        return "the text does not fit one message";
      case errc::forbidden_word:
        return "the text has a word that may endanger the reader";
      case errc::unfilled_placeholder:
        return "the text has a brace, as of a placeholder without a value";
      case errc::looks_like_address:
        return "the text has a URL, a host name or an @";
      case errc::emoji:
        return "the text has an emoji";
      case errc::not_gsm7:
        return "the text has a character that the GSM alphabet lacks";
      case errc::quotes_the_report:
        return "the text has a word of the report";
      case errc::broken_number:
        return "digits are spaced, hyphenated or have a +, which right-to-left text reorders";
      case errc::question_chain:
        return "the text has several question marks in a row";
      case errc::bad_telephone:
        return "a telephone number has 1 to 12 digits";
    }
    return "unknown error";
  }
};

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// An @, a scheme, or a dot that joins what would become a link on many phones.
bool has_address(std::string_view text) noexcept {
  if (text.find('@') != text.npos || text.find("://") != text.npos) return true;
  for (std::size_t i = 1; i + 1 < text.size(); ++i)
    if (text[i] == '.' && is_letter(text[i + 1]) &&
        (is_letter(text[i - 1]) || is_digit(text[i - 1])))
      return true;
  return false;
}

bool matches(std::string_view pattern, std::string_view word) noexcept {
  if (!pattern.ends_with('*')) return word == pattern;
  return word.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool has_forbidden_word(const i18n::Pack& pack, std::string_view text) {
  // A helper's reply is as secret as a report.
  std::pmr::monotonic_buffer_resource memory{&crypto::wiping_resource()};
  const auto words = i18n::tokens(text, memory);
  return std::any_of(pack.forbidden.begin(), pack.forbidden.end(), [&](const auto& entry) {
    return std::search(words.begin(), words.end(), entry.begin(), entry.end(),
                       [](std::string_view word, std::string_view pattern) {
                         return matches(pattern, word);
                       }) != words.end();
  });
}

}  // namespace

const boost::system::error_category& category() noexcept {
  static const Category instance;
  return instance;
}

boost::system::error_code lint(const i18n::Pack& pack, std::string_view text) {
  if (text.find_first_of("{}") != text.npos) return errc::unfilled_placeholder;
  if (i18n::has_emoji(text)) return errc::emoji;
  const i18n::Measure measured = i18n::measure(text);
  if (pack.encoding == i18n::Encoding::gsm7 && measured.encoding != i18n::Encoding::gsm7)
    return errc::not_gsm7;
  if (measured.segments != 1) return errc::does_not_fit;
  if (has_address(text)) return errc::looks_like_address;
  if (has_forbidden_word(pack, text)) return errc::forbidden_word;
  return {};
}

boost::system::result<std::string> acknowledgement(const i18n::Pack& pack, std::string_view ref) {
  if (ref.size() != ref_digits || !std::all_of(ref.begin(), ref.end(), is_digit))
    return errc::bad_ref;
  const i18n::Catalogue::Reply* const reply = pack.catalogue.find("ack.plain");
  if (reply == nullptr) return errc::no_reply;
  auto text = i18n::fill(reply->text, {{"ref", ref}});
  if (!text) return text;
  if (const auto broken = lint(pack, *text)) return broken;
  return text;
}

}  // namespace ishara::conversation
