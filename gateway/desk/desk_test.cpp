#include "gateway/desk/desk.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/strays.hpp"
#include "gateway/desk/withdrawals.hpp"
#include "gateway/identity/envelope.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/message_content.hpp"
#include "gateway/identity/note.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/same_sender.hpp"
#include "gateway/identity/statement.hpp"
#include "gateway/log/captured.hpp"

namespace ishara::desk {
namespace {

namespace json = boost::json;
using storage::errc;

constexpr std::uint64_t noon = 1'790'000'000;

crypto::Id id(std::uint8_t value) {
  crypto::Id out{};
  out[0] = value;
  return out;
}

crypto::Secret<32> seed(std::uint8_t value) {
  crypto::Secret<32> out;
  out.fill()[0] = value;
  return out;
}

// One report in one place, with the rules of the real store.
class MemoryCases final : public Cases {
 public:
  std::map<storage::Id, storage::Report> reports;
  std::vector<storage::Roster> stored_rosters;
  bool away = false;
  int pulls = 0;
  std::vector<storage::Id> pulled_from;
  std::vector<storage::AuditRow> entries;
  bool mute = false;  // takes no entry by itself

  void append(const storage::Id& subject, const storage::Id& object,
              const storage::AuditScribe& scribe) {
    entries.push_back(
        scribe({entries.size() + 1, entries.empty() ? storage::Bytes{} : entries.back().entry,
                subject, object}));
  }

  storage::result<std::vector<storage::QueueSummary>> summaries(
      std::span<const storage::Id> queues) override {
    if (away) return errc::unavailable;
    std::vector<storage::QueueSummary> out;
    for (const auto& queue : queues) {
      out.push_back({.queue_id = queue});
      for (const auto& [key, report] : reports)
        if (report.row.queue_id == queue) ++out.back().waiting;
    }
    return out;
  }
  storage::result<std::vector<storage::ReportRow>> list(
      const storage::Id& queue, const std::optional<storage::Cursor>& from, std::uint32_t limit,
      const storage::AuditScribe& scribe) override {
    append({}, queue, scribe);
    std::vector<storage::ReportRow> out;
    for (const auto& [key, report] : reports)
      if (report.row.queue_id == queue && (!from || key > from->report_id) && out.size() < limit)
        out.push_back(report.row);
    return out;
  }
  storage::result<std::optional<storage::ReportRow>> pull(
      std::span<const storage::Id> queues, const storage::Id& user, std::chrono::seconds,
      const storage::AuditScribe& scribe) override {
    ++pulls;
    pulled_from.assign(queues.begin(), queues.end());
    if (away) return errc::unavailable;
    for (auto& [key, report] : reports) {
      if (report.row.queue_id != queues[0] || report.row.lease) continue;
      report.row.lease = storage::Lease{user, noon + 1800};
      report.row.stage = storage::Stage::opened;
      append(key, report.row.queue_id, scribe);
      return std::optional{report.row};
    }
    return std::optional<storage::ReportRow>{};
  }
  storage::result<storage::Report> show(const storage::Id& report) override {
    const auto found = reports.find(report);
    if (found == reports.end() || until(report) != 0) return errc::not_found;
    return found->second;
  }
  storage::result<storage::Lease> renew(const storage::Id& report, const storage::Id& user,
                                        std::chrono::seconds,
                                        const storage::AuditScribe& scribe) override {
    auto& row = reports[report].row;
    if (!row.lease || row.lease->user_id != user) return errc::lease_lost;
    row.lease->until += 60;
    append(report, {}, scribe);
    return *row.lease;
  }
  storage::result<void> release(const storage::Id& report, const storage::Id& user,
                                const storage::AuditScribe& scribe) override {
    auto& row = reports[report].row;
    if (!row.lease || row.lease->user_id != user) return errc::lease_lost;
    row.lease.reset();
    append(report, {}, scribe);
    return {};
  }
  storage::result<void> close(const storage::Id& report, const storage::Id& user,
                              const storage::AuditScribe& scribe) override {
    if (const auto done = release(report, user, scribe); !done) return done.error();
    reports[report].row.stage = storage::Stage::closed;
    return {};
  }
  storage::result<std::vector<storage::Roster>> rosters() override { return stored_rosters; }
  storage::result<std::vector<storage::QueueGrant>> queue_grants(const storage::Id& user) override {
    return std::vector<storage::QueueGrant>{{id(1), user, 0, {1, 2, 3}}};
  }

  std::vector<storage::Statement> signed_later;
  std::vector<storage::Note> kept_notes;
  std::vector<storage::OutboxReply> submitted;
  std::vector<storage::Transfer> transfers;
  storage::result<std::vector<storage::Statement>> statements(const storage::Id& report) override {
    std::vector<storage::Statement> out;
    for (const auto& statement : signed_later)
      if (statement.report_id == report) out.push_back(statement);
    return out;
  }
  std::map<storage::Id, std::vector<storage::SameSenderLink>> links;
  storage::result<std::vector<storage::SameSenderLink>> same_senders(
      const storage::Id& report) override {
    return links[report];
  }
  storage::result<std::vector<storage::EpochKey>> epochs(std::uint32_t from) override {
    return std::vector<storage::EpochKey>{{from, id(1), storage::Bytes(120, 7)}};
  }
  storage::result<std::vector<storage::Note>> notes(const storage::Id&) override {
    return kept_notes;
  }
  storage::result<std::vector<storage::ReplySummary>> replies(const storage::Id&) override {
    std::vector<storage::ReplySummary> out;
    for (const auto& reply : submitted) out.push_back({reply.reply_id, reply.hour});
    return out;
  }
  storage::result<void> put_note(const storage::Note& note,
                                 const storage::AuditScribe& scribe) override {
    append(note.report_id, note.message_id, scribe);
    kept_notes.push_back(note);
    return {};
  }
  storage::result<void> put_reply(const storage::OutboxReply& reply,
                                  const std::optional<storage::Note>& note,
                                  const storage::AuditScribe& scribe) override {
    append(reply.report_id, reply.reply_id, scribe);
    submitted.push_back(reply);
    if (note) kept_notes.push_back(*note);
    return {};
  }
  storage::result<storage::Agreed> transfer(const storage::Transfer& transfer,
                                            const storage::AuditScribe& scribe) override {
    if (transfer.agreement)
      if (const auto agreed = agree(*transfer.agreement); agreed.until != 0) return agreed;
    append(transfer.statement.report_id, transfer.to_queue, scribe);
    transfers.push_back(transfer);
    return storage::Agreed{};
  }

  std::vector<storage::HandedOn> handed_on;
  // Whatever has its first wrap for one of the queues, be it lost or not: the desk looks itself.
  storage::result<std::vector<storage::LeftBehind>> left_behind(
      std::span<const storage::QueueKey> queues, const storage::Id& first, const storage::Id& last,
      std::uint32_t limit) override {
    using Part = storage::LeftBehind::Part;
    std::vector<storage::LeftBehind> out;
    std::uint32_t found = 0;
    for (const auto& [key, report] : reports) {
      if (key < first || key > last || until(key) != 0 || found == limit) continue;
      const auto before = out.size();
      for (const auto& text : report.texts) {
        const auto recipient = identity::wrap_recipient(crypto::View{text.wraps}.first(192));
        if (recipient && std::ranges::count(queues, recipient->kid, &storage::QueueKey::kid) > 0)
          out.push_back({&text == report.texts.data() ? Part::first_text : Part::later_text, key,
                         *identity::claimed_message_id(text.message), 7, text.wraps});
      }
      found += out.size() > before;
    }
    return out;
  }
  storage::result<void> hand_on(const storage::HandedOn& done,
                                const storage::AuditScribe& scribe) override {
    handed_on.push_back(done);
    for (const auto& message : done.messages) {
      append(done.report_id, message.seen.message_id, scribe);
      for (auto& text : reports.at(done.report_id).texts)
        if (identity::claimed_message_id(text.message) == message.seen.message_id &&
            text.wraps == message.seen.wraps)
          text.wraps = message.wraps;
    }
    return {};
  }
  storage::result<std::vector<storage::StoredWrap>> wraps_for(std::span<const storage::Id> kids,
                                                              const storage::Id& first,
                                                              std::uint32_t limit) override {
    using Part = storage::LeftBehind::Part;
    if (away) return errc::unavailable;
    std::vector<storage::StoredWrap> out;
    std::uint32_t found = 0;
    for (const auto& [key, report] : reports) {
      if (key < first || found == limit) continue;
      const auto before = out.size();
      for (const auto& text : report.texts)
        for (std::uint32_t place = 0; place < text.wraps.size() / 192; ++place) {
          const auto wrap = crypto::View{text.wraps}.subspan(place * 192, 192);
          const auto recipient = identity::wrap_recipient(wrap);
          if (recipient && std::ranges::count(kids, recipient->kid) > 0)
            out.push_back({&text == report.texts.data() ? Part::first_text : Part::later_text,
                           key,
                           *identity::claimed_message_id(text.message),
                           place,
                           {wrap.begin(), wrap.end()}});
        }
      found += out.size() > before;
    }
    return out;
  }
  bool put_renewed(const storage::RenewedWrap& renewed) {
    bool is_renewed = false;
    for (auto& text : reports.at(renewed.seen.report_id).texts) {
      if (identity::claimed_message_id(text.message) != renewed.seen.message_id) continue;
      const auto at = text.wraps.begin() + renewed.seen.place * 192;
      if (!std::equal(at, at + 192, renewed.seen.wrap.begin())) continue;
      const auto behind = text.wraps.erase(at, at + 192);
      text.wraps.insert(behind, renewed.wrap.begin(), renewed.wrap.end());
      is_renewed = true;
    }
    return is_renewed;
  }
  std::vector<std::pair<storage::Id, storage::FormerWrap>> former;  // by queue
  storage::result<void> renew_wraps(std::span<const storage::RenewedWrap> wraps,
                                    const storage::Id& user,
                                    const storage::AuditScribe& scribe) override {
    for (const auto& renewed : wraps) {
      if (!put_renewed(renewed)) continue;
      append(renewed.seen.report_id, {}, scribe);
      const auto& seen = renewed.seen;
      const auto kid = identity::wrap_recipient(seen.wrap)->kid;
      former.emplace_back(
          renewed.queue_id,
          storage::FormerWrap{
              {seen.report_id, seen.message_id, kid}, seen.part, user, seen.wrap, {}});
    }
    return {};
  }
  storage::result<std::vector<storage::FormerWrap>> former_wraps(const storage::Id& queue,
                                                                 const storage::FormerPlace& after,
                                                                 std::uint32_t limit) override {
    const auto order = [](const storage::FormerPlace& place) {
      return std::tie(place.report_id, place.message_id, place.kid);
    };
    std::vector<storage::FormerWrap> out;
    for (const auto& [of, wrap] : former) {
      if (of != queue || order(wrap.place) <= order(after)) continue;
      out.push_back(wrap);
      for (const auto& text : reports.at(wrap.place.report_id).texts)
        if (identity::claimed_message_id(text.message) == wrap.place.message_id)
          out.back().wraps = text.wraps;
    }
    std::ranges::sort(out, {}, [&](const auto& wrap) { return order(wrap.place); });
    if (out.size() > limit) out.resize(limit);
    return out;
  }
  storage::result<void> settle_former_wraps(const storage::Id& queue,
                                            std::span<const storage::ComparedWrap> wraps,
                                            const storage::AuditScribe& compared,
                                            const storage::AuditScribe& mended) override {
    for (const auto& wrap : wraps) {
      if (wrap.mended && !put_renewed(*wrap.mended)) continue;
      std::erase_if(former, [&](const auto& entry) {
        const auto& place = entry.second.place;
        const bool is_it = entry.first == queue && place.message_id == wrap.place.message_id &&
                           place.kid == wrap.place.kid;
        if (is_it && wrap.mended) append(entry.second.user_id, place.report_id, mended);
        return is_it;
      });
    }
    append({}, queue, compared);
    return {};
  }
  storage::result<std::vector<storage::ElsewhereCount>> elsewhere(
      std::span<const storage::Id> asked, std::span<const storage::Id> others) override {
    std::vector<storage::ElsewhereCount> out;
    for (const auto& id_of_report : asked) {
      storage::ElsewhereCount count{id_of_report, 0, 7};
      for (const auto& text : reports.at(id_of_report).texts) {
        const auto recipient = identity::wrap_recipient(crypto::View{text.wraps}.first(192));
        count.texts += recipient && std::ranges::count(others, recipient->kid) > 0;
      }
      if (count.texts > 0) out.push_back(count);
    }
    return out;
  }

