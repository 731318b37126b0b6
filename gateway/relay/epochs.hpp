#pragma once
// The keys under which the relay keeps what it knows (privacy.md section 5). Each week has a seed
// of its own in one file under a key of the host; three days after the week has ended the file is
// overwritten and removed, and with it every tag and address of that week becomes unreadable, in
// every copy. Nothing here is ever backed up.
//
//   epoch-<n>.key    "ISHK" ‖ epoch 4 ‖ nonce 24 ‖ secretbox(seed, host key) 48
//
// A new file is written as epoch-<n>.key.new and then renamed: under its own name it is whole.
//
// Threads: `EpochFolder` one at a time, its calls block; `LiveEpochs` is immutable, shared freely.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
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

  // The numbers of the keys that there are, by the names of their files alone.
  boost::system::result<std::vector<std::uint32_t>> numbers() const;
  // An error if the file is not exactly as it must be (config/key_file.hpp; wrong_size for one that
  // was not written under this host key).
  boost::system::result<Epoch> read(std::uint32_t number) const;
  // Every key in the folder, or the error of the first file that is not good.
  boost::system::result<std::vector<Epoch>> read_all() const;
  // Draws a seed and makes its file durable before it returns. `exists` if there is one.
  boost::system::result<Epoch> create(std::uint32_t number) const;
  // Overwrites, removes, and returns when that is on the disk. Good also if there is none. What the
  // file holds does not matter; one that cannot be overwritten is removed all the same, and told.
  boost::system::result<void> destroy(std::uint32_t number) const;
  // Removes the new files that a crash left without their own name. No key in them was ever used.
  void remove_unfinished() const;

 private:
  std::filesystem::path file(std::uint32_t number) const;
  bool sync_folder() const;

  std::filesystem::path folder_;
  crypto::Secret<32> host_key_;
};

struct TurnedEpochs {
  boost::system::error_code error;  // the first; the rest was done all the same
  std::vector<std::uint32_t> created;
  std::vector<std::uint32_t> destroyed;
  std::shared_ptr<const LiveEpochs> live;  // nullptr if a key whose time is not over is unreadable
};
// Destroys the keys whose time is over, whatever else is wrong with the folder; then reads those
// that stay, and makes those that are due.
TurnedEpochs turn_epochs(const EpochFolder& folder, Seconds now);

}  // namespace ishara::relay
