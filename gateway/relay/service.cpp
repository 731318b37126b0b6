#include "gateway/relay/service.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <deque>
#include <exception>
#include <filesystem>
#include <list>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/identity/audit.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/seen_rosters.hpp"
#include "gateway/log/log.hpp"
#include "gateway/relay/chain_watch.hpp"
#include "gateway/relay/limits.hpp"
#include "gateway/relay/panic.hpp"
#include "gateway/relay/refs.hpp"
#include "gateway/relay/server.hpp"
#include "storage/offload.hpp"

namespace ishara::relay {

// What rings, in the words of the log.
enum class Alarm : std::uint8_t {
  resolve_clamped,
  refs_guessed,
  other_origin,
  refused_records,
  forged_rows,
  second_refs,
  duplicate_refs,
  audit_broken,
  own_key_refused,
};

}  // namespace ishara::relay

template <>
struct ishara::log::Names<ishara::relay::Alarm> {
  static constexpr std::array<std::string_view, 9> table{
      "resolve_clamped", "refs_guessed",   "other_origin", "refused_records", "forged_rows",
      "second_refs",     "duplicate_refs", "audit_broken", "own_key_refused"};
};

namespace ishara::relay {

using namespace std::chrono_literals;
using boost::system::error_code;
using identity::PlainAnswer;
using identity::RelayStatus;
using storage::blocking::RelayStore;

namespace {

constexpr auto roster_interval = 5s;
constexpr auto inbox_interval = 500ms;
constexpr auto epoch_interval = 60s;
constexpr auto sweep_interval = 1h;
constexpr auto deleted_interval = 30s;
constexpr auto retry_interval = 1s;
constexpr auto audit_interval = 1s;
constexpr auto panic_interval = 100ms;
constexpr auto forget_limit = 500ms;  // for work in hand that still uses keys
constexpr auto checkpoint_interval = 5min;
constexpr auto replies_interval = 1min;
constexpr std::size_t most_untold = 1'000;
constexpr std::chrono::milliseconds stop_limit{15'000};

Reply plain(RelayStatus status = RelayStatus::done) { return {status, PlainAnswer{}}; }

// What the store says when there is nothing to look up with, or nothing to look it up in.
Reply away() { return plain(RelayStatus::away); }

// What crosses threads must be default-constructible (Boost 1.81).
struct ReadDirectory {
  boost::system::result<std::shared_ptr<const identity::Directory>> value{nullptr};
};

struct ChainLook {
  boost::system::result<ChainWatch::Look> value{ChainWatch::Look{}};
};

// Announces the keys of this week and later that are not announced yet.
storage::result<void> announce_epochs(const LiveEpochs& live, RelayStore& store,
                                      const crypto::SigningKey& relay, Seconds now) {
  const auto announced = store.epochs(identity::epoch_at(now));
  if (!announced) return announced.error();
  storage::result<void> done;
  for (const auto& epoch : live.newest_first()) {
    const auto kid = crypto::key_id(epoch.keys.box.public_key);
    if (epoch.number < identity::epoch_at(now) ||
        std::ranges::any_of(*announced, [&](const auto& row) { return row.kid == kid; }))
      continue;
    // A key that takes the place of a lost one is good from now on, which makes it the newer one.
    identity::EpochAnnouncement announcement;
    announcement.epoch = epoch.number;
    announcement.not_before = static_cast<std::uint64_t>(
        std::max(start_of(epoch.number), now).time_since_epoch().count());
    announcement.not_after =
        static_cast<std::uint64_t>(start_of(epoch.number + 1).time_since_epoch().count());
    announcement.key = epoch.keys.box.public_key;
    const auto bytes = identity::sign_epoch(announcement, relay);
    const auto stored = store.put_epoch({epoch.number, kid, {bytes.begin(), bytes.end()}});
    if (!stored && done) done = stored.error();
  }
  return done;
}

// Refuses what goes back behind rosters that were seen, also before the last restart.
ReadDirectory read_directory(RelayStore& store, const crypto::PublicKey& root,
                             const std::filesystem::path& seen) {
  const auto rows = store.rosters();
  if (!rows) return {rows.error()};
  auto directory = identity::Directory::verified_rows(identity::rows_of(*rows), root);
  if (!directory) return {directory.error()};
  if (const auto good = identity::remember_rosters(seen, *directory); !good) return {good.error()};
  return {std::make_shared<const identity::Directory>(std::move(*directory))};
}

}  // namespace

class Service::Work {
 public:
  Work(asio::io_context& context, const config::Config& config, Keys keys,
       const MakeReplies& make_replies, Workbench::Clock clock)
      : context_{context},
        config_{config},
        keys_{std::move(keys)},
        folder_{config.paths.epochs, std::move(keys_.host)},
        bench_{config.database.relay_url, std::move(clock)},
        replies_{make_replies ? make_replies(bench_) : nullptr},
        server_{context.get_executor(),
                {config.relay.socket, config.relay.users},
                [this](identity::RelayRequest request) { return answer(std::move(request)); }} {
    const auto turned = turn_epochs(folder_, bench_.now());
    tell(identity::AuditAction::start, 0, R"({"role":"relay"})");
    note(turned);
    if (!turned.live) throw boost::system::system_error{turned.error};
  }

