#include "gateway/relay/threads.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/identity/same_sender.hpp"
#include "gateway/identity/statement.hpp"

namespace ishara::relay {

using crypto::Id;
using identity::EndKind;
using identity::Msisdn;
using identity::Ref;
using identity::RefKind;
using identity::ReturnAddress;
using identity::ThreadAnswer;
using identity::ThreadKind;
using storage::errc;
using storage::result;
using storage::Stage;

namespace {

constexpr std::uint32_t hours_a_day = 24;
// So many open reports of a number, the newest first, are looked at for one of the same owner.
constexpr std::size_t most_siblings = 8;

Id tag_of(const Msisdn& number, const Epoch& epoch) {
  const auto field = number.fixed();
  return identity::number_tag(field.reveal(), epoch.keys.tag);
}

Id tag_of(const Ref& ref, const Epoch& epoch) {
  const auto field = ref.fixed();
  return identity::ref_tag(field.reveal(), epoch.keys.tag);
}

bool contains(const std::vector<Id>& ids, const Id& id) {
  return std::ranges::find(ids, id) != ids.end();
}

// The hour of an INTAKE whose signature somebody else checks.
std::uint32_t claimed_hour(crypto::View record) {
  return static_cast<std::uint32_t>(record[4]) << 24 | static_cast<std::uint32_t>(record[5]) << 16 |
         static_cast<std::uint32_t>(record[6]) << 8 | record[7];
}

void drop_number(ReturnAddress& address) {
  address.number.reset();
  address.may_text = false;
  address.yes_unverified = false;
  address.safe.reset();
}

// An address is kept for its number or for the report's own ref.
bool worth_keeping(const ReturnAddress& address) {
  return address.number.has_value() || !address.ref_unverified;
}

// What is known of a report's address after one more sitting. Only END takes a yes back: a later
// sitting in which nobody was asked says nothing.
ReturnAddress merged(std::optional<ReturnAddress> known, ReturnAddress news) {
  if (!news.may_text) drop_number(news);
  if (!known) return news;
  if (known->ref_unverified || !news.ref_unverified) {
    known->ref = news.ref;
    known->ref_unverified = news.ref_unverified;
  }
  const bool has_verified_yes = known->may_text && !known->yes_unverified;
  if (news.may_text && !(news.yes_unverified && has_verified_yes)) {
    known->number = std::move(news.number);
    known->channel = news.channel;
    known->may_text = true;
    known->yes_unverified = news.yes_unverified;
    if (news.safe) known->safe = news.safe;
  }
  return std::move(*known);
}

}  // namespace

Threads::Threads(storage::blocking::RelayStore& store, const LiveEpochs& epochs,
                 const identity::Directory& directory, Seconds now)
    : store_{store}, epochs_{epochs}, directory_{directory}, now_{now} {}

std::uint32_t Threads::today() const {
  return static_cast<std::uint32_t>(now_.time_since_epoch() / std::chrono::hours{hours_a_day});
}

std::vector<Id> Threads::tags(const Msisdn& number) const {
  std::vector<Id> out;
  for (const auto& epoch : epochs_.newest_first()) out.push_back(tag_of(number, epoch));
  return out;
}

std::vector<Id> Threads::tags(const Ref& ref) const {
  std::vector<Id> out;
  for (const auto& epoch : epochs_.newest_first()) out.push_back(tag_of(ref, epoch));
  return out;
}

bool Threads::is_ours(const storage::Thread& thread) {
  const auto* epoch = epochs_.find(thread.epoch);
  if (epoch == nullptr) return false;  // its key is gone, and so will the row
  const auto mac = identity::thread_mac(static_cast<ThreadKind>(thread.kind), thread.tag,
                                        thread.report_id, thread.origin, epoch->keys.mac);
  if (crypto::equal(mac, thread.mac)) return true;
  ++alarms_.forged_rows;
  return false;
}

std::optional<ReturnAddress> Threads::opened(const storage::Address& row) {
  const auto* epoch = epochs_.find(row.epoch);
  if (epoch == nullptr) return std::nullopt;
  auto address =
      identity::open_stored_return_address(row.address, row.report_id, row.epoch, epoch->keys);
  if (address) return std::move(*address);
  ++alarms_.forged_rows;
  return std::nullopt;
}

storage::Thread Threads::thread(ThreadKind kind, const Id& tag, const Id& report_id,
                                const Id& origin, std::uint32_t day) const {
  return {tag,
          current()->number,
          static_cast<char>(kind),
          report_id,
          origin,
          identity::thread_mac(kind, tag, report_id, origin, current()->keys.mac),
          day};
}

storage::Address Threads::sealed(const ReturnAddress& address, const storage::Address& row) const {
  const auto bytes = identity::seal_stored_return_address(address, row.report_id, current()->number,
                                                          current()->keys);
  return {row.report_id, current()->number, {bytes.begin(), bytes.end()}, row.day, row.closed_day};
}

// --- Looking up

std::optional<ThreadAnswer> Threads::answer(const Id& report_id, const Id& origin,
                                            crypto::View record, Stage stage,
                                            const std::vector<storage::Bytes>& statements) {
  if (record.empty()) return std::nullopt;
  const std::vector<crypto::View> views(statements.begin(), statements.end());
  const auto owned = identity::ownership(report_id, record, views, directory_);
  const auto intake = identity::verify_intake(record, directory_);
  if (!owned || !intake || owned->origin != origin) {
    ++alarms_.other_origin;
    return std::nullopt;
  }
  if (owned->withdrawn && owned->withdrawn->with_ref) return std::nullopt;
  ThreadAnswer out;
  out.found = true;
  out.consent_class = owned->consent_class;
  out.stage = static_cast<std::uint8_t>(stage);
  out.report_id = report_id;
  out.origin = origin;
  out.owner_queue = owned->owner;
  if (owned->consent_class == 1) out.police_queue = intake->copy_queue;
  std::ranges::copy(owned->proof, out.proof.begin());
  return out;
}

result<Threads::Found> Threads::find(const Msisdn& number, const Ref& drawn) {
  if (current() == nullptr) return errc::unavailable;
  const auto wanted = tags(number);
  const auto drawn_tags = tags(drawn);
  auto asked = wanted;
  asked.insert(asked.end(), drawn_tags.begin(), drawn_tags.end());
  const auto views = store_.look_up(asked);
  if (!views) return views.error();

  Found found{.answer = {}, .drawn_is_unused = true};
  const storage::ThreadView* newest = nullptr;
  for (const auto& view : *views) {
    if (contains(drawn_tags, view.thread.tag)) found.drawn_is_unused = false;
    if (!contains(wanted, view.thread.tag) || view.record.empty() || view.stage == Stage::closed ||
        view.thread.kind != 'n' || !is_ours(view.thread))
      continue;
    if (newest == nullptr || claimed_hour(view.record) > claimed_hour(newest->record))
      newest = &view;
  }
  if (newest == nullptr) return found;
  const auto& thread = newest->thread;
  if (auto known = answer(thread.report_id, thread.origin, newest->record, newest->stage,
                          newest->statements)) {
    found.answer = *known;
    found.answer.kind = RefKind::unverified;
  }
  return found;
}

result<std::optional<storage::ThreadView>> Threads::thread_of(const Ref& ref) {
  using boost::system::in_place_error;
  if (current() == nullptr) return {in_place_error, errc::unavailable};
  auto views = store_.look_up(tags(ref));
  if (!views) return {in_place_error, views.error()};
  storage::ThreadView* only = nullptr;
  for (auto& view : *views) {
    if (view.thread.kind == 'n' || !is_ours(view.thread)) continue;
    if (only != nullptr && only->thread.report_id != view.thread.report_id) {
      ++alarms_.duplicate_refs;  // drawn twice while the relay was away: it opens nothing
      return std::optional<storage::ThreadView>{};
    }
    if (only == nullptr || only->thread.kind == 'u') only = &view;
  }
  return only == nullptr ? std::nullopt : std::optional{std::move(*only)};
}

std::optional<ThreadAnswer> Threads::answer_by_ref(const storage::ThreadView& view) {
  auto known =
      answer(view.thread.report_id, view.thread.origin, view.record, view.stage, view.statements);
  if (known) known->kind = view.thread.kind == 'c' ? RefKind::verified : RefKind::unverified;
  return known;
}

result<ThreadAnswer> Threads::find(const Ref& ref) {
  const auto view = thread_of(ref);
  if (!view) return view.error();
  if (!*view) return ThreadAnswer{};
  return answer_by_ref(**view).value_or(ThreadAnswer{});
}

result<ThreadAnswer> Threads::find(const Id& report_id) {
  if (current() == nullptr) return errc::unavailable;
  const auto report = store_.report(report_id);
  if (!report) {
    if (report.error() != errc::not_found) return report.error();
    const auto deleted = store_.is_deleted(report_id);
    if (!deleted) return deleted.error();
    if (*deleted) return errc::not_found;
    return ThreadAnswer{};
  }
  auto origin = crypto::hash16({report->record});
  for (const auto& thread : report->threads)
    if (is_ours(thread)) origin = thread.origin;
  const auto known = answer(report_id, origin, report->record, report->stage, report->statements);
  return known.value_or(ThreadAnswer{});
}

result<bool> Threads::is_unused(const Ref& ref) {
  using boost::system::in_place_error;
  if (current() == nullptr) return {in_place_error, errc::unavailable};
  const auto views = store_.look_up(tags(ref));
  if (!views) return {in_place_error, views.error()};
  return views->empty();
}

// --- The inbox

struct Threads::Arrival {
  Id inbox_id{};
  identity::IntakeRecord intake;
  Id record_hash{};
  ReturnAddress address;
};

// One page of the inbox, and what it changes.
class Threads::Inbox {
 public:
  Inbox(Threads& threads, const crypto::SigningKey* relay) : threads_{threads}, relay_{relay} {}

