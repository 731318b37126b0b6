#include <algorithm>

#include "gateway/conversation/sms.hpp"

namespace ishara::conversation {
namespace {

constexpr std::chrono::minutes reply_window{15};
constexpr std::chrono::minutes safe_window{60};
constexpr std::chrono::minutes blank_window{10};
// A sitting lasts an hour, so what is counted in a sitting is counted in an hour.
constexpr std::uint8_t most_outbound = 6;
constexpr std::uint8_t most_questions = 2;
constexpr std::uint8_t most_wrong_refs = 3;

// Whether a reply says that something arrived and under which ref.
constexpr bool tells_ref(ReplyId id) {
  switch (id) {
    case ReplyId::ack_first:
    case ReplyId::ack_plain:
    case ReplyId::ack_more:
    case ReplyId::ack_urgent:
    case ReplyId::ack_urgent_place:
    case ReplyId::ack_urgent_notel:
    case ReplyId::code_show:
      return true;
    default:
      return false;
  }
}

// One text on its way through the table of conversation.md 1.8. Comments name its rows.
class Turn {
 public:
  Turn(const Memory& memory, const Input& input, const Facts& facts, std::chrono::sys_seconds now)
      : before_{memory}, input_{input}, facts_{facts}, now_{now} {
    step_.next = memory;
    // The open question lapses with the reply window (row 17); a question of language that is not
    // answered is dropped, and what was asked before it is open again.
    const bool lapsed = now - memory.last_inbound > reply_window;
    State& state = next().state;
    if (state == State::ask_language && !answers_language()) state = next().before_language;
    if (lapsed && state == State::ask_safety) state = State::open;
    if (lapsed && next().before_language == State::ask_safety) next().before_language = State::open;
    from_ = state;
    next().last_inbound = now;
    may_reply_ = facts.may_reply && !input.quiet && memory.outbound < most_outbound;
  }

  Step take() {
    if (input_.what == Class::robot || input_.what == Class::duplicate)  // rows 1, 2
      return {.next = before_};
    if (const auto ref = to_look_up(); ref != RefToLookUp::none)
      return {.next = before_, .look_up = ref};
    dispatch();
    stay_quiet();
    keep_window();
    return std::move(step_);
  }

  Step not_stored() {
    step_.next = before_;
    if (input_.what != Class::robot && input_.what != Class::duplicate && !is_silent())
      reply(ReplyId::err_retry);  // row 43
    return std::move(step_);
  }

 private:
  void dispatch() {
    switch (input_.what) {
      case Class::robot:
      case Class::duplicate:
        return;
      case Class::stop:
        return stop();
      case Class::start:
        return start();
      case Class::erase:
        return erase();
      case Class::unsafe:
        return unsafe();
      case Class::safe:
        return safe();
      case Class::language:
        return language();
      case Class::help:
        return help();
      case Class::info:
        return is_silent() ? other() : reply(tel_or(ReplyId::info_help, ReplyId::info_help_notel));
      case Class::code:
        return code();
      case Class::status:
        return status();
      case Class::share:
        return share();
      case Class::fresh:
        return fresh();
      case Class::add:
        return add();
      case Class::digit:
      case Class::yes:
      case Class::no:
        return answer();
      case Class::blank:
        return blank();
      case Class::greet:  // row 7
        return from_ == State::none ? reply(ReplyId::info_greet) : other();
      case Class::promo:  // row 9
        if (next().has_report || is_silent()) return other();
        effects().store = Store::noise;
        return;
      case Class::text:
        return text();
    }
  }

  // --- Commands

  void stop() {  // row 26
    if (from_ == State::stopped) return other();
    end_route();
    next().state = State::stopped;
    if (facts_.confirm_stop) reply(ReplyId::stop_done);
  }

  void start() {  // row 27
    if (from_ != State::stopped) return other();
    opt_in_again();
    reply(ReplyId::start_done);
  }

  void opt_in_again() {
    next().safe = Permission::unknown;
    next().state = open_or_none();
  }

