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

// Which of its keys the wrap may be for that something else comes in the place of.
enum class Sealed : std::uint8_t { for_former_key, for_any_key };

// The queue of the caller of which this is such a key.
const identity::Directory::Queue* queue_of_hers(const crypto::Id& kid, Sealed sealed,
                                                const Call& call) {
  const auto reader = call.directory->queue_by_kid(kid);
  return reader && (!reader->is_current || sealed == Sealed::for_any_key) &&
                 is_hers(call, reader->queue->id)
             ? reader->queue
             : nullptr;
}

struct Renewed {
  storage::RenewedWrap wrap;
  bool of_police = false;
};

// One entry of the body; nothing if it is not what this call takes.
std::optional<Renewed> read_renewed(const json::value& value, Sealed sealed, const Call& call) {
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
  const auto* const queue = queue_of_hers(claimed->recipient.kid, sealed, call);
  if (known == parts.end() || !queue) return std::nullopt;

  Renewed out;
  out.of_police = is_police(*queue);
  out.wrap.queue_id = queue->id;
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
    auto read = read_renewed(entry, Sealed::for_former_key, call);
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
  const auto done = cases.renew_wraps(renewed, call.member->id, call.scribe());
  return done ? no_content() : failure(done.error());
}

namespace {

// The queue's wrap of a message, and where it stands.
struct CurrentWrap {
  std::size_t place = 0;
  crypto::View wrap;
};

std::optional<CurrentWrap> wrap_of(const identity::Directory::Queue& queue, crypto::View wraps,
                                   const identity::Directory& directory) {
  constexpr auto size = identity::box_envelope_size;
  for (std::size_t place = 0; (place + 1) * size <= wraps.size(); ++place) {
    const auto wrap = wraps.subspan(place * size, size);
    if (first_reader(wrap, directory) == &queue) return CurrentWrap{place, wrap};
  }
  return std::nullopt;
}

const identity::Directory::Queue* queue_of_path(const Call& call) {
  const auto* const queue = call.directory->queue_named(call.argument);
  return queue != nullptr && is_hers(call, queue->id) ? queue : nullptr;
}

// A place as an opaque cursor, and back.
std::string cursor_of(const storage::FormerPlace& place) {
  storage::Bytes out;
  for (const auto* id : {&place.report_id, &place.message_id, &place.kid})
    out.insert(out.end(), id->begin(), id->end());
  return crypto::base64url(out);
}

std::optional<storage::FormerPlace> place_of(std::string_view cursor) {
  const auto bytes = crypto::from_base64url(cursor);
  storage::FormerPlace out;
  if (!bytes || bytes->size() != 3 * out.kid.size()) return std::nullopt;
  auto from = bytes->begin();
  for (auto* id : {&out.report_id, &out.message_id, &out.kid}) {
    std::copy_n(from, id->size(), id->begin());
    from += static_cast<std::ptrdiff_t>(id->size());
  }
  return out;
}

// One entry of the body; nothing if it is not what this call takes.
std::optional<storage::ComparedWrap> read_compared(const json::value& value,
                                                   const identity::Directory::Queue& queue,
                                                   const Call& call) {
  if (!value.is_object()) return std::nullopt;
  const auto& entry = value.get_object();
  const auto wrap = bytes_of(entry, "wrap");
  const auto* const mended = entry.if_contains("mended");
  if (!wrap || !mended) return std::nullopt;
  const auto claimed = identity::claimed_wrap(*wrap);
  if (!claimed || queue_of_hers(claimed->recipient.kid, Sealed::for_former_key, call) != &queue)
    return std::nullopt;
  storage::ComparedWrap out;
  out.place = {claimed->report_id, claimed->message_id, claimed->recipient.kid};
  if (mended->is_null()) return out;
  auto renewed = read_renewed(*mended, Sealed::for_any_key, call);
  if (!renewed || renewed->wrap.wrap.empty() || renewed->wrap.queue_id != queue.id ||
      renewed->wrap.seen.report_id != claimed->report_id ||
      renewed->wrap.seen.message_id != claimed->message_id)
    return std::nullopt;
  out.mended = std::move(renewed->wrap);
  return out;
}

}  // namespace

// For a lead's client, which opens both. Of a report that the police may not read any more nothing
// is shown to them that stands now.
Answer list_former_wraps(const Call& call, Cases& cases) {
  const auto* const queue = queue_of_path(call);
  if (queue == nullptr) return not_found();
  storage::FormerPlace from;
  if (const auto given = parameter(call.query, "cursor")) {
    const auto place = place_of(*given);
    if (!place) return bad_cursor();
    from = *place;
  }
  const auto limit = limit_of(call);
  if (!limit) return bad_limit();
  const auto former = cases.former_wraps(queue->id, from, *limit);
  if (!former) return failure(former.error());
  json::array all;
  for (const auto& stored : *former) {
    if (queue_of_hers(stored.place.kid, Sealed::for_former_key, call) != queue) continue;
    auto now = wrap_of(*queue, stored.wraps, *call.directory);
    if (now && is_police(*queue)) {
      const auto proof = police_proof(cases, stored.place.report_id, *call.directory);
      if (!proof) return failure(proof.error());
      if (proof->empty()) now.reset();
    }
    json::object entry{{"part", name_of(stored.part)},
                       {"wrap", crypto::base64(stored.wrap)},
                       {"user", crypto::hex(stored.user_id)},
                       {"place", nullptr},
                       {"now", nullptr}};
    if (now) {
      entry["place"] = now->place;
      entry["now"] = crypto::base64(now->wrap);
    }
    all.push_back(std::move(entry));
  }
  json::value next;
  if (former->size() == *limit) next = cursor_of(former->back().place);
  return good(json::object{{"wraps", std::move(all)}, {"next", std::move(next)}});
}

// Whose word counts here is a lead's: she may forget the key as well.
Answer settle_former_wraps(const Call& call, Cases& cases) {
  const auto* const queue = queue_of_path(call);
  if (queue == nullptr) return not_found();
  const auto body = body_of(call);
  const auto* const list = body ? body->if_contains("wraps") : nullptr;
  if (!list || !list->is_array() || list->get_array().size() > largest_page) return bad_body();
  std::vector<storage::ComparedWrap> compared;
  std::size_t mended = 0;
  for (const auto& entry : list->get_array()) {
    auto read = read_compared(entry, *queue, call);
    if (!read) return bad_body();
    if (read->mended && ++mended > storage::blocking::DeskStore::most_renewed) return bad_body();
    if (read->mended && is_police(*queue)) {
      const auto proof = police_proof(cases, read->place.report_id, *call.directory);
      if (!proof) return failure(proof.error());
      if (proof->empty()) return bad_body();
    }
    compared.push_back(std::move(*read));
  }
  if (compared.empty()) return no_content();
  auto mending = call;
  mending.action = identity::AuditAction::mend_wrap;
  const auto done = cases.settle_former_wraps(
      queue->id, compared, call.scribe(static_cast<std::uint32_t>(compared.size())),
      mending.scribe());
  return done ? no_content() : failure(done.error());
}

}  // namespace ishara::desk
