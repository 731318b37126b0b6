#include "storage/listener.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "storage/postgres/connection.hpp"
#include "storage/postgres/translate.hpp"

namespace ishara::storage {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

class Listener::Work : public std::enable_shared_from_this<Work> {
 public:
  Work(const asio::any_io_executor& executor, const std::string& url,
       std::vector<std::string> channels, std::function<void()> connected,
       std::function<void(std::string_view, std::string_view)> heard)
      : url_{postgres::connection_string(url, {})},
        connection_{executor},
        waker_{executor},
        connected_{std::move(connected)},
        heard_{std::move(heard)} {
    for (const auto& channel : channels) listen_ += "LISTEN " + channel + ";";
  }

  void start() {
    asio::co_spawn(waker_.get_executor(), listen(shared_from_this()), [](std::exception_ptr bug) {
      if (bug) std::rethrow_exception(bug);
    });
  }
  void stop() {
    stopped_ = true;
    connection_.close();
    waker_.cancel();
  }

 private:
  // The argument keeps this alive for as long as the coroutine lives.
  asio::awaitable<void> listen(std::shared_ptr<Work>) {
    constexpr std::chrono::milliseconds shortest{50}, longest{2000};
    auto pause = shortest;
    while (!stopped_) {
      const auto deadline = Clock::now() + std::chrono::seconds{5};
      bool good = co_await connection_.open(url_, deadline);
      if (good && !stopped_) {
        const auto listening = co_await connection_.run(listen_, deadline);
        good = listening.has_value();
      }
      if (good && !stopped_) {
        pause = shortest;
        connected_();
        co_await hear();
      }
      if (stopped_) break;
      waker_.expires_after(pause);
      pause = std::min(2 * pause, longest);
      co_await waker_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  asio::awaitable<void> hear() {
    // Never ends by itself: `stop` closes the socket, which ends the wait.
    waker_.expires_at(Clock::time_point::max());
    while (!stopped_ && connection_.is_open()) {
      const auto said = connection_.next_notification();
      if (said.channel.empty())
        co_await connection_.idle(waker_);
      else
        heard_(said.channel, said.payload);
    }
  }

  std::string url_;
  std::string listen_;
  postgres::Connection connection_;
  asio::steady_timer waker_;
  std::function<void()> connected_;
  std::function<void(std::string_view, std::string_view)> heard_;
  bool stopped_ = false;
};

Listener::Listener(asio::any_io_executor executor, std::string url,
                   std::vector<std::string> channels, std::function<void()> connected,
                   std::function<void(std::string_view, std::string_view)> heard)
    : work_{std::make_shared<Work>(executor, url, std::move(channels), std::move(connected),
                                   std::move(heard))} {
  work_->start();
}

Listener::~Listener() { work_->stop(); }

}  // namespace ishara::storage
