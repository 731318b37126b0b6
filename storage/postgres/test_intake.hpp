#pragma once
// Intakes and later texts of the right sizes with made-up bytes, for tests and the benchmark.

#include <algorithm>
#include <random>

#include "storage/store.hpp"

namespace ishara::storage {

class TestIntakes {
 public:
  explicit TestIntakes(unsigned seed) : random_{seed} {}

  Id id() {
    Id id;
    for (auto& byte : id) byte = static_cast<std::uint8_t>(random_());
    return id;
  }
  Bytes bytes(std::size_t size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return bytes;
  }
  // Everything that the record repeats is in the record, as in a real INTAKE.
  Intake next(const Id& queue, std::int16_t answer_class = 1) {
    Intake intake;
    intake.report_id = id();
    intake.queue_id = queue;
    intake.hour = 500000;
    intake.record = bytes(184);
    intake.record[2] = 0;
    intake.record[3] = 2;
    for (int i = 0; i < 4; ++i)
      intake.record[static_cast<std::size_t>(4 + i)] =
          static_cast<std::uint8_t>(intake.hour >> (24 - 8 * i));
    std::copy(intake.report_id.begin(), intake.report_id.end(), intake.record.begin() + 8);
    std::copy(queue.begin(), queue.end(), intake.record.begin() + 24);
    intake.message = bytes(584);
    intake.wraps = bytes(192);
    intake.retaddr = bytes(192);
    intake.dedupe = id();
    intake.day = 20833;
    intake.answer_class = answer_class;
    return intake;
  }
  LaterText later(const Id& report, const Id& queue, std::int16_t answer_class = 1) {
    auto intake = next(queue, answer_class);
    return {.message_id = id(),
            .report_id = report,
            .queue_id = queue,
            .hour = intake.hour,
            .record = std::move(intake.record),
            .message = std::move(intake.message),
            .wraps = std::move(intake.wraps),
            .retaddr = std::move(intake.retaddr),
            .dedupe = intake.dedupe,
            .day = intake.day,
            .answer_class = answer_class};
  }

 private:
  std::mt19937 random_;
};

// Entries of the right size that say nothing.
inline AuditScribe test_scribe() {
  return [](const AuditPlace& place) { return AuditRow{place.seq, Bytes(136, 1), "{}"}; };
}

}  // namespace ishara::storage
