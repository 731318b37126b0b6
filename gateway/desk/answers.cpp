#include "gateway/desk/answers.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/problem.hpp"
#include "gateway/desk/withdrawals.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::desk {
namespace {

Found refused(Answer refusal) {
  Found out;
  out.refusal = std::move(refusal);
  return out;
}

}  // namespace

Answer good(std::string body, std::string tag) {
  Answer out;
  out.response.content_type = "application/json";
  out.response.body = std::move(body);
  if (!tag.empty()) out.response.fields.emplace_back("ETag", std::move(tag));
  return out;
}

Answer good(const json::value& body, std::string tag) {
  return good(json::serialize(body), std::move(tag));
}

Answer no_content() {
  Answer out;
  out.response.status = 204;
  return out;
}

Answer not_found() { return {problem(404, "not-found", "There is no such thing in your queues.")}; }

Answer failure(const boost::system::error_code& error) {
  if (error == storage::errc::not_found) return not_found();
  if (error == storage::errc::lease_lost)
    return {
        problem(409, "lease-lost", "The report is not, or no longer, in your hands; pull again.")};
  if (error == storage::errc::conflict)
    return {problem(409, "changed", "The report has changed since you read it; read it again.")};
  if (error == storage::errc::schema)
    return {problem(503, "schema",
                    "The database does not fit this program; an operator must run migrate.")};
  return {problem(503, "store-unavailable", "The store is away; try again in a moment.")};
}

std::optional<std::string_view> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::optional<std::uint32_t> limit_of(const Call& call) {
  const auto given = parameter(call.query, "limit");
  if (!given) return page_size;
  const auto limit = number_of<std::uint32_t>(*given);
  return limit && *limit > 0 && *limit <= largest_page ? limit : std::nullopt;
}

Answer bad_cursor() {
  return {problem(400, "bad-cursor", "The cursor is not one that this API gave.")};
}

Answer bad_limit() { return {problem(400, "bad-limit", "The limit is a number from 1 to 200.")}; }

std::optional<crypto::Id> first_report(const Call& call) {
  const auto given = parameter(call.query, "cursor");
  if (!given) return crypto::Id{};
  const auto cursor = read_cursor(*given);
  return cursor ? std::optional{cursor->report_id} : std::nullopt;
}

json::value next_report(const std::optional<crypto::Id>& next) {
  return next ? json::value(write_cursor({false, 0, *next})) : json::value{};
}

bool is_hers(const Call& call, const crypto::Id& queue) {
  return std::ranges::find(call.member->queues, queue) != call.member->queues.end();
}

bool has_role(const identity::Directory::Member& member, std::string_view role) {
  return std::ranges::find(member.roles, role) != member.roles.end();
}

Answer is_gone(const Call& call, Cases& cases, const crypto::Id& report) {
  const auto known = signed_ownership(cases, report, *call.directory);
  if (!known || !*known || !is_hers(call, (*known)->owner)) return not_found();
  const auto deleted = cases.is_deleted(report);
  if (deleted && *deleted)
    return {problem(410, "deleted", "Two people of its queue have deleted this report.")};
  if (!(*known)->withdrawn) return not_found();
  return {problem(410, "withdrawn",
                  "The reporter, or whoever has the reporter's phone, has taken this report back."
                  " Do not go on with it.")};
}

Found find_report(const Call& call, Cases& cases) {
  const auto id = crypto::from_hex_exact<16>(call.argument);
  if (!id) return refused(not_found());
  auto report = cases.show(*id);
  if (!report && report.error() == storage::errc::not_found)
    return refused(is_gone(call, cases, *id));
  if (!report) return refused(failure(report.error()));
  auto statements = cases.statements(*id);
  if (!statements) return refused(failure(statements.error()));
  const auto ownership = ownership_of(*report, *statements, *call.directory);
  if (!ownership || report->row.report_id != *id || !is_hers(call, ownership->owner))
    return refused(not_found());
  return {std::move(*report), std::move(*statements), *ownership, {}};
}

std::optional<json::object> body_of(const Call& call) {
  boost::system::error_code error;
  auto value = json::parse(json::string_view{call.body.data(), call.body.size()}, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<storage::Bytes> bytes_of(const json::object& object, std::string_view name) {
  const auto* text = object.if_contains(name);
  if (text == nullptr || !text->is_string()) return std::nullopt;
  return crypto::from_base64(text->get_string());
}

Answer bad_body() {
  return {problem(400, "bad-body", "The body is not what this call takes; see the API document.")};
}

Answer is_withdrawn() {
  return {problem(409, "withdrawn", "The reporter has taken the report back.")};
}

Answer is_retired() {
  return {problem(409, "retired", "The queue is retired; it gets nothing new.")};
}

bool wraps_fit(crypto::View wraps, const crypto::Id& report, const crypto::Id& message,
               const crypto::Id& first, bool police_may_read,
               const identity::Directory& directory) {
  constexpr auto size = identity::box_envelope_size;
  if (wraps.empty() || wraps.size() % size != 0 || wraps.size() / size > most_wraps) return false;
  for (std::size_t at = 0; at < wraps.size(); at += size) {
    const auto wrap = wraps.subspan(at, size);
    const auto recipient = identity::wrap_recipient(wrap);
    if (!recipient || !std::ranges::equal(wrap.subspan(8, 16), report) ||
        !std::ranges::equal(wrap.subspan(24, 16), message))
      return false;
    const auto reader = directory.queue_by_kid(recipient->kid);
    if (!reader || !reader->is_current) return false;
    const auto& queue = *reader->queue;
    if (at == 0 ? queue.id != first : queue.retired) return false;
    if (queue.organisation_class == identity::OrganisationClass::police && !police_may_read)
      return false;
  }
  return true;
}

std::optional<std::vector<storage::NewWraps>> read_wraps(
    const json::object& body, std::string_view name,
    const std::function<bool(const crypto::Id&, crypto::View)>& fit) {
  const auto* list = body.if_contains(name);
  if (list == nullptr || !list->is_array()) return std::nullopt;
  std::vector<storage::NewWraps> out;
  for (const auto& entry : list->get_array()) {
    if (!entry.is_object()) return std::nullopt;
    const auto* text = entry.get_object().if_contains("id");
    const auto id = text != nullptr && text->is_string()
                        ? crypto::from_hex_exact<16>(text->get_string())
                        : std::nullopt;
    auto wraps = bytes_of(entry.get_object(), "wraps");
    if (!id || !wraps || !fit(*id, *wraps)) return std::nullopt;
    out.push_back({*id, std::move(*wraps)});
  }
  return out;
}

}  // namespace ishara::desk
