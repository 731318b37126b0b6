#pragma once
// Channels: one short code or USSD code at one aggregator each. `channels/<name>.toml` holds what
// the gateway needs to receive, `sending/<name>.toml` what the relay needs to send. Both are mode
// 0600 and belong to the user that reads them.
//
// Loading blocks on the disk. Loaded channels are immutable: share them as `std::shared_ptr<const
// ...>` and swap them whole when a file has changed.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/external.hpp"
#include "gateway/crypto/primitives.hpp"
#include "gateway/crypto/wipe.hpp"
#include "i18n/decode.hpp"

namespace ishara::config {

// What an aggregator has to know of a channel to check and read a request.
struct ChannelSettings {
  std::string country;  // ISO 3166-1 alpha-2, upper case; empty: numbers stay as sent
  i18n::Charset charset = i18n::Charset::unspecified;  // of texts that declare none
  bool entities = false;       // the aggregator escapes texts as HTML once too often
  crypto::WipedBuffer url;     // our public URL as the provider calls it; may be only its origin
  crypto::WipedBuffer token;   // the provider's auth token
  crypto::WipedBuffer secret;  // shared or signature secret
  std::string signature;       // md5hash, md5, sha1, sha256 or sha512
  std::string account;         // the provider's id of our account
  crypto::WipedBuffer password;
  bool verify = true;                        // off only in `channel parse`: accepts any signature
  std::chrono::sys_seconds now{};            // the clock of `channel parse`
  std::shared_ptr<const External> external;  // of the provider `external` alone
};

using SecretHash = crypto::Digest;  // BLAKE2b-256 of the 43 characters of a path secret

struct Channel {
  std::uint8_t number = 0;  // 1 to 255
  std::string name;         // the file's name without .toml
  std::string provider;
  std::string language;  // tag of the language pack that answers first
  bool allow_get = false;
  std::optional<std::chrono::hours> silent_after;  // without a text: an alarm; nothing: none
  std::vector<SecretHash> secrets;                 // one, or two while one replaces the other
  ChannelSettings settings;
  // While a token or secret of the provider's replaces another: the same with the older one.
  std::optional<ChannelSettings> former;
};

class Channels {
 public:
  Channels() = default;
  explicit Channels(std::vector<Channel> all) : all_{std::move(all)} {}

  // The channel of this provider and path secret, or nullptr. The time taken does not depend on
  // which secrets are near: every stored hash is compared in full.
  const Channel* find(std::string_view provider, std::string_view secret) const noexcept;
  // The channel of this name, or nullptr.
  const Channel* named(std::string_view name) const noexcept;
  std::span<const Channel> all() const noexcept { return all_; }

 private:
  std::vector<Channel> all_;  // by number
};

struct LoadedChannels {
  Channels channels;              // empty if there are mistakes
  std::vector<Mistake> mistakes;  // all of all files, by file and line; no value is quoted
};

// One channel from the text of its file, which `file` names in mistakes. Nothing if it has any: all
// of them are then added to `mistakes`.
std::optional<Channel> parse_channel(std::string_view toml, const std::filesystem::path& file,
                                     std::span<const std::string_view> providers,
                                     std::vector<Mistake>& mistakes);

// The text of a channel file, which has no mistake, with another value for one key, in TOML: in the
// place of the one that it has, else on a line of its own at the end. Without a value the key goes.
crypto::WipedBuffer with_key(std::string_view toml, std::string_view key,
                             std::optional<std::string_view> value);
// A text as TOML writes it, in quotes. `text` has no control characters.
std::string toml_text(std::string_view text);

// What an aggregator has to know of a channel to send. No provider takes all of these; those that
// it needs are there, since a file without them is refused.
struct SendingSettings {
  crypto::WipedBuffer account;  // the provider's id of our account
  crypto::WipedBuffer token;    // its API key or auth token
  crypto::WipedBuffer password;
  std::string from;    // short code or registered sender; empty: the provider's choice
  std::string origin;  // of the send API; empty: the provider's own, where it has one
  crypto::WipedBuffer delivery_url;  // where deliveries are reported; empty: none are asked for
  std::shared_ptr<const ExternalSending> external;  // of the provider `external` alone
};

struct SendingChannel {
  std::uint8_t number = 0;  // that of the channel that receives
  std::string name;         // the file's name without .toml
  std::string provider;
  std::uint32_t per_second = 10;                   // texts that the provider takes
  std::optional<std::chrono::minutes> utc_offset;  // of the phones; none: no time range opens
  SendingSettings settings;
};

class SendingChannels {
 public:
  SendingChannels() = default;
  explicit SendingChannels(std::vector<SendingChannel> all) : all_{std::move(all)} {}

  // The channel of this number, or nullptr.
  const SendingChannel* find(std::uint8_t number) const noexcept;
  std::span<const SendingChannel> all() const noexcept { return all_; }

 private:
  std::vector<SendingChannel> all_;  // by number
};

struct LoadedSendingChannels {
  SendingChannels channels;       // empty if there are mistakes
  std::vector<Mistake> mistakes;  // all of all files, by file and line; no value is quoted
};

// A provider on offer, and the keys without which nothing can be sent through it.
struct SendingProvider {
  std::string_view name;
  std::span<const std::string_view> needs;
};

// One channel from the text of its file in `sending/`; as `parse_channel`.
std::optional<SendingChannel> parse_sending_channel(std::string_view toml,
                                                    const std::filesystem::path& file,
                                                    std::span<const SendingProvider> providers,
                                                    std::vector<Mistake>& mistakes);

// What a text says of an aggregator that has no source of its own: any keys of a channel's file,
// of the provider `external` too, and none of them required. False if there are mistakes, of which
// all are added to `mistakes`.
bool parse_description(std::string_view toml, const std::filesystem::path& file,
                       ChannelSettings& out, std::vector<Mistake>& mistakes);
bool parse_description(std::string_view toml, const std::filesystem::path& file,
                       SendingSettings& out, std::vector<Mistake>& mistakes);

// The hash to keep of a path secret.
SecretHash hash_of_secret(std::string_view secret) noexcept;

// Reads every `*.toml` of `folder`. `providers` are the names on offer. A folder that does not
// exist holds no channels. A file that others may read, that is a link or has a second name is a
// mistake.
LoadedChannels load_channels(const std::filesystem::path& folder,
                             std::span<const std::string_view> providers);

// The same for the folder of what the relay needs.
LoadedSendingChannels load_sending_channels(const std::filesystem::path& folder,
                                            std::span<const SendingProvider> providers);

}  // namespace ishara::config
