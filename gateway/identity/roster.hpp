#pragma once
// The signed rosters: who the organisations, queues, members and services of a deployment are
// (privacy.md section 6). A roster is UTF-8 JSON, signed and transported as the very same bytes.
// The root roster names organisations and services; its key is pinned in every configuration. An
// organisation's roster names its queues and members; its key stands in the root roster.
//
// `Directory` is the verified whole, the one source of keys for gateway, desk and clients: no key
// is ever taken from anywhere else. Everything here is immutable once made, so threads may share
// it.
//
// A roster does not forget what old signatures and seals are judged by. Beside what holds now it
// names services that have ended, keys of queues that were replaced, queues that are retired and
// members who have left; and the TRANSFERs of those members that go on counting, one by one,
// because a date in a signature is only what its signer says. All of these fields are left out
// where there is nothing to say, so that rosters from before them are the very same bytes.

#include <boost/system/result.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  duplicate,          // an id, a name, a key or a hash stands twice; ids and keys count over all
                      // rosters, also those of former members and of earlier generations
  class_mismatch,     // a fallback belongs to an organisation of another class
  missing_root,       // no row holds the root roster
  row_mismatch,       // a row names another issuer or version than what is signed in it
  not_earlier,        // an earlier key of a queue is not of a lower generation than its present one
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
    // The last hour (unix time / 3600) whose signatures count, if the service has ended. A service
    // whose key was stolen does not end at an hour: who has the key can date back.
    std::optional<std::uint32_t> until{};

    bool counts_in(std::uint64_t hour) const noexcept { return !until || hour <= *until; }
  };
  crypto::Id deployment{};
  std::uint64_t version = 0;
  crypto::Digest previous{};  // BLAKE2b-256 of the version before, or zeros
  std::vector<Organisation> organisations;
  std::vector<Service> services;
};

struct OrganisationRoster {
  struct EarlierKey {
    std::uint32_t generation = 0;
    crypto::PublicKey box_key{};
    friend bool operator==(const EarlierKey&, const EarlierKey&) = default;
  };
  struct Queue {
    crypto::Id id{};
    std::string name;  // the slug that routing tables use; unique in the deployment
    std::uint32_t generation = 0;
    crypto::PublicKey box_key{};
    std::optional<crypto::Id> fallback;
    // Of former generations, while wraps for them may lie around.
    std::vector<EarlierKey> earlier{};
    // It gets nothing new and needs no members. It stays in the roster because what it once owned
    // or gave away is reckoned by it.
    bool retired = false;
    friend bool operator==(const Queue&, const Queue&) = default;
  };
  struct Member {
    crypto::Id id{};
    crypto::PublicKey signing_key{};
    crypto::PublicKey box_key{};
    std::vector<std::string> roles;  // caseworker, lead, admin, auditor
    std::vector<crypto::Id> queues;
  };
  // Who has left. Notes of theirs can still be checked; nothing new of theirs counts.
  struct FormerMember {
    crypto::Id id{};
    crypto::PublicKey signing_key{};
    friend bool operator==(const FormerMember&, const FormerMember&) = default;
  };
  crypto::Id deployment{};
  crypto::Id organisation{};
  std::uint64_t version = 0;
  crypto::Digest previous{};
  std::vector<Queue> queues;
  std::vector<Member> members;
  crypto::PublicKey recovery_key{};
  std::vector<FormerMember> former{};
  // statement_hash of TRANSFERs from queues of this organisation that count though their signer
  // does not work for that queue any more.
  std::vector<crypto::Id> transfers{};
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
  struct EarlierKey {
    std::uint32_t generation = 0;
    crypto::PublicKey box_key{};
    crypto::Id kid{};
  };
  struct Queue {
    crypto::Id id{};
    std::string name;
    crypto::Id organisation{};
    OrganisationClass organisation_class = OrganisationClass::other;
    std::uint32_t generation = 0;
    crypto::PublicKey box_key{};
    crypto::Id kid{};
    std::optional<crypto::Id> fallback;  // never a retired queue
    bool has_members = false;            // false for a retired queue, whoever is listed there
    std::vector<EarlierKey> earlier{};
    bool retired = false;  // nothing new is sealed for it or routed to it
  };
  // A key of a queue, of whichever generation.
  struct QueueKey {
    const Queue* queue = nullptr;
    std::uint32_t generation = 0;
    crypto::PublicKey box_key{};
    bool is_current = false;
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
  struct FormerMember {
    crypto::Id id{};
    crypto::Id organisation{};
    crypto::PublicKey signing_key{};
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

  // The pinned key by which all of this was verified.
  const crypto::PublicKey& root_key() const noexcept { return root_key_; }
  const crypto::Id& deployment() const noexcept { return root_.deployment; }
  std::uint64_t root_version() const noexcept { return root_.version; }
  const std::vector<Queue>& queues() const noexcept { return queues_; }
  const std::vector<Member>& members() const noexcept { return members_; }
  const std::vector<RootRoster::Organisation>& organisations() const noexcept {
    return root_.organisations;
  }
  // The version of each organisation's roster, in the order of `organisations()`; 0: none.
  const std::vector<std::uint64_t>& organisation_versions() const noexcept { return versions_; }

  // Of an organisation; nothing if it has no roster.
  std::optional<crypto::PublicKey> recovery_key(const crypto::Id& organisation) const noexcept;
  const Queue* queue(const crypto::Id& id) const noexcept;
  const Queue* queue_named(std::string_view name) const noexcept;
  const Member* member_by_kid(const crypto::Id& signing_kid) const noexcept;
  const Member* member(const crypto::Id& id) const noexcept;
  // The queue that reads what is wrapped for this kid, with the key; of earlier generations too.
  std::optional<QueueKey> queue_by_kid(const crypto::Id& kid) const noexcept;
  const FormerMember* former_member(const crypto::Id& id) const noexcept;
  const std::vector<FormerMember>& former_members() const noexcept { return former_; }
  // Whether the organisation says of the TRANSFER with this hash that it goes on counting.
  bool lists_transfer(const crypto::Id& organisation, const crypto::Id& hash) const noexcept;
  // The services of this use, also those that have ended.
  std::vector<RootRoster::Service> services(std::string_view use) const;
  // The last hour (unix time / 3600) whose signatures of this service count, the last there is for
  // one that goes on; nothing if the rosters do not name it for this use.
  std::optional<std::uint64_t> last_hour(std::string_view use,
                                         const crypto::PublicKey& key) const noexcept;

 private:
  // Puts together what was verified one by one.
  static boost::system::result<Directory> joined(RootRoster root,
                                                 std::vector<OrganisationRoster> organisations,
                                                 const crypto::PublicKey& root_key);

  RootRoster root_;
  crypto::PublicKey root_key_{};
  std::map<crypto::Id, crypto::PublicKey> recovery_keys_;  // by organisation
  std::vector<std::uint64_t> versions_;
  std::vector<Queue> queues_;
  std::vector<Member> members_;
  std::vector<FormerMember> former_;
  std::set<std::pair<crypto::Id, crypto::Id>> transfers_;  // organisation and hash
};

}  // namespace ishara::identity

template <>
struct boost::system::is_error_code_enum<ishara::identity::roster_errc> : std::true_type {};
