#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <typeinfo>

namespace ishara::commands {

int run(int count, char** arguments, std::initializer_list<AddCommand> all) {
  int exit_code = good;
  CLI::App root{"Ishara takes anonymous reports by SMS and USSD to the people who can help.",
                "ishara"};
  root.add_option("--config",
                  "Configuration file (default: ./ishara.toml, then /etc/ishara/ishara.toml)")
      ->envname("ISHARA_CONFIG")
      ->type_name("FILE");
  root.require_subcommand(1);
  root.fallthrough();  // so that --config may also stand behind the command's name
  for (const auto add : all) add(root, exit_code);
  // Only now: a command inherits the footer that it finds.
  root.footer("Example:\n  ishara serve --config /etc/ishara/ishara.toml");
  try {
    root.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return root.exit(error) == 0 ? good : bad_usage;
  } catch (const std::exception& error) {
    // The kind only: what() of a library may quote what it was reading.
    return complain(std::string{"stopped by an unexpected error of kind "} + typeid(error).name(),
                    "this is a defect of ishara: please report it with the command that you gave");
  }
  return exit_code;
}

std::filesystem::path config_file(const CLI::App& root) {
  const auto* option = root.get_option("--config");
  if (option->count() > 0) return option->as<std::string>();
  std::error_code ignored;
  if (std::filesystem::exists("ishara.toml", ignored)) return "ishara.toml";
  return "/etc/ishara/ishara.toml";
}

int complain(std::string_view what, std::string_view what_to_do) {
  std::fprintf(stderr, "ishara: %.*s\n  %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(what_to_do.size()), what_to_do.data());
  return failed;
}

}  // namespace ishara::commands
