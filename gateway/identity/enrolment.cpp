#include "gateway/identity/enrolment.hpp"

#include "gateway/identity/layout.hpp"

namespace ishara::identity {
namespace {

constexpr std::string_view domain = "ishara/v1/enrol";

}  // namespace

crypto::Digest enrolment_code_hash(const crypto::Id& code) {
  return crypto::hash32({layout::tag("ishara/v1/code"), code});
}

crypto::Signature prove_enrolment(const crypto::Id& user_id, const crypto::PublicKey& box_key,
                                  const crypto::Id& code, const crypto::SigningKey& signing_key) {
  return crypto::sign(domain, {user_id, box_key, enrolment_code_hash(code)}, signing_key);
}

bool proves_enrolment(const crypto::Signature& proof, const crypto::Id& user_id,
                      const EnrolmentKeys& keys, const crypto::Id& code) {
  return crypto::verify(domain, {user_id, keys.box, enrolment_code_hash(code)}, proof,
                        keys.signing);
}

}  // namespace ishara::identity
