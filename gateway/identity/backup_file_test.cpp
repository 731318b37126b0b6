#include "gateway/identity/backup_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace ishara::identity {
namespace {

using Parts = std::vector<BackupPart>;

const Parts whole{BackupStart{11, 20'000},
                  BackupTable{"report", {"report_id", "hour"}},
                  BackupRows{crypto::bytes_of("first rows")},
                  BackupRows{crypto::bytes_of("second rows")},
                  BackupTableEnd{2},
                  BackupTable{"text", {"message_id"}},
                  BackupTableEnd{0},
                  BackupEnd{2}};

crypto::BoxKey test_key(std::uint8_t fill) {
  crypto::Secret<32> seed;
  std::ranges::fill(seed.fill(), fill);
  return crypto::box_key(seed);
}

// The head and each part by itself.
std::vector<crypto::Bytes> sealed(const Parts& parts) {
  auto sealer = BackupSealer::to(test_key(1).public_key).value();
  std::vector<crypto::Bytes> out{{sealer.head().begin(), sealer.head().end()}};
  for (const auto& part : parts) {
    const auto bytes = sealer.seal(part);
    out.emplace_back(bytes.begin(), bytes.end());
  }
  return out;
}

crypto::Bytes joined(const std::vector<crypto::Bytes>& pieces) {
  crypto::Bytes out;
  for (const auto& piece : pieces) out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

BackupReader::Source source_of(const crypto::Bytes& file) {
  return [&file, at = std::size_t{0}](std::span<std::uint8_t> out) mutable {
    const auto count = std::min(out.size(), file.size() - at);
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(at), count, out.begin());
    at += count;
    return count;
  };
}

struct Outcome {
  std::uint64_t good = 0;  // parts
  boost::system::error_code error;
};

Outcome read(const crypto::Bytes& file, const crypto::BoxKey& key = test_key(1)) {
  auto reader = BackupReader::open(source_of(file), key);
  if (!reader) return {0, reader.error()};
  for (;;) {
    const auto part = reader->next();
    if (!part) return {reader->number() - 1, part.error()};
    if (std::holds_alternative<BackupEnd>(*part)) return {reader->number(), {}};
  }
}

}  // namespace

TEST_CASE("a backup is read as it was sealed") {
  const auto file = joined(sealed(whole));
  auto reader = BackupReader::open(source_of(file), test_key(1)).value();
  CHECK(std::get<BackupStart>(reader.next().value()).day == 20'000);
  const auto table = std::get<BackupTable>(reader.next().value());
  CHECK(table.name == "report");
  CHECK(table.columns == std::vector<std::string>{"report_id", "hour"});
  for (const char* rows : {"first rows", "second rows"}) {
    CAPTURE(rows);
    const auto part = reader.next().value();
    CHECK(crypto::equal(std::get<BackupRows>(part).bytes, crypto::bytes_of(rows)));
  }
  CHECK(std::get<BackupTableEnd>(reader.next().value()).rows == 2);
  CHECK(read(file).good == whole.size());
}

TEST_CASE("a backup shows nothing of what is in it, and no two are alike") {
  const auto one = joined(sealed(whole));
  const auto other = joined(sealed(whole));
  for (const std::string_view word : {"report", "rows", "first rows"}) {
    CAPTURE(word);
    CHECK(std::ranges::search(one, crypto::bytes_of(word)).empty());
  }
  std::size_t alike = 0;
  for (std::size_t i = 128; i < one.size(); ++i) alike += one[i] == other[i];
  CHECK(alike < one.size() / 4);  // the sizes of the parts, and chance
}

TEST_CASE("a backup with a missing, doubled, moved or foreign part says which one is wrong") {
  const auto pieces = sealed(whole);
  const auto others = sealed(whole);
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    CAPTURE(i);
    auto missing = pieces;
    missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(i));
    auto doubled = pieces;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), pieces[i]);
    auto swapped = pieces;
    std::swap(swapped[i], swapped[i + 1]);
    auto foreign = pieces;
    foreign[i] = others[i];
    for (const auto& file : {missing, swapped, foreign}) {
      const auto outcome = read(joined(file));
      CHECK(outcome.error == backup_errc::damaged);
      CHECK(outcome.good == i - 1);
    }
    CHECK(read(joined(doubled)).error == backup_errc::damaged);
    CHECK(read(joined(doubled)).good == i);
  }
}