  std::map<storage::Id, std::uint32_t> hidden_until;
  std::map<storage::Id, storage::Bytes> erased;  // the records that are left
  bool stuck = false;                            // no report can be changed
  storage::result<std::vector<storage::Withdrawn>> withdrawn(const storage::Id& after,
                                                             std::uint32_t limit) override {
    if (away) return errc::unavailable;
    std::vector<storage::Withdrawn> out;
    for (const auto& [key, report] : reports)
      if (key > after && out.size() < limit)
        out.push_back({key, report.texts[0].record, until(key), held.contains(key),
                       legally_held.contains(key)});
    for (const auto& key : left_of)
      if (key > after && out.size() < limit)
        out.push_back({key, erased.at(key), 0, false, false, true});
    return out;
  }
  // Whosever they are: the desk looks itself.
  storage::result<std::vector<storage::Withdrawn>> hidden(std::span<const storage::Id>,
                                                          const storage::Id& first,
                                                          std::uint32_t limit) override {
    std::vector<storage::Withdrawn> out;
    for (const auto& [key, report] : reports)
      if (key >= first && (until(key) != 0 || legally_held.contains(key)) && out.size() < limit)
        out.push_back({key, report.texts[0].record, until(key), held.contains(key),
                       legally_held.contains(key)});
    return out;
  }
  storage::result<void> hide(const storage::Id& report, std::uint32_t hour) override {
    if (stuck) return errc::conflict;
    hidden_until[report] = hour;
    return {};
  }
  // Of both holds: whether anything changed.
  static bool change(std::set<storage::Id>& set, const storage::Id& report, bool held) {
    return held ? set.insert(report).second : set.erase(report) > 0;
  }
  std::set<storage::Id> held;
  storage::result<void> hold(const storage::Id& report, bool keep,
                             const storage::AuditScribe& scribe) override {
    if (!reports.contains(report)) return errc::not_found;
    if (change(held, report, keep)) append(report, {}, scribe);
    return {};
  }
  std::vector<storage::Intent> intended;
  storage::Agreed agree(const storage::Agreement& agreement) {
    const auto& intent = agreement.intent;
    std::erase_if(intended, [&](const auto& old) { return old.hour + 24 <= intent.hour; });
    const auto same = [&](const auto& other) { return other.digest == intent.digest; };
    for (const auto& other : intended)
      if (same(other) && std::ranges::count(agreement.partners, other.user) > 0) {
        std::erase_if(intended, same);
        return {};
      }
    for (const auto& other : intended)
      if (same(other) && other.user == intent.user) return {other.hour + 24};
    intended.push_back(intent);
    append(intent.subject, intent.object, agreement.intend);
    return {intent.hour + 24};
  }
  storage::result<std::vector<storage::Intent>> intents(std::span<const storage::Id> places,
                                                        std::uint32_t after) override {
    std::vector<storage::Intent> out;
    for (const auto& intent : intended)
      if (std::ranges::count(places, intent.place) > 0 && intent.hour > after)
        out.push_back(intent);
    return out;
  }
  std::set<storage::Id> deleted;
  std::set<storage::Id> left_of;  // of these something came while they were being deleted
  storage::result<storage::Agreed> delete_report(const storage::Id& report, std::uint32_t,
                                                 const storage::Agreement& agreement,
                                                 const storage::AuditScribe& scribe) override {
    if (held.contains(report) || legally_held.contains(report)) return errc::conflict;
    const auto agreed = agree(agreement);
    if (agreed.until != 0) return agreed;
    erased[report] = reports.at(report).texts[0].record;
    reports.erase(report);
    deleted.insert(report);
    append(report, {}, scribe);
    return agreed;
  }
  storage::result<bool> is_deleted(const storage::Id& report) override {
    return deleted.contains(report);
  }
  std::set<storage::Id> legally_held;
  storage::result<storage::Agreed> hold_legally(const storage::Id& report, bool keep,
                                                const storage::Agreement& agreement,
                                                const storage::AuditScribe& scribe) override {
    if (!reports.contains(report)) return errc::not_found;
    if (legally_held.contains(report) == keep) return storage::Agreed{};
    const auto agreed = agree(agreement);
    if (agreed.until != 0) return agreed;
    change(legally_held, report, keep);
    append(report, {}, scribe);
    return agreed;
  }
  storage::result<void> erase(const storage::Id& report, std::uint32_t, bool even_held) override {
    if (stuck) return errc::conflict;
    left_of.erase(report);
    if (legally_held.contains(report) || (!even_held && held.contains(report))) return {};
    if (const auto found = reports.find(report); found != reports.end()) {
      erased[report] = found->second.texts[0].record;
      reports.erase(found);
    }
    return {};
  }
  storage::result<storage::Bytes> first_record(const storage::Id& report) override {
    if (const auto found = reports.find(report); found != reports.end())
      return found->second.texts[0].record;
    if (const auto found = erased.find(report); found != erased.end()) return found->second;
    return errc::not_found;
  }
  storage::result<void> put_audit(const storage::Id& subject, const storage::Id& object,
                                  const storage::AuditScribe& scribe) override {
    if (mute) return errc::unavailable;
    append(subject, object, scribe);
    return {};
  }
  storage::result<std::vector<storage::AuditRow>> audit_with_origins(std::uint64_t after,
                                                                     std::uint32_t limit) override {
    std::vector<storage::AuditRow> out;
    for (const auto& entry : entries)
      if (entry.seq > after && out.size() < limit) out.push_back(entry);
    return out;
  }
  storage::result<std::vector<storage::StoredCheckpoint>> checkpoints(std::uint64_t after,
                                                                      std::uint64_t last) override {
    std::vector<storage::StoredCheckpoint> out;
    if (after < 1 && last >= 1) out.push_back({1, storage::Bytes(136, 9)});
    return out;
  }
  storage::blocking::PeopleStore nobody{"host=/nowhere"};  // endpoints_people_pgtest.cpp has some
  storage::blocking::PeopleStore& people() override { return nobody; }
  std::uint32_t until(const storage::Id& report) const {
    const auto found = hidden_until.find(report);
    return found == hidden_until.end() ? 0 : found->second;
  }
};

struct House {
  House() {
    add(id(10), ngo, id(1), "ngo-queue",
        {member(id(21), worker, {"caseworker"}, {id(1)}), member(id(22), admin, {"admin"}, {id(1)}),
         member(id(24), lead, {"lead"}, {id(1)}), member(id(25), auditor, {"auditor"}, {id(1)})});
    add(id(11), police, id(2), "police-queue", {member(id(23), officer, {"lead"}, {id(2)})});
    add(id(12), others, id(3), "other-queue", {member(id(26), other, {"caseworker"}, {id(3)})});
    store({}, identity::sign_roster(root_roster(), root));
    CHECK(send(request(http::Method::get, "/healthz")).status == 200);
    CHECK(send(request(http::Method::get, "/readyz")).status == 503);
    desk.use(*read_directory(cases, root.public_key, nullptr));
    add_report(id(50), id(1));
  }

  identity::RootRoster root_roster() const {
    identity::RootRoster out;
    out.deployment = id(9);
    out.version = 1;
    out.organisations = {{id(10), "helpers", identity::OrganisationClass::ngo, ngo.public_key},
                         {id(11), "police", identity::OrganisationClass::police, police.public_key},
                         {id(12), "others", identity::OrganisationClass::ngo, others.public_key}};
    out.services = {{gateway.public_key, "gateway"}, {relay.public_key, "relay"}};
    return out;
  }
  static identity::OrganisationRoster::Member member(const crypto::Id& member_id,
                                                     const crypto::SigningKey& key,
                                                     std::vector<std::string> roles,
                                                     std::vector<crypto::Id> queues) {
    return {member_id, key.public_key, crypto::box_key().public_key, std::move(roles),
            std::move(queues)};
  }
  void add(const crypto::Id& organisation, const crypto::SigningKey& key, const crypto::Id& queue,
           const std::string& name, std::vector<identity::OrganisationRoster::Member> members) {
    identity::OrganisationRoster roster;
    roster.deployment = id(9);
    roster.organisation = organisation;
    roster.version = 1;
    roster.queues.push_back({queue, name, 0, crypto::box_key().public_key, {}});
    roster.members = std::move(members);
    store(organisation, identity::sign_roster(roster, key));
    rosters.emplace_back(std::move(roster), &key);
  }
  // Changes and publishes the roster of the organisation of a queue.
  void change(const crypto::Id& queue,
              const std::function<void(identity::OrganisationRoster&)>& edit) {
    for (auto& [roster, key] : rosters) {
      if (roster.queues[0].id != queue) continue;
      edit(roster);
      ++roster.version;
      for (auto& row : cases.stored_rosters) {
        if (row.issuer != roster.organisation) continue;
        const auto next = identity::sign_roster(roster, *key);
        row.version = static_cast<std::uint32_t>(roster.version);
        row.bytes = next.bytes;
        row.signature.assign(next.signature.begin(), next.signature.end());
      }
    }
    desk.use(*read_directory(cases, root.public_key, nullptr));
  }
  void rotate(const crypto::Id& queue) {
    change(queue, [&](auto& roster) {
      CHECK(identity::rotate_queue(roster, queue, crypto::box_key().public_key).has_value());
    });
  }
  // The helpers have these people from now on, the other organisations nobody.
  void restore(std::vector<identity::OrganisationRoster::Member> members) {
    add(id(10), ngo, id(1), "ngo-queue", std::move(members));
    store({}, identity::sign_roster(root_roster(), root));
    desk.use(*read_directory(cases, root.public_key, nullptr));
  }
  void store(const crypto::Id& issuer, const identity::SignedRoster& roster) {
    cases.stored_rosters.push_back(
        {issuer, 1, roster.bytes, {roster.signature.begin(), roster.signature.end()}});
  }
  // `column` is the queue of the row, which an attacker may have changed; `owner` is signed.
  void add_report(const crypto::Id& report, const crypto::Id& owner,
                  std::optional<crypto::Id> column = {}) {
    storage::SealedText text{{}, crypto::Bytes(584, 5), crypto::Bytes(192, 6)};
    const auto record =
        identity::sign_intake({.first = true,
                               .hour = 7,
                               .report_id = report,
                               .queue_id = owner,
                               .message_digest = identity::envelope_digest(text.message)},
                              gateway);
    text.record.assign(record.begin(), record.end());
    storage::ReportRow row;
    row.report_id = report;
    row.queue_id = column.value_or(owner);
    row.hour = 7;
    cases.reports[report] = {row, {text}};
  }

  static http::Request request(http::Method method, std::string_view target,
                               std::vector<std::pair<std::string, std::string>> fields = {}) {
    http::Request out;
    out.method = method;
    out.target = crypto::wiped_copy(target);
    for (const auto& [name, value] : fields)
      out.fields.push_back({name, crypto::wiped_copy(value)});
    return out;
  }
  void sign(http::Request& unsigned_request, const crypto::SigningKey& key) {
    unsigned_request.fields.push_back(
        {"ishara-signature",
         crypto::wiped_copy(sign_request(unsigned_request, key, now, crypto::random_bytes<16>()))});
  }
  // All at once: each has begun before the first one's work is done.
  std::vector<http::Response> send_all(std::vector<http::Request> requests) {
    boost::asio::io_context context;
    std::vector<http::Response> responses;
    for (auto& request : requests)
      boost::asio::co_spawn(context, desk.answer(std::move(request)),
                            [&](std::exception_ptr failure, http::Response got) {
                              REQUIRE_FALSE(failure);
                              responses.push_back(std::move(got));
                            });
    context.run();
    return responses;
  }
  http::Response send(http::Request request) {
    std::vector<http::Request> requests;
    requests.push_back(std::move(request));
    return send_all(std::move(requests)).at(0);
  }
  http::Response call(const crypto::SigningKey& key, http::Method method, std::string_view target,
                      std::vector<std::pair<std::string, std::string>> fields = {},
                      std::string_view body = {}) {
    if (method == http::Method::post && fields.empty())
      fields = {{"idempotency-key", std::to_string(++keys)}, {"if-match", "*"}};
    auto out = request(method, target, std::move(fields));
    out.body = crypto::wiped_copy(body);
    sign(out, key);
    return send(std::move(out));
  }

  crypto::SigningKey root = crypto::signing_key(seed(1));
  crypto::SigningKey ngo = crypto::signing_key(seed(2));
  crypto::SigningKey police = crypto::signing_key(seed(3));
  crypto::SigningKey others = crypto::signing_key(seed(12));
  crypto::SigningKey gateway = crypto::signing_key(seed(4));
  crypto::SigningKey relay = crypto::signing_key(seed(9));
  crypto::SigningKey worker = crypto::signing_key(seed(5));
  crypto::SigningKey admin = crypto::signing_key(seed(6));
  crypto::SigningKey officer = crypto::signing_key(seed(7));
  crypto::SigningKey lead = crypto::signing_key(seed(10));
  crypto::SigningKey auditor = crypto::signing_key(seed(11));
  crypto::SigningKey other = crypto::signing_key(seed(13));
  crypto::SigningKey stranger = crypto::signing_key(seed(8));
  std::vector<std::pair<identity::OrganisationRoster, const crypto::SigningKey*>> rosters;
  std::uint64_t now = noon;
  int keys = 0;
  MemoryCases cases;
  Desk desk{[this](std::function<Answer(Cases&)> work) -> boost::asio::awaitable<Answer> {
              co_await boost::asio::post(boost::asio::use_awaitable);
              co_return work(cases);
            },
            [this] { return now; },
            {*config::ip_address_of("10.0.0.1")}};
};

constexpr auto get = http::Method::get;
constexpr auto post = http::Method::post;
const std::string report_path = "/api/v1/reports/" + crypto::hex(id(50));

std::string filled(std::string_view pattern) {
  const auto open = pattern.find('{');
  if (open == pattern.npos) return std::string{pattern};
  const auto close = pattern.find('}');
  const auto name = pattern.substr(open + 1, close - open - 1);
  return std::string{pattern.substr(0, open)} + (name == "id" ? crypto::hex(id(50)) : "ngo-queue") +
         std::string{pattern.substr(close + 1)};
}

// Tried with a database, in endpoints_people_pgtest.cpp.
bool is_about_people(const Endpoint& endpoint) {
  const auto& path = endpoint.path;
  return path.starts_with("/api/v1/enrolments") || path.starts_with("/api/v1/transfers") ||
         path.starts_with("/api/v1/rosters/") || path.starts_with("/api/v1/grants/") ||
         (endpoint.method == post &&
          (path.starts_with("/api/v1/rosters") || path.starts_with("/api/v1/grants")));
}

std::string kind(const http::Response& response) {
  return std::string{json::parse(response.body).at("title").as_string()};
}

}  // namespace

TEST_CASE("every row of the table lets in its role and nobody else") {
  for (const auto& endpoint : endpoints()) {
    if (is_about_people(endpoint)) continue;
    CAPTURE(endpoint.name);
    const auto target = filled(endpoint.path);
    House house;
    const auto open = endpoint.role == Role::anyone;
    CHECK(house.send(House::request(endpoint.method, target)).status == (open ? 200 : 401));
    CHECK(house.call(house.stranger, endpoint.method, target).status == (open ? 200 : 401));
    const auto lets_in = [&](std::initializer_list<Role> roles) {
      return std::ranges::find(roles, endpoint.role) != roles.end();
    };
    for (const auto* key : {&house.admin, &house.auditor})
      CHECK(house.call(*key, endpoint.method, target).status ==
            (lets_in({Role::anyone, Role::member, Role::overseer}) ? 200 : 403));
    // A change needs the lease, which nobody has yet; what takes a body takes no empty one; nothing
    // of this report is left behind anywhere; nobody has withdrawn it. A second person is missing.
    const bool refused = endpoint.conditional || endpoint.action == identity::AuditAction::hold;
    const unsigned done = refused ? 409
                          : endpoint.action == identity::AuditAction::legal_hold ||
                                  endpoint.action == identity::AuditAction::delete_report
                              ? 202
                          : endpoint.path.starts_with("/api/v1/strays/")       ? 404
                          : !endpoint.request.empty()                          ? 400
                          : endpoint.schema.empty() && endpoint.method == post ? 204
                                                                               : 200;
    CHECK(house.call(house.lead, endpoint.method, target).status ==
          (endpoint.role == Role::overseer ? 403 : done));
    House fresh;
    CHECK(fresh.call(fresh.worker, endpoint.method, target).status ==
          (lets_in({Role::overseer, Role::lead}) ? 403 : done));
    // Nothing of another organisation's queue, not even that it is there; her own are empty.
    const bool of_a_queue = endpoint.path.find('{') != endpoint.path.npos;
    const auto by_officer = house.call(house.officer, endpoint.method, target);
    const bool refuses = of_a_queue || endpoint.role == Role::overseer || !endpoint.request.empty();
    CHECK(by_officer.status / 100 == (refuses ? 4 : 2));
    if (of_a_queue) CHECK(by_officer.status == 404);
    CHECK(by_officer.body.find(crypto::hex(id(50))) == std::string::npos);
  }
}

TEST_CASE("a report is pulled, read, renewed and closed by its caseworker") {
  House house;
  const auto pulled = house.call(house.worker, post, "/api/v1/queues/ngo-queue/pull");
  REQUIRE(pulled.status == 200);
  CHECK(json::parse(pulled.body).at("id").as_string() == crypto::hex(id(50)));
  CHECK(json::parse(pulled.body).at("queue").as_string() == "ngo-queue");
  CHECK(json::parse(pulled.body).at("lease").at("user").as_string() == crypto::hex(id(21)));
  CHECK(house.call(house.worker, post, "/api/v1/queues/ngo-queue/pull").status == 204);

  const auto shown = house.call(house.worker, get, report_path);
  REQUIRE(shown.status == 200);
  const auto text = json::parse(shown.body).at("texts").at(0);
  CHECK(crypto::from_base64(text.at("message").as_string()) == crypto::Bytes(584, 5));
  const auto tag = shown.fields.at(0);
  CHECK(tag.first == "ETag");

  const auto renewed = house.call(house.worker, post, report_path + "/renew",
                                  {{"idempotency-key", "a"}, {"if-match", tag.second}});
  CHECK(renewed.status == 200);
  CHECK(house
            .call(house.worker, post, report_path + "/close",
                  {{"idempotency-key", "b"}, {"if-match", tag.second}})
            .status == 412);
  CHECK(house
            .call(house.worker, post, report_path + "/close",
                  {{"idempotency-key", "c"}, {"if-match", renewed.fields.at(0).second}})
            .status == 204);
  CHECK(house.cases.reports[id(50)].row.stage == storage::Stage::closed);
}

TEST_CASE("a pull without a queue asks for all queues of the caller at once, and for no other") {
  House house;
  const auto pulled = house.call(house.worker, post, "/api/v1/pull");
  REQUIRE(pulled.status == 200);
  CHECK(house.cases.pulled_from == std::vector{id(1)});
}

TEST_CASE("a report belongs to the queue in its signed record, whatever the row says") {
  House house;
  house.add_report(id(51), id(1), id(2));  // moved to the police by a hostile database
  const auto path = "/api/v1/reports/" + crypto::hex(id(51));
  CHECK(house.call(house.officer, get, path).status == 404);
  CHECK(house.call(house.worker, get, path).status == 200);
  house.cases.reports[id(51)].texts[0].record[100] ^= 1;
  CHECK(house.call(house.worker, get, path).status == 404);
  house.cases.reports[id(50)].texts[0].message[100] ^= 1;
  CHECK(house.call(house.worker, get, report_path).status == 404);
}

namespace {

// What the worker's client would post about report 50.
struct Writing {
  House& house;
  std::shared_ptr<const identity::Directory> directory =
      *read_directory(house.cases, house.root.public_key, nullptr);

