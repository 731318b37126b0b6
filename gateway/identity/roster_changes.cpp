#include "gateway/identity/roster_changes.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/words.hpp"
#include "routing/model/names.hpp"

namespace ishara::identity {
namespace {

using boost::system::result;
using crypto::Id;
using crypto::PublicKey;
using Member = OrganisationRoster::Member;
using Queue = OrganisationRoster::Queue;

struct ChangeCategory final : boost::system::error_category {
  const char* name() const noexcept override { return "ishara.roster_change"; }
  std::string message(int code) const override {
    switch (static_cast<change_errc>(code)) {
      case change_errc::unknown_member:
        return "the roster has no such member";
      case change_errc::unknown_queue:
        return "the roster has no such queue";
      case change_errc::unknown_organisation:
        return "the roster has no such organisation";
      case change_errc::unknown_service:
        return "the roster has no such service";
      case change_errc::unknown_generation:
        return "the queue has no earlier key of this generation";
      case change_errc::unknown_role:
        return "a role is caseworker, lead, admin or auditor";
      case change_errc::unknown_use:
        return "a service is a gateway or a relay";
      case change_errc::id_taken:
        return "the roster has this id already, maybe of somebody who has left";
      case change_errc::key_taken:
        return "the roster has this key already, maybe as a former one";
      case change_errc::name_taken:
        return "the roster has this name already";
      case change_errc::bad_name:
        return "a queue's name is lower-case letters, digits and hyphens; an organisation's is one "
               "line";
      case change_errc::retired:
        return "the queue is retired";
      case change_errc::is_fallback:
        return "another queue falls back to this one";
      case change_errc::ended:
        return "the service has ended already";
      case change_errc::listed_twice:
        return "a role or queue stands twice";
      case change_errc::nothing_to_change:
        return "it is so already";
    }
    return "unknown";
  }
};

constexpr std::array<std::string_view, 4> roles_known{"caseworker", "lead", "admin", "auditor"};
constexpr std::array<std::string_view, 2> uses_known{"gateway", "relay"};

template <class Range, class Value>
bool contains(const Range& range, const Value& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

template <class Element>
Element* find(std::vector<Element>& all, const Id& id) {
  const auto found = std::ranges::find(all, id, &Element::id);
  return found == all.end() ? nullptr : &*found;
}

bool has_id(const OrganisationRoster& roster, const Id& id) {
  const auto is = [&](const auto& entry) { return entry.id == id; };
  return id == roster.organisation || std::ranges::any_of(roster.queues, is) ||
         std::ranges::any_of(roster.members, is) || std::ranges::any_of(roster.former, is);
}

bool has_key(const OrganisationRoster& roster, const PublicKey& key) {
  return roster.recovery_key == key ||
         std::ranges::any_of(roster.queues,
                             [&](const Queue& queue) {
                               return queue.box_key == key ||
                                      std::ranges::any_of(queue.earlier, [&](const auto& earlier) {
                                        return earlier.box_key == key;
                                      });
                             }) ||
         std::ranges::any_of(roster.members,
                             [&](const Member& member) {
                               return member.signing_key == key || member.box_key == key;
                             }) ||
         std::ranges::any_of(roster.former,
                             [&](const auto& former) { return former.signing_key == key; });
}

template <class Range>
bool has_twice(const Range& range) {
  for (auto entry = range.begin(); entry != range.end(); ++entry)
    if (std::find(range.begin(), entry, *entry) != entry) return true;
  return false;
}

// Whether a member may have these roles and queues. `held` are queues that she has already: she
// keeps those that are retired, to give away what they have.
result<void> check_work(OrganisationRoster& roster, const std::vector<std::string>& roles,
                        const std::vector<Id>& queues, const std::vector<Id>& held) {
  for (const auto& role : roles)
    if (!contains(roles_known, role)) return change_errc::unknown_role;
  if (has_twice(roles) || has_twice(queues)) return change_errc::listed_twice;
  for (const auto& id : queues) {
    const auto* const queue = find(roster.queues, id);
    if (!queue) return change_errc::unknown_queue;
    if (queue->retired && !contains(held, id)) return change_errc::retired;
  }
  return {};
}

void list_transfers(OrganisationRoster& next, std::span<const Id> transfers) {
  for (const auto& hash : transfers)
    if (!contains(next.transfers, hash)) next.transfers.push_back(hash);
}

template <class Roster>
Roster begin_next(Roster roster, crypto::View bytes) {
  ++roster.version;
  roster.previous = crypto::hash32({bytes});
  return roster;
}

bool is_one_line(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
  });
}

}  // namespace

