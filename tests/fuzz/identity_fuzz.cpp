// Rosters, message content and intake records: the first byte chooses. Rosters are signed here with
// a key of the test's, since nothing unsigned is ever parsed.

#include <cstddef>
#include <cstdint>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/message_content.hpp"
#include "gateway/identity/roster.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ishara;
  if (size == 0) return 0;
  crypto::start();
  static const auto key = crypto::signing_key(crypto::Secret<32>{});
  const crypto::View rest{data + 1, size - 1};
  if (data[0] % 4 == 3) {
    (void)identity::verify_intake(rest, key.public_key);
    (void)identity::claimed_message_id(rest);
    (void)identity::wrap_recipient(rest);
    return 0;
  }
  if (data[0] % 4 == 2) {
    (void)identity::decode_message(rest);
    return 0;
  }
  identity::SignedRoster roster;
  roster.bytes.assign(rest.begin(), rest.end());
  roster.signature = crypto::sign("ishara/v1/roster", {roster.bytes}, key);
  if (data[0] % 4 == 1)
    (void)identity::verify_organisation(roster, key.public_key);
  else
    (void)identity::verify_root(roster, key.public_key);
  return 0;
}
