#include "routing/table/route.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "routing/snapshot.hpp"

namespace ishara::routing {
namespace {

constexpr std::string_view regions =
    "code\tname\nRW\tRwanda\nRW-02\tEast\nRW-02.bugesera\tBugesera\nRW-05\tSouth\nUG\tUganda\n";
constexpr std::string_view queues =
    "name,class,organisation,fallback\n"
    "intake,ngo,helpers,\n"
    "women,ngo,helpers,intake\n"
    "children,ngo,helpers,women\n"
    "police-east,police,police,police-hq\n"
    "police-hq,police,police,\n";
constexpr std::string_view route_header =
    "id,region,category,language,urgent,priority,owner,police\n";

Loaded load_table(std::string_view routes, std::string_view exclusions = "id,name,queue\n",
                  std::string_view queue_file = queues) {
  const auto content = std::string{route_header} + std::string{routes};
  const std::array files{PackFile{"rw/regions.tsv", regions}, PackFile{"rw/queues.csv", queue_file},
                         PackFile{"rw/routes.csv", content},
                         PackFile{"rw/exclusions.csv", exclusions}};
  return load(files);
}

Question ask(std::string_view region, Category category) {
  Question question;
  if (!region.empty()) question.region = *RegionCode::parse(region);
  question.category = category;
  return question;
}

constexpr std::string_view plain_routes =
    "root,*,*,,,,intake,police-hq\n"
    "east,RW-02,*,,,,women,police-east\n"
    "bugesera,RW-02.bugesera,*,,,,children,\n"
    "begging,*,BEG,,,,children,\n"
    "east-begging,RW-02,BEG,,,,intake,\n"
    "east-rw,RW-02,*,rw,,,children,\n"
    "east-rw-urgent,RW-02,*,rw,yes,,intake,\n"
    "labour-first,*,LAB,,,9,women,\n";

TEST_CASE("the most specific row wins") {
  const auto loaded = load_table(plain_routes);
  REQUIRE(loaded.snapshot);
  struct Example {
    const char* name;
    std::string_view region;
    Category category;
    std::string_view language;
    bool urgent;
    std::string_view row;
  };
  const std::array examples{
      Example{"nothing is known", "", Category::unclassified, "", false, "root"},
      Example{"another country", "UG", Category::violence, "", false, "root"},
      Example{"a deeper region", "RW-02", Category::violence, "", false, "east"},
      Example{"the deepest", "RW-02.bugesera", Category::violence, "", false, "bugesera"},
      Example{"a region below the tree", "RW-02.bugesera.nyamata", Category::violence, "", false,
              "bugesera"},
      Example{"a neighbour by name", "RW-05", Category::violence, "", false, "root"},
      Example{"region before category", "RW-02.bugesera", Category::forced_begging, "", false,
              "bugesera"},
      Example{"category within region", "RW-02", Category::forced_begging, "", false,
              "east-begging"},
      Example{"category elsewhere", "RW-05", Category::forced_begging, "", false, "begging"},
      Example{"a condition", "RW-02", Category::violence, "rw", false, "east-rw"},
      Example{"two conditions", "RW-02", Category::violence, "rw", true, "east-rw-urgent"},
      Example{"priority before all", "RW-02.bugesera", Category::forced_labour, "", false,
              "labour-first"},
  };
  for (const auto& example : examples) {
    CAPTURE(example.name);
    auto question = ask(example.region, example.category);
    question.language = example.language;
    question.urgent = example.urgent;
    CHECK(route(question, loaded.snapshot->table, {}).row.view() == example.row);
  }
}

TEST_CASE("a queue that cannot work is skipped to its fallback, and the last takes it anyway") {
  const auto loaded = load_table(plain_routes);
  REQUIRE(loaded.snapshot);
  const auto question = ask("RW-02.bugesera", Category::violence);
  struct Example {
    std::vector<std::string_view> able;
    std::string_view owner;
    std::string_view fallback;
    std::size_t later;
  };
  const std::vector<Example> examples{
      {{"children", "women", "intake"}, "children", "women", 2},
      {{"children", "intake"}, "children", "intake", 2},
      {{"women", "intake"}, "women", "intake", 1},
      {{"children"}, "children", "", 2},
      {{"intake"}, "intake", "", 0},
      {{}, "intake", "", 0},
  };
  for (const auto& example : examples) {
    CAPTURE(example.owner);
    const auto answer = route(question, loaded.snapshot->table, [&](const Queue& queue) {
      return std::find(example.able.begin(), example.able.end(), queue.name.view()) !=
             example.able.end();
    });
    CHECK(answer.owner.view() == example.owner);
    CHECK((answer.fallback ? answer.fallback->view() : std::string_view{}) == example.fallback);
    CHECK(answer.fallbacks.size() == example.later);
  }
}

TEST_CASE("the police is named only with consent and without an official involved") {
  const auto loaded = load_table(plain_routes);
  REQUIRE(loaded.snapshot);
  const auto& table = loaded.snapshot->table;
  auto question = ask("RW-02", Category::violence);
  CHECK_FALSE(route(question, table, {}).police);
  question.consent = ConsentClass::helpers_and_police;
  CHECK(route(question, table, {}).police->view() == "police-east");
  CHECK(route(question, table, [](const Queue& queue) {
          return queue.name.view() != "police-east";
        }).police->view() == "police-hq");
  CHECK_FALSE(route(question, table, [](const Queue& queue) {
                return queue.queue_class == QueueClass::ngo;
              }).police);
  question.official_involved = true;
  const auto answer = route(question, table, {});
  CHECK_FALSE(answer.police);
  CHECK(answer.excluded.size() == 2);
}

TEST_CASE("exclusions keep queues out of the chain and of the police copy") {
  const auto loaded = load_table(plain_routes,
                                 "id,name,queue\nw,Jane Example,women\nc,Jane Example,children\n"
                                 "p,Joe Example,police-east\nq,Joe Example,police-hq\n");
  REQUIRE(loaded.snapshot);
  auto question = ask("RW-02.bugesera", Category::violence);
  const std::array<std::string_view, 1> women{"w"};
  question.exclusions = women;
  auto answer = route(question, loaded.snapshot->table, {});
  CHECK(answer.owner.view() == "children");
  CHECK(answer.fallback->view() == "intake");
  const std::array<std::string_view, 2> both{"w", "c"};
  question.exclusions = both;
  answer = route(question, loaded.snapshot->table, {});
  CHECK(answer.owner.view() == "intake");
  CHECK(answer.excluded.size() == 2);

  question = ask("RW-02", Category::violence);
  question.consent = ConsentClass::helpers_and_police;
  const std::array<std::string_view, 1> east{"p"};
  question.exclusions = east;
  CHECK(route(question, loaded.snapshot->table, {}).police->view() == "police-hq");
}

TEST_CASE("a chain that is excluded as a whole gives way to the root row's") {
  const auto loaded =
      load_table("root,*,*,,,,intake,\nother,*,VIO,,,,alone,\n", "id,name,queue\na,Jane,alone\n",
                 "name,class,organisation,fallback\nintake,ngo,helpers,\nalone,ngo,helpers,\n");
  REQUIRE(loaded.snapshot);
  auto question = ask("", Category::violence);
  const std::array<std::string_view, 1> named{"a"};
  question.exclusions = named;
  CHECK(route(question, loaded.snapshot->table, {}).owner.view() == "intake");
}

TEST_CASE("of a table with mistakes no question crashes: at worst nobody owns the report") {
  constexpr std::string_view alone = "name,class,organisation,fallback\nintake,ngo,helpers,\n";
  const auto build = [](std::string_view routes, std::string_view exclusions,
                        std::string_view queue_file) {
    const auto content = std::string{route_header} + std::string{routes};
    const std::array files{PackFile{"rw/queues.csv", queue_file},
                           PackFile{"rw/routes.csv", content},
                           PackFile{"rw/exclusions.csv", exclusions}};
    std::vector<Mistake> mistakes;
    auto table = Table::build(files, Gazetteer{}, mistakes);
    CHECK_FALSE(mistakes.empty());
    return table;
  };
  const std::array<std::string_view, 1> named{"a"};
  auto question = ask("", Category::violence);
  question.exclusions = named;
  CHECK(route(question, Table{}, {}).owner == QueueName{});
  // No row for this question, and no root row either.
  CHECK(route(question, build("a,*,BEG,,,,intake,\n", "id,name,queue\n", alone), {}).owner ==
        QueueName{});
  // The exclusions leave nobody.
  CHECK(route(question, build("root,*,*,,,,intake,\n", "id,name,queue\na,Jane,intake\n", alone), {})
            .owner == QueueName{});
  // The fallbacks lead back.
  CHECK(route(question,
              build("root,*,*,,,,x,\n", "id,name,queue\n",
                    "name,class,organisation,fallback\nx,ngo,o,y\ny,ngo,o,x\n"),
              {})
            .owner.view() == "x");
}

TEST_CASE("a table with a mistake is refused, each with its place") {
  struct Example {
    const char* name;
    std::string_view routes;
    std::string_view exclusions;
    std::string_view queue_file;
    std::string_view file;
    unsigned line;
    unsigned column;
    std::string_view suggestion;
  };
  constexpr std::string_view root = "root,*,*,,,,intake,\n";
  constexpr std::string_view none = "id,name,queue\n";
  const std::array examples{
      Example{"no root row", "a,RW,*,,,,intake,\n", none, queues, "rw/routes.csv", 0, 0, ""},
      Example{"tie", "root,*,*,,,,intake,\nb,*,*,rw,,,intake,\nc,*,*,,yes,,intake,\n", none, queues,
              "rw/routes.csv", 4, 1, ""},
      Example{"same row", "root,*,*,,,,intake,\nb,*,*,,,,women,\n", none, queues, "rw/routes.csv",
              3, 1, ""},
      Example{"unknown queue", "root,*,*,,,,intke,\n", none, queues, "rw/routes.csv", 2, 13,
              "intake"},
      Example{"unknown region", "root,*,*,,,,intake,\nb,RW-2,*,,,,intake,\n", none, queues,
              "rw/routes.csv", 3, 3, "RW-02"},
      Example{"unknown category", "root,*,*,,,,intake,\nb,*,DMO,,,,intake,\n", none, queues,
              "rw/routes.csv", 3, 5, "DOM"},
      Example{"urgent", "root,*,*,,,,intake,\nb,*,VIO,,yse,,intake,\n", none, queues,
              "rw/routes.csv", 3, 10, "yes"},
      Example{"priority", "root,*,*,,,,intake,\nb,*,VIO,,,101,intake,\n", none, queues,
              "rw/routes.csv", 3, 11, ""},
      Example{"police as owner", "root,*,*,,,,intake,\nb,*,VIO,,,,police-hq,\n", none, queues,
              "rw/routes.csv", 3, 12, ""},
      Example{"helpers as police", "root,*,*,,,,intake,\nb,*,VIO,,,,intake,women\n", none, queues,
              "rw/routes.csv", 3, 19, ""},
      Example{"id twice", "root,*,*,,,,intake,\nroot,*,VIO,,,,intake,\n", none, queues,
              "rw/routes.csv", 3, 1, ""},
      Example{"queue of no class", root, none,
              "name,class,organisation,fallback\nintake,ngo,helpers,\nb,nog,helpers,\n",
              "rw/queues.csv", 3, 3, "ngo"},
      Example{"queue's name", root, none,
              "name,class,organisation,fallback\nintake,ngo,helpers,\nB b,ngo,helpers,\n",
              "rw/queues.csv", 3, 1, ""},
      Example{"fallback of another class", root, none,
              "name,class,organisation,fallback\nintake,ngo,helpers,\nb,police,police,intake\n",
              "rw/queues.csv", 3, 17, ""},
      Example{"fallback to itself", root, none,
              "name,class,organisation,fallback\nintake,ngo,helpers,intake\n", "rw/queues.csv", 2,
              20, ""},
      Example{"exclusions may leave nobody", root, "id,name,queue\na,Jane,intake\n", queues,
              "rw/routes.csv", 2, 13, ""},
      Example{"exclusions may leave nobody of a second row that takes everything",
              "first,*,*,,,5,women,\nlast,*,*,,,,children,\n",
              "id,name,queue\na,Jane,children\nb,Joe,alone\n",
              "name,class,organisation,fallback\nwomen,ngo,helpers,\nchildren,ngo,helpers,alone\n"
              "alone,ngo,helpers,\n",
              "rw/routes.csv", 3, 13, ""},
      Example{"organisation of two classes", root, none,
              "name,class,organisation,fallback\nintake,ngo,helpers,\nb,other,helpers,\n",
              "rw/queues.csv", 3, 3, "ngo"},
      Example{"exclusion of an unknown queue", root, "id,name,queue\na,Jane,wmen\n", queues,
              "rw/exclusions.csv", 2, 8, "women"},
      Example{"exclusion without a word", root, "id,name,queue\na,!,women\n", queues,
              "rw/exclusions.csv", 2, 3, ""},
  };
  for (const auto& example : examples) {
    CAPTURE(example.name);
    const auto loaded = load_table(example.routes, example.exclusions, example.queue_file);
    CHECK_FALSE(loaded.snapshot);
    REQUIRE_FALSE(loaded.mistakes.empty());
    const auto& mistake = loaded.mistakes.front();
    CAPTURE(mistake.message);
    CHECK(mistake.file == example.file);
    CHECK(mistake.line == example.line);
    CHECK(mistake.column == example.column);
    CHECK(mistake.suggestion == example.suggestion);
  }
}

TEST_CASE("fallbacks in a circle are refused") {
  const auto loaded =
      load_table("root,*,*,,,,c,\n", "id,name,queue\n",
                 "name,class,organisation,fallback\na,ngo,o,b\nb,ngo,o,a\nc,ngo,o,a\n");
  CHECK_FALSE(loaded.snapshot);
  CHECK(loaded.mistakes.size() == 2);  // at both rows of the circle, not at the one that leads in
}

TEST_CASE("the router is total and deterministic, and never breaks consent") {
  const auto loaded = load_table(plain_routes,
                                 "id,name,queue\nw,Jane Example,women\nc,Joe Example,children\n"
                                 "p,Jim Example,police-east\n");
  REQUIRE(loaded.snapshot);
  const auto& table = loaded.snapshot->table;
  const std::array<std::string_view, 6> places{"",   "RW",        "RW-02", "RW-02.bugesera",
                                               "UG", "RW-05.huye"};
  const std::array<std::string_view, 3> all_exclusions{"w", "c", "p"};
  const std::array<std::string_view, 3> languages{"", "rw", "en"};
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    auto question =
        ask(places[random() % places.size()], static_cast<Category>(random() % category_count));
    question.language = languages[random() % languages.size()];
    question.urgent = random() % 2 == 0;
    question.consent = static_cast<ConsentClass>(random() % 2);
    question.official_involved = random() % 4 == 0;
    question.exclusions = std::span{all_exclusions}.first(random() % 4);
    const auto mask = random();
    const auto able = [&](const Queue& queue) {
      return ((mask >> (&queue - table.queues().data())) & 1) != 0;
    };
    const auto answer = route(question, table, able);
    const auto again = route(question, table, able);
    REQUIRE(table.queue(answer.owner) != nullptr);
    CHECK(table.queue(answer.owner)->queue_class == QueueClass::ngo);
    CHECK(std::find(answer.excluded.begin(), answer.excluded.end(), answer.owner) ==
          answer.excluded.end());
    if (answer.fallback) CHECK(*answer.fallback != answer.owner);
    if (answer.police) {
      CHECK(question.consent == ConsentClass::helpers_and_police);
      CHECK_FALSE(question.official_involved);
      CHECK(table.queue(*answer.police)->queue_class == QueueClass::police);
    }
    CHECK(answer.owner == again.owner);
    CHECK(answer.police == again.police);
    CHECK(answer.row == again.row);
    CHECK(answer.because.size() == again.because.size());
    for (const auto& step : answer.because) CHECK_FALSE(sentence(step, answer).empty());
  }
}

}  // namespace
}  // namespace ishara::routing
