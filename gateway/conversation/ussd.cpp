#include "gateway/conversation/ussd.hpp"

namespace ishara::conversation {
namespace {

constexpr std::chrono::seconds retry_window{2};  // channels.md 5.2

// Answers of one session, one after the other.
class Answers {
 public:
  Answers(MenuState& state, const Around& around, const MenuState* broken_off)
      : state_{state}, around_{around}, broken_off_{broken_off} {}

  void one(std::string_view input) { state_ = answered(state_, input, around_, broken_off_); }

  // Several, joined by stars. A star of free words stands like those between answers: what follows
  // them and chooses nothing belongs to them.
  void each(std::string_view input) {
    for (;;) {
      auto star = input.find('*');
      if (takes_words(state_, around_.flow)) {
        while (star != input.npos) {
          const auto rest = input.substr(star + 1);
          const auto end = rest.find('*');
          const auto part = trimmed(rest.substr(0, end));
          if (is_choice(part) && !part.empty()) break;
          star = end == rest.npos ? input.npos : star + 1 + end;
        }
      }
      one(input.substr(0, star));
      if (star == input.npos || around_.flow[state_.screen].is_end()) return;
      input.remove_prefix(star + 1);
    }
  }

  // What was typed since the last request: one answer, to which its stars belong if it is free
  // words; else these are several, and the requests between them came late or never.
  void since(std::string_view input) {
    if (takes_words(state_, around_.flow))
      one(input);
    else
      each(input);
  }

 private:
  MenuState& state_;
  const Around& around_;
  const MenuState* broken_off_;
};

}  // namespace

UssdMove take(const UssdSession& session, const Typed& typed, const Around& around,
              const MenuState* broken_off, std::chrono::sys_seconds now,
              const crypto::Secret<32>& key) {
  // A dialling and an empty answer look alike only where each request stands alone.
  const auto hash = [&](std::string_view text) {
    return crypto::keyed_hash16(
        key,
        {crypto::bytes_of(typed.begins && !typed.accumulated ? "b" : "i"), crypto::bytes_of(text)});
  };
  UssdMove move{session, false};
  auto& next = move.next;
  Answers answers{next.menu, around, broken_off};
  const auto input = typed.input;
  // Everything since the dialling.
  const auto replay = [&] {
    next.menu = begun(around);
    if (!input.empty()) answers.each(input);
  };
  const auto mark = hash(input);
  if (session.begun && session.has_ended(around.flow)) {
    move.again = true;
  } else if (typed.accumulated) {
    const bool follows = session.begun && input.size() >= session.taken &&
                         hash(input.substr(0, session.taken)) == session.taken_hash;
    const auto rest = follows ? input.substr(session.taken) : std::string_view{};
    if (follows && rest.empty())
      move.again = true;
    else if (follows && session.taken == 0)
      answers.since(rest);
    else if (follows && rest.front() == '*')
      answers.since(rest.substr(1));
    else
      replay();
    next.taken = input.size();
    next.taken_hash = mark;
  } else {
    const bool same = session.begun && mark == session.last;
    if (same && (typed.begins || now - session.last_at <= retry_window))
      move.again = true;
    else if (typed.begins || !session.begun)
      replay();
    else
      answers.one(input);
    next.last = mark;
    next.last_at = now;
  }
  next.begun = true;
  return move;
}

}  // namespace ishara::conversation
