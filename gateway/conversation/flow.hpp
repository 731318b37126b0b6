#pragma once
// The menu as data (packs/menu.tsv): which screens there are, what an answer is stored as, and what
// follows from it. Read whole and checked whole at start: a menu in which somebody could get lost
// is no menu. Immutable once read; threads may share.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "i18n/pack.hpp"
#include "routing/pack/pack_file.hpp"

namespace ishara::conversation {

using ScreenNumber = std::uint8_t;

// What a screen is.
enum class Kind : std::uint8_t {
  options,    // a title and a list; so are these four, whose lists come from elsewhere and go first
  languages,  // of the packs that the phone can show
  regions,    // of the channel's country
  districts,  // of the region that was chosen
  countries,  // of the deployment, but the channel's
  changes,    // a list of screens to answer again
  text,       // free words; 0 skips
  note,       // to be read; any answer leads on
  sent,       // an end: what was said is to be stored
  cancelled,  // an end: nothing is to be kept
  left,       // an end: what had a category is kept as it is
};

// What an answer is stored as.
enum class Saves : std::uint8_t {
  nothing,
  language,
  category,
  who,
  region,
  place,
  danger,
  words,
  readers,
  sms,
};

// What there has to be around a dialogue, or the screen is left out.
enum class Needs : std::uint8_t {
  nothing,
  languages,
  regions,
  districts,
  countries,
  helpline,
  sharing,
  sms,
};

struct Flow {
  struct Option {
    std::string key;  // "LAB"
    std::optional<ScreenNumber> next;
  };
  struct Screen {
    std::string name;  // "what"; its text in the catalogues is "ussd.what"
    Kind kind = Kind::options;
    Saves saves = Saves::nothing;
    Needs needs = Needs::nothing;
    ScreenNumber next = 0;
    ScreenNumber back = 0;
    std::string part;  // empty: none
    std::vector<Option> options;

    bool is_end() const noexcept { return kind >= Kind::sent; }
    bool has_list() const noexcept { return kind <= Kind::changes; }
    std::string text_id() const { return "ussd." + name; }
  };

  std::vector<Screen> screens;  // the first is the first that is shown
  ScreenNumber start = 0;       // where `00` leads to
  ScreenNumber left = 0;        // the end of who leaves, and of the third answer that says nothing

  const Screen& operator[](ScreenNumber number) const noexcept { return screens[number]; }
};

struct ReadFlow {
  std::optional<Flow> flow;                // nothing if there is any mistake
  std::vector<routing::Mistake> mistakes;  // in the order of the lines
};

// Every mistake is told with its line, its column and, where we can guess, the word that was meant:
// names of screens, kinds and answers that there are not, a screen that nothing leads to or from
// which no end can be reached, screens that are left out for ever in a ring.
ReadFlow read_flow(const routing::PackFile& file);

// What the catalogue of `pack` lacks for the flow: a text, or the label of an option. The mistakes
// name messages.po, and no line of it.
std::vector<routing::Mistake> missing_texts(const Flow& flow, const i18n::Pack& pack);

// Reads menu.tsv of `directory`, the folder of the language packs. A menu that cannot be used is a
// start-up failure: throws std::runtime_error that names every mistake.
Flow load_flow(const std::filesystem::path& directory, const i18n::Packs& packs);

// The title and the labels of a text of the catalogues, which stand on a line each.
std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace ishara::conversation
