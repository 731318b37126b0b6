#include "gateway/desk/endpoints.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/problem.hpp"
#include "gateway/identity/intake_record.hpp"

namespace ishara::desk {
namespace {

namespace json = boost::json;

constexpr std::uint32_t page_size = 50;
constexpr std::uint32_t largest_page = 200;

Answer good(std::string body, std::string tag = {}) {
  Answer out;
  out.response.content_type = "application/json";
  out.response.body = std::move(body);
  if (!tag.empty()) out.response.fields.emplace_back("ETag", std::move(tag));
  return out;
}
Answer good(const json::value& body, std::string tag = {}) {
  return good(json::serialize(body), std::move(tag));
}

Answer no_content() {
  Answer out;
  out.response.status = 204;
  return out;
}

// The same words whether a thing is not there or not the caller's to see.
Answer not_found() { return {problem(404, "not-found", "There is no such thing in your queues.")}; }

Answer failure(const boost::system::error_code& error) {
  if (error == storage::errc::not_found) return not_found();
  if (error == storage::errc::lease_lost)
    return {
        problem(409, "lease-lost", "The report is not, or no longer, in your hands; pull again.")};
  if (error == storage::errc::schema)
    return {problem(503, "schema",
                    "The database does not fit this program; an operator must run migrate.")};
  return {problem(503, "store-unavailable", "The store is away; try again in a moment.")};
}

// The queues that the caller is a member of, by the signed rosters.
const identity::Directory::Queue* own_queue(const Call& call, std::string_view name) {
  const auto* queue = call.directory->queue_named(name);
  if (queue == nullptr ||
      std::ranges::find(call.member->queues, queue->id) == call.member->queues.end())
    return nullptr;
  return queue;
}

std::string_view name_of(storage::Stage stage) {
  switch (stage) {
    case storage::Stage::waiting:
      return "waiting";
    case storage::Stage::opened:
      return "opened";
    case storage::Stage::closed:
      return "closed";
  }
  return "closed";
}

json::object describe(const storage::ReportRow& row, const identity::Directory& directory) {
  const auto* queue = directory.queue(row.queue_id);
  json::object out{{"id", crypto::hex(row.report_id)},
                   {"queue", queue == nullptr ? json::value{} : json::value(queue->name)},
                   {"hour", row.hour},
                   {"stage", name_of(row.stage)},
                   {"urgent", row.urgent},
                   {"class", row.consent_class},
                   {"lease", nullptr},
                   {"etag", entity_tag(row)}};
  if (row.lease)
    out["lease"] =
        json::object{{"user", crypto::hex(row.lease->user_id)}, {"until", row.lease->until}};
  return out;
}

// The value of a query parameter; values here need no percent-decoding.
std::optional<std::string_view> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

Answer list_queues(const Call& call, Cases& cases) {
  const auto& ids = call.member->queues;
  const auto summaries = cases.summaries(ids);
  if (!summaries) return failure(summaries.error());
  json::array all;
  for (const auto& summary : *summaries) {
    const auto* queue = call.directory->queue(summary.queue_id);
    if (queue == nullptr) continue;
    all.push_back(json::object{{"id", crypto::hex(queue->id)},
                               {"name", queue->name},
                               {"generation", queue->generation},
                               {"waiting", summary.waiting},
                               {"urgent_waiting", summary.urgent_waiting},
                               {"held", summary.held},
                               {"oldest_hour", summary.oldest_hour}});
  }
  return good(json::object{{"queues", std::move(all)}, {"next", nullptr}});
}

Answer list_reports(const Call& call, Cases& cases) {
  const auto* queue = own_queue(call, call.argument);
  if (queue == nullptr) return not_found();
  std::optional<storage::Cursor> from;
  if (const auto given = parameter(call.query, "cursor")) {
    from = read_cursor(*given);
    if (!from) return {problem(400, "bad-cursor", "The cursor is not one that this API gave.")};
  }
  std::uint32_t limit = page_size;
  if (const auto given = parameter(call.query, "limit")) {
    const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), limit);
    if (error != std::errc{} || end != given->data() + given->size() || limit == 0 ||
        limit > largest_page)
      return {problem(400, "bad-limit", "The limit is a number from 1 to 200.")};
  }
  const auto rows = cases.list(queue->id, from, limit);
  if (!rows) return failure(rows.error());
  json::array all;
  for (const auto& row : *rows) all.push_back(describe(row, *call.directory));
  json::value next;
  if (rows->size() == limit) next = write_cursor(storage::after(rows->back()));
  return good(json::object{{"reports", std::move(all)}, {"next", std::move(next)}});
}

