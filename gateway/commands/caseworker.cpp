#include "gateway/commands/caseworker.hpp"

#include <boost/json.hpp>
#include <chrono>

#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/signature.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/seen_rosters.hpp"
#include "gateway/identity/user_file.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse_report() {
  throw CaseworkerError{
      "the report does not hold what a gateway of this deployment signed",
      "do not rely on it; tell your lead: the database or the desk was tampered with"};
}

crypto::Bytes bytes_at(const json::object& object, std::string_view name) {
  const auto* text = object.if_contains(name);
  if (text == nullptr || !text->is_string()) refuse_report();
  auto bytes = crypto::from_base64(text->as_string());
  if (!bytes) refuse_report();
  return std::move(*bytes);
}

template <std::size_t N>
std::array<std::uint8_t, N> id_at(const json::object& object, std::string_view name) {
  const auto* text = object.if_contains(name);
  const auto id = text != nullptr && text->is_string()
                      ? crypto::from_hex_exact<N>(text->as_string())
                      : std::nullopt;
  if (!id) refuse_report();
  return *id;
}

const json::array& array_at(const json::object& object, std::string_view name) {
  const auto* array = object.if_contains(name);
  if (array == nullptr || !array->is_array()) refuse_report();
  return array->get_array();
}

const json::object& object_of(const json::value& value) {
  if (!value.is_object()) refuse_report();
  return value.get_object();
}

json::object parse_object(const std::string& body) {
  boost::system::error_code error;
  auto value = json::parse(body, error);
  if (error || !value.is_object())
    throw CaseworkerError{"the desk's answer is not what its API says",
                          "is --desk the address of a desk?"};
  return std::move(value.get_object());
}

// A roster as the desk shows it.
struct RosterEntry {
  crypto::Id issuer{};
  std::uint64_t version = 0;
  crypto::Bytes bytes;
  crypto::Bytes signature;
};

std::filesystem::path seen_file(const std::filesystem::path& key_file) {
  auto out = key_file;
  out += ".seen";
  return out;
}

// One line a roster: `root` or the id of the organisation, and the version.
}  // namespace

Caseworker::Caseworker(Settings settings, std::string_view passphrase)
    : settings_{std::move(settings)} {
  const auto file = config::read_key_file(settings_.key_file, identity::user_file_size);
  if (!file)
    throw CaseworkerError{"your key file: " + file.error().message(),
                          "name it with --key; it is yours alone: chmod 600 it"};
  const auto parts = identity::split_user_file(*file);
  if (!parts) throw CaseworkerError{"your key file is not one", "name another with --key"};
  const auto seed = identity::blocking_open_user_key(parts->user_key, parts->user_id, passphrase);
  if (!seed)
    throw CaseworkerError{"the passphrase does not open this key",
                          "type it again, spaces included"};
  user_id_ = parts->user_id;
  signing_key_ = identity::user_signing_key(*seed);
  box_key_ = identity::user_box_key(*seed);
}

http::Response Caseworker::call(http::Method method, const std::string& path,
                                std::vector<std::pair<std::string, std::string>> fields) {
  boost::system::result<http::Response> response = http::errc::lost;
  // A POST is named by its Idempotency-Key, so what may have arrived may be sent again.
  for (int attempt = 0; attempt < 2 && !response && response.error() == http::errc::lost;
       ++attempt) {
    http::Request request;
    request.method = method;
    request.target = crypto::wiped_copy("/api/v1" + path);
    for (const auto& [name, value] : fields)
      request.fields.push_back({name, crypto::wiped_copy(value)});
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    request.fields.push_back(
        {"ishara-signature",
         crypto::wiped_copy(desk::sign_request(
             request, signing_key_, static_cast<std::uint64_t>(now), crypto::random_bytes<16>()))});
    response =
        http::blocking::fetch(settings_.desk, std::move(request), {.body = 64 * 1024 * 1024});
  }
  if (!response)
    throw CaseworkerError{"the desk does not answer: " + response.error().message(),
                          "check --desk, and that `ishara desk` runs there"};
  if (response->status >= 400) {
    boost::system::error_code error;
    const auto problem = json::parse(response->body, error);
    const auto* detail =
        !error && problem.is_object() ? problem.get_object().if_contains("detail") : nullptr;
    throw CaseworkerError{"the desk refuses this (" + std::to_string(response->status) + ")",
                          detail != nullptr && detail->is_string()
                              ? printable(detail->get_string())
                              : "is --desk the address of a desk?"};
  }
  return std::move(*response);
}

std::string Caseworker::get(const std::string& path) {
  return call(http::Method::get, path, {}).body;
}

std::optional<std::string> Caseworker::post(const std::string& path, bool conditional) {
  std::vector<std::pair<std::string, std::string>> fields{
      {"idempotency-key", crypto::hex(crypto::random_bytes<16>())}};
  // Any state will do: what counts is the lease, which the store checks.
  if (conditional) fields.emplace_back("if-match", "*");
  auto response = call(http::Method::post, path, std::move(fields));
  if (response.status == 204) return std::nullopt;
  return std::move(response.body);
}

