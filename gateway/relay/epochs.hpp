#pragma once
// The keys under which the relay keeps what it knows (privacy.md section 5). Each week has a seed
// of its own in one file under a key of the host; three days after the week has ended the file is
// overwritten and removed, and with it every tag and address of that week becomes unreadable, in
// every copy. Nothing here is ever backed up.
//
//   epoch-<n>.key    "ISHK" ‖ epoch 4 ‖ nonce 24 ‖ secretbox(seed, host key) 48
//
// Threads: `EpochFolder` one at a time, its calls block; `LiveEpochs` is immutable, shared freely.

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "gateway/identity/epoch.hpp"
#include "gateway/identity/keys.hpp"

namespace ishara::relay {

using Seconds = std::chrono::sys_seconds;

inline constexpr std::chrono::seconds epoch_grace{3 * 24 * 3600};
// A key is announced this long before its week begins, so that every gateway has it in time.
inline constexpr std::chrono::seconds epoch_notice{24 * 3600};

Seconds start_of(std::uint32_t epoch) noexcept;

struct Epoch {
  std::uint32_t number = 0;
  identity::EpochKeys keys;
};

class LiveEpochs {
 public:
  // In any order, no number twice.
  explicit LiveEpochs(std::vector<Epoch> epochs = {});

  const std::vector<Epoch>& newest_first() const noexcept { return epochs_; }
  // nullptr: there is no such key, or no longer.
  const Epoch* find(std::uint32_t number) const noexcept;

 private:
  std::vector<Epoch> epochs_;
};

// What is to be done now with the keys that there are.
struct EpochPlan {
  std::vector<std::uint32_t> create;
  std::vector<std::uint32_t> destroy;
};
EpochPlan plan_epochs(std::span<const std::uint32_t> existing, Seconds now);

class EpochFolder {
 public:
  EpochFolder(std::filesystem::path folder, crypto::Secret<32> host_key);

  // Every key in the folder. The first file that is not exactly as it must be is the error
  // (config/key_file.hpp; wrong_size for one that was not written under this host key).
  boost::system::result<std::vector<Epoch>> read_all() const;
  // Draws a seed and makes its file durable before it returns. `exists` if there is one.
  boost::system::result<Epoch> create(std::uint32_t number) const;
  // Overwrites, removes, and returns when that is on the disk. Good also if there is none.
  boost::system::result<void> destroy(std::uint32_t number) const;

 private:
  std::filesystem::path file(std::uint32_t number) const;

  std::filesystem::path folder_;
  crypto::Secret<32> host_key_;
};

}  // namespace ishara::relay
