#include "gateway/identity/words.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/word_list.hpp"

namespace ishara::identity {
namespace {

std::string text(const crypto::WipedBuffer& buffer) { return {buffer.begin(), buffer.end()}; }

crypto::PublicKey key_of(std::uint8_t byte) {
  crypto::PublicKey key;
  key.fill(byte);
  return key;
}

int most(const std::map<std::string, int>& counts) {
  int out = 0;
  for (const auto& [word, count] : counts) out = std::max(out, count);
  return out;
}

TEST_CASE("The list has 7,776 different words of letters, in the order that is searched") {
  CHECK(std::ranges::is_sorted(word_list));
  CHECK(std::set(word_list.begin(), word_list.end()).size() == word_count);
  std::set<std::string> with_hyphen;
  for (const auto word : word_list) {
    CAPTURE(word);
    CHECK(word.size() >= 3);
    CHECK(word.size() <= 9);
    CHECK(std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }));
    // Typed with a space instead of the hyphen it must not be two other words.
    if (const auto hyphen = word.find('-'); hyphen != word.npos) {
      CHECK_FALSE(std::ranges::binary_search(word_list, word.substr(0, hyphen)));
      with_hyphen.insert(std::string{word});
    }
  }
  CHECK(with_hyphen == std::set<std::string>{"drop-down", "felt-tip", "t-shirt", "yo-yo"});
}

TEST_CASE("A passphrase is six words or 24 digits, and every word and digit can come") {
  const auto words = text(new_passphrase(Passphrase::words));
  CHECK(std::ranges::count(words, ' ') == 5);
  CHECK(text(read_words(words).value()) == words);

  const auto digits = text(new_passphrase(Passphrase::digits));
  CHECK(digits.size() == 29);
  for (std::size_t i = 0; i < digits.size(); ++i)
    CHECK((i % 5 == 4 ? digits[i] == ' ' : digits[i] >= '0' && digits[i] <= '9'));

  CHECK(text(new_passphrase(Passphrase::words)) != words);
  CHECK(text(new_passphrase(Passphrase::digits)) != digits);
  // 12,000 drawings leave 21 % of the list undrawn, and take none of its words often.
  std::map<std::string, int> drawn;
  for (int i = 0; i < 2'000; ++i) {
    std::istringstream passphrase{text(new_passphrase(Passphrase::words))};
    for (std::string word; passphrase >> word;) ++drawn[word];
  }
  CHECK(drawn.size() > word_count * 75 / 100);
  CHECK(drawn.size() < word_count * 82 / 100);
  CHECK(most(drawn) < 14);
}

TEST_CASE("What was typed is read as it was generated") {
  struct Row {
    const char* typed;
    const char* read;
  };
  for (const auto& row : {
           Row{"abacus abdomen", "abacus abdomen"},
           Row{"  ABACUS\tAbdomen\r\n", "abacus abdomen"},
           Row{"abacus-abdomen", "abacus abdomen"},
           Row{"abacus - abdomen", "abacus abdomen"},
           Row{"yo-yo t shirt felt-tip drop - down", "yo-yo t-shirt felt-tip drop-down"},
           Row{"yoyo yo yo", "yoyo yo-yo"},
           Row{"1234 5678-9012 345678901234", "1234 5678 9012 3456 7890 1234"},
           Row{"123456789012345678901234\n", "1234 5678 9012 3456 7890 1234"},
           // Not ours: as it is.
           Row{"12345678901234567890123", "12345678901234567890123"},
           Row{"Abacus Xylophone", "Abacus Xylophone"},
           Row{"abacus yo", "abacus yo"},
           Row{"", ""},
       }) {
    CAPTURE(row.typed);
    CHECK(text(as_generated(row.typed)) == row.read);
  }
  CHECK_FALSE(read_words("").has_value());
  CHECK_FALSE(read_words("- -").has_value());
  CHECK_FALSE(read_words("abacus xylophone").has_value());
  CHECK_FALSE(read_words("abacus drop").has_value());
}

TEST_CASE("A fingerprint is eight words of the list and is the same on every machine") {
  const auto words = user_fingerprint(key_of(1), key_of(2));
  // As an implementation in another language computes it.
  CHECK(words == "dejected washing dork abridge handwork everybody character joylessly");
  CHECK(text(read_words(words).value()) == words);
  CHECK(std::ranges::count(words, ' ') == 7);
  CHECK(key_fingerprint(KeyKind::root, key_of(1)) ==
        "dizziness slouchy sprung timing embroider covenant flatworm polygraph");
}

TEST_CASE("Fingerprints differ by kind, by each key, and by which key is which") {
  std::set<std::string> all{
      user_fingerprint(key_of(1), key_of(2)),
      user_fingerprint(key_of(2), key_of(1)),
      user_fingerprint(key_of(1), key_of(3)),
      user_fingerprint(key_of(3), key_of(2)),
      key_fingerprint(KeyKind::root, key_of(1)),
      key_fingerprint(KeyKind::organisation, key_of(1)),
      key_fingerprint(KeyKind::recovery, key_of(1)),
      key_fingerprint(KeyKind::root, key_of(2)),
  };
  CHECK(all.size() == 8);
}

TEST_CASE("The words of fingerprints are spread over the whole list") {
  // 8,000 words of 7,776 that are equally likely: 64 % of the list, and none of them often.
  std::map<std::string, int> seen;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    crypto::PublicKey key{};
    key[0] = static_cast<std::uint8_t>(i);
    key[1] = static_cast<std::uint8_t>(i >> 8);
    std::istringstream words{key_fingerprint(KeyKind::root, key)};
    for (std::string word; words >> word;) ++seen[word];
  }
  CHECK(seen.size() > word_count * 61 / 100);
  CHECK(seen.size() < word_count * 67 / 100);
  CHECK(most(seen) < 12);
}

}  // namespace
}  // namespace ishara::identity
