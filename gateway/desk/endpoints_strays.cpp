#include "gateway/desk/answers.hpp"

#include <algorithm>
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

// Whoever has a wrap of the message keeps that one. The desk cannot tell whether a new one opens,
// and the former owner shall not be able to take the message from the present one.
storage::Bytes keep_stored(storage::Bytes wraps, crypto::View stored) {
  constexpr auto size = identity::box_envelope_size;
  for (std::size_t at = 0; at < wraps.size(); at += size) {
    const auto reader = identity::wrap_recipient(crypto::View{wraps}.subspan(at, size));
    for (auto rest = stored; reader && rest.size() >= size; rest = rest.subspan(size)) {
      const auto known = identity::wrap_recipient(rest.first(size));
      if (known && known->kid == reader->kid)
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
    handed_on.messages.push_back({*left, keep_stored({wraps.begin(), wraps.end()}, left->wraps)});
    return true;
  });
  if (!texts) return bad_body();
  if (handed_on.messages.empty()) return no_content();
  const auto done = cases.hand_on(handed_on, call.scribe());
  return done ? no_content() : failure(done.error());
}

}  // namespace ishara::desk
