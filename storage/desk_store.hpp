#pragma once
// The verbs of the desk beyond those of every store: what caseworkers write, and to whom they give
// a report. All of it is sealed and signed by their own clients.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/agreement.hpp"
#include "storage/people_store.hpp"
#include "storage/reply_store.hpp"

namespace ishara::storage {

struct Note {
  Id message_id{};
  Id report_id{};
  Id author{};
  std::uint32_t hour = 0;  // unix time / 3600
  Bytes envelope;          // NOTE, 136 + k * 512 bytes
  Bytes wraps;             // 1 to 8 KEYWRAPs of 192 bytes, the owner's first
};

// What the desk may know of a reply.
struct ReplySummary {
  Id reply_id{};
  std::uint32_t hour = 0;
  std::optional<ReplyState> state{};  // none: the relay has not looked at it
  std::int16_t reason = 0;            // relay::Verdict
  std::int16_t delivery = 0;          // identity::DeliveryState; 0: nothing known
};

// A report of the same number as another one, as the relay says. The caller verifies.
struct SameSenderLink {
  Id report_id{};
  Bytes link;  // SAME SENDER, 120 bytes
};

struct NewWraps {
  Id message_id{};
  Bytes wraps;
};

// A report on its way to another queue, with every text and note of it sealed for that queue.
struct Transfer {
  Statement statement;
  std::uint32_t known_statements = 0;  // how many the caller saw when it checked this one
  Id to_queue{};
  Bytes report_wraps;  // of the first text
  std::vector<NewWraps> texts;
  std::vector<NewWraps> notes;
  std::optional<Agreement> agreement{};  // none: one person may do it
};

// A report that is hidden or kept, or that something in the place of a WITHDRAW names. A broken
// gateway can have stored that: the caller verifies.
struct Withdrawn {
  Id report_id{};
  Bytes record;                    // the first INTAKE
  std::uint32_t hidden_until = 0;  // hour; 0: it is not hidden
  bool held = false;               // a lead has said that a life is at risk
  bool legally_held = false;       // two people keep its content
  bool by_leads = false;           // it is gone because its queue's people deleted it
};

// A queue and the kid of its key: whoever has that key reads what is wrapped for this kid.
struct QueueKey {
  Id queue_id{};
  Id kid{};
};

// A text or note whose first wrap is for a queue that has lost its report, or so something in the
// place of a statement says. The caller verifies.
struct LeftBehind {
  enum class Part : std::int16_t { first_text, later_text, note };
  Part part = Part::later_text;
  Id report_id{};
  Id message_id{};
  std::uint32_t hour = 0;  // unix time / 3600
  Bytes wraps;
};

// What its former queue has sealed for the present one.
struct HandedOn {
  struct Message {
    LeftBehind seen;  // as it was when the caller looked
    Bytes wraps;
  };
  Id report_id{};
  std::uint32_t known_statements = 0;  // how many the caller saw when it checked who holds it
  Id to_queue{};
  std::vector<Message> messages;
};

// One KEYWRAP of a text or note, at its place among the wraps of that message; the owner's is at 0.
struct StoredWrap {
  LeftBehind::Part part = LeftBehind::Part::later_text;
  Id report_id{};
  Id message_id{};
  std::uint32_t place = 0;
  Bytes wrap;
};

// What comes in its place: a wrap of the same key for the same queue. Empty: the queue is not to
// read the message any more. That is for other places than 0.
struct RenewedWrap {
  StoredWrap seen;  // as it was when the caller looked
  Id queue_id{};
  Bytes wrap;
};

// Which wrap of a queue was renewed, by the key that it was for.
struct FormerPlace {
  Id report_id{};
  Id message_id{};
  Id kid{};
};

// A wrap that was renewed and is kept until a lead has compared it with what came in its place.
struct FormerWrap {
  FormerPlace place;
  LeftBehind::Part part = LeftBehind::Part::later_text;
  Id user_id{};  // who renewed it
  Bytes wrap;
  Bytes wraps;  // of the message, as they are now; empty: it is gone
};

// What a lead says of a former wrap: it is needed no more, because what stands now opens as well;
// or because it does not, and this comes in its place.
struct ComparedWrap {
  FormerPlace place;
  std::optional<RenewedWrap> mended{};
};

// How many texts of a report have their first wrap for another queue than its own.
struct ElsewhereCount {
  Id report_id{};
  std::uint32_t texts = 0;
  std::uint32_t hour = 0;  // of the oldest
};

namespace blocking {

// Threads and errors as of `Store`.
class DeskStore : public PeopleStore {
 public:
  using PeopleStore::PeopleStore;

  // Of one report, the oldest first.
  result<std::vector<Note>> notes(const Id& report);
  result<std::vector<ReplySummary>> replies(const Id& report);
  // The reports that the relay says have this one's sender, by id.
  result<std::vector<SameSenderLink>> same_senders(const Id& report);

  // Both store a thing once, however often it comes. A reply and its author's note, if she keeps
  // one, are stored together or not at all; there is an entry if either was new.
  result<void> put_note(const Note& note, const AuditScribe& scribe);
  result<void> put_reply(const OutboxReply& reply, const std::optional<Note>& note,
                         const AuditScribe& scribe);

  // Gives the report away and ends its lease. `conflict` if a text or note is missing or too many,
  // or a statement has come meanwhile: then nothing has changed. `not_found` also for a hidden one.
  // All of it is sealed anew, so that no former wrap is of use.
  result<Agreed> transfer(const Transfer& transfer, const AuditScribe& scribe);

