#include "gateway/conversation/menu.hpp"

#include <algorithm>

#include "gateway/conversation/answer.hpp"
#include "i18n/sms.hpp"

namespace ishara::conversation {
namespace {

constexpr std::uint8_t most_wrong = 3;
enum Nav : std::size_t { more, back, leave };

// What an option of a list stands for.
struct Choice {
  std::string_view label;
  const Flow::Option* option = nullptr;  // of the flow, or ...
  const i18n::Pack* language = nullptr;  // ... one of these
  const routing::RegionCode* region = nullptr;
};

bool can_show(const i18n::Pack& pack, const ScreenSize& size) noexcept {
  return pack.encoding == i18n::Encoding::gsm7 || size.units > 0;
}

bool fits(std::string_view text, const ScreenSize& size) {
  const auto measured = i18n::measure(text);
  return measured.units <= (measured.encoding == i18n::Encoding::gsm7 ? size.septets : size.units);
}

// The languages that the phone can show, the channel's first.
std::vector<const i18n::Pack*> languages(const Around& around) {
  std::vector<const i18n::Pack*> out;
  for (const auto& pack : around.packs.all())
    if (can_show(pack, around.size)) out.push_back(&pack);
  std::ranges::stable_partition(
      out, [&](const i18n::Pack* pack) { return pack->tag == around.channel_language; });
  return out;
}

// The language of a session, then the others that its phone can show.
std::vector<const i18n::Pack*> preferred(const MenuState& state, const Around& around) {
  auto out = languages(around);
  if (state.language == no_language) return out;
  const auto* chosen = &around.packs.all()[state.language];
  std::ranges::stable_partition(out, [&](const i18n::Pack* pack) { return pack == chosen; });
  return out;
}

std::vector<const routing::RegionCode*> regions(Kind kind, const MenuState& state,
                                                const Around& around) {
  std::vector<const routing::RegionCode*> out;
  const auto all_of = [&](std::span<const routing::RegionCode> codes) {
    for (const auto& code : codes) out.push_back(&code);
  };
  if (kind == Kind::regions && !around.country.empty())
    all_of(around.gazetteer.within(around.country));
  if (kind == Kind::districts && state.answers.region && state.answers.region->depth() >= 2)
    all_of(around.gazetteer.within(state.answers.region->ancestor(2)));
  if (kind == Kind::countries)
    for (const auto& code : around.countries)
      if (code != around.country) out.push_back(&code);
  return out;
}

bool is_there(Needs needs, const MenuState& state, const Around& around) {
  switch (needs) {
    case Needs::nothing:
      return true;
    case Needs::languages:
      return languages(around).size() > 1;
    case Needs::regions:
      return !regions(Kind::regions, state, around).empty();
    case Needs::districts:
      return !regions(Kind::districts, state, around).empty();
    case Needs::countries:
      return !regions(Kind::countries, state, around).empty();
    case Needs::helpline:
      return !around.helpline.empty();
    case Needs::sharing:
      return around.sharing;
    case Needs::sms:
      return around.sms;
  }
  return false;
}

// A list that only leads on has no line for a screen that is left out.
bool has_line(const Flow::Screen& screen, const Flow::Option& option, const MenuState& state,
              const Around& around) {
  return screen.saves != Saves::nothing || !option.next ||
         is_there(around.flow[*option.next].needs, state, around);
}

std::vector<Choice> choices(const Flow::Screen& screen, const MenuState& state,
                            const Around& around, const i18n::Pack& pack) {
  std::vector<Choice> out;
  const auto* entry = pack.catalogue.find(screen.text_id());
  const auto lines = entry ? lines_of(entry->text) : std::vector<std::string_view>{};
  if (screen.kind == Kind::languages) {
    // Names in their own letters would make every list of them as short as the longest script asks.
    for (const auto* language : languages(around))
      out.push_back({pack.encoding == i18n::Encoding::gsm7 ? language->latin_name : language->name,
                     nullptr, language});
  }
  for (const auto* region : regions(screen.kind, state, around))
    out.push_back({around.gazetteer.name(*region), nullptr, nullptr, region});
  for (std::size_t i = 0; i < screen.options.size(); ++i)
    if (has_line(screen, screen.options[i], state, around))
      out.push_back({i + 1 < lines.size() ? lines[i + 1] : std::string_view{}, &screen.options[i]});
  return out;
}

// One page of a list.
struct Page {
  std::string text;
  std::size_t first = 0;  // of the choices
  std::size_t count = 0;
  bool has_more = false;
};

std::string written(std::string_view title, std::span<const Choice> shown, std::string_view more,
                    std::string_view back) {
  std::string out{title};
  const auto line = [&out](char digit, std::string_view label) {
    if (!out.empty()) out += '\n';
    out += digit;
    out += ' ';
    out += label;
  };
  for (std::size_t i = 0; i < shown.size(); ++i) line(static_cast<char>('1' + i), shown[i].label);
  if (!more.empty()) line('9', more);
  line('0', back);
  return out;
}

// Breaks a list into pages, as many options on each as fit. Breaks are the same each time, so that
// what a poster says to press stays true.
std::vector<Page> broken(std::string_view title, std::span<const Choice> all, std::string_view more,
                         std::string_view back, const ScreenSize& size) {
  std::vector<Page> out;
  std::size_t first = 0;
  do {
    Page best;
    best.first = first;
    for (std::size_t count = 1; count <= most_on_page && first + count <= all.size(); ++count) {
      const bool has_more = first + count < all.size();
      auto text = written(title, all.subspan(first, count), has_more ? more : "", back);
      // At least one, so that there is an end; too long a page is found out when it is shown.
      if (count > 1 && !fits(text, size)) continue;
      best.text = std::move(text);
      best.count = count;
      best.has_more = has_more;
    }
    first += best.count;
    out.push_back(std::move(best));
  } while (first < all.size() && out.back().count > 0);
  return out;
}

struct List {
  std::vector<Choice> all;
  std::vector<Page> pages;
};

std::string_view text_of(const i18n::Pack& pack, std::string_view id) {
  const auto* entry = pack.catalogue.find(id);
  return entry ? std::string_view{entry->text} : std::string_view{};
}

boost::system::result<std::string> filled(std::string_view text, const Around& around) {
  const auto names = i18n::placeholders_of(text);
  if (!names) return names.error();
  std::vector<i18n::Placeholder> values;
  for (const auto name : *names) {
    if (name != "tel" || around.helpline.empty()) return errc::bad_telephone;
    values.push_back({name, around.helpline});
  }
  return i18n::fill(text, values);
}

boost::system::result<List> list(const Flow::Screen& screen, const MenuState& state,
                                 const Around& around, const i18n::Pack& pack) {
  const auto title = filled(lines_of(text_of(pack, screen.text_id()))[0], around);
  if (!title) return title.error();
  List out;
  out.all = choices(screen, state, around, pack);
  const auto& behind = around.flow[screen.back];
  const auto nav = [&pack](Nav which) { return text_of(pack, nav_ids[which]); };
  const auto back_word = nav(behind.is_end() ? leave : back);
  const auto pages = [&](std::string_view shown) {
    return broken(shown, out.all, nav(more), back_word, around.size);
  };
  out.pages = pages(*title);
  // Where a title leaves room for little else the labels speak for themselves: always in letters
  // that take two octets each, and wherever fewer than three options stand beside it.
  const bool is_tight =
      out.pages.size() > 1 && (pack.encoding == i18n::Encoding::ucs2 || out.pages[0].count < 3);
  if (is_tight) out.pages = pages("");
  return out;
}

// The language in which a state is shown, with the list that it shows.
boost::system::result<std::pair<const i18n::Pack*, List>> shown_list(const Flow::Screen& screen,
                                                                     const MenuState& state,
                                                                     const Around& around) {
  boost::system::error_code why = errc::no_reply;
  for (const auto* pack : preferred(state, around)) {
    auto all = list(screen, state, around, *pack);
    if (!all)
      why = all.error();
    else if (!std::ranges::all_of(all->pages,
                                  [&](const Page& each) { return fits(each.text, around.size); }))
      why = errc::does_not_fit;
    else
      return std::pair{pack, std::move(*all)};
  }
  return why;
}

// Goes to `screen`, past what is left out on that way; out of a part that is answered anew, back to
// where that began.
void go(MenuState& state, ScreenNumber screen, ScreenNumber Flow::Screen::*way,
        const Around& around) {
  const auto part = around.flow[state.screen].part;
  while (!is_there(around.flow[screen].needs, state, around)) screen = around.flow[screen].*way;
  const auto& there = around.flow[screen];
  if (state.changes && (there.part.empty() || there.part != part) && !there.is_end()) {
    state.changes = false;
    screen = state.back_to;
  }
  state.screen = screen;
  state.page = 0;
  state.wrong = 0;
}

void say_nothing(MenuState& state, const Around& around) {
  if (++state.wrong == most_wrong) {
    state.screen = around.flow.left;
    state.page = 0;
  }
}

template <class Enum, std::size_t N>
std::optional<Enum> named(const std::array<std::string_view, N>& names, std::string_view key) {
  const auto found = std::ranges::find(names, key);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

void save(MenuState& state, Saves saves, const Choice& chosen, const Around& around) {
  auto& answers = state.answers;
  const std::string_view key = chosen.option ? std::string_view{chosen.option->key} : "";
  switch (saves) {
    case Saves::language:
      if (chosen.language)
        state.language = static_cast<Language>(chosen.language - around.packs.all().data());
      break;
    case Saves::category:
      answers.category = routing::category_from_code(key);
      break;
    case Saves::who:
      answers.who = named<Who>(who_names, key);
      break;
    case Saves::region:
      // Not sure, of districts: the region that was chosen stays.
      if (chosen.region)
        answers.region = *chosen.region;
      else if (!answers.region || around.flow[state.screen].kind != Kind::districts)
        answers.region = routing::RegionCode{};
      break;
    case Saves::danger:
      answers.danger = named<Danger>(danger_names, key);
      break;
    case Saves::readers:
      answers.police = key == readers_names[1];
      break;
    case Saves::sms:
      answers.may_text = key == sms_names[1];
      break;
    case Saves::nothing:
    case Saves::place:
    case Saves::words:
      break;
  }
}

void choose(MenuState& state, const Flow::Screen& screen, const Choice& chosen,
            const Around& around, const MenuState* broken_off) {
  save(state, screen.saves, chosen, around);
  if (screen.saves == Saves::category && broken_off && !state.changes &&
      broken_off->answers.category == state.answers.category) {
    const auto language = state.language;
    state = *broken_off;
    state.language = language;
    state.page = 0;
    state.wrong = 0;
    // A line may have closed meanwhile.
    while (!is_there(around.flow[state.screen].needs, state, around))
      state.screen = around.flow[state.screen].next;
    return;
  }
  if (screen.kind == Kind::changes && chosen.option->next) {
    // The part begins at that screen, whatever part this one is of.
    state.back_to = screen.back;
    state.screen = *chosen.option->next;
    state.changes = true;
    go(state, *chosen.option->next, &Flow::Screen::next, around);
    return;
  }
  const auto next = chosen.option && chosen.option->next ? *chosen.option->next : screen.next;
  go(state, next, &Flow::Screen::next, around);
}

void answer_list(MenuState& state, const Flow::Screen& screen, std::string_view said,
                 const Around& around, const MenuState* broken_off) {
  const auto shown = shown_list(screen, state, around);
  if (!shown) return say_nothing(state, around);
  const auto& pages = shown->second.pages;
  const auto& now = pages[std::min<std::size_t>(state.page, pages.size() - 1)];
  if (said == "0" && state.page > 0) {
    --state.page;
    state.wrong = 0;
  } else if (said == "0") {
    go(state, screen.back, &Flow::Screen::back, around);
  } else if (said == "9" && now.has_more) {
    ++state.page;
    state.wrong = 0;
  } else if (said.size() == 1 && said[0] >= '1' &&
             static_cast<std::size_t>(said[0] - '1') < now.count) {
    const auto chosen = shown->second.all[now.first + static_cast<std::size_t>(said[0] - '1')];
    choose(state, screen, chosen, around, broken_off);
  } else {
    say_nothing(state, around);
  }
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blank = " \t\r\n";
  const auto cut = [&text] {
    const auto first = text.find_first_not_of(blank);
    if (first == text.npos) return text.substr(0, 0);
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
  };
  text = cut();
  if (text.ends_with('#')) text.remove_suffix(1);
  return cut();
}

bool is_choice(std::string_view answer) noexcept {
  return answer.size() <= 2 && answer.find_first_not_of("0123456789") == answer.npos;
}

bool takes_words(const MenuState& state, const Flow& flow) noexcept {
  return flow[state.screen].kind == Kind::text;
}

MenuState begun(const Around& around) {
  MenuState out;
  while (!is_there(around.flow[out.screen].needs, out, around))
    out.screen = around.flow[out.screen].next;
  return out;
}

MenuState answered(const MenuState& state, std::string_view input, const Around& around,
                   const MenuState* broken_off) {
  auto out = state;
  const auto& screen = around.flow[state.screen];
  if (screen.is_end()) return out;
  const auto said = trimmed(input);
  if (said == "00") {
    out.changes = false;
    out.screen = around.flow.start;
    out.page = 0;
    out.wrong = 0;
  } else if (!is_there(screen.needs, state, around)) {
    // What was shown is not there any more, a line that has closed: its answer leads on or back.
    const auto way = said == "0" ? &Flow::Screen::back : &Flow::Screen::next;
    go(out, screen.*way, way, around);
  } else if (screen.kind == Kind::note) {
    go(out, screen.next, &Flow::Screen::next, around);
  } else if (screen.kind != Kind::text) {
    answer_list(out, screen, said, around, broken_off);
  } else if (said.empty()) {
    say_nothing(out, around);
  } else {
    auto& words = screen.saves == Saves::place ? out.answers.place : out.answers.words;
    if (said != "0")
      words = crypto::wiped_copy(said);
    else if (!words)
      words.emplace();
    go(out, screen.next, &Flow::Screen::next, around);
  }
  return out;
}

boost::system::result<std::string> page(const MenuState& state, const Around& around) {
  const auto& screen = around.flow[state.screen];
  if (screen.has_list()) {
    auto shown = shown_list(screen, state, around);
    if (!shown) return shown.error();
    auto& pages = shown->second.pages;
    return std::move(pages[std::min<std::size_t>(state.page, pages.size() - 1)].text);
  }
  boost::system::error_code why = errc::no_reply;
  for (const auto* pack : preferred(state, around)) {
    auto text = filled(text_of(*pack, screen.text_id()), around);
    if (text && screen.kind == Kind::note)
      *text += "\n0 " + std::string{text_of(*pack, nav_ids[back])};
    if (text && fits(*text, around.size)) return text;
    why = text ? make_error_code(errc::does_not_fit) : text.error();
  }
  return why;
}

std::string_view id_of(End end) noexcept {
  constexpr std::array<std::string_view, end_count> ids{"ussd.saved",     "ussd.saved.plain",
                                                        "ussd.not.saved", "ussd.unsure",
                                                        "ussd.goodbye",   "ussd.cancelled"};
  return ids[static_cast<std::size_t>(end)];
}

boost::system::result<std::string> last_page(End end, std::string_view ref, const MenuState& state,
                                             const Around& around) {
  boost::system::error_code why = errc::no_reply;
  const bool is_ref = ref.size() == ref_digits && ref.find_first_not_of("0123456789") == ref.npos;
  if (end == End::saved && !is_ref) return errc::bad_ref;
  for (const auto* pack : preferred(state, around)) {
    const auto text = text_of(*pack, id_of(end));
    auto last = end == End::saved ? i18n::fill(text, {{"ref", ref}}) : i18n::fill(text, {});
    if (last && !text.empty() && fits(*last, around.size)) return last;
    why = last ? make_error_code(errc::does_not_fit) : last.error();
  }
  return why;
}

}  // namespace ishara::conversation
