#pragma once
// The signed rosters: who the organisations, queues, members and services of a deployment are
// (privacy.md section 6). A roster is UTF-8 JSON, signed and transported as the very same bytes.
// The root roster names organisations and services; its key is pinned in every configuration. An
// organisation's roster names its queues and members; its key stands in the root roster.
//
// `Directory` is the verified whole, the one source of keys for gateway, desk and clients: no key
// is ever taken from anywhere else. Everything here is immutable once made, so threads may share
// it.

#include <boost/system/result.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/crypto/primitives.hpp"

namespace ishara::identity {

enum class roster_errc {
  not_json = 1,       // the bytes are no JSON object
  missing_field,      // a field is missing, of the wrong type or of the wrong length
  bad_signature,      // not signed by the key that is expected
  wrong_deployment,   // a roster of another deployment
  older_version,      // a lower version than one that was seen before
  unknown_reference,  // a fallback or member names a queue, or a roster an organisation, that is
                      // not
  duplicate,          // an id, a name or a key stands twice
  class_mismatch,     // a fallback belongs to an organisation of another class
  missing_root,       // no row holds the root roster
  row_mismatch,       // a row names another issuer or version than what is signed in it
};
const boost::system::error_category& roster_category() noexcept;
inline boost::system::error_code make_error_code(roster_errc code) noexcept {
  return {static_cast<int>(code), roster_category()};
}

enum class OrganisationClass : std::uint8_t { ngo, police, other };
std::string_view name_of(OrganisationClass value) noexcept;

struct RootRoster {
  struct Organisation {
    crypto::Id id{};
    std::string name;
    OrganisationClass organisation_class = OrganisationClass::other;
    crypto::PublicKey signing_key{};
  };
  struct Service {
    crypto::PublicKey public_key{};
    std::string use;  // gateway, relay
  };
  crypto::Id deployment{};
  std::uint64_t version = 0;
  crypto::Digest previous{};  // BLAKE2b-256 of the version before, or zeros
  std::vector<Organisation> organisations;
  std::vector<Service> services;
};

struct OrganisationRoster {
  struct Queue {
    crypto::Id id{};
    std::string name;  // the slug that routing tables use; unique in the deployment
    std::uint32_t generation = 0;
    crypto::PublicKey box_key{};
    std::optional<crypto::Id> fallback;
  };
  struct Member {
    crypto::Id id{};
    crypto::PublicKey signing_key{};
    crypto::PublicKey box_key{};
    std::vector<std::string> roles;  // caseworker, lead, admin, auditor
    std::vector<crypto::Id> queues;
  };
  crypto::Id deployment{};
  crypto::Id organisation{};
  std::uint64_t version = 0;
  crypto::Digest previous{};
  std::vector<Queue> queues;
  std::vector<Member> members;
  crypto::PublicKey recovery_key{};
};

// A roster as it is stored and sent.
struct SignedRoster {
  crypto::Bytes bytes;
  crypto::Signature signature{};
};

// A roster as a row of the database or an entry of the API shows it; nothing in it is verified. The
// views live as long as what they were made of.
struct RosterRow {
  crypto::Id issuer{};  // the organisation; zeros: the root
  std::uint64_t version = 0;
  crypto::View bytes;
  crypto::View signature;
};

// The rows of any range whose elements have the members of RosterRow. `rosters` outlives them.
template <class Rosters>
std::vector<RosterRow> rows_of(const Rosters& rosters) {
  std::vector<RosterRow> out;
  for (const auto& roster : rosters)
    out.push_back({roster.issuer, roster.version, roster.bytes, roster.signature});
  return out;
}

// The version of each roster by its issuer, zeros for the root; 0: the organisation has none.
using RosterVersions = std::map<crypto::Id, std::uint64_t>;

SignedRoster sign_roster(const RootRoster& roster, const crypto::SigningKey& root);
SignedRoster sign_roster(const OrganisationRoster& roster, const crypto::SigningKey& organisation);

// The signature is checked before a byte is parsed.
boost::system::result<RootRoster> verify_root(const SignedRoster& roster,
                                              const crypto::PublicKey& root);
boost::system::result<OrganisationRoster> verify_organisation(const SignedRoster& roster,
                                                              const crypto::PublicKey& key);

class Directory {
 public:
  struct Queue {
    crypto::Id id{};
    std::string name;
    crypto::Id organisation{};
    OrganisationClass organisation_class = OrganisationClass::other;
    std::uint32_t generation = 0;
    crypto::PublicKey box_key{};
    crypto::Id kid{};
    std::optional<crypto::Id> fallback;
    bool has_members = false;
  };
  struct Member {
    crypto::Id id{};
    crypto::Id organisation{};
    crypto::PublicKey signing_key{};
    crypto::Id signing_kid{};
    crypto::PublicKey box_key{};
    std::vector<std::string> roles;
    std::vector<crypto::Id> queues;
  };

  // Verifies everything against the pinned root key; the first thing that does not hold is the
  // error. `organisations` has at most one roster an organisation, in any order; an organisation
  // without one has no queues.
  static boost::system::result<Directory> verified(const SignedRoster& root,
                                                   std::span<const SignedRoster> organisations,
                                                   const crypto::PublicKey& root_key);
  // The same for the rosters of a deployment as they are stored, in any order. What stands in a
  // row's columns must be what is signed in its bytes: missing_root, row_mismatch; bad_signature
  // for a signature of a wrong length.
  static boost::system::result<Directory> verified_rows(std::span<const RosterRow> rows,
                                                        const crypto::PublicKey& root_key);

  // Whether this goes back behind what was seen: a roster has a lower version, or an organisation
  // is gone without a newer root roster that says so. Nobody accepts such a directory (privacy.md
  // section 6).
  bool is_older_than(const RosterVersions& seen) const;
  bool is_older_than(const Directory& seen) const { return is_older_than(seen.versions()); }
  RosterVersions versions() const;

  const crypto::Id& deployment() const noexcept { return root_.deployment; }
  std::uint64_t root_version() const noexcept { return root_.version; }
  const std::vector<Queue>& queues() const noexcept { return queues_; }
  const std::vector<Member>& members() const noexcept { return members_; }
  const std::vector<RootRoster::Organisation>& organisations() const noexcept {
    return root_.organisations;
  }
  // The version of each organisation's roster, in the order of `organisations()`; 0: none.
  const std::vector<std::uint64_t>& organisation_versions() const noexcept { return versions_; }

  const Queue* queue(const crypto::Id& id) const noexcept;
  const Queue* queue_named(std::string_view name) const noexcept;
  const Member* member_by_kid(const crypto::Id& signing_kid) const noexcept;
  const Member* member(const crypto::Id& id) const noexcept;
  // The public keys of the services of this use.
  std::vector<crypto::PublicKey> services(std::string_view use) const;

 private:
  // Puts together what was verified one by one.
  static boost::system::result<Directory> joined(RootRoster root,
                                                 std::vector<OrganisationRoster> organisations);

  RootRoster root_;
  std::vector<std::uint64_t> versions_;
  std::vector<Queue> queues_;
  std::vector<Member> members_;
};

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::roster_errc> : std::true_type {};
