// `ishara key`: the keys that people hold themselves. They are made, kept and destroyed here, away
// from the servers: no subcommand of this file needs a network, a database or a configuration.
// `panic` and `resume`, which work on a server, are in key_panic.cpp, and `make service` in
// key_service.cpp.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>

#include "gateway/commands/backups.hpp"
#include "gateway/commands/commands.hpp"
#include "gateway/commands/key_files.hpp"
#include "gateway/commands/key_panic.hpp"
#include "gateway/commands/key_service.hpp"
#include "gateway/commands/passphrase.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/commands/root_key.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using identity::HeldKey;
using identity::KeyKind;

struct Options {
  std::string name;
  std::vector<std::string> holders;
  std::string id;
  fs::path file;
  fs::path passphrase_file;
  fs::path new_passphrase_file;
  fs::path sheets;
  bool new_sheets = false;
  std::vector<fs::path> sheet_files;
  std::string public_key;
  bool digits = false;
  bool json = false;
};

// Every subcommand: errors are told as what went wrong and what to do.
template <class Action>
int attempt(Action action) {
  harden_process(false);
  crypto::start();
  try {
    action();
    return good;
  } catch (const CommandError& error) {
    return complain(error.what(), error.what_to_do());
  }
}

// --- Passphrases

void write_new(const fs::path& file, crypto::View bytes) {
  if (const auto written = config::write_key_file(file, bytes); !written)
    throw CommandError{file.string() + ": " + written.error().message(),
                       "name a new file in a folder that is yours"};
}

// Before anything is made that would be lost with it.
void refuse_to_overwrite(const fs::path& file) {
  std::error_code error;
  if (!file.empty() && fs::exists(fs::symlink_status(file, error)))
    throw CommandError{file.string() + ": the file exists already", "name a new file"};
}

crypto::WipedBuffer passphrase_of(const Options& options, std::string_view prompt) {
  auto given = given_passphrase(options.passphrase_file, prompt);
  if (!given)
    throw CommandError{options.passphrase_file.string() + ": " + given.error().message(),
                       "it must be a file of yours with mode 0600"};
  return std::move(*given);
}

// --- What a key is, for people and for programs

struct PublicKeys {
  std::vector<std::pair<std::string, crypto::PublicKey>> keys;  // by their names in rosters
  std::string words;
};

PublicKeys public_keys(const HeldKey& key) {
  if (key.kind == KeyKind::user) {
    const auto sign = identity::user_signing_key(key.seed).public_key;
    const auto box = identity::user_box_key(key.seed).public_key;
    return {{{"sign_pk", sign}, {"box_pk", box}}, identity::user_fingerprint(sign, box)};
  }
  const auto one = identity::public_key_of(key.kind, key.seed);
  return {{{key.kind == KeyKind::recovery ? "box_pk" : "sign_pk", one}},
          identity::key_fingerprint(key.kind, one)};
}

json::object json_of(KeyKind kind, const crypto::Id& id) {
  return {{"kind", identity::name_of(kind)}, {"id", crypto::hex(id)}};
}

json::object json_of(const HeldKey& key) {
  auto out = json_of(key.kind, key.id);
  const auto shown = public_keys(key);
  for (const auto& [name, value] : shown.keys) out[name] = crypto::hex(value);
  out["words"] = shown.words;
  return out;
}

std::string_view meaning_of_id(KeyKind kind) {
  switch (kind) {
    case KeyKind::user:
      return "user";
    case KeyKind::root:
      return "deployment";
    case KeyKind::organisation:
    case KeyKind::recovery:
    case KeyKind::service:
      break;
  }
  return "organisation";
}

std::string lines_of(KeyKind kind, const crypto::Id& id) {
  std::string out = "  kind          " + std::string{identity::name_of(kind)} + " key\n  " +
                    std::string{meaning_of_id(kind)};
  out.append(14 - meaning_of_id(kind).size(), ' ');
  return out + crypto::hex(id) + "\n";
}