const boost::system::error_category& change_category() noexcept {
  static const ChangeCategory category;
  return category;
}

OrganisationRoster next_of(OrganisationRoster roster, crypto::View bytes) {
  return begin_next(std::move(roster), bytes);
}

RootRoster next_of(RootRoster roster, crypto::View bytes) {
  return begin_next(std::move(roster), bytes);
}

// --- Of an organisation

result<void> add_member(OrganisationRoster& next, Member member) {
  if (has_id(next, member.id)) return change_errc::id_taken;
  if (has_key(next, member.signing_key) || has_key(next, member.box_key) ||
      member.signing_key == member.box_key)
    return change_errc::key_taken;
  if (const auto good = check_work(next, member.roles, member.queues, {}); !good) return good;
  next.members.push_back(std::move(member));
  return {};
}

result<void> change_member(OrganisationRoster& next, const Id& member,
                           std::vector<std::string> roles, std::vector<Id> queues,
                           std::span<const Id> transfers) {
  auto* const known = find(next.members, member);
  if (!known) return change_errc::unknown_member;
  if (known->roles == roles && known->queues == queues) return change_errc::nothing_to_change;
  if (const auto good = check_work(next, roles, queues, known->queues); !good) return good;
  known->roles = std::move(roles);
  known->queues = std::move(queues);
  list_transfers(next, transfers);
  return {};
}

result<void> remove_member(OrganisationRoster& next, const Id& member,
                           std::span<const Id> transfers) {
  const auto* const known = find(next.members, member);
  if (!known) return change_errc::unknown_member;
  next.former.push_back({known->id, known->signing_key});
  std::erase_if(next.members, [&](const Member& entry) { return entry.id == member; });
  list_transfers(next, transfers);
  return {};
}

result<void> add_queue(OrganisationRoster& next, Queue queue) {
  if (!routing::Slug::parse(queue.name)) return change_errc::bad_name;
  if (std::ranges::find(next.queues, queue.name, &Queue::name) != next.queues.end())
    return change_errc::name_taken;
  if (has_id(next, queue.id)) return change_errc::id_taken;
  if (has_key(next, queue.box_key)) return change_errc::key_taken;
  if (queue.fallback) {
    const auto* const fallback = find(next.queues, *queue.fallback);
    if (fallback && fallback->retired) return change_errc::retired;
  }
  queue.earlier.clear();
  queue.retired = false;
  next.queues.push_back(std::move(queue));
  return {};
}

result<void> rotate_queue(OrganisationRoster& next, const Id& queue, const PublicKey& box_key) {
  auto* const known = find(next.queues, queue);
  if (!known) return change_errc::unknown_queue;
  if (known->retired) return change_errc::retired;
  if (has_key(next, box_key)) return change_errc::key_taken;
  known->earlier.push_back({known->generation, known->box_key});
  ++known->generation;
  known->box_key = box_key;
  return {};
}

result<void> drop_generation(OrganisationRoster& next, const Id& queue, std::uint32_t generation) {
  auto* const known = find(next.queues, queue);
  if (!known) return change_errc::unknown_queue;
  const auto gone = std::erase_if(
      known->earlier, [&](const auto& earlier) { return earlier.generation == generation; });
  if (gone == 0) return change_errc::unknown_generation;
  return {};
}

result<void> retire_queue(OrganisationRoster& next, const Id& queue) {
  auto* const known = find(next.queues, queue);
  if (!known) return change_errc::unknown_queue;
  if (known->retired) return change_errc::retired;
  if (std::ranges::any_of(next.queues, [&](const Queue& other) {
        return other.fallback == queue && !other.retired;
      }))
    return change_errc::is_fallback;
  known->retired = true;
  return {};
}

result<void> replace_recovery_key(OrganisationRoster& next, const PublicKey& key) {
  if (next.recovery_key == key) return change_errc::nothing_to_change;
  if (has_key(next, key)) return change_errc::key_taken;
  next.recovery_key = key;
  return {};
}

result<void> prune_transfers(OrganisationRoster& next, std::span<const Id> needed) {
  const auto gone =
      std::erase_if(next.transfers, [&](const Id& hash) { return !contains(needed, hash); });
  if (gone == 0) return change_errc::nothing_to_change;
  return {};
}

