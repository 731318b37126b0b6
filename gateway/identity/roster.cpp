#include "gateway/identity/roster.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <set>

#include "gateway/crypto/encoding.hpp"

namespace ishara::identity {
namespace {

namespace json = boost::json;
using boost::system::result;

constexpr std::string_view domain = "ishara/v1/roster";

struct RosterCategory final : boost::system::error_category {
  const char* name() const noexcept override { return "ishara.roster"; }
  std::string message(int code) const override {
    switch (static_cast<roster_errc>(code)) {
      case roster_errc::not_json:
        return "the roster is no JSON object";
      case roster_errc::missing_field:
        return "a field of the roster is missing or malformed";
      case roster_errc::bad_signature:
        return "the roster is not signed by the expected key";
      case roster_errc::wrong_deployment:
        return "the roster belongs to another deployment";
      case roster_errc::older_version:
        return "the roster is older than one seen before";
      case roster_errc::unknown_reference:
        return "the roster names a queue or organisation that does not exist";
      case roster_errc::duplicate:
        return "an id, name or key stands twice in the rosters";
      case roster_errc::class_mismatch:
        return "a fallback queue belongs to an organisation of another class";
      case roster_errc::missing_root:
        return "the root roster is missing";
      case roster_errc::row_mismatch:
        return "a roster is stored as another issuer's or version than it is signed";
      case roster_errc::not_earlier:
        return "an earlier key of a queue is not of a lower generation than its present one";
    }
    return "unknown";
  }
};

SignedRoster signed_json(const json::value& value, const crypto::SigningKey& key) {
  const auto text = json::serialize(value);
  SignedRoster out;
  out.bytes.assign(text.begin(), text.end());
  out.signature = crypto::sign(domain, {out.bytes}, key);
  return out;
}

// Reads fields of one object and remembers whether any was missing or malformed.
class Fields {
 public:
  Fields(const json::object& object, bool& good) : object_{object}, good_{good} {}