std::string lines_of(const HeldKey& key) {
  const auto shown = public_keys(key);
  auto out = lines_of(key.kind, key.id);
  for (const auto& [name, value] : shown.keys)
    out += "  " + name + std::string(14 - name.size(), ' ') + crypto::hex(value) + "\n";
  return out + "  words         " + shown.words + "\n";
}

crypto::Id id_of(const Options& options) {
  if (options.id.empty()) return crypto::random_bytes<16>();
  const auto id = crypto::from_hex_exact<16>(options.id);
  if (!id) throw CommandError{"the id is not 32 hexadecimal digits", "copy it as it was printed"};
  return *id;
}

// --- Sheets

std::string today() {
  return text_of(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
}

std::array<crypto::WipedBuffer, 3> pages_of(const HeldKey& key, const Options& options) {
  const auto sheets = identity::split(key);
  std::array<crypto::WipedBuffer, 3> pages;
  for (std::size_t i = 0; i < sheets.size(); ++i)
    pages[i] = identity::printed(
        sheets[i], {printable(options.name),
                    i < options.holders.size() ? printable(options.holders[i]) : std::string{},
                    today(), identity::public_key_of(key.kind, key.seed)});
  return pages;
}

fs::path sheet_file(const Options& options, KeyKind kind, std::size_t i) {
  return options.sheets /
         (std::string{identity::name_of(kind)} + "-sheet-" + static_cast<char>('A' + i) + ".txt");
}

// Into files, page by page onto the terminal, or in one go to the printer behind standard output.
// True if what is said about the key may go to standard output as well.
bool hand_out_sheets(const HeldKey& key, const Options& options) {
  const auto pages = pages_of(key, options);
  if (!options.sheets.empty()) {
    for (std::size_t i = 0; i < pages.size(); ++i)
      write_new(sheet_file(options, key.kind, i), crypto::bytes_of(crypto::view(pages[i])));
    return true;
  }
  if (::isatty(STDOUT_FILENO) == 0) {
    for (const auto& page : pages) {
      std::fwrite(page.data(), 1, page.size(), stdout);
      std::fputc('\f', stdout);
    }
    if (std::fflush(stdout) != 0)
      throw CommandError{"the sheets could not be printed",
                         "see that the printer runs, and run again"};
    return false;
  }
  for (std::size_t i = 0; i < pages.size(); ++i) {
    clear_screen();
    std::fwrite(pages[i].data(), 1, pages[i].size(), stdout);
    std::fflush(stdout);
    ask("\nCopy this sheet by hand, for its holder alone, then press Enter. ");
  }
  clear_screen();
  return true;
}

void refuse_unusable_sheets(const Options& options, KeyKind kind) {
  if (options.holders.size() > 3)
    throw CommandError{"there are three sheets, and --holder names a fourth person",
                       "name up to three"};
  if (options.json && options.sheets.empty())
    throw CommandError{"with --json the sheets cannot go to standard output",
                       "name a folder for them with --sheets"};
  if (options.sheets.empty()) return;
  for (std::size_t i = 0; i < 3; ++i) refuse_to_overwrite(sheet_file(options, kind, i));
}

// --- The subcommands

void make_user(const Options& options) {
  refuse_to_overwrite(options.file);
  const HeldKey key{KeyKind::user, id_of(options), crypto::random_secret<32>()};
  const auto passphrase = hand_over_new_passphrase(options.digits, options.new_passphrase_file);
  write_new(options.file, identity::blocking_seal_key(key, crypto::view(passphrase)));
  if (options.json) {
    auto object = json_of(key);
    object["file"] = options.file.string();
    print_json(object);
    return;
  }
  std::printf(
      "Made %s. Without the passphrase it is of use to nobody. For your enrolment:\n\n%s\n"
      "Read the eight words to the admin of your organisation, face to face. She signs only the\n"
      "keys whose words are the same on her screen.\n",
      options.file.c_str(), lines_of(key).c_str());
}

const char* next_step(KeyKind kind) {
  switch (kind) {
    case KeyKind::root:
      return "The public key goes to whoever sets up the server:\n"
             "  ishara init --custody own --root-key SIGN_PK ...\n"
             "and, with its words, onto the sheet that every person gets at her enrolment.\n";
    case KeyKind::organisation:
      return "The officers of the root key put the organisation, this id and this public key into\n"
             "the root roster. Read the eight words to them.\n";
    case KeyKind::recovery:
      return "The admin of the organisation puts this public key into its roster as recovery key.\n"
             "Read the eight words to her.\n";
    case KeyKind::user:
    case KeyKind::service:
      break;
  }
  return "";
}

void make_shared(KeyKind kind, const Options& options) {
  refuse_unusable_sheets(options, kind);
  refuse_to_overwrite(options.file);
  const HeldKey key{kind, id_of(options), crypto::random_secret<32>()};
  std::optional<crypto::WipedBuffer> passphrase;
  if (!options.file.empty())
    passphrase = hand_over_new_passphrase(options.digits, options.new_passphrase_file);
  auto* const out = hand_out_sheets(key, options) ? stdout : stderr;
  if (passphrase)
    write_new(options.file, identity::blocking_seal_key(key, crypto::view(*passphrase)));
  if (options.json) {
    auto object = json_of(key);
    if (passphrase) object["file"] = options.file.string();
    print_json(object);
    return;
  }
  std::fprintf(out,
               "Made three sheets for the %s key of %s. Any two give it back, one gives nothing.\n",
               std::string{identity::name_of(kind)}.c_str(), printable(options.name).c_str());
  if (passphrase)
    std::fprintf(out, "Made %s, which opens with the passphrase alone.\n", options.file.c_str());
  std::fprintf(out, "\n%s\n%s", lines_of(key).c_str(), next_step(kind));
  if (!options.sheets.empty())
    std::fprintf(out,
                 "\nThe sheets are files in %s now. Print them one at a time, then destroy them:\n"
                 "  ishara key destroy %s\n",
                 options.sheets.c_str(), (options.sheets / "*-sheet-?.txt").c_str());
}

void show(const Options& options) {
  const auto bytes = config::read_secret_file(options.file, 64 * 1024);
  if (!bytes)
    throw CommandError{options.file.string() + ": " + bytes.error().message(),
                       "it must be a file of yours with mode 0600 and no second name"};
  const std::string_view content{reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  if (const auto read = identity::read_sheet(content); read.sheet) {
    auto object = json_of(read.sheet->kind, read.sheet->id);
    object["sheet"] = std::string(1, read.sheet->letter);
    if (options.json)
      print_json(object);
    else
      std::printf("Sheet %c of three. Every line is right.\n\n%s", read.sheet->letter,
                  lines_of(read.sheet->kind, read.sheet->id).c_str());
    return;
  }
  const auto head = identity::read_sealed_key_head(read_sealed_key(options.file)).value();
  // Without the passphrase the file says what it is, and nobody has vouched for it.
  const auto passphrase = passphrase_of(options, "Passphrase (Enter to go without): ");
  if (passphrase.empty()) {
    if (options.json)
      print_json(json_of(head.kind, head.id));
    else
      std::printf("A sealed key file. Its public keys are shown with the passphrase.\n\n%s",
                  lines_of(head.kind, head.id).c_str());
    return;
  }
  const auto key = open_sealed_key(options.file, crypto::view(passphrase));
  if (options.json)
    print_json(json_of(key));
  else
    std::printf("A sealed key file, and this passphrase opens it.\n\n%s", lines_of(key).c_str());
}

void change_passphrase(const Options& options) {
  const auto key =
      open_sealed_key(options.file, crypto::view(passphrase_of(options, "Passphrase until now: ")));
  const auto passphrase = hand_over_new_passphrase(options.digits, options.new_passphrase_file);
  const auto sealed = identity::blocking_seal_key(key, crypto::view(passphrase));
  if (const auto replaced = config::replace_key_file(options.file, sealed); !replaced)
    throw CommandError{options.file.string() + ": " + replaced.error().message(),
                       "the file is as it was, with the passphrase that it had"};
  std::printf(
      "%s opens with the new passphrase alone; the key in it is the same. Copies of the file that\n"
      "were made before still open with the old one: destroy them, and burn the old paper.\n",
      options.file.c_str());
}

void rebuild(const Options& options) {
  const bool with_sheets = options.new_sheets || !options.sheets.empty();
  if (options.file.empty() && !with_sheets)
    throw CommandError{
        "there is nothing to make of the key",
        "say --file for a sealed key file, --new-sheets for three new sheets, or use "
        "`ishara key check`"};
  refuse_to_overwrite(options.file);
  const auto key = key_of_two_sheets(options.sheet_files);
  if (with_sheets) refuse_unusable_sheets(options, key.kind);
  std::optional<crypto::WipedBuffer> passphrase;
  if (!options.file.empty())
    passphrase = hand_over_new_passphrase(options.digits, options.new_passphrase_file);
  auto* out = stdout;
  if (with_sheets) out = hand_out_sheets(key, options) ? stdout : stderr;
  if (passphrase)
    write_new(options.file, identity::blocking_seal_key(key, crypto::view(*passphrase)));
  if (options.json) {
    print_json(json_of(key));
    return;
  }
  std::fprintf(out, "The two sheets give this key:\n\n%s\n", lines_of(key).c_str());
  if (passphrase)
    std::fprintf(out, "Made %s, which opens with the passphrase alone. Destroy it after use.\n",
                 options.file.c_str());
  if (with_sheets)
    std::fprintf(
        out,
        "Made three new sheets, which do not go together with older ones. Burn those: two\n"
        "of them would still give the key.\n");
}

void check(const Options& options) {
  std::optional<crypto::PublicKey> expected;
  if (!options.public_key.empty()) {
    expected = root_key_of(options.public_key);
    if (!expected)
      throw CommandError{"the public key is not 64 hexadecimal digits, nor a file that holds them",
                         "copy it from where it is known, not from the sheets"};
  }
  const auto key = key_of_two_sheets(options.sheet_files);
  if (expected && identity::public_key_of(key.kind, key.seed) != *expected)
    throw CommandError{"the two sheets give a key, but not the one with this public key",
                       "they belong to an older or another key: compare the words on them"};
  if (options.json)
    print_json(json_of(key));
  else
    std::printf("The two sheets give this key%s:\n\n%s\n%s",
                expected ? ", the one that was asked for" : "", lines_of(key).c_str(),
                expected ? "" : "Compare the words with those that you know.\n");
}

int destroy(const std::vector<fs::path>& files) {
  harden_process(false);
  crypto::start();
  int exit_code = good;
  for (const auto& file : files) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(file, error))) {
      exit_code = complain(file.string() + ": there is no such file", "see that the name is right");
    } else if (const auto gone = config::destroy_key_file(file); !gone) {
      exit_code = complain(file.string() + ": it could not be overwritten",
                           fs::exists(fs::symlink_status(file, error))
                               ? "it is still there: run it again as the owner of the file"
                               : "it was removed all the same; its bytes may still be on the disk");
    } else {
      std::printf("Overwritten and removed: %s\n", file.c_str());
    }
  }
  if (exit_code == good)
    std::printf(
        "\nThis does not reach what the disk has kept elsewhere: flash memory moves what is "
        "written,\n"
        "and snapshots, backups and copies have bytes of their own. Where that matters, the key "
        "must\n"
        "be replaced: then nobody gains by the old one.\n");
  return exit_code;
}

