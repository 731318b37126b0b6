#include "gateway/commands/roster_set.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "gateway/commands/terminal.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/roster_file.hpp"

namespace ishara::commands {
namespace {

using identity::Directory;
using identity::OrganisationRoster;
using identity::RootRoster;
using identity::SignedRoster;

constexpr std::uintmax_t largest_file = 64 * 1024 * 1024;

SignedRoster signed_roster(const storage::Roster& row) {
  SignedRoster out{row.bytes, {}};
  // Another length verifies as little as a signature of zeros.
  if (row.signature.size() == out.signature.size())
    std::ranges::copy(row.signature, out.signature.begin());
  return out;
}

template <class Roster>
void keep_newest(std::optional<Verified<Roster>>& known, Verified<Roster> roster) {
  if (!known || known->roster.version < roster.roster.version) known = std::move(roster);
}

// --- What follows on what

std::string version_text(const std::string& whose, std::uint64_t version) {
  return whose + " of version " + std::to_string(version);
}

// Whether it follows on what is in force; nothing if it is that, and no news. Throws if it is
// older.
template <class Roster>
std::optional<bool> follows(const std::string& whose, const Verified<Roster>& offered,
                            const Verified<Roster>* present) {
  const auto& [bytes, next] = offered;
  if (present == nullptr) return next.version == 1 && next.previous == crypto::Digest{};
  const auto& in_force = present->roster;
  if (bytes.bytes == present->signed_roster.bytes) return std::nullopt;
  if (next.version <= in_force.version)
    throw CommandError{
        version_text(whose, next.version) +
            (next.version == in_force.version ? " is another one than the one in force"
                                              : " is older than the one in force") +
            (next.version == in_force.version ? ""
                                              : ", version " + std::to_string(in_force.version)),
        "it is refused everywhere; ask who signs it for one made from what is in force: `ishara "
        "org show --file`"};
  return next.version == in_force.version + 1 &&
         next.previous == crypto::hash32({present->signed_roster.bytes});
}

[[noreturn]] void refuse_misfit(boost::system::error_code error, const RootRoster& root,
                                std::span<const SignedRoster> organisations) {
  for (const auto& organisation : root.organisations)
    if (error == identity::roster_errc::bad_signature &&
        std::ranges::none_of(organisations, [&](const auto& roster) {
          return identity::verify_organisation(roster, organisation.signing_key).has_value();
        }))
      throw CommandError{"the root roster names another key for " + printable(organisation.name) +
                             " than its own roster is signed with",
                         "import both together: that organisation signs its roster anew with "
                         "`ishara org sign`"};
  throw CommandError{"these rosters do not fit together: " + error.message(),
                     "nothing was imported; whoever signs them has to mend them"};
}

void refuse_past_ends(const RootRoster& next, const RootRoster* present, std::uint64_t hour) {
  for (const auto& service : next.services) {
    if (!service.until || *service.until >= hour) continue;
    if (present != nullptr &&
        std::ranges::any_of(present->services, [&](const RootRoster::Service& known) {
          return known.public_key == service.public_key && known.until == service.until;
        }))
      continue;
    throw CommandError{
        "the root roster ends the " + printable(service.use) + " with the key " +
            crypto::hex(crypto::key_id(service.public_key)) +
            " in the past, and every text that it took since would be refused for ever",
        "ask the officers for one that ends it later (`ishara org root --end-at`); after a restore "
        "of rosters that were in force before, say --past-ends"};
  }
}

storage::Roster row_of(const crypto::Id& issuer, std::uint64_t version,
                       const SignedRoster& roster) {
  return {issuer,
          static_cast<std::uint32_t>(version),
          roster.bytes,
          {roster.signature.begin(), roster.signature.end()}};
}

}  // namespace

std::vector<SignedRoster> read_roster_files(std::span<const std::filesystem::path> files) {
  std::vector<SignedRoster> out;
  for (const auto& file : files) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    std::ifstream in{file, std::ios::binary};
    if (error || !in || size > largest_file)
      throw CommandError{file.string() + " cannot be read",
                         error ? error.message() : "is it a file of rosters?"};
    const std::string content{std::istreambuf_iterator<char>{in}, {}};
    auto rosters = identity::read_roster_file(content);
    if (!rosters)
      throw CommandError{file.string() + " is no file of rosters, or it was cut",
                         "`ishara org show --file`, `ishara org root` and `ishara org sign` write "
                         "such files; take it from there again"};
    std::ranges::move(*rosters, std::back_inserter(out));
  }
  return out;
}

const Verified<OrganisationRoster>* RosterSet::organisation(const crypto::Id& id) const {
  const auto found = std::ranges::find(organisations, id,
                                       [](const auto& entry) { return entry.roster.organisation; });
  return found == organisations.end() ? nullptr : &*found;
}

