// A routing version as it comes from the database.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "routing/pack/bundle.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::routing;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto files = unbundle(bytes);
  // Whatever is read must be what would be written, up to leading zeros of a size.
  if (files && unbundle(bundle(*files))->size() != files->size()) std::abort();
  return 0;
}
