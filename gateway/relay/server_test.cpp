#include "gateway/relay/server.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstring>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include "gateway/relay/test_caller.hpp"
#include "tests/support/folder.hpp"

namespace ishara::relay {
namespace {

using namespace std::chrono_literals;

// A relay's socket in a thread of its own, and blocking callers.
class Rig {
 public:
  explicit Rig(std::vector<std::uint32_t> users = {}, Server::Handler handler = answer_at_once) {
    server_.emplace(context_.get_executor(), Server::Settings{path(), std::move(users)},
                    std::move(handler));
    server_->start();
    thread_ = std::thread{[this] { context_.run(); }};
  }
  ~Rig() { stop(); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(context_,
               [this] { asio::co_spawn(context_, server_->stop(2s), [](std::exception_ptr) {}); });
    thread_.join();
  }
  std::filesystem::path path() const { return folder_ / "relay.sock"; }
  // The number of refused peers; the server's thread has to have ended.
  std::uint64_t refused_peers() const { return server_->refused_peers(); }

  static asio::awaitable<Reply> answer_at_once(identity::RelayRequest request) {
    if (std::holds_alternative<identity::ResolveNumber>(request))
      co_return Reply{identity::RelayStatus::done, identity::ThreadAnswer{}};
    if (std::holds_alternative<identity::FreshRef>(request))
      co_return Reply{identity::RelayStatus::limited, {}};
    co_return Reply{};
  }

 private:
  tests::Folder folder_;
  asio::io_context context_{1};
  std::optional<Server> server_;
  std::thread thread_;
};

identity::ResolveNumber resolve() { return {identity::Msisdn::of_digits("250788000001").value()}; }

}  // namespace

TEST_CASE("the socket answers, and is closed to everybody but its user and group") {
  Rig rig;
  struct stat status {};
  REQUIRE(::stat(rig.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0660);
  const Caller caller{rig.path()};
  REQUIRE(caller.connected());
  caller.ask(7, identity::OpenWindow{resolve().number.reveal([](auto digits) {
                                       return identity::Msisdn::of_digits(digits).value();
                                     }),
                                     15});
  const auto answer = caller.hear();
  REQUIRE(answer.has_value());
  CHECK(answer->call == 7);
  CHECK(answer->op == identity::RelayOp::window);
  rig.stop();
  CHECK_FALSE(std::filesystem::exists(rig.path()));
}

TEST_CASE("a process of another user is disconnected before it has said anything") {
  Rig rig{{::geteuid() + 1}};
  const Caller caller{rig.path()};
  caller.ask(1, identity::FreshRef{});
  CHECK_FALSE(caller.hear().has_value());
  rig.stop();
  CHECK(rig.refused_peers() == 1);
}

TEST_CASE("what is no request ends the connection without a word") {
  const auto good = identity::encode_request(1, identity::FreshRef{});
  auto wrong_version = good;
  wrong_version[0] = 9;
  auto no_such_op = good;
  no_such_op[1] = 77;
  auto too_long = good;
  too_long.resize(5000);
  const crypto::WipedBytes rows[]{wrong_version, no_such_op, too_long,
                                  crypto::WipedBytes(good.begin(), good.end() - 1),
                                  crypto::WipedBytes(1)};
  Rig rig;
  for (const auto& row : rows) {
    CAPTURE(row.size());
    const Caller caller{rig.path()};
    caller.ask(1, identity::FreshRef{});
    CHECK(caller.hear().has_value());
    caller.send(row);
    CHECK_FALSE(caller.hear().has_value());
  }
  // Others do not notice.
  const Caller caller{rig.path()};
  caller.ask(1, identity::FreshRef{});
  CHECK(caller.hear().has_value());
}

TEST_CASE("many requests are in hand at once, and each answer finds its request") {
  Rig rig;
  const Caller caller{rig.path()};
  constexpr std::uint32_t many = 200;
  for (std::uint32_t call = 0; call < many; ++call)
    if (call % 2 == 0)
      caller.ask(call, resolve());
    else
      caller.ask(call, identity::FreshRef{});
  std::array<bool, many> heard{};
  for (std::uint32_t i = 0; i < many; ++i) {
    const auto answer = caller.hear();
    REQUIRE(answer.has_value());
    REQUIRE(answer->call < many);
    CHECK_FALSE(heard[answer->call]);
    heard[answer->call] = true;
    CHECK(answer->op ==
          (answer->call % 2 == 0 ? identity::RelayOp::resolve : identity::RelayOp::fresh));
  }
}

TEST_CASE("what could tell a hit from a miss leaves at a multiple of the step, the rest at once") {
  // The clock of the caller is enough to see that nothing leaves early.
  Rig rig;
  const Caller caller{rig.path()};
  for (int i = 0; i < 20; ++i) {
    const auto asked = std::chrono::steady_clock::now();
    caller.ask(1, resolve());
    REQUIRE(caller.hear().has_value());
    CHECK(std::chrono::steady_clock::now() - asked >= answer_step);
  }
}

TEST_CASE("stopping answers what is in hand") {
  std::promise<void> both_in_hand;
  int in_hand = 0;
  const auto slow = [&](identity::RelayRequest) -> asio::awaitable<Reply> {
    if (++in_hand == 2) both_in_hand.set_value();
    asio::steady_timer timer{co_await asio::this_coro::executor, 50ms};
    co_await timer.async_wait(asio::use_awaitable);
    co_return Reply{identity::RelayStatus::away, {}};
  };
  Rig rig{{}, slow};
  const Caller caller{rig.path()};
  caller.ask(1, identity::FreshRef{});
  caller.ask(2, identity::FreshRef{});
  both_in_hand.get_future().wait();
  rig.stop();
  CHECK(caller.hear().has_value());
  CHECK(caller.hear().has_value());
  CHECK_FALSE(caller.hear().has_value());
}

TEST_CASE("two relays do not share a socket, and a dead one leaves it to the next") {
  Rig rig;
  asio::io_context context;
  Server second{context.get_executor(), {rig.path(), {}}, Rig::answer_at_once};
  CHECK_THROWS_AS(second.start(), boost::system::system_error);
  const Caller caller{rig.path()};
  caller.ask(1, identity::FreshRef{});
  CHECK(caller.hear().has_value());

  // What a killed relay leaves behind: a name that nobody listens on.
  const auto stale = rig.path().string() + "2";
  const int dead = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, stale.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(dead);
  Server third{context.get_executor(), {stale, {}}, Rig::answer_at_once};
  CHECK_NOTHROW(third.start());
}

}  // namespace ishara::relay
