#include "gateway/crypto/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

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

template <std::size_t N>
std::array<std::uint8_t, N> hash(const EVP_MD* digest, View bytes) {
  std::array<std::uint8_t, N> out{};
  EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, digest, nullptr);
  return out;
}

}  // namespace

std::array<std::uint8_t, 16> hmac_md5(View key, Parts parts) {
  return hmac<16>(EVP_md5(), key, parts);
}

std::array<std::uint8_t, 20> hmac_sha1(View key, Parts parts) {
  return hmac<20>(EVP_sha1(), key, parts);
}

std::array<std::uint8_t, 32> hmac_sha256(View key, Parts parts) {
  return hmac<32>(EVP_sha256(), key, parts);
}

std::array<std::uint8_t, 48> hmac_sha384(View key, Parts parts) {
  return hmac<48>(EVP_sha384(), key, parts);
}

std::array<std::uint8_t, 64> hmac_sha512(View key, Parts parts) {
  return hmac<64>(EVP_sha512(), key, parts);
}

std::array<std::uint8_t, 16> md5(View bytes) { return hash<16>(EVP_md5(), bytes); }

std::array<std::uint8_t, 20> sha1(View bytes) { return hash<20>(EVP_sha1(), bytes); }

std::array<std::uint8_t, 32> sha256(View bytes) { return hash<32>(EVP_sha256(), bytes); }

}  // namespace ishara::crypto
