#pragma once
// A caseworker's client: checks everything that the desk says against the pinned root key, and
// opens reports with her own key, on her own machine.
//
// One thread; calls block. All of these throw CommandError.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/commands/desk_client.hpp"
#include "gateway/identity/exports.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/message_content.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/roster.hpp"

namespace ishara::commands {

// A report that was opened. Where the desk's row says something that a gateway has signed, the
// signed word stands and the row's does not.
struct OpenedReport {
  identity::IntakeRecord record;     // of the first text, verified
  identity::Ownership ownership;     // what was signed since then makes of it
  std::string queue;                 // its owner's name in the signed rosters; empty: not there
  std::string row;                   // a JSON object: what the desk alone can know, unsigned
  std::vector<std::string> flagged;  // fields in which the row differed from the record
  // Reports of the same owner from the same number, which proves nobody; by the relay's signature.
  std::vector<std::string> same_sender;
  std::vector<identity::MessageContent> texts;
  std::vector<bool> unverified;  // of each text: it came by number alone, maybe from somebody else
  struct Note {
    identity::NoteContent content;
    std::string author;     // id of the member who signed it
    bool has_left = false;  // the author: nobody knows when it was written, whatever stands in it
  };
  std::vector<Note> notes;
  std::size_t unchecked_notes = 0;  // by people of whom the rosters say nothing: not shown
  // Texts and notes that nobody of the queue which had the report before has handed on yet.
  std::size_t with_former = 0;
  // Texts and notes sealed for a key of hers in a way that does not open: whoever wraps a key may
  // send rubbish, and that hides nothing but the one message.
  std::size_t unreadable = 0;
  struct Reply {
    std::string id;
    std::string state;  // the desk's word
    std::int64_t reason = 0;
    std::string delivery;  // the provider's word: queued, sent, delivered, failed; empty: none came
  };
  std::vector<Reply> replies;
};

// In which of the ways the reporter can read a text.
struct Readable {
  bool by_sms = false;      // one message: a reply window, or STATUS with the ref
  bool on_screens = false;  // at most 480 bytes, on USSD
  std::size_t segments = 1;
};
Readable readable(const identity::Text& text);

class Caseworker : public DeskClient {
 public:
  using DeskClient::DeskClient;

  // The audit chain with the rosters to verify it; for auditors and admins. Nothing of the chain is
  // verified here.
  identity::AuditExport audit();
  // The first text of a report, disclosed for third parties; for leads. `show` is given all that
  // the file will tell, before the desk takes note of it; what it throws stops the disclosure.
  crypto::WipedBuffer export_report(
      const std::string& report_id,
      const std::function<void(const identity::VerifiedReport&)>& show);
  // Fetches, verifies and opens a report.
  OpenedReport open(const std::string& report_id);

  struct ReplyOptions {
    bool release = false;  // to refs that prove nothing
    bool confirm = false;  // that the unverified yes is the reporter's
    bool fetch_only = false;
    std::chrono::hours life{72};  // not sent later
  };
  // Seals what she wrote to the relay, keeps a note of it for the team, and says how it can be
  // read.
  Readable reply(const std::string& report_id, identity::Text text, const ReplyOptions& options);
  void note(const std::string& report_id, identity::Text text);
  // A deed that two people do together is done (nothing), or it waits for the second of them up to
  // this hour (unix time / 3600).
  using Waits = std::optional<std::uint32_t>;
  struct Referral {
    Waits waits;
    // Texts and notes that do not open for her, and will not for the new queue either.
    std::size_t unreadable = 0;
  };
  // Seals every text and note anew for the queue of this name and gives the report away; from
  // helpers to the police two people do. With `keep` her own queue goes on reading.
  Referral refer(const std::string& report_id, const std::string& queue, bool keep);
  // Calls what takes no body and may take two people, such as "/reports/<id>/delete".
  Waits decide(const std::string& path);

  struct Strays {
    std::size_t handed_on = 0;
    std::size_t renewed = 0;
    std::size_t refused = 0;  // the desk asked for what nobody has signed
    // What is sealed for former keys could not be had or sent: those keys cannot be forgotten.
    bool unfinished = false;
  };
  // Seals for the present owners what was left with her queues of reports that these gave away, and
  // for the present keys of her queues what is sealed for former ones that she has. She sees
  // nothing of it. What cannot be done now is left to the next time.
  Strays hand_on_strays();

 private:
  const crypto::BoxKey* queue_key(const crypto::Id& kid);
  // A text or note, with the key that opens it.
  struct Sealed {
    crypto::Bytes record;  // of a text
    crypto::Bytes envelope;
    crypto::Bytes wraps;
    crypto::Id author{};  // of a note, as the desk says
  };
  // A report as the desk shows it, and what its signatures make of it.
  struct Fetched {
    crypto::Id id{};
    std::string row;
    std::vector<Sealed> texts;
    std::vector<Sealed> notes;
    std::vector<crypto::Bytes> statements;
    std::vector<OpenedReport::Reply> replies;
    identity::Ownership ownership;
    std::vector<std::string> same_sender;  // ids of reports
    bool lies_about_sender = false;        // of others something was said that does not hold
  };
  Fetched fetch(const std::string& report_id);
  identity::IntakeRecord verified_record(const Sealed& text, const crypto::Id& report, bool first);
  // The key of a text or note from a wrap for a queue whose key she has; nothing if none of these
  // holds it.
  std::optional<crypto::Secret<32>> find_key(const Sealed& sealed, const crypto::Id& report,
                                             const crypto::Id& message);
  // The same where nothing can be done without.
  crypto::Secret<32> text_key(const Sealed& sealed, const crypto::Id& report,
                              const crypto::Id& message);
  // Of a member, or of one who has left.
  std::optional<crypto::PublicKey> author_key(const crypto::Id& author);
  // Nothing for a note that its author sealed so that nobody can read it.
  std::optional<OpenedReport::Note> open_note(const Sealed& note, const crypto::Id& report);
  // Wraps of a key for the queue, its fallback of the same class and, with `and_for`, one more.
  crypto::Bytes wrap_for(const crypto::Secret<32>& key, const crypto::Id& report,
                         const crypto::Id& message, const identity::Directory::Queue& queue,
                         const identity::Directory::Queue* and_for);
  // Whether it is still sealed for the queue that had the report before, or for a former key of the
  // owner that she was never given: somebody else has to seal it anew.
  bool is_with_former(const Sealed& sealed, const identity::Ownership& ownership);
  // Who has the report now, if a TRANSFER that counts says so.
  identity::Ownership present_owner(const crypto::Id& report, const crypto::Bytes& first_record,
                                    const std::vector<crypto::Bytes>& statements);
  // The wraps of a text for the owner, in the place of the one that her queue has.
  crypto::Bytes handed_on(crypto::View wrap, const crypto::Id& report, const crypto::Id& message,
                          const identity::Ownership& ownership);
  // What the desk lists of wraps for former keys, and what it takes for them; nothing for those
  // that she cannot renew.
  std::optional<std::string> renewed_wrap(const std::string& listed);
  void renew_wraps(Strays& out);
  std::string sealed_note(const Fetched& report, identity::NoteContent content);
  const identity::Directory::Queue& owner_of(const Fetched& report);

  bool has_grants_ = false;
  std::map<crypto::Id, crypto::BoxKey> queue_keys_;  // by kid
};

}  // namespace ishara::commands
