#pragma once
// The sittings of one gateway: what it remembers of a phone, for 60 minutes from the first text, in
// memory alone. The key is a tag that the caller computes with a key of memory, so the container
// never sees a number. When it is full the oldest sitting leaves: its phone then begins anew.
//
// Thread rule: one thread. References live until the next call of a function that is not const.

#include <chrono>
#include <cstddef>
#include <cstring>
#include <list>
#include <unordered_map>
#include <utility>

#include "gateway/crypto/primitives.hpp"
#include "gateway/crypto/wipe.hpp"

namespace ishara::conversation {

inline constexpr std::chrono::minutes sitting_length{60};

// `Value` keeps its secrets in place or in memory that wipes itself: what lies in the container is
// overwritten when a sitting ends.
template <class Value>
class Sittings {
 public:
  // `capacity` is at least 1. All last equally long.
  explicit Sittings(std::size_t capacity, std::chrono::seconds length = sitting_length)
      : capacity_{capacity}, length_{length} {}
  Sittings(const Sittings&) = delete;
  Sittings& operator=(const Sittings&) = delete;

  // The live sitting of `tag`; nullptr if there is none.
  Value* find(const crypto::Id& tag, std::chrono::sys_seconds now) {
    forget_old(now);
    const auto place = by_tag_.find(tag);
    return place == by_tag_.end() ? nullptr : &place->second->value;
  }

  // The live sitting of `tag`, or a new one that begins now with an empty value.
  Value& open(const crypto::Id& tag, std::chrono::sys_seconds now) {
    if (Value* const live = find(tag, now)) return *live;
    if (by_first_text_.size() >= capacity_) end(by_first_text_.begin());
    const auto place = by_first_text_.emplace(by_first_text_.end(), Sitting{tag, now, Value{}});
    by_tag_.emplace(tag, place);
    return place->value;
  }

  // Ends the sitting of `tag`, if there is one.
  void end(const crypto::Id& tag) {
    if (const auto place = by_tag_.find(tag); place != by_tag_.end()) end(place->second);
  }

  // Ends every sitting whose time is over; call it every second, so that an idle gateway forgets.
  void forget_old(std::chrono::sys_seconds now) {
    while (!by_first_text_.empty() && now - by_first_text_.front().first_text >= length_)
      end(by_first_text_.begin());
  }

  std::size_t size() const noexcept { return by_first_text_.size(); }

 private:
  struct Sitting {
    crypto::Id tag;
    std::chrono::sys_seconds first_text;
    Value value;
  };
  // All sittings last equally long, so the first to begin is the first to end.
  using ByFirstText = std::list<Sitting, crypto::WipingAllocator<Sitting>>;
  using Place = typename ByFirstText::iterator;
  // A tag is a keyed hash: any eight bytes of it are evenly spread.
  struct Hash {
    std::size_t operator()(const crypto::Id& tag) const noexcept {
      std::size_t bits;
      std::memcpy(&bits, tag.data(), sizeof bits);
      return bits;
    }
  };

  void end(Place place) {
    by_tag_.erase(place->tag);
    by_first_text_.erase(place);
  }

  std::size_t capacity_;
  std::chrono::seconds length_;
  ByFirstText by_first_text_;
  std::unordered_map<crypto::Id, Place, Hash, std::equal_to<>,
                     crypto::WipingAllocator<std::pair<const crypto::Id, Place>>>
      by_tag_;
};

}  // namespace ishara::conversation
