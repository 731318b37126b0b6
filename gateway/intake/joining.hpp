#pragma once
// Texts that are longer than one message and that nobody joined on the way here. Each part is a
// webhook of its own; they come in any order, most of them within a second, some never (3GPP
// TS 23.040, 9.2.3.24.1).
//
// A part is not acknowledged before it is stored. The first one waits for the others, takes them
// along, and all get its answer. What has not come in time is stored by itself when it comes, and
// "[…]" stands where something is missing, so that nobody takes a fragment for a whole. One without
// its beginning still says which part it begins with, so that its first word is no command.
//
// Thread rule: one thread. Whoever waits here ends before this does.

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/crypto/primitives.hpp"

namespace ishara::intake {

class Joining {
 public:
  // What becomes of a webhook: the line for the phone, or why it has to come again.
  using Outcome = boost::system::result<std::optional<std::string>>;
  using Store = std::function<boost::asio::awaitable<Outcome>(aggregators::Message)>;

  // Parts wait for so long, well within the three seconds that aggregators wait for us.
  static constexpr std::chrono::milliseconds usual_patience{2'000};
  // What a phone can put into one part, and more.
  static constexpr std::size_t most_bytes = 1'024;
  // More than these at once are not waited for.
  static constexpr std::size_t most_held = 4'096;
  // So many parts are known when they come a second time.
  static constexpr std::size_t most_known = 16'384;

  explicit Joining(std::chrono::milliseconds patience = usual_patience) : patience_{patience} {}

  // `part` says which one it is; `text` is the same for all of its text, and `again` whenever this
  // one comes again. `store` is called once for a text, by who came first; its line goes there too.
  boost::asio::awaitable<Outcome> join(crypto::Id text, crypto::Id again, aggregators::Message part,
                                       Store store);
  // Texts that were stored without all of their parts, since start.
  std::uint64_t incomplete() const noexcept { return incomplete_; }

 private:
  struct Held;
  void remember(const crypto::Id& again);

  std::chrono::milliseconds patience_;
  std::unordered_map<crypto::Id, std::shared_ptr<Held>, crypto::IdHash> held_;
  std::size_t parts_ = 0;  // in all of them
  std::unordered_set<crypto::Id, crypto::IdHash> known_;
  std::deque<crypto::Id> known_in_order_;
  std::uint64_t incomplete_ = 0;
};

}  // namespace ishara::intake
