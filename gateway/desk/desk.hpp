#pragma once
// The desk's API: takes a request, answers it. What every call needs is done here once, in this
// order: match the table, check the signature, the role, the condition, the repeat and the fetch
// limit, then run the handler where it may block. The desk hands out ciphertext only; it holds no
// key that opens anything. `GET /healthz` (it listens) and `GET /readyz` (rosters are verified, and
// the store gave them when it was last asked) are answered to anyone.
//
// Thread rule: one thread; handlers run where `Runner` takes them, and share nothing with it.

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/desk/endpoints.hpp"
#include "gateway/desk/limits.hpp"
#include "gateway/desk/signature.hpp"

namespace ishara::desk {

// Calls the function with storage at hand, on a thread that may block, and resumes the coroutine on
// its own.
using Runner = std::function<boost::asio::awaitable<Answer>(std::function<Answer(Cases&)>)>;

class Desk {
 public:
  // `unix_time` is the clock; `proxies` stand between callers and the desk.
  Desk(Runner run, std::function<std::uint64_t()> unix_time,
       std::vector<config::IpAddress> proxies = {});

  // From now on this says who may do what; until the first one every signed call is answered 503.
  void use(std::shared_ptr<const identity::Directory> directory) {
    directory_ = std::move(directory);
    ready_ = true;
  }
  // The rosters could not be read again. The last ones still count, but `GET /readyz` is answered
  // 503 until `use` is called.
  void lose_rosters() noexcept { ready_ = false; }
  const std::shared_ptr<const identity::Directory>& directory() const noexcept {
    return directory_;
  }

  // How many signatures were refused since this was last asked.
  std::uint64_t take_refused() noexcept { return std::exchange(refused_, 0); }

  boost::asio::awaitable<http::Response> answer(http::Request request);

 private:
  std::optional<http::Response> refuse(const Endpoint& endpoint, const http::Request& request,
                                       Call& call);
  boost::asio::awaitable<Answer> work(const Endpoint& endpoint, Call call);
  boost::asio::awaitable<void> ring(std::uint64_t now, std::string detail);

  const Runner run_;
  const std::function<std::uint64_t()> unix_time_;
  const std::vector<config::IpAddress> proxies_;
  std::shared_ptr<const identity::Directory> directory_;
  bool ready_ = false;
  NonceMemory nonces_;
  FetchLimit fetches_;
  TrialAlarm codes_;
  TrialAlarm signatures_;
  std::uint64_t refused_ = 0;
  Repeats repeats_;
};

// Reads the stored rosters and verifies them against the pinned root key. roster_errc if they do
// not hold, older_version if they go back behind `known` (which may be null); storage::errc if they
// cannot be read.
boost::system::result<std::shared_ptr<const identity::Directory>> read_directory(
    Cases& cases, const crypto::PublicKey& root_key, const identity::Directory* known);

}  // namespace ishara::desk
