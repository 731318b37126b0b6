// The sender with a real Postgres and a provider on loopback that says what the test wants.

#include "gateway/relay/sending.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/conversation/sms.hpp"
#include "gateway/http/form.hpp"
#include "gateway/http/loopback.hpp"
#include "gateway/identity/return_address.hpp"
#include "gateway/log/captured.hpp"
#include "routing/pack/bundle.hpp"
#include "storage/postgres/pg_fixture.hpp"
#include "storage/postgres/session.hpp"
#include "storage/reply_store.hpp"
#include "tests/support/reply_house.hpp"

namespace ishara::relay {
namespace {

namespace asio = boost::asio;

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::postgres::parameter;
using tests::ReplyHouse;

const i18n::Packs& packs() {
  static const i18n::Packs all = i18n::Packs::load(ISHARA_PACKS);
  return all;
}
const aggregators::Registry& registry() {
  static const aggregators::Registry all;
  return all;
}

constexpr std::string_view words = "Thank you. Can you write again tonight?";

// A relay's sender, its database, and a Kannel of one's own.
struct Scene {
  explicit Scene(bool delivery_reports = false) {
    std::vector<Epoch> epochs;
    epochs.push_back({house.epoch, identity::epoch_keys(house.epoch_seed)});
    live_epochs = std::make_shared<const LiveEpochs>(std::move(epochs));
    directory = std::make_shared<const identity::Directory>(house.directory());
    provider.start();
    config::SendingChannel channel;
    channel.number = 7;
    channel.name = "kigali";
    channel.provider = "kannel";
    channel.per_second = 1000;
    channel.utc_offset = minutes{0};
    channel.settings.account = crypto::wiped_copy("ishara");
    channel.settings.password = crypto::wiped_copy("word");
    channel.settings.from = "2020";
    channel.settings.origin = "http://127.0.0.1:" + std::to_string(provider.port());
    if (delivery_reports)
      channel.settings.delivery_url = crypto::wiped_copy("https://ishara.example/dlr");
    std::vector<config::SendingChannel> all;
    all.push_back(std::move(channel));
    channels = std::make_shared<const config::SendingChannels>(std::move(all));
    place_report();
    make_sender();
  }

  void make_sender() {
    SenderSources sources{[this] { return now; },
                          [this] { return live_epochs; },
                          [this] { return directory; },
                          [this] { return channels; },
                          [this]() -> asio::awaitable<void> {
                            if (newer_directory) directory = newer_directory;
                            co_return;
                          },
                          [this](crypto::Id report) -> asio::awaitable<void> {
                            confirmed.push_back(report);
                            co_return;
                          }};
    sender = std::make_unique<Sender>(context.get_executor(), database.url("ishara_relay"),
                                      registry(), packs(), std::move(sources));
  }

  void place_report() {
    first = house.first_intake();
    const auto origin = identity::origin_of(first);
    database.query(
        "INSERT INTO report (report_id, queue_id, hour, class, urgent, record, message,"
        " wraps) VALUES ('" +
        parameter(house.report_id) + "', '" + parameter(house.intake) + "', 1, 0, false, '" +
        parameter(first) + "', '" + parameter(storage::Bytes(584)) + "', '" +
        parameter(storage::Bytes(192)) + "')");
    storage::Thread thread;
    thread.tag = crypto::random_bytes<16>();
    thread.epoch = house.epoch;
    thread.kind = 'n';
    thread.report_id = house.report_id;
    thread.origin = origin;
    thread.mac = identity::thread_mac(identity::ThreadKind::number, thread.tag, house.report_id,
                                      origin, house.epoch_keys.mac);
    thread.day = today();
    REQUIRE(store.apply({.threads = {thread}, .addresses = {address(false)}}).has_value());
  }

  std::uint32_t today() const {
    return static_cast<std::uint32_t>(
        std::chrono::floor<std::chrono::days>(now).time_since_epoch().count());
  }

  storage::Address address(bool yes_unverified, std::optional<identity::SafeRange> safe = {}) {
    identity::ReturnAddress out{identity::Msisdn::parse("250788000001", "").value(),
                                identity::Ref::from(crypto::random_bytes<16>()), 7};
    out.may_text = true;
    out.yes_unverified = yes_unverified;
    out.safe = safe;
    const auto sealed =
        identity::seal_stored_return_address(out, house.report_id, house.epoch, house.epoch_keys);
    return {house.report_id, house.epoch, storage::Bytes(sealed.begin(), sealed.end()), today()};
  }

  crypto::Id submit(const identity::Reply& reply, std::uint32_t hour = 0) {
    return submit(reply, hour, house.worker);
  }
  crypto::Id submit(const identity::Reply& reply, std::uint32_t hour, const tests::Person& author) {
    const auto id = crypto::random_bytes<16>();
    const auto envelope = house.seal(reply, id, author);
    database.query("INSERT INTO reply_outbox VALUES ('" + parameter(id) + "', '" +
                   parameter(house.report_id) + "', " +
                   std::to_string(ReplyHouse::hour_of(now) + hour) + ", '" + parameter(envelope) +
                   "')");
    return id;
  }

  void open_window(std::uint16_t length = 15) {
    sender->open_window({identity::Msisdn::parse("250788000001", "").value(), length});
  }

  // Runs one round to its end; the provider answers meanwhile.
  bool round(bool again = true) { return run(sender->round(again)); }

