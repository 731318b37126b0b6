#include "gateway/relay/epochs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "gateway/config/descriptor.hpp"
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
constexpr std::string_view unfinished = ".new";

std::optional<std::uint32_t> number_in(const std::string& name) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
  const auto digits =
      std::string_view{name}.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

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

result<std::vector<std::uint32_t>> EpochFolder::numbers() const {
  std::vector<std::uint32_t> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entries{folder_, error};
  if (error) return key_file_errc::missing;
  for (; entries != std::filesystem::directory_iterator{}; entries.increment(error)) {
    const auto number = number_in(entries->path().filename().string());
    if (number) numbers.push_back(*number);
  }
  if (error) return key_file_errc::unreadable;
  return numbers;
}

result<Epoch> EpochFolder::read(std::uint32_t number) const {
  const auto bytes = config::read_key_file(file(number), file_size);
  if (!bytes) return bytes.error();
  identity::Reader read{*bytes};
  const auto begin = read.array<4>();
  const auto written = read.u32();
  const auto nonce = read.array<24>();
  crypto::Secret<32> seed;
  // A box with a shared key is libsodium's secretbox.
  if (!std::ranges::equal(begin, crypto::bytes_of(magic)) || written != number ||
      !crypto::open_box(seed.fill(), crypto::View{*bytes}.last(48), nonce, host_key_))
    return key_file_errc::wrong_size;
  return Epoch{number, identity::epoch_keys(seed)};
}

result<std::vector<Epoch>> EpochFolder::read_all() const {
  const auto all = numbers();
  if (!all) return all.error();
  std::vector<Epoch> epochs;
  for (const auto number : *all) {
    auto epoch = read(number);
    if (!epoch) return epoch.error();
    epochs.push_back(std::move(*epoch));
  }
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
  std::error_code error;
  const auto path = file(number);
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error)))
    return key_file_errc::exists;
  auto fresh = path;
  fresh += unfinished;
  const auto written = config::write_key_file(fresh, bytes);
  if (!written) return written.error();
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    ::unlink(fresh.c_str());
    return key_file_errc::unreadable;
  }
  // Nobody may seal to a key whose name the next loss of power takes away.
  if (!sync_folder()) return key_file_errc::unreadable;
  return Epoch{number, identity::epoch_keys(seed)};
}

bool EpochFolder::sync_folder() const {
  const config::Descriptor folder{::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return folder.get() >= 0 && ::fsync(folder.get()) == 0;
}

result<void> EpochFolder::destroy(std::uint32_t number) const {
  return config::destroy_key_file(file(number));
}

void EpochFolder::remove_unfinished() const {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (std::filesystem::directory_iterator entries{folder_, error};
       !error && entries != std::filesystem::directory_iterator{}; entries.increment(error)) {
    auto name = entries->path().filename().string();
    if (!name.ends_with(unfinished)) continue;
    name.resize(name.size() - unfinished.size());
    if (number_in(name)) found.push_back(entries->path());
  }
  for (const auto& path : found) ::unlink(path.c_str());
}

TurnedEpochs turn_epochs(const EpochFolder& folder, Seconds now) {
  TurnedEpochs turned;
  const auto keep_first = [&turned](boost::system::error_code error) {
    if (!turned.error) turned.error = error;
  };
  const auto existing = folder.numbers();
  if (!existing) {
    turned.error = existing.error();
    return turned;
  }
  const auto plan = plan_epochs(*existing, now);
  for (const auto number : plan.destroy) {
    if (const auto gone = folder.destroy(number); gone)
      turned.destroyed.push_back(number);
    else
      keep_first(gone.error());
  }
  folder.remove_unfinished();
  std::vector<Epoch> epochs;
  bool all_read = true;
  for (const auto number : *existing) {
    if (std::ranges::find(plan.destroy, number) != plan.destroy.end()) continue;
    auto epoch = folder.read(number);
    if (epoch) {
      epochs.push_back(std::move(*epoch));
    } else {
      all_read = false;
      keep_first(epoch.error());
    }
  }
  for (const auto number : plan.create) {
    auto made = folder.create(number);
    if (made) {
      turned.created.push_back(number);
      epochs.push_back(std::move(*made));
    } else {
      keep_first(made.error());
    }
  }
  if (all_read) turned.live = std::make_shared<const LiveEpochs>(std::move(epochs));
  return turned;
}

}  // namespace ishara::relay
