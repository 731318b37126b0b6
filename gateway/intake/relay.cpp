#include "gateway/intake/relay.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/seq_packet_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unordered_map>
#include <utility>

#include "gateway/log/log.hpp"

namespace ishara::intake {

namespace asio = boost::asio;
using boost::system::error_code;
using identity::RelayAnswer;
using identity::RelayOp;
using identity::RelayStatus;
using std::chrono::steady_clock;

namespace {

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_value{};

// A relay that says "too many" is not asked about numbers again in this time: in a flood every
// question would cost two packets and learn nothing.
constexpr std::chrono::seconds respite{1};

RelayAnswer no_answer(RelayOp op, RelayStatus why) {
  RelayAnswer out;
  out.op = op;
  out.status = why;
  return out;
}

}  // namespace

class RelayClient::Work : public std::enable_shared_from_this<Work> {
 public:
  Work(const asio::any_io_executor& executor, Settings settings)
      : settings_{std::move(settings)}, socket_{executor}, pause_{executor} {}

  void start() {
    asio::co_spawn(socket_.get_executor(), stay_connected(shared_from_this()),
                   [](std::exception_ptr failure) {
                     if (failure) std::rethrow_exception(failure);
                   });
  }

  void stop() {
    stopping_ = true;
    error_code ignored;
    socket_.close(ignored);
    pause_.cancel();
  }

  bool connected() const noexcept { return connected_; }

  asio::awaitable<RelayAnswer> ask(identity::RelayRequest request) {
    const auto op = identity::op_of(request);
    const auto now = steady_clock::now();
    if (!connected_) co_return no_answer(op, RelayStatus::away);
    if (waiting_.size() >= settings_.most_waiting ||
        (op == RelayOp::resolve && now < respite_until_))
      co_return no_answer(op, RelayStatus::limited);

    const auto call = ++last_call_;
    error_code error;
    {
      // One packet is taken whole or not at all; a socket that takes none belongs to a relay that
      // does not read. Request and packet hold the number, and are gone before anything waits.
      const auto sent = std::move(request);
      const auto packet = identity::encode_request(call, sent);
      socket_.send(asio::buffer(packet), 0, error);
    }
    if (error) co_return no_answer(op, RelayStatus::away);

    auto waiter = std::make_shared<Waiter>(socket_.get_executor(), op);
    waiter->timer.expires_after(settings_.patience);
    waiting_.emplace(call, waiter);
    co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    waiting_.erase(call);
    if (op == RelayOp::resolve && waiter->answer.status == RelayStatus::limited)
      respite_until_ = steady_clock::now() + respite;
    co_return std::move(waiter->answer);
  }

 private:
  using Protocol = asio::generic::seq_packet_protocol;

  struct Waiter {
    Waiter(const Protocol::socket::executor_type& executor, RelayOp op)
        : timer{executor}, answer{no_answer(op, RelayStatus::away)} {}
    asio::steady_timer timer;
    RelayAnswer answer;
  };

  // The unnamed argument keeps this alive until the end.
  asio::awaitable<void> stay_connected(std::shared_ptr<Work>) {
    auto pause = settings_.shortest_pause;
    while (!stopping_) {
      const auto error = co_await connect();
      if (!error) {
        connected_ = true;
        log::write<log::Event::relay_connected>();
        pause = settings_.shortest_pause;
        co_await read();
        connected_ = false;
        if (!stopping_) log::write<log::Event::relay_lost>();
        for (const auto& [call, waiter] : waiting_) waiter->timer.cancel();
      }
      if (stopping_) break;
      pause_.expires_after(pause);
      pause = std::min(2 * pause, settings_.longest_pause);
      error_code cancelled;
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
  }

  asio::awaitable<error_code> connect() {
    error_code error;
    socket_.close(error);
    const auto path = settings_.socket.string();
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
      co_return make_error_code(boost::system::errc::filename_too_long);
    const asio::local::stream_protocol::endpoint address{path};
    socket_.open(Protocol{AF_UNIX, 0}, error);
    if (error) co_return error;
    const Protocol::endpoint endpoint{address.data(), address.size()};
    const auto [failed] = co_await socket_.async_connect(endpoint, as_value);
    if (failed) co_return failed;
    socket_.non_blocking(true, error);
    co_return error;
  }

  // Until the connection ends. A relay that sends nonsense is a broken one: hang up.
  asio::awaitable<void> read() {
    std::array<std::uint8_t, identity::longest_answer + 1> packet;
    for (;;) {
      asio::socket_base::message_flags flags = 0;
      const auto buffer = asio::buffer(packet);
      const auto [error, size] = co_await socket_.async_receive(buffer, flags, as_value);
      if (error || size == 0) break;
      auto answer = identity::decode_answer(crypto::View{packet.data(), size});
      crypto::wipe(packet.data(), size);
      if (!answer) break;
      // One that nobody waits for any more came too late.
      const auto found = waiting_.find(answer->call);
      if (found == waiting_.end()) continue;
      if (found->second->answer.op != answer->op) break;
      found->second->answer = std::move(*answer);
      found->second->timer.cancel();
    }
  }

  Settings settings_;
  Protocol::socket socket_;
  asio::steady_timer pause_;
  std::unordered_map<std::uint32_t, std::shared_ptr<Waiter>> waiting_;
  std::uint32_t last_call_ = 0;
  steady_clock::time_point respite_until_{};
  bool connected_ = false;
  bool stopping_ = false;
};

RelayClient::RelayClient(asio::any_io_executor executor, Settings settings)
    : work_{std::make_shared<Work>(executor, std::move(settings))} {
  work_->start();
}
RelayClient::~RelayClient() { work_->stop(); }
asio::awaitable<RelayAnswer> RelayClient::ask(identity::RelayRequest request) {
  return work_->ask(std::move(request));
}
bool RelayClient::connected() const noexcept { return work_->connected(); }

}  // namespace ishara::intake
