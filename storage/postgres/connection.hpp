#pragma once
// A libpq connection inside an io_context: nothing here blocks. Only what the batch writer and the
// listener need; everybody else uses session.hpp.
//
// Threads: everything on the executor's one thread; one operation at a time. `close` may be called
// while an operation waits: the operation then fails.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/errc.hpp"

struct pg_conn;
struct pg_result;

namespace ishara::storage::postgres {

namespace asio = boost::asio;

struct Clear {
  void operator()(pg_result* answer) const noexcept;
};
using Answer = std::unique_ptr<pg_result, Clear>;

class Connection {
 public:
  using Deadline = asio::steady_timer::time_point;

  explicit Connection(const asio::any_io_executor& executor);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Makes a new connection, closing an old one; `url` as connection_string() gives it. Name look-up
  // blocks, so give a socket folder or an address.
  asio::awaitable<bool> open(const std::string& url, Deadline deadline);
  bool is_open() const noexcept { return connection_ != nullptr; }
  void close() noexcept;

  // The three return when the server is ready again, that is after COMMIT. An error `unavailable`
  // may mean that it committed without our hearing of it.
  asio::awaitable<result<Answer>> run(const std::string& sql, Deadline deadline);
  asio::awaitable<result<Answer>> prepare(const char* name, const char* sql, Deadline deadline);
  // Binary parameters in, binary columns out.
  asio::awaitable<result<Answer>> run_prepared(const char* name,
                                               std::span<const std::vector<char>> parameters,
                                               Deadline deadline);

  // Waits, with nothing under way, until the server says something or `waker` ends. False: the
  // connection is lost and closed.
  asio::awaitable<bool> idle(asio::steady_timer& waker);
  // The next notification that has arrived; channel empty: none.
  struct Notification {
    std::string channel;
    std::string payload;
  };
  Notification next_notification();

 private:
  // Waits for the socket; false if the deadline passed or the connection was closed.
  asio::awaitable<bool> ready(asio::posix::stream_descriptor::wait_type what, Deadline deadline);
  asio::awaitable<result<Answer>> finish(bool sent, Deadline deadline);
  bool watch();

  pg_conn* connection_ = nullptr;
  asio::posix::stream_descriptor socket_;  // a duplicate: libpq opens and closes its own
  asio::steady_timer timer_;
};

}  // namespace ishara::storage::postgres
