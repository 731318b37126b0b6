// What holds for every conversation: totality, silence, limits, and that nothing but the text and
// the channel decides the first answer. The two dialogues of conversation.md 1.10 stand at the end.

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/conversation/answer.hpp"
#include "gateway/conversation/sittings.hpp"
#include "gateway/conversation/sms.hpp"

namespace ishara::conversation {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds noon{1'800'000'000s};

const i18n::Packs& packs() {
  static const i18n::Packs all = i18n::Packs::load(ISHARA_PACKS);
  return all;
}

const auto english = static_cast<Language>(packs().find("en") - packs().all().data());

bool is_question(State state) {
  return state == State::ask_safety || state == State::ask_place || state == State::ask_which ||
         state == State::ask_consent || state == State::ask_language;
}
bool is_silent(State state) { return state == State::quiet || state == State::stopped; }

std::optional<State> asked_by(const std::optional<Reply>& reply) {
  if (!reply) return std::nullopt;
  switch (reply->id) {
    case ReplyId::ack_first:
      return State::ask_safety;
    case ReplyId::q_place:
      return State::ask_place;
    case ReplyId::q_which:
    case ReplyId::q_which_two:
      return State::ask_which;
    case ReplyId::q_share:
      return State::ask_consent;
    case ReplyId::lang_list:
      return State::ask_language;
    default:
      return std::nullopt;
  }
}

bool is_urgent_reply(const Reply& reply) {
  return reply.id == ReplyId::ack_urgent || reply.id == ReplyId::ack_urgent_place ||
         reply.id == ReplyId::ack_urgent_notel;
}

// Commands that end silence, and may therefore be answered in it.
bool ends_silence(State from, Class what) {
  if (from == State::quiet) return what == Class::safe;
  return what == Class::start || what == Class::help || what == Class::language;
}

// The promise that one step from `memory` breaks; nullptr if it keeps all.
const char* broken_promise(const Memory& memory, const Input& input, const Facts& facts,
                           const Step& step) {
  const bool unseen = input.what == Class::robot || input.what == Class::duplicate;
  if (unseen || step.look_up != RefToLookUp::none)
    return step.next == memory && !step.reply && step.effects == Effects{}
               ? nullptr
               : "what is not decided changes nothing";

  const Memory& next = step.next;
  const Effects& effects = step.effects;
  if (step.reply) {
    if (input.quiet) return "the quiet mark is obeyed";
    if (!facts.may_reply) return "no reply where none may leave";
    if (memory.outbound >= 6) return "six replies at most";
    if (is_silent(memory.state) && !ends_silence(memory.state, input.what))
      return "a silent sitting is not answered";
    if (step.reply->id == ReplyId::code_show && !memory.has_report)
      return "only a report of this sitting has a ref to show";
  }
  const auto asked = asked_by(step.reply);
  if (asked && next.state != *asked) return "who was asked may answer";
  const bool stayed = next.state == memory.state || next.state == memory.before_language;
  if (is_question(next.state) && !stayed && asked != next.state)
    return "nothing is open that was not asked";
  if (next.state == State::open && !next.has_report) return "an open state has a report";
  if (next.questions > 2) return "two questions at most";
  if (next.wrong_refs > 3) return "three wrong refs at most";
  if (next.outbound != memory.outbound + (step.reply ? 1 : 0)) return "each reply is counted";
  if (effects.may_text && next.safe != Permission::given) return "a yes is remembered";
  if (effects.end_route && (effects.may_text || effects.window_minutes != 0))
    return "an ended route has no window";
  if (effects.consent == Consent::helpers_and_authorities && !facts.share_offered)
    return "consent only to what the country offers";
  const Found found = facts.look_up ? facts.look_up->found : Found::nothing;
  if (effects.store == Store::by_ref && found != Found::verified && found != Found::unverified)
    return "only a ref that was found has a report";
  if (effects.erase == Erase::by_ref && found != Found::verified)
    return "only a verified ref erases at once";
  if (effects.region && memory.state != State::ask_which) return "a region is chosen from a list";
  if (effects.window_minutes.value_or(0) > 0 && next.safe != Permission::given)
    return "nobody writes to a phone whose holder did not say yes";
  const bool is_content = input.what == Class::text || input.what == Class::blank ||
                          input.what == Class::help || input.what == Class::unsafe;
  if (is_content && effects.store == Store::nothing) return "no text is lost";
  return nullptr;
}

void check_step(const Memory& memory, const Input& input, const Facts& facts, const Step& step) {
  const char* const broken = broken_promise(memory, input, facts, step);
  if (!broken) return;
  CAPTURE(static_cast<int>(memory.state));
  CAPTURE(static_cast<int>(input.what));
  CAPTURE(static_cast<int>(input.digit));
  CAPTURE(input.quiet);
  FAIL_CHECK(broken);
}

Input input_of(std::size_t what, bool quiet, unsigned variant) {
  Input input;
  input.what = static_cast<Class>(what);
  input.quiet = quiet;
  input.language = english;
  if (input.what == Class::digit) input.digit = static_cast<std::uint8_t>(variant % 4);
  if (input.what == Class::share) input.digit = static_cast<std::uint8_t>(variant % 3);
  if (input.what == Class::language && variant % 2 == 1) input.chosen = 1;
  if (input.what == Class::safe && variant % 2 == 1) input.range = TimeRange{36, 40};
  if (input.what == Class::status || input.what == Class::add || input.what == Class::erase) {
    input.names_ref = variant % 4 > 0;
    if (variant % 4 > 1) input.ref = identity::Ref::from({1});
  }
  return input;
}

Facts facts_of(unsigned bits) {
  Facts facts;
  facts.may_reply = (bits & 1) == 0;
  facts.urgent = (bits & 2) != 0;
  facts.helpline = (bits & 4) != 0;
  facts.share_offered = (bits & 8) != 0;
  facts.place = static_cast<Place>((bits >> 4) % 3);
  facts.candidates = {1, 2, 3};
  facts.candidate_count = static_cast<std::uint8_t>((bits >> 6) % 4);
  if (const unsigned found = (bits >> 8) % 5; found > 0)
    facts.look_up = LookUp{static_cast<Found>(found - 1), static_cast<Stage>((bits >> 11) % 4),
                           (bits & 0x2000) != 0};
  return facts;
}

TEST_CASE("the table is total: every state takes every class with every flag") {
  for (std::size_t state = 0; state < state_count; ++state)
    for (std::size_t what = 0; what < class_count; ++what)
      for (const bool quiet : {false, true})
        for (unsigned variant = 0; variant < 6; ++variant)
          for (unsigned bits = 0; bits < 0x500; ++bits) {
            Memory memory;
            memory.state = static_cast<State>(state);
            memory.has_report = memory.state != State::none;
            memory.before_language = State::ask_safety;
            memory.last_inbound = noon - 1min;
            memory.safe = static_cast<Permission>(variant % 3);
            memory.candidate_count = 3;
            const Input input = input_of(what, quiet, variant);
            const Facts facts = facts_of(bits);
            const Step once = step(memory, input, facts, noon);
            check_step(memory, input, facts, once);
          }
}

TEST_CASE("no conversation breaks a promise, however it goes") {
  std::mt19937 random{20260101};
  for (int conversation = 0; conversation < 20'000; ++conversation) {
    Memory memory;
    auto now = noon;
    int outbound = 0;
    int urgent_replies = 0;
    std::map<ReplyId, int> asked;
    for (int turn = 0; turn < 30 && now - noon < sitting_length; ++turn) {
      const Input input =
          input_of(random() % class_count, random() % 8 == 0, static_cast<unsigned>(random()));
      const unsigned bits = static_cast<unsigned>(random()) & 0x3FFEu;
      const Facts facts = facts_of(random() % 8 == 0 ? bits | 1 : bits);
      Step taken = step(memory, input, facts, now);
      check_step(memory, input, facts, taken);
      if (taken.effects.close) {
        urgent_replies = 0;
        asked.clear();
      }
      if (taken.reply) {
        ++outbound;
        if (is_urgent_reply(*taken.reply)) ++urgent_replies;
        if (asked_by(taken.reply) && taken.reply->id != ReplyId::lang_list)
          ++asked[taken.reply->id];
        // Nothing is asked once a text of the report was urgent.
        if (taken.reply->id == ReplyId::q_place || taken.reply->id == ReplyId::q_share)
          CHECK_FALSE(memory.urgent);
      }
      CHECK(urgent_replies <= 1);
      for (const auto& [question, times] : asked) {
        // Whoever has the sitting begin anew is a first text again.
        if (question != ReplyId::ack_first) CHECK(times <= 1);
      }
      memory = taken.next;
      now += std::chrono::seconds{random() % 400};
    }
    CHECK(outbound <= 6);
  }
}

TEST_CASE("a report that becomes urgent gets exactly one urgent reply, where one may leave") {
  for (const State state : {State::none, State::open, State::ask_safety, State::ask_place,
                            State::ask_which, State::ask_consent, State::ask_language}) {
    Memory memory;
    memory.state = state;
    memory.has_report = state != State::none;
    memory.last_inbound = noon;
    Facts facts;
    facts.urgent = true;
    Input input;
    input.language = english;
    int replies = 0;
    for (int i = 0; i < 4; ++i) {
      const Step taken = step(memory, input, facts, noon);
      if (taken.reply && is_urgent_reply(*taken.reply)) ++replies;
      memory = taken.next;
    }
    CHECK(replies == 1);
  }
}

// One phone in one sitting, as the gateway handles it: words in, words out.
struct Phone {
  std::string_view channel_language = "en";
  std::string ref = "4827163305";
  std::string tel = "0800123456";
  Memory memory = {};
  std::chrono::sys_seconds now = noon;
  Effects effects = {};

