#include "routing/understand/evaluation.hpp"

#include <algorithm>
#include <array>
#include <memory_resource>
#include <random>

#include "i18n/normalise.hpp"
#include "routing/pack/rows.hpp"

namespace ishara::routing {
namespace {

constexpr std::size_t fewest_texts = 5;  // of a code, to count in the macro-F1
constexpr std::size_t resamples = 1000;
constexpr std::uint64_t seed = 1;
constexpr unsigned admin1 = 2;           // depth of a subdivision
constexpr std::size_t fewest_words = 3;  // that can tell a language

using Judged = Evaluation::Judged;

std::string_view primary(std::string_view tag) noexcept { return tag.substr(0, tag.find('-')); }

// Nothing recognised and a mere sign both go to a person.
constexpr Category merged(Category category) noexcept {
  return category == Category::unclassified ? Category::unsure : category;
}

// What a set of judged texts adds up to.
struct Counts {
  std::array<std::size_t, category_count> expected{};
  std::array<std::size_t, category_count> got{};
  std::array<std::size_t, category_count> right{};
  std::size_t texts{};
  std::size_t abstained{};
  std::size_t urgent{};
  std::size_t called_urgent{};
  std::size_t rightly_urgent{};
  std::size_t regions{};
  std::size_t right_regions{};
  std::size_t languages{};
  std::size_t right_languages{};

  void add(const Judged& text) noexcept {
    ++texts;
    ++expected[static_cast<std::size_t>(text.expected)];
    ++got[static_cast<std::size_t>(text.got)];
    if (text.expected == text.got) ++right[static_cast<std::size_t>(text.got)];
    abstained += text.abstained ? 1 : 0;
    urgent += text.urgent_expected ? 1 : 0;
    called_urgent += text.urgent_got ? 1 : 0;
    rightly_urgent += text.urgent_expected && text.urgent_got ? 1 : 0;
    regions += text.region_right ? 1 : 0;
    right_regions += text.region_right.value_or(false) ? 1 : 0;
    languages += text.language_right ? 1 : 0;
    right_languages += text.language_right.value_or(false) ? 1 : 0;
  }

