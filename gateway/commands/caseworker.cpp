#include "gateway/commands/caseworker.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <set>
#include <span>

#include "gateway/commands/desk_answers.hpp"
#include "gateway/commands/queue_wraps.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/note.hpp"
#include "gateway/identity/same_sender.hpp"
#include "gateway/identity/statement.hpp"
#include "i18n/sms.hpp"

namespace ishara::commands {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse_report() {
  throw CommandError{
      "the report does not hold what a gateway of this deployment signed",
      "do not rely on it; tell your lead: the database or the desk was tampered with"};
}

[[noreturn]] void refuse_stray(const std::string& what) {
  throw CommandError{what + " is still sealed for the queue that had it before",
                     "it is handed on when one of that queue's people looks in, or a colleague "
                     "who has a former key of yours; ask them"};
}

[[noreturn]] void refuse_chain() {
  throw CommandError{"the desk's answer is not what its API says",
                     "is --desk the address of a desk of this version?"};
}

crypto::Bytes bytes_at(const json::object& object, std::string_view name) {
  const auto* text = object.if_contains(name);
  if (text == nullptr || !text->is_string()) refuse_report();
  auto bytes = crypto::from_base64(text->as_string());
  if (!bytes) refuse_report();
  return std::move(*bytes);
}

template <std::size_t N>
std::array<std::uint8_t, N> id_at(const json::object& object, std::string_view name) {
  const auto* text = object.if_contains(name);
  const auto id = text != nullptr && text->is_string()
                      ? crypto::from_hex_exact<N>(text->as_string())
                      : std::nullopt;
  if (!id) refuse_report();
  return *id;
}

const json::array& array_at(const json::object& object, std::string_view name) {
  const auto* array = object.if_contains(name);
  if (array == nullptr || !array->is_array()) refuse_report();
  return array->get_array();
}

const json::object& object_of(const json::value& value) {
  if (!value.is_object()) refuse_report();
  return value.get_object();
}

std::vector<crypto::Bytes> statements_at(const json::object& object) {
  std::vector<crypto::Bytes> out;
  for (const auto& entry : array_at(object, "statements")) {
    if (!entry.is_string()) refuse_report();
    auto bytes = crypto::from_base64(entry.get_string());
    if (!bytes) refuse_report();
    out.push_back(std::move(*bytes));
  }
  return out;
}

json::object parse_object(const std::string& body) {
  boost::system::error_code error;
  auto value = json::parse(body, error);
  if (error || !value.is_object())
    throw CommandError{"the desk's answer is not what its API says",
                       "is --desk the address of a desk?"};
  return std::move(value.get_object());
}

Caseworker::Waits waits_of(const http::Response& response) {
  if (response.status != 202) return std::nullopt;
  const auto until = answers::small_number(answers::object(response.body), "until");
  if (until == 0) answers::refuse();
  return until;
}

}  // namespace

// The key pair of a queue that the caller was granted, by its kid; nullptr if she was not.
const crypto::BoxKey* Caseworker::queue_key(const crypto::Id& kid) {
  if (!has_grants_) {
    const auto answer = parse_object(get("/grants"));
    for (const auto& entry : array_at(answer, "grants")) {
      const auto& object = object_of(entry);
      const auto queue_id = id_at<16>(object, "queue");
      const auto* queue = directory().queue(queue_id);
      const auto* generation = object.if_contains("generation");
      if (queue == nullptr || generation == nullptr || !generation->is_int64()) continue;
      const auto seed = identity::open_queue_grant(
          bytes_at(object, "envelope"), queue_id, user_id(),
          static_cast<std::uint32_t>(generation->get_int64()), box_key());
      if (!seed) continue;
      auto key = identity::queue_box_key(*seed);
      // Only a key that the organisation signed; a grant by itself proves nothing. One that the
      // queue has replaced opens what is not sealed anew yet.
      const auto granted = crypto::key_id(key.public_key);
      const auto known = directory().queue_by_kid(granted);
      if (known && known->queue == queue && known->box_key == key.public_key)
        queue_keys_.insert_or_assign(granted, std::move(key));
    }
    has_grants_ = true;
  }
  const auto found = queue_keys_.find(kid);
  return found == queue_keys_.end() ? nullptr : &found->second;
}

