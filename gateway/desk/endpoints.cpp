#include "gateway/desk/endpoints.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/answers.hpp"
#include "gateway/desk/problem.hpp"
#include "gateway/desk/second_person.hpp"
#include "gateway/desk/strays.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/note.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/same_sender.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::desk {
namespace {

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

// The texts of these reports of a queue that are still with another one.
storage::result<std::vector<storage::ElsewhereCount>> read_elsewhere(
    const Call& call, Cases& cases, const identity::Directory::Queue& queue,
    const std::vector<storage::ReportRow>& rows) {
  std::vector<storage::Id> reports, others;
  for (const auto& row : rows) reports.push_back(row.report_id);
  for (const auto& other : call.directory->queues())
    if (other.id != queue.id) {
      others.push_back(other.kid);
      for (const auto& earlier : other.earlier) others.push_back(earlier.kid);
    }
  return cases.elsewhere(reports, others);
}

Answer list_reports(const Call& call, Cases& cases) {
  const auto* queue = own_queue(call, call.argument);
  if (queue == nullptr) return not_found();
  std::optional<storage::Cursor> from;
  if (const auto given = parameter(call.query, "cursor")) {
    from = read_cursor(*given);
    if (!from) return bad_cursor();
  }
  const auto limit = limit_of(call);
  if (!limit) return bad_limit();
  const auto rows = cases.list(queue->id, from, *limit, call.scribe());
  if (!rows) return failure(rows.error());
  const auto elsewhere = read_elsewhere(call, cases, *queue, *rows);
  if (!elsewhere) return failure(elsewhere.error());
  json::array all;
  for (const auto& row : *rows) {
    auto report = describe(row, *call.directory);
    const auto found =
        std::ranges::find(*elsewhere, row.report_id, &storage::ElsewhereCount::report_id);
    const auto texts = found == elsewhere->end() ? storage::ElsewhereCount{} : *found;
    report["with_former"] = texts.texts;
    report["with_former_since"] = texts.hour;
    all.push_back(std::move(report));
  }
  json::value next;
  if (rows->size() == *limit) next = write_cursor(storage::after(rows->back()));
  return good(json::object{{"reports", std::move(all)}, {"next", std::move(next)}});
}

Answer pull_from(std::span<const storage::Id> queues, const Call& call, Cases& cases) {
  const auto row = cases.pull(queues, call.member->id, lease_duration, call.scribe());
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

Answer show_report(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  const auto noted = cases.put_audit(found.report->row.report_id, {}, call.scribe());
  if (!noted) return failure(noted.error());
  json::array texts;
  for (const auto& text : found.report->texts)
    texts.push_back(json::object{{"record", crypto::base64(text.record)},
                                 {"message", crypto::base64(text.message)},
                                 {"wraps", crypto::base64(text.wraps)}});
  auto body = describe(found.report->row, *call.directory);
  body["texts"] = std::move(texts);
  body["with_former"] = std::ranges::count_if(found.report->texts, [&](const auto& text) {
    const auto* const reader = first_reader(text.wraps, *call.directory);
    return reader != nullptr && reader->id != found.ownership.owner;
  });
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
    const auto lease = cases.renew(row.report_id, call.member->id, lease_duration, call.scribe());
    if (!lease) return failure(lease.error());
    row.lease = *lease;
    return good(describe(row, *call.directory), entity_tag(row));
  });
}

Answer release_report(const Call& call, Cases& cases) {
  return change_report(call, cases, [&](const storage::ReportRow& row) -> Answer {
    const auto done = cases.release(row.report_id, call.member->id, call.scribe());
    return done ? no_content() : failure(done.error());
  });
}

Answer close_report(const Call& call, Cases& cases) {
  return change_report(call, cases, [&](const storage::ReportRow& row) -> Answer {
    const auto done = cases.close(row.report_id, call.member->id, call.scribe());
    return done ? no_content() : failure(done.error());
  });
}