  void start(std::function<void()> on_panic) {
    server_.start();
    log::write<log::Event::relay_listening>();
    run(keep_watch(std::move(on_panic)));
    run(keep_rosters());
    run(keep_epochs());
    run(keep_epochs_announced());
    run(keep_inbox());
    run(keep_ends());
    run(keep_swept());
    run(keep_audit());
  }

  asio::awaitable<void> stop() {
    log::write<log::Event::relay_stopping>(server_.connections());
    stopping_ = true;
    for (auto& timer : timers_) timer.cancel();
    co_await server_.stop(stop_limit);
    log::write<log::Event::relay_stopped>(0);
  }

  asio::awaitable<void> read_rosters() {
    auto work = [this](RelayStore& store) {
      return read_directory(store, config_.deployment.root_public_key,
                            config_.paths.state / "relay.seen");
    };
    const auto read = co_await bench_.prepare(std::move(work));
    const auto error = read.value ? error_code{} : read.value.error();
    if (read.value) bench_.use(*read.value);
    look_at_own_key();
    if (error && error != rosters_refused_) {
      if (error == identity::roster_errc::missing_root)
        log::write<log::Event::rosters_awaited>();
      else
        log::write<log::Event::roster_refused>(error.value());
    }
    rosters_refused_ = error;
  }

