#include "gateway/intake/intake.hpp"

#include <algorithm>
#include <set>

#include "gateway/crypto/encoding.hpp"
#include "tests/support/gateway.hpp"

namespace ishara::intake {
namespace {

TEST_CASE("a text becomes one sealed row that its owner opens, and one line back") {
  Gateway gateway;
  const auto response = gateway.kannel(
      "id=a1&from=%2B250788000001&to=2020&coding=0&charset=UTF-8&text=my+madam+locks+me+in+the+"
      "house+in+Nyamata");
  CHECK(response.status == 200);
  CHECK(response.body.starts_with("Message received and put first. Ref "));
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto& row = gateway.sink.rows[0];
  CHECK(row.hour == 500'000);
  CHECK(row.consent_class == 0);
  CHECK(row.queue_id == gateway.deployment.queue("demo-helpers").id);
  CHECK(row.urgent);
  const auto content = gateway.open(row, "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->text.reveal(
      [](std::string_view text) { return text == "my madam locks me in the house in Nyamata"; }));
  CHECK(content->category == "DOM");
  CHECK(content->region.starts_with("RW-02.bugesera"));
}

TEST_CASE("a helpers-only report is opened by no police queue (P15)") {
  Gateway gateway;
  gateway.kannel("id=a1&from=%2B250788000001&to=2020&text=help");
  REQUIRE(gateway.sink.rows.size() == 1);
  CHECK(!gateway.open(gateway.sink.rows[0], "demo-police").has_value());
  const auto& police = gateway.deployment.queue("demo-police");
  for (std::size_t at = 0; at < gateway.sink.rows[0].wraps.size(); at += 192) {
    const auto wrap = crypto::View{gateway.sink.rows[0].wraps}.subspan(at, 192);
    CHECK(identity::wrap_recipient(wrap).value().kid != police.kid);
  }
}

TEST_CASE("sealing for the police without consent is a bug that ends the request (P15)") {
  const Deployment deployment;
  const auto key = crypto::signing_key(crypto::random_secret<32>());
  identity::SenderKeys sender_keys;
  const identity::MessageContent content;
  const auto& helpers = deployment.queue("demo-helpers");
  const auto& police = deployment.queue("demo-police");
  const auto sealed = [&](std::uint8_t consent_class, const Readers& readers) {
    Marks marks;
    marks.consent_class = consent_class;
    return seal(content, marks, readers, std::nullopt, sender_keys, {}, key);
  };
  CHECK_THROWS(sealed(0, {.owner = &police}));
  CHECK_THROWS(sealed(0, {.owner = &helpers, .fallback = &police}));
  CHECK_THROWS(sealed(0, {.owner = &helpers, .police_copy = &police}));
  CHECK_THROWS(sealed(1, {.owner = &helpers, .fallback = &police}));
  const auto row = sealed(1, {.owner = &helpers, .police_copy = &police});
  REQUIRE(row.has_value());
  CHECK(row->wraps.size() == 2 * 192);
}

TEST_CASE("without a provider's id the same text counts once in ten minutes") {
  Gateway gateway;
  const auto* query = "from=%2B250788000001&to=2020&text=help";
  gateway.kannel(query);
  gateway.kannel(query);
  CHECK(gateway.sink.rows.size() == 1);
  gateway.kannel("from=%2B250788000002&to=2020&text=help");
  CHECK(gateway.sink.rows.size() == 2);
  gateway.now += std::chrono::minutes{20};
  gateway.kannel(query);
  CHECK(gateway.sink.texts.size() == 1);
}

TEST_CASE("only a provider's id is hashed under a key that outlives the process (P5)") {
  const auto lasting = crypto::random_secret<32>();
  const DedupeKeys before{crypto::Secret<32>{lasting.reveal()}};
  const DedupeKeys after{crypto::Secret<32>{lasting.reveal()}};
  const std::chrono::sys_seconds now{std::chrono::seconds{1'800'000'000}};
  const auto hash = [&](std::string_view id, const DedupeKeys& keys) {
    const aggregators::Message message{
        .from = identity::parse_sender("+250788000001", "RW").value(),
        .to = crypto::wiped_copy("2020"),
        .text = identity::Text{"help"},
        .id = crypto::wiped_copy(id),
        .at = {},
        .part = {}};
    return dedupe_hash(message, 1, now, keys);
  };
  CHECK(hash("a1", before) == hash("a1", after));
  CHECK(hash("", before) == hash("", before));
  CHECK(hash("", before) != hash("", after));
}

TEST_CASE("a short code and a sender id are stored and never answered") {
  Gateway gateway;
  CHECK(gateway.kannel("id=1&from=2020&to=3030&text=help").body.empty());
  CHECK(gateway.kannel("id=2&from=MPESA&to=3030&text=help").body.empty());
  CHECK(gateway.sink.rows.size() == 2);
}

TEST_CASE("a provider that takes no answer in its response gets none") {
  Gateway gateway;
  const std::string body =
      "id=x1&from=%2B250788000001&to=2020&text=help&date=2026-01-02T03%3A04%3A05Z";
  const auto response = gateway.send("POST /in/africastalking/" + std::string{secret} +
                                     " HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                     "application/x-www-form-urlencoded\r\nContent-Length: " +
                                     std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(response.status == 200);
  CHECK(response.body.find("Ref") == std::string::npos);
  CHECK(gateway.sink.rows.size() == 1);
}

TEST_CASE("parts of a long text that come at once are one report, with one line back") {
  Gateway gateway;
  const auto part = [](int number, std::string_view text) {
    return Gateway::by_kannel("id=p" + std::to_string(number) +
                              "&from=%2B250788000001&to=2020&udh=%05%00%03%2A%02%0" +
                              std::to_string(number) + "&text=" + std::string{text});
  };
  const auto answers =
      gateway.together({part(2, "house+in+Nyamata"), part(1, "my+madam+locks+me+in+the+")});
  for (const auto& answer : answers) CHECK(answer.status == 200);
  CHECK(answers[0].body.starts_with("Message received and put first. Ref "));
  CHECK(answers[1].body.empty());
  REQUIRE(gateway.sink.rows.size() == 1);
  CHECK(gateway.sink.texts.empty());
  const auto content = gateway.open(gateway.sink.rows[0], "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->text.reveal(
      [](std::string_view text) { return text == "my madam locks me in the house in Nyamata"; }));
  CHECK(content->region.starts_with("RW-02.bugesera"));
}

TEST_CASE("a part that comes alone is stored, and its first word is no command") {
  Gateway gateway{{}, {}, std::chrono::milliseconds{0}};
  gateway.text("250788000001", "my madam locks me in");
  CHECK(gateway.kannel("id=p2&from=%2B250788000001&to=2020&udh=%05%00%03%2A%02%02&text=delete")
            .status == 200);
  CHECK(std::ranges::count(gateway.relay.asked, identity::RelayOp::end) == 0);
  REQUIRE(gateway.sink.texts.size() == 1);
  const auto content = gateway.open(gateway.sink.texts[0], "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->text.reveal([](std::string_view text) { return text == "[…] delete"; }));
  CHECK(gateway.intake.incomplete_texts() == 1);
}

TEST_CASE("an entry of a batch that cannot be read holds up no other, and is counted") {
  Gateway gateway;
  const auto* const good = R"({"from": "250788000001", "text": "help", "messageId": "b1"})";
  const auto* const bad = R"({"text": "nobody wrote this", "messageId": "b2"})";
  const auto batch = [](std::string_view one, std::string_view other) {
    return R"({"results": [)" + std::string{one} + "," + std::string{other} + "]}";
  };
  CHECK(gateway.post("infobip", "", "application/json", batch(bad, good)).status == 200);
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(gateway.intake.counters().entries_refused == 1);
  CHECK(gateway.intake.counters().refused == 0);
  // With nothing to lose by it, all are refused, which the provider sees.
  CHECK(gateway.post("infobip", "", "application/json", batch(bad, bad)).status == 400);
  CHECK(gateway.intake.counters().entries_refused == 1);
  CHECK(gateway.intake.counters().refused == 1);
}

ChannelHealth health_of(Gateway& gateway, std::string_view channel) {
  return gateway.intake.health().figures(gateway.now).at(std::string{channel});
}

TEST_CASE("each channel has figures of its own: what was taken, and what was not") {
  Gateway gateway;
  gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help");
  gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help");  // again
  gateway.kannel("id=2&to=2020&text=nobody");
  gateway.kannel("");  // a dashboard tries the URL
  gateway.sink.fails = storage::errc::unavailable;
  gateway.kannel("id=3&from=%2B250788000001&to=2020&text=help");
  gateway.sink.fails = storage::errc::refused;
  gateway.kannel("id=4&from=%2B250788000001&to=2020&text=help");
  gateway.send("PATCH /in/kannel/" + std::string{secret} + " HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto kannel = health_of(gateway, "kannel");
  CHECK(kannel.of(Sum::texts) == 2);
  CHECK(kannel.of(Sum::refused) == 2);
  CHECK(kannel.of(Sum::unavailable) == 1);
  CHECK(kannel.of(Sum::not_stored) == 1);
  CHECK(kannel.of(Sum::forbidden) == 0);
  CHECK(kannel.of(Sum::late) == 0);
  CHECK(kannel.requests == 7);
  CHECK(kannel.failed == 4);
  CHECK(kannel.last_text == 1'800'000'000);
  CHECK(health_of(gateway, "africastalking").requests == 0);

  gateway.sink.fails.reset();
  gateway.post("infobip", "", "application/json",
               R"({"results": [{"text": "nobody"}, {"from": "250788000001", "text": "help"}]})");
  const auto infobip = health_of(gateway, "infobip");
  CHECK(infobip.of(Sum::texts) == 1);
  CHECK(infobip.of(Sum::unreadable) == 1);
  CHECK(infobip.requests == 1);
  CHECK(infobip.failed == 1);
}

TEST_CASE("an answer that its provider no longer waits for is counted") {
  Gateway gateway;
  gateway.sink.meanwhile = [&gateway] { gateway.watch += std::chrono::seconds{4}; };
  gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help");
  gateway.sink.meanwhile = nullptr;
  gateway.kannel("id=2&from=%2B250788000001&to=2020&text=help");
  CHECK(health_of(gateway, "kannel").of(Sum::late) == 1);
}

// What the relay was told of deliveries: the state and the id.
std::vector<std::pair<identity::DeliveryState, std::string>> told(const Gateway& gateway) {
  std::vector<std::pair<identity::DeliveryState, std::string>> out;
  for (const auto& request : gateway.relay.requests)
    if (const auto* delivery = std::get_if<identity::Delivery>(&request))
      out.emplace_back(delivery->state, std::string{crypto::view(delivery->id)});
  return out;
}

TEST_CASE("the relay is told what became of its messages, and the provider hears of success") {
  using identity::DeliveryState;
  using Told = std::vector<std::pair<DeliveryState, std::string>>;
  Gateway gateway;
  const std::pair<const char*, DeliveryState> rows[] = {
      {"8", DeliveryState::sent}, {"1", DeliveryState::delivered}, {"2", DeliveryState::failed}};
  Told expected;
  for (const auto& [status, state] : rows) {
    CAPTURE(status);
    const auto id = "0123456789abcde" + std::string{status};
    CHECK(gateway
              .send("GET /in/kannel/" + std::string{secret} + "/dlr?id=" + id +
                    "&status=" + status + " HTTP/1.1\r\nHost: x\r\n\r\n")
              .status == 200);
    expected.emplace_back(state, id);
  }
  CHECK(told(gateway) == expected);
  CHECK(health_of(gateway, "kannel").of(Sum::undelivered) == 1);
  CHECK(health_of(gateway, "kannel").of(Sum::texts) == 0);
  CHECK(gateway.intake.counters().reports_lost == 0);
  CHECK(gateway.sink.rows.empty());
}

TEST_CASE("a report whose id cannot be ours is counted and holds up no other") {
  Gateway gateway;
  const auto report = [](std::string_view id) {
    return R"({"messageId": ")" + std::string{id} + R"(", "status": {"groupId": 3}})";
  };
  const auto batch =
      R"({"results": [)" + report(std::string(49, 'x')) + "," + report(std::string(48, 'y')) + "]}";
  CHECK(gateway.post("infobip", "/dlr", "application/json", batch).status == 200);
  REQUIRE(told(gateway).size() == 1);
  CHECK(told(gateway)[0].second == std::string(48, 'y'));
  CHECK(gateway.intake.counters().reports_lost == 1);
  CHECK(health_of(gateway, "infobip").of(Sum::reports_lost) == 1);
}

TEST_CASE("while the relay is away reports of deliveries are lost, after one question a request") {
  Gateway gateway;
  gateway.relay.status = identity::RelayStatus::away;
  const auto* const batch =
      R"({"results": [{"messageId": "a", "status": {"groupId": 3}},
                      {"messageId": "b", "status": {"groupId": 5}}]})";
  CHECK(gateway.post("infobip", "/dlr", "application/json", batch).status == 200);
  CHECK(gateway.relay.asked.size() == 1);
  CHECK(gateway.intake.counters().reports_lost == 2);
}

TEST_CASE("a report that comes by GET of our own URL is taken, whatever else the channel takes") {
  Gateway gateway{{}, {}, Joining::usual_patience, screen_patience, false};
  const auto get = [&gateway](std::string_view path) {
    return gateway.send("GET /in/" + std::string{path} + " HTTP/1.1\r\nHost: x\r\n\r\n").status;
  };
  const std::string own = "kannel/" + std::string{secret};
  CHECK(get(own + "/dlr?id=0123456789abcdef&status=1") == 200);
  REQUIRE(told(gateway).size() == 1);
  CHECK(told(gateway)[0].second == "0123456789abcdef");
  CHECK(get(own + "?id=1&from=%2B250788000001&to=2020&text=help") == 405);
  // Others put the phone's number there.
  CHECK(get("africastalking/" + std::string{secret} + "/dlr?id=1&status=Success") == 405);
}

TEST_CASE("what cannot be stored now is answered 503, what never can 500") {
  Gateway gateway;
  gateway.sink.fails = storage::errc::unavailable;
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 503);
  gateway.sink.fails = storage::errc::busy;
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 503);
  gateway.sink.fails = storage::errc::full;
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 503);
  gateway.sink.fails = storage::errc::refused;
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 500);
  CHECK(gateway.intake.counters().unavailable == 3);
  CHECK(gateway.intake.counters().not_stored == 1);
}

