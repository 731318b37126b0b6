#include "routing/snapshot.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "routing/pack/rows.hpp"

namespace ishara::routing {
namespace {

// FNV-1a, 64 bits: to tell versions apart, not to protect them.
class Fingerprint {
 public:
  void add(std::string_view bytes) noexcept {
    for (const char byte : bytes) step(static_cast<unsigned char>(byte));
    step(0);  // so that a byte cannot move from one file to the next unseen
  }

  std::string text() const {
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4)
      digits += "0123456789abcdef"[(hash_ >> shift) & 15];
    return digits;
  }

 private:
  void step(unsigned char byte) noexcept { hash_ = (hash_ ^ byte) * 0x100000001B3; }
  std::uint64_t hash_{0xCBF29CE484222325};
};

// A language pack has a pack.tsv of its own kind, which i18n reads: keys and values without a
// header, its tag among them. Folders do not tell, since "rw" is a language and a country.
bool is_country_pack(const PackFile& file) {
  return base_name(file.name) == "pack.tsv" && !file.content.starts_with("tag\t") &&
         file.content.find("\ntag\t") == std::string_view::npos;
}

void read_country_pack(const PackFile& file, std::span<const PackFile> files, Snapshot& snapshot,
                       std::vector<Mistake>& mistakes) {
  enum : std::size_t { key, value };
  static constexpr std::array<std::string_view, 2> keys{"country", "version"};
  std::array<bool, keys.size()> seen{};
  for (const auto& row : read_rows(file, {{"key"}, {"value"}}, mistakes)) {
    const auto known = std::find(keys.begin(), keys.end(), row[key].text);
    if (known == keys.end()) {
      complain(mistakes, file, row[key], "there is no key '" + row[key].text + "'",
               closest(row[key].text, keys));
      continue;
    }
    auto& stands = seen[static_cast<std::size_t>(known - keys.begin())];
    if (stands) complain(mistakes, file, row[key], "the key '" + row[key].text + "' stands twice");
    stands = true;
    if (*known != "country") continue;
    const auto country = RegionCode::parse(row[value].text);
    if (country && country->depth() == 1 && snapshot.gazetteer.knows(*country)) {
      auto& countries = snapshot.countries;
      if (std::find(countries.begin(), countries.end(), *country) == countries.end()) {
        countries.push_back(*country);
      }
    } else {
      complain(mistakes, file, row[value],
               "the country is a code of two capital letters that "
               "regions.tsv has");
    }
  }
  const auto stands_beside = [&](std::string_view name) {
    return std::any_of(files.begin(), files.end(), [&](const PackFile& other) {
      return base_name(other.name) == name && folder_name(other.name) == folder_name(file.name);
    });
  };
  // A pack of places alone has neither queues nor routes; who has one has both.
  const bool routes = stands_beside("queues.csv") || stands_beside("routes.csv");
  for (const std::string_view name : {"regions.tsv", "queues.csv", "routes.csv"}) {
    if (!stands_beside(name) && (routes || name == "regions.tsv")) {
      mistakes.push_back({std::string{file.name},
                          0,
                          0,
                          "the file '" + std::string{name} + "' is missing beside it",
                          {}});
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!seen[i]) {
      mistakes.push_back(
          {std::string{file.name}, 0, 0, "the key '" + std::string{keys[i]} + "' is missing", {}});
    }
  }
}

}  // namespace

Loaded load(std::span<const PackFile> files, const std::vector<i18n::LanguageTraits>& languages) {
  Loaded loaded;
  auto snapshot = std::make_shared<Snapshot>(languages);
  snapshot->lexicon = Lexicon::build(files, loaded.mistakes);
  snapshot->gazetteer = Gazetteer::build(files, loaded.mistakes);
  snapshot->table = Table::build(files, snapshot->gazetteer, loaded.mistakes);
  snapshot->helplines = Helplines::build(files, snapshot->gazetteer, loaded.mistakes);
  for (const auto& file : files) {
    if (is_country_pack(file)) read_country_pack(file, files, *snapshot, loaded.mistakes);
  }
  std::uint32_t number = 0;
  for (const auto& exclusion : snapshot->table.exclusions()) {
    snapshot->exclusions.add(exclusion.name, number++);
  }
  if (!loaded.mistakes.empty()) {
    const auto order = [&](const Mistake& mistake) {
      return std::find_if(files.begin(), files.end(),
                          [&](const PackFile& file) { return file.name == mistake.file; });
    };
    std::stable_sort(
        loaded.mistakes.begin(), loaded.mistakes.end(), [&](const Mistake& a, const Mistake& b) {
          return std::tuple{order(a), a.line, a.column} < std::tuple{order(b), b.line, b.column};
        });
    return loaded;
  }
  Fingerprint fingerprint;
  for (const auto& file : files) {
    fingerprint.add(file.name);
    fingerprint.add(file.content);
  }
  snapshot->version = fingerprint.text();
  loaded.snapshot = std::move(snapshot);
  return loaded;
}

Question question(const Decision& decision, ConsentClass consent) noexcept {
  return {routable_region(decision), decision.category, decision.language,
          decision.urgent(),         consent,           decision.tags.has(Tag::official_involved),
          decision.exclusions};
}

}  // namespace ishara::routing