  std::string writes(std::string_view text, Facts facts = {}) {
    facts.helpline = true;
    facts.share_offered = true;
    std::pmr::monotonic_buffer_resource arena;
    const Input input =
        classify(text, {.sitting = memory, .channel_language = channel_language}, packs(), arena);
    const Step taken = step(memory, input, facts, now);
    REQUIRE(taken.look_up == RefToLookUp::none);
    memory = taken.next;
    effects = taken.effects;
    now += 30s;
    if (!taken.reply) return "";
    const auto line =
        render(packs(), *taken.reply, {.ref = ref, .tel = tel}, channel_language, text);
    return line ? *line : line.error().message();
  }
};

TEST_CASE("the first dialogue of conversation.md 1.10") {
  Phone phone;
  CHECK(phone.writes("the maid next door is never paid and the madam beats her") ==
        "Message received. Ref 4827163305. OK to write to this phone? 1 Yes 2 No. If no answer, we "
        "will not write again.");
  CHECK(phone.writes("1") ==
        "Thank you. Which town or area? Write the name, or 0 to skip. Ref 4827163305.");
  CHECK(phone.effects.may_text);
  Facts nyamata;
  nyamata.place = Place::known;
  CHECK(phone.writes("nyamata", nyamata) ==
        "Who may read it? 1 helpers only 2 helpers and authorities. No answer = 1. Ref "
        "4827163305.");
  // No answer: nothing but helpers was ever asked for.
  CHECK_FALSE(phone.effects.consent);
  CHECK(phone.memory.state == State::ask_consent);
}

TEST_CASE("the second dialogue of conversation.md 1.10") {
  Phone phone;
  phone.channel_language = "sw";
  Facts danger;
  danger.urgent = true;
  CHECK(phone.writes("wametufungia leo usiku wanatupeleka", danger) ==
        "Ujumbe umefika. Kama ni salama, piga 0800123456. Ukiweza, tuma jina la mahali. Namba "
        "4827163305.");
  CHECK(phone.memory.state == State::open);
  CHECK(phone.writes("kakuma #").empty());
  CHECK(phone.effects.store == Store::report);
}

TEST_CASE("the first answer of a sitting depends on the text and the channel alone") {
  // Whatever was said in an earlier sitting, the next one begins with an empty memory; and `step`
  // takes nothing else that a number could have changed.
  const std::vector<std::string_view> texts = {"the maid next door is never paid",
                                               "hello",
                                               "x",
                                               "STOP",
                                               "HELP",
                                               "CODE",
                                               "STATUS",
                                               "YES",
                                               "1",
                                               "2",
                                               "DELETE",
                                               "SHARE 2",
                                               "SAFE",
                                               "NEW",
                                               "LANG",
                                               "INFO",
                                               "START",
                                               "UNSAFE",
                                               "#",
                                               "add 4 more girls",
                                               "muraho",
                                               "siba",
                                               "kakuma #"};
  for (const std::string_view first : texts) {
    CAPTURE(first);
    Phone stranger;
    const std::string answer = stranger.writes(first);
    for (const std::string_view earlier : texts) {
      Sittings<Phone> sittings{4};
      const crypto::Id tag{1};
      sittings.open(tag, noon).writes(earlier);
      sittings.open(tag, noon).writes("the maid next door is never paid");
      CHECK(sittings.open(tag, noon + sitting_length).writes(first) == answer);
    }
  }
}

TEST_CASE("a long talk through every question and command reads as it should") {
  Phone phone;
  const auto expect = [&](std::string_view text, std::string_view answer, Facts facts = {}) {
    CAPTURE(text);
    CHECK(phone.writes(text, facts) == answer);
    phone.memory.outbound = 0;
  };
  expect("hello",
         "Hello. You can write a question or a problem, and the place. HELP = how it "
         "works.");
  expect("lang",
         "1 Arabi\n2 English\n3 Español\n4 Francais\n5 Russkiy\n6 Ikinyarwanda\n7 Kiswahili\n8 "
         "Urdu\n9 O'zbekcha");
  expect("5", "Хорошо. Русский.");
  expect("lang kinyarwanda", "Yego. Ikinyarwanda.");
  expect("umukozi wo mu rugo ntibamuhemba kandi bamukubita",
         "Ubutumwa bwageze. Nomero 4827163305. Twakwandikira kuri iyi telefone? 1 Yego 2 Oya. "
         "Nudasubiza ntituzongera kwandika.");
  expect("lang en", "OK. English.");
  expect("yes", "Thank you. Which town or area? Write the name, or 0 to skip. Ref 4827163305.");
  expect("0",
         "Who may read it? 1 helpers only 2 helpers and authorities. No answer = 1. Ref "
         "4827163305.");
  expect("2", "Saved, for helpers and authorities. Ref 4827163305. To change: SHARE 1");
  expect("share 1", "Saved, for helpers only. Ref 4827163305. You can write again at any time.");
  expect("code", "Ref 4827163305.");
  expect("safe 18-20", "OK. Until 20:00.");
  expect("safe", "OK. For 1 hour.");
  expect("they moved her", "Added. Ref 4827163305.");
  expect("?",
         "Write what happens and where, in your own words. # at the end = no reply. DELETE = "
         "remove. STOP = no more messages. Tel 0800123456");
  expect("quiet", "");
  expect("safe", "OK. For 1 hour.");
  expect("stop", "");
  expect("start", "OK. Messages on. HELP = how it works.");
  expect("new", "Message received. Ref 4827163305. You can write again at any time.");
  expect("delete", "Done. Removed.");
}

}  // namespace
}  // namespace ishara::conversation
