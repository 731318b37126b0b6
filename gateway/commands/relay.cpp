// `ishara relay`: the role that knows where a reporter can be answered, and never reads a report.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "gateway/aggregators/registry.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/role.hpp"
#include "gateway/log/log.hpp"
#include "gateway/relay/channel_folder.hpp"
#include "gateway/relay/panic.hpp"
#include "gateway/relay/sending.hpp"
#include "gateway/relay/service.hpp"

namespace ishara::commands {
namespace {

// Whether it could be written down shows at the next reply: without it that waits for a yes again.
boost::asio::awaitable<void> confirm_yes(relay::Workbench& bench, crypto::Id report) {
  auto work = [report](relay::Threads& threads, storage::blocking::RelayStore&) {
    return threads.confirm_yes(report);
  };
  (void)co_await bench.change(std::move(work));
}

// After `ishara key panic` a relay that is started anew waits here, without any key of a week, and
// tells the audit what happened. False: it was told to end.
bool wait_until_resumed(const config::Config& config, const crypto::PublicKey& relay) {
  const auto& epochs = config.paths.epochs;
  if (!relay::is_stopped(epochs)) return true;
  log::write<log::Event::relay_waits_for_resume>();
  sigset_t ends{};
  sigset_t before{};
  ::sigemptyset(&ends);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaddset(&ends, signal);
  ::sigprocmask(SIG_BLOCK, &ends, &before);
  storage::blocking::RelayStore store{config.database.relay_url};
  bool ended = false;
  while (!ended && relay::is_stopped(epochs)) {
    (void)relay::tell_panic(
        epochs, store, relay,
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    const timespec pause{0, 500'000'000};
    ended = ::sigtimedwait(&ends, nullptr, &pause) > 0;
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return !ended;
}

int serve(const config::Config& config) {
  crypto::start();
  const auto signing = service_key(config.paths.relay_keys, "relay.key");
  if (!signing) return failed;
  if (!wait_until_resumed(config, crypto::signing_key(*signing).public_key)) return good;
  auto host = service_key(config.paths.relay_keys, "host.key");
  if (!host) return failed;

  std::optional<i18n::Packs> packs;
  try {
    packs.emplace(load_languages(config));
  } catch (const std::runtime_error& error) {
    return complain(error.what(),
                    "see `languages` and `allow_unreviewed` in the section [deployment], and "
                    "`packs` in [paths]");
  }
  const aggregators::Registry registry;
  relay::ChannelFolder channels{config.paths.sending, registry};

  boost::asio::io_context context{1};
  std::optional<relay::Service> service;
  relay::Sender* sender = nullptr;  // the service's own
  const auto make_replies = [&](relay::Workbench& bench) {
    relay::SenderSources sources{
        [&bench] { return bench.now(); },
        [&bench] { return bench.epochs(); },
        [&bench] { return bench.directory(); },
        [&channels] { return channels.current(); },
        [&service] { return service->read_rosters(); },
        [&bench](crypto::Id report) { return confirm_yes(bench, report); }};
    auto made = std::make_unique<relay::Sender>(context.get_executor(), config.database.relay_url,
                                                registry, *packs, std::move(sources));
    sender = made.get();
    return std::unique_ptr<relay::Replies>{std::move(made)};
  };
  try {
    service.emplace(context, config, relay::Keys{crypto::signing_key(*signing), std::move(*host)},
                    make_replies);
  } catch (const boost::system::system_error& error) {
    return complain("a file in the folder of epoch keys: " + error.code().message(),
                    "see `epochs` in [paths]; `ishara doctor` tells more");
  }
  try {
    // At once, whatever is in hand: the keys are gone, and nothing else is worth waiting for.
    service->start([] { std::_Exit(failed); });
  } catch (const boost::system::system_error& error) {
    return complain("the relay cannot listen: " + error.code().message(),
                    "see `socket` in the section [relay]");
  }
  boost::asio::co_spawn(context, sender->run(), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  run_until_signal(context, [&]() -> boost::asio::awaitable<void> {
    co_await sender->stop();
    co_await service->stop();
  });
  return good;
}

}  // namespace

void add_relay(CLI::App& root, int& exit_code) {
  add_role(root, exit_code, "relay", "Keep threads and addresses, and nobody's text", serve);
}

}  // namespace ishara::commands
