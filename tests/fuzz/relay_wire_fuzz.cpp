// Packets of the relay's socket, from both sides: the first byte chooses. What is read as a packet
// is written again as the very same bytes, so that there is one way to say a thing.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/identity/relay_wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  if (size == 0) return 0;
  const crypto::View packet{data + 1, size - 1};
  if (data[0] % 2 == 0) {
    const auto call = identity::decode_request(packet);
    if (call && !std::ranges::equal(identity::encode_request(call->call, call->request), packet))
      std::abort();
  } else {
    const auto answer = identity::decode_answer(packet);
    if (answer && !std::ranges::equal(identity::encode_answer(*answer), packet)) std::abort();
  }
  return 0;
}
