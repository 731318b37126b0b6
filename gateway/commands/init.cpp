// `ishara init`: a new deployment in a new folder. Under demo custody with every key; else with
// those of the services alone, for which officers sign the rosters.

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/founding.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/pack_folders.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/root_key.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/words.hpp"
#include "routing/pack/bundle.hpp"
#include "routing/snapshot.hpp"
#include "storage/migrate.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path directory;
  fs::path country_pack;
  fs::path language_packs;
  std::string custody;
  std::string root_key;
  std::string name = "demo";
  std::string listen = "127.0.0.1:8080";
  std::string private_listen = "127.0.0.1:8081";
  std::string desk_listen = "127.0.0.1:8082";
  std::string owner_url;
  std::string gateway_url;
  std::string relay_url;
  std::string desk_url;
};

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::set<std::string> compiled_languages(const fs::path& folder) {
  std::set<std::string> tags;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{folder, none})
    if (fs::exists(entry.path() / "messages.mo")) tags.insert(entry.path().filename().string());
  return tags;
}

std::string configuration(const Options& options, const Founding& founding,
                          const std::set<std::string>& tags) {
  std::string languages;
  for (const auto& tag : tags) languages += (languages.empty() ? "" : ", ") + toml_string(tag);
  return "# Ishara. Every key, its default and its meaning: `ishara doctor --help`.\n"
         "\n[deployment]\nname = " +
         toml_string(options.name) +
         "\n# Pinned: rosters count only if this key signed them.\nroot_public_key = " +
         toml_string(crypto::hex(founding.root_key)) +
         (options.custody == "demo"
              ? "\n# One machine made every key. Never for real reports.\ncustody = \"demo\""
              : "\n# The keys of people were made by themselves, away from this machine.\n"
                "custody = \"own\"") +
         "\nlanguages = [" + languages + "]" +
         (options.custody == "demo"
              ? "\n# Also those that no native speaker has read. Never for real reports.\n"
                "allow_unreviewed = true\n"
              : "\n") +
         "\n[gateway]\nlisten = " + toml_string(options.listen) +
         "\nprivate_listen = " + toml_string(options.private_listen) + "\n" +
         "\n[desk]\nlisten = " + toml_string(options.desk_listen) + "\n" +
         "\n[database]\ngateway_url = " + toml_string(options.gateway_url) +
         "\nrelay_url = " + toml_string(options.relay_url) +
         "\ndesk_url = " + toml_string(options.desk_url) +
         "\nowner_url = " + toml_string(options.owner_url) + "\n" +
         "\n[paths]\nkeys = \"keys\"\nchannels = \"channels\"\nsending = \"sending\"\npacks = " +
         toml_string(fs::absolute(options.language_packs).string()) + "\nstate = \"state\"\n" +
         "# The relay's keys of each week. Never in a backup, a snapshot or a copy.\n" +
         "epochs = \"epochs\"\n";
}

int refuse_pack() {
  return complain("the country pack has mistakes; nothing was made", "mend them and run it again");
}

// False after a complaint.
bool database_is_empty(const Options& options) {
  const char* advice = "see that Postgres runs and that --owner-url reaches it";
  if (const auto migrated = storage::blocking::migrate(options.owner_url); !migrated) {
    complain("the database: " + migrated.error().message(), advice);
    return false;
  }
  const auto root = storage::blocking::Store{options.owner_url}.roster({});
  if (root) {
    complain("the database holds a deployment already",
             "give an empty one (dropdb and createdb, or another name)");
    return false;
  }
  if (root.error() == storage::errc::not_found) return true;
  complain("the database: " + root.error().message(), advice);
  return false;
}

// Complains and returns false unless every folder is new and every file is on the disk.
bool write_files(const Options& options, const Founding& founding) {
  std::vector<const char*> folders{"keys", "channels", "sending", "state", "epochs"};
  if (options.custody == "demo") folders.insert(folders.end(), {"custody", "users"});
  for (const char* name : folders) {
    const auto folder = options.directory / name;
    std::error_code error;
    if (fs::exists(folder)) {
      complain(folder.string() + " is there already", "remove it, or choose another --directory");
      return false;
    }
    fs::create_directories(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) {
      complain(folder.string() + ": " + error.message(), "make --directory writable for you");
      return false;
    }
  }
  for (const auto& file : founding.files)
    if (const auto written = config::write_key_file(options.directory / file.path, file.bytes);
        !written) {
      complain(file.path.string() + ": " + written.error().message(),
               "remove the folder, then run it again");
      return false;
    }
  return true;
}

