#pragma once
// One text of a phone at a time: what the second one means depends on what the first one did to the
// sitting, and the first one waits for the database in between.
//
// Thread rule: one thread. Whoever holds a turn ends before this does.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

#include "gateway/crypto/primitives.hpp"

namespace ishara::intake {

class Turns {
 public:
  class Turn {
   public:
    Turn() = default;
    Turn(Turns& turns, const crypto::Id& phone) noexcept : turns_{&turns}, phone_{phone} {}
    Turn(Turn&& from) noexcept : turns_{std::exchange(from.turns_, nullptr)}, phone_{from.phone_} {}
    Turn& operator=(Turn&& from) noexcept {
      std::swap(turns_, from.turns_);
      std::swap(phone_, from.phone_);
      return *this;
    }
    ~Turn() {
      if (turns_) turns_->pass_on(phone_);
    }

   private:
    Turns* turns_ = nullptr;
    crypto::Id phone_{};
  };

  // Resumes when all earlier turns of this phone have ended, in the order of the calls.
  boost::asio::awaitable<Turn> take(crypto::Id phone);
  // How many wait for a turn of this phone.
  std::size_t waiting(const crypto::Id& phone) const noexcept {
    const auto entry = phones_.find(phone);
    return entry == phones_.end() ? 0 : entry->second.size();
  }

 private:
  using Waiting = std::deque<std::shared_ptr<boost::asio::steady_timer>>;
  void pass_on(const crypto::Id& phone) noexcept;

  std::unordered_map<crypto::Id, Waiting, crypto::IdHash> phones_;  // those whose turn somebody has
};

}  // namespace ishara::intake
