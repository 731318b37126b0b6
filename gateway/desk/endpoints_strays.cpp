#include "gateway/desk/answers.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/strays.hpp"
#include "gateway/identity/envelope.hpp"

namespace ishara::desk {
namespace {

// Whether these are wraps of a stray message for the present owner and its fallback, and for the
// queue that has it only if the TRANSFER lets that queue keep its wraps. Nobody else's.
bool handed_on_fits(crypto::View wraps, const StrayReport& report,
                    const storage::LeftBehind& message, const identity::Directory& directory) {
  if (!wraps_fit(wraps, report.report_id, message.message_id, report.owner->id,
                 report.ownership.consent_class == 1, directory))
    return false;
  const auto* const holder = first_reader(message.wraps, directory);
  for (auto rest = wraps.subspan(identity::box_envelope_size); !rest.empty();
       rest = rest.subspan(identity::box_envelope_size)) {
    const auto* const reader = first_reader(rest, directory);
    const bool fallback = report.owner->fallback == reader->id &&
                          reader->organisation_class == report.owner->organisation_class;
    const bool keeper = reader == holder && std::ranges::find(report.ownership.kept, reader->id) !=
                                                report.ownership.kept.end();
    if (!fallback && !keeper) return false;
  }
  return true;
}

// Whichever queue has a wrap of the message keeps that one, be it for a former key: it renews that
// itself. The desk cannot tell whether a new one opens, and the former owner shall not be able to
// take the message from the present one.
storage::Bytes keep_stored(storage::Bytes wraps, crypto::View stored,
                           const identity::Directory& directory) {
  constexpr auto size = identity::box_envelope_size;
  for (std::size_t at = 0; at < wraps.size(); at += size) {
    const auto* const reader = first_reader(crypto::View{wraps}.subspan(at, size), directory);
    for (auto rest = stored; reader && rest.size() >= size; rest = rest.subspan(size)) {
      if (first_reader(rest, directory) == reader)
        std::ranges::copy(rest.first(size), wraps.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  return wraps;
}

}  // namespace

// What former owners still have to hand on. It shows whose the report is now and why, and the one
// wrap that the caller's queue can open: nothing that says what the report is about.
Answer list_strays(const Call& call, Cases& cases) {
  const auto from = first_report(call);
  if (!from) return bad_cursor();
  const auto limit = limit_of(call);
  if (!limit) return bad_limit();
  const auto strays =
      find_strays(cases, *call.directory, call.member->queues, *from, last_id, *limit);
  if (!strays) return failure(strays.error());
  json::array all;
  for (const auto& report : strays->reports) {
    json::array statements, wraps;
    for (const auto& statement : report.statements)
      statements.push_back(json::string{crypto::base64(statement.bytes)});
    for (const auto& message : report.messages)
      wraps.push_back(json::object{{"id", crypto::hex(message.message_id)},
                                   {"wraps", crypto::base64(crypto::View{message.wraps}.first(
                                                 identity::box_envelope_size))}});
    all.push_back(json::object{{"report", crypto::hex(report.report_id)},
                               {"record", crypto::base64(report.record)},
                               {"statements", std::move(statements)},
                               {"texts", std::move(wraps)}});
  }
  return good(json::object{{"strays", std::move(all)}, {"next", next_report(strays->next)}});
}

Answer hand_on_strays(const Call& call, Cases& cases) {
  const auto id = crypto::from_hex_exact<16>(call.argument);
  if (!id) return not_found();
  auto strays = find_strays(cases, *call.directory, call.member->queues, *id, *id, 1);
  if (!strays) return failure(strays.error());
  if (strays->reports.empty()) return not_found();
  const auto& report = strays->reports.front();
  const auto body = body_of(call);
  if (!body) return bad_body();

  storage::HandedOn handed_on;
  handed_on.report_id = report.report_id;
  handed_on.known_statements = static_cast<std::uint32_t>(report.statements.size());
  handed_on.to_queue = report.owner->id;
  const auto texts = read_wraps(*body, "texts", [&](const crypto::Id& message, crypto::View wraps) {
    const auto left = std::ranges::find(report.messages, message, &storage::LeftBehind::message_id);
    // Somebody else of the queue was faster: nothing is left to do.
    if (left == report.messages.end()) return true;
    if (!handed_on_fits(wraps, report, *left, *call.directory)) return false;
    handed_on.messages.push_back(
        {*left, keep_stored({wraps.begin(), wraps.end()}, left->wraps, *call.directory)});
    return true;
  });
  if (!texts) return bad_body();
  if (handed_on.messages.empty()) return no_content();
  const auto done = cases.hand_on(handed_on, call.scribe());
  return done ? no_content() : failure(done.error());
}

namespace {

using Part = storage::LeftBehind::Part;

constexpr std::array<std::pair<Part, std::string_view>, 3> parts{
    {{Part::first_text, "first"}, {Part::later_text, "text"}, {Part::note, "note"}}};

std::string_view name_of(Part part) {
  return std::ranges::find(parts, part, &decltype(parts)::value_type::first)->second;
}

bool is_police(const identity::Directory::Queue& queue) {
  return queue.organisation_class == identity::OrganisationClass::police;
}

// The queue of the caller of which this is a former key.
const identity::Directory::Queue* formerly_of_hers(const crypto::Id& kid, const Call& call) {
  const auto reader = call.directory->queue_by_kid(kid);
  return reader && !reader->is_current && is_hers(call, reader->queue->id) ? reader->queue
                                                                           : nullptr;
}

struct Renewed {
  storage::RenewedWrap wrap;
  bool of_police = false;
};

// One entry of the body; nothing if it is not what this call takes.
std::optional<Renewed> read_renewed(const json::value& value, const Call& call) {
  if (!value.is_object()) return std::nullopt;
  const auto& entry = value.get_object();
  const auto* part = entry.if_contains("part");
  const auto* place = entry.if_contains("place");
  const auto* renewed = entry.if_contains("new");
  auto old = bytes_of(entry, "old");
  const auto claimed =
      old ? identity::claimed_wrap(*old)
          : boost::system::result<identity::ClaimedWrap>{identity::envelope_errc::refused};
  if (!part || !part->is_string() || !place || !place->is_int64() || !renewed || !claimed ||
      place->get_int64() < 0 || place->get_int64() >= static_cast<std::int64_t>(most_wraps))
    return std::nullopt;
  const std::string_view name = part->get_string();
  const auto known = std::ranges::find(parts, name, &decltype(parts)::value_type::second);
  const auto* const queue = formerly_of_hers(claimed->recipient.kid, call);
  if (known == parts.end() || !queue) return std::nullopt;

  Renewed out;
  out.of_police = is_police(*queue);
  if (!renewed->is_null()) {
    auto wrap = bytes_of(entry, "new");
    if (!wrap || wrap->size() != identity::box_envelope_size ||
        !wraps_fit(*wrap, claimed->report_id, claimed->message_id, queue->id, out.of_police,
                   *call.directory))
      return std::nullopt;
    out.wrap.wrap = std::move(*wrap);
  } else if (!out.of_police || place->get_int64() == 0) {
    return std::nullopt;
  }
  out.wrap.seen = {known->first, claimed->report_id, claimed->message_id,
                   static_cast<std::uint32_t>(place->get_int64()), std::move(*old)};
  return out;
}

}  // namespace

// The wraps that will not open any more once former keys of the caller's queues are forgotten. For
// the police with what shows that they may read the report, or null: then the wrap is to go.
Answer list_outdated(const Call& call, Cases& cases) {
  const auto from = first_report(call);
  if (!from) return bad_cursor();
  const auto limit = limit_of(call);
  if (!limit) return bad_limit();
  json::array all;
  std::optional<crypto::Id> next;
  const auto kids = earlier_kids(call.member->queues, *call.directory);
  // Nearly always there are none, and looking for them reads all that is stored.
  if (kids.empty()) return good(json::object{{"wraps", std::move(all)}, {"next", nullptr}});
  const auto wraps = cases.wraps_for(kids, *from, *limit + 1);
  if (!wraps) return failure(wraps.error());
  std::uint32_t reports = 0;
  crypto::Id report{};
  for (const auto& stored : *wraps) {
    if (reports == 0 || stored.report_id != report) {
      report = stored.report_id;
      if (++reports > *limit) {
        next = report;
        break;
      }
    }
    const auto* const queue = first_reader(stored.wrap, *call.directory);
    json::value proof;
    if (queue && is_police(*queue)) {
      const auto shown = police_proof(cases, report, *call.directory);
      if (!shown) return failure(shown.error());
      if (!shown->empty()) proof = json::string{crypto::base64(*shown)};
    }
    all.push_back(json::object{{"part", name_of(stored.part)},
                               {"place", stored.place},
                               {"wrap", crypto::base64(stored.wrap)},
                               {"proof", std::move(proof)}});
  }
  return good(json::object{{"wraps", std::move(all)}, {"next", next_report(next)}});
}

Answer renew_outdated(const Call& call, Cases& cases) {
  const auto body = body_of(call);
  const auto* const list = body ? body->if_contains("wraps") : nullptr;
  if (!list || !list->is_array() ||
      list->get_array().size() > storage::blocking::DeskStore::most_renewed)
    return bad_body();
  std::vector<storage::RenewedWrap> renewed;
  for (const auto& entry : list->get_array()) {
    auto read = read_renewed(entry, call);
    if (!read) return bad_body();
    // The police get a new wrap exactly if they may read the report, and lose the old one else.
    if (read->of_police) {
      const auto proof = police_proof(cases, read->wrap.seen.report_id, *call.directory);
      if (!proof) return failure(proof.error());
      if (proof->empty() != read->wrap.wrap.empty()) return bad_body();
    }
    renewed.push_back(std::move(read->wrap));
  }
  if (renewed.empty()) return no_content();
  const auto done = cases.renew_wraps(renewed, call.scribe());
  return done ? no_content() : failure(done.error());
}

}  // namespace ishara::desk
