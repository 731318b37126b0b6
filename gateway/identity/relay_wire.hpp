#pragma once
// What gateway and relay say to each other over the relay's socket: one packet a request, one
// packet an answer (privacy.md section 3). All integers are big-endian.
//
//   request   version 1 ‖ op 1 ‖ call 4 ‖ length 1 ‖ payload, at most 64
//   answer    version 1 ‖ op 1 ‖ call 4 ‖ status 1 ‖ body, of one fixed size for each op
//
// `call` is the asker's own number for the request. Answers leave at fixed times and so overtake
// each other; an answer carries op and call of its request and nothing else that tells them apart.
// A body is all zeros unless the status is `done`.
//
//   op 1 RESOLVE  numlen 1 ‖ number 15            thread 264: found 1 ‖ kind 1 ‖ class 1 ‖ stage 1
//   ‖
//      2 REF      ref 12                            report 16 ‖ origin 16 ‖ owner queue 16 ‖ police
//      6 OWNER    report_id 16                      queue 16 ‖ proof 184 ‖ unused ref 12
//      3 PULL     ref 12                          found 1 ‖ stage 1 ‖ length 2 ‖ text 480
//      4 END      how 1 ‖ numlen 1 ‖ number 15,   none
//                 or how 1 ‖ ref 12
//      5 ACK      numlen 1 ‖ number 15 ‖ channel 1 ‖ language 1 ‖ template 1 ‖ ref 12 ‖
//                 tables 4 ‖ helpline 2 ‖
//                 regions 3×4 ‖ until 1 ‖
//                 chosen 1                        none
//      7 FRESH    nothing                         ref 12
//      8 DLR      state 1 ‖ idlen 1 ‖ id, 1-48    none
//      9 WINDOW   numlen 1 ‖ number 15 ‖ minutes 2    none
//
// A number is padded with zeros to 15 bytes, a ref is two zero bytes and ten digits, a text is
// padded with zeros. Only op 1 hands out an unused ref. A thread that was not found is zeros but
// for that. Proof is an INTAKE, or a CONSENT of 136 bytes and zeros behind it; zeros alone: class
// 0.
//
// Pure functions, thread-safe. Anything that is not exactly such a packet is the one error
// `relay_wire_errc::malformed`.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <variant>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/ref.hpp"
#include "gateway/identity/sender.hpp"
#include "gateway/identity/text.hpp"

