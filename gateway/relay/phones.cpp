#include "gateway/relay/phones.hpp"

#include <algorithm>

namespace ishara::relay {
namespace {

constexpr std::chrono::days day{1};

}  // namespace

crypto::Id Phones::tag(const identity::Msisdn& number) const {
  const auto fixed = number.fixed();
  return crypto::keyed_hash16(key_, {fixed.reveal()});
}

void Phones::open_window(const crypto::Id& phone, std::chrono::minutes length, Time now) {
  auto& memory = phones_[phone];
  memory.last_text = now;
  memory.window_until =
      length == length.zero() ? Time{} : std::max(memory.window_until, now + length);
}

void Phones::sending(const crypto::Id& phone, Time now, bool is_reply) {
  auto& memory = phones_[phone];
  memory.sent.push_back(now);
  if (!is_reply) return;
  memory.reply_before = memory.last_reply;
  memory.last_reply = now;
}

void Phones::not_sent(const crypto::Id& phone, Time at, bool is_reply) {
  const auto found = phones_.find(phone);
  if (found == phones_.end()) return;
  auto& memory = found->second;
  const auto one = std::ranges::find(memory.sent, at);
  if (one != memory.sent.end()) memory.sent.erase(one);
  if (is_reply && memory.last_reply == at) memory.last_reply = memory.reply_before;
}

Phone Phones::at(const crypto::Id& phone, Time now) const {
  Phone out;
  const auto found = phones_.find(phone);
  if (found == phones_.end()) return out;
  const auto& memory = found->second;
  const auto since = [&](std::chrono::seconds age) {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(memory.sent, [&](Time at) { return now - at < age; }));
  };
  out.sent_this_hour = since(std::chrono::hours{1});
  out.sent_this_day = since(day);
  out.last_text = memory.last_text;
  out.window_until = memory.window_until;
  out.last_reply = memory.last_reply;
  return out;
}

void Phones::forget(Time now) {
  for (auto& [tag, memory] : phones_)
    while (!memory.sent.empty() && now - memory.sent.front() >= day) memory.sent.pop_front();
  std::erase_if(phones_, [&](const auto& entry) {
    const auto& memory = entry.second;
    return memory.sent.empty() && now - memory.last_text >= day && memory.window_until <= now;
  });
}

}  // namespace ishara::relay
