// A segment of the spool as it lies on the disk, after whatever happened to it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "storage/spool.hpp"

namespace {

using namespace ishara::storage;

// A sum that costs nothing: what it does not see, the reader does not look at either.
Id sum(std::span<const std::uint8_t> bytes) {
  Id out{};
  out[0] = static_cast<std::uint8_t>(bytes.size());
  if (!bytes.empty()) out[1] = bytes.front() ^ bytes.back();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The input's own hashes are seldom right, so they are put right as far as its lengths lead.
  Bytes bytes(data, data + size);
  constexpr std::size_t head = 24;
  for (std::size_t at = 0; bytes.size() - at >= head;) {
    std::size_t length = 0;
    for (std::size_t i = at + 4; i < at + 8; ++i) length = length << 8 | bytes[i];
    if (length > bytes.size() - at - head) break;
    const auto right = sum(std::span{bytes}.subspan(at + head, length));
    // One byte of the input decides whether this one is torn.
    if (length == 0 || bytes[at + head + length - 1] != 0xff)
      std::ranges::copy(right, bytes.begin() + static_cast<std::ptrdiff_t>(at + 8));
    at += head + length;
  }

  const auto reading = read_spooled(bytes, sum);
  if (reading.intact > bytes.size()) std::abort();
  // What was read is what would be written: rows and unreadable records are all of the intact part.
  Bytes again;
  for (const auto& row : reading.rows) write_spooled(again, row, sum);
  if (again.size() + reading.unreadable.size() != reading.intact) std::abort();
  if (reading.unreadable.empty() && std::memcmp(again.data(), bytes.data(), again.size()) != 0 &&
      !again.empty())
    std::abort();
  return 0;
}
