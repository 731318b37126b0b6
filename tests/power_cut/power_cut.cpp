// Proves that what the spool has acknowledged survives a power cut (privacy.md property 27). A
// program works with a spool while a preloaded library records what it asks of the disk. Then, for
// 1,000 points in that record, the disk is built as it could be if the power went there: what was
// flushed is whole; of everything else each write, cut, new name and removed name is there, missing
// or, for a write, there in some of its sectors. A spool opened on it must have every row that was
// acknowledged and not yet stored elsewhere, once, and nothing that was never given to it.
//
// usage: power_cut RECORDER [POINTS [SEED]]
//        power_cut work FOLDER SEED          what is recorded

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/crypto/primitives.hpp"
#include "storage/postgres/test_intake.hpp"
#include "storage/spool.hpp"
#include "tests/power_cut/record.hpp"

namespace ishara::power_cut {
namespace {

namespace fs = std::filesystem;
using storage::Bytes;
using storage::Spool;
using storage::SpooledRow;

storage::Id hash(std::span<const std::uint8_t> bytes) { return crypto::hash16({bytes}); }

storage::SpoolSettings settings(const fs::path& folder) {
  return {.folder = folder / "spool", .hash = hash, .quota = 64 * 1024, .segment = 8 * 1024};
}

// The same row for the same number, here and there.
SpooledRow row(std::uint32_t number) {
  storage::TestIntakes intakes{number};
  SpooledRow out;
  if (number % 3 == 0)
    out = intakes.later(intakes.id(), storage::Id{0x0a});
  else
    out = intakes.next(storage::Id{0x0a});
  std::visit([&](auto& one) { one.hour = number + 1; }, out);
  return out;
}

std::uint32_t number_of(const SpooledRow& row) {
  return std::visit([](const auto& one) { return one.hour - 1; }, row);
}

Bytes written(const SpooledRow& row) {
  Bytes out;
  storage::write_spooled(out, row, hash);
  return out;
}

// --- What is recorded

// Leaves a row in the newest segment as a process does that is killed before it could flush.
void leave_unflushed(const fs::path& folder, const SpooledRow& row) {
  std::set<fs::path> segments;
  for (const auto& entry : fs::directory_iterator{folder / "spool"}) segments.insert(entry.path());
  if (segments.empty()) return;
  const int file = ::open(segments.rbegin()->c_str(), O_WRONLY | O_APPEND);
  const auto bytes = written(row);
  if (::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  ::close(file);
}

// Rows come in groups, are drained now and then, and the process is killed and starts again now and
// then. The file `marks` tells when a row was acknowledged (its number) and when it was stored
// elsewhere (~number). What a start finds counts as acknowledged: its repeats are.
void work(const fs::path& folder, unsigned seed) {
  std::mt19937 random{seed};
  const int marks = ::open((folder / "marks").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const auto mark = [&](std::uint32_t value) {
    if (::write(marks, &value, sizeof value) != sizeof value) std::abort();
  };
  std::uint32_t next = 0;
  for (int start = 0; start < 12; ++start) {
    std::vector<std::uint32_t> found;
    Spool spool{settings(folder), [&](const SpooledRow& one) { found.push_back(number_of(one)); }};
    for (const auto number : found) mark(number);
    for (auto steps = random() % 60; steps > 0; --steps) {
      if (random() % 6 == 0) {
        const auto oldest = spool.next(0).value();
        if (!oldest) continue;
        for (const auto& one : oldest->rows) mark(~number_of(one));
        spool.remove(oldest->number, {}).value();
        continue;
      }
      std::vector<SpooledRow> group;
      for (auto count = 1 + random() % 6; count > 0; --count) group.push_back(row(next++));
      if (!spool.append(group)) continue;  // full
      for (const auto& one : group) mark(number_of(one));
    }
    leave_unflushed(folder, row(next++));
  }
}

// --- The disk

struct File {
  Bytes flushed;
  struct Change {
    bool cut = false;
    std::size_t at = 0;  // of a cut, the size that is left
    Bytes bytes;
  };
  std::vector<Change> pending;
  std::size_t size = 0;

  // What a program sees that reads it now.
  Bytes whole() const {
    auto out = flushed;
    for (const auto& change : pending) apply(out, change);
    return out;
  }
  static void apply(Bytes& out, const Change& change) {
    out.resize(change.cut ? change.at : std::max(out.size(), change.at + change.bytes.size()));
    std::ranges::copy(change.bytes, out.begin() + static_cast<std::ptrdiff_t>(change.at));
  }
};

// The names in a folder: those on the disk, and what has changed since it was flushed.
struct Names {
  std::map<std::string, std::shared_ptr<File>> flushed;
  std::vector<std::pair<std::string, std::shared_ptr<File>>> pending;  // no file: removed
};

class Disk {
 public:
  explicit Disk(fs::path root) : root_{std::move(root)} { folders_[root_]; }

  std::set<std::uint32_t> acknowledged;  // and not stored elsewhere

  void take(const Head& head, const Bytes& bytes) {
    auto path = fs::path{std::string{bytes.begin(), bytes.end()}}.lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // it was ..
    switch (head.op) {
      case Op::open:
        open_[head.file] = path;
        if (!folders_.contains(path) && !live_.contains(path)) {
          live_[path] = std::make_shared<File>();
          folders_[path.parent_path()].pending.emplace_back(path.filename(), live_[path]);
        }
        break;
      case Op::write: {
        if (open_[head.file].filename() == "marks") return take_mark(bytes);
        auto& file = *live_.at(open_[head.file]);
        file.pending.push_back({false, file.size, bytes});
        file.size += bytes.size();
        break;
      }
      case Op::cut: {
        auto& file = *live_.at(open_[head.file]);
        std::uint64_t size = 0;
        std::memcpy(&size, bytes.data(), sizeof size);
        file.size = static_cast<std::size_t>(size);
        file.pending.push_back({true, file.size, {}});
        break;
      }
      case Op::flush:
        flush(open_[head.file]);
        break;
      case Op::unlink:
        live_.erase(path);
        folders_[path.parent_path()].pending.emplace_back(path.filename(), nullptr);
        break;
      case Op::make_folder:
        folders_[path];
        made_.insert(path);
        break;
    }
  }

  // Writes into `target` what the disk could hold if the power went now. Returns how many writes
  // were lost or torn.
  int build(const fs::path& target, std::mt19937& random) const {
    int lost = 0;
    fs::create_directories(target);
    for (const auto& [folder, names] : folders_) {
      const auto place = target / folder.lexically_relative(root_);
      if (made_.contains(folder) && random() % 2 == 0) continue;  // its name was never flushed
      fs::create_directories(place);
      fs::permissions(place, fs::perms::owner_all);
      auto there = names.flushed;
      for (const auto& [name, file] : names.pending) {
        if (random() % 2 == 0) continue;
        if (file)
          there[name] = file;
        else
          there.erase(name);
      }
      for (const auto& [name, file] : there) {
        const auto bytes = after_cut(*file, random, lost);
        std::ofstream{place / name, std::ios::binary}.write(
            reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
      }
    }
    return lost;
  }

 private:
  void take_mark(const Bytes& bytes) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    if (value < 1U << 31)
      acknowledged.insert(value);
    else
      acknowledged.erase(~value);
  }

  void flush(const fs::path& path) {
    const auto folder = folders_.find(path);
    if (folder == folders_.end()) {
      auto& file = *live_.at(path);
      file.flushed = file.whole();
      file.pending.clear();
      return;
    }
    auto& [flushed, pending] = folder->second;
    for (const auto& [name, file] : pending) {
      if (file)
        flushed[name] = file;
      else
        flushed.erase(name);
    }
    pending.clear();
    std::erase_if(made_, [&](const fs::path& made) { return made.parent_path() == path; });
  }

  static Bytes after_cut(const File& file, std::mt19937& random, int& lost) {
    constexpr std::size_t sector = 512;
    auto out = file.flushed;
    for (const auto& change : file.pending) {
      const auto fate = random() % 4;
      if (fate == 0) {  // whole
        File::apply(out, change);
        continue;
      }
      ++lost;
      if (fate == 1 || change.cut) continue;
      // In some of its sectors, or up to some byte.
      const auto size = fate == 2 ? change.bytes.size() : random() % (change.bytes.size() + 1);
      const auto before = out;
      File::apply(
          out, {false,
                change.at,
                {change.bytes.begin(), change.bytes.begin() + static_cast<std::ptrdiff_t>(size)}});
      if (fate == 3) continue;
      for (auto at = change.at; at < change.at + size; at = (at / sector + 1) * sector) {
        if (random() % 2 == 0) continue;
        for (auto i = at; i < std::min((at / sector + 1) * sector, change.at + size); ++i)
          out[i] = i < before.size() ? before[i] : 0;
      }
    }
    return out;
  }

  fs::path root_;
  std::map<fs::path, Names> folders_;
  std::map<fs::path, std::shared_ptr<File>> live_;
  std::map<int, fs::path> open_;
  std::set<fs::path> made_;  // folders whose own names are not flushed
};

// --- The proof

[[noreturn]] void wrong(std::size_t point, const std::string& what) {
  throw std::runtime_error{"power cut at step " + std::to_string(point) + ": " + what};
}

// Opens a spool on what the power cut has left. Returns how many rows it has.
std::size_t check(const fs::path& folder, const std::set<std::uint32_t>& acknowledged,
                  std::size_t point) {
  std::set<std::uint32_t> found;
  const auto look = [&](const SpooledRow& one) {
    const auto number = number_of(one);
    if (written(one) != written(row(number))) wrong(point, "a row is not what it was");
    if (!found.insert(number).second) wrong(point, "a row is there twice");
  };
  const auto expect = [&](const std::set<std::uint32_t>& wanted, const char* otherwise) {
    for (const auto number : wanted)
      if (!found.contains(number)) wrong(point, otherwise);
  };
  const std::vector<SpooledRow> more{row(999'999)};
  std::set<std::uint32_t> waiting;
  {
    Spool spool{settings(folder), look};
    expect(acknowledged, "an acknowledged row is gone");
    waiting = found;
    // It goes on from there.
    const auto oldest = spool.next(0).value();
    if (oldest && spool.bytes() > 32 * 1024) {
      for (const auto& one : oldest->rows) waiting.erase(number_of(one));
      spool.remove(oldest->number, {}).value();
    } else {
      spool.append(more).value();
      waiting.insert(number_of(more[0]));
    }
  }
  const auto before = found.size();
  found.clear();
  Spool{settings(folder), look};
  expect(waiting, "a row is gone at the start after the next");
  if (found.size() != waiting.size()) wrong(point, "a row that was stored elsewhere is back");
  return before;
}

std::vector<std::pair<Head, Bytes>> read_log(const fs::path& file) {
  std::ifstream stream{file, std::ios::binary};
  std::vector<std::pair<Head, Bytes>> out;
  Head head{};
  while (stream.read(reinterpret_cast<char*>(&head), sizeof head)) {
    Bytes bytes(head.size);
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.emplace_back(head, std::move(bytes));
  }
  return out;
}

void record(const char* self, const char* recorder, const fs::path& folder, const fs::path& log,
            const std::string& seed) {
  const auto child = ::fork();
  if (child == 0) {
    ::setenv("LD_PRELOAD", recorder, 1);
    ::setenv("ISHARA_RECORD_FOLDER", folder.c_str(), 1);
    ::setenv("ISHARA_RECORD_LOG", log.c_str(), 1);
    ::execl(self, self, "work", folder.c_str(), seed.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error{"the program that is recorded has failed"};
}

int prove(const char* self, const char* recorder, std::size_t points, unsigned seed) {
  std::string name = fs::temp_directory_path() / "ishara-power-cut-XXXXXX";
  const fs::path base = ::mkdtemp(name.data());
  fs::create_directory(base / "live");
  record(self, recorder, base / "live", base / "log", std::to_string(seed));
  const auto log = read_log(base / "log");

  std::mt19937 random{seed};
  // After a mark the disk is as it was before.
  std::vector<std::size_t> choice;
  for (std::size_t i = 0; i < log.size(); ++i)
    if (log[i].first.op != Op::write || log[i].second.size() != sizeof(std::uint32_t))
      choice.push_back(i + 1);
  std::vector<std::size_t> moments(points);
  for (auto& moment : moments) moment = choice[random() % choice.size()];
  std::ranges::sort(moments);
  Disk disk{base / "live"};
  std::size_t step = 0, rows = 0;
  int torn = 0;
  for (const auto moment : moments) {
    for (; step < moment; ++step) disk.take(log[step].first, log[step].second);
    torn += disk.build(base / "cut", random) > 0 ? 1 : 0;
    rows += check(base / "cut", disk.acknowledged, moment);
    fs::remove_all(base / "cut");
  }
  fs::remove_all(base);
  std::printf(
      "%zu power cuts in %zu steps: %zu rows found, writes lost or torn in %d of the cuts\n",
      points, log.size(), rows, torn);
  if (rows > points && torn > static_cast<int>(points / 4)) return 0;
  std::fprintf(stderr, "the cuts have hit too little to prove anything\n");
  return 1;
}

}  // namespace
}  // namespace ishara::power_cut

int main(int count, char** arguments) {
  using namespace ishara::power_cut;
  ishara::crypto::start();
  const auto number = [&](int place, unsigned otherwise) {
    return count > place ? static_cast<unsigned>(std::atoi(arguments[place])) : otherwise;
  };
  try {
    if (count == 4 && std::string{arguments[1]} == "work") {
      work(arguments[2], number(3, 1));
      return 0;
    }
    if (count >= 2) return prove(arguments[0], arguments[1], number(2, 1000), number(3, 1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "usage: power_cut RECORDER [POINTS [SEED]]\n");
  return 2;
}