identity::IntakeRecord Caseworker::verified_record(const Sealed& text, const crypto::Id& report,
                                                   bool first) {
  const auto record = identity::verify_intake(text.record, directory());
  if (!record || record->report_id != report || record->first != first ||
      record->message_digest != identity::envelope_digest(text.envelope))
    refuse_report();
  return *record;
}

std::optional<crypto::Secret<32>> Caseworker::find_key(const Sealed& sealed,
                                                       const crypto::Id& report,
                                                       const crypto::Id& message) {
  if (sealed.wraps.size() % identity::box_envelope_size != 0) refuse_report();
  bool is_hers = false;
  for (std::size_t at = 0; at < sealed.wraps.size(); at += identity::box_envelope_size) {
    const auto wrap = crypto::View{sealed.wraps}.subspan(at, identity::box_envelope_size);
    const auto recipient = identity::wrap_recipient(wrap);
    const auto* key = recipient ? queue_key(recipient->kid) : nullptr;
    if (key == nullptr) continue;
    is_hers = true;
    auto opened = identity::open_key_wrap(wrap, report, message, *recipient, *key);
    // A wrap can be sound and hold another key; the id says which one is this message's.
    if (opened && identity::message_id_of(*opened) == message) return std::move(*opened);
  }
  if (!is_hers)
    throw CommandError{"the report is not sealed to a queue whose key you have",
                       "ask a lead of the queue to grant you its key"};
  return std::nullopt;
}

crypto::Secret<32> Caseworker::text_key(const Sealed& sealed, const crypto::Id& report,
                                        const crypto::Id& message) {
  auto key = find_key(sealed, report, message);
  if (!key)
    throw CommandError{
        "a text or note of this report is sealed so that you cannot open it",
        "tell your lead: whoever had the report before sealed it wrongly, or it was tampered with"};
  return std::move(*key);
}

std::optional<crypto::PublicKey> Caseworker::author_key(const crypto::Id& author) {
  if (const auto* member = directory().member(author)) return member->signing_key;
  if (const auto* former = directory().former_member(author)) return former->signing_key;
  return std::nullopt;
}

std::optional<OpenedReport::Note> Caseworker::open_note(const Sealed& note,
                                                        const crypto::Id& report) {
  const auto header = identity::claimed_note(note.envelope);
  const auto signing_key = author_key(note.author);
  if (!header || header->report_id != report || !signing_key ||
      !identity::signed_by(note.envelope, *signing_key))
    refuse_report();
  // From here on it is her colleague's own doing and no fault of the desk.
  const auto key = find_key(note, report, header->message_id);
  if (!key) return std::nullopt;
  const auto plain = identity::open_note(note.envelope, header->hour, report, header->message_id,
                                         *key, *signing_key);
  if (!plain) return std::nullopt;
  auto content = identity::decode_note(*plain);
  if (!content) return std::nullopt;
  return OpenedReport::Note{std::move(*content), crypto::hex(note.author),
                            directory().member(note.author) == nullptr};
}