  void erase() {  // row 40
    const bool silent = is_silent();
    if (input_.names_ref && !input_.ref) return wrong_ref(silent);
    if (!input_.names_ref) {
      if (!silent) reply(next().has_report ? ReplyId::del_done : ReplyId::del_plain);
      erase_by_number();
    } else {
      const Found found = found_by_ref();
      if (found == Found::unavailable) {
        if (!silent) reply(ReplyId::err_later);
        return;
      }
      // Whether there was such a report is not to be learnt here.
      if (!silent)
        if (Reply* const sent = prepare(ReplyId::del_done)) sent->typed_ref = true;
      if (found == Found::verified)
        effects().erase = Erase::by_ref;
      else if (found == Found::unverified)
        erase_by_number();
      else
        count_wrong_ref();
    }
    begin_anew();
    next().spoken = no_language;
  }

  void erase_by_number() {
    effects().erase = Erase::sitting;
    end_route();
  }

  void unsafe() {  // row 29
    effects().alert = true;
    raise_urgency();
    effects().unsure = true;
    if (from_ == State::stopped) return other();
    store();
    end_route();
    next().state = State::quiet;
  }

  void safe() {  // rows 30, 32; from N too: SAFE is how a helper's answer is asked for
    if (from_ == State::stopped) return other();
    store_answer();
    next().state = State::open;
    permit();
    effects().range = input_.range;
    if (input_.range) {
      if (Reply* const sent = prepare(ReplyId::safe_on)) sent->range = input_.range;
    } else {
      next().window_until = now_ + safe_window;
      reply(ReplyId::safe_hour);
    }
  }

  void language() {  // rows 33, 34, 35; row 27 in X
    if (from_ == State::quiet) return other();
    if (from_ == State::stopped) opt_in_again();
    if (input_.chosen != no_language) {
      next().chosen = input_.chosen;
      if (from_ == State::ask_language) next().state = next().before_language;
      if (Reply* const sent = prepare(ReplyId::lang_set)) sent->chosen = input_.chosen;
    } else if (may_reply_) {
      reply(ReplyId::lang_list);
      next().before_language = next().state;
      next().state = State::ask_language;
    }
  }

  void help() {  // rows 6, 27
    raise_urgency();
    effects().unsure = true;
    if (from_ == State::quiet) return other();
    if (from_ == State::stopped) opt_in_again();
    store();
    next().state = State::open;
    reply(tel_or(ReplyId::info_help, ReplyId::info_help_notel));
  }

  void code() {  // rows 36, 37
    if (is_silent()) return other();
    reply(next().has_report ? ReplyId::code_show : ReplyId::info_greet);
  }

  void status() {  // row 38
    if (is_silent()) return other();
    if (!input_.names_ref && !next().has_report) return reply(ReplyId::info_greet);
    if (input_.names_ref && !input_.ref) return wrong_ref(false);
    const Found found = found_by_ref();
    if (found == Found::nothing && input_.names_ref) return wrong_ref(false);
    if (found == Found::nothing) return reply(ReplyId::st_new);
    if (found == Found::unavailable) return reply(ReplyId::err_later);
    if (Reply* const sent = prepare(status_reply())) sent->typed_ref = input_.names_ref;
  }

  ReplyId status_reply() const {
    if (facts_.look_up->reply_fits) return ReplyId::hum_msg;
    if (facts_.look_up->found != Found::verified) return ReplyId::st_new;
    switch (facts_.look_up->stage) {
      case Stage::waiting:
        return ReplyId::st_new;
      case Stage::read:
        return ReplyId::st_read;
      case Stage::work:
        return ReplyId::st_work;
      case Stage::done:
        return ReplyId::st_done;
    }
    return ReplyId::st_new;
  }

  void share() {  // row 39
    if (input_.digit == 0) return other();
    store_answer();
    consent(input_.digit == 2, is_silent());
  }

