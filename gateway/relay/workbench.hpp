#pragma once
// Where the relay's blocking work is done: a few threads that look things up, and one that changes
// them, so that what is read for a change still holds when it is written. Each piece of work gets a
// `Threads` with the keys and rosters of this moment.
//
// Threads: everything on the service's one thread; `work` runs on a thread of the pool.

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "gateway/relay/threads.hpp"
#include "storage/store_pool.hpp"

namespace ishara::relay {

namespace asio = boost::asio;

class Workbench {
 public:
  using Clock = std::function<Seconds()>;

  // `url` of the role ishara_relay. Connects when it is first used.
  Workbench(const std::string& url, Clock clock)
      : clock_{std::move(clock)}, readers_{url, 2}, writer_{url, 1} {
    // Reading addresses costs as much as taking a text in: a flood is taken in first.
    writer_.yield_to_others();
  }

  Seconds now() const { return clock_(); }
  const std::shared_ptr<const LiveEpochs>& epochs() const noexcept { return epochs_; }
  const std::shared_ptr<const identity::Directory>& directory() const noexcept {
    return directory_;
  }
  void use(std::shared_ptr<const LiveEpochs> epochs) { epochs_ = std::move(epochs); }
  void use(std::shared_ptr<const identity::Directory> directory) {
    directory_ = std::move(directory);
  }
  // What rang since the last call.
  Alarms take_alarms() { return std::exchange(alarms_, {}); }

  // `work(Threads&, storage::blocking::RelayStore&)` returns a storage::result of something
  // default-constructible, or of void; `unavailable` before there are keys and rosters.
  template <class F>
  auto look_up(F work) {
    return run(readers_, std::move(work));
  }
  // The same for what changes anything.
  template <class F>
  auto change(F work) {
    return run(writer_, std::move(work));
  }
  // Before there are keys and rosters: `work(storage::blocking::RelayStore&)`.
  template <class F>
  auto prepare(F work) {
    return writer_.call(std::move(work));
  }

 private:
  using Pool = storage::BasicStorePool<storage::blocking::RelayStore>;

  template <class F>
  auto run(Pool& pool, F work)
      -> asio::awaitable<std::invoke_result_t<F&, Threads&, storage::blocking::RelayStore&>> {
    using Result = std::invoke_result_t<F&, Threads&, storage::blocking::RelayStore&>;
    struct Done {
      Result result{boost::system::in_place_error, storage::errc::unavailable};
      Alarms alarms;
    };
    if (!epochs_ || !directory_) co_return Done{}.result;
    auto job = [epochs = epochs_, directory = directory_, now = now(),
                work = std::move(work)](storage::blocking::RelayStore& store) mutable {
      Threads threads{store, *epochs, *directory, now};
      Done done;
      done.result = work(threads, store);
      done.alarms = threads.alarms();
      return done;
    };
    auto done = co_await pool.call(std::move(job));
    alarms_ += done.alarms;
    co_return std::move(done.result);
  }

  Clock clock_;
  std::shared_ptr<const LiveEpochs> epochs_;
  std::shared_ptr<const identity::Directory> directory_;
  Alarms alarms_;
  Pool readers_;
  Pool writer_;
};

}  // namespace ishara::relay
