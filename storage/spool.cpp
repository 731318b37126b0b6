#include "storage/spool.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace ishara::storage {
namespace {

namespace fs = std::filesystem;
using View = std::span<const std::uint8_t>;

constexpr std::array<std::uint8_t, 4> magic{'I', 'S', 'H', 'S'};
constexpr std::size_t head_size = magic.size() + 4 + 16;
constexpr std::uint8_t kind_intake = 1;

// --- Records

void put(Bytes& out, View bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put_number(Bytes& out, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_part(Bytes& out, View bytes) {
  put_number(out, bytes.size(), 4);
  put(out, bytes);
}

// Takes from the front; after the end everything is zeros and `good` is false.
class Taker {
 public:
  explicit Taker(View rest) : rest_{rest} {}

  View bytes(std::size_t count) {
    if (count > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const auto byte : bytes(size)) value = value << 8 | byte;
    return value;
  }
  Id id() {
    Id out{};
    std::ranges::copy(bytes(out.size()), out.begin());
    return out;
  }
  Bytes part() {
    const auto taken = bytes(number(4));
    return {taken.begin(), taken.end()};
  }
  bool at_end() const { return rest_.empty(); }
  bool good() const { return good_; }

 private:
  View rest_;
  bool good_ = true;
};

enum Form : std::uint8_t { new_report = 0, later_text = 1 };

Bytes columns_of(const SpooledRow& row) {
  Bytes out;
  std::visit(
      [&](const auto& one) {
        put(out, one.dedupe);
        put_number(out, one.day, 4);
        put_number(out, static_cast<std::uint16_t>(one.answer_class), 2);
        put(out, one.report_id);
        put(out, one.queue_id);
        put_number(out, one.hour, 4);
      },
      row);
  if (const auto* intake = std::get_if<Intake>(&row)) {
    out.insert(out.begin(), new_report);
    put_number(out, intake->urgent ? 1 : 0, 1);
    put_number(out, intake->consent_class, 1);
  } else {
    out.insert(out.begin(), later_text);
    put(out, std::get<LaterText>(row).message_id);
  }
  return out;
}

template <class Row>
Row row_of(Taker& columns, Taker& payload) {
  Row row;
  row.dedupe = columns.id();
  row.day = columns.number(4);
  row.answer_class = static_cast<std::int16_t>(columns.number(2));
  row.report_id = columns.id();
  row.queue_id = columns.id();
  row.hour = columns.number(4);
  row.record = payload.part();
  row.message = payload.part();
  row.wraps = payload.part();
  row.retaddr = payload.part();
  return row;
}

// Nothing if the payload is not one of this program's.
std::optional<SpooledRow> row_of(View bytes) {
  Taker payload{bytes};
  if (payload.number(1) != kind_intake) return std::nullopt;
  const auto written = payload.part();
  Taker columns{written};
  std::optional<SpooledRow> row;
  const auto form = columns.number(1);
  if (form == new_report) {
    auto intake = row_of<Intake>(columns, payload);
    const auto urgent = columns.number(1);
    if (urgent > 1) return std::nullopt;
    intake.urgent = urgent == 1;
    intake.consent_class = static_cast<std::uint8_t>(columns.number(1));
    row = std::move(intake);
  } else if (form == later_text) {
    auto text = row_of<LaterText>(columns, payload);
    text.message_id = columns.id();
    row = std::move(text);
  }
  if (!columns.good() || !columns.at_end() || !payload.good() || !payload.at_end())
    return std::nullopt;
  return row;
}

// --- Files

constexpr const char* live = ".spool";
constexpr const char* refused_name = ".refused";

// The number of a segment of this name, or nothing.
std::optional<std::uint64_t> number_of(const fs::path& name) {
  const auto text = name.filename().string();
  if (text.size() != 16 + std::strlen(live) || !text.ends_with(live)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 16, number, 16);
  if (error != std::errc{} || end != text.data() + 16) return std::nullopt;
  return number;
}

errc problem(int code) {
  return code == ENOSPC || code == EDQUOT || code == EFBIG ? errc::full : errc::unavailable;
}

bool write_all(int file, View bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool read_all(int file, Bytes& out) {
  struct stat about {};
  if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return false;
  out.resize(static_cast<std::size_t>(about.st_size));
  std::size_t done = 0;
  while (done < out.size()) {
    const auto count =
        ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

// An open file that is closed when this goes.
class File {
 public:
  File(const fs::path& path, int flags)
      : number_{::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)} {}
  ~File() {
    if (number_ >= 0) ::close(number_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

[[noreturn]] void unusable(const fs::path& folder, const std::string& why) {
  throw std::runtime_error{"the spool " + folder.string() + " " + why};
}

}  // namespace

void write_spooled(Bytes& out, const SpooledRow& row, SpoolHash hash) {
  const auto start = out.size();
  put(out, magic);
  out.resize(start + head_size);
  out.push_back(kind_intake);
  put_part(out, columns_of(row));
  std::visit(
      [&](const auto& one) {
        for (const auto* part : {&one.record, &one.message, &one.wraps, &one.retaddr})
          put_part(out, *part);
      },
      row);
  const auto payload = View{out}.subspan(start + head_size);
  const auto sum = hash(payload);
  Bytes size;
  put_number(size, payload.size(), 4);
  const auto after_magic = out.begin() + static_cast<std::ptrdiff_t>(start + magic.size());
  std::ranges::copy(sum, std::ranges::copy(size, after_magic).out);
}

SpoolReading read_spooled(View bytes, SpoolHash hash) {
  SpoolReading out;
  for (;;) {
    Taker record{bytes.subspan(out.intact)};
    const auto word = record.bytes(magic.size());
    const auto size = record.number(4);
    const auto sum = record.id();
    const auto payload = record.bytes(size);
    if (!record.good() || !std::ranges::equal(word, magic) || hash(payload) != sum) return out;
    const auto whole = bytes.subspan(out.intact, head_size + size);
    if (auto row = row_of(payload))
      out.rows.push_back(std::move(*row));
    else
      put(out.unreadable, whole);
    out.intact += whole.size();
  }
}

namespace {

// Whether a record that is whole lies anywhere in what begins with a torn one. Then a disk has
// damaged what it had; a write that a power cut has torn is seldom followed by anything.
bool has_a_record(View torn, SpoolHash hash) {
  while (torn.size() > 1) {
    torn = torn.subspan(1);
    // Not the one of ranges, whose view clang 14 cannot compile.
    const auto found = std::search(torn.begin(), torn.end(), magic.begin(), magic.end());
    torn = torn.subspan(static_cast<std::size_t>(found - torn.begin()));
    if (read_spooled(torn, hash).intact > 0) return true;
  }
  return false;
}

}  // namespace

Spool::Spool(SpoolSettings settings, const std::function<void(const SpooledRow&)>& found)
    : settings_{std::move(settings)} {
  const auto& folder = settings_.folder;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    unusable(folder, "cannot be made: " + std::generic_category().message(errno));
  File opened{folder, O_RDONLY | O_DIRECTORY};
  struct stat about {};
  if (opened.get() < 0 || ::fstat(opened.get(), &about) != 0) unusable(folder, "cannot be read");
  if (about.st_uid != ::geteuid() || (about.st_mode & 077) != 0)
    unusable(folder, "must belong to the gateway's user, with mode 0700");
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) unusable(folder, "is in use");
  // The folder's own name has to be durable as well.
  const File parent{folder / "..", O_RDONLY | O_DIRECTORY};
  if (parent.get() < 0 || ::fsync(parent.get()) != 0) unusable(folder, "cannot be flushed");

  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder, error})
    if (const auto number = number_of(entry.path())) numbers.push_back(*number);
  if (error) unusable(folder, "cannot be read");
  std::ranges::sort(numbers);
  for (const auto number : numbers) {
    newest_ = number;
    const File segment{file(number, live), O_RDONLY};
    if (segment.get() < 0 && errno != EIO) unusable(folder, "has a segment that cannot be opened");
    Bytes bytes;
    if (segment.get() < 0 || !read_all(segment.get(), bytes)) {
      if (::rename(file(number, live).c_str(), beside(number).c_str()) != 0)
        unusable(folder, "has a segment that can be neither read nor set aside");
      ++damaged_;
      continue;
    }
    const auto reading = read_spooled(bytes, settings_.hash);
    const auto tail = View{bytes}.subspan(reading.intact);
    if (has_a_record(tail, settings_.hash)) {
      if (!write_beside(number, tail) || ::fsync(opened.get()) != 0)
        unusable(folder, "has a damaged segment that cannot be set aside");
      ++damaged_;
    }
    if (!tail.empty()) {
      const File longer{file(number, live), O_WRONLY};
      if (longer.get() < 0 || ::ftruncate(longer.get(), static_cast<off_t>(reading.intact)) != 0)
        unusable(folder, "has a segment that cannot be mended");
    }
    // What its writer had not flushed before it was killed counts from now on.
    if (::fsync(segment.get()) != 0) unusable(folder, "cannot be flushed to the disk");
    if (reading.intact == 0) {
      ::unlink(file(number, live).c_str());
      continue;
    }
    sizes_[number] = reading.intact;
    bytes_ += reading.intact;
    for (const auto& row : reading.rows) found(row);
  }
  if (::fsync(opened.get()) != 0) unusable(folder, "cannot be flushed to the disk");
  folder_ = opened.release();
}

Spool::~Spool() {
  if (current_ >= 0) ::close(current_);
  ::close(folder_);
}

fs::path Spool::file(std::uint64_t number, const char* extension) const {
  std::array<char, 17> name{};
  std::snprintf(name.data(), name.size(), "%016llx", static_cast<unsigned long long>(number));
  return settings_.folder / (std::string{name.data()} + extension);
}

// The names of what was set aside before are never used again.
fs::path Spool::beside(std::uint64_t number) const {
  auto name = file(number, refused_name);
  std::error_code unknown;
  for (int other = 2; fs::exists(fs::symlink_status(name, unknown)); ++other)
    name = file(number, ("-" + std::to_string(other) + refused_name).c_str());
  return name;
}

result<void> Spool::write_beside(std::uint64_t number, View bytes) const {
  const auto name = beside(number);
  const File aside{name, O_WRONLY | O_CREAT | O_EXCL};
  if (aside.get() < 0) return problem(errno);
  if (write_all(aside.get(), bytes) && ::fsync(aside.get()) == 0) return {};
  const auto code = problem(errno);
  ::unlink(name.c_str());
  return code;
}

result<void> Spool::append(std::span<const SpooledRow> rows) {
  Bytes records;
  for (const auto& row : rows) write_spooled(records, row, settings_.hash);
  if (bytes_ + records.size() > settings_.quota) return errc::full;
  if (current_ < 0 || sizes_[newest_] >= settings_.segment)
    if (const auto begun = begin_segment(); !begun) return begun.error();
  if (!write_all(current_, records) || ::fdatasync(current_) != 0) {
    const auto code = problem(errno);
    abandon_segment();
    return code;
  }
  sizes_[newest_] += records.size();
  bytes_ += records.size();
  return {};
}

result<void> Spool::begin_segment() {
  if (current_ >= 0) ::close(std::exchange(current_, -1));
  const auto number = newest_ + 1;
  File fresh{file(number, live), O_WRONLY | O_CREAT | O_EXCL | O_APPEND};
  if (fresh.get() < 0) return problem(errno);
  newest_ = number;
  if (::fsync(folder_) != 0) {
    const auto code = problem(errno);
    ::unlink(file(number, live).c_str());
    return code;
  }
  current_ = fresh.release();
  sizes_[number] = 0;
  return {};
}

// After a write that failed nobody knows what lies on the disk: what was there before is kept, and
// the next write goes elsewhere.
void Spool::abandon_segment() {
  const auto size = sizes_[newest_];
  // If it cannot be cut, readers stop at the torn record.
  [[maybe_unused]] const int cut = ::ftruncate(current_, static_cast<off_t>(size));
  ::close(std::exchange(current_, -1));
  if (size == 0) forget(newest_);
}

void Spool::forget(std::uint64_t number) {
  ::unlink(file(number, live).c_str());
  const auto known = sizes_.find(number);
  bytes_ -= known->second;
  sizes_.erase(known);
}

// Needs neither to read it nor any room.
result<void> Spool::set_aside(std::uint64_t number) {
  if (::rename(file(number, live).c_str(), beside(number).c_str()) != 0 && errno != ENOENT)
    return problem(errno);
  forget(number);
  ::fsync(folder_);
  return {};
}

result<std::optional<Spool::Segment>> Spool::next(std::uint64_t after) {
  using Found = std::optional<Segment>;
  for (;;) {
    const auto found = sizes_.upper_bound(after);
    if (found == sizes_.end()) return Found{};
    const auto [number, size] = *found;
    if (number == newest_ && current_ >= 0) ::close(std::exchange(current_, -1));
    const File segment{file(number, live), O_RDONLY};
    // Anything else, such as too many open files, passes.
    if (segment.get() < 0 && errno != EIO && errno != ENOENT) return errc::unavailable;
    Bytes bytes;
    if (segment.get() < 0 || !read_all(segment.get(), bytes)) {
      if (const auto gone = set_aside(number); !gone) return gone.error();
      ++damaged_;
      continue;
    }
    if (bytes.size() > size) bytes.resize(size);  // a tail that could not be cut
    auto reading = read_spooled(bytes, settings_.hash);
    put(reading.unreadable, View{bytes}.subspan(reading.intact));
    return Found{{number, std::move(reading.rows), std::move(reading.unreadable)}};
  }
}

result<void> Spool::remove(std::uint64_t number, View refused) {
  if (!refused.empty() && (!write_beside(number, refused) || ::fsync(folder_) != 0))
    return set_aside(number);
  forget(number);
  // Without it a power cut brings the segment back, and its rows are recognised.
  ::fsync(folder_);
  return {};
}

result<SpoolContents> spool_contents(const fs::path& folder, SpoolHash hash) {
  SpoolContents out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder, error}) {
    if (entry.path().extension() == refused_name) ++out.refused_files;
    if (!number_of(entry.path())) continue;
    const File segment{entry.path(), O_RDONLY};
    Bytes bytes;
    // One that is gone meanwhile was drained.
    if (segment.get() < 0 || !read_all(segment.get(), bytes)) continue;
    out.rows += read_spooled(bytes, hash).rows.size();
    out.bytes += bytes.size();
  }
  if (error && error != std::errc::no_such_file_or_directory) return errc::unavailable;
  return out;
}

}  // namespace ishara::storage