// --- What caseworkers write

std::string_view name_of(const std::optional<storage::ReplyState>& state) {
  if (!state) return "submitted";
  switch (*state) {
    case storage::ReplyState::waiting:
      return "waiting";
    case storage::ReplyState::sending:
      return "sending";
    case storage::ReplyState::sent:
      return "sent";
    case storage::ReplyState::unknown:
      return "unknown";
    case storage::ReplyState::kept:
      return "kept";
    case storage::ReplyState::fetched:
      return "fetched";
    case storage::ReplyState::refused:
      return "refused";
  }
  return "unknown";
}

// The reports that have this one's sender, with what the caller checks it by. Two that are with
// different owners by now have nothing to do with each other here.
storage::result<json::array> same_senders(const Call& call, Cases& cases, const Found& found) {
  const auto& report = found.report->row.report_id;
  const auto links = cases.same_senders(report);
  if (!links) return links.error();
  json::array out;
  for (const auto& link : *links) {
    const auto record = cases.first_record(link.report_id);
    if (!record && record.error() == storage::errc::not_found) continue;
    if (!record) return record.error();
    const auto deleted = cases.is_deleted(link.report_id);
    if (!deleted) return deleted.error();
    if (*deleted) continue;
    const auto statements = cases.statements(link.report_id);
    if (!statements) return statements.error();
    std::vector<crypto::View> views;
    json::array signed_since;
    for (const auto& statement : *statements) {
      views.emplace_back(statement.bytes);
      signed_since.push_back(json::string{crypto::base64(statement.bytes)});
    }
    const auto other =
        identity::same_sender_as(report, found.ownership, link.link, {*record, views},
                                 *call.directory, static_cast<std::uint32_t>(call.now / 3600));
    if (!other || *other != link.report_id) continue;
    out.push_back(json::object{{"link", crypto::base64(link.link)},
                               {"record", crypto::base64(*record)},
                               {"statements", std::move(signed_since)}});
  }
  return out;
}

Answer show_history(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  const auto& report = found.report->row.report_id;
  const auto notes = cases.notes(report);
  if (!notes) return failure(notes.error());
  const auto replies = cases.replies(report);
  if (!replies) return failure(replies.error());
  auto links = same_senders(call, cases, found);
  if (!links) return failure(links.error());
  const auto noted = cases.put_audit(report, {}, call.scribe());
  if (!noted) return failure(noted.error());
  json::array statements, sealed_notes, states;
  for (const auto& statement : found.statements)
    statements.push_back(json::string{crypto::base64(statement.bytes)});
  for (const auto& note : *notes)
    sealed_notes.push_back(json::object{{"author", crypto::hex(note.author)},
                                        {"note", crypto::base64(note.envelope)},
                                        {"wraps", crypto::base64(note.wraps)}});
  for (const auto& reply : *replies)
    states.push_back(json::object{{"id", crypto::hex(reply.reply_id)},
                                  {"hour", reply.hour},
                                  {"state", name_of(reply.state)},
                                  {"reason", reply.reason},
                                  {"delivery", reply.delivery}});
  // Not charged: whoever may open the report's last text of this hour may see what belongs to it.
  return good(json::object{{"statements", std::move(statements)},
                           {"notes", std::move(sealed_notes)},
                           {"replies", std::move(states)},
                           {"same_sender", std::move(*links)}});
}

Answer not_yours() {
  return {problem(403, "not-the-author",
                  "It is not signed by you for the queue that holds the report.")};
}

struct ReadNote {
  std::optional<storage::Note> note;
  Answer refusal;  // if there is none
};

