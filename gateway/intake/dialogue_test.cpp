// Dialogues through the main path: what a phone sees, and what a caseworker gets.

#include <doctest/doctest.h>

#include <boost/asio/detached.hpp>
#include <string>

#include "gateway/crypto/encoding.hpp"
#include "gateway/log/captured.hpp"
#include "tests/support/gateway.hpp"

namespace ishara::intake {
namespace {

// What is typed before the words of the shortest report, and behind them: English, tell, go on,
// forced work, me, Kigali, Gasabo, no place, not now; helpers only, no texts, send.
constexpr std::string_view before = "1*1*1*1*1*1*1*0*3*";
constexpr std::string_view behind = "*1*1*1";

struct Caller {
  Gateway& gateway;
  std::string session = "ATUid_1";
  std::string digits = "250788000001";

  std::string raw(std::string_view fields) const {
    const auto body = "sessionId=" + session + "&phoneNumber=%2B" + digits +
                      "&serviceCode=%2A384%2A2020%23&" + std::string{fields};
    return "POST /in/africastalking/" + std::string{secret} +
           "/ussd HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string type(std::string_view text) const {
    const auto response = gateway.send(raw("text=" + std::string{text}));
    CHECK(response.status == 200);
    return response.body;
  }
  std::string all_of(std::string_view words) const {
    return std::string{before} + std::string{words} + std::string{behind};
  }
  std::string report(std::string_view words) const { return type(all_of(words)); }
  // Answer by answer, behind those that were given.
  std::string on(std::string all, std::initializer_list<std::string_view> answers) const {
    std::string last;
    for (const auto answer : answers) last = type(all += "*" + std::string{answer});
    return last;
  }
};

// A caller of a provider that sends each answer alone.
struct StepCaller {
  Gateway& gateway;
  std::string session = "h-1";

