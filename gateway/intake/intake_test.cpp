#include "gateway/intake/intake.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "gateway/crypto/encoding.hpp"
#include "gateway/http/parse.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/intake/seal.hpp"

namespace ishara::intake {
namespace {

namespace fs = std::filesystem;
const fs::path source{ISHARA_SOURCE_DIR};
constexpr std::string_view secret = "0123456789012345678901234567890123456789012";

// Keeps what is appended; recognises repeats as the database does.
class MemorySink final : public storage::IntakeSink {
 public:
  std::vector<storage::Intake> rows;
  std::vector<storage::LaterText> texts;
  std::optional<storage::errc> fails;

  asio::awaitable<storage::result<storage::Appended>> append(storage::Intake intake) override {
    co_return keep(rows, std::move(intake));
  }
  asio::awaitable<storage::result<storage::Appended>> append(storage::LaterText text) override {
    co_return keep(texts, std::move(text));
  }

 private:
  template <class Row>
  storage::result<storage::Appended> keep(std::vector<Row>& stored, Row row) {
    if (fails) return make_error_code(*fails);
    const auto [first, is_new] = answers_.emplace(row.dedupe, row.answer_class);
    if (is_new) stored.push_back(std::move(row));
    return storage::Appended{.duplicate = !is_new, .answer_class = first->second};
  }

  std::map<storage::Id, std::int16_t> answers_;  // one space of hashes for both kinds
};

struct Files {
  std::vector<std::pair<std::string, std::string>> all;

  void add(const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator{folder}) {
      std::ifstream file{entry.path(), std::ios::binary};
      all.emplace_back((folder.filename() / entry.path().filename()).string(),
                       std::string{std::istreambuf_iterator<char>{file}, {}});
    }
  }
};

std::shared_ptr<const routing::Snapshot> demo_routing() {
  Files files;
  files.add(source / "ops/packs/rw-demo");
  files.add(source / "i18n/packs/en");
  files.add(source / "i18n/packs/rw");
  std::vector<routing::PackFile> views;
  for (const auto& [name, content] : files.all) views.push_back({name, content});
  auto loaded = routing::load(views);
  REQUIRE(loaded.mistakes.empty());
  return loaded.snapshot;
}

// One deployment with the queues of the demo pack, whose seeds the test keeps.
struct Deployment {
  std::map<std::string, crypto::Secret<32>> seeds;
  std::shared_ptr<const identity::Directory> directory;

  Deployment() {
    const auto root = crypto::signing_key(crypto::random_secret<32>());
    identity::RootRoster root_roster;
    root_roster.deployment = crypto::random_bytes<16>();
    root_roster.version = 1;
    std::vector<identity::SignedRoster> rosters;
    const auto organisation = [&](identity::OrganisationClass kind,
                                  std::vector<std::string> queues) {
      const auto key = crypto::signing_key(crypto::random_secret<32>());
      identity::OrganisationRoster roster;
      roster.deployment = root_roster.deployment;
      roster.organisation = crypto::random_bytes<16>();
      roster.version = 1;
      const auto user = crypto::random_secret<32>();
      identity::OrganisationRoster::Member member{
          .id = crypto::random_bytes<16>(),
          .signing_key = identity::user_signing_key(user).public_key,
          .box_key = identity::user_box_key(user).public_key,
          .roles = {"caseworker"},
          .queues = {}};
      for (const auto& name : queues) {
        const auto& seed = seeds.emplace(name, crypto::random_secret<32>()).first->second;
        roster.queues.push_back(
            {crypto::random_bytes<16>(), name, 0, identity::queue_box_key(seed).public_key, {}});
        member.queues.push_back(roster.queues.back().id);
      }
      roster.members.push_back(member);
      root_roster.organisations.push_back({roster.organisation, queues[0], kind, key.public_key});
      rosters.push_back(sign_roster(roster, key));
    };
    organisation(identity::OrganisationClass::ngo, {"demo-helpers", "demo-children"});
    organisation(identity::OrganisationClass::police, {"demo-police"});
    auto verified =
        identity::Directory::verified(sign_roster(root_roster, root), rosters, root.public_key);
    REQUIRE(verified.has_value());
    directory = std::make_shared<const identity::Directory>(std::move(*verified));
  }

