// What a phone sees of its sittings, and what is stored of them (privacy.md 7 and 8).

#include "gateway/intake/sitting.hpp"

#include <algorithm>
#include <regex>
#include <set>

#include "gateway/identity/statement.hpp"
#include "tests/support/gateway.hpp"

namespace ishara::intake {
namespace {

using identity::RelayOp;
using identity::RelayStatus;

constexpr std::string_view phone = "250788000001";

// The same line for every ref.
std::string without_ref(const std::string& line) {
  return std::regex_replace(line, std::regex{"[2-9][0-9]{9}"}, "REF");
}
std::string ref_in(const std::string& line) {
  std::smatch found;
  return std::regex_search(line, found, std::regex{"[2-9][0-9]{9}"}) ? found.str() : "";
}

bool is_for_police(const Gateway& gateway, const storage::Bytes& wraps) {
  const auto& police = gateway.deployment.queue("demo-police");
  for (std::size_t at = 0; at < wraps.size(); at += 192)
    if (identity::wrap_recipient(crypto::View{wraps}.subspan(at, 192)).value().kid == police.kid)
      return true;
  return false;
}

TEST_CASE("the first text of an unknown number is a report whose ref the relay has drawn") {
  Gateway gateway;
  const auto line = gateway.text(phone, "they took my passport");
  CHECK(without_ref(line) ==
        "Message received. Ref REF. OK to write to this phone? 1 Yes 2 No. If no answer, we will "
        "not write again.");
  REQUIRE(gateway.relay.drawn.size() == 1);
  CHECK(ref_in(line) == gateway.relay.drawn[0]);
  REQUIRE(gateway.sink.rows.size() == 1);
  const auto& row = gateway.sink.rows[0];
  const auto record = identity::verify_intake(row.record, gateway.key.public_key);
  REQUIRE(record.has_value());
  CHECK(record->first);
  CHECK(!record->joined_by_number);
  CHECK(record->return_address_digest == identity::envelope_digest(row.retaddr));
  const auto address = gateway.address(row.retaddr, row.report_id);
  REQUIRE(address.has_value());
  CHECK(address->number->reveal([](std::string_view digits) { return digits == phone; }));
  CHECK(address->ref.digits() == gateway.relay.drawn[0]);
  CHECK(address->channel == 1);
  CHECK(!address->may_text);
  CHECK(!address->ref_unverified);
}

TEST_CASE("a later text of a sitting joins its report without a question to the relay") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  gateway.relay.take_asked();
  CHECK(gateway.text(phone, "and they do not pay me").empty());
  CHECK(gateway.relay.take_asked().empty());
  REQUIRE(gateway.sink.texts.size() == 1);
  const auto& text = gateway.sink.texts[0];
  CHECK(text.report_id == gateway.sink.rows[0].report_id);
  CHECK(text.retaddr.empty());
  const auto content = gateway.open(text, "demo-helpers");
  REQUIRE(content.has_value());
  CHECK(content->via == "sitting");
  const auto record = identity::verify_intake(text.record, gateway.key.public_key);
  CHECK(!record->first);
}

TEST_CASE("after an hour a number joins its report, unverified, and gets a fresh ref") {
  Gateway gateway;
  const auto older = older_report(gateway);
  gateway.relay.numbers[std::string{phone}] = older;
  const auto line = gateway.text(phone, "they took my passport");
  CHECK(gateway.sink.rows.empty());
  REQUIRE(gateway.sink.texts.size() == 1);
  const auto& text = gateway.sink.texts[0];
  CHECK(text.report_id == older.report_id);
  const auto record = identity::verify_intake(text.record, gateway.key.public_key);
  REQUIRE(record.has_value());
  CHECK(record->joined_by_number);
  CHECK(!record->first);
  CHECK(gateway.open(text, "demo-helpers")->via == "number");
  const auto address = gateway.address(text.retaddr, text.report_id);
  REQUIRE(address.has_value());
  CHECK(address->ref.digits() == ref_in(line));
  CHECK(address->ref_unverified);

  SUBCASE("and yes by number alone is unverified (P34)") {
    gateway.text(phone, "1");
    REQUIRE(gateway.sink.texts.size() == 2);
    const auto yes = gateway.address(gateway.sink.texts[1].retaddr, older.report_id);
    REQUIRE(yes.has_value());
    CHECK(yes->may_text);
    CHECK(yes->yes_unverified);
  }
  SUBCASE("and consent by number alone is never signed (P34)") {
    CHECK(gateway.text(phone, "SHARE 2").starts_with("Saved, for helpers and authorities."));
    CHECK(gateway.statements.all.empty());
    gateway.text(phone, "they hit us");
    CHECK(!is_for_police(gateway, gateway.sink.texts.back().wraps));
  }
  SUBCASE("and DELETE by number alone does not name the report (P34)") {
    gateway.text(phone, "DELETE");
    const auto& requests = gateway.relay.requests;
    CHECK(std::ranges::none_of(requests, [](const auto& request) {
      return std::holds_alternative<identity::EndByRef>(request);
    }));
    // And asks once: after a stop the relay would not find the reports of the number.
    std::vector<identity::EndKind> ends;
    for (const auto& request : requests)
      if (const auto* end = std::get_if<identity::EndByNumber>(&request)) ends.push_back(end->how);
    CHECK(ends == std::vector{identity::EndKind::erase});
  }
}

TEST_CASE("who is in danger is told a line that somebody has verified, and no other") {
  // It is Friday, 15 January 2027, 8:00 UTC.
  Gateway gateway;
  gateway.learn_helplines(
      "RW,000111,general,yes,always,,en,2027-01-10,A\n"
      "RW,000222,general,yes,always,,rw,2027-01-10,A\n"
      "RW,000999,crisis,yes,always,,en,2027-01-10,A\n"
      "RW-02,000333,general,no,daily 08:00-18:00,UTC+2,en,2027-01-10,A\n"
      "RW-03,000444,general,yes,always,,en,2026-10-16,A\n"
      "RW-05,000555,general,yes,Mon-Thu 00:00-24:00,UTC+2,en,2027-01-10,A\n"
      "KE,000666,general,yes,always,,en,2027-01-10,A\n");
  constexpr std::string_view danger = "they locked us in and beat us";
  struct Example {
    const char* name;
    std::string text;
    std::string_view number;
  };
  const std::vector<Example> examples{
      {"of the region, open now", std::string{danger} + " in Nyamata", "000333"},
      {"of the country, where no place is told", std::string{danger}, "000111"},
      {"of the country, where the near one is verified too long ago",
       std::string{danger} + " in Musanze", "000111"},
      {"of the country, where the near one is closed", std::string{danger} + " in Huye", "000111"},
      {"of the country of the phone, wherever the report is about",
       std::string{danger} + " in Nairobi", "000111"},
      {"of the crisis line for words of self-harm", "I want to die", "000999"},
      {"to whoever asks for help", "HELP", "000111"},
  };
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto& example = examples[i];
    CAPTURE(example.name);
    const auto line = gateway.text("25078800010" + std::to_string(i), example.text);
    CAPTURE(line);
    CHECK(line.find(example.number) != std::string::npos);
  }

