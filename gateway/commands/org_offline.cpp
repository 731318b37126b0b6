// The part of `ishara org` that needs no desk. `root` and `sign` make the next roster on a machine
// without network, out of files; `import` puts such files in force on the server.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

#include "gateway/commands/client.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/held_key.hpp"
#include "gateway/commands/org.hpp"
#include "gateway/commands/root_key.hpp"
#include "gateway/commands/roster_set.hpp"
#include "gateway/commands/roster_signing.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/roster_rules.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/roster_file.hpp"
#include "storage/people_store.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using identity::KeyKind;
using identity::OrganisationRoster;
using identity::RootRoster;

constexpr const char* database_advice =
    "see that Postgres runs and that database.desk_url points to it";

// From signing to the import, for those who name no hour.
constexpr std::int64_t hours_to_import = 48;

struct Options {
  HeldKeyOptions root_key;
  HeldKeyOptions organisation_key;
  std::string public_root_key;
  std::vector<fs::path> rosters;
  fs::path out;
  std::vector<std::string> organisations;
  std::vector<std::string> new_keys;
  fs::path services;
  std::vector<std::string> ended;
  std::string end_at;
  bool past_ends = false;
  std::vector<std::string> admins;
  std::string recovery;
  bool yes = false;
  bool json = false;
};

std::vector<std::string> parts_of(const std::string& text, std::size_t count, const char* form) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (out.size() + 1 < count) {
    const auto colon = text.find(':', at);
    if (colon == text.npos) break;
    out.push_back(text.substr(at, colon - at));
    at = colon + 1;
  }
  out.push_back(text.substr(at));
  if (out.size() != count)
    throw CommandError{"'" + printable(text) + "' is not of the form " + form,
                       "the ids and keys stand where `ishara key make` has shown them"};
  return out;
}

// --- The root roster

identity::OrganisationClass class_named(const std::string& name) {
  for (const auto value : {identity::OrganisationClass::ngo, identity::OrganisationClass::police,
                           identity::OrganisationClass::other})
    if (identity::name_of(value) == name) return value;
  throw CommandError{"an organisation's class is ngo, police or other",
                     "police alone are kept from reports without consent"};
}

// What `ishara init` on the server asks the officers to sign for.
void add_services(RootRoster& next, const fs::path& file) {
  std::ifstream in{file};
  const std::string content{std::istreambuf_iterator<char>{in}, {}};
  boost::system::error_code error;
  const auto request = json::parse(content, error);
  const auto* const list =
      !error && request.is_object() ? request.get_object().if_contains("services") : nullptr;
  const auto refuse = [&]() {
    throw CommandError{file.string() + " is no request for services",
                       "`ishara init` on the server writes services.request"};
  };
  if (list == nullptr || !list->is_array()) refuse();
  for (const auto& value : list->get_array()) {
    const auto* const service = value.if_object();
    const auto* const use = service == nullptr ? nullptr : service->if_contains("use");
    const auto* const pk = service == nullptr ? nullptr : service->if_contains("pk");
    const auto key = pk != nullptr && pk->is_string() ? crypto::from_hex_exact<32>(pk->get_string())
                                                      : std::nullopt;
    if (!key || use == nullptr || !use->is_string()) refuse();
    require(identity::add_service(next, *key, use->get_string()));
  }
}

std::int64_t this_hour() {
  return std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now())
      .time_since_epoch()
      .count();
}

// The last hour that counts of a service that ends at "2026-01-31 15:00" of UTC. What is signed
// here is imported somewhere else and later: until then the service goes on, so a moment that has
// gone by would make all that it signs meanwhile worth nothing.
std::uint32_t last_hour(const std::string& end) {
  if (end.empty()) return static_cast<std::uint32_t>(this_hour() + hours_to_import - 1);
  int year = 0, length = 0;
  unsigned month = 0, day = 0, hour = 0;
  const bool read =
      std::sscanf(end.c_str(), "%4d-%2u-%2u %2u:00%n", &year, &month, &day, &hour, &length) == 4 &&
      static_cast<std::size_t>(length) == end.size();
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{day}};
  if (!read || !date.ok() || hour > 23)
    throw CommandError{"'" + printable(end) + "' is no full hour of the form 'YYYY-MM-DD HH:00'",
                       "write the hour in UTC, for example --end-at '2026-01-31 15:00'"};
  const auto last =
      std::chrono::sys_days{date}.time_since_epoch() / std::chrono::hours{1} + hour - 1;
  if (last < this_hour())
    throw CommandError{"the end lies in the past",
                       "give an hour after the roster is imported on the server, by which the new "
                       "key is in use there"};
  return static_cast<std::uint32_t>(last);
}

