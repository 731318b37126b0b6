#include "gateway/commands/queue_wraps.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "gateway/commands/command_error.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::commands {

crypto::Bytes wrap_for(const crypto::Secret<32>& key, const crypto::Id& report,
                       const crypto::Id& message, const identity::Directory::Queue& reader) {
  const auto sender = crypto::box_key();
  const auto shared = crypto::shared_key(reader.box_key, sender.secret_key);
  if (!shared) throw CommandError{"a queue's key in the rosters is none", "tell your lead"};
  const auto wrap = identity::wrap_key(key, report, message, {reader.kid, reader.generation},
                                       {sender.public_key, *shared});
  return {wrap.begin(), wrap.end()};
}

Comparison compare_wraps(std::span<const crypto::Bytes> former, crypto::View now,
                         const QueueKeys& keys) {
  Comparison out;
  const auto current = identity::claimed_wrap(now);
  if (!current) return out;
  // What opens is of this message: its id commits to the key.
  const auto open = [&](crypto::View wrap, const identity::ClaimedWrap& names) {
    return identity::open_key_wrap(wrap, current->report_id, current->message_id, names.recipient,
                                   *keys(names.recipient.kid));
  };
  const auto has_key = [&](const identity::ClaimedWrap& names) {
    return keys(names.recipient.kid) != nullptr;
  };
  if (!has_key(*current)) return out;
  if (open(now, *current)) {
    out.outcome = Comparison::Outcome::opens;
    return out;
  }

  struct Former {
    std::size_t index;
    identity::ClaimedWrap names;
  };
  std::vector<Former> newest_first;
  for (std::size_t i = 0; i < former.size(); ++i) {
    const auto names = identity::claimed_wrap(former[i]);
    if (!names || names->report_id != current->report_id ||
        names->message_id != current->message_id || !has_key(*names))
      return out;
    newest_first.push_back({i, *names});
  }
  std::ranges::sort(newest_first, std::greater{},
                    [](const Former& one) { return one.names.recipient.generation; });
  for (const auto& [index, names] : newest_first) {
    auto key = open(former[index], names);
    if (!key) continue;
    out.outcome = Comparison::Outcome::mendable;
    out.last = index;
    out.key = std::move(*key);
    return out;
  }
  out.outcome = Comparison::Outcome::lost;
  return out;
}

}  // namespace ishara::commands
