#include "storage/spool.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "gateway/crypto/primitives.hpp"
#include "storage/postgres/test_intake.hpp"
#include "storage/small_disk.hpp"
#include "tests/support/folder.hpp"

namespace ishara::storage {
namespace {

namespace fs = std::filesystem;

Id hash(std::span<const std::uint8_t> bytes) { return crypto::hash16({bytes}); }

class SpoolFolder : public tests::Folder {
 public:
  SpoolSettings settings() const { return {.folder = *this / "spool", .hash = hash}; }
  std::vector<fs::path> files(const std::string& extension = ".spool") const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator{*this / "spool"})
      if (entry.path().extension() == extension) out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
  }

 private:
  fs::path path_;
};

// A spool and what it has found.
struct Opened {
  std::vector<Id> found;
  Spool spool;
  explicit Opened(SpoolSettings settings)
      : spool{std::move(settings),
              [this](const SpooledRow& row) { found.push_back(dedupe_of(row)); }} {}
};

std::vector<SpooledRow> rows(TestIntakes& intakes, std::size_t count) {
  std::vector<SpooledRow> out;
  for (std::size_t i = 0; i < count; ++i) out.emplace_back(intakes.next(Id{0x0a}));
  return out;
}

std::vector<Id> hashes(std::span<const SpooledRow> all) {
  std::vector<Id> out;
  for (const auto& row : all) out.push_back(dedupe_of(row));
  return out;
}

Bytes written(const SpooledRow& row) {
  Bytes out;
  write_spooled(out, row, hash);
  return out;
}

std::string content(const fs::path& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

void replace(const fs::path& file, const std::string& content) {
  std::ofstream{file, std::ios::binary} << content;
}

}  // namespace

TEST_CASE("a spooled row comes back as it went in, a new report or a later text") {
  TestIntakes intakes{1};
  auto report = intakes.next(Id{0x0a}, -3);
  report.urgent = true;
  report.consent_class = 1;
  auto text = intakes.later(report.report_id, Id{0x0b}, 7);
  text.retaddr.clear();
  Bytes bytes = written(report);
  write_spooled(bytes, text, hash);

  const auto reading = read_spooled(bytes, hash);
  CHECK(reading.intact == bytes.size());
  CHECK(reading.unreadable.empty());
  REQUIRE(reading.rows.size() == 2);
  const auto& first = std::get<Intake>(reading.rows[0]);
  CHECK(first.report_id == report.report_id);
  CHECK(first.queue_id == report.queue_id);
  CHECK(first.hour == report.hour);
  CHECK(first.urgent);
  CHECK(first.consent_class == 1);
  CHECK(first.record == report.record);
  CHECK(first.message == report.message);
  CHECK(first.wraps == report.wraps);
  CHECK(first.retaddr == report.retaddr);
  CHECK(first.dedupe == report.dedupe);
  CHECK(first.day == report.day);
  CHECK(first.answer_class == -3);
  const auto& second = std::get<LaterText>(reading.rows[1]);
  CHECK(second.message_id == text.message_id);
  CHECK(second.report_id == text.report_id);
  CHECK(second.queue_id == text.queue_id);
  CHECK(second.hour == text.hour);
  CHECK(second.record == text.record);
  CHECK(second.message == text.message);
  CHECK(second.wraps == text.wraps);
  CHECK(second.retaddr.empty());
  CHECK(second.dedupe == text.dedupe);
  CHECK(second.answer_class == 7);
}

TEST_CASE("reading ends at a torn record, wherever it is torn, and at a changed byte") {
  TestIntakes intakes{2};
  const auto all = rows(intakes, 2);
  const auto first = written(all[0]);
  Bytes bytes = first;
  write_spooled(bytes, all[1], hash);
  for (std::size_t size = first.size(); size < bytes.size(); ++size) {
    const auto reading = read_spooled(std::span{bytes}.first(size), hash);
    CAPTURE(size);
    CHECK(reading.intact == first.size());
    CHECK(reading.rows.size() == 1);
  }
  for (std::size_t place = first.size(); place < bytes.size(); ++place) {
    auto changed = bytes;
    changed[place] ^= 0x20;
    const auto reading = read_spooled(changed, hash);
    CAPTURE(place);
    CHECK(reading.intact == first.size());
    CHECK(reading.rows.size() == 1);
  }
}

