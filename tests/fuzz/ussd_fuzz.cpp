// Accumulated input of a dialogue: the first byte says where it is cut into requests. Whatever is
// typed, each state has a page, a repeated request changes nothing, and an end stays one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/conversation/ussd.hpp"
#include "tests/support/menu.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  static const crypto::Secret<32> key = (crypto::start(), crypto::random_secret<32>());
  static const conversation::RealMenu menu;
  if (size < 1) return 0;
  const auto around = menu.around(data[0] % 2 == 0 ? "en" : "ru");
  const std::string_view all{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::chrono::sys_seconds now{};
  conversation::UssdSession session;
  for (std::size_t end = 0; end <= all.size(); end += 1 + data[0]) {
    const conversation::Typed typed{all.substr(0, end), false, true};
    const auto had_ended = session.begun && session.has_ended(menu.flow);
    const auto move = conversation::take(session, typed, around, nullptr, now, key);
    if (had_ended && !move.again) std::abort();
    session = move.next;
    if (!session.has_ended(menu.flow) && !conversation::page(session.menu, around)) std::abort();
    const auto repeated = conversation::take(session, typed, around, nullptr, now, key);
    if (!repeated.again || !(repeated.next.menu == session.menu)) std::abort();
  }
  return 0;
}
