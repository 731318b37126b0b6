#include "gateway/commands/understand.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <string>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/pack_folders.hpp"
#include "gateway/crypto/wipe.hpp"
#include "i18n/decode.hpp"

namespace ishara::commands {
namespace {

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view{text.data(), text.size()});
}

std::string line_of(const routing::Decision& decision) {
  boost::json::array tags;
  for (std::size_t i = 0; i < routing::tag_count; ++i) {
    if (decision.tags.has(static_cast<routing::Tag>(i))) tags.emplace_back(routing::tag_names[i]);
  }
  boost::json::array reasons;
  for (const auto reason : decision.reasons) reasons.emplace_back(reason);
  // Boost.JSON writes 0.9 as 9E-1; people read this line too.
  return fmt::format(
      R"({{"language":{},"category":"{}","score":{:g},"runner_up":{},"tags":{},"urgency":"{}",)"
      R"("urgent":{},"region":{},"region_confidence":{:.3g},"decision":"{}","reasons":{}}})",
      decision.language.empty() ? "null" : quoted(decision.language),
      routing::code(decision.category), decision.score,
      decision.runner_up ? quoted(routing::code(*decision.runner_up)) : "null",
      boost::json::serialize(tags), routing::name(decision.urgency), decision.urgent(),
      decision.region.empty() ? "null" : quoted(decision.region.view()), decision.region_confidence,
      routing::name(decision.outcome), boost::json::serialize(reasons));
}

struct Options {
  std::filesystem::path packs;
  std::string country;
  std::string channel_language = "en";
};

int understand(const Options& options) {
  const auto found =
      load_packs(options.packs.empty() ? packs_beside_binary() : options.packs, options.country);
  if (!found.snapshot) {
    print(std::cerr, found.mistakes);
    return complain(found.problem, "name a folder of packs with --packs, or see ishara pack check");
  }
  routing::Hints hints{options.channel_language, {}};
  if (found.snapshot->countries.size() == 1) hints.channel_country = found.snapshot->countries[0];
  understand_lines(std::cin, std::cout, hints, *found.snapshot);
  std::cout.flush();
  return std::cout ? good : failed;
}

}  // namespace

void understand_lines(std::istream& texts, std::ostream& answers, const routing::Hints& hints,
                      const routing::Snapshot& snapshot) {
  constexpr auto end = std::istream::traits_type::eof();
  crypto::WipedBuffer line;
  auto* bytes = texts.rdbuf();
  for (auto byte = bytes->sbumpc(); byte != end; byte = bytes->sbumpc()) {
    line.clear();
    for (; byte != end && byte != '\n'; byte = bytes->sbumpc()) {
      line.push_back(static_cast<char>(byte));
    }
    std::pmr::monotonic_buffer_resource arena{8192, &crypto::wiping_resource()};
    const auto text = i18n::decode(crypto::view(line), i18n::Charset::utf8, arena);
    answers << line_of(routing::understand({text.data(), text.size()}, hints, snapshot, arena))
            << '\n';
  }
}

void add_understand(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = root.add_subcommand(
      "understand", "Texts on stdin, one a line: what the gateway would make of them");
  command->add_option("--pack", options->country,
                      "Country pack, by its folder's name or its country (default: all)");
  command
      ->add_option("--channel-language", options->channel_language,
                   "Language where a text does not tell")
      ->capture_default_str();
  command->add_option("--packs", options->packs,
                      "Folder of packs (default: packs beside the program)");
  command->footer(
      "Example:\n  echo 'they took our passports in Huye' | ishara understand --pack RW");
  command->callback([options, &exit_code] { exit_code = understand(*options); });
}

}  // namespace ishara::commands