// --- The line

using Given = std::shared_ptr<Options>;

const std::string about_sheets =
    "\n/dev/shm is memory, no disk. Print a sheet at a time with its holder beside the printer, "
    "and "
    "destroy\nall three afterwards: `ishara key destroy`. A print goes through the spool of this "
    "computer and the\nmemory of the printer, which may keep it: take a printer on a cable that "
    "forgets when it is switched\noff. Safer is to copy them by hand: without --sheets they come "
    "on "
    "the terminal, one after the other.";

void add_json(CLI::App& command, const Given& given) {
  command.add_flag("--json", given->json, "One JSON object instead of lines");
}

void add_new_passphrase(CLI::App& command, const Given& given) {
  command
      .add_option("--new-passphrase-file", given->new_passphrase_file,
                  "Write the new passphrase into this new file instead of showing it")
      ->type_name("FILE");
  command.add_flag("--digits", given->digits,
                   "A passphrase of 24 digits instead of six English words");
}

void add_sheet_options(CLI::App& command, const Given& given) {
  command
      .add_option("--name", given->name,
                  "Of the deployment or organisation, as it is to stand on the sheets")
      ->required();
  command
      .add_option("--holder", given->holders,
                  "Who gets a sheet, up to three times (default: a line to be filled in)")
      ->expected(1)
      ->take_all();
  command
      .add_option("--sheets", given->sheets,
                  "Write the sheets into files in this folder instead of printing them")
      ->type_name("FOLDER")
      ->check(CLI::ExistingDirectory);
}

