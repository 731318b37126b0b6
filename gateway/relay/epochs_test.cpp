#include "gateway/relay/epochs.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "gateway/config/key_file.hpp"
#include "tests/support/folder.hpp"

namespace ishara::relay {
namespace {

namespace fs = std::filesystem;

crypto::Secret<32> host_key(std::uint8_t fill = 1) {
  crypto::Secret<32> key;
  key.fill()[0] = fill;
  return key;
}

constexpr std::uint32_t week = 2900;

}  // namespace

TEST_CASE("a key that was created is read again, and a destroyed one is gone") {
  const tests::Folder folder;
  const EpochFolder epochs{folder.path(), host_key()};
  const auto first = epochs.create(week);
  const auto second = epochs.create(week + 1);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(fs::file_size(folder / "epoch-2900.key") == 80);
  CHECK(epochs.create(week).error() == config::key_file_errc::exists);

  auto all = epochs.read_all();
  REQUIRE(all.has_value());
  const LiveEpochs live{std::move(*all)};
  REQUIRE(live.newest_first().size() == 2);
  CHECK(live.newest_first()[0].number == week + 1);
  CHECK(live.find(week)->keys.box.public_key == first->keys.box.public_key);
  CHECK(live.find(week + 1)->keys.box.public_key == second->keys.box.public_key);
  CHECK(live.find(week + 2) == nullptr);

  CHECK(epochs.destroy(week).has_value());
  CHECK(epochs.destroy(week).has_value());
  CHECK(epochs.read_all()->size() == 1);
}

TEST_CASE("destroying a key overwrites it where it lies") {
  const tests::Folder folder;
  const EpochFolder epochs{folder.path(), host_key()};
  REQUIRE(epochs.create(week).has_value());
  const auto file = folder / "epoch-2900.key";
  const auto second_name = folder / "copy";
  fs::create_hard_link(file, second_name);  // the same blocks under a name that stays
  REQUIRE(epochs.destroy(week).has_value());
  std::ifstream stream{second_name, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{stream}, {}};
  REQUIRE(bytes.size() == 80);
  CHECK_FALSE(bytes.starts_with("ISHK"));
  fs::rename(second_name, file);
  CHECK(epochs.read_all().has_error());
}

TEST_CASE("a key file that is not exactly as it must be stops the start") {
  struct Row {
    const char* name;
    void (*spoil)(const fs::path& file);
  };
  const Row rows[]{
      {"open to others", [](const fs::path& file) { ::chmod(file.c_str(), 0640); }},
      {"a link",
       [](const fs::path& file) {
         fs::rename(file, file.string() + "x");
         fs::create_symlink(file.string() + "x", file);
       }},
      {"a second name",
       [](const fs::path& file) { fs::create_hard_link(file, file.string() + "x"); }},
      {"too short", [](const fs::path& file) { fs::resize_file(file, 79); }},
      {"of another epoch",
       [](const fs::path& file) { fs::rename(file, file.parent_path() / "epoch-2901.key"); }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const tests::Folder folder;
    const EpochFolder epochs{folder.path(), host_key()};
    REQUIRE(epochs.create(week).has_value());
    REQUIRE(epochs.read_all().has_value());
    row.spoil(folder / "epoch-2900.key");
    CHECK(epochs.read_all().has_error());
  }
  const tests::Folder folder;
  REQUIRE(EpochFolder(folder.path(), host_key(1)).create(week).has_value());
  CHECK(EpochFolder(folder.path(), host_key(2)).read_all().has_error());
  CHECK(EpochFolder(folder / "none", host_key()).read_all().has_error());
}

TEST_CASE("a key exists a day before its week and three days after it") {
  using namespace std::chrono_literals;
  const auto start = start_of(week);
  CHECK(identity::epoch_at(start) == week);
  CHECK(identity::epoch_at(start - 1s) == week - 1);
  struct Row {
    const char* name;
    Seconds now;
    std::vector<std::uint32_t> existing;
    std::vector<std::uint32_t> create;
    std::vector<std::uint32_t> destroy;
  };
  const Row rows[]{
      {"the first start", start + 5h, {}, {week}, {}},
      {"in the middle", start + 72h, {week}, {}, {}},
      {"a day before the end", start + 6 * 24h, {week}, {week + 1}, {}},
      {"announced already", start + 6 * 24h, {week, week + 1}, {}, {}},
      {"in the grace", start + 72h - 1s, {week - 1, week}, {}, {}},
      {"after the grace", start + 72h, {week - 1, week}, {}, {week - 1}},
      {"after a long sleep", start, {week - 9, week - 2}, {week}, {week - 9, week - 2}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto plan = plan_epochs(row.existing, row.now);
    CHECK(plan.create == row.create);
    CHECK(plan.destroy == row.destroy);
  }
}

// Each of these is left by a crash, or by somebody who looked for a way to keep a key.
TEST_CASE("no file in the folder keeps a key whose time is over from being destroyed") {
  struct Row {
    const char* name;
    void (*leave)(const fs::path& folder);
  };
  const Row rows[]{
      {"nothing", [](const fs::path&) {}},
      {"overwritten, not yet removed",
       [](const fs::path& folder) {
         std::ofstream{folder / "epoch-2900.key", std::ios::binary} << std::string(80, 'x');
       }},
      {"half a file",
       [](const fs::path& folder) { fs::resize_file(folder / "epoch-2900.key", 9); }},
      {"open to others",
       [](const fs::path& folder) { ::chmod((folder / "epoch-2900.key").c_str(), 0644); }},
      {"another one is torn",
       [](const fs::path& folder) { std::ofstream{folder / "epoch-2899.key"} << "torn"; }},
  };
  const auto over = start_of(week + 1) + epoch_grace;
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const tests::Folder folder;
    const EpochFolder epochs{folder.path(), host_key()};
    REQUIRE(epochs.create(week).has_value());
    REQUIRE(epochs.create(week + 1).has_value());
    row.leave(folder.path());
    const auto turned = turn_epochs(epochs, over);
    CHECK_FALSE(turned.error);
    REQUIRE(turned.live != nullptr);
    CHECK(turned.live->find(week) == nullptr);
    CHECK(turned.live->find(week + 1) != nullptr);
    CHECK(epochs.numbers().value() == std::vector{week + 1});
  }
}

TEST_CASE("a key that lives and cannot be read does not keep the old ones") {
  const tests::Folder folder;
  const EpochFolder epochs{folder.path(), host_key()};
  REQUIRE(epochs.create(week).has_value());
  std::ofstream{folder / "epoch-2901.key"} << "torn";
  const auto turned = turn_epochs(epochs, start_of(week + 1) + epoch_grace);
  CHECK(turned.error.failed());
  CHECK(turned.live == nullptr);
  CHECK(turned.destroyed == std::vector{week});
  CHECK(epochs.numbers().value() == std::vector{week + 1});
}

TEST_CASE("an old key that cannot be overwritten is removed, and told once") {
  const tests::Folder folder;
  const EpochFolder epochs{folder.path(), host_key()};
  fs::create_symlink("elsewhere", folder / "epoch-2900.key");
  const auto now = start_of(week + 1) + epoch_grace;
  CHECK(turn_epochs(epochs, now).error.failed());
  CHECK(epochs.numbers().value() == std::vector{week + 1});
  CHECK_FALSE(turn_epochs(epochs, now).error.failed());
}

TEST_CASE("a key that a crash left half-written is made anew") {
  const tests::Folder folder;
  const EpochFolder epochs{folder.path(), host_key()};
  const auto left = folder / "epoch-2900.key.new";
  std::ofstream{left} << "ISHK";
  const auto turned = turn_epochs(epochs, start_of(week));
  CHECK_FALSE(turned.error.failed());
  CHECK(turned.created == std::vector{week});
  CHECK(turned.live->find(week) != nullptr);
  CHECK_FALSE(fs::exists(left));
  CHECK(epochs.read(week).has_value());
}

}  // namespace ishara::relay
