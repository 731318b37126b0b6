#include "i18n/normalise.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

std::string fold(std::string_view text) {
  std::pmr::monotonic_buffer_resource memory;
  return std::string{folded(text, memory)};
}

std::vector<std::string> split(std::string_view text) {
  std::pmr::monotonic_buffer_resource memory;
  const auto found = tokens(text, memory);
  return {found.begin(), found.end()};
}

TEST_CASE("texts fold as conversation.md 4.3 says") {
  struct Row {
    const char* name;
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {"case", "They LOCK the Door", "they lock the door"},
      {"full case folding", "Straße ΣΊΣΥΦΟΣ", "strasse σισυφοσ"},
      {"compatibility forms", "Ｈｅｌｐ ﬁne №", "help fine no"},
      {"accents", "niña él está ÉCOLE", "nina el esta ecole"},
      {"decomposed accents",
       "nin\xCC\x83"
       "a",
       "nina"},
      {"Russian yo and short i", "её чей", "ее чеи"},
      {"Turkish dotted capital", "İstanbul", "istanbul"},
      {"harakat and tatweel", "مُسَاعَــدَة", "مساعده"},
      {"alef forms", "أ إ آ ٱ", "ا ا ا ا"},
      {"yeh forms", "ى ي ئ", "ی ی ی"},
      {"heh forms", "ة ہ ھ ۃ", "ه ه ه ه"},
      {"kaf and waw", "ك ؤ", "ک و"},
      {"presentation forms", "ﻻ", "لا"},
      {"zero width and bidi", "he\xE2\x80\x8Blp\xE2\x80\x8F \xE2\x80\xAAx\xE2\x80\xAC", "help x"},
      {"apostrophes in words", "o'g'ir oʻgʻir oʼgʼir o’g‘ir o`g`ir", "ogir ogir ogir ogir ogir"},
      {"apostrophes around words", "'abc' ‘abc’ a''b '", "'abc' 'abc' a''b '"},
      {"apostrophe among accents", "l’école é'é", "lecole ee"},
      {"long runs", "heeelp meeee aa aaa", "heelp mee aa aa"},
      {"runs across an apostrophe", "aa'a", "aa"},
      {"runs of digits and signs stay", "1000 !!! ...", "1000 !!! ..."},
      {"a mark behind an apostrophe", "か\u0F71'\u3099", "か\u0F71'\u3099"},
      {"digits", "٠١٢٣ ۴۵۶ ०१२ １２", "0123 456 012 12"},
      {"keycap", "1\xEF\xB8\x8F\xE2\x83\xA3", "1"},
      {"Thai keeps its vowels and tones", "ช่วยด้วย", "ช่วยด้วย"},
      {"broken UTF-8", "a\xFFz", "a\xEF\xBF\xBDz"},
      {"white space stays", "a  b\nc", "a  b\nc"},
      {"empty", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(fold(row.text) == row.expected);
  }
}

TEST_CASE("words are runs of letters, digits and marks") {
  using Words = std::vector<std::string>;
  CHECK(split("Help! they've 2 girls, in Nyamata.") ==
        Words{"help", "theyve", "2", "girls", "in", "nyamata"});
  CHECK(split("n'umwana wanjye") == Words{"numwana", "wanjye"});
  CHECK(split("помогите—нас держат") == Words{"помогите", "нас", "держат"});
  CHECK(split("ช่วยด้วย ที่นี่").size() == 2);
  CHECK(split("bit.ly/x_y@z") == Words{"bit", "ly", "x", "y", "z"});
  CHECK(split("😀 …").empty());
  CHECK(split("").empty());
}

TEST_CASE("the fast path folds ASCII as ICU does") {
  // A letter that ICU must see makes the rest of the text take the slow path.
  for (std::uint32_t seed = 1; seed <= 20'000; ++seed) {
    std::minstd_rand random{seed * 7919};
    std::string text;
    const std::size_t size = random() % 40;
    for (std::size_t i = 0; i < size; ++i)
      text += random() % 2 == 0 ? "aA'`1z"[random() % 6] : static_cast<char>(random() % 0x80);
    CAPTURE(seed);
    REQUIRE(fold(text) + " \xD0\xB6" == fold(text + " \xD0\x96"));
  }
}

TEST_CASE("folding twice changes nothing, whatever the characters") {
  const std::u32string likely =
      U"aAéÉ'’ʻ`ßİıΣς\u0301\u0308\u0345\u0327\u064B\u0654\u0640أئىیےكکھہ٣۳०\u200D\u200F\uFE0F\u20E3"
      U"が\u3099각ㅋᄀ\u1100\u1161\u11A8กำ\u0E4Dﷺﬁ½①😀👩\u0F71\u0344\u1E9Bǅ\u01C5";
  for (std::uint32_t seed = 1; seed <= 100'000; ++seed) {
    std::minstd_rand random{seed * 7919};
    std::string text;
    const std::size_t size = random() % 12;
    for (std::size_t i = 0; i < size; ++i) {
      char32_t character = likely[random() % likely.size()];
      if (random() % 3 == 0) character = static_cast<char32_t>(random() % 0x110000);
      if (random() % 3 == 0) character = static_cast<char32_t>(random() % 0x3000);
      if (character >= 0xD800 && character <= 0xDFFF) continue;
      char bytes[4];
      text.append(bytes, write_utf8(character, bytes));
    }
    const std::string once = fold(text);
    CAPTURE(seed);
    CAPTURE(text);
    REQUIRE(fold(once) == once);
  }
}

TEST_CASE("folding any character of the first two planes twice changes nothing") {
  for (char32_t character = 0; character < 0x20000; ++character) {
    if (character >= 0xD800 && character <= 0xDFFF) continue;
    char bytes[4];
    const std::string once = fold({bytes, write_utf8(character, bytes)});
    if (fold(once) != once) {
      CAPTURE(static_cast<std::uint32_t>(character));
      FAIL_CHECK("not stable");
    }
  }
}

TEST_CASE("usual characters fold alike whatever stands around them") {
  std::mt19937 random{20'261'123};
  for (int run = 0; run < 20'000; ++run) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      const auto place = static_cast<char32_t>(random() % 0x870);
      char bytes[4];
      text.append(bytes, write_utf8(place < 0x800 ? place : place - 0x800 + 0x2000, bytes));
    }
    // ICU folds the whole of it for the sake of a character that is not usual.
    constexpr std::string_view full_stop = "。";
    CAPTURE(run);
    CAPTURE(text);
    REQUIRE(fold(text + std::string{full_stop}) == fold(text) + std::string{full_stop});
  }
}

TEST_CASE("pictographs and flags are seen") {
  for (const char* text : {"ok 😀", "❤", "🇷🇼", "1\xEF\xB8\x8F\xE2\x83\xA3 ☎"})
    CHECK(has_emoji(text));
  for (const char* text : {"ok :-) 1 #", "آپ", "¿Que?", ""}) CHECK_FALSE(has_emoji(text));
}

}  // namespace
}  // namespace ishara::i18n