  // A round in which something happens while a reply is being marked, before it leaves: somebody
  // else seems to mark it too, and then does not.
  void round_while(const std::function<void()>& happens) {
    bool looked = false;
    storage::postgres::Session superuser{database.url("postgres")};
    const auto undone = superuser.transact([&](storage::postgres::Transaction& transaction) {
      transaction.execute(
          "INSERT INTO reply_state (reply_id, report_id, hour, state)"
          " SELECT reply_id, report_id, hour, 2 FROM reply_outbox",
          {});
      asio::co_spawn(context, sender->round(true),
                     [&](std::exception_ptr, bool) { looked = true; });
      do {
        context.poll_one();
        transaction.execute("SELECT pg_stat_clear_snapshot()", {});
      } while (transaction
                   .execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                            " AND usename = 'ishara_relay' AND wait_event_type = 'Lock'",
                            {})
                   .empty());
      happens();
      throw storage::postgres::Undo{storage::errc::conflict};
    });
    REQUIRE(undone.error() == storage::errc::conflict);
    run_until([&] { return looked; });
  }

  std::string pull(identity::RefKind kind = identity::RefKind::verified) {
    auto text = run(sender->pull(house.report_id, kind));
    REQUIRE(text.has_value());
    return text->reveal([](std::string_view utf8) { return std::string{utf8}; });
  }

  template <class T>
  T run(asio::awaitable<T> task) {
    std::optional<T> result;
    bool done = false;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      result.emplace(std::move(value));
      done = true;
    });
    while (!done) context.run_one();
    return std::move(*result);
  }
  void run_until(const std::function<bool()>& condition) {
    while (!condition()) context.run_one();
  }

  std::string state(const crypto::Id& reply, const char* column = "state") const {
    return database.value(std::string{"SELECT coalesce((SELECT "} + column +
                          "::text FROM reply_state WHERE reply_id = '" + parameter(reply) +
                          "'), '-')");
  }
  std::string reason(const crypto::Id& reply) const { return state(reply, "reason"); }

  asio::io_context context{1};
  http::loopback::CountingObserver observer;
  std::vector<std::string> offered;  // queries of requests, decoded texts
  http::Response answer{202, "text/html", "0: Accepted for delivery", {}, false};
  std::function<void()> while_asked;
  std::function<http::Response(const http::Request&)> instead;  // of a Kannel
  http::Server provider{context.get_executor(),
                        asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0},
                        http::Limits{},
                        [this](http::Request request) -> asio::awaitable<http::Response> {
                          if (instead) co_return instead(request);
                          const auto form = http::Form::parse(request.query());
                          offered.emplace_back(form->value("text").value_or(""));
                          last_form.clear();
                          for (const auto& pair : form->pairs())
                            last_form.emplace_back(std::string{pair.name}, std::string{pair.value});
                          if (while_asked) while_asked();
                          co_return answer;
                        },
                        observer};
  std::vector<std::pair<std::string, std::string>> last_form;
  std::string field(std::string_view name) const {
    for (const auto& [key, value] : last_form)
      if (key == name) return value;
    return "-";
  }

  ReplyHouse house;
  std::chrono::sys_seconds now = ReplyHouse::noon;
  storage::TestDatabase database;
  storage::blocking::ReplyStore store{database.url("ishara_relay")};
  std::shared_ptr<const LiveEpochs> live_epochs;
  std::shared_ptr<const identity::Directory> directory;
  std::shared_ptr<const identity::Directory> newer_directory;  // once somebody reads them anew
  std::shared_ptr<const config::SendingChannels> channels;
  identity::IntakeBytes first{};
  std::unique_ptr<Sender> sender;
  std::vector<crypto::Id> confirmed;  // reports whose unverified yes was
};

// A provider that takes texts only with a token that it hands out first.
struct TokenScene : Scene {
  TokenScene() {
    change_account("ishara");
    instead = [this](const http::Request& request) -> http::Response {
      const std::string body{crypto::view(request.body)};
      if (request.path() == "/token") {
        asked.push_back(body);
        states.push_back(
            database.value("SELECT coalesce(string_agg(state::text, ','), '-')"
                           " FROM reply_state WHERE state = 2"));
        return token_answer;
      }
      tokens.emplace_back(request.field("authorization").value_or("-"));
      if (refusals > 0) {
        --refusals;
        return {401, "application/json", "{}", {}, false};
      }
      offered.push_back(body);
      return {200, "application/json", "{\"Data\":{\"MessageID\":\"m-1\"}}", {}, false};
    };
  }

  void change_account(std::string_view account) {
    config::SendingChannel channel;
    channel.number = 7;
    channel.name = "mogadishu";
    channel.provider = "hormuud";
    channel.per_second = 1'000'000'000;  // nobody waits for a turn
    channel.settings.account = crypto::wiped_copy(account);
    channel.settings.password = crypto::wiped_copy("word");
    channel.settings.from = "2020";
    channel.settings.origin = "http://127.0.0.1:" + std::to_string(provider.port());
    std::vector<config::SendingChannel> all;
    all.push_back(std::move(channel));
    channels = std::make_shared<const config::SendingChannels>(std::move(all));
  }
  void hand_out(std::string_view token, int lifetime) {
    token_answer = {200,
                    "application/json",
                    "{\"access_token\":\"" + std::string{token} +
                        "\",\"expires_in\":" + std::to_string(lifetime) + "}",
                    {},
                    false};
  }
  crypto::Id reply() {
    now += seconds{1};  // each reply wants a text of its own
    open_window();
    return submit(ReplyHouse::text(words), hour++);
  }

