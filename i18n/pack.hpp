#pragma once
// A language pack: one directory with pack.tsv, keywords.tsv, messages.mo, forbidden.txt and
// function_words.txt (i18n/packs/<tag>, compiled into <build>/packs/<tag>). Immutable once loaded;
// threads may share.
//
// pack.tsv has a key, a tab and a value on each line: tag, name (of the language, in itself),
// script (ISO 15924), encoding (gsm7 or ucs2), reviewed (yes or no) and, where letters tell
// languages of one script apart, markers and unless. keywords.tsv has a class, a tab and a keyword
// on each line. Lines that begin with # are comments, in the text files too.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "i18n/catalogue.hpp"
#include "i18n/keywords.hpp"
#include "i18n/language.hpp"
#include "i18n/sms.hpp"

namespace ishara::i18n {

struct Pack {
  std::string tag;
  std::string name;  // of the language, in itself: "Ikinyarwanda"
  Encoding encoding = Encoding::gsm7;
  bool reviewed = false;  // by a native speaker; production refuses packs that are not
  Catalogue catalogue;
  // Words that no outbound text may contain: each entry is one or more folded words; a last word
  // that ends in `*` stands for all words that begin so.
  std::vector<std::vector<std::string>> forbidden;
  LanguageTraits traits;
  std::vector<Keyword> keywords;  // tag and name of the language among them

  // Loads one directory. A pack that cannot be used is a start-up failure: throws
  // std::runtime_error that names the file, the line and what is wrong.
  static Pack load(const std::filesystem::path& directory);
};

// All packs of one installation.
class Packs {
 public:
  // Loads every sub-directory of `directory` but `country`, where the country packs lie; throws as
  // Pack::load does, also if there is none, and if a keyword has two meanings: the keywords of all
  // packs are active together.
  static Packs load(const std::filesystem::path& directory);

  // In ascending order of their tags.
  const std::vector<Pack>& all() const noexcept { return packs_; }
  // nullptr if there is no pack of this tag.
  const Pack* find(std::string_view tag) const noexcept;
  // The keywords of all packs in ascending order of their texts.
  const std::vector<Keyword>& keywords() const noexcept { return keywords_; }
  // The pack in which to answer `utf8`; nullptr if the text does not decide and the channel's
  // language has no pack: then the answer is silence. `memory` as in normalise.hpp.
  const Pack* for_reply(std::string_view utf8, std::string_view channel_language,
                        std::pmr::memory_resource& memory) const;

 private:
  explicit Packs(std::vector<Pack> packs);
  std::vector<Pack> packs_;
  LanguageGuess guess_;
  std::vector<Keyword> keywords_;
};

}  // namespace ishara::i18n
