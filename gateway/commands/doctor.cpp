// `ishara doctor`: whether this deployment is fit for real reports, one finding a line. With
// --canary: whether a number or a text lies anywhere in clear; ops/canary/doctor.py looks.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/aggregators/registry.hpp"
#include "gateway/commands/channel_health.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/config/channels.hpp"
#include "gateway/config/config.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/desk.hpp"
#include "gateway/desk/people.hpp"
#include "gateway/identity/audit.hpp"
#include "gateway/intake/knowledge.hpp"
#include "gateway/relay/epochs.hpp"
#include "gateway/relay/panic.hpp"
#include "i18n/pack.hpp"
#include "routing/pack/bundle.hpp"
#include "routing/snapshot.hpp"
#include "storage/migrate.hpp"
#include "storage/people_store.hpp"
#include "storage/settings.hpp"
#include "storage/spool.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;

enum class Verdict : std::uint8_t { good, warning, failure };

class Findings {
 public:
  explicit Findings(bool as_json) : as_json_{as_json} {}

  void add(Verdict verdict, std::string_view check, std::string_view what,
           std::string_view what_to_do = {}) {
    constexpr std::array words{"good", "warning", "FAILURE"};
    constexpr std::array names{"good", "warning", "failure"};
    const auto index = static_cast<std::size_t>(verdict);
    if (as_json_) {
      const boost::json::object line{
          {"verdict", names[index]}, {"check", check}, {"what", what}, {"todo", what_to_do}};
      std::printf("%s\n", boost::json::serialize(line).c_str());
    } else {
      std::string line{what};
      if (!what_to_do.empty()) line.append("; ").append(what_to_do);
      std::printf("%-8s %-10.*s %s\n", words[index], static_cast<int>(check.size()), check.data(),
                  line.c_str());
    }
    failed_ |= verdict == Verdict::failure;
  }
  int exit_code() const { return failed_ ? failed : good; }

 private:
  bool as_json_;
  bool failed_ = false;
};

// Whether the host of an origin or URL is this machine's own.
bool is_of_this_machine(std::string_view url) {
  const auto begin = url.find("://");
  if (begin != url.npos) url.remove_prefix(begin + 3);
  return url.starts_with("127.") || url.starts_with("[::1]") || url.starts_with("localhost:") ||
         url == "localhost" || url.starts_with("localhost/");
}

// What shows that people's reports come here: that others can reach a listener, that a provider
// calls from elsewhere, or that texts are sent to one. Nothing if all is play on this machine.
std::string sign_of_production(const config::Config& config) {
  if (!config.gateway.listen.is_local()) return "[gateway] listens to the network";
  if (!config.desk.listen.is_local()) return "[desk] listens to the network";
  const aggregators::Registry registry;
  const auto receiving = config::load_channels(config.paths.channels, registry.names());
  for (const auto& channel : receiving.channels.all())
    if (!channel.settings.url.empty() && !is_of_this_machine(crypto::view(channel.settings.url)))
      return "channel " + channel.name + " has a URL that others call";
  const auto sending =
      config::load_sending_channels(config.paths.sending, registry.sending_providers());
  for (const auto& channel : sending.channels.all())
    if (!is_of_this_machine(channel.settings.origin))
      return "channel " + channel.name + " sends to its provider";
  return "";
}

void check_custody(const config::Config& config, Findings& findings) {
  if (config.deployment.custody == config::Custody::own) {
    findings.add(Verdict::good, "custody", "people hold their own keys");
    return;
  }
  const auto sign = sign_of_production(config);
  findings.add(sign.empty() ? Verdict::warning : Verdict::failure, "custody",
               "demo custody: one machine made every key" +
                   (sign.empty() ? sign : ", and this is no rehearsal: " + sign),
               "never take real reports with it; begin anew with `ishara init --custody own`");
}

void check_listener(std::string_view name, const config::Endpoint& listen, bool tls,
                    Findings& findings) {
  if (listen.is_local() || tls)
    findings.add(Verdict::good, "listener",
                 std::string{name} + (tls ? ": TLS" : ": this machine only"));
  else
    findings.add(
        Verdict::failure, "listener", std::string{name} + ": open to the network without TLS",
        "set tls_certificate and tls_key in [" + std::string{name} + "], or listen on 127.0.0.1");
}

