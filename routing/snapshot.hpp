#pragma once
// Everything that understanding and routing know, as one immutable value: built whole from pack
// files, shared by pointer, replaced by a new one while requests run on the old.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "i18n/language.hpp"
#include "routing/model/consent.hpp"
#include "routing/pack/pack_file.hpp"
#include "routing/table/helplines.hpp"
#include "routing/table/route.hpp"
#include "routing/table/table.hpp"
#include "routing/understand/gazetteer.hpp"
#include "routing/understand/lexicon.hpp"
#include "routing/understand/understand.hpp"

namespace ishara::routing {

struct Snapshot {
  explicit Snapshot(const std::vector<i18n::LanguageTraits>& traits) : languages{traits} {}

  i18n::LanguageGuess languages;
  Lexicon lexicon;      // all languages of the deployment
  Gazetteer gazetteer;  // all countries of the deployment
  NameTrie exclusions;  // their names; the values are indices into table.exclusions()
  Table table;
  Helplines helplines;
  std::vector<RegionCode> countries;  // of the country packs, each once, in the order of the files
  std::string version;  // 16 hexadecimal digits that change with any byte of any pack file
};

struct Loaded {
  std::shared_ptr<const Snapshot> snapshot;  // null if there is any mistake
  std::vector<Mistake> mistakes;             // in the order of files and lines
};

// Builds a snapshot from the files of language packs (lexicon.tsv) and country packs (pack.tsv,
// regions.tsv, aliases.tsv, queues.csv, routes.csv, exclusions.csv, helplines.csv); files of other
// names are ignored. Either all is good, or nothing is used and every mistake is told. A country
// pack may be places alone, without queues.csv and routes.csv; without any routes.csv the table is
// empty, which is enough to understand texts but not to route them. Several packs may name a
// region: it is one region, shown by the first name. `languages` are the traits of the language
// packs (i18n::Pack::traits); without them every text is in its channel's language.
Loaded load(std::span<const PackFile> files,
            const std::vector<i18n::LanguageTraits>& languages = {});

// The question that a decision puts to the table.
Question question(const Decision& decision, ConsentClass consent) noexcept;

}  // namespace ishara::routing
