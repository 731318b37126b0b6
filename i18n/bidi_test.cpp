// Right-to-left packs through ICU's implementation of the bidirectional algorithm (UAX 9), as a
// phone shows them: whatever direction the phone takes as its default, and wherever it breaks
// lines, every number stands beside the words that it stands beside in the text, with its digits in
// their order.

#include <doctest/doctest.h>
#include <unicode/ubidi.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "i18n/pack.hpp"
#include "i18n/utf8.hpp"

namespace ishara::i18n {
namespace {

bool is_digit(char16_t unit) { return unit >= u'0' && unit <= u'9'; }

// The neighbours of each number on one line of a phone: the words on its two sides, or an empty one
// where the line ends, the smaller first, so that it does not matter on which side which stands.
// A number that begins a paragraph may stand at either end of the screen.
std::vector<std::array<std::u16string, 3>> neighbours(const std::vector<std::u16string>& words,
                                                      const std::u16string& beginning) {
  std::vector<std::array<std::u16string, 3>> found;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!is_digit(words[i].front())) continue;
    const bool at_end = i == 0 || i + 1 == words.size();
    std::u16string before = i > 0 ? words[i - 1] : u"";
    std::u16string after = i + 1 < words.size() ? words[i + 1] : u"";
    if (after < before) std::swap(before, after);
    if (at_end && words[i] == beginning)
      found.push_back({words[i], u"", u""});
    else
      found.push_back({words[i], before, after});
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Whether digits that a single sign joins, as in the groups of one number, keep their order.
bool keeps_groups(std::u16string_view line, std::u16string_view screen) {
  for (std::size_t i = 0; i + 2 < line.size(); ++i)
    if (is_digit(line[i]) && !is_digit(line[i + 1]) && is_digit(line[i + 2]) &&
        screen.find(line.substr(i, 3)) == screen.npos)
      return false;
  return true;
}

// The words of a line without their punctuation. Those of letters that run from right to left are
// turned around where `turn` says that the line is in the order of the screen.
std::vector<std::u16string> words_of(std::u16string_view line, bool turn) {
  std::vector<std::u16string> words;
  std::u16string word;
  const auto finish = [&] {
    if (!word.empty() && turn && u_charDirection(word.front()) == U_RIGHT_TO_LEFT_ARABIC)
      std::reverse(word.begin(), word.end());
    if (!word.empty()) words.push_back(word);
    word.clear();
  };
  for (const char16_t unit : line) {
    const bool part = u_isalnum(unit) || (unit == u':' && !word.empty() && is_digit(word.back()));
    part ? word.push_back(unit) : finish();
  }
  finish();
  for (auto& each : words)
    if (each.back() == u':') each.pop_back();
  return words;
}

// `line`, a whole paragraph or a line of one, as it stands on the screen from left to right.
std::u16string shown(UBiDi* paragraph, std::u16string_view text, std::int32_t start,
                     std::int32_t end) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UBiDi, decltype(&ubidi_close)> line{ubidi_open(), &ubidi_close};
  ubidi_setLine(paragraph, start, end, line.get(), &status);
  std::vector<std::int32_t> order(static_cast<std::size_t>(end - start));
  ubidi_getVisualMap(line.get(), order.data(), &status);
  REQUIRE(U_SUCCESS(status));
  std::u16string screen;
  for (const std::int32_t index : order) screen += text[static_cast<std::size_t>(start + index)];
  return screen;
}

// What is wrong with `utf8` on a phone whose default is `direction` and that holds `width`
// characters a line; empty if nothing is.
std::string fault(std::string_view utf8, UBiDiLevel direction, std::size_t width) {
  std::u16string text;
  while (!utf8.empty()) {
    const CodePoint next = first_of_utf8(utf8);
    utf8.remove_prefix(next.size);
    REQUIRE(next.value < 0x10000);
    text += static_cast<char16_t>(next.value);
  }
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(u'\n', begin), text.size());
    const std::u16string_view paragraph{text.data() + begin, end - begin};
    begin = end + 1;
    if (paragraph.empty()) continue;
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<UBiDi, decltype(&ubidi_close)> bidi{ubidi_open(), &ubidi_close};
    ubidi_setPara(bidi.get(), paragraph.data(), static_cast<std::int32_t>(paragraph.size()),
                  direction, nullptr, &status);
    REQUIRE(U_SUCCESS(status));
    for (std::size_t at = 0; at < paragraph.size();) {
      std::size_t stop = std::min(at + width, paragraph.size());
      if (stop < paragraph.size()) {
        const auto space = paragraph.rfind(u' ', stop);
        if (space != paragraph.npos && space > at) stop = space;
      }
      const auto line = paragraph.substr(at, stop - at);
      const auto screen = shown(bidi.get(), paragraph, static_cast<std::int32_t>(at),
                                static_cast<std::int32_t>(stop));
      const auto meant = words_of(line, false);
      const auto seen = words_of(screen, true);
      const std::u16string beginning = at == 0 && !meant.empty() ? meant.front() : u"";
      if (neighbours(meant, beginning) != neighbours(seen, beginning) ||
          !keeps_groups(line, screen)) {
        std::string out;
        for (const char16_t unit : screen) {
          char bytes[4];
          out.append(bytes, write_utf8(unit, bytes));
        }
        return out;
      }
      at = stop;
      while (at < paragraph.size() && paragraph[at] == u' ') ++at;
    }
  }
  return {};
}

