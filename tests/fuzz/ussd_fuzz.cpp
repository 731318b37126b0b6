// Accumulated input of a dialogue: the first byte says where it is cut into requests, and the whole
// at once gives the same report as its pieces, unless a piece of several answers was typed as one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/conversation/ussd.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  static const crypto::Secret<32> key = (crypto::start(), crypto::random_secret<32>());
  if (size < 1) return 0;
  const std::string_view all{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::chrono::sys_seconds now{};
  conversation::UssdSession session;
  std::string_view report;
  for (std::size_t end = 0; end <= all.size(); end += 1 + data[0]) {
    const conversation::Typed typed{all.substr(0, end), false, true};
    const auto move = conversation::take(session, typed, now, key);
    if (move.again && !move.report.empty()) std::abort();
    if (!move.report.empty() && !move.next.ended) std::abort();
    if (!move.report.empty() && !report.empty()) std::abort();
    if (!move.report.empty()) report = move.report;
    session = move.next;
    const auto repeated = conversation::take(session, typed, now, key);
    if (!repeated.again || !(repeated.next == session)) std::abort();
  }
  return 0;
}