void check_secret_folder(const fs::path& folder, Findings& findings) {
  std::error_code error;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator{folder, error}) {
    ++count;
    if (const auto bytes = config::read_secret_file(entry.path(), 64 * 1024); !bytes)
      findings.add(Verdict::failure, "keys", entry.path().string() + ": " + bytes.error().message(),
                   "chmod 600 it, chown it to the user of the role that reads it, remove links");
  }
  if (error)
    findings.add(Verdict::failure, "keys", folder.string() + " cannot be read",
                 "see `keys` in [paths], and run doctor as the user of the role");
  else
    findings.add(Verdict::good, "keys",
                 std::to_string(count) + " files looked at in " + folder.string());
}

void check_key(const fs::path& file, Findings& findings) {
  const auto bytes = config::read_key_file(file, 32);
  if (!bytes)
    findings.add(Verdict::failure, "keys", file.string() + ": " + bytes.error().message(),
                 "put it back from where it was made, with mode 0600");
}

void check_epochs(const config::Config& config, Findings& findings) {
  check_secret_folder(config.paths.epochs, findings);
  if (relay::is_stopped(config.paths.epochs)) {
    findings.add(Verdict::failure, "epochs", "the relay was stopped by `ishara key panic`",
                 "run `ishara key resume` when the danger is over");
    return;
  }
  const auto host = config::read_key_file(config.paths.relay_keys / "host.key", 32);
  if (!host) return;  // check_key says so
  const relay::EpochFolder folder{config.paths.epochs,
                                  crypto::Secret<32>{std::span<const std::uint8_t, 32>{*host}}};
  const auto epochs = folder.read_all();
  if (!epochs)
    findings.add(Verdict::failure, "epochs", epochs.error().message(),
                 "move the file away; addresses of its week can no longer be read");
  else if (epochs->empty())
    findings.add(Verdict::warning, "epochs", "there is no key of this week yet",
                 "the relay makes one when it starts");
  else
    findings.add(Verdict::good, "epochs", std::to_string(epochs->size()) + " keys");
}

void check_channels(const config::Config& config, Findings& findings) {
  const aggregators::Registry registry;
  const auto loaded = config::load_channels(config.paths.channels, registry.names());
  for (const auto& mistake : loaded.mistakes)
    findings.add(Verdict::failure, "channels",
                 mistake.file + ":" + std::to_string(mistake.line) + ":" +
                     std::to_string(mistake.column) + ": " + mistake.what,
                 "mend the file; running roles take the change at once");
  if (!loaded.mistakes.empty()) return;
  if (loaded.channels.all().empty())
    findings.add(Verdict::warning, "channels", "there is no channel",
                 "add one with `ishara channel add`");
  else
    findings.add(Verdict::good, "channels",
                 std::to_string(loaded.channels.all().size()) + " channels");
  // A gateway that does not run is another finding's matter.
  for (const auto& [name, health] : ask_gateway(config).channels)
    if (const auto trouble = trouble_of(health); !trouble.empty())
      findings.add(
          Verdict::warning, "channels", "channel " + name + " " + trouble,
          "`ishara channel list` tells what fails, `ishara channel test " + name + "` tries it");
}

void check_languages(const config::Config& config, Findings& findings) {
  const auto& deployment = config.deployment;
  std::optional<i18n::Packs> packs;
  try {
    packs.emplace(i18n::Packs::load(config.paths.packs, {.tags = deployment.languages}));
  } catch (const std::runtime_error& error) {
    findings.add(Verdict::failure, "languages", error.what(),
                 "see `languages` in [deployment] and `packs` in [paths]");
    return;
  }
  for (const auto& pack : packs->all())
    if (!pack.reviewed)
      findings.add(Verdict::warning, "languages",
                   "no native speaker has read the pack " + pack.tag +
                       (deployment.allow_unreviewed ? ", and its texts are sent"
                                                    : ", so that it is left out"),
                   (config.paths.packs / pack.tag / "REVIEW.md").string() + " says what to do");
  const auto is_used = [&](const std::string& tag) {
    const auto* const pack = packs->find(tag);
    return pack != nullptr && (pack->reviewed || deployment.allow_unreviewed);
  };
  std::size_t used = 0;
  for (const auto& pack : packs->all()) used += is_used(pack.tag) ? 1 : 0;
  if (used == 0)
    findings.add(Verdict::failure, "languages", "no language pack is in use, so no role starts",
                 "have one read by native speakers, or name another in `languages`");
  else
    findings.add(Verdict::good, "languages", std::to_string(used) + " packs in use");
  const aggregators::Registry registry;
  const auto channels = config::load_channels(config.paths.channels, registry.names());
  for (const auto& channel : channels.channels.all())
    if (!is_used(channel.language))
      findings.add(Verdict::failure, "languages",
                   "channel " + channel.name + " answers in '" + channel.language +
                       "', which is not in use: its texts are stored, many without an answer",
                   "name another language in its file, or add the pack to `languages` in "
                   "[deployment] and have it reviewed");
}

