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
