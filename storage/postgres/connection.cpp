#include "storage/postgres/connection.hpp"

#include <libpq-fe.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "storage/postgres/translate.hpp"

namespace ishara::storage::postgres {

using asio::experimental::awaitable_operators::operator||;
using Socket = asio::posix::stream_descriptor;
constexpr auto quiet = asio::as_tuple(asio::use_awaitable);

void Clear::operator()(pg_result* answer) const noexcept { PQclear(answer); }

Connection::Connection(const asio::any_io_executor& executor)
    : socket_{executor}, timer_{executor} {}
Connection::~Connection() { close(); }

void Connection::close() noexcept {
  // Ours first: once libpq has closed its own, the kernel may give that number to somebody else.
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  PQfinish(connection_);
  connection_ = nullptr;
}

// libpq may change its socket while it connects; a duplicate is ours to watch and to close.
bool Connection::watch() {
  boost::system::error_code failed;
  socket_.close(failed);
  const int copy = ::dup(PQsocket(connection_));
  if (copy < 0) return false;
  socket_.assign(copy, failed);
  if (failed) ::close(copy);
  return !failed;
}

asio::awaitable<bool> Connection::ready(Socket::wait_type what, Deadline deadline) {
  timer_.expires_at(deadline);
  const auto first = co_await (socket_.async_wait(what, quiet) || timer_.async_wait(quiet));
  co_return first.index() == 0 && !std::get<0>(std::get<0>(first)) && connection_ != nullptr;
}

asio::awaitable<bool> Connection::open(const std::string& url, Deadline deadline) {
  close();
  connection_ = PQconnectStart(url.c_str());
  if (connection_ == nullptr) co_return false;
  // Notices quote values; the default prints them.
  PQsetNoticeProcessor(
      connection_, [](void*, const char*) {}, nullptr);
  auto state =
      PQstatus(connection_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    bool good = state != PGRES_POLLING_FAILED && watch();
    if (good) {
      const auto what = state == PGRES_POLLING_READING ? Socket::wait_read : Socket::wait_write;
      good = co_await ready(what, deadline);
    }
    if (!good) {
      close();
      co_return false;
    }
    state = PQconnectPoll(connection_);
  }
  if (!watch() || PQsetnonblocking(connection_, 1) != 0) {
    close();
    co_return false;
  }
  co_return true;
}

asio::awaitable<result<Answer>> Connection::run(const std::string& sql, Deadline deadline) {
  co_return co_await finish(connection_ != nullptr && PQsendQuery(connection_, sql.c_str()) == 1,
                            deadline);
}

asio::awaitable<result<Answer>> Connection::prepare(const char* name, const char* sql,
                                                    Deadline deadline) {
  co_return co_await finish(
      connection_ != nullptr && PQsendPrepare(connection_, name, sql, 0, nullptr) == 1, deadline);
}

asio::awaitable<result<Answer>> Connection::run_prepared(
    const char* name, std::span<const std::vector<char>> parameters, Deadline deadline) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const auto& parameter : parameters) {
    values.push_back(parameter.data());
    lengths.push_back(static_cast<int>(parameter.size()));
  }
  const std::vector<int> formats(parameters.size(), 1);
  const bool sent = connection_ != nullptr &&
                    PQsendQueryPrepared(connection_, name, static_cast<int>(values.size()),
                                        values.data(), lengths.data(), formats.data(), 1) == 1;
  co_return co_await finish(sent, deadline);
}

asio::awaitable<result<Answer>> Connection::finish(bool sent, Deadline deadline) {
  const auto lost = [this]() -> result<Answer> {
    close();
    return errc::unavailable;
  };
  if (!sent) co_return lost();
  // The server reads a whole statement before it answers, so there is nothing to read meanwhile.
  for (int left = PQflush(connection_); left != 0; left = PQflush(connection_)) {
    bool good = left > 0;
    if (good) good = co_await ready(Socket::wait_write, deadline);
    if (!good) co_return lost();
  }

  // CommandComplete comes before COMMIT, and COMMIT can still fail: only when the server is ready
  // for the next statement (no further result) has it happened.
  Answer answer;
  errc failed{};
  for (;;) {
    while (PQisBusy(connection_) == 1) {
      const bool good = co_await ready(Socket::wait_read, deadline);
      if (!good || PQconsumeInput(connection_) == 0) co_return lost();
    }
    Answer next{PQgetResult(connection_)};
    if (!next) break;
    const auto status = PQresultStatus(next.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      answer = std::move(next);
    } else if (failed == errc{}) {
      const char* state = PQresultErrorField(next.get(), PG_DIAG_SQLSTATE);
      failed = translate(state == nullptr ? "" : state);
    }
  }
  if (PQstatus(connection_) != CONNECTION_OK) co_return lost();
  if (failed != errc{}) co_return failed;
  if (!answer) co_return lost();
  co_return std::move(answer);
}

asio::awaitable<bool> Connection::idle(asio::steady_timer& waker) {
  const auto first =
      co_await (socket_.async_wait(Socket::wait_read, quiet) || waker.async_wait(quiet));
  if (connection_ == nullptr) co_return false;
  if (first.index() == 0 && PQconsumeInput(connection_) == 0) {
    close();
    co_return false;
  }
  co_return true;
}

Connection::Notification Connection::next_notification() {
  const std::unique_ptr<PGnotify, decltype(&PQfreemem)> notified{PQnotifies(connection_),
                                                                 &PQfreemem};
  if (!notified) return {};
  return {notified->relname, notified->extra};
}

}  // namespace ishara::storage::postgres
