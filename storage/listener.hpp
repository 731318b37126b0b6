#pragma once
// Hears NOTIFY on some channels: "routing" for gateways (payload: the version of the tables that
// were activated, in decimal; empty: a roster was put), "queue" for desks (payload: queue id in
// lower-case hex), "owner" for both (payload: the report of which a statement was stored). After
// "routing" read the tables and the rosters anew.
//
// Threads: everything on the one thread (or strand) of `executor`, whose context outlives the
// listener. Connects in the background, again after each loss. No call-back runs after the
// destructor.

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ishara::storage {

class Listener {
 public:
  // `channels` are plain SQL names. `connected` runs after each connect, when the channels are
  // being heard: what was said before is lost, so read the present state then. `heard` takes
  // channel and payload, both valid during the call only.
  Listener(boost::asio::any_io_executor executor, std::string url,
           std::vector<std::string> channels, std::function<void()> connected,
           std::function<void(std::string_view channel, std::string_view payload)> heard);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  class Work;
  std::shared_ptr<Work> work_;
};

}  // namespace ishara::storage
