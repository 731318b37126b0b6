#include "gateway/relay/epochs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include "gateway/config/key_file.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::relay {
namespace {

using boost::system::result;
using config::key_file_errc;

constexpr std::string_view magic = "ISHK";
constexpr std::size_t file_size = 80;
constexpr std::string_view prefix = "epoch-";
constexpr std::string_view suffix = ".key";

std::optional<std::uint32_t> number_in(const std::string& name) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
  const auto digits =
      std::string_view{name}.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_{value} {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

}  // namespace

Seconds start_of(std::uint32_t epoch) noexcept {
  return Seconds{std::chrono::seconds{identity::epoch_seconds} * epoch};
}

LiveEpochs::LiveEpochs(std::vector<Epoch> epochs) : epochs_{std::move(epochs)} {
  std::ranges::sort(epochs_, std::ranges::greater{}, &Epoch::number);
}

const Epoch* LiveEpochs::find(std::uint32_t number) const noexcept {
  const auto found = std::ranges::find(epochs_, number, &Epoch::number);
  return found == epochs_.end() ? nullptr : &*found;
}

EpochPlan plan_epochs(std::span<const std::uint32_t> existing, Seconds now) {
  EpochPlan plan;
  const auto want = [&](std::uint32_t number) {
    if (std::ranges::find(existing, number) == existing.end()) plan.create.push_back(number);
  };
  want(identity::epoch_at(now));
  if (identity::epoch_at(now + epoch_notice) != identity::epoch_at(now))
    want(identity::epoch_at(now + epoch_notice));
  for (const auto number : existing)
    if (now >= start_of(number + 1) + epoch_grace) plan.destroy.push_back(number);
  return plan;
}

EpochFolder::EpochFolder(std::filesystem::path folder, crypto::Secret<32> host_key)
    : folder_{std::move(folder)}, host_key_{std::move(host_key)} {}

std::filesystem::path EpochFolder::file(std::uint32_t number) const {
  return folder_ / (std::string{prefix} + std::to_string(number) + std::string{suffix});
}

result<std::vector<Epoch>> EpochFolder::read_all() const {
  std::vector<Epoch> epochs;
  std::error_code error;
  std::filesystem::directory_iterator entries{folder_, error};
  if (error) return key_file_errc::missing;
  for (; entries != std::filesystem::directory_iterator{}; entries.increment(error)) {
    const auto number = number_in(entries->path().filename().string());
    if (!number) continue;
    const auto bytes = config::read_key_file(entries->path(), file_size);
    if (!bytes) return bytes.error();
    identity::Reader read{*bytes};
    const auto begin = read.array<4>();
    const auto written = read.u32();
    const auto nonce = read.array<24>();
    crypto::Secret<32> seed;
    // A box with a shared key is libsodium's secretbox.
    if (!std::ranges::equal(begin, crypto::bytes_of(magic)) || written != *number ||
        !crypto::open_box(seed.fill(), crypto::View{*bytes}.last(48), nonce, host_key_))
      return key_file_errc::wrong_size;
    epochs.push_back({*number, identity::epoch_keys(seed)});
  }
  if (error) return key_file_errc::unreadable;
  return epochs;
}

result<Epoch> EpochFolder::create(std::uint32_t number) const {
  const auto seed = crypto::random_secret<32>();
  std::array<std::uint8_t, file_size> bytes;
  const auto nonce = crypto::random_bytes<24>();
  std::array<std::uint8_t, 48> sealed;
  crypto::box(sealed, seed.reveal(), nonce, host_key_);
  identity::Writer write{bytes};
  write.bytes(crypto::bytes_of(magic));
  write.u32(number);
  write.bytes(nonce);
  write.bytes(sealed);
  const auto written = config::write_key_file(file(number), bytes);
  if (!written) return written.error();
  return Epoch{number, identity::epoch_keys(seed)};
}

result<void> EpochFolder::destroy(std::uint32_t number) const {
  const auto path = file(number);
  {
    const Descriptor opened{::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (opened.get() < 0)
      return errno == ENOENT ? result<void>{} : result<void>{key_file_errc::unreadable};
    const auto noise = crypto::random_bytes<file_size>();
    if (::pwrite(opened.get(), noise.data(), noise.size(), 0) !=
            static_cast<ssize_t>(noise.size()) ||
        ::fdatasync(opened.get()) != 0)
      return key_file_errc::unreadable;
  }
  const Descriptor folder{::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (::unlink(path.c_str()) != 0 || folder.get() < 0 || ::fsync(folder.get()) != 0)
    return key_file_errc::unreadable;
  return {};
}

}  // namespace ishara::relay
