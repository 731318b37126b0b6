// Senders as aggregators write them; the first byte picks the country.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/identity/sender.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::identity;
  if (size == 0) return 0;
  constexpr std::string_view countries[] = {"", "RW", "US", "IT", "RU", "DE", "HU", "XX"};
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto sender = parse_sender(text, countries[*data % std::size(countries)]);
  if (!sender) return 0;
  std::visit(
      [](const auto& kind) {
        kind.reveal([](std::string_view characters) {
          if (characters.size() < 1 || characters.size() > 20) std::abort();
        });
      },
      *sender);
  return 0;
}