  SUBCASE("and a later text of the sitting is answered for the place that an earlier one told") {
    gateway.text(phone, "they took my passport in Nyamata");
    CHECK(gateway.text(phone, danger).find("000333") != std::string::npos);
  }
  SUBCASE("and whoever is answered in another language gets who speaks it") {
    gateway.text(phone, "LANG rw");
    CHECK(gateway.text(phone, danger).find("000222") != std::string::npos);
  }
  SUBCASE("and after NEW that place is forgotten") {
    gateway.text(phone, "they took my passport in Nyamata");
    gateway.text(phone, "NEW");
    CHECK(gateway.text(phone, danger).find("000111") != std::string::npos);
  }
  SUBCASE("and without a line that may be named none is") {
    gateway.learn_helplines(
        "RW,000111,general,yes,always,,en,2026-10-16,A\n"
        "RW,000999,crisis,yes,always,,en,2027-01-10,A\n"
        "RW,000555,general,yes,Mon-Thu 00:00-24:00,UTC+2,en,2027-01-10,A\n");
    const auto line = gateway.text(phone, danger);
    CAPTURE(line);
    CHECK(line.starts_with("Message received and put first. "));
    CHECK(line.find("000") == std::string::npos);
    CHECK(gateway.text("250788000009", "HELP").find("000") == std::string::npos);
  }
}

TEST_CASE("a name of several places is asked about once, by the regions around them") {
  // The demo pack has a Remera in Kigali, one in the north and two in the east.
  Gateway gateway;
  gateway.learn_helplines("RW-02,000222,general,yes,always,,en,2027-01-10,A\n");
  constexpr std::string_view question =
      "Which place? 1 Kigali 2 Eastern Province 3 Northern Province 0 Other";
  const std::vector<std::string> proposed{"RW-01.gasabo.remera", "RW-02", "RW-03.musanze.remera"};
  gateway.text(phone, "they took my passport in Remera");
  const auto first = gateway.open(gateway.sink.rows[0], "demo-helpers");
  CHECK(first->region == "RW");
  CHECK(first->candidates == proposed);
  CHECK(gateway.text(phone, "1") == question);

  SUBCASE("a digit says which, for this text and for those that follow") {
    gateway.text(phone, "2");
    const auto answer = gateway.open(gateway.sink.texts.back(), "demo-helpers");
    CHECK(answer->kind == "ans");
    CHECK(answer->region == "RW-02");
    CHECK(answer->candidates.empty());
    CHECK(gateway.text(phone, "they locked us in and beat us").find("000222") != std::string::npos);
  }
  SUBCASE("another answer leaves the candidates to people, and it is not asked again") {
    for (const std::string_view other : {"0", "near the market"}) {
      CAPTURE(other);
      Gateway again;
      again.text(phone, "they took my passport in Remera");
      again.text(phone, "1");
      CHECK(again.text(phone, std::string{other}) != question);
      const auto answer = again.open(again.sink.texts.back(), "demo-helpers");
      CHECK(answer->region == "RW");
      CHECK(again.text(phone, "it is in Remera") != question);
      CHECK(again.open(again.sink.texts.back(), "demo-helpers")->candidates == proposed);
    }
  }
  SUBCASE("tables that change meanwhile do not change what an answer means") {
    gateway.learn_pack([](std::string_view name, std::string& content) {
      if (name.ends_with("/regions.tsv")) content += "RW-01.gasabo.aa\tRemera\t\n";
    });
    gateway.text(phone, "1");
    CHECK(gateway.open(gateway.sink.texts.back(), "demo-helpers")->region == "RW-01.gasabo.remera");
  }
  SUBCASE("a place that is named meanwhile settles it") {
    gateway.text(phone, "it is in Huye");
    CHECK(gateway.open(gateway.sink.texts.back(), "demo-helpers")->region == "RW-05.huye");
  }
}

