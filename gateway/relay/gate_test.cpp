#include "gateway/relay/gate.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/reply_house.hpp"

namespace ishara::relay {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using tests::ReplyHouse;

const i18n::Packs& packs() {
  static const i18n::Packs all = i18n::Packs::load(ISHARA_PACKS);
  return all;
}

// One reply that may leave at once, with every fact at hand to be spoilt.
struct Scene {
  ReplyHouse house;
  std::chrono::sys_seconds now = ReplyHouse::noon;
  identity::IntakeBytes first = house.first_intake();
  std::vector<identity::StatementBytes> statements;
  crypto::Id reply_id = crypto::random_bytes<16>();
  identity::Reply reply = ReplyHouse::text("Thank you. Can you write again tonight?");
  const tests::Person* author = &house.worker;
  bool worker_is_rostered = true;
  std::function<void(identity::ReplyEnvelope&)> spoil;

  bool has_intake = true;
  std::optional<crypto::Id> pinned = identity::origin_of(first);
  bool has_epoch_key = true;
  bool used = false;
  crypto::Id row_report = house.report_id;
  crypto::Id row_reply = reply_id;

  Phone phone{.last_text = now - minutes{5}, .window_until = now + minutes{10}};
  bool has_consent = true;
  Consent consent{.may_text = true, .last_contact = std::chrono::floor<days>(now)};
  std::optional<minutes> utc_offset = minutes{0};

  template <class Use>
  Judgement with(Use use) {
    auto envelope = house.seal(reply, reply_id, *author);
    if (spoil) spoil(envelope);
    const std::vector<crypto::View> views{statements.begin(), statements.end()};
    const auto directory = house.directory(worker_is_rostered);
    const Submitted submitted{.envelope = envelope,
                              .report_id = row_report,
                              .reply_id = row_reply,
                              .first_intake = has_intake ? crypto::View{first} : crypto::View{},
                              .pinned_origin = pinned,
                              .statements = views,
                              .epoch_key = has_epoch_key ? &house.epoch_keys.box : nullptr,
                              .used = used};
    return use(submitted, Around{now, directory, packs()});
  }
  Judgement by_sms() {
    return with([&](const Submitted& submitted, const Around& around) {
      return judge(ReplyBySms{submitted, phone, has_consent ? &consent : nullptr, utc_offset},
                   around);
    });
  }
  Judgement by_pull(bool ref_verified) {
    return with([&](const Submitted& submitted, const Around& around) {
      return judge(ReplyByPull{submitted, ref_verified}, around);
    });
  }
};

struct Row {
  const char* name;
  std::function<void(Scene&)> change;
  Verdict verdict;
};

void check_by_sms(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene;
    row.change(scene);
    CHECK(scene.by_sms().verdict == row.verdict);
  }
}

}  // namespace

TEST_CASE("a good reply in an open window may leave, for as long as the window is open") {
  Scene scene;
  const auto judgement = scene.by_sms();
  CHECK(judgement.verdict == Verdict::allowed);
  CHECK(judgement.validity == minutes{10});
  REQUIRE(judgement.reply.has_value());
  CHECK(judgement.reply->text.reveal([](std::string_view text) { return std::string{text}; }) ==
        "Thank you. Can you write again tonight?");
}

