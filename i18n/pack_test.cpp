#include "i18n/pack.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>

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
      {"pack.tsv", "tag\ten\n", "pack.tsv: key 'script' is missing"},
      {"pack.tsv", "tag\tfr\nscript\tLatn\nencoding\tgsm7\nreviewed\tyes\n",
       "tag 'fr' is not the name of the directory"},
      {"pack.tsv", "tag\ten\nscript\tLatn\nencoding\tascii\nreviewed\tyes\n",
       "'ascii' must be gsm7 or ucs2"},
      {"messages.mo", nullptr, "messages.mo: the file cannot be read"},
      {"messages.mo", "text", "messages.mo: this is not a little-endian .mo file"},
      {"forbidden.txt", "\xFF\n", "forbidden.txt:1: is not UTF-8"},
      {"forbidden.txt", "a\n*\n", "forbidden.txt:2: has no word"},
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

}  // namespace
}  // namespace ishara::i18n
