// The places of the countries as they ship, with all language packs: where invented texts are.

#include <doctest/doctest.h>

#include <malloc.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "i18n/pack.hpp"
#include "i18n/sms.hpp"
#include "routing/snapshot.hpp"

namespace ishara::routing {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 10> countries{"cd", "eg", "gt", "hn", "ke",
                                                     "kg", "pk", "rw", "ug", "uz"};

// All language packs and these country packs.
std::shared_ptr<const Snapshot> shipped(std::span<const std::string_view> of_countries) {
  std::vector<std::string> names;
  std::vector<std::string> contents;
  std::vector<i18n::LanguageTraits> traits;
  const auto add = [&](const std::string& name, const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    REQUIRE(stream);
    names.push_back(name);
    contents.emplace_back(std::istreambuf_iterator<char>{stream}, std::istreambuf_iterator<char>{});
  };
  const auto languages = i18n::Packs::load(ISHARA_PACKS);
  for (const auto& pack : languages.all()) {
    add(pack.tag + "/lexicon.tsv", fs::path{ISHARA_PACKS} / pack.tag / "lexicon.tsv");
    traits.push_back(pack.traits);
  }
  for (const auto country : of_countries) {
    for (const auto* name : {"pack.tsv", "regions.tsv", "aliases.tsv"}) {
      add(std::string{country} + "/" + name,
          fs::path{ISHARA_SOURCE_DIR} / "ops/packs" / country / name);
    }
  }
  std::vector<PackFile> files;
  for (std::size_t i = 0; i < names.size(); ++i) files.push_back({names[i], contents[i]});
  auto loaded = load(files, traits);
  for (const auto& mistake : loaded.mistakes)
    FAIL_CHECK(mistake.file << ":" << mistake.line << ": " << mistake.message);
  return std::move(loaded.snapshot);
}

struct Example {
  std::string text;
  RegionCode region;
  double least{};
};

std::vector<Example> examples(std::string_view country) {
  std::vector<Example> all;
  std::ifstream file{fs::path{ISHARA_SOURCE_DIR} / "tests/data/places" /
                     (std::string{country} + ".tsv")};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> cells;
    for (std::size_t at = 0, end = 0; end != line.npos; at = end + 1) {
      end = line.find('\t', at);
      cells.push_back(line.substr(at, end - at));
    }
    CAPTURE(line);
    REQUIRE(cells.size() == 4);
    const auto region = RegionCode::parse(cells[2]);
    REQUIRE(region);
    all.push_back({cells[0], *region, std::stod(cells[3])});
  }
  return all;
}

// The first level as it would be routed by; the country where nothing finer may be used.
RegionCode first_level(const Decision& decision) { return routable_region(decision).ancestor(2); }

TEST_CASE("texts of ten countries are where they say") {
  for (const auto country : countries) {
    CAPTURE(country);
    const auto snapshot = shipped({&country, 1});
    REQUIRE(snapshot);
    REQUIRE(snapshot->countries.size() == 1);
    int right = 0;
    int exact = 0;
    const auto texts = examples(country);
    CHECK(texts.size() >= 15);
    for (const auto& example : texts) {
      std::pmr::monotonic_buffer_resource memory;
      const auto decision = understand(
          example.text, {.channel_language = "en", .channel_country = snapshot->countries[0]},
          *snapshot, memory);
      REQUIRE(snapshot->gazetteer.knows(example.region));
      // Where the least confidence is not enough to route by, the place must be known all the same.
      const auto found = example.least >= 0.7 || example.region.depth() == 1
                             ? first_level(decision)
                             : decision.region.ancestor(2);
      const bool sure = decision.region_confidence >= example.least - 0.001;
      const bool level = found == example.region.ancestor(2);
      right += level && sure ? 1 : 0;
      const bool all = level && sure &&
                       (example.region.depth() == 1 || example.region.contains(decision.region));
      exact += all ? 1 : 0;
      CAPTURE(example.text);
      CAPTURE(std::string{example.region.view()});
      WARN_MESSAGE(all, std::string{decision.region.view()}, " ", decision.region_confidence);
    }
    CHECK(right * 100 >= static_cast<int>(texts.size()) * 85);
    CHECK(exact * 100 >= static_cast<int>(texts.size()) * 85);
  }
}

TEST_CASE("the names that a menu shows are short, and in letters that every phone shows") {
  const auto snapshot = shipped(countries);
  REQUIRE(snapshot);
  for (const auto code : snapshot->gazetteer.codes()) {
    const auto region = *RegionCode::parse(code);
    const auto name = snapshot->gazetteer.name(region);
    CAPTURE(code);
    CAPTURE(name);
    CHECK(i18n::measure(name).encoding == i18n::Encoding::gsm7);
    if (region.depth() <= 2) CHECK(i18n::measure(name).units <= 14);
  }
}

TEST_CASE("nine languages and ten countries fit into 48 MiB") {
  const auto in_use = [] {
    const auto heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;  // large blocks lie in mappings of their own
  };
  const auto before = in_use();
  const auto snapshot = shipped(countries);
  REQUIRE(snapshot);
  const auto grown = in_use() - before;
  MESSAGE("all packs take ", grown / 1024, " KiB");
  CHECK(grown < 48U << 20);
}

}  // namespace
}  // namespace ishara::routing