void add_sheets_to_read(CLI::App& command, const Given& given) {
  command
      .add_option("--sheet", given->sheet_files,
                  "A file with the lines of a sheet, at most twice (default: they are typed)")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
}

CLI::App* add_subcommand(CLI::App& key, const std::string& name, const char* what,
                         const std::string& example) {
  auto* const command = key.add_subcommand(name, what);
  command->footer(example);
  return command;
}

void add_make(CLI::App& root, CLI::App& key, int& exit_code) {
  auto* const make =
      key.add_subcommand("make", "Make a key: of a user, an organisation, the root, a service");
  make->require_subcommand(1);
  add_make_service(root, *make, exit_code);

  const auto user = std::make_shared<Options>();
  auto* const makes_user = add_subcommand(
      *make, "user", "A key file for a person, under a generated passphrase",
      "Example:\n  ishara key make user --file amina.key\n\n"
      "The person makes it herself, on her own machine. Nobody else ever sees the passphrase.");
  makes_user->add_option("--file", user->file, "The new key file")->type_name("FILE")->required();
  makes_user->add_option("--id", user->id, "Her id, if her invitation names one (default: drawn)")
      ->type_name("HEX");
  add_new_passphrase(*makes_user, user);
  add_json(*makes_user, user);
  makes_user->callback([user, &exit_code] { exit_code = attempt([&] { make_user(*user); }); });

  struct Row {
    KeyKind kind;
    const char* what;
    std::string example;
  };
  for (const auto& row : {
           Row{KeyKind::root,
               "The key that signs which organisations and services belong to the deployment",
               "Example:\n  ishara key make root --name 'Umoja pilot' --holder Amina --holder "
               "Bosco --holder Chantal --sheets /dev/shm/sheets\n\nRun it on a computer without "
               "network, with the three holders beside it." +
                   about_sheets},
           Row{KeyKind::organisation, "The key that signs who works for an organisation",
               "Example:\n  ishara key make organisation --name 'Umoja Trust' --file umoja.key \\\n"
               "    --sheets /dev/shm/sheets\n\nThe sheets are for the safe; the file is what the "
               "admin works with." +
                   about_sheets},
           Row{KeyKind::recovery,
               "The key that opens an organisation's reports when nobody else can",
               "Example:\n  ishara key make recovery --name 'Umoja Trust' \\\n    --id "
               "0123456789abcdef0123456789abcdef --sheets /dev/shm/sheets\n" +
                   about_sheets},
       }) {
    const auto given = std::make_shared<Options>();
    const auto kind = row.kind;
    auto* const makes =
        add_subcommand(*make, std::string{identity::name_of(kind)}, row.what, row.example);
    add_sheet_options(*makes, given);
    auto* const id =
        makes
            ->add_option("--id", given->id,
                         kind == KeyKind::root ? "Id of a deployment that exists (default: drawn)"
                         : kind == KeyKind::organisation
                             ? "Id of an organisation that exists (default: drawn)"
                             : "Id of the organisation")
            ->type_name("HEX");
    if (kind == KeyKind::recovery) id->required();
    if (kind == KeyKind::organisation) {
      makes
          ->add_option("--file", given->file,
                       "Also a sealed key file, under a generated passphrase")
          ->type_name("FILE");
      add_new_passphrase(*makes, given);
    }
    add_json(*makes, given);
    makes->callback(
        [given, kind, &exit_code] { exit_code = attempt([&] { make_shared(kind, *given); }); });
  }
}

