#pragma once
// A gateway for tests: the main path between a memory of rows and a relay that does as it is told,
// with the demo routing and rosters of its own.

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "gateway/http/parse.hpp"
#include "gateway/identity/intake_record.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/ownership.hpp"
#include "gateway/intake/intake.hpp"

namespace ishara::intake {

namespace fs = std::filesystem;
inline const fs::path source{ISHARA_SOURCE_DIR};
inline constexpr std::string_view secret = "0123456789012345678901234567890123456789012";

// Keeps what is appended; recognises repeats as the database does.
class MemorySink final : public storage::IntakeSink {
 public:
  std::vector<storage::Intake> rows;
  std::vector<storage::LaterText> texts;
  std::optional<storage::errc> fails;
  std::function<void()> meanwhile;  // happens while a row is on its way to the disk
  bool holds = false;               // every row, until it is released

  asio::awaitable<storage::result<storage::Appended>> append(storage::Intake intake) override {
    co_await commit();
    co_return keep(rows, std::move(intake));
  }
  asio::awaitable<storage::result<storage::Appended>> append(storage::LaterText text) override {
    co_await commit();
    co_return keep(texts, std::move(text));
  }

  void release() {
    holds = false;
    for (const auto& row : held_) row->cancel();
    held_.clear();
  }

 private:
  // Others get their turn before it is done.
  asio::awaitable<void> commit() {
    for (int i = 0; i < 3; ++i) co_await asio::post(asio::use_awaitable);
    if (holds) {
      const auto executor = co_await asio::this_coro::executor;
      const auto row =
          std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
      held_.push_back(row);
      boost::system::error_code released;
      co_await row->async_wait(asio::redirect_error(asio::use_awaitable, released));
    }
    if (meanwhile) meanwhile();
  }
  template <class Row>
  storage::result<storage::Appended> keep(std::vector<Row>& stored, Row row) {
    if (fails) return make_error_code(*fails);
    const auto [first, is_new] = answers_.emplace(row.dedupe, row.answer_class);
    if (is_new) stored.push_back(std::move(row));
    return storage::Appended{.duplicate = !is_new, .answer_class = first->second};
  }

  std::map<storage::Id, std::int16_t> answers_;  // one space of hashes for both kinds
  std::vector<std::shared_ptr<asio::steady_timer>> held_;
};

// A relay that knows what the test tells it, and notes what it is asked.
class FakeRelay final : public Relay {
 public:
  std::map<std::string, identity::ThreadAnswer> numbers;  // by digits; absent: not found
  std::map<std::string, identity::ThreadAnswer> refs;
  std::map<crypto::Id, identity::ThreadAnswer> reports;
  std::optional<crypto::Id> gone;              // a report that its people have deleted
  std::map<std::string, std::string> replies;  // that wait, by ref
  identity::RelayStatus status = identity::RelayStatus::done;
  bool strict = false;
  std::vector<identity::RelayOp> asked;
  std::vector<identity::RelayRequest> requests;
  std::vector<std::string> drawn;  // the refs that were handed out

  asio::awaitable<identity::RelayAnswer> ask(identity::RelayRequest request) override {
    identity::RelayAnswer out;
    out.op = identity::op_of(request);
    out.status = status;
    asked.push_back(out.op);
    if (strict && out.op == identity::RelayOp::resolve) out.status = identity::RelayStatus::strict;
    const auto* report = std::get_if<identity::ResolveReport>(&request);
    if (report && report->report_id == gone) out.status = identity::RelayStatus::gone;
    if (out.status == identity::RelayStatus::done) answer(request, out.body);
    requests.push_back(std::move(request));
    co_return out;
  }

  // What was asked since the last call.
  std::vector<identity::RelayOp> take_asked() { return std::exchange(asked, {}); }