Caseworker::Fetched Caseworker::fetch(const std::string& report_id) {
  const auto id = crypto::from_hex_exact<16>(report_id);
  if (!id)
    throw CommandError{"this is not a report id",
                       "take one of 32 digits from `ishara queue list NAME`"};
  directory();
  Fetched out;
  out.id = *id;
  auto row = parse_object(get("/reports/" + crypto::hex(*id)));
  const auto texts = row["texts"];
  row.erase("texts");
  if (id_at<16>(row, "id") != *id || !texts.is_array() || texts.get_array().empty())
    refuse_report();
  for (const auto& entry : texts.get_array()) {
    const auto& text = object_of(entry);
    out.texts.push_back(
        {bytes_at(text, "record"), bytes_at(text, "message"), bytes_at(text, "wraps"), {}});
  }
  out.row = json::serialize(row);

  const auto history = parse_object(get("/reports/" + crypto::hex(*id) + "/history"));
  out.statements = statements_at(history);
  for (const auto& entry : array_at(history, "notes")) {
    const auto& note = object_of(entry);
    out.notes.push_back(
        {{}, bytes_at(note, "note"), bytes_at(note, "wraps"), id_at<16>(note, "author")});
  }
  for (const auto& entry : array_at(history, "replies")) {
    const auto& reply = object_of(entry);
    const auto* state = reply.if_contains("state");
    const auto* reason = reply.if_contains("reason");
    if (state == nullptr || !state->is_string() || reason == nullptr || !reason->is_int64())
      refuse_report();
    const auto* delivery = reply.if_contains("delivery");
    constexpr std::array words{"", "queued", "sent", "delivered", "failed"};
    if (delivery == nullptr || !delivery->is_int64() || delivery->get_int64() < 0 ||
        delivery->get_int64() >= std::int64_t{words.size()})
      refuse_report();
    out.replies.push_back({crypto::hex(id_at<16>(reply, "id")), std::string{state->get_string()},
                           reason->get_int64(),
                           words[static_cast<std::size_t>(delivery->get_int64())]});
  }
  const std::vector<crypto::View> views{out.statements.begin(), out.statements.end()};
  const auto ownership = identity::ownership(*id, out.texts.front().record, views, directory());
  if (!ownership) refuse_report();
  out.ownership = *ownership;
  const auto hour = std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now());
  for (const auto& entry : array_at(history, "same_sender")) {
    const auto& object = object_of(entry);
    const auto record = bytes_at(object, "record");
    const auto statements = statements_at(object);
    const std::vector<crypto::View> since{statements.begin(), statements.end()};
    const auto other = identity::same_sender_as(
        *id, out.ownership, bytes_at(object, "link"), {record, since}, directory(),
        static_cast<std::uint32_t>(hour.time_since_epoch().count()));
    if (other)
      out.same_sender.push_back(crypto::hex(*other));
    else
      out.lies_about_sender = true;
  }
  return out;
}

bool Caseworker::is_with_former(const Sealed& sealed, const identity::Ownership& ownership) {
  const crypto::View wraps{sealed.wraps};
  for (std::size_t at = 0; at + identity::box_envelope_size <= wraps.size();
       at += identity::box_envelope_size) {
    const auto recipient = identity::wrap_recipient(wraps.subspan(at, identity::box_envelope_size));
    if (!recipient || queue_key(recipient->kid)) return false;
    if (at > 0) continue;
    const auto reader = directory().queue_by_kid(recipient->kid);
    if (!reader || (reader->queue->id == ownership.owner && reader->is_current)) return false;
  }
  return true;
}

OpenedReport Caseworker::open(const std::string& report_id) {
  auto fetched = fetch(report_id);
  OpenedReport out;
  for (const auto& text : fetched.texts) {
    const bool first = &text == &fetched.texts.front();
    const auto record = verified_record(text, fetched.id, first);
    if (first) out.record = record;
    if (is_with_former(text, fetched.ownership)) {
      if (first) refuse_stray("the report");
      ++out.with_former;
      continue;
    }
    const auto message_id = identity::claimed_message_id(text.envelope);
    if (!message_id) refuse_report();
    const auto key = find_key(text, fetched.id, *message_id);
    if (!key) {
      ++out.unreadable;
      continue;
    }
    const auto plain =
        identity::open_text(text.envelope, record.hour, fetched.id, *message_id, *key);
    if (!plain) refuse_report();
    auto content = identity::decode_message(*plain);
    if (!content) refuse_report();
    out.texts.push_back(std::move(*content));
    out.unverified.push_back(record.joined_by_number);
  }
  for (const auto& note : fetched.notes) {
    // What somebody wrote of whom no roster knows a key cannot be checked: it is nobody's word.
    if (is_with_former(note, fetched.ownership)) {
      ++out.with_former;
    } else if (!author_key(note.author)) {
      ++out.unchecked_notes;
    } else if (auto opened = open_note(note, fetched.id)) {
      out.notes.push_back(std::move(*opened));
    } else {
      ++out.unreadable;
    }
  }
  out.replies = std::move(fetched.replies);
  out.ownership = fetched.ownership;
  out.ownership.proof = {};  // a view into what goes now
  if (const auto* queue = directory().queue(out.ownership.owner)) out.queue = queue->name;
  auto row = parse_object(fetched.row);
  const auto differs = [&](std::string_view name, const json::value& is_signed) {
    if (row[name] != is_signed) out.flagged.emplace_back(name);
  };
  differs("class", std::int64_t{out.record.consent_class});
  differs("urgent", out.record.urgent);
  out.same_sender = std::move(fetched.same_sender);
  if (fetched.lies_about_sender) out.flagged.emplace_back("same_sender");
  for (const auto* name : {"class", "urgent", "queue", "hour", "with_former"}) row.erase(name);
  out.row = json::serialize(row);
  return out;
}

