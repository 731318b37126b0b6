#include "gateway/commands/understand.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
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
        R"({"language":"en","category":"DOC","score":8,"runner_up":null,"tags":["docs"],)"
        R"("urgency":"U1","urgent":false,"region":"RW-05.huye","region_confidence":0.9,)"
        R"("decision":"auto","reasons":["en.doc.004","en.doc.001"]})"
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

routing::Evaluation evaluated(const std::string& set) {
  // All languages and all countries of the build, as the command loads them.
  static const auto found = load_packs(packs_beside_binary(), "");
  REQUIRE_MESSAGE(found.snapshot, found.problem);
  std::vector<routing::LabelledText> texts;
  std::vector<routing::Mistake> mistakes;
  for (const auto* language : {"ar", "en", "es", "fr", "ru", "rw", "sw", "ur", "uz"}) {
    const auto name = source + "/tests/data/understand/" + set + "/" + language + ".tsv";
    std::ifstream file{name, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    for (auto& text : routing::read_labelled({name, content}, *found.snapshot, mistakes))
      texts.push_back(std::move(text));
  }
  for (const auto& mistake : mistakes)
    FAIL_CHECK(mistake.file << ":" << mistake.line << ":" << mistake.column << ": "
                            << mistake.message);
  return routing::evaluate(texts, {}, *found.snapshot);
}

TEST_CASE("every language reaches its floors on the development set") {
  const auto found = evaluated("development");
  CHECK(found.languages.size() == 9);
  for (const auto& one : found.languages) {
    CAPTURE(one.language);
    CHECK(one.figures.texts >= 60);
    CHECK(one.figures.macro_f1->value >= 0.88);
    CHECK(one.figures.urgent_recall->value >= 0.90);
    CHECK(one.figures.language->value >= 0.70);
  }
  CHECK(found.all.macro_f1->value >= 0.93);
  CHECK(found.all.urgent_recall->value >= 0.95);
  CHECK(found.all.urgent_precision->value >= 0.70);
  CHECK(found.all.non_precision->value >= 0.98);
  CHECK(found.all.region->value >= 0.85);
  CHECK(found.all.language->value >= 0.85);
}

TEST_CASE("and the texts that nobody tuned for do not fall far behind") {
  const auto found = evaluated("held_out");
  CHECK(found.all.texts == 180);
  CHECK(found.all.macro_f1->value >= 0.88);
  CHECK(found.all.urgent_recall->value >= 0.95);
  CHECK(found.all.non_precision->value >= 0.98);
}

TEST_CASE("a report of figures names every language and category, for people and programs") {
  const auto found = evaluated("held_out");
  std::ostringstream report;
  print_report(found, report);
  for (const auto* part : {"macro-F1", "NON precision", "\nrw  ", "\nall  ", "\nSEX  ", "95 %"})
    CHECK(report.str().find(part) != std::string::npos);
  std::ostringstream object;
  print_json(found, object);
  const auto parsed = json::parse(object.str()).as_object();
  CHECK(parsed.at("all").as_object().at("texts").to_number<int>() == 180);
  CHECK(parsed.at("languages").as_object().size() == 9);
  const auto& non = parsed.at("categories").as_object().at("NON").as_object();
  CHECK(non.at("texts").to_number<int>() == 36);
  CHECK(non.at("taken_for").as_object().contains("NON"));
}

}  // namespace
}  // namespace ishara::commands
