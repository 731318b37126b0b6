#include "gateway/desk/answers.hpp"

#include <boost/json.hpp>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/problem.hpp"
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
                     {"held", report.held}});
  }
  return good(json::object{{"reports", std::move(all)}, {"next", next_report(hidden->next)}});
}

Answer hold_report(const Call& call, Cases& cases) {
  const auto id = crypto::from_hex_exact<16>(call.argument);
  if (!id) return not_found();
  const auto ownership = signed_ownership(cases, *id, *call.directory);
  if (!ownership) return failure(ownership.error());
  if (!*ownership || !is_hers(call, (*ownership)->owner)) return not_found();
  const auto& withdrawn = (*ownership)->withdrawn;
  if (!withdrawn || withdrawn->with_ref)
    return {problem(409, "nothing-to-hold",
                    "Only a report that was withdrawn by number alone can be held.")};
  const auto held = cases.hold(*id, call.scribe());
  if (held) return no_content();
  return held.error() == storage::errc::not_found ? is_gone(call, cases, *id)
                                                  : failure(held.error());
}

}  // namespace ishara::desk