  result<InboxPage> read(const std::vector<storage::InboxRow>& rows) {
    InboxPage page;
    page.rows = static_cast<std::uint32_t>(rows.size());
    if (rows.empty()) return page;
    page.last = rows.back().inbox_id;
    open(rows);
    if (const auto known = learn(); !known) return known.error();
    // A first text comes before what refers to it, whatever the ids of the rows say.
    std::ranges::stable_sort(arrivals_, [](const Arrival& left, const Arrival& right) {
      return std::pair{left.intake.hour, !left.intake.first} <
             std::pair{right.intake.hour, !right.intake.first};
    });
    for (auto& arrival : arrivals_)
      if (take(arrival)) ++page.accepted;
    seal();
    if (const auto linked = link(); !linked) return linked.error();
    if (const auto stored = threads_.store_.apply(change_); !stored) return stored.error();
    return page;
  }

 private:
  struct Known {
    std::optional<Id> origin;        // pinned by a thread of ours
    std::optional<Id> first_record;  // the hash of the report's first INTAKE as it is stored
    std::vector<Id> own_refs;        // tags of its verified ref, in any epoch
    std::optional<storage::Address> row;
    std::optional<ReturnAddress> address;
    bool changed = false;
  };
  // A new report whose number may stand for others.
  struct Newcomer {
    Id report_id{};
    Id tag{};              // of its number, this week
    std::vector<Id> tags;  // in every epoch
    std::uint32_t hour = 0;
  };
  struct Sibling {
    Id report_id{};
    std::uint32_t hour = 0;   // of its first text
    std::uint32_t epoch = 0;  // of its newest thread
  };