TEST_CASE("where the names of the regions do not fit, the place is asked for") {
  Gateway gateway;
  gateway.learn_pack([](std::string_view name, std::string& content) {
    if (name.ends_with("/regions.tsv"))
      content.replace(content.find("Eastern Province"), 16, std::string(150, 'E'));
  });
  gateway.text(phone, "they took my passport in Remera");
  CHECK(gateway.text(phone, "1").starts_with("Thank you. Which town or area?"));
  CHECK(gateway.text(phone, "Nyamata").starts_with("Who may read it?"));
}

TEST_CASE("nothing new is sealed for a queue that is retired") {
  SUBCASE("a new report goes to the queue after it") {
    for (const bool is_retired : {false, true}) {
      CAPTURE(is_retired);
      Gateway gateway{is_retired ? std::set<std::string>{"demo-children"}
                                 : std::set<std::string>{}};
      gateway.text(phone, "the boy works in the mine, child labour");
      REQUIRE(gateway.sink.rows.size() == 1);
      const auto& row = gateway.sink.rows[0];
      CHECK(gateway.open(row, "demo-helpers").has_value() == is_retired);
      CHECK(gateway.open(row, "demo-children").has_value() != is_retired);
    }
  }
  SUBCASE("a text for a report that a retired queue still has is a report of its own") {
    Gateway gateway{{"demo-children"}};
    gateway.relay.numbers[std::string{phone}] = older_report(gateway, "demo-children");
    gateway.text(phone, "they took my passport");
    CHECK(gateway.sink.texts.empty());
    REQUIRE(gateway.sink.rows.size() == 1);
    CHECK(gateway.open(gateway.sink.rows[0], "demo-helpers").has_value());
  }
  SUBCASE("a retired queue of the police gets no copy, whatever the reporter allows") {
    for (const bool is_retired : {false, true}) {
      CAPTURE(is_retired);
      Gateway gateway{is_retired ? std::set<std::string>{"demo-police"} : std::set<std::string>{}};
      auto older = older_report(gateway);
      consent(gateway, older);
      gateway.relay.numbers[std::string{phone}] = older;
      gateway.text(phone, "they took my passport");
      REQUIRE(gateway.sink.texts.size() == 1);
      CHECK(is_for_police(gateway, gateway.sink.texts[0].wraps) != is_retired);
    }
  }
  SUBCASE("where all are retired a text is kept for the last of them: somebody has its key") {
    Gateway gateway{{"demo-helpers", "demo-children", "demo-police"}};
    gateway.text(phone, "they took my passport");
    REQUIRE(gateway.sink.rows.size() == 1);
    CHECK(gateway.open(gateway.sink.rows[0], "demo-helpers").has_value());
  }
}

TEST_CASE("nothing that was stored before shows in an answer, a call or the kinds of rows (P18)") {
  // One script for phones with different pasts. What each sees must be the same but for its ref.
  const std::vector<std::string> script{
      "they took my passport", "CODE", "YES", "nyamata", "STATUS", "STOP", "START", "still here"};
  struct Past {
    const char* name;
    std::function<void(Gateway&)> prepare;
  };
  const std::vector<Past> pasts{
      {"fresh", [](Gateway&) {}},
      {"threaded",
       [](Gateway& gateway) { gateway.relay.numbers[std::string{phone}] = older_report(gateway); }},
      {"class 1",
       [](Gateway& gateway) {
         auto thread = older_report(gateway);
         consent(gateway, thread);
         gateway.relay.numbers[std::string{phone}] = thread;
       }},
      {"closed and with another queue",
       [](Gateway& gateway) {
         auto thread = older_report(gateway, "demo-children");
         thread.stage = 2;
         gateway.relay.numbers[std::string{phone}] = thread;
       }},
  };
  std::vector<std::string> lines;
  std::vector<RelayOp> asked;
  std::size_t rows = 0;
  for (const auto& past : pasts) {
    CAPTURE(past.name);
    Gateway gateway;
    past.prepare(gateway);
    std::vector<std::string> seen;
    for (const auto& words : script) seen.push_back(without_ref(gateway.text(phone, words)));
    std::size_t addresses = 0;
    for (const auto& row : gateway.sink.rows) addresses += !row.retaddr.empty();
    for (const auto& text : gateway.sink.texts) addresses += !text.retaddr.empty();
    const auto stored = 100 * addresses + gateway.sink.rows.size() + gateway.sink.texts.size();
    if (lines.empty()) {
      lines = seen;
      asked = gateway.relay.asked;
      rows = stored;
      CHECK(lines[0].starts_with("Message received. Ref REF."));
      continue;
    }
    CHECK(seen == lines);
    CHECK(gateway.relay.asked == asked);
    CHECK(stored == rows);
  }
}