  http::Response token_answer;
  std::vector<std::string> asked;   // bodies of requests for tokens
  std::vector<std::string> states;  // of what was being sent at each of them
  std::vector<std::string> tokens;  // that came with texts
  int refusals = 0;                 // of the next texts, for their token
  std::uint32_t hour = 0;
};

}  // namespace

TEST_CASE("a reply waits for a window, leaves once through the provider's door, and is sent") {
  Scene scene;
  const auto reply = scene.submit(ReplyHouse::text(words));
  REQUIRE(scene.round());
  CHECK(scene.offered.empty());
  CHECK(scene.state(reply) == "1");
  CHECK(scene.reason(reply) == "16");

  scene.open_window();
  scene.now += minutes{3};
  REQUIRE(scene.round());
  REQUIRE(scene.offered.size() == 1);
  CHECK(scene.offered[0] == words);
  CHECK(scene.field("to") == "+250788000001");
  CHECK(scene.field("from") == "2020");
  CHECK(scene.field("validity") == "12");
  CHECK(scene.field("dlr-url") == "-");
  CHECK(scene.state(reply) == "3");
  CHECK(scene.sender->counters().sent == 1);

  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
}

TEST_CASE("one reply goes out for each text, the next one waits for the next text") {
  Scene scene;
  scene.open_window();
  const auto one = scene.submit(ReplyHouse::text("One."));
  const auto two = scene.submit(ReplyHouse::text("Two."));
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK((scene.state(one) == "3") != (scene.state(two) == "3"));
  scene.now += minutes{1};
  scene.open_window();
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 2);
  CHECK(scene.state(one) == "3");
  CHECK(scene.state(two) == "3");
}

TEST_CASE("before a reply is refused the rosters are read anew: its author may have just come") {
  Scene scene;
  scene.open_window();
  scene.newer_directory = scene.directory;
  scene.directory =
      std::make_shared<const identity::Directory>(scene.house.directory(/*with_worker=*/false));
  const auto reply = scene.submit(ReplyHouse::text(words));
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "3");
  CHECK(scene.offered.size() == 1);
}

TEST_CASE("a bad reply is never sent, and says why") {
  Scene scene;
  scene.open_window();
  const auto stranger = scene.submit(ReplyHouse::text(words), 0, scene.house.stranger);
  const auto other_queue = scene.submit(ReplyHouse::text(words), 0, scene.house.colleague);
  const auto police = scene.submit(ReplyHouse::text(words), 0, scene.house.officer);
  const auto harmful = scene.submit(ReplyHouse::text("The police will come"));
  REQUIRE(scene.round());
  CHECK(scene.offered.empty());
  CHECK(scene.reason(stranger) == "1");
  CHECK(scene.reason(other_queue) == "2");
  CHECK(scene.reason(police) == "3");
  CHECK(scene.reason(harmful) == "9");
  for (const auto& reply : {stranger, other_queue, police, harmful})
    CHECK(scene.state(reply) == "7");
  CHECK(scene.pull() == "");
}

TEST_CASE("a thread or an address that the relay did not write leads nowhere") {
  Scene scene;
  scene.open_window();
  scene.database.query(
      "UPDATE retaddr SET address = set_byte(address, 200, 1 # get_byte(address, "
      "200))");
  const auto altered = scene.submit(ReplyHouse::text(words));
  REQUIRE(scene.round());
  CHECK(scene.offered.empty());
  CHECK(scene.reason(altered) == "12");

  Scene other;
  other.open_window();
  other.database.query("UPDATE thread SET mac = set_byte(mac, 3, 1 # get_byte(mac, 3))");
  const auto unpinned = other.submit(ReplyHouse::text(words));
  REQUIRE(other.round());
  CHECK(other.offered.empty());
  CHECK(other.reason(unpinned) == "12");
}

TEST_CASE("what the provider has surely not taken is offered again, later and later") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  scene.answer = {503, "text/html", "Temporal failure, try again later.", {}, false};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK(scene.state(reply) == "1");
  CHECK(scene.reason(reply) == "20");
  scene.now += seconds{4};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  scene.now += seconds{1};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 2);
  scene.now += seconds{9};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 2);
  scene.answer = {202, "text/html", "0: Accepted for delivery", {}, false};
  scene.now += seconds{1};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 3);
  CHECK(scene.state(reply) == "3");
}

TEST_CASE("what may have left is unknown and never offered again, also by another process") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  scene.answer = {500, "text/html", "", {}, false};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK(scene.state(reply) == "4");
  CHECK(scene.reason(reply) == "23");
  scene.make_sender();
  scene.open_window();
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
}

TEST_CASE("a reply that was being sent when the relay died is unknown to its successor") {
  Scene scene;
  const auto reply = scene.submit(ReplyHouse::text(words));
  const auto rows = scene.store.to_send(true, {}, 10);
  REQUIRE(scene.store.begin(rows->at(0), ReplyHouse::hour_of(scene.now)).value());
  scene.make_sender();
  scene.open_window();
  REQUIRE(scene.round());
  CHECK(scene.offered.empty());
  CHECK(scene.state(reply) == "4");
  CHECK(scene.sender->counters().unknown == 1);
}

TEST_CASE("an hour that the desk invents does not make the relay forget what it sent") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  scene.database.query("UPDATE reply_outbox SET hour = 1");
  REQUIRE(scene.round());
  REQUIRE(scene.offered.size() == 1);
  scene.now += hours{2};
  scene.make_sender();
  scene.open_window();
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK(scene.state(reply) == "3");
}