  // Opens what a gateway of ours has signed. What nobody can open any more is done as well.
  void open(const std::vector<storage::InboxRow>& rows) {
    for (const auto& row : rows) {
      const auto intake = identity::verify_intake(row.record, threads_.directory_);
      if (!intake || identity::envelope_digest(row.retaddr) != intake->return_address_digest) {
        ++threads_.alarms_.refused_records;
        change_.read.push_back(row.inbox_id);
        continue;
      }
      const auto claimed = identity::claimed_return_address(row.retaddr);
      const auto* epoch = claimed ? threads_.epochs_.find(claimed->epoch) : nullptr;
      if (epoch == nullptr) {
        change_.read.push_back(row.inbox_id);
        continue;
      }
      auto address = identity::open_return_address(row.retaddr, intake->report_id, epoch->number,
                                                   epoch->keys.box);
      if (!address) {
        ++threads_.alarms_.refused_records;
        change_.read.push_back(row.inbox_id);
        continue;
      }
      arrivals_.push_back(
          {row.inbox_id, *intake, crypto::hash16({row.record}), std::move(*address)});
    }
  }

  // What is known of the reports that they name.
  result<void> learn() {
    std::vector<Id> reports;
    for (const auto& arrival : arrivals_) reports.push_back(arrival.intake.report_id);
    auto firsts = threads_.store_.first_records(reports);
    if (!firsts) return firsts.error();
    auto threads = threads_.store_.threads_of(reports);
    if (!threads) return threads.error();
    auto addresses = threads_.store_.addresses(reports);
    if (!addresses) return addresses.error();
    for (const auto& first : *firsts) {
      const auto intake = identity::verify_intake(first.record, threads_.directory_);
      if (intake && intake->first && intake->report_id == first.report_id)
        known_[first.report_id].first_record = crypto::hash16({first.record});
    }
    for (const auto& thread : *threads) {
      if (!threads_.is_ours(thread)) continue;
      known_[thread.report_id].origin = thread.origin;
      if (thread.kind == 'c') known_[thread.report_id].own_refs.push_back(thread.tag);
    }
    for (auto& row : *addresses) {
      auto& known = known_[row.report_id];
      known.address = threads_.opened(row);
      known.row = std::move(row);
    }
    return {};
  }