void check_database(std::string_view role, const std::string& url, Findings& findings) {
  const auto version = storage::blocking::check_schema(url);
  if (version)
    findings.add(Verdict::good, "database",
                 std::string{role} + ": schema " + std::to_string(*version));
  else
    findings.add(Verdict::failure, "database", std::string{role} + ": " + version.error().message(),
                 version.error() == storage::errc::schema
                     ? "run `ishara migrate`"
                     : "see that Postgres runs, and " + std::string{role} + "_url in [database]");
}

void check_spool(const config::Config& config, Findings& findings) {
  const auto contents = storage::spool_contents(
      config.paths.spool,
      [](std::span<const std::uint8_t> bytes) { return crypto::hash16({bytes}); });
  if (!contents) {
    findings.add(Verdict::failure, "spool", config.paths.spool.string() + " cannot be read",
                 "see `spool` in [paths], and run doctor as the user of the gateway");
    return;
  }
  if (contents->refused_files > 0)
    findings.add(Verdict::failure, "spool",
                 std::to_string(contents->refused_files) +
                     " files of texts that the database refuses, in " + config.paths.spool.string(),
                 "keep them and report it; nobody can read these texts where they are");
  if (contents->rows > 0)
    findings.add(Verdict::warning, "spool",
                 "texts that wait for the database: " + std::to_string(contents->rows),
                 "see that Postgres and the gateway run; they are stored by themselves");
  else
    findings.add(Verdict::good, "spool", "no text waits for the database");
}

struct Wanted {
  const char* setting;
  const char* value;
  Verdict otherwise;
};

// privacy.md section 14: with other values the server's logs quote rows or parameters, or its files
// keep exact times.
constexpr std::array wanted{
    Wanted{"log_error_verbosity", "terse", Verdict::failure},
    Wanted{"log_min_error_statement", "panic", Verdict::failure},
    Wanted{"log_parameter_max_length", "0", Verdict::failure},
    Wanted{"log_parameter_max_length_on_error", "0", Verdict::failure},
    Wanted{"log_statement", "none", Verdict::failure},
    Wanted{"log_min_duration_statement", "-1", Verdict::failure},
    Wanted{"track_commit_timestamp", "off", Verdict::failure},
    Wanted{"archive_mode", "off", Verdict::warning},
    Wanted{"wal_keep_size", "0", Verdict::warning},
    Wanted{"fsync", "on", Verdict::failure},
    Wanted{"synchronous_commit", "on", Verdict::failure},
};

void check_server(const std::string& url, Findings& findings) {
  const auto settings = storage::blocking::server_settings(url);
  if (!settings) return;  // check_database has said so
  bool all_good = true;
  const auto complain_about = [&](Verdict verdict, const std::string& what,
                                  const std::string& todo) {
    findings.add(verdict, "postgres", what, todo);
    all_good = false;
  };
  for (const auto& row : wanted) {
    const auto found = settings->values.find(row.setting);
    if (found == settings->values.end() || found->second != row.value)
      complain_about(row.otherwise,
                     std::string{row.setting} + " is " +
                         (found == settings->values.end() ? "unknown" : found->second),
                     std::string{"set it to "} + row.value + " in postgresql.conf");
  }
  if (const auto level = settings->values.find("wal_level");
      level != settings->values.end() && level->second == "logical")
    complain_about(Verdict::warning, "wal_level is logical",
                   "set it to minimal or replica in postgresql.conf");
  if (settings->statement_statistics)
    complain_about(Verdict::failure, "pg_stat_statements is installed",
                   "DROP EXTENSION pg_stat_statements");
  if (all_good)
    findings.add(Verdict::good, "postgres", "settings keep rows and times out of logs and files");
}

