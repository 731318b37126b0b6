#include "routing/understand/similar_names.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>
#include <utility>

#include "i18n/utf8.hpp"

namespace ishara::routing {
namespace {

constexpr std::size_t fewest_letters = 6;
constexpr std::size_t most_letters = 24;

struct Letters {
  std::array<char32_t, most_letters> all{};
  std::size_t count{};
  std::uint32_t kinds{};
};

// False if the word has too few or too many letters.
bool read(std::string_view word, Letters& letters) noexcept {
  while (!word.empty()) {
    if (letters.count == most_letters) return false;
    const auto next = i18n::first_of_utf8(word);
    word.remove_prefix(next.size);
    letters.all[letters.count++] = next.value;
    letters.kinds |= 1U << (static_cast<std::uint32_t>(next.value) & 31U);
  }
  return letters.count >= fewest_letters;
}

// Optimal string alignment.
unsigned edits(const Letters& a, const Letters& b) noexcept {
  using Row = std::array<unsigned, most_letters + 1>;
  Row before{};
  Row previous{};
  Row current{};
  for (std::size_t j = 0; j <= b.count; ++j) previous[j] = static_cast<unsigned>(j);
  for (std::size_t i = 1; i <= a.count; ++i) {
    current[0] = static_cast<unsigned>(i);
    for (std::size_t j = 1; j <= b.count; ++j) {
      const unsigned change = a.all[i - 1] == b.all[j - 1] ? 0 : 1;
      current[j] = std::min({previous[j - 1] + change, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a.all[i - 1] == b.all[j - 2] && a.all[i - 2] == b.all[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    before = previous;
    previous = current;
  }
  return previous[b.count];
}

}  // namespace

void SimilarNames::add(std::string_view word) {
  Letters letters;
  if (!read(word, letters)) return;
  entries_.push_back({letters.all[0], static_cast<std::uint32_t>(letters.count), letters.kinds,
                      std::string{word}});
}

void SimilarNames::sort() {
  const auto key = [](const Entry& entry) {
    return std::tie(entry.first, entry.letters, entry.word);
  };
  std::sort(entries_.begin(), entries_.end(),
            [&](const Entry& a, const Entry& b) { return key(a) < key(b); });
  const auto same = [&](const Entry& a, const Entry& b) { return key(a) == key(b); };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
}

std::pmr::vector<std::string_view> SimilarNames::near(std::string_view token,
                                                      std::pmr::memory_resource& memory) const {
  std::pmr::vector<std::string_view> words{&memory};
  Letters letters;
  if (!read(token, letters)) return words;
  const unsigned reach = letters.count < 9 ? 1 : 2;
  const auto fewest = static_cast<std::uint32_t>(letters.count - reach);
  const auto most = static_cast<std::uint32_t>(letters.count + reach);
  auto entry = std::lower_bound(entries_.begin(), entries_.end(), std::pair{letters.all[0], fewest},
                                [](const Entry& a, const auto& b) {
                                  return std::pair{a.first, a.letters} < b;
                                });
  std::pmr::vector<std::pair<unsigned, std::string_view>> found{&memory};
  for (; entry != entries_.end() && entry->first == letters.all[0] && entry->letters <= most;
       ++entry) {
    // One edit puts at most one new kind of letter in and takes one out.
    if (std::popcount(entry->kinds ^ letters.kinds) > static_cast<int>(2 * reach)) continue;
    Letters other;
    read(entry->word, other);
    if (const auto distance = edits(letters, other); distance <= reach) {
      found.emplace_back(distance, entry->word);
    }
  }
  std::sort(found.begin(), found.end());
  for (const auto& [distance, word] : found) words.push_back(word);
  return words;
}

}  // namespace ishara::routing
