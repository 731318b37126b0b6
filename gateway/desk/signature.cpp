#include "gateway/desk/signature.hpp"

#include <array>
#include <charconv>
#include <limits>

#include "gateway/crypto/encoding.hpp"

namespace ishara::desk {
namespace {

constexpr std::string_view domain = "ishara/v1/req";

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) {
  std::array<std::uint8_t, 8> out;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(value >> (8 * (out.size() - 1 - i)));
  return out;
}

// What stands between `name` and the next comma; `rest` then begins behind the comma.
std::optional<std::string_view> take(std::string_view& rest, std::string_view name) {
  if (!rest.starts_with(name)) return std::nullopt;
  rest.remove_prefix(name.size());
  const auto end = rest.find(", ");
  const auto value = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
  return value;
}

template <std::size_t N>
bool fill(std::array<std::uint8_t, N>& out, const std::optional<crypto::Bytes>& bytes) {
  if (!bytes || bytes->size() != N) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

// The parts that a signature covers, kept alive for the length of the call.
struct Covered {
  Covered(const http::Request& request, std::uint64_t unix_time)
      : method{name_of(request.method)},
        target{crypto::view(request.target)},
        method_size{static_cast<std::uint8_t>(method.size())},
        target_size{static_cast<std::uint8_t>(target.size() >> 8),
                    static_cast<std::uint8_t>(target.size())},
        body{crypto::hash32({crypto::bytes_of(crypto::view(request.body))})},
        time{big_endian(unix_time)},
        condition{crypto::hash32({crypto::bytes_of(request.field("if-match").value_or(""))})} {}

  bool in_range() const {
    return !method.empty() && target.size() <= std::numeric_limits<std::uint16_t>::max();
  }

  std::string_view method;
  std::string_view target;
  std::array<std::uint8_t, 1> method_size;
  std::array<std::uint8_t, 2> target_size;
  crypto::Digest body;
  std::array<std::uint8_t, 8> time;
  crypto::Digest condition;
};

}  // namespace

std::string_view name_of(http::Method method) noexcept {
  switch (method) {
    case http::Method::get:
      return "GET";
    case http::Method::head:
      return "HEAD";
    case http::Method::post:
      return "POST";
    case http::Method::put:
      return "PUT";
    case http::Method::delete_:
      return "DELETE";
    case http::Method::patch:
      return "PATCH";
    case http::Method::options:
      return "OPTIONS";
    case http::Method::other:
      return {};
  }
  return {};
}

std::optional<RequestSignature> parse_signature(std::string_view header) {
  RequestSignature out;
  const auto kid = take(header, "kid=");
  const auto time = take(header, "time=");
  const auto nonce = take(header, "nonce=");
  const auto signature = take(header, "sig=");
  if (!kid || !time || !nonce || !signature || !header.empty()) return std::nullopt;
  if (!fill(out.kid, crypto::from_hex(*kid)) || !fill(out.nonce, crypto::from_base64url(*nonce)) ||
      !fill(out.signature, crypto::from_base64url(*signature)))
    return std::nullopt;
  const auto [end, error] = std::from_chars(time->data(), time->data() + time->size(), out.time);
  if (error != std::errc{} || end != time->data() + time->size()) return std::nullopt;
  return out;
}

std::string sign_request(const http::Request& request, const crypto::SigningKey& key,
                         std::uint64_t unix_time, const crypto::Id& nonce) {
  const Covered c{request, unix_time};
  const auto signature =
      crypto::sign(domain,
                   {c.method_size, crypto::bytes_of(c.method), c.target_size,
                    crypto::bytes_of(c.target), c.body, c.time, nonce, c.condition},
                   key);
  return "kid=" + crypto::hex(crypto::key_id(key.public_key)) +
         ", time=" + std::to_string(unix_time) + ", nonce=" + crypto::base64url(nonce) +
         ", sig=" + crypto::base64url(signature);
}

bool signature_holds(const RequestSignature& signature, const http::Request& request,
                     const crypto::PublicKey& key) {
  const Covered c{request, signature.time};
  return c.in_range() &&
         crypto::verify(domain,
                        {c.method_size, crypto::bytes_of(c.method), c.target_size,
                         crypto::bytes_of(c.target), c.body, c.time, signature.nonce, c.condition},
                        signature.signature, key);
}

NonceMemory::Answer NonceMemory::remember(const crypto::Id& nonce, std::uint64_t unix_time) {
  const auto lifetime = static_cast<std::uint64_t>(nonce_lifetime.count());
  while (!by_age_.empty() && by_age_.front().time + lifetime < unix_time) {
    known_.erase(by_age_.front().nonce);
    by_age_.pop_front();
  }
  if (known_.contains(nonce)) return Answer::repeated;
  if (known_.size() >= capacity_) return Answer::full;
  known_.insert(nonce);
  by_age_.push_back({unix_time, nonce});
  return Answer::fresh;
}

}  // namespace ishara::desk