  crypto::Bytes wraps(const crypto::Secret<32>& key, const crypto::Id& message,
                      std::vector<crypto::Id> queues, const crypto::Id& report = id(50)) const {
    crypto::Bytes out;
    for (const auto& queue_id : queues) {
      const auto& queue = *directory->queue(queue_id);
      const auto sender = crypto::box_key();
      const auto shared = crypto::shared_key(queue.box_key, sender.secret_key);
      const auto wrap = identity::wrap_key(key, report, message, {queue.kid, queue.generation},
                                           {sender.public_key, *shared});
      out.insert(out.end(), wrap.begin(), wrap.end());
    }
    return out;
  }
  json::object note(const crypto::SigningKey& author, std::vector<crypto::Id> queues = {id(1)},
                    const crypto::Id& report = id(50)) const {
    identity::NoteContent content;
    content.text = identity::Text{"call her sister"};
    const auto sealed = identity::seal_note(8, report, identity::encode(content), author);
    return {
        {"note", crypto::base64(sealed.envelope)},
        {"wraps", crypto::base64(wraps(sealed.key, sealed.message_id, std::move(queues), report))}};
  }
  json::object reply(const crypto::SigningKey& author, const crypto::Id& report = id(50)) const {
    identity::Reply content;
    content.not_after = 1'000'000;
    content.text = identity::Text{"Thank you."};
    const auto sealed = identity::seal_reply(content, report, crypto::random_bytes<16>(), 9,
                                             crypto::box_key().public_key, author);
    return {{"reply", crypto::base64(*sealed)}};
  }
  identity::Statement statement(const crypto::Id& to) const {
    identity::Statement out;
    out.hour = 9;
    out.report_id = id(50);
    out.from_queue = id(1);
    out.to_queue = to;
    out.previous = crypto::hash16({house.cases.reports.at(id(50)).texts[0].record});
    return out;
  }
  void sign_later(const identity::Statement& later, const crypto::SigningKey& key) const {
    const auto bytes = identity::sign_statement(later, key);
    house.cases.signed_later.push_back(
        {identity::statement_hash(bytes), later.report_id, {bytes.begin(), bytes.end()}});
  }
  void consent() const {
    auto out = statement({});
    out.type = identity::StatementType::consent;
    out.from_queue = out.to_queue = {};
    out.consent_class = 1;
    sign_later(out, house.gateway);
  }
  http::Response post(const char* what, const json::object& body,
                      const crypto::SigningKey& key) const {
    return house.call(key, http::Method::post, report_path + "/" + what, {}, json::serialize(body));
  }
};

}  // namespace

TEST_CASE("a note is kept if its author signed it for the owner's readers, else refused") {
  House house;
  const Writing writing{house};
  CHECK(writing.post("note", writing.note(house.worker), house.worker).status == 204);
  REQUIRE(house.cases.kept_notes.size() == 1);
  CHECK(house.cases.kept_notes[0].author == id(21));
  CHECK(house.cases.kept_notes[0].hour == noon / 3600);
  CHECK(writing.post("note", writing.note(house.stranger), house.worker).status == 403);
  CHECK(writing.post("note", writing.note(house.worker, {id(1)}, id(51)), house.worker).status ==
        400);
  CHECK(writing.post("note", writing.note(house.worker, {id(2)}), house.worker).status == 400);
  // A copy for the police of a report for helpers only (P15).
  CHECK(writing.post("note", writing.note(house.worker, {id(1), id(2)}), house.worker).status ==
        400);
  CHECK(writing.post("note", {{"note", "?"}, {"wraps", ""}}, house.worker).status == 400);
  CHECK(writing.post("note", writing.note(house.officer), house.officer).status == 404);
  CHECK(house.cases.kept_notes.size() == 1);
}

TEST_CASE("a reply goes to the relay only if the caller signed it for a report that is hers") {
  House house;
  const Writing writing{house};
  CHECK(writing.post("reply", writing.reply(house.worker), house.worker).status == 204);
  REQUIRE(house.cases.submitted.size() == 1);
  CHECK(house.cases.submitted[0].report_id == id(50));
  CHECK(house.cases.submitted[0].envelope.size() == identity::reply_size);

  auto both = writing.reply(house.worker);
  for (const auto& field : writing.note(house.worker)) both[field.key()] = field.value();
  CHECK(writing.post("reply", both, house.worker).status == 204);
  CHECK(house.cases.kept_notes.size() == 1);
  both["note"] = "spoilt";
  CHECK(writing.post("reply", both, house.worker).status == 400);

  CHECK(writing.post("reply", writing.reply(house.stranger), house.worker).status == 403);
  CHECK(writing.post("reply", writing.reply(house.officer), house.worker).status == 403);
  CHECK(writing.post("reply", writing.reply(house.worker, id(51)), house.worker).status == 400);
  CHECK(writing.post("reply", {{"reply", "AAAA"}}, house.worker).status == 400);
  CHECK(writing.post("reply", writing.reply(house.officer), house.officer).status == 404);
  CHECK(house.cases.submitted.size() == 2);

  const auto history = json::parse(house.call(house.worker, get, report_path + "/history").body);
  CHECK(history.at("replies").as_array().size() == 2);
  CHECK(history.at("replies").at(0).at("state") == "submitted");
  CHECK(history.at("notes").as_array().size() == 1);
}

TEST_CASE(
    "a transfer is signed by the owner's people, whole, and towards the police with consent") {
  House house;
  const Writing writing{house};
  const auto key = crypto::random_secret<32>();
  const auto first = [&](std::vector<crypto::Id> queues) {
    // The first text's message id is in its header; this desk never opens it.
    auto& message = house.cases.reports[id(50)].texts[0].message;
    crypto::Id message_id;
    std::copy_n(message.begin() + 24, 16, message_id.begin());
    return crypto::base64(writing.wraps(key, message_id, std::move(queues)));
  };
  const auto body = [&](const identity::Statement& statement, const crypto::SigningKey& signer,
                        std::vector<crypto::Id> queues) {
    const auto bytes = identity::sign_statement(statement, signer);
    return json::object{{"statement", crypto::base64(bytes)},
                        {"wraps", first(std::move(queues))},
                        {"texts", json::array{}},
                        {"notes", json::array{}}};
  };
  const auto status = [&](const json::object& posted) {
    return writing.post("transfer", posted, house.worker).status;
  };
  const auto to_police = writing.statement(id(2));
  CHECK(kind(writing.post("transfer", body(to_police, house.worker, {id(2)}), house.worker)) ==
        "helpers-only");
  writing.consent();
  // With consent it still takes two.
  CHECK(kind(writing.post("transfer", body(to_police, house.worker, {id(2)}), house.worker)) ==
        "bad-body");
  CHECK(status(body(to_police, house.stranger, {id(2)})) == 403);
  CHECK(status(body(writing.statement(id(77)), house.worker, {id(2)})) == 400);
  CHECK(house.cases.transfers.empty());
}

TEST_CASE("every call that reads or changes a report leaves exactly one audit entry") {
  using Action = identity::AuditAction;
  for (const auto& endpoint : endpoints()) {
    if (is_about_people(endpoint)) continue;
    CAPTURE(endpoint.name);
    House house;
    // Class 1, so that the lead may give it to the police; held by her.
    const auto sealed = identity::seal_text(7, id(50), crypto::bytes_of("{}"));
    auto& report = house.cases.reports[id(50)];
    report.texts[0].message = sealed.envelope;
    const auto record =
        identity::sign_intake({.consent_class = 1,
                               .first = true,
                               .hour = 7,
                               .report_id = id(50),
                               .queue_id = id(1),
                               .message_digest = identity::envelope_digest(sealed.envelope)},
                              house.gateway);
    report.texts[0].record.assign(record.begin(), record.end());
    if (endpoint.conditional) report.row.lease = storage::Lease{id(24), noon + 1800};
    const bool renews = endpoint.path == "/api/v1/outdated";
    crypto::Bytes outdated;
    if (renews) {
      outdated = Writing{house}.wraps(sealed.key, sealed.message_id, {id(1)});
      report.texts[0].wraps = outdated;
      house.rotate(id(1));
    }
    const Writing writing{house};
    json::object body;
    crypto::Id subject = id(50);
    crypto::Id object{};
    if (endpoint.action == Action::note) body = writing.note(house.lead);
    if (endpoint.action == Action::reply) body = writing.reply(house.lead);
    if (endpoint.action == Action::transfer)
      body = {{"statement",
               crypto::base64(identity::sign_statement(writing.statement(id(2)), house.lead))},
              {"wraps", crypto::base64(writing.wraps(sealed.key, sealed.message_id, {id(2)}))},
              {"texts", json::array{}},
              {"notes", json::array{}}};
    if (endpoint.action == Action::transfer) object = id(2);
    if (renews && endpoint.method == post) {
      json::array wraps;
      wraps.push_back(json::object{
          {"part", "first"},
          {"place", 0},
          {"old", crypto::base64(outdated)},
          {"new", crypto::base64(writing.wraps(sealed.key, sealed.message_id, {id(1)}))}});
      body = {{"wraps", std::move(wraps)}};
    } else if (endpoint.action == Action::rewrap) {
      // Given away, but its text stayed behind.
      report.texts[0].wraps = writing.wraps(sealed.key, sealed.message_id, {id(1)});
      writing.sign_later(writing.statement(id(3)), house.lead);
      json::array texts;
      texts.push_back(json::object{
          {"id", crypto::hex(sealed.message_id)},
          {"wraps", crypto::base64(writing.wraps(sealed.key, sealed.message_id, {id(3)}))}});
      body = {{"texts", std::move(texts)}};
      object = sealed.message_id;
    }
    if (endpoint.action == Action::compare_wraps) {
      const auto former = writing.wraps(sealed.key, sealed.message_id, {id(1)});
      house.rotate(id(1));
      json::array wraps;
      wraps.push_back(json::object{{"wrap", crypto::base64(former)}, {"mended", nullptr}});
      body = {{"wraps", std::move(wraps)}};
      subject = {};
      object = id(1);
    }
    if (endpoint.action == Action::hold) {
      auto withdrawal = writing.statement({});
      withdrawal.type = identity::StatementType::withdraw;
      withdrawal.from_queue = withdrawal.to_queue = {};
      writing.sign_later(withdrawal, house.relay);
      if (endpoint.name == "releaseHold") house.cases.held.insert(id(50));
    }
    if (endpoint.action == Action::legal_release) house.cases.legally_held.insert(id(50));
    if (endpoint.action == Action::list || endpoint.action == Action::pull) object = id(1);
    if (endpoint.action == Action::list || endpoint.action == Action::read_audit) subject = {};

    const auto& key = endpoint.role == Role::overseer ? house.auditor : house.lead;
    if (endpoint.persons == 2) {
      auto first = body;
      if (endpoint.action == Action::transfer)
        first["statement"] =
            crypto::base64(identity::sign_statement(writing.statement(id(2)), house.worker));
      CHECK(house
                .call(house.worker, endpoint.method, filled(endpoint.path), {},
                      endpoint.request.empty() ? "" : json::serialize(first))
                .status == 202);
      REQUIRE(house.cases.entries.size() == 1);
      CHECK(identity::decode_audit_entry(house.cases.entries[0].entry)->action == Action::intend);
      house.cases.entries.clear();
    }
    const auto answer = house.call(key, endpoint.method, filled(endpoint.path), {},
                                   endpoint.request.empty() ? "" : json::serialize(body));
    CHECK(answer.status / 100 == 2);
    REQUIRE(house.cases.entries.size() == (endpoint.action == Action::none ? 0 : 1));
    if (endpoint.action == Action::none) continue;
    const auto entry = *identity::decode_audit_entry(house.cases.entries[0].entry);
    CHECK(entry.action == endpoint.action);
    CHECK(entry.time == noon);
    CHECK(entry.actor == (endpoint.role == Role::overseer ? id(25) : id(24)));
    CHECK(entry.subject == subject);
    if (endpoint.action == Action::note || endpoint.action == Action::reply)
      CHECK(entry.object != crypto::Id{});
    else
      CHECK(entry.object == object);

    // Nothing happens, so nothing is noted.
    CHECK(house.call(house.stranger, endpoint.method, filled(endpoint.path)).status / 100 ==
          (endpoint.role == Role::anyone ? 2 : 4));
    CHECK(house.cases.entries.size() == 1);
  }
}

TEST_CASE("the entry of a reply says what else its author released") {
  House house;
  const Writing writing{house};
  identity::Reply content;
  content.not_after = 1'000'000;
  content.text = identity::Text{"Thank you."};
  content.confirms_unverified_yes = true;
  const auto sealed =
      identity::seal_reply(content, id(50), id(70), 9, crypto::box_key().public_key, house.worker);
  CHECK(writing.post("reply", {{"reply", crypto::base64(*sealed)}}, house.worker).status == 204);
  const auto entry = *identity::decode_audit_entry(house.cases.entries.at(0).entry);
  CHECK(entry.flags == 2);
  CHECK(entry.object == id(70));
}

TEST_CASE("what cannot be noted is not handed out") {
  House house;
  house.cases.mute = true;
  CHECK(house.call(house.worker, get, report_path).status == 503);
  CHECK(house.call(house.worker, get, report_path + "/history").status == 503);
  CHECK(house.call(house.auditor, get, "/api/v1/audit").status == 503);
  CHECK(house.call(house.lead, post, report_path + "/export").status == 503);
}

TEST_CASE("the audit chain is read page by page, with its checkpoints, and each reading is in it") {
  House house;
  for (int i = 0; i < 3; ++i) house.call(house.worker, get, report_path);
  const auto first = json::parse(house.call(house.auditor, get, "/api/v1/audit?limit=3").body);
  REQUIRE(first.at("entries").as_array().size() == 3);
  CHECK(first.at("entries").at(0).at("entry").as_string() ==
        crypto::base64(house.cases.entries[0].entry));
  CHECK(first.at("entries").at(0).at("detail").as_string() == "{}");
  CHECK(first.at("checkpoints").as_array().size() == 1);
  CHECK(first.at("next").as_string() == "3");
  const auto second =
      json::parse(house.call(house.admin, get, "/api/v1/audit?limit=3&cursor=3").body);
  CHECK(second.at("entries").as_array().size() == 2);  // the two readings
  CHECK(second.at("checkpoints").as_array().empty());
  CHECK(second.at("next").is_null());
  for (const auto* bad : {"cursor=-1", "cursor=x", "cursor=18446744073709551615", "limit=0"}) {
    CAPTURE(bad);
    CHECK(house.call(house.auditor, get, std::string{"/api/v1/audit?"} + bad).status == 400);
  }
}

TEST_CASE("an entry knows from where its actor acted, and an auditor alone is told") {
  House house;
  const auto from = [&](const crypto::SigningKey& key, std::string_view target, const char* peer,
                        std::string_view forwarded = {}) {
    auto out = House::request(get, target);
    if (peer != nullptr) out.peer = config::ip_address_of(peer);
    if (!forwarded.empty())
      out.fields.push_back({"x-forwarded-for", crypto::wiped_copy(forwarded)});
    house.sign(out, key);
    return house.send(std::move(out));
  };
  const auto origin = [&](std::size_t place) {
    const auto& row = house.cases.entries.at(place);
    const auto address =
        identity::origin_of(row, *identity::decode_audit_entry(row.entry), noon).address;
    return address ? config::text_of(*address) : "none";
  };
  CHECK(from(house.worker, report_path, "192.0.2.7", "192.0.2.8").status == 200);
  CHECK(from(house.worker, report_path, "10.0.0.1", "192.0.2.9, 192.0.2.8").status == 200);
  CHECK(from(house.worker, report_path, nullptr, "192.0.2.8").status == 200);
  CHECK(origin(0) == "192.0.2.7");
  CHECK(origin(1) == "192.0.2.8");
  CHECK(origin(2) == "none");
  CHECK(house.cases.entries[2].detail == "{}");

  const auto seen = json::parse(from(house.auditor, "/api/v1/audit", "2001:db8::7").body);
  const auto& entries = seen.at("entries").as_array();
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].at("origin").as_string() == crypto::base64(house.cases.entries[0].origin));
  CHECK_FALSE(entries[2].as_object().contains("origin"));
  CHECK(entries[3].as_object().contains("origin"));
  CHECK(from(house.admin, "/api/v1/audit", "192.0.2.9").body.find("origin") == std::string::npos);
  // An intent is somebody's too; an alarm is nobody's.
  auto intent = House::request(post, report_path + "/legal-hold", {{"idempotency-key", "i"}});
  intent.peer = config::ip_address_of("192.0.2.10");
  house.sign(intent, house.lead);
  CHECK(house.send(std::move(intent)).status == 202);
  CHECK(origin(5) == "192.0.2.10");
  for (int i = 0; i < 60; ++i) {
    auto forged = House::request(get, report_path, {{"ishara-signature", "x"}});
    forged.peer = config::ip_address_of("192.0.2.66");
    house.send(std::move(forged));
  }
  REQUIRE(house.cases.entries.size() == 7);
  CHECK(house.cases.entries[6].origin.empty());
  CHECK(house.cases.entries[6].detail == R"({"kind":"signatures_refused","count":60})");
}

