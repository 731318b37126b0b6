#include "gateway/identity/message_content.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>

#include "gateway/identity/envelope.hpp"
#include "gateway/identity/ref.hpp"

namespace ishara::identity {
namespace {

static_assert(!std::is_copy_constructible_v<Text>);
static_assert(std::is_nothrow_move_constructible_v<Text>);

TEST_CASE("message content comes back as it went in, byte for byte") {
  using namespace std::chrono;
  for (const std::string text : {"", "help", "\"quoted\" \\ and\nlines", "مساعدة", "помогите 🙏",
                                 "@ £ { € & + %", "\x01\x1f control"}) {
    CAPTURE(text);
    MessageContent content;
    content.at = sys_days{2026y / 1 / 31} + 14h + 5min;
    content.text = Text{text};
    content.category = "DOM";
    content.region = "RW-02.bugesera";
    const auto json = encode(content);
    const auto decoded = decode_message(json);
    REQUIRE(decoded.has_value());
    CHECK(decoded->text.reveal([&](std::string_view back) { return back == text; }));
    CHECK(decoded->at == content.at);
    CHECK(decoded->category == "DOM");
    CHECK(decoded->region == "RW-02.bugesera");
    CHECK(decoded->via == "new");
  }
}

TEST_CASE("the written form is the one that the privacy design shows") {
  using namespace std::chrono;
  MessageContent content;
  content.at = sys_days{2026y / 1 / 31} + 14h + 5min;
  content.text = Text{"help"};
  content.category = "UNC";
  const auto json = encode(content);
  CHECK(
      std::string_view{reinterpret_cast<const char*>(json.data()), json.size()} ==
      R"({"k":"msg","ch":"sms","at":"2026-01-31T14:05Z","via":"new","t":"help","cat":"UNC","reg":""})");
}

TEST_CASE("answers and entities are written only where there are any, and come back") {
  MessageContent content;
  content.kind = "ans";
  content.via = "number";
  content.text = Text{"1"};
  content.entities.push_back({Entity::Kind::plate, Text{"RAB 123 C"}});
  content.entities.push_back({Entity::Kind::number, Text{"250788000002"}});
  content.answers.may_text = true;
  content.answers.unverified = true;
  content.answers.consent_class = 0;
  content.answers.safe = SafeRange{36, 40};
  content.candidates = {"RW-01.gasabo.remera", "RW-02"};
  const auto json = encode(content);
  CHECK(
      std::string_view{reinterpret_cast<const char*>(json.data()), json.size()} ==
      R"({"k":"ans","ch":"sms","at":"1970-01-01T00:00Z","via":"number","t":"1","cat":"","reg":"",)"
      R"("may":["RW-01.gasabo.remera","RW-02"],)"
      R"("ent":[{"k":"plate","v":"RAB 123 C"},{"k":"number","v":"250788000002"}],)"
      R"("yes":{"text":true,"unverified":true,"class":0,"safe":[36,40]}})");
  const auto back = decode_message(json);
  REQUIRE(back.has_value());
  CHECK(back->kind == "ans");
  CHECK(back->answers == content.answers);
  CHECK(back->candidates == content.candidates);
  REQUIRE(back->entities.size() == 2);
  CHECK(back->entities[0].kind == Entity::Kind::plate);
  CHECK(back->entities[1].value.reveal([](auto value) { return value == "250788000002"; }));
}

TEST_CASE("what was chosen from a menu comes back, and nothing that no menu has is read") {
  MessageContent content;
  content.chosen.emplace();
  content.chosen->who = "child";
  content.chosen->danger = "now";
  content.chosen->place = Text{"by the \"lake\""};
  content.chosen->gaps = {"words", "readers"};
  const auto json = encode(content);
  const std::string text{reinterpret_cast<const char*>(json.data()), json.size()};
  const std::string menu =
      R"("menu":{"who":"child","danger":"now","place":"by the \"lake\"","gaps":["words","readers"]})";
  CHECK(text.find(menu) != std::string::npos);
  const auto decoded = decode_message(json);
  REQUIRE(decoded.has_value());
  REQUIRE(decoded->chosen.has_value());
  CHECK(encode(*decoded) == json);
  for (const char* wrong :
       {R"("menu":[])", R"("menu":{"who":"A Child"})", R"("menu":{"danger":""})",
        R"("menu":{"place":""})", R"("menu":{"gaps":[]})", R"("menu":{"gaps":[1]})",
        R"("menu":{"who":"a_word_that_is_too_long"})"}) {
    CAPTURE(wrong);
    auto spoilt = text;
    spoilt.replace(spoilt.find(menu), menu.size(), wrong);
    CHECK_FALSE(decode_message(crypto::bytes_of(spoilt)).has_value());
  }
}

