#include "gateway/commands/understand.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

std::string percent(double share) { return fmt::format("{:.1f}", 100 * share); }

std::string percent(const std::optional<routing::Estimate>& estimate) {
  if (!estimate) return "-";
  return fmt::format("{:.1f} [{:.0f} {:.0f}]", 100 * estimate->value, 100 * estimate->low,
                     100 * estimate->high);
}

std::string line_of(std::string_view name, const routing::Figures& figures) {
  return fmt::format("{:<9}{:>6}  {:<15} {:<15} {:<15} {:<15} {:<15} {:<15} {:<15}", name,
                     figures.texts, percent(figures.macro_f1), percent(figures.urgent_recall),
                     percent(figures.urgent_precision), percent(figures.non_precision),
                     percent(figures.region), percent(figures.language),
                     percent(figures.abstained));
}

boost::json::value json_of(const std::optional<routing::Estimate>& estimate) {
  if (!estimate) return nullptr;
  return boost::json::object{
      {"value", estimate->value}, {"low", estimate->low}, {"high", estimate->high}};
}

boost::json::object json_of(const routing::Figures& figures) {
  return {{"texts", figures.texts},
          {"macro_f1", json_of(figures.macro_f1)},
          {"urgent_recall", json_of(figures.urgent_recall)},
          {"urgent_precision", json_of(figures.urgent_precision)},
          {"non_precision", json_of(figures.non_precision)},
          {"region", json_of(figures.region)},
          {"language", json_of(figures.language)},
          {"abstained", json_of(figures.abstained)}};
}

boost::json::value json_of(std::optional<double> share) {
  return share ? boost::json::value{*share} : boost::json::value{};
}

struct Options {
  std::filesystem::path packs;
  std::string country;
  std::string channel_language = "en";
  std::vector<std::filesystem::path> labelled;
  bool wrong{};
  bool json{};
};

std::optional<std::string> content_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::string content{std::istreambuf_iterator<char>{file}, {}};
  if (!file || file.bad()) return std::nullopt;
  return content;
}

int evaluate(const Options& options, std::string_view channel_language,
             const routing::Snapshot& snapshot) {
  std::vector<routing::LabelledText> texts;
  std::vector<routing::Mistake> mistakes;
  std::vector<std::string> files;  // of each text
  for (const auto& path : options.labelled) {
    const auto content = content_of(path);
    if (!content) return complain("cannot read " + path.string(), "name a file of labelled texts");
    const auto name = path.string();
    for (auto& text : routing::read_labelled({name, *content}, snapshot, mistakes)) {
      texts.push_back(std::move(text));
      files.push_back(name);
    }
  }
  print(std::cerr, mistakes);
  if (!mistakes.empty()) return failed;
  const auto found = routing::evaluate(texts, channel_language, snapshot);
  if (options.json) {
    print_json(found, std::cout);
  } else {
    print_report(found, std::cout);
  }
  if (options.wrong) {
    for (std::size_t i = 0; i < found.texts.size(); ++i) {
      const auto& text = found.texts[i];
      std::string wrong;
      if (text.expected != text.got) {
        wrong += fmt::format(" {} for {}", routing::code(text.got), routing::code(text.expected));
      }
      if (text.urgent_expected != text.urgent_got)
        wrong += text.urgent_got ? " urgent?" : " not urgent?";
      if (!text.region_right.value_or(true)) wrong += " region";
      if (wrong.empty()) continue;
      fmt::print(std::cout, "{}:{}:{} ({})\n", files[i], text.line, wrong,
                 fmt::join(text.reasons, " "));
    }
  }
  std::cout.flush();
  return std::cout ? good : failed;
}