  // False if it is refused or has to wait for its report.
  bool take(Arrival& arrival) {
    const auto& intake = arrival.intake;
    auto& known = known_[intake.report_id];
    auto origin = known.first_record;
    if (intake.first) {
      if (origin && *origin != arrival.record_hash) return refuse(arrival);
      origin = arrival.record_hash;
    }
    if (!origin) origin = known.origin;
    if (!origin) return false;  // a later text that overtook its report
    if (known.origin && *known.origin != *origin) return refuse(arrival);
    known.origin = origin;

    auto& address = arrival.address;
    const auto ref_tags = threads_.tags(address.ref);
    address.ref_unverified = address.ref_unverified || intake.joined_by_number;
    if (!address.ref_unverified && !known.own_refs.empty() &&
        std::ranges::none_of(ref_tags,
                             [&](const Id& tag) { return contains(known.own_refs, tag); })) {
      ++threads_.alarms_.second_refs;
      address.ref_unverified = true;
    }
    // A yes counts as verified in the sitting of a new report or with its ref.
    address.yes_unverified = address.may_text && (address.yes_unverified || address.ref_unverified);

    const auto& epoch = *threads_.current();
    const auto day = intake.hour / hours_a_day;
    if (address.number) {
      const auto tag = tag_of(*address.number, epoch);
      add(ThreadKind::number, tag, intake.report_id, *origin, day);
      if (intake.first)
        newcomers_.push_back({intake.report_id, tag, threads_.tags(*address.number), intake.hour});
    }
    const auto ref_tag = tag_of(address.ref, epoch);
    if (address.ref_unverified) {
      add(ThreadKind::unverified_ref, ref_tag, intake.report_id, *origin, day);
    } else {
      add(ThreadKind::ref, ref_tag, intake.report_id, *origin, day);
      known.own_refs.push_back(ref_tag);
    }
    if (!known.row) known.row = storage::Address{intake.report_id, 0, {}, day};
    known.row->day = std::max(known.row->day, day);
    known.address = merged(std::move(known.address), std::move(address));
    known.changed = true;
    change_.read.push_back(arrival.inbox_id);
    return true;
  }

  bool refuse(const Arrival& arrival) {
    ++threads_.alarms_.other_origin;
    change_.read.push_back(arrival.inbox_id);
    return false;
  }

