// A .mo file from anybody: parsing it is safe, and what it gives can be found and filled.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "i18n/catalogue.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::i18n;
  const auto catalogue = Catalogue::parse({reinterpret_cast<const char*>(data), size});
  if (!catalogue) return 0;
  for (const Catalogue::Reply& reply : catalogue->replies()) {
    if (catalogue->find(reply.id) != &reply) std::abort();
    const auto filled = fill(reply.text, {{"ref", "0123456789"}});
    const auto names = placeholders_of(reply.text);
    if (filled && !names) std::abort();
  }
  return 0;
}
