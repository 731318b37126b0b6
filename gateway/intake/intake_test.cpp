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