RosterSet sorted(std::span<const SignedRoster> rosters, const crypto::PublicKey& root_key) {
  RosterSet out;
  std::vector<RootRoster::Organisation> known;
  std::vector<const SignedRoster*> others;
  for (const auto& roster : rosters) {
    auto root = identity::verify_root(roster, root_key);
    if (!root) {
      others.push_back(&roster);
      continue;
    }
    known.insert(known.end(), root->organisations.begin(), root->organisations.end());
    keep_newest(out.root, {roster, std::move(*root)});
  }
  for (const auto* roster : others) {
    std::optional<OrganisationRoster> read;
    for (const auto& organisation : known) {
      auto verified = identity::verify_organisation(*roster, organisation.signing_key);
      if (verified && verified->organisation == organisation.id) read = std::move(*verified);
    }
    if (!read || !out.root || read->deployment != out.root->roster.deployment)
      throw CommandError{
          "one of the rosters is signed neither with this root key nor by an organisation that the "
          "root roster names",
          "it was altered, or it belongs to another deployment; nothing was done"};
    const auto place = std::ranges::find(out.organisations, read->organisation,
                                         [](const auto& one) { return one.roster.organisation; });
    if (place == out.organisations.end())
      out.organisations.push_back({*roster, std::move(*read)});
    else if (place->roster.version < read->version)
      *place = {*roster, std::move(*read)};
  }
  return out;
}

std::vector<News> importable(std::span<const SignedRoster> offered,
                             std::span<const storage::Roster> stored,
                             const crypto::PublicKey& root_key, std::uint64_t hour) {
  std::vector<SignedRoster> present;
  for (const auto& row : stored) present.push_back(signed_roster(row));
  const auto in_force = sorted(present, root_key);

  std::vector<SignedRoster> all{offered.begin(), offered.end()};
  if (in_force.root) all.push_back(in_force.root->signed_roster);
  const auto roots = std::ranges::count_if(offered, [&](const auto& roster) {
    return identity::verify_root(roster, root_key).has_value() &&
           !(in_force.root && roster.bytes == in_force.root->signed_roster.bytes);
  });
  if (roots > 1)
    throw CommandError{"there are several root rosters in these files",
                       "import them one after the other, the older one first"};
  // An older root roster among the files is told as what it is.
  for (const auto& roster : offered)
    if (auto root = identity::verify_root(roster, root_key); root && in_force.root) {
      if (root->deployment != in_force.root->roster.deployment)
        throw CommandError{"the root roster is of another deployment", "nothing was imported"};
      follows<RootRoster>("the root roster", {roster, std::move(*root)}, &*in_force.root);
    }
  const auto next = sorted(all, root_key);
  if (!next.root)
    throw CommandError{"there is no root roster here yet",
                       "import the first one, from `ishara org root`, with these"};

  std::vector<News> out;
  const auto* const root_before = in_force.root ? &*in_force.root : nullptr;
  if (const auto made = follows("the root roster", *next.root, root_before)) {
    RootRoster before;
    before.deployment = next.root->roster.deployment;
    if (root_before != nullptr) before = root_before->roster;
    out.push_back({row_of({}, next.root->roster.version, next.root->signed_roster),
                   "the root roster",
                   *made,
                   identity::changes(before, next.root->roster),
                   {},
                   {}});
  }
  refuse_past_ends(next.root->roster, in_force.root ? &in_force.root->roster : nullptr, hour);
  std::vector<SignedRoster> whole;
  for (const auto& entry : next.organisations) {
    const auto& known = next.root->roster.organisations;
    const auto organisation =
        std::ranges::find(known, entry.roster.organisation, &RootRoster::Organisation::id);
    const auto name = organisation == known.end() ? std::string{"an organisation"}
                                                  : printable(organisation->name);
    const auto* const before = in_force.organisation(entry.roster.organisation);
    const auto whose = "the roster of " + name;
    if (const auto made = follows(whose, entry, before)) {
      OrganisationRoster from;
      from.deployment = entry.roster.deployment;
      from.organisation = entry.roster.organisation;
      if (before != nullptr) from = before->roster;
      auto lines = identity::changes(from, entry.roster);
      out.push_back({row_of(entry.roster.organisation, entry.roster.version, entry.signed_roster),
                     whose, *made, std::move(lines), entry.roster, std::move(from)});
    }
    whole.push_back(entry.signed_roster);
  }
  for (const auto& entry : in_force.organisations)
    if (next.organisation(entry.roster.organisation) == nullptr)
      whole.push_back(entry.signed_roster);
  const auto directory = Directory::verified(next.root->signed_roster, whole, root_key);
  if (!directory) refuse_misfit(directory.error(), next.root->roster, whole);
  return out;
}

}  // namespace ishara::commands
