#include "gateway/intake/service.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/http/configured.hpp"
#include "gateway/http/server.hpp"
#include "gateway/identity/seen_rosters.hpp"
#include "gateway/intake/learning.hpp"
#include "gateway/log/log.hpp"
#include "i18n/pack.hpp"
#include "storage/durable_sink.hpp"
#include "storage/listener.hpp"
#include "storage/store_pool.hpp"

namespace ishara::intake {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto stop_time = 20s;  // longer than any write of an answer and any statement

constexpr auto failing_for = 5s;  // a spool that did not take a row

constexpr const char* last_knowledge = "knowledge.last";
constexpr const char* seen_rosters = "rosters.seen";

storage::Id spool_hash(std::span<const std::uint8_t> bytes) { return crypto::hash16({bytes}); }

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

i18n::Packs load_packs(const config::Config& config) {
  return i18n::Packs::load(config.paths.packs,
                           {.tags = config.deployment.languages,
                            .allow_unreviewed = config.deployment.allow_unreviewed});
}

std::vector<NamedFile> language_files(const config::Config& config, const i18n::Packs& packs) {
  std::vector<NamedFile> files;
  for (const auto& pack : packs.all()) {
    for (const auto& entry : fs::directory_iterator{config.paths.packs / pack.tag}) {
      std::ifstream file{entry.path(), std::ios::binary};
      files.push_back({pack.tag + "/" + entry.path().filename().string(),
                       {std::istreambuf_iterator<char>{file}, {}}});
    }
  }
  return files;
}

// What changes when a channel file does, its mode and owner included: a wrong mode is a mistake
// that `chmod` mends.
std::string fingerprint(const fs::path& folder) {
  std::string out;
  std::error_code error;
  for (fs::directory_iterator entry{folder, error}, end; !error && entry != end;
       entry.increment(error)) {
    struct stat about {};
    if (::stat(entry->path().c_str(), &about) != 0) continue;
    out += fmt::format("{} {} {} {} {}.{}\n", entry->path().filename().string(), about.st_size,
                       about.st_mode, about.st_uid, about.st_ctim.tv_sec, about.st_ctim.tv_nsec);
  }
  return out;
}

// What the listener had to do, in the order of http::Event, by the names of the metrics.
constexpr std::array<std::string_view, 14> http_events{
    "connections_accepted", "connections_refused_full", "accepts_failed",
    "handshakes_failed",    "requests_timed_out",       "requests_malformed",
    "heads_too_large",      "bodies_too_large",         "lengths_missing",
    "methods_refused",      "requests_not_admitted",    "handlers_failed",
    "peers_lost",           "connections_forced_closed"};
static_assert(static_cast<std::size_t>(http::Event::forced_close) + 1 == http_events.size());

class CountingObserver final : public http::Observer {
 public:
  void on(http::Event event) noexcept override { ++counts_[static_cast<std::size_t>(event)]; }
  std::uint64_t count(std::size_t event) const noexcept { return counts_[event]; }

 private:
  std::array<std::uint64_t, http_events.size()> counts_{};
};

// Statements of the gateway's own: a handful an hour, so they need no batches. They are never
// spooled: a consent binds only when everybody can see it. So a text that changes one is answered
// 503 while the database is away, and its provider brings it again.
class StoredStatements final : public Statements {
 public:
  explicit StoredStatements(storage::StorePool& pool) : pool_{pool} {}

  asio::awaitable<storage::result<void>> put(identity::StatementBytes statement,
                                             crypto::Id report_id) override {
    auto work = [row = storage::Statement{identity::statement_hash(statement),
                                          report_id,
                                          {statement.begin(), statement.end()}}](
                    storage::blocking::Store& store) { return Put{store.put_statement(row)}; };
    const auto put = co_await pool_.call(std::move(work));
    co_return put.done;
  }

 private:
  // What crosses threads must be default-constructible (Boost 1.81).
  struct Put {
    storage::result<void> done = storage::errc::unavailable;
  };
  storage::StorePool& pool_;
};

}  // namespace

