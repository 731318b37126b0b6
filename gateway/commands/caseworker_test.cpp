// The client against a desk that lies in every way it can: a real listener on loopback, whose
// answers the test writes.

#include "gateway/commands/caseworker.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <functional>
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
#include "gateway/identity/note.hpp"
#include "gateway/identity/reply.hpp"
#include "gateway/identity/same_sender.hpp"
#include "gateway/identity/statement.hpp"
#include "gateway/identity/user_file.hpp"
#include "gateway/intake/seal.hpp"
#include "routing/snapshot.hpp"
#include "tests/support/folder.hpp"

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
  tests::Folder folder;
  Founding founding;
  std::shared_ptr<const identity::Directory> directory;
  crypto::Id report_id{};
  intake::Sealed report;
  LyingDesk desk;
  json::object told;  // what the desk says of the report, beside its id and texts
  json::object history{{"statements", json::array{}},
                       {"notes", json::array{}},
                       {"replies", json::array{}},
                       {"same_sender", json::array{}}};
  std::string refused;  // why the client did not open the report

  House() {
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

  static identity::SignedRoster signed_roster(const storage::Roster& row) {
    identity::SignedRoster out{row.bytes, {}};
    std::ranges::copy(row.signature, out.signature.begin());
    return out;
  }
  crypto::Secret<32> secret_of(std::string_view path) const {
    for (const auto& file : founding.files)
      if (file.path == path)
        return crypto::Secret<32>{std::span<const std::uint8_t, 32>{file.bytes}};
    for (const auto& offline : founding.offline_keys)
      if (offline.path == path) return crypto::Secret<32>{offline.key.seed.reveal()};
    FAIL("no such key");
    return {};
  }
  std::string passphrase() const {
    for (const auto& member : founding.members)
      if (member.organisation == "demo-ngo") return std::string{crypto::view(member.passphrase)};
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
      if (opened.texts.empty()) return false;
      return opened.texts.at(0).text.reveal([](std::string_view text) { return text == "help €"; });
    } catch (const CommandError& error) {
      refused = error.what();
      return false;
    }
  }
  // Changes what the helpers' organisation has signed.
  void change_helpers(const std::function<void(identity::OrganisationRoster&)>& change) {
    const auto key = crypto::signing_key(secret_of("custody/organisation-demo-ngo.key"));
    for (std::size_t i = 0; i < founding.rosters.size(); ++i) {
      auto roster =
          identity::verify_organisation(signed_roster(founding.rosters[i]), key.public_key);
      if (!roster) continue;
      change(*roster);
      replace(i, identity::sign_roster(*roster, key));
    }
    directory = std::make_shared<const identity::Directory>(
        identity::Directory::verified_rows(identity::rows_of(founding.rosters), founding.root_key)
            .value());
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
                  CommandError);
}

