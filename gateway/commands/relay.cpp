// `ishara relay`: the role that knows where a reporter can be answered, and never reads a report.

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <string>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/role.hpp"
#include "gateway/relay/service.hpp"

namespace ishara::commands {
namespace {

int serve(const config::Config& config) {
  crypto::start();
  const auto signing = service_key(config, "relay.key");
  auto host = service_key(config, "host.key");
  if (!signing || !host) return failed;

  boost::asio::io_context context{1};
  std::optional<relay::Service> service;
  try {
    service.emplace(context, config, relay::Keys{crypto::signing_key(*signing), std::move(*host)});
  } catch (const boost::system::system_error& error) {
    return complain("a file in the folder of epoch keys: " + error.code().message(),
                    "see `epochs` in [paths]; `ishara doctor` tells more");
  }
  try {
    service->start();
  } catch (const boost::system::system_error& error) {
    return complain("the relay cannot listen: " + error.code().message(),
                    "see `socket` in the section [relay]");
  }
  run_until_signal(context, [&] { return service->stop(); });
  return good;
}

}  // namespace

void add_relay(CLI::App& root, int& exit_code) {
  add_role(root, exit_code, "relay", "Keep threads and addresses, and nobody's text", serve);
}

}  // namespace ishara::commands
