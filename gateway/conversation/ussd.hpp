#pragma once
// A dialogue by USSD (conversation.md 2.2): which answers the requests of a session stand for, what
// follows from them, and what the screens say. The dialogue itself is the smallest that there is:
// one question, whose answer is the report, for helpers only.
//
// Providers repeat requests, and some send all that was typed since the dialling each time. A
// session therefore keeps a keyed hash of what it has taken, never what was typed. What it does not
// know, it takes from the start: the dialogue is deterministic, and the caller stores a session's
// report once.
//
// Thread rule: values and pure functions without a clock; thread-safe.

#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/crypto/primitives.hpp"
#include "i18n/pack.hpp"

namespace ishara::conversation {

enum class ScreenId : std::uint8_t {
  write,        // the question
  saved,        // with the ref
  saved_plain,  // without: nobody knows it any more
  not_saved,
  unsure,  // whether it is saved shows only after the phone has had to be answered
  goodbye,
};
inline constexpr std::size_t screen_count = 6;

// The id of a screen in the catalogues: "ussd.write".
std::string_view id_of(ScreenId screen) noexcept;

// A session as it stands after its last request. No number, no text.
struct UssdSession {
  bool begun = false;
  bool ended = false;
  ScreenId screen = ScreenId::write;
  std::uint8_t wrong = 0;   // answers that said nothing
  std::size_t taken = 0;    // so many bytes of accumulated input ...
  crypto::Id taken_hash{};  // ... with this keyed hash
  crypto::Id last{};        // the keyed hash of the last request, where each stands alone
  std::chrono::sys_seconds last_at{};

  friend bool operator==(const UssdSession&, const UssdSession&) = default;
};

// One request, as the aggregator read it.
struct Typed {
  std::string_view input;
  bool begins = false;       // the code was dialled, `input` behind it
  bool accumulated = false;  // `input` is all that was typed since
};

struct UssdMove {
  UssdSession next;         // in force once `report` is stored, if there is one
  bool again = false;       // a repeated request: its screen stands, whatever it was filled with
  std::string_view report;  // a part of `Typed::input` to be stored before `next.screen` is shown
};

// `key` is a key of memory. `now` never goes back within a session.
UssdMove take(const UssdSession& session, const Typed& typed, std::chrono::sys_seconds now,
              const crypto::Secret<32>& key);

// How long a screen may be: septets of GSM-7, UTF-16 units of anything else (0: none of it).
struct ScreenSize {
  std::size_t septets;
  std::size_t units;
};

// `screen` in the channel's language, or in the first other one that such a phone can show; with
// `ref` where the screen has one. An error if there is none, or if it breaks a rule of `lint`.
boost::system::result<std::string> render(const i18n::Packs& packs, ScreenId screen,
                                          std::string_view ref, ScreenSize size,
                                          std::string_view channel_language);

}  // namespace ishara::conversation
