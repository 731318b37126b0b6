#pragma once
// The relay's socket: a UNIX SOCK_SEQPACKET, open to processes of configured users alone
// (privacy.md section 3). It reads packets, has them answered, and sees to it that the answers
// which could tell a hit from a miss leave a fixed time after their request. What is no request
// ends the connection without a word.
//
// Threads: the executor's one thread. The executor's context outlives the server.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "gateway/identity/relay_wire.hpp"

namespace ishara::relay {

namespace asio = boost::asio;

// RESOLVE, REF and OWNER leave at this time after the request; what takes longer, at the next
// multiple of it.
inline constexpr std::chrono::milliseconds answer_step{2};
// A connection with so many requests in hand is not read until one of them is answered.
inline constexpr std::uint32_t most_in_hand = 4096;

struct Reply {
  identity::RelayStatus status = identity::RelayStatus::done;
  identity::RelayBody body;
};

class Server {
 public:
  // Answers one request; many may be under way at once.
  using Handler = std::function<asio::awaitable<Reply>(identity::RelayRequest request)>;

  struct Settings {
    std::filesystem::path socket;
    std::vector<std::uint32_t> users;  // uids that may connect; empty: the process's own
  };

  Server(asio::any_io_executor executor, Settings settings, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens; the socket's mode is 0660. Throws boost::system::system_error if the path cannot be
  // bound, and address_in_use if another process listens there.
  void start();
  // Takes nothing new, answers what is in hand for at most this long, removes the socket.
  asio::awaitable<void> stop(std::chrono::milliseconds limit);
  std::uint32_t connections() const noexcept;
  std::uint64_t refused_peers() const noexcept;  // since the start

 private:
  class Work;
  std::shared_ptr<Work> work_;
};

}  // namespace ishara::relay
