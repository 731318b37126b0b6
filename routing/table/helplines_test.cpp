#include "routing/table/helplines.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "routing/snapshot.hpp"

namespace ishara::routing {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using namespace std::chrono_literals;

constexpr std::string_view regions =
    "code\tname\nRW\tRwanda\nRW-01\tKigali\nRW-02\tEast\nRW-02.a\tTown\nKE\tKenya\n";
constexpr std::string_view header =
    "region,number,kind,free,hours,utc_offset,languages,verified_on,verified_by\n";
constexpr sys_days today{2026y / 11 / 18};  // a Wednesday

Loaded load_lines(std::string_view rows) {
  const auto content = std::string{header} + std::string{rows};
  const std::array files{PackFile{"x/regions.tsv", regions}, PackFile{"x/helplines.csv", content}};
  return load(files);
}

std::string chosen(const Loaded& loaded, std::string_view region, std::string_view language,
                   bool crisis = false, sys_seconds now = today + 12h) {
  REQUIRE(loaded.snapshot);
  const auto* line = loaded.snapshot->helplines.choose(
      {RegionCode::parse(region).value_or(RegionCode{}), language, crisis, now});
  return line != nullptr ? line->number : "none";
}

TEST_CASE("a line is read as a spreadsheet writes it") {
  const auto loaded = load_lines(
      "RW,000 111,general,yes,always,,rw en,2026-11-01,call centre of the pilot\r\n"
      "RW-02.a,0-800-222,crisis,no,Mon-Fri 8:00-17:30,UTC+2,sw,2026-10-01,\"A., lead\"\r\n");
  REQUIRE(loaded.snapshot);
  const auto lines = loaded.snapshot->helplines.all();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].number == "000111");
  CHECK(lines[0].free);
  CHECK(lines[0].kind == LineKind::general);
  CHECK(lines[0].hours.always());
  CHECK(lines[0].languages == std::vector<std::string>{"rw", "en"});
  CHECK(lines[0].verified_on == sys_days{2026y / 11 / 1});
  CHECK(lines[1].number == "0800222");
  CHECK_FALSE(lines[1].free);
  CHECK(lines[1].kind == LineKind::crisis);
  CHECK(lines[1].utc_offset == 2h);
  CHECK(lines[1].verified_by == "A., lead");
  CHECK(loaded.snapshot->version != load_lines("").snapshot->version);
}

TEST_CASE("each wrong cell is told with its place and what to write") {
  struct Example {
    const char* name;
    std::string_view row;
    unsigned column;
    std::string_view suggestion;
  };
  const std::array examples{
      Example{"unknown region", "RW-03,111,general,yes,always,,rw,2026-11-01,A", 1, "RW-01"},
      Example{"no country", "*,111,general,yes,always,,rw,2026-11-01,A", 1, ""},
      Example{"too short", "RW,11,general,yes,always,,rw,2026-11-01,A", 4, ""},
      Example{"too long", "RW,1234567890123,general,yes,always,,rw,2026-11-01,A", 4, ""},
      Example{"with a plus", "RW,+250788000001,general,yes,always,,rw,2026-11-01,A", 4, ""},
      Example{"no digits", "RW,ask me,general,yes,always,,rw,2026-11-01,A", 4, ""},
      Example{"other digits", "RW,٣٥١٢,general,yes,always,,rw,2026-11-01,A", 4, ""},
      Example{"kind", "RW,111,genral,yes,always,,rw,2026-11-01,A", 8, "general"},
      Example{"free", "RW,111,general,ye,always,,rw,2026-11-01,A", 16, "yes"},
      Example{"24/7", "RW,111,general,yes,24/7,,rw,2026-11-01,A", 20, "always"},
      Example{"no time", "RW,111,general,yes,Mon-Fri,UTC,rw,2026-11-01,A", 20, ""},
      Example{"no day", "RW,111,general,yes,08:00-17:00,UTC,rw,2026-11-01,A", 20, ""},
      Example{"hours without offset", "RW,111,general,yes,daily 8:00-9:00,,rw,2026-11-01,A", 36,
              ""},
      Example{"offset", "RW,111,general,yes,always,+02:00,rw,2026-11-01,A", 27, ""},
      Example{"offset beyond the world", "RW,111,general,yes,always,UTC+15,rw,2026-11-01,A", 27,
              ""},
      Example{"languages", "RW,111,general,yes,always,,Kinyarwanda,2026-11-01,A", 28, ""},
      Example{"date as a spreadsheet likes it", "RW,111,general,yes,always,,rw,11/1/2026,A", 31,
              ""},
      Example{"no such day", "RW,111,general,yes,always,,rw,2026-02-30,A", 31, ""},
      Example{"not verified", "RW,111,general,yes,always,,rw,,A", 31, ""},
      Example{"verified by nobody", "RW,111,general,yes,always,,rw,2026-11-01,", 42, ""},
  };
  for (const auto& example : examples) {
    CAPTURE(example.name);
    const auto loaded = load_lines(example.row);
    CHECK_FALSE(loaded.snapshot);
    REQUIRE(loaded.mistakes.size() == 1);
    CHECK(loaded.mistakes[0].file == "x/helplines.csv");
    CHECK(loaded.mistakes[0].line == 2);
    CHECK(loaded.mistakes[0].column == example.column);
    CHECK(loaded.mistakes[0].suggestion == example.suggestion);
  }
}

