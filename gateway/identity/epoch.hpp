#pragma once
// EPOCH: the relay's announcement of the key to which return addresses and replies are sealed
// (privacy.md section 6). An epoch is a week, counted from the start of unix time.
//
//   version 1 ‖ type 0x11 ‖ zeros 2 ‖ epoch 4 ‖ not_before 8 ‖ not_after 8 ‖ X25519 key 32
//   ‖ signature 64
//
// Pure functions, thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::identity {

inline constexpr std::size_t epoch_announcement_size = 120;
using EpochBytes = std::array<std::uint8_t, epoch_announcement_size>;

struct EpochAnnouncement {
  std::uint32_t epoch = 0;
  std::uint64_t not_before = 0;  // unix seconds; nobody seals to the key before it
  std::uint64_t not_after = 0;   // nor from this second on
  crypto::PublicKey key{};

  friend bool operator==(const EpochAnnouncement&, const EpochAnnouncement&) = default;
};

inline constexpr std::uint32_t epoch_seconds = 604'800;
// The epoch that a moment after 1970 belongs to.
inline std::uint32_t epoch_at(std::chrono::sys_seconds at) noexcept {
  return static_cast<std::uint32_t>(at.time_since_epoch().count() / epoch_seconds);
}

// A time that ends before it begins is a bug of the caller and ends the process.
EpochBytes sign_epoch(const EpochAnnouncement& announcement, const crypto::SigningKey& relay);

// What is announced, if `relay` signed it and every field is in its range; else
// envelope_errc::refused.
boost::system::result<EpochAnnouncement> verify_epoch(crypto::View bytes,
                                                      const crypto::PublicKey& relay);
// The same for any relay of the rosters, until that one's end.
boost::system::result<EpochAnnouncement> verify_epoch(crypto::View bytes,
                                                      const Directory& directory);

}  // namespace ishara::identity