TEST_CASE("a transfer is committed as one step to its target, sealed for the target first") {
  House house;
  const std::string_view words = "{}";
  const auto sealed = identity::seal_text(7, id(50), crypto::bytes_of(words));
  auto& text = house.cases.reports[id(50)].texts[0];
  text.message = sealed.envelope;
  const auto record =
      identity::sign_intake({.consent_class = 1,
                             .first = true,
                             .hour = 7,
                             .report_id = id(50),
                             .queue_id = id(1),
                             .message_digest = identity::envelope_digest(text.message)},
                            house.gateway);
  text.record.assign(record.begin(), record.end());
  const Writing writing{house};
  const auto there = writing.statement(id(2));
  writing.sign_later(there, house.worker);
  auto back = there;
  back.from_queue = id(2);
  back.to_queue = id(1);
  back.previous = house.cases.signed_later[0].hash;
  const auto body = [&](const identity::Statement& statement, std::vector<crypto::Id> queues) {
    const auto bytes = identity::sign_statement(statement, house.officer);
    const auto note = crypto::hash16({crypto::bytes_of("a note")});
    json::array notes;
    notes.push_back(
        json::object{{"id", crypto::hex(note)},
                     {"wraps", crypto::base64(writing.wraps(sealed.key, note, queues))}});
    return json::object{
        {"statement", crypto::base64(bytes)},
        {"wraps", crypto::base64(writing.wraps(sealed.key, sealed.message_id, queues))},
        {"texts", json::array{}},
        {"notes", std::move(notes)}};
  };
  CHECK(writing.post("transfer", body(back, {id(2)}), house.officer).status == 400);
  auto stale = back;
  stale.previous = there.previous;
  CHECK(writing.post("transfer", body(stale, {id(1)}), house.officer).status == 409);
  CHECK(writing.post("transfer", body(back, {id(1)}), house.worker).status == 404);
  CHECK(house.cases.transfers.empty());
  CHECK(writing.post("transfer", body(back, {id(1), id(2)}), house.officer).status == 204);
  REQUIRE(house.cases.transfers.size() == 1);
  const auto& done = house.cases.transfers[0];
  CHECK(done.to_queue == id(1));
  CHECK(done.known_statements == 1);
  CHECK(done.report_wraps.size() == 384);
  CHECK(done.notes.size() == 1);
}

TEST_CASE(
    "two people give a report to the police, one of them a lead; the second one's word counts") {
  House house;
  const auto sealed = identity::seal_text(7, id(50), crypto::bytes_of("{}"));
  auto& text = house.cases.reports[id(50)].texts[0];
  text.message = sealed.envelope;
  const auto record =
      identity::sign_intake({.consent_class = 1,
                             .first = true,
                             .hour = 7,
                             .report_id = id(50),
                             .queue_id = id(1),
                             .message_digest = identity::envelope_digest(text.message)},
                            house.gateway);
  text.record.assign(record.begin(), record.end());
  const Writing writing{house};
  const auto give = [&](const crypto::SigningKey& key, bool keep = false,
                        const crypto::Id& queue = id(2)) {
    auto statement = writing.statement(queue);
    statement.keeps_wraps = keep;
    json::object body{
        {"statement", crypto::base64(identity::sign_statement(statement, key))},
        {"wraps", crypto::base64(writing.wraps(sealed.key, sealed.message_id, {queue}))},
        {"texts", json::array{}},
        {"notes", json::array{}}};
    return writing.post("transfer", body, key).status;
  };
  const auto signed_by = [&](const crypto::SigningKey& key) {
    return house.cases.transfers.size() == 1 &&
           identity::verify_statement(house.cases.transfers[0].statement.bytes, key.public_key)
               .has_value();
  };
  CHECK(give(house.officer) == 404);
  SUBCASE("the lead first") {
    CHECK(give(house.lead) == 202);
    CHECK(give(house.lead) == 202);
    CHECK(house.cases.transfers.empty());
    const auto waits = json::parse(house.call(house.worker, get, "/api/v1/intents").body);
    CHECK(waits.at("intents").at(0).at("action") == "transfer");
    CHECK(waits.at("intents").at(0).at("to") == "police-queue");
    // To keep reading, or to give it to another queue, is another decision.
    CHECK(give(house.worker, true) == 202);
    CHECK(house.cases.transfers.empty());
    CHECK(give(house.worker) == 204);
    CHECK(signed_by(house.worker));
  }
  SUBCASE("the lead second") {
    CHECK(give(house.worker) == 202);
    CHECK(give(house.lead) == 204);
    CHECK(signed_by(house.lead));
  }
  SUBCASE("to helpers one is enough") {
    CHECK(give(house.worker, false, id(3)) == 204);
    CHECK(house.cases.intended.empty());
  }
}

TEST_CASE("a report that was given away is its new owner's to see, and nobody else's") {
  House house;
  const Writing writing{house};
  writing.consent();
  writing.sign_later(writing.statement(id(2)), house.worker);
  CHECK(house.call(house.officer, get, report_path).status == 200);
  CHECK(house.call(house.worker, get, report_path).status == 404);
  CHECK(writing.post("reply", writing.reply(house.worker), house.worker).status == 404);
  CHECK(writing.post("reply", writing.reply(house.officer), house.officer).status == 204);
}

namespace {

// Report 51 of the same owner, from the same number as report 50, as the relay says.
struct Linked : Writing {
  explicit Linked(House& in) : Writing{in} { link(id(1)); }

  void link(const crypto::Id& queue, std::uint32_t hour = noon / 3600) const {
    const auto bytes = identity::sign_same_sender({hour, {id(50), id(51)}, queue}, house.relay);
    house.cases.links[id(50)] = {{id(51), {bytes.begin(), bytes.end()}}};
  }
  json::array told(const crypto::SigningKey& key) const {
    const auto answer = house.call(key, get, report_path + "/history");
    REQUIRE(answer.status == 200);
    return json::parse(answer.body).at("same_sender").as_array();
  }
};

}  // namespace

TEST_CASE("that a report has another one's sender is told to the owner of both, with the proof") {
  House house;
  house.add_report(id(51), id(1));
  const Linked linked{house};
  const auto told = linked.told(house.worker);
  REQUIRE(told.size() == 1);
  CHECK(crypto::from_base64(told[0].at("link").as_string()) == house.cases.links[id(50)][0].link);
  CHECK(crypto::from_base64(told[0].at("record").as_string()) ==
        house.cases.reports.at(id(51)).texts[0].record);
  CHECK(told[0].at("statements").as_array().empty());
}

TEST_CASE("nothing is told of a sender whose reports have different owners (P18)") {
  House house;
  const auto is_told = [&](const std::function<void(const Linked&)>& change) {
    house.cases.signed_later.clear();
    house.cases.reports.erase(id(51));
    house.add_report(id(51), id(1));
    const Linked linked{house};
    change(linked);
    return !linked.told(house.worker).empty();
  };
  CHECK(is_told([](const auto&) {}));
  // What a column says of the other report counts as little as ever.
  CHECK(is_told([&](const auto&) { house.cases.reports.at(id(51)).row.queue_id = id(3); }));
  CHECK_FALSE(is_told([&](const auto&) {
    house.cases.reports.erase(id(51));
    house.add_report(id(51), id(3), id(1));
  }));
  CHECK_FALSE(is_told([](const auto& linked) { linked.link(id(3)); }));
  CHECK_FALSE(is_told(
      [](const auto& linked) { linked.link(id(1), noon / 3600 - identity::same_sender_hours); }));
  CHECK_FALSE(is_told([&](const auto&) { house.cases.reports.erase(id(51)); }));
  CHECK_FALSE(is_told([&](const auto& linked) {
    auto given = linked.statement(id(3));
    given.report_id = id(51);
    given.previous = crypto::hash16({house.cases.reports.at(id(51)).texts[0].record});
    linked.sign_later(given, house.worker);
  }));
  CHECK_FALSE(is_told([&](const auto&) { house.cases.links[id(50)][0].report_id = id(52); }));
  CHECK_FALSE(is_told([&](const auto&) {
    house.cases.erased[id(51)] = house.cases.reports.at(id(51)).texts[0].record;
    house.cases.reports.erase(id(51));
    house.cases.deleted.insert(id(51));
  }));
  house.cases.deleted.clear();
  CHECK_FALSE(is_told([&](const auto&) { house.cases.links[id(50)][0].link[20] ^= 1; }));
}

TEST_CASE("nothing is written to somebody who took the report back") {
  House house;
  const Writing writing{house};
  auto withdrawal = writing.statement({});
  withdrawal.type = identity::StatementType::withdraw;
  withdrawal.from_queue = withdrawal.to_queue = {};
  writing.sign_later(withdrawal, house.relay);
  CHECK(writing.post("reply", writing.reply(house.worker), house.worker).status == 409);
  CHECK(house.cases.submitted.empty());
}

