#pragma once
// Names of one word by their letters, to find the one that a misspelt word means: the same first
// letter, one edit in 6 to 8 letters, two from 9 on (an edit inserts, drops or changes a letter, or
// swaps two neighbours). Immutable once sorted; safe to read from many threads.

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

namespace ishara::routing {

class SimilarNames {
 public:
  // `word` is one folded word; one that is too short or too long to be misspelt is left out.
  void add(std::string_view word);
  // After the last `add`, before the first `near`.
  void sort();

  // The words within reach of `token`, the nearest first. They live as long as this object.
  std::pmr::vector<std::string_view> near(std::string_view token,
                                          std::pmr::memory_resource& memory) const;

 private:
  struct Entry {
    char32_t first;
    std::uint32_t letters;
    std::uint32_t kinds;  // a bit for each letter that it has, several letters a bit
    std::string word;
  };

  std::vector<Entry> entries_;  // by first letter, then number of letters, then word
};

}  // namespace ishara::routing