  std::string send(std::string_view type, std::string_view text) const {
    const auto body = "{\"SessionId\":\"" + session + "\",\"Type\":\"" + std::string{type} +
                      "\",\"Mobile\":\"250788000003\",\"ServiceCode\":\"*711#\",\"Message\":\"" +
                      std::string{text} + "\"}";
    const auto response = gateway.send(
        "POST /in/hubtel/" + std::string{secret} +
        "/ussd HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(response.status == 200);
    return response.body;
  }
  std::string dial() const { return send("Initiation", "*711#"); }
  std::string type(std::string_view text) const { return send("Response", text); }
};

bool ends(const std::string& answer) { return answer.find("\"Release\"") != std::string::npos; }

constexpr std::string_view may_not_be_saved = "END It may not be saved. Please dial again later.";
constexpr std::chrono::milliseconds soon{1};

// A gateway whose database takes longer than a phone can wait.
struct SlowGateway : Gateway {
  SlowGateway() : Gateway{{}, {}, Joining::usual_patience, soon} { sink.holds = true; }
};

}  // namespace

TEST_CASE("a finished menu is a report that its queue opens, and shows the ref last") {
  Gateway gateway;
  const Caller caller{gateway};
  CHECK(caller.type("").starts_with("CON Language\n1 English\n"));
  const auto inputs = "1*1*1*2*2*2*1*by+the+lake*1*they+keep+my+passport+%2A+help*1*1*1";
  // One answer more with each request; a star of free words is no more of an answer than a space.
  std::string last;
  for (std::string_view rest{inputs}, all{inputs}; !rest.empty();) {
    const auto star = rest.find('*');
    rest.remove_prefix(star == rest.npos ? rest.size() : star + 1);
    CHECK(gateway.sink.rows.empty());
    last = caller.type(all.substr(0, all.size() - rest.size() - (star == rest.npos ? 0 : 1)));
    if (rest.empty()) break;
    CHECK(last.starts_with("CON "));
  }
  last = caller.type(inputs);
  CHECK(last.starts_with("END Saved. Number "));
  REQUIRE(gateway.relay.drawn.size() == 1);
  CHECK(last.find(gateway.relay.drawn[0]) != std::string::npos);
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto& row = gateway.sink.rows[0];
  CHECK(row.consent_class == 0);
  const auto content = gateway.open(row, "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->channel == "ussd");
  CHECK(content->via == "new");
  CHECK(content->category == "SEX");
  CHECK(content->region.starts_with("RW-02."));
  REQUIRE(content->chosen.has_value());
  CHECK(content->chosen->who == "child");
  CHECK(content->chosen->danger == "now");
  CHECK(content->chosen->gaps.empty());
  content->chosen->place.reveal([](std::string_view place) { CHECK(place == "by the lake"); });
  CHECK(content->answers.may_text == false);
  CHECK(content->answers.consent_class == 0);
  CHECK(row.urgent);
  content->text.reveal(
      [](std::string_view text) { CHECK(text == "they keep my passport * help"); });
  const auto address = gateway.address(row.retaddr, row.report_id);
  REQUIRE(address.has_value());
  CHECK_FALSE(address->may_text);
}

TEST_CASE("a request that comes again shows the same screen, and the report is one") {
  Gateway gateway;
  const Caller caller{gateway};
  CHECK(caller.type("") == caller.type(""));
  const auto last = caller.report("they+keep+my+passport");
  CHECK(caller.report("they+keep+my+passport") == last);
  CHECK(gateway.sink.rows.size() + gateway.sink.texts.size() == 1);
  // At once, too.
  Caller other{gateway, "ATUid_2", "250788000002"};
  const auto raw = other.raw("text=" + other.all_of("they+beat+me"));
  const auto both = gateway.together({raw, raw});
  CHECK(both[0].body == both[1].body);
  CHECK(gateway.sink.rows.size() == 2);
  // After its time, or a restart, only the ref is forgotten.
  gateway.now += Dialogue::length;
  gateway.intake.end_second();
  CHECK(caller.report("they+keep+my+passport") == "END Saved. Dial again to add more.");
  CHECK(gateway.sink.rows.size() == 2);
}

TEST_CASE("who hangs up or leaves before the text leaves nothing") {
  Gateway gateway;
  Caller caller{gateway};
  caller.type("");
  CHECK(caller.type("0") == "END Goodbye.");
  caller.session = "ATUid_2";
  caller.type("");
  CHECK(gateway.send(caller.raw("status=Incomplete&input=secret&hopsCount=1")).status == 200);
  CHECK(gateway.intake.counters().dialogues_closed == 1);
  CHECK(gateway.sink.rows.empty());
  CHECK(gateway.relay.asked.empty());
}

TEST_CASE("what cannot be stored is not called saved, and may come again") {
  Gateway gateway;
  const Caller caller{gateway};
  caller.type("");
  gateway.sink.fails = storage::errc::unavailable;
  CHECK(caller.report("they+beat+me") == "END Not saved. Please dial again later.");
  gateway.sink.fails.reset();
  CHECK(caller.report("they+beat+me").starts_with("END Saved. Number "));
  CHECK(gateway.sink.rows.size() == 1);
}

TEST_CASE("a phone is answered in time while the database is slow, and never that it is saved") {
  SlowGateway gateway;
  const Caller caller{gateway};
  std::size_t rows_then = 1;
  gateway.answered = [&] {
    rows_then = gateway.sink.rows.size();
    gateway.sink.release();
  };
  CHECK(caller.report("they+beat+me") == may_not_be_saved);
  CHECK(rows_then == 0);
  CHECK(gateway.intake.counters().dialogues_late == 1);
  // It was stored all the same; who asks again is told, and nothing is stored twice.
  CHECK(gateway.sink.rows.size() == 1);
  const auto last = caller.report("they+beat+me");
  CHECK(last.starts_with("END Saved. Number "));
  CHECK(last.find(gateway.relay.drawn.at(0)) != std::string::npos);
  CHECK(gateway.sink.rows.size() + gateway.sink.texts.size() == 1);
  CHECK(gateway.relay.drawn.size() == 1);
}

TEST_CASE("a request that comes again while its text is stored waits for the same") {
  SlowGateway gateway;
  const Caller caller{gateway};
  const auto raw = caller.raw("text=" + caller.all_of("they+beat+me"));
  std::size_t answers = 0;
  gateway.answered = [&] {
    if (++answers == 3) gateway.sink.release();
  };
  for (const auto& response : gateway.together({raw, raw, raw}))
    CHECK(response.body == may_not_be_saved);
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(gateway.relay.drawn.size() == 1);
}

TEST_CASE("a text that was not stored in the end may come again") {
  SlowGateway gateway;
  const Caller caller{gateway};
  gateway.answered = [&] {
    gateway.sink.fails = storage::errc::unavailable;
    gateway.sink.release();
  };
  CHECK(caller.report("they+beat+me") == may_not_be_saved);
  CHECK(gateway.sink.rows.empty());
  CHECK(gateway.intake.counters().dialogues_failed == 1);
  gateway.answered = [] {};
  gateway.sink.fails.reset();
  caller.report("they+beat+me");  // in time or not
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(caller.report("they+beat+me").starts_with("END Saved. Number "));
  CHECK(gateway.sink.rows.size() == 1);
}

TEST_CASE("who stops a gateway waits for the texts of its dialogues") {
  SlowGateway gateway;
  asio::io_context context;
  const Caller caller{gateway};
  const auto raw = caller.raw("text=" + caller.all_of("they+beat+me"));
  auto request = http::parse_request(raw, 65536);
  REQUIRE(request.has_value());
  bool is_settled = false;
  asio::co_spawn(context, gateway.intake.handle(std::move(*request)),
                 [&](const std::exception_ptr& error, const http::Response& answer) {
                   CHECK(!error);
                   CHECK(answer.body == may_not_be_saved);
                   asio::co_spawn(context, gateway.intake.settle(),
                                  [&](const std::exception_ptr&) { is_settled = true; });
                   asio::post(context, [&] {
                     CHECK_FALSE(is_settled);
                     gateway.sink.release();
                   });
                 });
  context.run();
  CHECK(is_settled);
  CHECK(gateway.sink.rows.size() == 1);
}

TEST_CASE("what could not be stored is an alarm, once a minute and without a word of it") {
  const log::CapturedLog log;
  Gateway gateway;
  const auto minute = [&gateway] {
    gateway.now += std::chrono::minutes{1};
    gateway.intake.end_second();
    gateway.intake.end_second();
  };
  const auto endings = [&log] {
    std::vector<std::string> out;
    for (const auto& line : log.lines()) out.push_back(line.substr(line.find(' ') + 1));
    return out;
  };
  minute();
  CHECK(endings().empty());
  gateway.sink.fails = storage::errc::unavailable;
  for (int i = 0; i < 100; ++i)
    gateway.kannel("id=" + std::to_string(i) + "&to=2020&from=%2B250788000009&text=they+beat+me");
  const Caller caller{gateway};
  caller.report("they+beat+me");
  gateway.sink.fails = storage::errc::refused;
  caller.report("they+beat+me");
  gateway.intake.end_second();
  CHECK(endings().empty());
  minute();
  minute();
  CHECK(endings() ==
        std::vector<std::string>{"error texts_not_stored texts=100 dialogues=2 late=0\n"});
  gateway.sink.fails.reset();
  caller.report("they+beat+me");
  minute();
  CHECK(endings().size() == 1);
}

TEST_CASE("a phone that was told too little in time is part of that alarm") {
  const log::CapturedLog log;
  SlowGateway gateway;
  gateway.answered = [&] { gateway.sink.release(); };
  Caller{gateway}.report("they+beat+me");
  gateway.now += std::chrono::minutes{1};
  gateway.intake.end_second();
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0].ends_with(" error texts_not_stored texts=0 dialogues=0 late=1\n"));
}

TEST_CASE("an answer alone is known as repeated by session, question and two seconds") {
  Gateway gateway;
  const StepCaller caller{gateway};
  using std::chrono::seconds;
  caller.dial();
  const auto asked = caller.type("1");
  CHECK_FALSE(ends(asked));
  for (const int later : {0, 1, 1}) {  // two seconds in all: the aggregator, not the person
    gateway.now += seconds{later};
    CHECK(caller.type("1") == asked);
  }
  gateway.now += seconds{1};
  CHECK(caller.type("1") != asked);
  CHECK(gateway.sink.rows.empty());
}

TEST_CASE("each answer alone leads through the menu, and a category that breaks off is a report") {
  Gateway gateway;
  const StepCaller caller{gateway};
  caller.dial();
  for (const char* answer : {"1", "1#", "1", "1#", "2"}) CHECK_FALSE(ends(caller.type(answer)));
  const auto later = [&gateway](std::chrono::seconds time) {
    gateway.now += time;
    gateway.store_unfinished();
  };
  later(std::chrono::minutes{15} - std::chrono::seconds{1});
  CHECK(gateway.sink.rows.empty());
  later(std::chrono::seconds{1});
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto& row = gateway.sink.rows[0];
  CHECK(row.retaddr.empty());
  CHECK(row.consent_class == 0);
  CHECK(gateway.relay.asked.empty());
  const auto content = gateway.open(row, "demo-helpers");
  REQUIRE(content.has_value());
  REQUIRE(content->chosen.has_value());
  CHECK(content->category == "LAB");
  CHECK(content->chosen->who == "child");
  CHECK(content->chosen->gaps == std::vector<std::string>{"where", "danger", "words", "send"});
  const auto record = identity::verify_intake(row.record, *gateway.deployment.directory);
  REQUIRE(record.has_value());
  CHECK(record->partial);
  later(std::chrono::hours{1});
  CHECK(gateway.sink.rows.size() == 1);
}

TEST_CASE("what broke off goes on when its phone chooses the category again, and is one report") {
  Gateway gateway;
  const Caller first{gateway};
  first.type("1*1*1*1*2*1");
  CHECK(gateway.send(first.raw("status=Incomplete&hopsCount=1")).status == 200);
  const Caller again{gateway, "ATUid_2"};
  const Caller stranger{gateway, "ATUid_3", "250788000077"};
  for (const char* all : {"", "1", "1*1", "1*1*1"}) CHECK(again.type(all) == stranger.type(all));
  CHECK(again.type("1*1*1*1").find("Gasabo") != std::string::npos);
  CHECK(stranger.type("1*1*1*1").starts_with("CON Who?"));
  CHECK(again.type("1*1*1*1*1*0*3*0*1*1*1").starts_with("END Saved. Number "));
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto content = gateway.open(gateway.sink.rows[0], "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->chosen->who == "child");
  CHECK(content->region == "RW-01.gasabo");
  // The stranger's is a report of its own.
  gateway.now += std::chrono::minutes{15};
  gateway.store_unfinished();
  CHECK(gateway.sink.rows.size() == 2);
}

TEST_CASE("cancelled is nothing, before a category is nothing, danger now does not wait") {
  Gateway gateway;
  const Caller one{gateway};
  CHECK(one.type(std::string{before} + "0*1*1*3") == "END Cancelled. Nothing was kept.");
  const Caller two{gateway, "ATUid_2", "250788000002"};
  two.type("1*1*1");
  CHECK(two.type("1*1*1*0*0") == "END Goodbye.");
  gateway.now += std::chrono::hours{1};
  gateway.store_unfinished();
  CHECK(gateway.sink.rows.empty());
  const Caller three{gateway, "ATUid_3", "250788000003"};
  three.type("1*1*1*1*1*1*1*0*1");
  gateway.now += std::chrono::minutes{1};
  gateway.store_unfinished();
  REQUIRE(gateway.sink.rows.size() == 1);
  CHECK(gateway.sink.rows[0].urgent);
}

TEST_CASE("the police read it by choice alone, and nothing that broke off") {
  Gateway gateway;
  const Caller caller{gateway};
  CHECK(caller.type(std::string{before} + "they+beat+me*2*2*1").starts_with("END Saved"));
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto& row = gateway.sink.rows[0];
  CHECK(row.consent_class == 1);
  CHECK(gateway.open(row, "demo-police").has_value());
  CHECK(gateway.address(row.retaddr, row.report_id)->may_text);
  const Caller other{gateway, "ATUid_2", "250788000002"};
  other.type(std::string{before} + "they+beat+me*2");
  gateway.now += std::chrono::minutes{15};
  gateway.store_unfinished();
  REQUIRE(gateway.sink.rows.size() == 2);
  CHECK(gateway.sink.rows[1].consent_class == 0);
  CHECK_FALSE(gateway.open(gateway.sink.rows[1], "demo-police").has_value());
}

TEST_CASE("what broke off is shown as partial, and as no consent, however far it had come") {
  Gateway gateway;
  const Caller caller{gateway};
  caller.type(std::string{before} + "they+beat+me*2*2");
  gateway.now += std::chrono::minutes{15};
  gateway.store_unfinished();
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto content = gateway.open(gateway.sink.rows[0], "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->chosen->gaps == std::vector<std::string>{"send"});
  CHECK(content->answers == identity::Answers{});
}

TEST_CASE("helpers only is for helpers only, whatever report of the number the text joins") {
  Gateway gateway;
  auto thread = older_report(gateway);
  consent(gateway, thread);
  bool joins = true;
  SUBCASE("which the police hold too") {}
  SUBCASE("which the police hold alone") {
    thread.owner_queue = thread.police_queue;
    joins = false;
  }
  gateway.relay.numbers["250788000001"] = thread;
  CHECK(Caller{gateway}.report("they+beat+me").starts_with("END Saved"));
  CHECK(gateway.sink.texts.size() == (joins ? 1 : 0));
  CHECK(gateway.sink.rows.size() == (joins ? 0 : 1));
  for (const auto& text : gateway.sink.texts) {
    CHECK(gateway.open(text, "demo-helpers").has_value());
    CHECK_FALSE(gateway.open(text, "demo-police").has_value());
  }
  for (const auto& row : gateway.sink.rows) {
    CHECK(gateway.open(row, "demo-helpers").has_value());
    CHECK_FALSE(gateway.open(row, "demo-police").has_value());
  }
}

TEST_CASE("who writes on after a minute in danger loses nothing, and is told no untruth") {
  Gateway gateway;
  const Caller caller{gateway};
  const auto danger = std::string{"1*1*1*1*1*1*1*0*1"};
  caller.type(danger);
  gateway.now += std::chrono::seconds{61};
  gateway.store_unfinished();
  REQUIRE(gateway.sink.rows.size() == 1);
  SUBCASE("and sends it") {
    CHECK(caller.on(danger, {"they+beat+me", "2", "2", "1"}).starts_with("END Saved. Number "));
    REQUIRE(gateway.sink.rows.size() == 2);
    CHECK(gateway.sink.rows[1].consent_class == 1);
    CHECK(gateway.address(gateway.sink.rows[1].retaddr, gateway.sink.rows[1].report_id)->may_text);
    gateway.now += std::chrono::hours{1};
    gateway.store_unfinished();
    CHECK(gateway.sink.rows.size() == 2);
  }
  SUBCASE("and cancels: something was kept") {
    CHECK(caller.on(danger, {"they+beat+me", "1", "1", "3"}) == "END Goodbye.");
  }
  SUBCASE("and is silent again: another quarter of an hour passes") {
    caller.type(danger + "*they+beat+me");
    gateway.now += std::chrono::minutes{14};
    gateway.store_unfinished();
    CHECK(gateway.sink.rows.size() == 1);
    gateway.now += std::chrono::minutes{1};
    gateway.store_unfinished();
    CHECK(gateway.sink.rows.size() == 2);
  }
}

TEST_CASE("cancelled is nothing also while a first part waits to be stored") {
  Gateway gateway;
  const Caller caller{gateway};
  const auto danger = std::string{"1*1*1*1*1*1*1*0*1"};
  caller.type(danger);
  gateway.now += std::chrono::seconds{61};
  gateway.intake.end_second();
  CHECK(caller.on(danger, {"0", "1", "1", "3"}) == "END Cancelled. Nothing was kept.");
  gateway.store_unfinished();
  CHECK(gateway.sink.rows.empty());
}

TEST_CASE("a dialogue slower than a network usually waits goes on where it stood") {
  Gateway gateway;
  const StepCaller caller{gateway};
  caller.dial();
  std::string last;
  for (const char* answer :
       {"1", "1", "1", "1", "2", "1", "1", "0", "1", "they beat me", "1", "1", "1"}) {
    gateway.now += std::chrono::seconds{20};
    gateway.intake.end_second();
    last = caller.type(answer);
  }
  CHECK(ends(last));
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto content = gateway.open(gateway.sink.rows[0], "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->category == "LAB");
  CHECK(content->chosen->who == "child");
  CHECK(content->chosen->danger == "now");
}

TEST_CASE("a text that is stored in the end takes no other dialogue of its phone with it") {
  SlowGateway gateway;
  const Caller first{gateway};
  const Caller second{gateway, "ATUid_2"};
  bool is_told = false;
  gateway.answered = [&] { is_told = true; };
  asio::io_context context;
  const auto handle = [&](const std::string& raw) {
    auto request = http::parse_request(raw, 65536);
    REQUIRE(request.has_value());
    bool done = false;
    asio::co_spawn(context, gateway.intake.handle(std::move(*request)),
                   [&](const std::exception_ptr& error, const http::Response&) {
                     CHECK(!error);
                     done = true;
                   });
    while (!done) context.run_one();
  };
  handle(first.raw("text=" + first.all_of("they+beat+me")));
  handle(second.raw("text=1*1*1*2"));
  gateway.sink.release();
  context.run();
  CHECK(gateway.sink.rows.size() == 1);
  gateway.now += std::chrono::minutes{15};
  gateway.store_unfinished();
  CHECK(gateway.sink.rows.size() == 2);
}

TEST_CASE("what waits to be stored loses no urgency by waiting, and is an alarm once") {
  const log::CapturedLog log;
  Gateway gateway;
  const Caller caller{gateway};
  caller.type("1*1*1*1*1*1*1*0*1");
  gateway.now += std::chrono::minutes{1};
  gateway.sink.fails = storage::errc::unavailable;
  for (int second = 0; second < 50; ++second) {
    gateway.now += std::chrono::seconds{1};
    gateway.store_unfinished();
  }
  gateway.now += std::chrono::minutes{1};
  gateway.store_unfinished();
  gateway.sink.fails.reset();
  gateway.store_unfinished();
  REQUIRE(gateway.sink.rows.size() == 1);
  CHECK(gateway.sink.rows[0].urgent);
  CHECK(gateway.intake.counters().parked == 0);
  std::size_t told = 0;
  for (const auto& line : log.lines())
    if (line.ends_with(" error texts_not_stored texts=0 dialogues=1 late=0\n")) ++told;
  CHECK(told == 1);
}

TEST_CASE("a gateway that ends waits for what is being stored, and stores the rest") {
  SlowGateway gateway;
  for (int i = 0; i < 3; ++i)
    Caller{gateway, "ATUid_" + std::to_string(i), "25078800000" + std::to_string(i)}.type(
        "1*1*1*1");
  gateway.now += std::chrono::minutes{15};
  gateway.intake.end_second();
  Caller{gateway, "ATUid_9", "250788000009"}.type("1*1*1*1");
  asio::io_context context;
  bool is_settled = false;
  asio::co_spawn(context, gateway.intake.store_unfinished(), asio::detached);
  asio::co_spawn(context, gateway.intake.settle(),
                 [&](const std::exception_ptr&) { is_settled = true; });
  context.poll();
  CHECK_FALSE(is_settled);
  CHECK(gateway.sink.rows.empty());
  gateway.sink.release();
  context.restart();
  context.run();
  CHECK(is_settled);
  CHECK(gateway.sink.rows.size() == 4);
}

TEST_CASE("what broke off is not lost while it cannot be stored, nor when the gateway ends") {
  Gateway gateway;
  const Caller caller{gateway};
  caller.type("1*1*1*1");
  gateway.now += std::chrono::minutes{15};
  gateway.sink.fails = storage::errc::unavailable;
  gateway.store_unfinished();
  gateway.sink.fails.reset();
  gateway.store_unfinished();
  CHECK(gateway.sink.rows.size() == 1);
  const Caller other{gateway, "ATUid_2", "250788000002"};
  other.type("1*1*1*1");
  asio::io_context context;
  asio::co_spawn(context, gateway.intake.settle(), asio::detached);
  context.run();
  CHECK(gateway.sink.rows.size() == 2);
}

TEST_CASE("the screens are the same for a number that is known and one that is not (P18)") {
  Gateway gateway;
  const auto thread = older_report(gateway);
  gateway.relay.numbers["250788000002"] = thread;
  const Caller fresh{gateway};
  const Caller known{gateway, "ATUid_2", "250788000002"};
  CHECK(fresh.type("") == known.type(""));
  auto one = fresh.report("they+beat+me");
  auto two = known.report("they+beat+me");
  REQUIRE(gateway.relay.drawn.size() == 2);
  one.erase(one.find(gateway.relay.drawn[0]), 10);
  two.erase(two.find(gateway.relay.drawn[1]), 10);
  CHECK(one == two);
  CHECK(gateway.sink.rows.size() == 1);
  REQUIRE(gateway.sink.texts.size() == 1);
  CHECK(gateway.sink.texts[0].report_id == thread.report_id);
}

TEST_CASE("a dialogue with a wrong secret, or of a provider without any, is not found") {
  Gateway gateway;
  auto raw = Caller{gateway}.raw("text=");
  raw.replace(raw.find(secret), 1, "x");
  CHECK(gateway.send(raw).status == 404);
  CHECK(gateway
            .send("POST /in/kannel/" + std::string{secret} +
                  "/ussd HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            .status == 404);
  CHECK(gateway
            .send("POST /in/africastalking/" + std::string{secret} +
                  "/ussd/more HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            .status == 404);
}

}  // namespace ishara::intake