void check_grants(storage::blocking::DeskStore& store, const identity::Directory& directory,
                  Findings& findings) {
  const auto grants = store.all_grants();
  if (!grants) return;  // check_database has said so
  const auto gaps = desk::grant_gaps(directory, *grants);
  for (const auto* queue : gaps.unread)
    findings.add(Verdict::failure, "grants",
                 "nobody has the present key of the queue " + queue->name +
                     ", so that nobody reads what comes in",
                 "a lead of the queue who still has the key runs `ishara user grant " +
                     queue->name +
                     "`; else a lead and two holders of the organisation's recovery key run"
                     " `ishara org recover`");
  for (const auto* queue : gaps.unrecoverable)
    findings.add(Verdict::warning, "grants",
                 "the recovery key of its organisation cannot open the queue " + queue->name,
                 "a lead of the queue runs `ishara user grant " + queue->name +
                     "`, before the last one who has its key leaves");
  for (const auto& [member, queue] : gaps.keyless)
    findings.add(Verdict::warning, "grants",
                 "the member " + crypto::hex(member->id) +
                     " does not have the present key of the"
                     " queue " +
                     queue->name,
                 "a lead of the queue runs `ishara user grant " + queue->name + "`");
  if (gaps.unread.empty() && gaps.unrecoverable.empty() && gaps.keyless.empty())
    findings.add(Verdict::good, "grants",
                 "every queue has people who can read it and a recovery key");
}

// What is sealed to a key that a queue has replaced opens only for who still has that key.
void check_earlier_keys(const config::Config& config, const identity::Directory& directory,
                        Findings& findings) {
  storage::blocking::PeopleStore store{config.database.desk_url};
  for (const auto& queue : directory.queues()) {
    for (const auto& earlier : queue.earlier) {
      const auto left = store.wraps_left(earlier.kid);
      if (!left) return;  // check_database has said so
      if (left->messages == 0) continue;
      const auto oldest = moment_text(std::int64_t{left->since} * 3600);
      findings.add(Verdict::warning, "keys",
                   std::to_string(left->messages) + " texts and notes, the oldest of " + oldest +
                       ", are still sealed to generation " + std::to_string(earlier.generation) +
                       " of the queue " + queue.name,
                   "somebody of the queue who has that key runs `ishara queue list`, which seals "
                   "them anew");
    }
  }
}

// Who is in danger is told a line only if somebody has verified it lately.
void check_helplines(const routing::Snapshot& snapshot, Findings& findings) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto& helplines = snapshot.helplines;
  const auto warn = [&](const std::vector<routing::Mistake>& told) {
    for (const auto& line : told)
      findings.add(Verdict::warning, "helplines",
                   line.file + ":" + std::to_string(line.line) + ": " + line.message,
                   "then `ishara pack import`");
  };
  warn(helplines.premature(today()));
  warn(helplines.expired(today()));
  for (const auto& country : snapshot.countries) {
    std::optional<std::chrono::sys_days> first;
    for (const auto& line : helplines.all()) {
      const auto standing = routing::standing(line, {line.region, {}, true, now});
      const bool counts = country.contains(line.region) && (standing == routing::Standing::usable ||
                                                            standing == routing::Standing::closed);
      if (counts && (!first || line.verified_on < *first)) first = line.verified_on;
    }
    const std::string name{country.view()};
    if (!first) {
      findings.add(Verdict::warning, "helplines",
                   name + ": whoever is in danger is told no number to call",
                   "call a line, write it into helplines.csv, then `ishara pack import`");
      continue;
    }
    const auto until = *first + routing::verification_lasts;
    findings.add(
        until - today() < std::chrono::days{14} ? Verdict::warning : Verdict::good, "helplines",
        name + ": the first to be verified anew, by " +
            moment_text(std::chrono::sys_seconds{until}.time_since_epoch().count(), "%Y-%m-%d"));
  }
}

