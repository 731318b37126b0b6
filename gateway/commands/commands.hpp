#pragma once
// The command line: `ishara <command> ...`. Each command is one file of this folder with one
// function `add_<name>`; gateway/main.cpp holds the list of them. Used by one thread, before any
// other starts.
//
// What every command keeps: `--help` ends with an example (`footer`), `--json` where a program may
// read the answer, answers on stdout, errors on stderr, and the exit codes below.

#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace CLI {
class App;
}

namespace ishara::commands {

inline constexpr int good = 0;
inline constexpr int failed = 1;
inline constexpr int bad_usage = 2;

// Adds one command to `root`. Its callback leaves one of the codes above in `exit_code`, which
// outlives the parsed line, and throws only for bugs.
using AddCommand = void (*)(CLI::App& root, int& exit_code);

// Reads the line, runs the command that it names, returns the exit code of the process.
int run(int count, char** arguments, std::initializer_list<AddCommand> all);

// The configuration file: `--config`, else ISHARA_CONFIG, else ./ishara.toml if it exists, else
// /etc/ishara/ishara.toml. Call it in the callback, when the line has been read.
std::filesystem::path config_file(const CLI::App& root);

// Prints `ishara: <what>` and, on a line of its own, what to do next. Returns `failed`, so that a
// callback may say `exit_code = complain(...)`. Neither text may hold what a reporter sent.
int complain(std::string_view what, std::string_view what_to_do);

void add_audit(CLI::App& root, int& exit_code);
void add_backup(CLI::App& root, int& exit_code);
void add_channel(CLI::App& root, int& exit_code);
void add_desk(CLI::App& root, int& exit_code);
void add_doctor(CLI::App& root, int& exit_code);
void add_gateway(CLI::App& root, int& exit_code);
void add_init(CLI::App& root, int& exit_code);
void add_key(CLI::App& root, int& exit_code);
void add_migrate(CLI::App& root, int& exit_code);
void add_org(CLI::App& root, int& exit_code);
void add_pack(CLI::App& root, int& exit_code);
void add_queue(CLI::App& root, int& exit_code);
void add_relay(CLI::App& root, int& exit_code);
void add_route(CLI::App& root, int& exit_code);
void add_serve(CLI::App& root, int& exit_code);
void add_simulate(CLI::App& root, int& exit_code);
void add_sms(CLI::App& root, int& exit_code);
void add_understand(CLI::App& root, int& exit_code);
void add_user(CLI::App& root, int& exit_code);

}  // namespace ishara::commands
