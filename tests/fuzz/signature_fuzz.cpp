// The header of a signed request, the list of addresses that proxies make, and the cursor of a
// list: what a stranger may send to the desk.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/desk/endpoints.hpp"
#include "gateway/desk/origin.hpp"
#include "gateway/desk/signature.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  desk::parse_signature(text);
  http::Request request;
  const std::array proxies{config::IpAddress{1}, config::IpAddress{}};
  request.peer = proxies[0];
  request.fields.push_back({"x-forwarded-for", crypto::wiped_copy(text)});
  const auto origin = desk::origin_of(request, proxies);
  if (!origin || config::ip_address_of(config::text_of(*origin)) != origin) std::abort();
  if (const auto cursor = desk::read_cursor(text)) {
    const auto again = desk::read_cursor(desk::write_cursor(*cursor));
    if (!again || again->report_id != cursor->report_id || again->hour != cursor->hour)
      std::abort();
  }
  return 0;
}
