#include "gateway/commands/desk_client.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "gateway/commands/desk_answers.hpp"
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

using Fields = std::vector<std::pair<std::string, std::string>>;

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

std::uint64_t unix_time() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

[[noreturn]] void refuse(const http::Response& response) {
  boost::system::error_code error;
  const auto problem = json::parse(response.body, error);
  const auto* detail =
      !error && problem.is_object() ? problem.get_object().if_contains("detail") : nullptr;
  throw DeskRefusal{response.status,
                    response.status == 410
                        ? "this report is gone"
                        : "the desk refuses this (" + std::to_string(response.status) + ")",
                    detail != nullptr && detail->is_string() ? printable(detail->get_string())
                                                             : "is --desk the address of a desk?"};
}

}  // namespace

http::Response fetch_from_desk(const http::Origin& desk, http::Method method,
                               const std::string& path, Fields fields, std::string_view body,
                               const crypto::SigningKey* signer) {
  boost::system::result<http::Response> response = http::errc::lost;
  // A POST is named by its Idempotency-Key, so what may have arrived may be sent again.
  for (int attempt = 0; attempt < 2 && !response && response.error() == http::errc::lost;
       ++attempt) {
    http::Request request;
    request.method = method;
    request.target = crypto::wiped_copy("/api/v1" + path);
    for (const auto& [name, value] : fields)
      request.fields.push_back({name, crypto::wiped_copy(value)});
    request.body = crypto::wiped_copy(body);
    if (signer != nullptr) {
      const auto signature =
          desk::sign_request(request, *signer, unix_time(), crypto::random_bytes<16>());
      request.fields.push_back({"ishara-signature", crypto::wiped_copy(signature)});
    }
    response = http::blocking::fetch(desk, std::move(request), {.body = 64 * 1024 * 1024});
  }
  if (!response)
    throw CommandError{"the desk does not answer: " + response.error().message(),
                       "check --desk, and that `ishara desk` runs there"};
  if (response->status >= 400) refuse(*response);
  return std::move(*response);
}

DeskClient::DeskClient(Settings settings, std::string_view passphrase)
    : settings_{std::move(settings)} {
  const auto file = config::read_key_file(settings_.key_file, identity::user_file_size);
  if (!file)
    throw CommandError{"your key file: " + file.error().message(),
                       "name it with --key; it is yours alone: chmod 600 it"};
  const auto parts = identity::split_user_file(*file);
  if (!parts) throw CommandError{"your key file is not one", "name another with --key"};
  const auto seed = identity::blocking_open_user_key(parts->user_key, parts->user_id, passphrase);
  if (!seed)
    throw CommandError{"the passphrase does not open this key", "type it again, spaces included"};
  user_id_ = parts->user_id;
  signing_key_ = identity::user_signing_key(*seed);
  box_key_ = identity::user_box_key(*seed);
}

std::string DeskClient::get(const std::string& path) {
  return fetch_from_desk(settings_.desk, http::Method::get, path, {}, {}, &signing_key_).body;
}

std::optional<std::string> DeskClient::post(const std::string& path, bool conditional) {
  Fields fields{{"idempotency-key", crypto::hex(crypto::random_bytes<16>())}};
  // Any state will do: what counts is the lease, which the store checks.
  if (conditional) fields.emplace_back("if-match", "*");
  auto response = fetch_from_desk(settings_.desk, http::Method::post, path, std::move(fields), {},
                                  &signing_key_);
  if (response.status == 204) return std::nullopt;
  return std::move(response.body);
}

http::Response DeskClient::send(const std::string& path, const std::string& body) {
  return fetch_from_desk(settings_.desk, http::Method::post, path,
                         {{"idempotency-key", crypto::hex(crypto::random_bytes<16>())},
                          {"content-type", "application/json"}},
                         body, &signing_key_);
}

const identity::Directory& DeskClient::directory() {
  if (directory_) return *directory_;
  const auto answer = answers::object(get("/rosters"));
  std::vector<RosterEntry> entries;
  for (const auto& entry : answers::array(answer, "rosters")) {
    const auto& object = answers::object(entry);
    entries.push_back({answers::hex<16>(object, "issuer"), answers::small_number(object, "version"),
                       answers::bytes(answers::member(object, "bytes")),
                       answers::bytes(answers::member(object, "signature"))});
  }
  const std::string advice =
      "do not go on; compare the root key on your enrolment sheet, and tell your lead";
  auto verified =
      identity::Directory::verified_rows(identity::rows_of(entries), settings_.root_key);
  if (!verified)
    throw CommandError{"the desk's rosters are not valid: " + verified.error().message(), advice};
  const auto seen = identity::read_seen_rosters(seen_file(settings_.key_file));
  if (!seen)
    throw CommandError{"the roster versions beside your key file: " + seen.error().message(),
                       "do not remove them; ask your lead how they came to change"};
  if (verified->is_older_than(*seen))
    throw CommandError{"the desk shows older rosters than it did before", advice};

  // The own-key check: whoever swaps keys in a roster is seen by the person whose key it was.
  const auto* self = verified->member(user_id_);
  if (self == nullptr || self->signing_key != signing_key_.public_key ||
      self->box_key != box_key_.public_key)
    throw CommandError{"the rosters hold another key for you than yours", advice};
  if (!identity::write_seen_rosters(seen_file(settings_.key_file), verified->versions()))
    throw CommandError{"cannot remember the roster versions beside your key file",
                       "make its folder writable for you"};
  rosters_.clear();
  for (const auto& entry : entries) {
    identity::SignedRoster roster{entry.bytes, {}};
    std::ranges::copy(entry.signature, roster.signature.begin());
    const bool is_root = entry.issuer == crypto::Id{};
    rosters_.insert(is_root ? rosters_.begin() : rosters_.end(), std::move(roster));
  }
  directory_ = std::move(*verified);
  return *directory_;
}

const std::vector<identity::SignedRoster>& DeskClient::rosters() {
  directory();
  return rosters_;
}

bool DeskClient::has_role(std::string_view role) {
  const auto& roles = directory().member(user_id_)->roles;
  return std::ranges::find(roles, role) != roles.end();
}

}  // namespace ishara::commands
