#pragma once
// The SMS conversation (conversation.md 1.1 to 1.8 with design.md section 9): what one text means,
// and what follows from it for the phone and for the report. Two pure functions:
//
//   text -> classify -> Input;   Memory, Input, Facts -> step -> the next Memory, a reply, effects
//
// A state is a state of a sitting: it begins empty with the first text and ends with the sitting,
// so nothing that was stored before can show in an answer. `step` is total: every state takes every
// input. It is not told whether anybody knows the number, and it never sees number, ref or text.
//
// Thread rule: values and pure functions without a clock; thread-safe as far as `memory` is not
// shared.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>

#include "gateway/identity/ref.hpp"
#include "i18n/pack.hpp"

namespace ishara::conversation {

// The place of a language pack in i18n::Packs::all().
using Language = std::uint8_t;
inline constexpr Language no_language = 255;

// What a region is called between `Facts`, `Memory` and `Effects`; only the caller knows the
// region.
using RegionNumber = std::uint32_t;
inline constexpr std::size_t most_candidates = 3;

enum class State : std::uint8_t {
  none,          // N   nothing open
  open,          // O   a report is open, nothing is asked
  ask_safety,    // AS  may we write to this phone?
  ask_place,     // AP  which town?
  ask_which,     // AW  which of these places?
  ask_consent,   // AC  who may read it?
  ask_language,  // AL  which language?
  quiet,         // Q   store only
  stopped,       // X   store only, until START
};
inline constexpr std::size_t state_count = 9;

// What a text is, in the order in which the classes are tried.
enum class Class : std::uint8_t {
  robot,
  duplicate,
  stop,
  start,
  erase,  // DELETE
  unsafe,
  safe,
  language,
  help,
  info,
  code,
  status,
  share,
  fresh,  // NEW
  add,
  digit,
  yes,
  no,
  blank,
  greet,
  promo,
  text,
};
inline constexpr std::size_t class_count = 22;

// A local time range that comes every day, as the RETADDR has it.
struct TimeRange {
  std::uint8_t start;  // half hours since midnight, 0 to 47
  std::uint8_t end;    // the same; before `start` if the range passes midnight
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// One classified text.
struct Input {
  Class what = Class::text;
  bool quiet = false;                // it carries the quiet mark: never answer it
  std::uint8_t digit = 0;            // of digit, 0 to 9; of share, 1 or 2, or 0 if it has none
  bool names_ref = false;            // of erase, status, add: digits stand where a ref stands ...
  std::optional<identity::Ref> ref;  // ... and this ref they are; none if the check digit is wrong
  std::optional<TimeRange> range;    // of safe
  Language chosen = no_language;     // of language: the one that the text names
  Language language = no_language;   // in which to answer, unless the sitting has chosen one
};

enum class Place : std::uint8_t { unknown, ambiguous, known };
enum class Permission : std::uint8_t { unknown, given, refused };

// What a sitting remembers for the conversation. No number, no ref, no text.
struct Memory {
  State state = State::none;
  State before_language = State::none;  // where ask_language goes back to
  Permission safe = Permission::unknown;
  Place place = Place::unknown;
  Language chosen = no_language;  // by LANG
  Language spoken = no_language;  // of the last reply
  bool has_report = false;        // the sitting has a report, so it has a ref to show
  bool fresh = false;             // after NEW or DELETE: the next report joins no older one
  bool urgent = false;
  bool urgent_answered = false;
  bool acknowledged = false;  // a ref was told
  bool greeted_blank = false;
  bool asked_place = false;
  bool asked_which = false;
  bool asked_consent = false;
  bool no_more_questions = false;
  std::uint8_t questions = 0;  // beside the safety question
  std::uint8_t wrong_refs = 0;
  std::uint8_t outbound = 0;
  std::uint8_t blanks = 0;                                // of `blank_times`, how many count
  std::array<std::chrono::sys_seconds, 2> blank_times{};  // of the last blank texts
  std::chrono::sys_seconds last_inbound{};
  std::chrono::sys_seconds window_until{};  // of SAFE
  std::array<RegionNumber, most_candidates> candidates{};
  std::uint8_t candidate_count = 0;

