#pragma once
// The menu of a dialogue (conversation.md 2.3 to 2.7): what a session has said so far, which page
// it is shown, and what its next answer leads to. Deterministic: the same answers lead to the same
// page, whatever came between them. What the screens are stands in the flow (flow.hpp), what they
// say in the catalogues.
//
// Thread rule: values and pure functions without a clock; thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/conversation/flow.hpp"
#include "gateway/conversation/sms.hpp"
#include "gateway/crypto/wipe.hpp"
#include "i18n/pack.hpp"
#include "routing/model/category.hpp"
#include "routing/model/names.hpp"
#include "routing/understand/gazetteer.hpp"

namespace ishara::conversation {

// How long a screen may be: septets of GSM-7, UTF-16 units of anything else (0: none of it).
struct ScreenSize {
  std::size_t septets;
  std::size_t units;
};

// The answers whose options the flow names, in words that caseworkers and programs read.
enum class Who : std::uint8_t { self, child, adult, several, unsaid };
inline constexpr std::array<std::string_view, 5> who_names{"self", "child", "adult", "several",
                                                           "unsaid"};
enum class Danger : std::uint8_t { now, soon, not_now, unsure };
inline constexpr std::array<std::string_view, 4> danger_names{"now", "soon", "not_now", "unsure"};
inline constexpr std::array<std::string_view, 2> readers_names{"helpers", "police"};
inline constexpr std::array<std::string_view, 2> sms_names{"no", "yes"};

// What was said so far; nothing where the question was not answered yet. Skipped words are empty.
struct MenuAnswers {
  std::optional<routing::Category> category;
  std::optional<Who> who;
  std::optional<routing::RegionCode> region;  // the root: not sure
  std::optional<crypto::WipedBuffer> place;
  std::optional<Danger> danger;
  std::optional<crypto::WipedBuffer> words;
  std::optional<bool> police;    // may read it too; only if chosen
  std::optional<bool> may_text;  // only if chosen

  friend bool operator==(const MenuAnswers&, const MenuAnswers&) = default;
};

// Where a session stands. No number.
struct MenuState {
  ScreenNumber screen = 0;
  std::uint8_t page = 0;
  std::uint8_t wrong = 0;           // answers in a row that said nothing
  bool changes = false;             // some part is answered anew ...
  ScreenNumber back_to = 0;         // ... and then this follows
  Language language = no_language;  // once it was chosen
  MenuAnswers answers;

  friend bool operator==(const MenuState&, const MenuState&) = default;
};

// What stands around a dialogue: nothing in it depends on who is calling. All of it outlives the
// calls that take it.
struct Around {
  const Flow& flow;
  const i18n::Packs& packs;
  const routing::Gazetteer& gazetteer;
  std::span<const routing::RegionCode> countries;  // of the deployment
  routing::RegionCode country;                     // the channel's; the root if it has none
  std::string_view channel_language;
  ScreenSize size;
  std::string_view helpline = {};  // a verified number, digits alone; empty if there is none
  bool sharing = false;            // the police may be named as readers
  bool sms = false;                // texts can be sent
};

// The beginning: the first screen that is not left out.
MenuState begun(const Around& around);

// One answer, with the spaces and the hash around it. `broken_off`, where there is one, is a state
// of an earlier session of the same phone: whoever chooses its category goes on there.
MenuState answered(const MenuState& state, std::string_view input, const Around& around,
                   const MenuState* broken_off = nullptr);

// True if an answer here is free words, to which stars belong.
bool takes_words(const MenuState& state, const Flow& flow) noexcept;
// True for one or two digits, or nothing: what chooses from a list, or fails to.
bool is_choice(std::string_view answer) noexcept;
// Without the spaces around it and the hash that ends what is dialled.
std::string_view trimmed(std::string_view text) noexcept;

// The page that a state is shown, in its language; an error if no language of the deployment has it
// in the size that the phone can show. Not for an end.
boost::system::result<std::string> page(const MenuState& state, const Around& around);

// The ends of a dialogue.
enum class End : std::uint8_t {
  saved,        // with the ref
  saved_plain,  // without: nobody knows it any more
  not_saved,
  unsure,  // whether it is saved shows only after the phone has had to be answered
  goodbye,
  cancelled,
};
inline constexpr std::size_t end_count = 6;
// The id in the catalogues: "ussd.saved".
std::string_view id_of(End end) noexcept;
// `end` in the language of `state`; with `ref` where the screen has one.
boost::system::result<std::string> last_page(End end, std::string_view ref, const MenuState& state,
                                             const Around& around);

// The words for going on, back and out, in this order.
inline constexpr std::array<std::string_view, 3> nav_ids{"ussd.more", "ussd.back", "ussd.exit"};
inline constexpr std::size_t most_options = 40;
// Seven or eight lines are what small phones show.
inline constexpr std::size_t most_on_page = 8;

}  // namespace ishara::conversation