namespace ishara::identity {

enum class relay_wire_errc { malformed = 1 };
const boost::system::error_category& relay_wire_category() noexcept;
inline boost::system::error_code make_error_code(relay_wire_errc code) noexcept {
  return {static_cast<int>(code), relay_wire_category()};
}

inline constexpr std::size_t longest_request = 71;
inline constexpr std::size_t longest_answer = 491;
inline constexpr std::size_t longest_reply = 480;       // bytes of one reply to a reporter
inline constexpr std::size_t longest_delivery_id = 48;  // of a provider's id for a sent message

enum class RelayOp : std::uint8_t {
  resolve = 1,
  ref = 2,
  pull = 3,
  end = 4,
  ack = 5,
  owner = 6,
  fresh = 7,
  delivery = 8,
  window = 9,
};

// --- Requests

// The open report of this number. Only the first text of a sitting asks.
struct ResolveNumber {
  Msisdn number;
};
struct ResolveRef {
  Ref ref;
};
// The reply that waits under this ref. May be asked again for 24 hours.
struct PullReply {
  Ref ref;
};
enum class EndKind : std::uint8_t { stop = 1, erase = 2 };
// STOP and DELETE: number, tag and consent go at once.
struct EndByNumber {
  EndKind how = EndKind::stop;
  Msisdn number;
};
struct EndByRef {
  EndKind how = EndKind::stop;
  Ref ref;
};
// A fixed template to a phone that cannot be answered in the webhook's response.
struct SendTemplate {
  Msisdn number;
  std::uint8_t channel = 0;   // 1 to 255
  std::uint8_t language = 0;  // place of the language among the catalogue's tags, sorted
  std::uint8_t text = 0;      // which template; the numbers are the sender's (gateway/relay)
  std::optional<Ref> ref{};
  // What fills its gaps: nothing that the relay does not know already, so that whoever has taken a
  // gateway can make it say nothing else.
  std::uint32_t tables = 0;                // version of the routing tables in which these count:
  std::uint16_t helpline = 0;              // place among the helplines and 1; 0: none
  std::array<std::uint32_t, 3> regions{};  // places in the gazetteer and 1; 0: none
  std::uint8_t until = 0;                  // half hour of the day, 0 to 47, and 1; 0: none
  std::uint8_t chosen = 0;                 // the language that was chosen, and 1; 0: none
};
struct ResolveReport {
  crypto::Id report_id{};
};
struct FreshRef {};
enum class DeliveryState : std::uint8_t { queued = 1, sent = 2, delivered = 3, failed = 4 };
struct Delivery {
  DeliveryState state = DeliveryState::queued;
  crypto::WipedBuffer id;  // the provider's; 1 to 48 bytes, which the asker has checked
};
// Replies may be sent to this number for so long from now on.
struct OpenWindow {
  Msisdn number;
  std::uint16_t minutes = 0;  // 0 closes
};

using RelayRequest = std::variant<ResolveNumber, ResolveRef, PullReply, EndByNumber, EndByRef,
                                  SendTemplate, ResolveReport, FreshRef, Delivery, OpenWindow>;
RelayOp op_of(const RelayRequest& request) noexcept;

struct RelayCall {
  std::uint32_t call = 0;
  RelayRequest request;
};

// Throws std::logic_error for a delivery id of a wrong size.
crypto::WipedBytes encode_request(std::uint32_t call, const RelayRequest& request);
boost::system::result<RelayCall> decode_request(crypto::View packet);

// --- Answers

enum class RelayStatus : std::uint8_t {
  done = 0,
  strict = 1,   // op 1 is switched off here: ask for a FRESH ref
  limited = 2,  // too many for now; without a look-up
  away = 3,     // the relay cannot look it up or store it now
  gone = 4,     // op 6: its people have deleted this report; nothing may join it any more
};

enum class RefKind : std::uint8_t { verified = 0, unverified = 1 };

// What shows that the reporter agreed to the police.
using Proof = std::array<std::uint8_t, 184>;

struct ThreadAnswer {
  bool found = false;
  RefKind kind = RefKind::verified;  // of the ref asked for; a number counts as unverified
  std::uint8_t consent_class = 0;
  std::uint8_t stage = 0;  // storage::Stage
  crypto::Id report_id{};
  crypto::Id origin{};
  crypto::Id owner_queue{};
  crypto::Id police_queue{};  // zeros: none
  Proof proof{};
  std::optional<Ref> unused_ref{};
};
struct PullAnswer {
  bool found = false;
  std::uint8_t stage = 0;  // storage::Stage; 0 for an unverified ref
  Text text;               // empty: nothing waits. At most 480 bytes
};
struct FreshAnswer {
  Ref ref;
};
// END, ACK, DLR and WINDOW never tell whether anything existed.
struct PlainAnswer {};

using RelayBody = std::variant<PlainAnswer, ThreadAnswer, PullAnswer, FreshAnswer>;

struct RelayAnswer {
  std::uint32_t call = 0;
  RelayOp op = RelayOp::fresh;
  RelayStatus status = RelayStatus::done;
  RelayBody body;  // PlainAnswer unless the status is `done`
};

// Throws std::logic_error if the body is not one of this op, or a text is too long.
crypto::WipedBytes encode_answer(const RelayAnswer& answer);
boost::system::result<RelayAnswer> decode_answer(crypto::View packet);

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::relay_wire_errc> : std::true_type {};
