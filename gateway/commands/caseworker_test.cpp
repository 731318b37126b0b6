// The client against a desk that lies in every way it can: a real listener on loopback, whose
// answers the test writes.

#include "gateway/commands/caseworker.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "gateway/commands/caseworker_report.hpp"
#include "gateway/commands/founding.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/http/server.hpp"
#include "gateway/identity/author.hpp"
#include "gateway/identity/epoch.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/statement.hpp"
#include "gateway/intake/seal.hpp"
#include "routing/snapshot.hpp"

namespace ishara::commands {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct Quiet final : http::Observer {
  void on(http::Event) noexcept override {}
};

// Answers each path with what the test has put there.
class LyingDesk {
 public:
  std::map<std::string, std::string> answers;  // set between calls only
  std::set<std::string> gone;                  // paths whose answer has status 410
  std::map<std::string, std::string> posted;   // bodies by path

  LyingDesk() {
    server_.start();
    thread_ = std::thread{[this] { context_.run(); }};
  }
  ~LyingDesk() {
    context_.stop();
    thread_.join();
  }
  http::Origin origin() const {
    return *http::parse_origin("http://127.0.0.1:" + std::to_string(server_.port()));
  }

 private:
  boost::asio::awaitable<http::Response> answer(http::Request request) {
    http::Response response;
    const auto found = answers.find(std::string{request.path()});
    if (request.method == http::Method::post)
      posted[std::string{request.path()}] = crypto::view(request.body);
    response.status = found == answers.end() ? 404 : gone.contains(found->first) ? 410 : 200;
    if (found != answers.end()) response.body = found->second;
    response.content_type = "application/json";
    co_return response;
  }

  boost::asio::io_context context_{1};
  Quiet observer_;
  http::Server server_{context_.get_executor(),
                       boost::asio::ip::tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0},
                       {},
                       [this](http::Request request) { return answer(std::move(request)); },
                       observer_};
  std::thread thread_;
};

routing::Table demo_table() {
  const auto folder = fs::path{ISHARA_SOURCE_DIR} / "ops/packs/rw-demo";
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : fs::directory_iterator{folder}) {
    std::ifstream file{entry.path(), std::ios::binary};
    files.emplace_back("rw-demo/" + entry.path().filename().string(),
                       std::string{std::istreambuf_iterator<char>{file}, {}});
  }
  std::vector<routing::PackFile> views;
  for (const auto& [name, content] : files) views.push_back({name, content});
  return routing::load(views).snapshot->table;
}

// A founded deployment, one report of it, and a desk that serves both.
struct House {
  fs::path folder;
  Founding founding;
  std::shared_ptr<const identity::Directory> directory;
  crypto::Id report_id{};
  intake::Sealed report;
  LyingDesk desk;
  json::object told;  // what the desk says of the report, beside its id and texts
  json::object history{
      {"statements", json::array{}}, {"notes", json::array{}}, {"replies", json::array{}}};
  std::string refused;  // why the client did not open the report

