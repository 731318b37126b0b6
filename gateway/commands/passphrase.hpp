#pragma once
// The passphrase of a sealed key file, as its holder gives it. One thread.

#include <boost/system/result.hpp>
#include <filesystem>
#include <string_view>

#include "gateway/crypto/wipe.hpp"

namespace ishara::commands {

// What the file holds (mode 0600, config/key_file.hpp), or without one what is typed on the
// terminal, without echo; in the form in which passphrases are generated. Empty if there is no
// terminal, or nothing was typed.
boost::system::result<crypto::WipedBuffer> given_passphrase(const std::filesystem::path& file,
                                                            std::string_view prompt);

// A new passphrase that its holder has: shown once on the terminal and typed back, or in a new
// file. Throws CommandError.
crypto::WipedBuffer hand_over_new_passphrase(bool digits, const std::filesystem::path& file);

}  // namespace ishara::commands
