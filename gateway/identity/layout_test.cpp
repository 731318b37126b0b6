// Every sealed and signed type against everything that may be done to its bytes (P10, P11).

#include "gateway/identity/layout.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "gateway/identity/author.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/note.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::identity {
namespace {

constexpr std::uint32_t hour = 500'000;
constexpr std::uint32_t epoch = 2900;
constexpr std::string_view json = R"({"k":"msg","t":"help"})";

ReturnAddress address() {
  return {.number = Msisdn::parse("+250788000001", "").value(),
          .ref = *Ref::parse("4821773501"),
          .channel = 3,
          .may_text = true,
          .yes_unverified = true,
          .safe = SafeRange{36, 40}};
}

Reply reply(std::string_view text) {
  Reply out;
  out.release_to_unverified_refs = true;
  out.not_after = hour + 24;
  out.mode = ReplyMode::sms;
  out.text = Text{text};
  return out;
}

// All the keys and ids that one report of one deployment has, and each type sealed with them.
struct World {
  World() {
    const auto to_queue = *crypto::shared_key(queue.public_key, sender.secret_key);
    const auto to_epoch = *crypto::shared_key(keys.box.public_key, sender.secret_key);
    wrap = wrap_key(text.key, report, text.message_id, queue_id, {sender.public_key, to_queue});
    retaddr =
        seal_return_address(address(), report, object, epoch, crypto::key_id(keys.box.public_key),
                            {sender.public_key, to_epoch});
  }

  crypto::Id report = crypto::random_bytes<16>();
  crypto::Id object = crypto::random_bytes<16>();
  crypto::Id user = crypto::random_bytes<16>();
  crypto::BoxKey queue = crypto::box_key();
  crypto::BoxKey sender = crypto::box_key();
  crypto::BoxKey user_box = crypto::box_key();
  EpochKeys keys = epoch_keys(crypto::random_secret<32>());
  crypto::SigningKey author = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey service = crypto::signing_key(crypto::random_secret<32>());
  QueueKeyId queue_id{crypto::key_id(queue.public_key), 3};