namespace {

// What the relay signs when somebody takes report 50 back in hour 9.
struct Returned : Writing {
  explicit Returned(House& in) : Writing{in} {}
  identity::Statement withdrawal(bool with_ref) const {
    auto out = statement({});
    out.type = identity::StatementType::withdraw;
    out.from_queue = out.to_queue = {};
    out.with_ref = with_ref;
    return out;
  }
  Withdrawals settle(std::uint32_t hour) const {
    return settle_withdrawals(house.cases, *directory, hour).value();
  }
  http::Response shown(const crypto::SigningKey& key) const {
    return house.call(key, get, report_path);
  }
  bool is_open() const { return house.cases.show(id(50)).has_value(); }
};

}  // namespace

TEST_CASE("what was withdrawn with its ref goes at once, and only its owner is told so (P24)") {
  House house;
  const Returned returned{house};
  house.add_report(id(51), id(1));
  returned.sign_later(returned.withdrawal(true), house.relay);
  CHECK(returned.settle(9).erased == 1);
  CHECK(house.cases.reports.size() == 1);
  CHECK(house.cases.reports.contains(id(51)));

  const auto told = returned.shown(house.worker);
  CHECK(told.status == 410);
  CHECK(kind(told) == "withdrawn");
  CHECK(returned.post("reply", returned.reply(house.worker), house.worker).status == 410);
  CHECK(returned.shown(house.officer).status == 404);
  CHECK(house.call(house.worker, get, "/api/v1/reports/" + crypto::hex(id(52))).status == 404);
}

TEST_CASE("a report that was given away and then withdrawn is its last owner's to ask for") {
  House house;
  const Returned returned{house};
  returned.consent();
  returned.sign_later(returned.statement(id(2)), house.worker);
  returned.sign_later(returned.withdrawal(true), house.relay);
  CHECK(returned.settle(9).erased == 1);
  CHECK(returned.shown(house.officer).status == 410);
  CHECK(returned.shown(house.worker).status == 404);
}

TEST_CASE("what was withdrawn by number alone is hidden for 72 hours and then goes (P24)") {
  House house;
  const Returned returned{house};
  returned.sign_later(returned.withdrawal(false), house.relay);
  CHECK(returned.settle(9).hidden == 1);
  CHECK(house.cases.hidden_until[id(50)] == 9 + 72);
  CHECK(returned.shown(house.worker).status == 410);
  CHECK(returned.shown(house.officer).status == 404);
  const auto later = returned.settle(9 + 71);
  CHECK(later.hidden + later.erased + later.revealed == 0);
  CHECK(house.cases.reports.contains(id(50)));
  // A column that a database has changed shortens nothing.
  house.cases.hidden_until[id(50)] = 10;
  CHECK(returned.settle(11).hidden == 1);
  CHECK(house.cases.hidden_until[id(50)] == 9 + 72);

  SUBCASE("its hour comes") {
    CHECK(returned.settle(9 + 72).erased == 1);
    CHECK(house.cases.reports.empty());
    CHECK(returned.shown(house.worker).status == 410);
  }
  SUBCASE("the ref comes first") {
    returned.sign_later(returned.withdrawal(true), house.relay);
    CHECK(returned.settle(12).erased == 1);
  }
  SUBCASE("it no longer stands") {
    house.cases.signed_later.clear();
    CHECK(returned.settle(9 + 72).revealed == 1);
    CHECK(returned.is_open());
    CHECK(returned.shown(house.worker).status == 200);
  }
}

TEST_CASE(
    "a lead keeps what was withdrawn by number alone from deletion, and nobody sees it (P24)") {
  House house;
  const Returned returned{house};
  const auto hold = report_path + "/hold";
  const auto listed = [&](const crypto::SigningKey& key) {
    return json::parse(house.call(key, get, "/api/v1/withdrawn").body).at("reports").as_array();
  };
  CHECK(kind(house.call(house.lead, post, hold)) == "nothing-to-hold");
  CHECK(listed(house.lead).empty());
  returned.sign_later(returned.withdrawal(false), house.relay);
  CHECK(returned.settle(9).hidden == 1);

  json::array expected;
  expected.push_back(json::object{{"id", crypto::hex(id(50))},
                                  {"queue", "ngo-queue"},
                                  {"until", 9 + 72},
                                  {"held", false},
                                  {"legally_held", false}});
  CHECK(listed(house.lead) == expected);
  CHECK(listed(house.officer).empty());
  CHECK(house.call(house.worker, get, "/api/v1/withdrawn").status == 403);
  CHECK(house.call(house.worker, post, hold).status == 403);
  CHECK(house.call(house.officer, post, hold).status == 404);
  CHECK(house.cases.held.empty());

  for (const char* key : {"a", "b"})
    CHECK(house.call(house.lead, post, hold, {{"idempotency-key", key}}).status == 204);
  CHECK(house.cases.entries.size() == 1);
  CHECK(listed(house.lead).at(0).at("held").as_bool());
  for (const std::uint32_t hour : {9u + 71u, 9u + 72u, 9u + 1000u}) {
    const auto settled = returned.settle(hour);
    CHECK(settled.erased + settled.hidden + settled.revealed == 0);
  }
  CHECK(returned.shown(house.worker).status == 410);
  CHECK(returned.shown(house.lead).status == 410);

  SUBCASE("until she says that it may go") {
    const auto release = report_path + "/hold-release";
    CHECK(house.call(house.worker, post, release).status == 403);
    CHECK(house.call(house.officer, post, release).status == 404);
    for (const char* key : {"d", "e"})
      CHECK(house.call(house.lead, post, release, {{"idempotency-key", key}}).status == 204);
    REQUIRE(house.cases.entries.size() == 2);
    const auto entry = *identity::decode_audit_entry(house.cases.entries[1].entry);
    CHECK(entry.action == identity::AuditAction::hold);
    CHECK(entry.flags == 1);
    CHECK(returned.settle(9 + 72).erased == 1);
  }
  SUBCASE("but the ref, which proves the reporter, deletes it") {
    returned.sign_later(returned.withdrawal(true), house.relay);
    CHECK(kind(house.call(house.lead, post, hold, {{"idempotency-key", "c"}})) ==
          "nothing-to-hold");
    CHECK(returned.settle(9 + 1000).erased == 1);
    CHECK(house.cases.reports.empty());
    CHECK(listed(house.lead).empty());
  }
}

TEST_CASE("what needs two people is done by the second of them, who are not the same") {
  House house;
  const auto call = [&](const crypto::SigningKey& key, const std::string& what = "legal-hold") {
    return house.call(key, post, report_path + "/" + what);
  };
  const auto waits = [&](const http::Response& response, std::uint64_t hour) {
    return response.status == 202 &&
           json::parse(response.body) ==
               json::value{{"needs", "second person"}, {"until", hour + 24}};
  };
  const auto hour = noon / 3600;
  const auto entry = [&](std::size_t place) {
    return *identity::decode_audit_entry(house.cases.entries.at(place).entry);
  };
  const auto is_held = [&] { return house.cases.legally_held.contains(id(50)); };
  const auto intents = [&](const crypto::SigningKey& key) {
    return json::parse(house.call(key, get, "/api/v1/intents").body).at("intents").as_array();
  };

  CHECK(waits(call(house.lead), hour));
  REQUIRE(house.cases.entries.size() == 1);
  CHECK(entry(0).action == identity::AuditAction::intend);
  CHECK(entry(0).flags == static_cast<std::uint32_t>(identity::AuditAction::legal_hold));
  CHECK(entry(0).actor == id(24));
  CHECK(entry(0).subject == id(50));
  CHECK_FALSE(is_held());

  // Her own once more changes nothing, not even its time.
  house.now += 3600;
  CHECK(waits(call(house.lead), hour));
  CHECK(house.cases.entries.size() == 1);
  // Whoever works for the queue sees what waits; a former reader or another organisation does not.
  const json::value shown{{"action", "legal_hold"},         {"queue", "ngo-queue"},
                          {"subject", crypto::hex(id(50))}, {"to", nullptr},
                          {"user", crypto::hex(id(24))},    {"until", hour + 24}};
  REQUIRE(intents(house.worker).size() == 1);
  CHECK(intents(house.worker).at(0) == shown);
  for (const auto* key : {&house.officer, &house.other, &house.auditor, &house.admin})
    CHECK(intents(*key).empty());
  CHECK(call(house.officer).status == 404);
  CHECK(call(house.other).status == 404);
  CHECK(house.cases.intended.size() == 1);

  SUBCASE("somebody else of the queue carries it out") {
    CHECK(call(house.worker).status == 204);
    CHECK(is_held());
    CHECK(house.cases.intended.empty());
    REQUIRE(house.cases.entries.size() == 2);
    CHECK(entry(1).action == identity::AuditAction::legal_hold);
    CHECK(entry(1).actor == id(21));
    // It is as they want it: nothing to do or to note.
    CHECK(call(house.lead).status == 204);
    CHECK(house.cases.entries.size() == 2);
    // The other way takes two again.
    CHECK(waits(call(house.worker, "legal-release"), hour + 1));
    CHECK(is_held());
    CHECK(call(house.lead, "legal-release").status == 204);
    CHECK_FALSE(is_held());
  }
  SUBCASE("another call is not the same one") {
    house.cases.legally_held.insert(id(50));
    CHECK(call(house.worker, "legal-release").status == 202);
    CHECK(is_held());
    house.add_report(id(51), id(1));
    CHECK(house.call(house.worker, post, "/api/v1/reports/" + crypto::hex(id(51)) + "/legal-hold")
              .status == 202);
    CHECK_FALSE(house.cases.legally_held.contains(id(51)));
  }
  SUBCASE("after a day it begins anew") {
    house.now = noon - noon % 3600 + 24 * 3600;
    CHECK(waits(call(house.worker), hour + 24));
    CHECK_FALSE(is_held());
    CHECK(intents(house.worker).size() == 1);
  }
  SUBCASE("until a minute before") {
    house.now = noon - noon % 3600 + 24 * 3600 - 60;
    CHECK(call(house.worker).status == 204);
  }
}

TEST_CASE("of two people who decide about a report one is a lead, and both work for its queue") {
  House house;
  // A second caseworker; and somebody who has left.
  const auto second = crypto::signing_key(seed(30));
  house.cases.stored_rosters.clear();
  house.restore({House::member(id(21), house.worker, {"caseworker"}, {id(1)}),
                 House::member(id(24), house.lead, {"lead"}, {id(1)}),
                 House::member(id(27), second, {"caseworker"}, {id(1)})});
  const auto hold = [&](const crypto::SigningKey& key) {
    return house.call(key, post, report_path + "/legal-hold").status;
  };
  CHECK(hold(house.worker) == 202);
  CHECK(hold(second) == 202);
  CHECK(house.cases.legally_held.empty());
  SUBCASE("a lead is one") {
    CHECK(hold(house.lead) == 204);
    CHECK(house.cases.intended.empty());
  }
  SUBCASE("the intent of somebody who has left does not count") {
    house.cases.stored_rosters.clear();
    house.restore({House::member(id(24), house.lead, {"lead"}, {id(1)})});
    CHECK(hold(house.lead) == 202);
    CHECK(house.cases.legally_held.empty());
  }
}

TEST_CASE("what is legally held stays, hidden as it is, whoever takes it back (P24)") {
  House house;
  const Returned returned{house};
  const auto both = [&](const std::string& what) {
    CHECK(house.call(house.lead, post, report_path + what).status == 202);
    return house.call(house.worker, post, report_path + what).status;
  };
  const auto listed = [&] {
    return json::parse(house.call(house.lead, get, "/api/v1/withdrawn").body).at("reports");
  };
  CHECK(both("/legal-hold") == 204);
  json::array expected;
  expected.push_back(json::object{{"id", crypto::hex(id(50))},
                                  {"queue", "ngo-queue"},
                                  {"until", 0},
                                  {"held", false},
                                  {"legally_held", true}});
  CHECK(listed() == expected);
  CHECK(returned.is_open());
  bool with_ref = false;
  SUBCASE("by number") {}
  SUBCASE("with the ref") { with_ref = true; }
  returned.sign_later(returned.withdrawal(with_ref), house.relay);
  CHECK(returned.settle(9).hidden == 1);
  CHECK(returned.shown(house.worker).status == 410);
  const auto settled = returned.settle(9 + 1000);
  CHECK(settled.erased + settled.hidden + settled.revealed == 0);
  CHECK(listed().at(0).at("until").as_int64() > 0);
  // Those who hold it let it go, although it is hidden.
  CHECK(both("/legal-release") == 204);
  CHECK(returned.settle(9 + 1000).erased == 1);
  CHECK(house.call(house.lead, post, report_path + "/legal-hold").status == 410);
}

TEST_CASE("however many reports are withdrawn by number, their lead sees each of them (P24)") {
  House house;
  const Returned returned{house};
  for (std::uint8_t i = 51; i < 255; ++i) house.add_report(id(i), id(1));
  for (const auto& [key, report] : house.cases.reports) {
    auto withdrawal = returned.withdrawal(false);
    withdrawal.report_id = key;
    withdrawal.previous = crypto::hash16({report.texts[0].record});
    returned.sign_later(withdrawal, house.relay);
  }
  CHECK(returned.settle(9).hidden == 205);

  std::set<std::string> listed;
  std::string cursor;
  int pages = 0;
  do {
    const auto page =
        json::parse(house.call(house.lead, get, "/api/v1/withdrawn?limit=50" + cursor).body);
    CHECK(page.at("reports").as_array().size() <= 50);
    for (const auto& report : page.at("reports").as_array())
      CHECK(listed.insert(std::string{report.at("id").as_string()}).second);
    cursor = page.at("next").is_null() ? "" : "&cursor=" + std::string{page.at("next").as_string()};
  } while (!cursor.empty() && ++pages < 10);
  CHECK(listed.size() == 205);
  CHECK(kind(house.call(house.lead, get, "/api/v1/withdrawn?cursor=x")) == "bad-cursor");
  CHECK(kind(house.call(house.lead, get, "/api/v1/withdrawn?limit=201")) == "bad-limit");
}

