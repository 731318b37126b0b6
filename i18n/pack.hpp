#pragma once
// A language pack: one directory with pack.tsv, keywords.tsv, messages.mo, forbidden.txt and
// function_words.txt (i18n/packs/<tag>, compiled into <build>/packs/<tag>). Immutable once loaded;
// threads may share.
//
// pack.tsv has a key, a tab and a value on each line: tag, name (of the language, in itself),
// script (ISO 15924), encoding (gsm7 or ucs2), reviewed (yes or no), latin (the name in GSM-7
// letters, where the name itself is not) and, where letters tell languages of one script apart,
// markers and unless. keywords.tsv has a class, a tab and a keyword on each line. Lines that begin
// with # are comments, in the text files too.

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
  std::string name;        // of the language, in itself: "Ikinyarwanda", "Русский"
  std::string latin_name;  // the same in GSM-7 letters, for lists of languages: "Russkiy"
  Encoding encoding = Encoding::gsm7;
  bool reviewed = false;  // by a native speaker; production refuses packs that are not
  Catalogue catalogue;
  // Words that no outbound text may contain: each entry is one or more folded words; a last word
  // that ends in `*` stands for all words that begin so, a first one that begins with `*` for all
  // that end so, one with both for all that contain it (Arabic writes articles into the word).
  std::vector<std::vector<std::string>> forbidden;
  LanguageTraits traits;
  std::vector<Keyword> keywords;  // tag and name of the language among them

  // Loads one directory. A pack that cannot be used is a start-up failure: throws
  // std::runtime_error that names the file, the line and what is wrong.
  static Pack load(const std::filesystem::path& directory);
};

// Which packs of a directory to load.
struct Wanted {
  std::vector<std::string> tags = {};  // none: every sub-directory but `country`
  bool allow_unreviewed = true;        // else those that no native speaker has read are left out
};

// All packs of one installation.
class Packs {
 public:
  // Loads packs of `directory`, where the country packs lie too; throws as Pack::load does, also if
  // a wanted one is not there, if none is left, and if a keyword has two meanings: the keywords of
  // all packs are active together.
  static Packs load(const std::filesystem::path& directory, const Wanted& wanted = {});

  // In ascending order of their tags.
  const std::vector<Pack>& all() const noexcept { return packs_; }
  // The tags of wanted packs that are not here, since no native speaker has read them.
  const std::vector<std::string>& left_out() const noexcept { return left_out_; }
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
  std::vector<std::string> left_out_;
  LanguageGuess guess_;
  std::vector<Keyword> keywords_;
};

}  // namespace ishara::i18n
