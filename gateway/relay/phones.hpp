#pragma once
// What the relay remembers of phones while it runs, and nowhere else: the windows that their texts
// opened and how often they were written to. The key is a hash under a key of memory. After a
// restart nothing is sent until the next text.
//
// Thread rule: one thread. The time is an argument.

#include <chrono>
#include <deque>
#include <optional>
#include <unordered_map>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/sender.hpp"
#include "gateway/relay/gate.hpp"

namespace ishara::relay {

class Phones {
 public:
  using Time = std::chrono::sys_seconds;

  crypto::Id tag(const identity::Msisdn& number) const;

  // Op 9: a text came, and replies may leave for so long; it shortens no window. Zero closes it.
  void open_window(const crypto::Id& phone, std::chrono::minutes length, Time now);

  // A message is about to leave. Say so before it does, so that no second one passes the gate.
  void sending(const crypto::Id& phone, Time now, bool is_reply);
  // That message has surely not left.
  void not_sent(const crypto::Id& phone, Time at, bool is_reply);

  // What the gate asks; whether it is a robot and has a channel is the caller's.
  Phone at(const crypto::Id& phone, Time now) const;

  // Forgets what no longer matters; call it now and then.
  void forget(Time now);
  std::size_t size() const noexcept { return phones_.size(); }

 private:
  struct Memory {
    Time last_text{};
    Time window_until{};
    std::optional<Time> last_reply{};
    std::optional<Time> reply_before{};  // what `not_sent` goes back to
    std::deque<Time> sent;               // within a day, the oldest first
  };

  crypto::Secret<32> key_ = crypto::random_secret<32>();
  std::unordered_map<crypto::Id, Memory, crypto::IdHash> phones_;
};

}  // namespace ishara::relay