int understand(const Options& options, bool hint_is_given) {
  const auto found =
      load_packs(options.packs.empty() ? packs_beside_binary() : options.packs, options.country);
  if (!found.snapshot) {
    print(std::cerr, found.mistakes);
    return complain(found.problem, "name a folder of packs with --packs, or see ishara pack check");
  }
  if (!options.labelled.empty())
    return evaluate(options, hint_is_given ? options.channel_language : "", *found.snapshot);
  routing::Hints hints{options.channel_language, {}};
  if (found.snapshot->countries.size() == 1) hints.channel_country = found.snapshot->countries[0];
  understand_lines(std::cin, std::cout, hints, *found.snapshot);
  std::cout.flush();
  return std::cout ? good : failed;
}

}  // namespace

void print_report(const routing::Evaluation& found, std::ostream& out) {
  fmt::print(out, "{:<9}{:>6}  {:<15} {:<15} {:<15} {:<15} {:<15} {:<15} {:<15}\n", "language",
             "texts", "macro-F1", "urgent recall", "urgent precis.", "NON precision", "region",
             "language", "abstained");
  for (const auto& one : found.languages) out << line_of(one.language, one.figures) << '\n';
  out << line_of("all", found.all) << '\n';
  out << "All figures in percent, [bootstrap interval of 95 %]. macro-F1 is over the codes with 5 "
         "texts or more; UNC counts as UNS.\n\n";

  fmt::print(out, "{:<9}{:>6}{:>8}{:>11}{:>7}\n", "category", "texts", "recall", "precision", "F1");
  for (const auto& one : found.categories) {
    fmt::print(out, "{:<9}{:>6}{:>8}{:>11}{:>7}\n", routing::code(one.category), one.texts,
               one.recall ? percent(*one.recall) : "-",
               one.precision ? percent(*one.precision) : "-", percent(one.f1));
  }
  out << "\nWhat the texts of a row were taken for:\n     ";
  for (const auto& column : found.categories) out << "  " << routing::code(column.category);
  out << '\n';
  for (const auto& row : found.categories) {
    out << routing::code(row.category) << "  ";
    for (const auto& column : found.categories) {
      const auto count = found.pairs(row.category, column.category);
      out << (count == 0 ? "    ." : fmt::format("{:>5}", count));
    }
    out << '\n';
  }
}

void print_json(const routing::Evaluation& found, std::ostream& out) {
  boost::json::object languages;
  for (const auto& one : found.languages) languages[one.language] = json_of(one.figures);
  boost::json::object categories;
  for (const auto& row : found.categories) {
    boost::json::object taken_for;
    for (const auto& column : found.categories) {
      if (const auto count = found.pairs(row.category, column.category); count > 0)
        taken_for[routing::code(column.category)] = count;
    }
    categories[routing::code(row.category)] =
        boost::json::object{{"texts", row.texts},
                            {"recall", json_of(row.recall)},
                            {"precision", json_of(row.precision)},
                            {"f1", row.f1},
                            {"taken_for", std::move(taken_for)}};
  }
  out << boost::json::serialize(boost::json::object{{"all", json_of(found.all)},
                                                    {"languages", std::move(languages)},
                                                    {"categories", std::move(categories)}})
      << '\n';
}

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
  auto* hint = command
                   ->add_option("--channel-language", options->channel_language,
                                "Language where a text does not tell (with --evaluate: no default)")
                   ->capture_default_str();
  command
      ->add_option("--evaluate", options->labelled,
                   "Files of labelled texts: how well they are understood, instead of stdin")
      ->check(CLI::ExistingFile);
  command->add_flag("--wrong", options->wrong, "With --evaluate: also each text that was mistaken");
  command->add_flag("--json", options->json, "With --evaluate: the report as one object");
  command->add_option("--packs", options->packs,
                      "Folder of packs (default: packs beside the program)");
  command->footer(
      "Example:\n  echo 'they took our passports in Huye' | ishara understand --pack RW\n"
      "  ishara understand --evaluate tests/data/understand/development/*.tsv");
  command->callback([=, &exit_code] { exit_code = understand(*options, hint->count() > 0); });
}

}  // namespace ishara::commands
