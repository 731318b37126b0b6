#include "gateway/commands/founding.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/user_file.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {
namespace {

crypto::WipedBytes copy(crypto::View bytes) { return {bytes.begin(), bytes.end()}; }

identity::OrganisationClass class_of(routing::QueueClass queue_class) {
  switch (queue_class) {
    case routing::QueueClass::ngo:
      return identity::OrganisationClass::ngo;
    case routing::QueueClass::police:
      return identity::OrganisationClass::police;
    case routing::QueueClass::other:
      return identity::OrganisationClass::other;
  }
  return identity::OrganisationClass::other;
}

// A new signing key whose seed goes to `path`.
crypto::SigningKey signing_key(Founding& founding, const std::filesystem::path& path) {
  const auto seed = crypto::random_secret<32>();
  founding.files.push_back({path, copy(seed.reveal())});
  return crypto::signing_key(seed);
}

crypto::SigningKey offline_signing_key(Founding& founding, const std::filesystem::path& path,
                                       identity::KeyKind kind, const crypto::Id& id) {
  auto seed = crypto::random_secret<32>();
  auto key = crypto::signing_key(seed);
  founding.offline_keys.push_back({path, {kind, id, std::move(seed)}});
  return key;
}

storage::Roster row(const crypto::Id& issuer, const identity::SignedRoster& roster) {
  return {.issuer = issuer,
          .version = 1,
          .bytes = roster.bytes,
          .signature = {roster.signature.begin(), roster.signature.end()}};
}

storage::QueueGrant grant(const crypto::Secret<32>& queue_seed, const crypto::Id& queue,
                          const crypto::Id& holder, const crypto::PublicKey& holder_key) {
  auto envelope = identity::seal_queue_grant(queue_seed, queue, holder, 0, holder_key);
  return {.queue_id = queue,
          .user_id = holder,
          .generation = 0,
          .envelope = std::move(envelope).value()};  // the key is fresh, so it cannot be low-order
}

// A new person of the organisation, whose key and passphrase go to files.
identity::OrganisationRoster::Member blocking_member(Founding& founding,
                                                     const std::string& organisation,
                                                     const std::string& role,
                                                     std::vector<std::string> roles) {
  const auto seed = crypto::random_secret<32>();
  const auto id = crypto::random_bytes<16>();
  auto passphrase = identity::new_passphrase(identity::Passphrase::words);
  const auto name = organisation + "-" + role;
  const auto file =
      identity::join({id, identity::blocking_seal_user_key(seed, id, crypto::view(passphrase))});
  founding.files.push_back({"users/" + name + ".key", copy(file)});
  founding.files.push_back(
      {"users/" + name + ".passphrase", copy(crypto::bytes_of(crypto::view(passphrase)))});
  founding.members.push_back({name, organisation, role, std::move(passphrase)});
  return {.id = id,
          .signing_key = identity::user_signing_key(seed).public_key,
          .box_key = identity::user_box_key(seed).public_key,
          .roles = std::move(roles),
          .queues = {}};
}

}  // namespace

ServiceKeys make_service_keys(Founding& founding) {
  ServiceKeys keys;
  keys.gateway = signing_key(founding, "keys/gateway.key").public_key;
  keys.relay = signing_key(founding, "keys/relay.key").public_key;
  const auto host = crypto::random_secret<32>();
  founding.files.push_back({"keys/host.key", copy(host.reveal())});
  const auto dedupe = crypto::random_secret<32>();
  founding.files.push_back({"keys/dedupe.key", copy(dedupe.reveal())});
  return keys;
}

std::string services_request(
    std::string_view deployment,
    const std::vector<std::pair<std::string, crypto::PublicKey>>& services) {
  namespace json = boost::json;
  json::array list;
  for (const auto& [use, key] : services)
    list.push_back(
        json::object{{"use", use},
                     {"pk", crypto::hex(key)},
                     {"words", identity::key_fingerprint(identity::KeyKind::service, key)}});
  return json::serialize(
             json::object{{"deployment_name", deployment}, {"services", std::move(list)}}) +
         "\n";
}

Founding blocking_found(const routing::Table& table) {
  Founding founding;
  identity::RootRoster root_roster;
  root_roster.deployment = crypto::random_bytes<16>();
  const auto root = offline_signing_key(founding, "custody/root.key", identity::KeyKind::root,
                                        root_roster.deployment);
  founding.root_key = root.public_key;
  const auto services = make_service_keys(founding);

  root_roster.version = 1;
  root_roster.services = {{services.gateway, "gateway"}, {services.relay, "relay"}};

  // Ids first, since a fallback may lie in another organisation.
  std::map<std::string, crypto::Id, std::less<>> queue_ids;
  std::map<std::string, std::vector<const routing::Queue*>> organisations;
  for (const auto& queue : table.queues()) {
    queue_ids.emplace(queue.name.view(), crypto::random_bytes<16>());
    organisations[std::string{queue.organisation.view()}].push_back(&queue);
  }

  for (const auto& [name, queues] : organisations) {
    identity::OrganisationRoster roster;
    roster.deployment = root_roster.deployment;
    roster.organisation = crypto::random_bytes<16>();
    const auto key = offline_signing_key(founding, "custody/organisation-" + name + ".key",
                                         identity::KeyKind::organisation, roster.organisation);
    auto recovery_seed = crypto::random_secret<32>();
    const auto recovery = crypto::box_key(recovery_seed);
    founding.offline_keys.push_back(
        {"custody/recovery-" + name + ".key",
         {identity::KeyKind::recovery, roster.organisation, std::move(recovery_seed)}});
    roster.version = 1;
    roster.recovery_key = recovery.public_key;

    auto caseworker = blocking_member(founding, name, "caseworker", {"caseworker", "lead"});

    for (const auto* queue : queues) {
      const auto id = queue_ids.find(queue->name.view())->second;
      const auto seed = crypto::random_secret<32>();
      roster.queues.push_back({.id = id,
                               .name = std::string{queue->name.view()},
                               .generation = 0,
                               .box_key = identity::queue_box_key(seed).public_key,
                               .fallback = {}});
      if (queue->fallback)
        roster.queues.back().fallback = queue_ids.find(queue->fallback->view())->second;
      caseworker.queues.push_back(id);
      founding.grants.push_back(grant(seed, id, caseworker.id, caseworker.box_key));
      founding.grants.push_back(grant(seed, id, roster.organisation, recovery.public_key));
    }
    roster.members.push_back(std::move(caseworker));
    roster.members.push_back(blocking_member(founding, name, "admin", {"admin"}));
    roster.members.push_back(blocking_member(founding, name, "auditor", {"auditor"}));

    root_roster.organisations.push_back({.id = roster.organisation,
                                         .name = name,
                                         .organisation_class = class_of(queues[0]->queue_class),
                                         .signing_key = key.public_key});
    founding.rosters.push_back(row(roster.organisation, identity::sign_roster(roster, key)));
  }

  founding.rosters.insert(founding.rosters.begin(),
                          row({}, identity::sign_roster(root_roster, root)));
  return founding;
}

void blocking_seal_offline_keys(Founding& founding) {
  for (const auto& [path, key] : founding.offline_keys) {
    const auto passphrase = identity::new_passphrase(identity::Passphrase::words);
    auto beside = path;
    beside.replace_extension(".passphrase");
    founding.files.push_back(
        {path, copy(identity::blocking_seal_key(key, crypto::view(passphrase)))});
    founding.files.push_back({beside, copy(crypto::bytes_of(crypto::view(passphrase)))});
  }
}

}  // namespace ishara::commands
