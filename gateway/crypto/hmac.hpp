#pragma once
// HMAC (RFC 2104) and the digests of aggregators' signatures, by OpenSSL: libsodium has no SHA-1
// and no MD5. These two prove nothing to us but what an aggregator's own protocol makes of them.

#include <array>
#include <cstdint>

#include "gateway/crypto/primitives.hpp"

namespace ishara::crypto {

std::array<std::uint8_t, 16> hmac_md5(View key, Parts parts);
std::array<std::uint8_t, 20> hmac_sha1(View key, Parts parts);
std::array<std::uint8_t, 32> hmac_sha256(View key, Parts parts);
std::array<std::uint8_t, 48> hmac_sha384(View key, Parts parts);
std::array<std::uint8_t, 64> hmac_sha512(View key, Parts parts);
std::array<std::uint8_t, 16> md5(View bytes);
std::array<std::uint8_t, 20> sha1(View bytes);
std::array<std::uint8_t, 32> sha256(View bytes);

}  // namespace ishara::crypto
