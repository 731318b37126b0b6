#include "gateway/intake/relay.hpp"
#include "tests/support/folder.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ishara::intake {
namespace {

namespace asio = boost::asio;
using identity::RelayOp;
using identity::RelayStatus;

// A relay of one thread: hands every packet to `answer` and sends what comes back.
class StubRelay {
 public:
  using Packets = std::vector<crypto::WipedBytes>;
  using Answer = std::function<Packets(const identity::RelayCall&)>;

  explicit StubRelay(Answer answer) : answer_{std::move(answer)} {}
  ~StubRelay() { stop(); }

  std::filesystem::path path() const { return folder_ / "relay.sock"; }

  void start() {
    listening_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening_, 8) == 0);
    thread_ = std::thread{[this] { serve(); }};
  }

  void stop() {
    if (!thread_.joinable()) return;
    ::shutdown(listening_, SHUT_RDWR);
    if (const int peer = peer_; peer >= 0) ::shutdown(peer, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    std::filesystem::remove(path());
  }

 private:
  void serve() {
    for (;;) {
      const int peer = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      peer_ = peer;
      std::array<std::uint8_t, 128> packet;
      for (;;) {
        const auto size = ::recv(peer, packet.data(), packet.size(), 0);
        if (size <= 0) break;
        const auto call =
            identity::decode_request(crypto::View{packet.data(), static_cast<std::size_t>(size)});
        if (!call) break;
        for (const auto& out : answer_(*call)) ::send(peer, out.data(), out.size(), MSG_NOSIGNAL);
      }
      peer_ = -1;
      ::close(peer);
    }
  }

  Answer answer_;
  tests::Folder folder_;
  int listening_ = -1;
  std::atomic<int> peer_ = -1;
  std::thread thread_;
};

identity::Msisdn number() { return identity::Msisdn::parse("+250788000001", "").value(); }

identity::RelayAnswer fresh(std::uint32_t call, std::uint8_t seed) {
  return {call, RelayOp::fresh, RelayStatus::done,
          identity::FreshAnswer{identity::Ref::from(crypto::Id{seed})}};
}

// The client on its own context. `ask` runs it until the answer is there.
struct Asker {
  asio::io_context context;
  RelayClient client;

  explicit Asker(const std::filesystem::path& path,
                 std::chrono::milliseconds patience = std::chrono::seconds{20})
      : client{context.get_executor(), {.socket = path, .patience = patience}} {}

  asio::awaitable<void> work(identity::RelayRequest request, identity::RelayAnswer& out,
                             int& done) {
    out = co_await client.ask(std::move(request));
    ++done;
  }
  void spawn(identity::RelayRequest request, identity::RelayAnswer& out, int& done) {
    asio::co_spawn(context, work(std::move(request), out, done), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }
  identity::RelayAnswer ask(identity::RelayRequest request) {
    identity::RelayAnswer out;
    int done = 0;
    spawn(std::move(request), out, done);
    while (done == 0) context.run_one();
    return out;
  }
  void connect(bool wanted = true) {
    while (client.connected() != wanted) context.run_one();
  }
};

}  // namespace

TEST_CASE("answers find those who asked, in whatever order they come") {
  std::vector<std::uint32_t> calls;
  StubRelay relay{[&](const identity::RelayCall& call) {
    calls.push_back(call.call);
    StubRelay::Packets out;
    if (calls.size() == 3)
      for (std::uint8_t i = 3; i-- > 0;) out.push_back(encode_answer(fresh(calls[i], i)));
    return out;
  }};
  relay.start();
  Asker asker{relay.path()};
  asker.connect();
  std::array<identity::RelayAnswer, 3> answers;
  int done = 0;
  for (auto& answer : answers) asker.spawn(identity::FreshRef{}, answer, done);
  while (done < 3) asker.context.run_one();
  for (std::uint8_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    REQUIRE(answers[i].status == RelayStatus::done);
    CHECK(std::get<identity::FreshAnswer>(answers[i].body).ref.digits() ==
          identity::Ref::from(crypto::Id{i}).digits());
  }
}

TEST_CASE("without a relay the answer is that it is away, and a relay that comes is found") {
  StubRelay relay{[](const identity::RelayCall& call) {
    return StubRelay::Packets{encode_answer(fresh(call.call, 1))};
  }};
  Asker asker{relay.path()};
  CHECK(asker.ask(identity::FreshRef{}).status == RelayStatus::away);
  relay.start();
  asker.connect();
  CHECK(asker.ask(identity::FreshRef{}).status == RelayStatus::done);

  relay.stop();
  asker.connect(false);
  CHECK(asker.ask(identity::FreshRef{}).status == RelayStatus::away);
  relay.start();
  asker.connect();
  CHECK(asker.ask(identity::FreshRef{}).status == RelayStatus::done);
}

TEST_CASE("a relay that does not answer is away") {
  StubRelay relay{[](const identity::RelayCall&) { return StubRelay::Packets{}; }};
  relay.start();
  Asker asker{relay.path(), std::chrono::milliseconds{5}};
  asker.connect();
  CHECK(asker.ask(identity::FreshRef{}).status == RelayStatus::away);
}

TEST_CASE("a relay that talks nonsense is hung up on") {
  const crypto::WipedBytes nonsense(40, 0xff);
  StubRelay relay{[&](const identity::RelayCall&) { return StubRelay::Packets{nonsense}; }};
  relay.start();
  Asker asker{relay.path()};
  asker.connect();
  CHECK(asker.ask(identity::FreshRef{}).status == RelayStatus::away);
}

TEST_CASE("an answer to another kind of question is nonsense") {
  StubRelay relay{[](const identity::RelayCall& call) {
    return StubRelay::Packets{encode_answer(fresh(call.call, 1))};
  }};
  relay.start();
  Asker asker{relay.path()};
  asker.connect();
  const auto answer = asker.ask(identity::ResolveReport{});
  CHECK(answer.status == RelayStatus::away);
  CHECK(answer.op == RelayOp::owner);
}

TEST_CASE("after a relay says that it is too much, no number is shown to it for a while") {
  int asked = 0;
  StubRelay relay{[&](const identity::RelayCall& call) {
    ++asked;
    return StubRelay::Packets{identity::encode_answer(
        {call.call, identity::op_of(call.request), RelayStatus::limited, identity::PlainAnswer{}})};
  }};
  relay.start();
  Asker asker{relay.path()};
  asker.connect();
  for (int i = 0; i < 3; ++i)
    CHECK(asker.ask(identity::ResolveNumber{number()}).status == RelayStatus::limited);
  CHECK(asker.ask(identity::FreshRef{}).status == RelayStatus::limited);
  relay.stop();
  CHECK(asked == 2);  // the first number, and the ref
}

}  // namespace ishara::intake