// --- For others

identity::AuditExport Caseworker::audit() {
  directory();
  identity::AuditExport out;
  out.rosters = rosters();
  // A gigabyte of file is more than `ishara audit verify` reads.
  constexpr int most_pages = 20'000;
  std::string cursor;
  std::uint64_t after = 0;
  int pages = 0;
  do {
    if (++pages > most_pages) refuse_chain();
    const auto page = parse_object(get("/audit?limit=200" + cursor));
    for (const auto& value : array_at(page, "entries")) {
      const auto& row = object_of(value);
      const auto* detail = row.if_contains("detail");
      if (detail == nullptr || !detail->is_string()) refuse_chain();
      out.entries.push_back({0, bytes_at(row, "entry"), std::string{detail->get_string()},
                             row.contains("origin") ? bytes_at(row, "origin") : crypto::Bytes{}});
    }
    for (const auto& value : array_at(page, "checkpoints")) {
      auto bytes = value.is_string() ? crypto::from_base64(value.get_string()) : std::nullopt;
      if (!bytes) refuse_chain();
      out.checkpoints.push_back(std::move(*bytes));
    }
    const auto* next = page.if_contains("next");
    if (next == nullptr || !(next->is_null() || next->is_string())) refuse_chain();
    // A page without an entry would lead nowhere.
    if (!next->is_null() && array_at(page, "entries").empty()) refuse_chain();
    cursor.clear();
    if (next->is_null()) continue;
    const std::string_view given = next->get_string();
    std::uint64_t place = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), place);
    // What does not lead further would go on without end.
    if (error != std::errc{} || end != given.data() + given.size() || place <= after)
      refuse_chain();
    after = place;
    cursor = "&cursor=" + std::to_string(after);
  } while (!cursor.empty());
  return out;
}

namespace {

// The root's roster and those of these organisations, with those that they cannot be verified
// without: of the fallbacks of their queues. Others tell a third party of people who have nothing
// to do with the report.
std::vector<identity::SignedRoster> rosters_for(std::span<const identity::SignedRoster> all,
                                                const identity::Directory& directory,
                                                std::set<crypto::Id> organisations) {
  for (std::size_t before = 0; before != organisations.size();) {
    before = organisations.size();
    for (const auto& queue : directory.queues()) {
      if (!organisations.contains(queue.organisation) || !queue.fallback) continue;
      if (const auto* fallback = directory.queue(*queue.fallback))
        organisations.insert(fallback->organisation);
    }
  }
  std::vector<identity::SignedRoster> out{all.front()};
  for (const auto& roster : all.subspan(1))
    for (const auto& organisation : directory.organisations())
      if (organisations.contains(organisation.id) &&
          identity::verify_organisation(roster, organisation.signing_key))
        out.push_back(roster);
  return out;
}

}  // namespace

