// Any bytes in any charset become clean text, and cleaning clean text changes nothing.
// The first byte of the input chooses the charset.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string_view>

#include "i18n/decode.hpp"
#include "i18n/sms.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::i18n;
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  std::pmr::monotonic_buffer_resource memory;
  const auto charset = static_cast<Charset>(data[0] % 5);
  const auto text = decode(bytes, charset, memory);
  const std::string_view view{text.data(), text.size()};
  const auto again = decode(view, Charset::utf8, memory);
  if (!std::equal(text.begin(), text.end(), again.begin(), again.end())) std::abort();
  if (view.find('\0') != view.npos) std::abort();
  const GsmTables tables{static_cast<std::uint8_t>(data[0] / 5 % 15), data[0]};
  const auto anew = decode_gsm_anew(view, tables, memory);
  const auto clean = decode({anew.data(), anew.size()}, Charset::utf8, memory);
  if (!std::equal(anew.begin(), anew.end(), clean.begin(), clean.end())) std::abort();
  decode_gsm(bytes, tables, memory);
  const auto entities = decode_entities(view, memory);
  if (entities.size() > text.size() * 3) std::abort();
  const Measure measured = measure(view);
  if (measured.segments == 0 || measured.units > text.size() * 2) std::abort();
  charset_from_name(bytes);
  return 0;
}