class Service::Work {
 public:
  Work(asio::io_context& context, const config::Config& config,
       const aggregators::Registry& registry, Keys keys)
      : context_{context},
        config_{config},
        registry_{registry},
        packs_{std::make_shared<const i18n::Packs>(load_packs(config))},
        menu_{std::make_shared<const conversation::Flow>(
            conversation::load_flow(config.paths.packs, *packs_))},
        languages_{language_files(config, *packs_)},
        pool_{config.database.gateway_url, 1},
        writer_{context.get_executor(), {.url = config.database.gateway_url}},
        sink_{context.get_executor(),
              writer_,
              [this] { return writer_.connected(); },
              {.folder = config.paths.spool,
               .hash = spool_hash,
               .quota = std::uint64_t{config.gateway.spool_mebibytes} << 20}},
        relay_{context.get_executor(), {.socket = config.relay.socket}},
        statements_{pool_},
        intake_{{registry, sink_, relay_, statements_}, std::move(keys), wall_clock},
        server_{context.get_executor(),
                http::configured(config.gateway.listen),
                http::configured(config.gateway.limits),
                [this](http::Request request) { return answer(std::move(request)); },
                observer_,
                [this](const http::Request& head) { return admit(head); },
                http::configured(config.gateway.tls)},
        second_{context},
        again_{context} {
    if (config.gateway.private_listen)
      private_server_.emplace(
          context.get_executor(), http::configured(*config.gateway.private_listen),
          http::configured(config.gateway.limits),
          [this](http::Request request) { return own(std::move(request)); }, observer_);
  }

  void start() {
    server_.start();
    if (private_server_) private_server_->start();
    log::write<log::Event::gateway_listening>(server_.port());
    learn_from_disk();
    read_channels();
    spawn(every_second());
    listener_.emplace(
        context_.get_executor(), config_.database.gateway_url,
        std::vector<std::string>{"routing", "epoch", "owner"},
        [this] {
          learn_soon();
          intake_.owner_changes().add_all();
        },
        [this](std::string_view channel, std::string_view payload) {
          if (channel != "owner")
            learn_soon();
          else if (const auto report = crypto::from_hex_exact<16>(payload))
            intake_.owner_changes().add(*report);
          else
            intake_.owner_changes().add_all();
        });
  }

  asio::awaitable<void> stop() {
    log::write<log::Event::gateway_stopping>(server_.connections());
    stopping_ = true;
    second_.cancel();
    again_.cancel();
    listener_.reset();
    co_await server_.stop(stop_time);
    co_await intake_.settle();
    co_await sink_.stop();
    co_await writer_.flush_and_stop();
    if (private_server_) co_await private_server_->stop(1s);
    log::write<log::Event::gateway_stopped>(0);
  }

  std::uint16_t port() const { return server_.port(); }