TEST_CASE("only the people of the queue that holds the report reply, and only once (P13)") {
  const std::vector<Row> rows{
      {"no signature",
       [](Scene& s) {
         s.spoil = [](auto& envelope) { std::fill(envelope.end() - 64, envelope.end(), 0); };
       },
       Verdict::not_genuine},
      {"a stranger", [](Scene& s) { s.author = &s.house.stranger; }, Verdict::not_genuine},
      {"another queue", [](Scene& s) { s.author = &s.house.colleague; }, Verdict::not_the_owner},
      {"revoked", [](Scene& s) { s.worker_is_rostered = false; }, Verdict::not_genuine},
      {"somebody who has left (P26)",
       [](Scene& s) {
         s.worker_is_rostered = false;
         s.house.former = {{s.house.worker.id, s.house.worker.key.public_key}};
       },
       Verdict::not_the_owner},
      {"expired", [](Scene& s) { s.reply.not_after = ReplyHouse::hour_of(s.now) - 1; },
       Verdict::expired},
      {"replay", [](Scene& s) { s.used = true; }, Verdict::used},
      {"wrong subject", [](Scene& s) { s.row_report = crypto::random_bytes<16>(); },
       Verdict::not_genuine},
      {"wrong id", [](Scene& s) { s.row_reply = crypto::random_bytes<16>(); },
       Verdict::not_genuine},
      {"old epoch", [](Scene& s) { s.has_epoch_key = false; }, Verdict::key_gone},
      {"another epoch's key",
       [](Scene& s) {
         const auto keys = identity::epoch_keys(crypto::random_secret<32>());
         s.house.epoch_keys.box.public_key = keys.box.public_key;
       },
       Verdict::not_genuine},
      {"helpers only, written by the police", [](Scene& s) { s.author = &s.house.officer; },
       Verdict::police_unasked},
      {"helpers only, given to the police all the same",
       [](Scene& s) {
         s.statements.push_back(s.house.transfer(s.first, s.house.station));
         s.author = &s.house.officer;
       },
       Verdict::police_unasked},
      {"the former owner",
       [](Scene& s) { s.statements.push_back(s.house.transfer(s.first, s.house.children)); },
       Verdict::not_the_owner},
      {"an unverified yes that nobody confirmed", [](Scene& s) { s.consent.yes_unverified = true; },
       Verdict::unverified_yes},
      {"an altered byte", [](Scene& s) { s.spoil = [](auto& envelope) { envelope[300] ^= 1; }; },
       Verdict::not_genuine},
      {"no such report", [](Scene& s) { s.has_intake = false; }, Verdict::report_unknown},
      {"another report under this id", [](Scene& s) { s.pinned = crypto::random_bytes<16>(); },
       Verdict::report_unknown},
      {"withdrawn", [](Scene& s) { s.statements.push_back(s.house.withdrawal(s.first)); },
       Verdict::withdrawn},
  };
  check_by_sms(rows);
  for (const auto& row : rows) {
    CAPTURE(row.name);
    if (row.verdict == Verdict::unverified_yes) continue;
    for (const bool ref_verified : {true, false}) {
      Scene scene;
      scene.reply.release_to_unverified_refs = true;
      row.change(scene);
      CHECK(scene.by_pull(ref_verified).verdict == row.verdict);
      CHECK(then(row.verdict) == Then::never);
    }
  }
}

TEST_CASE("whoever the report was given to replies: the new owner, and with consent the police") {
  Scene scene;
  scene.statements.push_back(scene.house.transfer(scene.first, scene.house.children));
  scene.author = &scene.house.colleague;
  CHECK(scene.by_sms().verdict == Verdict::allowed);

  Scene police;
  police.statements = {police.house.consent(police.first),
                       police.house.transfer(police.first, police.house.station)};
  police.author = &police.house.officer;
  CHECK(police.by_sms().verdict == Verdict::allowed);
}

TEST_CASE("a reply waits, or is kept to be fetched, for one reason that it is told by") {
  check_by_sms({
      {"to be fetched", [](Scene& s) { s.reply.mode = identity::ReplyMode::pull; },
       Verdict::fetch_only},
      {"no number", [](Scene& s) { s.has_consent = false; }, Verdict::no_number},
      {"no yes", [](Scene& s) { s.consent.may_text = false; }, Verdict::no_number},
      {"no thread any more", [](Scene& s) { s.pinned.reset(); }, Verdict::no_number},
      {"a robot", [](Scene& s) { s.phone.robot = true; }, Verdict::robot},
      {"silent", [](Scene& s) { s.consent.last_contact -= days{90}; }, Verdict::silent},
      {"nearly silent", [](Scene& s) { s.consent.last_contact -= days{89}; }, Verdict::allowed},
      {"two messages", [](Scene& s) { s.reply.text = identity::Text{std::string(161, 'a')}; },
       Verdict::too_long},
      {"one message", [](Scene& s) { s.reply.text = identity::Text{std::string(160, 'a')}; },
       Verdict::allowed},
      {"a forbidden word", [](Scene& s) { s.reply.text = identity::Text{"The police will come"}; },
       Verdict::breaks_a_rule},
      {"a forbidden word of another language",
       [](Scene& s) { s.reply.text = identity::Text{"Polisi iraza"}; }, Verdict::breaks_a_rule},
      {"an address", [](Scene& s) { s.reply.text = identity::Text{"see help.example"}; },
       Verdict::breaks_a_rule},
      {"an emoji", [](Scene& s) { s.reply.text = identity::Text{"Thank you \U0001F600"}; },
       Verdict::breaks_a_rule},
      {"a chain of question marks", [](Scene& s) { s.reply.text = identity::Text{"Where? ?"}; },
       Verdict::breaks_a_rule},
      {"no window", [](Scene& s) { s.phone.window_until = s.now; }, Verdict::no_window},
      {"a window that closes", [](Scene& s) { s.phone.window_until = s.now + seconds{59}; },
       Verdict::no_window},
      {"a window that just does not", [](Scene& s) { s.phone.window_until = s.now + seconds{60}; },
       Verdict::allowed},
      {"a second reply to one text", [](Scene& s) { s.phone.last_reply = s.now - minutes{4}; },
       Verdict::answered},
      {"a reply to the text before", [](Scene& s) { s.phone.last_reply = s.now - minutes{6}; },
       Verdict::allowed},
      {"a second reply in a safe hour",
       [](Scene& s) {
         s.phone.last_text = s.now - minutes{20};
         s.phone.window_until = s.now + minutes{40};
         s.phone.last_reply = s.now - minutes{10};
       },
       Verdict::allowed},
      {"a hurried one",
       [](Scene& s) {
         s.phone.last_text = s.now - minutes{20};
         s.phone.window_until = s.now + minutes{40};
         s.phone.last_reply = s.now - minutes{9};
       },
       Verdict::answered},
      {"six this hour", [](Scene& s) { s.phone.sent_this_hour = 6; }, Verdict::too_many},
      {"twenty today", [](Scene& s) { s.phone.sent_this_day = 20; }, Verdict::too_many},
      {"five and nineteen",
       [](Scene& s) {
         s.phone.sent_this_hour = 5;
         s.phone.sent_this_day = 19;
       },
       Verdict::allowed},
      {"no channel", [](Scene& s) { s.phone.channel_ready = false; }, Verdict::channel_stopped},
      {"an unverified yes that she confirms",
       [](Scene& s) {
         s.consent.yes_unverified = true;
         s.reply.confirms_unverified_yes = true;
       },
       Verdict::allowed},
  });
}

