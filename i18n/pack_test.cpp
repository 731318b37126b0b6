#include "i18n/pack.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace ishara::i18n {
namespace {

namespace fs = std::filesystem;

// A copy of a real pack that a test may spoil; removed at the end.
class SpoiltPack {
 public:
  SpoiltPack()
      : root_{fs::temp_directory_path() / ("ishara-pack-test-" + std::to_string(::getpid()))} {
    fs::remove_all(root_);
    fs::create_directories(root_);
    fs::copy(fs::path{ISHARA_PACKS} / "en", root_ / "en");
  }
  ~SpoiltPack() { fs::remove_all(root_); }
  SpoiltPack(const SpoiltPack&) = delete;
  SpoiltPack& operator=(const SpoiltPack&) = delete;

  void write(const char* name, const std::string& content) const {
    std::ofstream{root_ / "en" / name, std::ios::binary} << content;
  }
  void remove(const char* name) const { fs::remove(root_ / "en" / name); }
  std::string complaint() const {
    try {
      Packs::load(root_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  }

 private:
  fs::path root_;
};

TEST_CASE("every pack has every reply, with the placeholders of the English text") {
  const Packs packs = Packs::load(ISHARA_PACKS);
  REQUIRE(packs.find("en"));
  REQUIRE(packs.find("rw"));
  CHECK_FALSE(packs.find("xx"));
  const Catalogue& english = packs.find("en")->catalogue;
  CHECK(english.find("ack.plain"));
  for (const Pack& pack : packs.all()) {
    CAPTURE(pack.tag);
    CHECK(pack.catalogue.replies().size() == english.replies().size());
    CHECK_FALSE(pack.forbidden.empty());
    CHECK(pack.traits.function_words.size() >= 40);
    for (const Catalogue::Reply& reply : pack.catalogue.replies()) {
      CAPTURE(reply.id);
      REQUIRE(english.find(reply.id));
      CHECK(reply.english == english.find(reply.id)->english);
      const auto required = placeholders_of(reply.english);
      const auto found = placeholders_of(reply.text);
      REQUIRE(required.has_value());
      REQUIRE(found.has_value());
      CHECK(std::multiset<std::string_view>(required->begin(), required->end()) ==
            std::multiset<std::string_view>(found->begin(), found->end()));
    }
  }
}

TEST_CASE("a pack that cannot be used says which file and line is wrong") {
  struct Row {
    const char* file;
    const char* content;  // null: the file is absent
    const char* complaint;
  };
  const Row rows[] = {
      {"pack.tsv", nullptr, "pack.tsv: cannot be read"},
      {"pack.tsv", "tag en\n", "pack.tsv:1: write a key, one tab and a value"},
      {"pack.tsv", "# x\ncolour\tred\n", "pack.tsv:2: unknown key 'colour'"},
      {"pack.tsv", "tag\ten\ntag\ten\n", "pack.tsv:2: key 'tag' is given twice"},
      {"pack.tsv", "tag\ten\n", "pack.tsv: key 'name' is missing"},
      {"pack.tsv", "tag\tfr\nname\tx\nscript\tLatn\nencoding\tgsm7\nreviewed\tyes\n",
       "tag 'fr' is not the name of the directory"},
      {"pack.tsv", "tag\ten\nname\tx\nscript\tLatn\nencoding\tascii\nreviewed\tyes\n",
       "'ascii' must be gsm7 or ucs2"},
      {"pack.tsv", "tag\ten\nname\tРусский\nscript\tLatn\nencoding\tucs2\nreviewed\tno\n",
       "the name of the language is not in GSM-7 letters"},
      {"messages.mo", nullptr, "messages.mo: the file cannot be read"},
      {"messages.mo", "text", "messages.mo: this is not a little-endian .mo file"},
      {"forbidden.txt", "\xFF\n", "forbidden.txt:1: is not UTF-8"},
      {"forbidden.txt", "a\n*\n", "forbidden.txt:2: has no word"},
      {"keywords.tsv", nullptr, "keywords.tsv: cannot be read"},
      {"keywords.tsv", "# x\nHELP sos\n", "keywords.tsv:2: write a class, one tab and a keyword"},
      {"keywords.tsv", "HURRY\tsos\n", "keywords.tsv:1: unknown class 'HURRY'; known are STOP"},
      {"keywords.tsv", "YES\t1\n", "keywords.tsv:1: a keyword has letters and no digit"},
      {"keywords.tsv", "YES\t \n", "keywords.tsv:1: a keyword has letters and no digit"},
      {"keywords.tsv", "YES\ta b c d e\n", "keywords.tsv:1: a keyword has four words at most"},
      {"keywords.tsv", "HELP\tsos\n", "keywords.tsv: has no keyword of class STOP"},
      {"function_words.txt", "the\nof the\n", "function_words.txt:2: write one word a line"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.complaint);
    const SpoiltPack pack;
    CHECK(pack.complaint() == "none");
    if (row.content != nullptr) {
      pack.write(row.file, row.content);
    } else {
      pack.remove(row.file);
    }
    CHECK(pack.complaint().find(row.complaint) != std::string::npos);
  }
  CHECK_THROWS_WITH(Packs::load("/nonexistent"), "/nonexistent: cannot be read");
}

TEST_CASE("a word that has two meanings stops the load of all packs") {
  std::string keywords;
  for (const std::string_view meaning : meaning_names)
    keywords += std::string{meaning} + "\tword " + std::string{meaning} + "\n";
  struct Row {
    std::string added;
    const char* complaint;
  };
  const Row rows[] = {
      {"", "none"},
      {"YES\tWord  YES!\n", "none"},
      {"NO\tWord-Yés\n", "en/keywords.tsv:18: 'word yes' means NO here and YES in "},
      {"GREET\tEN\n", "en/keywords.tsv:18: 'en' means GREET here and NAME in "},
      {"STOP\tenglish\n", "en/keywords.tsv:18: 'english' means STOP here and NAME in "},
  };
  for (const Row& row : rows) {
    CAPTURE(row.added);
    const SpoiltPack pack;
    pack.write("keywords.tsv", keywords + row.added);
    CHECK(pack.complaint().find(row.complaint) != std::string::npos);
  }
}

TEST_CASE("only wanted packs are loaded, and unreviewed ones only where that is allowed") {
  const auto tags = [](const Packs& packs) {
    std::string all;
    for (const Pack& pack : packs.all()) all += pack.tag + " ";
    return all;
  };
  CHECK(tags(Packs::load(ISHARA_PACKS)) == "ar en es fr ru rw sw ur uz ");
  const Packs two = Packs::load(ISHARA_PACKS, {.tags = {"rw", "en"}, .allow_unreviewed = true});
  CHECK(tags(two) == "en rw ");
  CHECK(two.left_out().empty());
  const Packs one = Packs::load(ISHARA_PACKS, {.tags = {"rw", "en"}, .allow_unreviewed = false});
  CHECK(tags(one) == "en ");
  CHECK(one.left_out() == std::vector<std::string>{"rw"});
  CHECK_THROWS_WITH(Packs::load(ISHARA_PACKS, {.tags = {"rw"}, .allow_unreviewed = false}),
                    doctest::Contains("no native speaker has read any of the language packs"));
  CHECK_THROWS_WITH(Packs::load(ISHARA_PACKS, {.tags = {"xx"}, .allow_unreviewed = true}),
                    doctest::Contains("has no language pack 'xx'"));
}

TEST_CASE("the keywords of all packs stand together, each with its pack") {
  const Packs packs = Packs::load(ISHARA_PACKS);
  const auto find = [&](std::string_view text) {
    const auto place = std::find_if(packs.keywords().begin(), packs.keywords().end(),
                                    [&](const Keyword& word) { return word.text == text; });
    REQUIRE(place != packs.keywords().end());
    return *place;
  };
  CHECK(find("bigeze he").meaning == Meaning::status);
  CHECK(packs.all()[find("bigeze he").pack].tag == "rw");
  CHECK(find("?").meaning == Meaning::info);
  CHECK(find("ikinyarwanda").meaning == Meaning::name);
  CHECK(find("delete").meaning == Meaning::erase);
}

}  // namespace
}  // namespace ishara::i18n
