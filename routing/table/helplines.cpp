#include "routing/table/helplines.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

#include "routing/pack/rows.hpp"
#include "routing/understand/gazetteer.hpp"

namespace ishara::routing {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr int day_minutes = 24 * 60;
constexpr int week_minutes = 7 * day_minutes;
constexpr std::array<std::string_view, 7> weekdays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

// Whoever verifies east of us writes a date that has not come yet in UTC.
constexpr days ahead_of_utc{1};

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

std::optional<int> number_of(std::string_view digits) {
  int value = 0;
  const auto end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || !is_digit(digits.front()) || error != std::errc{} || stop != end) return {};
  return value;
}

// "8:00", "08:00", "24:00" as minutes.
std::optional<int> time_of_day(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos || colon > 2 || text.size() != colon + 3) return {};
  const auto hour = number_of(text.substr(0, colon));
  const auto minute = number_of(text.substr(colon + 1));
  if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > day_minutes) return {};
  return *hour * 60 + *minute;
}

std::optional<int> weekday(std::string_view text) {
  const auto found = std::find(weekdays.begin(), weekdays.end(), text);
  if (found == weekdays.end()) return {};
  return static_cast<int>(found - weekdays.begin());
}

// "UTC", "UTC+2", "UTC-03:30".
std::optional<minutes> utc_offset(std::string_view text) {
  const auto name = lower(text);
  std::string_view rest{name};
  if (!rest.starts_with("utc")) return {};
  rest.remove_prefix(3);
  if (rest.empty()) return minutes{0};
  if (rest.front() != '+' && rest.front() != '-') return {};
  const int sign = rest.front() == '-' ? -1 : 1;
  rest.remove_prefix(1);
  const auto hours = number_of(rest);
  const auto ahead = hours ? std::optional{*hours * 60} : time_of_day(rest);
  if (!ahead || rest.size() > 5 || *ahead > 14 * 60) return {};
  return minutes{sign * *ahead};
}

std::optional<sys_days> date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
  const auto year = number_of(text.substr(0, 4));
  const auto month = number_of(text.substr(5, 2));
  const auto day = number_of(text.substr(8, 2));
  if (!year || !month || !day) return {};
  const std::chrono::year_month_day value{std::chrono::year{*year},
                                          std::chrono::month{static_cast<unsigned>(*month)},
                                          std::chrono::day{static_cast<unsigned>(*day)}};
  if (!value.ok()) return {};
  return sys_days{value};
}

bool is_language_tag(std::string_view text) {
  const auto primary = text.substr(0, text.find('-'));
  return (primary.size() == 2 || primary.size() == 3) &&
         std::all_of(primary.begin(), primary.end(), [](char c) { return c >= 'a' && c <= 'z'; }) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-';
         });
}

// "ur" and "ur-Latn" are one language to somebody who speaks.
bool speaks(const Helpline& line, std::string_view language) noexcept {
  const auto spoken = [](std::string_view tag) { return tag.substr(0, tag.find('-')); };
  return std::any_of(line.languages.begin(), line.languages.end(),
                     [&](const std::string& tag) { return spoken(tag) == spoken(language); });
}

bool is_premature(const Helpline& line, sys_days today) noexcept {
  return line.verified_on > today + ahead_of_utc;
}
bool is_expired(const Helpline& line, sys_days today) noexcept {
  return today - line.verified_on > verification_lasts;
}

class Reader {
 public:
  Reader(const PackFile& file, const Gazetteer& gazetteer, std::vector<Mistake>& mistakes)
      : file_{file}, gazetteer_{gazetteer}, mistakes_{mistakes} {}

  enum Column : std::size_t {
    region,
    number,
    kind,
    free,
    hours,
    offset,
    languages,
    verified_on,
    verified_by
  };
  std::vector<Row> rows() {
    return read_rows(file_,
                     {{"region"},
                      {"number"},
                      {"kind"},
                      {"free"},
                      {"hours"},
                      {"utc_offset", Must::no},
                      {"languages"},
                      {"verified_on"},
                      {"verified_by"}},
                     mistakes_);
  }

