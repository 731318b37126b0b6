#pragma once
// RETADDR: where a reporter can be answered (privacy.md section 6). A gateway seals it to the
// announced epoch key and binds it by its INTAKE; the relay alone can open it. What the relay keeps
// in its own table is the same envelope, sealed again with a sender key of its own, and behind it a
// MAC of the epoch, so that nobody else can have written the row.
//
//   envelope of type 3, body  number 16 ‖ ref 12 ‖ channel 1 ‖ preferences 1 ‖ SAFE range 2
//   stored form               RETADDR 192 ‖ BLAKE2b-256("r" ‖ RETADDR; K_mac) 32
//
// Pure functions, thread-safe. Opening fails with envelope_errc::refused and no detail.

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/ref.hpp"
#include "gateway/identity/safe_range.hpp"
#include "gateway/identity/sender.hpp"

namespace ishara::identity {

struct ReturnAddress {
  std::optional<Msisdn> number;  // none: a length of 0. The relay keeps only the ref
  Ref ref;
  std::uint8_t channel = 0;  // 1 to 255
  bool may_text = false;
  bool ref_unverified = false;
  bool yes_unverified = false;
  std::optional<SafeRange> safe{};
};

// The gateway's form. `object` is drawn by the caller: the id of the inbox row. A channel of zero
// and a range out of the day are bugs of the caller and end the process.
BoxEnvelope seal_return_address(const ReturnAddress& address, const crypto::Id& report_id,
                                const crypto::Id& object, std::uint32_t epoch,
                                const crypto::Id& epoch_kid, const SenderHalf& sender);

// What a RETADDR says of itself; it holds only once it has been opened.
struct ReturnAddressHeader {
  std::uint32_t epoch = 0;
  crypto::Id report_id{};
  crypto::Id object{};
  crypto::Id epoch_kid{};
};
boost::system::result<ReturnAddressHeader> claimed_return_address(crypto::View envelope);

// Checks everything but the object, which only the INTAKE's digest binds: compare that first.
boost::system::result<ReturnAddress> open_return_address(crypto::View envelope,
                                                         const crypto::Id& report_id,
                                                         std::uint32_t epoch,
                                                         const crypto::BoxKey& epoch_key);

// --- The relay's form
inline constexpr std::size_t stored_return_address_size = box_envelope_size + 32;
using StoredReturnAddress = std::array<std::uint8_t, stored_return_address_size>;

crypto::Digest return_address_mac(crypto::View envelope, const crypto::Secret<32>& mac_key);

// Draws the object and a sender key that is used once.
StoredReturnAddress seal_stored_return_address(const ReturnAddress& address,
                                               const crypto::Id& report_id, std::uint32_t epoch,
                                               const EpochKeys& keys);
// Checks the MAC first.
boost::system::result<ReturnAddress> open_stored_return_address(crypto::View stored,
                                                                const crypto::Id& report_id,
                                                                std::uint32_t epoch,
                                                                const EpochKeys& keys);

}  // namespace ishara::identity