namespace {

template <class Range>
bool is_part_of(const Range& part, const Range& whole) {
  return std::ranges::all_of(part, [&](const auto& entry) { return contains(whole, entry); });
}

}  // namespace

bool only_removes(const OrganisationRoster& before, const OrganisationRoster& after) {
  if (before.deployment != after.deployment || before.organisation != after.organisation ||
      before.queues != after.queues || before.recovery_key != after.recovery_key ||
      !is_part_of(before.transfers, after.transfers))
    return false;
  bool anything = false;
  auto former = before.former;
  for (const auto& old : before.members) {
    const auto kept = std::ranges::find(after.members, old.id, &Member::id);
    if (kept == after.members.end()) {
      former.push_back({old.id, old.signing_key});
      anything = true;
      continue;
    }
    if (kept->signing_key != old.signing_key || kept->box_key != old.box_key ||
        !is_part_of(kept->roles, old.roles) || !is_part_of(kept->queues, old.queues))
      return false;
    anything = anything || kept->roles != old.roles || kept->queues != old.queues;
  }
  for (const auto& member : after.members)
    if (std::ranges::find(before.members, member.id, &Member::id) == before.members.end())
      return false;
  return anything && is_part_of(former, after.former) && is_part_of(after.former, former);
}

// --- Of the root

namespace {

bool has_key(const RootRoster& roster, const PublicKey& key) {
  return std::ranges::any_of(roster.organisations,
                             [&](const auto& entry) { return entry.signing_key == key; }) ||
         std::ranges::any_of(roster.services,
                             [&](const auto& entry) { return entry.public_key == key; });
}

}  // namespace

result<void> add_organisation(RootRoster& next, RootRoster::Organisation organisation) {
  if (!is_one_line(organisation.name)) return change_errc::bad_name;
  for (const auto& known : next.organisations) {
    if (known.id == organisation.id) return change_errc::id_taken;
    if (known.name == organisation.name) return change_errc::name_taken;
  }
  if (has_key(next, organisation.signing_key)) return change_errc::key_taken;
  next.organisations.push_back(std::move(organisation));
  return {};
}

result<void> replace_organisation_key(RootRoster& next, const Id& organisation,
                                      const PublicKey& key) {
  auto* const known = find(next.organisations, organisation);
  if (!known) return change_errc::unknown_organisation;
  if (known->signing_key == key) return change_errc::nothing_to_change;
  if (has_key(next, key)) return change_errc::key_taken;
  known->signing_key = key;
  return {};
}

result<void> add_service(RootRoster& next, const PublicKey& key, std::string_view use) {
  if (!contains(uses_known, use)) return change_errc::unknown_use;
  if (has_key(next, key)) return change_errc::key_taken;
  next.services.push_back({key, std::string{use}});
  return {};
}

result<void> end_service(RootRoster& next, const PublicKey& key, std::uint32_t hour) {
  const auto known = std::ranges::find(next.services, key, &RootRoster::Service::public_key);
  if (known == next.services.end()) return change_errc::unknown_service;
  if (known->until) return change_errc::ended;
  known->until = hour;
  return {};
}

// --- For people

namespace {

std::string printable(std::string_view text) {
  std::string out{text};
  for (auto& letter : out)
    if (letter < 0x20 || letter > 0x7e) letter = '?';
  return out;
}

// When this hour (unix time / 3600) is over: "2026-01-31 15:00 UTC".
std::string end_text(std::uint32_t hour) {
  const std::chrono::sys_time<std::chrono::hours> end{std::chrono::hours{hour + std::int64_t{1}}};
  const auto day = std::chrono::floor<std::chrono::days>(end);
  const std::chrono::year_month_day date{day};
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u %02d:00 UTC", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>((end - day).count()));
  return out;
}

// A key that is there already, for those who look it up.
std::string key_text(const PublicKey& key) { return "key " + crypto::hex(crypto::key_id(key)); }

// A key that is new, for those who read it to each other: `ishara key`, `ishara user` and `ishara
// org` have shown the same words where it was made.
std::string in_words(const std::string& words) { return "in words: " + words; }

std::string in_words(const Member& member) {
  return in_words(user_fingerprint(member.signing_key, member.box_key));
}

// What was there and is not, what is new, and what is in both: in the order of their rosters.
template <class Element, class Same, class Gone, class New, class Both>
void compare(const std::vector<Element>& before, const std::vector<Element>& after, Same same,
             Gone gone, New is_new, Both both) {
  const auto in = [&](const std::vector<Element>& all, const Element& element) {
    return std::ranges::find_if(all, [&](const Element& other) { return same(element, other); });
  };
  for (const auto& element : before)
    if (in(after, element) == after.end()) gone(element);
  for (const auto& element : after) {
    const auto found = in(before, element);
    if (found == before.end())
      is_new(element);
    else
      both(*found, element);
  }
}

constexpr auto same_id = [](const auto& one, const auto& other) { return one.id == other.id; };
constexpr auto nothing = [](const auto&, const auto&) {};

class OrganisationChanges {
 public:
  OrganisationChanges(const OrganisationRoster& before, const OrganisationRoster& after)
      : before_{before}, after_{after} {}

