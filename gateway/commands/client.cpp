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

std::string address_of(const config::Desk& desk) {
  if (desk.listen.is_socket()) return "unix:" + desk.listen.socket.string();
  const bool six = desk.listen.host.find(':') != std::string::npos;
  return std::string{desk.tls ? "https://" : "http://"} + (six ? "[" : "") + desk.listen.host +
         (six ? "]" : "") + ":" + std::to_string(desk.listen.port);
}

// The desk's address and the root key: from the line, else from the configuration file.
Caseworker::Settings settings_of(const CLI::App& root, ClientOptions options) {
  if (options.desk.empty() || options.root_key.empty()) {
    const auto config = load_configuration(root);
    if (!config)
      throw CaseworkerError{
          "the desk's address or the root key is not known",
          "give --desk and --root-key (it is on your enrolment sheet), or --config"};
    warn_of_demo_custody(*config);
    if (options.desk.empty()) options.desk = address_of(config->desk);
    if (options.root_key.empty())
      options.root_key = crypto::hex(config->deployment.root_public_key);
  }
  Caseworker::Settings out;
  auto origin = http::parse_origin(options.desk);
  if (!origin)
    throw CaseworkerError{"the desk's address cannot be read",
                          "write https://host:port or unix:/path"};
  out.desk = std::move(*origin);
  out.desk.authorities = options.authorities;
  const auto key = crypto::from_hex_exact<32>(options.root_key);
  if (!key)
    throw CaseworkerError{"the root key is not 64 hexadecimal digits",
                          "copy it from your enrolment sheet"};
  out.root_key = *key;
  out.key_file = options.key_file;
  return out;
}

crypto::WipedBuffer passphrase_of(const ClientOptions& options) {
  auto given = given_passphrase(options.passphrase_file, "Passphrase: ");
  if (!given)
    throw CaseworkerError{"the passphrase file: " + given.error().message(), "chmod 600 it"};
  if (given->empty())
    throw CaseworkerError{"no passphrase",
                          "type it on a terminal, or name a file with --passphrase-file"};
  return std::move(*given);
}

}  // namespace

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

int with_client(const CLI::App& root, const ClientOptions& options,
                const std::function<void(Caseworker&)>& action) {
  harden_process(false);
  crypto::start();
  try {
    Caseworker caseworker{settings_of(root, options), crypto::view(passphrase_of(options))};
    caseworker.directory();
    action(caseworker);
    return good;
  } catch (const CaseworkerError& error) {
    return complain(error.what(), error.what_to_do());
  } catch (const boost::system::system_error&) {
    return complain("the desk's answer is not what its API says",
                    "is --desk the address of a desk of this version?");
  }
}

}  // namespace ishara::commands
