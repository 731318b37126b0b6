#include "gateway/relay/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/seq_packet_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <exception>
#include <set>
#include <utility>

namespace ishara::relay {
namespace {

using Protocol = asio::generic::seq_packet_protocol;
using Socket = Protocol::socket;
using Acceptor = asio::basic_socket_acceptor<Protocol>;
using boost::system::error_code;
using boost::system::system_error;

constexpr std::chrono::milliseconds pause_without_descriptors{100};

bool has_fixed_time(const identity::RelayRequest& request) {
  switch (identity::op_of(request)) {
    case identity::RelayOp::resolve:
    case identity::RelayOp::ref:
    case identity::RelayOp::owner:
      return true;
    default:
      return false;
  }
}

void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

// One connection. It lives as long as its reading coroutine and every answer under way.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, const Server::Handler& handler)
      : socket_{std::move(socket)}, handler_{handler}, room_{socket_.get_executor()} {}

  asio::awaitable<void> read() {
    const auto self = shared_from_this();
    // One byte more than the longest packet, so that a longer one shows.
    crypto::WipedBytes packet(identity::longest_request + 1);
    while (!stopping_) {
      asio::socket_base::message_flags flags = 0;
      const auto buffer = asio::buffer(packet);
      const auto [error, size] =
          co_await socket_.async_receive(buffer, flags, asio::as_tuple(asio::use_awaitable));
      if (error || size == 0) break;
      auto call = identity::decode_request(crypto::View{packet}.first(size));
      crypto::wipe(packet.data(), size);
      if (!call) break;
      ++in_hand_;
      asio::co_spawn(socket_.get_executor(), answer(std::move(*call)), rethrow);
      while (in_hand_ >= most_in_hand && !stopping_) co_await wait();
    }
    while (in_hand_ > 0) co_await wait();
    close();
  }

  // No more requests; what is in hand is answered.
  void stop() {
    stopping_ = true;
    error_code ignored;
    socket_.shutdown(Socket::shutdown_receive, ignored);
    room_.cancel();
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::awaitable<void> answer(identity::RelayCall call) {
    const auto self = shared_from_this();
    const auto came = std::chrono::steady_clock::now();
    const auto op = identity::op_of(call.request);
    const bool fixed_time = has_fixed_time(call.request);
    auto reply = co_await handler_(std::move(call.request));
    const identity::RelayAnswer whole{call.call, op, reply.status, std::move(reply.body)};
    const auto packet = identity::encode_answer(whole);
    error_code ignored;
    if (fixed_time) {
      const auto steps = (std::chrono::steady_clock::now() - came) / answer_step + 1;
      asio::steady_timer timer{socket_.get_executor(), came + steps * answer_step};
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    const auto buffer = asio::buffer(packet);
    co_await socket_.async_send(buffer, asio::socket_base::message_flags{},
                                asio::redirect_error(asio::use_awaitable, ignored));
    --in_hand_;
    room_.cancel();
  }

  // Until an answer has left.
  asio::awaitable<void> wait() {
    room_.expires_at(asio::steady_timer::time_point::max());
    error_code ignored;
    co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  Socket socket_;
  const Server::Handler& handler_;
  asio::steady_timer room_;
  std::uint32_t in_hand_ = 0;
  bool stopping_ = false;
};

class Server::Work : public std::enable_shared_from_this<Work> {
 public:
  Work(asio::any_io_executor executor, Settings settings, Handler handler)
      : settings_{std::move(settings)},
        handler_{std::move(handler)},
        acceptor_{executor},
        pause_{executor},
        idle_{executor} {
    if (settings_.users.empty()) settings_.users.push_back(::geteuid());
  }

  void start() {
    const asio::local::stream_protocol::endpoint path{settings_.socket.string()};
    const Protocol::endpoint endpoint{path};
    remove_what_nobody_listens_on(endpoint);
    acceptor_.open(Protocol{AF_UNIX, 0});
    // Nobody else may connect before the mode is set.
    if (::fchmod(acceptor_.native_handle(), 0600) != 0) throw_errno();
    acceptor_.bind(endpoint);
    if (::chmod(settings_.socket.c_str(), 0660) != 0) throw_errno();
    acceptor_.listen();
    asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), rethrow);
  }

  asio::awaitable<void> stop(std::chrono::milliseconds limit) {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    ::unlink(settings_.socket.c_str());
    for (auto* session : sessions_) session->stop();
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!sessions_.empty() && std::chrono::steady_clock::now() < deadline) {
      idle_.expires_at(deadline);
      co_await idle_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    for (auto* session : sessions_) session->close();
  }

  std::uint32_t connections() const { return static_cast<std::uint32_t>(sessions_.size()); }
  std::uint64_t refused_peers() const { return refused_peers_; }

 private:
  [[noreturn]] static void throw_errno() {
    throw system_error{{errno, boost::system::system_category()}};
  }

  void remove_what_nobody_listens_on(const Protocol::endpoint& endpoint) {
    Socket probe{acceptor_.get_executor()};
    probe.open(Protocol{AF_UNIX, 0});
    error_code error;
    probe.connect(endpoint, error);
    if (!error) throw system_error{asio::error::address_in_use};
    if (error == boost::system::errc::connection_refused) ::unlink(settings_.socket.c_str());
  }

  bool may_connect(Socket& socket) const {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           std::ranges::find(settings_.users, peer.uid) != settings_.users.end();
  }

  // `self` keeps the work alive while the coroutine waits.
  asio::awaitable<void> accept(std::shared_ptr<Work> self) {
    while (!stopping_) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (stopping_) break;
      if (error) {
        pause_.expires_after(pause_without_descriptors);
        error_code ignored;
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        continue;
      }
      if (!may_connect(socket)) {
        ++refused_peers_;
        continue;
      }
      asio::co_spawn(acceptor_.get_executor(), serve(self, std::move(socket)), rethrow);
    }
  }

  asio::awaitable<void> serve([[maybe_unused]] std::shared_ptr<Work> self, Socket socket) {
    const auto session = std::make_shared<Session>(std::move(socket), handler_);
    sessions_.insert(session.get());
    co_await session->read();
    sessions_.erase(session.get());
    idle_.cancel();
  }

  Settings settings_;
  Handler handler_;
  Acceptor acceptor_;
  asio::steady_timer pause_;
  asio::steady_timer idle_;
  std::set<Session*> sessions_;
  std::uint64_t refused_peers_ = 0;
  bool stopping_ = false;
};

Server::Server(asio::any_io_executor executor, Settings settings, Handler handler)
    : work_{std::make_shared<Work>(std::move(executor), std::move(settings), std::move(handler))} {}
Server::~Server() = default;
void Server::start() { work_->start(); }
asio::awaitable<void> Server::stop(std::chrono::milliseconds limit) { return work_->stop(limit); }
std::uint32_t Server::connections() const noexcept { return work_->connections(); }
std::uint64_t Server::refused_peers() const noexcept { return work_->refused_peers(); }

}  // namespace ishara::relay