std::string worst_fault(const std::string& text) {
  for (const UBiDiLevel direction : {UBiDiLevel{0}, UBiDiLevel{1}, UBiDiLevel{UBIDI_DEFAULT_LTR}})
    for (const std::size_t width : {12u, 16u, 20u, 200u})
      if (const auto found = fault(text, direction, width); !found.empty()) return found;
  return {};
}

TEST_CASE("numbers of right-to-left replies stand beside their words on every phone") {
  const Packs packs = Packs::load(ISHARA_PACKS);
  for (const char* tag : {"ar", "ur"}) {
    const Pack* pack = packs.find(tag);
    REQUIRE(pack);
    for (const Catalogue::Reply& reply : pack->catalogue.replies()) {
      const auto names = placeholders_of(reply.text);
      REQUIRE(names.has_value());
      // Regions have names of either script.
      for (const bool latin : {false, true}) {
        const std::map<std::string_view, std::string> values = {
            {"ref", "4827163305"},
            {"tel", "080012345678"},
            {"p1", latin ? "Kigali" : "القاهرة"},
            {"p2", latin ? "East" : "الجيزة"},
            {"p3", latin ? "West" : "اسوان"},
            {"t", "20:30"},
            {"list", "1 English\n2 Urdu"},
            {"lang", pack->name},
            {"text", "اتصل 0800123456"}};
        std::vector<Placeholder> filled;
        for (const std::string_view name : *names) filled.push_back({name, values.at(name)});
        const auto text = fill(reply.text, filled);
        REQUIRE(text.has_value());
        CAPTURE(tag);
        CAPTURE(reply.id);
        CAPTURE(*text);
        CHECK(worst_fault(*text) == "");
      }
    }
  }
}

TEST_CASE("what right-to-left text tears apart is found") {
  for (const char* text : {
           "رقم 4827 163305",                         // groups change places
           "OK 1 نعم 2 لا",                           // a Latin word takes the first number
           "أي مكان؟ 1 Kigali 2 East 3 West 0 غيره",  // options of the other script in one line
           "رقم +250788000001-5",
       }) {
    CAPTURE(text);
    CHECK(worst_fault(text) != "");
  }
  CHECK(worst_fault("رقم 4827163305. 1 نعم 2 لا") == "");
}

}  // namespace
}  // namespace ishara::i18n