boost::system::result<void> store(const Options& options, const Founding& founding,
                                  std::string_view tables) {
  storage::blocking::Store database{options.owner_url};
  for (const auto& roster : founding.rosters)
    if (const auto stored = database.put_roster(roster); !stored) return stored.error();
  for (const auto& grant : founding.grants)
    if (const auto stored = database.put_queue_grant(grant); !stored) return stored.error();
  const storage::RoutingChange change{
      .who = "init",
      .why = "first tables",
      .day = static_cast<std::uint32_t>(today().time_since_epoch().count())};
  const auto bytes = crypto::bytes_of(tables);
  const auto version = database.put_routing(bytes, change);
  if (!version) return version.error();
  return database.activate_routing(*version, change);
}

// Whole and on the disk, or not at all; false after a complaint.
bool write_text(const fs::path& file, const std::string& text) {
  const auto written = config::replace_key_file(file, crypto::bytes_of(text));
  if (written) return true;
  complain(file.string() + ": " + written.error().message(),
           "give an empty database and a new --directory, then run it again");
  return false;
}

void tell_officers(const Options& options, const ServiceKeys& services, const fs::path& request) {
  std::string lines;
  for (const auto& [use, key] :
       {std::pair{"gateway  ", &services.gateway}, std::pair{"relay    ", &services.relay}})
    lines += "  " + std::string{use} + identity::key_fingerprint(identity::KeyKind::service, *key) +
             "\n";
  std::cout
      << "Made a deployment in " << options.directory.string()
      << ", with the keys of its services and no others.\n\n"
      << lines
      << "\nNext:\n"
         "  1. Take "
      << request.string()
      << " to the officers of the root key. It holds no secret; read\n"
         "     them the words above, so that they sign for these keys and no others.\n"
         "  2. They sign the root roster with `ishara org root`, and each organisation its own\n"
         "     with `ishara org sign`. Put both in force here with `ishara org import`.\n"
         "  3. ishara serve --config "
      << (options.directory / "ishara.toml").string()
      << "\n     starts now already, and takes texts once the rosters are there.\n";
}

