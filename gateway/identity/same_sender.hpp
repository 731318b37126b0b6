#pragma once
// SAME SENDER: the relay's word that the first texts of two reports came from one number
// (privacy.md 7.9). It is given for reports that came while the gateway could not ask the relay,
// and only for two of the same owner. A signature, not a MAC: the caseworker's client checks it,
// and so the desk can make up none, nor show one to another queue.
//
//   version 1 ‖ type 0x12 ‖ zeros 2 ‖ hour 4 ‖ lesser report_id 16 ‖ greater report_id 16 ‖
//   queue_id 16 ‖ signature 64, domain "ishara/v1/same"
//
// A number can be forged: it says nothing of who held the phone.
//
// Pure functions, thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <span>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::identity {

inline constexpr std::size_t same_sender_size = 120;
using SameSenderBytes = std::array<std::uint8_t, same_sender_size>;

// The relay forgets which number it was in at most ten days, a week and its grace. Nobody shows it
// for longer, whatever a database still holds; the eleventh day is for clocks that differ.
inline constexpr std::uint32_t same_sender_hours = 11 * 24;

struct SameSender {
  std::uint32_t hour = 0;               // unix time / 3600, in which it was signed
  std::array<crypto::Id, 2> reports{};  // two different ones; in their order when they are read
  crypto::Id queue{};                   // that held both in this hour

  friend bool operator==(const SameSender&, const SameSender&) = default;
};

// One report twice is a bug of the caller and ends the process.
SameSenderBytes sign_same_sender(const SameSender& content, const crypto::SigningKey& relay);

// What it says, if `relay` signed it and every field is in its range; else envelope_errc::refused.
boost::system::result<SameSender> verify_same_sender(crypto::View bytes,
                                                     const crypto::PublicKey& relay);

// Everything that was signed about a report, as somebody shows it.
struct SignedReport {
  crypto::View first_intake;
  std::span<const crypto::View> statements;
};

// The report that is shown beside this one as of the same sender. envelope_errc::refused unless a
// relay of the rosters signed that, not too long ago, and both reports are still with the queue
// that it was signed for, and neither is withdrawn. `other` is what was signed about the other one.
boost::system::result<crypto::Id> same_sender_as(const crypto::Id& report,
                                                 const Ownership& ownership, crypto::View link,
                                                 const SignedReport& other,
                                                 const Directory& directory,
                                                 std::uint32_t hour_now);

}  // namespace ishara::identity