RootRoster::Service& service_of(RootRoster& roster, const std::string& text) {
  for (auto& service : roster.services)
    if (crypto::hex(crypto::key_id(service.public_key)) == text ||
        crypto::hex(service.public_key) == text)
      return service;
  throw CommandError{"no service has the key " + printable(text),
                     "`ishara org show` tells the keys of the services"};
}

// Makes the changes of the line.
void edit(RootRoster& next, const Options& options) {
  for (const auto& given : options.organisations) {
    const auto parts = parts_of(given, 4, "ID:PUBLIC_KEY:CLASS:NAME");
    const RootRoster::Organisation organisation{id_of(parts[0]), parts[3], class_named(parts[2]),
                                                public_key_of(parts[1])};
    require(identity::add_organisation(next, organisation));
  }
  for (const auto& given : options.new_keys) {
    const auto parts = parts_of(given, 2, "ID:PUBLIC_KEY");
    require(identity::replace_organisation_key(next, id_of(parts[0]), public_key_of(parts[1])));
  }
  if (!options.services.empty()) add_services(next, options.services);
  for (const auto& given : options.ended) {
    const auto key = service_of(next, given).public_key;
    require(identity::end_service(next, key, last_hour(options.end_at)));
  }
}

// The lines show the words of every new key.
void agree_with_words(std::vector<std::string> lines, const Options& options) {
  lines.emplace_back("Compare the words with those who made the keys, over a way that you trust.");
  agree_to(lines, options.yes, options.json);
}

void make_root(const Options& options) {
  const auto files = read_roster_files(options.rosters);
  const auto key = held_key(options.root_key, KeyKind::root);
  const auto present = sorted(files, identity::public_key_of(key.kind, key.seed));
  if (!options.rosters.empty() && !present.root)
    throw CommandError{"no root roster in these files is signed with this key",
                       "take the rosters that are in force: `ishara org show --file`"};
  RootRoster before, next;
  if (present.root) {
    before = present.root->roster;
    next = identity::next_of(before, present.root->signed_roster.bytes);
  } else {
    before.deployment = next.deployment = key.id;
    next.version = 1;
  }
  edit(next, options);
  auto lines = identity::changes(before, next);
  if (lines.empty())
    throw CommandError{"there is nothing to change", "say what is to be: see --help"};
  agree_with_words(std::move(lines), options);
  const std::array rosters{identity::sign_roster(next, crypto::signing_key(key.seed))};
  write_rosters(options.out, rosters);
  tell_written(options.out, "the root roster", next.version, options.json);
}

// --- An organisation's roster, offline

