#include "gateway/identity/enrolment.hpp"

#include <doctest/doctest.h>

namespace ishara::identity {
namespace {

crypto::Id id(std::uint8_t value) {
  crypto::Id out{};
  out.fill(value);
  return out;
}

TEST_CASE("a proof counts for one user, one pair of keys and one code") {
  const auto signing = crypto::signing_key(crypto::random_secret<32>());
  const EnrolmentKeys keys{signing.public_key, crypto::box_key().public_key};
  const auto proof = prove_enrolment(id(1), keys.box, id(2), signing);
  CHECK(proves_enrolment(proof, id(1), keys, id(2)));
  CHECK_FALSE(proves_enrolment(proof, id(3), keys, id(2)));
  CHECK_FALSE(proves_enrolment(proof, id(1), keys, id(3)));
  CHECK_FALSE(proves_enrolment(proof, id(1), {keys.signing, crypto::box_key().public_key}, id(2)));
  const auto other = crypto::signing_key(crypto::random_secret<32>());
  CHECK_FALSE(proves_enrolment(proof, id(1), {other.public_key, keys.box}, id(2)));
  for (std::size_t bit = 0; bit < proof.size() * 8; ++bit) {
    CAPTURE(bit);
    auto flipped = proof;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    CHECK_FALSE(proves_enrolment(flipped, id(1), keys, id(2)));
  }
}

TEST_CASE("a signing key of low order proves nothing") {
  // The neutral element: with it, R = S = the neutral element and 0 would satisfy the equation.
  EnrolmentKeys keys{{}, crypto::box_key().public_key};
  keys.signing[0] = 1;
  crypto::Signature proof{};
  proof[0] = 1;
  CHECK_FALSE(proves_enrolment(proof, id(1), keys, id(2)));
}

}  // namespace
}  // namespace ishara::identity
