#pragma once
// One text for one phone, on its way out through an aggregator's API: plain values. The aggregator
// writes the request and reads the answer (aggregator.hpp); the relay's sender owns the socket, the
// clock and the patience. Thread rule: values like any other; not shared.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/channels.hpp"
#include "gateway/crypto/wipe.hpp"
#include "gateway/http/message.hpp"
#include "gateway/identity/sender.hpp"

namespace ishara::aggregators {

using config::SendingSettings;

struct Outgoing {
  const identity::Msisdn& to;
  std::string_view text;          // UTF-8 that fits one segment, already linted
  std::chrono::seconds validity;  // what is left of the window; at least a minute
  // Ours, letters and digits, for a provider that names none; empty: no delivery report is wanted.
  std::string_view delivery_id;
  std::string_view token{};  // of a provider that hands out such; else empty
  std::chrono::sys_seconds now{};
};

// What a provider hands out for credentials, to send with for a while.
struct Token {
  crypto::WipedBuffer value;
  std::chrono::seconds lifetime;
};

// Where a request goes, in the words of http::parse_origin, and the request.
struct Posting {
  std::string origin;
  http::Request request;
};

// What became of a request. Only what the provider has surely not taken may be offered again.
enum class Taken : std::uint8_t {
  accepted,   // the provider has the text and will pass it on
  later,      // not taken, and it may be offered again
  never,      // not taken, and it never will be: the number, its owner's STOP, or the text
  our_fault,  // not taken: credentials, sender id or credit; the channel stops, an operator looks
  unknown,    // it may have left
};

struct SendAnswer {
  Taken taken = Taken::unknown;
  crypto::WipedBuffer id;                     // what a delivery report will name; empty if nothing
  std::optional<std::chrono::seconds> after;  // with `later`: the provider's wish
};

}  // namespace ishara::aggregators