  std::vector<std::string> lines() && {
    whole("deployment", before_.deployment, after_.deployment);
    whole("organisation", before_.organisation, after_.organisation);
    compare(
        before_.queues, after_.queues, same_id,
        [&](const Queue& queue) { say(name(queue) + " is removed"); },
        [&](const Queue& queue) { add(queue); },
        [&](const Queue& old, const Queue& queue) { change(old, queue); });
    compare(
        before_.members, after_.members, same_id,
        [&](const Member& member) { say(name(member.id) + " is removed"); },
        [&](const Member& member) { add(member); },
        [&](const Member& old, const Member& member) { change(old, member); });
    compare(
        before_.former, after_.former, same_id,
        [&](const auto& former) { say("former " + name(former.id) + " is forgotten"); },
        [&](const auto& former) {
          say(name(former.id) + " is a former member, signing " + key_text(former.signing_key));
        },
        [&](const auto& old, const auto& former) {
          if (old.signing_key != former.signing_key)
            say("former " + name(former.id) + " has another signing " +
                key_text(former.signing_key));
        });
    compare(
        before_.transfers, after_.transfers, std::equal_to<Id>{},
        [&](const Id& hash) { say("transfer " + crypto::hex(hash) + " is not listed any more"); },
        [&](const Id& hash) { say("transfer " + crypto::hex(hash) + " goes on counting"); },
        nothing);
    if (before_.recovery_key != after_.recovery_key)
      say("the recovery key is another, " +
          in_words(key_fingerprint(KeyKind::recovery, after_.recovery_key)));
    return std::move(lines_);
  }

 private:
  void say(std::string line) { lines_.push_back(std::move(line)); }
  void whole(std::string_view what, const Id& old, const Id& id) {
    if (old != id) say("the " + std::string{what} + " is another: " + crypto::hex(id));
  }
  static std::string name(const Id& member) { return "member " + crypto::hex(member); }
  static std::string name(const Queue& queue) { return "queue " + printable(queue.name); }
  // The name of a queue of this organisation, or the id of one that is elsewhere.
  std::string name_of_queue(const Id& id) const {
    for (const auto* roster : {&after_, &before_})
      for (const auto& queue : roster->queues)
        if (queue.id == id) return printable(queue.name);
    return crypto::hex(id);
  }
  static std::string generation_text(const Id& queue, std::uint32_t generation,
                                     const PublicKey& key) {
    return "generation " + std::to_string(generation) + ", " +
           in_words(queue_fingerprint(queue, generation, key));
  }
  std::string fallback_text(const std::optional<Id>& fallback) const {
    return fallback ? "falls back to " + name_of_queue(*fallback) : "has no fallback";
  }
  static std::string list(const std::vector<std::string>& roles) {
    std::string out;
    for (const auto& role : roles) out += (out.empty() ? "" : ", ") + printable(role);
    return out.empty() ? "nothing" : out;
  }
  std::string list(const std::vector<Id>& queues) const {
    std::vector<std::string> names;
    for (const auto& id : queues) names.push_back(name_of_queue(id));
    return list(names);
  }

