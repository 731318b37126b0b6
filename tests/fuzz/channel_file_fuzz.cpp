// The text of a channel file: a broken one is told, never believed in part.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "gateway/config/channels.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::config;
  constexpr std::string_view providers[] = {"external", "kannel", "twilio"};
  std::vector<Mistake> mistakes;
  const auto channel =
      parse_channel({reinterpret_cast<const char*>(data), size}, "fuzz.toml", providers, mistakes);
  if (channel.has_value() != mistakes.empty()) std::abort();
  if (channel && (channel->number == 0 || channel->secrets.empty())) std::abort();
  return 0;
}
