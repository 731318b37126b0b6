#include "gateway/intake/learning.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gateway/config/key_file.hpp"
#include "gateway/identity/seen_rosters.hpp"
#include "gateway/intake/knowledge.hpp"
#include "tests/support/folder.hpp"

namespace ishara::intake {
namespace {

namespace fs = std::filesystem;

struct KnowledgeFolder : tests::Folder {
  fs::path file = *this / "knowledge.last";

  std::string content() const {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }
  void replace(const std::string& bytes) const {
    std::ofstream{file, std::ios::binary | std::ios::trunc} << bytes;
  }
};

struct Signed {
  crypto::SigningKey root = crypto::signing_key(crypto::random_secret<32>());
  StoredKnowledge knowledge;

  Signed() {
    identity::RootRoster roster;
    roster.deployment = crypto::random_bytes<16>();
    roster.version = 3;
    const auto sealed = identity::sign_roster(roster, root);
    knowledge.rosters.push_back({{},
                                 3,
                                 {sealed.bytes.begin(), sealed.bytes.end()},
                                 {sealed.signature.begin(), sealed.signature.end()}});
    knowledge.rosters.push_back({crypto::random_bytes<16>(), 7, {1, '\n', 0}, {}});
    knowledge.epochs = {{9, 8, 7}, {}};
    knowledge.routing = {42, {'x', '\n', 'y'}};
  }
};

}  // namespace

TEST_CASE("what was learnt last is read from the disk as it was kept, and by its owner alone") {
  const KnowledgeFolder folder;
  const Signed signed_by;
  const auto& kept = signed_by.knowledge;
  CHECK(read_knowledge(folder.file).error() == config::key_file_errc::missing);
  REQUIRE(keep_knowledge(folder.file, {}).has_value());
  REQUIRE(keep_knowledge(folder.file, kept).has_value());
  const auto read = read_knowledge(folder.file);
  REQUIRE(read.has_value());
  REQUIRE(read->rosters.size() == kept.rosters.size());
  for (std::size_t i = 0; i < kept.rosters.size(); ++i) {
    CHECK(read->rosters[i].issuer == kept.rosters[i].issuer);
    CHECK(read->rosters[i].version == kept.rosters[i].version);
    CHECK(read->rosters[i].bytes == kept.rosters[i].bytes);
    CHECK(read->rosters[i].signature == kept.rosters[i].signature);
  }
  CHECK(read->epochs == kept.epochs);
  CHECK(read->routing.version == 42);
  CHECK(read->routing.content == kept.routing.content);
  CHECK(std::distance(fs::directory_iterator{folder.path()}, {}) == 1);

  fs::permissions(folder.file, fs::perms::others_read, fs::perm_options::add);
  CHECK(read_knowledge(folder.file).error() == config::key_file_errc::wrong_mode);
}

TEST_CASE("a file that is no knowledge is refused") {
  const KnowledgeFolder folder;
  REQUIRE(keep_knowledge(folder.file, {}).has_value());
  for (const char* bytes : {"", "ishara pack 1", "ishara pack 1\nroster x 1\n0\n",
                            "ishara pack 1\nroster 00000000000000000000000000000000 x\n0\n",
                            "ishara pack 1\nsignature\n0\n", "ishara pack 1\nrouting\n0\n",
                            "ishara pack 1\nrouting 1x\n0\n", "ishara pack 1\nother 1\n0\n",
                            "ishara pack 1\nrouting 1\n5\nabcd"}) {
    CAPTURE(bytes);
    folder.replace(bytes);
    CHECK(read_knowledge(folder.file).error() == knowledge_errc::not_kept);
  }
}

TEST_CASE("a roster that was altered on the disk counts as little as one from the database") {
  const KnowledgeFolder folder;
  Signed signed_by;
  signed_by.knowledge.rosters.pop_back();
  REQUIRE(keep_knowledge(folder.file, signed_by.knowledge).has_value());
  const auto packs = i18n::Packs::load(ISHARA_PACKS);
  const auto learnt = [&] {
    return learn(read_knowledge(folder.file).value(), signed_by.root.public_key, {}, packs);
  };
  CHECK(learnt().error() == knowledge_errc::bad_tables);  // the roster was good
  auto altered = folder.content();
  const auto place = altered.find("\"version\"") + 10;
  altered[place] = '4';
  folder.replace(altered);
  CHECK(learnt().error() == identity::roster_errc::bad_signature);
}

TEST_CASE("knowledge is kept before its rosters are remembered, and nothing that goes back") {
  const KnowledgeFolder folder;
  Signed signed_by;
  signed_by.knowledge.rosters.pop_back();
  const auto directory = identity::Directory::verified_rows(
      identity::rows_of(signed_by.knowledge.rosters), signed_by.root.public_key);
  REQUIRE(directory.has_value());
  const auto seen = folder / "rosters.seen";
  const auto keep = [&] {
    return keep_and_remember(folder.file, seen, signed_by.knowledge, *directory);
  };
  SUBCASE("a power cut between the two leaves what starts") {
    // A name that is too long once the fresh file's ending is on it can be read and not replaced.
    const auto unwritable = folder / std::string(254, 's');
    const auto done = keep_and_remember(folder.file, unwritable, signed_by.knowledge, *directory);
    CHECK(done.kept.has_value());
    CHECK_FALSE(done.seen.has_value());
    CHECK(read_knowledge(folder.file).has_value());
  }
  SUBCASE("both") {
    const auto done = keep();
    CHECK(done.kept.has_value());
    CHECK(done.seen.has_value());
    CHECK(identity::read_seen_rosters(seen).value() == directory->versions());
    CHECK(read_knowledge(folder.file).has_value());
  }
  SUBCASE("older rosters") {
    auto higher = directory->versions();
    for (auto& [issuer, version] : higher) ++version;
    REQUIRE(identity::write_seen_rosters(seen, higher).has_value());
    CHECK(keep().seen.error() == identity::roster_errc::older_version);
    CHECK(read_knowledge(folder.file).error() == config::key_file_errc::missing);
  }
  SUBCASE("what cannot be kept is still remembered") {
    fs::create_directory(folder.file);
    const auto done = keep();
    CHECK_FALSE(done.kept.has_value());
    CHECK(done.seen.has_value());
    CHECK(identity::read_seen_rosters(seen).value() == directory->versions());
  }
}

}  // namespace ishara::intake
