#include "tests/vectors/openers.hpp"

#include <map>
#include <span>
#include <stdexcept>
#include <string>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/note.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::test {
namespace {

namespace json = boost::json;
using namespace identity;
using crypto::View;

// What a case is opened with.
class Given {
 public:
  explicit Given(const json::object& fields) : fields_{fields} {}

  crypto::Bytes hex(std::string_view name) const { return decoded(text(name)); }
  template <std::size_t N>
  std::array<std::uint8_t, N> array(std::string_view name) const {
    const auto out = crypto::from_hex_exact<N>(text(name));
    if (!out) throw std::runtime_error{"a field of a case has a wrong length"};
    return *out;
  }
  crypto::Id id(std::string_view name) const { return array<16>(name); }
  crypto::PublicKey key(std::string_view name) const { return array<32>(name); }
  crypto::Secret<32> secret(std::string_view name) const {
    return crypto::Secret<32>{array<32>(name)};
  }
  std::uint32_t number(std::string_view name) const {
    return fields_.at(name).to_number<std::uint32_t>();
  }
  std::string_view text(std::string_view name) const { return fields_.at(name).as_string(); }
  const json::array& list(std::string_view name) const { return fields_.at(name).as_array(); }

  static crypto::Bytes decoded(std::string_view hex) {
    const auto out = crypto::from_hex(hex);
    if (!out) throw std::runtime_error{"a field of a case is not hexadecimal"};
    return *out;
  }

