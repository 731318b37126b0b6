#pragma once
// What the handlers of the API share: its answers, the reading of what a caller sends, and the one
// way to a report. For endpoints*.cpp alone.

#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/desk/cases.hpp"
#include "gateway/desk/endpoints.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/roster.hpp"

namespace boost::json {
class object;
class value;
}  // namespace boost::json

namespace ishara::desk {

namespace json = boost::json;

constexpr std::uint32_t page_size = 50;
constexpr std::uint32_t largest_page = 200;
constexpr std::size_t most_wraps = 8;  // of one message

Answer good(std::string body, std::string tag = {});

Answer good(const json::value& body, std::string tag = {});

Answer no_content();

// The same words whether a thing is not there or not the caller's to see.
Answer not_found();

Answer failure(const boost::system::error_code& error);

// The value of a query parameter; values here need no percent-decoding.
std::optional<std::string_view> parameter(std::string_view query, std::string_view name);

// A whole decimal number; nothing for anything else.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// How much of a list the caller wants at once; nothing if she asks for too much or nonsense.
std::optional<std::uint32_t> limit_of(const Call& call);

Answer bad_cursor();

Answer bad_limit();

// Where a list by report id goes on; nothing if the caller's cursor is none.
std::optional<crypto::Id> first_report(const Call& call);

// Its cursor in an answer.
json::value next_report(const std::optional<crypto::Id>& next);

// The report of the path, if it belongs to a queue of the caller.
struct Found {
  std::optional<storage::Report> report;
  std::vector<storage::Statement> statements;
  identity::Ownership ownership;
  Answer refusal;  // if there is none
};

bool is_hers(const Call& call, const crypto::Id& queue);

bool has_role(const identity::Directory::Member& member, std::string_view role);

// Only its last owner learns that a report is gone because it was taken back or deleted.
Answer is_gone(const Call& call, Cases& cases, const crypto::Id& report);

Found find_report(const Call& call, Cases& cases);

std::optional<json::object> body_of(const Call& call);

// The bytes of a member; nothing if it is absent or no base64.
std::optional<storage::Bytes> bytes_of(const json::object& object, std::string_view name);

Answer bad_body();

Answer is_withdrawn();

Answer is_retired();

// Whether these are wraps of this message for the present keys of queues of the rosters, the first
// one for `first`, the others for no retired queue, and none for the police unless they may read
// it.
bool wraps_fit(crypto::View wraps, const crypto::Id& report, const crypto::Id& message,
               const crypto::Id& first, bool police_may_read, const identity::Directory& directory);

// The list of new wraps in a body, all of them for `first`; nothing if one does not fit.
std::optional<std::vector<storage::NewWraps>> read_wraps(
    const json::object& body, std::string_view name,
    const std::function<bool(const crypto::Id&, crypto::View)>& fit);

// --- Handlers that have a file of their own; the others are beside the table.

// endpoints_strays.cpp
Answer list_strays(const Call& call, Cases& cases);
Answer list_outdated(const Call& call, Cases& cases);
Answer renew_outdated(const Call& call, Cases& cases);
Answer list_former_wraps(const Call& call, Cases& cases);
Answer settle_former_wraps(const Call& call, Cases& cases);
Answer hand_on_strays(const Call& call, Cases& cases);

// endpoints_withdrawals.cpp
Answer list_withdrawn(const Call& call, Cases& cases);
Answer hold_report(const Call& call, Cases& cases);
Answer release_hold(const Call& call, Cases& cases);
Answer hold_legally(const Call& call, Cases& cases);
Answer release_legal_hold(const Call& call, Cases& cases);
Answer delete_report(const Call& call, Cases& cases);

// second_person.cpp
Answer list_intents(const Call& call, Cases& cases);

// endpoints_people.cpp
Answer publish_roster(const Call& call, Cases& cases);
Answer list_proposed_rosters(const Call& call, Cases& cases);
Answer list_transfers(const Call& call, Cases& cases);
Answer invite(const Call& call, Cases& cases);
Answer enrol(const Call& call, Cases& cases);
Answer list_enrolments(const Call& call, Cases& cases);
Answer list_grants(const Call& call, Cases& cases);
Answer list_recovery_grants(const Call& call, Cases& cases);
Answer put_grant(const Call& call, Cases& cases);
Answer forget_grants(const Call& call, Cases& cases);

// endpoints_audit.cpp
Answer read_audit(const Call& call, Cases& cases);
Answer export_report(const Call& call, Cases& cases);

}  // namespace ishara::desk
