#pragma once
// Keys that people hold, as they come from files and sheets. One thread; calls block.

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/sealed_key.hpp"
#include "gateway/identity/shares.hpp"

namespace ishara::commands {

// What a command with keys stops with: what happened and what to do, for people.
class KeyError : public std::runtime_error {
 public:
  KeyError(const std::string& what, std::string what_to_do)
      : std::runtime_error{what}, what_to_do_{std::move(what_to_do)} {}
  const std::string& what_to_do() const noexcept { return what_to_do_; }

 private:
  std::string what_to_do_;
};

// All of these throw KeyError.

// The bytes of a sealed key file, whose mode, owner, links and length are as they must be.
identity::UserFile read_sealed_key(const std::filesystem::path& file);
// The key in it; blocks for one Argon2id. For a key that signs, crypto::signing_key(seed) is it.
identity::HeldKey open_sealed_key(const std::filesystem::path& file, std::string_view passphrase);

// A sheet that somebody typed or printed into a file.
identity::Sheet read_sheet_file(const std::filesystem::path& file);
identity::HeldKey combine_sheets(const identity::Sheet& left, const identity::Sheet& right);

}  // namespace ishara::commands
