#include "gateway/config/key_file.hpp"
#include "tests/support/folder.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

namespace ishara::config {
namespace {

const crypto::Bytes key(32, 7);

}  // namespace

TEST_CASE("a key file comes back as it was written, with mode 0600") {
  const tests::Folder folder;
  const auto before = ::umask(0277);  // even under a umask that takes the owner's own bits
  REQUIRE(write_key_file(folder / "a.key", key).has_value());
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat((folder / "a.key").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const auto read = read_key_file(folder / "a.key", key.size());
  REQUIRE(read.has_value());
  CHECK(std::equal(read->begin(), read->end(), key.begin(), key.end()));
  CHECK(read_secret_file(folder / "a.key", 100)->size() == 32);
}

TEST_CASE("a key file is never overwritten") {
  const tests::Folder folder;
  REQUIRE(write_key_file(folder / "a.key", key).has_value());
  CHECK(write_key_file(folder / "a.key", key).error() == key_file_errc::exists);
  CHECK(write_key_file(folder / "none" / "a.key", key).error() == key_file_errc::missing);
}

TEST_CASE("root makes and reads what is its folder's owner's, and nobody else's") {
  if (::geteuid() != 0) return;
  const tests::Folder folder;
  const auto file = folder / "a.key";
  constexpr ::uid_t service = 12'345;
  REQUIRE(write_key_file(file, key).has_value());
  REQUIRE(::chown(file.c_str(), service, service) == 0);
  CHECK(read_key_file(file, key.size()).error() == key_file_errc::wrong_owner);
  REQUIRE(::chown(file.parent_path().c_str(), service, service) == 0);
  CHECK(read_key_file(file, key.size()).has_value());

  REQUIRE(write_key_file(folder / "b.key", key).has_value());
  struct stat status {};
  REQUIRE(::stat((folder / "b.key").c_str(), &status) == 0);
  CHECK(status.st_uid == service);
  CHECK(status.st_gid == service);
}

TEST_CASE("a key file that others could read or swap is refused") {
  const tests::Folder folder;
  const auto file = folder / "a.key";
  REQUIRE(write_key_file(file, key).has_value());
  for (const unsigned mode : {0644U, 0640U, 0604U, 0602U, 0700U, 0000U, 04600U}) {
    CAPTURE(mode);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(read_key_file(file, 32).has_error());
    if (::geteuid() == 0) CHECK(read_key_file(file, 32).error() == key_file_errc::wrong_mode);
  }
  REQUIRE(::chmod(file.c_str(), 0400) == 0);
  CHECK(read_key_file(file, 32).has_value());

  std::filesystem::create_symlink(file, folder / "link.key");
  CHECK(read_key_file(folder / "link.key", 32).error() == key_file_errc::not_a_file);
  std::filesystem::create_hard_link(file, folder / "twin.key");
  CHECK(read_key_file(file, 32).error() == key_file_errc::linked);
}

TEST_CASE("a file that is replaced while it is read is read whole, as it was or as it is") {
  const tests::Folder folder;
  const auto file = folder / "seen";
  REQUIRE(write_key_file(file, key).has_value());
  std::atomic<bool> done = false;
  std::thread writer{[&] {
    while (!done) {
      std::filesystem::copy_file(file, folder / "fresh");
      std::filesystem::permissions(folder / "fresh", std::filesystem::perms{0600});
      std::filesystem::rename(folder / "fresh", file);
    }
  }};
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) refused += read_key_file(file, 32).has_error();
  done = true;
  writer.join();
  CHECK(refused == 0);
}

TEST_CASE("a file that cannot be replaced leaves nothing beside it") {
  const tests::Folder folder;
  std::filesystem::create_directory(folder / "seen");
  CHECK(replace_key_file(folder / "seen", key).error() == key_file_errc::unreadable);
  CHECK(std::distance(std::filesystem::directory_iterator{folder.path()}, {}) == 1);
}

TEST_CASE("what is no key file of the right size is refused") {
  const tests::Folder folder;
  REQUIRE(write_key_file(folder / "a.key", key).has_value());
  CHECK(read_key_file(folder / "a.key", 31).error() == key_file_errc::wrong_size);
  CHECK(read_key_file(folder / "a.key", 33).error() == key_file_errc::wrong_size);
  CHECK(read_secret_file(folder / "a.key", 31).error() == key_file_errc::wrong_size);
  CHECK(read_key_file(folder / "b.key", 32).error() == key_file_errc::missing);
  CHECK(read_key_file(folder.path(), 32).error() == key_file_errc::not_a_file);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(read_key_file(folder / "pipe", 32).error() == key_file_errc::not_a_file);
}

TEST_CASE("a file that is destroyed is overwritten where it lies, whatever its mode and length") {
  struct Row {
    const char* name;
    std::size_t size;
    ::mode_t mode;
  };
  for (const auto& row :
       {Row{"a key", 32, 0600}, Row{"read only", 120, 0400}, Row{"open to others", 32, 0644},
        Row{"long", 10'000, 0600}, Row{"empty", 0, 0600}}) {
    CAPTURE(row.name);
    const tests::Folder folder;
    const auto file = folder / "a.key";
    REQUIRE(write_key_file(file, crypto::Bytes(row.size, 7)).has_value());
    // The same blocks under a name that stays.
    std::filesystem::create_hard_link(file, folder / "copy");
    REQUIRE(::chmod(file.c_str(), row.mode) == 0);
    CHECK(destroy_key_file(file).has_value());
    CHECK_FALSE(std::filesystem::exists(file));
    CHECK(destroy_key_file(file).has_value());
    REQUIRE(::chmod((folder / "copy").c_str(), 0600) == 0);
    const auto left = read_key_file(folder / "copy", row.size);
    REQUIRE(left.has_value());
    // Of 16 equal bytes in a row nothing is left by chance.
    CHECK(std::search_n(left->begin(), left->end(), 16, 7) == left->end());
  }
}

TEST_CASE("what cannot be overwritten is removed all the same, and told") {
  const tests::Folder folder;
  REQUIRE(write_key_file(folder / "a.key", key).has_value());
  std::filesystem::create_symlink(folder / "a.key", folder / "link");
  CHECK(destroy_key_file(folder / "link").error() == key_file_errc::unreadable);
  CHECK_FALSE(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_key_file(folder / "a.key", key.size()).has_value());
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(destroy_key_file(folder / "pipe").error() == key_file_errc::unreadable);
  CHECK_FALSE(std::filesystem::exists(folder / "pipe"));
}

}  // namespace ishara::config
