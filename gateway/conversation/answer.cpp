#include "gateway/conversation/answer.hpp"

#include <algorithm>
#include <cstddef>
#include <memory_resource>

#include "gateway/conversation/helper_text.hpp"
#include "gateway/conversation/rules.hpp"
#include "gateway/crypto/wipe.hpp"
#include "i18n/normalise.hpp"
#include "i18n/utf8.hpp"

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

// L7: right-to-left text shows the groups of a number in another order.
bool has_broken_number(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '+' && is_digit(text[i + 1])) return true;
    const bool joint = text[i + 1] == ' ' || text[i + 1] == '-';
    if (i + 2 < text.size() && is_digit(text[i]) && joint && is_digit(text[i + 2])) return true;
  }
  return false;
}

bool is_right_to_left(std::string_view script) noexcept {
  return script == "Arab" || script == "Hebr" || script == "Syrc" || script == "Thaa";
}

// L2: whether `value` has a word of four letters or more that `inbound` has too. Words of the
// template are ours; only what was filled in can quote.
bool quotes(std::string_view value, std::string_view inbound) {
  constexpr std::size_t shortest = 4;
  std::pmr::monotonic_buffer_resource memory{&crypto::wiping_resource()};
  const auto theirs = i18n::tokens(inbound, memory);
  for (const std::string_view word : i18n::tokens(value, memory)) {
    std::size_t letters = 0;
    for (auto rest = word; !rest.empty(); ++letters)
      rest.remove_prefix(i18n::first_of_utf8(rest).size);
    if (letters >= shortest && std::find(theirs.begin(), theirs.end(), word) != theirs.end())
      return true;
  }
  return false;
}

constexpr std::size_t longest_telephone = 12;

bool is_telephone(std::string_view text) noexcept {
  return !text.empty() && text.size() <= longest_telephone &&
         std::all_of(text.begin(), text.end(), is_digit);
}

bool is_ref(std::string_view text) noexcept {
  return text.size() == ref_digits && std::all_of(text.begin(), text.end(), is_digit);
}

// "1 English", "2 Ikinyarwanda": in Latin letters, which every phone shows and one message holds.
// A line each, since a phone for right-to-left text would put a number beside another name.
std::string language_list(const i18n::Packs& packs) {
  std::string list;
  for (std::size_t i = 0; i < packs.all().size(); ++i) {
    if (i > 0) list += '\n';
    list += std::to_string(i + 1) + ' ' + packs.all()[i].latin_name;
  }
  return list;
}

// "20:00" of a half hour of the day.
std::string clock_time(std::uint8_t half_hour) {
  const std::string hour = std::to_string(half_hour / 2);
  return (hour.size() < 2 ? "0" + hour : hour) + (half_hour % 2 == 0 ? ":00" : ":30");
}

bool matches(std::string_view pattern, std::string_view word) noexcept {
  const bool begins_anywhere = pattern.starts_with('*');
  const bool ends_anywhere = pattern.ends_with('*');
  if (begins_anywhere) pattern.remove_prefix(1);
  if (ends_anywhere) pattern.remove_suffix(1);
  if (begins_anywhere && ends_anywhere) return word.find(pattern) != word.npos;
  if (begins_anywhere) return word.ends_with(pattern);
  return ends_anywhere ? word.starts_with(pattern) : word == pattern;
}

}  // namespace

bool has_address(std::string_view text) noexcept {
  if (text.find('@') != text.npos || text.find("://") != text.npos) return true;
  for (std::size_t i = 1; i + 1 < text.size(); ++i)
    if (text[i] == '.' && is_letter(text[i + 1]) &&
        (is_letter(text[i - 1]) || is_digit(text[i - 1])))
      return true;
  return false;
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
  if (is_right_to_left(pack.traits.script) && has_broken_number(text)) return errc::broken_number;
  if (has_forbidden_word(pack, text)) return errc::forbidden_word;
  return {};
}

