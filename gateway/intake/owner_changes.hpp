#pragma once
// Which reports may have changed hands, as far as this gateway has heard (privacy.md 7.11): who
// holds the report of a sitting is asked again before its next text, and nobody else's. Whoever
// names a report falsely costs it one question.
//
// Moments are counted, not timed: `now` is what a sitting notes before it asks.
//
// Thread rule: one thread.

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "gateway/crypto/primitives.hpp"

namespace ishara::intake {

class OwnerChanges {
 public:
  // So many reports are told apart. What is beyond that is taken for a change of all, so that
  // nobody who names many costs more than one question a sitting.
  static constexpr std::size_t most = 10'000;

  std::uint64_t now() const noexcept { return now_; }

  void add(const crypto::Id& report) {
    if (reports_.size() >= most && !reports_.contains(report)) {
      add_all();
      return;
    }
    reports_[report] = ++now_;
  }
  // Something may have been missed.
  void add_all() noexcept {
    reports_.clear();
    all_ = ++now_;
  }

  // Whether the report may have changed hands after the moment `since`.
  bool has_changed(const crypto::Id& report, std::uint64_t since) const noexcept {
    if (all_ > since) return true;
    const auto found = reports_.find(report);
    return found != reports_.end() && found->second > since;
  }

 private:
  std::uint64_t now_ = 0;
  std::uint64_t all_ = 0;
  std::unordered_map<crypto::Id, std::uint64_t, crypto::IdHash> reports_;
};

}  // namespace ishara::intake