  // Every mistake of the row is told; the line counts only if there is none.
  std::optional<Helpline> line(const Row& row) {
    const auto before = mistakes_.size();
    Helpline out;
    read_region(row[region], out);
    read_number(row[number], out);
    read_kind(row[kind], out);
    read_free(row[free], out);
    read_hours(row, out);
    read_languages(row[languages], out);
    if (const auto day = date(row[verified_on].text)) {
      out.verified_on = *day;
    } else {
      wrong(row[verified_on],
            "a date is written 2026-11-30, year first: format the column as text, or the "
            "spreadsheet writes dates in its own way");
    }
    out.verified_by = row[verified_by].text;
    if (mistakes_.size() != before) return std::nullopt;
    return out;
  }

 private:
  void wrong(const Cell& cell, std::string message, std::string suggestion = {}) {
    complain(mistakes_, file_, cell, std::move(message), std::move(suggestion));
  }

  void read_region(const Cell& cell, Helpline& out) {
    const auto code = RegionCode::parse(cell.text);
    if (code && gazetteer_.knows(*code)) {
      out.region = *code;
      return;
    }
    const auto codes = gazetteer_.codes();
    wrong(cell,
          "the region '" + cell.text +
              "' is not in regions.tsv; a line for all of a country has "
              "the country's code",
          closest(cell.text, codes));
  }

  void read_number(const Cell& cell, Helpline& out) {
    for (const char c : cell.text)
      if (c != ' ' && c != '-') out.number += c;
    const bool digits = std::all_of(out.number.begin(), out.number.end(), is_digit);
    if (digits && out.number.size() >= 3 && out.number.size() <= 12) return;
    wrong(cell,
          "a number has 3 to 12 digits, as a phone in the country dials it, without +; spaces "
          "between them keep a spreadsheet from dropping leading zeros");
  }

  void read_kind(const Cell& cell, Helpline& out) {
    static constexpr std::array<std::string_view, 2> kinds{"general", "crisis"};
    if (cell.text == kinds[1])
      out.kind = LineKind::crisis;
    else if (cell.text != kinds[0])
      wrong(cell, "kind is general or crisis", closest(cell.text, kinds));
  }

  void read_free(const Cell& cell, Helpline& out) {
    static constexpr std::array<std::string_view, 2> answers{"yes", "no"};
    if (cell.text == answers[0])
      out.free = true;
    else if (cell.text != answers[1])
      wrong(cell, "free is yes or no: does a call cost nothing", closest(cell.text, answers));
  }

  void read_hours(const Row& row, Helpline& out) {
    const auto parsed = OpeningHours::parse(row[hours].text);
    if (parsed)
      out.hours = *parsed;
    else
      wrong(row[hours],
            "hours are 'always', or such as 'Mon-Fri 08:00-18:00; Sat Sun 09:00-12:30' or "
            "'daily 20:00-06:00'",
            row[hours].text == "24/7" ? "always" : "");
    const auto& cell = row[offset];
    const auto ahead = utc_offset(cell.text);
    if (ahead)
      out.utc_offset = *ahead;
    else if (!cell.text.empty())
      wrong(cell, "utc_offset is what local time is ahead of UTC: UTC+2, UTC+5:30, UTC-3");
    else if (parsed && !parsed->always())
      wrong(cell, "hours need a utc_offset, such as UTC+2");
  }

  void read_languages(const Cell& cell, Helpline& out) {
    for (const auto tag : split(cell.text, ' ')) {
      if (is_language_tag(tag)) {
        out.languages.emplace_back(tag);
      } else {
        wrong(cell, "languages are codes with spaces between them, such as 'rw en fr'");
        return;
      }
    }
  }

  const PackFile& file_;
  const Gazetteer& gazetteer_;
  std::vector<Mistake>& mistakes_;
};

}  // namespace

std::optional<OpeningHours> OpeningHours::parse(std::string_view text) {
  const auto folded = lower(text);
  OpeningHours hours;
  if (folded == "always") return hours;
  for (const auto span : split(folded, ';')) {
    auto words = split(span, ' ');
    if (words.size() < 2) return std::nullopt;
    const auto times = words.back();
    words.pop_back();
    const auto dash = times.find('-');
    if (dash == times.npos) return std::nullopt;
    const auto from = time_of_day(times.substr(0, dash));
    const auto to = time_of_day(times.substr(dash + 1));
    if (!from || !to || *from == *to || *from == day_minutes) return std::nullopt;
    const int length = *to > *from ? *to - *from : *to - *from + day_minutes;
    for (const auto word : words) {
      const auto between = word.find('-');
      const auto first = word == "daily" ? 0 : weekday(word.substr(0, between));
      const auto last = word == "daily"        ? 6
                        : between == word.npos ? first
                                               : weekday(word.substr(between + 1));
      if (!first || !last) return std::nullopt;
      for (int day = *first;; day = (day + 1) % 7) {
        const int begin = day * day_minutes + *from;
        hours.spans_.push_back({begin, begin + length});
        if (day == *last) break;
      }
    }
  }
  if (hours.spans_.empty()) return std::nullopt;
  return hours;
}

