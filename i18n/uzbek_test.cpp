#include "i18n/uzbek.hpp"

#include <doctest/doctest.h>

namespace ishara::i18n {
namespace {

TEST_CASE("Uzbek words are spelt in Cyrillic letters as schools teach it") {
  struct Example {
    const char* latin;
    const char* cyrillic;
  };
  for (const auto& [latin, cyrillic] : {Example{"o'g'il", "ўғил"},
                                        {"O\u02BBg\u2018il", "ўғил"},
                                        {"yo'q", "йўқ"},
                                        {"yosh", "ёш"},
                                        {"yashirin", "яширин"},
                                        {"xabar", "хабар"},
                                        {"hech", "ҳеч"},
                                        {"erga", "эрга"},
                                        {"yer", "ер"},
                                        {"pul*", "пул*"},
                                        {"ma'lumot", "маълумот"},
                                        {"12", "12"},
                                        {"", ""}}) {
    CHECK(uzbek_in_cyrillic(latin) == cyrillic);
  }
}

TEST_CASE("and in the letters that a Russian keyboard has") {
  CHECK(uzbek_on_russian_keyboard("ўғил") == "угил");
  CHECK(uzbek_on_russian_keyboard("ҳақ") == "хак");
  CHECK(uzbek_on_russian_keyboard("пул") == "пул");
}

}  // namespace
}  // namespace ishara::i18n
