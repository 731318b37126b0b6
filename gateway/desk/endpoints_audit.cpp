#include "gateway/desk/answers.hpp"

#include <boost/json.hpp>
#include <limits>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/audit.hpp"

namespace ishara::desk {

// Recorded before it is read: the reading itself stands in what is read.
Answer read_audit(const Call& call, Cases& cases) {
  std::uint64_t after = 0;
  if (const auto given = parameter(call.query, "cursor")) {
    const auto place = number_of<std::uint64_t>(*given);
    if (!place || *place > std::numeric_limits<std::int64_t>::max()) return bad_cursor();
    after = *place;
  }
  const auto limit = limit_of(call);
  if (!limit) return bad_limit();
  const auto noted = cases.put_audit({}, {}, call.scribe());
  if (!noted) return failure(noted.error());
  const auto entries = cases.audit_with_origins(after, *limit);
  if (!entries) return failure(entries.error());
  const auto last = entries->empty() ? after : entries->back().seq;
  const auto checkpoints = cases.checkpoints(after, last);
  if (!checkpoints) return failure(checkpoints.error());
  json::array rows, points;
  const bool is_auditor = has_role(*call.member, "auditor");
  for (const auto& entry : *entries) {
    json::object row{{"entry", crypto::base64(entry.entry)}, {"detail", entry.detail}};
    // Where the people of another organisation work is none of her business.
    const auto of = identity::organisation_of(entry, *call.directory);
    if (is_auditor && of == call.member->organisation && !entry.origin.empty())
      row["origin"] = crypto::base64(entry.origin);
    rows.push_back(std::move(row));
  }
  for (const auto& checkpoint : *checkpoints)
    points.push_back(json::string{crypto::base64(checkpoint.bytes)});
  json::value next;
  if (entries->size() == *limit) next = std::to_string(last);
  return good(json::object{
      {"entries", std::move(rows)}, {"checkpoints", std::move(points)}, {"next", std::move(next)}});
}

// The client of a lead discloses the first text by itself; the desk only takes note that it does.
Answer export_report(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  if (found.ownership.withdrawn) return is_withdrawn();
  const auto noted = cases.put_audit(found.report->row.report_id, {}, call.scribe());
  return noted ? no_content() : failure(noted.error());
}

}  // namespace ishara::desk
