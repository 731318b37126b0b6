// `ishara migrate`: brings the database to the schema of this program.

#include "storage/migrate.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <memory>

#include "gateway/commands/configuration.hpp"

namespace ishara::commands {
namespace {

int explain(storage::errc code) {
  switch (code) {
    case storage::errc::changed:
      return complain(
          "a migration that this database has seen differs from the one in this program",
          "install the release that made the database, or restore a backup");
    case storage::errc::schema:
      return complain("the owner may not change this database, or a newer release made it",
                      "check database.owner_url: ishara_owner must own the database and, the first "
                      "time, the roles of storage/roles.sql must exist; never go back a release");
    case storage::errc::unavailable:
      return complain("the database cannot be reached or did not finish",
                      "see that Postgres runs and that database.owner_url points to it");
    default:
      return complain("the database refused a step", "look at the log of Postgres, then try again");
  }
}

int migrate(const CLI::App& root, bool json) {
  const auto configuration = load_configuration(root);
  if (!configuration) return failed;
  if (configuration->database.owner_url.empty())
    return complain("there is no URL of the database's owner",
                    "set database.owner_url, or ISHARA_DATABASE_OWNER_URL for this command alone");

  const auto migrated = storage::blocking::migrate(configuration->database.owner_url);
  if (!migrated) return explain(static_cast<storage::errc>(migrated.error().value()));
  if (json) {
    std::cout << boost::json::serialize(boost::json::object{
                     {"applied",
                      boost::json::array(migrated->applied.begin(), migrated->applied.end())},
                     {"version", migrated->version}})
              << '\n';
    return good;
  }
  for (const auto& name : migrated->applied) std::cout << "applied " << name << '\n';
  std::cout << "the schema is at version " << migrated->version << '\n';
  return good;
}

}  // namespace

void add_migrate(CLI::App& root, int& exit_code) {
  auto* command =
      root.add_subcommand("migrate", "Bring the database to the schema of this program");
  command->footer(
      "Example:\n"
      "  ISHARA_DATABASE_OWNER_URL='postgresql:///ishara?user=ishara_owner' ishara migrate\n\n"
      "Forward only, and harmless to repeat. Needs database.owner_url, which no service needs.");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "One JSON object instead of lines");
  command->callback([&root, &exit_code, json] { exit_code = migrate(root, *json); });
}

}  // namespace ishara::commands
