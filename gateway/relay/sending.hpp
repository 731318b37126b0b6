#pragma once
// The sender: takes caseworkers' replies out of the outbox, lets each pass the gate, and hands it
// to its provider at most once. A reply is marked `sending`, committed, before its first byte
// leaves; a crash from then on leaves it `unknown`, and nobody but a person sends it again. What a
// provider has surely not taken is tried again, later and later.
//
// It also sends the fixed acknowledgements that gateways ask for, and hands waiting replies to who
// asks with a ref.
//
// Thread rule: one thread runs the executor; a pool thread of its own reads and writes the
// database.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/aggregators/registry.hpp"
#include "gateway/config/channels.hpp"
#include "gateway/relay/epochs.hpp"
#include "gateway/relay/gate.hpp"
#include "gateway/relay/replies.hpp"
#include "i18n/pack.hpp"

namespace ishara::relay {

// What the sender asks for whenever it needs it, since each changes while the relay runs. A null
// pointer means that it is not known now: then nothing is sent.
struct SenderSources {
  std::function<std::chrono::sys_seconds()> now;
  std::function<std::shared_ptr<const LiveEpochs>()> epochs;
  std::function<std::shared_ptr<const identity::Directory>()> directory;
  std::function<std::shared_ptr<const config::SendingChannels>()> channels;
  // Reads the rosters anew, for what `directory` gives from then on.
  std::function<boost::asio::awaitable<void>()> read_rosters;
  // A caseworker of the owner has confirmed the unverified yes of a report.
  std::function<boost::asio::awaitable<void>(crypto::Id report_id)> confirm_yes;
};

struct SenderCounters {
  std::uint64_t sent = 0;
  std::uint64_t unknown = 0;
  std::uint64_t refused = 0;    // by the gate, for good
  std::uint64_t not_taken = 0;  // offered, and to be offered again
  std::uint64_t acknowledged = 0;
  std::uint64_t withheld = 0;  // acknowledgements: refused, or too many at once
};

class Sender final : public Replies {
 public:
  // `database_url` is of the role ishara_relay. `registry` and `packs` outlive this.
  Sender(boost::asio::any_io_executor executor, const std::string& database_url,
         const aggregators::Registry& registry, const i18n::Packs& packs, SenderSources sources);
  ~Sender() override;
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Sends until `stop`: new replies within two seconds, waiting ones when a window opens and every
  // half minute. Call once.
  boost::asio::awaitable<void> run();
  // Lets what is on its way arrive, then ends `run`.
  boost::asio::awaitable<void> stop();

  // One round of `run`, for tests and by it: looks at every reply that nobody has looked at, and
  // with `again` at those that wait, and returns when all that left has its outcome. The first call
  // gives up on what an earlier process was sending. False: the database was away.
  boost::asio::awaitable<bool> round(bool again);

  SenderCounters counters() const noexcept;

  boost::asio::awaitable<storage::result<identity::Text>> pull(crypto::Id report_id,
                                                               identity::RefKind kind) override;
  void acknowledge(identity::SendTemplate message) override;
  void delivered(identity::Delivery delivery) override;
  void open_window(identity::OpenWindow window) override;
  void ended(std::vector<crypto::Id> reports) override;

 private:
  class Work;
  std::shared_ptr<Work> work_;
};

}  // namespace ishara::relay
