#pragma once
// The emergency stop (privacy.md section 13): every key of a week is destroyed, and with them every
// address and tag that the relay has kept becomes unreadable, in every copy. Reports stay readable
// for their queues. Whoever stops and the relay meet in the folder of epoch keys alone, so this
// works between two users, and without a database:
//
//   panic          from `ishara key panic` to `ishara key resume`; meanwhile no relay works
//   panic.untold   until the audit chain has the entry; holds the unix time
//
// and the relay holds a lock on the folder as long as it may have keys in its memory.
//
// Thread-safe: no shared state but the folder.

#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>

#include "gateway/config/descriptor.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/relay/epochs.hpp"
#include "storage/relay_store.hpp"

namespace ishara::relay {

bool is_stopped(const std::filesystem::path& epochs);
// Good also if it is stopped already.
boost::system::result<void> stop_relays(const std::filesystem::path& epochs, Seconds now);
// Good also if it is not stopped.
boost::system::result<void> resume_relays(const std::filesystem::path& epochs);

struct DestroyedEpochs {
  boost::system::error_code error;  // the first; the rest was done all the same
  std::size_t count = 0;
};
// Every file of a key, finished or not, of whatever week.
DestroyedEpochs destroy_all_epochs(const std::filesystem::path& epochs);

// Says, as long as it lives, that a relay has keys of this folder.
class RelayAtWork {
 public:
  explicit RelayAtWork(const std::filesystem::path& epochs);

 private:
  config::Descriptor folder_;
};
// Waits until no relay is at work, at most so long; false: one still is.
bool blocking_wait_for_relays(const std::filesystem::path& epochs, std::chrono::milliseconds limit);

// When the stop was that the audit chain does not know of yet.
std::optional<Seconds> untold_panic(const std::filesystem::path& epochs);
// Tells it, with the relay as actor. Good also if there is nothing to tell.
storage::result<void> tell_panic(const std::filesystem::path& epochs,
                                 storage::blocking::RelayStore& store,
                                 const crypto::PublicKey& relay, Seconds now);

}  // namespace ishara::relay