TEST_CASE("what somebody may do is read from the signed rosters") {
  House house;
  auto caseworker = house.client();
  CHECK(caseworker.has_role("lead"));
  CHECK_FALSE(caseworker.has_role("auditor"));
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

TEST_CASE("a report is disclosed only when the desk has taken note, and as a gateway signed it") {
  House house;
  const auto path = "/api/v1/reports/" + house.id() + "/export";
  bool is_shown = false;
  const auto show = [&](const identity::VerifiedReport& report) {
    is_shown = report.content.text.reveal([](std::string_view text) { return text == "help €"; });
    CHECK_FALSE(house.desk.posted.contains(path));
  };
  CHECK_THROWS_AS(house.client().export_report(house.id(), show), CommandError);
  house.desk.answers[path] = "{}";
  house.desk.posted.clear();
  const auto file = house.client().export_report(house.id(), show);
  CHECK(is_shown);
  CHECK(house.desk.posted.contains(path));
  const auto verified = identity::verify_report_export(crypto::view(file), house.founding.root_key);
  REQUIRE(verified.has_value());
  CHECK(verified->content.text.reveal([](std::string_view text) { return text == "help €"; }));
  CHECK(verified->record.report_id == house.report_id);
  CHECK(verified->signer == house.user()->id);
  CHECK(verified->queue == "demo-helpers");
  const auto shown = first_words_json(*verified);
  const auto object = json::parse(std::string_view{shown.data(), shown.size()}).as_object();
  CHECK(object.at("text").as_string() == "help €");
  CHECK(object.at("good").as_bool());
  CHECK(object.at("message").at("t").as_string() == "help €");
  CHECK(object.at("rosters").at("root").as_int64() == 1);
  const auto text = first_words_text(*verified);
  CHECK(crypto::view(text).find("    help €\n") != std::string_view::npos);

  house.desk.posted.clear();
  house.report.message[100] ^= 1;
  house.serve();
  CHECK_THROWS_AS(house.client().export_report(house.id(), show), CommandError);
  CHECK(house.desk.posted.empty());
}

TEST_CASE("the audit chain is fetched with the rosters that verify it") {
  House house;
  const auto relay = crypto::signing_key(house.secret_of("keys/relay.key"));
  const auto row = identity::scribe_of({identity::AuditAction::open, 7, {}, 0, "{}"})({});
  const auto checkpoint = identity::sign_checkpoint({1, 8, identity::audit_hash(row.entry)}, relay);
  const auto page = [&](json::value next, json::array entries) {
    return json::serialize(json::object{{"entries", std::move(entries)},
                                        {"checkpoints", {crypto::base64(checkpoint)}},
                                        {"next", std::move(next)}});
  };
  json::array entries;
  entries.push_back({{"entry", crypto::base64(row.entry)}, {"detail", "{}"}});
  house.desk.answers["/api/v1/audit"] = page(nullptr, entries);
  const auto file = identity::write(house.client().audit());
  const auto content = identity::read_audit_export(file);
  REQUIRE(content.has_value());
  const auto directory = identity::directory_of(content->rosters, house.founding.root_key);
  REQUIRE(directory.has_value());
  const auto verdict = identity::verify_audit(content->entries, content->checkpoints, *directory,
                                              {}, 9, identity::Origins::given);
  CHECK(verdict.good());
  CHECK(verdict.vouched == 1);

  for (const auto& answer : {std::string{"{}"}, page("1", {}), page("1", entries), page(3, entries),
                             page(nullptr, {json::array{}})}) {
    CAPTURE(answer);
    house.desk.answers["/api/v1/audit"] = answer;
    CHECK_THROWS_AS(house.client().audit(), CommandError);
  }
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
                       CommandError);
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
                       CommandError);
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
    CHECK_THROWS_AS(caseworker.directory(), CommandError);
  }
  house.serve();
  for (const std::string answer : {"", "[]", "{}", R"({"id":1,"texts":[]})"}) {
    CAPTURE(answer);
    auto caseworker = house.client();
    house.desk.answers["/api/v1/reports/" + house.id()] = answer;
    CHECK_THROWS_AS(caseworker.open(house.id()), CommandError);
  }
}

