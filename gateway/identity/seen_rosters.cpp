#include "gateway/identity/seen_rosters.hpp"

#include <sstream>
#include <string>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::identity {

boost::system::result<RosterVersions> read_seen_rosters(const std::filesystem::path& file) {
  constexpr std::size_t limit = 1024 * 1024;
  const auto bytes = config::read_secret_file(file, limit);
  if (!bytes) {
    if (bytes.error() == config::key_file_errc::missing) return RosterVersions{};
    return bytes.error();
  }
  RosterVersions out;
  std::istringstream lines{std::string{bytes->begin(), bytes->end()}};
  std::string issuer;
  while (lines >> issuer) {
    const auto id = issuer == "root" ? crypto::Id{} : crypto::from_hex_exact<16>(issuer);
    std::uint64_t version = 0;
    if (!id || !(lines >> version)) return config::key_file_errc::unreadable;
    out[*id] = version;
  }
  return out;
}

boost::system::result<void> write_seen_rosters(const std::filesystem::path& file,
                                               const RosterVersions& versions) {
  std::ostringstream lines;
  for (const auto& [issuer, version] : versions)
    lines << (issuer == crypto::Id{} ? "root" : crypto::hex(issuer)) << ' ' << version << '\n';
  const auto text = lines.str();
  return config::replace_key_file(file, crypto::bytes_of(text));
}

boost::system::result<void> remember_rosters(const std::filesystem::path& file,
                                             const Directory& directory) {
  const auto seen = read_seen_rosters(file);
  if (!seen) return seen.error();
  if (directory.is_older_than(*seen)) return roster_errc::older_version;
  if (directory.versions() == *seen) return {};
  return write_seen_rosters(file, directory.versions());
}

}  // namespace ishara::identity