  SealedText text = seal_text(hour, report, crypto::bytes_of(json));
  BoxEnvelope wrap{};
  BoxEnvelope retaddr{};
  StoredReturnAddress stored = seal_stored_return_address(address(), report, epoch, keys);
  ReplyEnvelope answer =
      seal_reply(reply("Can you talk?"), report, object, epoch, keys.box.public_key, author)
          .value();
  SealedText note = seal_note(hour, report, crypto::bytes_of(json), author);
  crypto::Bytes grant =
      seal_queue_grant(crypto::random_secret<32>(), report, user, 3, user_box.public_key).value();
  IntakeBytes intake = sign_intake({.hour = hour, .report_id = report}, service);
  StatementBytes transfer = sign_statement(
      {.hour = hour, .report_id = report, .from_queue = user, .to_queue = object}, service);
  StatementBytes consent = sign_statement(
      {.type = StatementType::consent, .consent_class = 1, .hour = hour, .report_id = report},
      service);
  StatementBytes withdraw =
      sign_statement({.type = StatementType::withdraw, .hour = hour, .report_id = report}, service);
  EpochBytes announcement = sign_epoch({epoch, 1, 2, keys.box.public_key}, service);
};

// One type: its number, good bytes, and what opens or verifies them with the right expectations.
struct Specimen {
  std::string name;
  std::uint8_t type;
  crypto::Bytes bytes;
  std::function<bool(crypto::View)> opens;
};

std::vector<Specimen> specimens(const World& w) {
  const auto copy = [](crypto::View bytes) { return crypto::Bytes{bytes.begin(), bytes.end()}; };
  const auto statement = [&w](StatementType type) {
    return [&w, type](crypto::View bytes) {
      const auto found = verify_statement(bytes, w.service.public_key);
      return found && found->type == type;
    };
  };
  return {
      {"KEYWRAP", 1, copy(w.wrap),
       [&](crypto::View bytes) {
         return open_key_wrap(bytes, w.report, w.text.message_id, w.queue_id, w.queue).has_value();
       }},
      {"MESSAGE", 2, w.text.envelope,
       [&](crypto::View bytes) {
         return open_text(bytes, hour, w.report, w.text.message_id, w.text.key).has_value();
       }},
      // The object of a RETADDR is for whoever seals it: the box covers it all the same.
      {"RETADDR", 3, copy(w.retaddr),
       [&](crypto::View bytes) {
         return open_return_address(bytes, w.report, epoch, w.keys.box).has_value();
       }},
      {"stored RETADDR", 3, copy(w.stored),
       [&](crypto::View bytes) {
         return open_stored_return_address(bytes, w.report, epoch, w.keys).has_value();
       }},
      {"REPLY", 4, copy(w.answer),
       [&](crypto::View bytes) {
         return open_reply(bytes, w.report, w.object, epoch, w.keys.box, w.author.public_key)
             .has_value();
       }},
      {"NOTE", 5, w.note.envelope,
       [&](crypto::View bytes) {
         return open_note(bytes, hour, w.report, w.note.message_id, w.note.key, w.author.public_key)
             .has_value();
       }},
      {"QGRANT", 6, w.grant,
       [&](crypto::View bytes) {
         return open_queue_grant(bytes, w.report, w.user, 3, w.user_box).has_value();
       }},
      {"TRANSFER", 8, copy(w.transfer), statement(StatementType::transfer)},
      {"CONSENT", 9, copy(w.consent), statement(StatementType::consent)},
      {"WITHDRAW", 12, copy(w.withdraw), statement(StatementType::withdraw)},
      {"INTAKE", 0x10, copy(w.intake),
       [&](crypto::View bytes) { return verify_intake(bytes, w.service.public_key).has_value(); }},
      {"EPOCH", 0x11, copy(w.announcement),
       [&](crypto::View bytes) { return verify_epoch(bytes, w.service.public_key).has_value(); }},
  };
}

TEST_CASE("every bit flip, cut and lengthening of every type is refused (P10)") {
  const World world;
  for (const auto& specimen : specimens(world)) {
    CAPTURE(specimen.name);
    REQUIRE(specimen.opens(specimen.bytes));
    std::vector<std::size_t> opened;
    auto bad = specimen.bytes;
    for (std::size_t bit = 0; bit < bad.size() * 8; ++bit) {
      const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
      bad[bit / 8] ^= mask;
      if (specimen.opens(bad)) opened.push_back(bit);
      bad[bit / 8] ^= mask;
    }
    CHECK(opened == std::vector<std::size_t>{});
    std::size_t cut = 0;
    for (std::size_t size = 0; size < bad.size(); ++size)
      cut += specimen.opens(crypto::View{bad}.first(size));
    CHECK(cut == 0);
    for (const std::size_t more : {1U, 64U, 512U}) {
      auto longer = specimen.bytes;
      longer.resize(longer.size() + more);
      CHECK_FALSE(specimen.opens(longer));
    }
  }
}

TEST_CASE("every type relabelled as every other is refused (P10)") {
  const World world;
  const auto all = specimens(world);
  for (const auto& from : all) {
    for (const auto& to : all) {
      CAPTURE(from.name);
      CAPTURE(to.name);
      if (from.name == to.name) continue;
      CHECK_FALSE(to.opens(from.bytes));
      auto relabelled = from.bytes;
      relabelled[1] = to.type;
      if (from.type != to.type) {
        CHECK_FALSE(from.opens(relabelled));
        CHECK_FALSE(to.opens(relabelled));
      }
      // Also with the size and the whole header of the other type.
      relabelled.resize(to.bytes.size());
      std::copy_n(to.bytes.begin(), std::min<std::size_t>(56, to.bytes.size()), relabelled.begin());
      CHECK_FALSE(to.opens(relabelled));
    }
    for (unsigned type = 0; type < 256; ++type) {
      auto relabelled = from.bytes;
      relabelled[1] = static_cast<std::uint8_t>(type);
      if (type != from.type) CHECK_FALSE(from.opens(relabelled));
    }
  }
}

TEST_CASE("what an author signs anew after altering it is refused all the same (P10)") {
  const World w;
  const auto signed_again = [&](crypto::Bytes bytes) {
    const crypto::View body = crypto::View{bytes}.first(bytes.size() - 64);
    const auto signature = crypto::sign(author_domain, {body}, w.author);
    std::ranges::copy(signature, bytes.end() - 64);
    return bytes;
  };
  const auto all = specimens(w);
  for (const auto& specimen : all) {
    if (specimen.name != "REPLY" && specimen.name != "NOTE") continue;
    CAPTURE(specimen.name);
    REQUIRE(specimen.opens(signed_again(specimen.bytes)));
    for (std::size_t bit = 0; bit < (specimen.bytes.size() - 64) * 8; ++bit) {
      // Bit 255 of the sealed box's own public key: X25519 ignores it, but the box's nonce is the
      // hash of both keys.
      auto bad = specimen.bytes;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      if (specimen.opens(signed_again(bad))) FAIL_CHECK("bit " << bit << " opened");
    }
  }
}

TEST_CASE("each expectation that differs refuses the envelope (P10)") {
  const World w;
  const World x;
  const auto& a = w.answer;
  CHECK(open_reply(a, w.report, w.object, epoch, w.keys.box, w.author.public_key).has_value());
  CHECK(!open_reply(a, x.report, w.object, epoch, w.keys.box, w.author.public_key));
  CHECK(!open_reply(a, w.report, x.object, epoch, w.keys.box, w.author.public_key));
  CHECK(!open_reply(a, w.report, w.object, epoch + 1, w.keys.box, w.author.public_key));
  CHECK(!open_reply(a, w.report, w.object, epoch, x.keys.box, w.author.public_key));
  CHECK(!open_reply(a, w.report, w.object, epoch, w.keys.box, x.author.public_key));

  const auto& n = w.note;
  CHECK(
      open_note(n.envelope, hour, w.report, n.message_id, n.key, w.author.public_key).has_value());
  CHECK(!open_note(n.envelope, hour + 1, w.report, n.message_id, n.key, w.author.public_key));
  CHECK(!open_note(n.envelope, hour, x.report, n.message_id, n.key, w.author.public_key));
  CHECK(!open_note(n.envelope, hour, w.report, x.note.message_id, n.key, w.author.public_key));
  CHECK(!open_note(n.envelope, hour, w.report, n.message_id, x.note.key, w.author.public_key));
  CHECK(!open_note(n.envelope, hour, w.report, n.message_id, n.key, x.author.public_key));

  CHECK(open_return_address(w.retaddr, w.report, epoch, w.keys.box).has_value());
  CHECK(!open_return_address(w.retaddr, x.report, epoch, w.keys.box));
  CHECK(!open_return_address(w.retaddr, w.report, epoch + 1, w.keys.box));
  CHECK(!open_return_address(w.retaddr, w.report, epoch, x.keys.box));
  CHECK(open_stored_return_address(w.stored, w.report, epoch, w.keys).has_value());
  CHECK(!open_stored_return_address(w.stored, x.report, epoch, w.keys));
  CHECK(!open_stored_return_address(w.stored, w.report, epoch + 1, w.keys));
  CHECK(!open_stored_return_address(w.stored, w.report, epoch, x.keys));

  CHECK(!open_queue_grant(w.grant, x.report, w.user, 3, w.user_box));
  CHECK(!open_queue_grant(w.grant, w.report, x.user, 3, w.user_box));
  CHECK(!open_queue_grant(w.grant, w.report, w.user, 4, w.user_box));
  CHECK(!open_queue_grant(w.grant, w.report, w.user, 3, x.user_box));

  CHECK(!verify_statement(w.transfer, x.service.public_key));
  CHECK(!verify_epoch(w.announcement, x.service.public_key));
}

TEST_CASE("only the record, text and wrap of one text open together (P10)") {
  // Two reports, two texts each, one queue: what a desk could mix up.
  struct Stored {
    crypto::Id report;
    IntakeBytes record;
    crypto::Bytes message;
    BoxEnvelope wrap;
  };
  const auto gateway = crypto::signing_key(crypto::random_secret<32>());
  const auto queue = crypto::box_key();
  const QueueKeyId queue_id{crypto::key_id(queue.public_key), 0};
  std::vector<Stored> rows;
  for (int report = 0; report < 2; ++report) {
    const auto id = crypto::random_bytes<16>();
    for (int text = 0; text < 2; ++text) {
      const auto sealed = seal_text(hour, id, crypto::bytes_of(json));
      const auto sender = crypto::box_key();
      const auto shared = *crypto::shared_key(queue.public_key, sender.secret_key);
      rows.push_back(
          {id,
           sign_intake(
               {.hour = hour, .report_id = id, .message_digest = envelope_digest(sealed.envelope)},
               gateway),
           sealed.envelope,
           wrap_key(sealed.key, id, sealed.message_id, queue_id, {sender.public_key, shared})});
    }
  }
  const auto opens = [&](const crypto::Id& report, crypto::View record_bytes, crypto::View message,
                         crypto::View wrap) {
    const auto record = verify_intake(record_bytes, gateway.public_key);
    if (!record || record->report_id != report ||
        record->message_digest != envelope_digest(message))
      return false;
    const auto id = claimed_message_id(message);
    if (!id) return false;
    const auto key = open_key_wrap(wrap, report, *id, queue_id, queue);
    return key && open_text(message, record->hour, report, *id, *key).has_value();
  };
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows.size(); ++j)
      for (std::size_t k = 0; k < rows.size(); ++k)
        for (std::size_t report = 0; report < rows.size(); report += 2) {
          CAPTURE(i);
          CAPTURE(j);
          CAPTURE(k);
          const bool right = i == j && j == k && rows[i].report == rows[report].report;
          CHECK(opens(rows[report].report, rows[i].record, rows[j].message, rows[k].wrap) == right);
        }
}

