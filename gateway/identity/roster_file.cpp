#include "gateway/identity/roster_file.hpp"

#include <algorithm>

#include "gateway/crypto/encoding.hpp"

namespace ishara::identity {
namespace {

constexpr std::string_view title = "ishara-rosters 1\n";
constexpr std::string_view name = "roster ";

std::optional<SignedRoster> roster_of(std::string_view line) {
  if (!line.starts_with(name)) return std::nullopt;
  line.remove_prefix(name.size());
  const auto space = line.find(' ');
  if (space == line.npos) return std::nullopt;
  auto bytes = crypto::from_base64(line.substr(0, space));
  const auto signature = crypto::from_base64(line.substr(space + 1));
  SignedRoster out;
  if (!bytes || !signature || signature->size() != out.signature.size()) return std::nullopt;
  out.bytes = std::move(*bytes);
  std::ranges::copy(*signature, out.signature.begin());
  return out;
}

}  // namespace

std::string write_roster_file(std::span<const SignedRoster> rosters) {
  std::string out{title};
  for (const auto& roster : rosters)
    out.append(name) +=
        crypto::base64(roster.bytes) + " " + crypto::base64(roster.signature) + "\n";
  return out;
}

std::optional<std::vector<SignedRoster>> read_roster_file(std::string_view file) {
  if (!file.starts_with(title)) return std::nullopt;
  file.remove_prefix(title.size());
  std::vector<SignedRoster> out;
  while (!file.empty()) {
    const auto end = file.find('\n');
    if (end == file.npos) return std::nullopt;
    auto roster = roster_of(file.substr(0, end));
    if (!roster) return std::nullopt;
    out.push_back(std::move(*roster));
    file.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace ishara::identity