TEST_CASE("two people delete a report, and only its last owner is told so") {
  House house;
  const Returned returned{house};
  const auto remove = [&](const crypto::SigningKey& key) {
    return house.call(key, post, report_path + "/delete");
  };
  CHECK(remove(house.officer).status == 404);
  CHECK(remove(house.lead).status == 202);
  CHECK(returned.is_open());
  SUBCASE("not while it is held") {
    house.cases.legally_held.insert(id(50));
    CHECK(kind(remove(house.worker)) == "held");
    CHECK(returned.is_open());
  }
  SUBCASE("nor once its reporter took it back") {
    returned.sign_later(returned.withdrawal(false), house.relay);
    CHECK(returned.settle(9).hidden == 1);
    CHECK(kind(remove(house.worker)) == "withdrawn");
  }
  SUBCASE("it goes, and what was on its way goes too") {
    CHECK(remove(house.worker).status == 204);
    CHECK(house.cases.reports.empty());
    CHECK(kind(returned.shown(house.worker)) == "deleted");
    CHECK(returned.shown(house.worker).status == 410);
    CHECK(returned.shown(house.officer).status == 404);
    CHECK(remove(house.lead).status == 410);
    house.cases.left_of.insert(id(50));
    CHECK(returned.settle(9).erased == 1);
    CHECK(house.cases.left_of.empty());
  }
}

TEST_CASE("a hold that comes too late says so") {
  House house;
  const Returned returned{house};
  returned.sign_later(returned.withdrawal(false), house.relay);
  CHECK(returned.settle(9).hidden == 1);
  CHECK(returned.settle(9 + 72).erased == 1);
  CHECK(house.call(house.lead, post, report_path + "/hold").status == 410);
  CHECK(house.cases.entries.empty());
}

TEST_CASE("a withdrawal that the relay did not sign for this report does nothing and is counted") {
  House house;
  const Returned returned{house};
  auto forged = returned.withdrawal(true);
  auto signer = &house.relay;
  SUBCASE("signed by a gateway") { signer = &house.gateway; }
  SUBCASE("signed by a member") { signer = &house.worker; }
  SUBCASE("signed by nobody of the rosters") { signer = &house.stranger; }
  SUBCASE("of another origin") { forged.previous = id(77); }
  SUBCASE("of another report") {
    // Stored beside report 50 all the same.
    forged.report_id = id(51);
    returned.sign_later(forged, *signer);
    house.cases.signed_later.back().report_id = id(50);
  }
  returned.sign_later(forged, *signer);
  for (const std::uint32_t hour : {9u, 9u + 72u}) {
    const auto settled = returned.settle(hour);
    CHECK(settled.refused == 1);
    CHECK(settled.erased + settled.hidden + settled.failed == 0);
  }
  CHECK(returned.is_open());
  CHECK(returned.shown(house.worker).status == 200);
}

TEST_CASE("all pages are gone through, and what fails is tried again") {
  House house;
  const Returned returned{house};
  for (std::uint8_t i = 51; i < 255; ++i) house.add_report(id(i), id(1));
  auto last = returned.withdrawal(true);
  last.report_id = id(254);
  last.previous = crypto::hash16({house.cases.reports.at(id(254)).texts[0].record});
  returned.sign_later(last, house.relay);
  house.cases.stuck = true;
  CHECK(returned.settle(9).failed == 1);
  house.cases.stuck = false;
  CHECK(returned.settle(9).erased == 1);
  CHECK(house.cases.reports.size() == 204);
  house.cases.away = true;
  CHECK(settle_withdrawals(house.cases, *returned.directory, 9).error() == errc::unavailable);
}

namespace {

// Report 50 went from the worker's queue to the other one while later texts were under way.
struct Overtaken : Writing {
  explicit Overtaken(House& in) : Writing{in} {}

  struct Left {
    crypto::Id message{};
    crypto::Secret<32> key;
  };
  // A text that the gateway sealed for these queues, the first one its owner as it knew it.
  Left text(std::vector<crypto::Id> queues, const crypto::Id& report = id(50)) const {
    auto sealed = identity::seal_text(7, report, crypto::bytes_of("{}"));
    const auto record =
        identity::sign_intake({.hour = 7,
                               .report_id = report,
                               .queue_id = queues.at(0),
                               .message_digest = identity::envelope_digest(sealed.envelope)},
                              house.gateway);
    house.cases.reports.at(report).texts.push_back(
        {{record.begin(), record.end()},
         sealed.envelope,
         wraps(sealed.key, sealed.message_id, queues, report)});
    return {sealed.message_id, std::move(sealed.key)};
  }
  void give(const crypto::Id& to, bool keeps = false) const {
    auto step = statement(to);
    step.keeps_wraps = keeps;
    sign_later(step, house.worker);
  }
  json::array tasks(const crypto::SigningKey& key, std::string_view query = "") const {
    const auto answer = house.call(key, get, "/api/v1/strays" + std::string{query});
    REQUIRE(answer.status == 200);
    return json::parse(answer.body).at("strays").as_array();
  }
  unsigned hand_on(const Left& left, std::vector<crypto::Id> queues, const crypto::SigningKey& key,
                   const crypto::Id& report = id(50)) const {
    json::array texts;
    texts.push_back(json::object{
        {"id", crypto::hex(left.message)},
        {"wraps", crypto::base64(wraps(left.key, left.message, std::move(queues), report))}});
    return house
        .call(key, http::Method::post, "/api/v1/strays/" + crypto::hex(id(50)), {},
              json::serialize(json::object{{"texts", std::move(texts)}}))
        .status;
  }
  std::int64_t with_former() const {
    const auto shown = house.call(house.other, get, report_path);
    REQUIRE(shown.status == 200);
    return json::parse(shown.body).at("with_former").as_int64();
  }
};

}  // namespace

TEST_CASE("a text that a transfer overtook is its former owner's to hand on, unseen (P33)") {
  House house;
  const Overtaken overtaken{house};
  const auto left = overtaken.text({id(1), id(3)});
  CHECK(overtaken.tasks(house.worker).empty());
  overtaken.give(id(3));
  house.cases.reports[id(50)].row.queue_id = id(3);

  CHECK(overtaken.tasks(house.other).empty());
  CHECK(overtaken.tasks(house.officer).empty());
  const auto tasks = overtaken.tasks(house.worker);
  REQUIRE(tasks.size() == 1);
  // Whose it is and why, and her queue's own wrap: nothing that says what it is about.
  const auto& task = tasks[0].as_object();
  CHECK(task.size() == 4);
  CHECK(task.at("report") == json::value(crypto::hex(id(50))));
  CHECK(crypto::from_base64(task.at("record").as_string()) ==
        house.cases.reports[id(50)].texts[0].record);
  CHECK(task.at("statements").as_array().size() == 1);
  REQUIRE(task.at("texts").as_array().size() == 1);
  const auto& shown = task.at("texts").at(0).as_object();
  CHECK(shown.size() == 2);
  CHECK(shown.at("id") == json::value(crypto::hex(left.message)));
  CHECK(crypto::from_base64(shown.at("wraps").as_string()) ==
        crypto::Bytes(house.cases.reports[id(50)].texts[1].wraps.begin(),
                      house.cases.reports[id(50)].texts[1].wraps.begin() + 192));

  // The new owner sees that something is missing, in the list and in the report.
  CHECK(overtaken.with_former() == 1);
  const auto list =
      json::parse(house.call(house.other, get, "/api/v1/queues/other-queue/reports").body);
  CHECK(list.at("reports").at(0).at("with_former").as_int64() == 1);
  CHECK(list.at("reports").at(0).at("with_former_since").as_int64() == 7);

  CHECK(overtaken.hand_on(left, {id(3)}, house.worker) == 204);
  CHECK(first_reader(house.cases.reports[id(50)].texts[1].wraps, *overtaken.directory)->id ==
        id(3));
  REQUIRE(house.cases.handed_on.size() == 1);
  CHECK(house.cases.handed_on[0].to_queue == id(3));
  CHECK(house.cases.handed_on[0].known_statements == 1);
  CHECK(overtaken.with_former() == 0);
  CHECK(overtaken.tasks(house.worker).empty());
  CHECK(overtaken.hand_on(left, {id(3)}, house.worker) == 404);
}

TEST_CASE("what is handed on is sealed for the present owner and nobody else (P15, P33)") {
  House house;
  const Overtaken overtaken{house};
  const auto left = overtaken.text({id(1)});
  const auto of_another = overtaken.text({id(1)});
  bool keeps = false;
  SUBCASE("the former owner keeps nothing") {}
  SUBCASE("the former owner keeps its wraps") { keeps = true; }
  overtaken.give(id(3), keeps);

  CHECK(overtaken.hand_on(left, {id(3)}, house.other) == 404);
  CHECK(overtaken.hand_on(left, {id(3)}, house.officer) == 404);
  CHECK(overtaken.hand_on(left, {id(3)}, house.admin) == 403);
  CHECK(overtaken.hand_on(left, {id(1)}, house.worker) == 400);
  CHECK(overtaken.hand_on(left, {id(2)}, house.worker) == 400);
  CHECK(overtaken.hand_on(left, {id(3), id(2)}, house.worker) == 400);
  CHECK(overtaken.hand_on(left, {id(3)}, house.worker, id(51)) == 400);
  CHECK(house.cases.handed_on.empty());
  CHECK(overtaken.hand_on(left, {id(3), id(1)}, house.worker) == (keeps ? 204 : 400));
  CHECK(overtaken.hand_on(of_another, {id(3)}, house.worker) == 204);
}

TEST_CASE("whoever has a wrap of a message keeps it, whatever its former owner sends (P33)") {
  House house;
  const Overtaken overtaken{house};
  auto left = overtaken.text({id(1), id(3)});
  const auto before = house.cases.reports[id(50)].texts[1].wraps;
  overtaken.give(id(3), true);
  left.key = seed(77);  // its wraps have the right headers and open nothing
  CHECK(overtaken.hand_on(left, {id(3), id(1)}, house.worker) == 204);
  const auto& after = house.cases.reports[id(50)].texts[1].wraps;
  REQUIRE(after.size() == 2 * 192);
  CHECK(std::equal(after.begin(), after.begin() + 192, before.begin() + 192));
  CHECK(std::equal(after.begin() + 192, after.end(), before.begin()));
}

TEST_CASE("without a signed transfer nothing is handed on, whatever the rows say (P12, P33)") {
  House house;
  const Overtaken overtaken{house};
  const auto left = overtaken.text({id(1)});
  house.cases.reports[id(50)].row.queue_id = id(3);
  auto step = overtaken.statement(id(3));
  SUBCASE("no statement at all") {}
  SUBCASE("no statement, and a queue that never held it has the text") {
    CHECK(overtaken.text({id(3)}).message != left.message);
    CHECK(overtaken.tasks(house.other).empty());
  }
  SUBCASE("signed by nobody of the rosters") { overtaken.sign_later(step, house.stranger); }
  SUBCASE("signed by the new owner") { overtaken.sign_later(step, house.other); }
  SUBCASE("of another report, stored beside this one") {
    step.report_id = id(51);
    overtaken.sign_later(step, house.worker);
    house.cases.signed_later.back().report_id = id(50);
  }
  SUBCASE("to the police, without class 1") {
    step.to_queue = id(2);
    overtaken.sign_later(step, house.worker);
  }
  SUBCASE("to a queue that is not rostered") {
    step.to_queue = id(77);
    overtaken.sign_later(step, house.worker);
  }
  CHECK(overtaken.tasks(house.worker).empty());
  CHECK(overtaken.hand_on(left, {id(3)}, house.worker) == 404);
  CHECK(house.cases.handed_on.empty());
}

TEST_CASE("nothing is handed on of a report that was taken back") {
  House house;
  const Overtaken overtaken{house};
  const auto left = overtaken.text({id(1)});
  overtaken.give(id(3));
  auto withdrawal = overtaken.statement({});
  withdrawal.type = identity::StatementType::withdraw;
  withdrawal.from_queue = withdrawal.to_queue = {};
  overtaken.sign_later(withdrawal, house.relay);
  CHECK(overtaken.tasks(house.worker).empty());
  CHECK(overtaken.hand_on(left, {id(3)}, house.worker) == 404);
}

TEST_CASE("the police hand back what they hold of a report whose consent was taken back (P33)") {
  House house;
  const Overtaken overtaken{house};
  // The helpers gave the report to the police, all of it sealed for them.
  auto sealed = identity::seal_text(7, id(50), crypto::bytes_of("{}"));
  auto& first = house.cases.reports[id(50)].texts[0];
  first.message = sealed.envelope;
  first.wraps = overtaken.wraps(sealed.key, sealed.message_id, {id(2)});
  const auto record =
      identity::sign_intake({.first = true,
                             .hour = 7,
                             .report_id = id(50),
                             .queue_id = id(1),
                             .message_digest = identity::envelope_digest(first.message)},
                            house.gateway);
  first.record.assign(record.begin(), record.end());
  overtaken.consent();
  overtaken.give(id(2), true);
  CHECK(overtaken.tasks(house.officer).empty());

  auto no_more = overtaken.statement({});
  no_more.type = identity::StatementType::consent;
  no_more.from_queue = no_more.to_queue = {};
  no_more.hour = 10;
  overtaken.sign_later(no_more, house.gateway);
  CHECK(overtaken.tasks(house.worker).empty());
  REQUIRE(overtaken.tasks(house.officer).size() == 1);
  const Overtaken::Left left{sealed.message_id, std::move(sealed.key)};
  CHECK(overtaken.hand_on(left, {id(1), id(2)}, house.officer) == 400);
  CHECK(overtaken.hand_on(left, {id(1)}, house.officer) == 204);
  REQUIRE(house.cases.handed_on.size() == 1);
  CHECK(house.cases.handed_on[0].messages.at(0).seen.part == storage::LeftBehind::Part::first_text);
}

namespace {

// A message with its key, and what callers make of the wraps that are listed for them.
struct Outdated : Overtaken {
  explicit Outdated(House& in) : Overtaken{in} {}

  json::array listed(const crypto::SigningKey& key) const {
    const auto answer = house.call(key, get, "/api/v1/outdated");
    REQUIRE(answer.status == 200);
    return json::parse(answer.body).at("wraps").as_array();
  }
  unsigned renew(const crypto::SigningKey& key, json::value part, json::value place,
                 const crypto::Bytes& old, const json::value& renewed, int times = 1) const {
    json::array wraps;
    for (int i = 0; i < times; ++i)
      wraps.push_back(json::object{
          {"part", part}, {"place", place}, {"old", crypto::base64(old)}, {"new", renewed}});
    return house
        .call(key, http::Method::post, "/api/v1/outdated", {},
              json::serialize(json::object{{"wraps", std::move(wraps)}}))
        .status;
  }
  // For the queue's key as it is now.
  crypto::Bytes anew(const Left& left, const crypto::Id& queue,
                     const crypto::Id& report = id(50)) const {
    return Writing{house}.wraps(left.key, left.message, {queue}, report);
  }
  const storage::Bytes& stored() const { return house.cases.reports.at(id(50)).texts[1].wraps; }
  crypto::Bytes wrap_at(std::size_t place) const {
    const auto at = stored().begin() + static_cast<std::ptrdiff_t>(place * 192);
    return {at, at + 192};
  }
};

json::value base64_of(const crypto::Bytes& bytes) { return json::string{crypto::base64(bytes)}; }

}  // namespace

