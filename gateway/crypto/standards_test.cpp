// The primitives against the vectors of the standards that they implement (privacy.md section 19).
// Where our calls add something of their own, libsodium is asked directly and ours is compared.

#include <doctest/doctest.h>
#include <sodium.h>

#include <string>

#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/primitives.hpp"

namespace ishara::crypto {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> bytes(std::string_view hexadecimal) {
  return from_hex_exact<N>(hexadecimal).value();
}
Secret<32> secret(std::string_view hexadecimal) { return Secret<32>{bytes<32>(hexadecimal)}; }

TEST_CASE("RFC 7748, 5.2 and 6.1: X25519, under the shared key of a box") {
  start();
  struct Row {
    const char* scalar;
    const char* point;
    const char* product;
  };
  for (const Row& row : {
           Row{"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
               "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
               "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
           Row{"0900000000000000000000000000000000000000000000000000000000000000",
               "0900000000000000000000000000000000000000000000000000000000000000",
               "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"},
       }) {
    CAPTURE(row.scalar);
    const auto scalar = bytes<32>(row.scalar);
    const auto point = bytes<32>(row.point);
    std::array<std::uint8_t, 32> product;
    REQUIRE(crypto_scalarmult(product.data(), scalar.data(), point.data()) == 0);
    CHECK(hex(product) == row.product);
    // A box hashes the product with HSalsa20 and a nonce of zeros.
    const std::array<std::uint8_t, 16> zeros{};
    std::array<std::uint8_t, 32> shared;
    crypto_core_hsalsa20(shared.data(), zeros.data(), product.data(), nullptr);
    const auto ours = shared_key(point, Secret<32>{scalar});
    REQUIRE(ours.has_value());
    CHECK(equal(ours->reveal(), shared));
  }
  CHECK(hex(box_key_of(secret("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
                .public_key) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
}

TEST_CASE("RFC 8032, 7.1: keys and signatures of Ed25519") {
  start();
  struct Row {
    const char* seed;
    const char* public_key;
    const char* message;
    const char* signature;
  };
  for (
      const Row& row : {
          Row{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
              "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
              "39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
          Row{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
              "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
              "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
          Row{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
              "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
              "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67"
              "f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
      }) {
    CAPTURE(row.seed);
    const auto key = signing_key(secret(row.seed));
    CHECK(hex(key.public_key) == row.public_key);
    const auto message = from_hex(row.message).value();
    Signature signature;
    const auto secret_key = key.secret_key.reveal();
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                         secret_key.data());
    CHECK(hex(signature) == row.signature);
    // Ours signs the domain, a zero and the parts as one message.
    const std::string whole = "ishara/v1/test" + std::string(1, '\0') + row.message;
    crypto_sign_detached(signature.data(), nullptr,
                         reinterpret_cast<const unsigned char*>(whole.data()), whole.size(),
                         secret_key.data());
    CHECK(sign("ishara/v1/test", {bytes_of(row.message)}, key) == signature);
  }
}

TEST_CASE("RFC 7693: BLAKE2b of the standard, and of our lengths") {
  start();
  std::array<std::uint8_t, 64> digest;
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>("abc"), 3,
                     nullptr, 0);
  CHECK(hex(digest) ==
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  CHECK(hex(hash32({bytes_of("abc")})) ==
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST_CASE("RFC 9106: Argon2id with our one set of parameters, p = 1, as another library has it") {
  start();
  // The RFC's own vectors have p = 4. These are of noble-hashes 1.8.0: t = 3, m = 65536, p = 1.
  struct Row {
    const char* passphrase;
    const char* salt;
    const char* key;
  };
  for (const Row& row : {
           Row{"correct horse battery staple", "99999999999999999999999999999999",
               "ecf7d0ab9ae8497d05fc61d96177bdc9434847f6449299afd8f703959485366f"},
           Row{"", "00000000000000000000000000000000",
               "ef8be86d1dc2eb9dbbba8082ed05f767041686be9f02108d9a213fba3ecf4a1e"},
           Row{"amagambo atandatu y\u2019ibanga", "000102030405060708090a0b0c0d0e0f",
               "b0027d3ac0bd14ed3e9679ba38d5a21d4eb2c1d6c5e9d95d70abcaaa0c43272d"},
       }) {
    CAPTURE(row.passphrase);
    const auto key = blocking_passphrase_key(row.passphrase, bytes<16>(row.salt));
    CHECK(hex(key.reveal()) == row.key);
  }
}

TEST_CASE("draft-irtf-cfrg-xchacha-03, A.3.1: XChaCha20-Poly1305") {
  start();
  constexpr std::string_view plain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  const auto associated = bytes<12>("50515253c0c1c2c3c4c5c6c7");
  const auto key = secret("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const auto nonce = bytes<24>("404142434445464748494a4b4c4d4e4f5051525354555657");
  Bytes cipher(plain.size() + mac_size);
  encrypt(cipher, bytes_of(plain), associated, nonce, key);
  CHECK(hex(cipher) ==
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4e"
        "da7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2"
        "383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
  Bytes back(plain.size());
  CHECK(decrypt(back, cipher, associated, nonce, key));
  CHECK(equal(back, bytes_of(plain)));
}

}  // namespace
}  // namespace ishara::crypto
