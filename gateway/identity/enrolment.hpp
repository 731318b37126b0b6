#pragma once
// How somebody who was invited shows her keys (privacy.md section 9.2). An admin makes a one-time
// code of 16 random bytes, keeps its hash at the desk and gives the code on paper. Whoever has it
// makes her keys and proves that they belong together and to this invitation:
//
//   code hash  BLAKE2b-256("ishara/v1/code\0" ‖ code 16)
//   proof      Ed25519 by sign_pk over "ishara/v1/enrol\0" ‖ user id 16 ‖ box_pk 32 ‖ code hash 32
//
// The desk checks both, and nobody else has to: the admin compares the fingerprint of both public
// keys with its owner, face to face, before she signs the roster. A desk that lies gains nothing.
//
// Pure functions, thread-safe.

#include "gateway/crypto/primitives.hpp"

namespace ishara::identity {

// What the invited person shows.
struct EnrolmentKeys {
  crypto::PublicKey signing{};
  crypto::PublicKey box{};
};

crypto::Digest enrolment_code_hash(const crypto::Id& code);

crypto::Signature prove_enrolment(const crypto::Id& user_id, const crypto::PublicKey& box_key,
                                  const crypto::Id& code, const crypto::SigningKey& signing_key);
[[nodiscard]] bool proves_enrolment(const crypto::Signature& proof, const crypto::Id& user_id,
                                    const EnrolmentKeys& keys, const crypto::Id& code);

}  // namespace ishara::identity