// The note in a body, signed by the caller and sealed for the owner.
ReadNote read_note(const Call& call, const Found& found, const json::object& body) {
  auto envelope = bytes_of(body, "note");
  auto wraps = bytes_of(body, "wraps");
  if (!envelope || !wraps) return {std::nullopt, bad_body()};
  const auto& report = found.report->row.report_id;
  const auto header = identity::claimed_note(*envelope);
  if (!header || header->report_id != report ||
      !wraps_fit(*wraps, report, header->message_id, found.ownership.owner,
                 found.ownership.consent_class == 1, *call.directory))
    return {std::nullopt, bad_body()};
  if (!identity::works_for(*call.member, found.ownership.owner) ||
      !identity::signed_by(*envelope, call.member->signing_key))
    return {std::nullopt, not_yours()};
  if (call.directory->queue(found.ownership.owner)->retired) return {std::nullopt, is_retired()};
  return {storage::Note{header->message_id, report, call.member->id,
                        static_cast<std::uint32_t>(call.now / 3600), std::move(*envelope),
                        std::move(*wraps)},
          {}};
}

Answer add_note(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  const auto body = body_of(call);
  if (!body) return bad_body();
  const auto read = read_note(call, found, *body);
  if (!read.note) return read.refusal;
  const auto done = cases.put_note(*read.note, call.scribe());
  return done ? no_content() : failure(done.error());
}

// The desk cannot open a reply; it sees to it that the relay gets none that it would refuse for
// its author, its report or its owner.
Answer add_reply(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  if (found.ownership.withdrawn) return is_withdrawn();
  const auto body = body_of(call);
  auto envelope = body ? bytes_of(*body, "reply") : std::nullopt;
  if (!envelope) return bad_body();
  const auto& report = found.report->row.report_id;
  const auto header = identity::claimed_reply(*envelope);
  if (!header || header->report_id != report) return bad_body();
  const auto* const author = identity::author_of(*envelope, found.ownership.owner, *call.directory);
  if (author == nullptr || author->id != call.member->id) return not_yours();
  std::optional<storage::Note> note;
  if (body->contains("note")) {
    auto read = read_note(call, found, *body);
    if (!read.note) return read.refusal;
    note = std::move(read.note);
  }
  const storage::OutboxReply reply{
      header->reply_id, report, static_cast<std::uint32_t>(call.now / 3600), std::move(*envelope)};
  const auto done = cases.put_reply(reply, note, call.scribe(header->flags));
  return done ? no_content() : failure(done.error());
}

// The store commits only if no text and no note is missing, and nothing was signed meanwhile.
Answer transfer_report(const Call& call, Cases& cases) {
  const auto found = find_report(call, cases);
  if (!found.report) return found.refusal;
  if (found.ownership.withdrawn) return is_withdrawn();
  const auto body = body_of(call);
  auto bytes = body ? bytes_of(*body, "statement") : std::nullopt;
  if (!bytes) return bad_body();
  const auto& report = found.report->row.report_id;
  const auto statement = identity::verify_statement(*bytes, call.member->signing_key);
  if (!statement || statement->type != identity::StatementType::transfer) return not_yours();
  const auto* const target = call.directory->queue(statement->to_queue);
  const auto* const source = call.directory->queue(statement->from_queue);
  if (target == nullptr || source == nullptr || statement->report_id != report) return bad_body();
  if (target->retired) return is_retired();
  const bool police_may_read = found.ownership.consent_class == 1;
  const bool to_police = target->organisation_class == identity::OrganisationClass::police;
  if (to_police && !police_may_read)
    return {problem(403, "helpers-only", "The reporter has not agreed to the police.")};

  // What everybody will make of it: exactly one step, to the target.
  auto statements = found.statements;
  statements.push_back({identity::statement_hash(*bytes), report, *bytes});
  const auto after = ownership_of(*found.report, statements, *call.directory);
  if (!after || after->owner != target->id || after->last != statements.back().hash ||
      statement->from_queue != found.ownership.owner)
    return {problem(409, "changed", "The report has changed since you read it; read it again.")};

  const auto fit = [&](const crypto::Id& message, crypto::View wraps) {
    return wraps_fit(wraps, report, message, target->id, police_may_read, *call.directory);
  };
  storage::Transfer transfer;
  transfer.statement = statements.back();
  transfer.known_statements = static_cast<std::uint32_t>(found.statements.size());
  transfer.to_queue = target->id;
  auto first = bytes_of(*body, "wraps");
  const auto first_id = identity::claimed_message_id(found.report->texts.front().message);
  auto texts = read_wraps(*body, "texts", fit);
  auto notes = read_wraps(*body, "notes", fit);
  if (!first || !first_id || !fit(*first_id, *first) || !texts || !notes) return bad_body();
  // Two people give a report to the police; the statement and the wraps are the second one's.
  const std::array keeps{static_cast<std::uint8_t>(statement->keeps_wraps)};
  if (to_police && source->organisation_class != identity::OrganisationClass::police)
    transfer.agreement =
        agreement_of_queue(call, {found.ownership.owner, report, target->id, keeps});
  transfer.report_wraps = std::move(*first);
  transfer.texts = std::move(*texts);
  transfer.notes = std::move(*notes);
  return agreed_answer(cases.transfer(transfer, call.scribe()));
}

