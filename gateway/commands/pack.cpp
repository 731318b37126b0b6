#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/pack_folders.hpp"

namespace ishara::commands {
namespace {

int check(const std::filesystem::path& folder) {
  const auto pack = PackFolder::read(folder);
  const auto files = pack ? pack->files() : std::vector<routing::PackFile>{};
  const bool is_pack = std::any_of(files.begin(), files.end(), [](const routing::PackFile& file) {
    return file.name.ends_with("/pack.tsv") || file.name.ends_with("/lexicon.tsv");
  });
  if (!is_pack) {
    return complain("there is no pack in " + folder.string(),
                    "name the folder that holds its pack.tsv, for example ops/packs/rw-demo");
  }
  const auto loaded = routing::load(files);
  print(std::cout, loaded.mistakes);
  if (loaded.snapshot) std::cout << "no mistakes\n";
  std::cout.flush();
  return loaded.snapshot && std::cout ? good : failed;
}

}  // namespace

void add_pack(CLI::App& root, int& exit_code) {
  auto* pack = root.add_subcommand("pack", "The files that admins edit");
  pack->require_subcommand(1);
  auto folder = std::make_shared<std::filesystem::path>();
  auto* command = pack->add_subcommand(
      "check", "Print every mistake of a language or country pack; exit code 1 if there is one");
  command->add_option("folder", *folder, "Folder of the pack")->required();
  command->footer("Example:\n  ishara pack check ops/packs/rw-demo");
  command->callback([folder, &exit_code] { exit_code = check(*folder); });
}

}  // namespace ishara::commands
