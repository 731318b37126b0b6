#pragma once
// The session of a dialogue by USSD (conversation.md 2.2): which answers to the menu its requests
// stand for.
//
// Providers repeat requests, and some send all that was typed since the dialling each time. A
// session therefore keeps a keyed hash of what it has taken beside where the menu stands. What it
// does not know, it takes from the start: the menu is deterministic, and the caller stores a
// session's report once.
//
// Thread rule: values and pure functions without a clock; thread-safe.

#include <chrono>
#include <cstddef>
#include <string_view>

#include "gateway/conversation/menu.hpp"
#include "gateway/crypto/primitives.hpp"

namespace ishara::conversation {

// A session as it stands after its last request. No number.
struct UssdSession {
  bool begun = false;
  MenuState menu;
  std::size_t taken = 0;    // so many bytes of accumulated input ...
  crypto::Id taken_hash{};  // ... with this keyed hash
  crypto::Id last{};        // the keyed hash of the last request, where each stands alone
  std::chrono::sys_seconds last_at{};

  bool has_ended(const Flow& flow) const noexcept { return flow[menu.screen].is_end(); }
  friend bool operator==(const UssdSession&, const UssdSession&) = default;
};

// One request, as the aggregator read it.
struct Typed {
  std::string_view input;
  bool begins = false;       // the code was dialled, `input` behind it
  bool accumulated = false;  // `input` is all that was typed since
};

struct UssdMove {
  UssdSession next;    // of an end `sent`: in force once what it says is stored
  bool again = false;  // a repeated request: its screen stands, whatever it was filled with
};

// `key` is a key of memory. `now` never goes back within a session. `broken_off` as in menu.hpp.
UssdMove take(const UssdSession& session, const Typed& typed, const Around& around,
              const MenuState* broken_off, std::chrono::sys_seconds now,
              const crypto::Secret<32>& key);

}  // namespace ishara::conversation