TEST_CASE("a record of a kind that nobody knows is kept as it is") {
  TestIntakes intakes{3};
  const auto all = rows(intakes, 1);
  auto strange = written(intakes.next(Id{0x0a}));
  constexpr std::size_t head = 24;
  strange[head] = 2;
  const auto sum = hash(std::span{strange}.subspan(head));
  std::ranges::copy(sum, strange.begin() + 8);
  Bytes bytes = strange;
  write_spooled(bytes, all[0], hash);
  const auto reading = read_spooled(bytes, hash);
  CHECK(reading.intact == bytes.size());
  CHECK(reading.rows.size() == 1);
  CHECK(reading.unreadable == strange);
}

TEST_CASE("rows are found again in their order, in files that only their owner can read") {
  const SpoolFolder folder;
  TestIntakes intakes{4};
  const auto all = rows(intakes, 40);
  auto settings = folder.settings();
  settings.segment = 8 * 1024;
  {
    Opened opened{settings};
    CHECK(opened.found.empty());
    for (std::size_t i = 0; i < all.size(); i += 4)
      REQUIRE(opened.spool.append(std::span{all}.subspan(i, 4)).has_value());
  }
  CHECK(folder.files().size() > 3);
  for (const auto& file : folder.files()) {
    struct stat about {};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0600);
    CHECK(about.st_size < 16 * 1024);
  }
  const Opened again{settings};
  CHECK(again.found == hashes(all));
}

TEST_CASE("segments are taken from the oldest on, and gone when they are removed") {
  const SpoolFolder folder;
  TestIntakes intakes{5};
  const auto all = rows(intakes, 30);
  auto settings = folder.settings();
  settings.segment = 8 * 1024;
  std::vector<Id> drained;
  {
    Opened opened{settings};
    for (const auto& row : all) REQUIRE(opened.spool.append({&row, 1}).has_value());
    const auto before = opened.spool.bytes();
    auto first = opened.spool.next(0);
    REQUIRE(first.has_value());
    REQUIRE(first->has_value());
    // Until it is removed it is the oldest.
    CHECK(opened.spool.next(0)->value().number == (*first)->number);
    drained = hashes((*first)->rows);
    REQUIRE(opened.spool.remove((*first)->number, {}).has_value());
    CHECK(opened.spool.bytes() < before);
  }
  Opened again{settings};
  auto left = again.found;
  CHECK(left.size() + drained.size() == all.size());
  while (true) {
    const auto next = again.spool.next(0);
    REQUIRE(next.has_value());
    if (!*next) break;
    for (const auto& hash_of : hashes((*next)->rows)) drained.push_back(hash_of);
    REQUIRE(again.spool.remove((*next)->number, {}).has_value());
  }
  CHECK(drained == hashes(all));
  CHECK(again.spool.bytes() == 0);
  CHECK(folder.files().empty());
}

TEST_CASE("what comes while the newest segment is drained goes to another one") {
  const SpoolFolder folder;
  TestIntakes intakes{6};
  const auto all = rows(intakes, 2);
  Opened opened{folder.settings()};
  REQUIRE(opened.spool.append({&all[0], 1}).has_value());
  const auto first = opened.spool.next(0);
  REQUIRE(opened.spool.append({&all[1], 1}).has_value());
  REQUIRE(opened.spool.remove((*first)->number, {}).has_value());
  CHECK(hashes(opened.spool.next(0)->value().rows) == std::vector{dedupe_of(all[1])});
}