bool OpeningHours::open_at(sys_seconds now, minutes utc_offset) const noexcept {
  if (always()) return true;
  constexpr minutes thursday{3 * day_minutes};  // the clock began on one
  const auto local = std::chrono::floor<minutes>(now.time_since_epoch()) + utc_offset + thursday;
  const auto minute =
      static_cast<int>((local.count() % week_minutes + week_minutes) % week_minutes);
  return std::any_of(spans_.begin(), spans_.end(), [&](const Span& span) {
    const int later = minute + week_minutes;
    return (span.begin <= minute && minute < span.end) || (span.begin <= later && later < span.end);
  });
}

Standing standing(const Helpline& line, const HelplineQuestion& question) noexcept {
  const auto today = std::chrono::floor<days>(question.now);
  if (!line.region.contains(question.region)) return Standing::elsewhere;
  if (line.kind == LineKind::crisis && !question.crisis) return Standing::other_kind;
  if (is_expired(line, today)) return Standing::expired;
  if (is_premature(line, today)) return Standing::not_verified;
  if (!line.hours.open_at(question.now, line.utc_offset)) return Standing::closed;
  return Standing::usable;
}

std::string_view sentence(Standing standing) noexcept {
  switch (standing) {
    case Standing::usable:
      return "may be named";
    case Standing::elsewhere:
      return "is for another region";
    case Standing::other_kind:
      return "is a crisis line, and nothing was said of self-harm";
    case Standing::expired:
      return "was verified more than 90 days ago";
    case Standing::not_verified:
      return "was verified on a day that has not come yet";
    case Standing::closed:
      return "is closed now";
  }
  return {};
}

const Helpline* Helplines::choose(const HelplineQuestion& question) const noexcept {
  const auto rank = [&](const Helpline& line) {
    return std::tuple{line.kind == LineKind::crisis, line.region.depth(),
                      speaks(line, question.language), line.free,
                      -static_cast<int>(line.number.size())};
  };
  const Helpline* best = nullptr;
  for (const auto& line : lines_) {
    if (standing(line, question) != Standing::usable) continue;
    if (best == nullptr || rank(line) > rank(*best)) best = &line;
  }
  return best;
}

std::vector<Mistake> Helplines::premature(sys_days today) const {
  std::vector<Mistake> mistakes;
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (is_premature(lines_[i], today))
      mistakes.push_back({places_[i].file,
                          places_[i].line,
                          places_[i].column,
                          "this day has not come yet: write the day on which somebody called "
                          "the line",
                          {}});
  return mistakes;
}

std::vector<Mistake> Helplines::expired(sys_days today) const {
  std::vector<Mistake> warnings;
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (is_expired(lines_[i], today))
      warnings.push_back({places_[i].file,
                          places_[i].line,
                          places_[i].column,
                          "nobody has verified this line for more than 90 days, so it is not "
                          "named: call it and write today's date",
                          {}});
  return warnings;
}

Helplines Helplines::build(std::span<const PackFile> files, const Gazetteer& gazetteer,
                           std::vector<Mistake>& mistakes) {
  Helplines helplines;
  for (const auto& file : files) {
    if (base_name(file.name) != "helplines.csv") continue;
    Reader reader{file, gazetteer, mistakes};
    for (const auto& row : reader.rows()) {
      auto line = reader.line(row);
      if (!line) continue;
      const bool known =
          std::any_of(helplines.lines_.begin(), helplines.lines_.end(), [&](const Helpline& other) {
            return other.region == line->region && other.number == line->number &&
                   other.kind == line->kind;
          });
      if (known) {
        complain(mistakes, file, row[Reader::number],
                 "this line stands here already: write all of its hours into one cell, with "
                 "semicolons between them");
        continue;
      }
      const auto& cell = row[Reader::verified_on];
      helplines.lines_.push_back(std::move(*line));
      helplines.places_.push_back({std::string{file.name}, cell.line, cell.column});
    }
  }
  return helplines;
}

}  // namespace ishara::routing
