#pragma once
// Threads: which report a number or a ref stands for, and where its reporter can be answered
// (privacy.md 7.2 to 7.7, 7.12). A thread is a keyed hash under the key of its week, the report,
// the report's origin and a MAC over all of them, so that whoever writes into the database can
// remove a thread and never move one. Everything that a thread leads to is recomputed from what was
// signed.
//
// One object is one piece of work at one moment. Threads: one at a time; every call blocks on the
// database. What the arguments refer to outlives the object.

#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/identity/relay_wire.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/identity/roster.hpp"
#include "gateway/relay/epochs.hpp"
#include "storage/relay_store.hpp"

namespace ishara::relay {

// What should never happen; every one of them rings.
struct Alarms {
  std::uint32_t other_origin = 0;     // another first INTAKE for a report that is known
  std::uint32_t refused_records = 0;  // an address without a gateway's signature over it
  std::uint32_t forged_rows = 0;      // a thread or an address that the relay did not write
  std::uint32_t second_refs = 0;      // another ref that claims to be the report's own
  std::uint32_t duplicate_refs = 0;   // a ref that stands for two reports

  bool any() const noexcept {
    return other_origin + refused_records + forged_rows + second_refs + duplicate_refs > 0;
  }
  Alarms& operator+=(const Alarms& more) noexcept {
    other_origin += more.other_origin;
    refused_records += more.refused_records;
    forged_rows += more.forged_rows;
    second_refs += more.second_refs;
    duplicate_refs += more.duplicate_refs;
    return *this;
  }
};

inline constexpr std::uint32_t inbox_page = 500;
inline constexpr std::uint32_t address_page = 500;
inline constexpr std::uint32_t days_without_contact = 90;  // then the number goes
inline constexpr std::uint32_t days_after_close = 7;       // then the address goes
inline constexpr std::uint32_t days_of_a_ref = 365;

class Threads {
 public:
  // `epochs` has the key of the week of `now`; else every call returns storage::errc::unavailable.
  Threads(storage::blocking::RelayStore& store, const LiveEpochs& epochs,
          const identity::Directory& directory, Seconds now);

  const Alarms& alarms() const noexcept { return alarms_; }

  // --- Looking up; nothing is changed

  struct Found {
    identity::ThreadAnswer answer;  // without an unused ref
    bool drawn_is_unused = false;
  };
  // The number's newest open report, and whether a drawn ref stands for nothing: one query, whether
  // there is such a report or not.
  storage::result<Found> find(const identity::Msisdn& number, const identity::Ref& drawn);
  storage::result<identity::ThreadAnswer> find(const identity::Ref& ref);
  // storage::errc::not_found for a report that its people have deleted; one that is not there yet
  // is not found in the answer.
  storage::result<identity::ThreadAnswer> find(const crypto::Id& report_id);
  storage::result<bool> is_unused(const identity::Ref& ref);

  // --- Changing; one caller at a time in the whole deployment

  struct InboxPage {
    std::uint32_t rows = 0;      // fewer than a page: the end
    std::uint32_t accepted = 0;  // of these
    crypto::Id last{};
  };
  // Reads the page of the inbox after this id. With `relay`, a new report of a number that stands
  // for other open ones is told to its owner as of the same sender as the newest of these that is
  // with the same owner: it came while nobody could ask which report it belongs to.
  storage::result<InboxPage> read_inbox(const crypto::Id& after, const crypto::SigningKey* relay);

  struct Ended {
    bool found = false;               // whether a ref was one
    std::vector<crypto::Id> reports;  // that lost their number
  };
  // END. Removes the number wherever it stands. With `relay`, an erasure is signed: with the ref
  // for the report of a verified one, else by number alone.
  storage::result<Ended> end(const identity::Msisdn& number, identity::EndKind how,
                             const crypto::SigningKey* relay);
  storage::result<Ended> end(const identity::Ref& ref, identity::EndKind how,
                             const crypto::SigningKey* relay);

  struct Sweep {
    std::uint32_t rows = 0;     // fewer than a page: the end
    std::uint32_t rolled = 0;   // sealed anew for this week
    std::uint32_t removed = 0;  // numbers and addresses whose time is over
    crypto::Id last{};
  };
  // Goes over the page of addresses after this report id: what may live is sealed for this week,
  // and what may not goes.
  storage::result<Sweep> sweep(const crypto::Id& after);

  // --- For sending

  struct KnownAddress {
    identity::ReturnAddress address;  // its number is there only with a yes
    std::uint32_t day = 0;            // of the last contact, unix time / 86400
  };
  storage::result<std::optional<KnownAddress>> address(const crypto::Id& report_id);
  // A caseworker has confirmed the unverified yes. Nothing happens without one.
  storage::result<void> confirm_yes(const crypto::Id& report_id);

 private:
  struct Arrival;
  class Inbox;

  const Epoch* current() const { return epochs_.find(identity::epoch_at(now_)); }
  std::uint32_t today() const;
  std::vector<crypto::Id> tags(const identity::Msisdn& number) const;
  std::vector<crypto::Id> tags(const identity::Ref& ref) const;
  bool is_ours(const storage::Thread& thread);
  std::optional<identity::ReturnAddress> opened(const storage::Address& row);
  storage::Thread thread(identity::ThreadKind kind, const crypto::Id& tag,
                         const crypto::Id& report_id, const crypto::Id& origin,
                         std::uint32_t day) const;
  storage::Address sealed(const identity::ReturnAddress& address,
                          const storage::Address& row) const;
  std::optional<identity::ThreadAnswer> answer(const crypto::Id& report_id,
                                               const crypto::Id& origin, crypto::View record,
                                               storage::Stage stage,
                                               const std::vector<storage::Bytes>& statements);
  // What a ref stands for; nothing if that is not one report.
  storage::result<std::optional<storage::ThreadView>> thread_of(const identity::Ref& ref);
  std::optional<identity::ThreadAnswer> answer_by_ref(const storage::ThreadView& view);
  // The number and the ref of an address that lives on get their threads of this week.
  void roll_threads(const identity::ReturnAddress& address, const crypto::Id& report_id,
                    const std::vector<storage::Thread>& threads, storage::RelayChange& change);
  storage::result<void> drop_numbers(const std::vector<crypto::Id>& reports,
                                     storage::RelayChange& change);

  storage::blocking::RelayStore& store_;
  const LiveEpochs& epochs_;
  const identity::Directory& directory_;
  Seconds now_;
  Alarms alarms_;
};

}  // namespace ishara::relay