 private:
  void spawn(asio::awaitable<void> task) {
    asio::co_spawn(context_, std::move(task), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }

  std::optional<http::Response> admit(const http::Request& head) {
    if (is_health(head)) return std::nullopt;
    return intake_.admit(head);
  }

  asio::awaitable<http::Response> answer(http::Request request) {
    if (is_health(request)) co_return health(request.path());
    co_return co_await intake_.handle(std::move(request));
  }

  static bool is_health(const http::Request& request) {
    return request.path() == "/healthz" || request.path() == "/readyz";
  }

  http::Response health(std::string_view path) const {
    const auto said = path == "/healthz" ? std::string_view{"ok"} : condition();
    http::Response response;
    response.status = said.starts_with("ok") ? 200 : 503;
    response.content_type = "text/plain";
    response.body = fmt::format("{}\n", said);
    return response;
  }

  // Ready is who can take a text, be it into the spool.
  std::string_view condition() const {
    const auto spool = sink_.counters();
    if (!intake_.may_sign(wall_clock())) return "not ready";
    if (writer_.connected()) return spool.bytes == 0 ? "ok" : "ok, draining";
    // Not for longer: if nobody is sent here nothing shows whether the spool works again.
    const bool failing =
        spool.problem && std::chrono::steady_clock::now() - spool.problem_at < failing_for;
    return failing ? "not ready" : "ok, spooling";
  }

  // The private listener: health, and the sums of the last full minute on.
  asio::awaitable<http::Response> own(http::Request request) {
    if (is_health(request)) co_return health(request.path());
    http::Response response;
    if (request.path() == "/metrics") {
      response.content_type = "text/plain; version=0.0.4";
      response.body = metrics_;
    } else {
      response.status = 404;
    }
    co_return response;
  }

  // Sums are taken once a minute: a finer step would show when a single report came.
  void take_metrics() {
    const auto& intake = intake_.counters();
    const auto writer = writer_.counters();
    const auto sink = sink_.counters();
    metrics_.clear();
    const auto add = [&](std::string_view name, std::uint64_t value) {
      metrics_ +=
          fmt::format("# TYPE ishara_{0}_total counter\nishara_{0}_total {1}\n", name, value);
    };
    add("reports_accepted", intake.accepted);
    add("texts_added", intake.added);
    add("redeliveries", intake.duplicates);
    add("requests_not_found", intake.not_found);
    add("requests_forbidden", intake.forbidden);
    add("requests_refused", intake.refused);
    add("batch_entries_refused", intake.entries_refused);
    add("requests_unavailable", intake.unavailable);
    add("reports_not_stored", intake.not_stored);
    add("answers_withheld", intake.answers_withheld);
    add("texts_parked", intake.parked);
    add("dialogues_begun", intake.dialogues);
    add("dialogues_broken_off", intake.dialogues_broken_off);
    add("dialogues_closed", intake.dialogues_closed);
    add("dialogues_failed", intake.dialogues_failed);
    add("dialogues_late", intake.dialogues_late);
    add("relay_questions_missed", intake.relay_missed);
    add("refs_drawn_without_relay", intake.refs_of_our_own);
    add("delivery_reports_lost", intake.reports_lost);
    add("texts_incomplete", intake_.incomplete_texts());
    add("writer_batches", writer.batches);
    add("writer_retries", writer.retries);
    add("writer_connections", writer.connections);
    add("spool_rows", sink.spooled);
    add("spool_rows_drained", sink.drained);
    add("spool_rows_refused", sink.refused);
    add("spool_rows_turned_away", sink.turned_away);
    const auto show = [&](std::string_view name, std::uint64_t value) {
      metrics_ += fmt::format("# TYPE ishara_{0} gauge\nishara_{0} {1}\n", name, value);
    };
    show("spool_rows_waiting", sink.waiting);
    show("spool_bytes", sink.bytes);
    for (std::size_t i = 0; i < http_events.size(); ++i)
      add(fmt::format("http_{}", http_events[i]), observer_.count(i));
    metrics_ += channel_metrics(intake_.health().figures(wall_clock()));
  }

  // Once a minute: what no request does. Every gateway does it; one that finds nothing to do is
  // fine.
  asio::awaitable<void> chores() {
    auto work = [](storage::blocking::Store& store) {
      (void)store.promote_drafts();
      for (;;) {
        const auto forgotten = store.forget_dedupe();
        if (!forgotten || *forgotten == 0) return true;
      }
    };
    co_await pool_.call(std::move(work));
  }

  asio::awaitable<void> every_second() {
    for (unsigned second = 0; !stopping_; ++second) {
      intake_.end_second();
      spawn(intake_.store_unfinished());
      tell_of_the_spool();
      tell_of_the_key();
      if (fingerprint(config_.paths.channels) != channels_seen_) read_channels();
      if (second % 60 == 0) {
        intake_.health().listen(wall_clock());
        take_metrics();
        spawn(chores());
      }
      // With the seconds of the wall clock, because a shared sender key goes when its second does;
      // a little later, so that a clock that was slowed does not show the old second once more.
      const auto now = std::chrono::system_clock::now();
      second_.expires_after(std::chrono::floor<std::chrono::seconds>(now) + 1001ms - now);
      boost::system::error_code cancelled;
      co_await second_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
  }

  // The database's going and coming, not the first text that is spooled: that would be the second
  // in which somebody wrote.
  void tell_of_the_spool() {
    const bool connected = writer_.connected();
    if (connected && seconds_away_ >= 2) log::write<log::Event::database_back>();
    seconds_away_ = connected ? 0 : seconds_away_ + 1;
    if (seconds_away_ == 2) log::write<log::Event::database_away>();

    const auto now = sink_.counters();
    if (now.problem && now.problem != told_.problem) {
      if (now.problem == storage::errc::full)
        log::write<log::Event::spool_full>();
      else
        log::write<log::Event::spool_failed>(static_cast<int>(*now.problem));
    }
    if (now.refused > told_.refused)
      log::write<log::Event::spool_rows_refused>(now.refused - told_.refused);
    told_ = now;
  }

  // Once, until it is good again: by the rosters it has ended, or they do not name it.
  void tell_of_the_key() {
    const bool refused = intake_.knowledge() && !intake_.may_sign(wall_clock());
    if (refused && !key_refused_)
      log::write<log::Event::service_key_refused>(intake_.signs_until().value_or(0));
    key_refused_ = refused;
  }

  void read_channels() {
    channels_seen_ = fingerprint(config_.paths.channels);
    auto loaded = config::load_channels(config_.paths.channels, registry_.names());
    if (!loaded.mistakes.empty()) {
      // The old channels go on working; `ishara doctor` tells what is wrong, and where.
      log::write<log::Event::channels_refused>(loaded.mistakes.size());
      return;
    }
    channels_ = std::make_shared<const config::Channels>(std::move(loaded.channels));
    log::write<log::Event::channels_loaded>(channels_->all().size());
    publish();
  }

  // One reading at a time; whoever asks meanwhile is served by one more.
  void learn_soon() {
    wanted_ = true;
    if (!reading_ && !stopping_) {
      reading_ = true;
      spawn(learn_now());
    }
  }

  // On the pool's thread.
  boost::system::result<Learnt> learn_from(storage::blocking::Store& store) const {
    const auto stored = fetch_knowledge(store, wall_clock());
    if (!stored) return stored.error();
    auto learnt = learn(*stored, config_.deployment.root_public_key, languages_, *packs_);
    if (!learnt) return learnt;
    const auto done =
        keep_and_remember(config_.paths.state / last_knowledge, config_.paths.state / seen_rosters,
                          *stored, *learnt->directory);
    if (!done.kept) log::write<log::Event::knowledge_not_kept>(done.kept.error().value());
    if (!done.seen) return done.seen.error();
    return learnt;
  }

  boost::system::result<Learnt> learn_from(const StoredKnowledge& kept) const {
    auto learnt = learn(kept, config_.deployment.root_public_key, languages_, *packs_);
    if (!learnt) return learnt;
    // Refuses what goes back behind rosters that were seen before the last restart.
    const auto good =
        identity::remember_rosters(config_.paths.state / seen_rosters, *learnt->directory);
    if (!good) return good.error();
    return learnt;
  }

  // The gateway works from what it last learnt until the database tells more.
  void learn_from_disk() {
    const auto stored = read_knowledge(config_.paths.state / last_knowledge);
    if (!stored && stored.error() == config::key_file_errc::missing) return;
    auto learnt = stored ? learn_from(*stored) : stored.error();
    if (!learnt) {
      log::write<log::Event::knowledge_refused>(learnt.error().value());
      return;
    }
    learnt_ = std::move(*learnt);
    log::write<log::Event::knowledge_from_disk>(learnt_.routing_version,
                                                learnt_.directory->queues().size());
  }

  asio::awaitable<void> learn_now() {
    while (wanted_ && !stopping_) {
      wanted_ = false;
      auto work = [this](storage::blocking::Store& store) { return learn_from(store); };
      auto learnt = co_await pool_.call(std::move(work));
      if (learnt) {
        learnt_ = std::move(*learnt);
        log::write<log::Event::knowledge_loaded>(learnt_.routing_version,
                                                 learnt_.directory->queues().size());
        refused_ = {};
        publish();
      } else {
        if (learnt.error() != refused_) {
          if (learnt.error() == identity::roster_errc::missing_root)
            log::write<log::Event::rosters_awaited>();
          else
            log::write<log::Event::knowledge_refused>(learnt.error().value());
        }
        refused_ = learnt.error();
        wanted_ = true;
        again_.expires_after(1s);
        boost::system::error_code cancelled;
        co_await again_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
      }
    }
    reading_ = false;
  }

  void publish() {
    if (!channels_ || !learnt_.directory) return;
    intake_.learn(
        std::make_shared<const Knowledge>(Knowledge{.packs = packs_,
                                                    .menu = menu_,
                                                    .channels = channels_,
                                                    .routing = learnt_.routing,
                                                    .routing_version = learnt_.routing_version,
                                                    .directory = learnt_.directory,
                                                    .epochs = learnt_.epochs}));
  }

  asio::io_context& context_;
  const config::Config& config_;
  const aggregators::Registry& registry_;
  CountingObserver observer_;
  std::shared_ptr<const i18n::Packs> packs_;
  std::shared_ptr<const conversation::Flow> menu_;
  std::vector<NamedFile> languages_;
  storage::StorePool pool_;
  storage::IntakeWriter writer_;
  storage::DurableSink sink_;
  RelayClient relay_;
  StoredStatements statements_;
  Intake intake_;
  http::Server server_;
  std::optional<http::Server> private_server_;
  std::optional<storage::Listener> listener_;
  asio::steady_timer second_;
  asio::steady_timer again_;
  std::string channels_seen_;
  std::shared_ptr<const config::Channels> channels_;
  Learnt learnt_;
  boost::system::error_code refused_;
  std::string metrics_;
  storage::DurableCounters told_;
  std::uint32_t seconds_away_ = 0;  // the database
  bool wanted_ = false;
  bool reading_ = false;
  bool stopping_ = false;
  bool key_refused_ = false;
};

Service::Service(asio::io_context& context, const config::Config& config,
                 const aggregators::Registry& registry, Keys keys)
    : work_{std::make_unique<Work>(context, config, registry, std::move(keys))} {}
Service::~Service() = default;
void Service::start() { work_->start(); }
asio::awaitable<void> Service::stop() { return work_->stop(); }
std::uint16_t Service::port() const { return work_->port(); }

}  // namespace ishara::intake
