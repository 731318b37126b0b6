#include "gateway/aggregators/proof.hpp"

#include <algorithm>

#include "gateway/aggregators/fields.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"

namespace ishara::aggregators {
namespace {

std::string_view text_of(const crypto::Bytes& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Of an algorithm of RFC 7518 3.2; empty for any other.
crypto::Bytes signature_of(std::string_view algorithm, std::string_view body,
                           std::string_view key) {
  const auto secret = crypto::bytes_of(key);
  const auto text = crypto::bytes_of(body);
  const auto bytes = [](const auto& signature) {
    return crypto::Bytes{signature.begin(), signature.end()};
  };
  if (algorithm == "HS256") return bytes(crypto::hmac_sha256(secret, {text}));
  if (algorithm == "HS384") return bytes(crypto::hmac_sha384(secret, {text}));
  if (algorithm == "HS512") return bytes(crypto::hmac_sha512(secret, {text}));
  return {};
}

}  // namespace

Result<void> has_secret(std::optional<std::string_view> sent, const ChannelSettings& settings) {
  const auto secret = crypto::view(settings.secret);
  if (secret.empty())
    return Refusal{errc::wrong_signature, "the channel has no secret to compare with"};
  if (!sent || !crypto::equal(crypto::bytes_of(*sent), crypto::bytes_of(secret)))
    return Refusal{errc::wrong_signature, "the secret is missing or wrong"};
  return boost::system::in_place_value;
}

crypto::WipedBuffer called_url(const ChannelSettings& settings, const http::Request& request) {
  const auto url = crypto::view(settings.url);
  const auto path = path_of(url);
  if (path != "/") return crypto::wiped_copy(url);
  return joined(
      {url.ends_with('/') ? url.substr(0, url.size() - 1) : url, crypto::view(request.target)});
}

crypto::WipedBuffer called_page(const ChannelSettings& settings, const http::Request& request) {
  auto url = called_url(settings, request);
  url.resize(std::min(crypto::view(url).find('?'), url.size()));
  return url;
}

Json token_claims(std::string_view token, std::string_view key, std::chrono::sys_seconds now,
                  std::span<const std::string_view> algorithms) {
  if (key.empty()) return {};
  const auto first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || last == first) return {};
  const auto head = crypto::from_base64url(token.substr(0, first));
  const auto claims = crypto::from_base64url(token.substr(first + 1, last - first - 1));
  const auto signature = crypto::from_base64url(token.substr(last + 1));
  if (!head || !claims || !signature) return {};
  const auto algorithm = Json{text_of(*head)}.text({"alg"});
  if (!algorithm || std::ranges::count(algorithms, crypto::view(*algorithm)) == 0 ||
      !crypto::equal(signature_of(crypto::view(*algorithm), token.substr(0, last), key),
                     *signature))
    return {};
  Json out{text_of(*claims)};
  const auto time = [&out](std::string_view name) {
    const auto text = out.text({name});
    return text ? read_unix(crypto::view(*text)) : std::nullopt;
  };
  constexpr std::chrono::minutes slack{1};
  const auto end = time("exp"), from = time("nbf"), made = time("iat");
  if (!end && !made) return {};
  if (end && *end + slack < now) return {};
  if (from && *from > now + slack) return {};
  if (made && *made > now + slack) return {};
  return out;
}

Json bearer_claims(std::optional<std::string_view> authorization, std::string_view key,
                   std::chrono::sys_seconds now) {
  constexpr std::string_view scheme = "Bearer ";
  constexpr std::string_view algorithms[] = {"HS256"};
  if (!authorization || !authorization->starts_with(scheme)) return {};
  return token_claims(authorization->substr(scheme.size()), key, now, algorithms);
}

std::string token_of(std::string_view claims, std::string_view key) {
  const auto body = crypto::base64url(crypto::bytes_of(R"({"alg":"HS256","typ":"JWT"})")) + "." +
                    crypto::base64url(crypto::bytes_of(claims));
  return body + "." + crypto::base64url(signature_of("HS256", body, key));
}

http::Field bearer_token(std::string_view claims, std::string_view key) {
  return {"authorization", joined({"Bearer ", token_of(claims, key)})};
}

http::Field basic_login(std::string_view user, std::string_view password) {
  const auto login = joined({user, ":", password});
  auto encoded = crypto::base64(crypto::bytes_of(crypto::view(login)));
  http::Field out{"authorization", joined({"Basic ", encoded})};
  crypto::wipe(encoded.data(), encoded.size());
  return out;
}

}  // namespace ishara::aggregators