TEST_CASE("a state that somebody removes lets nothing leave twice while the relay lives") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  REQUIRE(scene.round());
  REQUIRE(scene.offered.size() == 1);
  scene.now += hours{2};
  scene.database.query("DELETE FROM reply_state");
  scene.open_window();
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK(scene.state(reply) == "4");
  scene.make_sender();
  scene.open_window();
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
}

TEST_CASE("the reply is committed as sending before the provider hears of it") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  std::string seen;
  scene.while_asked = [&] { seen = scene.state(reply); };
  REQUIRE(scene.round());
  CHECK(seen == "2");
}

TEST_CASE("wrong credentials stop the channel for a while, not the reply") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  scene.answer = {403, "text/html", "Authorization failed for sendsms", {}, false};
  REQUIRE(scene.round());
  scene.answer = {202, "text/html", "0: Accepted for delivery", {}, false};
  CHECK(scene.reason(reply) == "19");
  scene.now += minutes{4};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  scene.now += minutes{1};
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 2);
  CHECK(scene.state(reply) == "3");
}

TEST_CASE("a number that the provider refuses keeps the reply to be fetched") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  scene.answer = {403, "text/html", "Not routable. Do not try again.", {}, false};
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "5");
  CHECK(scene.reason(reply) == "22");
  CHECK(scene.pull() == words);
}

TEST_CASE("END between the gate and the door keeps the reply from leaving") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  scene.round_while([&] { scene.sender->ended({scene.house.report_id}); });
  CHECK(scene.offered.empty());
  CHECK(scene.state(reply) == "5");
  CHECK(scene.reason(reply) == "12");
}

TEST_CASE("a reply whose marking found no answer has not left, and is sent later") {
  Scene scene;
  REQUIRE(scene.round());  // the sender is connected
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  bool looked = false;
  storage::postgres::Session superuser{scene.database.url("postgres")};
  // The mark stands, and the sender's connection breaks before it knows: at each of its attempts.
  const auto marked = superuser.transact([&](storage::postgres::Transaction& transaction) {
    transaction.execute(
        "INSERT INTO reply_state (reply_id, report_id, hour, state)"
        " SELECT reply_id, report_id, hour, 2 FROM reply_outbox",
        {});
    asio::co_spawn(scene.context, scene.sender->round(true),
                   [&](std::exception_ptr, bool) { looked = true; });
    for (std::set<std::int64_t> broken; broken.size() < 2;) {
      scene.context.poll_one();
      transaction.execute("SELECT pg_stat_clear_snapshot()", {});
      for (const auto& row :
           transaction.execute("SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
                               " WHERE datname = current_database() AND usename = 'ishara_relay'"
                               " AND wait_event_type = 'Lock'",
                               {}))
        broken.insert(row[0].integer());
    }
  });
  REQUIRE(marked.has_value());
  scene.run_until([&] { return looked; });
  CHECK(scene.offered.empty());
  CHECK(scene.state(reply) == "1");
  CHECK(scene.reason(reply) == "20");
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK(scene.state(reply) == "3");
}

TEST_CASE("a window that closes between the gate and the door keeps the reply from leaving") {
  for (const bool closed : {true, false}) {
    CAPTURE(closed);
    Scene scene;
    scene.open_window();
    const auto reply = scene.submit(ReplyHouse::text(words));
    scene.round_while([&] {
      if (closed) return scene.open_window(0);
      scene.now += minutes{14} + seconds{1};
    });
    CHECK(scene.offered.empty());
    CHECK(scene.state(reply) == "1");
    CHECK(scene.reason(reply) == "16");
    // It has not used up what the next text opens.
    scene.open_window();
    REQUIRE(scene.round());
    CHECK(scene.offered.size() == 1);
  }
}

TEST_CASE("a safe time is over by its own hours, whatever becomes of the window") {
  for (const bool over : {true, false}) {
    CAPTURE(over);
    Scene scene;
    // From eleven to one; it is noon.
    REQUIRE(scene.store.apply({.addresses = {scene.address(false, identity::SafeRange{22, 26})}})
                .has_value());
    scene.open_window();
    const auto reply = scene.submit(ReplyHouse::text(words));
    scene.round_while([&] {
      scene.open_window(0);
      scene.now += minutes{over ? 60 : 30};
    });
    CHECK(scene.offered.size() == (over ? 0 : 1));
    CHECK(scene.state(reply) == (over ? "1" : "3"));
    if (!over) CHECK(scene.field("validity") == "30");
  }
}

TEST_CASE("an unverified yes sends nothing until a reply confirms it") {
  Scene scene;
  REQUIRE(scene.store.apply({.addresses = {scene.address(true)}}).has_value());
  scene.open_window();
  const auto plain = scene.submit(ReplyHouse::text(words));
  REQUIRE(scene.round());
  CHECK(scene.offered.empty());
  CHECK(scene.reason(plain) == "13");
  CHECK(scene.confirmed.empty());
  auto confirming = ReplyHouse::text("Thank you.");
  confirming.confirms_unverified_yes = true;
  const auto confirmed = scene.submit(confirming);
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK(scene.state(confirmed) == "3");
  CHECK(scene.confirmed == std::vector{scene.house.report_id});
}

