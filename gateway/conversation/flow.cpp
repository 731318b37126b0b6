#include "gateway/conversation/flow.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "gateway/conversation/menu.hpp"
#include "routing/model/category.hpp"
#include "routing/pack/rows.hpp"

namespace ishara::conversation {
namespace {

using routing::Cell;
using routing::Mistake;

constexpr std::array<std::string_view, 11> kinds{"options",   "languages", "regions", "districts",
                                                 "countries", "changes",   "text",    "note",
                                                 "sent",      "cancelled", "left"};
constexpr std::array<std::string_view, 10> answers{
    "", "language", "category", "who", "region", "place", "danger", "words", "readers", "sms"};
constexpr std::array<std::string_view, 8> needs{"",          "languages", "regions", "districts",
                                                "countries", "helpline",  "sharing", "sms"};

constexpr std::size_t most_screens = 200;

enum Column : std::size_t { name, option, kind, saves, next, back, need, part };

// The keys that an answer of this kind can be stored as; any where there are none.
std::span<const std::string_view> keys_of(Saves answer) {
  switch (answer) {
    case Saves::category:
      return routing::category_codes;
    case Saves::who:
      return who_names;
    case Saves::danger:
      return danger_names;
    case Saves::readers:
      return readers_names;
    case Saves::sms:
      return sms_names;
    default:
      return {};
  }
}

class Reader {
 public:
  explicit Reader(const routing::PackFile& file) : file_{file} {
    for (const auto line : lines_of(file.content)) {
      if (!line.starts_with('#')) without_comments_ += line;
      without_comments_ += '\n';
    }
  }

  ReadFlow read() {
    using routing::Must;
    rows_ = routing::read_rows({file_.name, without_comments_},
                               {{"screen"},
                                {"option", Must::no},
                                {"kind", Must::no},
                                {"saves", Must::no},
                                {"next", Must::no},
                                {"back", Must::no},
                                {"needs", Must::no},
                                {"part", Must::no}},
                               out_.mistakes);
    read_screens();
    read_options();
    if (flow_.screens.empty() && out_.mistakes.empty())
      out_.mistakes.push_back({std::string{file_.name}, 0, 0, "there is no screen", {}});
    if (out_.mistakes.empty()) check_ways();
    std::ranges::stable_sort(out_.mistakes, {}, [](const Mistake& mistake) {
      return std::pair{mistake.line, mistake.column};
    });
    if (out_.mistakes.empty()) out_.flow = std::move(flow_);
    return std::move(out_);
  }

 private:
  void complain(const Cell& cell, std::string message, std::string suggestion = {}) {
    routing::complain(out_.mistakes, file_, cell, std::move(message), std::move(suggestion));
  }

  template <class Enum, std::size_t N>
  Enum word(const Cell& cell, const std::array<std::string_view, N>& known, const char* what) {
    const auto found = std::ranges::find(known, cell.text);
    if (found != known.end()) return static_cast<Enum>(found - known.begin());
    complain(cell, std::string{"there is no "} + what + " '" + cell.text + "'",
             routing::closest(cell.text, known));
    return {};
  }

  std::optional<ScreenNumber> screen(const Cell& cell) {
    if (cell.text.empty()) return std::nullopt;
    const auto found = std::ranges::find(flow_.screens, cell.text, &Flow::Screen::name);
    if (found != flow_.screens.end())
      return static_cast<ScreenNumber>(found - flow_.screens.begin());
    std::vector<std::string_view> names;
    for (const auto& each : flow_.screens) names.push_back(each.name);
    complain(cell, "there is no screen '" + cell.text + "'", routing::closest(cell.text, names));
    return std::nullopt;
  }

