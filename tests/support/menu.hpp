#pragma once
// The real menu for tests: its flow, all language packs and the places of the demo country.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/conversation/menu.hpp"

namespace ishara::conversation {

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

struct RealMenu {
  i18n::Packs packs = i18n::Packs::load(ISHARA_PACKS);
  Flow flow = load_flow(ISHARA_PACKS, packs);
  routing::Gazetteer gazetteer;
  std::vector<routing::RegionCode> countries{*routing::RegionCode::parse("RW")};

  RealMenu() {
    const auto regions =
        content_of(std::filesystem::path{ISHARA_SOURCE_DIR} / "ops/packs/rw-demo/regions.tsv");
    const routing::PackFile file{"rw-demo/regions.tsv", regions};
    std::vector<routing::Mistake> mistakes;
    gazetteer = routing::Gazetteer::build({&file, 1}, mistakes);
  }

  Around around(std::string_view language = "en", ScreenSize size = {160, 70}) const {
    return {.flow = flow,
            .packs = packs,
            .gazetteer = gazetteer,
            .countries = countries,
            .country = countries[0],
            .channel_language = language,
            .size = size,
            .sharing = true,
            .sms = true};
  }
  ScreenNumber screen(std::string_view name) const {
    for (std::size_t i = 0; i < flow.screens.size(); ++i)
      if (flow.screens[i].name == name) return static_cast<ScreenNumber>(i);
    throw std::logic_error{"no such screen"};
  }
};

// The shortest way through the whole menu but the words: language, tell, go on, forced work, me,
// Kigali, Gasabo, no place, not now, the words, helpers only, no texts, send.
inline std::vector<std::string> whole_report(const std::string& words) {
  return {"1", "1", "1", "1", "1", "1", "1", "0", "3", words, "1", "1", "1"};
}

}  // namespace ishara::conversation
