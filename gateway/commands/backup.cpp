// `ishara backup`: makes sealed backups, and reads and restores them where their secret key is.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

#include "gateway/commands/backups.hpp"
#include "gateway/commands/configuration.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/root_key.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct Options {
  fs::path file;
  fs::path out;
  fs::path key;
  std::string owner_url;
  std::string root_key;
  bool json = false;
};

std::uint64_t rows_of(const BackupContent& content) {
  std::uint64_t rows = 0;
  for (const auto& [table, count] : content.rows) rows += count;
  return rows;
}

json::object json_of(const BackupContent& content) {
  json::object tables;
  for (const auto& [table, count] : content.rows) tables[table] = count;
  return {{"day", text_of(content.day)}, {"schema", content.schema}, {"rows", std::move(tables)}};
}

void print(const json::object& object) { std::printf("%s\n", json::serialize(object).c_str()); }

void print(const BackupContent& content) {
  std::printf("made on %s (UTC), schema %u, %llu rows:\n", text_of(content.day).c_str(),
              content.schema, static_cast<unsigned long long>(rows_of(content)));
  for (const auto& [table, count] : content.rows)
    std::printf("  %-18s %12llu\n", table.c_str(), static_cast<unsigned long long>(count));
}

// Every subcommand but `key`: errors are told as what went wrong and what to do.
template <class Action>
int attempt(Action action) {
  harden_process(false);
  crypto::start();
  try {
    return action();
  } catch (const BackupError& error) {
    return complain(error.what(), error.what_to_do());
  }
}

crypto::BoxKey secret_key(const fs::path& file) {
  const auto seed = config::read_key_file(file, 32);
  if (!seed)
    throw BackupError{file.string() + ": " + seed.error().message(),
                      "give the secret file that `ishara backup key` wrote"};
  return crypto::box_key(crypto::Secret<32>{std::span<const std::uint8_t, 32>{*seed}});
}

int make_key(const Options& options) {
  harden_process(false);
  crypto::start();
  const auto seed = crypto::random_secret<32>();
  const auto written = config::write_key_file(options.out, seed.reveal());
  if (!written)
    return complain(options.out.string() + ": " + written.error().message(),
                    "name a new file in a folder that is yours");
  const auto key = crypto::hex(crypto::box_key(seed).public_key);
  if (options.json)
    print({{"public_key", key}});
  else
    std::printf(
        "[backup]\npublic_key = \"%s\"\n\n"
        "Put these lines into the configuration of the server. Keep %s on another machine, and a\n"
        "copy of it in a safe: without it no backup can be read, and with it every one can.\n",
        key.c_str(), options.out.c_str());
  return good;
}

int make(const CLI::App& root, const Options& options) {
  const auto configuration = load_configuration(root);
  if (!configuration) return failed;
  if (!configuration->backup.public_key)
    return complain("there is no key to which backups are sealed",
                    "run `ishara backup key` on another machine and set public_key in [backup]");
  if (configuration->database.backup_url.empty())
    return complain(
        "there is no URL of the role that makes backups",
        "set database.backup_url, or ISHARA_DATABASE_BACKUP_URL for this command alone");
  return attempt([&] {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto& url = configuration->database.backup_url;
    // First, so that they go also on a day on which none can be made.
    const auto removed =
        remove_old_backups(options.out, std::chrono::floor<std::chrono::days>(now));
    if (!options.json)
      for (const auto& file : removed) std::printf("removed %s\n", file.c_str());
    tell_removed(url, removed, now);
    const auto made = make_backup(url, *configuration->backup.public_key, options.out, now);
    if (options.json) {
      auto object = json_of(made.content);
      object["file"] = made.file.string();
      json::array gone;
      for (const auto& file : removed) gone.emplace_back(file.string());
      object["removed"] = std::move(gone);
      print(object);
    } else {
      std::printf("made %s, %llu rows\n", made.file.c_str(),
                  static_cast<unsigned long long>(rows_of(made.content)));
    }
    return good;
  });
}

int verify(const Options& options) {
  return attempt([&] {
    const auto content = verify_backup(options.file, secret_key(options.key));
    if (options.json) {
      print(json_of(content));
    } else {
      std::printf("Nothing is missing and nothing was altered: ");
      print(content);
    }
    return good;
  });
}

int restore(const Options& options) {
  return attempt([&] {
    const auto content = restore_backup(options.file, secret_key(options.key), options.owner_url);
    if (options.json) {
      print(json_of(content));
    } else {
      std::printf("Restored: ");
      print(content);
      std::printf(
          "\nWhat was deleted, withdrawn or answered after that day is as it was then. Services\n"
          "that have seen newer rosters refuse these until they are published anew.\n");
    }
    return good;
  });
}

