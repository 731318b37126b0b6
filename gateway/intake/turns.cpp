#include "gateway/intake/turns.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ishara::intake {

namespace asio = boost::asio;

asio::awaitable<Turns::Turn> Turns::take(crypto::Id phone) {
  const auto [entry, first] = phones_.try_emplace(phone);
  if (!first) {
    // The timer never ends by itself: whoever passes the turn on cancels it.
    const auto executor = co_await asio::this_coro::executor;
    auto timer =
        std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
    entry->second.push_back(timer);
    boost::system::error_code cancelled;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  co_return Turn{*this, phone};
}

void Turns::pass_on(const crypto::Id& phone) noexcept {
  const auto entry = phones_.find(phone);
  if (entry->second.empty()) {
    phones_.erase(entry);
    return;
  }
  const auto next = std::move(entry->second.front());
  entry->second.pop_front();
  next->cancel();
}

}  // namespace ishara::intake
