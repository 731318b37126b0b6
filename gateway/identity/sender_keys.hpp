#pragma once
// The gateway's half of every box. One fresh X25519 pair serves the envelopes of one intake and is
// wiped with it. In a flood (more than 1,000 envelopes in the running second, and this recipient
// had 100 of them) further envelopes to this recipient in that second use one shared pair, wiped
// when the second ends (privacy.md 7.1). A shared pair serves one recipient only.
//
// Thread rule: one thread. The owner calls `end_second` from a timer, so that a shared pair does
// not outlive its second when no further text comes.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::identity {

class SenderKeys {
 public:
  using Seconds = std::chrono::sys_seconds;

  // The one-time pair of one intake. It lives as long as the intake is sealed, and no longer.
  class Intake {
   public:
    Intake(SenderKeys& keys, Seconds now) noexcept : keys_{keys}, now_{now} {}
    // The half for one more envelope to this recipient; refused for a low-order key. The references
    // hold until the next call of `to` or the end of this object.
    boost::system::result<SenderHalf> to(const crypto::PublicKey& recipient);

   private:
    SenderKeys& keys_;
    Seconds now_;
    std::optional<crypto::BoxKey> own_;
    std::optional<crypto::SharedKey> shared_;
  };

  Intake intake(Seconds now) {
    end_second(now);
    return {*this, now};
  }
  // Wipes what belongs to an earlier second than `now`.
  void end_second(Seconds now);

 private:
  static constexpr std::uint32_t flood = 1000;
  static constexpr std::uint32_t recipient_flood = 100;

  struct Recipient {
    std::uint32_t envelopes = 0;
    std::optional<crypto::BoxKey> pair;
    std::optional<crypto::SharedKey> shared;
  };

  Seconds second_{};
  std::uint32_t envelopes_ = 0;
  std::map<crypto::PublicKey, Recipient> recipients_;
};

}  // namespace ishara::identity