TEST_CASE("a return address comes back as it went in, in both forms") {
  const World w;
  for (const auto& opened : {open_return_address(w.retaddr, w.report, epoch, w.keys.box),
                             open_stored_return_address(w.stored, w.report, epoch, w.keys)}) {
    REQUIRE(opened.has_value());
    CHECK(opened->number->reveal([](std::string_view digits) { return digits == "250788000001"; }));
    CHECK(opened->ref == *Ref::parse("4821773501"));
    CHECK(opened->channel == 3);
    CHECK(opened->may_text);
    CHECK_FALSE(opened->ref_unverified);
    CHECK(opened->yes_unverified);
    CHECK(opened->safe == SafeRange{36, 40});
  }
  const auto claimed = claimed_return_address(w.retaddr);
  REQUIRE(claimed.has_value());
  CHECK(claimed->epoch == epoch);
  CHECK(claimed->object == w.object);
  CHECK(claimed->epoch_kid == crypto::key_id(w.keys.box.public_key));
}

TEST_CASE("a return address without a number has none when it is opened") {
  const World w;
  const ReturnAddress only_ref{
      .number = std::nullopt, .ref = *Ref::parse("4821773501"), .channel = 3};
  const auto stored = seal_stored_return_address(only_ref, w.report, epoch, w.keys);
  const auto opened = open_stored_return_address(stored, w.report, epoch, w.keys);
  REQUIRE(opened.has_value());
  CHECK_FALSE(opened->number.has_value());
  CHECK(opened->ref == only_ref.ref);
}

