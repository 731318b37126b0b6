#pragma once
// Runs blocking work on a pool thread and resumes the coroutine on its own executor.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace ishara::storage {

// Returns what `work()` returns (default-constructible: Boost 1.81 needs that). The pool outlives
// the call. The empty slot matters: without it `offload(...) || timer` would cancel across threads
// and abort. Such a race still waits for the work, so bound the work itself by timeouts.
template <class F>
auto offload(boost::asio::thread_pool& pool, F work)
    -> boost::asio::awaitable<std::invoke_result_t<F&>> {
  auto job = [work =
                  std::move(work)]() mutable -> boost::asio::awaitable<std::invoke_result_t<F&>> {
    co_return work();
  };
  co_return co_await boost::asio::co_spawn(
      pool, std::move(job),
      boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot{},
                                          boost::asio::use_awaitable));
}

}  // namespace ishara::storage
