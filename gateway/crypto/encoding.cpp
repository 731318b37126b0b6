#include "gateway/crypto/encoding.hpp"

#include <sodium.h>

namespace ishara::crypto {
namespace {

std::string to_base64(View bytes, int variant) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), variant);
  out.pop_back();  // the terminating zero
  return out;
}

template <class Octets>
std::optional<Octets> read_base64(std::string_view text, int variant) {
  Octets out(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, &end,
                        variant) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  out.resize(size);
  return out;
}

template <class Octets>
std::optional<Octets> read_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  if (text.empty()) return Octets{};  // libsodium takes no null pointer
  Octets out(text.size() / 2);
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                     text.size(), nullptr, &size, &end) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  return out;
}

}  // namespace

std::string hex(View bytes) {
  std::string out(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes.data(), bytes.size());
  out.pop_back();
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) { return read_hex<Bytes>(text); }
std::optional<WipedBuffer> from_hex_wiped(std::string_view text) {
  return read_hex<WipedBuffer>(text);
}

WipedBuffer hex_wiped(View bytes) {
  WipedBuffer out(bytes.size() * 2 + 1);
  sodium_bin2hex(out.data(), out.size(), bytes.data(), bytes.size());
  out.pop_back();
  return out;
}

std::string base64(View bytes) { return to_base64(bytes, sodium_base64_VARIANT_ORIGINAL); }
std::string base64url(View bytes) {
  return to_base64(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
std::optional<Bytes> from_base64(std::string_view text) {
  return read_base64<Bytes>(text, sodium_base64_VARIANT_ORIGINAL);
}
std::optional<Bytes> from_base64url(std::string_view text) {
  return read_base64<Bytes>(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
std::optional<WipedBytes> from_base64_wiped(std::string_view text) {
  return read_base64<WipedBytes>(text, sodium_base64_VARIANT_ORIGINAL);
}

}  // namespace ishara::crypto
