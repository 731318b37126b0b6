#pragma once
// What the gateway learns from the database: signed rosters, announced epoch keys and the active
// routing version. The last that was good lies on the disk as well, so that the gateway starts and
// works while the database is away; from there it is verified as if it came from the database.
//
// The file is a routing bundle, mode 0600, replaced whole or not at all. Its parts:
//   "roster" SP issuer SP version, each followed by its "signature"; "epoch"; "routing" SP version
//
// Functions that block on the disk or the database; each may be called on any thread.

#include <boost/system/result.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/identity/epoch.hpp"
#include "gateway/identity/roster.hpp"
#include "i18n/pack.hpp"
#include "routing/snapshot.hpp"
#include "storage/store.hpp"

namespace ishara::intake {

// As it is stored: nothing of it is verified.
struct StoredKnowledge {
  std::vector<storage::Roster> rosters;
  std::vector<storage::Bytes> epochs;  // announcements
  storage::RoutingVersion routing;
};

storage::result<StoredKnowledge> fetch_knowledge(storage::blocking::Store& store,
                                                 std::chrono::sys_seconds now);

// `key_file_errc::missing` if nothing was kept yet, `knowledge_errc::not_kept` if it is damaged.
boost::system::result<StoredKnowledge> read_knowledge(const std::filesystem::path& file);
boost::system::result<void> keep_knowledge(const std::filesystem::path& file,
                                           const StoredKnowledge& knowledge);
// Keeps what has rosters of this directory and then remembers these in the file `seen`: the kept
// ones are never behind the remembered ones, or a start from the disk would refuse them. Nothing is
// kept of a directory that goes back behind `seen` (roster_errc::older_version). Otherwise the
// error is that of `seen`; the knowledge may be used if it could only not be kept: `kept` tells.
struct Remembered {
  boost::system::result<void> seen;
  boost::system::result<void> kept;
};
Remembered keep_and_remember(const std::filesystem::path& file, const std::filesystem::path& seen,
                             const StoredKnowledge& knowledge,
                             const identity::Directory& directory);

// A file of a language pack, with the name that routing knows it by: "rw/lexicon.tsv".
struct NamedFile {
  std::string name;
  std::string content;
};

struct Learnt {
  std::shared_ptr<const identity::Directory> directory;
  std::vector<identity::EpochAnnouncement> epochs;
  std::shared_ptr<const routing::Snapshot> routing;
  std::uint32_t routing_version = 0;
};

// Only if all rosters are signed and everything fits together; an epoch that is not signed is left
// out. Nobody signs the routing: it can send a text to a queue of the rosters and to no other.
boost::system::result<Learnt> learn(const StoredKnowledge& stored,
                                    const crypto::PublicKey& root_key,
                                    std::span<const NamedFile> languages, const i18n::Packs& packs);

}  // namespace ishara::intake
