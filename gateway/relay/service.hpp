#pragma once
// The relay role: the socket, the keys of the weeks, the inbox that fills the threads, and the
// sweep that empties them. It is the only process that can open an address.
//
// Thread rule: one thread runs the io_context; the workbench's threads do what blocks.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "gateway/config/config.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/relay/replies.hpp"
#include "gateway/relay/workbench.hpp"

namespace ishara::relay {

struct Keys {
  crypto::SigningKey signing;  // announces epochs, signs withdrawals
  crypto::Secret<32> host;     // wraps the epoch files
};

class Service {
 public:
  // Makes the part that keeps and sends replies; the workbench outlives it.
  using MakeReplies = std::function<std::unique_ptr<Replies>(Workbench& bench)>;

  // `config` outlives this. Without replies nothing ever waits for a ref and nothing is sent.
  // Throws boost::system::system_error if an epoch file is not as it must be.
  Service(boost::asio::io_context& context, const config::Config& config, Keys keys,
          MakeReplies make_replies = {}, Workbench::Clock clock = {});
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Listens. Throws boost::system::system_error if the socket cannot be bound. When the relay is
  // stopped in an emergency (panic.hpp) it has forgotten and destroyed every key of a week before
  // it calls `on_panic`, once, after which nothing of it is to be used.
  void start(std::function<void()> on_panic = {});
  // Answers what was asked and returns; `start` was called before.
  boost::asio::awaitable<void> stop();
  // Takes up rosters that came since it last looked, which it does every few seconds by itself.
  boost::asio::awaitable<void> read_rosters();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace ishara::relay