void sign_offline(const Options& options) {
  const auto root_key = root_key_of(options.public_root_key);
  if (!root_key)
    throw CommandError{"the root key is not 64 hexadecimal digits, nor a file that holds them",
                       "copy it from your enrolment sheet, or from the officers"};
  const auto present = sorted(read_roster_files(options.rosters), *root_key);
  if (!present.root)
    throw CommandError{"there is no root roster in these files",
                       "give the one that names your organisation with --rosters"};
  const auto key = held_key(options.organisation_key, KeyKind::organisation);
  const auto& known = present.root->roster.organisations;
  const auto own = std::ranges::find(known, key.id, &RootRoster::Organisation::id);
  if (own == known.end() || own->signing_key != identity::public_key_of(key.kind, key.seed))
    throw CommandError{"the root roster does not name this key for its organisation",
                       "the officers of the root key put it there: `ishara org root`"};

  const auto* const signed_before = present.organisation(key.id);
  OrganisationRoster before, next;
  if (signed_before != nullptr) {
    before = signed_before->roster;
    next = identity::next_of(before, signed_before->signed_roster.bytes);
  } else {
    before.deployment = next.deployment = present.root->roster.deployment;
    before.organisation = next.organisation = key.id;
    next.version = 1;
    if (options.admins.empty() || options.recovery.empty())
      throw CommandError{"the first roster of an organisation needs an admin and a recovery key",
                         "make them with `ishara key make user` and `ishara key make recovery`, "
                         "and give --admin and --recovery"};
  }
  for (const auto& given : options.admins) {
    const auto parts = parts_of(given, 3, "ID:SIGN_PK:BOX_PK");
    const OrganisationRoster::Member admin{
        id_of(parts[0]), public_key_of(parts[1]), public_key_of(parts[2]), {"admin"}, {}};
    require(identity::add_member(next, admin));
  }
  if (!options.recovery.empty())
    require(identity::replace_recovery_key(next, public_key_of(options.recovery)));
  auto lines = identity::changes(before, next);
  if (lines.empty()) lines.push_back("nothing but the key that signs it");
  agree_with_words(std::move(lines), options);
  const std::array rosters{identity::sign_roster(next, crypto::signing_key(key.seed))};
  write_rosters(options.out, rosters);
  tell_written(options.out, "the roster", next.version, options.json);
}

// --- Into force

// What the desk would refuse of an admin, it would be as wrong to let in here.
void refuse_broken_rules(const News& news, storage::blocking::PeopleStore& store) {
  if (!news.after) return;
  const auto broken = desk::broken_rule(news.before, *news.after, store);
  if (!broken) throw CommandError{"the database: " + broken.error().message(), database_advice};
  if (*broken) throw CommandError{news.whose + " cannot come into force", (*broken)->detail};
}

void show_news(std::span<const News> news) {
  for (const auto& one : news) {
    std::printf("Version %u of %s%s\n", one.row.version, one.whose.c_str(),
                one.follows ? ":"
                            : ", made from a version that is not here. Take it only if it was in "
                              "force before,\nas when a database was restored, and if its signer "
                              "says so:");
    if (one.changes.empty()) std::printf("  nothing but the key that signs it\n");
    for (const auto& line : one.changes) std::printf("  %s\n", line.c_str());
  }
}

void import(const CLI::App& root, const Options& options) {
  const auto config = load_configuration(root);
  if (!config) throw CommandError{"the configuration has mistakes", "mend them and run it again"};
  const auto offered = read_roster_files(options.rosters);
  storage::blocking::PeopleStore store{config->database.desk_url};
  const auto stored = store.rosters();
  if (!stored) throw CommandError{"the database: " + stored.error().message(), database_advice};
  const auto news =
      importable(offered, *stored, config->deployment.root_public_key,
                 options.past_ends ? std::uint64_t{0} : static_cast<std::uint64_t>(this_hour()));
  for (const auto& one : news) refuse_broken_rules(one, store);
  if (!news.empty()) {
    if (!options.json) show_news(news);
    agree_to({}, options.yes, options.json);
  }

  std::vector<storage::RosterVersion> seen;
  for (const auto& row : *stored) seen.push_back({row.issuer, row.version});
  const auto now =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  std::vector<storage::NewRoster> rows;
  json::array all;
  for (const auto& [row, whose, follows, changes, after, before] : news) {
    rows.push_back(
        {row, identity::scribe_of({identity::AuditAction::roster, now, {}, row.version})});
    all.push_back(json::object{{"issuer", crypto::hex(row.issuer)}, {"version", row.version}});
  }
  const auto done = store.import_rosters(rows, seen);
  if (!done && done.error() == storage::errc::conflict)
    throw CommandError{"another roster was published meanwhile; nothing was imported",
                       "run it again"};
  if (!done)
    throw CommandError{"the database: " + done.error().message() + "; nothing was imported",
                       database_advice};
  if (options.json)
    std::printf("%s\n", json::serialize(json::object{{"imported", std::move(all)}}).c_str());
  else
    std::printf(news.empty() ? "All of this is in force already.\n" : "It is in force.\n");
}

}  // namespace