// The announced keys to which replies are sealed, of the running week and beside it.
Answer list_epochs(const Call& call, Cases& cases) {
  const auto epochs = cases.epochs(static_cast<std::uint32_t>(call.now / identity::epoch_seconds));
  if (!epochs) return failure(epochs.error());
  json::array all;
  for (const auto& epoch : *epochs) all.push_back(json::string{crypto::base64(epoch.announcement)});
  return good(json::object{{"epochs", std::move(all)}, {"next", nullptr}});
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

Answer describe_api(const Call&, Cases&) { return good(openapi_document()); }

constexpr auto get = http::Method::get;
constexpr auto post = http::Method::post;

using Action = identity::AuditAction;

constexpr std::array table{
    Endpoint{get, "/api/v1/queues", Role::caseworker, list_queues, Action::none, "listQueues",
             "The queues that the caller is a member of, with counts", "QueueList"},
    Endpoint{get, "/api/v1/queues/{name}/reports", Role::caseworker, list_reports, Action::list,
             "listReports", "The open reports of a queue in the order of pulling", "ReportList",
             true},
    Endpoint{post, "/api/v1/queues/{name}/pull", Role::caseworker, pull_report, Action::pull,
             "pullReport", "Take the most urgent, then longest waiting report; 204 if none waits",
             "Report"},
    Endpoint{post, "/api/v1/pull", Role::caseworker, pull_any_report, Action::pull, "pullAnyReport",
             "The same over all queues of the caller", "Report"},
    Endpoint{get, "/api/v1/reports/{id}", Role::caseworker, show_report, Action::open, "showReport",
             "A report with its sealed texts", "SealedReport", false, false, true},
    Endpoint{post, "/api/v1/reports/{id}/renew", Role::caseworker, renew_report, Action::renew,
             "renewReport", "Hold the report for another lease", "Report", false, true},
    Endpoint{post, "/api/v1/reports/{id}/release", Role::caseworker, release_report,
             Action::release, "releaseReport", "Give the report back to its queue", "", false,
             true},
    Endpoint{post, "/api/v1/reports/{id}/close", Role::caseworker, close_report, Action::close,
             "closeReport", "Close the report", "", false, true},
    Endpoint{get, "/api/v1/reports/{id}/history", Role::caseworker, show_history, Action::history,
             "showHistory",
             "What was signed about a report, its sealed notes, what became of its replies",
             "History"},
    Endpoint{post, "/api/v1/reports/{id}/note", Role::caseworker, add_note, Action::note, "addNote",
             "Keep a sealed note", "", false, false, false, "NewNote"},
    Endpoint{post, "/api/v1/reports/{id}/reply", Role::caseworker, add_reply, Action::reply,
             "addReply", "Hand a sealed reply to the relay, and keep the team's own copy", "",
             false, false, false, "NewReply"},
    Endpoint{post, "/api/v1/reports/{id}/transfer", Role::caseworker, transfer_report,
             Action::transfer, "transferReport",
             "Give the report, sealed anew as a whole, to another queue; from helpers to the police"
             " by two people, one of them a lead",
             "", false, false, false, "NewTransfer", 2},
    Endpoint{get, "/api/v1/strays", Role::caseworker, list_strays, Action::none, "listStrays",
             "Texts and notes that the caller's queues have to hand on to their reports' owners",
             "StrayList", true},
    Endpoint{post, "/api/v1/strays/{id}", Role::caseworker, hand_on_strays, Action::rewrap,
             "handOnStrays", "Texts and notes of a report, sealed anew for its owner", "", false,
             false, false, "HandedOn"},
    Endpoint{get, "/api/v1/outdated", Role::caseworker, list_outdated, Action::none, "listOutdated",
             "Wraps for former keys of the caller's queues", "OutdatedList", true},
    Endpoint{post, "/api/v1/outdated", Role::caseworker, renew_outdated, Action::rewrap,
             "renewOutdated", "Such wraps, sealed anew for the queues' present keys", "", false,
             false, false, "Renewed"},
    Endpoint{get, "/api/v1/queues/{name}/former-wraps", Role::lead, list_former_wraps, Action::none,
             "listFormerWraps",
             "Wraps for former keys of the caller's queue that were sealed anew, beside what stands"
             " in their place",
             "FormerWrapList", true},
    Endpoint{post, "/api/v1/queues/{name}/former-wraps", Role::lead, settle_former_wraps,
             Action::compare_wraps, "settleFormerWraps",
             "Such wraps that the caller has compared, and what comes in the place of one that does"
             " not open",
             "", false, false, false, "ComparedWraps"},
    Endpoint{get, "/api/v1/epochs", Role::member, list_epochs, Action::none, "listEpochs",
             "The announced keys for replies, signed by the relay", "EpochList"},
    Endpoint{get, "/api/v1/rosters", Role::member, list_rosters, Action::none, "listRosters",
             "The signed rosters, byte for byte", "RosterList"},
    Endpoint{.method = post,
             .path = "/api/v1/rosters",
             .role = Role::manager,
             .handler = publish_roster,
             .action = Action::roster,
             .name = "publishRoster",
             .summary =
                 "Publish the next roster of the caller's organisation: an admin and one more"
                 " who is admin or lead, or an admin alone if it only takes people, roles or queues"
                 " away",
             .schema = "PublishedRoster",
             .request = "NewRoster",
             .persons = 2,
             .creates = true},
    Endpoint{get, "/api/v1/rosters/proposed", Role::manager, list_proposed_rosters, Action::none,
             "listProposedRosters",
             "Rosters of the caller's organisation that wait for a second"
             " person",
             "ProposedRosterList"},
    Endpoint{get, "/api/v1/transfers", Role::manager, list_transfers, Action::none, "listTransfers",
             "What the queues of the caller's organisation have given away, signed", "TransferList",
             true},
    Endpoint{.method = post,
             .path = "/api/v1/enrolments",
             .role = Role::admin,
             .handler = invite,
             .action = Action::invite,
             .name = "invite",
             .summary = "Invite somebody who gets a one-time code, good for 24 hours, on paper",
             .schema = "Invitation",
             .request = "NewInvitation",
             .creates = true},
    Endpoint{get, "/api/v1/enrolments", Role::manager, list_enrolments, Action::none,
             "listEnrolments", "Who is invited, and the keys of those who have made them",
             "EnrolmentList"},
    Endpoint{.method = post,
             .path = "/api/v1/enrolments/{user}",
             .role = Role::anyone,
             .handler = enrol,
             .action = Action::enrol,
             .name = "enrol",
             .summary = "Show keys with the one-time code; nobody signs, and 60 wrong codes an hour"
                        " are the end of it for everybody",
             .schema = "",
             .request = "NewKeys",
             .guessable = true},
    Endpoint{get, "/api/v1/grants", Role::member, list_grants, Action::none, "listGrants",
             "The caller's sealed queue keys", "GrantList"},
    Endpoint{.method = post,
             .path = "/api/v1/grants",
             .role = Role::lead,
             .handler = put_grant,
             .action = Action::grant,
             .name = "putGrant",
             .summary = "Keep a key of the caller's queue, sealed to one of its people or to the"
                        " recovery key",
             .schema = "",
             .request = "NewGrant"},
    Endpoint{get, "/api/v1/grants/recovery", Role::manager, list_recovery_grants, Action::none,
             "listRecoveryGrants", "The organisation's queue keys, sealed to its recovery key",
             "GrantList"},
    Endpoint{.method = post,
             .path = "/api/v1/grants/{queue}/forget",
             .role = Role::lead,
             .handler = forget_grants,
             .action = Action::forget_grants,
             .name = "forgetGrants",
             .summary = "Delete all grants of an earlier generation, once nothing is sealed to it",
             .schema = "",
             .request = "Generation"},
    Endpoint{post, "/api/v1/reports/{id}/export", Role::lead, export_report, Action::export_report,
             "exportReport", "Take note that a lead discloses the first text to a third party", ""},
    Endpoint{
        get, "/api/v1/withdrawn", Role::lead, list_withdrawn, Action::none, "listWithdrawn",
        "Reports of the caller's queues that were withdrawn by number alone and are hidden, or are"
        " legally held",
        "WithdrawnList", true},
    Endpoint{post, "/api/v1/reports/{id}/hold", Role::lead, hold_report, Action::hold, "holdReport",
             "Keep such a report from being deleted, hidden as it is: a life is at risk", ""},
    Endpoint{post, "/api/v1/reports/{id}/hold-release", Role::lead, release_hold, Action::hold,
             "releaseHold", "No longer keep such a report", ""},
    Endpoint{post, "/api/v1/reports/{id}/legal-hold", Role::caseworker, hold_legally,
             Action::legal_hold, "holdLegally",
             "Keep the content of a report whatever happens to it: two people, one of them a lead",
             "", false, false, false, "", 2},
    Endpoint{post, "/api/v1/reports/{id}/legal-release", Role::caseworker, release_legal_hold,
             Action::legal_release, "releaseLegalHold",
             "No longer keep it: two people, one of them a lead", "", false, false, false, "", 2},
    Endpoint{post, "/api/v1/reports/{id}/delete", Role::caseworker, delete_report,
             Action::delete_report, "deleteReport",
             "Delete a report with all that was written: two people, one of them a lead", "", false,
             false, false, "", 2},
    Endpoint{get, "/api/v1/intents", Role::member, list_intents, Action::none, "listIntents",
             "What waits for a second person in the caller's queues or organisation", "IntentList"},
    Endpoint{get, "/api/v1/audit", Role::overseer, read_audit, Action::read_audit, "readAudit",
             "The audit chain from its beginning, and the checkpoints in it", "AuditPage", true},
    Endpoint{get, "/api/v1/openapi.json", Role::anyone, describe_api, Action::none, "describeApi",
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

std::optional<identity::Ownership> ownership_of(const storage::Report& report,
                                                const std::vector<storage::Statement>& statements,
                                                const identity::Directory& directory) {
  if (report.texts.empty()) return std::nullopt;
  const auto& first = report.texts.front();
  const auto record = identity::verify_intake(first.record, directory);
  if (!record || record->message_digest != identity::envelope_digest(first.message))
    return std::nullopt;
  std::vector<crypto::View> views;
  for (const auto& statement : statements) views.emplace_back(statement.bytes);
  const auto ownership = identity::ownership(report.row.report_id, first.record, views, directory);
  if (!ownership) return std::nullopt;
  return *ownership;
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