TEST_CASE("a torn tail is cut at the next start, and the rows before it are kept") {
  const SpoolFolder folder;
  TestIntakes intakes{7};
  const auto all = rows(intakes, 4);
  {
    Opened opened{folder.settings()};
    REQUIRE(opened.spool.append(std::span{all}.first(3)).has_value());
  }
  const auto file = folder.files().at(0);
  const auto whole = content(file);
  const auto last = written(all[3]);
  replace(file, whole + std::string{last.begin(), last.end() - 1});
  {
    Opened opened{folder.settings()};
    CHECK(opened.found == hashes(std::span{all}.first(3)));
    CHECK(content(file) == whole);
    REQUIRE(opened.spool.append({&all[3], 1}).has_value());
  }
  CHECK(Opened{folder.settings()}.found == hashes(all));
}

TEST_CASE("a segment that holds nothing but a torn record is gone after the next start") {
  const SpoolFolder folder;
  TestIntakes intakes{8};
  const auto all = rows(intakes, 1);
  {
    Opened opened{folder.settings()};
    REQUIRE(opened.spool.append(all).has_value());
  }
  fs::resize_file(folder.files().at(0), 100);
  CHECK(Opened{folder.settings()}.found.empty());
  CHECK(folder.files().empty());
}

TEST_CASE(
    "a full spool takes all rows of a call or none, and takes them again when there is room") {
  const SpoolFolder folder;
  TestIntakes intakes{9};
  const auto all = rows(intakes, 20);
  auto settings = folder.settings();
  settings.quota = 10 * written(all[0]).size();
  settings.segment = settings.quota / 3;
  Opened opened{settings};
  for (std::size_t i = 0; i < 8; ++i) REQUIRE(opened.spool.append({&all[i], 1}).has_value());
  CHECK(opened.spool.append(std::span{all}.subspan(8, 3)).error() == errc::full);
  CHECK(opened.spool.append(std::span{all}.subspan(8, 2)).has_value());
  CHECK(opened.spool.append({&all[10], 1}).error() == errc::full);
  CHECK(opened.spool.remove((*opened.spool.next(0))->number, {}).has_value());
  CHECK(opened.spool.append({&all[10], 1}).has_value());
}

TEST_CASE(
    "a disk that is full in the middle of a write leaves nothing torn, and the next one works") {
  const SpoolFolder folder;
  TestIntakes intakes{10};
  const auto all = rows(intakes, 10);
  {
    Opened opened{folder.settings()};
    REQUIRE(opened.spool.append(std::span{all}.first(3)).has_value());
    const auto good = content(folder.files().at(0));
    {
      const SmallDisk small{static_cast<rlim_t>(good.size() + 700)};
      CHECK(opened.spool.append(std::span{all}.subspan(3, 2)).error() == errc::full);
      CHECK(content(folder.files().at(0)) == good);
      // A new segment does not fit either.
      CHECK(opened.spool.append(std::span{all}.subspan(3, 7)).error() == errc::full);
      CHECK(folder.files().size() == 1);
    }
    CHECK(opened.spool.append(std::span{all}.subspan(3)).has_value());
  }
  CHECK(Opened{folder.settings()}.found == hashes(all));
}

TEST_CASE("what the database refuses lies beside the spool after its segment is gone") {
  const SpoolFolder folder;
  TestIntakes intakes{11};
  const auto all = rows(intakes, 3);
  Opened opened{folder.settings()};
  REQUIRE(opened.spool.append(all).has_value());
  const auto refused = written(all[1]);
  REQUIRE(opened.spool.remove((*opened.spool.next(0))->number, refused).has_value());
  CHECK(folder.files().empty());
  REQUIRE(folder.files(".refused").size() == 1);
  CHECK(content(folder.files(".refused")[0]) == std::string{refused.begin(), refused.end()});
  const auto contents = spool_contents(folder.settings().folder, hash);
  CHECK(contents->rows == 0);
  CHECK(contents->refused_files == 1);
}

