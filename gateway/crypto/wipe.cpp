#include "gateway/crypto/wipe.hpp"

#include <sodium.h>

namespace ishara::crypto {
namespace {

class WipingResource final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    return std::pmr::new_delete_resource()->allocate(size, alignment);
  }
  void do_deallocate(void* data, std::size_t size, std::size_t alignment) override {
    wipe(data, size);
    std::pmr::new_delete_resource()->deallocate(data, size, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

}  // namespace

void wipe(void* data, std::size_t size) noexcept { sodium_memzero(data, size); }

std::pmr::memory_resource& wiping_resource() noexcept {
  static WipingResource resource;
  return resource;
}

}  // namespace ishara::crypto