TEST_CASE("two sittings of one phone begin with the same line") {
  Gateway gateway;
  const auto first = gateway.text(phone, "they took my passport");
  gateway.relay.numbers[std::string{phone}] = older_report(gateway);
  gateway.now += std::chrono::minutes{61};
  const auto second = gateway.text(phone, "they took my passport");
  CHECK(without_ref(first) == without_ref(second));
  CHECK(ref_in(first) != ref_in(second));
}

TEST_CASE("while the relay is away or over its limit every first text is a new report") {
  for (const auto status : {RelayStatus::away, RelayStatus::limited}) {
    Gateway gateway;
    gateway.relay.numbers[std::string{phone}] = older_report(gateway);
    gateway.relay.status = status;
    const auto line = gateway.text(phone, "they took my passport");
    CHECK(line.starts_with("Message received."));
    CHECK(identity::Ref::parse(ref_in(line)).has_value());
    CHECK(gateway.sink.rows.size() == 1);
    CHECK(gateway.sink.texts.empty());
    CHECK(gateway.intake.counters().refs_of_our_own == 1);
    CHECK(gateway.intake.counters().relay_missed == 1);
  }
}

TEST_CASE("in strict mode no number is linked, and the relay still draws the ref") {
  Gateway gateway;
  gateway.relay.numbers[std::string{phone}] = older_report(gateway);
  gateway.relay.strict = true;
  const auto line = gateway.text(phone, "they took my passport");
  CHECK(gateway.relay.take_asked() == std::vector{RelayOp::resolve, RelayOp::fresh});
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(ref_in(line) == gateway.relay.drawn.at(0));
}

TEST_CASE("yes in the report's own sitting may be kept, and opens a window") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  gateway.relay.take_asked();
  CHECK(gateway.text(phone, "1").starts_with("Thank you. Which town"));
  REQUIRE(gateway.sink.texts.size() == 1);
  const auto& text = gateway.sink.texts[0];
  CHECK(gateway.open(text, "demo-helpers")->kind == "ans");
  const auto address = gateway.address(text.retaddr, text.report_id);
  REQUIRE(address.has_value());
  CHECK(address->may_text);
  CHECK(!address->yes_unverified);
  CHECK(!address->ref_unverified);
  CHECK(gateway.relay.take_asked() == std::vector{RelayOp::window});
}

TEST_CASE("consent in the report's own sitting is signed, and later texts go to the police too") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  gateway.text(phone, "SHARE 2");
  REQUIRE(gateway.statements.all.size() == 1);
  const auto statement =
      identity::verify_statement(gateway.statements.all[0], gateway.key.public_key);
  REQUIRE(statement.has_value());
  CHECK(statement->type == identity::StatementType::consent);
  CHECK(statement->consent_class == 1);
  CHECK(statement->report_id == gateway.sink.rows[0].report_id);
  CHECK(statement->previous == crypto::hash16({gateway.sink.rows[0].record}));
  gateway.text(phone, "they hit us");
  CHECK(is_for_police(gateway, gateway.sink.texts.back().wraps));
  const auto record =
      identity::verify_intake(gateway.sink.texts.back().record, gateway.key.public_key);
  CHECK(record->consent_class == 1);
  CHECK(record->copy_queue == gateway.deployment.queue("demo-police").id);

  gateway.text(phone, "SHARE 1");
  CHECK(gateway.statements.all.size() == 2);
  gateway.text(phone, "and again");
  CHECK(!is_for_police(gateway, gateway.sink.texts.back().wraps));
}

TEST_CASE("a consent that cannot be stored is not confirmed") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  gateway.statements.fails = storage::errc::unavailable;
  CHECK(gateway.kannel("id=x&to=2020&from=%2B250788000001&text=SHARE+2").status == 503);
  CHECK(gateway.sink.texts.empty());
  gateway.statements.fails.reset();
  CHECK(gateway.kannel("id=x&to=2020&from=%2B250788000001&text=SHARE+2").status == 200);
  CHECK(gateway.statements.all.size() == 1);
}

