#pragma once
// Keys that people hold, as they come from files and sheets. One thread; calls block.

#include <filesystem>
#include <string_view>
#include <vector>

#include "gateway/commands/command_error.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/sealed_key.hpp"
#include "gateway/identity/shares.hpp"

namespace ishara::commands {

// All of these throw CommandError.

// The bytes of a sealed key file, whose mode, owner, links and length are as they must be.
identity::UserFile read_sealed_key(const std::filesystem::path& file);
// The key in it; blocks for one Argon2id. For a key that signs, crypto::signing_key(seed) is it.
identity::HeldKey open_sealed_key(const std::filesystem::path& file, std::string_view passphrase);

// A sheet that somebody typed or printed into a file.
identity::Sheet read_sheet_file(const std::filesystem::path& file);
identity::HeldKey combine_sheets(const identity::Sheet& left, const identity::Sheet& right);
// The key of two sheets; what is not in `files` is typed, each line checked as it comes.
identity::HeldKey key_of_two_sheets(const std::vector<std::filesystem::path>& files);

}  // namespace ishara::commands
