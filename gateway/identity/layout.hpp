#pragma once
// What the sealed types of privacy.md section 6 have in common: the header and the three bodies.
// For the sources of this module; everybody else seals and opens whole types.
//
// Pure functions, thread-safe. Every refusal is envelope_errc::refused without detail.

#include <algorithm>
#include <boost/system/result.hpp>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::identity::layout {

inline constexpr std::uint8_t version = 1;

enum class Type : std::uint8_t {
  key_wrap = 1,
  message = 2,
  return_address = 3,
  reply = 4,
  note = 5,
  queue_grant = 6,
  user_key = 7,
};

// A tag with its terminating zero, as privacy.md writes "…\0".
template <std::size_t N>
crypto::View tag(const char (&text)[N]) {
  return {reinterpret_cast<const std::uint8_t*>(text), N};
}

struct Header {
  Type type{};
  std::uint16_t flags = 0;
  std::uint32_t word = 0;
  crypto::Id subject{};
  crypto::Id object{};
  crypto::Id recipient{};

  std::array<std::uint8_t, header_size> bytes() const;
};

// The header that an envelope of this type claims.
boost::system::result<Header> claimed_header(crypto::View envelope, Type type);

// Whether the envelope begins with exactly this header.
bool begins_with(crypto::View envelope, const Header& expected);

// --- text: XChaCha20-Poly1305 under a key that is used once, so the nonce may be zeros
SealedText seal_text_body(const Header& without_object, crypto::View json, crypto::Secret<32> key);
// `envelope` without a signature behind it. Checks that the object commits to the key.
boost::system::result<crypto::WipedBytes> open_text_body(crypto::View envelope,
                                                         const Header& expected,
                                                         const crypto::Secret<32>& key);

// --- box: between a sender key and the recipient's
BoxEnvelope seal_box_body(const Header& header, const crypto::Secret<32>& body,
                          const SenderHalf& sender, const crypto::Nonce& nonce);
boost::system::result<crypto::Secret<32>> open_box_body(crypto::View envelope,
                                                        const Header& expected,
                                                        const crypto::BoxKey& key);

// --- seal: an anonymous box; the header and the sealed body. Refused for a low-order key.
boost::system::result<crypto::Bytes> seal_sealed_body(const Header& header, crypto::View body,
                                                      const crypto::PublicKey& recipient);
// The same with the pair that is otherwise drawn and wiped: for test vectors only.
boost::system::result<crypto::Bytes> seal_sealed_body_from(const crypto::BoxKey& ephemeral,
                                                           const Header& header, crypto::View body,
                                                           const crypto::PublicKey& recipient);
// The body alone, which has the size of `envelope` without the overhead.
boost::system::result<crypto::WipedBytes> open_sealed_body(crypto::View envelope,
                                                           const Header& expected,
                                                           const crypto::BoxKey& recipient);
inline constexpr std::size_t sealed_overhead = header_size + crypto::seal_overhead + 32;

}  // namespace ishara::identity::layout
