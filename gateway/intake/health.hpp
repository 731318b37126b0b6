#pragma once
// How each channel does: what came of its requests, the hour of its last text, and whether it has
// fallen silent. Held in memory alone, so a restart begins anew. No time is finer than an hour,
// and whoever shows these figures takes them once a minute (privacy.md section 14).
//
// Thread rule: one thread, the server's; the free functions may be called from any.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/channels.hpp"

namespace ishara::intake {

// What is summed up of a channel.
enum class Sum : std::uint8_t {
  texts,         // taken; a redelivery too, since it shows that the channel works
  refused,       // requests that are not of the provider's, and methods
  forbidden,     // wrong signatures
  unreadable,    // entries of batches whose others were taken
  not_stored,    // texts that the database will never take
  unavailable,   // answers 503, and dialogues that were told so
  late,          // answers after `Health::patience`
  undelivered,   // delivery reports of a failure
  reports_lost,  // delivery reports with an id of no use, or while the relay was away
};
inline constexpr std::size_t sums = 9;

// What is known of one channel.
struct ChannelHealth {
  std::array<std::uint64_t, sums> total{};  // by Sum, since the gateway started
  std::uint64_t requests = 0;               // in the last hour
  std::uint64_t failed = 0;                 // of these, for whatever reason
  std::uint64_t last_text = 0;              // its hour, in seconds since 1970; 0: none yet
  bool is_silent = false;                   // for longer than its `silent_after`

  std::uint64_t of(Sum sum) const noexcept { return total[static_cast<std::size_t>(sum)]; }
};

class Health {
 public:
  using Time = std::chrono::sys_seconds;

  // Some providers wait no longer for an answer, and bring the text again.
  static constexpr std::chrono::seconds patience{3};

  // From now on these are the channels. One that keeps number and name keeps its figures.
  void know(const config::Channels& channels, Time now);

  // Of channels that are known; others are ignored.
  void add(std::uint8_t channel, Sum sum);
  void text(std::uint8_t channel, Time now);
  // One request was answered. `failed`: not with what its provider came for.
  void answered(std::uint8_t channel, bool failed, std::chrono::steady_clock::duration took,
                Time now);

  // Logs each channel without a text for as long as its file allows, once. Silence begins with the
  // last text, or when the channel became known: what was before is forgotten.
  void listen(Time now);

  // By name.
  std::map<std::string, ChannelHealth, std::less<>> figures(Time now) const;

 private:
  static constexpr std::chrono::minutes slot_length{10};
  struct Slot {
    std::int64_t number = -1;  // of the ten minutes, since 1970
    std::uint32_t requests = 0;
    std::uint32_t failed = 0;
  };
  struct Channel {
    std::string name;  // empty: not known
    std::optional<std::chrono::hours> silent_after;
    std::chrono::sys_time<std::chrono::hours> heard{};  // of it, or that it exists
    ChannelHealth health;
    std::array<Slot, 6> slots{};  // of the last hour
  };

  std::array<Channel, 256> channels_{};  // by number
};

// The figures as Prometheus takes them, and what such a text says of channels.
std::string channel_metrics(const std::map<std::string, ChannelHealth, std::less<>>& figures);
std::map<std::string, ChannelHealth, std::less<>> read_channel_metrics(std::string_view metrics);

}  // namespace ishara::intake
