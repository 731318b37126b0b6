#pragma once
// THE MAIN PATH, from webhook to queued report. `Intake::handle` reads as the design says it:
//
//   authentic -> parse -> understand -> route -> seal -> append (resumes after COMMIT) ->
//   acknowledge
//
// A number exists from `parse` to the end of `report`, in its own type, and goes nowhere. A text
// exists until it is sealed. Nothing is answered with success that is not durable.
//
// Thread rule: one thread, the one of the writer and the server.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/aggregators/registry.hpp"
#include "gateway/http/message.hpp"
#include "gateway/identity/ref.hpp"
#include "gateway/identity/sender_keys.hpp"
#include "gateway/intake/knowledge.hpp"
#include "storage/store.hpp"

namespace ishara::intake {

namespace asio = boost::asio;

// The keys by which a redelivered webhook is recognised. A provider's id is hashed under the
// lasting K_dedupe. What a text says and who sent it is hashed under a key that lives in memory
// alone: with a lasting key, whoever took database and files could try numbers for a guessable
// text.
struct DedupeKeys {
  crypto::Secret<32> ids;
  crypto::Secret<32> contents = crypto::random_secret<32>();
};

// Secrets of the gateway's own: neither opens anything that is stored.
struct Keys {
  crypto::SigningKey signing;  // signs INTAKE; its public key stands in the root roster
  DedupeKeys dedupe;
};

// Sums since start, for /metrics.
struct Counters {
  std::uint64_t accepted = 0;          // new reports, durable
  std::uint64_t duplicates = 0;        // redeliveries, answered as the first
  std::uint64_t not_found = 0;         // unknown path, provider or secret
  std::uint64_t forbidden = 0;         // wrong signature
  std::uint64_t refused = 0;           // a request that is not one of the provider's
  std::uint64_t unavailable = 0;       // 503: no knowledge, no database, or too much at once
  std::uint64_t not_stored = 0;        // a row that the database will never take
  std::uint64_t answers_withheld = 0;  // an answer that its own pack's rules forbid
};

class Intake {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;

  // `registry` and `sink` outlive this.
  Intake(const aggregators::Registry& registry, storage::IntakeSink& sink, Keys keys, Clock clock);

  // From now on requests use this; null: answer 503.
  void learn(std::shared_ptr<const Knowledge> knowledge) { knowledge_ = std::move(knowledge); }
  const std::shared_ptr<const Knowledge>& knowledge() const noexcept { return knowledge_; }

  // For http::Server: refuses what has no channel before its body is read.
  std::optional<http::Response> admit(const http::Request& head);
  // Answers one webhook.
  asio::awaitable<http::Response> handle(http::Request request);

  // Wipes sender keys of an earlier second; call every second.
  void end_second() { sender_keys_.end_second(clock_()); }
  const Counters& counters() const noexcept { return counters_; }

 private:
  struct Call;
  std::optional<Call> find(const http::Request& request, const Knowledge& knowledge) const;
  asio::awaitable<boost::system::result<std::optional<std::string>>> report(
      aggregators::Message message, const config::Channel& channel,
      std::shared_ptr<const Knowledge> knowledge);

  const aggregators::Registry& registry_;
  storage::IntakeSink& sink_;
  Keys keys_;
  Clock clock_;
  identity::SenderKeys sender_keys_;
  std::shared_ptr<const Knowledge> knowledge_;
  Counters counters_;
};

// The keyed hash by which a redelivered webhook is recognised (channels.md 1.6): of the channel and
// the provider's id; without an id of sender, receiver, provider's time and text; without a time of
// these in a window of ten minutes. Without an id a restart forgets what came before it.
crypto::Id dedupe_hash(const aggregators::Message& message, std::uint8_t channel,
                       std::chrono::sys_seconds now, const DedupeKeys& keys);

// The ref of the answer while no relay draws refs: it opens nothing. A keyed hash of the dedupe
// hash, so that every redelivery gets the first answer, also after a restart and from another
// gateway, and nothing has to be remembered.
identity::Ref ref_without_relay(const crypto::Id& dedupe, const crypto::Secret<32>& key);

}  // namespace ishara::intake
