#include "gateway/commands/key_panic.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/relay/panic.hpp"

namespace ishara::commands {
namespace {

using namespace std::chrono_literals;

// Far more than a relay that lives needs: it looks ten times a second and does nothing else first.
constexpr auto relay_limit = 5s;

// False after a complaint.
bool is_meant(const config::Config& config, const std::string& given) {
  auto name = given;
  if (name.empty()) {
    say("This destroys, for ever, every key with which reporters' numbers can be read: nobody can "
        "be\n"
        "answered who does not write again. Reports stay readable. The relay stops.\n");
    const auto typed = ask("Type the name of the deployment to go on: ");
    if (!typed) {
      complain("there is no terminal to ask on", "say --yes and the name of the deployment");
      return false;
    }
    name.assign(typed->begin(), typed->end());
  }
  if (name == config.deployment.name) return true;
  complain("that is not the name of this deployment; nothing was destroyed",
           "it stands in [deployment] of " + config.file.string());
  return false;
}

int panic(const CLI::App& root, const std::string& yes) {
  const auto config = load_configuration(root);
  if (!config) return failed;
  harden_process(false);
  crypto::start();
  if (!is_meant(*config, yes)) return failed;
  const auto& folder = config->paths.epochs;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  // Whatever fails, the rest is done all the same: every key that goes is a gain.
  const auto stopped = relay::stop_relays(folder, now);
  auto destroyed = relay::destroy_all_epochs(folder);
  const bool relay_gone = stopped && relay::blocking_wait_for_relays(folder, relay_limit);
  // What a relay may still have made between the two.
  const auto again = relay::destroy_all_epochs(folder);
  const auto error = destroyed.error ? destroyed.error : again.error;
  std::printf("Keys of weeks destroyed: %zu, in %s\n", destroyed.count + again.count,
              folder.c_str());
  if (!stopped)
    return complain(
        folder.string() + ": " + stopped.error().message() + "; the relay was not told to stop",
        "run it again as root, or as the user of the relay");
  if (error)
    return complain("not every key could be overwritten: " + error.message(),
                    "run it again as root; then look into " + folder.string());
  if (!relay_gone)
    return complain("a relay still has keys in its memory",
                    "kill it now: systemctl kill -s KILL ishara-relay, or kill -9 its process");
  std::printf(
      "No relay runs, and none starts before `ishara key resume`. Texts are still taken, and "
      "reports\n"
      "stay readable for their queues. Nobody can be answered who does not write again.\n"
      "Destroy copies of %s too, if there are any against the rules.\n",
      folder.c_str());
  return good;
}

int resume(const CLI::App& root) {
  const auto config = load_configuration(root);
  if (!config) return failed;
  harden_process(false);
  const auto& folder = config->paths.epochs;
  if (!relay::is_stopped(folder)) {
    std::printf("The relay is not stopped; there is nothing to resume.\n");
    return good;
  }
  if (const auto resumed = relay::resume_relays(folder); !resumed)
    return complain(folder.string() + ": " + resumed.error().message(),
                    "run it again as root, or as the user of the relay");
  std::printf("The relay may start again, with new keys. One that is waiting does it by itself.\n");
  return good;
}

}  // namespace

void add_panic(CLI::App& root, CLI::App& key, int& exit_code) {
  const auto yes = std::make_shared<std::string>();
  auto* const panics = key.add_subcommand(
      "panic", "Destroy every key with which numbers can be read, now, and stop the relay");
  panics->add_option("--yes", *yes, "Do not ask: the name of the deployment")->type_name("NAME");
  panics->footer(
      "Example:\n  ishara key panic --config /etc/ishara/ishara.toml\n\n"
      "On the machine of the relay, as root or as the relay's user. Postgres is not needed.");
  panics->callback([&root, yes, &exit_code] { exit_code = panic(root, *yes); });

  auto* const resumes =
      key.add_subcommand("resume", "Let the relay start again after `ishara key panic`");
  resumes->footer("Example:\n  ishara key resume --config /etc/ishara/ishara.toml");
  resumes->callback([&root, &exit_code] { exit_code = resume(root); });
}

}  // namespace ishara::commands
