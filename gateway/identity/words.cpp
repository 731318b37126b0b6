#include "gateway/identity/words.hpp"

#include <algorithm>
#include <array>

#include "gateway/identity/word_list.hpp"

namespace ishara::identity {
namespace {

constexpr int passphrase_words = 6;
constexpr int passphrase_digits = 24;
constexpr int fingerprint_words = 8;

void append(crypto::WipedBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

bool is_in_list(std::string_view word) {
  return std::binary_search(word_list.begin(), word_list.end(), word);
}

// Whatever a keyboard or an editor may put between two words.
bool separates(char c) { return c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Takes the next run of other characters off the front, in lower case; empty at the end.
crypto::WipedBuffer take_word(std::string_view& rest) {
  while (!rest.empty() && separates(rest.front())) rest.remove_prefix(1);
  crypto::WipedBuffer word;
  for (; !rest.empty() && !separates(rest.front()); rest.remove_prefix(1))
    word.push_back(lower(rest.front()));
  return word;
}

// Stands where a KeyKind does, and is none: nobody holds the key of a queue on paper or in a file.
constexpr std::uint8_t queue_key = 255;

std::string fingerprint(std::uint8_t kind, crypto::Parts keys) {
  crypto::Bytes all;
  for (const auto key : keys) all.insert(all.end(), key.begin(), key.end());
  const std::array<std::uint8_t, 1> kind_byte{kind};
  auto number = crypto::hash32({crypto::bytes_of({"ishara/v1/words", 16}), kind_byte, all});
  std::string out;
  for (int i = 0; i < fingerprint_words; ++i) {
    std::size_t rest = 0;  // of the division of the number by word_count, digit by digit
    for (auto& digit : number) {
      rest = rest << 8 | digit;
      digit = static_cast<std::uint8_t>(rest / word_count);
      rest %= word_count;
    }
    if (i > 0) out += ' ';
    out += word_list[rest];
  }
  return out;
}

}  // namespace

crypto::WipedBuffer new_passphrase(Passphrase form) {
  crypto::WipedBuffer out;
  if (form == Passphrase::words) {
    for (int i = 0; i < passphrase_words; ++i) {
      if (i > 0) out.push_back(' ');
      append(out, word_list[crypto::random_below(word_count)]);
    }
  } else {
    for (int i = 0; i < passphrase_digits; ++i) {
      if (i > 0 && i % 4 == 0) out.push_back(' ');
      out.push_back(static_cast<char>('0' + crypto::random_below(10)));
    }
  }
  return out;
}

std::optional<crypto::WipedBuffer> read_words(std::string_view typed) {
  crypto::WipedBuffer out;
  for (auto word = take_word(typed); !word.empty(); word = take_word(typed)) {
    if (!is_in_list(crypto::view(word))) {
      // The first half of a word with a hyphen is never a word by itself.
      word.push_back('-');
      append(word, crypto::view(take_word(typed)));
      if (!is_in_list(crypto::view(word))) return std::nullopt;
    }
    if (!out.empty()) out.push_back(' ');
    append(out, crypto::view(word));
  }
  if (out.empty()) return std::nullopt;
  return out;
}

crypto::WipedBuffer as_generated(std::string_view typed) {
  crypto::WipedBuffer digits;
  bool only_digits = true;
  int count = 0;
  for (const char c : typed) {
    if (separates(c)) continue;
    only_digits = only_digits && c >= '0' && c <= '9';
    if (count > 0 && count % 4 == 0) digits.push_back(' ');
    digits.push_back(c);
    ++count;
  }
  if (only_digits && count == passphrase_digits) return digits;
  if (auto words = read_words(typed)) return std::move(*words);
  return crypto::wiped_copy(typed);
}

std::string user_fingerprint(const crypto::PublicKey& signing_key,
                             const crypto::PublicKey& box_key) {
  return fingerprint(static_cast<std::uint8_t>(KeyKind::user), {signing_key, box_key});
}

std::string key_fingerprint(KeyKind kind, const crypto::PublicKey& key) {
  return fingerprint(static_cast<std::uint8_t>(kind), {key});
}

std::string queue_fingerprint(const crypto::Id& queue, std::uint32_t generation,
                              const crypto::PublicKey& box_key) {
  std::array<std::uint8_t, 4> number{};
  for (std::size_t i = 0; i < number.size(); ++i)
    number[i] = static_cast<std::uint8_t>(generation >> (24 - 8 * i));
  return fingerprint(queue_key, {queue, number, box_key});
}

}  // namespace ishara::identity
