#include "gateway/identity/ownership.hpp"

#include <algorithm>
#include <map>

#include "gateway/identity/author.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;
using crypto::View;

bool is_police(const Id& queue, const Directory& directory) {
  const auto* found = directory.queue(queue);
  return found && found->organisation_class == OrganisationClass::police;
}

bool any_service_signed(View statement, std::string_view use, const Directory& directory) {
  return std::ranges::any_of(directory.services(use), [&](const RootRoster::Service& service) {
    const auto verified = verify_statement(statement, service.public_key);
    return verified && service.counts_in(verified->hour);
  });
}

// By somebody who works for the queue now; or by anybody who ever was in its organisation, if that
// says of this very statement that it counts. The hour in it proves nothing: it is the signer's.
bool member_signed(View statement, const Id& queue, const Directory& directory) {
  const auto signed_by = [&](const auto& person) {
    return verify_statement(statement, person.signing_key).has_value();
  };
  if (std::ranges::any_of(directory.members(), [&](const Directory::Member& member) {
        return works_for(member, queue) && signed_by(member);
      }))
    return true;
  const auto* const from = directory.queue(queue);
  if (!from || !directory.lists_transfer(from->organisation, statement_hash(statement)))
    return false;
  const auto of_the_organisation = [&](const auto& person) {
    return person.organisation == from->organisation && signed_by(person);
  };
  return std::ranges::any_of(directory.members(), of_the_organisation) ||
         std::ranges::any_of(directory.former_members(), of_the_organisation);
}

struct Signed {
  Statement statement;
  View bytes;
};

// The latest hour, and within it the withdrawal: the order within an hour is not signed, and to
// take a consent that was withdrawn would do more harm than to miss one that was given again.
bool later(const Signed& left, const Signed& right) {
  return left.statement.hour != right.statement.hour
             ? left.statement.hour > right.statement.hour
             : left.statement.consent_class < right.statement.consent_class;
}

// The earlier of two TRANSFERs that continue the same one; the hash makes the choice the same for
// everybody.
bool earlier(const Signed& left, const Signed& right) {
  return left.statement.hour != right.statement.hour
             ? left.statement.hour < right.statement.hour
             : statement_hash(left.bytes) < statement_hash(right.bytes);
}

// What consents and withdrawals say; they do not depend on the transfers.
class Report {
 public:
  Report(const Id& report_id, std::span<const View> statements, const Directory& directory)
      : directory_{directory} {
    for (const auto bytes : statements) {
      const auto statement = claimed_statement(bytes);
      if (statement && statement->report_id == report_id)
        statements_.push_back({*statement, bytes});
    }
  }

  void read_consents(View first_intake, Ownership& out) {
    const Signed* latest = nullptr;
    for (const auto& entry : statements_) {
      if (entry.statement.type != StatementType::consent ||
          entry.statement.previous != out.origin ||
          !any_service_signed(entry.bytes, "gateway", directory_))
        continue;
      (entry.statement.consent_class == 1 ? police_ever_ : withdrawn_ever_) = true;
      if (!latest || later(entry, *latest)) latest = &entry;
    }
    if (out.consent_class == 1) {
      police_ever_ = true;
      out.proof = first_intake;
    }
    if (!latest) return;
    out.consent_class = latest->statement.consent_class;
    out.proof = out.consent_class == 1 ? latest->bytes : View{};
  }

  void read_withdrawals(Ownership& out) const {
    for (const auto& entry : statements_) {
      const auto& [statement, bytes] = entry;
      if (statement.type != StatementType::withdraw || statement.previous != out.origin ||
          !any_service_signed(bytes, "relay", directory_))
        continue;
      const Ownership::Withdrawal found{statement.with_ref, statement.hour};
      if (!out.withdrawn || (found.with_ref && !out.withdrawn->with_ref) ||
          (found.with_ref == out.withdrawn->with_ref && found.hour < out.withdrawn->hour))
        out.withdrawn = found;
    }
  }

  // Each TRANSFER names the one before it by its hash, so there is no circle to run into.
  void follow_transfers(Ownership& out) const {
    out.last = out.origin;
    auto helpers = out.owner;
    while (const auto* next = next_transfer(helpers, out)) {
      const auto& transfer = next->statement;
      std::erase(out.kept, transfer.from_queue);
      std::erase(out.kept, transfer.to_queue);
      if (transfer.keeps_wraps) out.kept.push_back(transfer.from_queue);
      out.owner = transfer.to_queue;
      out.last = statement_hash(next->bytes);
      if (!is_police(out.owner, directory_)) helpers = out.owner;
    }
    if (out.consent_class == 1) return;
    out.owner = helpers;
    std::erase_if(out.kept, [&](const Id& queue) {
      return queue == helpers || is_police(queue, directory_);
    });
  }

 private:
  // The owner gives the report away; once the reporter has taken the consent back, the queue before
  // the police may do it in their place.
  bool may_give(const Id& queue, const Id& helpers, const Ownership& out) const {
    return queue == out.owner || (withdrawn_ever_ && queue == helpers);
  }

  const Signed* next_transfer(const Id& helpers, Ownership& out) const {
    const Signed* next = nullptr;
    for (const auto& entry : statements_) {
      const auto& [statement, bytes] = entry;
      if (statement.type != StatementType::transfer || statement.previous != out.last ||
          !may_give(statement.from_queue, helpers, out) || !directory_.queue(statement.to_queue) ||
          (is_police(statement.to_queue, directory_) && !police_ever_) ||
          !member_signed(bytes, statement.from_queue, directory_))
        continue;
      if (next && !std::ranges::equal(next->bytes, bytes)) out.forked = true;
      if (!next || earlier(entry, *next)) next = &entry;
    }
    return next;
  }

  const Directory& directory_;
  std::vector<Signed> statements_;
  bool police_ever_ = false;
  bool withdrawn_ever_ = false;
};

}  // namespace

result<IntakeRecord> verify_intake(View record, const Directory& directory) {
  for (const auto& gateway : directory.services("gateway"))
    if (auto verified = verify_intake(record, gateway.public_key);
        verified && gateway.counts_in(verified->hour))
      return verified;
  return envelope_errc::refused;
}

result<Ownership> ownership(const Id& report_id, View first_intake,
                            std::span<const View> statements, const Directory& directory) {
  const auto first = verify_intake(first_intake, directory);
  if (!first || !first->first || first->report_id != report_id ||
      !directory.queue(first->queue_id) || is_police(first->queue_id, directory))
    return envelope_errc::refused;
  Ownership out;
  out.origin = crypto::hash16({first_intake});
  out.owner = first->queue_id;
  out.consent_class = first->consent_class;
  Report report{report_id, statements, directory};
  report.read_consents(first_intake, out);
  report.read_withdrawals(out);
  report.follow_transfers(out);
  return out;
}

bool shows_police_consent(View proof, const Id& report_id, const Directory& directory) {
  if (const auto record = verify_intake(proof, directory))
    return record->report_id == report_id && record->consent_class == 1;
  const auto size = std::min(proof.size(), statement_size);
  const auto bytes = proof.first(size);
  const auto behind = proof.subspan(size);
  const auto consent = claimed_statement(bytes);
  return consent && std::ranges::all_of(behind, [](std::uint8_t byte) { return byte == 0; }) &&
         consent->type == StatementType::consent && consent->report_id == report_id &&
         consent->consent_class == 1 && any_service_signed(bytes, "gateway", directory);
}

}  // namespace ishara::identity