crypto::WipedBuffer Caseworker::export_report(
    const std::string& report_id,
    const std::function<void(const identity::VerifiedReport&)>& show) {
  const auto report = fetch(report_id);
  const auto& first = report.texts.front();
  const auto record = verified_record(first, report.id, true);
  const auto message = identity::claimed_message_id(first.envelope);
  if (!message) refuse_report();
  const auto key = text_key(first, report.id, *message);
  std::set<crypto::Id> organisations;
  if (const auto* queue = directory().queue(record.queue_id))
    organisations.insert(queue->organisation);
  if (const auto* member = directory().member(user_id()))
    organisations.insert(member->organisation);
  const auto needed = rosters_for(rosters(), directory(), std::move(organisations));
  auto out = identity::write({needed, first.record, first.envelope, key}, signing_key());
  const auto verified = identity::verify_report_export(crypto::view(out), root_key());
  if (!verified && verified.error() == identity::export_errc::signer_no_lead)
    throw CommandError{"only a lead discloses a report", "ask a lead of your queue"};
  if (!verified) refuse_report();
  show(*verified);
  // Not before the desk has taken note.
  (void)post("/reports/" + report_id + "/export", false);
  return out;
}

// --- Writing

Readable readable(const identity::Text& text) {
  Readable out;
  out.segments = text.reveal([](std::string_view utf8) { return i18n::measure(utf8).segments; });
  out.on_screens = text.size() <= identity::reply_text_limit;
  out.by_sms = out.segments == 1 && out.on_screens;
  return out;
}

const identity::Directory::Queue& Caseworker::owner_of(const Fetched& report) {
  const auto* const owner = directory().queue(report.ownership.owner);
  if (owner == nullptr) refuse_report();
  if (report.ownership.withdrawn)
    throw CommandError{"the reporter has taken this report back", "do not go on with it"};
  if (!identity::works_for(*directory().member(user_id()), owner->id))
    throw CommandError{"this report is with another queue now", "write to that queue's people"};
  return *owner;
}

crypto::Bytes Caseworker::wrap_for(const crypto::Secret<32>& key, const crypto::Id& report,
                                   const crypto::Id& message,
                                   const identity::Directory::Queue& queue,
                                   const identity::Directory::Queue* and_for) {
  std::vector<const identity::Directory::Queue*> readers{&queue};
  const auto* const fallback = queue.fallback ? directory().queue(*queue.fallback) : nullptr;
  if (fallback != nullptr && fallback->organisation_class == queue.organisation_class)
    readers.push_back(fallback);
  if (and_for != nullptr && !and_for->retired &&
      std::ranges::find(readers, and_for) == readers.end())
    readers.push_back(and_for);
  crypto::Bytes out;
  for (const auto* reader : readers) {
    const auto wrap = commands::wrap_for(key, report, message, *reader);
    out.insert(out.end(), wrap.begin(), wrap.end());
  }
  return out;
}

std::string Caseworker::sealed_note(const Fetched& report, identity::NoteContent content) {
  const auto& owner = owner_of(report);
  if (owner.retired)
    throw CommandError{"your queue is retired: nothing new is sealed for it",
                       "give the report to another queue first"};
  const auto now = std::chrono::system_clock::now();
  content.at = std::chrono::floor<std::chrono::minutes>(now);
  const auto hour =
      static_cast<std::uint32_t>(content.at.time_since_epoch() / std::chrono::hours{1});
  const auto note = identity::seal_note(hour, report.id, identity::encode(content), signing_key());
  const auto wraps = wrap_for(note.key, report.id, note.message_id, owner, nullptr);
  return "\"note\":\"" + crypto::base64(note.envelope) + "\",\"wraps\":\"" + crypto::base64(wraps) +
         "\"";
}

void Caseworker::note(const std::string& report_id, identity::Text text) {
  const auto report = fetch(report_id);
  identity::NoteContent content;
  content.text = std::move(text);
  send("/reports/" + report_id + "/note", "{" + sealed_note(report, std::move(content)) + "}");
}

