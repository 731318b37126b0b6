// The header of a signed request and the cursor of a list: what a stranger may send to the desk.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/desk/endpoints.hpp"
#include "gateway/desk/signature.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  desk::parse_signature(text);
  if (const auto cursor = desk::read_cursor(text)) {
    const auto again = desk::read_cursor(desk::write_cursor(*cursor));
    if (!again || again->report_id != cursor->report_id || again->hour != cursor->hour)
      std::abort();
  }
  return 0;
}