  void add(const Queue& queue) {
    say(name(queue) + " is new, id " + crypto::hex(queue.id) + ", " +
        fallback_text(queue.fallback) + ", key of " +
        generation_text(queue.id, queue.generation, queue.box_key));
    change_earlier({}, queue);
    if (queue.retired) say(name(queue) + " is retired");
  }
  void change(const Queue& old, const Queue& queue) {
    if (old.name != queue.name)
      say(name(old) + " is called " + printable(queue.name) + " from now on");
    if (old.generation != queue.generation || old.box_key != queue.box_key)
      say(name(queue) +
          " has a new key: " + generation_text(queue.id, queue.generation, queue.box_key));
    if (old.fallback != queue.fallback) say(name(queue) + " " + fallback_text(queue.fallback));
    change_earlier(old.earlier, queue);
    if (old.retired != queue.retired)
      say(name(queue) + (queue.retired ? " is retired" : " is not retired any more"));
  }
  void change_earlier(const std::vector<OrganisationRoster::EarlierKey>& old, const Queue& queue) {
    compare(
        old, queue.earlier,
        [](const auto& one, const auto& other) {
          return one.generation == other.generation && one.box_key == other.box_key;
        },
        [&](const auto& key) {
          say(name(queue) + " forgets its generation " + std::to_string(key.generation) + ", " +
              key_text(key.box_key));
        },
        [&](const auto& key) {
          say(name(queue) + " still opens its " +
              generation_text(queue.id, key.generation, key.box_key));
        },
        nothing);
  }
  void add(const Member& member) {
    say(name(member.id) + " is new, " + in_words(member));
    say(name(member.id) + " may: " + list(member.roles) + "; queues: " + list(member.queues));
  }
  void change(const Member& old, const Member& member) {
    if (old.signing_key != member.signing_key || old.box_key != member.box_key)
      say(name(member.id) + " has other keys, " + in_words(member));
    if (old.roles != member.roles)
      say(name(member.id) + " may: " + list(member.roles) + "; before: " + list(old.roles));
    if (old.queues != member.queues)
      say(name(member.id) + " queues: " + list(member.queues) + "; before: " + list(old.queues));
  }

  const OrganisationRoster& before_;
  const OrganisationRoster& after_;
  std::vector<std::string> lines_;
};

std::string name_of(const RootRoster::Organisation& organisation) {
  return "organisation " + printable(organisation.name);
}

std::string name_of(const RootRoster::Service& service) {
  return printable(service.use) + " " + key_text(service.public_key);
}

}  // namespace

std::vector<std::string> changes(const OrganisationRoster& before,
                                 const OrganisationRoster& after) {
  return OrganisationChanges{before, after}.lines();
}

std::vector<std::string> changes(const RootRoster& before, const RootRoster& after) {
  using Organisation = RootRoster::Organisation;
  using Service = RootRoster::Service;
  std::vector<std::string> out;
  const auto end = [&](const Service& service) {
    out.push_back(name_of(service) +
                  (service.until ? " ends: its signatures count until " + end_text(*service.until)
                                 : std::string{" does not end"}));
  };
  if (before.deployment != after.deployment)
    out.push_back("the deployment is another: " + crypto::hex(after.deployment));
  compare(
      before.organisations, after.organisations, same_id,
      [&](const Organisation& gone) { out.push_back(name_of(gone) + " is removed"); },
      [&](const Organisation& added) {
        out.push_back(name_of(added) + " is new, id " + crypto::hex(added.id) + ", class " +
                      std::string{name_of(added.organisation_class)} + ", key " +
                      in_words(key_fingerprint(KeyKind::organisation, added.signing_key)));
      },
      [&](const Organisation& old, const Organisation& now) {
        if (old.name != now.name)
          out.push_back(name_of(old) + " is called " + printable(now.name) + " from now on");
        if (old.organisation_class != now.organisation_class)
          out.push_back(name_of(now) +
                        " is of another class: " + std::string{name_of(now.organisation_class)});
        if (old.signing_key != now.signing_key)
          out.push_back(name_of(now) + " has another key, " +
                        in_words(key_fingerprint(KeyKind::organisation, now.signing_key)));
      });
  compare(
      before.services, after.services,
      [](const Service& one, const Service& other) {
        return one.public_key == other.public_key && one.use == other.use;
      },
      [&](const Service& gone) { out.push_back(name_of(gone) + " is removed"); },
      [&](const Service& added) {
        out.push_back(name_of(added) + " is new, " +
                      in_words(key_fingerprint(KeyKind::service, added.public_key)));
        if (added.until) end(added);
      },
      [&](const Service& old, const Service& now) {
        if (old.until != now.until) end(now);
      });
  return out;
}

}  // namespace ishara::identity
