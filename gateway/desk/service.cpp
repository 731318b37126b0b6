#include "gateway/desk/service.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>

#include "gateway/desk/desk.hpp"
#include "gateway/desk/people.hpp"
#include "gateway/desk/strays.hpp"
#include "gateway/desk/withdrawals.hpp"
#include "gateway/http/configured.hpp"
#include "gateway/identity/seen_rosters.hpp"
#include "gateway/log/log.hpp"
#include "storage/listener.hpp"
#include "storage/store_pool.hpp"

namespace ishara::desk {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::size_t database_threads = 4;
constexpr std::chrono::seconds roster_interval{5};
constexpr std::chrono::seconds chore_interval{5};
constexpr std::chrono::milliseconds stop_limit{15'000};

// The desk answers a handful of caseworkers. The largest thing that they send is a report on its
// way to another queue: half a KiB for each of its texts.
constexpr http::Limits limits{.body = 256 * 1024, .connections = 1'000};
constexpr std::chrono::hours fetched_replies{24};  // stay so long
constexpr std::chrono::days oldest_reply{30};

// Closed reports go in small batches, so that nobody who works on others waits for long.
constexpr std::uint32_t expired_at_once = 100;
// No text waits so long in a spool for its report, and nobody writes a note to one that is gone.
constexpr std::chrono::days oldest_orphan{30};

// What was withdrawn goes when the relay's statement is told, and is looked for every minute in
// case that was missed. Many statements at once are one search.
constexpr std::chrono::seconds withdrawal_interval{60};
constexpr std::chrono::seconds withdrawal_pause{1};
constexpr std::chrono::days withdrawn_known{
    180};  // how long its owner is told why a report is gone

class SilentObserver final : public http::Observer {
 public:
  void on(http::Event) noexcept override {}
};

}  // namespace

class Service::Work {
 public:
  Work(asio::io_context& context, const config::Config& config)
      : config_{config},
        pool_{config.database.desk_url, database_threads},
        desk_{[this](std::function<Answer(Cases&)> work) { return run(std::move(work)); },
              [] {
                return static_cast<std::uint64_t>(
                    std::chrono::duration_cast<std::chrono::seconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count());
              },
              config.desk.proxies},
        server_{context.get_executor(),
                http::configured(config.desk.listen),
                limits,
                [this](http::Request request) { return desk_.answer(std::move(request)); },
                observer_,
                {},
                http::configured(config.desk.tls),
                http::Peers::shown},
        refresh_{context},
        chores_{context},
        withdrawals_{context} {}

  void start() {
    server_.start();
    log::write<log::Event::desk_listening>(server_.port());
    spawn(tell_start());
    spawn(keep_rosters());
    spawn(keep_chores());
    spawn(keep_withdrawals());
    listener_.emplace(
        refresh_.get_executor(), config_.database.desk_url,
        std::vector<std::string>{"owner", "routing"},
        [this] {
          look_for_withdrawals(withdrawal_pause);
          look_for_rosters();
        },
        [this](std::string_view channel, std::string_view) {
          if (channel == "owner")
            look_for_withdrawals(withdrawal_pause);
          else
            look_for_rosters();
        });
  }

  asio::awaitable<void> stop() {
    log::write<log::Event::desk_stopping>(server_.connections());
    stopping_ = true;
    refresh_.cancel();
    chores_.cancel();
    withdrawals_.cancel();
    listener_.reset();
    co_await server_.stop(stop_limit);
    log::write<log::Event::desk_stopped>(0);
  }

  std::uint16_t port() const { return server_.port(); }

 private:
  void spawn(asio::awaitable<void> task) {
    asio::co_spawn(refresh_.get_executor(), std::move(task), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }

  asio::awaitable<Answer> run(std::function<Answer(Cases&)> work) {
    auto job = [work = std::move(work)](storage::blocking::DeskStore& store) {
      StoredCases cases{store};
      return work(cases);
    };
    co_return co_await pool_.call(std::move(job));
  }

  static std::uint32_t hour_before(std::chrono::hours age) {
    const auto now = std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now());
    return static_cast<std::uint32_t>((now - age).time_since_epoch().count());
  }

  // Of what the desk does by itself.
  static storage::AuditScribe scribe(identity::AuditAction action, std::string detail = "{}") {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return identity::scribe_of({action,
                                static_cast<std::uint64_t>(now.time_since_epoch().count()),
                                {},
                                0,
                                std::move(detail)});
  }

  void look_for_withdrawals(std::chrono::seconds within) {
    withdrawals_due_ = std::min(withdrawals_due_, std::chrono::steady_clock::now() + within);
    withdrawals_.cancel();
  }

  void look_for_rosters() {
    rosters_changed_ = true;
    refresh_.cancel();
  }

  // Until the database has it.
  asio::awaitable<void> tell_start() {
    asio::steady_timer pause{refresh_.get_executor()};
    while (!stopping_) {
      auto job = [tell = scribe(identity::AuditAction::start, R"({"role":"desk"})")](
                     storage::blocking::DeskStore& store) {
        return store.put_audit({}, {}, tell).has_value();
      };
      const bool told = co_await pool_.call(std::move(job));
      if (told) co_return;
      pause.expires_after(1s);
      boost::system::error_code cancelled;
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
  }

  // No line says that something was withdrawn: its exact second would say when somebody wrote.
  asio::awaitable<void> keep_withdrawals() {
    std::uint32_t refused = 0;
    while (!stopping_) {
      withdrawals_due_ = std::chrono::steady_clock::now() + withdrawal_interval;
      const auto settled = co_await settle();
      if (!settled || settled->failed > 0) look_for_withdrawals(withdrawal_pause);
      if (settled && (settled->refused > refused || settled->revealed > 0))
        log::write<log::Event::withdrawals_refused>(settled->refused, settled->revealed);
      if (settled) refused = settled->refused;
      while (!stopping_ && std::chrono::steady_clock::now() < withdrawals_due_) {
        withdrawals_.expires_at(withdrawals_due_);
        boost::system::error_code told;
        co_await withdrawals_.async_wait(asio::redirect_error(asio::use_awaitable, told));
      }
    }
  }

  // Nothing before the rosters are known, or while the database is away.
  asio::awaitable<std::optional<Withdrawals>> settle() {
    if (!desk_.directory()) co_return std::nullopt;
    auto job = [directory = desk_.directory()](storage::blocking::DeskStore& store) {
      StoredCases cases{store};
      const auto settled = settle_withdrawals(cases, *directory, hour_before(0h));
      (void)store.audit_erasures(hour_before(0h), scribe(identity::AuditAction::erase));
      return settled ? std::optional{*settled} : std::nullopt;
    };
    co_return co_await pool_.call(std::move(job));
  }

  asio::awaitable<void> keep_rosters() {
    boost::system::error_code last;
    while (!stopping_) {
      rosters_changed_ = false;
      auto job = [this, known = desk_.directory()](storage::blocking::DeskStore& store) {
        StoredCases cases{store};
        Read read{read_directory(cases, config_.deployment.root_public_key, known.get())};
        if (!read.value) return read;
        // Refuses what goes back behind rosters that were seen, also before the last restart.
        const auto good =
            identity::remember_rosters(config_.paths.state / "desk.seen", **read.value);
        if (!good) read.value = good.error();
        return read;
      };
      auto read = co_await pool_.call(std::move(job));
      if (read.value)
        desk_.use(*read.value);
      else
        desk_.lose_rosters();
      const auto error = read.value ? boost::system::error_code{} : read.value.error();
      // Once a change of state, not every five seconds.
      if (error && error != last) {
        if (error == identity::roster_errc::missing_root)
          log::write<log::Event::rosters_awaited>();
        else
          log::write<log::Event::roster_refused>(error.value());
      }
      last = error;
      if (read.value) co_await settle_grants();
      if (rosters_changed_) continue;
      refresh_.expires_after(error ? 1s : roster_interval);
      boost::system::error_code cancelled;
      co_await refresh_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
  }

  // Beside the rosters: whoever was removed from those is not let in for as long as this takes.
  asio::awaitable<void> keep_chores() {
    while (!stopping_) {
      co_await promote_drafts();
      co_await forget_replies();
      co_await expire_reports();
      co_await count_strays();
      tell_refused();
      chores_.expires_after(chore_interval);
      boost::system::error_code cancelled;
      co_await chores_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
  }

  // Once for each change of the rosters. If the database was away, or has newer ones by now,
  // another look follows.
  asio::awaitable<void> settle_grants() {
    if (settled_ == desk_.directory()->versions()) co_return;
    auto job = [directory = desk_.directory()](storage::blocking::DeskStore& store) {
      const auto tell = scribe(identity::AuditAction::forget_grants);
      return settle_people(store, *directory, tell).has_value();
    };
    auto versions = desk_.directory()->versions();
    const bool settled = co_await pool_.call(std::move(job));
    if (settled) settled_ = std::move(versions);
  }

  using Due = std::optional<std::chrono::steady_clock::time_point>;

  // Whether something is to be done again that was done at `last`, if it was.
  static bool is_due(Due& last, std::chrono::minutes interval) {
    const auto moment = std::chrono::steady_clock::now();
    if (last && moment - *last < interval) return false;
    last = moment;
    return true;
  }

  // Every minute, as every gateway does: those may all be down.
  asio::awaitable<void> promote_drafts() {
    if (!is_due(promoted_, 1min)) co_return;
    auto job = [](storage::blocking::DeskStore& store) { return store.promote_drafts(); };
    (void)co_await pool_.call(std::move(job));
  }

  // Every hour: reports that were closed long enough ago, and what is left of others.
  asio::awaitable<void> expire_reports() {
    if (!is_due(expired_, 60min)) co_return;
    bool more = true;
    while (more && !stopping_) {
      auto job = [closed_day = hour_before(std::chrono::days{config_.desk.closed_days}) / 24,
                  tell =
                      scribe(identity::AuditAction::expire)](storage::blocking::DeskStore& store) {
        return store.expire(closed_day, expired_at_once, tell);
      };
      const auto expired = co_await pool_.call(std::move(job));
      more = expired && *expired == expired_at_once;
    }
    auto job = [before = hour_before(oldest_orphan),
                erased = hour_before(withdrawn_known)](storage::blocking::DeskStore& store) {
      (void)store.forget_withdrawn(erased);
      return store.forget_orphans(before);
    };
    (void)co_await pool_.call(std::move(job));
  }

  // Every ten minutes: what the relay has dealt with need not lie in the outbox, nor an intent that
  // nobody shared.
  asio::awaitable<void> forget_replies() {
    if (!is_due(forgot_, 10min)) co_return;
    auto job = [fetched = hour_before(fetched_replies), oldest = hour_before(oldest_reply),
                intents = hour_before(storage::intent_life)](storage::blocking::DeskStore& store) {
      if (const auto gone = store.forget_origins(); !gone)
        log::write<log::Event::audit_failed>(gone.error().value());
      (void)store.forget_audit();
      (void)store.forget_intents(intents);
      return store.forget_replies(fetched, oldest);
    };
    (void)co_await pool_.call(std::move(job));
  }

  // Every ten minutes: a lead should see to it that somebody of the former queue looks in.
  asio::awaitable<void> count_strays() {
    if (!desk_.directory() || !is_due(counted_, 10min)) co_return;
    auto job = [directory = desk_.directory()](storage::blocking::DeskStore& store) {
      StoredCases cases{store};
      const auto counted = overdue_strays(cases, *directory, hour_before(0h));
      return counted ? std::optional{*counted} : std::nullopt;
    };
    const auto overdue = co_await pool_.call(std::move(job));
    if (!overdue) co_return;
    if (*overdue > overdue_) log::write<log::Event::strays_overdue>(*overdue);
    overdue_ = *overdue;
  }

  // The sum of a minute: a line for each request would fill the disk.
  void tell_refused() {
    if (!is_due(told_refused_, 1min)) return;
    if (const auto refused = desk_.take_refused(); refused > 0)
      log::write<log::Event::signatures_refused>(refused);
  }

  // What crosses threads must be default-constructible (Boost 1.81).
  struct Read {
    boost::system::result<std::shared_ptr<const identity::Directory>> value{nullptr};
  };

  const config::Config& config_;
  SilentObserver observer_;
  storage::BasicStorePool<storage::blocking::DeskStore> pool_;
  Desk desk_;
  http::Server server_;
  asio::steady_timer refresh_;
  asio::steady_timer chores_;
  asio::steady_timer withdrawals_;
  std::chrono::steady_clock::time_point withdrawals_due_;
  std::optional<storage::Listener> listener_;
  Due promoted_;
  Due forgot_;
  Due expired_;
  Due counted_;
  Due told_refused_;
  std::uint32_t overdue_ = 0;
  identity::RosterVersions settled_;  // those by which the grants were looked through
  bool rosters_changed_ = false;
  bool stopping_ = false;
};

Service::Service(asio::io_context& context, const config::Config& config)
    : work_{std::make_unique<Work>(context, config)} {}
Service::~Service() = default;
void Service::start() { work_->start(); }
asio::awaitable<void> Service::stop() { return work_->stop(); }
std::uint16_t Service::port() const { return work_->port(); }

}  // namespace ishara::desk