TEST_CASE("answers and entities that nobody could have written are refused") {
  const std::string start =
      R"({"k":"msg","ch":"sms","at":"2026-01-31T14:05Z","via":"new","t":"","cat":"","reg":"")";
  CHECK(decode_message(crypto::bytes_of(start + "}")).has_value());
  for (const std::string end :
       {R"("yes":{})", R"("yes":1)", R"("yes":{"text":1})", R"("yes":{"class":2})",
        R"("yes":{"class":-1})", R"("yes":{"safe":[1]})", R"("yes":{"safe":[0,49]})",
        R"("yes":{"safe":"1"})", R"("yes":{"unverified":0})", R"("ent":{})", R"("ent":[])",
        R"("ent":[1])", R"("may":[])", R"("may":"RW")", R"("may":[1])",
        R"("ent":[{"k":"face","v":""}])", R"("ent":[{"k":"url"}])"}) {
    CAPTURE(end);
    CHECK(!decode_message(crypto::bytes_of(start + "," + end + "}")));
  }
}

TEST_CASE("a note comes back as it went in, and a copy of a reply names it") {
  using namespace std::chrono;
  NoteContent note{.at = sys_days{2026y / 1 / 31} + 14h, .text = Text{"she is \"safe\""}};
  CHECK(decode_note(encode(note))->text.reveal([](std::string_view text) {
    return text == "she is \"safe\"";
  }));
  CHECK(decode_note(encode(note))->at == note.at);
  CHECK_FALSE(decode_note(encode(note))->reply_id.has_value());
  note.reply_id = crypto::Id{1, 2, 3};
  CHECK(decode_note(encode(note))->reply_id == note.reply_id);
  for (const std::string_view json :
       {"", "{}", R"({"k":"note","at":"2026-01-31T14:05Z"})",
        R"({"k":"reply","at":"2026-01-31T14:05Z","t":""})",
        R"({"k":"reply","at":"2026-01-31T14:05Z","t":"","reply":"12"})",
        R"({"k":"note","at":"2026-01-31T14:05Z","t":"","reply":"12"})",
        R"({"k":"msg","at":"2026-01-31T14:05Z","t":""})"}) {
    CAPTURE(json);
    CHECK(!decode_note(crypto::bytes_of(json)));
  }
}

TEST_CASE("what is no message content is refused") {
  for (
      const std::string_view json :
      {"", "[]", "{}", R"({"k":1})",
       R"({"k":"msg","ch":"sms","at":"2026-02-31T14:05Z","via":"new","t":"","cat":"","reg":""})"}) {
    CAPTURE(json);
    CHECK(decode_message(crypto::bytes_of(json)).error() == envelope_errc::refused);
  }
}

TEST_CASE("refs have ten digits, start with 2 to 9, and carry a Damm digit") {
  for (int i = 0; i < 10'000; ++i) {
    const auto ref = Ref::from(crypto::random_bytes<16>());
    REQUIRE(Ref::parse(ref.digits()).has_value());
  }
  CHECK(damm_digit("572") == '4');
  CHECK(damm_digit("4827163") == '3');
}

TEST_CASE("a wrong digit or a swap of neighbours in a ref is always seen") {
  const std::string good = "4821773501";
  REQUIRE(Ref::parse(good).has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (char digit = '0'; digit <= '9'; ++digit) {
      auto wrong = good;
      wrong[i] = digit;
      CHECK(Ref::parse(wrong).has_value() == (wrong == good));
    }
    if (i + 1 < good.size() && good[i] != good[i + 1]) {
      auto swapped = good;
      std::swap(swapped[i], swapped[i + 1]);
      CHECK_FALSE(Ref::parse(swapped).has_value());
    }
  }
  for (const std::string_view bad : {"", "482177350", "48217735011", "48217735x1", "4821 773501"})
    CHECK_FALSE(Ref::parse(bad).has_value());
}

}  // namespace
}  // namespace ishara::identity
