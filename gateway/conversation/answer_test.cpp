#include "gateway/conversation/answer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/conversation/rules.hpp"
#include "tests/support/menu.hpp"

namespace ishara::conversation {
namespace {

const i18n::Packs& packs() {
  static const i18n::Packs all = i18n::Packs::load(ISHARA_PACKS);
  return all;
}

// `ack.plain` of the channel's language with this ref.
boost::system::result<std::string> acknowledgement(std::string_view language,
                                                   std::string_view ref) {
  Reply reply;
  reply.id = ReplyId::ack_plain;
  Values values;
  values.ref = ref;
  return render(packs(), reply, values, language, "");
}

TEST_CASE("the acknowledgement is the catalogue's text with the ref in it") {
  CHECK(*acknowledgement("en", "4827163305") ==
        "Message received. Ref 4827163305. You can write again at any time.");
  CHECK(*acknowledgement("rw", "4827163305") ==
        "Ubutumwa bwageze. Nomero 4827163305. Ushobora kongera kwandika igihe cyose.");
}

TEST_CASE("nothing but ten digits becomes a ref") {
  for (const char* ref : {"", "482716330", "48271633055", "48271633 5", "482716330x", "٤٨٢٧١"}) {
    CAPTURE(ref);
    CHECK(acknowledgement("en", ref).error() == errc::bad_ref);
  }
}

TEST_CASE("a language without a pack sends nothing, and a forbidden word stops a reply") {
  CHECK(acknowledgement("xx", "4827163305").error() == errc::no_reply);
  i18n::Pack pack = *packs().find("en");
  pack.forbidden.push_back({"message", "received"});
  CHECK(lint(pack, "Message received.") == errc::forbidden_word);
}

Language number(std::string_view tag) {
  return static_cast<Language>(packs().find(tag) - packs().all().data());
}

// `text` with every placeholder at its worst case (conversation.md 1.9, design.md 9.3).
std::string at_longest(const i18n::Pack& pack, const std::string& text) {
  const std::map<std::string_view, std::string> longest = {
      {"ref", std::string(ref_digits, '0')}, {"tel", std::string(12, '0')},
      {"p1", std::string(14, 'a')},          {"p2", std::string(14, 'a')},
      {"p3", std::string(14, 'a')},          {"t", "00:00"},
      {"list", std::string(160, 'a')},       {"lang", pack.name},
      {"text", std::string(160, 'a')}};
  const auto names = i18n::placeholders_of(text);
  REQUIRE(names.has_value());
  std::vector<i18n::Placeholder> filled;
  for (const std::string_view name : *names) {
    CAPTURE(name);
    REQUIRE(longest.contains(name));
    filled.push_back({name, longest.at(name)});
  }
  return *i18n::fill(text, filled);
}

// Pages of the menu are put together of many lines; menu_test.cpp sees to them.
bool is_reply(const i18n::Catalogue::Reply& entry) { return !entry.id.starts_with("ussd."); }

TEST_CASE("every reply of every pack passes the lint at its longest") {
  for (const i18n::Pack& pack : packs().all()) {
    for (const i18n::Catalogue::Reply& reply : pack.catalogue.replies()) {
      if (!is_reply(reply)) continue;
      CAPTURE(pack.tag);
      CAPTURE(reply.id);
      const auto text = at_longest(pack, reply.text);
      CAPTURE(text);
      const auto broken = lint(pack, text);
      CHECK_MESSAGE(!broken, broken.message());
      // A phone that shows its texts to others does so in every language at once.
      CHECK_FALSE(has_forbidden_word(*packs().find("en"), text));
    }
  }
}

// What translators get wrong, made from the English texts at their longest (conversation.md 6.2).
TEST_CASE("the lint finds in pseudo packs what translators get wrong") {
  const i18n::Pack& english = *packs().find("en");
  i18n::Pack unicode = english;
  unicode.encoding = i18n::Encoding::ucs2;
  // en-XA: accents, and a third longer.
  const auto accented = [](std::string_view text) {
    std::string out;
    for (const char c : text) out += c == 'a' ? "á" : c == 'o' ? "ó~" : std::string{c};
    return out + "á" + std::string(text.size() / 3, '~');
  };
  const auto repeated = [](std::string_view character, std::size_t times) {
    std::string out;
    while (times-- > 0) out += character;
    return out;
  };
  std::size_t too_long = 0;
  for (const i18n::Catalogue::Reply& reply : english.catalogue.replies()) {
    if (!is_reply(reply)) continue;
    CAPTURE(reply.id);
    const auto text = at_longest(english, reply.text);
    if (reply.text != "{list}" && reply.text != "{text}") {
      CHECK(lint(english, accented(text)) == errc::not_gsm7);
      if (lint(unicode, accented(text)) == errc::does_not_fit) ++too_long;
    }
    // qps-max: exactly one message passes, one character more does not.
    const auto room = i18n::gsm7_single - i18n::measure(text).units;
    CHECK_FALSE(lint(english, text + repeated("!", room)));
    CHECK(lint(english, text + repeated("!", room + 1)) == errc::does_not_fit);
    // qps-ext: characters of the extension table take two septets each.
    CHECK_FALSE(lint(english, text + repeated("€", room / 2)));
    CHECK(lint(english, text + repeated("€", room / 2 + 1)) == errc::does_not_fit);
    CHECK(lint(english, text + "^{}[]~|") == errc::unfilled_placeholder);
    // A lost value.
    if (reply.text.find('{') != std::string::npos)
      CHECK(lint(english, reply.text) == errc::unfilled_placeholder);
  }
  CHECK(too_long > 10);
  CHECK_FALSE(lint(unicode, repeated("ж", i18n::ucs2_single)));
  CHECK(lint(unicode, repeated("ж", i18n::ucs2_single + 1)) == errc::does_not_fit);
}

TEST_CASE("a forbidden word is found in its script's other forms") {
  struct Row {
    const char* tag;
    const char* text;
    bool forbidden;
  };
  const Row rows[] = {
      {"ar", "اتصل بالشرطة", true},
      {"ar", "الشُّرْطَة هنا", true},  // with vowel signs
      {"ar", "للضحايا", true},
      {"ar", "الشـــرطة", true},  // stretched
      {"ar", "وصلت رسالتك", false},
      {"ur", "پوليس", true},  // typed on an Arabic keyboard
      {"ur", "پولیس کو بتائیں", true},
      {"ur", "Police ko batayen", true},
      {"ru", "ПОЛИЦИЯ", true},
      {"ru", "жёртва", true},
      {"ru", "Сообщение пришло", false},
      {"uz", "ariza yozing", true},
      {"uz", "полиция", true},
      {"uz", "zo‘ravonlik", true},
      {"fr", "La victime", true},
      {"es", "VÍCTIMA", true},
      {"sw", "polisi", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(has_forbidden_word(*packs().find(row.tag), row.text) == row.forbidden);
  }
}

TEST_CASE("each rule of the lint refuses what it forbids") {
  const i18n::Pack& english = *packs().find("en");
  const i18n::Pack& kinyarwanda = *packs().find("rw");
  i18n::Pack russian;
  russian.encoding = i18n::Encoding::ucs2;
  i18n::Pack arabic = russian;
  arabic.traits.script = "Arab";
  struct Row {
    const i18n::Pack& pack;
    std::string text;
    boost::system::error_code expected;
  };
  const Row rows[] = {
      {english, "Message received. Ref 4827163305.", {}},
      {english, std::string(160, 'a'), {}},
      {english, std::string(161, 'a'), errc::does_not_fit},
      {english, std::string(158, 'a') + "€", {}},
      {english, std::string(159, 'a') + "€", errc::does_not_fit},
      {english, "it’s here", errc::not_gsm7},
      {english, "Ref {ref}", errc::unfilled_placeholder},
      {english, "see you }", errc::unfilled_placeholder},
      {english, "mail a@b", errc::looks_like_address},
      {english, "see http://x", errc::looks_like_address},
      {english, "see example.org now", errc::looks_like_address},
      {english, "Tel 0800.Call", errc::looks_like_address},
      {english, "ok 😀", errc::emoji},
      {english, "Your Reports are read", errc::forbidden_word},
      {english, "POLICE", errc::forbidden_word},
      {english, "in any case", errc::forbidden_word},
      {english, "a casement", {}},
      {kinyarwanda, "Icuruzwa ry’abantu", errc::not_gsm7},
      {kinyarwanda, "Icuruzwa ry'abantu", errc::forbidden_word},
      {kinyarwanda, "abantu icuruzwa", {}},
      {russian, "Принято", {}},
      {russian, "Ошибка 😀", errc::emoji},
      {arabic, "رقم 4827163305. 1 نعم 2 لا", {}},
      {arabic, "رقم 4827 163305", errc::broken_number},
      {arabic, "رقم 4827-163305", errc::broken_number},
      {arabic, "هاتف +250", errc::broken_number},
      {english, "call +250 788", {}},
      {russian, std::string(140, 'a') + "ж", errc::does_not_fit},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(lint(row.pack, row.text) == row.expected);
  }
}

constexpr auto last_reply = static_cast<std::uint8_t>(ReplyId::ack_again);

Reply reply(ReplyId id, Language language = number("en")) {
  Reply sent;
  sent.id = id;
  sent.language = language;
  sent.chosen = number("rw");
  sent.range = TimeRange{36, 41};
  return sent;
}

const Values values{.ref = "4827163305",
                    .tel = "080012345678",
                    .regions = {"East", "West", "Kigali"},
                    .text = "Are you well?"};

TEST_CASE("every reply of the conversation is in every catalogue, and nothing else is") {
  const RealMenu menu;
  const auto screens = std::ranges::count_if(
      menu.flow.screens, [](const Flow::Screen& screen) { return !screen.is_end(); });
  const auto menu_texts = static_cast<std::size_t>(screens) + nav_ids.size() + end_count;
  for (std::size_t language = 0; language < packs().all().size(); ++language) {
    for (std::uint8_t id = 1; id <= last_reply; ++id) {
      CAPTURE(packs().all()[language].tag);
      CAPTURE(id_of(static_cast<ReplyId>(id)));
      const auto line = render(packs(), reply(static_cast<ReplyId>(id), Language(language)), values,
                               "en", "they beat her");
      CHECK_MESSAGE(line.has_value(), (line ? "" : line.error().message()));
    }
    CHECK(packs().all()[language].catalogue.replies().size() == last_reply + menu_texts);
  }
}

TEST_CASE("each reply is filled with what it needs") {
  struct Row {
    ReplyId id;
    const char* text;
  };
  const Row rows[] = {
      {ReplyId::ack_urgent,
       "Message received. If it is safe to call, call 080012345678. Ref "
       "4827163305."},
      {ReplyId::q_which, "Which place? 1 East 2 West 3 Kigali 0 Other"},
      {ReplyId::q_which_two, "Which place? 1 East 2 West 0 Other"},
      {ReplyId::lang_list,
       "1 Arabi\n2 English\n3 Español\n4 Francais\n5 Russkiy\n6 Ikinyarwanda\n7 Kiswahili\n8 "
       "Urdu\n9 O'zbekcha"},
      {ReplyId::lang_set, "OK. Ikinyarwanda."},
      {ReplyId::safe_on, "OK. Until 20:30."},
      {ReplyId::st_work, "Ref 4827163305: being worked on."},
      {ReplyId::hum_msg, "Are you well?"},
  };
  for (const Row& row : rows) {
    const auto line = render(packs(), reply(row.id), values, "en", "");
    REQUIRE(line.has_value());
    CHECK(*line == row.text);
  }
  // In the channel's language where no other is known; silence where that has no pack.
  const Reply plain = reply(ReplyId::stop_done, no_language);
  CHECK(*render(packs(), plain, {}, "rw", "") == "Yego. Nta butumwa bundi.");
  CHECK(render(packs(), plain, {}, "xx", "").error() == errc::no_reply);
}

TEST_CASE("a reply with a spoilt value is not sent") {
  const auto error = [](ReplyId id, const Values& spoilt) {
    return render(packs(), reply(id), spoilt, "en", "").error();
  };
  CHECK(error(ReplyId::ack_first, {.ref = "482716330"}) == errc::bad_ref);
  CHECK(error(ReplyId::ack_first, {}) == errc::bad_ref);
  for (const char* tel : {"", "+250788000001", "0800 123456", "0800123456789"}) {
    CAPTURE(tel);
    CHECK(error(ReplyId::info_help, {.tel = tel}) == errc::bad_telephone);
  }
  CHECK(error(ReplyId::q_which, {.regions = {"East", "West", ""}}) ==
        i18n::errc::unknown_placeholder);
  CHECK(error(ReplyId::q_which, {.regions = {"East", "http://x", "West"}}) ==
        errc::looks_like_address);
  CHECK(error(ReplyId::hum_msg, {.text = std::string(161, 'a')}) == errc::does_not_fit);
  CHECK(error(ReplyId::hum_msg, {.text = "Are you well??"}) == errc::question_chain);
  CHECK(error(ReplyId::hum_msg, {.text = "see {ref}"}) == errc::unfilled_placeholder);
  Reply nobody = reply(ReplyId::lang_set);
  nobody.chosen = no_language;
  CHECK(render(packs(), nobody, values, "en", "").error() == i18n::errc::unknown_placeholder);
}

TEST_CASE("no reply quotes the text that it answers, our own words aside") {
  const auto quoted = [](ReplyId id, std::string_view inbound) {
    const auto line = render(packs(), reply(id), values, "en", inbound);
    return !line && line.error() == errc::quotes_the_report;
  };
  CHECK(quoted(ReplyId::q_which, "she is at KIGALI!"));
  CHECK(quoted(ReplyId::q_which, "Kígali"));
  CHECK_FALSE(quoted(ReplyId::q_which, "kigalis"));
  CHECK_FALSE(quoted(ReplyId::q_which, "which place other"));
  CHECK(quoted(ReplyId::hum_msg, "he is not well"));
  CHECK_FALSE(quoted(ReplyId::hum_msg, "are you ok"));
  CHECK_FALSE(quoted(ReplyId::ack_first, "message received, phone 4827163305"));
  CHECK_FALSE(quoted(ReplyId::lang_set, "lang ikinyarwanda"));
}

}  // namespace
}  // namespace ishara::conversation
