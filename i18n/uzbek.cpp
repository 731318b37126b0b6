#include "i18n/uzbek.hpp"

#include <array>
#include <utility>

namespace ishara::i18n {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Longer ones first; an apostrophe is ' here.
constexpr std::array<Pair, 35> pairs{{
    {"yo'", "йў"}, {"o'", "ў"}, {"g'", "ғ"}, {"sh", "ш"}, {"ch", "ч"}, {"yo", "ё"}, {"yu", "ю"},
    {"ya", "я"},   {"ye", "е"}, {"ts", "ц"}, {"a", "а"},  {"b", "б"},  {"d", "д"},  {"e", "е"},
    {"f", "ф"},    {"g", "г"},  {"h", "ҳ"},  {"i", "и"},  {"j", "ж"},  {"k", "к"},  {"l", "л"},
    {"m", "м"},    {"n", "н"},  {"o", "о"},  {"p", "п"},  {"q", "қ"},  {"r", "р"},  {"s", "с"},
    {"t", "т"},    {"u", "у"},  {"v", "в"},  {"x", "х"},  {"y", "й"},  {"z", "з"},  {"'", "ъ"},
}};

}  // namespace

std::string uzbek_in_cyrillic(std::string_view latin) {
  std::string plain;
  while (!latin.empty()) {
    bool apostrophe = false;
    for (const std::string_view sign : {"\u2019", "\u2018", "\u02BB", "\u02BC", "`"}) {
      if (!latin.starts_with(sign)) continue;
      plain += '\'';
      latin.remove_prefix(sign.size());
      apostrophe = true;
      break;
    }
    if (apostrophe) continue;
    const char byte = latin.front();
    plain += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
    latin.remove_prefix(1);
  }
  std::string cyrillic;
  bool begins = true;  // a word: there e is э
  for (std::string_view rest{plain}; !rest.empty();) {
    const Pair* found = nullptr;
    for (const auto& pair : pairs) {
      if (rest.starts_with(pair.first)) {
        found = &pair;
        break;
      }
    }
    if (found == nullptr) {
      cyrillic += rest.front();
      rest.remove_prefix(1);
      continue;
    }
    cyrillic += begins && found->first == "e" ? std::string_view{"э"} : found->second;
    begins = false;
    rest.remove_prefix(found->first.size());
  }
  return cyrillic;
}

std::string uzbek_on_russian_keyboard(std::string_view cyrillic) {
  constexpr std::array<Pair, 4> typed_as{{{"ў", "у"}, {"қ", "к"}, {"ғ", "г"}, {"ҳ", "х"}}};
  std::string typed;
  while (!cyrillic.empty()) {
    bool found = false;
    for (const auto& [letter, key] : typed_as) {
      if (!cyrillic.starts_with(letter)) continue;
      typed += key;
      cyrillic.remove_prefix(letter.size());
      found = true;
      break;
    }
    if (found) continue;
    typed += cyrillic.front();
    cyrillic.remove_prefix(1);
  }
  return typed;
}

}  // namespace ishara::i18n
