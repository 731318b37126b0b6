#pragma once
// A small deployment for tests: a gateway, a relay, two organisations of helpers with a queue each,
// one of the police, and a caseworker and an auditor for every queue. All keys are fresh. A test
// may change its rosters and verify them anew.

#include <vector>

#include "gateway/identity/keys.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::test {

struct Deployment {
  struct Queue {
    crypto::Id id = crypto::random_bytes<16>();
    crypto::BoxKey box = crypto::box_key();
    crypto::SigningKey caseworker = crypto::signing_key(crypto::random_secret<32>());
    crypto::SigningKey auditor = crypto::signing_key(crypto::random_secret<32>());
  };
  crypto::SigningKey gateway = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey relay = crypto::signing_key(crypto::random_secret<32>());
  Queue helpers;
  Queue others;
  Queue police;
  crypto::SigningKey root_key = crypto::signing_key(crypto::random_secret<32>());
  std::vector<crypto::SigningKey> organisation_keys{};
  identity::RootRoster root;
  std::vector<identity::OrganisationRoster> organisations;  // of helpers, others, police
  identity::Directory directory = found();

  boost::system::result<identity::Directory> verified() const {
    std::vector<identity::SignedRoster> rosters;
    for (std::size_t i = 0; i < organisations.size(); ++i)
      rosters.push_back(identity::sign_roster(organisations[i], organisation_keys[i]));
    return identity::Directory::verified(identity::sign_roster(root, root_key), rosters,
                                         root_key.public_key);
  }

 private:
  identity::Directory found() {
    using namespace identity;
    root.deployment = crypto::random_bytes<16>();
    root.version = 1;
    root.services = {{gateway.public_key, "gateway"}, {relay.public_key, "relay"}};
    const auto add = [&](const Queue& queue, std::string name, OrganisationClass kind) {
      auto key = crypto::signing_key(crypto::random_secret<32>());
      OrganisationRoster roster;
      roster.deployment = root.deployment;
      roster.organisation = crypto::random_bytes<16>();
      roster.version = 1;
      roster.queues = {{queue.id, name, 0, queue.box.public_key, {}}};
      const auto member = [&](const crypto::SigningKey& signing, std::string role) {
        roster.members.push_back({crypto::random_bytes<16>(),
                                  signing.public_key,
                                  crypto::box_key().public_key,
                                  {std::move(role)},
                                  {queue.id}});
      };
      member(queue.caseworker, "caseworker");
      member(queue.auditor, "auditor");
      root.organisations.push_back({roster.organisation, name, kind, key.public_key});
      organisations.push_back(std::move(roster));
      organisation_keys.push_back(std::move(key));
    };
    add(helpers, "helpers", OrganisationClass::ngo);
    add(others, "others", OrganisationClass::ngo);
    add(police, "police", OrganisationClass::police);
    return verified().value();
  }
};

}  // namespace ishara::test