TEST_CASE("a waiting reply is fetched by ref, again for a day, and then no more") {
  Scene scene;
  const auto first = scene.submit(ReplyHouse::text("One.", identity::ReplyMode::pull));
  const auto second = scene.submit(ReplyHouse::text("Two.", identity::ReplyMode::pull), 1);
  REQUIRE(scene.round());
  CHECK(scene.state(first) == "5");
  CHECK(scene.pull(identity::RefKind::unverified) == "");
  CHECK(scene.pull() == "One.");
  CHECK(scene.state(first) == "6");
  scene.now += hours{1};
  CHECK(scene.pull() == "Two.");
  CHECK(scene.pull() == "Two.");
  scene.now += hours{23};
  CHECK(scene.pull() == "Two.");
  scene.now += hours{1};
  CHECK(scene.pull() == "");
  CHECK(scene.offered.empty());
  CHECK(scene.state(second) == "6");
}

TEST_CASE("a fetched reply is not sent too, and a sent one is not fetched") {
  Scene scene;
  scene.submit(ReplyHouse::text("One."));
  REQUIRE(scene.round());
  CHECK(scene.pull() == "One.");
  scene.open_window();
  REQUIRE(scene.round());
  CHECK(scene.offered.empty());
  scene.submit(ReplyHouse::text("Two."), 1);
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 1);
  CHECK(scene.pull() == "One.");
}

TEST_CASE("a long reply hides no other: it is shown only when nothing that fits is left") {
  Scene scene;
  std::string words_of_length;
  while (words_of_length.size() < 200) words_of_length += "We will be there again tomorrow. ";
  words_of_length.pop_back();
  const auto place = [&](std::string_view text, std::uint32_t hour) {
    return scene.submit(ReplyHouse::text(text, identity::ReplyMode::pull), hour);
  };
  const auto longer = place(words_of_length, 0);
  place("Even later. " + words_of_length, 1);
  const auto first = place("One.", 2);
  const auto second = place("Two.", 3);
  CHECK(scene.pull() == "One.");
  CHECK(scene.pull() == "Two.");
  // A repeated question gets the same answer for a day, and each was fetched once.
  CHECK(scene.pull() == "Two.");
  CHECK(scene.state(first) == "6");
  CHECK(scene.state(second) == "6");
  scene.now += hours{23};
  CHECK(scene.pull() == "Two.");
  scene.now += hours{1};
  CHECK(scene.pull() == words_of_length);
  CHECK(scene.pull() == words_of_length);
  CHECK(scene.state(longer) == "-");
  place("Three.", 0);
  CHECK(scene.pull() == "Three.");
}

TEST_CASE("an unverified ref fetches what was released") {
  Scene scene;
  auto released = ReplyHouse::text("One.", identity::ReplyMode::pull);
  released.release_to_unverified_refs = true;
  scene.submit(ReplyHouse::text("Two.", identity::ReplyMode::pull));
  scene.submit(released, 1);
  CHECK(scene.pull(identity::RefKind::unverified) == "One.");
}

TEST_CASE("an acknowledgement leaves from its template, and the seventh of an hour does not") {
  Scene scene;
  const auto ref = identity::Ref::from(crypto::random_bytes<16>());
  const auto message = [&] {
    identity::SendTemplate out{identity::Msisdn::parse("250788000001", "").value()};
    out.channel = 7;
    out.language = static_cast<std::uint8_t>(packs().find("en") - packs().all().data());
    out.text = 2;  // ack.plain
    out.ref = ref;
    return out;
  };
  for (int i = 0; i < 7; ++i) {
    scene.sender->acknowledge(message());
    REQUIRE(scene.round());
  }
  REQUIRE(scene.offered.size() == 6);
  CHECK(scene.offered[0] == "Message received. Ref " + std::string{ref.digits()} +
                                ". You can write again at any time.");
  CHECK(scene.field("validity") == "15");
  CHECK(scene.sender->counters().acknowledged == 6);
  CHECK(scene.sender->counters().withheld == 1);
}

// Puts tables in use whose one line was verified on `day`, and where there is a Remera twice.
void put_tables(Scene& scene, std::chrono::sys_days day) {
  const std::chrono::year_month_day date{day};
  const auto lines = fmt::format(
      "region,number,kind,free,hours,utc_offset,languages,verified_on,verified_by\n"
      "RW,000111,general,yes,always,,en,{:04}-{:02}-{:02},A\n",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()));
  const routing::PackFile files[]{
      {"rw/regions.tsv", "code\tname\nRW\tRwanda\nRW-01\tKigali\nRW-02\tEast\n"},
      {"rw/helplines.csv", lines}};
  storage::blocking::Store desk{scene.database.url("ishara_desk")};
  const auto bytes = routing::bundle(files);
  const auto version = desk.put_routing(crypto::bytes_of(bytes), {"amina", "tables", 20000});
  REQUIRE(version.has_value());
  REQUIRE(desk.activate_routing(*version, {"amina", "go", 20000}).has_value());
}