TEST_CASE("a safe range of hours opens a window each day for a week, in the phone's own time") {
  struct {
    const char* name;
    identity::SafeRange range;
    std::optional<minutes> offset;
    days since;
    seconds left;  // 0: closed
  } const rows[] = {
      {"inside", {22, 26}, minutes{0}, days{0}, hours{1}},
      {"before", {25, 26}, minutes{0}, days{0}, seconds{0}},
      {"at its start", {24, 26}, minutes{0}, days{0}, hours{1}},
      {"at its end", {22, 24}, minutes{0}, days{0}, seconds{0}},
      {"over midnight, before it", {20, 4}, minutes{0}, days{0}, hours{14}},
      {"over midnight, after it", {46, 26}, minutes{0}, days{0}, hours{1}},
      {"two hours east", {28, 29}, minutes{120}, days{0}, minutes{30}},
      {"west over midnight", {46, 48}, minutes{-750}, days{0}, minutes{30}},
      {"no local time known", {22, 26}, std::nullopt, days{0}, seconds{0}},
      {"a week old", {22, 26}, minutes{0}, days{7}, hours{1}},
      {"older", {22, 26}, minutes{0}, days{8}, seconds{0}},
      {"no hours at all", {24, 24}, minutes{0}, days{0}, seconds{0}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene;
    scene.phone.window_until = {};
    scene.phone.last_text = {};
    scene.consent.safe = row.range;
    scene.consent.last_contact -= row.since;
    scene.utc_offset = row.offset;
    const auto judgement = scene.by_sms();
    CHECK(judgement.verdict == (row.left > seconds{0} ? Verdict::allowed : Verdict::no_window));
    CHECK(judgement.validity == row.left);
  }
}

TEST_CASE("a verified ref fetches every good reply, an unverified one only what was released") {
  Scene scene;
  CHECK(scene.by_pull(true).verdict == Verdict::allowed);
  CHECK(scene.by_pull(false).verdict == Verdict::unverified_ref);
  scene.reply.release_to_unverified_refs = true;
  CHECK(scene.by_pull(false).verdict == Verdict::allowed);
  // Whatever keeps it from the phone.
  scene.has_consent = false;
  scene.phone.window_until = {};
  scene.reply.text = identity::Text{std::string(480, 'a')};
  CHECK(scene.by_pull(true).verdict == Verdict::allowed);
  scene.reply.text = identity::Text{std::string(400, 'a') + " police"};
  CHECK(scene.by_pull(true).verdict == Verdict::breaks_a_rule);
}

TEST_CASE("an acknowledgement leaves within 15 minutes, within the limits, by the rules") {
  const ReplyHouse house;
  const auto directory = house.directory();
  const auto now = ReplyHouse::noon;
  const auto judged = [&](std::string_view text, const Phone& phone, minutes age) {
    return judge(Acknowledgement{text, *packs().find("en"), phone, now - age},
                 Around{now, directory, packs()});
  };
  const Phone phone;
  CHECK(judged("Message received.", phone, minutes{0}).verdict == Verdict::allowed);
  CHECK(judged("Message received.", phone, minutes{4}).validity == minutes{11});
  CHECK(judged("Message received.", phone, minutes{15}).verdict == Verdict::no_window);
  CHECK(judged("Message received.", Phone{.robot = true}, minutes{0}).verdict == Verdict::robot);
  CHECK(judged("Message received.", Phone{.sent_this_hour = 6}, minutes{0}).verdict ==
        Verdict::too_many);
  CHECK(judged("Message received.", Phone{.channel_ready = false}, minutes{0}).verdict ==
        Verdict::channel_stopped);
  CHECK(judged("Call the police.", phone, minutes{0}).verdict == Verdict::breaks_a_rule);
  CHECK(judged(std::string(161, 'a'), phone, minutes{0}).verdict == Verdict::too_long);
}

}  // namespace ishara::relay
