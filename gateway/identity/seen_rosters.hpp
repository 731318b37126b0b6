#pragma once
// What a reader of rosters remembers over its restarts: the highest version of each that it has
// accepted (privacy.md section 6). A small text file, mode 0600, one line an issuer:
//
//   ( "root" / 32 hexadecimal digits ) SP version LF
//
// Blocks on the disk. One process at a time writes a file.

#include <boost/system/result.hpp>
#include <filesystem>

#include "gateway/identity/roster.hpp"

namespace ishara::identity {

// Nothing seen yet if there is no such file. A file that others may write, or that is not of the
// form above, is an error: it must not count as "never seen".
boost::system::result<RosterVersions> read_seen_rosters(const std::filesystem::path& file);

// Replaces the file whole or not at all: half a file would forget versions.
boost::system::result<void> write_seen_rosters(const std::filesystem::path& file,
                                               const RosterVersions& versions);

// What a service does with each directory that it has verified, before it uses it: refuses one that
// goes back behind `file` (roster_errc::older_version), and remembers a newer one there. If it
// cannot be remembered it must not be used, or a restart could go back behind it.
boost::system::result<void> remember_rosters(const std::filesystem::path& file,
                                             const Directory& directory);

}  // namespace ishara::identity