int drill(const Options& options) {
  return attempt([&] {
    const auto root_key = root_key_of(options.root_key);
    if (!root_key)
      throw BackupError{"the root key is not 64 hexadecimal digits, nor a file that holds them",
                        "copy it from the enrolment sheet of the deployment"};
    const auto content = restore_backup(options.file, secret_key(options.key), options.owner_url);
    const auto seen = inspect_restored(options.owner_url, *root_key, content);
    if (options.json) {
      auto object = json_of(content);
      object["records"] = seen.records;
      object["texts"] = seen.texts;
      object["ownerships"] = seen.ownerships;
      object["audit_entries"] = seen.entries;
      object["audit_vouched"] = seen.chain_vouched;
      json::array findings;
      for (const auto& finding : seen.findings)
        findings.push_back(json::object{{"place", finding.place}, {"what", finding.what}});
      object["findings"] = std::move(findings);
      print(object);
    } else {
      std::printf("Restored: ");
      print(content);
      std::printf(
          "signed records       %12llu\ntexts as signed      %12llu\nreports with an owner%12llu\n"
          "audit entries        %12llu%s\n",
          static_cast<unsigned long long>(seen.records),
          static_cast<unsigned long long>(seen.texts),
          static_cast<unsigned long long>(seen.ownerships),
          static_cast<unsigned long long>(seen.entries),
          seen.chain_vouched ? ", vouched for by a relay" : ", no relay vouches for them yet");
      for (const auto& finding : seen.findings)
        std::printf("WRONG  %s: %s\n", finding.place.c_str(), finding.what.c_str());
    }
    if (!seen.findings.empty())
      return complain(
          "the backup does not hold what was signed",
          "take another backup, and find out who could write the database or this file");
    if (!options.json) std::printf("The backup can be restored, and everything in it holds.\n");
    return good;
  });
}

void add_reading(CLI::App& command, Options& options) {
  command.add_option("file", options.file, "The backup")->required();
  command.add_option("--key", options.key, "The secret file of the backup key")
      ->type_name("FILE")
      ->required();
  command.add_flag("--json", options.json, "One JSON object instead of lines");
}

void add_target(CLI::App& command, Options& options) {
  command
      .add_option("--owner-url", options.owner_url,
                  "An empty database, as its owner ishara_owner; never the one in use")
      ->type_name("URL")
      ->required();
}

}  // namespace

void add_backup(CLI::App& root, int& exit_code) {
  auto* const backup =
      root.add_subcommand("backup", "Sealed backups of the database: make, verify, restore, drill");
  backup->require_subcommand(1);
  const auto given = std::make_shared<Options>();
  auto& options = *given;

  auto* const makes_key = backup->add_subcommand(
      "key", "Make the key pair of backups, on a machine that is not the server");
  makes_key->add_option("--out", options.out, "A new file for the secret key")
      ->type_name("FILE")
      ->required();
  makes_key->add_flag("--json", options.json, "One JSON object instead of lines");
  makes_key->footer("Example:\n  ishara backup key --out backup-secret.key");
  makes_key->callback([given, &exit_code] { exit_code = make_key(*given); });

  auto* const makes = backup->add_subcommand(
      "make", "Make one backup into a folder, and remove those of 35 days ago and older");
  makes->add_option("--out", options.out, "Folder of the backups")->type_name("FOLDER")->required();
  makes->add_flag("--json", options.json, "One JSON object instead of lines");
  makes->footer(
      "Example:\n  ishara backup make --out /var/backups/ishara\n\n"
      "Run it every day, as ishara-backup.timer does. It needs database.backup_url and public_key "
      "in "
      "[backup],\nand no secret. Each backup and each removal leaves an entry in the audit.");
  makes->callback([given, &root, &exit_code] { exit_code = make(root, *given); });

  auto* const verifies = backup->add_subcommand(
      "verify", "Read a whole backup: nothing missing, nothing altered, sealed to this key");
  add_reading(*verifies, options);
  verifies->footer(
      "Example:\n  ishara backup verify ishara-2026-11-22-0123456789abcdef.backup --key "
      "backup-secret.key");
  verifies->callback([given, &exit_code] { exit_code = verify(*given); });

  auto* const restores = backup->add_subcommand("restore", "Fill an empty database from a backup");
  add_reading(*restores, options);
  add_target(*restores, options);
  restores->footer(
      "Example:\n  ishara backup restore ishara-2026-11-22-0123456789abcdef.backup --key "
      "backup-secret.key \\\n    --owner-url 'host=/run/postgresql dbname=ishara "
      "user=ishara_owner'");
  restores->callback([given, &exit_code] { exit_code = restore(*given); });

  auto* const drills = backup->add_subcommand(
      "drill",
      "Restore a backup and verify everything in it under the root key: counts, signatures, "
      "texts, owners, audit. Exit code 1 if anything does not hold");
  add_reading(*drills, options);
  add_target(*drills, options);
  drills
      ->add_option("--root-key", options.root_key,
                   "Root key of the deployment, or a file that holds it")
      ->envname("ISHARA_ROOT_KEY")
      ->type_name("HEX")
      ->required();
  drills->footer(
      "Example:\n  ishara backup drill ishara-2026-11-22-0123456789abcdef.backup --key "
      "backup-secret.key \\\n    --root-key root.hex --owner-url 'host=/run/postgresql "
      "dbname=drill user=ishara_owner'\n\n"
      "scripts/backup_drill does it in a Postgres of its own that it throws away.");
  drills->callback([given, &exit_code] { exit_code = drill(*given); });
}

}  // namespace ishara::commands
