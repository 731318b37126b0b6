#pragma once
// Memory that is overwritten before it is given back. Thread-safe: no shared state.

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <string_view>
#include <vector>

namespace ishara::crypto {

// Overwrites `size` bytes at `data` in a way that no optimiser removes.
void wipe(void* data, std::size_t size) noexcept;

// An allocator that wipes what it frees. Never give it to a std::basic_string: a short string keeps
// its bytes inside itself, out of reach of any allocator (privacy.md section 14).
template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() noexcept = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return std::allocator<T>{}.allocate(count); }
  void deallocate(T* data, std::size_t count) noexcept {
    wipe(data, count * sizeof(T));
    std::allocator<T>{}.deallocate(data, count);
  }

  template <class U>
  friend bool operator==(const WipingAllocator&, const WipingAllocator<U>&) noexcept {
    return true;
  }
};

// Bytes of outside origin that may hold a number or a text: always on the heap, wiped when freed.
using WipedBuffer = std::vector<char, WipingAllocator<char>>;

inline std::string_view view(const WipedBuffer& buffer) noexcept {
  return {buffer.data(), buffer.size()};
}
// The heap, for std::pmr containers of secret bytes: wipes what it frees. Lives for ever.
std::pmr::memory_resource& wiping_resource() noexcept;

inline WipedBuffer wiped_copy(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace ishara::crypto
