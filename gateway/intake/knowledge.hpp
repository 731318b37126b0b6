#pragma once
// What a gateway knows: one immutable value, swapped whole while requests run on the old one.
// It exists only if all of it fits together; a gateway without it answers 503.

#include <boost/system/result.hpp>
#include <memory>

#include "gateway/config/channels.hpp"
#include "gateway/conversation/flow.hpp"
#include "gateway/conversation/sms.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/roster.hpp"
#include "i18n/pack.hpp"
#include "routing/snapshot.hpp"

namespace ishara::intake {

enum class knowledge_errc {
  queue_unknown = 1,  // the routing tables name a queue that no signed roster has
  queue_class,        // a queue has another class in the tables than in the signed rosters
  bad_tables,         // the active routing version is no pack, or a pack with mistakes
  not_kept,           // what was last learnt cannot be kept on the disk, or is damaged there
};
const boost::system::error_category& knowledge_category() noexcept;
inline boost::system::error_code make_error_code(knowledge_errc code) noexcept {
  return {static_cast<int>(code), knowledge_category()};
}

struct Knowledge {
  std::shared_ptr<const i18n::Packs> packs;
  std::shared_ptr<const conversation::Flow> menu;  // whose texts the packs have
  std::shared_ptr<const config::Channels> channels;
  std::shared_ptr<const routing::Snapshot> routing;
  std::uint32_t routing_version = 0;  // in the database
  std::shared_ptr<const identity::Directory> directory;
  std::vector<identity::EpochAnnouncement> epochs;  // signed by a relay of the directory

  // The epoch to whose key addresses are sealed now; nullptr if none was announced.
  const identity::EpochAnnouncement* epoch_at(std::chrono::sys_seconds now) const noexcept;
  // The line to name to a phone of this channel whose report is about `region`, in an answer of
  // this language (BCP 47); nullptr if there is none that may be named now. `crisis`: the text has
  // words of self-harm. A number is dialled in the channel's country, wherever the report is about.
  const routing::Helpline* helpline(const config::Channel& channel,
                                    const routing::RegionCode& region, std::string_view language,
                                    bool crisis, std::chrono::sys_seconds now) const noexcept;
  // The place of a language pack among all of them; no_language if there is none.
  conversation::Language language_number(std::string_view tag) const noexcept;
};

// A queue's class in the tables is what the signed rosters say of its organisation.
bool same_class(routing::QueueClass table, identity::OrganisationClass roster) noexcept;

// Routing tables come from the database and keys from signed rosters: a table may only point to
// queues that the rosters have, with the class that the rosters give.
boost::system::result<void> consistent(const routing::Table& table,
                                       const identity::Directory& directory);

}  // namespace ishara::intake

template <>
struct boost::system::is_error_code_enum<ishara::intake::knowledge_errc> : std::true_type {};