TEST_CASE("a backup that was cut anywhere, or goes on, is no whole one") {
  const auto file = joined(sealed(whole));
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    const auto outcome = read({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)});
    CHECK(outcome.error ==
          (size < backup_head_size ? backup_errc::not_a_backup : backup_errc::cut));
  }
  // Also where a part ends.
  auto pieces = sealed(whole);
  pieces.pop_back();
  CHECK(read(joined(pieces)).error == backup_errc::cut);
  auto longer = file;
  longer.push_back(0);
  CHECK(read(longer).error == backup_errc::goes_on);
}

TEST_CASE("every altered bit of a backup is noticed") {
  const auto file = joined(sealed(whole));
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    auto altered = file;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    if (!read(altered).error) FAIL_CHECK("bit " << bit);
  }
}

TEST_CASE("a backup for another key, of a later form, or of something else is told apart") {
  const auto file = joined(sealed(whole));
  CHECK(read(file, test_key(2)).error == backup_errc::other_key);
  auto later = file;
  later[0] = 2;
  CHECK(read(later).error == backup_errc::other_version);
  auto head = file;
  head[30] ^= 1;
  CHECK(read(head).error == backup_errc::head_damaged);
  CHECK(read(crypto::Bytes(4096)).error == backup_errc::not_a_backup);
  CHECK_FALSE(BackupSealer::to(crypto::PublicKey{}).has_value());
}

TEST_CASE("a whole backup that no release would have written is refused where it is wrong") {
  const auto rows = [](const char* text) { return BackupRows{crypto::bytes_of(text)}; };
  const BackupStart start{11, 20'000};
  const BackupTable table{"report", {"hour"}};
  struct Row {
    const char* what;
    Parts parts;
    std::uint64_t good;
  };
  for (const Row& row : {
           Row{"no start", {table, BackupTableEnd{0}, BackupEnd{1}}, 0},
           Row{"two starts", {start, start, BackupEnd{0}}, 1},
           Row{"rows of no table", {start, rows("x"), BackupEnd{0}}, 1},
           Row{"the end of no table", {start, BackupTableEnd{0}, BackupEnd{0}}, 1},
           Row{"a table in a table", {start, table, table, BackupTableEnd{0}, BackupEnd{2}}, 2},
           Row{"an end in a table", {start, table, BackupEnd{1}}, 2},
           Row{"another number of tables", {start, table, BackupTableEnd{0}, BackupEnd{2}}, 3},
           Row{"no name", {start, BackupTable{"", {"hour"}}, BackupEnd{1}}, 1},
           Row{"a name that breaks out", {start, BackupTable{"a\";--", {"hour"}}, BackupEnd{1}}, 1},
           Row{"no columns", {start, BackupTable{"report", {}}, BackupEnd{1}}, 1},
           Row{"an empty column", {start, BackupTable{"report", {"a", ""}}, BackupEnd{1}}, 1},
       }) {
    CAPTURE(row.what);
    const auto outcome = read(joined(sealed(row.parts)));
    CHECK(outcome.error == backup_errc::not_ours);
    CHECK(outcome.good == row.good);
  }
}

TEST_CASE("every error of a backup has a sentence of its own") {
  for (int code = 1; code <= static_cast<int>(backup_errc::not_ours); ++code) {
    CAPTURE(code);
    CHECK(backup_category().message(code) != backup_category().message(0));
  }
}

}  // namespace ishara::identity
