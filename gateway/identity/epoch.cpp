#include "gateway/identity/epoch.hpp"

#include <stdexcept>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;

constexpr std::string_view domain = "ishara/v1/epoch";
constexpr std::uint8_t version = 1;
constexpr std::uint8_t type = 0x11;
constexpr std::size_t signed_size = epoch_announcement_size - 64;

}  // namespace

EpochBytes sign_epoch(const EpochAnnouncement& announcement, const crypto::SigningKey& relay) {
  if (announcement.not_before >= announcement.not_after)
    throw std::logic_error{"an epoch ends after it begins"};
  EpochBytes out;
  Writer write{out};
  write.u8(version);
  write.u8(type);
  write.u16(0);
  write.u32(announcement.epoch);
  write.u64(announcement.not_before);
  write.u64(announcement.not_after);
  write.bytes(announcement.key);
  write.bytes(crypto::sign(domain, {std::span{out}.first<signed_size>()}, relay));
  return out;
}

result<EpochAnnouncement> verify_epoch(crypto::View bytes, const crypto::PublicKey& relay) {
  if (bytes.size() != epoch_announcement_size) return envelope_errc::refused;
  Reader read{bytes};
  if (read.u8() != version || read.u8() != type || read.u16() != 0) return envelope_errc::refused;
  EpochAnnouncement out;
  out.epoch = read.u32();
  out.not_before = read.u64();
  out.not_after = read.u64();
  out.key = read.array<32>();
  const auto signature = read.array<64>();
  if (out.not_before >= out.not_after ||
      !crypto::verify(domain, {bytes.first(signed_size)}, signature, relay))
    return envelope_errc::refused;
  return out;
}

result<EpochAnnouncement> verify_epoch(crypto::View bytes, const Directory& directory) {
  for (const auto& relay : directory.services("relay"))
    if (auto announcement = verify_epoch(bytes, relay.public_key);
        announcement && relay.counts_in(announcement->not_before / 3600))
      return announcement;
  return envelope_errc::refused;
}

}  // namespace ishara::identity