TEST_CASE("consent is withdrawn by anybody who has the phone") {
  Gateway gateway;
  auto thread = older_report(gateway);
  consent(gateway, thread);
  gateway.relay.numbers[std::string{phone}] = thread;
  gateway.text(phone, "it goes on");
  CHECK(is_for_police(gateway, gateway.sink.texts.back().wraps));
  gateway.text(phone, "SHARE 1");
  REQUIRE(gateway.statements.all.size() == 1);
  CHECK(identity::verify_statement(gateway.statements.all[0], gateway.key.public_key)
            ->consent_class == 0);
}

TEST_CASE("a relay that names the police without a proof misdirects nothing (P15)") {
  Gateway gateway;
  const auto& police = gateway.deployment.queue("demo-police");
  auto thread = older_report(gateway);
  SUBCASE("as the owner") { thread.owner_queue = police.id; }
  SUBCASE("as the owner, in a class that it claims") {
    thread.owner_queue = police.id;
    thread.consent_class = 1;
  }
  SUBCASE("as a copy of a class that it claims") {
    thread.consent_class = 1;
    thread.police_queue = police.id;
  }
  SUBCASE("with a proof of another report") {
    auto other = older_report(gateway);
    consent(gateway, other);
    thread.consent_class = 1;
    thread.police_queue = police.id;
    thread.proof = other.proof;
  }
  SUBCASE("with a proof that nobody signed") {
    consent(gateway, thread);
    thread.proof[100] ^= 1;
  }
  gateway.relay.numbers[std::string{phone}] = thread;
  gateway.text(phone, "they took my passport");
  gateway.text(phone, "and on");
  for (const auto& row : gateway.sink.rows) CHECK(!is_for_police(gateway, row.wraps));
  for (const auto& text : gateway.sink.texts) CHECK(!is_for_police(gateway, text.wraps));
  CHECK(gateway.sink.rows.size() + gateway.sink.texts.size() == 2);
}

TEST_CASE("a report that was handed to the police with consent stays reachable") {
  Gateway gateway;
  auto thread = older_report(gateway);
  consent(gateway, thread);
  thread.owner_queue = gateway.deployment.queue("demo-police").id;
  gateway.relay.numbers[std::string{phone}] = thread;
  gateway.text(phone, "it goes on");
  REQUIRE(gateway.sink.texts.size() == 1);
  CHECK(gateway.sink.texts[0].queue_id == thread.owner_queue);
  CHECK(gateway.open(gateway.sink.texts[0], "demo-police").has_value());
}

TEST_CASE("after a change of hands the next text of a sitting asks who holds the report") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  auto moved = older_report(gateway, "demo-children");
  moved.report_id = gateway.sink.rows[0].report_id;
  gateway.relay.reports[moved.report_id] = moved;
  gateway.text(phone, "one");
  CHECK(gateway.sink.texts.back().queue_id == gateway.deployment.queue("demo-helpers").id);
  gateway.intake.owner_changes().add(crypto::random_bytes<16>());
  gateway.relay.take_asked();
  gateway.text(phone, "still one");
  CHECK(gateway.relay.take_asked().empty());
  gateway.intake.owner_changes().add(moved.report_id);
  gateway.text(phone, "two");
  CHECK(gateway.relay.take_asked() == std::vector{RelayOp::owner});
  CHECK(gateway.sink.texts.back().queue_id == gateway.deployment.queue("demo-children").id);
  gateway.text(phone, "three");
  CHECK(gateway.relay.take_asked().empty());
}

TEST_CASE("what comes to a report that its people have deleted begins a new one") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  const auto deleted = gateway.sink.rows[0].report_id;
  const auto answered = gateway.text(phone, "one");
  CHECK(gateway.sink.texts.size() == 1);
  gateway.relay.gone = deleted;
  gateway.intake.owner_changes().add(deleted);
  // The phone is told the same as before.
  CHECK(gateway.text(phone, "two") == answered);
  CHECK(gateway.sink.texts.size() == 1);
  REQUIRE(gateway.sink.rows.size() == 2);
  CHECK(gateway.sink.rows[1].report_id != deleted);
  gateway.text(phone, "three");
  REQUIRE(gateway.sink.texts.size() == 2);
  CHECK(gateway.sink.texts[1].report_id == gateway.sink.rows[1].report_id);
}

TEST_CASE("STOP ends the route at the relay before it counts as done") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  gateway.relay.status = RelayStatus::away;
  CHECK(gateway.kannel("id=x&to=2020&from=%2B250788000001&text=STOP").status == 503);
  gateway.relay.status = RelayStatus::done;
  gateway.relay.take_asked();
  const auto response = gateway.kannel("id=x&to=2020&from=%2B250788000001&text=STOP");
  CHECK(response.status == 200);
  CHECK(response.body.empty());
  CHECK(gateway.relay.take_asked() == std::vector{RelayOp::end, RelayOp::window});
}

