// `ishara audit`: exports the audit chain, and verifies exports on any machine.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "gateway/commands/caseworker_report.hpp"
#include "gateway/commands/client.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/moment.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/root_key.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/exports.hpp"
#include "gateway/identity/seen_rosters.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// The relay signs every five minutes if there is something new, so that nothing waits for so long.
// After a quiet time the last checkpoint may be old all the same: this very export is an entry.
constexpr std::chrono::minutes longest_wait{15};
constexpr std::uintmax_t largest_file = 1024 * 1024 * 1024;

struct Options {
  ClientOptions client;
  fs::path file;
  std::string root_key;
  fs::path seen;
  std::uint64_t root_version = 0;
  bool entries = false;
  bool json = false;
};

std::string time_text(std::uint64_t seconds) {
  return moment_text(static_cast<std::int64_t>(seconds), "%Y-%m-%dT%H:%M:%SZ");
}

std::uint64_t seconds_now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

// The file may hold a reporter's words.
std::optional<crypto::WipedBuffer> content_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  std::ifstream in{file, std::ios::binary};
  if (error || !in || size > largest_file) return std::nullopt;
  crypto::WipedBuffer out(size);
  if (!in.read(out.data(), static_cast<std::streamsize>(size))) return std::nullopt;
  return out;
}

// --- The last checkpoint that was seen

struct Seen {
  std::optional<identity::Checkpoint> checkpoint;
  std::string mistake;  // if there is a file and it cannot be believed
};

Seen read_seen(const fs::path& file, const identity::Directory& directory) {
  const auto bytes = config::read_key_file(file, identity::checkpoint_size);
  if (!bytes)
    return {std::nullopt, bytes.error() == config::key_file_errc::missing
                              ? std::string{}
                              : file.string() + ": " + bytes.error().message()};
  const auto checkpoint = identity::verify_checkpoint(*bytes, directory);
  if (!checkpoint)
    return {std::nullopt, file.string() + ": it holds no checkpoint of this deployment"};
  return {*checkpoint, {}};
}

// Beside the checkpoint: the highest versions of rosters. Without it whoever makes a file could use
// rosters in which a key is good that was revoked since. A report has only some of the rosters:
// nothing is remembered of them.
boost::system::result<void> check_rosters(const Options& options,
                                          const identity::Directory& directory, bool are_all) {
  if (directory.root_version() < options.root_version) return identity::roster_errc::older_version;
  if (options.seen.empty()) return {};
  auto file = options.seen;
  file += ".rosters";
  if (are_all) return identity::remember_rosters(file, directory);
  const auto seen = identity::read_seen_rosters(file);
  if (!seen) return seen.error();
  for (const auto& [issuer, version] : directory.versions())
    if (const auto known = seen->find(issuer);
        version > 0 && known != seen->end() && version < known->second)
      return identity::roster_errc::older_version;
  return {};
}

// Never back behind what was seen. False if it cannot be written.
bool remember(const fs::path& file, const Seen& seen, const identity::AuditVerdict& verdict) {
  if (!verdict.newest || (seen.checkpoint && seen.checkpoint->seq >= verdict.newest->seq))
    return true;
  return config::replace_key_file(file, verdict.newest_bytes).has_value();
}

// --- What is found

json::object entry_json(const storage::AuditRow& row, const identity::AuditEntry& entry) {
  boost::system::error_code error;
  auto detail = json::parse(row.detail, error);
  json::object out{{"seq", entry.seq},
                   {"at", time_text(entry.time)},
                   {"action", identity::name_of(entry.action)},
                   {"flags", entry.flags},
                   {"actor", crypto::hex(entry.actor)},
                   {"subject", crypto::hex(entry.subject)},
                   {"object", crypto::hex(entry.object)},
                   {"detail", error ? json::value{row.detail} : std::move(detail)}};
  const auto origin = identity::origin_of(row, entry, seconds_now());
  if (origin.address)
    out["address"] = config::text_of(*origin.address);
  else if (origin.known)
    out["address"] = nullptr;
  return out;
}

// The last words of a line.
std::string origin_text(const identity::Origin& origin) {
  if (origin.address) return " from " + config::text_of(*origin.address);
  if (!origin.known) return {};
  return origin.old ? " address removed after 90 days" : " address not in this export";
}

