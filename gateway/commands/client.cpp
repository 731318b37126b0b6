#include "gateway/commands/client.hpp"

#include <CLI/CLI.hpp>
#include <boost/system/system_error.hpp>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/passphrase.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::commands {
namespace {

http::Origin origin_of(const config::Desk& desk) {
  http::Origin out;
  out.host = desk.listen.host;
  out.port = desk.listen.port;
  out.tls = desk.tls.has_value();
  out.socket = desk.listen.socket;
  return out;
}

crypto::WipedBuffer passphrase_of(const ClientOptions& options) {
  auto given = given_passphrase(options.passphrase_file, "Passphrase: ");
  if (!given) throw CommandError{"the passphrase file: " + given.error().message(), "chmod 600 it"};
  if (given->empty())
    throw CommandError{"no passphrase",
                       "type it on a terminal, or name a file with --passphrase-file"};
  return std::move(*given);
}

}  // namespace

std::string address_text(const http::Origin& desk) {
  if (!desk.socket.empty()) return "unix:" + desk.socket.string();
  const bool six = desk.host.find(':') != std::string::npos;
  return std::string{desk.tls ? "https://" : "http://"} + (six ? "[" : "") + desk.host +
         (six ? "]" : "") + ":" + std::to_string(desk.port);
}

DeskClient::Settings desk_settings(const CLI::App& root, ClientOptions options) {
  if (options.desk.empty() || options.root_key.empty()) {
    const auto config = load_configuration(root);
    if (!config)
      throw CommandError{"the desk's address or the root key is not known",
                         "give --desk and --root-key (it is on your enrolment sheet), or --config"};
    warn_of_demo_custody(*config);
    if (options.desk.empty()) options.desk = address_text(origin_of(config->desk));
    if (options.root_key.empty())
      options.root_key = crypto::hex(config->deployment.root_public_key);
  }
  DeskClient::Settings out;
  auto origin = http::parse_origin(options.desk);
  if (!origin)
    throw CommandError{"the desk's address cannot be read",
                       "write https://host:port or unix:/path"};
  out.desk = std::move(*origin);
  out.desk.authorities = options.authorities;
  const auto key = crypto::from_hex_exact<32>(options.root_key);
  if (!key)
    throw CommandError{"the root key is not 64 hexadecimal digits",
                       "copy it from your enrolment sheet"};
  out.root_key = *key;
  out.key_file = options.key_file;
  return out;
}

void add_client_options(CLI::App& command, ClientOptions& options) {
  command
      .add_option("--desk", options.desk, "Address of the desk (default: from the configuration)")
      ->envname("ISHARA_DESK")
      ->type_name("URL");
  command
      .add_option("--authorities", options.authorities,
                  "PEM file of the only certificate authorities to trust")
      ->type_name("FILE");
  command
      .add_option("--root-key", options.root_key,
                  "Root key of the deployment (default: from the configuration)")
      ->envname("ISHARA_ROOT_KEY")
      ->type_name("HEX");
  command.add_option("--key", options.key_file, "Your key file")
      ->envname("ISHARA_KEY")
      ->type_name("FILE")
      ->required();
  command
      .add_option("--passphrase-file", options.passphrase_file,
                  "File with your passphrase, mode 0600 (default: ask)")
      ->envname("ISHARA_PASSPHRASE_FILE")
      ->type_name("FILE");
}

int with_complaints(const std::function<void()>& action) {
  harden_process(false);
  crypto::start();
  try {
    action();
    return good;
  } catch (const CommandError& error) {
    return complain(error.what(), error.what_to_do());
  } catch (const boost::system::system_error&) {
    return complain("the desk's answer is not what its API says",
                    "is --desk the address of a desk of this version?");
  }
}

int with_desk(const CLI::App& root, const ClientOptions& options,
              const std::function<void(DeskClient::Settings, std::string_view)>& action) {
  return with_complaints(
      [&] { action(desk_settings(root, options), crypto::view(passphrase_of(options))); });
}

int with_client(const CLI::App& root, const ClientOptions& options,
                const std::function<void(Caseworker&)>& action) {
  return with_desk(root, options, [&](DeskClient::Settings settings, std::string_view passphrase) {
    Caseworker caseworker{std::move(settings), passphrase};
    caseworker.directory();
    action(caseworker);
  });
}

}  // namespace ishara::commands