Readable Caseworker::reply(const std::string& report_id, identity::Text text,
                           const ReplyOptions& options) {
  const auto out = readable(text);
  if (!out.on_screens || text.empty())
    throw CommandError{text.empty() ? "there is no text" : "the text is longer than 480 bytes",
                       "write it on standard input, shorter"};
  const auto report = fetch(report_id);
  (void)owner_of(report);

  // The key of the running week, announced by a relay of the signed rosters and nobody else.
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto seconds = static_cast<std::uint64_t>(now.time_since_epoch().count());
  std::optional<identity::EpochAnnouncement> epoch;
  const auto answer = parse_object(get("/epochs"));
  for (const auto& entry : array_at(answer, "epochs")) {
    const auto bytes = entry.is_string() ? crypto::from_base64(entry.get_string()) : std::nullopt;
    const auto announced =
        bytes
            ? identity::verify_epoch(*bytes, directory())
            : boost::system::result<identity::EpochAnnouncement>{identity::envelope_errc::refused};
    if (announced && announced->not_before <= seconds && seconds < announced->not_after)
      epoch = *announced;
  }
  if (!epoch)
    throw CommandError{"the relay has announced no key for this week",
                       "an operator must see that the relay runs; then try again"};

  identity::Reply reply;
  reply.release_to_unverified_refs = options.release;
  reply.confirms_unverified_yes = options.confirm;
  reply.mode =
      out.by_sms && !options.fetch_only ? identity::ReplyMode::sms : identity::ReplyMode::pull;
  reply.not_after =
      static_cast<std::uint32_t>((now + options.life).time_since_epoch() / std::chrono::hours{1});
  reply.text = text.reveal([](std::string_view utf8) { return identity::Text{utf8}; });
  const auto reply_id = crypto::random_bytes<16>();
  const auto envelope =
      identity::seal_reply(reply, report.id, reply_id, epoch->epoch, epoch->key, signing_key());
  if (!envelope)
    throw CommandError{"the text cannot be sealed", "it must be UTF-8 of 1 to 480 bytes"};
  identity::NoteContent copy;
  copy.text = std::move(text);
  copy.reply_id = reply_id;
  send("/reports/" + report_id + "/reply", "{\"reply\":\"" + crypto::base64(*envelope) + "\"," +
                                               sealed_note(report, std::move(copy)) + "}");
  return out;
}

Caseworker::Referral Caseworker::refer(const std::string& report_id, const std::string& queue,
                                       bool keep) {
  const auto report = fetch(report_id);
  const auto& owner = owner_of(report);
  const auto* const target = directory().queue_named(queue);
  if (target == nullptr || target->id == owner.id)
    throw CommandError{"there is no other queue of this name in the signed rosters",
                       "see the names with `ishara route check`, or ask your lead"};
  if (target->retired)
    throw CommandError{"the queue of this name is retired: nothing is given to it any more",
                       "choose another one"};
  if (target->organisation_class == identity::OrganisationClass::police &&
      report.ownership.consent_class == 0)
    throw CommandError{"the reporter has not agreed to the police",
                       "choose a queue of helpers, or ask the reporter"};

  Referral out;
  json::array texts, notes;
  std::string first;
  const auto wrapped = [&](const Sealed& sealed, const crypto::Id& message) {
    if (is_with_former(sealed, report.ownership)) refuse_stray("a text of this report");
    auto key = find_key(sealed, report.id, message);
    if (!key) {
      // Rubbish from whoever sealed it must not keep the rest here. The desk takes a report only as
      // a whole, so it goes as what it is: with a key that opens nothing.
      ++out.unreadable;
      key = crypto::random_secret<32>();
    }
    return crypto::base64(wrap_for(*key, report.id, message, *target, keep ? &owner : nullptr));
  };
  for (const auto& text : report.texts) {
    const bool is_first = first.empty();
    (void)verified_record(text, report.id, is_first);
    const auto message = identity::claimed_message_id(text.envelope);
    if (!message) refuse_report();
    if (is_first)
      first = wrapped(text, *message);
    else
      texts.push_back({{"id", crypto::hex(*message)}, {"wraps", wrapped(text, *message)}});
  }
  for (const auto& note : report.notes) {
    const auto header = identity::claimed_note(note.envelope);
    if (!header) refuse_report();
    notes.push_back(
        {{"id", crypto::hex(header->message_id)}, {"wraps", wrapped(note, header->message_id)}});
  }
  identity::Statement statement;
  statement.keeps_wraps = keep;
  statement.hour = static_cast<std::uint32_t>(std::chrono::system_clock::now().time_since_epoch() /
                                              std::chrono::hours{1});
  statement.report_id = report.id;
  statement.from_queue = owner.id;
  statement.to_queue = target->id;
  statement.previous = report.ownership.last;
  const auto bytes = identity::sign_statement(statement, signing_key());
  out.waits = waits_of(send("/reports/" + report_id + "/transfer",
                            json::serialize(json::object{{"statement", crypto::base64(bytes)},
                                                         {"wraps", first},
                                                         {"texts", std::move(texts)},
                                                         {"notes", std::move(notes)}})));
  return out;
}

