#include "gateway/identity/envelope.hpp"

#include <doctest/doctest.h>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"

namespace ishara::identity {
namespace {

constexpr std::uint32_t hour = 500'000;

// One sealed text with everything that is needed to open it.
struct Sealed {
  crypto::Id report_id = crypto::random_bytes<16>();
  crypto::BoxKey queue = crypto::box_key();
  crypto::BoxKey sender = crypto::box_key();
  QueueKeyId queue_id{crypto::key_id(queue.public_key), 3};
  SealedText text = seal_text(hour, report_id, crypto::bytes_of(R"({"t":"help"})"));
  BoxEnvelope wrap = wrapped();

  BoxEnvelope wrapped() const {
    const auto shared = crypto::shared_key(queue.public_key, sender.secret_key);
    return wrap_key(text.key, report_id, text.message_id, queue_id,
                    {.epk = sender.public_key, .shared = *shared});
  }
  auto open_wrap(crypto::View bytes) const {
    return open_key_wrap(bytes, report_id, text.message_id, queue_id, queue);
  }
  auto open_message(crypto::View bytes) const {
    return open_text(bytes, hour, report_id, text.message_id, text.key);
  }
};

TEST_CASE("a wrapped text opens for its queue and gives the JSON back") {
  const Sealed sealed;
  const auto key = sealed.open_wrap(sealed.wrap);
  REQUIRE(key.has_value());
  const auto json =
      open_text(sealed.text.envelope, hour, sealed.report_id, sealed.text.message_id, *key);
  REQUIRE(json.has_value());
  CHECK(crypto::equal(*json, crypto::bytes_of(R"({"t":"help"})")));
}

TEST_CASE("each expectation that differs refuses the envelope (P10)") {
  const Sealed sealed;
  const Sealed other;
  CHECK(!open_key_wrap(sealed.wrap, other.report_id, sealed.text.message_id, sealed.queue_id,
                       sealed.queue));
  CHECK(!open_key_wrap(sealed.wrap, sealed.report_id, other.text.message_id, sealed.queue_id,
                       sealed.queue));
  CHECK(!open_key_wrap(sealed.wrap, sealed.report_id, sealed.text.message_id,
                       {sealed.queue_id.kid, 4}, sealed.queue));
  CHECK(!open_key_wrap(sealed.wrap, sealed.report_id, sealed.text.message_id, other.queue_id,
                       sealed.queue));
  CHECK(!open_key_wrap(sealed.wrap, sealed.report_id, sealed.text.message_id, sealed.queue_id,
                       other.queue));
  const auto& text = sealed.text;
  CHECK(!open_text(text.envelope, hour + 1, sealed.report_id, text.message_id, text.key));
  CHECK(!open_text(text.envelope, hour, other.report_id, text.message_id, text.key));
  CHECK(!open_text(text.envelope, hour, sealed.report_id, other.text.message_id, text.key));
  CHECK(!open_text(text.envelope, hour, sealed.report_id, text.message_id, other.text.key));
}

TEST_CASE("an envelope relabelled as another type is refused (P10)") {
  const Sealed sealed;
  for (std::uint8_t type = 0; type < 32; ++type) {
    CAPTURE(type);
    if (type != 1) {
      auto wrap = sealed.wrap;
      wrap[1] = type;
      CHECK(!sealed.open_wrap(wrap));
      CHECK(!wrap_recipient(wrap));
    }
    if (type != 2) {
      auto text = sealed.text.envelope;
      text[1] = type;
      CHECK(!sealed.open_message(text));
      CHECK(!claimed_message_id(text));
    }
  }
}

TEST_CASE("a wrap with another text's key is refused, since the message id commits to it (P11)") {
  const Sealed sealed;
  const auto shared = crypto::shared_key(sealed.queue.public_key, sealed.sender.secret_key);
  const auto wrap = wrap_key(crypto::random_secret<32>(), sealed.report_id, sealed.text.message_id,
                             sealed.queue_id, {.epk = sealed.sender.public_key, .shared = *shared});
  CHECK(!sealed.open_wrap(wrap));
}

TEST_CASE("texts of every length are padded to whole blocks") {
  for (const std::size_t size : {0U, 1U, 510U, 511U, 512U, 1023U, 5000U}) {
    CAPTURE(size);
    const crypto::WipedBytes json(size, 'x');
    const auto id = crypto::random_bytes<16>();
    const auto text = seal_text(hour, id, json);
    CHECK((text.envelope.size() - 72) % 512 == 0);
    CHECK((text.envelope.size() - 72) / 512 == size / 512 + 1);
    CHECK(*open_text(text.envelope, hour, id, text.message_id, text.key) == json);
  }
}

TEST_CASE("a user key opens with its passphrase only, and its parameters cannot be lowered") {
  const auto seed = crypto::random_secret<32>();
  const auto id = crypto::random_bytes<16>();
  auto sealed = blocking_seal_user_key(seed, id, "six words of a passphrase");
  const auto opened = blocking_open_user_key(sealed, id, "six words of a passphrase");
  REQUIRE(opened.has_value());
  CHECK(crypto::equal(opened->reveal(), seed.reveal()));
  CHECK(!blocking_open_user_key(sealed, id, "six words of a passphrasE"));
  CHECK(!blocking_open_user_key(sealed, crypto::random_bytes<16>(), "six words of a passphrase"));
  sealed[7] = 2;  // one pass fewer
  CHECK(!blocking_open_user_key(sealed, id, "six words of a passphrase"));
}

TEST_CASE("an intake of class 0 never names a police copy") {
  const auto gateway = crypto::signing_key(crypto::random_secret<32>());
  IntakeRecord record{.hour = hour, .copy_queue = crypto::random_bytes<16>()};
  CHECK_THROWS(sign_intake(record, gateway));
  record.consent_class = 1;
  const auto bytes = sign_intake(record, gateway);
  CHECK(verify_intake(bytes, gateway.public_key).value() == record);
  const auto stranger = crypto::signing_key(crypto::random_secret<32>());
  CHECK(!verify_intake(bytes, stranger.public_key));
}

}  // namespace
}  // namespace ishara::identity
