#pragma once
// The gateway's side of the relay's socket (privacy.md section 3). The relay knows which report a
// number or a ref belongs to and draws refs; it is asked, and never trusted with a key. When it is
// away, slow or over a limit, that is an answer like another: nothing waits for it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <memory>

#include "gateway/identity/relay_wire.hpp"

namespace ishara::intake {

// What the main path asks; its tests give a fake.
class Relay {
 public:
  virtual ~Relay() = default;
  // The answer to this request, or one whose status says why there is none. Its body is of the
  // request's op if, and only if, the status is `done`.
  virtual boost::asio::awaitable<identity::RelayAnswer> ask(identity::RelayRequest request) = 0;
};

// One connection, made in the background and made again after a loss.
//
// Threads: every call and the destructor on the one thread of `executor`. Destroying it answers
// nobody: let those who ask end first.
class RelayClient final : public Relay {
 public:
  struct Settings {
    std::filesystem::path socket;
    std::chrono::milliseconds patience{500};       // of whoever asks; the relay itself takes 2 ms
    std::chrono::milliseconds shortest_pause{50};  // before the next attempt to connect
    std::chrono::milliseconds longest_pause{2'000};
    std::size_t most_waiting = 4'096;  // answers; more are not asked for
  };
  RelayClient(boost::asio::any_io_executor executor, Settings settings);
  ~RelayClient() override;
  RelayClient(const RelayClient&) = delete;
  RelayClient& operator=(const RelayClient&) = delete;

  boost::asio::awaitable<identity::RelayAnswer> ask(identity::RelayRequest request) override;
  bool connected() const noexcept;

 private:
  class Work;
  std::shared_ptr<Work> work_;
};

}  // namespace ishara::intake
