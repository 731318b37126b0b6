#include "gateway/relay/panic.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "gateway/config/key_file.hpp"
#include "gateway/identity/audit.hpp"

namespace ishara::relay {
namespace {

namespace fs = std::filesystem;
using boost::system::result;
using config::key_file_errc;

constexpr std::size_t longest_time = 32;

fs::path mark(const fs::path& epochs) { return epochs / "panic"; }
fs::path untold(const fs::path& epochs) { return epochs / "panic.untold"; }

bool is_there(const fs::path& file) {
  std::error_code error;
  return fs::exists(fs::symlink_status(file, error));
}

int open_folder(const fs::path& folder) {
  return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

result<void> write_once(const fs::path& file, const std::string& text) {
  const auto written = config::write_key_file(file, crypto::bytes_of(text));
  if (!written && written.error() != key_file_errc::exists) return written.error();
  return {};
}

result<void> remove(const fs::path& file, const fs::path& folder) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return key_file_errc::unreadable;
  const config::Descriptor opened{open_folder(folder)};
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) return key_file_errc::unreadable;
  return {};
}

}  // namespace

bool is_stopped(const fs::path& epochs) { return is_there(mark(epochs)); }

result<void> stop_relays(const fs::path& epochs, Seconds now) {
  const auto time = std::to_string(now.time_since_epoch().count());
  // First, so that no crash leaves a stop that nobody is told of.
  if (!is_stopped(epochs))
    if (const auto written = write_once(untold(epochs), time); !written) return written.error();
  return write_once(mark(epochs), time);
}

result<void> resume_relays(const fs::path& epochs) { return remove(mark(epochs), epochs); }

DestroyedEpochs destroy_all_epochs(const fs::path& epochs) {
  DestroyedEpochs out;
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator entries{epochs, error}; !error && entries != fs::directory_iterator{};
       entries.increment(error))
    if (entries->path().filename().string().starts_with("epoch-")) found.push_back(entries->path());
  if (error) out.error = key_file_errc::unreadable;
  for (const auto& file : found) {
    if (const auto gone = config::destroy_key_file(file); gone)
      ++out.count;
    else if (!out.error)
      out.error = gone.error();
  }
  return out;
}

RelayAtWork::RelayAtWork(const fs::path& epochs) : folder_{open_folder(epochs)} {
  // A folder that cannot be opened has no keys either, and the relay says so.
  if (folder_.get() >= 0) ::flock(folder_.get(), LOCK_SH);
}

bool blocking_wait_for_relays(const fs::path& epochs, std::chrono::milliseconds limit) {
  const config::Descriptor folder{open_folder(epochs)};
  const auto end = std::chrono::steady_clock::now() + limit;
  while (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return true;
}

std::optional<Seconds> untold_panic(const fs::path& epochs) {
  const auto bytes = config::read_secret_file(untold(epochs), longest_time);
  if (!bytes) return std::nullopt;
  const std::string_view text{reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  std::int64_t time = 0;
  std::from_chars(text.data(), text.data() + text.size(), time);
  return Seconds{std::chrono::seconds{time}};
}

storage::result<void> tell_panic(const fs::path& epochs, storage::blocking::RelayStore& store,
                                 const crypto::PublicKey& relay, Seconds now) {
  const auto at = untold_panic(epochs);
  if (!at) return {};
  const auto scribe = identity::scribe_of(
      {identity::AuditAction::panic, static_cast<std::uint64_t>(now.time_since_epoch().count()),
       crypto::key_id(relay), 0,
       "{\"at\":" + std::to_string(at->time_since_epoch().count()) + "}"});
  if (const auto told = store.put_audit({}, {}, scribe); !told) return told.error();
  // If this fails it is told twice, which is better than not at all.
  (void)remove(untold(epochs), epochs);
  return {};
}

}  // namespace ishara::relay