  void add(ThreadKind kind, const Id& tag, const Id& report_id, const Id& origin,
           std::uint32_t day) {
    const std::pair key{tag, report_id};
    const auto place = places_.find(key);
    if (place == places_.end()) {
      places_.emplace(key, change_.threads.size());
      change_.threads.push_back(threads_.thread(kind, tag, report_id, origin, day));
      return;
    }
    auto& there = change_.threads[place->second];
    if (kind == ThreadKind::unverified_ref) kind = static_cast<ThreadKind>(there.kind);
    there = threads_.thread(kind, tag, report_id, origin, std::max(there.day, day));
  }

  void seal() {
    for (const auto& [report, known] : known_)
      if (known.changed && worth_keeping(*known.address))
        change_.addresses.push_back(threads_.sealed(*known.address, *known.row));
  }

  // --- The same sender

  result<void> link() {
    if (relay_ == nullptr || newcomers_.empty()) return {};
    std::vector<Id> asked;
    for (const auto& newcomer : newcomers_)
      asked.insert(asked.end(), newcomer.tags.begin(), newcomer.tags.end());
    const auto views = threads_.store_.look_up(asked);
    if (!views) return views.error();
    for (std::size_t i = 0; i < newcomers_.size(); ++i)
      if (const auto linked = link(i, *views); !linked) return linked.error();
    return {};
  }

  // The other reports of its number, those of this page that came before it among them; the newest
  // first.
  std::vector<Sibling> siblings(std::size_t which, const std::vector<storage::ThreadView>& views) {
    const auto& newcomer = newcomers_[which];
    std::vector<Sibling> out;
    const auto is_new = [&](const Id& report) {
      return report != newcomer.report_id &&
             std::ranges::find(out, report, &Sibling::report_id) == out.end();
    };
    for (std::size_t i = which; i-- > 0;)
      if (newcomers_[i].tag == newcomer.tag && is_new(newcomers_[i].report_id))
        out.push_back({newcomers_[i].report_id, newcomers_[i].hour, threads_.current()->number});
    for (const auto& view : views)  // of the newest epoch first
      if (view.thread.kind == 'n' && contains(newcomer.tags, view.thread.tag) &&
          !view.record.empty() && is_new(view.thread.report_id) && threads_.is_ours(view.thread))
        out.push_back({view.thread.report_id, claimed_hour(view.record), view.thread.epoch});
    std::ranges::stable_sort(out, std::ranges::greater{}, &Sibling::hour);
    return out;
  }

  // Nothing of a report that is closed, taken back or deleted: that is no failure here.
  result<std::optional<Id>> owner_of_open(const Id& report) {
    const auto known = threads_.find(report);
    if (!known && known.error() != errc::not_found)
      return {boost::system::in_place_error, known.error()};
    if (!known || !known->found || known->stage == static_cast<std::uint8_t>(Stage::closed))
      return std::optional<Id>{};
    return std::optional{known->owner_queue};
  }

  result<void> link(std::size_t which, const std::vector<storage::ThreadView>& views) {
    const auto& newcomer = newcomers_[which];
    const auto others = siblings(which, views);
    if (others.empty()) return {};
    const auto owner = owner_of_open(newcomer.report_id);
    if (!owner) return owner.error();
    if (!*owner) return {};
    for (const auto& other : std::span{others}.first(std::min(others.size(), most_siblings))) {
      const auto holder = owner_of_open(other.report_id);
      if (!holder) return holder.error();
      if (*holder != *owner) continue;
      const auto bytes = identity::sign_same_sender(
          {static_cast<std::uint32_t>(threads_.now_.time_since_epoch() / std::chrono::hours{1}),
           {newcomer.report_id, other.report_id},
           **owner},
          *relay_);
      // In the order of the signed bytes, so that a pair is one row.
      const auto [lesser, greater] = std::minmax(newcomer.report_id, other.report_id);
      change_.same_senders.push_back({lesser,
                                      greater,
                                      newcomer.tag,
                                      std::min(other.epoch, threads_.current()->number),
                                      {bytes.begin(), bytes.end()}});
      return {};
    }
    return {};
  }