TEST_CASE("all mistakes of a row and of all rows are told at once") {
  CHECK(load_lines("RX,1,no,maybe,never,here,?,today,A\nRW,1,general,yes,always,,rw,2026-11-01,A\n")
            .mistakes.size() == 9);
  const auto twice = load_lines(
      "RW,111,general,yes,daily 08:00-12:00,UTC,rw,2026-11-01,A\n"
      "RW,111,crisis,yes,always,,rw,2026-11-01,A\n"
      "RW,1 11,general,yes,daily 13:00-17:00,UTC,rw,2026-11-01,A\n");
  REQUIRE(twice.mistakes.size() == 1);
  CHECK(twice.mistakes[0].line == 4);
}

TEST_CASE("opening hours") {
  struct Example {
    std::string_view hours;
    sys_seconds now;
    minutes ahead;
    bool open;
  };
  const sys_seconds wednesday = today;
  const std::array examples{
      Example{"always", wednesday, 0min, true},
      Example{"Wed 08:00-17:00", wednesday + 8h, 0min, true},
      Example{"Wed 08:00-17:00", wednesday + 8h - 1s, 0min, false},
      Example{"Wed 08:00-17:00", wednesday + 17h - 1s, 0min, true},
      Example{"Wed 08:00-17:00", wednesday + 17h, 0min, false},
      Example{"Wed 08:00-17:00", wednesday + 32h, 0min, false},
      Example{"wed 8:00-17:00", wednesday + 6h, 120min, true},
      Example{"Wed 08:00-17:00", wednesday + 15h, 120min, false},
      Example{"Wed 08:00-17:00", wednesday + 4h, 330min, true},
      Example{"Wed 08:00-17:00", wednesday + 13h, -300min, true},
      Example{"Mon Tue Thu-Sun 00:00-24:00", wednesday + 12h, 0min, false},
      Example{"Mon-Tue 00:00-24:00; Wed 12:00-13:00", wednesday + 12h, 0min, true},
      Example{"Sat-Tue 08:00-17:00", wednesday + days{4} + 9h, 0min, true},   // Sunday
      Example{"Sat-Tue 08:00-17:00", wednesday + days{2} + 9h, 0min, false},  // Friday
      Example{"daily 20:00-06:00", wednesday + 5h, 0min, true},
      Example{"daily 20:00-06:00", wednesday + 7h, 0min, false},
      Example{"Tue 20:00-06:00", wednesday + 5h, 0min, true},
      Example{"Wed 20:00-06:00", wednesday + 5h, 0min, false},
      Example{"Sun 20:00-06:00", wednesday + days{5} + 5h, 0min, true},  // Monday
      Example{"Sun 20:00-06:00", wednesday + days{4} + 5h, 0min, false},
  };
  for (const auto& example : examples) {
    CAPTURE(example.hours);
    const auto hours = OpeningHours::parse(example.hours);
    REQUIRE(hours);
    CHECK(hours->open_at(example.now, example.ahead) == example.open);
  }
  for (const auto wrong :
       {"", ";", "never", "Mon", "Mon 8-17", "Mon 08:00-25:00", "Mon 08:60-09:00",
        "Mon 08:00-08:00", "Mon 24:00-08:00", "Mo 08:00-17:00", "Mon- 08:00-09:00",
        "Mon -8:00-09:00", "08:00-17:00 Mon", "Mon 08:00-17:00; and Sunday"}) {
    CAPTURE(wrong);
    CHECK_FALSE(OpeningHours::parse(wrong));
  }
}

TEST_CASE("the nearest line counts, then language, then price, then length, then order") {
  const auto loaded = load_lines(
      "RW,100001,general,no,always,,en,2026-11-01,A\n"
      "RW,100002,general,no,always,,rw,2026-11-01,A\n"
      "RW,100003,general,yes,always,,rw,2026-11-01,A\n"
      "RW,1004,general,yes,always,,rw,2026-11-01,A\n"
      "RW,1005,general,yes,always,,rw,2026-11-01,A\n"
      "RW-02,2001,general,no,always,,fr,2026-11-01,A\n"
      "KE,300,general,yes,always,,rw en fr,2026-11-01,A\n");
  CHECK(chosen(loaded, "RW-02.a", "rw") == "2001");
  CHECK(chosen(loaded, "RW-02", "rw") == "2001");
  CHECK(chosen(loaded, "RW-01", "rw") == "1004");
  CHECK(chosen(loaded, "RW", "rw-Latn") == "1004");
  CHECK(chosen(loaded, "RW", "en") == "100001");
  CHECK(chosen(loaded, "RW", "ur") == "1004");
  CHECK(chosen(loaded, "RW", "") == "1004");
  CHECK(chosen(loaded, "UG", "rw") == "none");
  CHECK(chosen(loaded, "", "rw") == "none");
}

