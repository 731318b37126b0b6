#pragma once
// What a reporter wrote: UTF-8, move-only, on the heap, wiped when freed, unprintable.
// Thread rule: a value like any other; not shared.

#include <iosfwd>
#include <string_view>
#include <utility>

#include "gateway/crypto/wipe.hpp"

namespace ishara::identity {

class Text {
 public:
  Text() = default;
  // Takes a copy of `utf8`, which the caller has repaired (i18n/decode.hpp).
  explicit Text(std::string_view utf8) : bytes_{crypto::wiped_copy(utf8)} {}
  Text(Text&&) noexcept = default;
  Text& operator=(Text&&) noexcept = default;
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  bool empty() const noexcept { return bytes_.empty(); }
  std::size_t size() const noexcept { return bytes_.size(); }

  // Lends the bytes to `use` for the length of the call: to understand, to seal. Nothing else.
  template <class F>
  decltype(auto) reveal(F&& use) const {
    return std::forward<F>(use)(crypto::view(bytes_));
  }

  friend std::ostream& operator<<(std::ostream&, const Text&) = delete;

 private:
  crypto::WipedBuffer bytes_;
};

}  // namespace ishara::identity
