#include "gateway/identity/note.hpp"

#include "gateway/identity/author.hpp"
#include "gateway/identity/layout.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;
using crypto::View;
using layout::Type;

layout::Header header(std::uint32_t hour, const Id& report_id) {
  return {.type = Type::note, .word = hour, .subject = report_id};
}

SealedText seal_note_under(std::uint32_t hour, const Id& report_id, View json,
                           const crypto::SigningKey& author, crypto::Secret<32> key) {
  auto out = layout::seal_text_body(header(hour, report_id), json, std::move(key));
  const auto signature = crypto::sign(author_domain, {out.envelope}, author);
  out.envelope.insert(out.envelope.end(), signature.begin(), signature.end());
  return out;
}

}  // namespace

SealedText seal_note(std::uint32_t hour, const Id& report_id, View json,
                     const crypto::SigningKey& author) {
  return seal_note_under(hour, report_id, json, author, crypto::random_secret<32>());
}

result<NoteHeader> claimed_note(View envelope) {
  constexpr auto overhead = header_size + crypto::mac_size + 64;
  const auto claimed = layout::claimed_header(envelope, Type::note);
  if (!claimed || claimed->flags != 0 || claimed->recipient != Id{} ||
      envelope.size() < overhead + text_block || (envelope.size() - overhead) % text_block != 0)
    return envelope_errc::refused;
  return NoteHeader{
      .hour = claimed->word, .report_id = claimed->subject, .message_id = claimed->object};
}

result<crypto::WipedBytes> open_note(View envelope, std::uint32_t hour, const Id& report_id,
                                     const Id& message_id, const crypto::Secret<32>& key,
                                     const crypto::PublicKey& author) {
  if (!claimed_note(envelope) || !signed_by(envelope, author)) return envelope_errc::refused;
  auto expected = header(hour, report_id);
  expected.object = message_id;
  return layout::open_text_body(envelope.first(envelope.size() - 64), expected, key);
}

namespace vectors {

SealedText seal_note(std::uint32_t hour, const Id& report_id, View json,
                     const crypto::SigningKey& author, crypto::Secret<32> key) {
  return seal_note_under(hour, report_id, json, author, std::move(key));
}

}  // namespace vectors
}  // namespace ishara::identity