  std::optional<double> f1(std::size_t category) const noexcept {
    const auto both = expected[category] + got[category];
    if (both == 0) return std::nullopt;
    return 2.0 * static_cast<double>(right[category]) / static_cast<double>(both);
  }
};

std::optional<double> share(std::size_t part, std::size_t whole) noexcept {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

using Codes = std::array<bool, category_count>;

enum : std::size_t { f1, abstained, recall, precision, non, region, language, figure_count };
using Values = std::array<std::optional<double>, figure_count>;

Values values_of(const Counts& counts, const Codes& frequent) noexcept {
  double sum = 0;
  std::size_t codes = 0;
  for (std::size_t i = 0; i < category_count; ++i) {
    if (!frequent[i]) continue;
    if (const auto one = counts.f1(i)) {
      sum += *one;
      ++codes;
    }
  }
  const auto noise = static_cast<std::size_t>(Category::not_a_report);
  Values values;
  if (codes > 0) values[f1] = sum / static_cast<double>(codes);
  values[abstained] = share(counts.abstained, counts.texts);
  values[recall] = share(counts.rightly_urgent, counts.urgent);
  values[precision] = share(counts.rightly_urgent, counts.called_urgent);
  values[non] = share(counts.right[noise], counts.got[noise]);
  values[region] = share(counts.right_regions, counts.regions);
  values[language] = share(counts.right_languages, counts.languages);
  return values;
}

Figures figures_of(std::span<const Judged* const> texts) {
  Counts counts;
  for (const auto* text : texts) counts.add(*text);
  Codes frequent{};
  for (std::size_t i = 0; i < category_count; ++i) frequent[i] = counts.expected[i] >= fewest_texts;
  const auto values = values_of(counts, frequent);

  std::array<std::vector<double>, figure_count> drawn;
  std::mt19937_64 random{seed};
  for (std::size_t i = 0; i < resamples && !texts.empty(); ++i) {
    Counts again;
    for (std::size_t n = 0; n < texts.size(); ++n) again.add(*texts[random() % texts.size()]);
    const auto sample = values_of(again, frequent);
    for (std::size_t figure = 0; figure < figure_count; ++figure)
      if (sample[figure]) drawn[figure].push_back(*sample[figure]);
  }
  const auto estimate = [&](std::size_t figure) -> std::optional<Estimate> {
    if (!values[figure]) return std::nullopt;
    auto& sorted = drawn[figure];
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double part) {
      const auto place = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
      return sorted.empty() ? *values[figure] : sorted[std::min(place, sorted.size() - 1)];
    };
    return Estimate{*values[figure], at(0.025), at(0.975)};
  };
  return {.texts = texts.size(),
          .macro_f1 = estimate(f1),
          .abstained = estimate(abstained).value_or(Estimate{}),
          .urgent_recall = estimate(recall),
          .urgent_precision = estimate(precision),
          .non_precision = estimate(non),
          .region = estimate(region),
          .language = estimate(language)};
}

bool has_pack_of(const RegionCode& country, const Snapshot& snapshot) {
  return std::find(snapshot.countries.begin(), snapshot.countries.end(), country) !=
         snapshot.countries.end();
}

Judged judge(const LabelledText& text, std::string_view channel_language,
             const Snapshot& snapshot) {
  Hints hints{channel_language, {}};
  if (text.region) {
    hints.channel_country = text.region->country();
  } else if (snapshot.countries.size() == 1) {
    hints.channel_country = snapshot.countries.front();
  }
  std::pmr::monotonic_buffer_resource memory;
  const auto decision = understand(text.text, hints, snapshot, memory);
  Judged judged{.line = text.line,
                .language = std::string{primary(text.language)},
                .expected = merged(text.category),
                .got = merged(decision.category),
                .abstained = decision.outcome == Outcome::triage,
                .urgent_expected = text.urgent,
                .urgent_got = decision.urgent(),
                .region_right = std::nullopt,
                .language_right = std::nullopt,
                .reasons = {decision.reasons.begin(), decision.reasons.end()}};
  if (text.region && has_pack_of(text.region->country(), snapshot)) {
    judged.region_right =
        routable_region(decision).ancestor(admin1) == text.region->ancestor(admin1);
  }
  if (i18n::tokens(text.text, memory).size() >= fewest_words) {
    const auto guessed = snapshot.languages.guess(text.text, {}, memory);
    judged.language_right = primary(guessed) == judged.language;
  }
  return judged;
}

}  // namespace

std::vector<LabelledText> read_labelled(const PackFile& file, const Snapshot& snapshot,
                                        std::vector<Mistake>& mistakes) {
  enum : std::size_t { language, text, category, urgent, region };
  std::vector<LabelledText> texts;
  const auto languages = snapshot.lexicon.languages();
  for (const auto& row : read_rows(file,
                                   {{"language"},
                                    {"text"},
                                    {"category"},
                                    {"urgent"},
                                    {"region", Must::no},
                                    {"note", Must::no}},
                                   mistakes)) {
    const auto before = mistakes.size();
    LabelledText labelled;
    labelled.line = row[language].line;
    labelled.language = row[language].text;
    labelled.text = row[text].text;
    if (std::find(languages.begin(), languages.end(), primary(labelled.language)) ==
        languages.end()) {
      const std::vector<std::string_view> known{languages.begin(), languages.end()};
      complain(mistakes, file, row[language],
               "there is no lexicon of the language '" + labelled.language + "'",
               closest(primary(labelled.language), known));
    }
    const auto code = category_from_code(row[category].text);
    if (code && *code != Category::unclassified) {
      labelled.category = *code;
    } else {
      complain(mistakes, file, row[category],
               "'" + row[category].text + "' is no code that a text can be given",
               closest(row[category].text, category_codes));
    }
    labelled.urgent = row[urgent].text == "yes";
    if (!labelled.urgent && row[urgent].text != "no")
      complain(mistakes, file, row[urgent], "urgent is yes or no");
    if (!row[region].text.empty()) {
      labelled.region = RegionCode::parse(row[region].text);
      if (!labelled.region) {
        complain(mistakes, file, row[region],
                 "'" + row[region].text + "' is no code of a region, as RW or RW-02");
      } else if (has_pack_of(labelled.region->country(), snapshot) &&
                 !snapshot.gazetteer.knows(*labelled.region)) {
        complain(mistakes, file, row[region],
                 "the packs do not know the region '" + row[region].text + "'");
      }
    }
    if (mistakes.size() == before) texts.push_back(std::move(labelled));
  }
  return texts;
}

Evaluation evaluate(std::span<const LabelledText> texts, std::string_view channel_language,
                    const Snapshot& snapshot) {
  Evaluation out;
  for (const auto& text : texts) out.texts.push_back(judge(text, channel_language, snapshot));

  Counts counts;
  out.confusion.assign(category_count * category_count, 0);
  std::vector<const Judged*> all;
  std::vector<std::vector<const Judged*>> by_language;
  for (const auto& text : out.texts) {
    counts.add(text);
    ++out.confusion[static_cast<std::size_t>(text.expected) * category_count +
                    static_cast<std::size_t>(text.got)];
    all.push_back(&text);
    const auto known =
        std::find_if(out.languages.begin(), out.languages.end(),
                     [&](const auto& other) { return other.language == text.language; });
    const auto place = static_cast<std::size_t>(known - out.languages.begin());
    if (known == out.languages.end()) {
      out.languages.push_back({text.language, {}});
      by_language.emplace_back();
    }
    by_language[place].push_back(&text);
  }
  out.all = figures_of(all);
  for (std::size_t i = 0; i < by_language.size(); ++i)
    out.languages[i].figures = figures_of(by_language[i]);
  for (std::size_t i = 0; i < category_count; ++i) {
    if (const auto f1_of_code = counts.f1(i)) {
      out.categories.push_back({static_cast<Category>(i), counts.expected[i],
                                share(counts.right[i], counts.expected[i]),
                                share(counts.right[i], counts.got[i]), *f1_of_code});
    }
  }
  return out;
}

}  // namespace ishara::routing
