#include <algorithm>
#include <charconv>
#include <span>

#include "gateway/conversation/sms.hpp"
#include "i18n/normalise.hpp"
#include "i18n/utf8.hpp"

namespace ishara::conversation {
namespace {

using i18n::Keyword;
using i18n::Meaning;

constexpr char quiet_mark = '#';
constexpr std::size_t tolerant_from = 5;  // letters: shorter keywords match exactly
constexpr std::size_t longest_ref = 15;   // digits: a number that is longer is no mistyped ref

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_space(char32_t c) noexcept {
  return (c >= U'\t' && c <= U'\r') || c == U' ' || c == 0x85 || c == 0x1680 || c == 0x2028 ||
         c == 0x2029;
}

// Without white space at both ends. Folding has made most spaces of Unicode plain ones.
std::string_view trimmed(std::string_view text) noexcept {
  std::size_t begin = text.size();
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto next = i18n::first_of_utf8(text.substr(i));
    if (!is_space(next.value)) {
      begin = std::min(begin, i);
      end = i + next.size;
    }
    i += next.size;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view{};
}

std::size_t letters(std::string_view utf8) noexcept {
  std::size_t count = 0;
  for (; !utf8.empty(); ++count) utf8.remove_prefix(i18n::first_of_utf8(utf8).size);
  return count;
}

// Whether one letter too many, too few or another, or two neighbours swapped, tells `left` from
// `right`; false if they are equal. Folded texts: bytes stand for letters where both are ASCII,
// and a letter of several bytes differs in its bytes, which is the stricter way.
bool one_edit(std::string_view left, std::string_view right) noexcept {
  if (left.size() > right.size()) std::swap(left, right);
  if (right.size() - left.size() > 1 || left == right) return false;
  const auto head = static_cast<std::size_t>(
      std::mismatch(left.begin(), left.end(), right.begin()).first - left.begin());
  const auto left_rest = left.substr(head);
  const auto right_rest = right.substr(head);
  if (left.size() != right.size()) return left_rest == right_rest.substr(1);
  if (left_rest.substr(1) == right_rest.substr(1)) return true;
  return left_rest.size() >= 2 && left_rest[0] == right_rest[1] && left_rest[1] == right_rest[0] &&
         left_rest.substr(2) == right_rest.substr(2);
}

// A wrong guess of these exposes nobody (conversation.md 1.3).
constexpr bool is_tolerant(Meaning meaning) noexcept {
  return meaning == Meaning::stop || meaning == Meaning::unsafe || meaning == Meaning::help ||
         meaning == Meaning::info || meaning == Meaning::language;
}

// All keywords of one text have one meaning; the packs may be several.
using Matches = std::span<const Keyword>;

Matches exact(const i18n::Packs& packs, std::string_view form) {
  const auto& all = packs.keywords();
  const auto less = [](const auto& left, const auto& right) {
    if constexpr (std::is_same_v<std::decay_t<decltype(left)>, Keyword>)
      return std::string_view{left.text} < right;
    else
      return left < std::string_view{right.text};
  };
  const auto [first, last] = std::equal_range(all.begin(), all.end(), form, less);
  return {first, last};
}

Matches tolerant(const i18n::Packs& packs, std::string_view form) {
  for (const Keyword& word : packs.keywords())
    if (is_tolerant(word.meaning) && one_edit(word.text, form) &&
        letters(word.text) >= tolerant_from)
      return {&word, 1};
  return {};
}

// Takes up to two digits from the front; none if there is none.
std::optional<unsigned> take_number(std::string_view& text) noexcept {
  unsigned value = 0;
  const auto size = std::min<std::size_t>(text.size(), 2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + size, value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// "18", "18:30", "18h30": in minutes since midnight, 24 hours at most.
std::optional<unsigned> take_time(std::string_view& text) noexcept {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  const auto hours = take_number(text);
  unsigned minutes = 0;
  if (!text.empty() && (text.front() == ':' || text.front() == '.' || text.front() == 'h')) {
    const bool is_hour_letter = text.front() == 'h';
    text.remove_prefix(1);
    if (!text.empty() && is_digit(text.front()))
      minutes = *take_number(text);
    else if (!is_hour_letter)
      return std::nullopt;
  }
  if (*hours > 24 || minutes > 59 || (*hours == 24 && minutes > 0)) return std::nullopt;
  return *hours * 60 + minutes;
}

// "18-20", "18:30 - 20", "22-6": shortened to full half hours; none if nothing is left of it.
std::optional<TimeRange> time_range(std::string_view text) noexcept {
  const auto start = take_time(text);
  text = trimmed(text);
  if (!start || text.empty()) return std::nullopt;
  const auto dash = i18n::first_of_utf8(text);
  if (dash.value != U'-' && (dash.value < 0x2010 || dash.value > 0x2015)) return std::nullopt;
  text = trimmed(text.substr(dash.size));
  const auto end = take_time(text);
  if (!end || !text.empty()) return std::nullopt;
  constexpr unsigned day = 24 * 60;
  const unsigned length = (*end + day - *start) % day;
  const unsigned to_half_hour = (30 - *start % 30) % 30;
  if (length < to_half_hour + 30) return std::nullopt;
  const auto half_hour = [](unsigned minutes) {
    return static_cast<std::uint8_t>(minutes / 30 % 48);
  };
  return TimeRange{half_hour(*start + to_half_hour), half_hour(*end)};
}

// One classification, with what all its questions need.
class Classifier {
 public:
  Classifier(std::string_view text, const Circumstances& circumstances, const i18n::Packs& packs,
             std::pmr::memory_resource& memory)
      : text_{text},
        circumstances_{circumstances},
        packs_{packs},
        memory_{memory},
        words_{&memory} {}

  Input classify() {
    folded_ = trimmed(i18n::folded(text_, memory_));
    take_quiet_mark();
    form_ = i18n::keyword_form(folded_, memory_);
    words_ = i18n::words(folded_, memory_);

    input_.language = language_of(pack_by_text());
    if (circumstances_.robot)
      input_.what = Class::robot;
    else if (circumstances_.duplicate)
      input_.what = Class::duplicate;
    else if (circumstances_.fragment)
      input_.what = Class::text;
    else if (!is_command() && !is_answer())
      input_.what = rest();
    return input_;
  }

 private:
  void take_quiet_mark() {
    for (const bool first : {true, false}) {
      if (folded_.empty() || (first ? folded_.front() : folded_.back()) != quiet_mark) continue;
      input_.quiet = true;
      folded_ = trimmed(first ? folded_.substr(1) : folded_.substr(0, folded_.size() - 1));
    }
  }

  Language language_of(const i18n::Pack* pack) const {
    return pack ? static_cast<Language>(pack - packs_.all().data()) : no_language;
  }
  std::string_view usual_language() const {
    return conversation::usual_language(circumstances_.sitting, circumstances_.channel_language,
                                        packs_);
  }
  const i18n::Pack* pack_by_text() const {
    if (circumstances_.text_language) return packs_.find(*circumstances_.text_language);
    return packs_.for_reply(text_, usual_language(), memory_);
  }

  // The pack of a keyword: where several have the word, the usual language before the others.
  Language language_of(Matches matches) const {
    for (const Keyword& word : matches)
      if (packs_.all()[word.pack].tag == usual_language()) return word.pack;
    return matches.front().pack;
  }

  bool is_command() {
    for (const auto find : {&exact, &tolerant}) {
      for (auto count = std::min(words_.size(), i18n::most_keyword_words); count > 0; --count)
        if (is_command(find(packs_, first_words(count)), rest_after(count))) return true;
      if (words_.empty() && is_command(find(packs_, form_), {})) return true;
      // A text that is some other keyword, or a greeting, is not a misspelt command.
      if (find == &exact && (!exact(packs_, form_).empty() || is_greeting())) return false;
    }
    return false;
  }

  // Whether a keyword with these letters behind it is a command; fills `input_` if it is.
  bool is_command(Matches matches, std::string_view argument) {
    if (matches.empty() || !takes(matches.front().meaning, argument)) return false;
    input_.language = language_of(matches);
    return true;
  }

  bool takes(Meaning meaning, std::string_view argument) {
    const auto alone = [&](Class what) {
      if (argument.empty()) input_.what = what;
      return argument.empty();
    };
    switch (meaning) {
      case Meaning::stop:
        return alone(Class::stop);
      case Meaning::start:
        return alone(Class::start);
      case Meaning::unsafe:
        return alone(Class::unsafe);
      case Meaning::help:
        return alone(Class::help);
      case Meaning::info:
        return alone(Class::info);
      case Meaning::code:
        return alone(Class::code);
      case Meaning::fresh:
        return alone(Class::fresh);
      case Meaning::erase:
        return alone(Class::erase) || ref(Class::erase, argument);
      case Meaning::status:
        return alone(Class::status) || ref(Class::status, argument);
      case Meaning::add:
        return alone(Class::add) || ref_and_text(argument);
      case Meaning::safe:
        return alone(Class::safe) || range(argument);
      case Meaning::share:
        return alone(Class::share) || audience(argument);
      case Meaning::language:
        return alone(Class::language) || language(argument);
      case Meaning::name:
        return argument.empty() && language(form_);
      case Meaning::yes:
      case Meaning::no:
      case Meaning::greet:
        return false;
    }
    return false;
  }

  // The whole argument is digits, however they are grouped: STATUS and DELETE with a number are
  // never a report, so a mistyped ref is still one.
  bool ref(Class what, std::string_view argument) {
    char digits[longest_ref];
    std::size_t count = 0;
    for (const char c : argument) {
      if (c == ' ' || c == '-' || c == '.') continue;
      if (!is_digit(c) || count == longest_ref) return false;
      digits[count++] = c;
    }
    if (count == 0) return false;
    take_ref(what, {digits, count});
    return true;
  }

  // Ten digits and then anything: "more 4 girls" is a report.
  bool ref_and_text(std::string_view argument) {
    const auto digits = argument.substr(
        0, static_cast<std::size_t>(std::find_if_not(argument.begin(), argument.end(), is_digit) -
                                    argument.begin()));
    if (digits.size() != 10) return false;
    take_ref(Class::add, digits);
    return true;
  }

  void take_ref(Class what, std::string_view digits) {
    input_.what = what;
    input_.names_ref = true;
    if (const auto parsed = identity::Ref::parse(digits)) input_.ref = *parsed;
  }

  bool range(std::string_view argument) {
    input_.range = time_range(argument);
    if (input_.range) input_.what = Class::safe;
    return input_.range.has_value();
  }

  bool audience(std::string_view argument) {
    if (argument != "1" && argument != "2") return false;
    input_.what = Class::share;
    input_.digit = static_cast<std::uint8_t>(argument[0] - '0');
    return true;
  }

  // A number of the list, or a name.
  bool language(std::string_view argument) {
    const auto& all = packs_.all();
    const auto form = i18n::keyword_form(argument, memory_);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(form.data(), form.data() + form.size(), number);
    if (error == std::errc{} && end == form.data() + form.size()) {
      if (number < 1 || number > all.size()) return false;
      input_.chosen = static_cast<Language>(number - 1);
    } else {
      const auto names = exact(packs_, form);
      if (names.empty() || names.front().meaning != Meaning::name) return false;
      input_.chosen = names.front().pack;
    }
    input_.what = Class::language;
    return true;
  }

  // Bare answers. Their language is that of the question.
  bool is_answer() {
    const auto& sitting = circumstances_.sitting;
    const bool is_number =
        !form_.empty() && form_.size() <= 3 && std::all_of(form_.begin(), form_.end(), is_digit);
    if (sitting.state == State::ask_language && is_number && language(form_)) return true;
    if (is_number && form_.size() == 1) {
      input_.what = Class::digit;
      input_.digit = static_cast<std::uint8_t>(form_[0] - '0');
    } else {
      const auto matches = exact(packs_, form_);
      const auto understood = [&](const Keyword& word) {
        const auto& tag = packs_.all()[word.pack].tag;
        return tag == usual_language() || tag == "en";
      };
      if (std::none_of(matches.begin(), matches.end(), understood)) return false;
      if (matches.front().meaning == Meaning::yes)
        input_.what = Class::yes;
      else if (matches.front().meaning == Meaning::no)
        input_.what = Class::no;
      else
        return false;
    }
    input_.language = language_of(packs_.find(usual_language()));
    return true;
  }

  Class rest() {
    if (words_.empty() || letters(folded_) == 1) return Class::blank;
    if (is_greeting()) return Class::greet;
    return circumstances_.noise ? Class::promo : Class::text;
  }

  // One greeting or several in a row, and nothing else.
  bool is_greeting() {
    std::string_view left = form_;
    while (!left.empty()) {
      std::string_view longest;
      for (const Keyword& word : packs_.keywords())
        if (word.meaning == Meaning::greet && word.text.size() > longest.size() &&
            left.starts_with(word.text) &&
            (left.size() == word.text.size() || left[word.text.size()] == ' '))
          longest = word.text;
      if (longest.empty()) return false;
      left.remove_prefix(std::min(left.size(), longest.size() + 1));
    }
    return !form_.empty();
  }

  // The keyword form of the first words: words lie in `form_` in the same order, a space apart.
  std::string_view first_words(std::size_t count) const {
    std::size_t size = count - 1;
    for (std::size_t i = 0; i < count; ++i) size += words_[i].size();
    return form_.substr(0, size);
  }
  // What stands behind them, from word to word: without the punctuation before, between and behind.
  std::string_view rest_after(std::size_t count) const {
    if (count == words_.size()) return {};
    const char* const begin = words_[count].data();
    return {begin, static_cast<std::size_t>(words_.back().data() + words_.back().size() - begin)};
  }

  std::string_view text_;
  const Circumstances& circumstances_;
  const i18n::Packs& packs_;
  std::pmr::memory_resource& memory_;
  std::string_view folded_;
  std::string_view form_;
  std::pmr::vector<std::string_view> words_;
  Input input_;
};

}  // namespace

std::string_view usual_language(const Memory& sitting, std::string_view channel_language,
                                const i18n::Packs& packs) noexcept {
  return sitting.spoken < packs.all().size() ? std::string_view{packs.all()[sitting.spoken].tag}
                                             : channel_language;
}

Input classify(std::string_view text, const Circumstances& circumstances, const i18n::Packs& packs,
               std::pmr::memory_resource& memory) {
  return Classifier{text, circumstances, packs, memory}.classify();
}

}  // namespace ishara::conversation