  Threads& threads_;
  const crypto::SigningKey* relay_;
  std::vector<Newcomer> newcomers_;
  std::vector<Arrival> arrivals_;
  std::map<Id, Known> known_;
  std::map<std::pair<Id, Id>, std::size_t> places_;  // of a tag and report among the new threads
  storage::RelayChange change_;
};

result<Threads::InboxPage> Threads::read_inbox(const Id& after, const crypto::SigningKey* relay) {
  if (current() == nullptr) return errc::unavailable;
  const auto rows = store_.inbox(after, inbox_page);
  if (!rows) return rows.error();
  return Inbox{*this, relay}.read(*rows);
}

// --- END

result<void> Threads::drop_numbers(const std::vector<Id>& reports, storage::RelayChange& change) {
  const auto rows = store_.addresses(reports);
  if (!rows) return rows.error();
  for (const auto& row : *rows) {
    auto address = opened(row);
    if (address) drop_number(*address);
    if (address && worth_keeping(*address))
      change.addresses.push_back(sealed(*address, row));
    else
      change.gone_addresses.push_back(row.report_id);
  }
  return {};
}

namespace {

storage::Statement withdrawal(const Id& report_id, const Id& origin, bool with_ref, Seconds now,
                              const crypto::SigningKey& relay) {
  identity::Statement statement;
  statement.type = identity::StatementType::withdraw;
  statement.with_ref = with_ref;
  statement.hour = static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::hours{1});
  statement.report_id = report_id;
  statement.previous = origin;
  const auto bytes = identity::sign_statement(statement, relay);
  return {identity::statement_hash(bytes), report_id, {bytes.begin(), bytes.end()}};
}

}  // namespace

result<Threads::Ended> Threads::end(const Msisdn& number, EndKind how,
                                    const crypto::SigningKey* relay) {
  if (current() == nullptr) return errc::unavailable;
  storage::RelayChange change;
  change.gone_tags = tags(number);
  const auto views = store_.look_up(change.gone_tags);
  if (!views) return views.error();
  Ended ended;
  for (const auto& view : *views) {
    const auto& thread = view.thread;
    if (contains(ended.reports, thread.report_id) || !is_ours(thread)) continue;
    ended.found = true;
    ended.reports.push_back(thread.report_id);
    if (how == EndKind::erase && relay != nullptr && !view.record.empty())
      change.statements.push_back(withdrawal(thread.report_id, thread.origin, false, now_, *relay));
  }
  if (const auto dropped = drop_numbers(ended.reports, change); !dropped) return dropped.error();
  if (const auto done = store_.apply(change); !done) return done.error();
  return ended;
}

result<Threads::Ended> Threads::end(const Ref& ref, EndKind how, const crypto::SigningKey* relay) {
  const auto view = thread_of(ref);
  if (!view) return view.error();
  Ended ended;
  if (!*view) return ended;
  const auto& thread = (*view)->thread;
  const bool verified = thread.kind == 'c';
  const auto known = answer_by_ref(**view);
  // Of a report that was withdrawn with this ref, what was still on its way goes as well.
  if (!known && !verified) return ended;
  ended.found = true;
  ended.reports.push_back(thread.report_id);
  storage::RelayChange change;
  if (known && how == EndKind::erase && relay != nullptr)
    change.statements.push_back(
        withdrawal(thread.report_id, thread.origin, verified, now_, *relay));
  if (!known || (how == EndKind::erase && verified)) {
    change.gone_reports = ended.reports;
  } else {
    change.gone_numbers = ended.reports;
    if (const auto dropped = drop_numbers(ended.reports, change); !dropped) return dropped.error();
  }
  if (const auto done = store_.apply(change); !done) return done.error();
  return ended;
}

// --- Keeping and forgetting