TEST_CASE(
    "a report of the same number is named if it is with the same owner, and only then (P18)") {
  const auto hour = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now())
          .time_since_epoch()
          .count());
  struct Row {
    const char* name;
    const char* other_queue;  // by its signed record
    const char* for_queue;    // what the link is signed for
    const char* signer;
    bool is_named;
  };
  const Row rows[]{
      {"same owner", "demo-helpers", "demo-helpers", "keys/relay.key", true},
      {"another owner", "demo-children", "demo-helpers", "keys/relay.key", false},
      {"for another queue", "demo-helpers", "demo-children", "keys/relay.key", false},
      {"a gateway's word", "demo-helpers", "demo-helpers", "keys/gateway.key", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    House house;
    const auto other = crypto::random_bytes<16>();
    identity::IntakeRecord record;
    record.first = true;
    record.hour = hour;
    record.report_id = other;
    record.queue_id = house.directory->queue_named(row.other_queue)->id;
    const auto first =
        identity::sign_intake(record, crypto::signing_key(house.secret_of("keys/gateway.key")));
    const auto link = identity::sign_same_sender(
        {hour, {house.report_id, other}, house.directory->queue_named(row.for_queue)->id},
        crypto::signing_key(house.secret_of(row.signer)));
    house.history["same_sender"].as_array().push_back({{"link", crypto::base64(link)},
                                                       {"record", crypto::base64(first)},
                                                       {"statements", json::array{}}});
    house.serve();
    const auto opened = house.client().open(house.id());
    CHECK(opened.same_sender ==
          (row.is_named ? std::vector{crypto::hex(other)} : std::vector<std::string>{}));
    CHECK(opened.flagged ==
          (row.is_named ? std::vector<std::string>{} : std::vector<std::string>{"same_sender"}));
    const auto text = report_text(opened);
    CHECK((crypto::view(text).find("from the same number as report " + crypto::hex(other)) !=
           std::string_view::npos) == row.is_named);
    const auto line = report_json(opened);
    CHECK(json::parse(crypto::view(line)).at("same_sender").as_array().size() ==
          (row.is_named ? 1 : 0));
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
  // What its provider reports of it, in plain words.
  const std::pair<int, const char*> deliveries[] = {
      {0, "  sent\n"},
      {1, "  sent\n"},
      {2, "  sent\n"},
      {3, "  sent, and delivered to the phone\n"},
      {4, "  sent, but NOT DELIVERED, the provider says\n"}};
  for (const auto& [number, words] : deliveries) {
    CAPTURE(number);
    auto& sent = replies[0].as_object();
    sent["state"] = "sent";
    sent["reason"] = 0;
    sent["delivery"] = number;
    house.history["replies"] = replies;
    house.serve();
    CHECK(house.shown().find(words) != std::string::npos);
  }
  // A note that somebody else signed is nobody's.
  notes[0].as_object()["author"] = crypto::hex(house.directory->members()[0].id);
  if (house.directory->members()[0].id != house.user()->id) {
    house.history["notes"] = notes;
    CHECK_FALSE(house.opens());
  }
  // A note of somebody of whom no roster says anything hides nothing but itself.
  notes[0].as_object()["author"] = crypto::hex(crypto::random_bytes<16>());
  house.history["notes"] = notes;
  house.serve();
  const auto shown = house.shown();
  CHECK(shown.find("Thank you.") == std::string::npos);
  CHECK(shown.find("1 by people whom no roster knows") != std::string::npos);
}

TEST_CASE("a note by somebody who has left is shown, marked, while the roster knows her key") {
  House house;
  const auto former = crypto::signing_key(crypto::random_secret<32>());
  const auto former_id = crypto::random_bytes<16>();
  identity::NoteContent content;
  content.text = identity::Text{"She called again."};
  const auto note =
      identity::seal_note(500'001, house.report_id, identity::encode(content), former);
  const auto* const queue = house.directory->queue_named("demo-helpers");
  const auto sender = crypto::box_key();
  const auto wrap = identity::wrap_key(
      note.key, house.report_id, note.message_id, {queue->kid, queue->generation},
      {sender.public_key, *crypto::shared_key(queue->box_key, sender.secret_key)});
  house.history["notes"] = json::array{json::object{{"author", crypto::hex(former_id)},
                                                    {"note", crypto::base64(note.envelope)},
                                                    {"wraps", crypto::base64(wrap)}}};
  house.serve();
  CHECK(house.client().open(house.id()).unchecked_notes == 1);

  house.change_helpers([&](auto& roster) { roster.former = {{former_id, former.public_key}}; });
  house.serve();
  const auto opened = house.client().open(house.id());
  REQUIRE(opened.notes.size() == 1);
  CHECK(opened.notes[0].has_left);
  CHECK(opened.unchecked_notes == 0);
  const auto text = report_text(opened), line = report_json(opened);
  CHECK(crypto::view(text).find("by " + crypto::hex(former_id) + ", who has left") !=
        std::string_view::npos);
  CHECK(crypto::view(line).find(R"("left":true)") != std::string_view::npos);

  // Somebody else's signature is not hers, whether she has left or not.
  house.change_helpers([&](auto& roster) {
    roster.former = {{former_id, crypto::signing_key(crypto::random_secret<32>()).public_key}};
  });
  house.serve();
  CHECK_THROWS_AS(house.client().open(house.id()), CommandError);
}

TEST_CASE("nothing is sealed to a key that no rostered relay has announced for now (P22)") {
  RelayHouse house;
  const auto refused = [&] {
    auto caseworker = house.client();
    CHECK_THROWS_WITH_AS(caseworker.reply(house.id(), identity::Text{"Thank you."}, {}),
                         "the relay has announced no key for this week", CommandError);
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
                  CommandError);
  CHECK_THROWS_AS(caseworker.reply(house.id(), identity::Text{}, {}), CommandError);
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
                       "the reporter has not agreed to the police", CommandError);
  CHECK_THROWS_AS(caseworker.refer(house.id(), "nowhere", false), CommandError);
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
                       "the reporter has taken this report back", CommandError);
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
  } catch (const CommandError& error) {
    CHECK(std::string_view{error.what()} == "this report is gone");
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

namespace {

// Her queue, the helpers', gave its report to her other one, and a later text of it is still sealed
// for the helpers.
struct StrayHouse : RelayHouse {
  const identity::Directory::Queue& helpers = *directory->queue_named("demo-helpers");
  const identity::Directory::Queue& police = *directory->queue_named("demo-police");
  const identity::Directory::Queue& others = other_queue();
  crypto::SigningKey gateway = crypto::signing_key(secret_of("keys/gateway.key"));
  crypto::SigningKey worker = own_key();
  struct Message {
    crypto::Secret<32> key;
    crypto::Id id{};
  };
  Message text = message();
  json::object stray;                    // what the desk asks for
  std::optional<Caseworker> caseworker;  // after the first poll

  StrayHouse() {
    desk.answers[strays_path()] = "";
    begin();
  }
  // A task as an honest desk gives it, but without a transfer.
  void begin() {
    stray = {{"report", id()},
             {"record", crypto::base64(report.record)},
             {"statements", json::array{}},
             {"texts", json::array{}}};
    ask_for(text.id, wrap(text, helpers));
  }
  std::string strays_path() const { return "/api/v1/strays/" + id(); }
  crypto::SigningKey own_key() const {
    for (const auto& file : founding.files)
      if (file.path == "users/demo-ngo-caseworker.key") {
        const auto parts = *identity::split_user_file(file.bytes);
        return identity::user_signing_key(
            *identity::blocking_open_user_key(parts.user_key, parts.user_id, passphrase()));
      }
    FAIL("no such file");
    return {};
  }
  static Message message() {
    Message out{crypto::random_secret<32>(), {}};
    out.id = identity::message_id_of(out.key);
    return out;
  }
  crypto::Bytes wrap(const Message& of, const identity::Directory::Queue& queue,
                     std::optional<crypto::Id> of_report = {}) const {
    const auto sender = crypto::box_key();
    const auto shared = crypto::shared_key(queue.box_key, sender.secret_key);
    const auto made =
        identity::wrap_key(of.key, of_report.value_or(report_id), of.id,
                           {queue.kid, queue.generation}, {sender.public_key, *shared});
    return {made.begin(), made.end()};
  }
  // A text of the report as the gateway seals it.
  intake::Sealed sealed(bool first, const intake::Readers& readers) const {
    identity::SenderKeys sender_keys;
    identity::MessageContent content;
    content.text = identity::Text{first ? "help €" : "more"};
    content.category = "UNC";
    intake::Marks marks;
    marks.report_id = report_id;
    marks.first = first;
    return *intake::seal(content, marks, readers, std::nullopt, sender_keys,
                         std::chrono::sys_seconds{std::chrono::hours{500'000}}, gateway);
  }
  // The desk shows a later text with these wraps.
  void tell_later(const intake::Sealed& later, const storage::Bytes& wraps) {
    auto& answer = desk.answers["/api/v1/reports/" + id()];
    auto shown = json::parse(answer).as_object();
    shown["texts"].as_array().push_back({{"record", crypto::base64(later.record)},
                                         {"message", crypto::base64(later.message)},
                                         {"wraps", crypto::base64(wraps)}});
    answer = json::serialize(shown);
  }
  void ask_for(const crypto::Id& message_id, const crypto::Bytes& wraps) {
    json::array texts;
    texts.push_back(
        json::object{{"id", crypto::hex(message_id)}, {"wraps", crypto::base64(wraps)}});
    stray["texts"] = std::move(texts);
  }
  identity::Statement step(const crypto::Id& to) const {
    identity::Statement out;
    out.hour = 500'001;
    out.report_id = report_id;
    out.from_queue = helpers.id;
    out.to_queue = to;
    out.previous = crypto::hash16({report.record});
    return out;
  }
  void say(const identity::Statement& statement, const crypto::SigningKey& signer) {
    stray["statements"].as_array().push_back(
        json::string{crypto::base64(identity::sign_statement(statement, signer))});
  }
  void say_consent(const crypto::SigningKey& signer) {
    auto consent = step({});
    consent.type = identity::StatementType::consent;
    consent.from_queue = consent.to_queue = {};
    consent.consent_class = 1;
    say(consent, signer);
  }
  Caseworker::Strays poll() {
    serve();
    json::array strays;
    strays.push_back(stray);
    desk.answers["/api/v1/strays"] =
        json::serialize(json::object{{"strays", std::move(strays)}, {"next", nullptr}});
    desk.posted.clear();
    if (!caseworker) caseworker.emplace(client());
    return caseworker->hand_on_strays();
  }
  // The kids of the wraps that were posted for the text.
  std::vector<crypto::Id> readers() {
    std::vector<crypto::Id> out;
    const auto posted = json::parse(desk.posted.at(strays_path())).as_object();
    const auto& one = posted.at("texts").as_array().at(0).as_object();
    CHECK(one.at("id") == json::value(crypto::hex(text.id)));
    const auto wraps = bytes(one, "wraps");
    for (std::size_t at = 0; at < wraps.size(); at += identity::box_envelope_size)
      out.push_back(identity::wrap_recipient(crypto::View{wraps}.subspan(at, 192))->kid);
    return out;
  }
  std::vector<crypto::Id> expected(const identity::Directory::Queue& owner) const {
    std::vector<crypto::Id> out{owner.kid};
    const auto* const fallback = owner.fallback ? directory->queue(*owner.fallback) : nullptr;
    if (fallback != nullptr && fallback->organisation_class == owner.organisation_class)
      out.push_back(fallback->kid);
    return out;
  }
};

}  // namespace

TEST_CASE("a text that a transfer overtook is sealed for the present owner, unseen (P33)") {
  StrayHouse house;
  const auto transfer = house.step(house.others.id);
  house.say(transfer, house.worker);
  const auto done = house.poll();
  CHECK(done.handed_on == 1);
  CHECK(done.refused == 0);
  CHECK(house.readers() == house.expected(house.others));

  // From there a step further, which only the text's own key allows.
  const auto posted = json::parse(house.desk.posted.at(house.strays_path())).as_object();
  const auto wraps = RelayHouse::bytes(posted.at("texts").as_array().at(0).as_object(), "wraps");
  auto back = house.step(house.helpers.id);
  back.from_queue = house.others.id;
  back.previous = identity::statement_hash(identity::sign_statement(transfer, house.worker));
  house.say(back, house.worker);
  house.ask_for(house.text.id, {wraps.begin(), wraps.begin() + 192});
  CHECK(house.poll().handed_on == 1);
  CHECK(house.readers() == house.expected(house.helpers));

  // The police, which the reporter allows; the former owner keeps its wraps only if it said so.
  for (const bool keeps : {false, true}) {
    CAPTURE(keeps);
    house.begin();
    house.say_consent(house.gateway);
    auto to_police = house.step(house.police.id);
    to_police.keeps_wraps = keeps;
    house.say(to_police, house.worker);
    CHECK(house.poll().handed_on == 1);
    auto readers = house.expected(house.police);
    if (keeps) readers.push_back(house.helpers.kid);
    CHECK(house.readers() == readers);
  }
}

TEST_CASE("the desk cannot have a text sealed for somebody to whom nobody gave it (P15, P33)") {
  StrayHouse house;
  const auto stranger = crypto::signing_key(crypto::random_secret<32>());
  const auto refuses = [&](const char* what, const auto& lie) {
    CAPTURE(what);
    house.begin();
    lie(house.step(house.others.id));
    const auto done = house.poll();
    CHECK(done.handed_on == 0);
    CHECK(done.refused == 1);
    CHECK(house.desk.posted.empty());
  };
  const auto refuses_transfer = [&](const char* what, const auto& change) {
    refuses(what, [&](identity::Statement transfer) {
      change(transfer);
      house.say(transfer, house.worker);
    });
  };
  const auto refuses_text = [&](const char* what, const crypto::Id& message,
                                const crypto::Bytes& wrap) {
    refuses(what, [&](const identity::Statement& transfer) {
      house.say(transfer, house.worker);
      house.ask_for(message, wrap);
    });
  };
  const auto& text = house.text;

  refuses("no transfer", [](const auto&) {});
  refuses("no transfer, and her other queue has the text",
          [&](const auto&) { house.ask_for(text.id, house.wrap(text, house.others)); });
  refuses("one that nobody of the rosters signed",
          [&](const auto& transfer) { house.say(transfer, stranger); });
  refuses("one that a service signed",
          [&](const auto& transfer) { house.say(transfer, house.relay); });
  refuses_transfer("of another report", [](auto& transfer) { transfer.report_id[0] ^= 1; });
  refuses_transfer("that follows another record",
                   [](auto& transfer) { transfer.previous[0] ^= 1; });
  refuses_transfer("to a queue that is not rostered",
                   [](auto& transfer) { transfer.to_queue = crypto::random_bytes<16>(); });
  refuses_transfer("to the police without class 1",
                   [&](auto& transfer) { transfer.to_queue = house.police.id; });
  refuses_transfer("to the police, with a consent that a member signed", [&](auto& transfer) {
    transfer.to_queue = house.police.id;
    house.say_consent(house.worker);
  });
  refuses_transfer("of a report that was taken back", [&](auto& transfer) {
    auto withdrawal = transfer;
    withdrawal.type = identity::StatementType::withdraw;
    withdrawal.from_queue = withdrawal.to_queue = {};
    house.say(withdrawal, house.relay);
  });
  refuses_transfer("whose first record no gateway signed", [&](auto&) {
    auto record = house.report.record;
    record[2] ^= 1;
    house.stray["record"] = crypto::base64(record);
  });
  refuses_transfer("nonsense", [&](auto&) { house.stray["texts"] = json::array{1}; });

  refuses_text("a text of another report", text.id,
               house.wrap(text, house.helpers, crypto::random_bytes<16>()));
  refuses_text("a text under another's message id", StrayHouse::message().id,
               house.wrap(text, house.helpers));
  refuses_text("a key that is not the message's", text.id,
               house.wrap({crypto::random_secret<32>(), text.id}, house.helpers));
  refuses_text("a text that its owner has already", text.id, house.wrap(text, house.others));
  refuses_text("a wrap that is not for her", text.id, house.wrap(text, house.police));
  refuses_text("no wrap", text.id, {});
}

TEST_CASE("a desk that knows nothing of strays, or refuses what she hands on, is no hindrance") {
  StrayHouse house;
  house.say(house.step(house.others.id), house.worker);
  house.desk.answers.erase(house.strays_path());
  CHECK(house.poll().handed_on == 0);
  CHECK(house.desk.posted.contains(house.strays_path()));
  house.desk.answers.erase("/api/v1/strays");
  const auto done = house.client().hand_on_strays();
  CHECK(done.handed_on + done.refused == 0);
}

TEST_CASE("what could not be sealed anew is told") {
  StrayHouse house;
  house.desk.answers["/api/v1/outdated"] = R"({"wraps":[],"next":null})";
  CHECK_FALSE(house.poll().unfinished);
  house.desk.answers.erase("/api/v1/outdated");
  CHECK(house.poll().unfinished);
}

TEST_CASE("a text that is with the former queue hides nothing but itself, and keeps the report") {
  StrayHouse house;
  // She is of the new queue alone, and has no key of the former one.
  std::erase_if(house.founding.grants,
                [&](const auto& grant) { return grant.queue_id == house.helpers.id; });
  SUBCASE("a later text") {
    house.report = house.sealed(true, {.owner = &house.helpers, .fallback = &house.others});
    house.add_statement(house.step(house.others.id), house.worker);
    const auto later = house.sealed(false, {.owner = &house.helpers});
    house.tell_later(later, later.wraps);
    const auto opened = house.client().open(house.id());
    CHECK(opened.texts.size() == 1);
    CHECK(opened.with_former == 1);
    CHECK(house.shown().find("1 text with the former queue") != std::string::npos);
    const auto shown = report_json(opened);
    CHECK(json::parse(std::string_view{shown.data(), shown.size()}).at("with_former") == 1);
    auto caseworker = house.client();
    CHECK_THROWS_WITH_AS(caseworker.refer(house.id(), "demo-helpers", false),
                         "a text of this report is still sealed for the queue that had it before",
                         CommandError);
    CHECK(house.desk.posted.empty());
  }
  SUBCASE("the first text") {
    house.add_statement(house.step(house.others.id), house.worker);
    auto caseworker = house.client();
    CHECK_THROWS_WITH_AS((void)caseworker.open(house.id()),
                         "the report is still sealed for the queue that had it before",
                         CommandError);
  }
  SUBCASE("but what is sealed for her own queue waits for her lead's grant") {
    house.add_statement(house.step(house.police.id), house.worker);  // which does not count
    auto caseworker = house.client();
    CHECK_THROWS_WITH_AS((void)caseworker.open(house.id()),
                         "the report is not sealed to a queue whose key you have", CommandError);
  }
}

TEST_CASE("a message whose wrap does not open hides nothing but itself (P33)") {
  StrayHouse house;
  const auto later = house.sealed(false, {.owner = &house.helpers});
  auto rubbish = later.wraps;
  rubbish[150] ^= 1;
  const auto message = *identity::claimed_message_id(later.message);
  const auto of_another_key = house.wrap({crypto::random_secret<32>(), message}, house.helpers);
  std::size_t texts = 1;
  std::size_t unreadable = 1;
  SUBCASE("a later text with rubbish") { house.tell_later(later, rubbish); }
  SUBCASE("a later text with a sound wrap of another key") {
    house.tell_later(later, {of_another_key.begin(), of_another_key.end()});
  }
  SUBCASE("but another wrap for her opens it") {
    auto both = rubbish;
    both.insert(both.end(), later.wraps.begin(), later.wraps.end());
    house.tell_later(later, both);
    texts = 2;
    unreadable = 0;
  }
  SUBCASE("the first text") {
    house.report.wraps[150] ^= 1;
    house.serve();
    house.tell_later(later, later.wraps);
  }
  SUBCASE("a note") {
    identity::NoteContent content;
    content.text = identity::Text{"call her sister"};
    const auto note =
        identity::seal_note(500'000, house.report_id, identity::encode(content), house.worker);
    json::array notes;
    notes.push_back(
        {{"author", crypto::hex(house.user()->id)},
         {"note", crypto::base64(note.envelope)},
         {"wraps", crypto::base64(house.wrap({crypto::random_secret<32>(), note.message_id},
                                             house.helpers))}});
    house.history["notes"] = std::move(notes);
    house.serve();
  }
  const auto opened = house.client().open(house.id());
  CHECK(opened.record.report_id == house.report_id);
  CHECK(opened.texts.size() == texts);
  CHECK(opened.notes.empty());
  CHECK(opened.unreadable == unreadable);
  CHECK((house.shown().find("does not open") != std::string::npos) == (unreadable == 1));
  const auto shown = report_json(opened);
  CHECK(json::parse(std::string_view{shown.data(), shown.size()}).at("unreadable") == unreadable);
  // Nor does it keep the report from being given away as a whole.
  const auto given =
      house.client().refer(house.id(), house.directory->queue(house.others.id)->name, false);
  CHECK(given.unreadable == unreadable);
  const auto posted = house.posted("transfer");
  const auto& others = posted.at("notes").as_array().empty() ? posted.at("texts").as_array()
                                                             : posted.at("notes").as_array();
  REQUIRE(others.size() == 1);
  for (const auto* sealed : {&posted, &others[0].as_object()}) {
    const auto wraps = RelayHouse::bytes(*sealed, "wraps");
    REQUIRE(wraps.size() >= identity::box_envelope_size);
    const auto first = crypto::View{wraps}.first(identity::box_envelope_size);
    CHECK(identity::wrap_recipient(first)->kid == house.others.kid);
  }
}

}  // namespace
}  // namespace ishara::commands