  friend bool operator==(const Memory&, const Memory&) = default;
};

// What a look-up of a ref says. Only a verified ref proves anything (privacy.md 7.12).
enum class Found : std::uint8_t {
  nothing,      // no such ref, or one look-up too many
  unavailable,  // the relay is away
  unverified,
  verified,
};
enum class Stage : std::uint8_t { waiting, read, work, done };
struct LookUp {
  Found found = Found::nothing;
  Stage stage = Stage::waiting;
  bool reply_fits = false;  // a caseworker's reply waits that may be shown and fits one segment
};

// What the caller knows about this text. Nothing of it may depend on what is stored about the
// number; `look_up` depends on a ref alone.
struct Facts {
  // Whether an answer can leave at all: the channel answers, the sender is a person's number, and
  // the text is not older than the reply window of 15 minutes.
  bool may_reply = true;
  bool urgent = false;  // of the text by routing::understand
  Place place = Place::unknown;
  std::array<RegionNumber, most_candidates> candidates{};  // for Place::ambiguous: 2 or 3
  std::uint8_t candidate_count = 0;
  bool helpline = false;       // a verified helpline is known for place or country
  bool share_offered = false;  // the country's share_options have more than helpers
  bool confirm_stop = false;   // where a regulator demands an answer to STOP
  // The answer to Step::look_up. For the sitting's own ref it is never `nothing`: the relay may not
  // have met it yet, and then its report is waiting.
  std::optional<LookUp> look_up;
};

// The replies of the catalogue. The numbers go over the relay's socket: never renumbered.
enum class ReplyId : std::uint8_t {
  ack_first = 1,
  ack_plain = 2,
  ack_more = 3,
  ack_urgent = 4,
  ack_urgent_place = 5,
  ack_urgent_notel = 6,
  q_place = 7,
  q_which = 8,
  q_share = 9,
  done_helpers = 10,
  done_both = 11,
  info_help = 12,
  info_help_notel = 13,
  info_greet = 14,
  lang_list = 15,
  lang_set = 16,
  code_show = 17,
  code_bad = 18,
  st_new = 19,
  st_read = 20,
  st_work = 21,
  st_done = 22,
  del_done = 23,
  del_plain = 24,
  stop_done = 25,
  start_done = 26,
  safe_on = 27,
  safe_hour = 28,
  err_retry = 29,
  err_later = 30,
  hum_msg = 31,
  q_which_two = 32,
  ack_again = 33,  // to a redelivery: it was answered before, and nobody knows what
};

// One outbound message, before its values are filled in (answer.hpp: `render`).
struct Reply {
  ReplyId id{};
  Language language = no_language;  // no_language: the channel's
  bool typed_ref = false;           // {ref} is Input::ref; otherwise the sitting's own
  Language chosen = no_language;    // {lang} of lang_set
  std::optional<TimeRange> range;   // {t} of safe_on is its end
  std::array<RegionNumber, most_candidates>
      regions{};  // {p1} to {p3} of q_which: their parents are shown
  std::uint8_t region_count = 0;
};

enum class Store : std::uint8_t {
  nothing,
  report,  // into the sitting's report; if there is none, as its first text (a new report, or one
           // that the relay joins by number)
  fresh,   // as the first text of a new report, without asking the relay for an older one
  by_ref,  // into the report of Input::ref, which was looked up; the sitting's own from now on if
           // it has none
  stray,   // a report of its own, to triage; the sitting does not take it as its report
  noise,   // an advert: kept for sampling, in no work queue
};
enum class Consent : std::uint8_t { helpers = 0, helpers_and_authorities = 1 };
enum class Erase : std::uint8_t {
  nothing,
  sitting,  // the report of the sitting, or of the number: as by number alone, unless the sitting
            // itself opened the report
  by_ref,   // the report of Input::ref, which is verified
};

// What intake has to do before the reply may leave. The reply shows the ref of before `close`.
struct Effects {
  Store store = Store::nothing;
  bool answer = false;                  // MESSAGE kind `ans`: a bare answer; otherwise `msg`
  bool urgent = false;                  // store as urgent, whatever routing found
  bool unsure = false;                  // category UNS, whatever routing found
  bool alert = false;                   // tell the people of triage at once
  std::optional<Consent> consent = {};  // the class that the reporter asks for, from now on
  bool may_text = false;                // the reporter said yes: RETADDR prefs bit 0
  std::optional<TimeRange> range = {};  // with may_text: RETADDR's SAFE range
  std::optional<std::uint16_t> window_minutes =
      {};                                   // WINDOW: replies may leave for so long; 0 closes
  std::optional<RegionNumber> region = {};  // chosen by the reporter, confidence 0.95
  bool end_route = false;                   // END: number, tag and permission go at once
  Erase erase = Erase::nothing;
  bool close = false;  // the sitting has no report, no ref and no consent from now on

  friend bool operator==(const Effects&, const Effects&) = default;
};

enum class RefToLookUp : std::uint8_t { none, typed, own };

struct Step {
  Memory next;
  std::optional<Reply> reply = {};
  Effects effects = {};
  // If not `none`, nothing else is decided yet: look up Input::ref or the sitting's own ref, put
  // the answer into `Facts::look_up` and call `step` again with the same memory.
  RefToLookUp look_up = RefToLookUp::none;
};

// What the caller knows before a text is classified.
struct Circumstances {
  const Memory& sitting;
  std::string_view channel_language;
  // The language of the text, guessed with `usual_language` as its default, if that was done
  // already; otherwise it is guessed here.
  std::optional<std::string_view> text_language{};
  bool robot = false;      // alphanumeric sender, 6 digits or fewer, or one of our own numbers
  bool duplicate = false;  // a redelivery of a text that was handled
  bool noise = false;      // routing::understand calls the text noise
  bool fragment = false;   // its beginning is missing: neither a command nor an answer
};

// The language to presume where a text does not decide: of the sitting's last reply, else the
// channel's.
std::string_view usual_language(const Memory& sitting, std::string_view channel_language,
                                const i18n::Packs& packs) noexcept;

// What `text` (repaired UTF-8) is, by conversation.md 1.3. Never fails. All scratch is in `memory`,
// as in i18n/normalise.hpp.
Input classify(std::string_view text, const Circumstances& circumstances, const i18n::Packs& packs,
               std::pmr::memory_resource& memory);

// The table of conversation.md 1.8. `now` never goes back within a sitting.
Step step(const Memory& memory, const Input& input, const Facts& facts,
          std::chrono::sys_seconds now);

// What follows when the effects of `step` could not be stored (row 43): the memory of before, and
// err.retry unless the phone must stay silent.
Step not_stored(const Memory& memory, const Input& input, const Facts& facts,
                std::chrono::sys_seconds now);

}  // namespace ishara::conversation
