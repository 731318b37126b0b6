#include "gateway/relay/channel_folder.hpp"

#include <algorithm>
#include <vector>

#include "gateway/log/log.hpp"

namespace ishara::relay {

// Names, sizes and times of all files: changes whenever one of them does.
std::string ChannelFolder::fingerprint() const {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{folder_, error}, end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    files.push_back(entry->path().filename().string() + ' ' +
                    std::to_string(entry->file_size(ignored)) + ' ' +
                    std::to_string(entry->last_write_time(ignored).time_since_epoch().count()));
  }
  std::ranges::sort(files);
  std::string out;
  for (const auto& file : files) out += file + '\n';
  return out;
}

std::shared_ptr<const config::SendingChannels> ChannelFolder::current() {
  const auto now = std::chrono::steady_clock::now();
  if (looked_ && now - *looked_ < std::chrono::seconds{1}) return channels_;
  looked_ = now;
  auto seen = fingerprint();
  if (seen_ && seen == *seen_) return channels_;
  seen_ = std::move(seen);
  auto loaded = config::load_sending_channels(folder_, registry_.sending_providers());
  if (!loaded.mistakes.empty()) {
    log::write<log::Event::channels_refused>(loaded.mistakes.size());
    return channels_;
  }
  channels_ = std::make_shared<const config::SendingChannels>(std::move(loaded.channels));
  log::write<log::Event::channels_loaded>(channels_->all().size());
  return channels_;
}

}  // namespace ishara::relay
