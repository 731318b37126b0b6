// Sheets of keys as people type them. What is read as a sheet is printed and read again as the very
// same sheet; a sheet with itself never gives a key.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/identity/shares.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  static const bool started = (crypto::start(), true);
  (void)started;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  identity::SheetReader reader;
  if (reader.take(text) && reader.next() != 1) std::abort();
  const auto read = identity::read_sheet(text);
  if (read.sheet.has_value() != read.mistakes.empty()) std::abort();
  if (!read.sheet) return 0;
  const auto again = identity::read_sheet(crypto::view(identity::printed(*read.sheet, {})));
  if (!again.sheet) std::abort();
  for (std::size_t number = 1; number <= identity::sheet_lines; ++number)
    if (identity::sheet_line(*again.sheet, number) != identity::sheet_line(*read.sheet, number))
      std::abort();
  if (identity::combine(*read.sheet, *again.sheet)) std::abort();
  return 0;
}
