#pragma once
// Names of one or more words, found in a row of folded tokens. Immutable once filled; safe to read
// from many threads.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ishara::routing {

// Lets a std::string key be looked up by a view, without a copy of a piece of a text.
struct ViewHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

class NameTrie {
 public:
  // `value` is found wherever the tokens of `name` (folded like any text) stand in a row. False,
  // and nothing added, if the name has no token or more than `longest_name`.
  bool add(std::string_view name, std::uint32_t value);

  // The values of the longest name that begins with tokens[0], and its length in tokens; length 0
  // if none does.
  struct Found {
    std::span<const std::uint32_t> values;
    std::size_t length{};
  };
  Found longest(std::span<const std::string_view> tokens) const noexcept;

  // The same word by word: where a name that has come to `node` goes on with `token`, and what ends
  // there. Names begin at `root`.
  static constexpr std::uint32_t root = 0;
  static constexpr std::uint32_t nowhere = 0xFFFFFFFF;
  std::uint32_t step(std::uint32_t node, std::string_view token) const noexcept;
  std::span<const std::uint32_t> values(std::uint32_t node) const noexcept { return nodes_[node]; }

  // The values of exactly this name.
  std::span<const std::uint32_t> exactly(std::string_view name) const;

  bool empty() const noexcept { return words_.empty(); }

  static constexpr std::size_t longest_name = 8;

 private:
  // A bit for some bytes of each word: most words of texts are in no name, and are told by it
  // without their hash.
  static constexpr std::size_t marks = std::size_t{1} << 17;
  static std::size_t mark(std::string_view word) noexcept;

  std::vector<bool> marks_ = std::vector<bool>(marks);
  std::unordered_map<std::string, std::uint32_t, ViewHash, std::equal_to<>> words_;
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;  // node and word to node
  std::vector<std::vector<std::uint32_t>> nodes_{1};        // the values of each
};

}  // namespace ishara::routing
