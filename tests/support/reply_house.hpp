#pragma once
// A deployment in memory with everybody whom a reply concerns: two helper queues and a police queue
// with one person each, a gateway, a relay and its epoch. For tests.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::tests {

struct Person {
  crypto::Secret<32> seed = crypto::random_secret<32>();
  crypto::Id id = crypto::random_bytes<16>();
  crypto::SigningKey key = identity::user_signing_key(seed);
};

struct ReplyHouse {
  // A Thursday at noon, UTC.
  static constexpr std::chrono::sys_seconds noon{std::chrono::sys_days{std::chrono::days{20'400}} +
                                                 std::chrono::hours{12}};
  static constexpr std::uint32_t hour_of(std::chrono::sys_seconds at) {
    return static_cast<std::uint32_t>(at.time_since_epoch() / std::chrono::hours{1});
  }

  crypto::SigningKey root = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey helpers = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey police = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey gateway = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey relay = crypto::signing_key(crypto::random_secret<32>());
  crypto::Secret<32> epoch_seed = crypto::random_secret<32>();
  identity::EpochKeys epoch_keys = identity::epoch_keys(epoch_seed);
  std::uint32_t epoch = static_cast<std::uint32_t>(noon.time_since_epoch().count() / 604'800);
  Person worker;     // of `intake`
  Person colleague;  // of `children`
  Person officer;    // of `station`
  Person stranger;   // of nothing
  crypto::Id intake = crypto::random_bytes<16>();
  crypto::Id children = crypto::random_bytes<16>();
  crypto::Id station = crypto::random_bytes<16>();
  crypto::Id report_id = crypto::random_bytes<16>();
  std::vector<identity::OrganisationRoster::FormerMember> former{};  // of the helpers

  identity::Directory directory(bool with_worker = true) const {
    using identity::OrganisationClass;
    identity::RootRoster roster;
    roster.deployment = deployment_;
    roster.version = 1;
    roster.organisations = {{helpers_, "Helpers", OrganisationClass::ngo, helpers.public_key},
                            {police_, "Police", OrganisationClass::police, police.public_key}};
    roster.services = {{gateway.public_key, "gateway"}, {relay.public_key, "relay"}};
    auto ours = organisation(helpers_, {{intake, "intake"}, {children, "children"}});
    if (with_worker) add(ours, worker, intake);
    add(ours, colleague, children);
    ours.former = former;
    auto theirs = organisation(police_, {{station, "station"}});
    add(theirs, officer, station);
    const std::vector signed_rosters{identity::sign_roster(ours, helpers),
                                     identity::sign_roster(theirs, police)};
    return identity::Directory::verified(identity::sign_roster(roster, root), signed_rosters,
                                         root.public_key)
        .value();
  }

  identity::IntakeBytes first_intake(std::uint8_t consent_class = 0) const {
    identity::IntakeRecord record;
    record.consent_class = consent_class;
    record.first = true;
    record.hour = hour_of(noon) - 48;
    record.report_id = report_id;
    record.queue_id = intake;
    return identity::sign_intake(record, gateway);
  }

  // From `intake` to `to`, as the first transfer of this report.
  identity::StatementBytes transfer(const identity::IntakeBytes& first,
                                    const crypto::Id& to) const {
    identity::Statement out;
    out.hour = hour_of(noon) - 24;
    out.report_id = report_id;
    out.from_queue = intake;
    out.to_queue = to;
    out.previous = identity::origin_of(first);
    return identity::sign_statement(out, worker.key);
  }
  identity::StatementBytes consent(const identity::IntakeBytes& first) const {
    identity::Statement out;
    out.type = identity::StatementType::consent;
    out.consent_class = 1;
    out.hour = hour_of(noon) - 36;
    out.report_id = report_id;
    out.previous = identity::origin_of(first);
    return identity::sign_statement(out, gateway);
  }
  identity::StatementBytes withdrawal(const identity::IntakeBytes& first) const {
    identity::Statement out;
    out.type = identity::StatementType::withdraw;
    out.hour = hour_of(noon) - 1;
    out.report_id = report_id;
    out.previous = identity::origin_of(first);
    return identity::sign_statement(out, relay);
  }

  static identity::Reply text(std::string_view words,
                              identity::ReplyMode mode = identity::ReplyMode::sms) {
    identity::Reply out;
    out.not_after = hour_of(noon) + 48;
    out.mode = mode;
    out.text = identity::Text{words};
    return out;
  }
  identity::ReplyEnvelope seal(const identity::Reply& reply, const crypto::Id& reply_id,
                               const Person& author) const {
    return identity::seal_reply(reply, report_id, reply_id, epoch, epoch_keys.box.public_key,
                                author.key)
        .value();
  }

 private:
  identity::OrganisationRoster organisation(
      const crypto::Id& id, const std::vector<std::pair<crypto::Id, std::string>>& queues) const {
    identity::OrganisationRoster out;
    out.deployment = deployment_;
    out.organisation = id;
    out.version = 1;
    for (const auto& [queue, name] : queues)
      out.queues.push_back({queue, name, 0, crypto::box_key().public_key, {}});
    out.recovery_key = crypto::box_key().public_key;
    return out;
  }
  static void add(identity::OrganisationRoster& roster, const Person& person,
                  const crypto::Id& queue) {
    roster.members.push_back({person.id,
                              person.key.public_key,
                              identity::user_box_key(person.seed).public_key,
                              {"caseworker"},
                              {queue}});
  }

  crypto::Id deployment_ = crypto::random_bytes<16>();
  crypto::Id helpers_ = crypto::random_bytes<16>();
  crypto::Id police_ = crypto::random_bytes<16>();
};

}  // namespace ishara::tests
