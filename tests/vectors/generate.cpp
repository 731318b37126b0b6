#include "tests/vectors/generate.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/layout.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/statement.hpp"
#include "gateway/identity/vectors.hpp"
#include "tests/vectors/openers.hpp"

namespace ishara::test {
namespace {

namespace json = boost::json;
using namespace identity;
using crypto::View;

// The inputs of privacy.md section 19: bytes repeated.
template <std::size_t N>
std::array<std::uint8_t, N> repeated(std::uint8_t byte) {
  std::array<std::uint8_t, N> out;
  out.fill(byte);
  return out;
}
crypto::Secret<32> secret(std::uint8_t byte) { return crypto::Secret<32>{repeated<32>(byte)}; }
std::string hex(View bytes) { return crypto::hex(bytes); }
std::string hex_of(std::uint8_t byte, std::size_t size) { return hex(crypto::Bytes(size, byte)); }
crypto::Bytes copy(View bytes) { return {bytes.begin(), bytes.end()}; }

constexpr std::uint32_t hour = 500'000;
constexpr std::uint32_t epoch = 7;
constexpr std::uint32_t generation = 0;
constexpr std::string_view message_json = R"({"k":"msg","ch":"sms","t":"help"})";
const auto report_id = repeated<16>(0x44);
const auto queue_id = repeated<16>(0x55);
const auto object = repeated<16>(0x66);
const auto user_id = repeated<16>(0xaa);

// One file: a case a line, so that a change shows as a line.
class File {
 public:
  void add(std::string_view type, std::string_view name, View bytes, const json::object& with,
           json::value opens) {
    json::object entry{{"type", type}, {"name", name}, {"bytes", hex(bytes)}, {"with", with}};
    entry["opens"] = std::move(opens);
    lines_ += (lines_.empty() ? "" : ",\n") + json::serialize(entry);
  }
  void refuse(std::string_view type, std::string_view name, View bytes, const json::object& with) {
    add(type, name, bytes, with, nullptr);
  }
  // A case that opens to what this build makes of it, and every way to spoil it: bits of each field
  // that begins at one of `fields`, another length, and each thing that it is opened with.
  void add_with_spoiled(std::string_view type, std::string_view name, View bytes,
                        const json::object& with, const std::vector<std::size_t>& fields) {
    add(type, name, bytes, with, open_case(type, bytes, with));
    for (const auto at : fields) {
      auto bad = copy(bytes);
      bad[at] ^= 1;
      refuse(type, "a bit of byte " + std::to_string(at) + " flipped", bad, with);
    }
    refuse(type, "cut by a byte", bytes.first(bytes.size() - 1), with);
    auto longer = copy(bytes);
    longer.push_back(0);
    refuse(type, "a byte longer", longer, with);
    for (const auto& [key, value] : with) {
      auto other = with;
      other[key] = spoiled(key, value);
      refuse(type, "another " + std::string{key}, bytes, other);
    }
  }
  std::string content() const { return "{\"cases\":[\n" + lines_ + "\n]}\n"; }