TEST_CASE("a text that names a verified ref joins its report, whatever phone it comes from") {
  Gateway gateway;
  auto thread = older_report(gateway, "demo-children");
  thread.kind = identity::RefKind::verified;
  const auto ref = identity::Ref::from(crypto::random_bytes<16>());
  gateway.relay.refs[std::string{ref.digits()}] = thread;
  const auto line = gateway.text(phone, "ADD " + std::string{ref.digits()} + " he is back");
  CHECK(line == "Added. Ref " + std::string{ref.digits()} + ".");
  REQUIRE(gateway.sink.texts.size() == 1);
  CHECK(gateway.sink.texts[0].report_id == thread.report_id);
  CHECK(gateway.open(gateway.sink.texts[0], "demo-children")->via == "ref");
  CHECK(!identity::verify_intake(gateway.sink.texts[0].record, gateway.key.public_key)
             ->joined_by_number);
  CHECK(gateway.relay.asked == std::vector{RelayOp::ref});
}

TEST_CASE("an unknown ref is one answer, and the text is kept for triage") {
  Gateway gateway;
  const auto ref = std::string{identity::Ref::from(crypto::random_bytes<16>()).digits()};
  CHECK(gateway.text(phone, "ADD " + ref + " he is back") ==
        "Number not found. Please check it and send again.");
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(gateway.sink.rows[0].retaddr.empty());
}

TEST_CASE("a waiting reply is one line to whoever has the ref") {
  Gateway gateway;
  const auto ref = std::string{identity::Ref::from(crypto::random_bytes<16>()).digits()};
  gateway.relay.replies[ref] = "Can you write at noon?";
  CHECK(gateway.text(phone, "STATUS " + ref).find("Can you write at noon?") != std::string::npos);
  CHECK(gateway.sink.rows.empty());
}

TEST_CASE("whoever asks for help and then writes is told that it arrived") {
  Gateway gateway;
  CHECK(gateway.text(phone, "help").starts_with("Write what happens and where"));
  const auto line = gateway.text(phone, "they took my passport");
  CHECK(without_ref(line) == "Message received. Ref REF. You can write again at any time.");
  CHECK(ref_in(line) == gateway.relay.drawn.at(0));
  CHECK(gateway.text(phone, "they do not pay us").empty());
}

TEST_CASE("the ref of this sitting counts as known before the relay has met it") {
  Gateway gateway;
  const auto ref = ref_in(gateway.text(phone, "they took my passport"));
  CHECK(gateway.text(phone, "STATUS").find("waiting") != std::string::npos);
  CHECK(gateway.text(phone, "STATUS " + ref).find("waiting") != std::string::npos);
}

TEST_CASE("a redelivery within the sitting gets the same line and changes nothing") {
  Gateway gateway;
  const char* first = "id=a&to=2020&from=%2B250788000001&text=they+took+my+passport";
  const char* second = "id=b&to=2020&from=%2B250788000001&text=1";
  const auto one = gateway.kannel(first).body;
  const auto two = gateway.kannel(second).body;
  CHECK(gateway.kannel(first).body == one);
  CHECK(gateway.kannel(second).body == two);
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(gateway.sink.texts.size() == 1);
  CHECK(gateway.intake.counters().duplicates == 2);
}

TEST_CASE("a redelivery from before a restart is told that it arrived, without a ref") {
  Gateway gateway;
  const char* first = "id=a&to=2020&from=%2B250788000001&text=they+took+my+passport";
  gateway.kannel(first);
  gateway.now += std::chrono::minutes{61};  // the sitting is over, as after a restart
  const auto line = gateway.kannel(first).body;
  CHECK(line == "Message received. You can write again at any time.");
  CHECK(gateway.sink.rows.size() == 1);
}

