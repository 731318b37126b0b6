// The table of conversation.md 1.8, row by row, with design.md section 9.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "gateway/conversation/answer.hpp"
#include "gateway/conversation/sms.hpp"

namespace ishara::conversation {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds noon{1'800'000'000s};
constexpr Language english = 0;

// A sitting that got here by ordinary texts a minute ago.
Memory in(State state) {
  Memory memory;
  memory.state = state;
  memory.has_report = state != State::none;
  memory.last_inbound = noon - 1min;
  memory.spoken = english;
  if (state == State::ask_place || state == State::ask_which || state == State::ask_consent)
    memory.safe = Permission::given;
  if (state == State::ask_place) memory.asked_place = true;
  if (state == State::ask_consent) memory.asked_consent = true;
  if (state == State::ask_which) {
    memory.asked_which = true;
    memory.place = Place::ambiguous;
    memory.candidates = {71, 72, 73};
    memory.candidate_count = 3;
  }
  if (state == State::quiet || state == State::stopped) memory.safe = Permission::refused;
  return memory;
}

template <class Change>
Memory in(State state, Change change) {
  Memory memory = in(state);
  change(memory);
  return memory;
}

Memory trusting(State state) {
  return in(state, [](Memory& memory) { memory.safe = Permission::given; });
}
Memory asking_language(State before) {
  return in(State::ask_language, [&](Memory& memory) {
    memory.before_language = before;
    memory.has_report = before != State::none;
  });
}

Input of(Class what) {
  Input input;
  input.what = what;
  input.language = english;
  return input;
}
Input digit(int value) {
  Input input = of(Class::digit);
  input.digit = static_cast<std::uint8_t>(value);
  return input;
}
Input share(int value) {
  Input input = of(Class::share);
  input.digit = static_cast<std::uint8_t>(value);
  return input;
}
Input with_ref(Class what) {
  Input input = of(what);
  input.names_ref = true;
  input.ref = identity::Ref::from({1, 2, 3});
  return input;
}
Input with_bad_ref(Class what) {
  Input input = with_ref(what);
  input.ref.reset();
  return input;
}
Input language(Language chosen) {
  Input input = of(Class::language);
  input.chosen = chosen;
  return input;
}
Input safe(std::optional<TimeRange> range = {}) {
  Input input = of(Class::safe);
  input.range = range;
  return input;
}
Input quietly(Input input) {
  input.quiet = true;
  return input;
}

// A country with helpline and authorities; the text names no place and no danger.
Facts plain() {
  Facts facts;
  facts.helpline = true;
  facts.share_offered = true;
  return facts;
}
template <class Change>
Facts plain(Change change) {
  Facts facts = plain();
  change(facts);
  return facts;
}
Facts urgent() {
  return plain([](Facts& facts) { facts.urgent = true; });
}
Facts placed() {
  return plain([](Facts& facts) { facts.place = Place::known; });
}
Facts ambiguous(std::uint8_t count) {
  return plain([&](Facts& facts) {
    facts.place = Place::ambiguous;
    facts.candidates = {71, 72, 73};
    facts.candidate_count = count;
  });
}
Facts helpers_only() {
  return plain([](Facts& facts) { facts.share_offered = false; });
}
Facts silent() {
  return plain([](Facts& facts) { facts.may_reply = false; });
}
Facts found(Found what, Stage stage = Stage::waiting, bool reply_fits = false) {
  return plain([&](Facts& facts) { facts.look_up = LookUp{what, stage, reply_fits}; });
}

constexpr auto no_reply = std::optional<ReplyId>{};
constexpr Effects nothing{};
constexpr Effects stored{.store = Store::report};
constexpr Effects stray{.store = Store::stray};
constexpr Effects answered{.store = Store::report, .answer = true};
constexpr Effects by_ref{.store = Store::by_ref};
constexpr Effects opened{.store = Store::report, .window_minutes = 15};
constexpr Effects answered_opened{.store = Store::report, .answer = true, .window_minutes = 15};
constexpr Effects ended{.window_minutes = 0, .end_route = true};

Effects consenting(Effects effects, Consent consent) {
  effects.consent = consent;
  return effects;
}

struct Row {
  const char* name;
  Memory memory;
  Input input;
  Facts facts;
  State next;
  std::optional<ReplyId> reply;
  Effects effects;
};

void check(const Row& row) {
  CAPTURE(row.name);
  const Step step = conversation::step(row.memory, row.input, row.facts, noon);
  CHECK(step.look_up == RefToLookUp::none);
  CHECK(static_cast<int>(step.next.state) == static_cast<int>(row.next));
  const std::string reply{step.reply ? id_of(step.reply->id) : "silence"};
  const std::string expected{row.reply ? id_of(*row.reply) : "silence"};
  CHECK(reply == expected);
  CHECK(step.effects == row.effects);
}

TEST_CASE("rows 1 and 2: a robot and a redelivery change nothing, in every state") {
  for (std::size_t state = 0; state < state_count; ++state)
    for (const Class what : {Class::robot, Class::duplicate}) {
      const Memory memory = in(static_cast<State>(state));
      const Step step = conversation::step(memory, of(what), plain(), noon);
      CHECK(step.next == memory);
      CHECK_FALSE(step.reply);
      CHECK(step.effects == nothing);
    }
}

TEST_CASE("rows 3 to 11: a sitting begins") {
  using enum State;
  const auto no_helpline = plain([](Facts& facts) { facts.urgent = true, facts.helpline = false; });
  const auto urgent_placed =
      plain([](Facts& facts) { facts.urgent = true, facts.place = Place::known; });
  const Memory after_new = in(none, [](Memory& memory) { memory.fresh = true; });
  const Memory second_blank = in(none, [](Memory& memory) {
    memory.blanks = 1;
    memory.blank_times = {noon - 2min};
    memory.greeted_blank = true;
  });
  const Memory third_blank = in(none, [](Memory& memory) {
    memory.blanks = 2;
    memory.blank_times = {noon - 10min, noon - 1min};
  });
  const Memory late_blank = in(none, [](Memory& memory) {
    memory.blanks = 2;
    memory.blank_times = {noon - 11min, noon - 1min};
    memory.greeted_blank = true;
  });
  const Effects urgent_unsure{.store = Store::report, .urgent = true, .unsure = true};
  const Effects noise{.store = Store::noise};
  for (const Row& row : std::vector<Row>{
           {"3", in(none), of(Class::text), plain(), ask_safety, ReplyId::ack_first, stored},
           {"3, after NEW", after_new, of(Class::text), plain(), ask_safety, ReplyId::ack_first,
            Effects{.store = Store::fresh}},
           {"3, no answer may leave", in(none), of(Class::text), silent(), open, no_reply, stored},
           {"4", in(none), of(Class::text), urgent(), open, ReplyId::ack_urgent_place, stored},
           {"4, place known", in(none), of(Class::text), urgent_placed, open, ReplyId::ack_urgent,
            stored},
           {"4, no helpline", in(none), of(Class::text), no_helpline, open,
            ReplyId::ack_urgent_notel, stored},
           {"5, N", in(none), quietly(of(Class::text)), plain(), quiet, no_reply, stored},
           {"5, N urgent", in(none), quietly(of(Class::text)), urgent(), quiet, no_reply, stored},
           {"5, N HELP", in(none), quietly(of(Class::help)), plain(), quiet, no_reply,
            urgent_unsure},
           {"5, N GREET", in(none), quietly(of(Class::greet)), plain(), none, no_reply, nothing},
           {"5, O", in(open), quietly(of(Class::text)), urgent(), open, no_reply, stored},
           {"5, AP", in(ask_place), quietly(of(Class::text)), plain(), open, no_reply, stored},
           {"5, AS", in(ask_safety), quietly(of(Class::blank)), plain(), open, no_reply, stored},
           {"5, AL", asking_language(ask_safety), quietly(of(Class::text)), plain(), open, no_reply,
            stored},
           {"5, AS yes", in(ask_safety), quietly(digit(1)), plain(), open, no_reply,
            Effects{.store = Store::report, .answer = true, .may_text = true}},
           {"5, Q", in(quiet), quietly(of(Class::text)), plain(), quiet, no_reply, stored},
           {"5, X", in(stopped), quietly(of(Class::text)), plain(), stopped, no_reply, stored},
           {"5, DELETE", in(open), quietly(of(Class::erase)), plain(), none, no_reply,
            Effects{
                .window_minutes = 0, .end_route = true, .erase = Erase::sitting, .close = true}},
           {"6, N", in(none), of(Class::help), plain(), open, ReplyId::info_help, urgent_unsure},
           {"6, O, no helpline", in(open), of(Class::help),
            plain([](Facts& facts) { facts.helpline = false; }), open, ReplyId::info_help_notel,
            urgent_unsure},
           {"6, AC", in(ask_consent), of(Class::help), plain(), open, ReplyId::info_help,
            Effects{.store = Store::report, .urgent = true, .unsure = true, .window_minutes = 15}},
           {"7", in(none), of(Class::greet), plain(), none, ReplyId::info_greet, nothing},
           {"8, first", in(none), of(Class::blank), plain(), none, ReplyId::info_greet, stray},
           {"8, second", second_blank, of(Class::blank), plain(), none, no_reply, stray},
           {"8, third in ten minutes", third_blank, of(Class::blank), plain(), open,
            ReplyId::ack_urgent_place, urgent_unsure},
           {"8, third, but later", late_blank, of(Class::blank), plain(), none, no_reply, stray},
           {"9", in(none), of(Class::promo), plain(), none, no_reply, noise},
           {"10, N digit", in(none), digit(1), plain(), none, no_reply,
            Effects{.store = Store::stray, .answer = true}},
           {"10, N yes", in(none), of(Class::yes), plain(), none, no_reply,
            Effects{.store = Store::stray, .answer = true}},
           {"10, O no", in(open), of(Class::no), plain(), open, no_reply, answered},
           {"11, N", in(none), with_ref(Class::add), found(Found::verified), open,
            ReplyId::ack_more, by_ref},
           {"11, O", in(open), with_ref(Class::add), found(Found::unverified), open,
            ReplyId::ack_more, by_ref},
           {"11, AS", in(ask_safety), with_ref(Class::add), found(Found::verified), open,
            ReplyId::ack_more, by_ref},
           {"11, no such ref", in(open), with_ref(Class::add), found(Found::nothing), open,
            ReplyId::code_bad, stray},
           {"11, N, no such ref", in(none), with_ref(Class::add), found(Found::nothing), none,
            ReplyId::code_bad, stray},
           {"11, bad check digit", in(open), with_bad_ref(Class::add), plain(), open,
            ReplyId::code_bad, stray},
           {"11, relay away", in(open), with_ref(Class::add), found(Found::unavailable), open,
            ReplyId::err_later, stray},
           {"11, Q", in(quiet), with_ref(Class::add), found(Found::verified), quiet, no_reply,
            by_ref},
           {"11, X, no such ref", in(stopped), with_ref(Class::add), found(Found::nothing), stopped,
            no_reply, stray},
       })
    check(row);

  Facts danger = found(Found::verified);
  danger.urgent = true;
  check({"11, urgent", in(none), with_ref(Class::add), danger, open, ReplyId::ack_urgent_place,
         by_ref});
  danger.look_up->found = Found::nothing;
  check({"11, urgent, no such ref", in(none), with_ref(Class::add), danger, open,
         ReplyId::ack_urgent_place, stored});
}

TEST_CASE("rows 12 to 25: texts and answers while a report is open") {
  using enum State;
  const Memory settled = in(open, [](Memory& memory) {
    memory.safe = Permission::given;
    memory.place = Place::known;
    memory.asked_consent = true;
  });
  const Memory told = in(open, [](Memory& memory) { memory.acknowledged = true; });
  const Memory once_urgent = in(open, [](Memory& memory) {
    memory.urgent = memory.urgent_answered = memory.acknowledged = true;
  });
  const Memory twice_asked = in(ask_which, [](Memory& memory) { memory.questions = 2; });
  const Memory late = in(ask_safety, [](Memory& memory) { memory.last_inbound = noon - 901s; });
  const Memory just_in_time =
      in(ask_safety, [](Memory& memory) { memory.last_inbound = noon - 900s; });
  const Memory two_places = in(ask_which, [](Memory& memory) { memory.candidate_count = 2; });
  const Effects yes{.store = Store::report, .answer = true, .may_text = true, .window_minutes = 15};
  Effects chosen = answered_opened;
  chosen.region = 72;
  const auto both = consenting(answered_opened, Consent::helpers_and_authorities);
  const auto helpers = consenting(answered_opened, Consent::helpers);
  for (const Row& row : std::vector<Row>{
           {"12, nothing said about safety", told, of(Class::text), plain(), open, no_reply,
            stored},
           {"12, the first text after HELP", in(open), of(Class::text), plain(), open,
            ReplyId::ack_plain, stored},
           {"12, SAFE = yes, all asked", settled, of(Class::text), plain(), open, ReplyId::ack_more,
            opened},
           {"12, SAFE = yes, place due", trusting(open), of(Class::text), plain(), ask_place,
            ReplyId::q_place, opened},
           {"12, SAFE = yes, consent due", trusting(open), of(Class::text), placed(), ask_consent,
            ReplyId::q_share, opened},
           {"12, urgent once answered", once_urgent, of(Class::text), urgent(), open, no_reply,
            stored},
           {"13, O", in(open), of(Class::text), urgent(), open, ReplyId::ack_urgent_place, stored},
           {"13, AS", in(ask_safety), of(Class::text), urgent(), open, ReplyId::ack_urgent_place,
            stored},
           {"13, AP", in(ask_place), of(Class::text), urgent(), open, ReplyId::ack_urgent_place,
            opened},
           {"13, AW", in(ask_which), of(Class::text), urgent(), open, ReplyId::ack_urgent_place,
            opened},
           {"13, AC", in(ask_consent), of(Class::text), urgent(), open, ReplyId::ack_urgent_place,
            opened},
           {"13, AL", asking_language(ask_safety), of(Class::text), urgent(), open,
            ReplyId::ack_urgent_place, stored},
           {"14, place unknown", in(ask_safety), digit(1), plain(), ask_place, ReplyId::q_place,
            yes},
           {"14, place known", in(ask_safety), of(Class::yes), placed(), ask_consent,
            ReplyId::q_share, yes},
           {"14, place ambiguous", in(ask_safety), of(Class::yes), ambiguous(3), ask_which,
            ReplyId::q_which, yes},
           {"14, two places", in(ask_safety), of(Class::yes), ambiguous(2), ask_which,
            ReplyId::q_which_two, yes},
           {"14, nothing to ask",
            in(ask_safety, [](Memory& memory) { memory.place = Place::known; }), digit(1),
            helpers_only(), open, ReplyId::ack_plain, yes},
           {"15, digit", in(ask_safety), digit(2), plain(), quiet, no_reply,
            Effects{
                .store = Store::report, .answer = true, .window_minutes = 0, .end_route = true}},
           {"15, NO", in(ask_safety), of(Class::no), plain(), quiet, no_reply,
            Effects{
                .store = Store::report, .answer = true, .window_minutes = 0, .end_route = true}},
           {"16", in(ask_safety), of(Class::text), plain(), open, no_reply, stored},
           {"17, a yes after the window", late, digit(1), plain(), open, no_reply, answered},
           {"17, a yes in its last second", just_in_time, digit(1), plain(), ask_place,
            ReplyId::q_place, yes},
           {"18, place found", in(ask_place), of(Class::text), placed(), ask_consent,
            ReplyId::q_share, opened},
           {"18, ambiguous", in(ask_place), of(Class::text), ambiguous(3), ask_which,
            ReplyId::q_which, opened},
           {"18, unknown", in(ask_place), of(Class::text), plain(), ask_consent, ReplyId::q_share,
            opened},
           {"18, nothing left", in(ask_place), of(Class::text), helpers_only(), open,
            ReplyId::ack_more, opened},
           {"19, digit", in(ask_place), digit(0), plain(), ask_consent, ReplyId::q_share,
            answered_opened},
           {"19, NO", in(ask_place), of(Class::no), helpers_only(), open, ReplyId::ack_plain,
            answered_opened},
           {"20", in(ask_which), digit(2), plain(), ask_consent, ReplyId::q_share, chosen},
           {"20, questions used up", twice_asked, digit(2), plain(), open, ReplyId::ack_plain,
            chosen},
           {"21, digit", in(ask_which), digit(0), plain(), ask_consent, ReplyId::q_share,
            answered_opened},
           {"21, no such place", two_places, digit(3), helpers_only(), open, ReplyId::ack_more,
            answered_opened},
           {"21, TEXT", in(ask_which), of(Class::text), helpers_only(), open, ReplyId::ack_more,
            opened},
           {"22, digit", in(ask_consent), digit(1), plain(), open, ReplyId::done_helpers, helpers},
           {"22, NO", in(ask_consent), of(Class::no), plain(), open, ReplyId::done_helpers,
            helpers},
           {"23", in(ask_consent), digit(2), plain(), open, ReplyId::done_both, both},
           {"23, no longer offered", in(ask_consent), digit(2), helpers_only(), open,
            ReplyId::done_helpers, helpers},
           {"24", in(ask_consent), of(Class::yes), plain(), open, ReplyId::done_helpers, helpers},
           {"25", in(ask_consent), of(Class::text), plain(), open, ReplyId::ack_more, opened},
       })
    check(row);
}

TEST_CASE("rows 26 to 43: commands") {
  using enum State;
  const auto confirmed = plain([](Facts& facts) { facts.confirm_stop = true; });
  const Effects unsafe{.store = Store::report,
                       .urgent = true,
                       .unsure = true,
                       .alert = true,
                       .window_minutes = 0,
                       .end_route = true};
  const Effects safe_hour{
      .store = Store::report, .answer = true, .may_text = true, .window_minutes = 60};
  const TimeRange evening{36, 40};
  Effects safe_range = safe_hour;
  safe_range.range = evening;
  safe_range.window_minutes = 15;
  const Effects erased{
      .window_minutes = 0, .end_route = true, .erase = Erase::sitting, .close = true};
  const Effects erased_by_ref{.erase = Erase::by_ref, .close = true};
  const Effects closed{.close = true};
  const auto both = consenting(answered, Consent::helpers_and_authorities);
  const auto helpers = consenting(answered, Consent::helpers);
  const Effects urgent_unsure{.store = Store::report, .urgent = true, .unsure = true};
  const Memory guessed = in(open, [](Memory& memory) { memory.wrong_refs = 3; });
  const Memory no_report_stopped = in(stopped, [](Memory& memory) { memory.has_report = false; });
  for (const Row& row : std::vector<Row>{
           {"26, N", in(none), of(Class::stop), plain(), stopped, no_reply, ended},
           {"26, AP", in(ask_place), of(Class::stop), plain(), stopped, no_reply, ended},
           {"26, Q", in(quiet), of(Class::stop), plain(), stopped, no_reply, ended},
           {"26, confirmed", in(open), of(Class::stop), confirmed, stopped, ReplyId::stop_done,
            ended},
           {"27, START", in(stopped), of(Class::start), plain(), open, ReplyId::start_done,
            nothing},
           {"27, START without report", no_report_stopped, of(Class::start), plain(), none,
            ReplyId::start_done, nothing},
           {"27, HELP", in(stopped), of(Class::help), plain(), open, ReplyId::info_help,
            urgent_unsure},
           {"27, LANG", in(stopped), of(Class::language), plain(), ask_language, ReplyId::lang_list,
            nothing},
           {"27, LANG x", in(stopped), language(1), plain(), open, ReplyId::lang_set, nothing},
           {"28, TEXT", in(stopped), of(Class::text), urgent(), stopped, no_reply, stored},
           {"28, TEXT, no report", no_report_stopped, of(Class::text), plain(), stopped, no_reply,
            stored},
           {"28, STOP", in(stopped), of(Class::stop), plain(), stopped, no_reply, stored},
           {"28, SAFE", in(stopped), safe(), plain(), stopped, no_reply, stored},
           {"28, CODE", in(stopped), of(Class::code), plain(), stopped, no_reply, stored},
           {"28, STATUS", in(stopped), with_ref(Class::status), plain(), stopped, no_reply, stored},
           {"29, N", in(none), of(Class::unsafe), plain(), quiet, no_reply, unsafe},
           {"29, AS", in(ask_safety), of(Class::unsafe), plain(), quiet, no_reply, unsafe},
           {"29, Q", in(quiet), of(Class::unsafe), plain(), quiet, no_reply, unsafe},
           {"28, UNSAFE", in(stopped), of(Class::unsafe), plain(), stopped, no_reply,
            Effects{.store = Store::report, .urgent = true, .unsure = true, .alert = true}},
           {"30", in(quiet), safe(), plain(), open, ReplyId::safe_hour, safe_hour},
           {"30, range", in(quiet), safe(evening), plain(), open, ReplyId::safe_on, safe_range},
           {"31", in(quiet), of(Class::text), urgent(), quiet, no_reply, stored},
           {"32, O", in(open), safe(), plain(), open, ReplyId::safe_hour, safe_hour},
           {"32, AC, range", in(ask_consent), safe(evening), plain(), open, ReplyId::safe_on,
            safe_range},
           {"32, N", in(none), safe(), plain(), open, ReplyId::safe_hour, safe_hour},
           {"32, with quiet mark", in(none), quietly(safe()), plain(), open, no_reply, safe_hour},
           {"33, N", in(none), of(Class::language), plain(), ask_language, ReplyId::lang_list,
            nothing},
           {"33, AS", in(ask_safety), of(Class::language), plain(), ask_language,
            ReplyId::lang_list, nothing},
           {"33, no answer may leave", in(open), of(Class::language), silent(), open, no_reply,
            nothing},
           {"34, N", asking_language(none), language(1), plain(), none, ReplyId::lang_set, nothing},
           {"34, AS", asking_language(ask_safety), language(1), plain(), ask_safety,
            ReplyId::lang_set, nothing},
           {"35, N", in(none), language(1), plain(), none, ReplyId::lang_set, nothing},
           {"35, AP", in(ask_place), language(1), plain(), ask_place, ReplyId::lang_set, nothing},
           {"36, O", in(open), of(Class::code), plain(), open, ReplyId::code_show, nothing},
           {"36, AS", in(ask_safety), of(Class::code), plain(), ask_safety, ReplyId::code_show,
            nothing},
           {"37", in(none), of(Class::code), plain(), none, ReplyId::info_greet, nothing},
           {"38, waiting", in(none), with_ref(Class::status), found(Found::verified), none,
            ReplyId::st_new, nothing},
           {"38, read", in(open), with_ref(Class::status), found(Found::verified, Stage::read),
            open, ReplyId::st_read, nothing},
           {"38, work", in(ask_place), with_ref(Class::status), found(Found::verified, Stage::work),
            ask_place, ReplyId::st_work, nothing},
           {"38, done", in(open), with_ref(Class::status), found(Found::verified, Stage::done),
            open, ReplyId::st_done, nothing},
           {"38, unverified", in(open), with_ref(Class::status),
            found(Found::unverified, Stage::done), open, ReplyId::st_new, nothing},
           {"38, a reply waits", in(open), with_ref(Class::status),
            found(Found::unverified, Stage::read, true), open, ReplyId::hum_msg, nothing},
           {"38, no such ref", in(open), with_ref(Class::status), found(Found::nothing), open,
            ReplyId::code_bad, nothing},
           {"38, bad check digit", in(open), with_bad_ref(Class::status), plain(), open,
            ReplyId::code_bad, nothing},
           {"38, three wrong refs before", guessed, with_ref(Class::status), plain(), open,
            ReplyId::code_bad, nothing},
           {"38, relay away", in(open), with_ref(Class::status), found(Found::unavailable), open,
            ReplyId::err_later, nothing},
           {"38, own ref", in(open), of(Class::status), found(Found::verified, Stage::read), open,
            ReplyId::st_read, nothing},
           {"38, own ref in N", in(none), of(Class::status), plain(), none, ReplyId::info_greet,
            nothing},
           {"39, O", in(open), share(2), plain(), open, ReplyId::done_both, both},
           {"39, AS", in(ask_safety), share(1), plain(), ask_safety, ReplyId::done_helpers,
            helpers},
           {"39, N", in(none), share(2), plain(), none, ReplyId::done_both, both},
           {"39, Q", in(quiet), share(2), plain(), quiet, no_reply, both},
           {"39, X", in(stopped), share(1), plain(), stopped, no_reply, helpers},
           {"39, country without authorities", in(open), share(2), helpers_only(), open,
            ReplyId::done_helpers, helpers},
           {"40, N", in(none), of(Class::erase), plain(), none, ReplyId::del_plain, erased},
           {"40, AS", in(ask_safety), of(Class::erase), plain(), none, ReplyId::del_done, erased},
           {"40, Q", in(quiet), of(Class::erase), plain(), none, no_reply, erased},
           {"40, X", in(stopped), of(Class::erase), plain(), none, no_reply, erased},
           {"40, ref", in(open), with_ref(Class::erase), found(Found::verified), none,
            ReplyId::del_done, erased_by_ref},
           {"40, unverified ref", in(open), with_ref(Class::erase), found(Found::unverified), none,
            ReplyId::del_done, erased},
           {"40, no such ref", in(open), with_ref(Class::erase), found(Found::nothing), none,
            ReplyId::del_done, closed},
           {"40, three wrong refs before", guessed, with_ref(Class::erase), plain(), none,
            ReplyId::del_done, closed},
           {"40, bad check digit", in(open), with_bad_ref(Class::erase), plain(), open,
            ReplyId::code_bad, nothing},
           {"40, relay away", in(open), with_ref(Class::erase), found(Found::unavailable), open,
            ReplyId::err_later, nothing},
           {"41, O", in(open), of(Class::fresh), plain(), none, ReplyId::ack_plain, closed},
           {"41, AC", in(ask_consent), of(Class::fresh), plain(), none, ReplyId::ack_plain, closed},
           {"42, N", in(none), of(Class::info), plain(), none, ReplyId::info_help, nothing},
           {"42, AP", in(ask_place), of(Class::info), plain(), ask_place, ReplyId::info_help,
            nothing},
       })
    check(row);

  for (std::size_t state = 0; state < state_count; ++state) {
    const auto now = static_cast<State>(state);
    const Memory memory = now == ask_language ? asking_language(open) : in(now);
    const bool silent_state = now == quiet || now == stopped;
    for (const bool marked : {false, true}) {
      CAPTURE(state);
      CAPTURE(marked);
      const Input input = marked ? quietly(of(Class::text)) : of(Class::text);
      const Step step = not_stored(memory, input, plain(), noon);  // row 43
      CHECK(step.reply.has_value() == (!silent_state && !marked));
      if (step.reply) CHECK(step.reply->id == ReplyId::err_retry);
      CHECK(step.effects == nothing);
      CHECK(step.next.state == memory.state);
    }
  }
}

TEST_CASE("row 45: while a window is open, every text of a reporter who said yes keeps it open") {
  Memory memory = trusting(State::open);
  memory.window_until = noon + 42min + 1s;
  CHECK(step(memory, of(Class::text), plain(), noon).effects.window_minutes == 43);
  memory.window_until = noon - 1s;
  CHECK(step(memory, of(Class::text), plain(), noon).effects.window_minutes == 15);
  CHECK_FALSE(step(memory, quietly(of(Class::text)), plain(), noon).effects.window_minutes);
  memory.safe = Permission::unknown;
  CHECK_FALSE(step(memory, of(Class::text), plain(), noon).effects.window_minutes);
}

TEST_CASE("row 46: every other text is kept and changes nothing") {
  using enum State;
  for (const State state : {open, ask_safety, ask_place, ask_which, ask_consent, quiet, stopped})
    for (const Class what :
         {Class::greet, Class::blank, Class::promo, Class::start, Class::share, Class::add}) {
      if (state == stopped && what == Class::start) continue;  // row 27
      CAPTURE(static_cast<int>(state));
      CAPTURE(static_cast<int>(what));
      const Step step = conversation::step(in(state), of(what), plain(), noon);
      CHECK(step.next.state == state);
      CHECK_FALSE(step.reply);
      CHECK(step.effects.store == Store::report);
    }
  for (const Class what : {Class::start, Class::share, Class::add, Class::fresh})
    check({"46, N", in(none), of(what), plain(), none, no_reply, stray});
  check(
      {"46, AP yes", in(ask_place), of(Class::yes), plain(), ask_place, no_reply, answered_opened});
  check({"46, AS 3", in(ask_safety), digit(3), plain(), ask_safety, no_reply, answered});
}

TEST_CASE("a ref is looked up before anything else is decided, three wrong ones a sitting") {
  for (const Class what : {Class::status, Class::add, Class::erase}) {
    CAPTURE(static_cast<int>(what));
    Memory memory = in(State::open);
    for (int i = 0; i < 3; ++i) {
      const Step asked = step(memory, with_ref(what), plain(), noon);
      CHECK(asked.look_up == RefToLookUp::typed);
      CHECK(asked.next == memory);
      CHECK_FALSE(asked.reply);
      CHECK(asked.effects == nothing);
      memory = step(memory, with_ref(what), found(Found::nothing), noon).next;
      memory.outbound = 0;
    }
    const Step step = conversation::step(memory, with_ref(what), plain(), noon);
    CHECK(step.look_up == RefToLookUp::none);
    CHECK(step.reply.has_value());
  }
  CHECK(step(in(State::open), of(Class::status), plain(), noon).look_up == RefToLookUp::own);
  CHECK(step(in(State::quiet), of(Class::status), plain(), noon).look_up == RefToLookUp::none);
  CHECK(step(in(State::open), with_bad_ref(Class::add), plain(), noon).look_up ==
        RefToLookUp::none);
  CHECK(step(in(State::open), with_bad_ref(Class::add), plain(), noon).next.wrong_refs == 1);
  // A number that was away counts for nobody's guess.
  CHECK(step(in(State::open), with_ref(Class::status), found(Found::unavailable), noon)
            .next.wrong_refs == 0);
}

TEST_CASE("a reply is in the chosen language, else in that of the text") {
  Memory memory = in(State::none);
  Input input = of(Class::text);
  input.language = 1;
  CHECK(step(memory, input, plain(), noon).reply->language == 1);
  memory.chosen = 0;
  CHECK(step(memory, input, plain(), noon).reply->language == 0);
  const Step set = step(memory, language(1), plain(), noon);
  CHECK(set.reply->language == 1);
  CHECK(set.reply->chosen == 1);
  CHECK(set.next.spoken == 1);
}

TEST_CASE("DELETE and NEW forget the conversation but not the limits") {
  Memory memory = trusting(State::open);
  memory.chosen = 1;
  memory.urgent = memory.urgent_answered = true;
  memory.wrong_refs = 2;
  memory.outbound = 4;
  for (const Class what : {Class::erase, Class::fresh}) {
    const Memory next = step(memory, of(what), plain(), noon).next;
    CHECK(next.chosen == no_language);
    CHECK(next.safe == Permission::unknown);
    CHECK_FALSE(next.urgent);
    CHECK_FALSE(next.urgent_answered);
    CHECK_FALSE(next.has_report);
    CHECK(next.wrong_refs == 2);
    CHECK(next.outbound == 5);
    CHECK(step(next, of(Class::text), plain(), noon).effects.store == Store::fresh);
  }
}

}  // namespace
}  // namespace ishara::conversation
