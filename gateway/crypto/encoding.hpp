#pragma once
// Hexadecimal and base64 (RFC 4648). Constant-time in the bytes where libsodium is. The results are
// plain, not for secrets that must be wiped, except where a name says so.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/crypto/primitives.hpp"

namespace ishara::crypto {

std::string hex(View bytes);
// Nothing for an odd length or any other character; both cases are read.
std::optional<Bytes> from_hex(std::string_view text);
template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> from_hex_exact(std::string_view text) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != N) return std::nullopt;
  std::array<std::uint8_t, N> out;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

std::string base64(View bytes);     // with padding
std::string base64url(View bytes);  // without padding
std::optional<Bytes> from_base64(std::string_view text);
std::optional<Bytes> from_base64url(std::string_view text);
// The same for secrets: what was decoded before a wrong character is wiped too.
std::optional<WipedBytes> from_base64_wiped(std::string_view text);
WipedBuffer hex_wiped(View bytes);
std::optional<WipedBuffer> from_hex_wiped(std::string_view text);

}  // namespace ishara::crypto
