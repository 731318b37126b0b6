#include "i18n/language.hpp"

#include <doctest/doctest.h>

#include <memory_resource>
#include <stdexcept>
#include <string>

#include "i18n/pack.hpp"

namespace ishara::i18n {
namespace {

std::string guessed(const LanguageGuess& guess, std::string_view text) {
  std::pmr::monotonic_buffer_resource memory;
  return std::string{guess.guess(text, "channel", memory)};
}

TEST_CASE("function words tell languages of one script apart, with two hits and a lead of one") {
  const LanguageGuess guess{{{"en", "Latn", {"the", "she", "no", "Don't"}, U"", U""},
                             {"rw", "Latn", {"mu", "na", "no"}, U"", U""}}};
  struct Row {
    const char* text;
    const char* tag;
  };
  const Row rows[] = {
      {"She is in THE house", "en"},
      {"don’t tell the police", "en"},
      {"umwana ari mu nzu na nyina", "rw"},
      {"the umwana mu na", "rw"},
      {"the house is far", "channel"},   // one hit
      {"the she mu na", "channel"},      // a draw
      {"no no no way", "channel"},       // a word of both
      {"the the the house", "channel"},  // one word, often
      {"the she", "channel"},            // two words
      {"", "channel"},
      {"123 456 789", "channel"},
      {"она в доме одна", "channel"},  // no pack of this script
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(guessed(guess, row.text) == row.tag);
  }
}

TEST_CASE("script decides where one language has it, letters where several have it") {
  const LanguageGuess guess{{{"en", "Latn", {}, U"", U""},
                             {"th", "Thai", {}, U"", U""},
                             {"ar", "Arab", {"في", "من"}, U"", U""},
                             {"ur", "Arab", {"ہے", "میں"}, U"ٹڈڑںے", U""},
                             {"ru", "Cyrl", {"и", "в", "не"}, U"ыэъ", U"әғқұңүөӣӯҷўҳ"},
                             {"kk", "Cyrl", {}, U"әғқұ", U"ў"},
                             {"ky", "Cyrl", {}, U"ңүө", U"ә"}}};
  struct Row {
    const char* text;
    const char* tag;
  };
  const Row rows[] = {
      {"please help us", "en"},
      {"help", "channel"},
      {"ช่วยด้วย", "th"},  // one word, but Thai writes no spaces
      {"مجھے گھر میں بند کر دیا ہے", "ur"},
      {"انا في البيت من امس", "ar"},
      {"مساعدة", "channel"},
      {"мы заперты здесь", "ru"},
      {"он не в городе", "ru"},
      {"Мен ҚАЛАДА тұрамын", "kk"},
      {"мен үйдө калдым өзүм", "ky"},
      {"мына үйде әкем", "kk"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(guessed(guess, row.text) == row.tag);
  }
}

TEST_CASE("a language may be written in a script that is not its own") {
  const LanguageGuess guess{{{"en", "Latn", {"the", "she", "in"}, U"", U""},
                             {"ar", "Arab", {"في", "من", "ana", "3ala", "mesh"}, U"ةىيك", U"ٹںے"},
                             {"ur", "Arab", {"ہے", "میں", "hai", "nahi", "mujhe"}, U"ٹںے", U""},
                             {"ru", "Cyrl", {"и", "в", "не"}, U"ы", U"ў"},
                             {"uz", "Latn", {"va", "bu", "men", "ва", "бу", "мен"}, U"ўқ", U""}}};
  struct Row {
    const char* text;
    const char* tag;
  };
  const Row rows[] = {
      {"ana mesh fahma 7aga", "ar"},
      {"mujhe ghar jana hai", "ur"},
      {"бу уй ва мен", "uz"},
      {"мен қаердаман билмайман", "uz"},
      {"она в доме и не выходит", "ru"},
      {"she is in the house", "en"},
      {"house far away", "channel"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(guessed(guess, row.text) == row.tag);
  }
}

TEST_CASE("the two likeliest languages are told where the text tells anything") {
  const LanguageGuess guess{{{"en", "Latn", {"the", "she", "no"}, U"", U""},
                             {"rw", "Latn", {"mu", "na", "no"}, U"", U""},
                             {"ru", "Cyrl", {"она"}, U"", U""}}};
  struct Row {
    const char* text;
    const char* first;
    const char* second;
  };
  const Row rows[] = {
      {"the house she saw", "en", "channel"},
      {"the she mu house", "en", "rw"},
      {"the she mu na", "en", "rw"},
      {"она в доме", "ru", "channel"},
      {"the house", "", ""},
      {"house", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    std::pmr::monotonic_buffer_resource memory;
    const auto likely = guess.languages(row.text, "channel", memory).likely;
    CHECK(likely[0] == row.first);
    CHECK(likely[1] == row.second);
  }
}

TEST_CASE("an unknown script is refused") {
  CHECK_THROWS_AS((LanguageGuess{{{"xx", "Nope", {}, U"", U""}}}), std::invalid_argument);
}

TEST_CASE("real texts get an answer in their own language") {
  const Packs packs = Packs::load(ISHARA_PACKS);
  struct Row {
    const char* text;
    const char* tag;
  };
  const Row rows[] = {
      {"the maid next door is never paid and the madam beats her", "en"},
      {"Please they lock us in the house and we can't leave", "en"},
      {"Mudufashe, umukobwa wanjye ari mu nzu kandi nta mafaranga bamuha", "rw"},
      {"Baramukubita cyane none ntashobora gusohoka, afite ubwoba", "rw"},
      {"nyamata", "fallback"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    std::pmr::monotonic_buffer_resource memory;
    const Pack* pack = packs.for_reply(row.text, "fallback", memory);
    CHECK((pack ? pack->tag : "fallback") == row.tag);
  }
}

}  // namespace
}  // namespace ishara::i18n