TEST_CASE(
    "a wrap for a former key is renewed at its place by whoever reads it, and by nobody else") {
  House house;
  const Outdated outdated{house};
  const auto left = outdated.text({id(1), id(3)});
  CHECK(outdated.listed(house.worker).empty());
  house.rotate(id(1));
  house.rotate(id(3));
  CHECK(outdated.listed(house.officer).empty());
  for (const auto& [key, queue, place] :
       {std::tuple{&house.worker, id(1), 0}, {&house.other, id(3), 1}}) {
    CAPTURE(place);
    const auto old = outdated.wrap_at(static_cast<std::size_t>(place));
    const auto beside = outdated.wrap_at(static_cast<std::size_t>(1 - place));
    const auto listed = outdated.listed(*key);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0] == json::value(json::object{{"part", "text"},
                                                {"place", place},
                                                {"wrap", crypto::base64(old)},
                                                {"proof", nullptr}}));
    const auto renewed = outdated.anew(left, queue);
    CHECK(outdated.renew(*key, "text", place, old, base64_of(renewed)) == 204);
    CHECK(outdated.wrap_at(static_cast<std::size_t>(place)) == renewed);
    CHECK(outdated.wrap_at(static_cast<std::size_t>(1 - place)) == beside);
    CHECK(outdated.listed(*key).empty());
    // Whoever comes second finds nothing to do.
    CHECK(outdated.renew(*key, "text", place, old, base64_of(outdated.anew(left, queue))) == 204);
    CHECK(outdated.wrap_at(static_cast<std::size_t>(place)) == renewed);
  }
}

TEST_CASE(
    "nothing takes the place of a wrap but one of the same message for the same queue (P33)") {
  House house;
  const Outdated outdated{house};
  const auto left = outdated.text({id(1), id(3)});
  const auto other_message = outdated.text({id(1)});
  house.rotate(id(1));
  const auto old = outdated.wrap_at(0), beside = outdated.wrap_at(1);
  const auto good = base64_of(outdated.anew(left, id(1)));
  const auto before = outdated.stored();
  const auto& worker = house.worker;
  CHECK(outdated.renew(house.other, "text", 0, old, good) == 400);
  CHECK(outdated.renew(house.officer, "text", 0, old, good) == 400);
  CHECK(outdated.renew(worker, "text", 0, old, base64_of(old)) == 400);
  CHECK(outdated.renew(worker, "text", 0, old, base64_of(outdated.anew(left, id(3)))) == 400);
  CHECK(outdated.renew(worker, "text", 0, old, base64_of(outdated.anew(other_message, id(1)))) ==
        400);
  CHECK(outdated.renew(worker, "text", 0, old, base64_of(outdated.anew(left, id(1), id(51)))) ==
        400);
  CHECK(outdated.renew(worker, "text", 0, old, base64_of({})) == 400);
  CHECK(outdated.renew(worker, "text", 0, old, nullptr) == 400);
  CHECK(outdated.renew(worker, "text", 1, old, nullptr) == 400);
  CHECK(outdated.renew(worker, "text", 1, beside, base64_of(outdated.anew(left, id(3)))) == 400);
  CHECK(outdated.renew(worker, "text", 0, {}, good) == 400);
  CHECK(outdated.renew(worker, "book", 0, old, good) == 400);
  CHECK(outdated.renew(worker, 1, 0, old, good) == 400);
  CHECK(outdated.renew(worker, "text", -1, old, good) == 400);
  CHECK(outdated.renew(worker, "text", 8, old, good) == 400);
  CHECK(outdated.renew(worker, "text", 0, old, good, 51) == 400);
  CHECK(outdated.stored() == before);
  CHECK(outdated.renew(worker, "text", 0, old, good, 50) == 204);
  CHECK(outdated.stored() != before);
}

namespace {

// What a lead is shown of what was sealed anew, and what she says of it.
struct Former : Outdated {
  explicit Former(House& in) : Outdated{in} {}

  static constexpr std::string_view path = "/api/v1/queues/ngo-queue/former-wraps";
  json::array shown(const crypto::SigningKey& key, std::string_view target = path) const {
    const auto answer = house.call(key, get, target);
    REQUIRE(answer.status == 200);
    return json::parse(answer.body).at("wraps").as_array();
  }
  unsigned settle(const crypto::SigningKey& key, const crypto::Bytes& former,
                  const json::value& mended, std::string_view target = path, int times = 1) const {
    json::array wraps;
    for (int i = 0; i < times; ++i)
      wraps.push_back(json::object{{"wrap", crypto::base64(former)}, {"mended", mended}});
    return house
        .call(key, http::Method::post, target, {},
              json::serialize(json::object{{"wraps", std::move(wraps)}}))
        .status;
  }
  static json::value mend(std::string_view part, int place, const crypto::Bytes& old,
                          const crypto::Bytes& renewed) {
    return json::object{{"part", part},
                        {"place", place},
                        {"old", crypto::base64(old)},
                        {"new", crypto::base64(renewed)}};
  }
};

}  // namespace

TEST_CASE("what was sealed anew is kept until a lead has compared it, and names who did it") {
  House house;
  const Former former{house};
  const auto left = former.text({id(1), id(3)});
  const auto old = former.wrap_at(0);
  house.rotate(id(1));
  CHECK(former.shown(house.lead).empty());
  auto garbage = former.anew(left, id(1));
  garbage.back() ^= 1;
  REQUIRE(former.renew(house.worker, "text", 0, old, base64_of(garbage)) == 204);

  const auto shown = former.shown(house.lead);
  REQUIRE(shown.size() == 1);
  CHECK(shown[0] == json::value(json::object{{"part", "text"},
                                             {"wrap", crypto::base64(old)},
                                             {"user", crypto::hex(id(21))},
                                             {"place", 0},
                                             {"now", crypto::base64(garbage)}}));
  CHECK(former.shown(house.lead, std::string{Former::path} + "?limit=1").size() == 1);
  CHECK(house.call(house.lead, get, std::string{Former::path} + "?cursor=AAAA").status == 400);
  CHECK(house.call(house.lead, get, std::string{Former::path} + "?limit=0").status == 400);

  // Nobody but a lead of the queue sees it or has a say.
  CHECK(house.call(house.worker, get, Former::path).status == 403);
  CHECK(former.settle(house.worker, old, nullptr) == 403);
  CHECK(house.call(house.officer, get, Former::path).status == 404);
  CHECK(former.settle(house.officer, old, nullptr) == 404);

  const auto good = former.anew(left, id(1));
  house.cases.entries.clear();
  REQUIRE(former.settle(house.lead, old, Former::mend("text", 0, garbage, good)) == 204);
  CHECK(former.wrap_at(0) == good);
  CHECK(former.shown(house.lead).empty());
  REQUIRE(house.cases.entries.size() == 2);
  const auto entry = *identity::decode_audit_entry(house.cases.entries[0].entry);
  CHECK(entry.action == identity::AuditAction::mend_wrap);
  CHECK(entry.actor == id(24));
  CHECK(entry.subject == id(21));
  CHECK(entry.object == id(50));
}

TEST_CASE("a lead puts right only what is her queue's, with the same message for its present key") {
  House house;
  const Former former{house};
  const auto left = former.text({id(1), id(3)});
  const auto other_message = former.text({id(1)});
  const auto old = former.wrap_at(0), beside = former.wrap_at(1);
  house.rotate(id(1));
  const auto now = former.anew(left, id(1));
  REQUIRE(former.renew(house.worker, "text", 0, old, base64_of(now)) == 204);
  const auto good = former.anew(left, id(1));
  const auto before = former.stored();
  const auto refused = [&](const char* what, const crypto::Bytes& wrap, const json::value& mended) {
    CAPTURE(what);
    CHECK(former.settle(house.lead, wrap, mended) == 400);
    CHECK(former.shown(house.lead).size() == 1);
    CHECK(former.stored() == before);
  };
  refused("a wrap for the present key", now, nullptr);
  refused("a wrap of another queue", beside, nullptr);
  refused("no wrap", {}, nullptr);
  refused("no word", old, 1);
  refused("for a former key", old, Former::mend("text", 0, now, old));
  refused("for another queue", old, Former::mend("text", 0, now, former.anew(left, id(3))));
  refused("of another message", old,
          Former::mend("text", 0, now, former.anew(other_message, id(1))));
  refused("another message's place", old,
          Former::mend("text", 0, former.anew(other_message, id(1)),
                       former.anew(other_message, id(1))));
  refused("another queue's place", old, Former::mend("text", 1, beside, former.anew(left, id(3))));
  refused(
      "nothing", old,
      json::object{{"part", "text"}, {"place", 0}, {"old", crypto::base64(now)}, {"new", nullptr}});
  CHECK(former.settle(house.lead, old, Former::mend("text", 0, now, good), Former::path, 51) ==
        400);
  CHECK(former.settle(house.lead, old, nullptr, Former::path, 201) == 400);
  CHECK(former.settle(house.lead, old, nullptr, "/api/v1/queues/police-queue/former-wraps") == 404);
  // What is not as she saw it stays, and so does what is kept of it.
  CHECK(former.settle(house.lead, old, Former::mend("text", 0, good, good)) == 204);
  CHECK(former.shown(house.lead).size() == 1);
  CHECK(former.settle(house.lead, old, nullptr) == 204);
  CHECK(former.shown(house.lead).empty());
  CHECK(former.stored() == before);
}

TEST_CASE("a lead of two queues puts right in each only what is that queue's") {
  House house;
  house.change(id(1), [](auto& roster) {
    roster.queues.push_back({id(4), "second-queue", 0, crypto::box_key().public_key, {}});
    for (auto& member : roster.members)
      if (member.id == id(24)) member.queues.push_back(id(4));
  });
  const Former former{house};
  const auto left = former.text({id(1), id(4)});
  const auto old = former.wrap_at(0), beside = former.wrap_at(1);
  house.rotate(id(1));
  REQUIRE(former.renew(house.worker, "text", 0, old, base64_of(former.anew(left, id(1)))) == 204);
  CHECK(former.settle(house.lead, old, Former::mend("text", 1, beside, former.anew(left, id(4)))) ==
        400);
  CHECK(former.settle(house.lead, old, nullptr, "/api/v1/queues/second-queue/former-wraps") == 400);
  CHECK(former.shown(house.lead, "/api/v1/queues/second-queue/former-wraps").empty());
  CHECK(former.shown(house.lead).size() == 1);
  CHECK(former.wrap_at(1) == beside);
}

TEST_CASE("a look for wraps of former keys that takes too long is no empty list, and is logged") {
  const log::CapturedLog log;
  House house;
  const Outdated outdated{house};
  outdated.text({id(1)});
  house.rotate(id(1));
  house.cases.away = true;  // as after its time is over
  CHECK(house.call(house.worker, get, "/api/v1/outdated").status == 503);
  CHECK(log.has(log::Event::desk_request_failed));
  house.cases.away = false;
  CHECK(outdated.listed(house.worker).size() == 1);
}

TEST_CASE("the police renew what the reporter lets them read, and lose what was taken back (P15)") {
  House house;
  const Outdated outdated{house};
  outdated.consent();
  const auto left = outdated.text({id(1), id(2)});
  house.rotate(id(2));
  const auto old = outdated.wrap_at(1);
  auto listed = outdated.listed(house.officer);
  REQUIRE(listed.size() == 1);
  const auto proof = crypto::from_base64(listed[0].at("proof").as_string());
  REQUIRE(proof.has_value());
  CHECK(identity::shows_police_consent(*proof, id(50), *outdated.directory));
  CHECK(outdated.renew(house.officer, "text", 1, old, nullptr) == 400);
  const auto renewed = outdated.anew(left, id(2));
  CHECK(outdated.renew(house.officer, "text", 1, old, base64_of(renewed)) == 204);
  CHECK(outdated.wrap_at(1) == renewed);

  house.rotate(id(2));
  auto no_more = outdated.statement({});
  no_more.type = identity::StatementType::consent;
  no_more.from_queue = no_more.to_queue = {};
  no_more.hour = 10;
  outdated.sign_later(no_more, house.gateway);
  listed = outdated.listed(house.officer);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].at("proof").is_null());
  CHECK(outdated.renew(house.officer, "text", 1, renewed, base64_of(outdated.anew(left, id(2)))) ==
        400);
  CHECK(outdated.renew(house.officer, "text", 0, renewed, nullptr) == 400);
  CHECK(outdated.renew(house.officer, "text", 1, renewed, nullptr) == 204);
  CHECK(outdated.stored().size() == 192);
}

TEST_CASE(
    "a retired queue gets no note, no report and no wrap, but its people give away what it has") {
  House house;
  const Writing writing{house};
  house.change(id(3), [](auto& roster) { roster.queues[0].retired = true; });
  const auto sealed = identity::seal_text(7, id(50), crypto::bytes_of("{}"));
  const auto transfer = [&](const crypto::Id& to, std::vector<crypto::Id> readers) {
    return writing.post(
        "transfer",
        {{"statement",
          crypto::base64(identity::sign_statement(writing.statement(to), house.worker))},
         {"wraps", crypto::base64(writing.wraps(sealed.key, sealed.message_id, readers))},
         {"texts", json::array{}},
         {"notes", json::array{}}},
        house.worker);
  };
  const auto refused = transfer(id(3), {id(3)});
  CHECK(refused.status == 409);
  CHECK(kind(refused) == "retired");
  CHECK(writing.post("note", writing.note(house.worker, {id(1), id(3)}), house.worker).status ==
        400);

  house.change(id(1), [](auto& roster) { roster.queues[0].retired = true; });
  house.change(id(3), [](auto& roster) { roster.queues[0].retired = false; });
  CHECK(kind(writing.post("note", writing.note(house.worker), house.worker)) == "retired");
  CHECK(house.call(house.worker, get, report_path).status == 200);
}

TEST_CASE("what is left behind under a former key is handed on as well (P33)") {
  House house;
  const Overtaken overtaken{house};
  const auto left = overtaken.text({id(1)});
  overtaken.give(id(3));
  house.rotate(id(1));
  REQUIRE(overtaken.tasks(house.worker).size() == 1);
  CHECK(overtaken.hand_on(left, {id(3)}, house.worker) == 204);
  CHECK(overtaken.tasks(house.worker).empty());
}