TEST_CASE("a return address that a gateway sealed badly is refused, not half believed") {
  const World w;
  const auto good = [] {
    crypto::Secret<32> body;
    const auto from = address();
    const auto number = from.number->fixed();
    const auto ref = from.ref.fixed();
    std::ranges::copy(number.reveal(), body.fill().begin());
    std::ranges::copy(ref.reveal(), body.fill().begin() + 16);
    body.fill()[28] = 1;
    return body;
  };
  const auto opens = [&](const crypto::Secret<32>& body) {
    const auto shared = *crypto::shared_key(w.keys.box.public_key, w.sender.secret_key);
    const auto envelope =
        layout::seal_box_body({.type = layout::Type::return_address,
                               .word = epoch,
                               .subject = w.report,
                               .recipient = crypto::key_id(w.keys.box.public_key)},
                              body, {w.sender.public_key, shared}, crypto::random_bytes<24>());
    return open_return_address(envelope, w.report, epoch, w.keys.box).has_value();
  };
  CHECK(opens(good()));
  struct Row {
    std::size_t at;
    std::uint8_t value;
  };
  for (const Row row :
       {Row{0, 0}, Row{0, 6}, Row{0, 11}, Row{0, 16}, Row{0, 255}, Row{1, 'x'}, Row{13, '1'},
        Row{16, 1}, Row{18, '1'}, Row{27, '9'}, Row{28, 0}, Row{29, 8}, Row{30, 1}, Row{31, 1}}) {
    CAPTURE(row.at);
    CAPTURE(row.value);
    auto body = good();
    body.fill()[row.at] = row.value;
    CHECK_FALSE(opens(body));
  }
  auto range = good();
  range.fill()[30] = 1;
  range.fill()[31] = 49;
  CHECK(opens(range));
  range.fill()[31] = 50;
  CHECK_FALSE(opens(range));
}

