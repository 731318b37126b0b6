#pragma once
// The log of a recorder: heads, each followed by `size` bytes. Both ends are one build on one
// machine.

#include <cstdint>

namespace ishara::power_cut {

enum class Op : std::uint32_t {
  open,         // bytes: the path
  write,        // at the end of the file; bytes: what
  cut,          // bytes: the size that is left, u64
  flush,        // of a file or a folder
  unlink,       // bytes: the path
  make_folder,  // bytes: the path
};

struct Head {
  Op op;
  std::int32_t file;
  std::uint32_t size;
};

}  // namespace ishara::power_cut
