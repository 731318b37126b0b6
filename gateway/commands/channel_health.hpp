#pragma once
// How the channels do, as the running gateway tells through its private listener. One thread; a
// call blocks for two seconds at most. Nothing here fails: what is not known is said to be so.

#include <map>
#include <string>

#include "gateway/config/config.hpp"
#include "gateway/intake/health.hpp"

namespace ishara::commands {

struct HeardHealth {
  std::map<std::string, intake::ChannelHealth, std::less<>> channels;  // by name
  std::string unknown;  // why nothing is known of any; empty: it is

  // Of this channel, or nullptr.
  const intake::ChannelHealth* of(const std::string& channel) const;
};

HeardHealth ask_gateway(const config::Config& config);

// "last text 2026-01-02 03:00 UTC, 3 of 120 failed in the last hour", for people.
std::string health_text(const intake::ChannelHealth& health);

// What an operator should look at; empty: nothing.
std::string trouble_of(const intake::ChannelHealth& health);

}  // namespace ishara::commands
