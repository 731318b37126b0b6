// Texts of any bytes: understanding never crashes, stays in its ranges, and says the same twice.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "routing/snapshot.hpp"

namespace {

using namespace ishara::routing;

std::shared_ptr<const Snapshot> packs() {
  std::vector<std::string> names{"ops/packs/rw-demo/regions.tsv", "ops/packs/rw-demo/aliases.tsv",
                                 "ops/packs/rw-demo/queues.csv", "ops/packs/rw-demo/routes.csv",
                                 "ops/packs/rw-demo/exclusions.csv"};
  for (const auto* language : {"ar", "en", "es", "fr", "ru", "rw", "sw", "ur", "uz"})
    names.push_back("i18n/packs/" + std::string{language} + "/lexicon.tsv");
  std::vector<std::string> contents;
  std::vector<PackFile> files;
  for (const auto& name : names) {
    std::ifstream file{std::string{ISHARA_SOURCE_DIR} + "/" + name, std::ios::binary};
    contents.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  }
  for (std::size_t i = 0; i < names.size(); ++i) files.push_back({names[i], contents[i]});
  auto loaded = load(files);
  if (!loaded.snapshot) std::abort();
  return loaded.snapshot;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto snapshot = packs();
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const Hints hints{"rw", *RegionCode::parse("RW")};
  std::pmr::monotonic_buffer_resource memory;
  const auto decision = understand(text, hints, *snapshot, memory);
  const auto again = understand(text, hints, *snapshot, memory);
  if (decision.score < 0 || decision.score > 8 || decision.region_confidence < 0 ||
      decision.region_confidence > 1 || decision.category != again.category ||
      decision.urgency != again.urgency || decision.region != again.region ||
      decision.reasons != again.reasons) {
    std::abort();
  }
  const auto answer = route(question(decision, ConsentClass::helpers), snapshot->table, {});
  if (snapshot->table.queue(answer.owner) == nullptr || answer.police) std::abort();
  return 0;
}
