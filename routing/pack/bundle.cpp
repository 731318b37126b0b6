#include "routing/pack/bundle.hpp"

#include <charconv>

namespace ishara::routing {
namespace {

constexpr std::string_view magic = "ishara pack 1\n";

std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

}  // namespace

std::string bundle(std::span<const PackFile> files) {
  std::string out{magic};
  for (const auto& file : files) {
    out.append(file.name).append("\n");
    out.append(std::to_string(file.content.size())).append("\n");
    out.append(file.content);
  }
  return out;
}

std::optional<std::vector<PackFile>> unbundle(std::string_view bytes) {
  if (!bytes.starts_with(magic)) return std::nullopt;
  bytes.remove_prefix(magic.size());
  std::vector<PackFile> files;
  while (!bytes.empty()) {
    const auto name = take_line(bytes);
    const auto digits = take_line(bytes);
    if (!name || !digits) return std::nullopt;
    std::size_t size = 0;
    const auto [end, error] =
        std::from_chars(digits->data(), digits->data() + digits->size(), size);
    if (error != std::errc{} || end != digits->data() + digits->size() || size > bytes.size())
      return std::nullopt;
    files.push_back({*name, bytes.substr(0, size)});
    bytes.remove_prefix(size);
  }
  return files;
}

}  // namespace ishara::routing