const identity::Directory& Caseworker::directory() {
  if (directory_) return *directory_;
  const auto answer = parse_object(get("/rosters"));
  std::vector<RosterEntry> entries;
  for (const auto& entry : array_at(answer, "rosters")) {
    const auto& object = object_of(entry);
    const auto* version = object.if_contains("version");
    if (version == nullptr || !version->is_int64() || version->get_int64() < 0) refuse_report();
    entries.push_back({id_at<16>(object, "issuer"),
                       static_cast<std::uint64_t>(version->get_int64()), bytes_at(object, "bytes"),
                       bytes_at(object, "signature")});
  }
  const std::string advice =
      "do not go on; compare the root key on your enrolment sheet, and tell your lead";
  auto verified =
      identity::Directory::verified_rows(identity::rows_of(entries), settings_.root_key);
  if (!verified)
    throw CaseworkerError{"the desk's rosters are not valid: " + verified.error().message(),
                          advice};
  const auto seen = identity::read_seen_rosters(seen_file(settings_.key_file));
  if (!seen)
    throw CaseworkerError{"the roster versions beside your key file: " + seen.error().message(),
                          "do not remove them; ask your lead how they came to change"};
  if (verified->is_older_than(*seen))
    throw CaseworkerError{"the desk shows older rosters than it did before", advice};

  // The own-key check: whoever swaps keys in a roster is seen by the person whose key it was.
  const auto* self = verified->member(user_id_);
  if (self == nullptr || self->signing_key != signing_key_.public_key ||
      self->box_key != box_key_.public_key)
    throw CaseworkerError{"the rosters hold another key for you than yours", advice};
  if (!identity::write_seen_rosters(seen_file(settings_.key_file), verified->versions()))
    throw CaseworkerError{"cannot remember the roster versions beside your key file",
                          "make its folder writable for you"};
  directory_ = std::move(*verified);
  return *directory_;
}

// The key pair of a queue that the caller was granted, by its kid; nullptr if she was not.
const crypto::BoxKey* Caseworker::queue_key(const crypto::Id& kid) {
  if (!has_grants_) {
    const auto answer = parse_object(get("/grants"));
    for (const auto& entry : array_at(answer, "grants")) {
      const auto& object = object_of(entry);
      const auto queue_id = id_at<16>(object, "queue");
      const auto* queue = directory().queue(queue_id);
      const auto* generation = object.if_contains("generation");
      if (queue == nullptr || generation == nullptr || !generation->is_int64()) continue;
      const auto seed =
          identity::open_queue_grant(bytes_at(object, "envelope"), queue_id, user_id_,
                                     static_cast<std::uint32_t>(generation->get_int64()), box_key_);
      if (!seed) continue;
      auto key = identity::queue_box_key(*seed);
      // Only the key that the organisation signed; a grant by itself proves nothing.
      if (key.public_key == queue->box_key)
        queue_keys_.insert_or_assign(queue->kid, std::move(key));
    }
    has_grants_ = true;
  }
  const auto found = queue_keys_.find(kid);
  return found == queue_keys_.end() ? nullptr : &found->second;
}

Caseworker::OpenedText Caseworker::open_text(const SealedText& text, const crypto::Id& report,
                                             bool first) {
  const auto& [record_bytes, message, wraps] = text;
  std::optional<identity::IntakeRecord> record;
  for (const auto& gateway : directory().services("gateway"))
    if (const auto verified = identity::verify_intake(record_bytes, gateway)) record = *verified;
  if (!record || record->report_id != report || record->first != first ||
      record->message_digest != identity::envelope_digest(message))
    refuse_report();
  const auto message_id = identity::claimed_message_id(message);
  if (!message_id || wraps.size() % identity::box_envelope_size != 0) refuse_report();

  for (std::size_t at = 0; at < wraps.size(); at += identity::box_envelope_size) {
    const auto wrap = crypto::View{wraps}.subspan(at, identity::box_envelope_size);
    const auto recipient = identity::wrap_recipient(wrap);
    const auto* key = recipient ? queue_key(recipient->kid) : nullptr;
    if (key == nullptr) continue;
    const auto text_key = identity::open_key_wrap(wrap, report, *message_id, *recipient, *key);
    if (!text_key) refuse_report();
    const auto plain = identity::open_text(message, record->hour, report, *message_id, *text_key);
    if (!plain) refuse_report();
    auto content = identity::decode_message(*plain);
    if (!content) refuse_report();
    return {*record, std::move(*content)};
  }
  throw CaseworkerError{"the report is not sealed to a queue whose key you have",
                        "ask a lead of the queue to grant you its key"};
}

OpenedReport Caseworker::open(const std::string& report_id) {
  const auto id = crypto::from_hex_exact<16>(report_id);
  if (!id)
    throw CaseworkerError{"this is not a report id",
                          "take one of 32 digits from `ishara queue list NAME`"};
  directory();
  OpenedReport out;
  auto row = parse_object(get("/reports/" + crypto::hex(*id)));
  const auto texts = row["texts"];
  row.erase("texts");
  if (id_at<16>(row, "id") != *id || !texts.is_array() || texts.get_array().empty())
    refuse_report();
  for (const auto& entry : texts.get_array()) {
    const auto& text = object_of(entry);
    const bool first = out.texts.empty();
    auto opened = open_text(
        {bytes_at(text, "record"), bytes_at(text, "message"), bytes_at(text, "wraps")}, *id, first);
    if (first) out.record = opened.record;
    out.texts.push_back(std::move(opened.content));
  }
  if (const auto* queue = directory().queue(out.record.queue_id)) out.queue = queue->name;
  const auto differs = [&](std::string_view name, const json::value& is_signed) {
    if (row[name] != is_signed) out.flagged.emplace_back(name);
  };
  differs("class", std::int64_t{out.record.consent_class});
  differs("urgent", out.record.urgent);
  for (const auto* name : {"class", "urgent", "queue", "hour"}) row.erase(name);
  out.row = json::serialize(row);
  return out;
}

}  // namespace ishara::commands
