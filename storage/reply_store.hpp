#pragma once
// The verbs of the relay's sender: replies that caseworkers have left in the outbox, and what
// became of each. The state of a reply is committed before it leaves, so that a crash can lose the
// outcome and never sends anything twice.

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/relay_store.hpp"

namespace ishara::storage {

// What became of a reply. Stored: never renumbered.
enum class ReplyState : std::int16_t {
  waiting = 1,  // to be sent as soon as the gate lets it
  sending = 2,  // handed to the provider now
  sent = 3,
  unknown = 4,  // handed over, and the outcome was lost; never sent again by itself
  kept = 5,     // for the reporter to fetch by ref
  fetched = 6,  // by the reporter, for the first time in `fetched_hour`
  refused = 7,  // never sent
};

struct OutboxReply {
  Id reply_id{};
  Id report_id{};
  std::uint32_t hour = 0;             // unix time / 3600, when the desk says that it was submitted
  Bytes envelope;                     // REPLY, 712 bytes
  std::optional<ReplyState> state{};  // none: nobody has looked at it
  std::int16_t reason = 0;            // relay::Verdict
  std::uint32_t fetched_hour = 0;     // 0: not yet
};

struct ReplyOutcome {
  Id reply_id{};
  ReplyState state = ReplyState::refused;
  std::int16_t reason = 0;
  std::optional<Id> delivery{};  // keyed hash of the provider's id, kept for 48 hours
};

namespace blocking {

// Threads and errors as of `Store`.
class ReplyStore : public RelayStore {
 public:
  using RelayStore::RelayStore;

  // Replies that nobody has looked at, and with `again` those that wait too; after this id, by id.
  result<std::vector<OutboxReply>> to_send(bool again, const Id& after, std::uint32_t limit);
  // All of a report that are in the outbox, the oldest first.
  result<std::vector<OutboxReply>> replies_of(const Id& report);

  // `hour` is always the relay's own, and what `forget_replies` goes by: the hour of a row in the
  // outbox is the desk's word, and must not decide how long the proof of a sending is kept.

  // Marks a reply `sending`. False if its state says that it has been, or is being, dealt with:
  // then it must not be sent.
  result<bool> begin(const OutboxReply& reply, std::uint32_t hour);
  // Sets the state of a reply, whatever it was; but nothing that was sent or may have been, or was
  // fetched, ever goes back to be sent.
  result<void> settle(const OutboxReply& reply, const ReplyOutcome& outcome, std::uint32_t hour);
  // Marks a reply as fetched by the reporter, unless it was before.
  result<void> fetched(const OutboxReply& reply, std::uint32_t hour);
  // Everything that is `sending` becomes `unknown`; returns how many. At the start, before anything
  // is sent.
  result<std::uint32_t> give_up_on_sending();

  // Keeps the word of a delivery report, if the reply of this hash has none that is final.
  result<void> delivered(std::span<const Id> hashes, std::int16_t state);
  // Forgets hashes of replies that were last written before `hashes`, and states before `states`
  // (hours).
  result<void> forget_replies(std::uint32_t hashes, std::uint32_t states);
};

}  // namespace blocking
}  // namespace ishara::storage