TEST_CASE("a gateway that knows nothing yet answers 503") {
  Gateway gateway;
  gateway.intake.learn(nullptr);
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 503);
}

TEST_CASE(
    "no text is taken that nobody would believe: the gateway's key has ended, or is no one's") {
  const auto* const text = "id=1&from=%2B250788000001&to=2020&text=help";
  Gateway unknown{{}, {.until = {}, .is_named = false}};
  CHECK(unknown.kannel(text).status == 503);
  CHECK(unknown.sink.rows.empty());
  CHECK(!unknown.intake.signs_until());

  Gateway gateway{{}, {.until = 500'000}};
  CHECK(gateway.kannel(text).status == 200);
  gateway.now += std::chrono::hours{1};
  CHECK(gateway.kannel("id=2&from=%2B250788000002&to=2020&text=help").status == 503);
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(gateway.intake.counters().unavailable == 1);
}

TEST_CASE("an unknown secret, provider or path is a plain 404 (P20)") {
  Gateway gateway;
  const std::string good{secret};
  for (const auto& path : std::vector<std::string>{
           "/", "/in", "/in/kannel", "/in/kannel/", "/in/kannel/" + good.substr(1) + "x",
           "/in/twilio/" + good, "/in/nobody/" + good, "/in/kannel/" + good + "/x",
           "/in/kannel/" + good + "/dlr/x", "/out/kannel/" + good, "/in//" + good}) {
    CAPTURE(path);
    const auto response =
        gateway.send("GET " + path + "?from=1&text=x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(response.status == 404);
    CHECK(response.body.empty());
  }
  CHECK(gateway.sink.rows.empty());
  CHECK(gateway.intake.counters().not_found == 11);
}

TEST_CASE("a refusal says what is missing and quotes nothing") {
  Gateway gateway;
  const auto response = gateway.kannel("id=1&to=2020&text=topsecret");
  CHECK(response.status == 400);
  CHECK(response.body == "field 'from' is missing");
  CHECK(gateway.sink.rows.empty());
}

TEST_CASE("tables may only name queues of the rosters, with their class") {
  const Deployment deployment;
  const auto routing = demo_routing();
  CHECK(consistent(routing->table, *deployment.directory).has_value());
  const identity::Directory nobody;
  CHECK(consistent(routing->table, nobody).error() == knowledge_errc::queue_unknown);
}

TEST_CASE("every intake has its own keys and ids") {
  Gateway gateway;
  std::set<crypto::Id> reports;
  std::set<crypto::Bytes> epks;
  for (int i = 0; i < 50; ++i)
    gateway.text("2507880001" + std::to_string(10 + i), "they took my passport");
  for (const auto& row : gateway.sink.rows) {
    reports.insert(row.report_id);
    epks.insert({row.wraps.begin() + 56, row.wraps.begin() + 88});
  }
  CHECK(reports.size() == 50);
  CHECK(epks.size() == 50);
}

}  // namespace
}  // namespace ishara::intake