Caseworker::Waits Caseworker::decide(const std::string& path) { return waits_of(send(path, "")); }

// --- Handing on what a change of owner left behind

identity::Ownership Caseworker::present_owner(const crypto::Id& report,
                                              const crypto::Bytes& first_record,
                                              const std::vector<crypto::Bytes>& statements) {
  const std::vector<crypto::View> views{statements.begin(), statements.end()};
  auto out = identity::ownership(report, first_record, views, directory());
  // The desk cannot invent a transfer: without a signed one nothing leaves her queue.
  if (!out || out->last == out->origin || out->withdrawn) refuse_report();
  const auto* const owner = directory().queue(out->owner);
  if (owner == nullptr || (owner->organisation_class == identity::OrganisationClass::police &&
                           !identity::shows_police_consent(out->proof, report, directory())))
    refuse_report();
  out->proof = {};  // a view into the arguments
  return *out;
}

crypto::Bytes Caseworker::handed_on(crypto::View wrap, const crypto::Id& report,
                                    const crypto::Id& message,
                                    const identity::Ownership& ownership) {
  const auto& owner = *directory().queue(ownership.owner);
  const auto recipient = identity::wrap_recipient(wrap);
  const auto* const key = recipient ? queue_key(recipient->kid) : nullptr;
  const auto holder = recipient ? directory().queue_by_kid(recipient->kid) : std::nullopt;
  if (key == nullptr || !holder || holder->queue->id == owner.id) refuse_report();
  // What opens is bound to report and message id, and the id to the key: it belongs to this report,
  // so its owner may have it. What it says is nobody's business here.
  const auto opened = identity::open_key_wrap(wrap, report, message, *recipient, *key);
  if (!opened) refuse_report();
  const bool keeps = std::ranges::find(ownership.kept, holder->queue->id) != ownership.kept.end();
  return wrap_for(*opened, report, message, owner, keeps ? holder->queue : nullptr);
}

// --- Sealing anew what a former key of her queues opens

std::optional<std::string> Caseworker::renewed_wrap(const std::string& listed) {
  const auto entry = parse_object(listed);
  const auto wrap = bytes_at(entry, "wrap");
  const auto* const part = entry.if_contains("part");
  const auto* const place = entry.if_contains("place");
  const auto* const proof = entry.if_contains("proof");
  const auto names = identity::claimed_wrap(wrap);
  const auto reader = names ? directory().queue_by_kid(names->recipient.kid) : std::nullopt;
  if (part == nullptr || !part->is_string() || place == nullptr || !place->is_int64() ||
      proof == nullptr || !reader || reader->is_current)
    refuse_report();
  const auto* const key = queue_key(names->recipient.kid);
  if (key == nullptr) return std::nullopt;  // a colleague has it
  json::object out{{"part", *part}, {"place", *place}, {"old", crypto::base64(wrap)}};
  const auto& queue = *reader->queue;
  if (queue.organisation_class == identity::OrganisationClass::police) {
    const auto bytes = proof->is_string() ? crypto::from_base64(proof->get_string()) : std::nullopt;
    const bool may_read =
        bytes && identity::shows_police_consent(*bytes, names->report_id, directory());
    if (!may_read) {
      // As the owner's it belongs to another queue now, to which it is handed on.
      if (!proof->is_null() || place->get_int64() == 0) return std::nullopt;
      out["new"] = nullptr;
      return json::serialize(out);
    }
  }
  // It reads what it could read before, and nobody else does: that needs no statement.
  const auto opened =
      identity::open_key_wrap(wrap, names->report_id, names->message_id, names->recipient, *key);
  if (!opened) return std::nullopt;
  out["new"] =
      crypto::base64(commands::wrap_for(*opened, names->report_id, names->message_id, queue));
  return json::serialize(out);
}