  void fresh() {  // row 41
    if (is_silent() || !next().has_report) return other();
    reply(ReplyId::ack_plain);
    begin_anew();
  }

  void add() {  // row 11, and the same with a question open or unanswered
    if (!input_.names_ref) return other();
    const Found found = input_.ref ? found_by_ref() : Found::nothing;
    const bool silent = is_silent();
    if (found == Found::verified || found == Found::unverified) {
      effects().store = Store::by_ref;
      next().has_report = true;
      learn_place();
      if (silent) return note_urgency();
      next().state = State::open;
      if (facts_.urgent && !next().urgent_answered)
        urgent_reply(true);
      else if (Reply* const sent = prepare(ReplyId::ack_more))
        sent->typed_ref = true;
      return note_urgency();
    }
    if (found == Found::nothing) count_wrong_ref();
    // Somebody in danger gets the answer of the urgent, whatever the ref was.
    if (facts_.urgent) return text();
    effects().store = Store::stray;
    if (silent) return;
    next().state = open_or_none();
    reply(found == Found::nothing ? ReplyId::code_bad : ReplyId::err_later);
  }

  // --- Answers

  void answer() {
    const bool yes = input_.what == Class::yes;
    const bool no = input_.what == Class::no;
    const auto digit = [&](std::uint8_t value) {
      return input_.what == Class::digit && input_.digit == value;
    };
    switch (from_) {
      case State::ask_safety:
        if (digit(1) || yes) {  // row 14
          store_answer();
          permit();
          return ask_or(ReplyId::ack_plain);
        }
        if (digit(2) || no) {  // row 15
          store_answer();
          end_route();
          next().state = State::quiet;
          return;
        }
        return other();
      case State::ask_place:  // row 19
        if (!digit(0) && !no) return other();
        store_answer();
        return ask_or(ReplyId::ack_plain);
      case State::ask_which:
        if (yes) return other();
        store_answer();
        if (input_.what == Class::digit && input_.digit >= 1 &&
            input_.digit <= next().candidate_count) {  // row 20
          effects().region = next().candidates[input_.digit - 1u];
          next().place = Place::known;
          return ask_or(ReplyId::ack_plain);
        }
        return ask_or(ReplyId::ack_more);  // row 21
      case State::ask_consent:             // rows 22, 23, 24
        if (!digit(1) && !digit(2) && !yes && !no) return other();
        store_answer();
        next().state = State::open;
        return consent(digit(2), false);
      case State::none:
      case State::open:
      case State::ask_language:
      case State::quiet:
      case State::stopped:
        return other();  // row 10
    }
  }

  // --- Texts

  void text() {
    switch (from_) {
      case State::none:
        store();
        if (facts_.urgent) return urgent();  // row 4
        next().state = may_reply_ ? State::ask_safety : State::open;
        return reply(ReplyId::ack_first);  // row 3
      case State::open:
        store();
        if (facts_.urgent && !next().urgent_answered) return urgent();           // row 13
        if (next().safe == Permission::given) return ask_or(ReplyId::ack_more);  // row 12
        // Whoever began with HELP and did what it says is told that it arrived, and the ref.
        if (!next().acknowledged) reply(ReplyId::ack_plain);
        return;
      case State::ask_safety:
        store();
        if (facts_.urgent) return urgent();
        next().state = State::open;  // row 16
        next().no_more_questions = true;
        return;
      case State::ask_place:  // row 18
      case State::ask_which:  // row 21
        store();
        if (facts_.urgent) return urgent();
        return ask_or(ReplyId::ack_more);
      case State::ask_consent:
        store();
        if (facts_.urgent) return urgent();
        next().state = State::open;  // row 25
        return reply(ReplyId::ack_more);
      case State::ask_language:
      case State::quiet:    // row 31
      case State::stopped:  // row 28
        return other();
    }
  }

  void urgent() {
    next().state = State::open;
    if (!next().urgent_answered)
      urgent_reply(false);
    else if (next().safe == Permission::given)
      reply(ReplyId::ack_more);
  }