void print_entries(const identity::AuditExport& content, bool as_json) {
  for (const auto& row : content.entries) {
    const auto entry = identity::decode_audit_entry(row.entry);
    if (!entry) return;  // the verdict says so
    if (as_json)
      std::printf("%s\n", json::serialize(entry_json(row, *entry)).c_str());
    else
      std::printf("%8llu  %s  %-15s %s %s %s %s%s\n", static_cast<unsigned long long>(entry->seq),
                  time_text(entry->time).c_str(),
                  std::string{identity::name_of(entry->action)}.c_str(),
                  crypto::hex(entry->actor).c_str(), crypto::hex(entry->subject).c_str(),
                  crypto::hex(entry->object).c_str(), printable(row.detail).c_str(),
                  origin_text(identity::origin_of(row, *entry, seconds_now())).c_str());
  }
}

int tell(const identity::AuditVerdict& verdict, const identity::Directory& directory,
         bool as_json) {
  const auto alone = verdict.last - std::min(verdict.last, verdict.vouched);
  if (as_json) {
    json::object out{{"kind", "audit"},
                     {"good", verdict.good()},
                     {"first", verdict.first},
                     {"last", verdict.last},
                     {"vouched", verdict.vouched},
                     {"addresses_withheld", verdict.origins_withheld},
                     {"rosters", json::parse(rosters_json(directory))}};
    if (verdict.newest) out["vouched_at"] = time_text(verdict.newest->time);
    if (!verdict.good()) {
      out["entry"] = verdict.seq;
      out["reason"] = identity::describe(verdict.fault);
    }
    std::printf("%s\n", json::serialize(out).c_str());
    return verdict.good() ? good : failed;
  }
  if (!verdict.good())
    return complain("entry " + std::to_string(verdict.seq) + ' ' +
                        std::string{identity::describe(verdict.fault)},
                    verdict.vouched > 0
                        ? "rely on nothing after entry " + std::to_string(verdict.vouched) +
                              "; find out who could write the database"
                        : "rely on nothing in it; get another export");
  if (verdict.last == 0) {
    std::printf("There is no entry.\n");
    return good;
  }
  std::printf("Entries %llu to %llu are as they were when a relay vouched for them, at %s.\n",
              static_cast<unsigned long long>(verdict.first),
              static_cast<unsigned long long>(verdict.vouched),
              time_text(verdict.newest->time).c_str());
  if (alone > 0)
    std::printf("The %llu after them %s vouched for by nobody: rely on nothing in %s.\n",
                static_cast<unsigned long long>(alone), alone == 1 ? "is" : "are",
                alone == 1 ? "it" : "them");
  if (verdict.origins_withheld)
    std::printf(
        "It does not say from where anybody acted; what an auditor exports does, for 90 days.\n");
  std::fputs(rosters_text(directory).c_str(), stdout);
  return good;
}

// What does not hold has no part of the file in it.
int refuse(const boost::system::error_code& error, const char* kind, bool as_json) {
  if (!as_json)
    return complain("the export does not hold: " + error.message(),
                    "compare the root key with the enrolment sheet; then get another export");
  std::printf(
      "%s\n",
      json::serialize(json::object{{"kind", kind}, {"good", false}, {"reason", error.message()}})
          .c_str());
  return failed;
}

int verify_audit_file(const Options& options, std::string_view file,
                      const crypto::PublicKey& root_key) {
  const auto content = identity::read_audit_export(file);
  if (!content) return refuse(content.error(), "audit", options.json);
  const auto directory = identity::directory_of(content->rosters, root_key);
  if (!directory) return refuse(directory.error(), "audit", options.json);
  Seen seen;
  if (!options.seen.empty()) seen = read_seen(options.seen, *directory);
  if (!seen.mistake.empty())
    return complain(seen.mistake, "do not remove it; find out how it came to change");
  if (const auto held = check_rosters(options, *directory, true); !held)
    return refuse(held.error(), "audit", options.json);
  const auto verdict =
      identity::verify_audit(content->entries, content->checkpoints, *directory, seen.checkpoint,
                             seconds_now(), identity::Origins::of_those_given);
  if (options.entries) print_entries(*content, options.json);
  const auto code = tell(verdict, *directory, options.json);
  if (code == good && !options.seen.empty() && !remember(options.seen, seen, verdict))
    return complain("cannot remember the checkpoint in " + options.seen.string(),
                    "make its folder writable for you");
  return code;
}

int verify_report_file(const Options& options, std::string_view file,
                       const crypto::PublicKey& root_key) {
  const auto report = identity::verify_report_export(file, root_key);
  if (!report) return refuse(report.error(), "report", options.json);
  if (const auto held = check_rosters(options, report->directory, false); !held)
    return refuse(held.error(), "report", options.json);
  const auto out = options.json ? first_words_json(*report) : first_words_text(*report);
  std::fwrite(out.data(), 1, out.size(), stdout);
  return good;
}