  House() {
    crypto::start();
    char name[] = "/tmp/ishara-caseworker-XXXXXX";
    folder = ::mkdtemp(name);
    founding = blocking_found(demo_table());
    fs::create_directory(folder / "users");
    for (const auto& file : founding.files)
      if (file.path.extension() == ".key" && file.path.parent_path() == "users")
        REQUIRE(config::write_key_file(folder / file.path, file.bytes).has_value());

    auto verified =
        identity::Directory::verified_rows(identity::rows_of(founding.rosters), founding.root_key);
    REQUIRE(verified.has_value());
    directory = std::make_shared<const identity::Directory>(std::move(*verified));

    identity::MessageContent content;
    content.text = identity::Text{"help €"};
    content.category = "UNC";
    identity::SenderKeys sender_keys;
    const crypto::SigningKey gateway = crypto::signing_key(secret_of("keys/gateway.key"));
    intake::Marks marks;
    marks.report_id = report_id = crypto::random_bytes<16>();
    marks.first = true;
    report = *intake::seal(content, marks, {.owner = directory->queue_named("demo-helpers")},
                           std::nullopt, sender_keys,
                           std::chrono::sys_seconds{std::chrono::hours{500'000}}, gateway);
    told = {{"queue", "demo-helpers"}, {"stage", "opened"}, {"class", 0}, {"urgent", false}};
    serve();
  }
  ~House() { fs::remove_all(folder); }

  static identity::SignedRoster signed_roster(const storage::Roster& row) {
    identity::SignedRoster out{row.bytes, {}};
    std::ranges::copy(row.signature, out.signature.begin());
    return out;
  }
  crypto::Secret<32> secret_of(std::string_view path) const {
    for (const auto& file : founding.files)
      if (file.path == path)
        return crypto::Secret<32>{std::span<const std::uint8_t, 32>{file.bytes}};
    FAIL("no such key");
    return {};
  }
  std::string passphrase() const {
    for (const auto& member : founding.members)
      if (member.organisation == "demo-ngo") return member.passphrase;
    return {};
  }

  // What an honest desk would answer, with the report and rosters as they are now.
  void serve() {
    json::array rosters;
    for (const auto& row : founding.rosters)
      rosters.push_back({{"issuer", crypto::hex(row.issuer)},
                         {"version", row.version},
                         {"bytes", crypto::base64(row.bytes)},
                         {"signature", crypto::base64(row.signature)}});
    desk.answers["/api/v1/rosters"] = json::serialize(json::object{{"rosters", rosters}});
    json::array grants;
    const auto* member = user();
    for (const auto& grant : founding.grants)
      if (grant.user_id == member->id)
        grants.push_back({{"queue", crypto::hex(grant.queue_id)},
                          {"generation", grant.generation},
                          {"envelope", crypto::base64(grant.envelope)}});
    desk.answers["/api/v1/grants"] = json::serialize(json::object{{"grants", grants}});
    json::array texts;
    texts.push_back({{"record", crypto::base64(report.record)},
                     {"message", crypto::base64(report.message)},
                     {"wraps", crypto::base64(report.wraps)}});
    auto answer = told;
    answer["id"] = id();
    answer["texts"] = std::move(texts);
    desk.answers["/api/v1/reports/" + id()] = json::serialize(answer);
    desk.answers["/api/v1/reports/" + id() + "/history"] = json::serialize(history);
  }
  std::string id() const { return crypto::hex(report_id); }
  const identity::Directory::Member* user() const {
    for (const auto& member : directory->members())
      if (member.queues.size() == 2) return &member;  // of the helpers' two queues
    return nullptr;
  }

  Caseworker client() const {
    return {{.desk = desk.origin(),
             .key_file = folder / "users/demo-ngo-caseworker.key",
             .root_key = founding.root_key},
            passphrase()};
  }
  // True if the report opens with its text.
  bool opens() {
    serve();
    auto caseworker = client();
    try {
      const auto opened = caseworker.open(id());
      return opened.texts.at(0).text.reveal([](std::string_view text) { return text == "help €"; });
    } catch (const CaseworkerError& error) {
      refused = error.what();
      return false;
    }
  }
  void replace(std::size_t roster, const identity::SignedRoster& with, std::uint32_t version = 1) {
    founding.rosters[roster].version = version;
    founding.rosters[roster].bytes = with.bytes;
    founding.rosters[roster].signature.assign(with.signature.begin(), with.signature.end());
  }
};

TEST_CASE("a member opens a report of her queue with her own key and passphrase") {
  House house;
  CHECK(house.opens());
  CHECK(house.refused == "");
  CHECK_THROWS_AS((Caseworker{{.desk = house.desk.origin(),
                               .key_file = house.folder / "users/demo-ngo-caseworker.key",
                               .root_key = house.founding.root_key},
                              "0000 0000 0000 0000 0000 0000"}),
                  CaseworkerError);
}

TEST_CASE("a desk that alters a report, or shows one as another, is found out") {
  House house;
  const auto good = house.report.record;
  const auto flip = [&](storage::Bytes& bytes, std::size_t at) {
    bytes[at] ^= 1;
    const bool opened = house.opens();
    bytes[at] ^= 1;
    return opened;
  };
  CHECK_FALSE(flip(house.report.record, 2));    // the consent class
  CHECK_FALSE(flip(house.report.record, 183));  // the signature
  CHECK_FALSE(flip(house.report.message, 100));
  CHECK_FALSE(flip(house.report.wraps, 87));  // bit of the sender's key
  CHECK_FALSE(flip(house.report.wraps, 150));
  house.report_id[0] ^= 1;
  CHECK_FALSE(house.opens());
  house.report_id[0] ^= 1;
  CHECK(house.opens());
}

TEST_CASE("consent, urgency and queue are shown as they were signed, and a lying row is flagged") {
  House house;
  const auto text = [&] {
    house.serve();
    const auto shown = report_text(house.client().open(house.id()));
    return std::string{shown.begin(), shown.end()};
  };
  const auto object = [&] {
    house.serve();
    const auto shown = report_json(house.client().open(house.id()));
    return json::parse(std::string_view{shown.data(), shown.size()}).as_object();
  };
  const std::string disagrees = "the desk's row disagrees with the signed record: ";
  CHECK(text().find("queue demo-helpers  opened  helpers only\n") != std::string::npos);
  CHECK(text().find(disagrees) == std::string::npos);
  CHECK(object().at("flagged").as_array().empty());

  house.told["class"] = 1;
  CHECK(text().find("helpers only") != std::string::npos);
  CHECK(text().find("police") == std::string::npos);
  CHECK(text().find(disagrees + "class\n") != std::string::npos);
  CHECK(object().at("class").as_int64() == 0);
  CHECK(object().at("flagged") == json::array{"class"});

  house.told["urgent"] = true;
  house.told["queue"] = "demo-police";
  CHECK(text().find("URGENT") == std::string::npos);
  CHECK(text().find(disagrees + "class, urgent\n") != std::string::npos);
  CHECK(text().find("queue demo-helpers") != std::string::npos);
  CHECK_FALSE(object().at("urgent").as_bool());
  CHECK(object().at("queue").as_string() == "demo-helpers");

  house.told.erase("class");  // no word is no agreement
  CHECK(object().at("flagged") == (json::array{"class", "urgent"}));
}

TEST_CASE("rosters that the pinned root key did not sign are refused (P22)") {
  House house;
  const auto stranger = crypto::signing_key(crypto::random_secret<32>());
  const auto roster = *identity::verify_root(House::signed_roster(house.founding.rosters[0]),
                                             house.founding.root_key);
  house.replace(0, identity::sign_roster(roster, stranger));
  CHECK_FALSE(house.opens());
}

TEST_CASE("a key of hers that the organisation's roster does not show stops her (P22)") {
  House house;
  const auto key = crypto::signing_key(house.secret_of("custody/organisation-demo-ngo.key"));
  std::size_t index = 0;
  boost::system::result<identity::OrganisationRoster> roster = identity::roster_errc::not_json;
  for (std::size_t i = 1; i < house.founding.rosters.size(); ++i) {
    auto read = identity::verify_organisation(House::signed_roster(house.founding.rosters[i]),
                                              key.public_key);
    if (!read) continue;
    index = i;
    roster = std::move(read);
  }
  REQUIRE(roster.has_value());
  roster->members[0].box_key = crypto::box_key().public_key;
  house.replace(index, identity::sign_roster(*roster, key));
  house.serve();
  auto caseworker = house.client();
  CHECK_THROWS_WITH_AS(caseworker.directory(), "the rosters hold another key for you than yours",
                       CaseworkerError);
}

TEST_CASE("rosters older than those seen before are refused (P22)") {
  House house;
  const auto root = crypto::signing_key(house.secret_of("custody/root.key"));
  const auto first = House::signed_roster(house.founding.rosters[0]);
  auto newer = *identity::verify_root(first, house.founding.root_key);
  newer.version = 2;
  house.replace(0, identity::sign_roster(newer, root), 2);
  CHECK(house.opens());
  house.replace(0, first);
  house.serve();
  auto caseworker = house.client();
  CHECK_THROWS_WITH_AS(caseworker.directory(), "the desk shows older rosters than it did before",
                       CaseworkerError);
}

TEST_CASE("a grant of another queue's seed opens nothing") {
  House house;
  const auto* member = house.user();
  for (auto& grant : house.founding.grants)
    if (grant.user_id == member->id)
      grant.envelope = *identity::seal_queue_grant(crypto::random_secret<32>(), grant.queue_id,
                                                   member->id, grant.generation, member->box_key);
  CHECK_FALSE(house.opens());
}

TEST_CASE("answers that are not the API's are refused in words, never a crash") {
  House house;
  for (const std::string answer : {"", "[]", "{}", R"({"rosters":1})", R"({"rosters":[1]})",
                                   R"({"rosters":[{"issuer":"x","bytes":"!","signature":""}]})"}) {
    CAPTURE(answer);
    auto caseworker = house.client();
    house.desk.answers["/api/v1/rosters"] = answer;
    CHECK_THROWS_AS(caseworker.directory(), CaseworkerError);
  }
  house.serve();
  for (const std::string answer : {"", "[]", "{}", R"({"id":1,"texts":[]})"}) {
    CAPTURE(answer);
    auto caseworker = house.client();
    house.desk.answers["/api/v1/reports/" + house.id()] = answer;
    CHECK_THROWS_AS(caseworker.open(house.id()), CaseworkerError);
  }
}

namespace {

// The house with a relay that has announced the key of this week.
struct RelayHouse : House {
  crypto::SigningKey relay = crypto::signing_key(crypto::random_secret<32>());
  crypto::BoxKey epoch_key = crypto::box_key();
  std::uint32_t epoch = identity::epoch_at(
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));

  RelayHouse() {
    const auto root = crypto::signing_key(secret_of("custody/root.key"));
    auto roster = *identity::verify_root(signed_roster(founding.rosters[0]), founding.root_key);
    roster.services.push_back({relay.public_key, "relay"});
    replace(0, identity::sign_roster(roster, root));
    directory = std::make_shared<const identity::Directory>(*identity::Directory::verified_rows(
        identity::rows_of(founding.rosters), founding.root_key));
    announce(relay);
    for (const auto* what : {"reply", "note", "transfer"}) desk.answers[path(what)] = "";
    serve();
  }
  void announce(const crypto::SigningKey& signer) {
    const std::uint64_t begins = std::uint64_t{epoch} * identity::epoch_seconds;
    const auto bytes = identity::sign_epoch(
        {epoch, begins, begins + identity::epoch_seconds, epoch_key.public_key}, signer);
    json::array epochs;
    epochs.push_back(json::string{crypto::base64(bytes)});
    desk.answers["/api/v1/epochs"] = json::serialize(json::object{{"epochs", std::move(epochs)}});
  }
  std::string path(const std::string& what) const { return "/api/v1/reports/" + id() + "/" + what; }
  json::object posted(const std::string& what) {
    return json::parse(desk.posted.at(path(what))).as_object();
  }
  static crypto::Bytes bytes(const json::object& object, const char* name) {
    return *crypto::from_base64(object.at(name).as_string());
  }
  void add_statement(identity::Statement statement, const crypto::SigningKey& signer) {
    statement.hour = 500'001;
    statement.report_id = report_id;
    statement.previous = crypto::hash16({report.record});
    const auto made = identity::sign_statement(statement, signer);
    history["statements"].as_array().push_back(json::string{crypto::base64(made)});
    serve();
  }
  std::string shown() {
    const auto text = report_text(client().open(id()));
    return {text.begin(), text.end()};
  }
  const identity::Directory::Queue& other_queue() const {
    for (const auto& queue : user()->queues)
      if (queue != directory->queue_named("demo-helpers")->id) return *directory->queue(queue);
    return *directory->queue_named("demo-helpers");
  }
};

}  // namespace

TEST_CASE("a reply is sealed to the rostered relay's key of this week, and the team keeps a copy") {
  RelayHouse house;
  const auto ways =
      house.client().reply(house.id(), identity::Text{"Thank you."}, {.confirm = true});
  CHECK(ways.by_sms);
  CHECK(ways.on_screens);
  const auto posted = house.posted("reply");
  const auto envelope = RelayHouse::bytes(posted, "reply");
  const auto header = identity::claimed_reply(envelope);
  REQUIRE(header.has_value());
  const auto reply = identity::open_reply(envelope, house.report_id, header->reply_id, house.epoch,
                                          house.epoch_key, house.user()->signing_key);
  REQUIRE(reply.has_value());
  CHECK(reply->mode == identity::ReplyMode::sms);
  CHECK(reply->confirms_unverified_yes);
  CHECK_FALSE(reply->release_to_unverified_refs);
  CHECK(reply->text.reveal([](std::string_view text) { return text == "Thank you."; }));
  const auto note = RelayHouse::bytes(posted, "note");
  CHECK(identity::signed_by(note, house.user()->signing_key));

  // The copy is shown to the team with what became of the reply.
  json::array notes, replies;
  notes.push_back(json::object{{"author", crypto::hex(house.user()->id)},
                               {"note", posted.at("note")},
                               {"wraps", posted.at("wraps")}});
  replies.push_back(json::object{{"id", crypto::hex(header->reply_id)},
                                 {"hour", 1},
                                 {"state", "waiting"},
                                 {"reason", 16},
                                 {"delivery", 0}});
  house.history["notes"] = notes;
  house.history["replies"] = replies;
  house.serve();
  CHECK(house.shown().find("Thank you.") != std::string::npos);
  CHECK(house.shown().find("waiting (it waits for the reporter") != std::string::npos);
  // A note that somebody else signed is nobody's.
  notes[0].as_object()["author"] = crypto::hex(house.directory->members()[0].id);
  if (house.directory->members()[0].id != house.user()->id) {
    house.history["notes"] = notes;
    CHECK_FALSE(house.opens());
  }
  // A note of somebody who has left hides nothing but itself.
  notes[0].as_object()["author"] = crypto::hex(crypto::random_bytes<16>());
  house.history["notes"] = notes;
  house.serve();
  const auto shown = house.shown();
  CHECK(shown.find("Thank you.") == std::string::npos);
  CHECK(shown.find("1 by people who have left") != std::string::npos);
}

TEST_CASE("nothing is sealed to a key that no rostered relay has announced for now (P22)") {
  RelayHouse house;
  const auto refused = [&] {
    auto caseworker = house.client();
    CHECK_THROWS_WITH_AS(caseworker.reply(house.id(), identity::Text{"Thank you."}, {}),
                         "the relay has announced no key for this week", CaseworkerError);
    CHECK(house.desk.posted.empty());
  };
  house.announce(crypto::signing_key(crypto::random_secret<32>()));
  refused();
  house.announce(crypto::signing_key(house.secret_of("keys/gateway.key")));
  refused();
  house.epoch -= 1;
  house.announce(house.relay);
  refused();
}

TEST_CASE("a text longer than one message can only be fetched, and one over 480 bytes not at all") {
  RelayHouse house;
  const auto ways = house.client().reply(house.id(), identity::Text{std::string(161, 'a')}, {});
  CHECK_FALSE(ways.by_sms);
  CHECK(ways.on_screens);
  CHECK(ways.segments == 2);
  const auto envelope = RelayHouse::bytes(house.posted("reply"), "reply");
  const auto header = identity::claimed_reply(envelope);
  CHECK(identity::open_reply(envelope, house.report_id, header->reply_id, house.epoch,
                             house.epoch_key, house.user()->signing_key)
            ->mode == identity::ReplyMode::pull);
  auto caseworker = house.client();
  CHECK_THROWS_AS(caseworker.reply(house.id(), identity::Text{std::string(481, 'a')}, {}),
                  CaseworkerError);
  CHECK_THROWS_AS(caseworker.reply(house.id(), identity::Text{}, {}), CaseworkerError);
}

TEST_CASE("a report is given away whole, sealed for the keys of the rosters, with a signed step") {
  RelayHouse house;
  const auto& target = house.other_queue();
  house.client().refer(house.id(), target.name, false);
  const auto posted = house.posted("transfer");
  const auto statement = RelayHouse::bytes(posted, "statement");
  const auto step = identity::verify_statement(statement, house.user()->signing_key);
  REQUIRE(step.has_value());
  CHECK(step->to_queue == target.id);
  CHECK(step->from_queue == house.directory->queue_named("demo-helpers")->id);
  CHECK(step->previous == crypto::hash16({house.report.record}));
  const auto wraps = RelayHouse::bytes(posted, "wraps");
  CHECK(identity::wrap_recipient(crypto::View{wraps}.first(192))->kid == target.kid);

  auto caseworker = house.client();
  CHECK_THROWS_WITH_AS(caseworker.refer(house.id(), "demo-police", false),
                       "the reporter has not agreed to the police", CaseworkerError);
  CHECK_THROWS_AS(caseworker.refer(house.id(), "nowhere", false), CaseworkerError);
}

TEST_CASE("a withdrawal counts if the relay signed it, and then nothing is written any more") {
  RelayHouse house;
  identity::Statement withdrawal;
  withdrawal.type = identity::StatementType::withdraw;
  house.add_statement(withdrawal, crypto::signing_key(crypto::random_secret<32>()));
  CHECK(house.shown().find("WITHDRAWN") == std::string::npos);
  house.add_statement(withdrawal, house.relay);
  CHECK(house.shown().find("WITHDRAWN from the reporter's number") != std::string::npos);
  auto caseworker = house.client();
  CHECK_THROWS_WITH_AS(caseworker.reply(house.id(), identity::Text{"Thank you."}, {}),
                       "the reporter has taken this report back", CaseworkerError);
}

TEST_CASE("that a report was taken back is said in words, and what to do") {
  RelayHouse house;
  auto caseworker = house.client();
  const auto path = "/api/v1/reports/" + house.id();
  house.desk.gone.insert(path);
  house.desk.answers[path] = R"({"title":"withdrawn","detail":"Do not go on with it."})";
  try {
    (void)caseworker.open(house.id());
    FAIL("it was opened");
  } catch (const CaseworkerError& error) {
    CHECK(std::string_view{error.what()} == "the reporter has taken this report back");
    CHECK(error.what_to_do() == "Do not go on with it.");
  }
}

TEST_CASE("what the desk calls a transfer and nobody of the owner signed changes nothing (P33)") {
  RelayHouse house;
  identity::Statement transfer;
  transfer.from_queue = house.directory->queue_named("demo-helpers")->id;
  transfer.to_queue = house.other_queue().id;
  house.add_statement(transfer, crypto::signing_key(crypto::random_secret<32>()));
  house.add_statement(transfer, house.relay);
  CHECK(house.shown().find("queue demo-helpers") != std::string::npos);
}

}  // namespace
}  // namespace ishara::commands
