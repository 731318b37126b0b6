#pragma once
// The client of those who look after people and keys: an organisation's admins, who sign its
// roster, and the leads of its queues, who hand out the queues' keys. Everything that is signed or
// sealed is made here and never at the desk.
//
// A lead's new key for a queue waits beside her key file, sealed to her own key, until the roster
// names it: `<key file>.<queue>.next`.
//
// One thread; calls block. All of these throw CommandError.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/commands/desk_client.hpp"
#include "gateway/identity/enrolment.hpp"
#include "gateway/identity/sealed_key.hpp"

namespace ishara::commands {

class Steward : public DeskClient {
 public:
  using DeskClient::DeskClient;

  // --- The roster of her organisation

  struct Organisation {
    identity::RootRoster::Organisation entry;
    identity::OrganisationRoster roster;  // in force, verified
    crypto::Bytes bytes;                  // of it
  };
  const Organisation& organisation();
  // The same as the version after it, for the edits of identity/roster_changes.hpp.
  identity::OrganisationRoster next_roster();
  const identity::OrganisationRoster::Member& member(const crypto::Id& id);
  const identity::OrganisationRoster::Queue& queue(std::string_view name);

  struct Published {
    static constexpr std::int64_t not_shown = -1;
    std::uint64_t version = 0;
    // A second person has to confirm it by then; 0: it is in force; not_shown: the desk has not
    // seen it.
    std::int64_t until = 0;
    bool in_force() const noexcept { return until == 0; }
  };
  // Signs it, once it has been verified that the whole deployment still fits together. Refuses a
  // key that is not the organisation's.
  identity::SignedRoster sign(const identity::OrganisationRoster& next,
                              const identity::HeldKey& key);
  // Signs it and shows it to the desk.
  Published publish(const identity::OrganisationRoster& next, const identity::HeldKey& key);

  struct Proposal {
    identity::OrganisationRoster roster;
    identity::SignedRoster signed_roster;
    crypto::Id proposer{};
    std::int64_t until = 0;
  };
  // What waits for a second person; each verified to be a next version of the roster in force,
  // signed with the organisation's key, that fits the others.
  std::vector<Proposal> proposals();
  Published confirm(const Proposal& proposal);

  // --- People

  struct Invitation {
    crypto::Id user{};
    crypto::Id code{};
    std::int64_t until = 0;
  };
  Invitation invite();
  struct Invited {
    crypto::Id user{};
    std::int64_t until = 0;
    std::optional<identity::EnrolmentKeys> keys;  // nothing: she has not made them yet
  };
  std::vector<Invited> invited();
  // The hashes of TRANSFERs from queues of her organisation.
  struct Transfers {
    std::vector<crypto::Id> all;
    // Those that this person signed for one of these queues while she works for it: what stays
    // given away when she does not any more.
    std::vector<crypto::Id> given_away;
  };
  Transfers transfers(const crypto::Id& user, std::span<const crypto::Id> queues);

  // --- Keys of queues

  // The key of the next generation, or the first of a queue that is to be.
  struct NextKey {
    crypto::Id queue{};
    std::uint32_t generation = 0;
    crypto::PublicKey public_key{};
  };
  // What waits beside her key file for a queue of this name.
  std::optional<NextKey> waiting_key(std::string_view queue);
  // The one that waits, or a new one that waits from now on.
  NextKey next_key(std::string_view queue);
  // Gives the recovery key a grant of the one that waits for a queue of the rosters, before it is
  // in force: from then on it is not lost with her disk.
  void secure_waiting_key(std::string_view queue);
  // Removes it, if the rosters name it and the desk gives her a grant that opens to it. Throws if
  // they name it and the desk does not.
  void settle_waiting_key(std::string_view queue);

  // Seals every seed that she has of this queue, and the rosters still name, to everybody who works
  // for it and to the recovery key. Returns for which people.
  std::vector<crypto::Id> grant(const identity::Directory::Queue& queue);
  // Her organisation's queues for which she works.
  std::vector<const identity::Directory::Queue*> own_queues();
  // What came of comparing what the queue's people have sealed anew for its present key with what
  // they replaced.
  struct Compared {
    std::size_t texts = 0;                     // and notes
    std::size_t unopened = 0;                  // which nobody could open before either
    std::map<crypto::Id, std::size_t> mended;  // by whoever had sealed them wrongly
  };
  // Opens all of it, puts right what does not open, and tells the desk what is compared. Leaves
  // what came while it looked.
  Compared compare_former_wraps(const identity::Directory::Queue& queue);
  // Deletes the grants of earlier generations; the desk refuses while anything is sealed to them.
  // Returns how many generations.
  std::size_t forget_grants(const identity::Directory::Queue& queue);
  // Opens the grants that are sealed to the recovery key, and gives her those of the queues that
  // she leads. Returns the names of these queues.
  std::vector<std::string> recover(const identity::HeldKey& recovery_key);

 private:
  struct Seed {
    std::uint32_t generation = 0;
    crypto::Secret<32> seed;
  };
  struct Waiting {
    NextKey key;
    crypto::Secret<32> seed;
  };
  std::optional<Waiting> read_waiting(std::string_view queue);
  // Those that the desk has for her; and, of all, the one that waits too.
  std::vector<Seed> granted_seeds(const identity::Directory::Queue& queue);
  std::vector<Seed> seeds(const identity::Directory::Queue& queue);
  void put_grant(const Seed& seed, const crypto::Id& queue, const crypto::Id& user,
                 const crypto::PublicKey& key, bool in_advance = false);
  void refuse_misfit(const identity::SignedRoster& next);
  Published show(const identity::SignedRoster& roster, std::uint64_t version);

  std::optional<Organisation> organisation_;
};

// Nothing of this is in a roster under any key but these.
std::optional<crypto::PublicKey> key_of(const identity::Directory::Queue& queue,
                                        std::uint32_t generation);

}  // namespace ishara::commands
