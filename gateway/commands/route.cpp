#include "gateway/commands/route.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <optional>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/pack_folders.hpp"
#include "gateway/crypto/wipe.hpp"

namespace ishara::commands {
namespace {

struct Options {
  Explain asked;
  std::filesystem::path packs;
  std::string country;
};

boost::json::array names(const std::vector<routing::QueueName>& queues) {
  boost::json::array array;
  for (const auto& queue : queues) array.emplace_back(queue.view());
  return array;
}

// The line that would be named, and what there is to say of the others of the region.
void explain_helplines(const routing::HelplineQuestion& question,
                       const routing::Helplines& helplines, boost::json::object& line) {
  const auto* const named = helplines.choose(question);
  line["helpline"] = nullptr;
  if (named != nullptr) line["helpline"] = named->number;
  boost::json::array others;
  for (const auto& other : helplines.all()) {
    const auto standing = routing::standing(other, question);
    if (&other == named || standing == routing::Standing::elsewhere) continue;
    std::string why{routing::sentence(standing)};
    if (standing == routing::Standing::usable)
      why += ", but another is nearer, for this matter or language, or cheaper";
    others.push_back(
        {{"number", other.number}, {"region", other.region.view()}, {"because", "it " + why}});
  }
  line["helplines_not_named"] = std::move(others);
}

int run_explain(const Options& options) {
  const auto found =
      load_packs(options.packs.empty() ? packs_beside_binary() : options.packs, options.country);
  if (!found.snapshot) {
    print(std::cerr, found.mistakes);
    return complain(found.problem, "name a folder of packs with --packs, or see ishara pack check");
  }
  const auto code = explain(options.asked, *found.snapshot, std::cout, std::cerr);
  std::cout.flush();
  return std::cout ? code : failed;
}

}  // namespace

int explain(const Explain& asked, const routing::Snapshot& snapshot, std::ostream& answers,
            std::ostream& errors) {
  if (snapshot.table.routes().empty()) {
    errors << "ishara: there is no country pack with routes\n";
    return bad_usage;
  }
  routing::Question question;
  if (!asked.region.empty()) {
    const auto region = routing::RegionCode::parse(asked.region);
    if (!region || !snapshot.gazetteer.knows(*region)) {
      errors << "ishara: there is no region '" << asked.region << "': see regions.tsv\n";
      return bad_usage;
    }
    question.region = *region;
  }
  const auto category = routing::category_from_code(asked.category);
  if (!category) {
    errors << "ishara: '" << asked.category << "' is no category: use a code such as DOM\n";
    return bad_usage;
  }
  if (asked.consent != "ngo" && asked.consent != "police") {
    errors << "ishara: --consent is ngo or police\n";
    return bad_usage;
  }
  question.category = *category;
  question.language = asked.language;
  question.urgent = asked.urgent;
  question.consent = asked.consent == "police" ? routing::ConsentClass::helpers_and_police
                                               : routing::ConsentClass::helpers;
  std::pmr::monotonic_buffer_resource arena{8192, &crypto::wiping_resource()};
  const auto decision = routing::understand(asked.text, {}, snapshot, arena);
  question.official_involved = decision.tags.has(routing::Tag::official_involved);
  question.exclusions = decision.exclusions;

  const auto answer = routing::route(question, snapshot.table, {});
  boost::json::object line;
  line["owner"] = answer.owner.view();
  line["police"] = nullptr;
  if (answer.police) line["police"] = answer.police->view();
  line["route"] = answer.row.view();
  boost::json::array because;
  for (const auto& step : answer.because) because.emplace_back(routing::sentence(step, answer));
  line["because"] = std::move(because);
  line["fallbacks"] = names(answer.fallbacks);
  line["excluded"] = names(answer.excluded);
  if (asked.urgent)
    explain_helplines(
        {question.region, asked.language, decision.tags.has(routing::Tag::selfharm), asked.now},
        snapshot.helplines, line);
  answers << boost::json::serialize(line) << '\n';
  return good;
}

void add_route(CLI::App& root, int& exit_code) {
  auto* route = root.add_subcommand("route", "Who gets which report");
  route->require_subcommand(1);
  auto options = std::make_shared<Options>();
  auto& asked = options->asked;
  auto* command = route->add_subcommand("explain", "Which queue would own a report, and why");
  command->add_option("--region", asked.region, "Region, such as RW-02.bugesera")->required();
  command->add_option("--category", asked.category, "Category, such as DOM")->required();
  command->add_option("--language", asked.language, "Language of the text");
  command->add_flag("--urgent", asked.urgent,
                    "The report is urgent: tell the helpline too, for an answer in --language");
  command->add_option("--consent", asked.consent, "What the reporter allowed: ngo or police")
      ->capture_default_str();
  command->add_option(
      "--text", asked.text,
      "A text that may name an official or somebody excluded, or speak of self-harm");
  command->add_option("--pack", options->country,
                      "Country pack, by its folder's name or its country (default: all)");
  command->add_option("--packs", options->packs,
                      "Folder of packs (default: packs beside the program)");
  command->footer(
      "Example:\n  ishara route explain --region RW-02.bugesera --category DOM --consent police");
  command->callback([options, &exit_code] {
    options->asked.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    exit_code = run_explain(*options);
  });
}

}  // namespace ishara::commands