std::string_view id_of(ReplyId reply) noexcept {
  switch (reply) {
    case ReplyId::ack_first:
      return "ack.first";
    case ReplyId::ack_plain:
      return "ack.plain";
    case ReplyId::ack_more:
      return "ack.more";
    case ReplyId::ack_urgent:
      return "ack.urgent";
    case ReplyId::ack_urgent_place:
      return "ack.urgent.place";
    case ReplyId::ack_urgent_notel:
      return "ack.urgent.notel";
    case ReplyId::q_place:
      return "q.place";
    case ReplyId::q_which:
      return "q.which";
    case ReplyId::q_which_two:
      return "q.which.two";
    case ReplyId::q_share:
      return "q.share";
    case ReplyId::done_helpers:
      return "done.helpers";
    case ReplyId::done_both:
      return "done.both";
    case ReplyId::info_help:
      return "info.help";
    case ReplyId::info_help_notel:
      return "info.help.notel";
    case ReplyId::info_greet:
      return "info.greet";
    case ReplyId::lang_list:
      return "lang.list";
    case ReplyId::lang_set:
      return "lang.set";
    case ReplyId::code_show:
      return "code.show";
    case ReplyId::code_bad:
      return "code.bad";
    case ReplyId::st_new:
      return "st.new";
    case ReplyId::st_read:
      return "st.read";
    case ReplyId::st_work:
      return "st.work";
    case ReplyId::st_done:
      return "st.done";
    case ReplyId::del_done:
      return "del.done";
    case ReplyId::del_plain:
      return "del.plain";
    case ReplyId::stop_done:
      return "stop.done";
    case ReplyId::start_done:
      return "start.done";
    case ReplyId::safe_on:
      return "safe.on";
    case ReplyId::safe_hour:
      return "safe.hour";
    case ReplyId::err_retry:
      return "err.retry";
    case ReplyId::err_later:
      return "err.later";
    case ReplyId::hum_msg:
      return "hum.msg";
    case ReplyId::ack_again:
      return "ack.again";
  }
  return {};
}

boost::system::result<std::string> render(const i18n::Packs& packs, const Reply& reply,
                                          const Values& values, std::string_view channel_language,
                                          std::string_view inbound) {
  const auto& all = packs.all();
  const i18n::Pack* const pack =
      reply.language < all.size() ? &all[reply.language] : packs.find(channel_language);
  const auto* const entry = pack ? pack->catalogue.find(id_of(reply.id)) : nullptr;
  if (entry == nullptr) return errc::no_reply;
  const auto names = i18n::placeholders_of(entry->text);
  if (!names) return names.error();

  std::vector<i18n::Placeholder> filled;
  // What is made here lives to the end, since a placeholder is a view.
  const std::string list = language_list(packs);
  const std::string time = reply.range ? clock_time(reply.range->end) : std::string{};
  for (const std::string_view name : *names) {
    std::string_view value;
    if (name == "ref") {
      if (!is_ref(values.ref)) return errc::bad_ref;
      value = values.ref;
    } else if (name == "tel") {
      if (!is_telephone(values.tel)) return errc::bad_telephone;
      value = values.tel;
    } else if (name == "p1" || name == "p2" || name == "p3") {
      value = values.regions[static_cast<std::size_t>(name[1] - '1')];
      if (quotes(value, inbound)) return errc::quotes_the_report;
    } else if (name == "t") {
      value = time;
    } else if (name == "list") {
      value = list;
    } else if (name == "lang") {
      if (reply.chosen < all.size()) value = all[reply.chosen].name;
    } else if (name == "text") {
      value = values.text;
      if (quotes(value, inbound)) return errc::quotes_the_report;
    }
    if (value.empty()) return i18n::errc::unknown_placeholder;
    filled.push_back({name, value});
  }
  auto text = i18n::fill(entry->text, filled);
  if (!text) return text;
  const auto broken = reply.id == ReplyId::hum_msg
                          ? lint_helper_text(packs, *text, ReadAs::one_message)
                          : lint(*pack, *text);
  if (broken) return broken;
  return text;
}

}  // namespace ishara::conversation