 private:
  const json::object& fields_;
};

std::string hex(View bytes) { return crypto::hex(bytes); }
json::string text(View bytes) {
  return json::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// --- Keys
json::value open_epoch_keys(View seed, const Given& given) {
  const auto keys = epoch_keys(crypto::Secret<32>{seed.first<32>()});
  const auto number = Msisdn::parse(given.text("number"), "")->fixed();
  const auto ref = Ref::parse(given.text("ref"))->fixed();
  const auto tag = number_tag(number.reveal(), keys.tag);
  const auto mac = [&](ThreadKind kind) {
    return hex(thread_mac(kind, tag, given.id("report_id"), given.id("origin"), keys.mac));
  };
  return {
      {"box", hex(keys.box.public_key)},
      {"number_tag", hex(tag)},
      {"ref_tag", hex(ref_tag(ref.reveal(), keys.tag))},
      {"delivery_tag", hex(delivery_tag(given.hex("delivery"), keys.tag))},
      {"thread_mac_n", mac(ThreadKind::number)},
      {"thread_mac_c", mac(ThreadKind::ref)},
      {"thread_mac_u", mac(ThreadKind::unverified_ref)},
      {"return_address_mac", hex(return_address_mac(given.hex("return_address"), keys.mac))},
  };
}

json::value open_queue_key(View seed, const Given&) {
  const auto key = queue_box_key(crypto::Secret<32>{seed.first<32>()}).public_key;
  return {{"box", hex(key)}, {"kid", hex(crypto::key_id(key))}};
}

json::value open_user_keys(View bytes, const Given&) {
  const crypto::Secret<32> seed{bytes.first<32>()};
  return {{"box", hex(user_box_key(seed).public_key)},
          {"signing", hex(user_signing_key(seed).public_key)}};
}

json::value open_passphrase(View passphrase, const Given& given) {
  const auto login =
      login_keys(crypto::blocking_passphrase_key(text(passphrase), given.id("salt")));
  return {{"auth", hex(login.auth.reveal())},
          {"key_encryption", hex(login.key_encryption.reveal())}};
}

json::value open_message_id(View key, const Given&) {
  return json::object{{"id", hex(message_id_of(crypto::Secret<32>{key.first<32>()}))}};
}

json::value open_origin(View record, const Given&) {
  return json::object{{"origin", hex(crypto::hash16({record}))}};
}

json::value open_recipient(View bytes, const Given&) {
  crypto::PublicKey key;
  std::ranges::copy(bytes, key.begin());
  return crypto::shared_key(key, crypto::random_secret<32>()) ? json::value(json::object{})
                                                              : json::value(nullptr);
}

// --- Texts
json::value as_json(const boost::system::result<crypto::WipedBytes>& plain) {
  if (!plain) return nullptr;
  return json::object{{"json", text(*plain)}};
}

json::value open_message(View bytes, const Given& given) {
  return as_json(open_text(bytes, given.number("hour"), given.id("report_id"),
                           given.id("message_id"), given.secret("key")));
}

json::value open_note_case(View bytes, const Given& given) {
  return as_json(open_note(bytes, given.number("hour"), given.id("report_id"),
                           given.id("message_id"), given.secret("key"), given.key("author")));
}

json::value open_two_keys(View bytes, const Given& given) {
  int ciphers = 0;
  int messages = 0;
  std::vector<crypto::Secret<32>> keys;
  for (const auto& key : given.list("keys"))
    keys.emplace_back(crypto::from_hex_exact<32>(std::string_view{key.as_string()}).value());
  for (const auto& key : keys) {
    crypto::Bytes plain(bytes.size() - 72);
    ciphers += crypto::decrypt(plain, bytes.subspan(56), bytes.first(56), {}, key);
    messages += std::ranges::any_of(keys, [&](const auto& named) {
      return open_text(bytes, given.number("hour"), given.id("report_id"), message_id_of(named),
                       key)
          .has_value();
    });
  }
  return {{"ciphers", ciphers}, {"messages", messages}};
}

// --- Boxes
QueueKeyId queue_of(const Given& given) { return {given.id("kid"), given.number("generation")}; }

json::value open_key_wrap_case(View bytes, const Given& given) {
  const auto key = open_key_wrap(bytes, given.id("report_id"), given.id("message_id"),
                                 queue_of(given), queue_box_key(given.secret("queue_seed")));
  if (!key) return nullptr;
  return json::object{{"key", hex(key->reveal())}};
}

json::value described(const boost::system::result<ReturnAddress>& address) {
  if (!address) return nullptr;
  const auto number = [&] {
    if (!address->number) return json::string{};
    return address->number->reveal([](std::string_view digits) { return json::string{digits}; });
  }();
  json::value safe = nullptr;
  if (address->safe) safe = json::array{address->safe->start, address->safe->end};
  return {{"number", number},
          {"ref", address->ref.digits()},
          {"channel", address->channel},
          {"may_text", address->may_text},
          {"ref_unverified", address->ref_unverified},
          {"yes_unverified", address->yes_unverified},
          {"safe", safe}};
}

json::value open_return_address_case(View bytes, const Given& given) {
  return described(open_return_address(bytes, given.id("report_id"), given.number("epoch"),
                                       epoch_keys(given.secret("epoch_seed")).box));
}

json::value open_stored_return_address_case(View bytes, const Given& given) {
  return described(open_stored_return_address(bytes, given.id("report_id"), given.number("epoch"),
                                              epoch_keys(given.secret("epoch_seed"))));
}

// --- Seals
json::value open_reply_case(View bytes, const Given& given) {
  const auto reply =
      open_reply(bytes, given.id("report_id"), given.id("reply_id"), given.number("epoch"),
                 epoch_keys(given.secret("epoch_seed")).box, given.key("author"));
  if (!reply) return nullptr;
  return {{"release_to_unverified_refs", reply->release_to_unverified_refs},
          {"confirms_unverified_yes", reply->confirms_unverified_yes},
          {"not_after", reply->not_after},
          {"mode", static_cast<int>(reply->mode)},
          {"text", reply->text.reveal([](std::string_view words) { return json::string{words}; })}};
}

json::value open_queue_grant_case(View bytes, const Given& given) {
  const auto seed =
      open_queue_grant(bytes, given.id("queue_id"), given.id("user_id"), given.number("generation"),
                       user_box_key(given.secret("user_seed")));
  if (!seed) return nullptr;
  return json::object{{"queue_seed", hex(seed->reveal())}};
}

json::value open_user_key_case(View bytes, const Given& given) {
  const auto seed = blocking_open_user_key(bytes, given.id("user_id"), given.text("passphrase"));
  if (!seed) return nullptr;
  return json::object{{"user_seed", hex(seed->reveal())}};
}

// --- Signed
json::value open_intake(View bytes, const Given& given) {
  const auto record = verify_intake(bytes, given.key("gateway"));
  if (!record) return nullptr;
  return {{"class", record->consent_class},
          {"urgent", record->urgent},
          {"first", record->first},
          {"partial", record->partial},
          {"joined_by_number", record->joined_by_number},
          {"hour", record->hour},
          {"report_id", hex(record->report_id)},
          {"queue_id", hex(record->queue_id)},
          {"copy_queue", hex(record->copy_queue)},
          {"message_digest", hex(record->message_digest)},
          {"return_address_digest", hex(record->return_address_digest)}};
}

json::value open_statement(View bytes, const Given& given) {
  const auto statement = verify_statement(bytes, given.key("signer"));
  if (!statement) return nullptr;
  return {{"type", static_cast<int>(statement->type)},
          {"keeps_wraps", statement->keeps_wraps},
          {"class", statement->consent_class},
          {"with_ref", statement->with_ref},
          {"hour", statement->hour},
          {"report_id", hex(statement->report_id)},
          {"from_queue", hex(statement->from_queue)},
          {"to_queue", hex(statement->to_queue)},
          {"previous", hex(statement->previous)}};
}

json::value open_epoch(View bytes, const Given& given) {
  const auto announced = verify_epoch(bytes, given.key("relay"));
  if (!announced) return nullptr;
  return {{"epoch", announced->epoch},
          {"not_before", announced->not_before},
          {"not_after", announced->not_after},
          {"key", hex(announced->key)}};
}

json::value open_audit_entry(View bytes, const Given&) {
  const auto entry = decode_audit_entry(bytes);
  if (!entry) return nullptr;
  return {{"action", static_cast<int>(entry->action)},
          {"flags", entry->flags},
          {"seq", entry->seq},
          {"time", entry->time},
          {"actor", hex(entry->actor)},
          {"subject", hex(entry->subject)},
          {"object", hex(entry->object)},
          {"detail", hex(entry->detail)},
          {"before", hex(entry->before)},
          {"hash", hex(audit_hash(bytes))}};
}

json::value open_checkpoint(View bytes, const Given& given) {
  const auto checkpoint = verify_checkpoint(bytes, given.key("relay"));
  if (!checkpoint) return nullptr;
  return {{"seq", checkpoint->seq}, {"time", checkpoint->time}, {"head", hex(checkpoint->head)}};
}

json::value open_roster(View bytes, const Given& given) {
  const auto root =
      verify_root({{bytes.begin(), bytes.end()}, given.array<64>("signature")}, given.key("root"));
  if (!root || root->deployment != given.id("deployment") || root->version < given.number("seen"))
    return nullptr;
  return json::object{{"version", root->version}};
}

json::value open_whole_text(View bytes, const Given& given) {
  const auto record = verify_intake(bytes, given.key("gateway"));
  const auto report_id = given.id("report_id");
  const auto message = given.hex("message");
  if (!record || record->report_id != report_id ||
      record->message_digest != envelope_digest(message))
    return nullptr;
  const auto id = claimed_message_id(message);
  if (!id) return nullptr;
  const auto key = open_key_wrap(given.hex("wrap"), report_id, *id, queue_of(given),
                                 queue_box_key(given.secret("queue_seed")));
  if (!key) return nullptr;
  return as_json(open_text(message, record->hour, report_id, *id, *key));
}

}  // namespace

json::value open_case(std::string_view type, View bytes, const json::object& with) {
  static const std::map<std::string_view, json::value (*)(View, const Given&)> openers{
      {"EPOCH_KEYS", open_epoch_keys},
      {"QUEUE_KEY", open_queue_key},
      {"USER_KEYS", open_user_keys},
      {"PASSPHRASE", open_passphrase},
      {"MESSAGE_ID", open_message_id},
      {"ORIGIN", open_origin},
      {"RECIPIENT", open_recipient},
      {"MESSAGE", open_message},
      {"NOTE", open_note_case},
      {"TWO_KEYS", open_two_keys},
      {"KEYWRAP", open_key_wrap_case},
      {"RETADDR", open_return_address_case},
      {"STORED_RETADDR", open_stored_return_address_case},
      {"REPLY", open_reply_case},
      {"QGRANT", open_queue_grant_case},
      {"USERKEY", open_user_key_case},
      {"INTAKE", open_intake},
      {"STATEMENT", open_statement},
      {"EPOCH", open_epoch},
      {"AUDIT_ENTRY", open_audit_entry},
      {"CHECKPOINT", open_checkpoint},
      {"ROSTER", open_roster},
      {"TEXT", open_whole_text},
  };
  const auto found = openers.find(type);
  if (found == openers.end()) throw std::runtime_error{"a case has an unknown type"};
  return found->second(bytes, Given{with});
}

}  // namespace ishara::test
