// `ishara desk`: the role that faces caseworkers. It hands out ciphertext, and can open nothing.

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <optional>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/role.hpp"
#include "gateway/desk/service.hpp"

namespace ishara::commands {
namespace {

int serve(const config::Config& config) {
  crypto::start();
  boost::asio::io_context context{1};
  std::optional<desk::Service> service;
  try {
    service.emplace(context, config);
    service->start();
  } catch (const boost::system::system_error& error) {
    return complain("the desk cannot listen: " + error.code().message(),
                    "see `listen` and the TLS keys in the section [desk]");
  }
  run_until_signal(context, [&] { return service->stop(); });
  return good;
}

}  // namespace

void add_desk(CLI::App& root, int& exit_code) {
  add_role(root, exit_code, "desk", "Serve caseworkers: the API, ciphertext only", serve);
}

}  // namespace ishara::commands
