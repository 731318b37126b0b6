#include "gateway/relay/refs.hpp"

#include <charconv>
#include <utility>

namespace ishara::relay {
namespace {

// The tenth digit follows from the nine before it.
std::uint32_t key_of(const identity::Ref& ref) {
  std::uint32_t key = 0;
  const auto digits = ref.digits();
  std::from_chars(digits.data(), digits.data() + 9, key);
  return key;
}

}  // namespace

bool ReservedRefs::reserve(const identity::Ref& ref, Moment now) {
  constexpr std::chrono::hours day{24};
  if (!day_began_) day_began_ = now;
  if (now - *day_began_ >= day) {
    before_ = now - *day_began_ < 2 * day ? std::exchange(today_, {})
                                          : std::unordered_set<std::uint32_t>{};
    today_.clear();
    day_began_ = now;
  }
  if (before_.contains(key_of(ref))) return false;
  return today_.insert(key_of(ref)).second;
}

}  // namespace ishara::relay