  std::string text(std::string_view name) {
    const auto* value = find(name);
    const auto* string = value ? value->if_string() : nullptr;
    if (!string) return bad<std::string>();
    return std::string{*string};
  }
  std::uint64_t number(std::string_view name) {
    const auto* value = find(name);
    const auto* integer = value ? value->if_int64() : nullptr;
    if (!integer || *integer < 0) return bad<std::uint64_t>();
    return static_cast<std::uint64_t>(*integer);
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> bytes(std::string_view name) {
    const auto out = crypto::from_hex_exact<N>(text(name));
    return out ? *out : bad<std::array<std::uint8_t, N>>();
  }
  template <std::size_t N>
  std::optional<std::array<std::uint8_t, N>> optional_bytes(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (!value || value->is_null()) return std::nullopt;
    return bytes<N>(name);
  }
  std::uint32_t small_number(std::string_view name) {
    const auto out = number(name);
    return out <= UINT32_MAX ? static_cast<std::uint32_t>(out) : bad<std::uint32_t>();
  }
  // The fields that came later are left out where there is nothing to say.
  bool has(std::string_view name) const { return object_.contains(name); }
  bool flag(std::string_view name) {
    if (!has(name)) return false;
    const auto* value = find(name)->if_bool();
    return value ? *value : bad<bool>();
  }
  template <class F>
  void each_if_any(std::string_view name, F&& read) {
    if (has(name)) each(name, std::forward<F>(read));
  }
  template <class F>
  void each(std::string_view name, F&& read) {
    const auto* value = find(name);
    const auto* array = value ? value->if_array() : nullptr;
    if (!array) {
      good_ = false;
      return;
    }
    for (const auto& entry : *array) {
      if constexpr (std::is_invocable_v<F, Fields>) {
        const auto* object = entry.if_object();
        if (object)
          read(Fields{*object, good_});
        else
          good_ = false;
      } else {
        const auto* string = entry.if_string();
        if (string)
          read(std::string_view{*string});
        else
          good_ = false;
      }
    }
  }
  void fail() { good_ = false; }

 private:
  const json::value* find(std::string_view name) {
    const auto* value = object_.if_contains(name);
    if (!value) good_ = false;
    return value;
  }
  template <class T>
  T bad() {
    good_ = false;
    return {};
  }
  const json::object& object_;
  bool& good_;
};

// Checks the signature, then hands the object to `read`.
template <class Roster, class F>
result<Roster> verified_json(const SignedRoster& roster, const crypto::PublicKey& key, F&& read) {
  if (!crypto::verify(domain, {roster.bytes}, roster.signature, key))
    return roster_errc::bad_signature;
  boost::system::error_code error;
  const auto value = json::parse(
      std::string_view{reinterpret_cast<const char*>(roster.bytes.data()), roster.bytes.size()},
      error);
  const auto* object = error ? nullptr : value.if_object();
  if (!object) return roster_errc::not_json;
  bool good = true;
  Roster out;
  read(Fields{*object, good}, out);
  if (!good) return roster_errc::missing_field;
  return out;
}

OrganisationClass class_named(std::string_view name, Fields& fields) {
  for (const auto value :
       {OrganisationClass::ngo, OrganisationClass::police, OrganisationClass::other})
    if (name == name_of(value)) return value;
  fields.fail();
  return OrganisationClass::other;
}

}  // namespace

const boost::system::error_category& roster_category() noexcept {
  static const RosterCategory category;
  return category;
}

std::string_view name_of(OrganisationClass value) noexcept {
  switch (value) {
    case OrganisationClass::ngo:
      return "ngo";
    case OrganisationClass::police:
      return "police";
    case OrganisationClass::other:
      return "other";
  }
  return "other";
}

SignedRoster sign_roster(const RootRoster& roster, const crypto::SigningKey& root) {
  json::array organisations;
  for (const auto& entry : roster.organisations)
    organisations.push_back({{"id", crypto::hex(entry.id)},
                             {"name", entry.name},
                             {"class", name_of(entry.organisation_class)},
                             {"sign_pk", crypto::hex(entry.signing_key)}});
  json::array services;
  for (const auto& entry : roster.services) {
    json::object service{{"kid", crypto::hex(crypto::key_id(entry.public_key))},
                         {"pk", crypto::hex(entry.public_key)},
                         {"use", entry.use}};
    if (entry.until) service["until"] = *entry.until;
    services.push_back(std::move(service));
  }
  return signed_json({{"deployment", crypto::hex(roster.deployment)},
                      {"version", roster.version},
                      {"prev", crypto::hex(roster.previous)},
                      {"orgs", std::move(organisations)},
                      {"services", std::move(services)}},
                     root);
}

SignedRoster sign_roster(const OrganisationRoster& roster, const crypto::SigningKey& organisation) {
  json::array queues;
  for (const auto& entry : roster.queues) {
    json::object queue{{"id", crypto::hex(entry.id)},
                       {"name", entry.name},
                       {"generation", entry.generation},
                       {"box_pk", crypto::hex(entry.box_key)},
                       {"fallback", nullptr}};
    if (entry.fallback) queue["fallback"] = crypto::hex(*entry.fallback);
    json::array earlier;
    for (const auto& key : entry.earlier)
      earlier.push_back({{"generation", key.generation}, {"box_pk", crypto::hex(key.box_key)}});
    if (!earlier.empty()) queue["earlier"] = std::move(earlier);
    if (entry.retired) queue["retired"] = true;
    queues.push_back(std::move(queue));
  }
  json::array members;
  for (const auto& entry : roster.members) {
    json::array roles(entry.roles.begin(), entry.roles.end());
    json::array member_queues;
    for (const auto& id : entry.queues) member_queues.emplace_back(crypto::hex(id));
    members.push_back({{"id", crypto::hex(entry.id)},
                       {"sign_pk", crypto::hex(entry.signing_key)},
                       {"box_pk", crypto::hex(entry.box_key)},
                       {"roles", std::move(roles)},
                       {"queues", std::move(member_queues)}});
  }
  json::object whole{{"deployment", crypto::hex(roster.deployment)},
                     {"org", crypto::hex(roster.organisation)},
                     {"version", roster.version},
                     {"prev", crypto::hex(roster.previous)},
                     {"queues", std::move(queues)},
                     {"members", std::move(members)},
                     {"recovery", crypto::hex(roster.recovery_key)}};
  json::array former, transfers;
  for (const auto& entry : roster.former)
    former.push_back({{"id", crypto::hex(entry.id)}, {"sign_pk", crypto::hex(entry.signing_key)}});
  for (const auto& hash : roster.transfers) transfers.emplace_back(crypto::hex(hash));
  if (!former.empty()) whole["former"] = std::move(former);
  if (!transfers.empty()) whole["transfers"] = std::move(transfers);
  return signed_json(std::move(whole), organisation);
}

result<RootRoster> verify_root(const SignedRoster& roster, const crypto::PublicKey& root) {
  return verified_json<RootRoster>(roster, root, [](Fields fields, RootRoster& out) {
    out.deployment = fields.bytes<16>("deployment");
    out.version = fields.number("version");
    out.previous = fields.bytes<32>("prev");
    fields.each("orgs", [&](Fields entry) {
      auto& organisation = out.organisations.emplace_back();
      organisation.id = entry.bytes<16>("id");
      organisation.name = entry.text("name");
      organisation.organisation_class = class_named(entry.text("class"), entry);
      organisation.signing_key = entry.bytes<32>("sign_pk");
    });
    fields.each("services", [&](Fields entry) {
      auto& service = out.services.emplace_back();
      service.public_key = entry.bytes<32>("pk");
      service.use = entry.text("use");
      if (entry.has("until")) service.until = entry.small_number("until");
      if (entry.bytes<16>("kid") != crypto::key_id(service.public_key)) entry.fail();
    });
  });
}

result<OrganisationRoster> verify_organisation(const SignedRoster& roster,
                                               const crypto::PublicKey& key) {
  return verified_json<OrganisationRoster>(roster, key, [](Fields fields, OrganisationRoster& out) {
    out.deployment = fields.bytes<16>("deployment");
    out.organisation = fields.bytes<16>("org");
    out.version = fields.number("version");
    out.previous = fields.bytes<32>("prev");
    out.recovery_key = fields.bytes<32>("recovery");
    fields.each("queues", [&](Fields entry) {
      auto& queue = out.queues.emplace_back();
      queue.id = entry.bytes<16>("id");
      queue.name = entry.text("name");
      queue.generation = entry.small_number("generation");
      queue.box_key = entry.bytes<32>("box_pk");
      queue.fallback = entry.optional_bytes<16>("fallback");
      entry.each_if_any("earlier", [&](Fields former) {
        queue.earlier.push_back({former.small_number("generation"), former.bytes<32>("box_pk")});
      });
      queue.retired = entry.flag("retired");
    });
    fields.each("members", [&](Fields entry) {
      auto& member = out.members.emplace_back();
      member.id = entry.bytes<16>("id");
      member.signing_key = entry.bytes<32>("sign_pk");
      member.box_key = entry.bytes<32>("box_pk");
      entry.each("roles", [&](std::string_view role) { member.roles.emplace_back(role); });
      entry.each("queues", [&](std::string_view queue) {
        const auto id = crypto::from_hex_exact<16>(queue);
        if (id)
          member.queues.push_back(*id);
        else
          entry.fail();
      });
    });
    fields.each_if_any("former", [&](Fields entry) {
      out.former.push_back({entry.bytes<16>("id"), entry.bytes<32>("sign_pk")});
    });
    fields.each_if_any("transfers", [&](std::string_view hash) {
      const auto id = crypto::from_hex_exact<16>(hash);
      if (id)
        out.transfers.push_back(*id);
      else
        fields.fail();
    });
  });
}

namespace {

// The signature says whose roster it is; what the bytes claim must agree.
result<OrganisationRoster> verify_listed(const SignedRoster& signed_roster,
                                         const RootRoster& root) {
  for (const auto& organisation : root.organisations) {
    auto roster = verify_organisation(signed_roster, organisation.signing_key);
    if (!roster && roster.error() == make_error_code(roster_errc::bad_signature)) continue;
    if (!roster) return roster.error();
    if (roster->deployment != root.deployment) return roster_errc::wrong_deployment;
    if (roster->organisation != organisation.id) return roster_errc::unknown_reference;
    return roster;
  }
  return roster_errc::bad_signature;
}

result<SignedRoster> signed_roster_of(const RosterRow& row) {
  SignedRoster out{{row.bytes.begin(), row.bytes.end()}, {}};
  if (row.signature.size() != out.signature.size()) return roster_errc::bad_signature;
  std::ranges::copy(row.signature, out.signature.begin());
  return out;
}

}  // namespace

result<Directory> Directory::verified(const SignedRoster& root,
                                      std::span<const SignedRoster> organisations,
                                      const crypto::PublicKey& root_key) {
  auto root_roster = verify_root(root, root_key);
  if (!root_roster) return root_roster.error();
  std::vector<OrganisationRoster> rosters;
  for (const auto& organisation : organisations) {
    auto roster = verify_listed(organisation, *root_roster);
    if (!roster) return roster.error();
    rosters.push_back(std::move(*roster));
  }
  return joined(std::move(*root_roster), std::move(rosters), root_key);
}

result<Directory> Directory::verified_rows(std::span<const RosterRow> rows,
                                           const crypto::PublicKey& root_key) {
  const auto root_row = std::ranges::find(rows, crypto::Id{}, &RosterRow::issuer);
  if (root_row == rows.end()) return roster_errc::missing_root;
  const auto signed_root = signed_roster_of(*root_row);
  if (!signed_root) return signed_root.error();
  auto root = verify_root(*signed_root, root_key);
  if (!root) return root.error();
  if (root->version != root_row->version) return roster_errc::row_mismatch;

  std::vector<OrganisationRoster> rosters;
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    if (row == root_row) continue;
    if (row->issuer == crypto::Id{}) return roster_errc::duplicate;
    const auto signed_roster = signed_roster_of(*row);
    if (!signed_roster) return signed_roster.error();
    auto roster = verify_listed(*signed_roster, *root);
    if (!roster) return roster.error();
    if (roster->organisation != row->issuer || roster->version != row->version)
      return roster_errc::row_mismatch;
    rosters.push_back(std::move(*roster));
  }
  return joined(std::move(*root), std::move(rosters), root_key);
}

result<Directory> Directory::joined(RootRoster root, std::vector<OrganisationRoster> organisations,
                                    const crypto::PublicKey& root_key) {
  Directory out;
  out.root_key_ = root_key;
  out.root_ = std::move(root);
  out.versions_.resize(out.root_.organisations.size());

  std::set<crypto::Id> ids;
  std::set<crypto::PublicKey> keys;
  std::set<std::string, std::less<>> names;
  for (const auto& organisation : out.root_.organisations)
    if (!ids.insert(organisation.id).second || !keys.insert(organisation.signing_key).second)
      return roster_errc::duplicate;
  for (const auto& service : out.root_.services)
    if (!keys.insert(service.public_key).second) return roster_errc::duplicate;

  for (auto& roster : organisations) {
    const auto listed = std::ranges::find(out.root_.organisations, roster.organisation,
                                          &RootRoster::Organisation::id);
    const auto& organisation = *listed;
    auto& version =
        out.versions_[static_cast<std::size_t>(listed - out.root_.organisations.begin())];
    if (std::exchange(version, roster.version) != 0 || roster.version == 0)
      return roster_errc::duplicate;
    out.recovery_keys_.emplace(organisation.id, roster.recovery_key);

    for (auto& queue : roster.queues) {
      if (!ids.insert(queue.id).second || !keys.insert(queue.box_key).second ||
          !names.insert(queue.name).second)
        return roster_errc::duplicate;
      std::vector<EarlierKey> earlier;
      std::set<std::uint32_t> generations;
      for (const auto& key : queue.earlier) {
        if (!keys.insert(key.box_key).second || !generations.insert(key.generation).second)
          return roster_errc::duplicate;
        if (key.generation >= queue.generation) return roster_errc::not_earlier;
        earlier.push_back({key.generation, key.box_key, crypto::key_id(key.box_key)});
      }
      out.queues_.push_back({.id = queue.id,
                             .name = std::move(queue.name),
                             .organisation = organisation.id,
                             .organisation_class = organisation.organisation_class,
                             .generation = queue.generation,
                             .box_key = queue.box_key,
                             .kid = crypto::key_id(queue.box_key),
                             .fallback = queue.fallback,
                             .has_members = false,
                             .earlier = std::move(earlier),
                             .retired = queue.retired});
    }
    for (auto& member : roster.members) {
      if (!ids.insert(member.id).second || !keys.insert(member.signing_key).second ||
          !keys.insert(member.box_key).second)
        return roster_errc::duplicate;
      out.members_.push_back({.id = member.id,
                              .organisation = organisation.id,
                              .signing_key = member.signing_key,
                              .signing_kid = crypto::key_id(member.signing_key),
                              .box_key = member.box_key,
                              .roles = std::move(member.roles),
                              .queues = std::move(member.queues)});
    }
    for (const auto& former : roster.former) {
      if (!ids.insert(former.id).second || !keys.insert(former.signing_key).second)
        return roster_errc::duplicate;
      out.former_.push_back({former.id, organisation.id, former.signing_key});
    }
    for (const auto& hash : roster.transfers)
      if (!out.transfers_.emplace(organisation.id, hash).second) return roster_errc::duplicate;
  }

  for (auto& queue : out.queues_) {
    if (!queue.fallback) continue;
    const auto* fallback = out.queue(*queue.fallback);
    if (!fallback || fallback == &queue) return roster_errc::unknown_reference;
    if (fallback->organisation_class != queue.organisation_class)
      return roster_errc::class_mismatch;
    // Another organisation may retire its queue at any time; that must not make this roster bad.
    if (fallback->retired) queue.fallback.reset();
  }
  for (const auto& member : out.members_) {
    for (const auto& id : member.queues) {
      const auto found = std::ranges::find(out.queues_, id, &Queue::id);
      if (found == out.queues_.end() || found->organisation != member.organisation)
        return roster_errc::unknown_reference;
      if (!found->retired) found->has_members = true;
    }
  }
  return out;
}

RosterVersions Directory::versions() const {
  RosterVersions out{{crypto::Id{}, root_.version}};
  for (std::size_t i = 0; i < versions_.size(); ++i)
    out.emplace(root_.organisations[i].id, versions_[i]);
  return out;
}

bool Directory::is_older_than(const RosterVersions& seen) const {
  const auto own = versions();
  const auto seen_root = seen.find(crypto::Id{});
  const bool newer_root = seen_root != seen.end() && root_.version > seen_root->second;
  return std::ranges::any_of(seen, [&](const auto& entry) {
    const auto found = own.find(entry.first);
    if (found == own.end()) return !newer_root;  // only the root officers remove an organisation
    return found->second < entry.second;
  });
}

std::optional<crypto::PublicKey> Directory::recovery_key(
    const crypto::Id& organisation) const noexcept {
  const auto found = recovery_keys_.find(organisation);
  return found == recovery_keys_.end() ? std::nullopt : std::optional{found->second};
}

const Directory::Queue* Directory::queue(const crypto::Id& id) const noexcept {
  const auto found = std::ranges::find(queues_, id, &Queue::id);
  return found == queues_.end() ? nullptr : &*found;
}

const Directory::Queue* Directory::queue_named(std::string_view name) const noexcept {
  const auto found = std::ranges::find(queues_, name, &Queue::name);
  return found == queues_.end() ? nullptr : &*found;
}

const Directory::Member* Directory::member_by_kid(const crypto::Id& signing_kid) const noexcept {
  const auto found = std::ranges::find(members_, signing_kid, &Member::signing_kid);
  return found == members_.end() ? nullptr : &*found;
}

const Directory::Member* Directory::member(const crypto::Id& id) const noexcept {
  const auto found = std::ranges::find(members_, id, &Member::id);
  return found == members_.end() ? nullptr : &*found;
}

std::optional<Directory::QueueKey> Directory::queue_by_kid(const crypto::Id& kid) const noexcept {
  for (const auto& queue : queues_) {
    if (queue.kid == kid) return QueueKey{&queue, queue.generation, queue.box_key, true};
    for (const auto& key : queue.earlier)
      if (key.kid == kid) return QueueKey{&queue, key.generation, key.box_key, false};
  }
  return std::nullopt;
}

const Directory::FormerMember* Directory::former_member(const crypto::Id& id) const noexcept {
  const auto found = std::ranges::find(former_, id, &FormerMember::id);
  return found == former_.end() ? nullptr : &*found;
}

bool Directory::lists_transfer(const crypto::Id& organisation,
                               const crypto::Id& hash) const noexcept {
  return transfers_.contains({organisation, hash});
}

std::vector<RootRoster::Service> Directory::services(std::string_view use) const {
  std::vector<RootRoster::Service> out;
  for (const auto& service : root_.services)
    if (service.use == use) out.push_back(service);
  return out;
}

std::optional<std::uint64_t> Directory::last_hour(std::string_view use,
                                                  const crypto::PublicKey& key) const noexcept {
  for (const auto& service : root_.services)
    if (service.use == use && service.public_key == key)
      return service.until ? *service.until : std::numeric_limits<std::uint64_t>::max();
  return std::nullopt;
}

}  // namespace ishara::identity