TEST_CASE("what fills a template is in the tables in use, or is nothing that may be said") {
  Scene scene;
  const auto verified = std::chrono::floor<std::chrono::days>(scene.now);
  put_tables(scene, verified);
  const auto ref = identity::Ref::from(crypto::random_bytes<16>());
  std::int64_t phones = 0;
  const auto send = [&](conversation::ReplyId reply, const auto& fill) {
    // Each to another phone, and in another second.
    identity::SendTemplate out{
        identity::Msisdn::parse(std::to_string(250788000100 + phones++), "").value()};
    out.channel = 7;
    out.language = static_cast<std::uint8_t>(packs().find("en") - packs().all().data());
    out.text = static_cast<std::uint8_t>(reply);
    out.ref = ref;
    out.tables = 1;
    fill(out);
    const auto before = scene.offered.size();
    scene.now += seconds{1};
    scene.sender->acknowledge(std::move(out));
    REQUIRE(scene.round());
    return scene.offered.size() > before ? scene.offered.back() : std::string{};
  };
  using conversation::ReplyId;
  const auto line = [](identity::SendTemplate& out) { out.helpline = 1; };
  const auto told = "Message received. If it is safe to call, call 000111. Ref " +
                    std::string{ref.digits()} + ".";
  CHECK(send(ReplyId::ack_urgent, line) == told);
  CHECK(send(ReplyId::q_which_two, [](auto& out) {
          out.regions = {2, 3, 0};
        }) == "Which place? 1 Kigali 2 East 0 Other");
  CHECK(send(ReplyId::safe_on, [](auto& out) { out.until = 41; }) == "OK. Until 20:00.");
  const auto rw = static_cast<std::uint8_t>(packs().find("rw") - packs().all().data());
  CHECK(send(ReplyId::lang_set, [&](auto& out) {
          out.chosen = static_cast<std::uint8_t>(rw + 1);
        }).find(packs().all()[rw].name) != std::string::npos);

  // Nothing of this is said.
  CHECK(send(ReplyId::ack_urgent, [](auto&) {}).empty());
  CHECK(send(ReplyId::ack_urgent, [](auto& out) { out.helpline = 2; }).empty());
  CHECK(send(ReplyId::ack_urgent, [](auto& out) { out.helpline = 0xFFFF; }).empty());
  CHECK(send(ReplyId::ack_urgent, [](auto& out) { out.helpline = 1, out.tables = 2; }).empty());
  CHECK(send(ReplyId::q_which_two, [](auto& out) { out.regions = {2, 4, 0}; }).empty());
  CHECK(send(ReplyId::q_which_two, [](auto& out) { out.regions = {2, 0xFFFFFFFF, 0}; }).empty());
  CHECK(send(ReplyId::safe_on, [](auto&) {}).empty());
  CHECK(send(ReplyId::lang_set, [](auto& out) { out.chosen = 200; }).empty());

  // Newer tables are read when a gateway counts in them; the former count no more.
  put_tables(scene, verified);
  CHECK(send(ReplyId::ack_urgent, line) == told);
  CHECK(send(ReplyId::ack_urgent, [](auto& out) { out.helpline = 1, out.tables = 2; }) == told);
  CHECK(send(ReplyId::ack_urgent, line).empty());

  // What has expired since the gateway looked is seen here too.
  scene.now += std::chrono::days{91};
  CHECK(send(ReplyId::ack_urgent, [](auto& out) { out.helpline = 1, out.tables = 2; }).empty());
}

TEST_CASE("acknowledgements that come while the tables are read wait for the same ones") {
  Scene scene;
  put_tables(scene, std::chrono::floor<std::chrono::days>(scene.now));
  for (int i = 0; i < 5; ++i) {
    identity::SendTemplate out{
        identity::Msisdn::parse(std::to_string(250788000100 + std::int64_t{i}), "").value()};
    out.channel = 7;
    out.language = static_cast<std::uint8_t>(packs().find("en") - packs().all().data());
    out.text = static_cast<std::uint8_t>(conversation::ReplyId::info_help);
    out.tables = 1;
    out.helpline = 1;
    scene.sender->acknowledge(std::move(out));
  }
  REQUIRE(scene.round());
  CHECK(scene.sender->counters().acknowledged == 5);
}

TEST_CASE(
    "of a flood of acknowledgements a thousand are kept, and the log says how many were not") {
  Scene scene;
  const auto message = [&](std::string_view number) {
    identity::SendTemplate out{identity::Msisdn::parse(number, "").value()};
    out.channel = 7;
    out.text = 26;
    return out;
  };
  const auto lines = [](const log::CapturedLog& log) {
    std::vector<std::string> found;
    for (const auto& line : log.lines())
      if (const auto at = line.find("acknowledgements_withheld"); at != line.npos)
        found.push_back(line.substr(at));
    return found;
  };
  const log::CapturedLog log;
  for (int i = 0; i < 1003; ++i) scene.sender->acknowledge(message("250788000001"));
  CHECK(scene.sender->counters().withheld == 3);
  REQUIRE(scene.round());
  CHECK(scene.offered.size() == 6);
  CHECK(scene.sender->counters().withheld == 997);
  // The thousand are through, and there is room again.
  scene.sender->acknowledge(message("250788000002"));
  REQUIRE(scene.round());
  CHECK(scene.sender->counters().acknowledged == 7);
  CHECK(lines(log).size() == 1);
  for (int i = 0; i < 2; ++i) scene.sender->acknowledge(message("250788000001"));
  scene.now += seconds{59};
  REQUIRE(scene.round());
  CHECK(lines(log).size() == 1);
  scene.now += seconds{1};
  REQUIRE(scene.round());
  const auto said = lines(log);
  REQUIRE(said.size() == 2);
  CHECK(said[0] == "acknowledgements_withheld acknowledgements=997\n");
  CHECK(said[1] == "acknowledgements_withheld acknowledgements=2\n");
}

TEST_CASE("an acknowledgement that is to be offered again does not hold up the end of the relay") {
  Scene scene;
  scene.answer = {429, "text/html", "", {{"Retry-After", "3600"}}, false};
  identity::SendTemplate message{identity::Msisdn::parse("250788000001", "").value()};
  message.channel = 7;
  message.text = 26;
  scene.sender->acknowledge(std::move(message));
  scene.run_until([&] { return scene.sender->counters().not_taken == 1; });
  bool ended = false;
  asio::co_spawn(scene.context, scene.sender->stop(), [&](std::exception_ptr) { ended = true; });
  scene.run_until([&] { return ended; });
  CHECK(scene.offered.size() == 1);
}

