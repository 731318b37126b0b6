#pragma once
// The tokens that some providers hand out before they take a text. Each is fetched when a text is
// to leave, once for all that wait, and kept in memory alone until its time is over. A request for
// one carries nothing of a text.
//
// Thread rule: one thread runs the executor.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <map>

#include "gateway/aggregators/aggregator.hpp"
#include "gateway/config/channels.hpp"
#include "gateway/crypto/primitives.hpp"

namespace ishara::relay {

struct SignedIn {
  enum class State : std::uint8_t {
    yes,    // a text may be offered
    later,  // the provider cannot be asked now
    no,     // it hands out no token for these credentials
  };
  State state = State::later;
  crypto::WipedBuffer token;  // empty for a provider that hands out none
  std::uint64_t number = 0;   // of this token
};

class Tokens {
 public:
  explicit Tokens(boost::asio::any_io_executor executor);

  // Sees to a token for `channel`, whose provider `aggregator` is; at once for one that hands out
  // none. After a request that found no answer there is a pause, longer and longer. Both arguments
  // outlive the call.
  boost::asio::awaitable<SignedIn> see_to(const config::SendingChannel& channel,
                                          const aggregators::Aggregator& aggregator,
                                          std::chrono::sys_seconds now);

  // The provider has taken a token with a text, or refused the one of this number, which is then
  // forgotten. True if another may do better: the one before was taken.
  void taken(const config::SendingChannel& channel);
  bool refused(const config::SendingChannel& channel, std::uint64_t number);

 private:
  struct OfChannel {
    crypto::Digest asked{};  // the request for it: another account's token is not ours
    crypto::WipedBuffer token;
    std::uint64_t number = 0;
    std::chrono::sys_seconds until{};
    std::chrono::sys_seconds not_before{};  // the next request
    std::chrono::seconds pause{};
    SignedIn::State last = SignedIn::State::later;  // what the last request came to
    bool asking = false;
    bool one_refused = false;  // since a token was last taken
  };

  boost::asio::awaitable<SignedIn::State> ask(OfChannel& held, aggregators::Posting posting,
                                              const aggregators::Aggregator& aggregator,
                                              std::chrono::sys_seconds now);

  boost::asio::steady_timer answered_;
  std::map<std::uint8_t, OfChannel> channels_;
};

}  // namespace ishara::relay
