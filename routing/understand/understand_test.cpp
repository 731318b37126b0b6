#include "routing/understand/understand.hpp"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "routing/snapshot.hpp"

namespace ishara::routing {
namespace {

const RegionCode rwanda = *RegionCode::parse("RW");

// A small lexicon in which every rule can be seen by itself.
constexpr std::string_view lexicon =
    "id\tlang\tcode\tpattern\tweight\tflags\tconfidence\tsource\n"
    "en.sex.1\ten\tSEX\tbrothel\t3\t\thigh\tt\n"
    "en.lab.1\ten\tLAB\tnot|never paid\t3\tnopay\thigh\tt\n"
    "en.lab.2\ten\tLAB\tslave\t2\t\thigh\tt\n"
    "en.lab.3\ten\tLAB\tforced to work\t4\t\thigh\tt\n"
    "en.dom.1\ten\tDOM\thouse help\t2\t\thigh\tt\n"
    "en.doc.1\ten\tDOC\ttook passport\t4\tdocs\thigh\tt\n"
    "en.mis.1\ten\tMIS\tmissing\t3\t\thigh\tt\n"
    "en.vio.1\ten\tVIO\tbeat*\t2\tviolence\thigh\tt\n"
    "en.vio.2\ten\tVIO\thit\t2\tviolence\thigh\tt\n"
    "en.org.1\ten\tORG\tkidney* + sell\t4\t\thigh\tt\n"
    "en.vio.3\ten\tVIO\tbeat* us up\t3\t\thigh\tt\n"
    "en.org.2\ten\tORG\tkidney*\t2\t\thigh\tt\n"
    "en.mar.1\ten\tMAR\tmarry\t3\t\thigh\tt\n"
    "en.non.1\ten\tNON\tgoats for sale\t3\t\thigh\tt\n"
    "en.urg.1\ten\tURG\thelp\t2\t\thigh\tt\n"
    "en.urg.2\ten\tURG\tknife\t3\tinjury\thigh\tt\n"
    "en.urg.3\ten\tURG\ttomorrow\t1\tsoon\thigh\tt\n"
    "en.tag.1\ten\tTAG\tgirl|boy\t0\tchild\thigh\tt\n"
    "en.tag.2\ten\tTAG\t# year*\t0\tchild\thigh\tt\n"
    "en.tag.3\ten\tTAG\tpolice + beat*\t0\tofficial_involved\thigh\tt\n"
    "en.not.1\ten\tNOT\tnot|never|no\t0\t\thigh\tt\n"
    "en.damp.1\ten\tDAMP\tmovie\t0\t\thigh\tt\n"
    "en.idiom.1\ten\tIDIOM\tslave to my phone\t0\t\thigh\tt\n"
    "en.idiom.2\ten\tIDIOM\tfor # years\t0\t\thigh\tt\n"
    "en.advert.1\ten\tADVERT\tbonus|free\t0\t\thigh\tt\n"
    "en.greet.1\ten\tGREET\thello|morning|good\t0\t\thigh\tt\n"
    "en.at.1\ten\tAT\tin|near\t0\t\thigh\tt\n"
    "en.at.2\ten\tAT\tmein\t0\tafter\thigh\tt\n"
    "en.to.2\ten\tTO\tle gaye\t0\tafter\thigh\tt\n"
    "en.to.1\ten\tTO\ttook + to\t0\t\thigh\tt\n";
constexpr std::string_view lexicon_rw =
    "id\tlang\tcode\tpattern\tweight\tflags\tconfidence\tsource\n"
    "rw.lab.1\trw\tLAB\t*ntibahemb*\t3\t\tlow\tt\n"
    "rw.vio.1\trw\tVIO\t*kubit*\t3\tviolence\tlow\tt\n"
    "rw.not.1\trw\tNOT\tnti*|ntabwo\t0\t\tlow\tt\n"
    "rw.at.1\trw\tAT\ti|mu|ku\t0\tdirected\tlow\tt\n"
    "rw.to.1\trw\tTO\t*jyanye\t0\t\tlow\tt\n";
constexpr std::string_view regions =
    "code\tname\tneeds_cue\tminor\nRW\tRwanda\t\t\nRW-01\tKigali\t\t\nRW-01.gasabo\tGasabo\t\t\n"
    "RW-01.gasabo.remera\tRemera\t\t\nRW-02\tEastern Province\t\t\nRW-02.ngoma\tNgoma\tyes\t\n"
    "RW-02.bugesera\tBugesera\t\t\nRW-02.ngoma.remera\tRemera\t\t\nRW-05\tSouth\tyes\t\n"
    "RW-05.huye\tHuye\t\t\nRW-05.huye.ngoma\tNgoma\tyes\tyes\nAE\tEmirates\t\t\n";
constexpr std::string_view aliases =
    "code\talias\nRW-05.huye\tButare\nAE\tDubai\nRW-01\tUmujyi wa Kigali\n";

std::shared_ptr<const Snapshot> small() {
  const std::array files{PackFile{"en/lexicon.tsv", lexicon},
                         PackFile{"rw/lexicon.tsv", lexicon_rw}, PackFile{"x/regions.tsv", regions},
                         PackFile{"x/aliases.tsv", aliases}};
  auto loaded = load(files);
  for (const auto& mistake : loaded.mistakes) {
    CAPTURE(mistake.file);
    CAPTURE(mistake.line);
    FAIL_CHECK(mistake.message);
  }
  REQUIRE(loaded.snapshot);
  return loaded.snapshot;
}

TEST_CASE("a text gets the code, the urgency and the outcome that the rules give") {
  const auto snapshot = small();
  struct Example {
    const char* rule;
    std::string_view text;
    Category category;
    Outcome outcome;
    Urgency urgency;
    double score;
  };
  using enum Category;
  using enum Outcome;
  const std::array examples{
      Example{"a strong entry", "a brothel", sexual_exploitation, automatic, Urgency::u1, 3},
      Example{"an entry counts once", "brothel brothel brothel", sexual_exploitation, automatic,
              Urgency::u1, 3},
      Example{"entries add up", "slave, never paid", forced_labour, automatic, Urgency::u1, 5},
      Example{"to 8 at most", "slave, never paid, forced to work", forced_labour, automatic,
              Urgency::u1, 8},
      Example{"a weak entry", "a slave", unsure, triage, Urgency::u1, 2},
      Example{"the longest wins over its parts", "sell a kidney", organ_removal, automatic,
              Urgency::u1, 4},
      Example{"purpose beats means", "brothel, they took my passport", sexual_exploitation,
              automatic, Urgency::u1, 3},
      Example{"ties fall by the order", "brothel, never paid", sexual_exploitation, automatic,
              Urgency::u1, 3},
      Example{"a negator takes the weight", "no brothel here", unclassified, triage, Urgency::u0,
              0},
      Example{"within three tokens", "no a b brothel", unclassified, triage, Urgency::u0, 0},
      Example{"over three tokens at most", "no a b c brothel", sexual_exploitation, automatic,
              Urgency::u1, 3},
      Example{"over no comma", "no, a brothel", sexual_exploitation, automatic, Urgency::u1, 3},
      Example{"not in its own pattern", "not paid, a slave", forced_labour, automatic, Urgency::u1,
              5},
      Example{"nor beyond such a pattern", "not paid beaten and hit", forced_labour, automatic,
              Urgency::u1, 3},
      Example{"the beginning of a word in Kinyarwanda", "ntibamukubita", unclassified, triage,
              Urgency::u0, 0},
      Example{"which the pattern may hold itself", "ntibahembwa", forced_labour, automatic,
              Urgency::u1, 3},
      Example{"one language does not negate another", "ntabwo brothel", sexual_exploitation,
              automatic, Urgency::u1, 3},
      Example{"dampers", "a movie about a brothel", unclassified, triage, Urgency::u0, 1},
      Example{"spare what is decisive", "a movie, they took my passport, slave", unsure, triage,
              Urgency::u1, 2},
      Example{"idioms", "I am a slave to my phone", unclassified, triage, Urgency::u0, 0},
      Example{"a cue alone", "help", unsure, triage, Urgency::u2, 0},
      Example{"is never negated", "no help", unsure, triage, Urgency::u2, 0},
      Example{"is not a part of a phrase", "house help", unsure, triage, Urgency::u1, 2},
      Example{"an injury is violence too", "he has a knife", unsure, triage, Urgency::u3, 2},
      Example{"and adds to it", "he has a knife and beats", violence, automatic, Urgency::u3, 4},
      Example{"a child in a brothel", "a girl in a brothel", sexual_exploitation, automatic,
              Urgency::u3, 3},
      Example{"a missing child", "boy missing", missing_person, automatic, Urgency::u3, 3},
      Example{"by age", "missing, 12 years", missing_person, automatic, Urgency::u3, 3},
      Example{"but not by duration", "missing for 12 years", missing_person, automatic, Urgency::u1,
              3},
      Example{"a wedding within days", "they marry tomorrow", forced_marriage, automatic,
              Urgency::u3, 3},
      Example{"a wedding some day", "they marry", forced_marriage, automatic, Urgency::u1, 3},
      Example{"advert", "bonus: free", not_a_report, noise, Urgency::u0, 0},
      Example{"one advert word is none", "bonus", unclassified, triage, Urgency::u0, 0},
      Example{"service code", "dial *182*1#", not_a_report, noise, Urgency::u0, 0},
      Example{"an advert with a report in it", "dial *182# brothel", sexual_exploitation, automatic,
              Urgency::u1, 3},
      Example{"greeting", "Good morning!", not_a_report, noise, Urgency::u0, 0},
      Example{"greeting and more", "hello, a brothel", sexual_exploitation, automatic, Urgency::u1,
              3},
      Example{"ordinary talk, read by people", "goats for sale", not_a_report, triage, Urgency::u0,
              3},
      Example{"ordinary talk and a cue", "goats for sale, help", unsure, triage, Urgency::u2, 0},
      Example{"ordinary talk and a report", "goats for sale, a brothel", sexual_exploitation,
              automatic, Urgency::u1, 3},
      Example{"a misspelt word weighs less", "a brothle, never paid", unsure, triage, Urgency::u1,
              3},
      Example{"nothing known", "beans", unclassified, triage, Urgency::u0, 0},
      Example{"nothing at all", "", unclassified, triage, Urgency::u0, 0},
  };
  for (const auto& example : examples) {
    CAPTURE(example.rule);
    CAPTURE(example.text);
    std::pmr::monotonic_buffer_resource memory;
    const auto decision = understand(example.text, {"en", rwanda}, *snapshot, memory);
    CHECK(code(decision.category) == code(example.category));
    CHECK(name(decision.outcome) == name(example.outcome));
    CHECK(name(decision.urgency) == name(example.urgency));
    if (decision.outcome != noise) CHECK(decision.score == example.score);
  }
}

TEST_CASE("reasons are the ids of the entries that counted, in the order of the text") {
  const auto snapshot = small();
  std::pmr::monotonic_buffer_resource memory;
  const auto decision =
      understand("help, a girl sells her kidney, sell, not paid", {}, *snapshot, memory);
  const std::vector<std::string_view> reasons{decision.reasons.begin(), decision.reasons.end()};
  CHECK(reasons == std::vector<std::string_view>{"en.urg.1", "en.tag.1", "en.org.1", "en.lab.1"});
  CHECK(decision.tags.has(Tag::nopay));
  CHECK(decision.runner_up == Category::forced_labour);
}

TEST_CASE("tags come from entries of every code, hidden parts included") {
  const auto snapshot = small();
  std::pmr::monotonic_buffer_resource memory;
  const auto decision = understand("the police beat us up, a boy too", {}, *snapshot, memory);
  CHECK(decision.tags.has(Tag::official_involved));
  CHECK(decision.tags.has(Tag::violence));
  CHECK(decision.tags.has(Tag::child));
  CHECK(question(decision, ConsentClass::helpers_and_police).official_involved);
}

TEST_CASE("a text gets the finest region that its names agree on") {
  const auto snapshot = small();
  struct Example {
    const char* rule;
    std::string_view text;
    std::string_view region;
    double confidence;
  };
  const std::array examples{
      Example{"a name", "Huye", "RW-05.huye", 0.8},
      Example{"with a cue", "in huye", "RW-05.huye", 0.9},
      Example{"an alias of several words", "mu mujyi, umujyi wa Kigali", "RW-01", 0.8},
      Example{"an alias", "near Butare.", "RW-05.huye", 0.9},
      Example{"finer within coarser", "Kigali, in Gasabo", "RW-01.gasabo", 0.9},
      Example{"a name of two places", "in Remera", "RW", 0.4},
      Example{"settled by another", "Remera in Kigali", "RW-01.gasabo.remera", 0.9},
      Example{"two of one province", "Bugesera in ngoma", "RW-02", 0.9},
      Example{"two provinces", "Huye, Bugesera", "RW", 0.4},
      Example{"an ordinary word", "ngoma", "RW", 0.2},
      Example{"with a cue", "in ngoma", "RW-02.ngoma", 0.9},
      Example{"a lesser place of that name beside what is around it", "in Ngoma, Huye",
              "RW-05.huye.ngoma", 0.9},
      Example{"another country", "Dubai", "AE", 0.56},
      Example{"another country with a cue", "in Dubai", "AE", 0.9},
      Example{"beside one at home", "Dubai, Huye", "RW-05.huye", 0.8},
      Example{"a destination", "took her to Dubai", "RW", 0.2},
      Example{"a destination at home", "took her to Huye", "RW-05.huye", 0.56},
      Example{"a cue for what is around it", "in Rwanda, Huye", "RW-05.huye", 0.9},
      Example{"a cue for one of two provinces", "from Huye, in Bugesera", "RW-02.bugesera", 0.9},
      Example{"a place at home beside one abroad", "Huye, in Dubai", "RW-05.huye", 0.8},
      Example{"from one place to another", "took her to Dubai from Huye", "RW-05.huye", 0.8},
      Example{"a word behind it", "huye mein", "RW-05.huye", 0.9},
      Example{"a movement behind it", "huye le gaye", "RW-05.huye", 0.56},
      Example{"but not behind another name", "huye mein, bugesera le gaye", "RW-05.huye", 0.9},
      Example{"with an ending", "Hoyeda, Huyeda", "RW-05.huye", 0.9},
      Example{"an ending that says nothing", "huyening", "RW-05.huye", 0.8},
      Example{"misspelt with a cue", "in Bugasera", "RW-02.bugesera", 0.72},
      Example{"misspelt, longer by one", "near Bugeserra", "RW-02.bugesera", 0.72},
      Example{"misspelt without a cue", "Bugasera", "RW", 0.2},
      Example{"misspelt beside what is not", "in Bugasera, Huye", "RW-05.huye", 0.8},
      Example{"too far from any name", "in Bagasara", "RW", 0.2},
      Example{"a word that has a meaning", "in brothel", "RW", 0.2},
      Example{"a place and a destination", "in Huye, they took her to Bugesera", "RW-05.huye", 0.9},
      Example{"a cue that also follows movement", "bamujyanye i Huye", "RW-05.huye", 0.56},
      Example{"the same without movement", "aba i Huye", "RW-05.huye", 0.9},
      Example{"nothing", "here", "RW", 0.2},
  };
  for (const auto& example : examples) {
    CAPTURE(example.rule);
    CAPTURE(example.text);
    std::pmr::monotonic_buffer_resource memory;
    const auto decision = understand(example.text, {"en", rwanda}, *snapshot, memory);
    CHECK(decision.region.view() == example.region);
    CHECK(decision.region_confidence == doctest::Approx(example.confidence));
  }
  std::pmr::monotonic_buffer_resource memory;
  CHECK(understand("here", {}, *snapshot, memory).region.empty());
}

TEST_CASE("only a sure region is routed by; else its country") {
  std::pmr::monotonic_buffer_resource memory;
  Decision decision{memory};
  decision.region = *RegionCode::parse("RW-05.huye");
  decision.region_confidence = 0.7;
  CHECK(routable_region(decision).view() == "RW-05.huye");
  decision.region_confidence = 0.69;
  CHECK(routable_region(decision).view() == "RW");
}

TEST_CASE("a text that names somebody on the exclusion list says which") {
  constexpr std::string_view queues =
      "name,class,organisation,fallback\nintake,ngo,o,\nother,ngo,o,intake\n";
  constexpr std::string_view routes =
      "id,region,category,language,urgent,priority,owner,police\nroot,*,*,,,,intake,\n";
  constexpr std::string_view exclusions = "id,name,queue\nj,Jane Example,other\n";
  const std::array files{PackFile{"x/queues.csv", queues}, PackFile{"x/routes.csv", routes},
                         PackFile{"x/exclusions.csv", exclusions}};
  const auto loaded = load(files);
  REQUIRE(loaded.snapshot);
  std::pmr::monotonic_buffer_resource memory;
  CHECK(understand("a Jane, an example", {}, *loaded.snapshot, memory).exclusions.empty());
  const auto decision = understand("by JANE example. jane example", {}, *loaded.snapshot, memory);
  REQUIRE(decision.exclusions.size() == 1);
  CHECK(decision.exclusions[0] == "j");
}

// A resource that refuses everything: proves that nothing of a text goes to the default one.
class NoMemory final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t, std::size_t) override { throw std::bad_alloc{}; }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

TEST_CASE("what is derived from a text lives in the caller's memory only") {
  const auto snapshot = small();
  NoMemory none;
  std::pmr::monotonic_buffer_resource memory{65536, std::pmr::new_delete_resource()};
  auto* const before = std::pmr::set_default_resource(&none);
  const auto decision = understand("help, not paid, took a girl to Remera in Kigali",
                                   {"en", rwanda}, *snapshot, memory);
  std::pmr::set_default_resource(before);
  CHECK(decision.category == Category::forced_labour);
}

TEST_CASE("a very long text is understood too") {
  const auto snapshot = small();
  std::string text;
  while (text.size() < 200'000) text += "sell kidney Remera in Huye never not paid 12 years boy ";
  std::pmr::monotonic_buffer_resource memory;
  CHECK(understand(text, {"en", rwanda}, *snapshot, memory).category == Category::organ_removal);
}

TEST_CASE("the same text gets the same decision") {
  const auto snapshot = small();
  std::pmr::monotonic_buffer_resource memory;
  const auto decide = [&] {
    return understand("boy missing near Huye, help", {"en", rwanda}, *snapshot, memory);
  };
  const auto first = decide();
  const auto second = decide();
  CHECK(first.category == second.category);
  CHECK(first.urgency == second.urgency);
  CHECK(first.region == second.region);
  CHECK(first.reasons == second.reasons);
}

TEST_CASE("a name of several places has candidates, by the regions that tell them apart") {
  struct Example {
    const char* name;
    std::string_view towns;  // "Town" in these regions, in this order
    std::string_view text;
    std::string_view expected;  // region by shown
  };
  const std::array examples{
      Example{"two, by their parents", "RW-02.a.t RW-01.b.t", "in Town",
              "RW-02.a.t by RW-02.a, RW-01.b.t by RW-01.b"},
      Example{"three", "RW-01.b.t RW-02.a.t RW-03.d.t", "Town",
              "RW-01.b.t by RW-01.b, RW-02.a.t by RW-02.a, RW-03.d.t by RW-03.d"},
      Example{"four, by what is around the parents", "RW-01.b.t RW-02.a.t RW-02.c.t RW-03.d.t",
              "in Town", "RW-01.b.t by RW-01, RW-02 by RW-02, RW-03.d.t by RW-03"},
      Example{"more than can be asked about", "RW-01.b.t RW-02.a.t RW-03.d.t RW-04.e.t", "in Town",
              "RW-01.b.t by RW-01.b, RW-02.a.t by RW-02.a, RW-03.d.t by RW-03.d"},
      Example{"in one place", "RW-01.b.t", "in Town", ""},
      Example{"in one subdivision, which is enough", "RW-02.a.t RW-02.c.t", "in Town", ""},
      Example{"with the subdivision beside it", "RW-01.b.t RW-02.a.t", "in Town, Kigali", ""},
      Example{"beside another place", "RW-01.b.t RW-02.a.t", "from Town to West", ""},
      Example{"a subdivision and what lies in another", "RW-05 RW-02.a.t", "in Town",
              "RW-05 by RW, RW-02.a.t by RW-02.a"},
  };
  constexpr std::string_view tree =
      "code\tname\nRW\tRwanda\nRW-01\tKigali\nRW-01.b\tB\nRW-02\tEast\nRW-02.a\tA\n"
      "RW-02.c\tC\nRW-03\tNorth\nRW-03.d\tD\nRW-04\tWest\nRW-04.e\tE\n";
  for (const auto& example : examples) {
    CAPTURE(example.name);
    std::string content{tree};
    for (auto rest = example.towns; !rest.empty();) {
      const auto code = rest.substr(0, rest.find(' '));
      content += std::string{code} + "\tTown\n";
      rest.remove_prefix(std::min(rest.size(), code.size() + 1));
    }
    const std::array files{PackFile{"x/regions.tsv", content}};
    const auto loaded = load(files);
    REQUIRE(loaded.snapshot);
    std::pmr::monotonic_buffer_resource memory;
    const auto decision =
        understand(example.text, {"en", *RegionCode::parse("RW")}, *loaded.snapshot, memory);
    std::string found;
    for (const auto& candidate : decision.candidates.view())
      found += (found.empty() ? "" : ", ") + std::string{candidate.region.view()} + " by " +
               std::string{candidate.shown.view()};
    CHECK(found == example.expected);
  }
}

}  // namespace
}  // namespace ishara::routing