  void read_screens() {
    for (const auto& row : rows_) {
      if (!row[option].text.empty()) continue;
      if (std::ranges::count(flow_.screens, row[name].text, &Flow::Screen::name) != 0) {
        complain(row[name], "the screen '" + row[name].text + "' stands here twice");
        continue;
      }
      if (flow_.screens.size() == most_screens) {
        complain(row[name], "a menu has at most 200 screens");
        return;
      }
      Flow::Screen screen;
      screen.name = row[name].text;
      screen.kind = word<Kind>(row[kind], kinds, "kind");
      screen.saves = word<Saves>(row[saves], answers, "answer");
      screen.needs = word<Needs>(row[need], needs, "need");
      screen.part = row[part].text;
      flow_.screens.push_back(std::move(screen));
      places_.push_back(&row);
    }
    std::size_t starts = 0, leavings = 0, sendings = 0;
    for (std::size_t i = 0; i < flow_.screens.size(); ++i) {
      auto& each = flow_.screens[i];
      const auto& row = *places_[i];
      const auto number = static_cast<ScreenNumber>(i);
      if (const auto found = screen(row[next])) each.next = *found;
      if (const auto found = screen(row[back])) each.back = *found;
      if (each.name == "start") flow_.start = number, ++starts;
      if (each.kind == Kind::left) flow_.left = number, ++leavings;
      if (each.kind == Kind::sent) ++sendings;
      const bool must_lead = !each.is_end();
      if (must_lead && row[next].text.empty())
        complain(row[next], "a screen that is no end has a next one");
      if (must_lead && each.kind != Kind::text && row[back].text.empty())
        complain(row[back], "a list has a screen to go back to; that of `left` ends the dialogue");
      const bool is_text = each.saves == Saves::place || each.saves == Saves::words;
      if ((each.kind == Kind::text) != is_text)
        complain(row[saves], "free words are stored as place or words, and nothing else is");
    }
    if (flow_.screens.empty()) return;
    const auto& first = (*places_[0])[name];
    if (starts != 1) complain(first, "one screen is called 'start': 00 leads to it");
    if (leavings != 1) complain(first, "one end is of the kind 'left'");
    if (sendings != 1) complain(first, "one end is of the kind 'sent'");
  }

  void read_options() {
    for (const auto& row : rows_) {
      if (row[option].text.empty()) continue;
      const auto found = screen(row[name]);
      if (!found) continue;
      auto& of = flow_.screens[*found];
      const auto& key = row[option];
      for (const auto column : {kind, saves, back, need, part})
        if (!row[column].text.empty())
          complain(row[column], "this belongs to screens, not options");
      if (!of.has_list()) complain(key, "a screen of this kind has no options");
      if (std::ranges::count(of.options, key.text, &Flow::Option::key) != 0)
        complain(key, "the option '" + key.text + "' stands here twice");
      const auto keys = keys_of(of.saves);
      if (!keys.empty() && std::ranges::count(keys, key.text) == 0)
        complain(key, "there is no answer '" + key.text + "'", routing::closest(key.text, keys));
      of.options.push_back({key.text, screen(row[next])});
      if (of.options.size() > most_options) complain(key, "a list has at most 40 options");
    }
    for (std::size_t i = 0; i < flow_.screens.size(); ++i)
      if ((flow_.screens[i].kind == Kind::options || flow_.screens[i].kind == Kind::changes) &&
          flow_.screens[i].options.empty())
        complain((*places_[i])[name], "this list has no options");
  }

  template <class Visit>
  void each_way(ScreenNumber from, const Visit& visit) const {
    const auto& screen = flow_[from];
    if (screen.is_end()) return;
    visit(screen.next);
    if (screen.kind != Kind::text) visit(screen.back);
    for (const auto& each : screen.options)
      if (each.next) visit(*each.next);
  }