int verify(const Options& options) {
  harden_process(false);
  crypto::start();
  const auto root_key = root_key_of(options.root_key);
  if (!root_key)
    return complain("the root key is not 64 hexadecimal digits, nor a file that holds them",
                    "copy it from the enrolment sheet of the deployment");
  const auto file = content_of(options.file);
  if (!file)
    return complain("cannot read " + options.file.string(), "name a file that was exported");
  const auto text = crypto::view(*file);
  const auto kind = identity::export_kind(text);
  if (kind == identity::ExportKind::audit) return verify_audit_file(options, text, *root_key);
  if (kind == identity::ExportKind::report) return verify_report_file(options, text, *root_key);
  return refuse(identity::export_errc::not_an_export, "unknown", options.json);
}

// --- Exporting

int export_audit(const CLI::App& root, const Options& options) {
  int code = good;
  const auto done = with_client(root, options.client, [&](Caseworker& client) {
    auto seen_file = fs::path{options.client.key_file};
    seen_file += ".checkpoint";
    const auto seen = read_seen(seen_file, client.directory());
    if (!seen.mistake.empty())
      throw CommandError{seen.mistake, "do not remove it; find out how it came to change"};
    const auto content = client.audit();
    const auto verdict =
        identity::verify_audit(content.entries, content.checkpoints, client.directory(),
                               seen.checkpoint, seconds_now(), identity::Origins::of_those_given);
    // Written also if it does not hold: it is evidence then.
    const auto text = identity::write(content);
    const auto written = config::write_key_file(options.file, crypto::bytes_of(text));
    if (!written)
      throw CommandError{options.file.string() + ": " + written.error().message(),
                         "name a new file in a folder that is yours"};
    code = tell(verdict, client.directory(), options.json);
    if (code == good && !remember(seen_file, seen, verdict))
      throw CommandError{"cannot remember the checkpoint beside your key file",
                         "make its folder writable for you"};
    const auto oldest = std::chrono::duration_cast<std::chrono::seconds>(
        (std::chrono::system_clock::now() - longest_wait).time_since_epoch());
    if (code == good && verdict.waits_since != 0 &&
        verdict.waits_since < static_cast<std::uint64_t>(oldest.count()))
      throw CommandError{
          "no relay has vouched for the last entries, some of which are older than 15 minutes; the "
          "file is written",
          "export again in ten minutes; if it is the same then, the relay does not run, or "
          "somebody removes its checkpoints"};
  });
  return done == good ? code : done;
}

}  // namespace

void add_audit(CLI::App& root, int& exit_code) {
  auto* const audit = root.add_subcommand("audit", "Who did what: verify and export");
  audit->require_subcommand(1);

  auto given = std::make_shared<Options>();
  auto* const verifies = audit->add_subcommand(
      "verify",
      "Verify an exported audit chain or report with the root key alone: no configuration, no "
      "database, no network. Exit code 1, and the first bad entry, if it does not hold");
  verifies->add_option("file", given->file, "The export")->required();
  verifies
      ->add_option("--root-key", given->root_key,
                   "Root key of the deployment, or a file that holds it")
      ->envname("ISHARA_ROOT_KEY")
      ->type_name("HEX")
      ->required();
  verifies
      ->add_option("--seen", given->seen,
                   "Remembers the last checkpoint, and in FILE.rosters the versions of the "
                   "rosters; an export must not go back behind them")
      ->type_name("FILE");
  verifies
      ->add_option("--root-version", given->root_version,
                   "Refuse rosters older than this, as on the enrolment sheet: a key that was "
                   "revoked since is still good in them")
      ->type_name("N");
  verifies->add_flag("--entries", given->entries,
                     "Print every entry of the chain too, and from where people acted as long "
                     "as this is kept: 90 days");
  verifies->add_flag("--json", given->json, "One JSON object a line");
  verifies->footer(
      "Example:\n  ishara audit verify audit-2026.export --root-key root.hex --seen my.checkpoint");
  verifies->callback([given, &exit_code] { exit_code = verify(*given); });

  auto wanted = std::make_shared<Options>();
  auto* const exports = audit->add_subcommand(
      "export",
      "Fetch the whole audit chain, verify it, and write a file that others can verify. What an "
      "auditor fetches says from where people acted, for 90 days");
  exports->add_option("file", wanted->file, "A new file")->required();
  add_client_options(*exports, wanted->client);
  exports->add_flag("--json", wanted->json, "One JSON object a line");
  exports->footer(
      "Example:\n  ishara audit export --desk https://desk.example.org --key auditor.key "
      "audit-2026.export");
  exports->callback([wanted, &root, &exit_code] { exit_code = export_audit(root, *wanted); });
}

}  // namespace ishara::commands
