// Any text can be folded; folding twice changes nothing; words lie inside the folded text.

#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string_view>

#include "i18n/normalise.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::i18n;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  std::pmr::monotonic_buffer_resource memory;
  const std::string_view once = folded(text, memory);
  if (folded(once, memory) != once) std::abort();
  for (const std::string_view word : words(once, memory))
    if (word.empty() || word.data() < once.data() ||
        word.data() + word.size() > once.data() + once.size())
      std::abort();
  has_emoji(text);
  return 0;
}