  // What was left with one of `queues`, of at most `limit` open reports with ids in [first, last],
  // by report and message. Hidden reports have nothing here.
  result<std::vector<LeftBehind>> left_behind(std::span<const QueueKey> queues, const Id& first,
                                              const Id& last, std::uint32_t limit);
  // Puts the new wraps in the place of those that were seen; a message that has others by now stays
  // as it is. `conflict` if a statement has come meanwhile, `not_found` for a report that is gone
  // or hidden: then nothing has changed. An entry for each message that was handed on.
  result<void> hand_on(const HandedOn& handed_on, const AuditScribe& scribe);
  // Those of `reports` of which a text has its first wrap for one of `others`, by kid.
  result<std::vector<ElsewhereCount>> elsewhere(std::span<const Id> reports,
                                                std::span<const Id> others);

  // The wraps for these kids, at whatever place, of at most `limit` reports from this id on; by
  // report and message. Hidden and closed reports have theirs here, and texts that came before
  // their report. Reads all that is stored, for a minute at most.
  result<std::vector<StoredWrap>> wraps_for(std::span<const Id> kids, const Id& first,
                                            std::uint32_t limit);
  // Renews wraps where they are as they were seen, and leaves all others as they are. Nothing else
  // changes of a report: not its owner, not its lease, not its stage. An entry for each report of
  // which a wrap was renewed; at most `most_renewed` at a time. What they replace is kept as
  // `user`'s doing, unless the queue is not to read the message any more.
  static constexpr std::size_t most_renewed = 50;
  result<void> renew_wraps(std::span<const RenewedWrap> wraps, const Id& user,
                           const AuditScribe& scribe);
  // What is kept of this queue behind this place, in the order of places. Hidden and closed reports
  // have theirs here.
  result<std::vector<FormerWrap>> former_wraps(const Id& queue, const FormerPlace& after,
                                               std::uint32_t limit);
  // Lets go of what was compared, with one entry about the queue, if anything was there; and puts
  // right what is wrong, with an entry about whoever had renewed it. A wrap that is not as it was
  // seen stays, and so does what is kept of it. At most `most_renewed` are put right at a time.
  result<void> settle_former_wraps(const Id& queue, std::span<const ComparedWrap> wraps,
                                   const AuditScribe& compared, const AuditScribe& mended);

  // Such reports of which anything is still to be removed; after this id, by id.
  result<std::vector<Withdrawn>> withdrawn(const Id& after, std::uint32_t limit);
  // Hidden and legally held reports from this id on, by id, that by their column are with one of
  // `queues` or that one of these has given away, which it may have back. The caller verifies.
  result<std::vector<Withdrawn>> hidden(std::span<const Id> queues, const Id& first,
                                        std::uint32_t limit);
  // Takes a report out of every list, pull and `show` until somebody brings it back with hour 0.
  result<void> hide(const Id& report, std::uint32_t until);
  // Keeps a report, as hidden as it is, from `erase`, or no longer. Once: a second call changes and
  // notes nothing.
  result<void> hold(const Id& report, bool held, const AuditScribe& scribe);
  // Keeps the content of a report, open, closed or hidden, from everything that deletes it, or no
  // longer. Once, as above.
  result<Agreed> hold_legally(const Id& report, bool held, const Agreement& agreement,
                              const AuditScribe& scribe);
  // Deletes a report with its texts, notes and waiting replies, but keeps its first INTAKE. What
  // comes later is removed by another call. Several desks may do it at once. One that is legally
  // held stays, and one that is held stays unless `even_held`, however late the hold came.
  result<void> erase(const Id& report, std::uint32_t hour, bool even_held);
  // The same by the decision of its queue's people, who leave their own entry, at once. `conflict`
  // if it is held in either way, `not_found` if it is gone or hidden. Tells every listener on
  // channel "owner" the report.
  result<Agreed> delete_report(const Id& report, std::uint32_t hour, const Agreement& agreement,
                               const AuditScribe& scribe);
  // Whether that is why a report is gone.
  result<bool> is_deleted(const Id& report);
  // Leaves an entry for each report that was erased before this hour, if it has none yet.
  result<void> audit_erasures(std::uint32_t before, const AuditScribe& scribe);
  // The first INTAKE of a report, be it open, hidden or erased.
  result<Bytes> first_record(const Id& report);
  // Forgets INTAKEs of reports that were erased before this hour.
  result<void> forget_withdrawn(std::uint32_t before);

  // Removes replies that have done their work: sent, refused, fetched before the hour `fetched`, or
  // submitted before the hour `oldest`. Returns how many.
  result<std::uint32_t> forget_replies(std::uint32_t fetched, std::uint32_t oldest);
  // Deletes at most `limit` reports that are closed since this day (unix time / 86400) or longer,
  // with their texts, notes and waiting replies, and leaves an entry for each. Nothing else is
  // left: the first INTAKE says when it came and whose it was, and there is nobody to be told. One
  // that is held in either way stays. Several desks may do it at once, and none waits for a report
  // that is in use. Returns how many.
  result<std::uint32_t> expire(std::uint32_t closed_day, std::uint32_t limit,
                               const AuditScribe& scribe);
  // Removes texts, notes and statements from before this hour of reports of which nothing else is
  // left: they were on their way when their report went. Returns how many rows, of statements at
  // most a batch.
  result<std::uint32_t> forget_orphans(std::uint32_t before);
  // What waits for a second person at one of these places, by subject: of later than this hour.
  result<std::vector<Intent>> intents(std::span<const Id> places, std::uint32_t after);
  // Forgets intents of this hour and before.
  result<void> forget_intents(std::uint32_t hour);
  // Removes what audit entries that are older than 90 days say of addresses; returns how many.
  result<std::uint32_t> forget_origins();
  // Removes audit entries that are older than three years; returns how many.
  result<std::uint32_t> forget_audit();
};

}  // namespace blocking
}  // namespace ishara::storage