 private:
  identity::Ref draw() {
    const auto ref = identity::Ref::from(crypto::random_bytes<16>());
    drawn.emplace_back(ref.digits());
    return ref;
  }
  template <class Key>
  static identity::ThreadAnswer find(const std::map<Key, identity::ThreadAnswer>& known,
                                     const Key& key) {
    const auto found = known.find(key);
    return found == known.end() ? identity::ThreadAnswer{} : found->second;
  }
  void answer(const identity::RelayRequest& request, identity::RelayBody& body) {
    if (const auto* resolve = std::get_if<identity::ResolveNumber>(&request)) {
      auto thread =
          find(numbers,
               resolve->number.reveal([](std::string_view digits) { return std::string{digits}; }));
      thread.unused_ref = draw();
      body = thread;
    } else if (const auto* by_ref = std::get_if<identity::ResolveRef>(&request)) {
      body = find(refs, std::string{by_ref->ref.digits()});
    } else if (const auto* report = std::get_if<identity::ResolveReport>(&request)) {
      body = find(reports, report->report_id);
    } else if (std::holds_alternative<identity::FreshRef>(request)) {
      body = identity::FreshAnswer{draw()};
    } else if (const auto* pull = std::get_if<identity::PullReply>(&request)) {
      identity::PullAnswer pulled;
      const auto waiting = replies.find(std::string{pull->ref.digits()});
      pulled.found = waiting != replies.end();
      if (pulled.found) pulled.text = identity::Text{waiting->second};
      body = std::move(pulled);
    }
  }
};

class FakeStatements final : public Statements {
 public:
  std::vector<identity::StatementBytes> all;
  std::optional<storage::errc> fails;
  asio::awaitable<storage::result<void>> put(identity::StatementBytes statement,
                                             crypto::Id) override {
    if (fails) co_return make_error_code(*fails);
    all.push_back(statement);
    co_return boost::system::in_place_value;
  }
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

// What a test changes of the demo pack, in which it finds no helplines: called for each file.
using Edit = std::function<void(std::string_view name, std::string& content)>;

inline std::shared_ptr<const routing::Snapshot> demo_routing(const Edit& edit = {}) {
  Files files;
  files.add(source / "ops/packs/rw-demo");
  for (auto& [name, content] : files.all) {
    if (name.ends_with("/helplines.csv")) content.erase(content.find('\n') + 1);
    if (edit) edit(name, content);
  }
  files.add(source / "i18n/packs/en");
  files.add(source / "i18n/packs/rw");
  std::vector<routing::PackFile> views;
  for (const auto& [name, content] : files.all) views.push_back({name, content});
  auto loaded = routing::load(views);
  REQUIRE(loaded.mistakes.empty());
  return loaded.snapshot;
}

// How long the rosters let the gateway sign, and whether they name it at all.
struct GatewayKey {
  std::optional<std::uint32_t> until;
  bool is_named = true;
};

// One deployment with the queues of the demo pack, whose seeds the test keeps. Some may be retired.
struct Deployment {
  bool started = (crypto::start(), true);  // before the first key
  std::map<std::string, crypto::Secret<32>> seeds;
  crypto::SigningKey gateway = crypto::signing_key(crypto::random_secret<32>());
  crypto::SigningKey relay = crypto::signing_key(crypto::random_secret<32>());
  identity::EpochKeys epoch = identity::epoch_keys(crypto::random_secret<32>());
  std::shared_ptr<const identity::Directory> directory;

