#pragma once
// A few threads that may block, each with a database connection of its own.
//
// Threads: `call` from any executor; the coroutine resumes there. The destructor waits for work
// that has started, which the store's timeouts bound; no `call` may be pending then.

#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cstddef>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/offload.hpp"
#include "storage/store.hpp"

namespace ishara::storage {

template <class Store>
class BasicStorePool {
 public:
  BasicStorePool(const std::string& url, std::size_t threads) : threads_{threads} {
    for (std::size_t i = 0; i < threads; ++i) idle_.push_back(std::make_unique<Store>(url));
  }
  ~BasicStorePool() { threads_.join(); }
  BasicStorePool(const BasicStorePool&) = delete;
  BasicStorePool& operator=(const BasicStorePool&) = delete;

  // From now on the threads get about a tenth of what others do who want the same processor: for
  // work that may wait for its turn. It cannot be taken back. The kernel may refuse, and then
  // nothing changes.
  void yield_to_others() {
    // Each thread has to do it for itself, so none may come a second time before all have.
    auto all = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(idle_.size()));
    for (std::size_t i = 0; i < idle_.size(); ++i)
      asio::post(threads_, [all] {
        (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
        all->arrive_and_wait();
      });
  }

  // co_await pool.call([=](blocking::Store& store) { return store.show(report); });
  template <class F>
  auto call(F work) -> asio::awaitable<std::invoke_result_t<F&, Store&>> {
    // The job has a name because g++ destroys such a temporary twice (bug 107288).
    auto job = [this, work = std::move(work)]() mutable {
      const Borrowed borrowed{*this};
      return work(*borrowed.store);
    };
    co_return co_await offload(threads_, std::move(job));
  }

 private:
  // There are as many stores as threads, so one is always free.
  struct Borrowed {
    explicit Borrowed(BasicStorePool& from) : pool{from} {
      const std::scoped_lock lock{pool.mutex_};
      store = std::move(pool.idle_.back());
      pool.idle_.pop_back();
    }
    ~Borrowed() {
      const std::scoped_lock lock{pool.mutex_};
      pool.idle_.push_back(std::move(store));
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    BasicStorePool& pool;
    std::unique_ptr<Store> store;
  };

  std::mutex mutex_;
  std::vector<std::unique_ptr<Store>> idle_;  // guarded by mutex_
  asio::thread_pool threads_;
};

using StorePool = BasicStorePool<blocking::Store>;

}  // namespace ishara::storage
