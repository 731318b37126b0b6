#include "routing/understand/name_trie.hpp"

#include <algorithm>
#include <memory_resource>

#include "i18n/normalise.hpp"

namespace ishara::routing {
namespace {

constexpr std::uint64_t edge(std::uint32_t node, std::uint32_t word) noexcept {
  return (std::uint64_t{node} << 32) | word;
}

}  // namespace

// Of the size and four bytes; in scripts of two bytes a letter the second ones tell more.
std::size_t NameTrie::mark(std::string_view word) noexcept {
  const auto last = word.size() - 1;
  const auto byte = [&](std::size_t at) {
    return std::uint64_t{static_cast<unsigned char>(word[std::min(at, last)])};
  };
  const auto bytes = byte(1) | (byte(3) << 8) | (byte((word.size() / 2) | 1) << 16) |
                     (byte(last) << 24) | (std::uint64_t{word.size()} << 32);
  static_assert(marks == std::size_t{1} << 17);
  return (bytes * 0x9E3779B97F4A7C15U) >> (64 - 17);
}

std::uint32_t NameTrie::step(std::uint32_t node, std::string_view token) const noexcept {
  if (token.empty() || !marks_[mark(token)]) return nowhere;
  const auto word = words_.find(token);
  if (word == words_.end()) return nowhere;
  const auto next = edges_.find(edge(node, word->second));
  return next == edges_.end() ? nowhere : next->second;
}

bool NameTrie::add(std::string_view name, std::uint32_t value) {
  std::pmr::monotonic_buffer_resource memory;
  const auto tokens = i18n::tokens(name, memory);
  if (tokens.empty() || tokens.size() > longest_name) return false;
  auto node = root;
  for (const auto token : tokens) {
    marks_[mark(token)] = true;
    const auto word =
        words_.try_emplace(std::string{token}, static_cast<std::uint32_t>(words_.size()))
            .first->second;
    const auto [next, is_new] =
        edges_.try_emplace(edge(node, word), static_cast<std::uint32_t>(nodes_.size()));
    if (is_new) nodes_.emplace_back();
    node = next->second;
  }
  nodes_[node].push_back(value);
  return true;
}

NameTrie::Found NameTrie::longest(std::span<const std::string_view> tokens) const noexcept {
  Found found;
  auto node = root;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    node = step(node, tokens[i]);
    if (node == nowhere) break;
    if (!nodes_[node].empty()) found = {nodes_[node], i + 1};
  }
  return found;
}

std::span<const std::uint32_t> NameTrie::exactly(std::string_view name) const {
  std::pmr::monotonic_buffer_resource memory;
  const auto tokens = i18n::tokens(name, memory);
  const auto found = longest(tokens);
  if (found.length != tokens.size()) return {};
  return found.values;
}

}  // namespace ishara::routing
