#pragma once
// The words of passphrases and fingerprints, in the order of their bytes; word_list.cpp says whose
// list it is. They are made to be heard, typed and told apart: 3 to 9 letters, four of them with a
// hyphen. Constant: any thread may read it once `main` has begun.

#include <array>
#include <cstddef>
#include <string_view>

namespace ishara::identity {

inline constexpr std::size_t word_count = 7776;  // 12.9 bits a word
extern const std::array<std::string_view, word_count> word_list;

}  // namespace ishara::identity
