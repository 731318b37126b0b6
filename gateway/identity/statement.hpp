#pragma once
// STATEMENT: what changes a report after its first INTAKE (privacy.md section 6). A TRANSFER is
// signed by a member of the queue that gives the report away, a CONSENT by a gateway, a WITHDRAW by
// the relay. What they amount to together is computed by ownership.hpp.
//
//   version 1 ‖ type 1 ‖ flags 2 ‖ hour 4 ‖ report_id 16 ‖ from_queue 16 ‖ to_queue 16 ‖ previous
//   16 ‖ signature 64
//
// Pure functions, thread-safe.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"

namespace ishara::identity {

inline constexpr std::size_t statement_size = 136;
using StatementBytes = std::array<std::uint8_t, statement_size>;

enum class StatementType : std::uint8_t { transfer = 8, consent = 9, withdraw = 12 };

struct Statement {
  StatementType type = StatementType::transfer;
  bool keeps_wraps = false;        // TRANSFER: from_queue goes on reading
  std::uint8_t consent_class = 0;  // CONSENT: the new class
  bool with_ref = false;           // WITHDRAW: by the verified ref; else by number alone
  std::uint32_t hour = 0;          // unix time / 3600
  crypto::Id report_id{};
  crypto::Id from_queue{};  // TRANSFER only, as is to_queue: two different queues
  crypto::Id to_queue{};
  // TRANSFER: the hash of the TRANSFER before it, or the origin. CONSENT, WITHDRAW: the origin.
  crypto::Id previous{};

  friend bool operator==(const Statement&, const Statement&) = default;
};

// A field that does not belong to the type, or is out of its range, is a bug of the caller and ends
// the process.
StatementBytes sign_statement(const Statement& statement, const crypto::SigningKey& signer);

// What the statement says, if `signer` signed it and every field is in its range; else
// envelope_errc::refused.
boost::system::result<Statement> verify_statement(crypto::View bytes,
                                                  const crypto::PublicKey& signer);

// What it claims, in range but with the signature unchecked: to learn whose key to check with.
boost::system::result<Statement> claimed_statement(crypto::View bytes);

// What the next TRANSFER names as `previous`: the hash of the whole statement.
inline crypto::Id statement_hash(crypto::View bytes) noexcept { return crypto::hash16({bytes}); }

}  // namespace ishara::identity
