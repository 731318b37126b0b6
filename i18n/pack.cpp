#include "i18n/pack.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory_resource>
#include <set>
#include <stdexcept>
#include <tuple>

#include "i18n/normalise.hpp"
#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, std::size_t line, const std::string& what) {
  std::string message = file.string();
  if (line > 0) message += ":" + std::to_string(line);
  throw std::runtime_error{message + ": " + what};
}

// Calls `use` with number and text of every line that is neither empty nor a comment.
void for_each_line(const fs::path& file,
                   const std::function<void(std::size_t, std::string_view)>& use) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream) refuse(file, 0, "cannot be read");
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    for (std::string_view rest = line; !rest.empty();) {
      const CodePoint next = first_of_utf8(rest);
      if (!next.valid) refuse(file, number, "is not UTF-8");
      rest.remove_prefix(next.size);
    }
    if (!line.empty() && line.front() != '#') use(number, line);
  }
}

std::u32string letters_of(std::string_view utf8) {
  std::u32string letters;
  while (!utf8.empty()) {
    const CodePoint next = first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    if (next.value != U' ') letters += next.value;
  }
  return letters;
}

std::map<std::string, std::string> read_settings(const fs::path& file) {
  std::map<std::string, std::string> settings;
  for_each_line(file, [&](std::size_t number, std::string_view line) {
    const std::size_t tab = line.find('\t');
    if (tab == line.npos || tab + 1 == line.size())
      refuse(file, number, "write a key, one tab and a value");
    const std::string key{line.substr(0, tab)};
    const auto known = {"tag",      "name",  "script",  "encoding",
                        "reviewed", "latin", "markers", "unless"};
    if (std::find(known.begin(), known.end(), key) == known.end())
      refuse(file, number,
             "unknown key '" + key +
                 "'; known are tag, name, script, encoding, reviewed, latin, markers, unless");
    if (!settings.emplace(key, line.substr(tab + 1)).second)
      refuse(file, number, "key '" + key + "' is given twice");
  });
  for (const char* key : {"tag", "name", "script", "encoding", "reviewed"})
    if (!settings.contains(key)) refuse(file, 0, std::string{"key '"} + key + "' is missing");
  return settings;
}

// Which of two words a setting says.
bool is_first(const fs::path& file, const std::string& value, const char* first,
              const char* second) {
  if (value != first && value != second)
    refuse(file, 0, "'" + value + "' must be " + first + " or " + second);
  return value == first;
}

// `text` as a keyword; what cannot be one is refused.
Keyword keyword(const fs::path& file, std::size_t line, Meaning meaning, std::string_view text) {
  std::pmr::monotonic_buffer_resource memory;
  std::string form{keyword_form(folded(text, memory), memory)};
  // Digits are answers and refs.
  if (form.empty() || form.find(' ') == 0 || form.find_first_of("0123456789") != form.npos)
    refuse(file, line, "a keyword has letters and no digit");
  if (words(form, memory).size() > most_keyword_words)
    refuse(file, line, "a keyword has four words at most");
  return {std::move(form), meaning, 0, line};
}

std::vector<Keyword> read_keywords(const fs::path& file) {
  std::vector<Keyword> keywords;
  for_each_line(file, [&](std::size_t number, std::string_view line) {
    const std::size_t tab = line.find('\t');
    if (tab == line.npos) refuse(file, number, "write a class, one tab and a keyword");
    const auto meaning = meaning_from_name(line.substr(0, tab));
    if (!meaning) {
      std::string known;
      for (const std::string_view name : meaning_names) known += " " + std::string{name};
      refuse(file, number,
             "unknown class '" + std::string{line.substr(0, tab)} + "'; known are" + known);
    }
    keywords.push_back(keyword(file, number, *meaning, line.substr(tab + 1)));
  });
  // A reporter of every language can stop, delete and be quiet.
  for (std::size_t i = 0; i < meaning_names.size(); ++i) {
    const auto meaning = static_cast<Meaning>(i);
    const bool has = std::any_of(keywords.begin(), keywords.end(),
                                 [&](const Keyword& word) { return word.meaning == meaning; });
    if (!has && meaning != Meaning::name)
      refuse(file, 0, "has no keyword of class " + std::string{name(meaning)});
  }
  return keywords;
}

}  // namespace

