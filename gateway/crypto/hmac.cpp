#include "gateway/crypto/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace ishara::crypto {
namespace {

// HMAC() takes one buffer; the joined copy may hold a text, so it is wiped.
template <std::size_t N>
std::array<std::uint8_t, N> hmac(const EVP_MD* digest, View key, Parts parts) {
  WipedBytes all;
  for (const auto part : parts) all.insert(all.end(), part.begin(), part.end());
  std::array<std::uint8_t, N> out{};
  unsigned size = N;
  HMAC(digest, key.data(), static_cast<int>(key.size()), all.data(), all.size(), out.data(), &size);
  return out;
}

}  // namespace

std::array<std::uint8_t, 20> hmac_sha1(View key, Parts parts) {
  return hmac<20>(EVP_sha1(), key, parts);
}

std::array<std::uint8_t, 32> hmac_sha256(View key, Parts parts) {
  return hmac<32>(EVP_sha256(), key, parts);
}

std::array<std::uint8_t, 32> sha256(View bytes) {
  std::array<std::uint8_t, 32> out;
  SHA256(bytes.data(), bytes.size(), out.data());
  return out;
}

}  // namespace ishara::crypto
