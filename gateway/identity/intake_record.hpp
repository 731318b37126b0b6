#pragma once
// INTAKE: the one signature of the hot path. It names the report, the queue that the text was
// wrapped for, the consent class, and binds MESSAGE and RETADDR by digest (privacy.md section 6).
//
//   version 1 ‖ type 0x10 ‖ class 1 ‖ flags 1 ‖ hour 4 ‖ report_id 16 ‖ queue_id 16 ‖ copy_queue 16
//   ‖ BLAKE2b-256(MESSAGE) 32 ‖ BLAKE2b-256(RETADDR) 32 or zeros ‖ signature 64
//
// Pure functions, thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"

namespace ishara::identity {

inline constexpr std::size_t intake_record_size = 184;
using IntakeBytes = std::array<std::uint8_t, intake_record_size>;

struct IntakeRecord {
  std::uint8_t consent_class = 0;  // 0 helpers only, 1 helpers and police
  bool urgent = false;
  bool first = false;  // first text of the report
  bool partial = false;
  bool joined_by_number = false;
  std::uint32_t hour = 0;  // unix time / 3600
  crypto::Id report_id{};
  crypto::Id queue_id{};    // the owner that the text was wrapped for
  crypto::Id copy_queue{};  // police copy, or zeros; always zeros in class 0
  crypto::Digest message_digest{};
  crypto::Digest return_address_digest{};  // zeros: none

  friend bool operator==(const IntakeRecord&, const IntakeRecord&) = default;
};

// A police copy in class 0 is a bug of the caller and ends the process.
IntakeBytes sign_intake(const IntakeRecord& record, const crypto::SigningKey& gateway);

// What the record says, if `gateway` signed it and every field is in its range; else
// envelope_errc::refused.
boost::system::result<IntakeRecord> verify_intake(crypto::View record,
                                                  const crypto::PublicKey& gateway);

// The digest by which a record binds a whole envelope.
inline crypto::Digest envelope_digest(crypto::View envelope) { return crypto::hash32({envelope}); }

// The origin of a report: the hash of its first INTAKE.
inline crypto::Id origin_of(const IntakeBytes& first) { return crypto::hash16({first}); }

}  // namespace ishara::identity