int init(const Options& options) {
  crypto::start();
  const auto config_path = options.directory / "ishara.toml";
  if (fs::exists(config_path))
    return complain("there is a deployment in this folder already",
                    "choose another --directory, or go on with `ishara serve --config " +
                        config_path.string() + "`");
  const auto root_key = root_key_of(options.root_key);
  if (options.custody == "own" && !root_key)
    return complain("--custody own needs the root key: 64 hexadecimal digits, or a file with them",
                    "the officers make it, away from this machine, with `ishara key make root`");
  if (options.custody == "demo" && !options.root_key.empty())
    return complain("under demo custody this machine makes the root key too",
                    "say `--custody own`, or leave --root-key away");
  if (!fs::is_directory(options.country_pack))
    return complain("there is no country pack at " + options.country_pack.string(),
                    "give the folder of one with --country-pack, for example ops/packs/rw-demo");

  const auto languages = compiled_languages(options.language_packs);
  if (languages.empty())
    return complain("there are no compiled language packs at " + options.language_packs.string(),
                    "build them (ninja ishara_packs), or name their folder with --language-packs");

  const auto pack = PackFolder::read(options.country_pack);
  const auto files = pack ? pack->files() : std::vector<routing::PackFile>{};
  const auto loaded = routing::load(files);
  print(std::cerr, loaded.mistakes);
  if (!loaded.snapshot || !helpline_dates_hold(std::cerr, loaded.snapshot->helplines, today()))
    return refuse_pack();
  if (loaded.snapshot->table.routes().empty())
    return complain("the country pack has places, but no queues and routes",
                    "copy it, and put queues.csv and routes.csv beside its regions.tsv: "
                    "ops/packs/rw-demo shows how");

  // Whatever can fail comes before what cannot be repeated; the configuration comes last, since its
  // presence says that all is done.
  if (!database_is_empty(options)) return failed;
  Founding founding;
  ServiceKeys services;
  if (options.custody == "demo") {
    founding = blocking_found(loaded.snapshot->table);
    blocking_seal_offline_keys(founding);
  } else {
    founding.root_key = *root_key;
    services = make_service_keys(founding);
  }
  if (!write_files(options, founding)) return failed;
  if (const auto stored = store(options, founding, routing::bundle(files)); !stored)
    return complain("the database: " + stored.error().message(),
                    "give an empty one and a new --directory, then run it again");
  const auto request_path = options.directory / "services.request";
  if (options.custody == "own" &&
      !write_text(request_path, services_request(options.name, {{"gateway", services.gateway},
                                                                {"relay", services.relay}})))
    return failed;
  if (!write_text(config_path, configuration(options, founding, languages))) return failed;

  if (options.custody == "own") {
    tell_officers(options, services, request_path);
    return good;
  }
  std::cout << "Made a deployment in " << options.directory.string()
            << "\n\n  DEMO CUSTODY: one machine made every key. Use it to try Ishara out, never "
               "for real reports.\n\n";
  for (const auto& member : founding.members)
    std::cout << "  " << member.role << " of " << member.organisation << ": users/" << member.name
              << ".key, passphrase in users/" << member.name << ".passphrase\n";
  std::cout << "\nNext: ishara channel add, then ishara serve --config " << config_path.string()
            << '\n';
  return good;
}

}  // namespace

void add_init(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = root.add_subcommand("init", "Make a new deployment: keys, schema, first tables");
  command->add_option("--directory", options->directory, "New folder for configuration and keys")
      ->required();
  command->add_option("--country-pack", options->country_pack, "Folder of a country pack")
      ->required();
  command->add_option("--language-packs", options->language_packs,
                      "Folder of compiled language packs (default: packs beside the program)");
  command
      ->add_option("--custody", options->custody,
                   "Who holds the keys of people: demo, where this machine makes them all, or own")
      ->required()
      ->check(CLI::IsMember({"demo", "own"}));
  command
      ->add_option("--root-key", options->root_key,
                   "With --custody own: public root key, or a file that holds it")
      ->type_name("HEX");
  command->add_option("--name", options->name, "Name of the deployment")->capture_default_str();
  command->add_option("--listen", options->listen, "Webhooks")->capture_default_str();
  command->add_option("--private-listen", options->private_listen, "Health and metrics")
      ->capture_default_str();
  command->add_option("--desk-listen", options->desk_listen, "Caseworkers")->capture_default_str();
  command->add_option("--owner-url", options->owner_url, "Database URL of ishara_owner")
      ->required();
  command->add_option("--gateway-url", options->gateway_url, "Database URL of ishara_gateway")
      ->required();
  command->add_option("--relay-url", options->relay_url, "Database URL of ishara_relay")
      ->required();
  command->add_option("--desk-url", options->desk_url, "Database URL of ishara_desk")->required();
  command->footer(
      "Example:\n"
      "  ishara init --custody demo --directory var/demo --country-pack ops/packs/rw-demo \\\n"
      "    --owner-url 'host=/run/postgresql dbname=ishara user=ishara_owner' \\\n"
      "    --gateway-url 'host=/run/postgresql dbname=ishara user=ishara_gateway' \\\n"
      "    --relay-url 'host=/run/postgresql dbname=ishara user=ishara_relay' \\\n"
      "    --desk-url 'host=/run/postgresql dbname=ishara user=ishara_desk'");
  command->callback([options, &exit_code] {
    // Before hardening, after which the kernel may refuse to tell.
    if (options->language_packs.empty())
      options->language_packs = fs::read_symlink("/proc/self/exe").parent_path() / "packs";
    harden_process(false);
    exit_code = init(*options);
  });
}

}  // namespace ishara::commands