TEST_CASE("a provider that answers nobody has the relay answer") {
  Gateway gateway;
  const std::string body =
      "id=x1&from=%2B250788000001&to=2020&text=help+me+please+they+hit+us&date=2027-01-15T08%3A00%"
      "3A"
      "00Z";
  gateway.send("POST /in/africastalking/" + std::string{secret} +
               " HTTP/1.1\r\nHost: x\r\nContent-Type: "
               "application/x-www-form-urlencoded\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  REQUIRE(!gateway.relay.requests.empty());
  const auto* order = std::get_if<identity::SendTemplate>(&gateway.relay.requests.back());
  REQUIRE(order != nullptr);
  CHECK(order->channel == 2);
  CHECK(order->ref->digits() == gateway.relay.drawn.at(0));
  CHECK(order->number.reveal([](std::string_view digits) { return digits == phone; }));
  CHECK(order->helpline == 0);
  CHECK(order->until == 0);
  CHECK(order->chosen == 0);
}

TEST_CASE("what the answer names goes to the relay as places in tables that it has") {
  Gateway gateway;
  gateway.learn_helplines(
      "KE,000111,general,yes,always,,en,2027-01-10,A\n"
      "RW,000222,general,yes,always,,en,2027-01-10,A\n");
  int id = 0;
  const auto order = [&](std::string_view digits, std::string_view text) {
    gateway.post("africastalking", "", "application/x-www-form-urlencoded",
                 "date=2027-01-15T08%3A00%3A00Z&to=2020&id=o" + std::to_string(++id) + "&from=%2B" +
                     std::string{digits} + "&text=" + std::string{text});
    const auto* sent = std::get_if<identity::SendTemplate>(&gateway.relay.requests.back());
    REQUIRE(sent != nullptr);
    return identity::SendTemplate{identity::Msisdn::parse(phone, "").value(),
                                  sent->channel,
                                  sent->language,
                                  sent->text,
                                  sent->ref,
                                  sent->tables,
                                  sent->helpline,
                                  sent->regions,
                                  sent->until,
                                  sent->chosen};
  };
  CHECK(order(phone, "HELP").helpline == 2);
  CHECK(order(phone, "SAFE+18-20").until == 41);
  const auto language = order(phone, "LANG+rw");
  CHECK(language.chosen > 0);
  CHECK(gateway.intake.knowledge()->packs->all()[language.chosen - 1u].tag == "rw");
  constexpr std::string_view other = "250788000002";
  order(other, "they+took+my+passport+in+Remera");
  const auto which = order(other, "1");
  CHECK(which.text == static_cast<std::uint8_t>(conversation::ReplyId::q_which));
  const auto& gazetteer = gateway.intake.knowledge()->routing->gazetteer;
  std::vector<std::string_view> names;
  for (const auto place : which.regions)
    names.push_back(gazetteer.name(gazetteer.place(place - 1).region));
  CHECK(names == std::vector<std::string_view>{"Kigali", "Eastern Province", "Northern Province"});
}

TEST_CASE("what one phone sends beyond all measure is stored and no more") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  for (std::uint32_t i = 1; i < Sitting::most_texts; ++i) gateway.text(phone, "more");
  CHECK(gateway.intake.counters().parked == 0);
  gateway.relay.take_asked();
  CHECK(gateway.text(phone, "help he kills me now").empty());
  CHECK(gateway.text(phone, "STATUS").empty());
  CHECK(gateway.relay.take_asked().empty());
  CHECK(gateway.intake.counters().parked == 2);
  CHECK(gateway.sink.rows.size() == 1);
  CHECK(gateway.sink.texts.size() == Sitting::most_texts + 1);
  const auto record =
      identity::verify_intake(gateway.sink.texts.back().record, gateway.key.public_key);
  CHECK(!record->urgent);

  CHECK(!gateway.text("250788000002", "they took my passport").empty());
}

TEST_CASE("who takes something back is heard whatever came before") {
  struct Row {
    const char* words;
    std::function<bool(const Gateway&)> heard;
  };
  const auto ended = [](const Gateway& gateway) {
    return std::ranges::count(gateway.relay.asked, RelayOp::end) > 0;
  };
  for (const Row& row : std::vector<Row>{{"STOP", ended},
                                         {"UNSAFE", ended},
                                         {"DELETE", ended},
                                         {"SHARE 1", [](const Gateway& gateway) {
                                            return gateway.statements.all.size() == 1;
                                          }}}) {
    CAPTURE(row.words);
    Gateway gateway;
    gateway.text(phone, "they took my passport");
    for (std::uint32_t i = 0; i < Sitting::most_texts; ++i) gateway.text(phone, "more");
    CHECK(!row.heard(gateway));
    CHECK(gateway.text(phone, row.words).empty());
    CHECK(row.heard(gateway));
  }
}

TEST_CASE("a withdrawal is signed even if no consent is known of") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  gateway.sink.fails = storage::errc::unavailable;
  CHECK(gateway.kannel("id=x&to=2020&from=%2B250788000001&text=SHARE+2").status == 503);
  gateway.sink.fails.reset();
  gateway.text(phone, "SHARE 1");
  REQUIRE(gateway.statements.all.size() == 2);
  CHECK(identity::verify_statement(gateway.statements.all[1], gateway.key.public_key)
            ->consent_class == 0);
}

TEST_CASE("without numbers of the provider only the last text can come a second time") {
  Gateway gateway;
  const auto text = [&](std::string_view words) {
    return gateway.kannel("to=2020&from=%2B250788000001&text=" + std::string{words}).body;
  };
  text("they+took+my+passport");
  text("SHARE+1");
  text("SHARE+2");
  const auto line = text("SHARE+1");
  CHECK(line.starts_with("Saved, for helpers only."));
  CHECK(gateway.statements.all.size() == 3);
  CHECK(text("SHARE+1") == line);  // once more at once: a redelivery
  CHECK(gateway.statements.all.size() == 3);
  CHECK(gateway.sink.texts.size() == 3);
  text("they+hit+us");
  CHECK(!is_for_police(gateway, gateway.sink.texts.back().wraps));
}

