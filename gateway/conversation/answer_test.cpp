#include "gateway/conversation/answer.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>

namespace ishara::conversation {
namespace {

const i18n::Packs& packs() {
  static const i18n::Packs all = i18n::Packs::load(ISHARA_PACKS);
  return all;
}

TEST_CASE("the acknowledgement is the catalogue's text with the ref in it") {
  CHECK(*acknowledgement(*packs().find("en"), "4827163305") ==
        "Message received. Ref 4827163305. You can write again at any time.");
  CHECK(*acknowledgement(*packs().find("rw"), "4827163305") ==
        "Ubutumwa bwageze. Nomero 4827163305. Ushobora kongera kwandika igihe cyose.");
}

TEST_CASE("nothing but ten digits becomes a ref") {
  for (const char* ref : {"", "482716330", "48271633055", "48271633 5", "482716330x", "٤٨٢٧١"}) {
    CAPTURE(ref);
    CHECK(acknowledgement(*packs().find("en"), ref).error() == errc::bad_ref);
  }
}

TEST_CASE("a pack without the reply, or with a spoilt one, sends nothing") {
  i18n::Pack pack;
  pack.tag = "en";
  CHECK(acknowledgement(pack, "4827163305").error() == errc::no_reply);
  pack = *packs().find("en");
  pack.forbidden.push_back({"message", "received"});
  CHECK(acknowledgement(pack, "4827163305").error() == errc::forbidden_word);
}

// The worst case that each placeholder may be filled with (conversation.md 1.9, design.md 9.3).
const std::map<std::string_view, std::string> longest = {
    {"ref", std::string(ref_digits, '0')}, {"tel", std::string(12, '0')},
    {"p1", std::string(14, 'a')},          {"p2", std::string(14, 'a')},
    {"p3", std::string(14, 'a')},          {"t", "00:00"},
    {"list", "1 English 2 Ikinyarwanda"},  {"lang", "Ikinyarwanda"},
    {"text", std::string(160, 'a')}};

TEST_CASE("every reply of every pack passes the lint at its longest") {
  for (const i18n::Pack& pack : packs().all()) {
    for (const i18n::Catalogue::Reply& reply : pack.catalogue.replies()) {
      CAPTURE(pack.tag);
      CAPTURE(reply.id);
      const auto names = i18n::placeholders_of(reply.text);
      REQUIRE(names.has_value());
      std::string text = reply.text;
      for (const std::string_view name : *names) {
        CAPTURE(name);
        REQUIRE(longest.contains(name));
        const std::string placeholder = "{" + std::string{name} + "}";
        text.replace(text.find(placeholder), placeholder.size(), longest.at(name));
      }
      CAPTURE(text);
      const auto broken = lint(pack, text);
      CHECK_MESSAGE(!broken, broken.message());
    }
  }
}

TEST_CASE("each rule of the lint refuses what it forbids") {
  const i18n::Pack& english = *packs().find("en");
  const i18n::Pack& kinyarwanda = *packs().find("rw");
  i18n::Pack russian;
  russian.encoding = i18n::Encoding::ucs2;
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
      {russian, std::string(140, 'a') + "ж", errc::does_not_fit},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(lint(row.pack, row.text) == row.expected);
  }
}

}  // namespace
}  // namespace ishara::conversation
