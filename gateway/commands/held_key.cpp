#include "gateway/commands/held_key.hpp"

#include <CLI/CLI.hpp>

#include "gateway/commands/command_error.hpp"
#include "gateway/commands/key_files.hpp"
#include "gateway/commands/passphrase.hpp"

namespace ishara::commands {
namespace {

identity::HeldKey from_file(const HeldKeyOptions& options, const std::string& kind) {
  const auto passphrase =
      given_passphrase(options.passphrase_file, "Passphrase of the " + kind + " key: ");
  if (!passphrase)
    throw CommandError{options.passphrase_file.string() + ": " + passphrase.error().message(),
                       "it must be a file of yours with mode 0600"};
  if (passphrase->empty())
    throw CommandError{"no passphrase for the " + kind + " key",
                       "type it on a terminal, or name a file with it: see --help"};
  return open_sealed_key(options.file, crypto::view(*passphrase));
}

}  // namespace

void add_held_key_options(CLI::App& command, HeldKeyOptions& options, const std::string& name,
                          bool sheets) {
  command
      .add_option("--" + name + "-key", options.file,
                  "Sealed key file of the " + name + " key, as `ishara key` makes it")
      ->type_name("FILE");
  command
      .add_option("--" + name + "-passphrase-file", options.passphrase_file,
                  "File with its passphrase, mode 0600 (default: ask)")
      ->type_name("FILE");
  if (sheets)
    command
        .add_option("--sheet", options.sheets,
                    "Instead of the key file, a file with the lines of a sheet, twice (default: "
                    "they are typed)")
        ->type_name("FILE")
        ->expected(1)
        ->take_all();
}

identity::HeldKey held_key(const HeldKeyOptions& options, identity::KeyKind kind) {
  const std::string name{identity::name_of(kind)};
  auto key = options.file.empty() ? key_of_two_sheets(options.sheets) : from_file(options, name);
  if (key.kind != kind)
    throw CommandError{"this is the key of a " + std::string{identity::name_of(key.kind)} +
                           ", not the " + name + " key",
                       "give the right file or sheets"};
  return key;
}

}  // namespace ishara::commands
