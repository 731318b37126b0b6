#include "gateway/identity/layout.hpp"

#include "gateway/identity/wire.hpp"

namespace ishara::identity::layout {
namespace {

using boost::system::result;
using crypto::View;

constexpr crypto::Nonce zero_nonce{};

// Over the header, and in a box over the sender's public key: X25519 ignores bit 255 of a public
// key, the context does not.
crypto::Digest context(View head, View epk) {
  return crypto::hash32({tag("ishara/v1/ctx"), head, epk});
}

crypto::WipedBytes with_context(View head, View body) {
  const auto ctx = context(head, {});
  crypto::WipedBytes plain{ctx.begin(), ctx.end()};
  plain.insert(plain.end(), body.begin(), body.end());
  return plain;
}

crypto::Bytes joined(View head, View sealed) {
  crypto::Bytes out;
  out.reserve(head.size() + sealed.size());
  out.insert(out.end(), head.begin(), head.end());
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

}  // namespace

std::array<std::uint8_t, header_size> Header::bytes() const {
  std::array<std::uint8_t, header_size> out{};
  Writer write{out};
  write.u8(version);
  write.u8(static_cast<std::uint8_t>(type));
  write.u16(flags);
  write.u32(word);
  write.bytes(subject);
  write.bytes(object);
  write.bytes(recipient);
  return out;
}

result<Header> claimed_header(View envelope, Type type) {
  if (envelope.size() < header_size) return envelope_errc::refused;
  Reader read{envelope};
  if (read.u8() != version || read.u8() != static_cast<std::uint8_t>(type))
    return envelope_errc::refused;
  Header out;
  out.type = type;
  out.flags = read.u16();
  out.word = read.u32();
  out.subject = read.array<16>();
  out.object = read.array<16>();
  out.recipient = read.array<16>();
  return out;
}

bool begins_with(View envelope, const Header& expected) {
  return envelope.size() >= header_size &&
         std::ranges::equal(envelope.first(header_size), expected.bytes());
}

SealedText seal_text_body(const Header& without_object, View json, crypto::Secret<32> key) {
  SealedText out;
  out.message_id = message_id_of(key);
  auto header = without_object;
  header.object = out.message_id;
  const auto head = header.bytes();
  crypto::WipedBytes padded{json.begin(), json.end()};
  crypto::pad(padded, text_block);
  out.envelope.resize(header_size + padded.size() + crypto::mac_size);
  std::ranges::copy(head, out.envelope.begin());
  crypto::encrypt(std::span{out.envelope}.subspan(header_size), padded, head, zero_nonce, key);
  out.key = std::move(key);
  return out;
}

result<crypto::WipedBytes> open_text_body(View envelope, const Header& expected,
                                          const crypto::Secret<32>& key) {
  constexpr auto overhead = header_size + crypto::mac_size;
  if (envelope.size() < overhead + text_block || (envelope.size() - overhead) % text_block != 0 ||
      !begins_with(envelope, expected) || !crypto::equal(expected.object, message_id_of(key)))
    return envelope_errc::refused;
  crypto::WipedBytes plain(envelope.size() - overhead);
  if (!crypto::decrypt(plain, envelope.subspan(header_size), expected.bytes(), zero_nonce, key))
    return envelope_errc::refused;
  const auto size = crypto::unpadded_size(plain, text_block);
  if (!size) return envelope_errc::refused;
  plain.resize(*size);
  return plain;
}

// epk ‖ nonce ‖ box(ctx ‖ body). The nonce is never derived from the keys: with a reused sender key
// a derived nonce would repeat and two wraps would give away the xor of two keys.
BoxEnvelope seal_box_body(const Header& header, const crypto::Secret<32>& body,
                          const SenderHalf& sender, const crypto::Nonce& nonce) {
  const auto head = header.bytes();
  crypto::Secret<64> plain;
  Writer both{plain.fill()};
  both.bytes(context(head, sender.epk));
  both.bytes(body.reveal());
  BoxEnvelope out;
  Writer write{out};
  write.bytes(head);
  write.bytes(sender.epk);
  write.bytes(nonce);
  crypto::box(std::span{out}.subspan(header_size + 32 + 24), plain.reveal(), nonce, sender.shared);
  return out;
}

result<crypto::Secret<32>> open_box_body(View envelope, const Header& expected,
                                         const crypto::BoxKey& key) {
  if (envelope.size() != box_envelope_size || !begins_with(envelope, expected))
    return envelope_errc::refused;
  Reader read{envelope.subspan(header_size)};
  const auto epk = read.array<32>();
  const auto nonce = read.array<24>();
  const auto shared = crypto::shared_key(epk, key.secret_key);
  crypto::Secret<64> plain;
  if (!shared ||
      !crypto::open_box(plain.fill(), envelope.subspan(header_size + 56), nonce, *shared) ||
      !crypto::equal(plain.reveal().first<32>(), context(expected.bytes(), epk)))
    return envelope_errc::refused;
  return crypto::Secret<32>{plain.reveal().last<32>()};
}

result<crypto::Bytes> seal_sealed_body(const Header& header, View body,
                                       const crypto::PublicKey& recipient) {
  const auto head = header.bytes();
  const auto sealed = crypto::seal(with_context(head, body), recipient);
  if (!sealed) return envelope_errc::refused;
  return joined(head, *sealed);
}

result<crypto::Bytes> seal_sealed_body_from(const crypto::BoxKey& ephemeral, const Header& header,
                                            View body, const crypto::PublicKey& recipient) {
  const auto shared = crypto::shared_key(recipient, ephemeral.secret_key);
  if (!shared) return envelope_errc::refused;
  const auto head = header.bytes();
  const auto plain = with_context(head, body);
  const auto nonce = crypto::hash24({ephemeral.public_key, recipient});
  crypto::Bytes sealed(crypto::seal_overhead + plain.size());
  std::ranges::copy(ephemeral.public_key, sealed.begin());
  crypto::box(std::span{sealed}.subspan(32), plain, nonce, *shared);
  return joined(head, sealed);
}

result<crypto::WipedBytes> open_sealed_body(View envelope, const Header& expected,
                                            const crypto::BoxKey& recipient) {
  if (envelope.size() < sealed_overhead || !begins_with(envelope, expected))
    return envelope_errc::refused;
  const auto plain = crypto::open_seal(envelope.subspan(header_size), recipient);
  if (!plain || !crypto::equal(View{*plain}.first(32), context(expected.bytes(), {})))
    return envelope_errc::refused;
  return crypto::WipedBytes{plain->begin() + 32, plain->end()};
}

}  // namespace ishara::identity::layout
