#pragma once
// The telephone lines that may be named to somebody in danger, and which of them to name
// (conversation.md 1.7). Only what a person has verified lately is ever named. Immutable once
// built; safe to read from many threads. Pure: the time is the caller's.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/model/names.hpp"
#include "routing/pack/pack_file.hpp"

namespace ishara::routing {

class Gazetteer;

// The times of a week at which a line is answered, in local time.
class OpeningHours {
 public:
  // "always", or spans between semicolons: days, then from and to. "Mon-Fri 08:00-18:00;
  // Sat Sun 09:00-12:30", "daily 20:00-06:00" (into the next morning), "daily 00:00-24:00".
  static std::optional<OpeningHours> parse(std::string_view text);

  bool always() const noexcept { return spans_.empty(); }
  // `utc_offset` is what local time is ahead of UTC.
  bool open_at(std::chrono::sys_seconds now, std::chrono::minutes utc_offset) const noexcept;

 private:
  struct Span {  // minutes since Monday 00:00, [begin, end); may pass the end of the week
    int begin;
    int end;
  };
  std::vector<Span> spans_;
};

enum class LineKind : std::uint8_t {
  general,
  crisis,  // for those who may harm themselves
};

struct Helpline {
  RegionCode region;   // a country or below: its people may be told this number
  std::string number;  // 3 to 12 ASCII digits, as a phone in the country dials it
  LineKind kind{};
  bool free{};
  OpeningHours hours;
  std::chrono::minutes utc_offset{};   // of `hours`
  std::vector<std::string> languages;  // BCP 47
  std::chrono::sys_days verified_on;
  std::string verified_by;
};

// A line that nobody has called for so long is not named any more.
inline constexpr std::chrono::days verification_lasts{90};

struct HelplineQuestion {
  RegionCode region;          // where help is needed; without a country no line is known
  std::string_view language;  // BCP 47, of the reply
  bool crisis{};              // the text has words of self-harm
  std::chrono::sys_seconds now;
};

// Whether a line may be named in answer to a question, or what stands against it.
enum class Standing : std::uint8_t {
  usable,
  elsewhere,     // for another region
  other_kind,    // a crisis line, and nothing was said of self-harm
  expired,       // verified too long ago
  not_verified,  // its verification lies in the future
  closed,        // nobody answers now
};
Standing standing(const Helpline& line, const HelplineQuestion& question) noexcept;
// In plain English, after "it ".
std::string_view sentence(Standing standing) noexcept;

class Helplines {
 public:
  // In the order of the pack files.
  std::span<const Helpline> all() const noexcept { return lines_; }

  // The line to name: of the usable ones a crisis line where the question is of self-harm, then
  // that of the nearest enclosing region, then one that speaks the language, then a free one, then
  // the shortest number, then the first in the files. nullptr if none is usable.
  const Helpline* choose(const HelplineQuestion& question) const noexcept;

  // Dates are judged by whoever asks, since a snapshot may be loaded by a clock that is wrong.
  // Verifications that lie in the future are mistakes; expired ones are warnings: these lines are
  // not named.
  std::vector<Mistake> premature(std::chrono::sys_days today) const;
  std::vector<Mistake> expired(std::chrono::sys_days today) const;

  // Builds it from helplines.csv of any number of country packs (other files are not looked at);
  // every mistake is added to `mistakes`.
  static Helplines build(std::span<const PackFile> files, const Gazetteer& gazetteer,
                         std::vector<Mistake>& mistakes);

 private:
  struct Place {  // of the cell verified_on
    std::string file;
    unsigned line;
    unsigned column;
  };
  std::vector<Helpline> lines_;
  std::vector<Place> places_;  // of each line
};

}  // namespace ishara::routing