Answer pull_from(std::span<const storage::Id> queues, const Call& call, Cases& cases) {
  const auto row = cases.pull(queues, call.member->id, lease_duration);
  if (!row) return failure(row.error());
  if (!*row) return no_content();
  return good(describe(**row, *call.directory), entity_tag(**row));
}

Answer pull_report(const Call& call, Cases& cases) {
  const auto* queue = own_queue(call, call.argument);
  if (queue == nullptr) return not_found();
  return pull_from(std::span{&queue->id, 1}, call, cases);
}

// One transaction over all her queues, so that an urgent report in the last of them goes first.
Answer pull_any_report(const Call& call, Cases& cases) {
  return pull_from(call.member->queues, call, cases);
}

// The report of the path, if it belongs to a queue of the caller.
struct Found {
  std::optional<storage::Report> report;
  Answer refusal;  // if there is none
};

Found find_report(const Call& call, Cases& cases) {
  const auto id = crypto::from_hex_exact<16>(call.argument);
  if (!id) return {std::nullopt, not_found()};
  auto report = cases.show(*id);
  if (!report) return {std::nullopt, failure(report.error())};
  const auto owner = owner_of(*report, *call.directory);
  if (!owner || report->row.report_id != *id ||
      std::ranges::find(call.member->queues, *owner) == call.member->queues.end())
    return {std::nullopt, not_found()};
  return {std::move(*report), {}};
}

Answer show_report(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  json::array texts;
  for (const auto& text : found.report->texts)
    texts.push_back(json::object{{"record", crypto::base64(text.record)},
                                 {"message", crypto::base64(text.message)},
                                 {"wraps", crypto::base64(text.wraps)}});
  auto body = describe(found.report->row, *call.directory);
  body["texts"] = std::move(texts);
  auto out = good(body, entity_tag(found.report->row));
  out.texts = static_cast<std::uint32_t>(found.report->texts.size());
  return out;
}

// What the three changes of a lease share: the report is the caller's to see, and it is still as
// the caller saw it. The verb then checks the lease itself, so nothing can slip in between.
template <class Change>
Answer change_report(const Call& call, Cases& cases, Change&& change) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  if (call.condition != "*" && call.condition != entity_tag(found.report->row))
    return {problem(412, "changed", "The report has changed since you read it; read it again.")};
  return change(found.report->row);
}

Answer renew_report(const Call& call, Cases& cases) {
  return change_report(call, cases, [&](storage::ReportRow row) -> Answer {
    const auto lease = cases.renew(row.report_id, call.member->id, lease_duration);
    if (!lease) return failure(lease.error());
    row.lease = *lease;
    return good(describe(row, *call.directory), entity_tag(row));
  });
}

Answer release_report(const Call& call, Cases& cases) {
  return change_report(call, cases, [&](const storage::ReportRow& row) -> Answer {
    const auto done = cases.release(row.report_id, call.member->id);
    return done ? no_content() : failure(done.error());
  });
}

Answer close_report(const Call& call, Cases& cases) {
  return change_report(call, cases, [&](const storage::ReportRow& row) -> Answer {
    const auto done = cases.close(row.report_id, call.member->id);
    return done ? no_content() : failure(done.error());
  });
}

Answer list_rosters(const Call&, Cases& cases) {
  const auto rosters = cases.rosters();
  if (!rosters) return failure(rosters.error());
  json::array all;
  for (const auto& roster : *rosters)
    all.push_back(json::object{{"issuer", crypto::hex(roster.issuer)},
                               {"version", roster.version},
                               {"bytes", crypto::base64(roster.bytes)},
                               {"signature", crypto::base64(roster.signature)}});
  return good(json::object{{"rosters", std::move(all)}, {"next", nullptr}});
}

Answer list_grants(const Call& call, Cases& cases) {
  const auto grants = cases.queue_grants(call.member->id);
  if (!grants) return failure(grants.error());
  json::array all;
  for (const auto& grant : *grants)
    all.push_back(json::object{{"queue", crypto::hex(grant.queue_id)},
                               {"generation", grant.generation},
                               {"envelope", crypto::base64(grant.envelope)}});
  return good(json::object{{"grants", std::move(all)}, {"next", nullptr}});
}