TEST_CASE("what is left behind is paged by report, and counted once it waits for an hour") {
  House house;
  const Overtaken overtaken{house};
  const auto hours = [&](std::uint32_t hour) {
    return overdue_strays(house.cases, *overtaken.directory, hour).value();
  };
  (void)overtaken.text({id(1)});
  (void)overtaken.text({id(1)});
  overtaken.give(id(3));  // in hour 9
  for (std::uint8_t i = 51; i < 54; ++i) {
    house.add_report(id(i), id(1));
    auto step = overtaken.statement(id(3));
    step.report_id = id(i);
    step.previous = crypto::hash16({house.cases.reports.at(id(i)).texts[0].record});
    overtaken.sign_later(step, house.worker);
    (void)overtaken.text({id(1)}, id(i));
  }
  std::vector<std::string> reports;
  std::string cursor;
  do {
    const auto page =
        json::parse(house.call(house.worker, get, "/api/v1/strays?limit=3" + cursor).body);
    for (const auto& task : page.at("strays").as_array())
      reports.emplace_back(task.at("report").as_string());
    cursor = page.at("next").is_null() ? "" : "&cursor=" + std::string{page.at("next").as_string()};
  } while (!cursor.empty());
  CHECK(reports == std::vector{crypto::hex(id(50)), crypto::hex(id(51)), crypto::hex(id(52)),
                               crypto::hex(id(53))});
  CHECK(hours(10) == 0);
  CHECK(hours(11) == 5);
}

TEST_CASE("a signature counts for one request, once, for a minute") {
  House house;
  const auto target = "/api/v1/queues";
  auto signed_request = [&](std::uint64_t time, const crypto::Id& nonce) {
    auto out = House::request(get, target);
    out.fields.push_back(
        {"ishara-signature", crypto::wiped_copy(sign_request(out, house.worker, time, nonce))});
    return out;
  };
  CHECK(house.send(signed_request(noon, id(1))).status == 200);
  CHECK(kind(house.send(signed_request(noon, id(1)))) == "repeated");
  house.now = noon + 61;
  CHECK(kind(house.send(signed_request(noon, id(2)))) == "clock");
  CHECK(kind(house.send(signed_request(noon + 122, id(3)))) == "clock");
  CHECK(house.send(signed_request(noon + 1, id(4))).status == 200);
  CHECK(house.send(signed_request(noon + 121, id(5))).status == 200);

  // Any part that the signature covers, changed on the way.
  const auto changed = [&](auto&& change) {
    auto out = House::request(post, "/api/v1/queues/ngo-queue/pull", {{"if-match", "\"a\""}});
    house.sign(out, house.worker);
    change(out);
    return house.send(std::move(out)).status;
  };
  CHECK(changed([](http::Request&) {}) == 400);  // good, but without an Idempotency-Key
  CHECK(changed([](http::Request& r) {
          r.target = crypto::wiped_copy("/api/v1/queues/ngo-queue/pull?");
        }) == 401);
  CHECK(changed([](http::Request& r) { r.body = crypto::wiped_copy("x"); }) == 401);
  CHECK(changed([](http::Request& r) { r.fields[0].value = crypto::wiped_copy("\"b\""); }) == 401);
  CHECK(changed([](http::Request& r) { r.fields.erase(r.fields.begin()); }) == 401);
  auto other_method = House::request(http::Method::head, target);
  house.sign(other_method, house.worker);
  other_method.method = get;
  CHECK(house.send(std::move(other_method)).status == 401);
}

TEST_CASE("60 refused signatures an hour ring once, and nobody is kept out by them") {
  House house;
  const auto target = "/api/v1/queues";
  const auto with = [&](std::string_view signature) {
    auto out = House::request(get, target);
    out.fields.push_back({"ishara-signature", crypto::wiped_copy(signature)});
    return house.send(std::move(out)).status;
  };
  const auto of = [&](const crypto::SigningKey& key, std::uint64_t time) {
    return sign_request(House::request(get, target), key, time, crypto::random_bytes<16>());
  };
  const auto used = of(house.worker, noon);
  CHECK(with(used) == 200);
  house.cases.entries.clear();
  // No signature at all, or of somebody whose role is another, is not refused as one.
  CHECK(house.send(House::request(get, target)).status == 401);
  CHECK(house.call(house.admin, post, "/api/v1/queues/ngo-queue/pull").status == 403);
  CHECK(house.desk.take_refused() == 0);
  auto forged = of(house.worker, noon);
  forged[forged.size() - 2] = forged[forged.size() - 2] == 'A' ? 'B' : 'A';
  const std::vector<std::string> bad{
      "", "kid=x", forged, of(house.stranger, noon), of(house.worker, noon - 61), used};
  for (int i = 0; i < 59; ++i) CHECK(with(bad[i % bad.size()]) == 401);
  CHECK(house.cases.entries.empty());
  house.now = noon + 3'000;
  CHECK(with(bad[0]) == 401);
  for (int i = 0; i < 100; ++i) CHECK(with(bad[i % 3]) == 401);
  CHECK(house.desk.take_refused() == 160);
  CHECK(house.desk.take_refused() == 0);
  CHECK(with(of(house.worker, house.now)) == 200);
  REQUIRE(house.cases.entries.size() == 1);
  const auto& alarm = house.cases.entries[0];
  const auto entry = identity::decode_audit_entry(alarm.entry);
  REQUIRE(entry.has_value());
  CHECK(entry->action == identity::AuditAction::alarm);
  CHECK(entry->time == house.now);
  CHECK(entry->actor == crypto::Id{});
  CHECK(alarm.detail == R"({"kind":"signatures_refused","count":60})");

  house.now += 3'600;
  for (int i = 0; i < 60; ++i) CHECK(with(bad[0]) == 401);
  REQUIRE(house.cases.entries.size() == 2);
  CHECK(house.cases.entries[1].detail == R"({"kind":"signatures_refused","count":160})");
}

TEST_CASE("a POST is done once for each Idempotency-Key") {
  House house;
  const std::string path = "/api/v1/queues/ngo-queue/pull";
  const auto first = house.call(house.worker, post, path, {{"idempotency-key", "k"}});
  const auto again = house.call(house.worker, post, path, {{"idempotency-key", "k"}});
  CHECK(first.status == 200);
  CHECK(again.body == first.body);
  CHECK(house.cases.pulls == 1);
  CHECK(house
            .call(house.worker, post, report_path + "/renew",
                  {{"idempotency-key", "k"}, {"if-match", "*"}})
            .status == 422);
  CHECK(house.call(house.worker, post, path, {{"idempotency-key", ""}}).status == 400);
  CHECK(house.call(house.worker, post, report_path + "/renew", {{"idempotency-key", "n"}}).status ==
        428);
}

TEST_CASE("a failure of the store is 503, and the same key may try again") {
  const log::CapturedLog log;
  House house;
  house.cases.away = true;
  const std::string path = "/api/v1/queues/ngo-queue/pull";
  CHECK(house.call(house.worker, post, path, {{"idempotency-key", "k"}}).status == 503);
  house.cases.away = false;
  CHECK(house.call(house.worker, post, path, {{"idempotency-key", "k"}}).status == 200);
  CHECK(log.has(log::Event::desk_request_failed));
}

TEST_CASE("a user reads at most 200 texts an hour") {
  House house;
  for (std::uint32_t i = 0; i < FetchLimit::an_hour; ++i)
    REQUIRE(house.call(house.worker, get, report_path).status == 200);
  CHECK(house.call(house.worker, get, report_path).status == 429);
  house.now += 3600 + 300;
  CHECK(house.call(house.worker, get, report_path).status == 200);
}

TEST_CASE("requests side by side do not pass the limit that one after the other meets") {
  House house;
  const auto granted = [&](std::uint32_t count) {
    std::vector<http::Request> requests;
    for (std::uint32_t i = 0; i < count; ++i) {
      requests.push_back(House::request(get, report_path));
      house.sign(requests.back(), house.worker);
    }
    const auto responses = house.send_all(std::move(requests));
    return std::ranges::count(responses, 200u, &http::Response::status);
  };
  SUBCASE("reports of one text") {
    CHECK(granted(FetchLimit::an_hour + 50) == FetchLimit::an_hour);
  }
  SUBCASE("reports of ten texts") {
    auto& texts = house.cases.reports[id(50)].texts;
    texts.resize(10, texts[0]);
    CHECK(granted(FetchLimit::an_hour) <= FetchLimit::an_hour / 10);
    CHECK(granted(FetchLimit::an_hour) <= 1);
  }
}

TEST_CASE("a report that is not handed out is not counted") {
  House house;
  const auto nothing = "/api/v1/reports/" + crypto::hex(id(51));
  for (std::uint32_t i = 0; i < FetchLimit::an_hour; ++i)
    REQUIRE(house.call(house.worker, get, nothing).status == 404);
  CHECK(house.call(house.worker, get, report_path).status == 200);
}

TEST_CASE("a charge is corrected in the step in which it was made") {
  FetchLimit limit;
  REQUIRE(limit.charge(id(1), noon));
  REQUIRE(limit.charge(id(1), noon + 600));
  CHECK(limit.settle(id(1), noon, FetchLimit::an_hour));
  CHECK_FALSE(limit.charge(id(1), noon + 600));
  CHECK_FALSE(limit.settle(id(1), noon + 600, 1));
  CHECK(limit.charge(id(1), noon + 3600 + 300));
}

TEST_CASE("health is told to anyone, and readiness only while the rosters can be read") {
  House house;
  const auto status = [&](std::string_view path, http::Method method = get) {
    return house.send(House::request(method, path)).status;
  };
  CHECK(status("/healthz") == 200);
  CHECK(status("/readyz") == 200);
  CHECK(status("/readyz", http::Method::head) == 200);
  CHECK(status("/readyz", post) == 404);
  house.desk.lose_rosters();
  CHECK(status("/healthz") == 200);
  CHECK(status("/readyz") == 503);
  CHECK(house.call(house.worker, get, "/api/v1/queues").status == 200);
  house.desk.use(house.desk.directory());
  CHECK(status("/readyz") == 200);
}

TEST_CASE("lists are paged by a cursor") {
  House house;
  for (std::uint8_t i = 60; i < 64; ++i) house.add_report(id(i), id(1));
  std::string cursor;
  int seen = 0;
  int pages = 0;
  do {
    const auto page = json::parse(
        house.call(house.worker, get, "/api/v1/queues/ngo-queue/reports?limit=2" + cursor).body);
    seen += static_cast<int>(page.at("reports").as_array().size());
    ++pages;
    cursor = page.at("next").is_null() ? "" : "&cursor=" + std::string{page.at("next").as_string()};
  } while (!cursor.empty());
  CHECK(seen == 5);
  CHECK(pages == 3);
  for (const std::string bad : {"limit=0", "limit=201", "limit=x", "cursor=x", "cursor="})
    CHECK(house.call(house.worker, get, "/api/v1/queues/ngo-queue/reports?" + bad).status == 400);
}

TEST_CASE("what is no call, or no method of it, is told apart") {
  House house;
  CHECK(house.call(house.worker, get, "/api/v1/nothing").status == 404);
  CHECK(house.call(house.worker, get, "/api/v1/queues//reports").status == 404);
  CHECK(house.call(house.worker, get, "/api/v1/reports/a/b").status == 404);
  const auto wrong = house.call(house.worker, http::Method::put, "/api/v1/queues");
  CHECK(wrong.status == 405);
  CHECK(wrong.fields.at(0) == std::pair<std::string, std::string>{"Allow", "GET"});
  CHECK(house.call(house.worker, http::Method::head, "/api/v1/queues").status == 200);
}

TEST_CASE("rosters that are not signed, or older than known, are refused") {
  House house;
  CHECK(read_directory(house.cases, house.ngo.public_key, nullptr).error() ==
        identity::roster_errc::bad_signature);
  CHECK(
      read_directory(house.cases, house.root.public_key, house.desk.directory().get()).has_value());
  // Without its row the police's organisation has no roster any more, which is no newer state.
  house.cases.stored_rosters.erase(house.cases.stored_rosters.begin() + 1);
  CHECK(read_directory(house.cases, house.root.public_key, nullptr).has_value());
  CHECK(read_directory(house.cases, house.root.public_key, house.desk.directory().get()).error() ==
        identity::roster_errc::older_version);
  house.cases.stored_rosters[0].version = 2;
  CHECK(read_directory(house.cases, house.root.public_key, nullptr).error() ==
        identity::roster_errc::row_mismatch);
  house.cases.stored_rosters.clear();
  CHECK(read_directory(house.cases, house.root.public_key, nullptr).error() ==
        identity::roster_errc::missing_root);
}

TEST_CASE("the OpenAPI document has every row, and every reference in it leads somewhere") {
  const auto document = json::parse(openapi_document());
  CHECK(document.at("openapi").as_string() == "3.1.0");
  for (const auto& endpoint : endpoints()) {
    CAPTURE(endpoint.name);
    const auto method = endpoint.method == post ? "post" : "get";
    const auto& operation = document.at("paths").at(endpoint.path).at(method).as_object();
    CHECK(operation.at("operationId").as_string() == endpoint.name);
    CHECK(operation.contains("security") == (endpoint.role != Role::anyone));
  }
  const std::string text = json::serialize(document);
  const std::string prefix = "\"$ref\":\"#/components/schemas/";
  int references = 0;
  for (auto at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
    const auto begin = at + prefix.size();
    const auto name = text.substr(begin, text.find('"', begin) - begin);
    CAPTURE(name);
    CHECK(document.at("components").at("schemas").as_object().contains(name));
    ++references;
  }
  CHECK(references > 20);
}

TEST_CASE("nonces are forgotten after two minutes and never early") {
  NonceMemory memory{2};
  CHECK(memory.remember(id(1), noon) == NonceMemory::Answer::fresh);
  CHECK(memory.remember(id(2), noon) == NonceMemory::Answer::fresh);
  CHECK(memory.remember(id(3), noon + 120) == NonceMemory::Answer::full);
  CHECK(memory.remember(id(1), noon + 120) == NonceMemory::Answer::repeated);
  CHECK(memory.remember(id(3), noon + 121) == NonceMemory::Answer::fresh);
}

TEST_CASE("a signature header is read in its one form only") {
  House house;
  auto request = House::request(get, "/x");
  const auto header = sign_request(request, house.worker, noon, id(1));
  const auto read = parse_signature(header);
  REQUIRE(read);
  CHECK(signature_holds(*read, request, house.worker.public_key));
  for (std::size_t size = 0; size < header.size(); ++size)
    CHECK_FALSE(parse_signature(header.substr(0, size)));
  CHECK_FALSE(parse_signature(header + ","));
  CHECK_FALSE(parse_signature(header + ", x=1"));
  CHECK_FALSE(parse_signature(" " + header));
}

}  // namespace ishara::desk
