#pragma once
// The offline key that a command signs or opens with, as its holder gives it: a sealed key file
// with its passphrase, or two of the three sheets of paper. One thread; blocks for one Argon2id.

#include <filesystem>
#include <string>
#include <vector>

#include "gateway/identity/sealed_key.hpp"

namespace CLI {
class App;
}

namespace ishara::commands {

struct HeldKeyOptions {
  std::filesystem::path file;
  std::filesystem::path passphrase_file;
  std::vector<std::filesystem::path> sheets;
};

// `--<name>-key` and `--<name>-passphrase-file`; with `sheets` also `--sheet`. `options` outlives
// the parsed line.
void add_held_key_options(CLI::App& command, HeldKeyOptions& options, const std::string& name,
                          bool sheets);

// Throws CommandError; also for a key of another kind. Without a file the sheets are
// read or typed.
identity::HeldKey held_key(const HeldKeyOptions& options, identity::KeyKind kind);

}  // namespace ishara::commands
