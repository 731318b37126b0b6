#pragma once
// What the relay's service asks of the part that keeps and sends replies.
//
// Threads: all calls on the service's one thread. A call that is no coroutine returns at once and
// does its work later.

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/relay_wire.hpp"
#include "gateway/identity/text.hpp"
#include "storage/errc.hpp"

namespace ishara::relay {

class Replies {
 public:
  virtual ~Replies() = default;

  // PULL: the reply that waits under a ref of this kind for this report; empty if none does. An
  // unverified ref gets only what was released for it.
  virtual boost::asio::awaitable<storage::result<identity::Text>> pull(crypto::Id report_id,
                                                                       identity::RefKind kind) = 0;
  // ACK: one fixed template to a phone, within the limits of gate.hpp.
  virtual void acknowledge(identity::SendTemplate message) = 0;
  // DLR.
  virtual void delivered(identity::Delivery delivery) = 0;
  // WINDOW.
  virtual void open_window(identity::OpenWindow window) = 0;
  // END: the number of these reports is gone; nothing more is sent for them.
  virtual void ended(std::vector<crypto::Id> reports) = 0;
};

}  // namespace ishara::relay