  explicit Deployment(const std::set<std::string>& retired = {}, const GatewayKey& own = {}) {
    const auto root = crypto::signing_key(crypto::random_secret<32>());
    identity::RootRoster root_roster;
    root_roster.services = {{relay.public_key, "relay"}};
    if (own.is_named) root_roster.services.push_back({gateway.public_key, "gateway", own.until});
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
        roster.queues.back().retired = retired.contains(name);
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

inline std::shared_ptr<const conversation::Flow> menu() {
  return std::make_shared<const conversation::Flow>(
      conversation::load_flow(ISHARA_PACKS, i18n::Packs::load(ISHARA_PACKS)));
}

inline config::Channel channel(std::uint8_t number, std::string provider, bool allow_get) {
  config::Channel out;
  out.number = number;
  out.name = provider;
  out.provider = std::move(provider);
  out.language = "en";
  out.allow_get = allow_get;
  out.settings.country = "RW";
  out.secrets = {crypto::hash32({crypto::bytes_of(secret)})};
  return out;
}

struct Gateway {
  aggregators::Registry registry;
  MemorySink sink;
  FakeRelay relay;
  FakeStatements statements;
  Deployment deployment;
  crypto::SigningKey& key = deployment.gateway;
  std::chrono::sys_seconds now{std::chrono::seconds{1'800'000'000}};
  std::function<void()> answered = [] {};         // happens when an answer leaves
  std::chrono::steady_clock::time_point watch{};  // by which answers are late
  Intake intake;

  explicit Gateway(const std::set<std::string>& retired = {}, const GatewayKey& own = {},
                   std::chrono::milliseconds patience = Joining::usual_patience,
                   std::chrono::milliseconds dialogue_patience = screen_patience,
                   bool allow_get = true)
      : deployment{retired, own},
        intake{{registry, sink, relay, statements, patience, dialogue_patience,
                [this] { return watch; }},
               {copy_of(key), {crypto::random_secret<32>()}},
               [this] { return now; }} {
    std::vector<config::Channel> channels;
    channels.push_back(channel(1, "kannel", allow_get));
    channels.push_back(channel(2, "africastalking", allow_get));
    channels.push_back(channel(3, "infobip", allow_get));
    channels.push_back(channel(4, "hubtel", allow_get));
    const auto epoch = identity::epoch_at(now);
    intake.learn(std::make_shared<const Knowledge>(
        Knowledge{.packs = std::make_shared<const i18n::Packs>(i18n::Packs::load(ISHARA_PACKS)),
                  .menu = menu(),
                  .channels = std::make_shared<const config::Channels>(std::move(channels)),
                  .routing = demo_routing(),
                  .directory = deployment.directory,
                  .epochs = {{.epoch = epoch,
                              .not_before = std::uint64_t{epoch} * identity::epoch_seconds,
                              .not_after = std::uint64_t{epoch + 1} * identity::epoch_seconds,
                              .key = deployment.epoch.box.public_key}}}));
  }

  static crypto::SigningKey copy_of(const crypto::SigningKey& from) {
    return {from.public_key, crypto::Secret<64>{from.secret_key.reveal()}};
  }

  void learn_pack(const Edit& edit) {
    auto knowledge = *intake.knowledge();
    knowledge.routing = demo_routing(edit);
    intake.learn(std::make_shared<const Knowledge>(std::move(knowledge)));
  }
  // The demo pack, now with these rows as its helplines.
  void learn_helplines(std::string_view rows) {
    learn_pack([&](std::string_view name, std::string& content) {
      if (name.ends_with("/helplines.csv")) content += rows;
    });
  }

  // A second passes.
  void store_unfinished() {
    intake.end_second();
    asio::io_context context;
    asio::co_spawn(context, intake.store_unfinished(),
                   [](const std::exception_ptr& error) { CHECK(!error); });
    context.run();
  }

  http::Response send(std::string_view raw) { return std::move(together({std::string{raw}})[0]); }

  // All at once.
  std::vector<http::Response> together(const std::vector<std::string>& raws) {
    asio::io_context context;
    std::vector<http::Response> responses(raws.size());
    for (std::size_t i = 0; i < raws.size(); ++i) {
      auto request = http::parse_request(raws[i], 65536);
      REQUIRE(request.has_value());
      if (auto refusal = intake.admit(*request)) {
        responses[i] = std::move(*refusal);
        continue;
      }
      asio::co_spawn(context, intake.handle(std::move(*request)),
                     [&responses, i, this](std::exception_ptr error, http::Response answer) {
                       if (error) std::rethrow_exception(error);
                       responses[i] = std::move(answer);
                       answered();
                     });
    }
    context.run();
    return responses;
  }

  static std::string by_kannel(std::string_view query) {
    return "GET /in/kannel/" + std::string{secret} + "?" + std::string{query} +
           " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  http::Response kannel(std::string_view query) { return send(by_kannel(query)); }

  // A body that the provider posts to its channel; `kind` is "" or "/dlr".
  http::Response post(std::string_view provider, std::string_view kind, std::string_view type,
                      std::string_view body) {
    std::string raw = "POST /in/";
    raw.append(provider).append("/").append(secret).append(kind).append(" HTTP/1.1\r\nHost: x\r\n");
    raw.append("Content-Type: ").append(type).append("\r\nContent-Length: ");
    raw.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return send(raw);
  }

  // A text of this phone, as Kannel brings it; returns the line that goes back.
  std::string text(std::string_view digits, std::string_view words) {
    std::string query =
        "id=t" + std::to_string(++texts_) + "&to=2020&coding=0&charset=UTF-8&from=%2B";
    query += digits;
    query += "&text=";
    for (const char c : words) {
      constexpr std::string_view hex = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      query += {'%', hex[byte >> 4], hex[byte & 15]};
    }
    const auto response = kannel(query);
    CHECK(response.status == 200);
    return response.body;
  }

  // What a RETADDR says to the relay.
  boost::system::result<identity::ReturnAddress> address(const storage::Bytes& retaddr,
                                                         const crypto::Id& report) const {
    return identity::open_return_address(retaddr, report, identity::epoch_at(now),
                                         deployment.epoch.box);
  }

  // Opens a row as a member of `queue` would: signature, digest, wrap, commitment, text.
  template <class Row>
  boost::system::result<identity::MessageContent> open(const Row& row, const std::string& queue) {
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

 private:
  int texts_ = 0;
};

// An older report of this deployment, as the relay tells of it.
inline identity::ThreadAnswer older_report(const Gateway& gateway,
                                           const char* queue = "demo-helpers") {
  identity::ThreadAnswer thread;
  thread.found = true;
  thread.kind = identity::RefKind::unverified;
  thread.report_id = crypto::random_bytes<16>();
  thread.origin = crypto::random_bytes<16>();
  thread.owner_queue = gateway.deployment.queue(queue).id;
  return thread;
}

// Makes the relay show a consent to the police that a gateway has signed for this report.
inline void consent(const Gateway& gateway, identity::ThreadAnswer& thread) {
  identity::Statement statement;
  statement.type = identity::StatementType::consent;
  statement.consent_class = 1;
  statement.hour = 1;
  statement.report_id = thread.report_id;
  statement.previous = thread.origin;
  const auto bytes = identity::sign_statement(statement, gateway.key);
  std::ranges::copy(bytes, thread.proof.begin());
  thread.consent_class = 1;
  thread.police_queue = gateway.deployment.queue("demo-police").id;
}

}  // namespace ishara::intake
