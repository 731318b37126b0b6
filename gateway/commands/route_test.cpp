#include "gateway/commands/route.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/pack_folders.hpp"

namespace ishara::commands {
namespace {

std::shared_ptr<const routing::Snapshot> demo() {
  const auto pack = PackFolder::read(std::string{ISHARA_SOURCE_DIR} + "/ops/packs/rw-demo");
  REQUIRE(pack);
  auto loaded = routing::load(pack->files());
  REQUIRE(loaded.snapshot);
  return loaded.snapshot;
}

TEST_CASE("route explain prints who, by which row, and why") {
  std::ostringstream answers;
  std::ostringstream errors;
  Explain asked{.region = "RW-02.bugesera", .category = "CHL", .consent = "police"};
  CHECK(explain(asked, *demo(), answers, errors) == good);
  CHECK(answers.str() ==
        R"({"owner":"demo-children","police":"demo-police","route":"child-labour",)"
        R"("because":["row 'child-labour' is the most specific that matches"],)"
        R"("fallbacks":["demo-helpers"],"excluded":[]})"
        "\n");
}

TEST_CASE("a text that names somebody excluded keeps his queue out") {
  std::ostringstream answers;
  std::ostringstream errors;
  Explain asked{
      .region = "RW", .category = "VIO", .consent = "police", .text = "it was inspector Demoson"};
  CHECK(explain(asked, *demo(), answers, errors) == good);
  CHECK(answers.str().find(R"("police":null)") != std::string::npos);
  CHECK(answers.str().find(R"("excluded":["demo-police"])") != std::string::npos);
}

TEST_CASE("of what is urgent it tells the line that would be named, and why no other") {
  using namespace std::chrono_literals;
  constexpr std::string_view header =
      "region,number,kind,free,hours,utc_offset,languages,verified_on,verified_by\n";
  const auto lines = std::string{header} +
                     "RW,111,general,yes,always,,rw,2026-11-01,A\n"
                     "RW,999,crisis,yes,always,,rw,2026-11-01,A\n"
                     "RW-02,222,general,yes,Sun 08:00-12:00,UTC+2,rw,2026-11-01,A\n"
                     "RW-03,333,general,yes,always,,rw,2026-11-01,A\n"
                     "RW,444,general,yes,always,,rw,2026-08-01,A\n"
                     "RW,5555,general,yes,always,,rw,2026-11-01,A\n";
  const auto pack = PackFolder::read(std::string{ISHARA_SOURCE_DIR} + "/ops/packs/rw-demo");
  REQUIRE(pack);
  auto files = pack->files();
  std::erase_if(files, [](const auto& file) { return file.name.ends_with("helplines.csv"); });
  files.push_back({"rw-demo/helplines.csv", lines});
  const auto loaded = routing::load(files);
  REQUIRE(loaded.snapshot);
  std::ostringstream answers;
  std::ostringstream errors;
  Explain asked{.region = "RW-02.bugesera", .category = "DOM", .language = "rw", .urgent = true};
  asked.now = std::chrono::sys_days{2026y / 11 / 18} + 12h;
  CHECK(explain(asked, *loaded.snapshot, answers, errors) == good);
  CHECK(answers.str().find(
            R"("helpline":"111","helplines_not_named":[)"
            R"({"number":"999","region":"RW",)"
            R"("because":"it is a crisis line, and nothing was said of self-harm"},)"
            R"({"number":"222","region":"RW-02","because":"it is closed now"},)"
            R"({"number":"444","region":"RW","because":"it was verified more than 90 days ago"},)"
            R"({"number":"5555","region":"RW","because":"it may be named, but another is nearer, )"
            R"(for this matter or language, or cheaper"}]})") != std::string::npos);

  std::ostringstream told;
  CHECK(helpline_dates_hold(told, loaded.snapshot->helplines, 2026y / 11 / 18));
  CHECK(told.str().starts_with("rw-demo/helplines.csv:6:31: warning: nobody has verified"));
  CHECK_FALSE(helpline_dates_hold(told, loaded.snapshot->helplines, 2026y / 10 / 1));
}

TEST_CASE("a question that cannot be asked is answered by what is wrong with it") {
  for (const auto& asked :
       {Explain{.region = "RW-99", .category = "VIO"}, Explain{.region = "RW", .category = "XXX"},
        Explain{.region = "RW", .category = "VIO", .consent = "all"}}) {
    std::ostringstream answers;
    std::ostringstream errors;
    CHECK(explain(asked, *demo(), answers, errors) == bad_usage);
    CHECK(answers.str().empty());
    CHECK_FALSE(errors.str().empty());
  }
}

TEST_CASE("a mistake is printed as file, line, column, message and suggestion") {
  std::ostringstream out;
  const routing::Mistake mistakes[]{{"a/routes.csv", 3, 5, "no such queue", "intake"},
                                    {"a/routes.csv", 0, 0, "no root row", ""}};
  print(out, mistakes);
  CHECK(out.str() ==
        "a/routes.csv:3:5: no such queue; did you mean 'intake'?\na/routes.csv:0:0: no root row\n");
}

}  // namespace
}  // namespace ishara::commands
