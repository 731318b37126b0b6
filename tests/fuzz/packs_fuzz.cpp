// Pack files of any bytes: loading never crashes, and says of every failure what is wrong. The
// first byte chooses which file the rest is.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "routing/snapshot.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara::routing;
  if (size == 0) return 0;
  static constexpr std::array<std::string_view, 8> names{
      "en/lexicon.tsv", "rw/pack.tsv",   "rw/regions.tsv",    "rw/aliases.tsv",
      "rw/queues.csv",  "rw/routes.csv", "rw/exclusions.csv", "rw/helplines.csv"};
  // Good files around the one under test, so that its rows reach every check.
  static constexpr std::array<std::string_view, names.size()> good{
      "id\tlang\tcode\tpattern\tweight\tflags\tconfidence\tsource\n",
      "key\tvalue\ncountry\tRW\nversion\t1\n",
      "code\tname\nRW\tRwanda\nRW-02\tEast\n",
      "code\talias\n",
      "name,class,organisation,fallback\nintake,ngo,helpers,\nmore,ngo,helpers,intake\n"
      "police,police,police,\n",
      "id,region,category,language,urgent,priority,owner,police\nroot,*,*,,,,intake,police\n",
      "id,name,queue\n",
      "region,number,kind,free,hours,utc_offset,languages,verified_on,verified_by\n"};
  std::array<PackFile, names.size()> files;
  for (std::size_t i = 0; i < names.size(); ++i) files[i] = {names[i], good[i]};
  files[data[0] % names.size()].content = {reinterpret_cast<const char*>(data + 1), size - 1};

  const auto loaded = load(files);
  if ((loaded.snapshot == nullptr) == loaded.mistakes.empty()) std::abort();
  if (!loaded.snapshot) return 0;
  // What was accepted answers every question.
  for (std::size_t i = 0; i < category_count; ++i) {
    Question question;
    question.category = static_cast<Category>(i);
    if (!loaded.snapshot->table.routes().empty() &&
        loaded.snapshot->table.queue(route(question, loaded.snapshot->table, {}).owner) ==
            nullptr) {
      std::abort();
    }
  }
  // And of all lines only one that may be named is named, now or in the year 2200.
  const auto& helplines = loaded.snapshot->helplines;
  for (const std::chrono::sys_seconds now : {std::chrono::sys_seconds{std::chrono::days{20'000}},
                                             std::chrono::sys_seconds{std::chrono::days{84'006}}}) {
    const HelplineQuestion question{*RegionCode::parse("RW-02"), "rw", true, now};
    const auto* line = helplines.choose(question);
    if (line != nullptr && standing(*line, question) != Standing::usable) std::abort();
  }
  return 0;
}