Pack Pack::load(const fs::path& directory) {
  Pack pack;
  const fs::path settings_file = directory / "pack.tsv";
  auto settings = read_settings(settings_file);
  pack.tag = settings["tag"];
  if (pack.tag != directory.filename().string())
    refuse(settings_file, 0, "tag '" + pack.tag + "' is not the name of the directory");
  pack.name = settings["name"];
  pack.latin_name = settings.contains("latin") ? settings["latin"] : pack.name;
  if (measure(pack.latin_name).encoding != Encoding::gsm7)
    refuse(settings_file, 0,
           "the name of the language is not in GSM-7 letters; write it in them as 'latin'");
  pack.encoding = is_first(settings_file, settings["encoding"], "gsm7", "ucs2") ? Encoding::gsm7
                                                                                : Encoding::ucs2;
  pack.reviewed = is_first(settings_file, settings["reviewed"], "yes", "no");
  pack.traits = {pack.tag,
                 settings["script"],
                 {},
                 letters_of(settings["markers"]),
                 letters_of(settings["unless"])};

  pack.keywords = read_keywords(directory / "keywords.tsv");
  for (const std::string& name : {pack.tag, pack.name, pack.latin_name})
    pack.keywords.push_back(keyword(settings_file, 0, Meaning::name, name));

  const fs::path catalogue_file = directory / "messages.mo";
  auto catalogue = Catalogue::load(catalogue_file);
  if (!catalogue) refuse(catalogue_file, 0, catalogue.error().message());
  pack.catalogue = std::move(*catalogue);

  const fs::path forbidden_file = directory / "forbidden.txt";
  for_each_line(forbidden_file, [&](std::size_t number, std::string_view line) {
    std::pmr::monotonic_buffer_resource memory;
    const auto found = tokens(line, memory);
    std::vector<std::string> entry{found.begin(), found.end()};
    if (entry.empty()) refuse(forbidden_file, number, "has no word");
    if (line.front() == '*') entry.front().insert(0, 1, '*');
    if (line.back() == '*') entry.back() += '*';
    pack.forbidden.push_back(std::move(entry));
  });
  const fs::path words_file = directory / "function_words.txt";
  for_each_line(words_file, [&](std::size_t number, std::string_view line) {
    std::pmr::monotonic_buffer_resource memory;
    if (tokens(line, memory).size() != 1) refuse(words_file, number, "write one word a line");
    pack.traits.function_words.emplace_back(line);
  });
  return pack;
}

Packs Packs::load(const fs::path& directory, const Wanted& wanted) {
  std::error_code failure;
  std::set<std::string> tags{wanted.tags.begin(), wanted.tags.end()};
  for (const auto& entry : fs::directory_iterator{directory, failure})
    if (wanted.tags.empty() && entry.is_directory() && entry.path().filename() != "country")
      tags.insert(entry.path().filename().string());
  if (failure) refuse(directory, 0, "cannot be read");
  if (tags.empty()) refuse(directory, 0, "has no language pack");
  std::vector<Pack> packs;
  std::vector<std::string> left_out;
  for (const std::string& tag : tags) {
    if (!fs::is_directory(directory / tag, failure))
      refuse(directory, 0, "has no language pack '" + tag + "'");
    Pack pack = Pack::load(directory / tag);
    if (pack.reviewed || wanted.allow_unreviewed)
      packs.push_back(std::move(pack));
    else
      left_out.push_back(tag);
  }
  if (packs.empty()) refuse(directory, 0, "no native speaker has read any of the language packs");
  if (packs.size() >= 255) refuse(directory, 0, "has more than 254 language packs");
  Packs all{std::move(packs)};
  all.left_out_ = std::move(left_out);
  for (std::size_t i = 1; i < all.keywords_.size(); ++i) {
    const Keyword& first = all.keywords_[i - 1];
    const Keyword& second = all.keywords_[i];
    if (first.text != second.text || first.meaning == second.meaning) continue;
    const auto file = [&](const Keyword& word) {
      return directory / all.packs_[word.pack].tag / (word.line > 0 ? "keywords.tsv" : "pack.tsv");
    };
    refuse(file(second), second.line,
           "'" + second.text + "' means " + std::string{name(second.meaning)} + " here and " +
               std::string{name(first.meaning)} + " in " + file(first).string());
  }
  return all;
}

Packs::Packs(std::vector<Pack> packs)
    : packs_{std::move(packs)}, guess_{[this] {
        std::vector<LanguageTraits> languages;
        for (const Pack& pack : packs_) languages.push_back(pack.traits);
        return languages;
      }()} {
  for (std::size_t i = 0; i < packs_.size(); ++i)
    for (Keyword word : packs_[i].keywords) {
      word.pack = static_cast<std::uint8_t>(i);
      keywords_.push_back(std::move(word));
    }
  std::sort(keywords_.begin(), keywords_.end(), [](const Keyword& a, const Keyword& b) {
    return std::tie(a.text, a.pack, a.line) < std::tie(b.text, b.pack, b.line);
  });
}

const Pack* Packs::find(std::string_view tag) const noexcept {
  const auto place = std::find_if(packs_.begin(), packs_.end(),
                                  [tag](const Pack& pack) { return pack.tag == tag; });
  return place == packs_.end() ? nullptr : &*place;
}

const Pack* Packs::for_reply(std::string_view utf8, std::string_view channel_language,
                             std::pmr::memory_resource& memory) const {
  return find(guess_.guess(utf8, channel_language, memory));
}

}  // namespace ishara::i18n
