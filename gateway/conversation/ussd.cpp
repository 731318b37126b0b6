#include "gateway/conversation/ussd.hpp"

#include <algorithm>
#include <vector>

#include "gateway/conversation/answer.hpp"
#include "i18n/sms.hpp"

namespace ishara::conversation {
namespace {

constexpr std::uint8_t most_wrong = 3;
constexpr std::chrono::seconds retry_window{2};  // channels.md 5.2

// Without the spaces around it and the hash that ends what is dialled.
std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blank = " \t\r\n";
  const auto cut = [&text] {
    const auto first = text.find_first_not_of(blank);
    if (first == text.npos) return text.substr(0, 0);
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
  };
  text = cut();
  if (text.ends_with('#')) text.remove_suffix(1);
  return cut();
}

// One or two digits choose from a list, of which there is none; more may be a telephone number.
bool says_nothing(std::string_view answer) noexcept {
  return answer.empty() ||
         (answer.size() <= 2 && answer.find_first_not_of("0123456789") == std::string_view::npos);
}

// The dialogue: the one question was asked, and this is the answer.
void answer(UssdMove& move, std::string_view input) {
  auto& session = move.next;
  const auto said = trimmed(input);
  if (said == "0" || (says_nothing(said) && ++session.wrong == most_wrong)) {
    session.screen = ScreenId::goodbye;
    session.ended = true;
  } else if (!says_nothing(said)) {
    session.screen = ScreenId::saved;
    session.ended = true;
    move.report = said;
  }
}

// Answers joined by stars. A star of the text stands like those between answers: what is left when
// the dialogue has ended belongs to its last answer.
void take_each(UssdMove& move, std::string_view input) {
  for (;;) {
    const auto star = input.find('*');
    answer(move, input.substr(0, star));
    if (!move.report.empty()) move.report = trimmed(input);
    if (star == input.npos || move.next.ended) return;
    input.remove_prefix(star + 1);
  }
}

bool all_say_nothing(std::string_view input) noexcept {
  for (auto star = input.find('*'); star != input.npos; star = input.find('*')) {
    if (!says_nothing(trimmed(input.substr(0, star)))) return false;
    input.remove_prefix(star + 1);
  }
  return says_nothing(trimmed(input));
}

// What was typed since the last request. Mostly one answer, whose stars belong to it; but if none
// of its parts says anything these are several, and the requests between them came late or never.
void follow(UssdMove& move, std::string_view input) {
  if (all_say_nothing(input))
    take_each(move, input);
  else
    answer(move, input);
}

// Everything since the dialling.
void replay(UssdMove& move, std::string_view input) {
  move.next = {};
  move.next.begun = true;
  if (!input.empty()) take_each(move, input);
}

}  // namespace

std::string_view id_of(ScreenId screen) noexcept {
  switch (screen) {
    case ScreenId::write:
      return "ussd.write";
    case ScreenId::saved:
      return "ussd.saved";
    case ScreenId::saved_plain:
      return "ussd.saved.plain";
    case ScreenId::not_saved:
      return "ussd.not.saved";
    case ScreenId::unsure:
      return "ussd.unsure";
    case ScreenId::goodbye:
      return "ussd.goodbye";
  }
  return {};
}

UssdMove take(const UssdSession& session, const Typed& typed, std::chrono::sys_seconds now,
              const crypto::Secret<32>& key) {
  // A dialling and an empty answer look alike only where each request stands alone.
  const auto hash = [&](std::string_view text) {
    return crypto::keyed_hash16(
        key,
        {crypto::bytes_of(typed.begins && !typed.accumulated ? "b" : "i"), crypto::bytes_of(text)});
  };
  UssdMove move{session, false, {}};
  const auto input = typed.input;
  const auto mark = hash(input);
  if (session.ended) {
    move.again = true;
  } else if (typed.accumulated) {
    const bool follows = session.begun && input.size() >= session.taken &&
                         hash(input.substr(0, session.taken)) == session.taken_hash;
    const auto rest = follows ? input.substr(session.taken) : std::string_view{};
    if (follows && rest.empty())
      move.again = true;
    else if (follows && session.taken == 0)
      follow(move, rest);
    else if (follows && rest.front() == '*')
      follow(move, rest.substr(1));
    else
      replay(move, input);
    move.next.taken = input.size();
    move.next.taken_hash = mark;
  } else {
    const bool same = session.begun && mark == session.last;
    if (same && (typed.begins || now - session.last_at <= retry_window))
      move.again = true;
    else if (typed.begins)
      replay(move, input);
    else
      answer(move, input);
    move.next.begun = true;
    move.next.last = mark;
    move.next.last_at = now;
  }
  return move;
}

boost::system::result<std::string> render(const i18n::Packs& packs, ScreenId screen,
                                          std::string_view ref, ScreenSize size,
                                          std::string_view channel_language) {
  std::vector<const i18n::Pack*> order;
  for (const auto& pack : packs.all()) order.push_back(&pack);
  std::ranges::stable_partition(
      order, [&](const i18n::Pack* pack) { return pack->tag == channel_language; });
  boost::system::error_code broken = errc::no_reply;
  for (const auto* pack : order) {
    const auto* entry = pack->catalogue.find(id_of(screen));
    if (entry == nullptr) continue;
    const auto names = i18n::placeholders_of(entry->text);
    if (!names) return names.error();
    std::vector<i18n::Placeholder> filled;
    for (const std::string_view name : *names) {
      const bool is_ref =
          ref.size() == ref_digits && ref.find_first_not_of("0123456789") == std::string_view::npos;
      if (name != "ref" || !is_ref) return errc::bad_ref;
      filled.push_back({name, ref});
    }
    auto text = i18n::fill(entry->text, filled);
    if (!text) return text;
    const auto measured = i18n::measure(*text);
    const auto limit = measured.encoding == i18n::Encoding::gsm7 ? size.septets : size.units;
    broken = measured.units > limit ? make_error_code(errc::does_not_fit) : lint(*pack, *text);
    if (!broken) return text;
  }
  return broken;
}

}  // namespace ishara::conversation
