#include "routing/understand/name_trie.hpp"

#include <memory_resource>

#include "i18n/normalise.hpp"

namespace ishara::routing {
namespace {

constexpr std::uint64_t edge(std::uint32_t node, std::uint32_t word) noexcept {
  return (std::uint64_t{node} << 32) | word;
}

}  // namespace

std::uint32_t NameTrie::step(std::uint32_t node, std::string_view token) const noexcept {
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
