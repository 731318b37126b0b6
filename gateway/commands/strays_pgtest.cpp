// Property 33 of privacy.md section 17, with everything but the relay as it runs: gateways' writer,
// Postgres, the desk behind a listener, and caseworkers' clients.

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <thread>

#include "gateway/commands/caseworker.hpp"
#include "gateway/config/key_file.hpp"
#include "gateway/crypto/encoding.hpp"
#include "gateway/desk/desk.hpp"
#include "gateway/http/server.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/roster_changes.hpp"
#include "gateway/identity/user_file.hpp"
#include "gateway/intake/seal.hpp"
#include "storage/people_store.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/store_pool.hpp"
#include "tests/support/folder.hpp"

namespace ishara::commands {
namespace {

namespace asio = boost::asio;
using storage::postgres::parameter;

constexpr std::chrono::sys_seconds moment{std::chrono::hours{500'000}};

std::uint64_t wall_clock() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

struct Silent final : http::Observer {
  void on(http::Event) noexcept override {}
};

// A thread that runs a context until the end of the test.
class Background {
 public:
  Background() : thread_{[this] { context.run(); }} {}
  ~Background() {
    context.stop();
    thread_.join();
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  asio::io_context context{1};

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
  std::thread thread_;
};

// A queue with one caseworker; the first one has a queue for the night as its fallback.
struct Team {
  std::string name;
  crypto::Id queue = crypto::random_bytes<16>();
  crypto::Secret<32> seed = crypto::random_secret<32>();  // of the present generation
  crypto::Id user = crypto::random_bytes<16>();
  crypto::Secret<32> user_seed = crypto::random_secret<32>();
  std::optional<crypto::Id> fallback{};
  std::unique_ptr<Caseworker> client{};
};

class Town {
 public:
  Town() {
    identity::RootRoster root_roster;
    root_roster.deployment = crypto::random_bytes<16>();
    root_roster.version = 1;
    root_roster.services = {{gateway.public_key, "gateway"}};
    for (auto* team : {&first, &second, &third}) found(*team, root_roster);
    store_.put_roster(row({}, identity::sign_roster(root_roster, root))).value();
    for (std::size_t i = 0; i < rosters_.size(); ++i) publish(i);
    directory = read_directory();
    begin_hour();
    server_.start();
    for (auto* team : {&first, &second, &third}) begin_client(*team);
  }
  ~Town() {
    asio::co_spawn(gateway_.context, writer_->flush_and_stop(), asio::use_future).get();
    asio::co_spawn(desk_thread_.context, server_.stop(std::chrono::seconds{1}), asio::use_future)
        .get();
    asio::post(gateway_.context, std::packaged_task<void()>{[this] { writer_.reset(); }}).get();
  }
  Town(const Town&) = delete;
  Town& operator=(const Town&) = delete;

  // The queue's next key, which the team is granted. Gateways go on with the rosters that they have
  // until somebody tells them (`directory`).
  void rotate(Team& team) {
    for (std::size_t i = 0; i < rosters_.size(); ++i) {
      auto& roster = rosters_[i];
      if (roster.queues[0].id != team.queue) continue;
      team.seed = crypto::random_secret<32>();
      const auto before = identity::sign_roster(roster, keys_[i]);
      roster = identity::next_of(std::move(roster), before.bytes);
      REQUIRE(
          identity::rotate_queue(roster, team.queue, identity::queue_box_key(team.seed).public_key)
              .has_value());
      grant(team, roster.queues[0].generation);
      publish(i);
    }
    begin_hour();
    for (auto* one : {&first, &second, &third}) begin_client(*one);
  }
  // Takes the grants of all generations but the present one from the team.
  void forget(Team& team) {
    database.query("DELETE FROM qgrant WHERE queue_id = '" + parameter(team.queue) +
                   "' AND generation < (SELECT max(generation) FROM qgrant WHERE queue_id = '" +
                   parameter(team.queue) + "')");
    begin_client(team);
  }
  std::shared_ptr<const identity::Directory> read_directory() {
    const auto stored = store_.rosters().value();
    return std::make_shared<const identity::Directory>(
        identity::Directory::verified_rows(identity::rows_of(stored), root.public_key).value());
  }
  // Wraps that nobody opens who has the present keys alone.
  std::uint64_t outdated() {
    std::uint64_t out = 0;
    const auto now = read_directory();
    for (const auto& queue : now->queues())
      for (const auto& earlier : queue.earlier) out += people_.wraps_left(earlier.kid)->messages;
    return out;
  }
  void begin_client(Team& team) {
    Caseworker::Settings settings;
    settings.desk = *http::parse_origin("http://127.0.0.1:" + std::to_string(server_.port()));
    settings.key_file = folder_ / (team.name + ".key");
    settings.root_key = root.public_key;
    team.client = std::make_unique<Caseworker>(std::move(settings), "a long passphrase");
  }

  // A new desk, which has not yet counted what anybody has fetched.
  void begin_hour() {
    const auto begin = [this] {
      desk_ = std::make_unique<desk::Desk>(
          [this](std::function<desk::Answer(desk::Cases&)> work) -> asio::awaitable<desk::Answer> {
            auto job = [work = std::move(work)](storage::blocking::DeskStore& store) {
              desk::StoredCases cases{store};
              return work(cases);
            };
            co_return co_await pool_.call(std::move(job));
          },
          wall_clock);
      desk_->use(read_directory());
    };
    asio::post(desk_thread_.context, std::packaged_task<void()>{begin}).get();
  }

  // What a gateway seals that believes this team to hold the report.
  intake::Sealed seal(const crypto::Id& report, const Team& owner, bool is_first) {
    identity::MessageContent content;
    content.text = identity::Text{"help"};
    content.category = "UNC";
    intake::Marks marks;
    marks.report_id = report;
    marks.first = is_first;
    const auto* queue = directory->queue(owner.queue);
    const auto* fallback = queue->fallback ? directory->queue(*queue->fallback) : nullptr;
    return intake::seal(content, marks, {.owner = queue, .fallback = fallback}, std::nullopt,
                        sender_keys_, moment, gateway)
        .value();
  }
  template <class Row>
  Row row_of(intake::Sealed sealed, const crypto::Id& report, const Team& owner) {
    Row row;
    row.report_id = report;
    row.queue_id = owner.queue;
    row.hour = sealed.hour;
    row.record = std::move(sealed.record);
    row.message = std::move(sealed.message);
    row.wraps = std::move(sealed.wraps);
    row.dedupe = crypto::random_bytes<16>();
    row.day = 20'833;
    return row;
  }
  // Returns when the row is durable.
  template <class Row>
  void append(Row row) {
    auto stored =
        asio::co_spawn(gateway_.context, writer_->append(std::move(row)), asio::use_future);
    REQUIRE(stored.get().has_value());
  }
  crypto::Id report(bool by_draft) {
    const auto id = crypto::random_bytes<16>();
    auto sealed = seal(id, first, true);
    if (!by_draft) {
      append(row_of<storage::Intake>(std::move(sealed), id, first));
      return id;
    }
    database.query("INSERT INTO draft (draft_id, due, record, message, wraps) VALUES ('" +
                   parameter(crypto::random_bytes<16>()) + "', 1, '" + parameter(sealed.record) +
                   "', '" + parameter(sealed.message) + "', '" + parameter(sealed.wraps) + "')");
    REQUIRE(store_.promote_drafts().value() == 1);
    return id;
  }
  storage::LaterText later(const crypto::Id& report, const Team& owner) {
    auto sealed = seal(report, owner, false);
    const auto message = sealed.message_id;
    auto out = row_of<storage::LaterText>(std::move(sealed), report, owner);
    out.message_id = message;
    return out;
  }

  storage::Report stored(const crypto::Id& id) { return store_.show(id).value(); }
  const Team& owner_of(const crypto::Id& id, const storage::Report& report) {
    std::vector<storage::Statement> statements = store_.statements(id).value();
    const auto ownership = desk::ownership_of(report, statements, *directory);
    REQUIRE(ownership.has_value());
    for (const auto* team : {&first, &second, &third})
      if (team->queue == ownership->owner) return *team;
    FAIL("a report of nobody");
    return first;
  }
  // Whether each of these many texts is sealed for the present owner, and for nobody else but the
  // owner's own fallback.
  void check(const crypto::Id& id, std::size_t texts) {
    const auto shown = stored(id);
    CHECK(shown.texts.size() == texts);
    const auto& owner = owner_of(id, shown);
    const auto& queue = *directory->queue(owner.queue);
    CHECK(shown.row.queue_id == queue.id);
    std::vector<crypto::Id> readers{queue.kid};
    if (queue.fallback) readers.push_back(directory->queue(*queue.fallback)->kid);
    for (const auto& text : shown.texts) {
      std::vector<crypto::Id> found;
      for (std::size_t at = 0; at < text.wraps.size(); at += identity::box_envelope_size)
        found.push_back(identity::wrap_recipient(
                            crypto::View{text.wraps}.subspan(at, identity::box_envelope_size))
                            ->kid);
      CHECK(found == readers);
      const auto message = identity::claimed_message_id(text.message).value();
      const auto key = identity::open_key_wrap(
          crypto::View{text.wraps}.first(identity::box_envelope_size), id, message,
          {queue.kid, queue.generation}, identity::queue_box_key(owner.seed));
      REQUIRE(key.has_value());
      CHECK(identity::message_id_of(*key) == message);
    }
  }
  // The same through the client, as its caseworker reads it.
  void check_opened(const crypto::Id& id, std::size_t texts) {
    const auto opened = owner_of(id, store_.show(id).value()).client->open(crypto::hex(id));
    CHECK(opened.texts.size() == texts);
    CHECK(opened.with_former == 0);
  }

  storage::TestDatabase database;
  crypto::SigningKey root = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey gateway = crypto::signing_key(crypto::random_secret<32>());
  Team first{"first"}, second{"second"}, third{"third"};
  std::shared_ptr<const identity::Directory> directory;

 private:
  static storage::Roster row(const crypto::Id& issuer, const identity::SignedRoster& roster,
                             std::uint64_t version = 1) {
    return {issuer,
            static_cast<std::uint32_t>(version),
            roster.bytes,
            {roster.signature.begin(), roster.signature.end()}};
  }
  void publish(std::size_t organisation) {
    const auto& roster = rosters_[organisation];
    store_
        .put_roster(row(roster.organisation, identity::sign_roster(roster, keys_[organisation]),
                        roster.version))
        .value();
  }
  void grant(const Team& team, std::uint32_t generation) {
    const auto user_key = identity::user_box_key(team.user_seed).public_key;
    store_
        .put_queue_grant(
            {team.queue, team.user, generation,
             identity::seal_queue_grant(team.seed, team.queue, team.user, generation, user_key)
                 .value()})
        .value();
  }
  void found(Team& team, identity::RootRoster& all) {
    auto key = crypto::signing_key(crypto::random_secret<32>());
    const auto user_key = identity::user_box_key(team.user_seed);
    identity::OrganisationRoster roster;
    roster.deployment = all.deployment;
    roster.organisation = crypto::random_bytes<16>();
    roster.version = 1;
    const auto box_key = identity::queue_box_key(team.seed).public_key;
    roster.queues = {{team.queue, team.name, 0, box_key, {}}};
    if (&team == &first) {
      const auto night = crypto::random_bytes<16>();
      roster.queues[0].fallback = night;
      roster.queues.push_back({night, "night", 0, crypto::box_key().public_key, {}});
    }
    roster.members = {{team.user,
                       identity::user_signing_key(team.user_seed).public_key,
                       user_key.public_key,
                       {"caseworker"},
                       {team.queue}}};
    all.organisations.push_back(
        {roster.organisation, team.name, identity::OrganisationClass::ngo, key.public_key});
    rosters_.push_back(std::move(roster));
    keys_.push_back(std::move(key));
    grant(team, 0);
    const auto file =
        identity::join({team.user, identity::blocking_seal_user_key(team.user_seed, team.user,
                                                                    "a long passphrase")});
    REQUIRE(config::write_key_file(folder_ / (team.name + ".key"), file).has_value());
  }

  tests::Folder folder_;
  std::vector<identity::OrganisationRoster> rosters_;
  std::vector<crypto::SigningKey> keys_;
  storage::blocking::DeskStore store_{database.url("ishara_desk")};
  storage::blocking::PeopleStore people_{database.url("ishara_desk")};
  storage::BasicStorePool<storage::blocking::DeskStore> pool_{database.url("ishara_desk"), 2};
  identity::SenderKeys sender_keys_;
  std::unique_ptr<desk::Desk> desk_;  // of the desk's thread
  Silent observer_;
  Background desk_thread_, gateway_;
  http::Server server_{desk_thread_.context.get_executor(),
                       asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0},
                       {},
                       [this](http::Request request) { return desk_->answer(std::move(request)); },
                       observer_};
  std::unique_ptr<storage::IntakeWriter> writer_ = std::make_unique<storage::IntakeWriter>(
      gateway_.context.get_executor(),
      storage::WriterSettings{.url = database.url("ishara_gateway")});
};

// True if the report was given away; a text that came meanwhile makes the desk refuse, and then the
// client looks again. False if a text of it is still with the queue before.
bool give_away(const Team& from, const crypto::Id& report, const Team& to, int& refused) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    try {
      from.client->refer(crypto::hex(report), to.name, false);
      return true;
    } catch (const CommandError& error) {
      const std::string_view what = error.what();
      if (what.find("sealed for the queue that had it before") != what.npos) return false;
      REQUIRE(what.find("409") != what.npos);
      ++refused;
    }
  }
  FAIL("the report is never still");
  return false;
}

}  // namespace

TEST_CASE("no text is left behind by 1,000 transfers that race with follow-ups (P33)") {
  Town town;
  std::mt19937 random{33};
  int transfers = 0, refused = 0;
  std::size_t handed_on = 0;
  while (transfers < 1'000) {
    town.begin_hour();
    struct Case {
      crypto::Id id{};
      std::size_t texts = 1;
    };
    std::vector<Case> cases;
    for (int i = 0; i < 16; ++i) cases.push_back({town.report(i % 3 == 0)});
    // Sealed now, when the sitting still holds it to be right; stored in any order, meanwhile.
    std::vector<storage::LaterText> under_way, late, under_way_again;
    for (auto& one : cases) {
      for (auto n = random() % 3; n > 0; --n) {
        under_way.push_back(town.later(one.id, town.first));
        ++one.texts;
      }
      if (random() % 2 == 0) {
        late.push_back(town.later(one.id, town.first));
        ++one.texts;
      }
      if (random() % 3 == 0) {
        under_way_again.push_back(town.later(one.id, town.second));
        ++one.texts;
      }
    }
    const auto store = [&](std::vector<storage::LaterText>& texts) {
      std::ranges::shuffle(texts, random);
      return std::jthread{[&town, &texts] {
        for (auto& text : texts) town.append(std::move(text));
      }};
    };
    {
      const auto writer = store(under_way);
      for (const auto& one : cases) {
        REQUIRE(give_away(town.first, one.id, town.second, refused));
        ++transfers;
      }
    }
    {
      // Some go a step further, while their first owner hands on what it has.
      const auto writer = store(under_way_again);
      const std::jthread poll{[&] { handed_on += town.first.client->hand_on_strays().handed_on; }};
      for (std::size_t i = 0; i < cases.size(); i += 2)
        transfers += give_away(town.second, cases[i].id, town.third, refused);
    }
    for (auto& text : late) town.append(std::move(text));  // from a spool

    for (const auto* former : {&town.first, &town.second}) {
      const auto polled = former->client->hand_on_strays();
      CHECK(polled.refused == 0);
      handed_on += polled.handed_on;
    }
    for (const auto& one : cases) {
      CAPTURE(crypto::hex(one.id));
      town.check(one.id, one.texts);
    }
    town.check_opened(cases[0].id, cases[0].texts);
    town.check_opened(cases[1].id, cases[1].texts);
  }
  MESSAGE(transfers << " transfers, " << refused << " refused for a text that was missing, "
                    << handed_on << " texts handed on");
  CHECK(handed_on > 0);
}

TEST_CASE("after a new key and one poll every text opens with the new key alone (P26, P33)") {
  Town town;
  std::mt19937 random{26};
  std::size_t renewed = 0;
  for (int round = 0; round < 6; ++round) {
    CAPTURE(round);
    town.begin_hour();
    struct Case {
      crypto::Id id{};
      std::size_t texts = 1;
      bool is_kept = false;  // its former owner goes on reading
    };
    std::vector<Case> cases;
    const auto add_later = [&](Case& one, const Team& owner) {
      town.append(town.later(one.id, owner));
      ++one.texts;
    };
    for (int i = 0; i < 12; ++i) {
      auto& one = cases.emplace_back(Case{town.report(i % 3 == 0)});
      for (auto n = random() % 3; n > 0; --n) add_later(one, town.first);
      if (i % 4 == 0) town.first.client->note(crypto::hex(one.id), identity::Text{"a note"});
      // Some are with another queue, and their first owner reads on; some are left there.
      one.is_kept = i % 5 == 1;
      if (i % 5 < 3) town.first.client->refer(crypto::hex(one.id), "second", one.is_kept);
      if (i % 5 == 2) add_later(one, town.first);
    }
    // What is closed or hidden is not lost either.
    town.database.query("UPDATE report SET stage = 2 WHERE report_id = '" + parameter(cases[3].id) +
                        "'");
    town.database.query("UPDATE report SET hidden_until = 9 WHERE report_id = '" +
                        parameter(cases[4].id) + "'");

    auto& team = round % 2 == 0 ? town.first : town.second;
    town.rotate(team);
    REQUIRE(town.outdated() > 0);
    const auto first_poll = team.client->hand_on_strays();
    CHECK(first_poll.refused == 0);
    renewed += first_poll.renewed;
    CHECK(town.outdated() == 0);
    town.database.query("UPDATE report SET hidden_until = NULL");

    // A gateway has not heard of it, and goes on while somebody polls.
    std::vector<storage::LaterText> late;
    for (auto& one : cases) {
      if (one.is_kept) continue;
      const auto& owner = town.owner_of(one.id, town.stored(one.id));
      late.push_back(town.later(one.id, owner));
      ++one.texts;
    }
    {
      const std::jthread writer{[&] {
        for (auto& text : late) town.append(std::move(text));
      }};
      const std::jthread poll{[&] { renewed += team.client->hand_on_strays().renewed; }};
    }
    cases.push_back({town.report(true)});
    town.directory = town.read_directory();
    for (auto* one : {&town.first, &town.second}) {
      const auto polled = one->client->hand_on_strays();
      CHECK(polled.refused == 0);
      renewed += polled.renewed;
    }
    CHECK(town.outdated() == 0);
    CHECK(team.client->hand_on_strays().renewed == 0);

    town.forget(team);
    for (const auto& one : cases) {
      CAPTURE(crypto::hex(one.id));
      if (!one.is_kept) town.check(one.id, one.texts);
      town.check_opened(one.id, one.texts);
    }
  }
  MESSAGE(renewed << " wraps renewed");
}

}  // namespace ishara::commands
