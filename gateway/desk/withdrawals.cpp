#include "gateway/desk/withdrawals.hpp"

#include <algorithm>

#include "gateway/identity/statement.hpp"

namespace ishara::desk {
namespace {

constexpr std::uint32_t page_size = 100;

struct Read {
  std::optional<identity::Ownership>
      ownership;  // none: no gateway of the rosters signed the report
  bool names_withdrawal = false;
};

storage::result<Read> read(Cases& cases, const crypto::Id& report, crypto::View record,
                           const identity::Directory& directory) {
  const auto statements = cases.statements(report);
  if (!statements) return statements.error();
  Read out;
  std::vector<crypto::View> views;
  for (const auto& statement : *statements) {
    views.emplace_back(statement.bytes);
    const auto claimed = identity::claimed_statement(statement.bytes);
    out.names_withdrawal |= claimed && claimed->type == identity::StatementType::withdraw;
  }
  if (const auto ownership = identity::ownership(report, record, views, directory)) {
    out.ownership = *ownership;
    out.ownership->proof = {};  // a view into what goes now
  }
  return out;
}

void count(const storage::result<void>& done, std::uint32_t& good, Withdrawals& out) {
  ++(done ? good : out.failed);
}

// With the ref it would go at once.
std::uint32_t end_of_grace(const identity::Ownership::Withdrawal& withdrawn) {
  return withdrawn.with_ref ? withdrawn.hour
                            : withdrawn.hour + static_cast<std::uint32_t>(withdrawal_grace.count());
}

void settle(Cases& cases, const storage::Withdrawn& report, const identity::Directory& directory,
            std::uint32_t hour, Withdrawals& out) {
  // What somebody wrote while it was being deleted; the lead's decision needs no statement.
  if (report.by_leads) {
    count(cases.erase(report.report_id, hour, true), out.erased, out);
    return;
  }
  const auto known = read(cases, report.report_id, report.record, directory);
  if (!known) {
    ++out.failed;
    return;
  }
  const auto withdrawn = known->ownership ? known->ownership->withdrawn : std::nullopt;
  if (!withdrawn) {
    if (known->names_withdrawal) ++out.refused;
    if (report.hidden_until != 0) count(cases.hide(report.report_id, 0), out.revealed, out);
    return;
  }
  const auto until = end_of_grace(*withdrawn);
  // The ref proves that it is the reporter, whose word stands above a lead's.
  const bool is_due = withdrawn->with_ref || (until <= hour && !report.held);
  if (is_due && !report.legally_held)
    count(cases.erase(report.report_id, hour, withdrawn->with_ref), out.erased, out);
  else if (report.hidden_until != until)
    count(cases.hide(report.report_id, until), out.hidden, out);
}

}  // namespace

storage::result<Withdrawals> settle_withdrawals(Cases& cases, const identity::Directory& directory,
                                                std::uint32_t hour) {
  Withdrawals out;
  crypto::Id after{};
  while (true) {
    const auto page = cases.withdrawn(after, page_size);
    if (!page) return page.error();
    for (const auto& report : *page) settle(cases, report, directory, hour, out);
    if (page->size() < page_size) return out;
    after = page->back().report_id;
  }
}

storage::result<HiddenPage> hidden_reports(Cases& cases, const identity::Directory& directory,
                                           std::span<const crypto::Id> queues,
                                           const crypto::Id& first, std::uint32_t limit) {
  const auto found = cases.hidden(queues, first, limit + 1);
  if (!found) return found.error();
  HiddenPage out;
  for (const auto& report : std::span{*found}.first(std::min<std::size_t>(limit, found->size()))) {
    const auto known = read(cases, report.report_id, report.record, directory);
    if (!known) return known.error();
    const auto& ownership = known->ownership;
    if (!ownership || std::ranges::find(queues, ownership->owner) == queues.end()) continue;
    const auto& withdrawn = ownership->withdrawn;
    if (report.legally_held || (withdrawn && !withdrawn->with_ref))
      out.reports.push_back({report.report_id, ownership->owner,
                             withdrawn ? end_of_grace(*withdrawn) : 0, report.held,
                             report.legally_held});
  }
  if (found->size() > limit) out.next = found->back().report_id;
  return out;
}

storage::result<std::optional<identity::Ownership>> signed_ownership(
    Cases& cases, const crypto::Id& report, const identity::Directory& directory) {
  const auto record = cases.first_record(report);
  if (!record) return record.error();
  const auto known = read(cases, report, *record, directory);
  if (!known) return known.error();
  return known->ownership;
}

}  // namespace ishara::desk
