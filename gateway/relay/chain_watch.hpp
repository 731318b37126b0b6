#pragma once
// Watches over the audit chain (privacy.md section 12). The relay remembers in a file of its own
// how far it has seen the chain, and signs a checkpoint for its end only if that continues what it
// remembers. Whoever writes the database can therefore not take back what was seen: the chain is
// found broken, and from then on nothing is signed.
//
//   relay.audit      seq 8 ‖ hash of that entry 32, mode 0600
//
// Without the file (the first start) it trusts the last checkpoint if it has signed that itself,
// and without one it begins with entry 1. A checkpoint that it has not signed is a broken chain
// too. A last checkpoint that is gone is signed again.
//
// Threads: one at a time; the calls block.

#include <boost/system/result.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "gateway/crypto/primitives.hpp"
#include "gateway/relay/epochs.hpp"
#include "storage/relay_store.hpp"

namespace ishara::relay {

class ChainWatch {
 public:
  explicit ChainWatch(std::filesystem::path file) : file_{std::move(file)} {}

  struct Look {
    std::uint64_t seq = 0;    // of the last entry; of the one that is wrong in a broken chain
    bool has_signed = false;  // a new checkpoint
    bool broken = false;
  };
  // Looks at what is new, and signs for it if there is anything. An error if the database or the
  // file cannot be used (config::key_file_errc); then nothing is signed either.
  boost::system::result<Look> look(storage::blocking::RelayStore& store,
                                   const crypto::SigningKey& relay, Seconds now);

 private:
  struct Seen {
    std::uint64_t seq = 0;  // 0: nothing yet
    crypto::Digest hash{};
    bool is_forged = false;  // there is no file, and a checkpoint that this relay has not signed
  };
  boost::system::result<Seen> seen(storage::blocking::RelayStore& store,
                                   const crypto::SigningKey& relay) const;
  // Signs for this entry, unless it has done so before.
  boost::system::result<Look> sign(storage::blocking::RelayStore& store,
                                   const crypto::SigningKey& relay, const Seen& last,
                                   Seconds now) const;
  boost::system::result<void> remember(const Seen& seen) const;

  std::filesystem::path file_;
};

}  // namespace ishara::relay