TEST_CASE("rows behind a damaged place are not thrown away with their segment") {
  const SpoolFolder folder;
  TestIntakes intakes{12};
  const auto all = rows(intakes, 3);
  Opened opened{folder.settings()};
  REQUIRE(opened.spool.append(all).has_value());
  auto damaged = content(folder.files().at(0));
  const auto first = written(all[0]).size();
  damaged[first + 30] = static_cast<char>(damaged[first + 30] ^ 1);
  replace(folder.files().at(0), damaged);
  const auto segment = opened.spool.next(0);
  CHECK(hashes((*segment)->rows) == hashes(std::span{all}.first(1)));
  CHECK(std::string{(*segment)->unreadable.begin(), (*segment)->unreadable.end()} ==
        damaged.substr(first));
}

TEST_CASE("what an earlier outage has set aside is never written over") {
  const SpoolFolder folder;
  TestIntakes intakes{14};
  const auto all = rows(intakes, 2);
  for (const auto& row : all) {
    Opened opened{folder.settings()};
    REQUIRE(opened.spool.append({&row, 1}).has_value());
    REQUIRE(opened.spool.remove((*opened.spool.next(0))->number, written(row)).has_value());
  }
  std::set<std::string> aside;
  for (const auto& file : folder.files(".refused")) aside.insert(content(file));
  std::set<std::string> refused;
  for (const auto& row : all) {
    const auto bytes = written(row);
    refused.insert({bytes.begin(), bytes.end()});
  }
  CHECK(aside == refused);
}

TEST_CASE("a start sets aside what lies behind a damaged place, and keeps what is before it") {
  const SpoolFolder folder;
  TestIntakes intakes{15};
  const auto all = rows(intakes, 4);
  {
    Opened opened{folder.settings()};
    REQUIRE(opened.spool.append(all).has_value());
  }
  const auto one = written(all[0]).size();
  std::size_t good = 0;  // rows
  std::size_t changed = 0;
  SUBCASE("in the first record") { changed = 30; }
  SUBCASE("in the length of the second") {
    good = 1;
    changed = one + 5;
  }
  SUBCASE("in the word that begins the third") {
    good = 2;
    changed = 2 * one;
  }
  auto damaged = content(folder.files().at(0));
  damaged[changed] = static_cast<char>(damaged[changed] ^ 1);
  replace(folder.files().at(0), damaged);
  {
    Opened opened{folder.settings()};
    CHECK(opened.found == hashes(std::span{all}.first(good)));
    CHECK(opened.spool.damaged() == 1);
    CHECK(folder.files().size() == (good == 0 ? 0 : 1));
    REQUIRE(folder.files(".refused").size() == 1);
    CHECK(content(folder.files(".refused")[0]) == damaged.substr(good * one));
    // What the database refuses of the same segment goes to a file of its own.
    if (good != 0)
      REQUIRE(opened.spool.remove((*opened.spool.next(0))->number, written(all[0])).has_value());
  }
  Opened again{folder.settings()};
  CHECK(again.spool.damaged() == 0);
  CHECK(folder.files(".refused").size() == (good == 0 ? 1 : 2));
}

TEST_CASE("a spool has one process at a time, and a folder that nobody else can enter") {
  const SpoolFolder folder;
  {
    const Opened opened{folder.settings()};
    CHECK_THROWS_AS(Opened{folder.settings()}, std::runtime_error);
  }
  CHECK_NOTHROW(Opened{folder.settings()});
  fs::permissions(folder.settings().folder, fs::perms::group_read, fs::perm_options::add);
  CHECK_THROWS_AS(Opened{folder.settings()}, std::runtime_error);
  auto elsewhere = folder.settings();
  elsewhere.folder /= "missing/spool";
  CHECK_THROWS_AS(Opened{elsewhere}, std::runtime_error);
}

TEST_CASE("what waits can be counted while the spool is in use") {
  const SpoolFolder folder;
  TestIntakes intakes{13};
  const auto all = rows(intakes, 5);
  CHECK(spool_contents(folder.settings().folder, hash)->rows == 0);
  Opened opened{folder.settings()};
  REQUIRE(opened.spool.append(all).has_value());
  const auto contents = spool_contents(folder.settings().folder, hash);
  CHECK(contents->rows == 5);
  CHECK(contents->bytes == opened.spool.bytes());
}

}  // namespace ishara::storage