Answer describe_api(const Call&, Cases&) { return good(openapi_document()); }

constexpr auto get = http::Method::get;
constexpr auto post = http::Method::post;

constexpr std::array table{
    Endpoint{get, "/api/v1/queues", Role::caseworker, list_queues, "listQueues",
             "The queues that the caller is a member of, with counts", "QueueList"},
    Endpoint{get, "/api/v1/queues/{name}/reports", Role::caseworker, list_reports, "listReports",
             "The open reports of a queue in the order of pulling", "ReportList", true},
    Endpoint{post, "/api/v1/queues/{name}/pull", Role::caseworker, pull_report, "pullReport",
             "Take the most urgent, then longest waiting report; 204 if none waits", "Report"},
    Endpoint{post, "/api/v1/pull", Role::caseworker, pull_any_report, "pullAnyReport",
             "The same over all queues of the caller", "Report"},
    Endpoint{get, "/api/v1/reports/{id}", Role::caseworker, show_report, "showReport",
             "A report with its sealed texts", "SealedReport", false, false, true},
    Endpoint{post, "/api/v1/reports/{id}/renew", Role::caseworker, renew_report, "renewReport",
             "Hold the report for another lease", "Report", false, true},
    Endpoint{post, "/api/v1/reports/{id}/release", Role::caseworker, release_report,
             "releaseReport", "Give the report back to its queue", "", false, true},
    Endpoint{post, "/api/v1/reports/{id}/close", Role::caseworker, close_report, "closeReport",
             "Close the report", "", false, true},
    Endpoint{get, "/api/v1/rosters", Role::member, list_rosters, "listRosters",
             "The signed rosters, byte for byte", "RosterList"},
    Endpoint{get, "/api/v1/grants", Role::member, list_grants, "listGrants",
             "The caller's sealed queue keys", "GrantList"},
    Endpoint{get, "/api/v1/openapi.json", Role::anyone, describe_api, "describeApi",
             "This document", "Document"},
};

}  // namespace

std::span<const Endpoint> endpoints() noexcept { return table; }

std::string entity_tag(const storage::ReportRow& row) {
  std::array<std::uint8_t, 9> state{static_cast<std::uint8_t>(row.stage)};
  storage::Id holder{};
  if (row.lease) {
    holder = row.lease->user_id;
    for (std::size_t i = 0; i < 8; ++i)
      state[i + 1] =
          static_cast<std::uint8_t>(static_cast<std::uint64_t>(row.lease->until) >> (8 * i));
  }
  return '"' + crypto::hex(crypto::hash16({row.report_id, state, holder})) + '"';
}

std::optional<storage::Id> owner_of(const storage::Report& report,
                                    const identity::Directory& directory) {
  if (report.texts.empty()) return std::nullopt;
  const auto& first = report.texts.front();
  for (const auto& gateway : directory.services("gateway")) {
    const auto record = identity::verify_intake(first.record, gateway);
    if (!record) continue;
    if (!record->first || record->report_id != report.row.report_id ||
        record->message_digest != identity::envelope_digest(first.message))
      return std::nullopt;
    return record->queue_id;
  }
  return std::nullopt;
}

std::string write_cursor(const storage::Cursor& cursor) {
  std::array<std::uint8_t, 21> bytes{cursor.urgent};
  for (std::size_t i = 0; i < 4; ++i)
    bytes[i + 1] = static_cast<std::uint8_t>(cursor.hour >> (24 - 8 * i));
  std::ranges::copy(cursor.report_id, bytes.begin() + 5);
  return crypto::base64url(bytes);
}

std::optional<storage::Cursor> read_cursor(std::string_view text) {
  const auto bytes = crypto::from_base64url(text);
  if (!bytes || bytes->size() != 21 || (*bytes)[0] > 1) return std::nullopt;
  storage::Cursor out;
  out.urgent = (*bytes)[0] == 1;
  for (std::size_t i = 0; i < 4; ++i) out.hour = out.hour << 8 | (*bytes)[i + 1];
  std::copy_n(bytes->begin() + 5, out.report_id.size(), out.report_id.begin());
  return out;
}

}  // namespace ishara::desk
