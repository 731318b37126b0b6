#include "gateway/identity/reply.hpp"

#include "gateway/identity/author.hpp"
#include "gateway/identity/layout.hpp"
#include "gateway/identity/wire.hpp"
#include "i18n/utf8.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;
using crypto::View;
using layout::Type;

constexpr std::size_t body_size = 512;
constexpr std::size_t fixed_fields = 4 + 1 + 2;
static_assert(layout::sealed_overhead + body_size + 64 == reply_size);

enum Flag : std::uint16_t { release = 1, confirm = 2 };

layout::Header header(std::uint16_t flags, const Id& report_id, const Id& reply_id,
                      std::uint32_t epoch, const crypto::PublicKey& epoch_key) {
  return {.type = Type::reply,
          .flags = flags,
          .word = epoch,
          .subject = report_id,
          .object = reply_id,
          .recipient = crypto::key_id(epoch_key)};
}

std::uint16_t flags_of(const Reply& reply) {
  return static_cast<std::uint16_t>((reply.release_to_unverified_refs ? release : 0) |
                                    (reply.confirms_unverified_yes ? confirm : 0));
}

ReplyEnvelope signed_envelope(View sealed, const crypto::SigningKey& author) {
  ReplyEnvelope out;
  Writer write{out};
  write.bytes(sealed);
  write.bytes(crypto::sign(author_domain, {sealed}, author));
  return out;
}

bool can_be_sent(std::string_view text) {
  return !text.empty() && text.size() <= reply_text_limit && i18n::is_utf8(text);
}

crypto::WipedBytes body_of(const Reply& reply) {
  crypto::WipedBytes body(fixed_fields + reply.text.size());
  Writer write{body};
  write.u32(reply.not_after);
  write.u8(static_cast<std::uint8_t>(reply.mode));
  write.u16(static_cast<std::uint16_t>(reply.text.size()));
  reply.text.reveal([&](std::string_view text) { write.bytes(crypto::bytes_of(text)); });
  crypto::pad(body, body_size);
  return body;
}

// Everything that could have been written in one way only: the padding too.
result<Reply> read_body(View body) {
  const auto size = crypto::unpadded_size(body, body_size);
  if (body.size() != body_size || !size || *size < fixed_fields) return envelope_errc::refused;
  Reader read{body};
  Reply out;
  out.not_after = read.u32();
  const auto mode = read.u8();
  const std::size_t length = read.u16();
  if (mode > 1 || length != *size - fixed_fields) return envelope_errc::refused;
  out.mode = static_cast<ReplyMode>(mode);
  const std::string_view text{reinterpret_cast<const char*>(body.data()) + fixed_fields, length};
  if (!can_be_sent(text)) return envelope_errc::refused;
  out.text = Text{text};
  return out;
}

}  // namespace

result<ReplyEnvelope> seal_reply(const Reply& reply, const Id& report_id, const Id& reply_id,
                                 std::uint32_t epoch, const crypto::PublicKey& epoch_key,
                                 const crypto::SigningKey& author) {
  if (!reply.text.reveal(can_be_sent)) return envelope_errc::refused;
  const auto sealed = layout::seal_sealed_body(
      header(flags_of(reply), report_id, reply_id, epoch, epoch_key), body_of(reply), epoch_key);
  if (!sealed) return sealed.error();
  return signed_envelope(*sealed, author);
}

result<ReplyHeader> claimed_reply(View envelope) {
  const auto claimed = layout::claimed_header(envelope, Type::reply);
  if (!claimed || claimed->flags > (release | confirm) || envelope.size() != reply_size)
    return envelope_errc::refused;
  return ReplyHeader{.epoch = claimed->word,
                     .report_id = claimed->subject,
                     .reply_id = claimed->object,
                     .epoch_kid = claimed->recipient,
                     .flags = claimed->flags};
}

result<Reply> open_reply(View envelope, const Id& report_id, const Id& reply_id,
                         std::uint32_t epoch, const crypto::BoxKey& epoch_key,
                         const crypto::PublicKey& author) {
  if (!claimed_reply(envelope) || !signed_by(envelope, author)) return envelope_errc::refused;
  const auto flags = Reader{envelope.subspan(2)}.u16();
  const auto body = layout::open_sealed_body(
      envelope.first(reply_size - 64),
      header(flags, report_id, reply_id, epoch, epoch_key.public_key), epoch_key);
  if (!body) return body.error();
  auto reply = read_body(*body);
  if (!reply) return reply;
  reply->release_to_unverified_refs = flags & release;
  reply->confirms_unverified_yes = flags & confirm;
  return reply;
}

namespace vectors {

result<ReplyEnvelope> seal_reply(const Reply& reply, const Id& report_id, const Id& reply_id,
                                 std::uint32_t epoch, const crypto::PublicKey& epoch_key,
                                 const crypto::SigningKey& author,
                                 const crypto::BoxKey& ephemeral) {
  const auto sealed = layout::seal_sealed_body_from(
      ephemeral, header(flags_of(reply), report_id, reply_id, epoch, epoch_key), body_of(reply),
      epoch_key);
  if (!sealed) return sealed.error();
  return signed_envelope(*sealed, author);
}

}  // namespace vectors
}  // namespace ishara::identity
