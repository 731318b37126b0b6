// The sealed and signed types as hostile but rostered hands could make them: the first byte chooses
// a type, the rest is what was sealed or signed, so that the parsers behind the keys are reached.
// What is accepted must be exactly what would be written again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "gateway/identity/author.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/layout.hpp"
#include "gateway/identity/message_content.hpp"
#include "gateway/identity/note.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/identity/same_sender.hpp"
#include "gateway/identity/statement.hpp"

namespace {

using namespace ishara;
using namespace ishara::identity;

struct Keys {
  Keys() { crypto::start(); }
  crypto::Secret<32> seed{std::array<std::uint8_t, 32>{1}};
  crypto::SigningKey signer = crypto::signing_key(seed);
  EpochKeys epoch = epoch_keys(seed);
  crypto::BoxKey sender = crypto::box_key(seed);
  crypto::Id epoch_kid = crypto::key_id(epoch.box.public_key);
  crypto::SharedKey shared = *crypto::shared_key(epoch.box.public_key, sender.secret_key);
};

void must(bool holds) {
  if (!holds) std::abort();
}

// Everything that takes bytes from outside, as they are.
void open_raw(crypto::View bytes, const Keys& keys) {
  (void)claimed_message_id(bytes);
  (void)wrap_recipient(bytes);
  (void)claimed_note(bytes);
  (void)claimed_reply(bytes);
  (void)claimed_return_address(bytes);
  (void)claimed_statement(bytes);
  must(!open_text(bytes, 0, {}, {}, keys.seed));
  must(!open_key_wrap(bytes, {}, {}, {}, keys.epoch.box));
  must(!open_return_address(bytes, {}, 0, keys.epoch.box));
  must(!open_stored_return_address(bytes, {}, 0, keys.epoch));
  must(!open_queue_grant(bytes, {}, {}, 0, keys.epoch.box));
  must(!open_reply(bytes, {}, {}, 0, keys.epoch.box, keys.signer.public_key));
  must(!open_note(bytes, 0, {}, {}, keys.seed, keys.signer.public_key));
  must(!verify_epoch(bytes, keys.signer.public_key));
  must(!verify_statement(bytes, keys.signer.public_key));
  must(!verify_same_sender(bytes, keys.signer.public_key));
}

void sealed_return_address(crypto::View bytes, const Keys& keys) {
  crypto::Secret<32> body;
  std::ranges::copy(bytes.first(std::min<std::size_t>(bytes.size(), 32)), body.fill().begin());
  const layout::Header header{.type = layout::Type::return_address, .recipient = keys.epoch_kid};
  const SenderHalf half{keys.sender.public_key, keys.shared};
  const auto envelope = layout::seal_box_body(header, body, half, {});
  const auto opened = open_return_address(envelope, {}, 0, keys.epoch.box);
  if (!opened) return;
  const auto again = layout::open_box_body(
      seal_return_address(*opened, {}, {}, 0, keys.epoch_kid, half), header, keys.epoch.box);
  must(crypto::equal(again->reveal(), body.reveal()));
}

void sealed_reply(crypto::View bytes, const Keys& keys) {
  crypto::WipedBytes body(512);
  std::ranges::copy(bytes.first(std::min<std::size_t>(bytes.size(), 512)), body.begin());
  const layout::Header header{.type = layout::Type::reply, .recipient = keys.epoch_kid};
  auto envelope = *layout::seal_sealed_body(header, body, keys.epoch.box.public_key);
  const auto signature = crypto::sign(author_domain, {envelope}, keys.signer);
  envelope.insert(envelope.end(), signature.begin(), signature.end());
  const auto opened = open_reply(envelope, {}, {}, 0, keys.epoch.box, keys.signer.public_key);
  if (!opened) return;
  const auto again = seal_reply(*opened, {}, {}, 0, keys.epoch.box.public_key, keys.signer);
  must(crypto::equal(*layout::open_sealed_body(crypto::View{*again}.first(reply_size - 64), header,
                                               keys.epoch.box),
                     body));
}

// The first bytes of a signed layout of `size` bytes with a good signature behind them.
crypto::Bytes signed_layout(crypto::View bytes, std::size_t size, std::string_view domain,
                            const Keys& keys) {
  crypto::Bytes out(size - 64);
  std::ranges::copy(bytes.first(std::min(bytes.size(), out.size())), out.begin());
  const auto signature = crypto::sign(domain, {out}, keys.signer);
  out.insert(out.end(), signature.begin(), signature.end());
  return out;
}

void signed_statement(crypto::View bytes, const Keys& keys) {
  const auto layout = signed_layout(bytes, statement_size, "ishara/v1/stmt", keys);
  const auto statement = verify_statement(layout, keys.signer.public_key);
  if (statement) must(std::ranges::equal(sign_statement(*statement, keys.signer), layout));
}

void signed_same_sender(crypto::View bytes, const Keys& keys) {
  const auto layout = signed_layout(bytes, same_sender_size, "ishara/v1/same", keys);
  const auto link = verify_same_sender(layout, keys.signer.public_key);
  if (link) must(std::ranges::equal(sign_same_sender(*link, keys.signer), layout));
}

void signed_epoch(crypto::View bytes, const Keys& keys) {
  const auto layout = signed_layout(bytes, epoch_announcement_size, "ishara/v1/epoch", keys);
  const auto announcement = verify_epoch(layout, keys.signer.public_key);
  if (announcement) must(std::ranges::equal(sign_epoch(*announcement, keys.signer), layout));
}

void note_content(crypto::View bytes) {
  const auto note = decode_note(bytes);
  if (note) must(decode_note(encode(*note)).has_value());
}

void message_content(crypto::View bytes) {
  const auto message = decode_message(bytes);
  if (message) must(decode_message(encode(*message)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Keys keys;
  if (size == 0) return 0;
  const crypto::View rest{data + 1, size - 1};
  switch (data[0] % 8) {
    case 0:
      open_raw(rest, keys);
      break;
    case 1:
      sealed_return_address(rest, keys);
      break;
    case 2:
      sealed_reply(rest, keys);
      break;
    case 3:
      signed_statement(rest, keys);
      break;
    case 4:
      signed_epoch(rest, keys);
      break;
    case 5:
      note_content(rest);
      break;
    case 6:
      message_content(rest);
      break;
    case 7:
      signed_same_sender(rest, keys);
      break;
  }
  return 0;
}
