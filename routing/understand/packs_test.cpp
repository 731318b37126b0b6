// The language packs as they ship, all together: each text is read by all of them.

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "i18n/pack.hpp"
#include "routing/snapshot.hpp"

namespace ishara::routing {
namespace {

const i18n::Packs& packs() {
  static const i18n::Packs all = i18n::Packs::load(ISHARA_PACKS);
  return all;
}

std::string content(const std::string& file) {
  std::ifstream stream{file, std::ios::binary};
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>{stream}, {}};
}

const Snapshot& shipped() {
  static const auto snapshot = [] {
    std::vector<std::string> names;
    std::vector<std::string> contents;
    std::vector<i18n::LanguageTraits> traits;
    for (const auto& pack : packs().all()) {
      for (const auto* file : {"/lexicon.tsv", "/common_words.tsv"}) {
        names.push_back(pack.tag + file);
        contents.push_back(content(std::string{ISHARA_PACKS} + "/" + names.back()));
      }
      traits.push_back(pack.traits);
    }
    std::vector<PackFile> files;
    for (std::size_t i = 0; i < names.size(); ++i) files.push_back({names[i], contents[i]});
    auto loaded = load(files, traits);
    for (const auto& mistake : loaded.mistakes)
      FAIL_CHECK(mistake.file << ":" << mistake.line << ": " << mistake.message);
    return std::move(loaded.snapshot);
  }();
  REQUIRE(snapshot);
  return *snapshot;
}

TEST_CASE(
    "the lexicon of every pack has each category, ordinary talk, urgency, negation and a child") {
  for (const auto& pack : packs().all()) {
    std::array<bool, category_count> categories{};
    std::map<Role, int> roles;
    bool child = false;
    for (std::uint32_t i = 0; i < shipped().lexicon.size(); ++i) {
      const auto& entry = shipped().lexicon.entry(i);
      if (shipped().lexicon.languages()[entry.language] != pack.tag) continue;
      ++roles[entry.role];
      if (entry.role == Role::category) categories[static_cast<std::size_t>(entry.category)] = true;
      child = child || entry.tags.has(Tag::child);
    }
    CAPTURE(pack.tag);
    CHECK(child);
    for (const Role role : {Role::urgency, Role::tag, Role::negator, Role::damper, Role::idiom,
                            Role::advert, Role::courtesy, Role::locative, Role::movement})
      CHECK(roles[role] > 0);
    for (std::size_t i = 0; i < category_count; ++i) {
      const auto category = static_cast<Category>(i);
      CAPTURE(code(category));
      CHECK(categories[i] != (category == Category::unclassified));
    }
  }
}

TEST_CASE("no common word of a pack stands there in vain, and none is taken for another") {
  const auto& lexicon = shipped().lexicon;
  std::map<std::string_view, int> words;
  for (const auto& [word, language] : lexicon.common_words()) {
    CAPTURE(std::string{word});
    CHECK_FALSE(lexicon.misspelt(word, language).empty());
    ++words[language];
    std::pmr::monotonic_buffer_resource memory;
    const std::array<std::string_view, 1> tags{language};
    const std::array<std::string_view, 1> text{word};
    const auto bits = lexicon.languages_of(tags);
    for (const auto& hit : lexicon.find(text, memory, bits, bits)) CHECK_FALSE(hit.fuzzy);
  }
  CHECK(words.size() == packs().all().size());
}

TEST_CASE("the words of the taxonomy's warning are what they are") {
  struct Example {
    std::string_view language;
    std::string_view word;
  };
  for (const auto& [language, word] : {Example{"en", "brother"},
                                       {"en", "mary"},
                                       {"fr", "passer"},
                                       {"fr", "voile"},
                                       {"fr", "rien"}}) {
    CAPTURE(std::string{word});
    std::pmr::monotonic_buffer_resource memory;
    const std::array<std::string_view, 1> tags{language};
    const std::array<std::string_view, 1> text{word};
    const auto bits = shipped().lexicon.languages_of(tags);
    for (const auto& hit : shipped().lexicon.find(text, memory, bits, bits))
      CHECK(shipped().lexicon.entry(hit.entry).role != Role::category);
  }
}

TEST_CASE("most of ten texts a language are known by their language and category") {
  struct Score {
    int texts = 0;
    int language = 0;
    int category = 0;
  };
  std::map<std::string, Score, std::less<>> scores;
  std::ifstream file{std::string{ISHARA_SOURCE_DIR} + "/tests/data/understand/languages.tsv"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const auto first = line.find('\t');
    const auto second = line.find('\t', first + 1);
    REQUIRE(second != line.npos);
    const auto tag = line.substr(0, first);
    const auto expected = line.substr(first + 1, second - first - 1);
    std::pmr::monotonic_buffer_resource memory;
    const auto decision =
        understand(std::string_view{line}.substr(second + 1),
                   {.channel_language = "xx", .channel_country = {}}, shipped(), memory);
    auto& score = scores[tag];
    ++score.texts;
    // A greeting is too short to tell; there the keywords do.
    score.language += decision.language == tag || expected == "NON" ? 1 : 0;
    score.category += code(decision.category) == expected ? 1 : 0;
    CAPTURE(line);
    CAPTURE(std::string{decision.language});
    std::string reasons;
    for (const auto id : decision.reasons) reasons += " " + std::string{id};
    WARN_MESSAGE(code(decision.category) == expected, code(decision.category).data(), reasons);
    WARN((decision.language == tag || expected == "NON"));
  }
  CHECK(scores.size() == 7);
  for (const auto& [tag, score] : scores) {
    CAPTURE(tag);
    CHECK(score.texts >= 10);
    CHECK(score.language * 10 >= score.texts * 8);
    CHECK(score.category * 10 >= score.texts * 8);
  }
}

}  // namespace
}  // namespace ishara::routing