void add_offline_rosters(CLI::App& root, CLI::App& org, int& exit_code) {
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* help, const std::string& example,
                       void (*action)(const Options&)) {
    auto* const command = org.add_subcommand(name, help);
    command->footer("Example:\n  ishara org " + std::string{name} + example);
    command
        ->add_option("--rosters", options->rosters,
                     "File with the rosters in force, from `ishara org show --file`; may be "
                     "repeated")
        ->type_name("FILE")
        ->expected(1)
        ->take_all();
    command->add_option("--out", options->out, "New file for what is signed")
        ->type_name("FILE")
        ->required();
    command->add_flag("--yes", options->yes, "Sign without asking");
    command->add_flag("--json", options->json, "One JSON object instead of lines");
    command->callback(
        [&exit_code, options, action] { exit_code = with_complaints([&] { action(*options); }); });
    return command;
  };

  auto* const roots =
      add("root", "Sign the next root roster, offline (officers of the root key)",
          " --rosters rosters.txt --out root.txt \\\n"
          "    --add-organisation 'ID:PUBLIC_KEY:ngo:Umoja Trust' --services services.request"
          "\n\nThe first one needs no --rosters. Without --root-key two of the three sheets are "
          "typed.",
          make_root);
  add_held_key_options(*roots, options->root_key, "root", true);
  roots
      ->add_option("--add-organisation", options->organisations,
                   "A new organisation of class ngo, police or other; may be repeated")
      ->type_name("ID:PUBLIC_KEY:CLASS:NAME")
      ->expected(1)
      ->take_all();
  roots
      ->add_option("--replace-key", options->new_keys,
                   "Another key for an organisation; may be repeated")
      ->type_name("ID:PUBLIC_KEY")
      ->expected(1)
      ->take_all();
  roots
      ->add_option("--services", options->services,
                   "File services.request, which `ishara init` has written on the server")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  auto* const ends =
      roots->add_option("--end-service", options->ended,
                        "Key or key id of a service whose signatures end; may be repeated");
  ends->type_name("KEY")->expected(1)->take_all();
  roots
      ->add_option("--end-at", options->end_at,
                   "The full hour at which they end, in UTC; by then the roster is imported and "
                   "another key in use (default: 48 hours from now)")
      ->type_name("'YYYY-MM-DD HH:00'")
      ->needs(ends);

  auto* const signs =
      add("sign", "Sign an organisation's first roster, or its present one anew, offline (admins)",
          " --rosters root.txt --root-key 64-DIGITS --out umoja.txt \\\n"
          "    --organisation-key organisation.key --admin ID:SIGN_PK:BOX_PK --recovery 64-DIGITS"
          "\n\nEverything later is signed at the desk, with `ishara user` and the rest of `ishara "
          "org`.",
          sign_offline);
  signs->get_option("--rosters")->required();
  add_held_key_options(*signs, options->organisation_key, "organisation", false);
  signs->get_option("--organisation-key")->required();
  signs
      ->add_option("--root-key", options->public_root_key,
                   "Public root key of the deployment, or a file that holds it")
      ->type_name("HEX")
      ->required();
  signs
      ->add_option("--admin", options->admins,
                   "A new admin, with the keys of `ishara key make user`; may be repeated")
      ->type_name("ID:SIGN_PK:BOX_PK")
      ->expected(1)
      ->take_all();
  signs
      ->add_option("--recovery", options->recovery,
                   "Public recovery key, from `ishara key make recovery`")
      ->type_name("HEX");

  auto* const imports = org.add_subcommand(
      "import",
      "Put signed rosters in force, all of these files or none (operator, on the server)");
  imports->footer("Example:\n  ishara org import root.txt umoja.txt");
  imports->add_option("file", options->rosters, "Files of rosters")->type_name("FILE")->required();
  imports->add_flag("--past-ends", options->past_ends,
                    "Also what ends a service in the past: after a restore, for rosters that were "
                    "in force before");
  imports->add_flag("--yes", options->yes, "Put them in force without asking");
  imports->add_flag("--json", options->json, "One JSON object instead of lines");
  imports->callback([&root, &exit_code, options] {
    exit_code = with_complaints([&] { import(root, *options); });
  });
}

}  // namespace ishara::commands
