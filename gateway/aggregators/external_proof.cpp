// The signature that a description tells how to make.

#include <algorithm>

#include "gateway/aggregators/external.hpp"
#include "gateway/aggregators/fields.hpp"
#include "gateway/aggregators/proof.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"

namespace ishara::aggregators {
namespace {

using What = config::SignedPart::What;

// The pairs of a form by their names, and of one name by their values; that of the body, if there
// is one, else that of the query.
std::vector<http::Form::Pair> sorted_pairs(const http::Form& form, std::string_view but) {
  std::vector<http::Form::Pair> out;
  for (const auto& pair : form.pairs())
    if (pair.name != but) out.push_back(pair);
  std::ranges::sort(out, [](const auto& one, const auto& other) {
    return std::pair{one.name, one.value} < std::pair{other.name, other.value};
  });
  return out;
}

crypto::WipedBuffer signed_text(const http::Request& request, const config::External& description,
                                const ChannelSettings& settings) {
  crypto::WipedBuffer out;
  const auto add = [&out](std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
  };
  const auto said = Described::whole(request, description.content);
  for (const auto& part : description.hmac) {
    switch (part.what) {
      case What::url:
        add(crypto::view(called_url(settings, request)));
        break;
      case What::body:
        add(crypto::view(request.body));
        break;
      case What::literal:
        add(part.text);
        break;
      case What::place:
        if (said) add(view_of(said->at(part.place)).value_or(""));
        break;
      case What::fields: {
        const auto form =
            http::Form::parse(request.body.empty() ? request.query() : crypto::view(request.body));
        if (!form) break;
        const auto& place = *description.hmac_place;
        bool is_first = true;
        for (const auto& [name, value] : sorted_pairs(*form, place.in_header ? "" : place.name)) {
          if (!is_first) add(part.between);
          is_first = false;
          for (const auto text : {name, std::string_view{part.text}, value}) add(text);
        }
      }
    }
  }
  return out;
}

}  // namespace

crypto::Bytes signature_over(const http::Request& request, const config::External& description,
                             const ChannelSettings& settings) {
  if (settings.secret.empty() || !description.hmac_place) return {};
  const auto text = signed_text(request, description, settings);
  const auto key = crypto::bytes_of(crypto::view(settings.secret));
  const auto over = crypto::bytes_of(crypto::view(text));
  const auto bytes = [](const auto& signature) {
    return crypto::Bytes{signature.begin(), signature.end()};
  };
  if (settings.signature == "md5") return bytes(crypto::hmac_md5(key, {over}));
  if (settings.signature == "sha1") return bytes(crypto::hmac_sha1(key, {over}));
  if (settings.signature == "sha512") return bytes(crypto::hmac_sha512(key, {over}));
  return bytes(crypto::hmac_sha256(key, {over}));
}

std::string signature_text(const crypto::Bytes& signature, const config::External& description) {
  const bool is_hex = description.hmac_encoding == config::External::SignatureEncoding::hex;
  return description.hmac_prefix + (is_hex ? crypto::hex(signature) : crypto::base64(signature));
}

}  // namespace ishara::aggregators
