// Exports of the audit chain and of a report, as a stranger hands them in: read as they are, and
// with their entries under a known root key, so that the verifier of the chain is reached.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/identity/exports.hpp"

using namespace ishara;

namespace {

struct House {
  House() {
    crypto::start();
    identity::RootRoster roster;
    roster.services = {{key.public_key, "relay"}, {gateway.public_key, "gateway"}};
    directory =
        identity::Directory::verified(identity::sign_roster(roster, key), {}, key.public_key)
            .value();
  }
  crypto::SigningKey key = crypto::signing_key(crypto::Secret<32>{});
  crypto::SigningKey gateway =
      crypto::signing_key(crypto::derive(crypto::Secret<32>{}, 1, "services"));
  identity::Directory directory;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const House house;
  const std::string_view file{reinterpret_cast<const char*>(data), size};
  if (identity::verify_report_export(file, house.key.public_key)) std::abort();
  const auto content = identity::read_audit_export(file);
  if (!content) return 0;
  // What is read is exactly what would be written.
  if (identity::write(*content) != file) std::abort();
  const auto verdict = identity::verify_audit(content->entries, content->checkpoints,
                                              house.directory, identity::Checkpoint{3, 1, {}},
                                              1'790'000'000, identity::Origins::given);
  // Nobody has signed anything.
  if (verdict.good() && verdict.last > 0) std::abort();
  if (!verdict.good() && identity::describe(verdict.fault).empty()) std::abort();
  (void)identity::directory_of(content->rosters, house.key.public_key);
  return 0;
}