TEST_CASE("whatever the lines are, the one that is named is usable, and none is better") {
  // Every combination of what may stand for or against a line, twice over.
  std::vector<std::string> rows;
  for (const std::string region : {"RW", "RW-02"})
    for (const std::string kind : {"general", "crisis"})
      for (const std::string free : {"yes", "no"})
        for (const std::string open : {"always,", "Wed 08:00-10:00,UTC"})
          for (const std::string language : {"rw", "en"})
            for (const std::string verified : {"2026-08-20", "2026-08-19", "2026-11-20"})
              rows.push_back(region + "," + std::to_string(1000 + rows.size()) + "," + kind + "," +
                             free + "," + open + "," + language + "," + verified + ",A\n");
  std::string all;
  for (const auto& row : rows) all += row;
  const auto everything = load_lines(all);
  REQUIRE(everything.snapshot);
  const auto lines = everything.snapshot->helplines.all();
  REQUIRE(lines.size() == rows.size());

  std::size_t named = 0;
  for (std::size_t a = 0; a < rows.size(); ++a) {
    for (std::size_t b = a + 1; b < rows.size(); ++b) {
      const auto loaded = load_lines(rows[a] + rows[b]);
      for (const auto* region : {"RW-02.a", "RW-01", "KE"}) {
        for (const bool crisis : {false, true}) {
          const HelplineQuestion question{*RegionCode::parse(region), "rw", crisis, today + 12h};
          const auto* line = loaded.snapshot->helplines.choose(question);
          const auto usable = [&](const Helpline& known) {
            return known.region.contains(question.region) &&
                   (crisis || known.kind == LineKind::general) && known.hours.always() &&
                   known.verified_on == sys_days{2026y / 8 / 20};
          };
          const auto worth = [&](const Helpline& known) {
            if (!usable(known)) return 0;
            int value = 1;
            if (known.languages.front() == "rw") value += 2;
            if (known.free) value += 1;
            if (known.region.depth() == 2) value += 8;
            if (known.kind == LineKind::crisis) value += 16;
            return value;
          };
          const auto best = std::max(worth(lines[a]), worth(lines[b]));
          REQUIRE((line != nullptr) == (best > 0));
          if (line == nullptr) continue;
          ++named;
          const auto same = [&](const Helpline& known) { return known.number == line->number; };
          REQUIRE(worth(*std::find_if(lines.begin(), lines.end(), same)) == best);
        }
      }
    }
  }
  CHECK(named > 0);
}

TEST_CASE("a verification lasts 90 days") {
  const auto loaded = load_lines("RW,111,general,yes,always,,rw,2026-11-01,A\n");
  const auto on = [&](sys_days day) { return chosen(loaded, "RW", "rw", false, day + 12h); };
  const sys_days verified{2026y / 11 / 1};
  CHECK(on(verified) == "111");
  CHECK(on(verified + days{90}) == "111");
  CHECK(on(verified + days{91}) == "none");
  CHECK(on(verified - days{1}) == "111");  // verified where the day has begun already
  CHECK(on(verified - days{2}) == "none");

  const auto& lines = loaded.snapshot->helplines;
  CHECK(lines.expired(verified + days{90}).empty());
  CHECK(lines.premature(verified - days{1}).empty());
  const auto expired = lines.expired(verified + days{91});
  const auto premature = lines.premature(verified - days{2});
  REQUIRE(expired.size() == 1);
  REQUIRE(premature.size() == 1);
  for (const auto& told : {expired[0], premature[0]}) {
    CHECK(told.file == "x/helplines.csv");
    CHECK(told.line == 2);
    CHECK(told.column == 31);
  }
}

TEST_CASE("words of self-harm get the crisis line, and nothing else does") {
  const auto both = load_lines(
      "RW-02,111,general,yes,always,,rw,2026-11-01,A\n"
      "RW,222,crisis,no,always,,en,2026-11-01,A\n");
  CHECK(chosen(both, "RW-02", "rw", true) == "222");
  CHECK(chosen(both, "RW-02", "rw", false) == "111");
  CHECK(chosen(both, "RW-01", "rw", false) == "none");
  const auto none = load_lines("RW,111,general,yes,always,,rw,2026-11-01,A\n");
  CHECK(chosen(none, "RW", "rw", true) == "111");
  const auto closed = load_lines(
      "RW,111,general,yes,always,,rw,2026-11-01,A\n"
      "RW,222,crisis,yes,Mon 08:00-09:00,UTC+2,rw,2026-11-01,A\n");
  CHECK(chosen(closed, "RW", "rw", true) == "111");
}

}  // namespace
}  // namespace ishara::routing
