// Any text in any sitting is one class, the same each time, and the table takes it; a class carries
// what belongs to it and nothing else.

#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string_view>

#include "gateway/conversation/sms.hpp"

using namespace ishara::conversation;

namespace {

const ishara::i18n::Packs& packs() {
  static const auto all = ishara::i18n::Packs::load(ISHARA_PACKS);
  return all;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// The first two bytes are the sitting, the rest is the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Memory sitting;
  sitting.state = static_cast<State>(data[0] % state_count);
  sitting.spoken = data[1] % 3 == 2 ? no_language : Language(data[1] % 3);
  sitting.has_report = sitting.state != State::none;
  const std::string_view text{reinterpret_cast<const char*>(data + 2), size - 2};
  const Circumstances circumstances{
      .sitting = sitting, .channel_language = "en", .noise = data[1] >= 128};

  std::pmr::monotonic_buffer_resource memory;
  const Input input = classify(text, circumstances, packs(), memory);
  const Input again = classify(text, circumstances, packs(), memory);
  expect(input.what == again.what && input.quiet == again.quiet);
  expect(input.what != Class::robot && input.what != Class::duplicate);
  expect(input.digit <= (input.what == Class::digit ? 9 : 2));
  expect(input.digit == 0 || input.what == Class::digit || input.what == Class::share);
  expect(!input.names_ref || input.what == Class::status || input.what == Class::erase ||
         input.what == Class::add);
  expect(!input.ref || input.names_ref);
  expect(!input.range || (input.what == Class::safe && input.range->start < 48 &&
                          input.range->end < 48 && input.range->start != input.range->end));
  expect(input.chosen == no_language ||
         (input.what == Class::language && input.chosen < packs().all().size()));
  expect(input.language < packs().all().size());

  const Step taken = step(sitting, input, {}, {});
  expect(!input.quiet || !taken.reply);
  return 0;
}