  const Queue& queue(std::string_view name) const { return *directory->queue_named(name); }
};

config::Channel channel(std::uint8_t number, std::string provider) {
  config::Channel out;
  out.number = number;
  out.name = provider;
  out.provider = std::move(provider);
  out.language = "en";
  out.allow_get = true;
  out.settings.country = "RW";
  out.secrets = {crypto::hash32({crypto::bytes_of(secret)})};
  return out;
}

struct Gateway {
  aggregators::Registry registry;
  MemorySink sink;
  Deployment deployment;
  crypto::SigningKey key = crypto::signing_key(crypto::random_secret<32>());
  std::chrono::sys_seconds now{std::chrono::seconds{1'800'000'000}};
  Intake intake;

  Gateway()
      : intake{
            registry, sink, {copy_of(key), {crypto::random_secret<32>()}}, [this] { return now; }} {
    std::vector<config::Channel> channels;
    channels.push_back(channel(1, "kannel"));
    channels.push_back(channel(2, "africastalking"));
    intake.learn(std::make_shared<const Knowledge>(
        Knowledge{.packs = std::make_shared<const i18n::Packs>(i18n::Packs::load(ISHARA_PACKS)),
                  .channels = std::make_shared<const config::Channels>(std::move(channels)),
                  .routing = demo_routing(),
                  .directory = deployment.directory}));
  }

  static crypto::SigningKey copy_of(const crypto::SigningKey& from) {
    return {from.public_key, crypto::Secret<64>{from.secret_key.reveal()}};
  }

  http::Response send(std::string_view raw) {
    auto request = http::parse_request(raw, 65536);
    REQUIRE(request.has_value());
    if (auto refusal = intake.admit(*request)) return *refusal;
    asio::io_context context;
    http::Response response;
    asio::co_spawn(context, intake.handle(std::move(*request)),
                   [&](std::exception_ptr error, http::Response answer) {
                     if (error) std::rethrow_exception(error);
                     response = std::move(answer);
                   });
    context.run();
    return response;
  }

  http::Response kannel(std::string_view query) {
    return send("GET /in/kannel/" + std::string{secret} + "?" + std::string{query} +
                " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  // Opens a row as a member of `queue` would: signature, digest, wrap, commitment, text.
  boost::system::result<identity::MessageContent> open(const storage::Intake& row,
                                                       const std::string& queue) {
    const auto record = identity::verify_intake(row.record, key.public_key);
    if (!record) return record.error();
    if (record->message_digest != identity::envelope_digest(row.message))
      return identity::envelope_errc::refused;
    const auto id = identity::claimed_message_id(row.message);
    if (!id) return id.error();
    const auto& known = deployment.queue(queue);
    const auto box_key = identity::queue_box_key(deployment.seeds.at(queue));
    for (std::size_t at = 0; at < row.wraps.size(); at += 192) {
      const auto wrap = crypto::View{row.wraps}.subspan(at, 192);
      const auto message_key =
          identity::open_key_wrap(wrap, row.report_id, *id, {known.kid, known.generation}, box_key);
      if (!message_key) continue;
      const auto json =
          identity::open_text(row.message, row.hour, row.report_id, *id, *message_key);
      if (!json) return json.error();
      return identity::decode_message(*json);
    }
    return identity::envelope_errc::refused;
  }
};

TEST_CASE("a text becomes one sealed row that its owner opens, and one line back") {
  crypto::start();
  Gateway gateway;
  const auto response = gateway.kannel(
      "id=a1&from=%2B250788000001&to=2020&coding=0&charset=UTF-8&text=my+madam+locks+me+in+the+"
      "house+in+Nyamata");
  CHECK(response.status == 200);
  CHECK(response.body.starts_with("Message received. Ref "));
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto& row = gateway.sink.rows[0];
  CHECK(row.hour == 500'000);
  CHECK(row.consent_class == 0);
  CHECK(row.queue_id == gateway.deployment.queue("demo-helpers").id);
  CHECK(row.retaddr.empty());
  const auto content = gateway.open(row, "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->text.reveal(
      [](std::string_view text) { return text == "my madam locks me in the house in Nyamata"; }));
  CHECK(content->category == "DOM");
  CHECK(content->region.starts_with("RW-02.bugesera"));
}

TEST_CASE("a helpers-only report is opened by no police queue (P15)") {
  crypto::start();
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
  crypto::start();
  const Deployment deployment;
  const auto key = crypto::signing_key(crypto::random_secret<32>());
  identity::SenderKeys sender_keys;
  const identity::MessageContent content;
  const auto& helpers = deployment.queue("demo-helpers");
  const auto& police = deployment.queue("demo-police");
  CHECK_THROWS(seal(content, false, 0, {.owner = police}, sender_keys, {}, key));
  CHECK_THROWS(
      seal(content, false, 0, {.owner = helpers, .fallback = &police}, sender_keys, {}, key));
  CHECK_THROWS(
      seal(content, false, 0, {.owner = helpers, .police_copy = &police}, sender_keys, {}, key));
  const auto row =
      seal(content, false, 1, {.owner = helpers, .police_copy = &police}, sender_keys, {}, key);
  REQUIRE(row.has_value());
  CHECK(row->wraps.size() == 2 * 192);
}

TEST_CASE("a redelivered webhook makes no second report and gets the same answer") {
  crypto::start();
  Gateway gateway;
  const auto* query = "id=a1&from=%2B250788000001&to=2020&text=help";
  const auto first = gateway.kannel(query);
  gateway.now += std::chrono::hours{3};
  const auto second = gateway.kannel(query);
  CHECK(second.status == 200);
  CHECK(second.body == first.body);
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(gateway.intake.counters().duplicates == 1);
  CHECK(gateway.kannel("id=a2&from=%2B250788000001&to=2020&text=help").body != first.body);
}

TEST_CASE("without a provider's id the same text counts once in ten minutes") {
  crypto::start();
  Gateway gateway;
  const auto* query = "from=%2B250788000001&to=2020&text=help";
  gateway.kannel(query);
  gateway.kannel(query);
  CHECK(gateway.sink.rows.size() == 1);
  gateway.kannel("from=%2B250788000002&to=2020&text=help");
  CHECK(gateway.sink.rows.size() == 2);
  gateway.now += std::chrono::minutes{20};
  gateway.kannel(query);
  CHECK(gateway.sink.rows.size() == 3);
}

TEST_CASE("only a provider's id is hashed under a key that outlives the process (P5)") {
  crypto::start();
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
  crypto::start();
  Gateway gateway;
  CHECK(gateway.kannel("id=1&from=2020&to=3030&text=help").body.empty());
  CHECK(gateway.kannel("id=2&from=MPESA&to=3030&text=help").body.empty());
  CHECK(gateway.sink.rows.size() == 2);
}

TEST_CASE("a provider that takes no answer in its response gets none") {
  crypto::start();
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

TEST_CASE("what cannot be stored now is answered 503, what never can 500") {
  crypto::start();
  Gateway gateway;
  gateway.sink.fails = storage::errc::unavailable;
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 503);
  gateway.sink.fails = storage::errc::busy;
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 503);
  gateway.sink.fails = storage::errc::refused;
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 500);
  CHECK(gateway.intake.counters().unavailable == 2);
  CHECK(gateway.intake.counters().not_stored == 1);
}

TEST_CASE("a gateway that knows nothing yet answers 503") {
  crypto::start();
  Gateway gateway;
  gateway.intake.learn(nullptr);
  CHECK(gateway.kannel("id=1&from=%2B250788000001&to=2020&text=help").status == 503);
}

TEST_CASE("an unknown secret, provider or path is a plain 404 (P20)") {
  crypto::start();
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
  crypto::start();
  Gateway gateway;
  const auto response = gateway.kannel("id=1&to=2020&text=topsecret");
  CHECK(response.status == 400);
  CHECK(response.body == "field 'from' is missing");
  CHECK(gateway.sink.rows.empty());
}

TEST_CASE("tables may only name queues of the rosters, with their class") {
  crypto::start();
  const Deployment deployment;
  const auto routing = demo_routing();
  CHECK(consistent(routing->table, *deployment.directory).has_value());
  const identity::Directory nobody;
  CHECK(consistent(routing->table, nobody).error() == knowledge_errc::queue_unknown);
}

TEST_CASE("every intake has its own keys and ids") {
  crypto::start();
  Gateway gateway;
  std::set<crypto::Id> reports;
  std::set<crypto::Bytes> epks;
  for (int i = 0; i < 50; ++i)
    gateway.kannel("id=" + std::to_string(i) + "&from=%2B250788000001&to=2020&text=help");
  for (const auto& row : gateway.sink.rows) {
    reports.insert(row.report_id);
    epks.insert({row.wraps.begin() + 56, row.wraps.begin() + 88});
  }
  CHECK(reports.size() == 50);
  CHECK(epks.size() == 50);
}

}  // namespace
}  // namespace ishara::intake
