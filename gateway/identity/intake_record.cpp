#include "gateway/identity/intake_record.hpp"

#include <stdexcept>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

constexpr std::string_view domain = "ishara/v1/intake";
constexpr std::uint8_t version = 1;
constexpr std::uint8_t type = 0x10;
constexpr std::size_t signed_size = intake_record_size - 64;

enum Flag : std::uint8_t { urgent = 1, first = 2, partial = 4, joined_by_number = 8 };

bool police_copy_without_consent(const IntakeRecord& record) {
  return record.consent_class == 0 && record.copy_queue != crypto::Id{};
}

}  // namespace

IntakeBytes sign_intake(const IntakeRecord& record, const crypto::SigningKey& gateway) {
  if (record.consent_class > 1 || police_copy_without_consent(record))
    throw std::logic_error{"an intake of class 0 has no police copy"};
  IntakeBytes out;
  Writer write{out};
  write.u8(version);
  write.u8(type);
  write.u8(record.consent_class);
  write.u8(static_cast<std::uint8_t>((record.urgent ? urgent : 0) | (record.first ? first : 0) |
                                     (record.partial ? partial : 0) |
                                     (record.joined_by_number ? joined_by_number : 0)));
  write.u32(record.hour);
  write.bytes(record.report_id);
  write.bytes(record.queue_id);
  write.bytes(record.copy_queue);
  write.bytes(record.message_digest);
  write.bytes(record.return_address_digest);
  write.bytes(crypto::sign(domain, {std::span{out}.first<signed_size>()}, gateway));
  return out;
}

boost::system::result<IntakeRecord> verify_intake(crypto::View record,
                                                  const crypto::PublicKey& gateway) {
  if (record.size() != intake_record_size) return envelope_errc::refused;
  Reader read{record};
  if (read.u8() != version || read.u8() != type) return envelope_errc::refused;
  IntakeRecord out;
  out.consent_class = read.u8();
  const auto flags = read.u8();
  out.urgent = flags & urgent;
  out.first = flags & first;
  out.partial = flags & partial;
  out.joined_by_number = flags & joined_by_number;
  out.hour = read.u32();
  out.report_id = read.array<16>();
  out.queue_id = read.array<16>();
  out.copy_queue = read.array<16>();
  out.message_digest = read.array<32>();
  out.return_address_digest = read.array<32>();
  const auto signature = read.array<64>();
  if (flags > 15 || out.consent_class > 1 || police_copy_without_consent(out) ||
      !crypto::verify(domain, {record.first(signed_size)}, signature, gateway))
    return envelope_errc::refused;
  return out;
}

}  // namespace ishara::identity
