// The rule that protects reporters: a text leaves no bytes in memory that nobody wipes.

#include <doctest/doctest.h>
#include <unicode/uclean.h>
#include <unicode/unorm2.h>

#include <cstdlib>
#include <memory_resource>
#include <string>

#include "i18n/decode.hpp"
#include "i18n/language.hpp"
#include "i18n/normalise.hpp"

namespace ishara::i18n {
namespace {

// ICU's own heap, counted. The functions stay in place: ICU may free later what it took here.
std::size_t icu_allocations = 0;

void count_icu_allocations() {
  UErrorCode status = U_ZERO_ERROR;
  u_setMemoryFunctions(
      nullptr,
      [](const void*, std::size_t size) {
        ++icu_allocations;
        return std::malloc(size);
      },
      [](const void*, void* data, std::size_t size) {
        ++icu_allocations;
        return std::realloc(data, size);
      },
      [](const void*, void* data) { std::free(data); }, &status);
  REQUIRE(U_SUCCESS(status));
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_CASE("no text makes ICU use memory of its own") {
  count_icu_allocations();
  const LanguageGuess guess{{{"en", "Latn", {"the"}, U"", U""},
                             {"ru", "Cyrl", {"и"}, U"ыэъ", U""},
                             {"kk", "Cyrl", {"мен"}, U"әғқұ", U""}}};
  const std::string texts[] = {
      // What grows most: by a factor of 18, of 3, of 4, by case folding, and by reordering.
      repeated("\uFDFA", 3000),
      repeated("\U0001D160", 3000),
      repeated("\u0390\u1F82\u0149ßﬃ", 1000),
      "a" + repeated("\u0315\u0300\u05AE\u0301", 2000),
      repeated("\u0344\u1FC1\u0958\uFB2C각", 1000),
      repeated("Помогите, пожалуйста ", 100),
      repeated("مُسَاعَدَة ", 300),
      repeated("\xFF", 5000),
      "é",
  };
  for (const bool warm : {false, true}) {
    // The first round lets ICU load its tables.
    icu_allocations = 0;
    for (const std::string& text : texts) {
      std::pmr::monotonic_buffer_resource memory;
      CHECK_FALSE(decode(text, Charset::utf8, memory).empty());
      CHECK_FALSE(decode(text, Charset::utf16be, memory).empty());
      CHECK_FALSE(decode_entities(text, memory).empty());
      CHECK_FALSE(folded(text, memory).empty());
      CHECK_FALSE(guess.guess(text, "en", memory).empty());
      has_emoji(text);
    }
    if (warm) CHECK(icu_allocations == 0);
  }

  // The count can be something else than nought: too small a buffer is what must not happen.
  UErrorCode status = U_ZERO_ERROR;
  const std::u16string long_text(1000, u'\uFDFA');
  char16_t small[1000];
  unorm2_normalize(unorm2_getNFKCInstance(&status), long_text.data(), 1000, small, 1000, &status);
  CHECK(icu_allocations > 0);
}

}  // namespace
}  // namespace ishara::i18n
