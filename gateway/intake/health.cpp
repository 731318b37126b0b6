#include "gateway/intake/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>

#include "gateway/log/log.hpp"

namespace ishara::intake {
namespace {

using std::chrono::hours;

// One figure of a channel in the text of metrics.
struct Shown {
  std::string_view name;
  std::string_view type;
  std::uint64_t (*get)(const ChannelHealth&);
  void (*set)(ChannelHealth&, std::uint64_t);
};

template <Sum sum>
constexpr Shown shown_sum(std::string_view name) {
  constexpr auto at = static_cast<std::size_t>(sum);
  return {name, "counter", [](const ChannelHealth& health) { return health.total[at]; },
          [](ChannelHealth& health, std::uint64_t value) { health.total[at] = value; }};
}

constexpr std::array<Shown, sums + 4> all_shown{
    shown_sum<Sum::texts>("ishara_channel_texts_total"),
    shown_sum<Sum::refused>("ishara_channel_refused_total"),
    shown_sum<Sum::forbidden>("ishara_channel_forbidden_total"),
    shown_sum<Sum::unreadable>("ishara_channel_batch_entries_refused_total"),
    shown_sum<Sum::not_stored>("ishara_channel_not_stored_total"),
    shown_sum<Sum::unavailable>("ishara_channel_unavailable_total"),
    shown_sum<Sum::late>("ishara_channel_late_answers_total"),
    shown_sum<Sum::undelivered>("ishara_channel_deliveries_failed_total"),
    shown_sum<Sum::reports_lost>("ishara_channel_delivery_reports_lost_total"),
    Shown{"ishara_channel_requests_last_hour", "gauge",
          [](const ChannelHealth& health) { return health.requests; },
          [](ChannelHealth& health, std::uint64_t value) { health.requests = value; }},
    Shown{"ishara_channel_failed_last_hour", "gauge",
          [](const ChannelHealth& health) { return health.failed; },
          [](ChannelHealth& health, std::uint64_t value) { health.failed = value; }},
    Shown{"ishara_channel_last_text_hour_seconds", "gauge",
          [](const ChannelHealth& health) { return health.last_text; },
          [](ChannelHealth& health, std::uint64_t value) { health.last_text = value; }},
    Shown{"ishara_channel_silent", "gauge",
          [](const ChannelHealth& health) { return std::uint64_t{health.is_silent}; },
          [](ChannelHealth& health, std::uint64_t value) { health.is_silent = value != 0; }}};

std::int64_t slot_of(Health::Time now, std::chrono::minutes length) {
  return now.time_since_epoch() / length;
}

}  // namespace

void Health::know(const config::Channels& channels, Time now) {
  std::array<const config::Channel*, 256> known{};
  for (const auto& channel : channels.all()) known[channel.number] = &channel;
  for (std::size_t number = 0; number < known.size(); ++number) {
    auto& mine = channels_[number];
    if (known[number] == nullptr) {
      mine = {};
      continue;
    }
    if (mine.name != known[number]->name) {
      mine = {};
      mine.name = known[number]->name;
      mine.heard = std::chrono::floor<hours>(now);
    }
    mine.silent_after = known[number]->silent_after;
    if (!mine.silent_after) mine.health.is_silent = false;
  }
}

void Health::add(std::uint8_t channel, Sum sum) {
  ++channels_[channel].health.total[static_cast<std::size_t>(sum)];
}

void Health::text(std::uint8_t channel, Time now) {
  auto& mine = channels_[channel];
  add(channel, Sum::texts);
  mine.heard = std::chrono::floor<hours>(now);
  mine.health.last_text =
      static_cast<std::uint64_t>(std::chrono::seconds{mine.heard.time_since_epoch()}.count());
  mine.health.is_silent = false;
}

void Health::answered(std::uint8_t channel, bool failed, std::chrono::steady_clock::duration took,
                      Time now) {
  if (took > patience) add(channel, Sum::late);
  const auto number = slot_of(now, slot_length);
  auto& slots = channels_[channel].slots;
  auto& slot = slots[static_cast<std::size_t>(number) % slots.size()];
  if (slot.number != number) slot = {number};
  ++slot.requests;
  if (failed) ++slot.failed;
}

void Health::listen(Time now) {
  for (std::size_t number = 0; number < channels_.size(); ++number) {
    auto& mine = channels_[number];
    if (mine.name.empty() || !mine.silent_after || mine.health.is_silent) continue;
    // It was heard at the end of that hour at the latest.
    if (now < mine.heard + hours{1} + *mine.silent_after) continue;
    mine.health.is_silent = true;
    log::write<log::Event::channel_silent>(number, mine.silent_after->count());
  }
}

std::map<std::string, ChannelHealth, std::less<>> Health::figures(Time now) const {
  std::map<std::string, ChannelHealth, std::less<>> out;
  const auto current = slot_of(now, slot_length);
  for (const auto& mine : channels_) {
    if (mine.name.empty()) continue;
    auto health = mine.health;
    for (const auto& slot : mine.slots) {
      if (current - slot.number >= static_cast<std::int64_t>(mine.slots.size())) continue;
      health.requests += slot.requests;
      health.failed += slot.failed;
    }
    out.emplace(mine.name, health);
  }
  return out;
}

// A channel's name is of lower-case letters, digits, - and _, so nothing in it has to be escaped.
std::string channel_metrics(const std::map<std::string, ChannelHealth, std::less<>>& figures) {
  std::string out;
  if (figures.empty()) return out;
  for (const auto& shown : all_shown) {
    fmt::format_to(std::back_inserter(out), "# TYPE {} {}\n", shown.name, shown.type);
    for (const auto& [name, health] : figures)
      fmt::format_to(std::back_inserter(out), "{}{{channel=\"{}\"}} {}\n", shown.name, name,
                     shown.get(health));
  }
  return out;
}

std::map<std::string, ChannelHealth, std::less<>> read_channel_metrics(std::string_view metrics) {
  constexpr std::string_view before = "{channel=\"";
  constexpr std::string_view after = "\"} ";
  std::map<std::string, ChannelHealth, std::less<>> out;
  while (!metrics.empty()) {
    const auto line = metrics.substr(0, metrics.find('\n'));
    metrics.remove_prefix(std::min(line.size() + 1, metrics.size()));
    const auto label = line.find(before);
    const auto end = line.find(after);
    if (label == line.npos || end == line.npos || end < label + before.size()) continue;
    const auto shown = std::ranges::find(all_shown, line.substr(0, label), &Shown::name);
    const auto digits = line.substr(end + after.size());
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (shown == all_shown.end() || error != std::errc{} || rest != digits.data() + digits.size())
      continue;
    const auto name = line.substr(label + before.size(), end - label - before.size());
    shown->set(out.try_emplace(std::string{name}).first->second, value);
  }
  return out;
}

}  // namespace ishara::intake