TEST_CASE("a reply comes back as it went in, at every length") {
  const World w;
  for (const std::size_t size : {1U, 159U, 480U}) {
    for (int flags = 0; flags < 4; ++flags) {
      auto sent = reply(std::string(size, 'a'));
      sent.release_to_unverified_refs = flags & 1;
      sent.confirms_unverified_yes = flags & 2;
      sent.mode = flags == 0 ? ReplyMode::pull : ReplyMode::sms;
      const auto sealed =
          seal_reply(sent, w.report, w.object, epoch, w.keys.box.public_key, w.author);
      REQUIRE(sealed.has_value());
      const auto back =
          open_reply(*sealed, w.report, w.object, epoch, w.keys.box, w.author.public_key);
      REQUIRE(back.has_value());
      CHECK(back->release_to_unverified_refs == sent.release_to_unverified_refs);
      CHECK(back->confirms_unverified_yes == sent.confirms_unverified_yes);
      CHECK(back->mode == sent.mode);
      CHECK(back->not_after == sent.not_after);
      CHECK(back->text.reveal([&](auto text) { return text == std::string(size, 'a'); }));
    }
  }
  const auto claimed = claimed_reply(w.answer);
  REQUIRE(claimed.has_value());
  CHECK(claimed->report_id == w.report);
  CHECK(claimed->reply_id == w.object);
  CHECK(claimed->epoch_kid == crypto::key_id(w.keys.box.public_key));
}

TEST_CASE("a reply that cannot be sent, or to a low-order key, is not sealed") {
  const World w;
  for (const std::string& text : {std::string{}, std::string(481, 'a'), std::string{"\xC3"}}) {
    CHECK(!seal_reply(reply(text), w.report, w.object, epoch, w.keys.box.public_key, w.author));
  }
  CHECK(!seal_reply(reply("yes"), w.report, w.object, epoch, crypto::PublicKey{}, w.author));
}

TEST_CASE("a body that the author's client should not have written is refused") {
  const World w;
  const auto opens = [&](crypto::WipedBytes body, bool padded) {
    if (padded) crypto::pad(body, 512);
    const auto sealed =
        layout::seal_sealed_body({.type = layout::Type::reply,
                                  .word = epoch,
                                  .subject = w.report,
                                  .object = w.object,
                                  .recipient = crypto::key_id(w.keys.box.public_key)},
                                 body, w.keys.box.public_key);
    auto bytes = *sealed;
    const auto signature = crypto::sign(author_domain, {bytes}, w.author);
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    return open_reply(bytes, w.report, w.object, epoch, w.keys.box, w.author.public_key)
        .has_value();
  };
  CHECK(opens({0, 0, 0, 1, 1, 0, 2, 'o', 'k'}, true));
  CHECK_FALSE(opens({0, 0, 0, 1, 2, 0, 2, 'o', 'k'}, true));  // no such mode
  CHECK_FALSE(opens({0, 0, 0, 1, 1, 0, 1, 'o', 'k'}, true));  // a byte behind the text
  CHECK_FALSE(opens({0, 0, 0, 1, 1, 0, 3, 'o', 'k'}, true));  // a byte too few
  CHECK_FALSE(opens({0, 0, 0, 1, 1, 0, 0}, true));            // nothing to send
  CHECK_FALSE(opens({0, 0, 0, 1, 1, 0, 1, 0xC3}, true));      // no UTF-8
  CHECK_FALSE(opens({0, 0, 0, 1}, true));                     // cut
  CHECK_FALSE(opens(crypto::WipedBytes(512), false));         // no padding
  crypto::WipedBytes long_text(7 + 481, 'a');
  std::ranges::copy(std::array<std::uint8_t, 7>{0, 0, 0, 1, 1, 1, 0xE1}, long_text.begin());
  CHECK_FALSE(opens(long_text, true));
}