TEST_CASE("only templates of the catalogue are acknowledgements, and never a helper's words") {
  Scene scene;
  for (const int text : {0, 31, 77, 255}) {
    identity::SendTemplate message{identity::Msisdn::parse("250788000001", "").value()};
    message.channel = 7;
    message.text = static_cast<std::uint8_t>(text);
    scene.sender->acknowledge(std::move(message));
  }
  identity::SendTemplate no_channel{identity::Msisdn::parse("250788000001", "").value()};
  no_channel.channel = 9;
  no_channel.text = 26;
  scene.sender->acknowledge(std::move(no_channel));
  REQUIRE(scene.round());
  CHECK(scene.offered.empty());
  CHECK(scene.sender->counters().withheld == 5);
}

TEST_CASE("a delivery report finds its reply by a hash, only where the channel asks for them") {
  Scene scene{true};
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  REQUIRE(scene.round());
  const auto url = scene.field("dlr-url");
  const auto at = url.find("?id=");
  REQUIRE(at != url.npos);
  const auto id = url.substr(at + 4, 16);
  CHECK(scene.database.value("SELECT count(*) FROM reply_state WHERE delivery IS NOT NULL") == "1");
  scene.sender->delivered({identity::DeliveryState::delivered, crypto::wiped_copy("another")});
  scene.sender->delivered({identity::DeliveryState::delivered, crypto::wiped_copy(id)});
  REQUIRE(scene.round());
  CHECK(scene.state(reply, "delivery_state") == "3");

  Scene quiet;
  quiet.open_window();
  quiet.submit(ReplyHouse::text(words));
  REQUIRE(quiet.round());
  CHECK(quiet.database.value("SELECT count(*) FROM reply_state WHERE delivery IS NOT NULL") == "0");
}

TEST_CASE("a delivery report that comes before the provider's answer is not lost") {
  Scene scene{true};
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  scene.while_asked = [&scene] {
    const auto url = scene.field("dlr-url");
    scene.sender->delivered({identity::DeliveryState::delivered,
                             crypto::wiped_copy(url.substr(url.find("?id=") + 4, 16))});
  };
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "3");
  CHECK(scene.state(reply, "delivery_state") == "3");
}

TEST_CASE("a provider that refuses our credentials rings, until somebody has changed a file") {
  Scene scene;
  scene.open_window();
  scene.answer = {403, "text/html", "Authorization failed for sendsms", {}, false};
  const auto reply = scene.submit(ReplyHouse::text(words));
  const log::CapturedLog log;
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "1");
  REQUIRE(log.lines().size() == 1);
  CHECK(log.lines()[0].find("channel_stopped channel=7") != std::string::npos);

  // Nothing is offered meanwhile, though the provider would take it by now.
  scene.answer = {202, "text/html", "0: Accepted for delivery", {}, false};
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "1");
  CHECK(scene.reason(reply) == std::to_string(static_cast<int>(Verdict::channel_stopped)));
  CHECK(scene.offered.size() == 1);

  // The folder was read again: somebody has looked at it.
  scene.channels = std::make_shared<const config::SendingChannels>(*scene.channels);
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "3");
}

TEST_CASE("a provider that is not there has taken nothing") {
  Scene scene;
  scene.open_window();
  const auto reply = scene.submit(ReplyHouse::text(words));
  auto all = std::vector<config::SendingChannel>{};
  auto& channel = all.emplace_back();
  channel.number = 7;
  channel.provider = "kannel";
  channel.settings.from = "2020";
  channel.settings.origin = "http://127.0.0.1:1";
  scene.channels = std::make_shared<const config::SendingChannels>(std::move(all));
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "1");
  CHECK(scene.reason(reply) == "20");
}

TEST_CASE("a token is fetched before the first text is marked, and kept until it is nearly over") {
  TokenScene scene;
  scene.hand_out("one", 3600);
  const auto first = scene.reply();
  REQUIRE(scene.round());
  CHECK(scene.asked ==
        std::vector<std::string>{"Username=ishara&Password=word&grant_type=password"});
  CHECK(scene.states == std::vector<std::string>{"-"});
  CHECK(scene.state(first) == "3");
  scene.now += minutes{58};
  scene.reply();
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 1);
  scene.hand_out("two", 3600);
  scene.now += minutes{1};
  scene.reply();
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 2);
  CHECK(scene.tokens == std::vector<std::string>{"Bearer one", "Bearer one", "Bearer two"});
  CHECK(scene.offered.size() == 3);
}

TEST_CASE("texts that wait for a token at the same time ask for one") {
  TokenScene scene;
  scene.hand_out("one", 3600);
  for (const auto* number : {"250788000001", "250788000002", "250788000003"}) {
    identity::SendTemplate message{identity::Msisdn::parse(number, "").value()};
    message.channel = 7;
    message.text = 26;
    scene.sender->acknowledge(std::move(message));
  }
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 1);
  CHECK(scene.tokens == std::vector<std::string>(3, "Bearer one"));
  CHECK(scene.sender->counters().acknowledged == 3);
}