  // Exactly one in the life of a report.
  void urgent_reply(bool typed_ref) {
    const ReplyId id =
        tel_or(next().place == Place::known ? ReplyId::ack_urgent : ReplyId::ack_urgent_place,
               ReplyId::ack_urgent_notel);
    if (Reply* const sent = prepare(id)) {
      sent->typed_ref = typed_ref;
      next().urgent_answered = true;
    }
  }

  void blank() {  // row 8
    auto& times = next().blank_times;
    if (next().blanks == times.size() && now_ - times[0] <= blank_window) {
      next().blanks = 0;
      raise_urgency();
      effects().unsure = !next().has_report;
      store();
      if (!is_silent()) urgent();
      return;
    }
    if (next().blanks == times.size()) {
      times[0] = times[1];
      --next().blanks;
    }
    times[next().blanks++] = now_;
    if (from_ == State::none && !next().greeted_blank)
      next().greeted_blank = prepare(ReplyId::info_greet) != nullptr;
    other();
  }

  // Row 46, and every text to which a silent sitting only listens.
  void other() {
    effects().answer =
        input_.what == Class::digit || input_.what == Class::yes || input_.what == Class::no;
    if (next().has_report || is_silent()) return store();
    effects().store = Store::stray;
  }

  // --- What several rows share

  void ask_or(ReplyId otherwise) {
    Memory& memory = next();
    memory.state = State::open;
    const bool may_ask = may_reply_ && memory.safe == Permission::given && !memory.urgent &&
                         !memory.no_more_questions && memory.questions < most_questions;
    if (may_ask && memory.place == Place::ambiguous && !memory.asked_which) {
      memory.state = State::ask_which;
      memory.asked_which = true;
      Reply* const question =
          prepare(memory.candidate_count == 2 ? ReplyId::q_which_two : ReplyId::q_which);
      question->regions = memory.candidates;
      question->region_count = memory.candidate_count;
    } else if (may_ask && memory.place == Place::unknown && !memory.asked_place) {
      memory.state = State::ask_place;
      memory.asked_place = true;
      reply(ReplyId::q_place);
    } else if (may_ask && facts_.share_offered && !memory.asked_consent) {
      memory.state = State::ask_consent;
      memory.asked_consent = true;
      reply(ReplyId::q_share);
    } else {
      return reply(otherwise);
    }
    ++memory.questions;
  }

  // Where a country has no such option, nobody but helpers reads it, whatever was answered.
  void consent(bool authorities, bool silent) {
    const bool both = authorities && facts_.share_offered;
    effects().consent = both ? Consent::helpers_and_authorities : Consent::helpers;
    next().asked_consent = true;
    if (!silent) reply(both ? ReplyId::done_both : ReplyId::done_helpers);
  }

  void permit() {
    next().safe = Permission::given;
    effects().may_text = true;
  }

  void end_route() {
    next().safe = Permission::refused;
    next().window_until = {};
    effects().end_route = true;
    effects().window_minutes = 0;
  }

  void store() {
    effects().store = !next().has_report && next().fresh ? Store::fresh : Store::report;
    next().has_report = true;
    next().fresh = false;
    learn_place();
    note_urgency();
  }

  void store_answer() {
    effects().answer = true;
    store();
  }

  void learn_place() {
    Memory& memory = next();
    if (facts_.place == Place::known) {
      memory.place = Place::known;
    } else if (facts_.place == Place::ambiguous && memory.place == Place::unknown &&
               facts_.candidate_count >= 2) {
      memory.place = Place::ambiguous;
      memory.candidates = facts_.candidates;
      memory.candidate_count =
          std::min<std::uint8_t>(facts_.candidate_count, std::uint8_t{most_candidates});
    }
  }

  void note_urgency() { next().urgent = next().urgent || facts_.urgent; }

  void raise_urgency() {
    effects().urgent = true;
    next().urgent = true;
  }

