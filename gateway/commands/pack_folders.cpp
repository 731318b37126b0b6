#include "gateway/commands/pack_folders.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "i18n/pack.hpp"

namespace ishara::commands {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t largest_file = 64U << 20;

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code failure;
  for (fs::directory_iterator entry{folder, failure}, end; !failure && entry != end;
       entry.increment(failure)) {
    paths.push_back(entry->path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// True if this country pack is the one that was asked for.
bool is_meant(const fs::path& folder, const PackFolder& pack, std::string_view country) {
  if (country.empty() || folder.filename() == country) return true;
  const auto loaded = routing::load(pack.files());
  return loaded.snapshot &&
         std::any_of(loaded.snapshot->countries.begin(), loaded.snapshot->countries.end(),
                     [&](const auto& code) { return code.view() == country; });
}

}  // namespace

fs::path packs_beside_binary() {
  std::error_code failure;
  return fs::read_symlink("/proc/self/exe", failure).parent_path() / "packs";
}

std::optional<PackFolder> PackFolder::read(const fs::path& folder) {
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) return std::nullopt;
  // "packs/en/" and "." have no last part of their own.
  auto own = fs::absolute(folder, failure).lexically_normal();
  if (!own.has_filename()) own = own.parent_path();
  PackFolder pack;
  for (const auto& path : entries(folder)) {
    if (path.extension() != ".tsv" && path.extension() != ".csv") continue;
    const auto size = fs::file_size(path, failure);
    if (failure || size > largest_file) return std::nullopt;
    std::ifstream file{path, std::ios::binary};
    if (!file) return std::nullopt;
    pack.names_.push_back((own.filename() / path.filename()).string());
    pack.contents_.emplace_back(std::istreambuf_iterator<char>{file},
                                std::istreambuf_iterator<char>{});
  }
  return pack;
}

std::vector<routing::PackFile> PackFolder::files() const {
  std::vector<routing::PackFile> files;
  for (std::size_t i = 0; i < names_.size(); ++i) files.push_back({names_[i], contents_[i]});
  return files;
}

FoundPacks load_packs(const fs::path& folder, std::string_view country) {
  FoundPacks found;
  std::vector<i18n::LanguageTraits> traits;
  std::vector<PackFolder> packs;
  try {
    const auto languages = i18n::Packs::load(folder);
    for (const auto& language : languages.all()) {
      traits.push_back(language.traits);
      if (auto pack = PackFolder::read(folder / language.tag)) packs.push_back(std::move(*pack));
    }
  } catch (const std::runtime_error& error) {
    found.problem = error.what();
    return found;
  }
  const auto countries_from = packs.size();
  for (const auto& path : entries(folder / "country")) {
    auto pack = PackFolder::read(path);
    if (pack && is_meant(path, *pack, country)) packs.push_back(std::move(*pack));
  }
  if (!country.empty() && packs.size() == countries_from) {
    found.problem = "there is no good country pack '" + std::string{country} + "' in " +
                    (folder / "country").string();
    return found;
  }
  std::vector<routing::PackFile> files;
  for (const auto& pack : packs) {
    const auto more = pack.files();
    files.insert(files.end(), more.begin(), more.end());
  }
  auto loaded = routing::load(files, traits);
  found.snapshot = std::move(loaded.snapshot);
  found.mistakes = std::move(loaded.mistakes);
  if (!found.snapshot) found.problem = "the packs have mistakes";
  return found;
}

void print(std::ostream& out, std::span<const routing::Mistake> mistakes) {
  for (const auto& mistake : mistakes) {
    out << mistake.file << ':' << mistake.line << ':' << mistake.column << ": " << mistake.message;
    if (!mistake.suggestion.empty()) out << "; did you mean '" << mistake.suggestion << "'?";
    out << '\n';
  }
}

bool helpline_dates_hold(std::ostream& out, const routing::Helplines& helplines,
                         std::chrono::sys_days today) {
  auto expired = helplines.expired(today);
  for (auto& warning : expired) warning.message.insert(0, "warning: ");
  print(out, expired);
  const auto premature = helplines.premature(today);
  print(out, premature);
  return premature.empty();
}

}  // namespace ishara::commands