// No gateway learns anything new while its tables and the rosters contradict each other.
void check_routing(const config::Config& config, const identity::Directory& directory,
                   Findings& findings) {
  storage::blocking::Store store{config.database.gateway_url};
  const auto active = store.active_routing();
  if (!active && active.error() != storage::errc::not_found) return;  // check_database has said so
  std::optional<std::vector<routing::PackFile>> files;
  if (active)
    files = routing::unbundle(
        {reinterpret_cast<const char*>(active->content.data()), active->content.size()});
  const auto loaded = files ? routing::load(*files) : routing::Loaded{};
  if (!loaded.snapshot) {
    findings.add(Verdict::failure, "routing", "there are no tables in use that can be read",
                 "`ishara pack check` names the mistakes of the pack that they came from");
    return;
  }
  const auto& queues = loaded.snapshot->table.queues();
  bool good = true;
  for (const auto& queue : queues) {
    const std::string name{queue.name.view()};
    const auto* const known = directory.queue_named(name);
    if (known && intake::same_class(queue.queue_class, known->organisation_class)) continue;
    good = false;
    findings.add(Verdict::failure, "routing",
                 known ? "queue " + name + " has another class than its organisation"
                       : "the tables name queue " + name + ", which no organisation has",
                 known ? "mend queues.csv of the country pack"
                       : "its organisation adds it with `ishara org add-queue " + name + "`");
  }
  if (good)
    findings.add(Verdict::good, "routing",
                 "version " + std::to_string(active->version) + ", " +
                     std::to_string(queues.size()) + " queues, all of them in the rosters");
  check_helplines(*loaded.snapshot, findings);
}

// By what the audit was told: where backups lie, and whether they do, is not known here.
void check_backups(const config::Config& config, Findings& findings) {
  constexpr std::chrono::hours longest{48};
  storage::blocking::Store store{config.database.desk_url};
  const auto first = store.audit(0, 1);
  const auto last = store.last_audit(static_cast<std::uint16_t>(identity::AuditAction::backup));
  if (!first || !last) return;  // check_database has said so
  const auto age_of = [](const storage::AuditRow& row) {
    const auto entry = identity::decode_audit_entry(row.entry);
    const std::chrono::sys_seconds then{std::chrono::seconds{entry ? entry->time : 0}};
    return std::chrono::duration_cast<std::chrono::hours>(std::chrono::system_clock::now() - then);
  };
  if (*last && age_of(**last) < longest) {
    findings.add(Verdict::good, "backup",
                 "the last one was made " + std::to_string(age_of(**last).count()) + " hours ago");
    return;
  }
  if (!*last && (first->empty() || age_of(first->front()) < longest)) {
    findings.add(Verdict::good, "backup", "none yet; this deployment is younger than two days");
    return;
  }
  findings.add(
      sign_of_production(config).empty() ? Verdict::warning : Verdict::failure, "backup",
      *last ? "the last one was made " + std::to_string(age_of(**last).count() / 24) + " days ago"
            : "none was ever made",
      config.backup.public_key
          ? "see that ishara-backup.timer runs, and what ishara-backup.service says"
          : "make a key pair with `ishara backup key` on another machine, then enable "
            "ishara-backup.timer");
}

void check_rosters(const config::Config& config, Findings& findings) {
  storage::blocking::DeskStore store{config.database.desk_url};
  desk::StoredCases cases{store};
  const auto directory = desk::read_directory(cases, config.deployment.root_public_key, nullptr);
  if (!directory && directory.error() == identity::roster_errc::missing_root) {
    findings.add(Verdict::failure, "rosters", "there are none yet, so no text is taken",
                 "the officers sign them for the keys in services.request");
    return;
  }
  if (!directory) {
    findings.add(
        Verdict::failure, "rosters", directory.error().message(),
        "compare root_public_key in [deployment] with the enrolment sheet; the officers sign anew");
    return;
  }
  findings.add(Verdict::good, "rosters",
               std::to_string((*directory)->queues().size()) + " queues, " +
                   std::to_string((*directory)->members().size()) +
                   " members, all signatures hold");
  for (const auto& queue : (*directory)->queues())
    if (!queue.has_members)
      findings.add(Verdict::warning, "rosters", "queue " + queue.name + " has no members",
                   "its organisation adds some");
  check_grants(store, **directory, findings);
  check_earlier_keys(config, **directory, findings);
  check_routing(config, **directory, findings);
}