TEST_CASE("while no token can be had nothing of a text leaves, and it is asked for less and less") {
  TokenScene scene;
  scene.token_answer = {503, "text/html", "", {}, false};
  const auto reply = scene.reply();
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "1");
  CHECK(scene.reason(reply) == "20");
  scene.now += seconds{4};
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 1);
  scene.now += seconds{1};
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 2);
  scene.now += seconds{9};
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 2);
  CHECK(scene.tokens.empty());
  CHECK(scene.sender->counters().not_taken == 0);
  scene.hand_out("one", 3600);
  scene.now += seconds{1};
  REQUIRE(scene.round());
  CHECK(scene.state(reply) == "3");
  CHECK(scene.tokens.size() == 1);
}

TEST_CASE("credentials that get no token stop the channel for a while, not the reply") {
  for (const auto& answer :
       {http::Response{401, "application/json", "{\"error\":\"invalid_grant\"}", {}, false},
        http::Response{400, "application/json", "{\"error\":\"invalid_grant\"}", {}, false},
        http::Response{200, "application/json", "{\"error\":\"invalid_grant\"}", {}, false}}) {
    CAPTURE(answer.status);
    TokenScene scene;
    scene.token_answer = answer;
    const auto reply = scene.reply();
    const log::CapturedLog log;
    REQUIRE(scene.round());
    CHECK(scene.reason(reply) == "19");
    CHECK(std::ranges::count_if(log.lines(), [](const auto& line) {
            return line.find("channel_stopped") != line.npos;
          }) == 1);
    scene.hand_out("one", 3600);
    scene.now += minutes{4};
    REQUIRE(scene.round());
    CHECK(scene.asked.size() == 1);
    CHECK(scene.tokens.empty());
    scene.now += minutes{1};
    REQUIRE(scene.round());
    CHECK(scene.state(reply) == "3");
  }
}

TEST_CASE("a token that a text is refused for is fetched anew, once") {
  TokenScene scene;
  scene.hand_out("one", 3600);
  scene.reply();
  REQUIRE(scene.round());
  scene.hand_out("two", 3600);
  scene.refusals = 1;
  const auto later = scene.reply();
  REQUIRE(scene.round());
  CHECK(scene.reason(later) == "20");
  scene.now += seconds{5};
  REQUIRE(scene.round());
  CHECK(scene.state(later) == "3");
  CHECK(scene.tokens == std::vector<std::string>{"Bearer one", "Bearer one", "Bearer two"});
  CHECK(scene.asked.size() == 2);

  scene.refusals = 2;
  const auto never = scene.reply();
  REQUIRE(scene.round());
  scene.now += seconds{5};
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 3);
  CHECK(scene.reason(never) == "19");
  scene.now += minutes{4};
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 3);
  scene.now += minutes{1};
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 4);
  CHECK(scene.state(never) == "3");
  CHECK(scene.offered.size() == 3);
}

TEST_CASE("the token of one account is not used for another") {
  TokenScene scene;
  scene.hand_out("one", 3600);
  scene.reply();
  REQUIRE(scene.round());
  scene.change_account("another");
  scene.hand_out("two", 3600);
  scene.reply();
  REQUIRE(scene.round());
  CHECK(scene.asked.size() == 2);
  CHECK(scene.tokens == std::vector<std::string>{"Bearer one", "Bearer two"});
}

TEST_CASE("a relay that is killed at any moment sends each reply at most once (P14)") {
  Scene scene;
  scene.sender.reset();  // one thread from here on, so that the process may fork
  constexpr int points = 200;
  int asked_points = 0;
  for (int point = 0; point < points; ++point) {
    CAPTURE(point);
    scene.submit(ReplyHouse::text("Reply number " + std::to_string(point) + "."));
    std::fflush(nullptr);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // A relay of its own, which never comes to its end.
      asio::io_context context{1};
      SenderSources sources{[&] { return scene.now; },
                            [&] { return scene.live_epochs; },
                            [&] { return scene.directory; },
                            [&] { return scene.channels; },
                            {},
                            {}};
      Sender sender{context.get_executor(), scene.database.url("ishara_relay"), registry(), packs(),
                    std::move(sources)};
      sender.open_window({identity::Msisdn::parse("250788000001", "").value(), 15});
      asio::co_spawn(context, sender.run(), [](std::exception_ptr) {});
      context.run();
      ::_exit(0);
    }
    // Every fourth dies while the provider has its request in hand, the others at some moment.
    bool over = false;
    const bool in_hand = point % 4 == 0;
    scene.while_asked = [&] {
      if (!in_hand || over) return;
      ::kill(child, SIGKILL);
      over = true;
      ++asked_points;
    };
    asio::steady_timer moment{scene.context};
    moment.expires_after(
        std::chrono::milliseconds{in_hand ? 2000 : static_cast<int>(crypto::random_below(60))});
    moment.async_wait([&](boost::system::error_code error) {
      if (!error) over = true;
    });
    scene.run_until([&] { return over; });
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    moment.cancel();
    // What it had already written to its socket still arrives.
    bool drained = false;
    asio::steady_timer rest{scene.context, std::chrono::milliseconds{1}};
    rest.async_wait([&](boost::system::error_code) { drained = true; });
    scene.run_until([&] { return drained; });
    scene.context.poll();
  }
  auto once = scene.offered;
  std::ranges::sort(once);
  CHECK(std::ranges::adjacent_find(once) == once.end());
  // It has met both ends: replies that arrived, and replies that were lost on the way.
  CHECK(asked_points > 0);
  CHECK(scene.database.value("SELECT count(*) FROM reply_state WHERE state = 4") != "0");
  CHECK(scene.database.value("SELECT count(*) FROM reply_state WHERE state = 3") != "0");
}

}  // namespace ishara::relay
