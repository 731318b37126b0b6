#pragma once
// The API: one row a call. A new call is one function in endpoints*.cpp and one row in the table;
// matching, signatures, roles, conditions, repeats and the OpenAPI document follow from the row.
// The row also says which audit entry the call leaves: the verbs that read or change a report take
// its scribe.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/desk/cases.hpp"
#include "gateway/http/message.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::desk {

// Who may call. Everything but `anyone` needs a signature by a key of a rostered member; `anyone`
// shows a one-time code where it changes something.
enum class Role : std::uint8_t {
  anyone,
  member,      // of any organisation, whatever the role
  caseworker,  // caseworkers and leads
  lead,
  admin,     // of an organisation
  manager,   // admins and leads: say who belongs to an organisation
  overseer,  // auditors and admins: see who did what, and no report
};

// One authenticated call, as a handler sees it. Views live as long as the call.
struct Call {
  std::shared_ptr<const identity::Directory> directory;
  const identity::Directory::Member* member = nullptr;  // nothing for Role::anyone
  std::string_view argument;                            // what stood in the braces of the path
  std::string_view query;                               // without the question mark
  std::string_view condition;                           // the value of If-Match
  std::string_view body;
  std::uint64_t now = 0;  // unix time
  identity::AuditAction action = identity::AuditAction::none;
  std::optional<config::IpAddress> origin;  // of the caller's machine

  // Writes what the caller does now.
  storage::AuditScribe scribe(std::uint32_t flags = 0) const {
    return identity::scribe_of({action, now, member->id, flags, "{}", origin});
  }
};

struct Answer {
  http::Response response;
  std::uint32_t texts = 0;  // sealed texts in it, for the fetch limit
};

// Runs on a pool thread and may block.
using Handler = Answer (*)(const Call& call, Cases& cases);

struct Endpoint {
  http::Method method;
  std::string_view path;  // with at most one {argument}
  Role role;
  Handler handler;
  identity::AuditAction action;   // `none`: nothing of a report is read or changed
  std::string_view name;          // operationId
  std::string_view summary;       // for the OpenAPI document
  std::string_view schema;        // of the good answer, a name in the document
  bool paged = false;             // takes cursor and limit
  bool conditional = false;       // needs If-Match
  bool fetches = false;           // counts against the fetch limit
  std::string_view request = {};  // of the body, a name in the document; empty: there is none
  std::uint8_t persons = 1;  // 2: may be answered 202 and need a second person who calls it too
  bool creates = false;      // a good answer with a body is 201
  bool guessable = false;    // 403 says that a one-time code is wrong: counted, and many ring
};

std::span<const Endpoint> endpoints() noexcept;

// The document that describes them, OpenAPI 3.1.
std::string openapi_document();

// How long a pulled report stays with its caseworker without a renewal.
inline constexpr std::chrono::minutes lease_duration{30};

// The entity tag of a report: changes with its stage and its lease.
std::string entity_tag(const storage::ReportRow& row);

// Who holds a report by its first INTAKE and what was signed after it, never by the column of the
// row; nothing if no rostered gateway signed it for this report, or a digest does not hold.
std::optional<identity::Ownership> ownership_of(const storage::Report& report,
                                                const std::vector<storage::Statement>& statements,
                                                const identity::Directory& directory);

// The opaque place in a paged list; nothing if `text` is none.
std::string write_cursor(const storage::Cursor& cursor);
std::optional<storage::Cursor> read_cursor(std::string_view text);

}  // namespace ishara::desk
