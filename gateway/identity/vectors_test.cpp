// The published values of privacy.md section 19: whoever implements the formats independently can
// check against the same table. Inputs are bytes repeated.

#include "gateway/identity/vectors.hpp"

#include <doctest/doctest.h>

#include "gateway/crypto/encoding.hpp"
#include "gateway/crypto/hmac.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/ref.hpp"

namespace ishara::identity {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> repeated(std::uint8_t byte) {
  std::array<std::uint8_t, N> out;
  out.fill(byte);
  return out;
}
crypto::Secret<32> secret(std::uint8_t byte) { return crypto::Secret<32>{repeated<32>(byte)}; }

constexpr std::string_view json = R"({"k":"msg","ch":"sms","t":"help"})";
constexpr std::uint32_t hour = 500'000;
const auto report_id = repeated<16>(0x44);

Msisdn number() { return Msisdn::parse("+254712000001", "").value(); }
Ref ref() { return *Ref::parse("4821773501"); }
crypto::Id tag_of(const Msisdn& of, const EpochKeys& epoch) {
  const auto fixed = of.fixed();
  return number_tag(fixed.reveal(), epoch.tag);
}

SealedText message() {
  return vectors::seal_text(hour, report_id, crypto::bytes_of(json), secret(0x22));
}

// The vector's sender key is the secret scalar itself.
crypto::BoxKey sender_key() { return crypto::box_key_of(secret(0x81)); }

BoxEnvelope return_address() {
  const auto epoch = epoch_keys(secret(0x11));
  const auto sender = sender_key();
  const auto shared = crypto::shared_key(epoch.box.public_key, sender.secret_key);
  const ReturnAddress address{.number = number(), .ref = ref(), .channel = 1, .may_text = true};
  return vectors::seal_return_address(
      address, report_id, repeated<16>(0x66), 7, crypto::key_id(epoch.box.public_key),
      {.epk = sender.public_key, .shared = *shared}, repeated<24>(0x92));
}

IntakeBytes intake() {
  IntakeRecord record;
  record.first = true;
  record.hour = hour;
  record.report_id = report_id;
  record.queue_id = repeated<16>(0x55);
  record.message_digest = envelope_digest(message().envelope);
  record.return_address_digest = envelope_digest(return_address());
  return sign_intake(record, crypto::signing_key(secret(0x77)));
}

TEST_CASE("published vector: epoch public key, number tag and ref tag") {
  const auto epoch = epoch_keys(secret(0x11));
  CHECK(crypto::hex(epoch.box.public_key) ==
        "6c3c0b1d1fd4910709146b0bf561b49474818e532ea79c48266440583aabce4d");
  CHECK(crypto::hex(tag_of(number(), epoch)) == "71bacf283cf993444669f20c5e72b1d2");
  const auto fixed = ref().fixed();
  CHECK(crypto::hex(ref_tag(fixed.reveal(), epoch.tag)) == "5a6f2196a08450d87b96abc816e1d415");
}

TEST_CASE("published vector: message id and queue public key") {
  CHECK(crypto::hex(message_id_of(secret(0x22))) == "228a34e3a26ae8d89467e0ad82b33baa");
  CHECK(crypto::hex(queue_box_key(secret(0x33)).public_key) ==
        "e3fc7c61a4419a0a7e227e33b18651d5f818810b8aba8edcf25b736050f42303");
}

TEST_CASE("published vector: MESSAGE") {
  const auto sealed = message();
  CHECK(sealed.envelope.size() == 584);
  CHECK(crypto::hex(crypto::sha256(sealed.envelope)) ==
        "d2169e0785105eb8cfd2a5889098e4621142c855dfbd1a01b22c956ee8c28183");
}

TEST_CASE("published vector: KEYWRAP") {
  const auto queue = queue_box_key(secret(0x33));
  const auto sender = sender_key();
  const auto shared = crypto::shared_key(queue.public_key, sender.secret_key);
  const auto wrap = vectors::wrap_key(
      secret(0x22), report_id, message_id_of(secret(0x22)), {crypto::key_id(queue.public_key), 0},
      {.epk = sender.public_key, .shared = *shared}, repeated<24>(0x91));
  CHECK(crypto::hex(crypto::sha256(wrap)) ==
        "8c537dbd0b9e5cd6f54b9be99f8ab0b9f62e6bb29d018859218b4f492448cc95");
}

TEST_CASE("published vector: RETADDR") {
  CHECK(crypto::hex(crypto::sha256(return_address())) ==
        "10fe09090803eff9d1a729f7bd512d6ff64bdc6a8e1c38ec227c57bb5b5f4294");
}

TEST_CASE("published vector: INTAKE, origin and thread MAC") {
  const auto record = intake();
  CHECK(crypto::hex(crypto::sha256(record)) ==
        "3699f52135fb4bf59e3cccc122464b95cfdd9b73e5a98f558e6d6fc8aeb3369e");
  CHECK(crypto::hex(origin_of(record)) == "ff3efaae0d04bfa6b067a3577eab53f4");
  const auto epoch = epoch_keys(secret(0x11));
  CHECK(crypto::hex(thread_mac(ThreadKind::number, tag_of(number(), epoch), report_id,
                               origin_of(record), epoch.mac)) ==
        "5039786c5d98df2b4972e41fc81cf540d7bbb9f33ddbd4745f1670c68eb6c913");
}

TEST_CASE("published vector: auth") {
  const auto login = login_keys(
      crypto::blocking_passphrase_key("correct horse battery staple", repeated<16>(0x99)));
  CHECK(crypto::hex(login.auth.reveal()) ==
        "8f6ffe433c7d6f6329ed346ae52400093dced5c8e342529d147d73cb7e16f6e8");
}

}  // namespace
}  // namespace ishara::identity