 private:
  void run(asio::awaitable<void> chore) {
    asio::co_spawn(context_, std::move(chore), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }
  asio::steady_timer& timer() { return timers_.emplace_back(context_); }
  static asio::awaitable<void> wait(asio::steady_timer& timer, std::chrono::milliseconds pause) {
    timer.expires_after(pause);
    error_code cancelled;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  static Moment moment() { return std::chrono::steady_clock::now(); }

  // --- Requests

  asio::awaitable<Reply> answer(identity::RelayRequest request) {
    return std::visit([this](auto&& what) { return on(std::move(what)); }, std::move(request));
  }

  static identity::Ref draw() { return identity::Ref::from(crypto::random_bytes<16>()); }

  asio::awaitable<Reply> on(identity::ResolveNumber request) {
    if (!config_.relay.thread_by_number) co_return plain(RelayStatus::strict);
    const bool allowed = resolve_limit_.take(moment());
    if (resolve_limit_.alarm()) ring(Alarm::resolve_clamped, 1);
    if (!allowed) co_return plain(RelayStatus::limited);
    const auto drawn = draw();
    auto work = [number = std::move(request.number), drawn](Threads& threads, RelayStore&) {
      return threads.find(number, drawn);
    };
    const auto found = co_await bench_.look_up(std::move(work));
    if (!found) co_return away();
    if (!found->answer.found) resolve_limit_.missed(moment());
    auto answer = found->answer;
    if (found->drawn_is_unused && reserved_.reserve(drawn, moment())) {
      answer.unused_ref = drawn;
    } else {
      const auto again = co_await unused_ref();
      if (!again) co_return away();
      answer.unused_ref = *again;
    }
    co_return Reply{RelayStatus::done, std::move(answer)};
  }

  asio::awaitable<Reply> on(identity::ResolveRef request) {
    const auto found = co_await find(request.ref);
    if (!found.error) co_return Reply{RelayStatus::done, found.answer};
    co_return plain(*found.error);
  }

  asio::awaitable<Reply> on(identity::PullReply request) {
    const auto found = co_await find(request.ref);
    if (found.error) co_return plain(*found.error);
    identity::PullAnswer pulled;
    pulled.found = found.answer.found;
    if (pulled.found && found.answer.kind == identity::RefKind::verified)
      pulled.stage = found.answer.stage;
    if (pulled.found && replies_) {
      auto text = co_await replies_->pull(found.answer.report_id, found.answer.kind);
      if (!text) co_return away();
      pulled.text = std::move(*text);
    }
    co_return Reply{RelayStatus::done, std::move(pulled)};
  }

  asio::awaitable<Reply> on(identity::EndByNumber request) {
    return carry_out(std::make_shared<End>(End{std::move(request)}));
  }

  asio::awaitable<Reply> on(identity::EndByRef request) {
    const bool allowed = ref_limit_.take(moment());
    if (ref_limit_.alarm(moment())) ring(Alarm::refs_guessed, 1);
    if (!allowed) co_return plain(RelayStatus::limited);
    auto end = std::make_shared<End>(End{request});
    auto reply = co_await carry_out(std::move(end));
    co_return reply;
  }

  asio::awaitable<Reply> on(identity::SendTemplate request) {
    if (replies_) replies_->acknowledge(std::move(request));
    co_return plain();
  }

  asio::awaitable<Reply> on(identity::ResolveReport request) {
    auto work = [request](Threads& threads, RelayStore&) {
      return threads.find(request.report_id);
    };
    const auto found = co_await bench_.look_up(std::move(work));
    if (!found && found.error() == storage::errc::not_found) co_return plain(RelayStatus::gone);
    if (!found) co_return away();
    co_return Reply{RelayStatus::done, *found};
  }

  asio::awaitable<Reply> on(identity::FreshRef) {
    if (!fresh_limit_.take(moment())) co_return plain(RelayStatus::limited);
    const auto ref = co_await unused_ref();
    if (!ref) co_return away();
    co_return Reply{RelayStatus::done, identity::FreshAnswer{*ref}};
  }

  asio::awaitable<Reply> on(identity::Delivery request) {
    if (replies_) replies_->delivered(std::move(request));
    co_return plain();
  }

  asio::awaitable<Reply> on(identity::OpenWindow request) {
    if (replies_) replies_->open_window(std::move(request));
    co_return plain();
  }

  struct End {
    std::variant<identity::EndByNumber, identity::EndByRef> request;
    bool found = false;
  };

  // Cuts what is known at once. What the phone sent just before may still wait in the inbox, so the
  // same is done again when that has been read: before the answer if the inbox is short, as it
  // mostly is. In a flood nobody waits for it.
  asio::awaitable<Reply> carry_out(std::shared_ptr<End> end) {
    const bool known = co_await cut(end);
    if (!known) {
      settle(*end);
      co_return away();
    }
    const auto page = co_await read_inbox_page({});
    bool whole = page && page->rows < inbox_page;
    if (whole) whole = co_await cut(end);
    if (whole)
      settle(*end);
    else
      unfinished_ends_.push_back(std::move(end));
    co_return plain();
  }

  // False while the database is away.
  asio::awaitable<bool> cut(std::shared_ptr<End> end) {
    // In strict mode nobody can delete by number alone.
    auto work = [end, signer = &keys_.signing, by_number = config_.relay.thread_by_number](
                    Threads& threads, RelayStore&) {
      const auto* number = std::get_if<identity::EndByNumber>(&end->request);
      if (number != nullptr)
        return threads.end(number->number, number->how, by_number ? signer : nullptr);
      const auto& ref = std::get<identity::EndByRef>(end->request);
      return threads.end(ref.ref, ref.how, signer);
    };
    auto ended = co_await bench_.change(std::move(work));
    if (!ended) co_return false;
    end->found = end->found || ended->found;
    if (replies_) replies_->ended(std::move(ended->reports));
    co_return true;
  }

  void settle(const End& end) {
    if (std::holds_alternative<identity::EndByRef>(end.request))
      ref_limit_.settle(moment(), !end.found);
  }

  struct FoundRef {
    std::optional<RelayStatus> error;
    identity::ThreadAnswer answer;
  };
  asio::awaitable<FoundRef> find(identity::Ref ref) {
    const bool allowed = ref_limit_.take(moment());
    if (ref_limit_.alarm(moment())) ring(Alarm::refs_guessed, 1);
    if (!allowed) co_return FoundRef{RelayStatus::limited, {}};
    auto work = [ref](Threads& threads, RelayStore&) { return threads.find(ref); };
    const auto found = co_await bench_.look_up(std::move(work));
    ref_limit_.settle(moment(), found && !found->found);
    if (!found) co_return FoundRef{RelayStatus::away, {}};
    co_return FoundRef{{}, *found};
  }

  // Nothing while the database is away.
  asio::awaitable<std::optional<identity::Ref>> unused_ref() {
    for (;;) {
      const auto drawn = draw();
      auto work = [drawn](Threads& threads, RelayStore&) { return threads.is_unused(drawn); };
      const auto unused = co_await bench_.look_up(std::move(work));
      if (!unused) co_return std::nullopt;
      if (*unused && reserved_.reserve(drawn, moment())) co_return drawn;
    }
  }

  // --- Chores

  asio::awaitable<void> keep_rosters() {
    auto& pause = timer();
    while (!stopping_) {
      co_await read_rosters();
      co_await wait(pause, rosters_refused_ ? retry_interval : roster_interval);
    }
  }

  // Rings once, until the key is good again: by the rosters it has ended, or they do not name it,
  // and nobody believes what this relay signs.
  void look_at_own_key() {
    if (!bench_.directory()) return;
    const auto until = bench_.directory()->last_hour("relay", keys_.signing.public_key);
    const auto hour = static_cast<std::uint64_t>(bench_.now().time_since_epoch() / 1h);
    const bool refused = !until || hour > *until;
    if (refused && !key_refused_) {
      log::write<log::Event::service_key_refused>(until.value_or(0));
      ring(Alarm::own_key_refused, 1);
    }
    key_refused_ = refused;
  }

  void note(const TurnedEpochs& turned) {
    for (const auto number : turned.created) {
      log::write<log::Event::epoch_created>(number);
      tell(identity::AuditAction::epoch_created, number);
    }
    for (const auto number : turned.destroyed) {
      log::write<log::Event::epoch_destroyed>(number);
      tell(identity::AuditAction::epoch_destroyed, number);
    }
    // No key stays in memory longer than its file, even if the relay is away until the others can
    // be read again; and what was read while the relay is being stopped is not used any more.
    if (stopping_) return;
    if (turned.live || !turned.destroyed.empty()) bench_.use(turned.live);
  }

  // Looks at one name in a folder, which is cheaper than to be told, and cannot be missed.
  asio::awaitable<void> keep_watch(std::function<void()> on_panic) {
    auto& pause = timer();
    while (!stopping_ && !is_stopped(config_.paths.epochs)) co_await wait(pause, panic_interval);
    if (stopping_) co_return;
    const std::weak_ptr<const LiveEpochs> epochs = bench_.epochs();
    bench_.use(std::shared_ptr<const LiveEpochs>{});
    stopping_ = true;  // for the chores, which would read the keys anew
    const auto destroyed = destroy_all_epochs(config_.paths.epochs);
    const auto end = moment() + forget_limit;
    while (!epochs.expired() && moment() < end) co_await wait(pause, 5ms);
    log::write<log::Event::relay_stopped_by_panic>(destroyed.count, destroyed.error.value(),
                                                   !epochs.expired());
    if (on_panic) on_panic();
  }

  // On a thread of its own: no database, however slow, keeps a key from being destroyed.
  asio::awaitable<void> keep_epochs() {
    auto& pause = timer();
    error_code last;
    while (!stopping_) {
      auto work = [this, now = bench_.now()] { return turn_epochs(folder_, now); };
      const auto turned = co_await storage::offload(folder_thread_, std::move(work));
      note(turned);
      if (turned.error && turned.error != last)
        log::write<log::Event::epoch_failed>(turned.error.value());
      last = turned.error;
      report_alarms();
      co_await wait(pause, turned.error ? retry_interval : epoch_interval);
    }
  }

  // Announced again and again until it stands there: the database may have been away.
  asio::awaitable<void> keep_epochs_announced() {
    auto& pause = timer();
    error_code last;
    while (!stopping_) {
      auto work = [this, live = bench_.epochs(), now = bench_.now()](RelayStore& store) {
        return live ? announce_epochs(*live, store, keys_.signing, now) : storage::result<void>{};
      };
      const auto announced = co_await bench_.prepare(std::move(work));
      const auto error = announced ? error_code{} : announced.error();
      if (error && error != last) log::write<log::Event::epoch_failed>(error.value());
      last = error;
      co_await wait(pause, error ? retry_interval : epoch_interval);
    }
  }

  // In a flood a page at a time with pauses: texts are taken in first, and their addresses are read
  // when it is over (privacy.md 7.4).
  asio::awaitable<void> keep_inbox() {
    auto& pause = timer();
    crypto::Id after{};
    while (!stopping_) {
      const auto page = co_await read_inbox_page(after);
      const bool more = page && page->rows == inbox_page;
      after = more ? page->last : crypto::Id{};
      if (!more || resolve_limit_.flooded(moment())) co_await wait(pause, inbox_interval);
    }
  }

  // As many as there are, they share one reading of the inbox, which begins after they came.
  asio::awaitable<void> keep_ends() {
    auto& pause = timer();
    while (!stopping_) {
      const auto ends = std::exchange(unfinished_ends_, {});
      bool done = ends.empty();
      if (!done) done = co_await read_whole_inbox();
      for (const auto& end : ends) {
        if (done) done = co_await cut(end);
        if (done)
          settle(*end);
        else
          unfinished_ends_.push_back(end);
      }
      if (unfinished_ends_.empty() || !done) co_await wait(pause, inbox_interval);
    }
  }

  // Page by page, so that others get their turn in between.
  asio::awaitable<bool> read_whole_inbox() {
    crypto::Id after{};
    for (;;) {
      const auto page = co_await read_inbox_page(after);
      if (!page) co_return false;
      if (page->rows < inbox_page || stopping_) co_return true;
      after = page->last;
    }
  }

  asio::awaitable<storage::result<Threads::InboxPage>> read_inbox_page(crypto::Id after) {
    // In strict mode no two reports are told to be of one number.
    auto work = [after, signer = config_.relay.thread_by_number ? &keys_.signing : nullptr](
                    Threads& threads, RelayStore&) { return threads.read_inbox(after, signer); };
    auto page = co_await bench_.change(std::move(work));
    if (page) resolve_limit_.accepted(moment(), page->accepted);
    co_return page;
  }

  asio::awaitable<void> keep_swept() {
    auto& pause = timer();
    std::uint32_t swept_epoch = 0;
    auto next = moment();
    auto next_deleted = moment();
    while (!stopping_) {
      if (moment() >= next_deleted) {
        auto work = [](Threads&, RelayStore& store) { return store.forget_deleted(); };
        const auto forgotten = co_await bench_.change(std::move(work));
        if (forgotten) next_deleted = moment() + deleted_interval;
      }
      const auto epoch = identity::epoch_at(bench_.now());
      if (epoch != swept_epoch || moment() >= next) {
        const bool done = co_await sweep();
        if (done) {
          swept_epoch = epoch;
          next = moment() + sweep_interval;
        }
      }
      co_await wait(pause, retry_interval);
    }
  }

  asio::awaitable<bool> sweep() {
    crypto::Id after{};
    std::uint32_t rolled = 0;
    std::uint32_t removed = 0;
    for (;;) {
      auto work = [after](Threads& threads, RelayStore&) { return threads.sweep(after); };
      const auto page = co_await bench_.change(std::move(work));
      if (!page || stopping_) co_return false;
      rolled += page->rolled;
      removed += page->removed;
      if (page->rows < address_page) break;
      after = page->last;
    }
    const auto epochs = bench_.epochs();
    if (!epochs || epochs->newest_first().empty()) co_return false;
    const auto oldest = epochs->newest_first().back().number;
    auto work = [oldest](Threads&, RelayStore& store) {
      return store.forget_epochs_before(oldest);
    };
    const auto forgotten = co_await bench_.change(std::move(work));
    if (!forgotten) co_return false;
    if (rolled + removed > 0) log::write<log::Event::addresses_swept>(rolled, removed);
    tell(identity::AuditAction::sweep, 0,
         "{\"rolled\":" + std::to_string(rolled) + ",\"removed\":" + std::to_string(removed) + "}");
    co_return true;
  }

  void ring(Alarm alarm, std::uint64_t count) {
    if (count == 0) return;
    log::write<log::Event::relay_alarm>(alarm, count);
    const auto kind = log::Names<Alarm>::table[static_cast<std::size_t>(alarm)];
    tell(identity::AuditAction::alarm, 0,
         "{\"kind\":\"" + std::string{kind} + "\",\"count\":" + std::to_string(count) + "}");
  }

  // --- Accounting for it

  void tell(identity::AuditAction action, std::uint32_t flags, std::string detail = "{}") {
    if (untold_.size() < most_untold) untold_.push_back(scribe(action, flags, std::move(detail)));
  }
  storage::AuditScribe scribe(identity::AuditAction action, std::uint32_t flags = 0,
                              std::string detail = "{}") const {
    return identity::scribe_of(
        {action, static_cast<std::uint64_t>(bench_.now().time_since_epoch().count()),
         crypto::key_id(keys_.signing.public_key), flags, std::move(detail)});
  }

  asio::awaitable<void> keep_audit() {
    auto& pause = timer();
    auto next_replies = moment();
    auto next_checkpoint = moment();
    while (!stopping_) {
      const bool told = co_await tell_what_is_untold();
      if (told && moment() >= next_replies) {
        co_await tell_replies();
        next_replies = moment() + replies_interval;
      }
      if (told && moment() >= next_checkpoint) {
        co_await sign_checkpoint();
        next_checkpoint = moment() + checkpoint_interval;
      }
      co_await wait(pause, audit_interval);
    }
  }

  // False: the database is away; what is left comes later.
  asio::awaitable<bool> tell_what_is_untold() {
    if (untold_panic(config_.paths.epochs)) {
      auto work = [this, now = bench_.now()](RelayStore& store) {
        return tell_panic(config_.paths.epochs, store, keys_.signing.public_key, now);
      };
      const auto told = co_await bench_.prepare(std::move(work));
      if (!told) co_return false;
    }
    while (!untold_.empty()) {
      auto work = [next = untold_.front()](RelayStore& store) {
        return store.put_audit({}, {}, next);
      };
      const auto told = co_await bench_.prepare(std::move(work));
      if (!told) co_return false;
      untold_.pop_front();
    }
    co_return true;
  }

  // What left in the hours before this one (storage/migrations/0008_audit.sql says why).
  asio::awaitable<void> tell_replies() {
    const auto hour = bench_.now().time_since_epoch() / 1h;
    auto work = [before = static_cast<std::uint32_t>(hour),
                 sent = scribe(identity::AuditAction::reply_sent),
                 unknown = scribe(identity::AuditAction::reply_unknown)](RelayStore& store) {
      return store.audit_replies(before, sent, unknown);
    };
    (void)co_await bench_.prepare(std::move(work));
  }

  asio::awaitable<void> sign_checkpoint() {
    auto work = [this, now = bench_.now()](RelayStore& store) {
      return ChainLook{chain_.look(store, keys_.signing, now)};
    };
    const auto look = co_await bench_.prepare(std::move(work));
    if (!look.value)
      log::write<log::Event::audit_failed>(look.value.error().value());
    else if (look.value->broken) {
      log::write<log::Event::audit_broken>(look.value->seq);
      // Into the chain once for each place: it stays broken, and this comes again.
      if (std::exchange(broken_at_, look.value->seq) != look.value->seq)
        ring(Alarm::audit_broken, 1);
    }
  }

  // Sums of a minute: what rings for every request would fill the disk.
  void report_alarms() {
    const auto alarms = bench_.take_alarms();
    ring(Alarm::other_origin, alarms.other_origin);
    ring(Alarm::refused_records, alarms.refused_records);
    ring(Alarm::forged_rows, alarms.forged_rows);
    ring(Alarm::second_refs, alarms.second_refs);
    ring(Alarm::duplicate_refs, alarms.duplicate_refs);
    const auto refused = server_.refused_peers();
    if (refused > refused_peers_)
      log::write<log::Event::relay_peers_refused>(refused - refused_peers_);
    refused_peers_ = refused;
  }

  asio::io_context& context_;
  const config::Config& config_;
  Keys keys_;
  RelayAtWork at_work_{config_.paths.epochs};
  EpochFolder folder_;
  asio::thread_pool folder_thread_{1};
  std::uint64_t broken_at_ = 0;  // the entry that the chain was last found broken at
  ChainWatch chain_{config_.paths.state / "relay.audit"};
  Workbench bench_;  // after what its threads use
  ResolveLimit resolve_limit_;
  FreshLimit fresh_limit_;
  RefLimit ref_limit_;
  ReservedRefs reserved_;
  std::vector<std::shared_ptr<End>> unfinished_ends_;
  std::unique_ptr<Replies> replies_;
  Server server_;
  std::list<asio::steady_timer> timers_;
  std::uint64_t refused_peers_ = 0;
  std::deque<storage::AuditScribe> untold_;
  bool stopping_ = false;
  error_code rosters_refused_;
  bool key_refused_ = false;
};

Service::Service(asio::io_context& context, const config::Config& config, Keys keys,
                 MakeReplies make_replies, Workbench::Clock clock) {
  if (!clock)
    clock = [] {
      return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    };
  work_ = std::make_unique<Work>(context, config, std::move(keys), make_replies, std::move(clock));
}
Service::~Service() = default;
void Service::start(std::function<void()> on_panic) { work_->start(std::move(on_panic)); }
asio::awaitable<void> Service::stop() { return work_->stop(); }
asio::awaitable<void> Service::read_rosters() { return work_->read_rosters(); }

}  // namespace ishara::relay
