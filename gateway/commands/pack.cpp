#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/pack_folders.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/desk/desk.hpp"
#include "gateway/intake/knowledge.hpp"
#include "routing/pack/bundle.hpp"
#include "storage/desk_store.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;

bool is_pack(const std::vector<routing::PackFile>& files) {
  return std::any_of(files.begin(), files.end(), [](const routing::PackFile& file) {
    return file.name.ends_with("/pack.tsv") || file.name.ends_with("/lexicon.tsv");
  });
}

// Which common words would be taken for misspelt ones if they did not stand in common_words.tsv.
void print_collisions(const routing::Lexicon& lexicon) {
  for (const auto& [word, language] : lexicon.common_words()) {
    std::cout << language << "/common_words.tsv: '" << word << "' is not taken for";
    const auto ids = lexicon.misspelt(word, language);
    if (ids.empty()) std::cout << " anything: it may go";
    for (std::size_t i = 0; i < std::min<std::size_t>(ids.size(), 3); ++i)
      std::cout << (i == 0 ? " " : ", ") << ids[i];
    std::cout << '\n';
  }
}

int complain_of_no_pack(const fs::path& folder) {
  return complain("there is no pack in " + folder.string(),
                  "name the folder that holds its pack.tsv, for example ops/packs/rw-demo");
}

int check(const fs::path& folder) {
  const auto pack = PackFolder::read(folder);
  const auto files = pack ? pack->files() : std::vector<routing::PackFile>{};
  if (!is_pack(files)) return complain_of_no_pack(folder);
  const auto loaded = routing::load(files);
  print(std::cout, loaded.mistakes);
  const bool holds =
      loaded.snapshot && helpline_dates_hold(std::cout, loaded.snapshot->helplines, today());
  if (holds) {
    print_collisions(loaded.snapshot->lexicon);
    std::cout << "no mistakes\n";
  }
  std::cout.flush();
  return holds && std::cout ? good : failed;
}

struct Import {
  std::vector<fs::path> folders;
  std::string who;
  std::string why;
};

// All is checked before anything is changed: a gateway would refuse what contradicts the rosters.
int import(const CLI::App& root, const Import& options) {
  crypto::start();
  const auto config = load_configuration(root);
  if (!config) return failed;
  std::vector<PackFolder> packs;
  std::vector<routing::PackFile> files;
  for (const auto& folder : options.folders) {
    auto pack = PackFolder::read(folder);
    if (!pack || !is_pack(pack->files())) return complain_of_no_pack(folder);
    packs.push_back(std::move(*pack));
  }
  for (const auto& pack : packs) {
    const auto more = pack.files();
    files.insert(files.end(), more.begin(), more.end());
  }
  const auto loaded = routing::load(files);
  print(std::cerr, loaded.mistakes);
  if (!loaded.snapshot || !helpline_dates_hold(std::cerr, loaded.snapshot->helplines, today()))
    return complain("there are mistakes; nothing was changed", "mend them and run it again");
  if (loaded.snapshot->table.routes().empty())
    return complain("there are no routes in it; nothing was changed",
                    "name the folders of all country packs of this deployment");

  storage::blocking::DeskStore store{config->database.desk_url};
  desk::StoredCases cases{store};
  const auto directory = desk::read_directory(cases, config->deployment.root_public_key, nullptr);
  if (!directory)
    return complain("the rosters: " + directory.error().message(), "see ishara doctor");
  if (const auto known = intake::consistent(loaded.snapshot->table, **directory); !known)
    return complain(known.error().message() + "; nothing was changed",
                    "compare queues.csv with what `ishara org show` prints");
  const storage::RoutingChange change{
      .who = options.who,
      .why = options.why,
      .day = static_cast<std::uint32_t>(today().time_since_epoch().count())};
  const auto bundled = routing::bundle(files);
  auto version = store.put_routing(crypto::bytes_of(bundled), change);
  if (version) {
    if (const auto active = store.activate_routing(*version, change); !active)
      version = active.error();
  }
  if (!version)
    return complain("the database: " + version.error().message() + "; the tables of before count",
                    "see ishara doctor");
  std::cout << "version " << *version << " is in use\n";
  std::cout.flush();
  return std::cout ? good : failed;
}

}  // namespace

void add_pack(CLI::App& root, int& exit_code) {
  auto* pack = root.add_subcommand("pack", "The files that admins edit");
  pack->require_subcommand(1);
  auto folder = std::make_shared<fs::path>();
  auto* command = pack->add_subcommand(
      "check", "Print every mistake of a language or country pack; exit code 1 if there is one");
  command->add_option("folder", *folder, "Folder of the pack")->required();
  command->footer("Example:\n  ishara pack check ops/packs/rw-demo");
  command->callback([folder, &exit_code] { exit_code = check(*folder); });

  auto options = std::make_shared<Import>();
  auto* put = pack->add_subcommand(
      "import", "Check the country packs of this deployment and put them in use, all at once");
  put->add_option("folders", options->folders, "Folders of all its country packs")->required();
  put->add_option("--who", options->who, "Who changes them; kept with the version")->required();
  put->add_option("--why", options->why, "Why; kept with the version")->required();
  put->footer(
      "Example:\n  ishara pack import packs/rw --who amina --why 'helplines verified in May'");
  put->callback([&root, options, &exit_code] { exit_code = import(root, *options); });
}

}  // namespace ishara::commands
