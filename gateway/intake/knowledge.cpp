#include "gateway/intake/knowledge.hpp"

namespace ishara::intake {
namespace {

struct KnowledgeCategory final : boost::system::error_category {
  const char* name() const noexcept override { return "ishara.knowledge"; }
  std::string message(int code) const override {
    switch (static_cast<knowledge_errc>(code)) {
      case knowledge_errc::queue_unknown:
        return "the routing tables name a queue that no signed roster has";
      case knowledge_errc::queue_class:
        return "a queue has another class in the routing tables than in the signed rosters";
      case knowledge_errc::bad_tables:
        return "the active routing version is no pack, or a pack with mistakes";
      case knowledge_errc::not_kept:
        return "what was last learnt cannot be kept on the disk, or is damaged there";
    }
    return "unknown";
  }
};

}  // namespace

const boost::system::error_category& knowledge_category() noexcept {
  static const KnowledgeCategory category;
  return category;
}

const identity::EpochAnnouncement* Knowledge::epoch_at(
    std::chrono::sys_seconds now) const noexcept {
  const auto seconds = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (const auto& epoch : epochs)
    if (epoch.not_before <= seconds && seconds < epoch.not_after) return &epoch;
  return nullptr;
}

const routing::Helpline* Knowledge::helpline(const config::Channel& channel,
                                             const routing::RegionCode& region,
                                             std::string_view language, bool crisis,
                                             std::chrono::sys_seconds now) const noexcept {
  const auto country = routing::RegionCode::parse(channel.settings.country);
  const bool at_home = !country || country->contains(region);
  return routing->helplines.choose({at_home ? region : *country, language, crisis, now});
}

conversation::Language Knowledge::language_number(std::string_view tag) const noexcept {
  const auto& all = packs->all();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].tag == tag) return static_cast<conversation::Language>(i);
  return conversation::no_language;
}

bool same_class(routing::QueueClass table, identity::OrganisationClass roster) noexcept {
  switch (table) {
    case routing::QueueClass::ngo:
      return roster == identity::OrganisationClass::ngo;
    case routing::QueueClass::police:
      return roster == identity::OrganisationClass::police;
    case routing::QueueClass::other:
      return roster == identity::OrganisationClass::other;
  }
  return false;
}

boost::system::result<void> consistent(const routing::Table& table,
                                       const identity::Directory& directory) {
  for (const auto& queue : table.queues()) {
    const auto* known = directory.queue_named(queue.name.view());
    if (!known) return knowledge_errc::queue_unknown;
    if (!same_class(queue.queue_class, known->organisation_class))
      return knowledge_errc::queue_class;
  }
  return {};
}

}  // namespace ishara::intake
