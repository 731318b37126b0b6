#pragma once
// What the commands have in common that sign the next roster of an organisation: `ishara user` and
// `ishara org`. One thread; calls block; all throw CommandError.

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "gateway/commands/client.hpp"
#include "gateway/commands/held_key.hpp"
#include "gateway/commands/steward.hpp"

namespace ishara::commands {

struct StewardOptions {
  ClientOptions client;
  HeldKeyOptions organisation_key;
  std::filesystem::path out;  // where a signed roster goes instead of the desk
  bool yes = false;           // do not ask
  bool json = false;
};

// For every subcommand that calls the desk.
void add_steward_options(CLI::App& command, StewardOptions& options);
// For those that sign.
void add_signing_options(CLI::App& command, StewardOptions& options);

// Opens her key, verifies the rosters and runs `action`; returns the exit code.
int with_steward(const CLI::App& root, const StewardOptions& options,
                 const std::function<void(Steward&)>& action);

// Shows the lines and asks on the terminal, unless `yes`. Throws if the answer is not yes, and with
// `json`, which shows nothing, unless `yes`.
void agree_to(const std::vector<std::string>& lines, bool yes, bool json);

// Shows what changes, asks, signs with the organisation's key, shows it to the desk or writes it to
// a file for the operator, and tells what became of it and what comes next: `then` once it is in
// force.
Steward::Published sign_and_publish(Steward& steward, const identity::OrganisationRoster& next,
                                    const StewardOptions& options, const std::string& then);
void tell_published(const Steward::Published& published, bool json,
                    const std::vector<std::string>& to_rotate, const std::string& then);
// The queues whose present key is known to somebody who works for them before and not in `next`.
// Until they have new keys, whoever left opens what comes, given a copy of the database.
std::vector<std::string> queues_to_rotate(const identity::OrganisationRoster& before,
                                          const identity::OrganisationRoster& next);

// A new file of rosters.
void write_rosters(const std::filesystem::path& file,
                   std::span<const identity::SignedRoster> rosters);
// Tells that it is written, and what to do with it on the server.
void tell_written(const std::filesystem::path& file, const char* whose, std::uint64_t version,
                  bool json);

// Stops with what an edit of a roster does not allow.
void require(const boost::system::result<void>& edit);

crypto::Id id_of(const std::string& text);
crypto::PublicKey public_key_of(const std::string& text);
std::vector<crypto::Id> queue_ids(Steward& steward, const std::vector<std::string>& names);

// Stops unless these words, or those that are typed on the terminal if there are none, are the ones
// of the keys at hand. `what` says whose keys and at whose screen.
void compare_words(const std::string& typed, const std::string& words, const std::string& question,
                   const std::string& refusal, const std::string& advice);

}  // namespace ishara::commands
