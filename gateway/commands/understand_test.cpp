#include "gateway/commands/understand.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/commands/pack_folders.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

const std::string source = ISHARA_SOURCE_DIR;

std::shared_ptr<const routing::Snapshot> shipped() {
  static const auto snapshot = [] {
    // All languages read every text.
    std::vector<std::optional<PackFolder>> folders{PackFolder::read(source + "/ops/packs/rw-demo")};
    for (const auto* language : {"ar", "en", "es", "fr", "ru", "rw", "sw", "ur", "uz"})
      folders.push_back(PackFolder::read(source + "/i18n/packs/" + language));
    std::vector<routing::PackFile> files;
    for (const auto& folder : folders) {
      REQUIRE(folder);
      const auto more = folder->files();
      files.insert(files.end(), more.begin(), more.end());
    }
    auto loaded = routing::load(files);
    for (const auto& mistake : loaded.mistakes) FAIL_CHECK(mistake.message);
    return std::move(loaded.snapshot);
  }();
  REQUIRE(snapshot);
  return snapshot;
}

std::string understood(const std::string& texts) {
  std::istringstream in{texts};
  std::ostringstream out;
  understand_lines(in, out, {"en", *routing::RegionCode::parse("RW")}, *shipped());
  return out.str();
}

TEST_CASE("a text is answered by one line with every field of the contract") {
  CHECK(understood("the boss took our passports in Huye") ==
        R"({"language":"en","category":"DOC","score":4,"runner_up":null,"tags":["docs"],)"
        R"("urgency":"U1","urgent":false,"region":"RW-05.huye","region_confidence":0.9,)"
        R"("decision":"auto","reasons":["en.doc.001"]})"
        "\n");
}

TEST_CASE("every line is a text, an empty one and one that is not UTF-8 too") {
  const auto answers = understood("hello\n\n\xFF\xFE\nlast");
  CHECK(std::count(answers.begin(), answers.end(), '\n') == 4);
  CHECK(understood("").empty());
}

TEST_CASE("the shipped lexicons reach their floors on the invented texts") {
  struct Floor {
    std::string_view language;
    double category;
    double region;
    double urgent_found;
    double urgent_right;
  };
  const std::array floors{Floor{"en", 0.95, 0.95, 0.85, 0.80}, Floor{"rw", 0.90, 0.95, 0.85, 0.80}};
  for (const auto& floor : floors) {
    CAPTURE(floor.language);
    std::ifstream file{source + "/tests/data/understand/" + std::string{floor.language} + ".jsonl"};
    int texts = 0;
    int category = 0;
    int region = 0;
    int urgent = 0;
    int called_urgent = 0;
    int rightly_urgent = 0;
    for (std::string line; std::getline(file, line); ++texts) {
      const auto expected = json::parse(line).as_object();
      const auto text = json::value_to<std::string>(expected.at("text"));
      const auto got = json::parse(understood(text)).as_object();
      // Nothing recognised and a mere sign both go to a person (conversation.md 4.7).
      const auto merged = [](const json::value& code) {
        return code == "UNC" ? json::value{"UNS"} : code;
      };
      category += merged(got.at("category")) == merged(expected.at("category")) ? 1 : 0;
      region += got.at("region") == expected.at("region") ? 1 : 0;
      urgent += expected.at("urgent").as_bool() ? 1 : 0;
      called_urgent += got.at("urgent").as_bool() ? 1 : 0;
      rightly_urgent += got.at("urgent").as_bool() && expected.at("urgent").as_bool() ? 1 : 0;
    }
    REQUIRE(texts >= 40);
    CHECK(category >= floor.category * texts);
    CHECK(region >= floor.region * texts);
    CHECK(rightly_urgent >= floor.urgent_found * urgent);
    CHECK(rightly_urgent >= floor.urgent_right * called_urgent);
  }
}

}  // namespace
}  // namespace ishara::commands