void Threads::roll_threads(const ReturnAddress& address, const Id& report_id,
                           const std::vector<storage::Thread>& threads,
                           storage::RelayChange& change) {
  const auto roll = [&](ThreadKind kind, const auto& what) {
    const auto tag = tag_of(what, *current());
    const storage::Thread* older = nullptr;
    for (const auto& there : threads) {
      const auto* epoch = epochs_.find(there.epoch);
      if (there.report_id != report_id || there.kind != static_cast<char>(kind) ||
          epoch == nullptr || there.tag != tag_of(what, *epoch) || !is_ours(there))
        continue;
      if (there.epoch >= current()->number) return;
      older = &there;
    }
    if (older != nullptr)
      change.threads.push_back(thread(kind, tag, report_id, older->origin, older->day));
  };
  if (address.number) roll(ThreadKind::number, *address.number);
  if (!address.ref_unverified) roll(ThreadKind::ref, address.ref);
}

result<Threads::Sweep> Threads::sweep(const Id& after) {
  if (current() == nullptr) return errc::unavailable;
  const auto rows = store_.addresses_after(after, address_page);
  if (!rows) return rows.error();
  Sweep sweep;
  sweep.rows = static_cast<std::uint32_t>(rows->size());
  if (rows->empty()) return sweep;
  sweep.last = rows->back().report_id;

  std::vector<Id> reports;
  for (const auto& row : *rows) reports.push_back(row.report_id);
  const auto firsts = store_.first_records(reports);
  if (!firsts) return firsts.error();
  const auto threads = store_.threads_of(reports);
  if (!threads) return threads.error();

  storage::RelayChange change;
  for (auto row : *rows) {
    auto address = opened(row);
    if (!address) {
      // Forged, or of a week whose key is gone.
      change.gone_addresses.push_back(row.report_id);
      continue;
    }
    const auto first =
        std::ranges::find(*firsts, row.report_id, &storage::blocking::RelayStore::First::report_id);
    if (first == firsts->end() ||
        claimed_hour(first->record) / hours_a_day + days_of_a_ref <= today()) {
      change.gone_reports.push_back(row.report_id);
      ++sweep.removed;
      continue;
    }
    const auto closed_day = row.closed_day;
    if (first->stage != Stage::closed)
      row.closed_day.reset();
    else if (!row.closed_day)
      row.closed_day = today();
    if (row.closed_day && *row.closed_day + days_after_close <= today()) {
      change.gone_reports.push_back(row.report_id);
      ++sweep.removed;
      continue;
    }
    // An unverified yes holds for the week in which it was said.
    const bool forgets_number =
        address->number && (row.day + days_without_contact <= today() ||
                            (address->yes_unverified && row.day / 7 < current()->number));
    if (forgets_number) {
      drop_number(*address);
      change.gone_numbers.push_back(row.report_id);
      ++sweep.removed;
    }
    if (!worth_keeping(*address)) {
      change.gone_addresses.push_back(row.report_id);
      continue;
    }
    const bool rolls = row.epoch < current()->number;
    if (rolls) ++sweep.rolled;
    if (rolls || forgets_number || row.closed_day != closed_day)
      change.addresses.push_back(sealed(*address, row));
    roll_threads(*address, row.report_id, *threads, change);
  }
  if (const auto done = store_.apply(change); !done) return done.error();
  return sweep;
}

// --- For sending

result<std::optional<Threads::KnownAddress>> Threads::address(const Id& report_id) {
  const auto rows = store_.addresses(std::span{&report_id, 1});
  if (!rows) return rows.error();
  std::optional<KnownAddress> known;
  if (rows->empty()) return known;
  auto address = opened(rows->front());
  if (address) known = KnownAddress{std::move(*address), rows->front().day};
  return known;
}

result<void> Threads::confirm_yes(const Id& report_id) {
  if (current() == nullptr) return errc::unavailable;
  const auto rows = store_.addresses(std::span{&report_id, 1});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  auto address = opened(rows->front());
  if (!address || !address->yes_unverified) return {};
  address->yes_unverified = false;
  storage::RelayChange change;
  change.addresses.push_back(sealed(*address, rows->front()));
  return store_.apply(change);
}

}  // namespace ishara::relay
