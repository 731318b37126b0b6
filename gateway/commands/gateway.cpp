// `ishara gateway`: the role that faces the aggregators. It seals and stores, and can open nothing.

#include "gateway/commands/commands.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "gateway/aggregators/registry.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/role.hpp"
#include "gateway/intake/service.hpp"

namespace ishara::commands {
namespace {

int serve(const config::Config& config) {
  crypto::start();
  const auto signing = service_key(config.paths.keys, "gateway.key");
  auto dedupe = service_key(config.paths.keys, "dedupe.key");
  if (!signing || !dedupe) return failed;

  const aggregators::Registry registry;
  boost::asio::io_context context{1};
  std::optional<intake::Service> service;
  try {
    load_languages(config);  // says which are left out
    service.emplace(context, config, registry,
                    intake::Keys{crypto::signing_key(*signing), {std::move(*dedupe)}});
    service->start();
  } catch (const boost::system::system_error& error) {
    return complain("the gateway cannot listen: " + error.code().message(),
                    "see `listen` and `private_listen` in the section [gateway]");
  } catch (const std::runtime_error& error) {
    return complain(error.what(),
                    "see `languages` and `allow_unreviewed` in the section [deployment], `packs` "
                    "and `spool` in [paths]");
  }
  run_until_signal(context, [&] { return service->stop(); });
  return good;
}

}  // namespace

void add_gateway(CLI::App& root, int& exit_code) {
  add_role(root, exit_code, "gateway", "Take webhooks, seal and store reports", serve);
}

}  // namespace ishara::commands