  void check_ways() {
    const auto count = flow_.screens.size();
    std::vector<bool> reached(count), ends(count);
    std::vector<ScreenNumber> open{0};
    reached[0] = reached[flow_.left] = reached[flow_.start] = true;
    if (flow_.start != 0) open.push_back(flow_.start);
    while (!open.empty()) {
      const auto from = open.back();
      open.pop_back();
      each_way(from, [&](ScreenNumber to) {
        if (!reached[to]) open.push_back(to);
        reached[to] = true;
      });
    }
    for (std::size_t i = 0; i < count; ++i) ends[i] = flow_.screens[i].is_end();
    for (bool more = true; more;) {
      more = false;
      for (std::size_t i = 0; i < count; ++i) {
        if (ends[i]) continue;
        each_way(static_cast<ScreenNumber>(i), [&](ScreenNumber to) {
          if (ends[to] && !ends[i]) ends[i] = more = true;
        });
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto& cell = (*places_[i])[name];
      const auto& screen = flow_.screens[i];
      if (!reached[i]) complain(cell, "nothing leads to this screen");
      if (!ends[i]) complain(cell, "there is no way from this screen to an end");
      if (screen.kind == Kind::text && screen.needs != Needs::nothing) {
        complain((*places_[i])[need], "a question for free words is never left out");
        continue;
      }
      // Left out on the way, and everything behind it too.
      for (const auto way : {&Flow::Screen::next, &Flow::Screen::back}) {
        auto at = static_cast<ScreenNumber>(i);
        std::size_t steps = 0;
        while (flow_[at].needs != Needs::nothing && steps <= count) {
          at = flow_[at].*way;
          ++steps;
        }
        if (steps > count) {
          complain(cell, "screens that may be left out lead round in a ring here");
          break;
        }
      }
    }
  }

  const routing::PackFile& file_;
  std::string without_comments_;
  std::vector<routing::Row> rows_;
  std::vector<const routing::Row*> places_;  // of each screen
  Flow flow_;
  ReadFlow out_;
};

}  // namespace

ReadFlow read_flow(const routing::PackFile& file) { return Reader{file}.read(); }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find('\n');
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

Flow load_flow(const std::filesystem::path& directory, const i18n::Packs& packs) {
  const auto path = directory / "menu.tsv";
  std::ifstream file{path, std::ios::binary};
  const std::string content{std::istreambuf_iterator<char>{file}, {}};
  auto read = read_flow({path.native(), content});
  if (read.flow)
    for (const auto& pack : packs.all())
      for (auto& mistake : missing_texts(*read.flow, pack))
        read.mistakes.push_back(std::move(mistake));
  std::string all;
  for (const auto& mistake : read.mistakes) {
    all += (all.empty() ? "" : "\n") + mistake.file;
    if (mistake.line > 0)
      all += ":" + std::to_string(mistake.line) + ":" + std::to_string(mistake.column);
    all += ": " + mistake.message;
    if (!mistake.suggestion.empty()) all += "; did you mean '" + mistake.suggestion + "'?";
  }
  if (!all.empty()) throw std::runtime_error{all};
  return std::move(*read.flow);
}

std::vector<routing::Mistake> missing_texts(const Flow& flow, const i18n::Pack& pack) {
  std::vector<Mistake> out;
  const auto file = pack.tag + "/messages.po";
  const auto must_have = [&](const std::string& id, std::size_t lines) {
    const auto* entry = pack.catalogue.find(id);
    if (entry == nullptr)
      out.push_back({file, 0, 0, "there is no text '" + id + "'", {}});
    else if (lines > 0 && lines_of(entry->text).size() != lines)
      out.push_back({file,
                     0,
                     0,
                     "the text '" + id + "' has a title and " + std::to_string(lines - 1) +
                         " options, a line each",
                     {}});
  };
  for (const auto& screen : flow.screens)
    if (!screen.is_end())
      must_have(screen.text_id(), screen.has_list() ? screen.options.size() + 1 : 0);
  for (const auto id : nav_ids) must_have(std::string{id}, 1);
  for (std::size_t id = 0; id < end_count; ++id)
    must_have(std::string{id_of(static_cast<End>(id))}, 0);
  return out;
}

}  // namespace ishara::conversation
