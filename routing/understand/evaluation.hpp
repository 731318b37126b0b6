#pragma once
// How well the lexicons read texts that people have labelled (conversation.md 3.2 and 4.7): the
// figures that a change of a word must not make worse. Pure and deterministic; the texts are
// invented ones, never a reporter's.
//
// A file of labelled texts is a TSV with the columns language (a tag; what stands behind its hyphen
// is not looked at), text, category (a code; no UNC), urgent (yes or no), region (a code; not
// judged if it is empty or no pack is of its country) and, for people, note.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/model/category.hpp"
#include "routing/model/names.hpp"
#include "routing/pack/pack_file.hpp"
#include "routing/snapshot.hpp"

namespace ishara::routing {

struct LabelledText {
  unsigned line{};  // in its file, from 1
  std::string language;
  std::string text;
  Category category{Category::unsure};
  bool urgent{};
  std::optional<RegionCode> region;
};

// The rows of a file that are good; every mistake of the others is added to `mistakes`. `snapshot`
// must know the languages, and the regions of its countries.
std::vector<LabelledText> read_labelled(const PackFile& file, const Snapshot& snapshot,
                                        std::vector<Mistake>& mistakes);

// A share, or a mean of shares, between 0 and 1, with its bootstrap interval of 95 %.
struct Estimate {
  double value{};
  double low{};
  double high{};
};

struct Figures {
  std::size_t texts{};
  std::optional<Estimate> macro_f1;  // over the codes with at least 5 texts; nothing: there is none
  Estimate abstained;                // texts that the rules leave to triage
  std::optional<Estimate> urgent_recall;
  std::optional<Estimate> urgent_precision;
  std::optional<Estimate> non_precision;
  std::optional<Estimate> region;  // right at admin1, of the texts with a region
  std::optional<Estimate>
      language;  // guessed right without a hint, of texts of three words or more
};

struct Evaluation {
  // What was made of one text.
  struct Judged {
    unsigned line{};
    std::string language;
    Category expected{};
    Category got{};  // UNC counts as UNS
    bool abstained{};
    bool urgent_expected{};
    bool urgent_got{};
    std::optional<bool> region_right;
    std::optional<bool> language_right;
    std::vector<std::string> reasons;  // ids of entries
  };
  struct OfLanguage {
    std::string language;
    Figures figures;
  };
  struct OfCategory {
    Category category{};
    std::size_t texts{};
    std::optional<double> recall;
    std::optional<double> precision;
    double f1{};
  };

  std::vector<Judged> texts;
  Figures all;
  std::vector<OfLanguage> languages;   // in the order of their first texts
  std::vector<OfCategory> categories;  // those expected or given, in the order of Category
  std::vector<std::size_t> confusion;  // category_count rows (expected) of category_count columns
  std::size_t pairs(Category expected, Category got) const noexcept {
    return confusion[static_cast<std::size_t>(expected) * category_count +
                     static_cast<std::size_t>(got)];
  }
};

// Reads every text as a channel would: with `channel_language` as a hint (empty: none) and, as the
// channel's country, that of the text's region, else the snapshot's if it has just one.
Evaluation evaluate(std::span<const LabelledText> texts, std::string_view channel_language,
                    const Snapshot& snapshot);

}  // namespace ishara::routing