void add_file(CLI::App& command, const Given& given) {
  command.add_option("file", given->file, "The key file")->type_name("FILE")->required();
  command
      .add_option("--passphrase-file", given->passphrase_file,
                  "File with its passphrase, mode 0600 (default: ask)")
      ->type_name("FILE");
}

}  // namespace

void add_key(CLI::App& root, int& exit_code) {
  auto* const key = root.add_subcommand("key", "Keys that people hold: make, keep, share, destroy");
  key->require_subcommand(1);
  add_make(root, *key, exit_code);

  const auto shown = std::make_shared<Options>();
  auto* const shows = add_subcommand(*key, "show", "Tell what a key file or sheet is; no secrets",
                                     "Example:\n  ishara key show amina.key");
  add_file(*shows, shown);
  add_json(*shows, shown);
  shows->callback([shown, &exit_code] { exit_code = attempt([&] { show(*shown); }); });

  const auto changed = std::make_shared<Options>();
  auto* const changes =
      add_subcommand(*key, "passphrase", "Give a key file a new generated passphrase",
                     "Example:\n  ishara key passphrase amina.key");
  add_file(*changes, changed);
  add_new_passphrase(*changes, changed);
  changes->callback(
      [changed, &exit_code] { exit_code = attempt([&] { change_passphrase(*changed); }); });

  const auto rebuilt = std::make_shared<Options>();
  auto* const combines = add_subcommand(
      *key, "combine", "Make a key file, or three new sheets, of two sheets",
      "Examples:\n  ishara key combine --file root.key\n"
      "  ishara key combine --new-sheets --name 'Umoja pilot' --sheets /dev/shm/sheets\n\n"
      "Without --sheet both sheets are typed, each line checked as it comes.\n" +
          about_sheets);
  add_sheets_to_read(*combines, rebuilt);
  combines->add_option("--file", rebuilt->file, "The new key file")->type_name("FILE");
  add_new_passphrase(*combines, rebuilt);
  auto* const name = combines->add_option("--name", rebuilt->name,
                                          "Of the deployment or organisation, for the new sheets");
  combines->add_flag("--new-sheets", rebuilt->new_sheets, "Print three new sheets of the same key")
      ->needs(name);
  combines->add_option("--holder", rebuilt->holders, "Who gets a new sheet, up to three times")
      ->expected(1)
      ->take_all();
  combines
      ->add_option("--sheets", rebuilt->sheets, "Write the new sheets into files in this folder")
      ->type_name("FOLDER")
      ->check(CLI::ExistingDirectory)
      ->needs(name);
  add_json(*combines, rebuilt);
  combines->callback([rebuilt, &exit_code] { exit_code = attempt([&] { rebuild(*rebuilt); }); });

  const auto checked = std::make_shared<Options>();
  auto* const checks = add_subcommand(
      *key, "check", "Rehearse: do two sheets give the key with this public key?",
      "Example:\n  ishara key check --public-key root.hex\n\nWrites nothing. Do it once a year.");
  add_sheets_to_read(*checks, checked);
  checks->add_option("--public-key", checked->public_key, "64 hexadecimal digits, or a file")
      ->type_name("HEX");
  add_json(*checks, checked);
  checks->callback([checked, &exit_code] { exit_code = attempt([&] { check(*checked); }); });

  const auto files = std::make_shared<std::vector<fs::path>>();
  auto* const destroys =
      add_subcommand(*key, "destroy", "Overwrite and remove files with keys, passphrases or sheets",
                     "Example:\n  ishara key destroy root.key root.passphrase");
  destroys->add_option("file", *files, "The files")->type_name("FILE")->required();
  destroys->callback([files, &exit_code] { exit_code = destroy(*files); });

  add_panic(root, *key, exit_code);
}

}  // namespace ishara::commands