TEST_CASE("statements, epochs and notes come back as they went in") {
  const World w;
  const Statement transfer{.keeps_wraps = true,
                           .hour = hour,
                           .report_id = w.report,
                           .from_queue = w.user,
                           .to_queue = w.object,
                           .previous = w.queue_id.kid};
  CHECK(verify_statement(sign_statement(transfer, w.service), w.service.public_key).value() ==
        transfer);
  CHECK(verify_statement(w.consent, w.service.public_key)->consent_class == 1);
  CHECK_FALSE(verify_statement(w.withdraw, w.service.public_key)->with_ref);
  const EpochAnnouncement announced{epoch, 7, 9, w.keys.box.public_key};
  CHECK(verify_epoch(sign_epoch(announced, w.service), w.service.public_key).value() == announced);
  CHECK(epoch_at(std::chrono::sys_seconds{std::chrono::seconds{604'799}}) == 0);
  CHECK(epoch_at(std::chrono::sys_seconds{std::chrono::seconds{604'800}}) == 1);
  CHECK(w.note.envelope.size() == 648);
  const auto claimed = claimed_note(w.note.envelope);
  REQUIRE(claimed.has_value());
  CHECK(claimed->message_id == w.note.message_id);
  CHECK(crypto::equal(*open_note(w.note.envelope, hour, w.report, w.note.message_id, w.note.key,
                                 w.author.public_key),
                      crypto::bytes_of(json)));
}

TEST_CASE("statements and epochs with fields of another type are bugs, and refused from others") {
  const World w;
  const Statement transfer{
      .hour = hour, .report_id = w.report, .from_queue = w.user, .to_queue = w.object};
  const auto throws = [&](auto change) {
    auto statement = transfer;
    change(statement);
    CHECK_THROWS(sign_statement(statement, w.service));
  };
  throws([](Statement& s) { s.to_queue = s.from_queue; });
  throws([](Statement& s) { s.to_queue = {}; });
  throws([](Statement& s) { s.consent_class = 1; });
  throws([](Statement& s) { s.with_ref = true; });
  throws([](Statement& s) { s.type = StatementType::consent; });
  throws([](Statement& s) {
    s = {.type = StatementType::consent, .consent_class = 2, .report_id = s.report_id};
  });
  throws([](Statement& s) {
    s = {.type = StatementType::withdraw, .keeps_wraps = true, .report_id = s.report_id};
  });
  CHECK_THROWS(sign_epoch({epoch, 2, 2, w.keys.box.public_key}, w.service));

  // The same, signed by somebody who does not ask this code.
  auto bytes = w.consent;
  std::ranges::copy(w.user, bytes.begin() + 24);
  const auto signature = crypto::sign("ishara/v1/stmt", {std::span{bytes}.first<72>()}, w.service);
  std::ranges::copy(signature, bytes.begin() + 72);
  CHECK(!verify_statement(bytes, w.service.public_key));
}

TEST_CASE("no key, message id or box nonce is drawn twice (P11)") {
  // The million of the property takes two minutes: ISHARA_LONG_TESTS=1.
  const std::size_t count = std::getenv("ISHARA_LONG_TESTS") != nullptr ? 1'000'000 : 20'000;
  const auto report = crypto::random_bytes<16>();
  const auto queue = crypto::box_key();
  const QueueKeyId queue_id{crypto::key_id(queue.public_key), 0};
  // One pair for all, as in a flood: the nonces are drawn all the same.
  const auto sender = crypto::box_key();
  const auto shared = *crypto::shared_key(queue.public_key, sender.secret_key);
  std::vector<crypto::Digest> keys;
  std::vector<crypto::Id> ids;
  std::vector<crypto::Nonce> nonces;
  keys.reserve(count);
  ids.reserve(count);
  nonces.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto text = seal_text(hour, report, {});
    const auto wrap =
        wrap_key(text.key, report, text.message_id, queue_id, {sender.public_key, shared});
    std::ranges::copy(text.key.reveal(), keys.emplace_back().begin());
    ids.push_back(text.message_id);
    std::copy_n(wrap.begin() + 56 + 32, 24, nonces.emplace_back().begin());
  }
  const auto repeats = [](auto& values) {
    std::ranges::sort(values);
    return std::ranges::adjacent_find(values) != values.end();
  };
  CHECK_FALSE(repeats(keys));
  CHECK_FALSE(repeats(ids));
  CHECK_FALSE(repeats(nonces));
}

TEST_CASE("number and ref come back from their fixed forms, and nothing else does") {
  const auto number = *Msisdn::parse("+25078800001", "");
  const auto fixed = number.fixed();
  const auto back = Msisdn::from_fixed(fixed.reveal());
  REQUIRE(back.has_value());
  CHECK(back->reveal([](std::string_view digits) { return digits == "25078800001"; }));
  const auto ref = *Ref::parse("4821773501");
  const auto fixed_ref = ref.fixed();
  CHECK(Ref::from_fixed(fixed_ref.reveal()).value() == ref);
  std::array<std::uint8_t, 12> wrong{};
  std::ranges::copy(fixed_ref.reveal(), wrong.begin());
  wrong[0] = 1;
  CHECK(!Ref::from_fixed(wrong));
  CHECK(!Msisdn::from_fixed(std::array<std::uint8_t, 16>{}));
}

}  // namespace
}  // namespace ishara::identity
