#include "gateway/aggregators/proof.hpp"

#include "gateway/aggregators/fields.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"

namespace ishara::aggregators {
namespace {

std::string_view text_of(const crypto::Bytes& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
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

Json bearer_claims(std::optional<std::string_view> authorization, std::string_view key,
                   std::chrono::sys_seconds now) {
  constexpr std::string_view scheme = "Bearer ";
  if (key.empty() || !authorization || !authorization->starts_with(scheme)) return {};
  const auto token = authorization->substr(scheme.size());
  const auto first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || last == first) return {};
  const auto head = crypto::from_base64url(token.substr(0, first));
  const auto claims = crypto::from_base64url(token.substr(first + 1, last - first - 1));
  const auto signature = crypto::from_base64url(token.substr(last + 1));
  if (!head || !claims || !signature) return {};
  const auto algorithm = Json{text_of(*head)}.text({"alg"});
  const auto expected =
      crypto::hmac_sha256(crypto::bytes_of(key), {crypto::bytes_of(token.substr(0, last))});
  if (!algorithm || crypto::view(*algorithm) != "HS256" || !crypto::equal(expected, *signature))
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

http::Field bearer_token(std::string_view claims, std::string_view key) {
  const auto body = crypto::base64url(crypto::bytes_of(R"({"alg":"HS256","typ":"JWT"})")) + "." +
                    crypto::base64url(crypto::bytes_of(claims));
  const auto signature =
      crypto::base64url(crypto::hmac_sha256(crypto::bytes_of(key), {crypto::bytes_of(body)}));
  return {"authorization", joined({"Bearer ", body, ".", signature})};
}

http::Field basic_login(std::string_view user, std::string_view password) {
  const auto login = joined({user, ":", password});
  auto encoded = crypto::base64(crypto::bytes_of(crypto::view(login)));
  http::Field out{"authorization", joined({"Basic ", encoded})};
  crypto::wipe(encoded.data(), encoded.size());
  return out;
}

}  // namespace ishara::aggregators
