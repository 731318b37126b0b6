#include "gateway/desk/answers.hpp"

#include <boost/json.hpp>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/problem.hpp"
#include "gateway/desk/second_person.hpp"
#include "gateway/desk/withdrawals.hpp"

namespace ishara::desk {

// What a lead can keep from being deleted: no more of it than that it is there.
Answer list_withdrawn(const Call& call, Cases& cases) {
  const auto from = first_report(call);
  if (!from) return bad_cursor();
  const auto limit = limit_of(call);
  if (!limit) return bad_limit();
  const auto hidden = hidden_reports(cases, *call.directory, call.member->queues, *from, *limit);
  if (!hidden) return failure(hidden.error());
  json::array all;
  for (const auto& report : hidden->reports) {
    const auto* queue = call.directory->queue(report.owner);
    all.push_back(
        json::object{{"id", crypto::hex(report.report_id)},
                     {"queue", queue == nullptr ? json::value{} : json::value(queue->name)},
                     {"until", report.until},
                     {"held", report.held},
                     {"legally_held", report.legally_held}});
  }
  return good(json::object{{"reports", std::move(all)}, {"next", next_report(hidden->next)}});
}

namespace {

// What was signed of the report of the path, be it open, closed or hidden, if it is the caller's.
struct Signed {
  crypto::Id report{};
  std::optional<identity::Ownership> ownership;
  Answer refusal;  // if there is none
};

Signed find_signed(const Call& call, Cases& cases) {
  Signed out;
  const auto id = crypto::from_hex_exact<16>(call.argument);
  if (!id) {
    out.refusal = not_found();
    return out;
  }
  out.report = *id;
  const auto ownership = signed_ownership(cases, *id, *call.directory);
  if (!ownership)
    out.refusal = failure(ownership.error());
  else if (!*ownership || !is_hers(call, (*ownership)->owner))
    out.refusal = not_found();
  else
    out.ownership = *ownership;
  return out;
}

Answer change_hold(const Call& call, Cases& cases, bool held) {
  const auto found = find_signed(call, cases);
  if (!found.ownership) return found.refusal;
  const auto& withdrawn = found.ownership->withdrawn;
  if (!withdrawn || withdrawn->with_ref)
    return {problem(409, "nothing-to-hold",
                    "Only a report that was withdrawn by number alone can be held.")};
  constexpr std::uint32_t no_longer = 1;
  const auto done = cases.hold(found.report, held, call.scribe(held ? 0 : no_longer));
  if (done) return no_content();
  return done.error() == storage::errc::not_found ? is_gone(call, cases, found.report)
                                                  : failure(done.error());
}

Answer change_legal_hold(const Call& call, Cases& cases, bool held) {
  const auto found = find_signed(call, cases);
  if (!found.ownership) return found.refusal;
  const auto agreement =
      agreement_of_queue(call, {found.ownership->owner, found.report, crypto::Id{}, {}});
  const auto agreed = cases.hold_legally(found.report, held, agreement, call.scribe());
  return !agreed && agreed.error() == storage::errc::not_found ? is_gone(call, cases, found.report)
                                                               : agreed_answer(agreed);
}

}  // namespace

Answer hold_report(const Call& call, Cases& cases) { return change_hold(call, cases, true); }
Answer release_hold(const Call& call, Cases& cases) { return change_hold(call, cases, false); }

// Of a report that is hidden its reporter's word stands; whoever holds it has to let it go first.
Answer delete_report(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  const auto& report = found.report->row.report_id;
  const auto agreement =
      agreement_of_queue(call, {found.ownership.owner, report, crypto::Id{}, {}});
  const auto agreed = cases.delete_report(report, static_cast<std::uint32_t>(call.now / 3600),
                                          agreement, call.scribe());
  if (!agreed && agreed.error() == storage::errc::conflict)
    return {problem(409, "held", "The report is held; release the hold first.")};
  return agreed_answer(agreed);
}

Answer hold_legally(const Call& call, Cases& cases) { return change_legal_hold(call, cases, true); }
Answer release_legal_hold(const Call& call, Cases& cases) {
  return change_legal_hold(call, cases, false);
}

}  // namespace ishara::desk
