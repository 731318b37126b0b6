#include "gateway/identity/same_sender.hpp"

#include <algorithm>
#include <stdexcept>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;

constexpr std::string_view domain = "ishara/v1/same";
constexpr std::uint8_t version = 1;
constexpr std::uint8_t type = 0x12;
constexpr std::size_t signed_size = same_sender_size - 64;

}  // namespace

SameSenderBytes sign_same_sender(const SameSender& content, const crypto::SigningKey& relay) {
  const auto [lesser, greater] = std::ranges::minmax(content.reports);
  if (lesser == greater) throw std::logic_error{"a report is its own sender's other one"};
  SameSenderBytes out;
  Writer write{out};
  write.u8(version);
  write.u8(type);
  write.u16(0);
  write.u32(content.hour);
  write.bytes(lesser);
  write.bytes(greater);
  write.bytes(content.queue);
  write.bytes(crypto::sign(domain, {std::span{out}.first<signed_size>()}, relay));
  return out;
}

result<SameSender> verify_same_sender(crypto::View bytes, const crypto::PublicKey& relay) {
  if (bytes.size() != same_sender_size) return envelope_errc::refused;
  Reader read{bytes};
  if (read.u8() != version || read.u8() != type || read.u16() != 0) return envelope_errc::refused;
  SameSender out;
  out.hour = read.u32();
  for (auto& report : out.reports) report = read.array<16>();
  out.queue = read.array<16>();
  const auto signature = read.array<64>();
  if (out.reports[0] >= out.reports[1] ||
      !crypto::verify(domain, {bytes.first(signed_size)}, signature, relay))
    return envelope_errc::refused;
  return out;
}

result<Id> same_sender_as(const Id& report, const Ownership& ownership, crypto::View link,
                          const SignedReport& other, const Directory& directory,
                          std::uint32_t hour_now) {
  result<SameSender> content{envelope_errc::refused};
  for (const auto& relay : directory.services("relay")) {
    const auto verified = verify_same_sender(link, relay.public_key);
    if (verified && relay.counts_in(verified->hour)) content = verified;
  }
  if (!content || std::uint64_t{content->hour} + same_sender_hours <= hour_now)
    return envelope_errc::refused;
  const auto& reports = content->reports;
  if (std::ranges::find(reports, report) == reports.end()) return envelope_errc::refused;
  const auto& second = reports[0] == report ? reports[1] : reports[0];
  const auto owned = identity::ownership(second, other.first_intake, other.statements, directory);
  if (!owned || owned->owner != content->queue || ownership.owner != content->queue ||
      owned->withdrawn || ownership.withdrawn)
    return envelope_errc::refused;
  return second;
}

}  // namespace ishara::identity
