#pragma once
// The spool: sealed rows on the disk of this machine while the database is away (privacy.md
// sections 6 and 7.9). A folder of segments, `0000000000000001.spool` and so on, each a row of
// records, all numbers big-endian:
//
//   "ISHS" ‖ length of the payload u32 ‖ BLAKE2b-128(payload) 16 ‖ payload
//   payload = kind u8 ‖ columns ‖ record ‖ message ‖ wraps ‖ retaddr, the five with a length u32
//
// The columns are what the database keeps beside the envelopes. Kinds 2 and 3 of privacy.md belong
// to drafts, which nobody spools; a record that this program cannot read is set aside, never lost.
//
// What `append` has taken survives a power cut. A cut in the middle of it leaves a torn tail, which
// fails its hash, was never acknowledged, and is cut off at the next start. If a whole record lies
// behind the torn one the disk may have damaged what it had: such a tail is set aside.
//
// Threads: one at a time; every call blocks on the disk. One process has the folder at a time.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "storage/store.hpp"

namespace ishara::storage {

using SpooledRow = std::variant<Intake, LaterText>;

inline const Id& dedupe_of(const SpooledRow& row) {
  return std::visit([](const auto& one) -> const Id& { return one.dedupe; }, row);
}
inline const Id& report_of(const SpooledRow& row) {
  return std::visit([](const auto& one) -> const Id& { return one.report_id; }, row);
}
inline std::int16_t answer_of(const SpooledRow& row) {
  return std::visit([](const auto& one) { return one.answer_class; }, row);
}

// BLAKE2b-128. Handed in: storage has no cryptography of its own.
using SpoolHash = Id (*)(std::span<const std::uint8_t>);

// Adds the record of a row.
void write_spooled(Bytes& out, const SpooledRow& row, SpoolHash hash);

struct SpoolReading {
  std::vector<SpooledRow> rows;
  Bytes unreadable;        // records whose hash holds and whose content this program does not know
  std::size_t intact = 0;  // bytes before the first record that is torn
};
// Reads records until the bytes end or one is torn.
SpoolReading read_spooled(std::span<const std::uint8_t> bytes, SpoolHash hash);

struct SpoolSettings {
  std::filesystem::path folder;  // made if it is missing; its own, mode 0700
  SpoolHash hash = nullptr;
  std::uint64_t quota = 256 << 20;  // bytes in all
  std::uint64_t segment = 1 << 20;  // bytes after which the next one begins
};

class Spool {
 public:
  // Cuts torn tails, sets aside damaged ones, makes what is left durable, and shows every row that
  // waits to `found`, the oldest first. Throws std::runtime_error if the folder cannot be used, is
  // open to others, or another process has it.
  Spool(SpoolSettings settings, const std::function<void(const SpooledRow&)>& found);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // All of them or none, with one flush to the disk; they are durable on return. Errors: `full`
  // (quota or disk), `unavailable` (the disk does not work).
  result<void> append(std::span<const SpooledRow> rows);

  struct Segment {
    std::uint64_t number = 0;
    std::vector<SpooledRow> rows;  // in the order in which they came
    Bytes unreadable;              // records of another program, or what the disk has damaged
  };
  // The oldest one with a higher number than `after`, to which nothing is added from now on;
  // nothing if there is none. A segment that the disk cannot read is set aside and counts as
  // damaged.
  result<std::optional<Segment>> next(std::uint64_t after);
  // Deletes a segment whose rows are stored. What must not be lost with it, since the database will
  // never take it, goes to a file beside it that nobody reads and nothing writes over:
  // `0000000000000001.refused`, or `0000000000000001-2.refused` if there is one. If it
  // cannot be written the whole segment gets that name instead.
  result<void> remove(std::uint64_t number, std::span<const std::uint8_t> refused);

  std::uint64_t bytes() const noexcept { return bytes_; }
  // Segments of which something was set aside because the disk had damaged it.
  std::uint64_t damaged() const noexcept { return damaged_; }

 private:
  result<void> begin_segment();
  void abandon_segment();
  void forget(std::uint64_t number);
  result<void> set_aside(std::uint64_t number);
  std::filesystem::path file(std::uint64_t number, const char* extension) const;
  std::filesystem::path beside(std::uint64_t number) const;
  result<void> write_beside(std::uint64_t number, std::span<const std::uint8_t> bytes) const;

  SpoolSettings settings_;
  int folder_ = -1;
  int current_ = -1;  // the newest segment, if it may grow
  std::uint64_t newest_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t damaged_ = 0;
  std::map<std::uint64_t, std::uint64_t> sizes_;  // of the segments, by number
};

// For `ishara doctor`: what lies in a spool's folder, without touching it.
struct SpoolContents {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused_files = 0;
};
// Nothing if there is no such folder; `unavailable` if it cannot be read.
result<SpoolContents> spool_contents(const std::filesystem::path& folder, SpoolHash hash);

}  // namespace ishara::storage
