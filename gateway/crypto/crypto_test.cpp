#include <doctest/doctest.h>

#include <string>
#include <type_traits>

#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"
#include "gateway/crypto/primitives.hpp"

namespace ishara::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<Secret<32>>);
static_assert(!std::is_copy_assignable_v<Secret<32>>);

TEST_CASE("a moved-from secret holds zeros") {
  start();
  auto first = random_secret<32>();
  const Secret<32> before{first.reveal()};
  const auto second = std::move(first);
  CHECK(equal(second.reveal(), before.reveal()));
  const std::array<std::uint8_t, 32> zeros{};
  CHECK(equal(first.reveal(), zeros));
  CHECK_FALSE(equal(second.reveal(), zeros));
}

TEST_CASE(
    "BLAKE2b is RFC 7693's: an unkeyed 64-byte digest starts as the standard says, parts join") {
  start();
  CHECK(hash32({bytes_of("ab"), bytes_of("c")}) == hash32({bytes_of("abc")}));
  // b2sum -l 256 of "abc".
  CHECK(hex(hash32({bytes_of("abc")})) ==
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST_CASE("HMAC follows RFC 2202 and RFC 4231, test case 2") {
  const auto key = bytes_of("Jefe");
  const auto data = bytes_of("what do ya want for nothing?");
  CHECK(hex(hmac_sha1(key, {data})) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  CHECK(hex(hmac_sha256(key, {data})) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(sha256(bytes_of("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("Ed25519 follows RFC 8032, test 1, and a domain separates") {
  start();
  const auto seed =
      from_hex_exact<32>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  const auto key = signing_key(Secret<32>{*seed});
  CHECK(hex(key.public_key) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const auto signature = sign("ishara/v1/intake", {bytes_of("x")}, key);
  CHECK(verify("ishara/v1/intake", {bytes_of("x")}, signature, key.public_key));
  CHECK_FALSE(verify("ishara/v1/stmt", {bytes_of("x")}, signature, key.public_key));
  CHECK_FALSE(verify("ishara/v1/intake", {bytes_of("y")}, signature, key.public_key));
}

TEST_CASE("a low-order public key is refused by every box") {
  start();
  const PublicKey zero{};
  CHECK_FALSE(shared_key(zero, random_secret<32>()).has_value());
  CHECK_FALSE(seal(bytes_of("x"), zero).has_value());
}

TEST_CASE("what was boxed, sealed or encrypted opens, and not when a bit is flipped") {
  start();
  const auto alice = box_key();
  const auto bob = box_key();
  const auto nonce = random_bytes<24>();
  const auto plain = bytes_of("hello");
  std::array<std::uint8_t, 5> opened{};

  std::array<std::uint8_t, 5 + mac_size> cipher{};
  box(cipher, plain, nonce, *shared_key(bob.public_key, alice.secret_key));
  const auto key = shared_key(alice.public_key, bob.secret_key);
  CHECK(open_box(opened, cipher, nonce, *key));
  CHECK(equal(opened, plain));
  cipher[3] ^= 1;
  CHECK_FALSE(open_box(opened, cipher, nonce, *key));

  auto sealed = *seal(plain, bob.public_key);
  CHECK(equal(*open_seal(sealed, bob), plain));
  sealed[40] ^= 1;
  CHECK_FALSE(open_seal(sealed, bob).has_value());

  const auto secret = random_secret<32>();
  encrypt(cipher, plain, bytes_of("head"), nonce, secret);
  CHECK(decrypt(opened, cipher, bytes_of("head"), nonce, secret));
  CHECK_FALSE(decrypt(opened, cipher, bytes_of("HEAD"), nonce, secret));
}

TEST_CASE("padding comes off again, and what is no padding is refused") {
  start();
  for (const std::size_t size : {0U, 1U, 511U, 512U, 513U}) {
    CAPTURE(size);
    WipedBytes bytes(size, 7);
    pad(bytes, 512);
    CHECK(bytes.size() == (size / 512 + 1) * 512);
    CHECK(unpadded_size(bytes, 512) == size);
  }
  const WipedBytes none(512, 7);
  CHECK_FALSE(unpadded_size(none, 512).has_value());
}

TEST_CASE("encodings round-trip and refuse foreign characters") {
  start();
  const auto bytes = random_bytes<33>();
  CHECK(*from_hex(hex(bytes)) == Bytes(bytes.begin(), bytes.end()));
  CHECK(*from_base64(base64(bytes)) == Bytes(bytes.begin(), bytes.end()));
  CHECK(*from_base64url(base64url(bytes)) == Bytes(bytes.begin(), bytes.end()));
  CHECK_FALSE(from_hex("0g"));
  CHECK_FALSE(from_hex("abc"));
  CHECK(*from_base64_wiped(base64(bytes)) == WipedBytes(bytes.begin(), bytes.end()));
  CHECK_FALSE(from_base64("a=b"));
  CHECK_FALSE(from_base64_wiped("a=b"));
  CHECK_FALSE(from_base64url("a+b/"));
  CHECK_FALSE(from_hex_exact<2>("abcdef"));
}

}  // namespace
}  // namespace ishara::crypto
