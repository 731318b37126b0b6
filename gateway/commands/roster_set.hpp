#pragma once
// Rosters that came in files, and what may follow on the ones that are in force. Whoever carries
// the files may have altered them; nothing here is believed before its signature is verified.
//
// Pure functions but for `read_roster_files`; thread-safe. All throw CommandError, with the reason
// for people.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/commands/command_error.hpp"
#include "gateway/identity/roster.hpp"
#include "storage/store.hpp"

namespace ishara::commands {

std::vector<identity::SignedRoster> read_roster_files(std::span<const std::filesystem::path> files);

template <class Roster>
struct Verified {
  identity::SignedRoster signed_roster;
  Roster roster;
};

// The newest of each kind among these files. An organisation's roster is verified with its key in
// any of the root rosters: while that key changes, the present one is signed with the old one.
struct RosterSet {
  std::optional<Verified<identity::RootRoster>> root;
  std::vector<Verified<identity::OrganisationRoster>> organisations;

  const Verified<identity::OrganisationRoster>* organisation(const crypto::Id& id) const;
};
RosterSet sorted(std::span<const identity::SignedRoster> rosters,
                 const crypto::PublicKey& root_key);

// A roster that is to come into force.
struct News {
  storage::Roster row;
  std::string whose;  // "the root roster", "the roster of Umoja"
  // Made from the one in force, or the first one; else from a version that is not here.
  bool follows = true;
  std::vector<std::string> changes;  // for people
  // Of an organisation; `before` is empty if it has none yet.
  std::optional<identity::OrganisationRoster> after;
  identity::OrganisationRoster before;
};

// What is to be stored of `offered` on top of what is stored, the root's first; nothing if all of
// it is in force already. Each must be of a higher version than the one in force, and all of it
// together must fit. A version between may be missing, as when a database was restored: whoever
// imports is told (`follows`). No service may newly end before this `hour` (unix time / 3600): what
// it has signed since, and what people were told is received, would be lost.
std::vector<News> importable(std::span<const identity::SignedRoster> offered,
                             std::span<const storage::Roster> stored,
                             const crypto::PublicKey& root_key, std::uint64_t hour);

}  // namespace ishara::commands
