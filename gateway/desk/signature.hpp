#pragma once
// Signed requests (privacy.md section 9.3). Each request to the desk carries
//
//   Ishara-Signature: kid=<hex>, time=<decimal>, nonce=<base64url>, sig=<base64url>
//
// an Ed25519 signature in the domain "ishara/v1/req" over
//
//   len u8, method ‖ len u16, target with query as sent ‖ BLAKE2b-256(body) 32 ‖ unix time u64
//   ‖ nonce 16 ‖ BLAKE2b-256(If-Match value, or nothing) 32
//
// all integers big-endian. There are no bearer tokens. The functions are pure; NonceMemory belongs
// to one thread.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "gateway/crypto/primitives.hpp"
#include "gateway/http/message.hpp"

namespace ishara::desk {

inline constexpr std::chrono::seconds signature_window{60};
inline constexpr std::chrono::seconds nonce_lifetime{120};

// "GET", "POST" and so on; empty for Method::other.
std::string_view name_of(http::Method method) noexcept;

struct RequestSignature {
  crypto::Id kid{};  // of the signing key
  std::uint64_t time = 0;
  crypto::Id nonce{};
  crypto::Signature signature{};
};

// Reads a header value exactly as it is written above; nothing for anything else.
std::optional<RequestSignature> parse_signature(std::string_view header);

// The header value for `request`, whose method, target, body and If-Match are final. `nonce` is
// random and never used again.
std::string sign_request(const http::Request& request, const crypto::SigningKey& key,
                         std::uint64_t unix_time, const crypto::Id& nonce);

// Whether `key` made `signature` for just this request. Time and nonce are the caller's to check.
[[nodiscard]] bool signature_holds(const RequestSignature& signature, const http::Request& request,
                                   const crypto::PublicKey& key);

// The nonces of verified requests of the last 120 seconds, bounded.
class NonceMemory {
 public:
  explicit NonceMemory(std::size_t capacity = 100'000) : capacity_{capacity} {}

  enum class Answer : std::uint8_t { fresh, repeated, full };
  // Remembers `nonce` if it is fresh. When full, nothing is forgotten early: the request must wait.
  Answer remember(const crypto::Id& nonce, std::uint64_t unix_time);

 private:
  struct Entry {
    std::uint64_t time;
    crypto::Id nonce;
  };
  std::size_t capacity_;
  std::deque<Entry> by_age_;
  std::set<crypto::Id> known_;
};

}  // namespace ishara::desk