  // The report is closed: what was said about it does not count for the next one. What protects
  // others, the limits, goes on.
  void begin_anew() {
    Memory anew;
    anew.fresh = true;
    anew.spoken = next().spoken;
    anew.wrong_refs = next().wrong_refs;
    anew.outbound = next().outbound;
    anew.last_inbound = next().last_inbound;
    next() = anew;
    effects().close = true;
  }

  RefToLookUp to_look_up() const {
    if (facts_.look_up) return RefToLookUp::none;
    const bool status_answers = input_.what == Class::status && !is_silent();
    if (input_.what == Class::erase || input_.what == Class::add || status_answers) {
      if (input_.ref)
        return before_.wrong_refs < most_wrong_refs ? RefToLookUp::typed : RefToLookUp::none;
      if (status_answers && !input_.names_ref && before_.has_report) return RefToLookUp::own;
    }
    return RefToLookUp::none;
  }

  Found found_by_ref() const { return facts_.look_up ? facts_.look_up->found : Found::nothing; }

  void count_wrong_ref() {
    next().wrong_refs =
        std::min<std::uint8_t>(static_cast<std::uint8_t>(next().wrong_refs + 1), most_wrong_refs);
  }

  void wrong_ref(bool silent) {
    count_wrong_ref();
    if (!silent) reply(ReplyId::code_bad);
  }

  ReplyId tel_or(ReplyId with_tel, ReplyId without) const {
    return facts_.helpline ? with_tel : without;
  }

  // Row 5, after all else: no question stays open, and a report that begins so is never answered.
  void stay_quiet() {
    State& state = next().state;
    if (!input_.quiet || state == State::quiet || state == State::stopped) return;
    const bool begun = from_ == State::none && !before_.has_report && next().has_report;
    if (state != State::none) state = open_or_none();
    if (begun && state == State::open && input_.what != Class::safe) state = State::quiet;
  }

  // Every text of a reporter who said yes opens the reply window anew, unless it is never to be
  // answered.
  void keep_window() {
    const Store where = effects().store;
    const bool stored = where == Store::report || where == Store::fresh || where == Store::by_ref;
    if (!stored || next().safe != Permission::given) return;
    if (input_.quiet && input_.what != Class::safe) return;
    const auto left = std::chrono::ceil<std::chrono::minutes>(next().window_until - now_);
    effects().window_minutes = static_cast<std::uint16_t>(std::max(reply_window, left).count());
  }

  // The reply, to be completed; nullptr where the phone must stay silent.
  Reply* prepare(ReplyId id) {
    if (!may_reply_) return nullptr;
    Reply& sent = step_.reply.emplace();
    sent.id = id;
    sent.language = input_.language;
    if (next().chosen != no_language) sent.language = next().chosen;
    next().spoken = sent.language;
    next().acknowledged = next().acknowledged || tells_ref(id);
    ++next().outbound;
    return &sent;
  }
  void reply(ReplyId id) { prepare(id); }

  Memory& next() { return step_.next; }
  const Memory& next() const { return step_.next; }
  Effects& effects() { return step_.effects; }

  bool is_silent() const { return from_ == State::quiet || from_ == State::stopped; }
  State open_or_none() const { return next().has_report ? State::open : State::none; }
  bool answers_language() const {
    return input_.what == Class::language && input_.chosen != no_language;
  }

  const Memory& before_;
  const Input& input_;
  const Facts& facts_;
  std::chrono::sys_seconds now_;
  Step step_;
  State from_ = State::none;  // in which the text finds the sitting
  bool may_reply_ = false;    // G
};

}  // namespace

Step step(const Memory& memory, const Input& input, const Facts& facts,
          std::chrono::sys_seconds now) {
  return Turn{memory, input, facts, now}.take();
}

Step not_stored(const Memory& memory, const Input& input, const Facts& facts,
                std::chrono::sys_seconds now) {
  return Turn{memory, input, facts, now}.not_stored();
}

}  // namespace ishara::conversation
