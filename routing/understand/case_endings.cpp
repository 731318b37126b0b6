#include "routing/understand/case_endings.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace ishara::routing {
namespace {

struct Ending {
  std::string_view letters;
  Cue cue{};
};

// Uzbek in Latin letters, and Swahili -ni, which is also an Uzbek accusative.
constexpr std::array latin_endings{
    Ending{"danman", Cue::none},  Ending{"danmiz", Cue::none}, Ending{"dagi", Cue::location},
    Ending{"dan", Cue::location}, Ending{"da", Cue::location}, Ending{"gacha", Cue::none},
    Ending{"ning", Cue::none},    Ending{"ga", Cue::none},     Ending{"ka", Cue::none},
    Ending{"qa", Cue::none},      Ending{"ni", Cue::none},
};

// Uzbek and Kyrgyz in Cyrillic letters; vowels follow the name's.
constexpr std::array turkic_endings{
    Ending{"данман", Cue::none},   Ending{"данмиз", Cue::none},   Ending{"даги", Cue::location},
    Ending{"дагы", Cue::location}, Ending{"деги", Cue::location}, Ending{"догу", Cue::location},
    Ending{"дөгү", Cue::location}, Ending{"тагы", Cue::location}, Ending{"теги", Cue::location},
    Ending{"тогу", Cue::location}, Ending{"төгү", Cue::location}, Ending{"дан", Cue::location},
    Ending{"ден", Cue::location},  Ending{"дон", Cue::location},  Ending{"дөн", Cue::location},
    Ending{"тан", Cue::location},  Ending{"тен", Cue::location},  Ending{"тон", Cue::location},
    Ending{"төн", Cue::location},  Ending{"да", Cue::location},   Ending{"де", Cue::location},
    Ending{"до", Cue::location},   Ending{"дө", Cue::location},   Ending{"та", Cue::location},
    Ending{"те", Cue::location},   Ending{"то", Cue::location},   Ending{"тө", Cue::location},
    Ending{"нинг", Cue::none},     Ending{"нин", Cue::none},      Ending{"нын", Cue::none},
    Ending{"нун", Cue::none},      Ending{"нүн", Cue::none},      Ending{"дин", Cue::none},
    Ending{"дын", Cue::none},      Ending{"дун", Cue::none},      Ending{"дүн", Cue::none},
    Ending{"тин", Cue::none},      Ending{"тын", Cue::none},      Ending{"тун", Cue::none},
    Ending{"түн", Cue::none},      Ending{"га", Cue::none},       Ending{"ге", Cue::none},
    Ending{"го", Cue::none},       Ending{"гө", Cue::none},       Ending{"ка", Cue::none},
    Ending{"ке", Cue::none},       Ending{"ко", Cue::none},       Ending{"кө", Cue::none},
    Ending{"қа", Cue::none},       Ending{"ға", Cue::none},       Ending{"ни", Cue::none},
    Ending{"ны", Cue::none},
};

// Russian: an ending of a case, and what the name may end with instead. Folding has made й an и.
struct Exchange {
  std::string_view letters;
  std::array<std::string_view, 4> instead;
  std::size_t count;
};
constexpr std::array russian_endings{
    Exchange{"ом", {""}, 1},
    Exchange{"ем", {"", "ь", "и"}, 3},
    Exchange{"ои", {"а"}, 1},
    Exchange{"еи", {"я", "а"}, 2},
    Exchange{"е", {"", "а", "ь", "и"}, 4},
    Exchange{"у", {"", "а"}, 2},
    Exchange{"ю", {"я", "ь", "и"}, 3},
    Exchange{"а", {""}, 1},
    Exchange{"я", {"ь", "и"}, 2},
    Exchange{"ы", {"а"}, 1},
    Exchange{"и", {"я", "ь", "а"}, 3},
};

// Most words end in none of them, which their last byte tells.
bool ends_so(std::string_view token, std::string_view ending) noexcept {
  return token.back() == ending.back() && token.ends_with(ending);
}

constexpr std::size_t shortest_latin = 3;
constexpr std::size_t shortest_cyrillic = 2 * 2;  // bytes: "Ош"
constexpr std::size_t shortest_arabic = 2 * 3;

void strip_endings(std::string_view token, std::span<const Ending> endings, std::size_t shortest,
                   std::pmr::vector<BaseForm>& forms) {
  for (const auto& ending : endings) {
    if (!ends_so(token, ending.letters)) continue;
    const auto stem = token.substr(0, token.size() - ending.letters.size());
    if (stem.size() >= shortest) forms.push_back({stem, ending.cue});
  }
}

std::string_view joined(std::string_view stem, std::string_view end,
                        std::pmr::memory_resource& memory) {
  if (end.empty()) return stem;
  auto* letters = static_cast<char*>(memory.allocate(stem.size() + end.size(), 1));
  stem.copy(letters, stem.size());
  end.copy(letters + stem.size(), end.size());
  return {letters, stem.size() + end.size()};
}

void exchange_endings(std::string_view token, std::pmr::vector<BaseForm>& forms) {
  auto& memory = *forms.get_allocator().resource();
  for (const auto& ending : russian_endings) {
    if (!ends_so(token, ending.letters)) continue;
    const auto stem = token.substr(0, token.size() - ending.letters.size());
    if (stem.size() < shortest_cyrillic) continue;
    for (const auto instead : std::span{ending.instead}.first(ending.count)) {
      forms.push_back({joined(stem, instead, memory), Cue::none});
    }
  }
}

void strip_arabic(std::string_view token, std::pmr::vector<BaseForm>& forms) {
  constexpr std::string_view article = "ال";
  const auto add = [&](std::string_view name, Cue cue) {
    if (name.size() < shortest_arabic) return;
    forms.push_back({name, cue});
    if (name.starts_with(article) && name.size() >= article.size() + shortest_arabic) {
      forms.push_back({name.substr(article.size()), cue});
    }
  };
  for (const std::string_view conjunction : {"", "و", "ف"}) {
    if (!token.starts_with(conjunction)) continue;
    const auto rest = token.substr(conjunction.size());
    if (!conjunction.empty()) add(rest, Cue::none);
    if (rest.starts_with("ب")) add(rest.substr(2), Cue::location);
    if (rest.starts_with("لل")) {
      add(joined(article, rest.substr(4), *forms.get_allocator().resource()), Cue::destination);
    } else if (rest.starts_with("ل")) {
      add(rest.substr(2), Cue::destination);
    }
  }
  if (token.starts_with(article)) add(token.substr(article.size()), Cue::none);
}

}  // namespace

void base_forms(std::string_view token, std::pmr::vector<BaseForm>& forms) {
  forms.clear();
  if (token.empty()) return;
  const auto lead = static_cast<unsigned char>(token.front());
  if (lead < 0x80) {
    strip_endings(token, latin_endings, shortest_latin, forms);
  } else if (lead >= 0xD0 && lead <= 0xD3) {  // U+0400 to U+04FF
    exchange_endings(token, forms);
    strip_endings(token, turkic_endings, shortest_cyrillic, forms);
  } else if (lead >= 0xD8 && lead <= 0xDB) {  // U+0600 to U+06FF
    strip_arabic(token, forms);
  }
}

}  // namespace ishara::routing
