// `ishara key make service`: another key for a gateway or relay, made where it is used. It waits
// beside the present one, `keys/gateway.key.next`, until the officers have put it into the root
// roster and an operator gives it the place of the other.

#include "gateway/commands/key_service.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "gateway/commands/client.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/founding.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string use;
  fs::path request;
  bool json = false;
};

// The key that waits already, or a new one that waits from now on.
crypto::SigningKey next_key(const fs::path& file) {
  constexpr std::size_t seed_size = 32;
  auto known = config::read_key_file(file, seed_size);
  if (!known && known.error() == config::key_file_errc::missing) {
    const auto seed = crypto::random_secret<seed_size>();
    if (const auto written = config::write_key_file(file, seed.reveal()); !written)
      throw CommandError{file.string() + ": " + written.error().message(),
                         "run it as the user of the role, or as root"};
    return crypto::signing_key(seed);
  }
  if (!known)
    throw CommandError{file.string() + ": " + known.error().message(),
                       "remove it to make another key, unless the roster names this one"};
  return crypto::signing_key(
      crypto::Secret<seed_size>{std::span<const std::uint8_t, seed_size>{*known}});
}

void make(const CLI::App& root, const Options& options) {
  const auto config = load_configuration(root);
  if (!config) throw CommandError{"the configuration has mistakes", "mend them and run it again"};
  const auto present = config->paths.keys / (options.use + ".key");
  const auto next = fs::path{present.string() + ".next"};
  const auto key = next_key(next).public_key;
  const auto text = services_request(config->deployment.name, {{options.use, key}});
  if (const auto written = config::replace_key_file(options.request, crypto::bytes_of(text));
      !written)
    throw CommandError{options.request.string() + ": " + written.error().message(),
                       "name a file in a folder of yours with --request"};
  const auto words = identity::key_fingerprint(identity::KeyKind::service, key);
  if (options.json) {
    print_json({{"use", options.use},
                {"pk", crypto::hex(key)},
                {"words", words},
                {"file", next.string()},
                {"request", options.request.string()}});
    return;
  }
  std::printf(
      "Another key for the %s waits in %s. In words:\n\n    %s\n\n"
      "Next:\n"
      "  1. Take %s to the officers of the root key, and read them the words. They sign with\n"
      "     `ishara org root --services`, and say with --end-service and --end-at when the "
      "present\n"
      "     key ends: leave time for the next steps.\n"
      "  2. Put the roster in force here: ishara org import FILE\n"
      "  3. Give the new key the place of the other, and start the %s anew. Before step 2 a %s\n"
      "     with this key takes and signs nothing that anybody would believe.\n"
      "       mv %s %s\n",
      options.use.c_str(), next.c_str(), words.c_str(), options.request.c_str(),
      options.use.c_str(), options.use.c_str(), next.c_str(), present.c_str());
}

}  // namespace

void add_make_service(CLI::App& root, CLI::App& make_command, int& exit_code) {
  const auto options = std::make_shared<Options>();
  auto* const command =
      make_command.add_subcommand("service", "Another key for a gateway or relay, on its server");
  command->footer("Example:\n  ishara key make service --use gateway --request services.request");
  command->add_option("--use", options->use, "gateway or relay")
      ->required()
      ->check(CLI::IsMember({"gateway", "relay"}));
  command
      ->add_option("--request", options->request,
                   "File for what the officers sign for; it holds no secret")
      ->type_name("FILE")
      ->required();
  command->add_flag("--json", options->json, "One JSON object instead of lines");
  command->callback(
      [&root, &exit_code, options] { exit_code = with_complaints([&] { make(root, *options); }); });
}

}  // namespace ishara::commands
