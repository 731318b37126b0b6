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
#include <thread>

#include "gateway/commands/caseworker_report.hpp"
#include "gateway/commands/founding.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/http/server.hpp"
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
    response.status = found == answers.end() ? 404 : 200;
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
  json::object told;    // what the desk says of the report, beside its id and texts
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

}  // namespace
}  // namespace ishara::commands