int examine(const fs::path& file, bool as_json) {
  crypto::start();
  Findings findings{as_json};
  const auto loaded = config::load(file, config::environment());
  for (const auto& mistake : loaded.mistakes) {
    auto place = mistake;
    place.suggestion.clear();
    findings.add(Verdict::failure, "config", config::to_string(place), mistake.suggestion);
  }
  if (!loaded.config) return findings.exit_code();
  const auto& config = *loaded.config;
  findings.add(Verdict::good, "config", file.string());
  check_custody(config, findings);
  check_listener("gateway", config.gateway.listen, config.gateway.tls.has_value(), findings);
  check_listener("desk", config.desk.listen, config.desk.tls.has_value(), findings);
  if (config.gateway.private_listen && !config.gateway.private_listen->is_local())
    findings.add(Verdict::warning, "listener", "metrics are open to the network",
                 "set private_listen in [gateway] to an address of this machine");
  check_secret_folder(config.paths.keys, findings);
  if (config.paths.relay_keys != config.paths.keys)
    check_secret_folder(config.paths.relay_keys, findings);
  for (const char* key : {"gateway.key", "dedupe.key"})
    check_key(config.paths.keys / key, findings);
  for (const char* key : {"relay.key", "host.key"})
    check_key(config.paths.relay_keys / key, findings);
  check_epochs(config, findings);
  check_channels(config, findings);
  check_languages(config, findings);
  check_spool(config, findings);
  check_database("gateway", config.database.gateway_url, findings);
  check_database("relay", config.database.relay_url, findings);
  check_database("desk", config.database.desk_url, findings);
  check_server(config.database.desk_url, findings);
  check_backups(config, findings);
  check_rosters(config, findings);
  return findings.exit_code();
}

struct Canary {
  bool wanted = false;
  std::string url;
  std::string provider;
  std::string token;
  std::string database;
  std::vector<std::string> places;
};

// Becomes the program that looks; returns only if that fails.
int become_canary(const fs::path& file, const Canary& canary, bool as_json) {
  if (canary.url.empty() || canary.provider.empty() || canary.database.empty())
    return complain("--canary needs --url, --provider and --database",
                    "see the example of `ishara doctor --help`");
  const auto loaded = config::load(file, config::environment());
  if (!loaded.config)
    return complain("the configuration has mistakes", "`ishara doctor` lists them");
  const auto program = fs::read_symlink("/proc/self/exe");
  std::vector<std::string> line{
      "python3",    (program.parent_path() / "canary" / "doctor.py").string(),
      "--ishara",   program.string(),
      "--url",      canary.url,
      "--provider", canary.provider,
      "--token",    canary.token,
      "--database", canary.database};
  if (as_json) line.emplace_back("--json");
  const auto& paths = loaded.config->paths;
  for (const auto& folder : {paths.state, paths.spool, paths.epochs})
    if (fs::exists(folder)) line.push_back(folder.string());
  line.insert(line.end(), canary.places.begin(), canary.places.end());
  std::vector<char*> words;
  for (auto& word : line) words.push_back(word.data());
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  return complain("python3 cannot be run", "install it, and see that canary/ lies beside ishara");
}

}  // namespace

void add_doctor(CLI::App& root, int& exit_code) {
  auto* command = root.add_subcommand("doctor", "Check configuration, keys, database and rosters");
  auto as_json = std::make_shared<bool>(false);
  auto canary = std::make_shared<Canary>();
  command->add_flag("--json", *as_json, "One JSON object a finding");
  command->add_flag("--canary", canary->wanted,
                    "Send made-up texts through a channel and look for them everywhere instead");
  command->add_option("--url", canary->url, "With --canary: the channel's, as `channel add` said");
  command->add_option("--provider", canary->provider, "With --canary: the channel's");
  command->add_option("--token", canary->token, "With --canary: Twilio's auth token");
  command->add_option("--database", canary->database,
                      "With --canary: a connection that may read every table (superuser)");
  command->add_option("places", canary->places,
                      "With --canary: files and folders to search, beside our own: logs, Postgres");
  command->footer("Keys of the configuration file:\n" + config::describe_keys() +
                  "\nExit code 1 if any finding is a failure.\n"
                  "Examples:\n  ishara doctor --config /etc/ishara/ishara.toml\n"
                  "  ishara doctor --canary --provider kannel --url "
                  "http://127.0.0.1:8080/in/kannel/<secret> \\\n"
                  "    --database 'dbname=ishara user=postgres' /var/log /var/lib/postgresql");
  command->callback([&root, &exit_code, as_json, canary] {
    exit_code = canary->wanted ? become_canary(config_file(root), *canary, *as_json)
                               : examine(config_file(root), *as_json);
  });
}

}  // namespace ishara::commands
