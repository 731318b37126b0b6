#include "gateway/identity/return_address.hpp"

#include <algorithm>
#include <stdexcept>

#include "gateway/identity/layout.hpp"
#include "gateway/identity/wire.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;
using crypto::View;
using layout::Type;

enum Preference : std::uint8_t { may_text = 1, ref_unverified = 2, yes_unverified = 4 };

layout::Header header(const Id& report_id, const Id& object, std::uint32_t epoch,
                      const Id& epoch_kid) {
  return {.type = Type::return_address,
          .word = epoch,
          .subject = report_id,
          .object = object,
          .recipient = epoch_kid};
}

crypto::Secret<32> body_of(const ReturnAddress& address) {
  if (address.channel == 0 || (address.safe && !address.safe->within_a_day()))
    throw std::logic_error{"a return address needs a channel, and a range within a day"};
  crypto::Secret<32> body;
  Writer write{body.fill()};
  const auto number = address.number ? address.number->fixed() : crypto::Secret<16>{};
  const auto ref = address.ref.fixed();
  write.bytes(number.reveal());
  write.bytes(ref.reveal());
  write.u8(address.channel);
  write.u8(static_cast<std::uint8_t>((address.may_text ? may_text : 0) |
                                     (address.ref_unverified ? ref_unverified : 0) |
                                     (address.yes_unverified ? yes_unverified : 0)));
  write.u8(address.safe ? static_cast<std::uint8_t>(address.safe->start + 1) : 0);
  write.u8(address.safe ? static_cast<std::uint8_t>(address.safe->end + 1) : 0);
  return body;
}

result<ReturnAddress> read_body(const crypto::Secret<32>& body) {
  const auto bytes = body.reveal();
  const auto number_field = bytes.first<16>();
  const bool numberless =
      std::ranges::all_of(number_field, [](std::uint8_t byte) { return byte == 0; });
  std::optional<Msisdn> number;
  if (!numberless) {
    auto given = Msisdn::from_fixed(number_field);
    if (!given) return envelope_errc::refused;
    number = std::move(*given);
  }
  const auto ref = Ref::from_fixed(bytes.subspan<16, 12>());
  const auto channel = bytes[28];
  const auto preferences = bytes[29];
  const auto start = bytes[30];
  const auto end = bytes[31];
  if (!ref || channel == 0 || preferences > 7 || (start == 0) != (end == 0))
    return envelope_errc::refused;
  ReturnAddress out{.number = std::move(number), .ref = *ref, .channel = channel};
  out.may_text = preferences & may_text;
  out.ref_unverified = preferences & ref_unverified;
  out.yes_unverified = preferences & yes_unverified;
  if (start != 0) {
    out.safe = SafeRange{static_cast<std::uint8_t>(start - 1), static_cast<std::uint8_t>(end - 1)};
    if (!out.safe->within_a_day()) return envelope_errc::refused;
  }
  return out;
}

}  // namespace

BoxEnvelope seal_return_address(const ReturnAddress& address, const Id& report_id, const Id& object,
                                std::uint32_t epoch, const Id& epoch_kid,
                                const SenderHalf& sender) {
  return layout::seal_box_body(header(report_id, object, epoch, epoch_kid), body_of(address),
                               sender, crypto::random_bytes<24>());
}

result<ReturnAddressHeader> claimed_return_address(View envelope) {
  const auto claimed = layout::claimed_header(envelope, Type::return_address);
  if (!claimed || claimed->flags != 0 || envelope.size() != box_envelope_size)
    return envelope_errc::refused;
  return ReturnAddressHeader{.epoch = claimed->word,
                             .report_id = claimed->subject,
                             .object = claimed->object,
                             .epoch_kid = claimed->recipient};
}

result<ReturnAddress> open_return_address(View envelope, const Id& report_id, std::uint32_t epoch,
                                          const crypto::BoxKey& epoch_key) {
  const auto claimed = claimed_return_address(envelope);
  if (!claimed) return claimed.error();
  const auto body = layout::open_box_body(
      envelope, header(report_id, claimed->object, epoch, crypto::key_id(epoch_key.public_key)),
      epoch_key);
  if (!body) return body.error();
  return read_body(*body);
}

crypto::Digest return_address_mac(View envelope, const crypto::Secret<32>& mac_key) {
  return crypto::keyed_hash32(mac_key, {crypto::bytes_of("r"), envelope});
}

StoredReturnAddress seal_stored_return_address(const ReturnAddress& address, const Id& report_id,
                                               std::uint32_t epoch, const EpochKeys& keys) {
  const auto sender = crypto::box_key();
  const auto shared = crypto::shared_key(keys.box.public_key, sender.secret_key);
  if (!shared) throw std::logic_error{"the epoch key is of low order"};
  const auto envelope = seal_return_address(address, report_id, crypto::random_bytes<16>(), epoch,
                                            crypto::key_id(keys.box.public_key),
                                            {.epk = sender.public_key, .shared = *shared});
  StoredReturnAddress out;
  Writer write{out};
  write.bytes(envelope);
  write.bytes(return_address_mac(envelope, keys.mac));
  return out;
}

result<ReturnAddress> open_stored_return_address(View stored, const Id& report_id,
                                                 std::uint32_t epoch, const EpochKeys& keys) {
  if (stored.size() != stored_return_address_size) return envelope_errc::refused;
  const auto envelope = stored.first(box_envelope_size);
  if (!crypto::equal(stored.subspan(box_envelope_size), return_address_mac(envelope, keys.mac)))
    return envelope_errc::refused;
  return open_return_address(envelope, report_id, epoch, keys.box);
}

namespace vectors {

BoxEnvelope seal_return_address(const ReturnAddress& address, const Id& report_id, const Id& object,
                                std::uint32_t epoch, const Id& epoch_kid, const SenderHalf& sender,
                                const crypto::Nonce& nonce) {
  return layout::seal_box_body(header(report_id, object, epoch, epoch_kid), body_of(address),
                               sender, nonce);
}

}  // namespace vectors
}  // namespace ishara::identity
