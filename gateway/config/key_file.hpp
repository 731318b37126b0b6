#pragma once
// Secrets in files (privacy.md section 5, Lifecycle). Thread-safe: no shared state.

#include <boost/system/result.hpp>
#include <cstddef>
#include <filesystem>

#include "gateway/crypto/primitives.hpp"

namespace ishara::config {

enum class key_file_errc {
  missing = 1,  // no such file, or a folder on the way cannot be entered
  not_a_file,   // a symbolic link, a folder, a device
  wrong_mode,   // readable or writable by others: must be 0600 or 0400
  wrong_owner,  // belongs to another user than the one that runs this process
  linked,       // has a second name
  wrong_size,
  unreadable,  // the disk says no
  exists,      // will not overwrite
};
const boost::system::error_category& key_file_category() noexcept;
inline boost::system::error_code make_error_code(key_file_errc code) noexcept {
  return {static_cast<int>(code), key_file_category()};
}

// The whole file, which must be of exactly `size` bytes, mode 0600 or 0400, owned by the effective
// user (for root: by its folder's), with no second name, and not a symbolic link. The bytes are
// wiped when the result goes.
boost::system::result<crypto::WipedBytes> read_key_file(const std::filesystem::path& file,
                                                        std::size_t size);
// The same for a file of at most `limit` bytes.
boost::system::result<crypto::WipedBytes> read_secret_file(const std::filesystem::path& file,
                                                           std::size_t limit);

// Creates the file with mode 0600 and makes it durable; never overwrites. What root creates belongs
// to the owner of its folder.
boost::system::result<void> write_key_file(const std::filesystem::path& file, crypto::View bytes);
// The same, in the place of an older file: whole or not at all.
boost::system::result<void> replace_key_file(const std::filesystem::path& file, crypto::View bytes);

// Overwrites the file where it lies, removes it, and returns when that is on the disk. Good also if
// there is none. What it holds, how long it is and who may read it do not matter; one that cannot
// be overwritten is removed all the same, and told. What the disk itself has kept elsewhere, as
// flash, snapshots and backups do, is out of reach.
boost::system::result<void> destroy_key_file(const std::filesystem::path& file);

}  // namespace ishara::config

template <>
struct boost::system::is_error_code_enum<ishara::config::key_file_errc> : std::true_type {};
