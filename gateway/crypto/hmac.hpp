#pragma once
// HMAC (RFC 2104) and SHA-256 for aggregators' signatures, by OpenSSL: libsodium has no SHA-1.

#include <array>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"

namespace ishara::crypto {

std::array<std::uint8_t, 20> hmac_sha1(View key, Parts parts);
std::array<std::uint8_t, 32> hmac_sha256(View key, Parts parts);
std::array<std::uint8_t, 32> sha256(View bytes);

}  // namespace ishara::crypto
