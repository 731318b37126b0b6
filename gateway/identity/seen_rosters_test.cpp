#include "gateway/identity/seen_rosters.hpp"
#include "tests/support/folder.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

namespace ishara::identity {
namespace {

namespace fs = std::filesystem;

TEST_CASE("seen versions come back, and a missing file means that nothing was seen") {
  const tests::Folder folder;
  const auto file = folder / "seen";
  CHECK(read_seen_rosters(file).value().empty());
  RosterVersions versions{{crypto::Id{}, 3}};
  versions[crypto::Id{1, 2, 3}] = 7;
  REQUIRE(write_seen_rosters(file, versions).has_value());
  CHECK(read_seen_rosters(file).value() == versions);
  versions[crypto::Id{}] = 4;
  REQUIRE(write_seen_rosters(file, versions).has_value());
  CHECK(read_seen_rosters(file).value() == versions);
  CHECK(std::distance(fs::directory_iterator{folder.path()}, {}) == 1);
}

TEST_CASE("a file that is torn, or that others may write, is no empty one") {
  const tests::Folder folder;
  const auto file = folder / "seen";
  for (const std::string text : {"root", "root x\n", "xyz 1\n", "root 1\n00"}) {
    CAPTURE(text);
    fs::remove(file);
    std::ofstream{file} << text;
    ::chmod(file.c_str(), 0600);
    CHECK(!read_seen_rosters(file).has_value());
  }
  fs::remove(file);
  std::ofstream{file} << "root 1\n";
  ::chmod(file.c_str(), 0666);
  CHECK(!read_seen_rosters(file).has_value());
}

TEST_CASE("a file that cannot be written is told") {
  CHECK(!write_seen_rosters("/nonexistent/folder/seen", {}).has_value());
}

TEST_CASE("a directory that goes back is refused after a restart, and a newer one is remembered") {
  const tests::Folder folder;
  const auto file = folder / "seen";
  const auto root = crypto::signing_key(crypto::random_secret<32>());
  const auto directory = [&](std::uint64_t version) {
    RootRoster roster;
    roster.deployment = crypto::Id{1};
    roster.version = version;
    return Directory::verified(sign_roster(roster, root), {}, root.public_key).value();
  };
  CHECK(remember_rosters(file, directory(2)).has_value());
  CHECK(remember_rosters(file, directory(2)).has_value());
  CHECK(remember_rosters(file, directory(1)).error() == roster_errc::older_version);
  CHECK(remember_rosters(file, directory(3)).has_value());
  CHECK(remember_rosters(file, directory(2)).error() == roster_errc::older_version);
  CHECK(read_seen_rosters(file).value() == RosterVersions{{crypto::Id{}, 3}});
}

TEST_CASE("a directory that cannot be remembered is not used, nor one beside a torn file") {
  const tests::Folder folder;
  const auto root = crypto::signing_key(crypto::random_secret<32>());
  RootRoster roster;
  roster.version = 1;
  const auto directory =
      Directory::verified(sign_roster(roster, root), {}, root.public_key).value();
  CHECK(!remember_rosters("/nonexistent/folder/seen", directory).has_value());
  const auto file = folder / "seen";
  std::ofstream{file} << "torn";
  ::chmod(file.c_str(), 0600);
  CHECK(!remember_rosters(file, directory).has_value());
}

}  // namespace
}  // namespace ishara::identity
