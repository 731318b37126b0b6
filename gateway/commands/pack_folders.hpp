#pragma once
// Packs as the commands find them on disk: language packs in FOLDER/<tag>, country packs in
// FOLDER/country/<name>. Used by one thread.

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/snapshot.hpp"

namespace ishara::commands {

// The folder `packs` beside the running binary.
std::filesystem::path packs_beside_binary();

// The .tsv and .csv files of one pack, named "<folder>/<file>", in the order of their names.
class PackFolder {
 public:
  // Nothing if the folder cannot be read, or holds a file of more than 64 MiB.
  static std::optional<PackFolder> read(const std::filesystem::path& folder);
  // Views that live as long as this object.
  std::vector<routing::PackFile> files() const;

 private:
  std::vector<std::string> names_;
  std::vector<std::string> contents_;
};

struct FoundPacks {
  std::shared_ptr<const routing::Snapshot> snapshot;  // null if anything was wrong
  std::string problem;                                // then: what, in one line
  std::vector<routing::Mistake> mistakes;             // and where, if files were wrong
};

// Loads all language packs of `folder` and the country pack that `country` names by its folder or
// its country's code; all country packs if `country` is empty.
FoundPacks load_packs(const std::filesystem::path& folder, std::string_view country);

// One line a mistake: file:line:column: message; did you mean '...'?
void print(std::ostream& out, std::span<const routing::Mistake> mistakes);

// Prints, in the same form, what the dates of these helplines are not as seen on `today`; false if
// one is a mistake. What has expired is a warning.
bool helpline_dates_hold(std::ostream& out, const routing::Helplines& helplines,
                         std::chrono::sys_days today);

}  // namespace ishara::commands