 private:
  static json::value spoiled(std::string_view key, const json::value& value) {
    if (const auto* number = value.if_int64()) return *number + 1;
    if (const auto* number = value.if_uint64()) return *number + 1;
    auto text = value.as_string();
    if (key == "passphrase") return text += "r";
    text[1] = text[1] == '0' ? '1' : '0';
    return text;
  }
  std::string lines_;
};

const std::vector<std::size_t> header_fields{0, 1, 2, 4, 8, 24, 40};
std::vector<std::size_t> header_fields_and(std::vector<std::size_t> more) {
  more.insert(more.begin(), header_fields.begin(), header_fields.end());
  return more;
}

// Signed anew after a change, as somebody with the right key could do.
crypto::Bytes resigned(View bytes, std::size_t at, std::uint8_t value, std::string_view domain,
                       const crypto::SigningKey& key) {
  auto out = copy(bytes);
  out[at] = value;
  const auto signature = crypto::sign(domain, {View{out}.first(out.size() - 64)}, key);
  std::ranges::copy(signature, out.end() - 64);
  return out;
}

// --- The values
EpochKeys the_epoch() { return epoch_keys(secret(0x11)); }
crypto::SigningKey gateway() { return crypto::signing_key(secret(0x77)); }
crypto::SigningKey relay() { return crypto::signing_key(secret(0x78)); }
crypto::SigningKey author() { return user_signing_key(secret(0x79)); }
crypto::BoxKey sender() { return crypto::box_key_of(secret(0x81)); }
crypto::BoxKey ephemeral() { return crypto::box_key_of(secret(0x82)); }

SealedText message() {
  return vectors::seal_text(hour, report_id, crypto::bytes_of(message_json), secret(0x22));
}

QueueKeyId queue_key_id() {
  return {crypto::key_id(queue_box_key(secret(0x33)).public_key), generation};
}

// A wrap of any key, also one that the message id does not name.
BoxEnvelope wrap_of(const crypto::Secret<32>& key) {
  const auto from = sender();
  const auto shared = *crypto::shared_key(queue_box_key(secret(0x33)).public_key, from.secret_key);
  return vectors::wrap_key(key, report_id, message_id_of(secret(0x22)), queue_key_id(),
                           {from.public_key, shared}, repeated<24>(0x91));
}

ReturnAddress address() {
  return {.number = Msisdn::parse("+254712000001", "").value(),
          .ref = *Ref::parse("4821773501"),
          .channel = 1,
          .may_text = true};
}

BoxEnvelope sealed(const ReturnAddress& of) {
  const auto keys = the_epoch();
  const auto from = sender();
  const auto shared = *crypto::shared_key(keys.box.public_key, from.secret_key);
  return vectors::seal_return_address(of, report_id, object, epoch,
                                      crypto::key_id(keys.box.public_key),
                                      {from.public_key, shared}, repeated<24>(0x92));
}

IntakeRecord intake_record() {
  IntakeRecord record;
  record.first = true;
  record.hour = hour;
  record.report_id = report_id;
  record.queue_id = queue_id;
  record.message_digest = envelope_digest(message().envelope);
  record.return_address_digest = envelope_digest(sealed(address()));
  return record;
}
IntakeBytes intake() { return sign_intake(intake_record(), gateway()); }

ReplyEnvelope sealed_reply(const Reply& reply) {
  return vectors::seal_reply(reply, report_id, object, epoch, the_epoch().box.public_key, author(),
                             ephemeral())
      .value();
}

// --- The files
std::string keys_file() {
  File file;
  const auto add = [&](std::string_view type, std::string_view name, View bytes,
                       const json::object& with) {
    file.add(type, name, bytes, with, open_case(type, bytes, with));
  };
  add("EPOCH_KEYS", "epoch seed", repeated<32>(0x11),
      {{"number", "254712000001"},
       {"ref", "4821773501"},
       {"delivery", hex(crypto::bytes_of("ATXid_1"))},
       {"report_id", hex(report_id)},
       {"origin", hex(origin_of(intake()))},
       {"return_address", hex(sealed(address()))}});
  add("QUEUE_KEY", "queue seed", repeated<32>(0x33), {});
  add("USER_KEYS", "user seed", repeated<32>(0x79), {});
  add("PASSPHRASE", "passphrase", crypto::bytes_of("correct horse battery staple"),
      {{"salt", hex_of(0x99, 16)}});
  add("MESSAGE_ID", "message key", repeated<32>(0x22), {});
  add("ORIGIN", "first INTAKE", intake(), {});
  add("RECIPIENT", "a queue's key", queue_box_key(secret(0x33)).public_key, {});
  // The points of low order of Curve25519, and their other encodings.
  for (const std::string_view low :
       {"0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"})
    file.refuse("RECIPIENT", "a key of low order", *crypto::from_hex(low), {});
  return file.content();
}

std::string texts_file() {
  File file;
  const auto text = message();
  const json::object with{{"hour", hour},
                          {"report_id", hex(report_id)},
                          {"message_id", hex(text.message_id)},
                          {"key", hex_of(0x22, 32)}};
  const auto tail = text.envelope.size() - 1;
  file.add_with_spoiled("MESSAGE", "one block", text.envelope, with,
                        header_fields_and({56, 100, tail - 16, tail}));
  const auto long_text = vectors::seal_text(hour, report_id, crypto::Bytes(512, 'x'), secret(0x23));
  auto long_with = with;
  long_with["message_id"] = hex(long_text.message_id);
  long_with["key"] = hex_of(0x23, 32);
  file.add("MESSAGE", "two blocks", long_text.envelope, long_with,
           open_case("MESSAGE", long_text.envelope, long_with));
  file.refuse("MESSAGE", "the text of another message id", long_text.envelope, with);

  const auto note = vectors::seal_note(
      hour, report_id, crypto::bytes_of(R"({"k":"note","t":"call back"})"), author(), secret(0x24));
  const json::object note_with{{"hour", hour},
                               {"report_id", hex(report_id)},
                               {"message_id", hex(note.message_id)},
                               {"key", hex_of(0x24, 32)},
                               {"author", hex(author().public_key)}};
  file.add_with_spoiled("NOTE", "one block", note.envelope, note_with,
                        header_fields_and({56, 583, 584, 647}));
  for (const std::size_t at : {0U, 1U, 2U, 40U, 56U})
    file.refuse("NOTE", "byte " + std::to_string(at) + " changed and signed anew by the author",
                resigned(note.envelope, at, 9, author_domain, author()), note_with);
  file.refuse("NOTE", "signed for another domain",
              resigned(note.envelope, 0, 1, "ishara/v1/stmt", author()), note_with);
  // The same key and JSON, each under the other's type.
  auto as_message = copy(View{note.envelope}.first(584));
  as_message[1] = 2;
  auto message_with = note_with;
  message_with.erase("author");
  file.refuse("MESSAGE", "a NOTE relabelled", as_message, message_with);
  return file.content();
}

std::string boxes_file() {
  File file;
  const auto wrap = wrap_of(secret(0x22));
  const json::object with{{"report_id", hex(report_id)},
                          {"message_id", hex(message_id_of(secret(0x22)))},
                          {"kid", hex(queue_key_id().kid)},
                          {"generation", generation},
                          {"queue_seed", hex_of(0x33, 32)}};
  const auto box_fields = header_fields_and({56, 87, 88, 112, 128, 191});
  const auto bit_255 = [](View bytes) {
    auto bad = copy(bytes);
    bad[87] ^= 0x80;
    return bad;
  };
  const auto low_order = [](View bytes, std::uint8_t first) {
    auto bad = copy(bytes);
    std::fill_n(bad.begin() + 56, 32, std::uint8_t{0});
    bad[56] = first;
    return bad;
  };
  file.add_with_spoiled("KEYWRAP", "for a queue", wrap, with, box_fields);
  file.refuse("KEYWRAP", "bit 255 of the sender key flipped", bit_255(wrap), with);
  file.refuse("KEYWRAP", "sender key zero", low_order(wrap, 0), with);
  file.refuse("KEYWRAP", "sender key one", low_order(wrap, 1), with);
  file.refuse("KEYWRAP", "another key than the message id names", wrap_of(secret(0x23)), with);

  const json::object to{
      {"report_id", hex(report_id)}, {"epoch", epoch}, {"epoch_seed", hex_of(0x11, 32)}};
  const auto plain = sealed(address());
  file.add_with_spoiled("RETADDR", "may text", plain, to, box_fields);
  file.refuse("RETADDR", "bit 255 of the sender key flipped", bit_255(plain), to);
  file.refuse("RETADDR", "sender key zero", low_order(plain, 0), to);
  auto full = address();
  full.channel = 255;
  full.ref_unverified = full.yes_unverified = true;
  full.safe = SafeRange{0, 48};
  const auto full_envelope = sealed(full);
  file.add("RETADDR", "every preference", full_envelope, to,
           open_case("RETADDR", full_envelope, to));
  auto numberless = address();
  numberless.number.reset();
  const auto numberless_envelope = sealed(numberless);
  file.add("RETADDR", "no number", numberless_envelope, to,
           open_case("RETADDR", numberless_envelope, to));
  auto as_wrap = copy(plain);
  as_wrap[1] = 1;
  auto wrap_with = with;
  wrap_with["kid"] = hex(View{plain}.subspan(40, 16));
  wrap_with["generation"] = epoch;
  wrap_with["message_id"] = hex(object);
  file.refuse("KEYWRAP", "a RETADDR relabelled", as_wrap, wrap_with);

  auto stored = copy(plain);
  const auto mac = return_address_mac(plain, the_epoch().mac);
  stored.insert(stored.end(), mac.begin(), mac.end());
  file.add_with_spoiled("STORED_RETADDR", "with its MAC", stored, to,
                        header_fields_and({56, 191, 192, 223}));
  return file.content();
}

std::string seals_file() {
  File file;
  const json::object with{{"report_id", hex(report_id)},
                          {"reply_id", hex(object)},
                          {"epoch", epoch},
                          {"epoch_seed", hex_of(0x11, 32)},
                          {"author", hex(author().public_key)}};
  Reply reply;
  reply.not_after = hour + 24;
  reply.text = Text{"Turashobora kuvugana?"};
  const auto pull = sealed_reply(reply);
  file.add_with_spoiled("REPLY", "for pull", pull, with,
                        header_fields_and({3, 56, 88, 104, 136, 647, 648, 711}));
  for (const auto& [at, value] : std::vector<std::pair<std::size_t, std::uint8_t>>{
           {0, 2}, {1, 6}, {3, 1}, {3, 4}, {40, 0}, {56, 0}, {88, 0}})
    file.refuse("REPLY",
                "byte " + std::to_string(at) + " set to " + std::to_string(value) +
                    " and signed anew by the author",
                resigned(pull, at, value, author_domain, author()), with);
  file.refuse("REPLY", "signed for another domain",
              resigned(pull, 0, 1, "ishara/v1/intake", author()), with);
  auto low = resigned(pull, 0, 1, author_domain, author());
  std::fill_n(low.begin() + 56, 32, std::uint8_t{0});
  file.refuse("REPLY", "sender key zero, signed anew by the author",
              resigned(low, 0, 1, author_domain, author()), with);
  reply.mode = ReplyMode::sms;
  reply.release_to_unverified_refs = reply.confirms_unverified_yes = true;
  reply.text = Text{std::string(reply_text_limit, 'a')};
  const auto sms = sealed_reply(reply);
  file.add("REPLY", "by SMS, both flags, full", sms, with, open_case("REPLY", sms, with));

  const auto user = user_box_key(secret(0x79));
  const json::object grant_with{{"queue_id", hex(queue_id)},
                                {"user_id", hex(user_id)},
                                {"generation", generation},
                                {"user_seed", hex_of(0x79, 32)}};
  const auto grant = vectors::seal_queue_grant(secret(0x33), queue_id, user_id, generation,
                                               user.public_key, ephemeral())
                         .value();
  file.add_with_spoiled("QGRANT", "for a member", grant, grant_with,
                        header_fields_and({56, 88, 104, 136, 167}));

  const auto user_key =
      vectors::blocking_seal_user_key(secret(0x79), user_id, "correct horse battery staple",
                                      repeated<16>(0x99), repeated<24>(0x93));
  // Not the salt and the nonce: each try costs an Argon2id.
  file.add_with_spoiled("USERKEY", "under a passphrase", user_key,
                        {{"user_id", hex(user_id)}, {"passphrase", "correct horse battery staple"}},
                        {0, 1, 2, 3, 7, 11, 15, 103});
  return file.content();
}

std::string signed_file() {
  File file;
  const auto key = gateway();
  const json::object by_gateway{{"gateway", hex(key.public_key)}};
  constexpr std::string_view intake_domain = "ishara/v1/intake";
  const auto first = intake();
  file.add_with_spoiled("INTAKE", "first text, helpers only", first, by_gateway,
                        {0, 1, 2, 3, 4, 8, 24, 40, 56, 88, 120, 183});
  auto shared = intake_record();
  shared.consent_class = 1;
  shared.urgent = shared.partial = shared.joined_by_number = true;
  shared.copy_queue = repeated<16>(0x56);
  const auto shared_bytes = sign_intake(shared, key);
  file.add("INTAKE", "with a police copy", shared_bytes, by_gateway,
           open_case("INTAKE", shared_bytes, by_gateway));
  file.refuse("INTAKE", "a police copy in class 0, signed",
              resigned(shared_bytes, 2, 0, intake_domain, key), by_gateway);
  file.refuse("INTAKE", "class 2, signed", resigned(first, 2, 2, intake_domain, key), by_gateway);
  file.refuse("INTAKE", "an unknown flag, signed", resigned(first, 3, 16, intake_domain, key),
              by_gateway);
  file.refuse("INTAKE", "version 2, signed", resigned(first, 0, 2, intake_domain, key), by_gateway);
  file.refuse("INTAKE", "type 0x11, signed", resigned(first, 1, 0x11, intake_domain, key),
              by_gateway);
  file.refuse("INTAKE", "signed for another domain", resigned(first, 0, 1, "ishara/v1/stmt", key),
              by_gateway);

  const auto text = message();
  const auto wrap = wrap_of(secret(0x22));
  json::object whole{{"gateway", hex(key.public_key)}, {"report_id", hex(report_id)},
                     {"message", hex(text.envelope)},  {"wrap", hex(wrap)},
                     {"kid", hex(queue_key_id().kid)}, {"generation", generation},
                     {"queue_seed", hex_of(0x33, 32)}};
  file.add_with_spoiled("TEXT", "record, message and wrap", first, whole, {4, 8, 56});
  whole["message"] =
      hex(vectors::seal_text(hour, report_id, crypto::bytes_of("{}"), secret(0x22)).envelope);
  file.refuse("TEXT", "another text under the true key: the digest differs", first, whole);

  constexpr std::string_view statement_domain = "ishara/v1/stmt";
  const auto member = author();
  const json::object by_member{{"signer", hex(member.public_key)}};
  const Statement transfer{.keeps_wraps = true,
                           .hour = hour,
                           .report_id = report_id,
                           .from_queue = queue_id,
                           .to_queue = repeated<16>(0x57),
                           .previous = origin_of(first)};
  const auto transfer_bytes = sign_statement(transfer, member);
  file.add_with_spoiled("STATEMENT", "TRANSFER", transfer_bytes, by_member,
                        {0, 1, 2, 3, 4, 8, 24, 40, 56, 72, 135});
  for (const auto& [name, at, value] : std::vector<std::tuple<const char*, std::size_t, int>>{
           {"version 2, signed", 0, 2},
           {"type 10, signed", 1, 10},
           {"a CONSENT with queues, signed", 1, 9},
           {"flag 2, signed", 3, 2}})
    file.refuse(
        "STATEMENT", name,
        resigned(transfer_bytes, at, static_cast<std::uint8_t>(value), statement_domain, member),
        by_member);
  file.refuse("STATEMENT", "signed for another domain",
              resigned(transfer_bytes, 0, 1, "ishara/v1/epoch", member), by_member);
  for (int flag = 0; flag < 2; ++flag) {
    const auto consent = sign_statement({.type = StatementType::consent,
                                         .consent_class = static_cast<std::uint8_t>(flag),
                                         .hour = hour,
                                         .report_id = report_id,
                                         .previous = origin_of(first)},
                                        key);
    const json::object by{{"signer", hex(key.public_key)}};
    file.add("STATEMENT", flag ? "CONSENT, class 1" : "CONSENT, class 0", consent, by,
             open_case("STATEMENT", consent, by));
    const auto withdraw = sign_statement({.type = StatementType::withdraw,
                                          .with_ref = flag == 1,
                                          .hour = hour,
                                          .report_id = report_id,
                                          .previous = origin_of(first)},
                                         relay());
    const json::object by_relay{{"signer", hex(relay().public_key)}};
    file.add("STATEMENT", flag ? "WITHDRAW, with the ref" : "WITHDRAW, by number", withdraw,
             by_relay, open_case("STATEMENT", withdraw, by_relay));
  }

  const json::object by_relay{{"relay", hex(relay().public_key)}};
  const auto announced = sign_epoch(
      {epoch, epoch * epoch_seconds, (epoch + 1) * epoch_seconds, the_epoch().box.public_key},
      relay());
  constexpr std::string_view epoch_domain = "ishara/v1/epoch";
  file.add_with_spoiled("EPOCH", "announced", announced, by_relay,
                        {0, 1, 2, 4, 8, 16, 24, 56, 119});
  file.refuse("EPOCH", "version 2, signed", resigned(announced, 0, 2, epoch_domain, relay()),
              by_relay);
  file.refuse("EPOCH", "over before it begins, signed",
              resigned(announced, 8, 1, epoch_domain, relay()), by_relay);
  file.refuse("EPOCH", "signed for another domain",
              resigned(announced, 0, 1, "ishara/v1/ckpt", relay()), by_relay);

  AuditEntry entry;
  entry.action = AuditAction::transfer;
  entry.flags = 1;
  entry.seq = 2;
  entry.time = hour * std::uint64_t{3600};
  entry.actor = user_id;
  entry.subject = report_id;
  entry.object = queue_id;
  entry.detail = crypto::hash32({crypto::bytes_of("{}")});
  entry.before = repeated<32>(0xee);
  const auto entry_bytes = encode(entry);
  file.add("AUDIT_ENTRY", "the second of a chain", entry_bytes, {},
           open_case("AUDIT_ENTRY", entry_bytes, {}));
  for (const auto& [name, at, value] : std::vector<std::tuple<const char*, std::size_t, int>>{
           {"version 2", 0, 2}, {"type 11", 1, 11}, {"number 0", 15, 0}}) {
    auto bad = copy(entry_bytes);
    bad[at] = static_cast<std::uint8_t>(value);
    file.refuse("AUDIT_ENTRY", name, bad, {});
  }
  file.refuse("AUDIT_ENTRY", "cut by a byte", View{entry_bytes}.first(135), {});

  const auto checkpoint = sign_checkpoint({2, entry.time + 60, audit_hash(entry_bytes)}, relay());
  constexpr std::string_view checkpoint_domain = "ishara/v1/ckpt";
  file.add_with_spoiled("CHECKPOINT", "of that entry", checkpoint, by_relay,
                        {0, 1, 2, 7, 8, 16, 24, 56, 72, 135});
  for (const auto& [name, at, value] :
       std::vector<std::tuple<const char*, std::size_t, int>>{{"version 2, signed", 0, 2},
                                                              {"a zero set, signed", 5, 1},
                                                              {"number 0, signed", 15, 0},
                                                              {"of another relay, signed", 56, 0}})
    file.refuse(
        "CHECKPOINT", name,
        resigned(checkpoint, at, static_cast<std::uint8_t>(value), checkpoint_domain, relay()),
        by_relay);
  file.refuse("CHECKPOINT", "signed for another domain",
              resigned(checkpoint, 0, 1, "ishara/v1/epoch", relay()), by_relay);

  const auto root_key = crypto::signing_key(secret(0x7a));
  RootRoster root;
  root.deployment = repeated<16>(0xdd);
  root.version = 3;
  root.organisations = {{repeated<16>(0xbb), "Helpers", OrganisationClass::ngo,
                         crypto::signing_key(secret(0x7b)).public_key}};
  root.services = {{key.public_key, "gateway"}, {relay().public_key, "relay"}};
  const auto roster = sign_roster(root, root_key);
  file.add_with_spoiled("ROSTER", "root, version 3 seen before", roster.bytes,
                        {{"signature", hex(roster.signature)},
                         {"root", hex(root_key.public_key)},
                         {"deployment", hex(root.deployment)},
                         {"seen", 3}},
                        {0, 20, roster.bytes.size() - 2});
  return file.content();
}

}  // namespace

std::map<std::string, std::string> generate_vectors() {
  return {{"keys.json", keys_file()},
          {"texts.json", texts_file()},
          {"boxes.json", boxes_file()},
          {"seals.json", seals_file()},
          {"signed.json", signed_file()}};
}

}  // namespace ishara::test