TEST_CASE("a redelivery says nothing to a phone that has asked for silence, or much later") {
  const char* first = "id=a&to=2020&from=%2B250788000001&text=they+took+my+passport";
  for (const char* words : {"UNSAFE", "STOP", "DELETE"}) {
    CAPTURE(words);
    Gateway gateway;
    CHECK(!gateway.kannel(first).body.empty());
    gateway.text(phone, words);
    CHECK(gateway.kannel(first).body.empty());
  }
  Gateway gateway;
  gateway.kannel(first);
  gateway.now += std::chrono::minutes{16};
  CHECK(gateway.kannel(first).body.empty());
}

TEST_CASE("a redelivery changes nothing, however many texts came in between") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  const char* share = "id=a&to=2020&from=%2B250788000001&text=SHARE+2";
  gateway.kannel(share);
  gateway.text(phone, "SHARE 1");
  for (int i = 0; i < 30; ++i) gateway.text(phone, "more");
  gateway.kannel(share);
  CHECK(gateway.statements.all.size() == 2);
}

TEST_CASE("whoever asks for silence with the first text is not linked to it") {
  Gateway gateway;
  CHECK(gateway.text(phone, "UNSAFE").empty());
  REQUIRE(gateway.sink.rows.size() == 1);
  CHECK(gateway.sink.rows[0].retaddr.empty());
}

TEST_CASE("two texts of one phone at once are one report, and its text") {
  Gateway gateway;
  std::vector<std::string> both;
  for (const char* id : {"a", "b"})
    both.push_back(Gateway::by_kannel("id=" + std::string{id} +
                                      "&to=2020&from=%2B250788000001&text=they+took+my+passport"));
  gateway.together(both);
  CHECK(gateway.sink.rows.size() == 1);
  REQUIRE(gateway.sink.texts.size() == 1);
  CHECK(gateway.sink.texts[0].report_id == gateway.sink.rows[0].report_id);
}

TEST_CASE("of a hundred texts of one phone at once none is lost and few are waited for") {
  Gateway gateway;
  std::vector<std::string> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(Gateway::by_kannel("id=" + std::to_string(i) +
                                     "&to=2020&from=%2B250788000001&text=they+took+my+passport"));
  for (const auto& response : gateway.together(all)) CHECK(response.status == 200);
  CHECK(gateway.sink.rows.size() + gateway.sink.texts.size() == 100);
  CHECK(gateway.sink.texts.size() == Sitting::most_texts);
}

TEST_CASE("a sitting that ends while a text of it is stored is not brought back") {
  Gateway gateway;
  gateway.text(phone, "they took my passport");
  gateway.now += std::chrono::minutes{59};
  gateway.sink.meanwhile = [&] { gateway.now += std::chrono::minutes{2}; };
  gateway.text(phone, "they hit us");
  gateway.sink.meanwhile = {};
  gateway.relay.take_asked();
  CHECK(gateway.text(phone, "it goes on").starts_with("Message received."));
  CHECK(gateway.relay.take_asked() == std::vector{RelayOp::resolve});
}

TEST_CASE("the own ref of a sitting needs no relay to be known") {
  Gateway gateway;
  const auto ref = ref_in(gateway.text(phone, "they took my passport"));
  gateway.relay.take_asked();
  CHECK(gateway.text(phone, "ADD " + ref + " he is back") == "Added. Ref " + ref + ".");
  CHECK(gateway.relay.take_asked().empty());
  REQUIRE(gateway.sink.texts.size() == 1);
  CHECK(gateway.sink.texts[0].report_id == gateway.sink.rows[0].report_id);
  gateway.text(phone, "DELETE " + ref);
  const auto* end = std::get_if<identity::EndByRef>(&gateway.relay.requests.back());
  REQUIRE(end != nullptr);
  CHECK(end->how == identity::EndKind::erase);
}

TEST_CASE("a flood on one channel is stored and answered, and leaves the relay to the others") {
  Gateway gateway;
  for (int i = 0; i < 150; ++i)
    CHECK(!gateway.text("250788" + std::to_string(100'000 + i), "they took my passport").empty());
  CHECK(std::ranges::count(gateway.relay.take_asked(), RelayOp::resolve) == 100);
  CHECK(gateway.sink.rows.size() == 150);
  gateway.now += std::chrono::seconds{1};
  gateway.text(phone, "they took my passport");
  CHECK(gateway.relay.take_asked() == std::vector{RelayOp::resolve});
}

TEST_CASE("every sitting has sender keys and message keys of its own") {
  Gateway gateway;
  std::set<crypto::Bytes> epks;
  for (int i = 0; i < 20; ++i) gateway.text(phone, "text " + std::to_string(i));
  for (const auto& text : gateway.sink.texts)
    epks.insert({text.wraps.begin() + 56, text.wraps.begin() + 88});
  CHECK(epks.size() == gateway.sink.texts.size());
  CHECK(gateway.sink.texts.size() == 19);
}

}  // namespace
}  // namespace ishara::intake