void Caseworker::renew_wraps(Strays& out) {
  constexpr int most_pages = 1000;
  constexpr std::size_t most_at_once = 50;
  std::vector<std::string> renewed;
  const auto is_sent = [&](std::span<const std::string> some) {
    std::string body;
    for (const auto& one : some) body += (body.empty() ? "" : ",") + one;
    try {
      send("/outdated", "{\"wraps\":[" + body + "]}");
    } catch (const CommandError&) {
      return false;
    }
    out.renewed += some.size();
    return true;
  };
  const auto send_all = [&] {
    // One that the desk refuses, because the consent has changed meanwhile, keeps no other back.
    if (!renewed.empty() && !is_sent(renewed))
      for (const auto& one : renewed)
        if (!is_sent(std::span{&one, 1})) out.unfinished = true;
    renewed.clear();
  };
  std::string cursor;
  for (int page = 0; page < most_pages; ++page) {
    const auto answer = parse_object(get("/outdated?limit=200" + cursor));
    for (const auto& entry : array_at(answer, "wraps")) {
      std::optional<std::string> one;
      try {
        one = renewed_wrap(json::serialize(entry));
      } catch (const CommandError&) {
        ++out.refused;
      }
      if (one) renewed.push_back(std::move(*one));
      if (renewed.size() == most_at_once) send_all();
    }
    const auto* const next = answer.if_contains("next");
    if (next == nullptr || !next->is_string()) break;
    cursor = "&cursor=" + std::string{next->get_string()};
  }
  send_all();
}

Caseworker::Strays Caseworker::hand_on_strays() {
  constexpr int most_pages = 100;
  constexpr std::size_t most_at_once = 100;  // so many wraps fit one request
  Strays out;

  const auto sealed_anew = [&](const json::object& stray, const crypto::Id& report) {
    std::vector<crypto::Bytes> statements;
    for (const auto& entry : array_at(stray, "statements")) {
      auto bytes = entry.is_string() ? crypto::from_base64(entry.get_string()) : std::nullopt;
      if (!bytes) refuse_report();
      statements.push_back(std::move(*bytes));
    }
    const auto ownership = present_owner(report, bytes_at(stray, "record"), statements);
    json::array texts;
    for (const auto& entry : array_at(stray, "texts")) {
      const auto& text = object_of(entry);
      const auto message = id_at<16>(text, "id");
      const auto wraps = handed_on(bytes_at(text, "wraps"), report, message, ownership);
      texts.push_back({{"id", crypto::hex(message)}, {"wraps", crypto::base64(wraps)}});
    }
    return texts;
  };
  const auto hand_on = [&](const json::value& entry) {
    crypto::Id report{};
    json::array texts;
    try {
      const auto& stray = object_of(entry);
      report = id_at<16>(stray, "report");
      texts = sealed_anew(stray, report);
    } catch (const CommandError&) {
      ++out.refused;
      return;
    }
    while (!texts.empty()) {
      const auto end = texts.begin() + std::min(most_at_once, texts.size());
      const json::array part(texts.begin(), end);
      texts.erase(texts.begin(), end);
      try {
        send("/strays/" + crypto::hex(report), json::serialize(json::object{{"texts", part}}));
        out.handed_on += part.size();
      } catch (const CommandError&) {
        // Somebody else of her queue was faster, or something was signed meanwhile.
      }
    }
  };

  std::string cursor;
  try {
    (void)queue_key({});  // fetches the grants
    for (int page = 0; page < most_pages; ++page) {
      const auto answer = parse_object(get("/strays" + cursor));
      for (const auto& entry : array_at(answer, "strays")) hand_on(entry);
      const auto* const next = answer.if_contains("next");
      if (next == nullptr || !next->is_string()) break;
      cursor = "?cursor=" + std::string{next->get_string()};
    }
  } catch (const CommandError&) {
    // A desk without this call, or none at all: what she came for will tell her.
    return out;
  }
  try {
    renew_wraps(out);
  } catch (const CommandError&) {
    out.unfinished = true;
  }
  return out;
}

}  // namespace ishara::commands
